// One start of a run: note, downloads, and for one that failed its error and the end of its log.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { RunFacts } from "@/api/client";
import { exportsQuery, logQuery } from "@/api/pages";
import { exportHref } from "@/api/results";
import { Boundary } from "@/features/boundary";
import { Loaded } from "@/features/panel/Panel";
import { instant, useZone } from "@/format/time";
import css from "./History.module.css";
import { NoteEditor } from "./NoteEditor";

export function RunDetails({ run }: { run: RunFacts }) {
  const zone = useZone();
  const finished = run.state === "completed" && run.run_id !== null;
  return (
    <div className={css.details}>
      <Boundary title="The note could not be shown.">
        <NoteEditor job={run.job_id} />
      </Boundary>
      {finished ? (
        <Boundary title="The downloads could not be shown.">
          <Downloads job={run.job_id} />
        </Boundary>
      ) : (
        <Boundary title="The log could not be shown.">
          <Ending run={run} />
        </Boundary>
      )}
      <p className="muted">
        {run.window === null
          ? "No window"
          : `Window ${instant(run.window.start, zone)} to ${instant(run.window.end, zone)}`}
        {" \u00b7 "}
        {run.instruments.map((name) => name.replace("_", "/")).join(", ")}
        {run.run_id === null ? null : (
          <>
            {" \u00b7 "}run <code>{run.run_id}</code>
          </>
        )}
        {" \u00b7 "}job <code>{run.job_id}</code>
        {finished && run.run_id !== null ? (
          <>
            {" \u00b7 "}
            <Link to="/compare" search={{ head: run.run_id }}>
              Compare
            </Link>
          </>
        ) : null}
      </p>
    </div>
  );
}

function Downloads({ job }: { job: string }) {
  const query = useQuery(exportsQuery(job));
  return (
    <section aria-label="Downloads">
      <h3>Downloads</h3>
      <Loaded query={query} rows={4} fault="Downloads could not be listed.">
        {(found) => (
          <ul className={css.files} data-testid="exports">
            {found.exports.map((each) => (
              <li key={each.id}>
                {each.available ? (
                  <a href={exportHref(job, each.id)} download={each.name}>
                    {each.id.replace("-", ".")}
                  </a>
                ) : (
                  <span className="muted">{each.id.replace("-", ".")}</span>
                )}
                <span className="muted">
                  {" "}
                  {each.what}
                  {each.reason === null ? "" : ` \u2013 not there: ${each.reason}`}
                </span>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </section>
  );
}

function Ending({ run }: { run: RunFacts }) {
  const [asked, ask] = useState(false);
  return (
    <section aria-label="How it ended">
      <h3>How it ended</h3>
      <p className={run.error === null ? "muted" : css.error}>
        {run.error === null ? "No error is noted." : run.error.message}
      </p>
      {asked ? (
        <Log job={run.job_id} />
      ) : (
        <button type="button" onClick={() => ask(true)}>
          Show the last log lines
        </button>
      )}
    </section>
  );
}

function Log({ job }: { job: string }) {
  const query = useQuery(logQuery(job));
  return (
    <Loaded query={query} rows={6} fault="The log could not be loaded.">
      {(log) =>
        log.lines.length === 0 ? (
          <p className="muted">Its process left no lines.</p>
        ) : (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys scroll it
          <section className={css.log} aria-label="Last log lines" tabIndex={0}>
            <pre data-testid="log">{log.lines.join("\n")}</pre>
          </section>
        )
      }
    </Loaded>
  );
}
