// Home: the newest run, or an archived week, with a tile for each instrument.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { Overview, Tile as TileData } from "@/api/client";
import { isActive, overviewQuery, partialQuery, statusQuery } from "@/api/queries";
import { Nothing, PanelProblem } from "@/features/problem";
import { StartButton } from "@/features/run/RunControl";
import { Tile } from "@/features/tiles/Tile";
import { useRun } from "@/features/useRun";
import { count } from "@/format/numbers";
import { instant, useZone } from "@/format/time";
import { useTitle } from "@/layout/useTitle";
import { Arriving } from "./Arriving";
import css from "./Dashboard.module.css";
import { SORTS, shown } from "./order";
import { Strip } from "./Strip";

export function Dashboard() {
  const { run, week, newest, unknown } = useRun();
  const status = useQuery(statusQuery).data;
  const active = isActive(status);
  const partial = useQuery({ ...partialQuery(status?.seq ?? 0), enabled: active });
  useTitle(week ?? "Overview");
  return (
    <>
      <h1 tabIndex={-1}>{week === undefined ? "Overview" : `Overview of ${week}`}</h1>
      {active && newest && partial.data ? <Arriving partial={partial.data} /> : null}
      {unknown ? (
        <Nothing heading title={`No run of ${week} is kept`}>
          <Link to="/">To the latest week</Link>
        </Nothing>
      ) : run === null ? (
        <Empty active={active} />
      ) : run === undefined ? (
        <Skeleton />
      ) : (
        <Result run={run} newest={newest} />
      )}
    </>
  );
}

function Empty({ active }: { active: boolean }) {
  if (active) {
    return (
      <Nothing heading title="The first run is on its way">
        <p className="muted">Instruments appear here as they finish.</p>
      </Nothing>
    );
  }
  return (
    <Nothing heading title="No runs yet">
      <p className="muted">
        Run the weekly grid: it sweeps every instrument, judges its choice on the weeks after it,
        and keeps the result here.
      </p>
      <StartButton>Run backtest</StartButton>
    </Nothing>
  );
}

function Skeleton() {
  return (
    <div className={css.tiles} aria-busy="true">
      {["a", "b", "c"].map((key) => (
        <div key={key} className={css.skeleton} />
      ))}
    </div>
  );
}

function Result({ run, newest }: { run: string; newest: boolean }) {
  const query = useQuery(overviewQuery(run));
  const zone = useZone();
  if (query.data === undefined) {
    if (query.error === null) return <Skeleton />;
    return (
      <PanelProblem
        title="The results could not be loaded."
        error={query.error}
        again={() => void query.refetch()}
      />
    );
  }
  const found = query.data;
  return (
    <>
      {newest ? null : (
        <p className={css.old}>
          You are viewing {found.week}. <Link to="/">Go to the latest week</Link>
        </p>
      )}
      <Strip overview={found} />
      <p className="muted">
        Look-back and hold-out from {instant(found.window.start, zone)} to{" "}
        {instant(found.window.end, zone)} &middot; {count(found.cells)} combinations &middot; run{" "}
        <code>{found.run_id}</code>
      </p>
      <Tiles overview={found} stale={query.isPlaceholderData} />
    </>
  );
}

function Tiles({ overview, stale }: { overview: Overview; stale: boolean }) {
  const search = useSearch({ from: "/" });
  const navigate = useNavigate({ from: "/" });
  const tiles: TileData[] = shown(overview.tiles, search.sort, search.show);
  const actions = Object.keys(overview.actions);
  const set = (name: "sort" | "show", value: string) =>
    void navigate({ search: (old) => ({ ...old, [name]: value === "" ? undefined : value }) });
  return (
    <section aria-label="Instruments" aria-busy={stale}>
      <div className={css.filters}>
        <label>
          Sort{" "}
          <select value={search.sort ?? "score"} onChange={(e) => set("sort", e.target.value)}>
            {Object.entries(SORTS).map(([key, sort]) => (
              <option key={key} value={key}>
                {sort.name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Show{" "}
          <select value={search.show ?? ""} onChange={(e) => set("show", e.target.value)}>
            <option value="">All</option>
            <option value="qualified">Qualified</option>
            <option value="unqualified">Not qualified</option>
            {actions.map((action) => (
              <option key={action} value={`action:${action}`}>
                Roster: {action.replace("_", " ")}
              </option>
            ))}
          </select>
        </label>
        <span className="muted">
          {count(tiles.length)} of {count(overview.tiles.length)} instruments
        </span>
      </div>
      <div className={css.tiles} data-testid="tiles" data-run={overview.run_id}>
        {tiles.map((tile) => (
          <Tile key={tile.instrument} tile={tile} week={search.week} run={overview.run_id} />
        ))}
      </div>
      {tiles.length === 0 ? (
        <Nothing title="No instrument matches">
          <button type="button" onClick={() => set("show", "")}>
            Clear the filter
          </button>
        </Nothing>
      ) : null}
    </section>
  );
}
