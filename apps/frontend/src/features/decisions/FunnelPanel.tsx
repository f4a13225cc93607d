// From gates to fills: how many are left after each stage, and what stopped the others.
import type { Schemas } from "@/api/client";
import { Chip, Panel, TableRegion } from "@/features/panel/Panel";
import { count, share } from "@/format/numbers";
import { sentence } from "@/format/words";
import css from "./Decisions.module.css";

const STAGES = [
  ["gates", "Gates"],
  ["admitted", "Admitted"],
  ["sized", "Sized"],
  ["planned", "Planned"],
  ["filled", "Filled"],
] as const;

export function FunnelPanel(props: { funnel: Schemas["Funnel"] | null; source: string | null }) {
  const { funnel, source } = props;
  return (
    <Panel
      title="From gates to fills"
      id="funnel"
      side={source === "synthetic" ? <Chip tone="made">Synthetic gates</Chip> : null}
    >
      {funnel === null ? (
        <p className="muted">The phase was not run, so nothing was judged.</p>
      ) : (
        <>
          <ol className={css.funnel}>
            {STAGES.map(([key, name]) => (
              <li key={key} data-stage={key}>
                <span>{name}</span>
                <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                  <rect width="100" height="8" />
                  <rect
                    width={funnel.gates > 0 ? (100 * funnel[key]) / funnel.gates : 0}
                    height="8"
                  />
                </svg>
                <strong>{count(funnel[key])}</strong>
                <span className="muted">
                  {funnel.gates > 0 ? share(funnel[key] / funnel.gates) : ""}
                </span>
              </li>
            ))}
          </ol>
          <Refusals refusals={funnel.refusals} />
        </>
      )}
    </Panel>
  );
}

function Refusals({ refusals }: { refusals: Record<string, number> }) {
  const sorted = Object.entries(refusals).sort((a, b) => b[1] - a[1]);
  if (sorted.length === 0) return <p className="muted">Nothing was refused.</p>;
  return (
    <TableRegion label="Refusals by their first reason">
      <table>
        <thead>
          <tr>
            <th scope="col">Refused for, first reason</th>
            <th scope="col" className="number">
              Gates
            </th>
          </tr>
        </thead>
        <tbody>
          {sorted.map(([reason, times]) => (
            <tr key={reason}>
              <td>{sentence(reason)}</td>
              <td className="number">{count(times)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableRegion>
  );
}
