// Starts of runs, newest first; a row opens to its note, downloads, error and log.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { RunFacts } from "@/api/client";
import { noteQuery } from "@/api/pages";
import { Chip, TableRegion } from "@/features/panel/Panel";
import { count, duration, share } from "@/format/numbers";
import { instantShort, useZone, zoneName } from "@/format/time";
import css from "./History.module.css";
import { RunDetails } from "./RunDetails";
import { factsOf, instrumentsText, ORIGINS, STATES, stateName } from "./words";

const COLUMNS = 12;

export function RunTable(props: {
  runs: readonly RunFacts[];
  open: string | undefined;
  toggle: (job: string) => void;
}) {
  const zone = useZone();
  return (
    <TableRegion label="Runs, newest first">
      <table className={css.table} data-testid="history">
        <thead>
          <tr>
            <th scope="col">Week</th>
            <th scope="col">State</th>
            <th scope="col" className="number">
              Instruments
            </th>
            <th scope="col" className="number">
              Qualified
            </th>
            <th scope="col" className="number">
              Promoted
            </th>
            <th scope="col" className="number">
              Trades
            </th>
            <th scope="col" className="number">
              Real gates
            </th>
            <th scope="col">Started by</th>
            <th scope="col">Started ({zoneName(zone)})</th>
            <th scope="col" className="number">
              Took
            </th>
            <th scope="col">Note</th>
            <th scope="col">
              <span className="visually-hidden">Details</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {props.runs.map((run) => (
            <Row
              key={run.job_id}
              run={run}
              open={props.open === run.job_id}
              toggle={() => props.toggle(run.job_id)}
            />
          ))}
        </tbody>
      </table>
    </TableRegion>
  );
}

function Row({ run, open, toggle }: { run: RunFacts; open: boolean; toggle: () => void }) {
  const zone = useZone();
  const facts = factsOf(run);
  const title = facts.week ?? "No week";
  return (
    <>
      <tr data-job={run.job_id} data-state={run.state}>
        <th scope="row">
          {run.state === "completed" && run.run_id !== null ? (
            <Link to="/" search={{ run: run.run_id }}>
              {title}
            </Link>
          ) : (
            <span className="muted">{title}</span>
          )}
        </th>
        <td>
          <Chip tone={facts.failed > 0 ? "warn" : STATES[run.state].tone}>{stateName(run)}</Chip>
          {run.reused ? <span className="muted"> inputs unchanged</span> : null}
        </td>
        <td className="number">{instrumentsText(facts)}</td>
        <td className="number">{count(facts.qualified)}</td>
        <td className="number">{count(facts.promoted)}</td>
        <td className="number">{count(facts.trades)}</td>
        <td className="number">{share(facts.real)}</td>
        <td>{ORIGINS[run.origin]}</td>
        <td>{instantShort(run.started_at ?? run.created_at, zone)}</td>
        <td className="number">{duration(run.duration_seconds)}</td>
        <td className={css.note}>{run.has_note ? <NoteText job={run.job_id} /> : null}</td>
        <td>
          <button type="button" aria-expanded={open} onClick={toggle}>
            {open ? "Close" : "Details"}
            <span className="visually-hidden">
              , {title}, {stateName(run)}, started {instantShort(run.created_at, zone)}
            </span>
          </button>
        </td>
      </tr>
      {open ? (
        <tr className={css.open}>
          <td colSpan={COLUMNS}>
            <RunDetails run={run} />
          </td>
        </tr>
      ) : null}
    </>
  );
}

function NoteText({ job }: { job: string }) {
  const text = useQuery(noteQuery(job)).data?.text;
  return <span title={text}>{text ?? "\u2026"}</span>;
}
