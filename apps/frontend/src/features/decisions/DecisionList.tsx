// The verdicts themselves: when, which side, what was decided, why, and what the gate carried.
import type { Schemas } from "@/api/client";
import { labelOf } from "@/features/instrument/measures";
import { Chip, TableRegion } from "@/features/panel/Panel";
import panel from "@/features/panel/Panel.module.css";
import { count, number } from "@/format/numbers";
import { instantShort, useZone, zoneName } from "@/format/time";
import css from "./Decisions.module.css";
import { reasonName } from "./names";

type Decision = Schemas["hotband__service__results__decisions__Decision"];

export function DecisionList({ items, busy }: { items: Decision[]; busy: boolean }) {
  const zone = useZone();
  const numbers = numbersOf(items);
  return (
    <div className={css.list} aria-busy={busy}>
      <TableRegion label="Verdicts">
        <table>
          <thead>
            <tr>
              <th scope="col">Judged, {zoneName(zone)}</th>
              <th scope="col">Side</th>
              <th scope="col">Verdict</th>
              <th scope="col">Reasons</th>
              {numbers.map((name) => (
                <th key={name} scope="col" className="number">
                  {labelOf(name)}
                </th>
              ))}
              <th scope="col">Gate</th>
            </tr>
          </thead>
          <tbody>
            {items.map((each) => (
              <tr key={each.id} data-decision={each.id}>
                <td>{instantShort(each.time, zone)}</td>
                <td>{side(each.direction)}</td>
                <td>
                  {each.admit ? <Chip tone="good">Admitted</Chip> : <Chip>Refused</Chip>}{" "}
                  {each.hard_blocked ? <Chip tone="warn">Blocked</Chip> : null}
                </td>
                <td>
                  <span className={panel.chips}>
                    {each.reasons.map((reason) => (
                      <Chip key={reason}>{reasonName(reason)}</Chip>
                    ))}
                  </span>
                </td>
                {numbers.map((name) => (
                  <td key={name} className="number">
                    {name === "units" || name === "repetitions"
                      ? count(each.numbers[name])
                      : number(each.numbers[name], 3)}
                  </td>
                ))}
                <td>{each.source}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableRegion>
    </div>
  );
}

const side = (direction: string) =>
  direction === "BUY" ? "\u25b2 Buy" : direction === "SELL" ? "\u25bc Sell" : direction;

/** Columns that any verdict of the list has a number for. */
const numbersOf = (items: readonly Pick<Decision, "numbers">[]): string[] => [
  ...new Set(
    items.flatMap((each) =>
      Object.entries(each.numbers)
        .filter(([, value]) => value !== null)
        .map(([name]) => name),
    ),
  ),
];
