// One instrument of one run: everything that its result says, in tabs.
import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense } from "react";
import { Problem } from "@/api/client";
import { type InstrumentReply, instrumentQuery, type Of } from "@/api/results";
import { Boundary } from "@/features/boundary";
import { Header } from "@/features/instrument/Header";
import css from "@/features/instrument/Instrument.module.css";
import { TABS, type Tab, Tabs, tabOf } from "@/features/instrument/Tabs";
import { Skeleton } from "@/features/panel/Panel";
import { Nothing, PanelProblem } from "@/features/problem";
import { useRun } from "@/features/useRun";
import { useTitle } from "@/layout/useTitle";
import { Summary } from "./Summary";

const GridTab = lazy(() => import("@/features/grid/GridTab"));
const CurvesTab = lazy(() => import("@/features/curves/CurvesTab"));
const TradesTab = lazy(() => import("@/features/trades/TradesTab"));
const DecisionsTab = lazy(() => import("@/features/decisions/DecisionsTab"));
const DataTab = lazy(() => import("@/features/data/DataTab"));

export function Instrument() {
  const { symbol } = useParams({ from: "/instruments/$symbol" });
  const search = useSearch({ from: "/instruments/$symbol" });
  const { run, week, unknown } = useRun();
  const tab = tabOf(search.tab);
  const name = symbol.replace("_", "/");
  useTitle(name, TABS.find(([key]) => key === tab)?.[1], week);
  return (
    <>
      <h1 tabIndex={-1}>{name}</h1>
      {unknown ? (
        <Nothing title={`No run of ${week} is kept`}>
          <Link to="/instruments/$symbol" params={{ symbol }}>
            To the latest week
          </Link>
        </Nothing>
      ) : run === null ? (
        <Nothing title="No runs yet">
          <p className="muted">Results of {name} appear here after the first complete run.</p>
        </Nothing>
      ) : run === undefined ? (
        <Skeleton height="high" what="Loading the result" />
      ) : (
        <Result of={{ run, symbol }} tab={tab} week={week} />
      )}
    </>
  );
}

function Result({ of, tab, week }: { of: Of; tab: Tab; week: string | undefined }) {
  const query = useQuery(instrumentQuery(of));
  if (query.data === undefined) {
    if (query.error === null) return <Skeleton height="high" what="Loading the result" />;
    if (query.error instanceof Problem && query.error.slug === "invalid-input") {
      return (
        <Nothing title={`This run has no ${of.symbol.replace("_", "/")}`}>
          <p className="muted">{query.error.message}</p>
          <Link to="/">To the overview</Link>
        </Nothing>
      );
    }
    return (
      <PanelProblem
        title={`Could not load ${of.symbol.replace("_", "/")}.`}
        error={query.error}
        again={() => void query.refetch()}
      />
    );
  }
  const reply = query.data;
  return (
    <>
      <Header reply={reply} week={week} />
      {reply.entry.state === "error" ? (
        <Nothing title="This instrument has no result in this run">
          <p>{reply.entry.error.message}</p>
          <p className="muted">
            {reply.entry.error.kind}. The other instruments of the run are unaffected.
          </p>
        </Nothing>
      ) : (
        <>
          <Tabs symbol={of.symbol} tab={tab} />
          <div
            role="tabpanel"
            id="tabpanel"
            aria-labelledby={`tab-${tab}`}
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a tab's panel takes the focus
            tabIndex={0}
            className={css.panel}
            data-tab={tab}
          >
            <Boundary key={tab} title="This part could not be shown.">
              <Suspense fallback={<Skeleton height="high" what="Loading" />}>
                {body(tab, of, reply)}
              </Suspense>
            </Boundary>
          </div>
        </>
      )}
    </>
  );
}

function body(tab: Tab, of: Of, reply: InstrumentReply): ReactNode {
  const { entry } = reply;
  if (entry.state === "error") return null;
  switch (tab) {
    case "grid":
      return <GridTab of={of} entry={entry} />;
    case "curves":
      return <CurvesTab of={of} entry={entry} />;
    case "trades":
      return <TradesTab of={of} entry={entry} />;
    case "decisions":
      return <DecisionsTab of={of} entry={entry} />;
    case "data":
      return <DataTab of={of} entry={entry} />;
    default:
      return <Summary reply={reply} entry={entry} />;
  }
}
