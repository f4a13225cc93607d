// What the examination of the result noticed, and the notes of the run.
import type { Schemas } from "@/api/client";
import { Chip, Panel } from "@/features/panel/Panel";
import list from "@/features/panel/Panel.module.css";
import { sentence } from "@/format/words";
import css from "./Instrument.module.css";

type Finding = Schemas["hotband__artefacts__judgement__Finding"];

export function Findings({ findings, notes }: { findings: Finding[]; notes: string[] }) {
  return (
    <Panel title="Findings and notes" id="findings">
      {findings.length === 0 ? <p className="muted">Nothing stood out.</p> : null}
      <ul className={list.list}>
        {findings.map((finding) => (
          <li key={finding.text} className={css.finding}>
            <span>
              {finding.severity === "note" ? (
                <Chip>Note</Chip>
              ) : (
                <Chip tone="warn">{sentence(finding.severity)}</Chip>
              )}
            </span>
            <span>{finding.text}</span>
          </li>
        ))}
        {notes.map((note) => (
          <li key={note} className={css.finding}>
            <span>
              <Chip>Run</Chip>
            </span>
            <span>{note}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
