// How the newest run stands, in words; one line speaks at each phase and each tenth of the way.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef, useState } from "react";
import type { Status } from "@/api/client";
import { isActive, statusQuery } from "@/api/queries";
import { PanelProblem } from "@/features/problem";
import { count, duration } from "@/format/numbers";
import { useZone, type Zone } from "@/format/time";
import css from "./Run.module.css";
import { StartButton } from "./RunControl";
import { type Words, wordsOf } from "./words";

export function RunBanner() {
  const query = useQuery(statusQuery);
  const client = useQueryClient();
  const zone = useZone();
  const status = query.data;
  const ended = useRef<string | null>(null);
  useEffect(() => {
    if (status === undefined) return;
    const now = `${status.job_id}:${status.state}`;
    if (ended.current !== null && ended.current !== now && !isActive(status)) {
      void client.invalidateQueries({ queryKey: ["history"] });
    }
    ended.current = now;
  }, [status, client]);
  if (status === undefined) {
    if (query.error === null) return <p className="muted">Checking for a run&hellip;</p>;
    return (
      <PanelProblem
        title="Status is not available. Results below are unaffected."
        error={query.error}
        again={() => void query.refetch()}
      />
    );
  }
  return <Banner status={status} words={wordsOf(status, zone)} zone={zone} />;
}

function Banner({ status, words, zone }: { status: Status; words: Words; zone: Zone }) {
  const heartbeat = useStill(status);
  const tone = css[words.tone] ?? "";
  // The page says it at length already; the line that speaks of a run has to be there before it.
  const quiet = status.state === "idle" && status.last_good === null;
  return (
    <section
      className={quiet ? "visually-hidden" : `${css.banner} ${tone}`}
      aria-label="Run"
      data-testid="run-banner"
      data-state={status.state}
      data-run={status.run_id ?? ""}
    >
      <div role={words.alert ? "alert" : undefined}>
        <p className={css.title}>{status.stalled ? heartbeat : words.title}</p>
        <p className="muted">
          {status.stalled ? "The run may be busy or stopped. We keep checking." : words.detail}
        </p>
      </div>
      <div className={css.side}>{actions(status, words)}</div>
      {isActive(status) ? <Progress status={status} /> : null}
      <Announcer status={status} words={words} zone={zone} />
    </section>
  );
}

function actions(status: Status, words: Words): ReactNode {
  const last = status.last_good;
  return (
    <>
      {status.state === "completed" && last ? (
        <Link to="/compare" search={{ head: last.run_id }}>
          Compare with another week
        </Link>
      ) : null}
      {status.state === "error" ||
      status.state === "interrupted" ||
      status.state === "cancelled" ? (
        <StartButton body={status.resume ?? {}}>
          {status.state === "error" ? "Try again" : "Go on with it"}
        </StartButton>
      ) : null}
      {words.again ? <StartButton body={{ force: true }}>Run again anyway</StartButton> : null}
    </>
  );
}

function Progress({ status }: { status: Status }) {
  const done = status.progress?.ratio;
  return (
    <div className={css.bar}>
      <progress
        aria-label="Combinations tested"
        max={1}
        {...(done === undefined ? {} : { value: done })}
        data-testid="progress"
      />
    </div>
  );
}

/** Spoken at a change of phase and at each tenth of the way, not at every poll. */
function Announcer({ status, words, zone }: { status: Status; words: Words; zone: Zone }) {
  const tenth = Math.floor(10 * (status.progress?.ratio ?? 0));
  const active = isActive(status);
  const [said, say] = useState("");
  // biome-ignore lint/correctness/useExhaustiveDependencies: it speaks when these change only
  useEffect(() => {
    const progress = status.progress;
    if (!active || progress === null || tenth === 0) say(words.title);
    else say(`${10 * tenth} % of ${count(progress.total)} combinations tested`);
  }, [status.state, status.phase, status.job_id, tenth, zone]);
  return (
    <p role="status" className="visually-hidden" data-testid="announcer">
      {said}
    </p>
  );
}

function useStill(status: Status): string {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!status.stalled) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [status.stalled]);
  const since = status.heartbeat_at === null ? now : Date.parse(status.heartbeat_at);
  return `No update for ${duration((now - since) / 1000)}`;
}
