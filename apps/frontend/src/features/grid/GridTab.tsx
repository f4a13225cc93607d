// The grid explorer: a metric over two axes, the rest held, one cell in detail.
import { useQueries, useQuery } from "@tanstack/react-query";
import type { Schemas } from "@/api/client";
import { axesQuery, type Entry, exportHref, type Of, planeQuery } from "@/api/results";
import { Boundary } from "@/features/boundary";
import { useSetView, useView } from "@/features/instrument/place";
import { Panel, Skeleton } from "@/features/panel/Panel";
import { Nothing, PanelProblem } from "@/features/problem";
import { count } from "@/format/numbers";
import { CellPanel } from "./CellPanel";
import { Controls } from "./Controls";
import { CopyLink } from "./CopyLink";
import css from "./Grid.module.css";
import { HeatMap } from "./HeatMap";
import { PlaneTable } from "./PlaneTable";
import { keptOf, placesOf } from "./places";
import { type GridView, gridView, spelt } from "./view";

/** More cells than this can be neither read nor walked through. */
const MOST = 2_500;

export default function GridTab({ of, entry }: { of: Of; entry: Entry }) {
  const axes = useQuery(axesQuery(of));
  if (axes.data === undefined) {
    if (axes.error === null) return <Skeleton height="high" what="Loading the grid" />;
    return (
      <PanelProblem
        title="Grid could not be loaded."
        error={axes.error}
        again={() => void axes.refetch()}
      />
    );
  }
  if (axes.data.absent !== null || axes.data.axes.length < 2) {
    return (
      <Nothing title="No grid to draw">
        <p>{axes.data.absent?.text ?? "The grid has fewer than two axes."}</p>
      </Nothing>
    );
  }
  return <Explorer of={of} entry={entry} axes={axes.data} />;
}

function Explorer(props: { of: Of; entry: Entry; axes: Schemas["GridAxes"] }) {
  const { of, entry, axes } = props;
  const address = useView();
  const setView = useSetView();
  const view = gridView(address, axes.axes, axes.metrics);
  const chosen = useChosen(of, view);
  const cell = address.cell ?? chosen ?? null;
  const atChoice = axes.axes.every(
    ({ name, chosen: held }) => (view.fixed[name] ?? spelt(held)) === spelt(held),
  );
  return (
    <div className={css.explorer} data-testid="grid">
      <Panel
        title="Grid"
        side={
          <span className={css.actions}>
            <button
              type="button"
              aria-pressed={address.view === "table"}
              onClick={() => setView({ view: address.view === "table" ? undefined : "table" })}
            >
              Show as table
            </button>
            <CopyLink />
            <a href={exportHref(of.run, "rows-csv")} download>
              All cells of all instruments (CSV)
            </a>
          </span>
        }
      >
        <Controls axes={axes} view={view} setView={setView} />
        <Plane
          of={of}
          view={view}
          cell={cell}
          currency={entry.currency}
          asTable={address.view === "table"}
          atChoice={atChoice}
          onCell={(next) => setView({ cell: next })}
          onBack={() => setView({ fixed: undefined })}
        />
      </Panel>
      <Boundary title="The cell could not be shown.">
        {cell === null ? null : (
          <CellPanel of={of} cell={cell} axes={axes} entry={entry} isChosen={cell === chosen} />
        )}
      </Boundary>
    </div>
  );
}

/** The cell that the result names: where the axes not drawn are held at it, it lies in the plane. */
function useChosen(of: Of, view: GridView): number | null {
  const { x, y } = view;
  const plane = useQuery(planeQuery(of, { x, y, metric: "score", fixed: [] })).data;
  if (!plane?.x || !plane.y) return null;
  const column = plane.x.values.indexOf(plane.x.chosen);
  const row = plane.y.values.indexOf(plane.y.chosen);
  return plane.cells[row]?.[column] ?? null;
}

function Plane(props: {
  of: Of;
  view: GridView;
  cell: number | null;
  currency: string | null;
  asTable: boolean;
  atChoice: boolean;
  onCell: (cell: number) => void;
  onBack: () => void;
}) {
  const { of, view, cell, currency } = props;
  const { x, y, limits } = view;
  const fixed = Object.entries(view.fixed).map(([name, value]) => `${name}:${value}`);
  const [main, drawdowns, factors] = useQueries({
    queries: [
      planeQuery(of, { x, y, metric: view.metric, fixed }),
      {
        ...planeQuery(of, { x, y, metric: "max_dd_pct", fixed }),
        enabled: limits.drawdown !== null,
      },
      {
        ...planeQuery(of, { x, y, metric: "profit_factor", fixed }),
        enabled: limits.factor !== null,
      },
    ],
  });
  if (main.data === undefined) {
    if (main.error === null) return <Skeleton height="middle" what="Loading the grid" />;
    return (
      <PanelProblem
        title="Grid could not be loaded."
        error={main.error}
        again={() => void main.refetch()}
      />
    );
  }
  const size = (main.data.x?.values.length ?? 0) * (main.data.y?.values.length ?? 0);
  if (size > MOST) {
    return (
      <Nothing title={`${count(size)} cells are too many to draw`}>
        <p className="muted">Choose axes with fewer values, or take the CSV.</p>
      </Nothing>
    );
  }
  const kept = keptOf(limits, main.data, drawdowns.data, factors.data);
  const places = placesOf(main.data, kept, currency, props.atChoice);
  const shown = places.filter((place) => place.cell !== null && place.kept).length;
  return (
    <div aria-busy={main.isPlaceholderData} className={css.plane}>
      <p className="muted" role="status">
        {shown} of {main.data.tested} shown
        {main.data.tested < size ? ` \u00b7 ${main.data.tested} of ${size} places tested` : ""}
      </p>
      {props.atChoice ? null : (
        <p className="muted">
          The choice lies in another plane: an axis is held away from it.{" "}
          <button type="button" onClick={props.onBack}>
            Back to it
          </button>
        </p>
      )}
      {shown === 0 ? <p>This combination of filters leaves no cells.</p> : null}
      {props.asTable ? (
        <PlaneTable plane={main.data} places={places} onCell={props.onCell} />
      ) : (
        <HeatMap plane={main.data} places={places} selected={cell} onCell={props.onCell} />
      )}
    </div>
  );
}
