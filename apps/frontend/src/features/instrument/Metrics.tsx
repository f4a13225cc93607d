// Every metric of the look-back with the hold-out and the out-of-sample days beside it.
import { useState } from "react";
import type { Schemas } from "@/api/client";
import type { Entry } from "@/api/results";
import { reasonText } from "@/features/metric";
import { Chip, Panel, TableRegion } from "@/features/panel/Panel";
import { count } from "@/format/numbers";
import { sentence } from "@/format/words";
import { labelOf, written } from "./measures";

type MetricValue = Schemas["MetricValue"];

const FIRST = [
  "sharpe",
  "sharpe_period",
  "daily_t",
  "pnl",
  "return_pct",
  "profit_factor",
  "win_rate",
  "expectancy",
  "max_dd",
  "max_dd_pct",
  "trades",
  "days",
  "exposure_time",
  "cost_total",
];

interface Row {
  name: string;
  base: MetricValue | undefined;
  after: MetricValue | undefined;
  walked: string;
}

/** What the walk-forward as a whole says of a metric: only of two. */
function walked(entry: Entry, name: string): string {
  const found = entry.judgement.walk_forward;
  if (found === null) return "";
  if (name === "return_pct") return written(name, found.net_return_pct, entry.currency);
  if (name === "days") return count(found.days);
  if (name !== "sharpe") return "";
  return found.sharpe.value === null
    ? `n/a \u2013 ${reasonText(found.sharpe.reason)}`
    : written(name, found.sharpe.value, null);
}

export function Metrics({ entry }: { entry: Entry }) {
  const [all, setAll] = useState(false);
  const after = entry.judgement.hold_out;
  const rest = Object.keys(entry.metric_details).filter((name) => !FIRST.includes(name));
  const rows = [...FIRST, ...(all ? rest : [])].map(
    (name): Row => ({
      name,
      base: entry.metric_details[name],
      after: after?.metric_details[name],
      walked: walked(entry, name),
    }),
  );
  const flags = [...new Set(rows.flatMap((row) => [...(row.base?.flags ?? [])]))];
  return (
    <Panel
      title="Metrics"
      wide
      id="metrics"
      side={
        <button type="button" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Fewer" : `All ${FIRST.length + rest.length}`}
        </button>
      }
    >
      <p className="muted">
        The look-back chose the cell, so its numbers flatter. The hold-out and the walk-forward come
        after it: they did not choose.{" "}
        {after === null ? (entry.judgement.hold_out_reason ?? "") : null}
      </p>
      <TableRegion label="Metrics">
        <table>
          <thead>
            <tr>
              <th scope="col">Metric</th>
              <th scope="col" className="number">
                Look-back
              </th>
              <th scope="col" className="number">
                90 % interval
              </th>
              <th scope="col" className="number">
                n
              </th>
              <th scope="col" className="number">
                Hold-out
              </th>
              <th scope="col" className="number">
                90 % interval
              </th>
              <th scope="col" className="number">
                n
              </th>
              <th scope="col" className="number">
                Walk-forward
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.name} data-metric={row.name}>
                <th scope="row">{labelOf(row.name)}</th>
                <Cells name={row.name} value={row.base} currency={entry.currency} />
                <Cells name={row.name} value={row.after} currency={entry.currency} />
                <td className="number">{row.walked}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableRegion>
      {flags.length === 0 ? null : (
        <p>
          {flags.map((flag) => (
            <Chip key={flag} tone="warn">
              {sentence(flag)}
            </Chip>
          ))}{" "}
          <span className="muted">marks some of the look-back&rsquo;s metrics.</span>
        </p>
      )}
    </Panel>
  );
}

function Cells(props: { name: string; value: MetricValue | undefined; currency: string | null }) {
  const { name, value, currency } = props;
  if (value === undefined) {
    return (
      <>
        <td className="number muted">&ndash;</td>
        <td />
        <td />
      </>
    );
  }
  const range = value.ci90;
  return (
    <>
      <td className="number" title={value.method ?? undefined}>
        {value.value === null ? (
          <span className="muted">n/a &ndash; {reasonText(value.reason)}</span>
        ) : (
          <strong>{written(name, value.value, currency)}</strong>
        )}
      </td>
      <td className="number muted">
        {range === null
          ? ""
          : `${written(name, range[0], currency)} to ${written(name, range[1], currency)}`}
      </td>
      <td className="number muted">{value.n === null ? "" : count(value.n)}</td>
    </>
  );
}
