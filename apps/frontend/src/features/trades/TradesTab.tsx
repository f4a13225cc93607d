// The trades of the chosen cell beside the prices they were made at.
import { useInfiniteQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { tradesQuery } from "@/api/paged";
import { type Entry, exportHref, type Of } from "@/api/results";
import { Boundary } from "@/features/boundary";
import { Panel, Skeleton } from "@/features/instrument/panel";
import { useSetView, useView } from "@/features/instrument/place";
import { Nothing, PanelProblem } from "@/features/problem";
import { Filters } from "./Filters";
import { Sums } from "./Sums";
import css from "./Trades.module.css";
import { TradeTable } from "./TradeTable";

const CandlePanel = lazy(() => import("@/features/candles/CandlePanel"));

export default function TradesTab({ of, entry }: { of: Of; entry: Entry }) {
  const view = useView();
  const setView = useSetView();
  const query = useInfiniteQuery(
    tradesQuery(of, {
      sort: view.sort,
      direction: view.side,
      outcome: view.outcome,
      exit_reason: view.exit,
    }),
  );
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
      <Nothing title="No trades for this combination">
        {first.absent === null ? null : <p className="muted">{first.absent.text}</p>}
      </Nothing>
    );
  }
  const trades = query.data?.pages.flatMap((page) => page.items) ?? [];
  const selected = trades.find((trade) => trade.id === view.trade) ?? null;
  return (
    <div className={css.split} data-testid="trades">
      <Panel
        title="Trades"
        side={
          <span className="muted">
            Look-back, the chosen cell &middot;{" "}
            <a href={exportHref(of.run, "trades-csv")} download>
              Trades of all instruments (CSV)
            </a>
          </span>
        }
      >
        <Filters reasons={first.exit_reasons} />
        <Sums page={first} loaded={trades.length} currency={entry.currency ?? ""} />
        {first.total === 0 ? (
          <Nothing title="No trades match">
            <button
              type="button"
              onClick={() => setView({ side: undefined, outcome: undefined, exit: undefined })}
            >
              Clear filters
            </button>
          </Nothing>
        ) : (
          <TradeTable
            trades={trades}
            total={first.total}
            selected={view.trade ?? null}
            sort={view.sort}
            scope={[view.sort, view.side, view.outcome, view.exit].join()}
            busy={query.isPlaceholderData}
            more={query.hasNextPage && !query.isFetching}
            onMore={() => query.fetchNextPage()}
            onSelect={(trade) => setView({ trade })}
            onSort={(sort) => setView({ sort })}
          />
        )}
        {query.isFetchNextPageError ? (
          <PanelProblem
            title="The rest of the trades could not be loaded."
            error={query.error}
            again={() => void query.fetchNextPage()}
          />
        ) : null}
      </Panel>
      <Boundary title="Price chart could not be loaded. The trade list still works.">
        <Suspense fallback={<Skeleton height="high" what="Loading prices" />}>
          <CandlePanel
            of={of}
            trade={selected}
            window={entry.judgement.look_back}
            onClear={() => setView({ trade: undefined })}
            onTrade={(trade) => setView({ trade })}
          />
        </Suspense>
      </Boundary>
    </div>
  );
}
