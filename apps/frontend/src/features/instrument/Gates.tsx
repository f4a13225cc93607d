// The gates of promotion in their order: what was measured, what was needed.
import type { Schemas } from "@/api/client";
import { Chip, Panel, TableRegion } from "@/features/panel/Panel";
import { count } from "@/format/numbers";
import { sentence } from "@/format/words";
import { labelOf, written } from "./measures";

type GateFact = Schemas["GateFact"];

export function Gates(props: { promotion: Schemas["PromotionFacts"]; currency: string | null }) {
  const { promotion, currency } = props;
  const passed = promotion.gates.filter((gate) => gate.passed).length;
  return (
    <Panel
      title="Gates of promotion"
      id="gates"
      side={
        <span className="muted">
          {passed} of {promotion.gates.length} passed
        </span>
      }
    >
      <TableRegion label="Gates of promotion">
        <table>
          <thead>
            <tr>
              <th scope="col">Gate</th>
              <th scope="col">Measure</th>
              <th scope="col" className="number">
                Found
              </th>
              <th scope="col" className="number">
                Needs
              </th>
              <th scope="col" className="number">
                n
              </th>
              <th scope="col">Result</th>
            </tr>
          </thead>
          <tbody>
            {promotion.gates.map((gate) => (
              <tr key={`${gate.name} ${gate.measure}`} data-gate={gate.measure}>
                <th scope="row">{sentence(gate.name)}</th>
                <td>{labelOf(gate.measure)}</td>
                <td className="number">
                  {gate.statistic === null ? (
                    <span className="muted">n/a</span>
                  ) : (
                    written(gate.measure, gate.statistic, currency)
                  )}
                </td>
                <td className="number">
                  {gate.at_least ? "\u2265" : "\u2264"}{" "}
                  {written(gate.measure, gate.threshold, currency)}
                </td>
                <td className="number muted">{count(gate.n)}</td>
                <td>{outcome(gate)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableRegion>
    </Panel>
  );
}

function outcome(gate: GateFact) {
  if (gate.passed === null) return <Chip>Not asked</Chip>;
  return gate.passed ? <Chip tone="good">Passed</Chip> : <Chip tone="warn">Failed</Chip>;
}
