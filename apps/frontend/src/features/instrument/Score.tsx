// Where the score comes from: terms, what was not trusted, and the caps that hold it down.
import type { Entry } from "@/api/results";
import { Panel, TableRegion } from "@/features/panel/Panel";
import { number, ratio, share } from "@/format/numbers";
import { sentence } from "@/format/words";
import css from "./Instrument.module.css";
import { labelOf, written } from "./measures";

export function Score({ entry }: { entry: Entry }) {
  const terms = entry.score_terms;
  if (terms === null) {
    return (
      <Panel title="Score" id="score">
        <p className="muted">No score: {entry.score_reason ?? "no reason is given"}</p>
      </Panel>
    );
  }
  const { reliability } = terms;
  return (
    <Panel
      title="Score"
      id="score"
      side={
        <span>
          <strong>{ratio(entry.score)}</strong> <span className="muted">of 100</span>
        </span>
      }
    >
      <TableRegion label="Terms of the score">
        <table>
          <thead>
            <tr>
              <th scope="col">Term</th>
              <th scope="col" className="number">
                Input
              </th>
              <th scope="col">Points of the weight</th>
              <th scope="col" className="number">
                Points
              </th>
            </tr>
          </thead>
          <tbody>
            {terms.components.map((each) => (
              <tr key={each.name}>
                <th scope="row">{labelOf(each.name)}</th>
                <td className="number">
                  {each.input === null ? (
                    <span className="muted">n/a</span>
                  ) : (
                    written(each.name, each.input, entry.currency)
                  )}
                </td>
                <td>
                  <svg
                    className={css.track}
                    viewBox="0 0 100 8"
                    preserveAspectRatio="none"
                    aria-hidden="true"
                  >
                    <rect width={200 * each.weight} height="8" rx="1" />
                    <rect width={2 * each.points} height="8" rx="1" />
                  </svg>
                </td>
                <td className="number">
                  {ratio(each.points)}{" "}
                  <span className="muted">of {number(100 * each.weight, 3)}</span>
                </td>
              </tr>
            ))}
            <tr>
              <th scope="row">Not trusted</th>
              <td className="muted" colSpan={2}>
                trade depth {share(reliability.trade_depth, 0)}, real gates count{" "}
                {share(reliability.real_coverage, 0)}
              </td>
              <td className="number">{ratio(-reliability.points_lost)}</td>
            </tr>
          </tbody>
        </table>
      </TableRegion>
      <Penalties entry={entry} binding={terms.binding} />
      {terms.next_step === "" ? null : <p className="muted">Next step: {terms.next_step}.</p>}
    </Panel>
  );
}

function Penalties({ entry, binding }: { entry: Entry; binding: string | null }) {
  if (entry.penalties.length === 0) return <p className="muted">No penalty.</p>;
  return (
    <TableRegion label="Penalties">
      <table>
        <thead>
          <tr>
            <th scope="col">Penalty</th>
            <th scope="col" className="number">
              Found
            </th>
            <th scope="col" className="number">
              Limit
            </th>
            <th scope="col" className="number">
              Caps score at
            </th>
            <th scope="col" className="number">
              Lost
            </th>
          </tr>
        </thead>
        <tbody>
          {entry.penalties.map((each) => (
            <tr key={each.tag}>
              <th scope="row">
                {sentence(each.tag)}
                {each.tag === binding ? " (sets the score)" : ""}
              </th>
              <td className="number">{each.value === null ? "n/a" : number(each.value, 3)}</td>
              <td className="number">{number(each.threshold, 3)}</td>
              <td className="number">{each.cap === null ? "no cap" : number(each.cap, 3)}</td>
              <td className="number">{ratio(each.points_lost)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableRegion>
  );
}
