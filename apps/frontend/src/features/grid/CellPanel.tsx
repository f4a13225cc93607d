// One cell in detail: its parameters, its look-back beside its hold-out, and its neighbours.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Schemas } from "@/api/client";
import { cellQuery, type Entry, type Of, type Row } from "@/api/results";
import { labelOf, written } from "@/features/instrument/measures";
import { runOf } from "@/features/instrument/place";
import { reasonText } from "@/features/metric";
import { Chip, type Fact, Facts, Panel, Skeleton, TableRegion } from "@/features/panel/Panel";
import panel from "@/features/panel/Panel.module.css";
import { PanelProblem } from "@/features/problem";
import { number } from "@/format/numbers";
import { sentence } from "@/format/words";
import css from "./Grid.module.css";
import { valueText } from "./places";

interface Props {
  of: Of;
  cell: number;
  axes: Schemas["GridAxes"];
  entry: Entry;
  isChosen: boolean;
}

const PAIRS = [
  ["score", null],
  ["sharpe", "hold_out_sharpe"],
  ["daily_t", "hold_out_daily_t"],
  ["pnl", "hold_out_pnl"],
  ["return_pct", "hold_out_return_pct"],
  ["profit_factor", "hold_out_profit_factor"],
  ["win_rate", "hold_out_win_rate"],
  ["max_dd_pct", "hold_out_max_dd_pct"],
  ["trades", "hold_out_trades"],
] as const;

export function CellPanel({ of, cell, axes, entry, isChosen }: Props) {
  const query = useQuery(cellQuery(of, cell));
  if (query.data === undefined) {
    if (query.error === null) return <Skeleton height="middle" what="Loading the cell" />;
    return (
      <PanelProblem
        title="The cell could not be loaded."
        error={query.error}
        again={() => void query.refetch()}
      />
    );
  }
  const row = query.data.items[0];
  if (row === undefined) {
    return (
      <Panel title={`Cell ${cell}`}>
        <p className="muted">The grid has no such cell.</p>
      </Panel>
    );
  }
  const params = axes.axes.map(
    (axis): Fact => [labelOf(axis.name), valueText(plainOf(row, axis.name))],
  );
  return (
    <Panel
      title={isChosen ? `Cell ${row.cell}, the choice` : `Cell ${row.cell}`}
      side={
        row.qualified ? <Chip tone="good">Qualified</Chip> : <Chip tone="warn">Not qualified</Chip>
      }
      id="cell"
    >
      <Facts facts={params} />
      <TableRegion label="Metrics of the cell">
        <table>
          <thead>
            <tr>
              <th scope="col">Metric</th>
              <th scope="col" className="number">
                Look-back
              </th>
              <th scope="col" className="number">
                Hold-out
              </th>
            </tr>
          </thead>
          <tbody>
            {PAIRS.map(([name, after]) => (
              <tr key={name}>
                <th scope="row">{labelOf(name)}</th>
                <td className="number">{text(row, name, name, entry.currency)}</td>
                <td className="number">
                  {after === null ? "" : text(row, after, name, entry.currency)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableRegion>
      <Tags row={row} />
      {isChosen ? (
        <Neighbours entry={entry} />
      ) : (
        <p className="muted">
          The hold-out did not choose this cell, and must not: a cell picked by it has no judge
          left.
        </p>
      )}
      {isChosen ? (
        <Link to="/instruments/$symbol" params={{ symbol: of.symbol }} search={toCurves}>
          Open curves
        </Link>
      ) : (
        <p className="muted">Curves and trades are kept for the choice only.</p>
      )}
    </Panel>
  );
}

const toCurves = (old: { week?: string; run?: string }) => ({ ...runOf(old), tab: "curves" });

const plainOf = (row: Row, name: string) => {
  const value = row[name];
  return typeof value === "object" || value === undefined ? null : value;
};

function text(row: Row, column: string, name: string, currency: string | null) {
  const value = plainOf(row, column);
  if (typeof value === "number") return written(name, value, currency);
  const reason = row[`${column}_null`];
  const why =
    typeof reason === "string" ? reasonText(reason) : row.trades === 0 ? "no trades" : "no value";
  return <span className={css.why}>n/a &ndash; {why}</span>;
}

function Neighbours({ entry }: { entry: Entry }) {
  const found = entry.plateau;
  if (found === null) return null;
  return (
    <p>
      Neighbours: score {number(found.neighbourhood_mean, 3)} on average over {found.neighbours},{" "}
      {number(found.neighbourhood_min, 3)} at worst.
    </p>
  );
}

function Tags({ row }: { row: Row }) {
  const words = (name: string): string[] => {
    const value = row[name];
    return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
  };
  const tags = [...words("penalties"), ...words("stress_tags"), ...words("flags")];
  if (tags.length === 0) return null;
  return (
    <p className={panel.chips}>
      {tags.map((tag) => (
        <Chip key={tag}>{sentence(tag)}</Chip>
      ))}
    </p>
  );
}
