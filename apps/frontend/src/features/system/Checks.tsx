// What the checks of `hotband doctor` say: the grave ones first, each with what to do.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Schemas } from "@/api/client";
import { readyQuery, systemQuery } from "@/api/system";
import { Chip, type ChipTone, Loaded, Notice, Panel } from "@/features/panel/Panel";
import { count, duration } from "@/format/numbers";
import { capital } from "@/format/words";
import css from "./System.module.css";

const STATUS: Record<string, { name: string; tone: ChipTone; order: number }> = {
  failed: { name: "Failing", tone: "bad", order: 0 },
  warning: { name: "Warning", tone: "warn", order: 1 },
  ok: { name: "Good", tone: "good", order: 2 },
  skipped: { name: "Skipped", tone: "plain", order: 3 },
};
const UNKNOWN = { name: "Unknown", tone: "plain", order: 4 } as const;
const of = (status: string) => STATUS[status] ?? UNKNOWN;

export function Checks() {
  const query = useQuery(systemQuery);
  const ready = useQuery(readyQuery);
  const again = () => {
    void query.refetch();
    void ready.refetch();
  };
  return (
    <Panel
      title="Checks"
      id="system-checks"
      busy={query.isFetching}
      side={
        <>
          {query.data === undefined ? null : <Since at={query.data.as_of} />}
          <button type="button" disabled={query.isFetching} onClick={again}>
            {query.isFetching ? "Checking\u2026" : "Check now"}
          </button>
        </>
      }
    >
      {ready.data?.ready === false ? (
        <Notice alert>Not ready: {ready.data.failing.join(", ")}.</Notice>
      ) : null}
      <Loaded
        query={query}
        rows={8}
        fault="Health is not available. The service may be restarting."
      >
        {(found) => <List found={found} ready={ready.data?.ready} />}
      </Loaded>
    </Panel>
  );
}

function List(props: { found: Schemas["SystemReply"]; ready: boolean | undefined }) {
  const { checks } = props.found;
  if (checks.length === 0) return <p className="muted">No checks configured</p>;
  const counted = (status: string) => checks.filter((each) => each.status === status);
  const bad = [...counted("failed"), ...counted("warning")].map((each) => each.name);
  const sorted = [...checks].sort((a, b) => of(a.status).order - of(b.status).order);
  return (
    <>
      <p>
        {bad.length === 0
          ? `All ${count(checks.length)} checks are good or had nothing to look at.`
          : `${count(bad.length)} of ${count(checks.length)} checks ask for attention: ${bad.join(", ")}.`}{" "}
        {props.ready === true ? "The service is ready." : ""}
      </p>
      <ul className={css.checks}>
        {sorted.map((check) => (
          <li key={check.name} data-check={check.name} data-status={check.status}>
            <Chip tone={of(check.status).tone}>{of(check.status).name}</Chip>
            <div>
              <strong>{capital(check.name)}</strong>
              <p>{check.text}</p>
              {check.do === "" ? null : <p className={css.do}>{check.do}</p>}
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}

function Since({ at }: { at: string }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 5000);
    return () => clearInterval(timer);
  }, []);
  return <span>Checked {duration((now - Date.parse(at)) / 1000)} ago</span>;
}
