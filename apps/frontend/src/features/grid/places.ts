// The places of a plane: value, words, and whether the limits leave them.
import type { Schemas } from "@/api/client";
import { labelOf, written } from "@/features/instrument/measures";
import { reasonText } from "@/features/metric";
import { count, number } from "@/format/numbers";
import type { Limits, Value } from "./view";

type GridPlane = Schemas["GridPlane"];

export interface Place {
  row: number;
  column: number;
  x: Value;
  y: Value;
  cell: number | null;
  value: number | null;
  text: string;
  /** Why there is no value; null where there is one. */
  reason: string | null;
  trades: number | null;
  qualified: boolean;
  kept: boolean;
  chosen: boolean;
  /** Differs by one step at most from the choice on every axis of the plane. */
  neighbour: boolean;
  /** All of it in words. */
  words: string;
}

export const valueText = (value: Value) =>
  value === null ? "off" : typeof value === "number" ? number(value, 6) : String(value);

type Kept = (row: number, column: number) => boolean;

/** A limit on what a cell lacks dims it: nothing says that it keeps the limit. */
export function keptOf(
  limits: Limits,
  main: GridPlane,
  drawdowns: GridPlane | undefined,
  factors: GridPlane | undefined,
): Kept {
  const meets = (
    limit: number | null,
    of: (number | null)[][] | undefined,
    row: number,
    column: number,
    least: boolean,
  ) => {
    if (limit === null || of === undefined) return true;
    const value = of[row]?.[column] ?? null;
    return value !== null && (least ? value >= limit : value <= limit);
  };
  return (row, column) =>
    meets(limits.trades, main.trades, row, column, true) &&
    meets(limits.drawdown, drawdowns?.values, row, column, false) &&
    meets(limits.factor, factors?.values, row, column, true);
}

/** Marks the choice only where the axes not drawn are held at it: `atChoice`. */
export function placesOf(
  plane: GridPlane,
  kept: Kept,
  currency: string | null,
  atChoice: boolean,
): Place[] {
  const { x, y } = plane;
  if (x === null || y === null) return [];
  const atX = x.values.indexOf(x.chosen);
  const atY = y.values.indexOf(y.chosen);
  return y.values.flatMap((yValue, row) =>
    x.values.map((xValue, column): Place => {
      const cell = plane.cells[row]?.[column] ?? null;
      const value = plane.values[row]?.[column] ?? null;
      const trades = plane.trades[row]?.[column] ?? null;
      const qualified = plane.qualified[row]?.[column] ?? false;
      const chosen = atChoice && row === atY && column === atX;
      const near = atChoice && Math.abs(row - atY) <= 1 && Math.abs(column - atX) <= 1;
      const reason = value === null ? whyNot(plane, row, column, cell, trades) : null;
      const text = value === null ? "n/a" : written(plane.metric, value, currency);
      const keeps = kept(row, column);
      const words = [
        `${labelOf(x.name)} ${valueText(xValue)}, ${labelOf(y.name)} ${valueText(yValue)}: ${labelOf(plane.metric)} ${text}${reason === null ? "" : `, ${reason}`}`,
        trades === null ? null : `${count(trades)} trades`,
        cell === null ? null : qualified ? "qualified" : "not qualified",
        chosen ? "the choice" : near ? "neighbour of the choice" : null,
        keeps ? null : "dimmed by the limits",
      ];
      return {
        row,
        column,
        x: xValue,
        y: yValue,
        cell,
        value,
        text,
        reason,
        trades,
        qualified,
        kept: keeps,
        chosen,
        neighbour: near && !chosen,
        words: words.filter((word) => word !== null).join("; "),
      };
    }),
  );
}

function whyNot(
  plane: GridPlane,
  row: number,
  column: number,
  cell: number | null,
  trades: number | null,
): string {
  if (cell === null) return "not tested";
  const code = plane.reasons[row]?.[column] ?? null;
  if (code !== null) return reasonText(code);
  return trades === 0 ? "no trades" : "no value";
}
