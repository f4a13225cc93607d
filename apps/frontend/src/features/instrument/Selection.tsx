// What the search itself takes away: the best of many trials looks good without an edge.
import type { Entry } from "@/api/results";
import { reasonText } from "@/features/metric";
import { type Fact, Facts, Panel, TableRegion } from "@/features/panel/Panel";
import { count, number, ratio, share } from "@/format/numbers";

const orWhy = (text: string, value: number | null, reason: string | null | undefined) =>
  value === null ? `n/a \u2013 ${reasonText(reason)}` : text;

/** Of the whole search; a value that the daily returns cannot give has the reason of the Sharpe. */
export function Selection({ entry }: { entry: Entry }) {
  const s = entry.judgement.selection;
  const why = entry.metric_details.sharpe?.reason;
  const effective = Object.values(s.effective_trials);
  const facts: Fact[] = [
    ["Trials ever made", count(s.trials)],
    ["Cells of this grid", count(s.cells)],
    [
      "Effective trials",
      effective.length === 0
        ? "\u2013"
        : `${number(Math.min(...effective), 3)} to ${number(Math.max(...effective), 3)}`,
    ],
    ["Best by luck alone, daily Sharpe", ratio(s.benchmark)],
    ["Deflated Sharpe", orWhy(share(s.dsr), s.dsr, why)],
    ["Probabilistic Sharpe", orWhy(share(s.psr), s.psr, why)],
    [
      "Step-down p",
      orWhy(
        `${number(s.step_down_p)} (${count(s.draws)} draws)`,
        s.step_down_p,
        s.step_down_reason,
      ),
    ],
    ["Probability of overfitting", orWhy(share(s.pbo), s.pbo, s.pbo_reason)],
    ["Sharpe after the haircut", orWhy(ratio(s.haircut_sharpe), s.haircut_sharpe, why)],
    [
      "Days that a proof needs",
      orWhy(count(s.min_track_record_days), s.min_track_record_days, why),
    ],
  ];
  return (
    <Panel title="Search" id="selection">
      <Facts facts={facts} />
    </Panel>
  );
}

/** "cells_192" is 192; the table goes up with the number of cells. */
function provableRows(provable: Record<string, number>): [number, number][] {
  return Object.entries(provable)
    .map(([name, sharpe]): [number, number] => [Number(name.replace("cells_", "")), sharpe])
    .filter(([cells]) => Number.isFinite(cells))
    .sort((a, b) => a[0] - b[0]);
}

export function Provable(props: { provable: Record<string, number>; cells: number }) {
  const rows = provableRows(props.provable);
  return (
    <Panel title="What so short a look-back can prove" id="provable">
      <p className="muted">
        The annual Sharpe ratio that this many days can prove, with 80&nbsp;% power, by how many
        cells are tried. The more cells, the more an edge must show.
      </p>
      <TableRegion label="Provable Sharpe ratio by number of cells">
        <table>
          <thead>
            <tr>
              <th scope="col" className="number">
                Cells
              </th>
              <th scope="col" className="number">
                Annual Sharpe of at least
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([cells, sharpe]) => (
              <tr key={cells}>
                <td className="number">
                  {count(cells)}
                  {cells === props.cells ? " (this grid)" : ""}
                </td>
                <td className="number">{ratio(sharpe)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableRegion>
    </Panel>
  );
}
