// An instrument's evidence over the weeks decided so far: a line with its threshold, and its table.
import { useQueries } from "@tanstack/react-query";
import { rosterQuery } from "@/api/pages";
import { actionName } from "@/features/panel/Decision";
import { Chip, TableRegion } from "@/features/panel/Panel";
import { number } from "@/format/numbers";
import { capital } from "@/format/words";
import { EvidenceLine } from "./EvidenceLine";
import { type Decision, LIGHTS } from "./words";

const WEEKS = 12;

export function EvidenceWeeks(props: { name: string; week: string; weeks: readonly string[] }) {
  const shown = props.weeks.filter((each) => each <= props.week).slice(-WEEKS);
  const replies = useQueries({
    queries: shown.map((week) => rosterQuery(week)),
  });
  const missing = replies.filter((reply) => reply.error !== null).length;
  const found: { week: string; made: Decision }[] = [];
  for (const reply of replies) {
    const made = reply.data?.decided?.decided[props.name]?.decision;
    if (made !== undefined) found.push({ week: made.week, made });
  }
  const busy = replies.some((reply) => reply.isPending);
  return (
    <section aria-busy={busy} aria-label={`Evidence of ${props.name.replace("_", "/")} by week`}>
      <h3>By week</h3>
      {missing > 0 ? (
        <p role="alert">
          {missing} of {shown.length} weeks could not be loaded.
        </p>
      ) : null}
      {found.length > 1 ? (
        <EvidenceLine
          values={found.map(({ made }) => made.evidence.wealth)}
          threshold={found.at(-1)?.made.evidence.threshold ?? 1}
        />
      ) : null}
      <TableRegion label="Evidence by week">
        <table>
          <thead>
            <tr>
              <th scope="col">Week</th>
              <th scope="col">Grade</th>
              <th scope="col">Decision</th>
              <th scope="col">Stage</th>
              <th scope="col" className="number">
                e-value
              </th>
              <th scope="col" className="number">
                p-value
              </th>
              <th scope="col" className="number">
                CUSUM (alarm)
              </th>
              <th scope="col" className="number">
                e-detector (alarm)
              </th>
            </tr>
          </thead>
          <tbody>
            {found.toReversed().map(({ week, made }) => (
              <WeekRow key={week} week={week} made={made} />
            ))}
          </tbody>
        </table>
      </TableRegion>
    </section>
  );
}

function WeekRow({ week, made }: { week: string; made: Decision }) {
  const found = made.evidence;
  const pair = (value: number | null | undefined, limit: number | null | undefined) =>
    value == null ? "at rest" : `${number(value, 3)} (${number(limit, 3)})`;
  const light = LIGHTS[made.light];
  return (
    <tr>
      <th scope="row">{week}</th>
      <td>
        <Chip tone={light.tone}>{light.name}</Chip>
      </td>
      <td>{actionName(made.action)}</td>
      <td>{capital(made.stage.after)}</td>
      <td className="number">{number(found.wealth, 3)}</td>
      <td className="number">{number(found.p_value, 2)}</td>
      <td className="number">{pair(found.cusum, found.cusum_threshold)}</td>
      <td className="number">{pair(found.detector, found.detector_threshold)}</td>
    </tr>
  );
}
