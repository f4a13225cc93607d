// The decisions of a week in their groups, each with its reasons; a row opens to its evidence.
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Decided } from "@/api/pages";
import { Chip, TableRegion } from "@/features/panel/Panel";
import { ParityCell } from "@/features/parity/ParityCell";
import type { Parity } from "@/features/parity/words";
import { count, number } from "@/format/numbers";
import { Details } from "./Details";
import css from "./Roster.module.css";
import { failing, type Group, LIGHTS, sizeText, step } from "./words";

const COLUMNS = 9;

interface Shown {
  groups: readonly Group[];
  week: string;
  weeks: readonly string[];
  acting: "evidence" | "rule";
  open: string | undefined;
  parity: Readonly<Record<string, Parity>>;
  toggle: (name: string) => void;
}

export function RosterTable(shown: Shown) {
  const acts = (machine: string) => (machine === shown.acting ? " (acts)" : "");
  return (
    <TableRegion label="Decisions and their reasons">
      <table className={css.table} data-testid="roster" data-week={shown.week}>
        <thead>
          <tr>
            <th scope="col">Instrument</th>
            <th scope="col">Week</th>
            <th scope="col">Rule{acts("rule")}</th>
            <th scope="col">Evidence{acts("evidence")}</th>
            <th scope="col" className="number">
              e-value
            </th>
            <th scope="col">Size</th>
            <th scope="col">Parity</th>
            <th scope="col">Reasons</th>
            <th scope="col">
              <span className="visually-hidden">Details</span>
            </th>
          </tr>
        </thead>
        {shown.groups
          .filter((group) => group.rows.length > 0)
          .map((group) => (
            <tbody key={group.action} data-action={group.action}>
              <tr className={css.group}>
                <th scope="rowgroup" colSpan={COLUMNS}>
                  <strong>{group.name}</strong> {count(group.rows.length)}
                  <span className="muted"> &middot; {group.means}</span>
                </th>
              </tr>
              {group.rows.map(([name, entry]) => (
                <Row key={name} name={name} entry={entry} {...shown} />
              ))}
            </tbody>
          ))}
      </table>
    </TableRegion>
  );
}

function Row({ name, entry, ...shown }: Shown & { name: string; entry: Decided }) {
  const made = entry.decision;
  const open = shown.open === name;
  const light = LIGHTS[made.light];
  const pair = name.replace("_", "/");
  return (
    <>
      <tr className={css.row} data-instrument={name} data-action={made.action}>
        <th scope="row">
          <Link to="/instruments/$symbol" params={{ symbol: name }} search={{ run: entry.run_id }}>
            {pair}
          </Link>
        </th>
        <td data-label="Week">
          <Chip tone={light.tone}>{light.name}</Chip>
        </td>
        <td data-label="Rule">
          {step(made.rule.before.word, made.rule.after.word)}
          <Small>{failing(made.rule.after.failing_weeks)}</Small>
        </td>
        <td data-label="Evidence">{step(made.stage.before, made.stage.after)}</td>
        <td className="number" data-label="e-value">
          {number(made.evidence.wealth, 3)}
          <Small>needs {number(made.evidence.threshold, 3)}</Small>
        </td>
        <td data-label="Size">{sizeText(made.size_x)}</td>
        <td data-label="Parity" className={css.parity}>
          <ParityCell parity={shown.parity[name]} />
        </td>
        <td className={css.reasons}>
          <ul>
            {made.reasons.map((why) => (
              <li key={`${why.code}:${why.text}`} data-reason={why.code}>
                {why.text}
              </li>
            ))}
          </ul>
        </td>
        <td className={css.last}>
          <button type="button" aria-expanded={open} onClick={() => shown.toggle(name)}>
            {open ? "Close" : "Evidence"}
            <span className="visually-hidden">, {pair}</span>
          </button>
        </td>
      </tr>
      {open ? (
        <tr className={css.open}>
          <td colSpan={COLUMNS}>
            <Details name={name} entry={entry} week={shown.week} weeks={shown.weeks} />
          </td>
        </tr>
      ) : null}
    </>
  );
}

function Small({ children }: { children: ReactNode }) {
  return children === "" ? null : <small className={css.small}>{children}</small>;
}
