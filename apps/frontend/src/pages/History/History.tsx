// Every start of a run that is known, with search and state in the address.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { RunFacts } from "@/api/client";
import { historyPages } from "@/api/pages";
import css from "@/features/history/History.module.css";
import { RunTable } from "@/features/history/RunTable";
import { matches, STATES } from "@/features/history/words";
import { changed } from "@/features/panel/address";
import { Panel, Waiting } from "@/features/panel/Panel";
import { Nothing, PanelProblem, reasonOf } from "@/features/problem";
import { StartButton } from "@/features/run/RunControl";
import { count } from "@/format/numbers";
import { useTitle } from "@/layout/useTitle";

export function History() {
  const query = useInfiniteQuery(historyPages);
  useTitle("History");
  const runs = query.data?.pages.flatMap((page) => page.items) ?? [];
  if (query.data === undefined) {
    return (
      <Page>
        {query.error === null ? (
          <Panel title="Runs" busy>
            <Waiting rows={8} />
          </Panel>
        ) : (
          <PanelProblem
            title="History could not be loaded."
            error={query.error}
            again={() => void query.refetch()}
          />
        )}
      </Page>
    );
  }
  if (runs.length === 0) {
    return (
      <Page>
        <Nothing title="No runs yet">
          <p className="muted">Each run is kept here.</p>
          <StartButton>Run backtest</StartButton>
        </Nothing>
      </Page>
    );
  }
  return (
    <Page>
      <Listed
        runs={runs}
        busy={query.isFetching}
        loadMore={query.hasNextPage ? () => void query.fetchNextPage() : null}
        fault={query.error}
      />
    </Page>
  );
}

function Page({ children }: { children: ReactNode }) {
  return (
    <>
      <h1 tabIndex={-1}>History</h1>
      {children}
    </>
  );
}

type Change = { [K in "q" | "state" | "open"]?: string | undefined };

function Listed(props: {
  runs: readonly RunFacts[];
  busy: boolean;
  loadMore: (() => void) | null;
  fault: unknown;
}) {
  const search = useSearch({ from: "/history" });
  const navigate = useNavigate({ from: "/history" });
  const shown = props.runs.filter((run) => matches(run, search.q, search.state));
  const set = (change: Change) =>
    void navigate({
      search: (old) => changed(old, change),
      replace: true,
      resetScroll: false,
    });
  return (
    <Panel title="Runs" busy={props.busy} id="history-runs">
      <Filters search={search} set={set}>
        {count(shown.length)} of {count(props.runs.length)} runs
        {props.loadMore === null ? "" : " loaded"}
      </Filters>
      {shown.length === 0 ? (
        <Nothing title="No runs match">
          <button type="button" onClick={() => set({ q: undefined, state: undefined })}>
            Clear filters
          </button>
        </Nothing>
      ) : (
        <RunTable
          runs={shown}
          open={search.open}
          toggle={(job) => set({ open: search.open === job ? undefined : job })}
        />
      )}
      {props.loadMore === null ? null : (
        <div className={css.more}>
          <button type="button" disabled={props.busy} onClick={props.loadMore}>
            {props.busy ? "Loading\u2026" : "Load more"}
          </button>
          <span className="muted">Search and state look at the runs that are loaded.</span>
        </div>
      )}
      {props.fault == null ? null : (
        <p role="alert" className={css.error}>
          The list could not be read again. {reasonOf(props.fault)}
        </p>
      )}
    </Panel>
  );
}

function Filters(props: {
  search: { q?: string; state?: string };
  set: (change: Change) => void;
  children: ReactNode;
}) {
  const { search, set } = props;
  return (
    <search className={css.filters}>
      <label>
        Search{" "}
        <input
          type="search"
          value={search.q ?? ""}
          maxLength={100}
          placeholder="Week, run, instrument"
          onChange={(event) => set({ q: event.target.value || undefined })}
        />
      </label>
      <label>
        State{" "}
        <select
          value={search.state ?? ""}
          onChange={(event) => set({ state: event.target.value || undefined })}
        >
          <option value="">Any</option>
          {Object.entries(STATES).map(([key, { name }]) => (
            <option key={key} value={key}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <span className="muted" role="status">
        {props.children}
      </span>
    </search>
  );
}
