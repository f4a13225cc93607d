// What the chosen cell said of each gate, and why.
import { useInfiniteQuery } from "@tanstack/react-query";
import { decisionsQuery } from "@/api/paged";
import type { Entry, Of, Phase } from "@/api/results";
import { Choice } from "@/features/instrument/Choice";
import { PHASES, phaseOf } from "@/features/instrument/phases";
import { useSetView, useView } from "@/features/instrument/place";
import { Panel, Skeleton } from "@/features/panel/Panel";
import panel from "@/features/panel/Panel.module.css";
import { Nothing, PanelProblem } from "@/features/problem";
import { count } from "@/format/numbers";
import { DecisionList } from "./DecisionList";
import css from "./Decisions.module.css";
import { FunnelPanel } from "./FunnelPanel";
import { Reasons } from "./Reasons";

const ADMITS = [
  ["all", "All"],
  ["yes", "Admitted"],
  ["no", "Refused"],
] as const;
type Admit = (typeof ADMITS)[number][0];

export default function DecisionsTab({ of, entry }: { of: Of; entry: Entry }) {
  const view = useView();
  const setView = useSetView();
  const phase = phaseOf(view.phase);
  const admit: Admit = ADMITS.find(([key]) => key === view.admit)?.[0] ?? "all";
  const query = useInfiniteQuery(
    decisionsQuery(of, {
      phase,
      reason: view.reason,
      admit: admit === "all" ? undefined : admit === "yes",
    }),
  );
  const first = query.data?.pages[0];
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className={panel.stack} data-testid="decisions" data-phase={phase}>
      <div className={panel.bar}>
        <Choice
          name="Phase"
          value={phase}
          choices={PHASES}
          onChoose={(next) => setView({ phase: next, reason: undefined })}
        />
        <Choice
          name="Verdict"
          value={admit}
          choices={ADMITS}
          onChoose={(next) => setView({ admit: next === "all" ? undefined : next })}
        />
        {view.reason === undefined ? null : (
          <button type="button" onClick={() => setView({ reason: undefined })}>
            Any reason
          </button>
        )}
      </div>
      {first === undefined ? (
        query.error === null ? (
          <Skeleton height="high" what="Loading decisions" />
        ) : (
          <PanelProblem
            title="Decisions could not be loaded."
            error={query.error}
            again={() => void query.refetch()}
          />
        )
      ) : (
        <>
          <div className={css.split}>
            <FunnelPanel funnel={first.funnel} source={sourceOf(entry, phase)} />
            <Reasons
              reasons={first.reasons}
              total={first.total}
              chosen={view.reason}
              onChoose={(reason) => setView({ reason })}
            />
          </div>
          {first.absent !== null || first.unfiltered === 0 ? (
            <Nothing title="No decisions are kept">
              <p className="muted">{first.absent?.text ?? "No gate was judged in this phase."}</p>
            </Nothing>
          ) : (
            <Panel
              title="Verdicts"
              side={
                <span className="muted" role="status">
                  {count(first.total)} of {count(first.unfiltered)} verdicts,{" "}
                  {count(first.admitted)} admitted
                </span>
              }
            >
              {first.total === 0 ? (
                <Nothing title="No verdict matches">
                  <button
                    type="button"
                    onClick={() => setView({ reason: undefined, admit: undefined })}
                  >
                    Clear filters
                  </button>
                </Nothing>
              ) : (
                <DecisionList items={items} busy={query.isPlaceholderData} />
              )}
              {query.hasNextPage ? (
                <div>
                  <button
                    type="button"
                    disabled={query.isFetching}
                    onClick={() => void query.fetchNextPage()}
                  >
                    Load more ({count(items.length)} of {count(first.total)} shown)
                  </button>
                </div>
              ) : null}
              {query.isFetchNextPageError ? (
                <PanelProblem
                  title="More verdicts could not be loaded."
                  error={query.error}
                  again={() => void query.fetchNextPage()}
                />
              ) : null}
            </Panel>
          )}
        </>
      )}
    </div>
  );
}

const sourceOf = (entry: Entry, phase: Phase) =>
  phase === "look_back" ? entry.source : (entry.judgement.hold_out?.source ?? null);
