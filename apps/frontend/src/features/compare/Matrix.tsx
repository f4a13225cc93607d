// Every changed instrument in a line: the headline metrics and the decision, base to head.
import type { Comparison } from "@/api/pages";
import { Chip, TableRegion } from "@/features/panel/Panel";
import { count } from "@/format/numbers";
import css from "./Compare.module.css";
import { Moved } from "./Moved";
import { type InstrumentChange, nameOf, numberText, plainText } from "./words";

const COLUMNS = ["sharpe", "profit_factor", "pnl", "max_dd_pct", "trades", "score"] as const;

export function Matrix({ found }: { found: Comparison }) {
  const names = Object.entries(found.instruments);
  return (
    <TableRegion label="Changes at a glance">
      <table className={css.table} data-testid="compare">
        <thead>
          <tr>
            <th scope="col">Instrument</th>
            {COLUMNS.map((name) => (
              <th scope="col" key={name} className="number">
                {nameOf(name)}
              </th>
            ))}
            <th scope="col">Decision</th>
            <th scope="col">Further</th>
          </tr>
        </thead>
        <tbody>
          {names.map(([name, change]) => (
            <tr key={name} data-instrument={name}>
              <th scope="row">
                <a href={`#change-${name}`}>{name.replace("_", "/")}</a>
              </th>
              {COLUMNS.map((column) => (
                <td key={column} className="number">
                  <Cell name={column} change={change} />
                </td>
              ))}
              <td>
                <DecisionChange change={change} />
              </td>
              <td className="muted">{further(change)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableRegion>
  );
}

/** What else changed, counted: the columns show the look-back only. */
function further(change: InstrumentChange): string {
  const keys = Object.keys(change.metrics);
  const held = keys.filter((key) => key.startsWith("hold_out_")).length;
  const shown: readonly string[] = COLUMNS;
  const rest = keys.filter((key) => !shown.includes(key)).length - held;
  const settings = Object.keys(change.params).length;
  const parts = [
    held > 0 ? `${count(held)} of the hold-out` : "",
    rest > 0 ? `${count(rest)} metrics` : "",
    settings > 0 ? `${count(settings)} parameters` : "",
    change.made_of.join(" and "),
  ];
  return parts.filter((part) => part !== "").join(", ");
}

function Cell({ name, change }: { name: string; change: InstrumentChange }) {
  const found = change.metrics[name];
  if (found === undefined) return <span className="muted">=</span>;
  return (
    <>
      <span className={css.pair}>
        {numberText(name, found.base, found.base_reason)} &rarr;{" "}
        {numberText(name, found.head, found.head_reason)}
      </span>
      <Moved name={name} moved={found.delta} />
    </>
  );
}

function DecisionChange({ change }: { change: InstrumentChange }) {
  const action = change.facts.roster_action;
  const qualified = change.facts.qualified;
  if (action === undefined && qualified === undefined) return <span className="muted">=</span>;
  return (
    <>
      {action === undefined ? null : (
        <Chip>
          {plainText("roster_action", action.base)} &rarr; {plainText("roster_action", action.head)}
        </Chip>
      )}{" "}
      {qualified === undefined ? null : (
        <Chip tone={qualified.head === true ? "good" : "warn"}>
          {qualified.head === true ? "now qualified" : "no longer qualified"}
        </Chip>
      )}
    </>
  );
}
