// Which trades: side, outcome, why they ended. The address holds it.

import { useSetView, useView } from "@/features/instrument/place";
import panel from "@/features/panel/Panel.module.css";
import { sentence } from "@/format/words";

const SIDES = [
  ["LONG", "Long"],
  ["SHORT", "Short"],
] as const;
const OUTCOMES = [
  ["win", "Wins"],
  ["loss", "Losses"],
  ["flat", "Neither"],
] as const;

export function Filters({ reasons }: { reasons: string[] }) {
  const view = useView();
  const setView = useSetView();
  const ends = reasons.map((reason) => [reason, sentence(reason)] as const);
  const fields = [
    ["side", "Side", SIDES],
    ["outcome", "Outcome", OUTCOMES],
    ["exit", "Ended by", ends],
  ] as const;
  return (
    <div className={panel.bar}>
      {fields.map(([key, label, choices]) => (
        <label key={key}>
          {label}
          <select
            value={view[key] ?? ""}
            onChange={(event) => setView({ [key]: event.target.value || undefined })}
          >
            <option value="">Any</option>
            {choices.map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
      ))}
    </div>
  );
}
