// Two finished runs side by side: what differs, and whether the numbers may be set side by side.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { compareQuery } from "@/api/pages";
import { historyQuery } from "@/api/queries";
import { Picker } from "@/features/compare/Picker";
import { baseFor, type Choice, choicesOf } from "@/features/compare/words";
import { changed } from "@/features/panel/address";
import { Loaded, Notice, Panel, Waiting } from "@/features/panel/Panel";
import { Nothing, PanelProblem } from "@/features/problem";
import { StartButton } from "@/features/run/RunControl";
import { useZone } from "@/format/time";
import { useTitle } from "@/layout/useTitle";
import { Result } from "./Result";

const MOST = 500;

export function Compare() {
  const search = useSearch({ from: "/compare" });
  const navigate = useNavigate({ from: "/compare" });
  const zone = useZone();
  const history = useQuery(historyQuery(MOST));
  const choices = choicesOf(history.data?.items ?? [], zone);
  const head = search.head ?? choices[0]?.run;
  const base = search.base ?? baseFor(choices, head);
  const all = search.all !== undefined;
  const weekOf = (run: string | undefined) => choices.find((each) => each.run === run)?.week;
  const title = `Compare ${weekOf(base) ?? "two"} \u2192 ${weekOf(head) ?? "runs"}`;
  useTitle(weekOf(base) === undefined ? "Compare" : title);
  const choose = (change: { base?: string; head?: string; all?: boolean }) => {
    void navigate({
      search: (old) =>
        changed(old, {
          base: change.base ?? base,
          head: change.head ?? head,
          all: (change.all ?? all) ? "yes" : undefined,
        }),
      resetScroll: false,
    });
  };
  return (
    <>
      <h1 tabIndex={-1}>{weekOf(base) === undefined ? "Compare" : title}</h1>
      {history.data === undefined ? (
        history.error === null ? (
          <Waiting rows={4} />
        ) : (
          <PanelProblem
            title="The list of runs could not be loaded."
            error={history.error}
            again={() => void history.refetch()}
          />
        )
      ) : (
        <>
          <Panel title="Runs" id="compare-runs">
            <Picker choices={choices} base={base} head={head} all={all} choose={choose} />
            <Newer choices={choices} head={head} choose={choose} />
          </Panel>
          <Pair base={base} head={head} runs={choices.length} all={all} />
        </>
      )}
    </>
  );
}

function Newer(props: {
  choices: readonly Choice[];
  head: string | undefined;
  choose: (change: { head: string }) => void;
}) {
  const at = props.choices.findIndex((each) => each.run === props.head);
  const newest = props.choices[0];
  if (newest === undefined || at <= 0 || newest.week <= (props.choices[at]?.week ?? ""))
    return null;
  return (
    <p className="muted">
      A newer week exists: {newest.week}.{" "}
      <button type="button" onClick={() => props.choose({ head: newest.run })}>
        Use it
      </button>
    </p>
  );
}

function Pair(props: {
  base: string | undefined;
  head: string | undefined;
  runs: number;
  all: boolean;
}) {
  const { base, head } = props;
  if (base === undefined || head === undefined) return <PickTwo runs={props.runs} />;
  if (base === head) return <Notice>Both sides are the same run. Choose another one.</Notice>;
  return <Compared base={base} head={head} all={props.all} />;
}

function Compared(props: { base: string; head: string; all: boolean }) {
  const query = useQuery(compareQuery(props.base, props.head));
  return (
    <Loaded query={query} rows={8} fault="Comparison could not be loaded.">
      {(found) => <Result found={found} all={props.all} busy={query.isPlaceholderData} />}
    </Loaded>
  );
}

function PickTwo({ runs }: { runs: number }) {
  return (
    <Nothing title="Pick two runs">
      <p className="muted">
        {runs === 0
          ? "No run is finished yet. A comparison needs two."
          : runs === 1
            ? "Only one run is finished. A comparison needs a second one, such as next week's."
            : "Choose a base and a head above."}
      </p>
      {runs < 2 ? <StartButton>Run backtest</StartButton> : <Link to="/history">History</Link>}
    </Nothing>
  );
}
