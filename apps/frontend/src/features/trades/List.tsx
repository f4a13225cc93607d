// The list under its filters and sums, and what is to say of a trade that it cannot show.
import type { UseInfiniteQueryResult } from "@tanstack/react-query";
import type { Schemas } from "@/api/client";
import { phaseOf } from "@/features/instrument/phases";
import { useSetView, useView } from "@/features/instrument/place";
import { Notice } from "@/features/panel/Panel";
import { Nothing, PanelProblem } from "@/features/problem";
import type { Trade } from "./columns";
import { Filters } from "./Filters";
import { Sums } from "./Sums";
import { TradeTable } from "./TradeTable";
import type { Chosen } from "./useChosen";

const FREE = { side: undefined, outcome: undefined, exit: undefined };

export function List(props: {
  query: UseInfiniteQueryResult;
  first: Schemas["TradePage"];
  trades: Trade[];
  chosen: Chosen;
  currency: string;
}) {
  const { query, first, trades, chosen } = props;
  const view = useView();
  const setView = useSetView();
  return (
    <>
      <Filters reasons={[...first.exit_reasons]} />
      <Sums page={first} loaded={trades.length} currency={props.currency} />
      <Trouble chosen={chosen} />
      {first.total === 0 ? (
        <Nothing title="No trades match">
          <button type="button" onClick={() => setView(FREE)}>
            Clear filters
          </button>
        </Nothing>
      ) : (
        <TradeTable
          trades={trades}
          total={first.total}
          selected={view.trade ?? null}
          selectedAt={chosen.at}
          sort={view.sort}
          scope={[view.sort, view.side, view.outcome, view.exit].join()}
          busy={query.isPlaceholderData}
          more={query.hasNextPage && !query.isFetching && !query.isFetchNextPageError}
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
    </>
  );
}

function Trouble({ chosen }: { chosen: Chosen }) {
  const view = useView();
  const setView = useSetView();
  const phase = phaseOf(view.phase).replace("_", "-");
  if (chosen.error !== null) {
    return <PanelProblem title="The trade could not be loaded." error={chosen.error} />;
  }
  if (chosen.trouble === null) return null;
  const missing = chosen.trouble === "missing";
  return (
    <Notice alert>
      {missing
        ? `This run has no trade ${view.trade} in the ${phase} of this instrument.`
        : `Trade ${view.trade} is not in the list: the filters leave it out.`}{" "}
      <button type="button" onClick={() => setView(missing ? { trade: undefined } : FREE)}>
        {missing ? "Show all trades" : "Clear filters"}
      </button>
    </Notice>
  );
}
