// The trades of the chosen cell over one phase, beside the prices they were made at.
import { useInfiniteQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { type TradesOf, tradesQuery } from "@/api/paged";
import { type Entry, exportHref, type Of } from "@/api/results";
import { Boundary } from "@/features/boundary";
import { Choice } from "@/features/instrument/Choice";
import { PHASES, phaseOf } from "@/features/instrument/phases";
import { useSetView, useView } from "@/features/instrument/place";
import { Panel, Skeleton } from "@/features/panel/Panel";
import panel from "@/features/panel/Panel.module.css";
import { Nothing, PanelProblem } from "@/features/problem";
import { List } from "./List";
import { EXPORTS, MEANS } from "./phases";
import css from "./Trades.module.css";
import { useChosen } from "./useChosen";

const CandlePanel = lazy(() => import("@/features/candles/CandlePanel"));

export default function TradesTab({ of, entry }: { of: Of; entry: Entry }) {
  const view = useView();
  const setView = useSetView();
  const phase = phaseOf(view.phase);
  return (
    <div className={panel.stack} data-testid="trades" data-phase={phase}>
      <div className={panel.bar}>
        <Choice
          name="Phase"
          value={phase}
          choices={PHASES}
          onChoose={(next) =>
            setView({
              phase: next === "look_back" ? undefined : next,
              exit: undefined,
              trade: undefined,
            })
          }
        />
        <span className="muted">{MEANS[phase]}</span>
      </div>
      <Shown key={phase} of={of} entry={entry} />
    </div>
  );
}

function Shown({ of, entry }: { of: Of; entry: Entry }) {
  const view = useView();
  const setView = useSetView();
  const phase = phaseOf(view.phase);
  const asked: TradesOf = {
    phase,
    sort: view.sort,
    direction: view.side,
    outcome: view.outcome,
    exit_reason: view.exit,
  };
  const query = useInfiniteQuery({
    ...tradesQuery(of, asked),
    // What was there before is kept for another sort or filter, never for another phase.
    placeholderData: (old) => (old?.pages[0]?.phase === phase ? old : undefined),
  });
  const trades = query.data?.pages.flatMap((page) => page.items) ?? [];
  const chosen = useChosen(of, asked, trades, view.trade);
  const first = query.data?.pages[0];
  if (first === undefined) {
    if (query.error === null) return <Skeleton height="high" what="Loading trades" />;
    return (
      <PanelProblem
        title="Trades could not be loaded."
        error={query.error}
        again={() => void query.refetch()}
      />
    );
  }
  if (first.absent !== null || first.unfiltered === 0) {
    return (
      <Nothing
        title={
          phase === "hold_out" ? "No trades after the choice" : "No trades for this combination"
        }
      >
        {first.absent === null ? null : <p className="muted">{first.absent.text}</p>}
      </Nothing>
    );
  }
  const window = phase === "hold_out" ? entry.judgement.hold_out?.window : undefined;
  return (
    <div className={css.split}>
      <Panel
        title="Trades"
        side={
          <span className="muted">
            The chosen cell &middot;{" "}
            <a href={exportHref(of.run, EXPORTS[phase])} download>
              Trades of all instruments (CSV)
            </a>
          </span>
        }
      >
        <List
          query={query}
          first={first}
          trades={trades}
          chosen={chosen}
          currency={entry.currency ?? ""}
        />
      </Panel>
      <Boundary title="Price chart could not be loaded. The trade list still works.">
        <Suspense fallback={<Skeleton height="high" what="Loading prices" />}>
          <CandlePanel
            of={of}
            phase={phase}
            trade={chosen.trade}
            window={window ?? entry.judgement.look_back}
            onClear={() => setView({ trade: undefined })}
            onTrade={(trade) => setView({ trade })}
          />
        </Suspense>
      </Boundary>
    </div>
  );
}
