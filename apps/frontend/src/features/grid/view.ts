// What of the grid is shown, read from the address and made whole by the axes.
import type { Schemas } from "@/api/client";
import type { View } from "@/features/instrument/place";

type Axis = Schemas["GridAxis"];
export type Value = Axis["values"][number];

export interface GridView {
  x: string;
  y: string;
  metric: string;
  /** Values of axes that are held elsewhere than at the chosen cell. */
  fixed: Record<string, string>;
  limits: Limits;
}

export interface Limits {
  trades: number | null;
  drawdown: number | null;
  factor: number | null;
}

/** One spelling for a value, as the service reads it. */
export const spelt = (value: Value) => (value === null ? "null" : String(value));

/** "min_reps:2,hold_minutes:30" as a record; what names no axis or no value of it is left out. */
export function fixedOf(text: string | undefined, axes: readonly Axis[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const part of (text ?? "").split(",")) {
    const [name, value] = part.split(":");
    const axis = axes.find((each) => each.name === name);
    if (axis && value !== undefined && axis.values.some((each) => spelt(each) === value)) {
      found[axis.name] = value;
    }
  }
  return found;
}

export const fixedText = (fixed: Record<string, string>): string | undefined =>
  Object.entries(fixed)
    .map(([name, value]) => `${name}:${value}`)
    .join(",") || undefined;

const KEYS: Record<keyof Limits, string> = { trades: "trades", drawdown: "dd", factor: "pf" };

/** "trades:20,dd:10,pf:1.1" as limits; what is no number is no limit. */
export function limitsOf(text: string | undefined): Limits {
  const parts = new Map((text ?? "").split(",").map((part) => part.split(":") as [string, string]));
  const of = (key: keyof Limits) => {
    const given = parts.get(KEYS[key]);
    const value = given === undefined || given === "" ? Number.NaN : Number(given);
    return Number.isFinite(value) ? value : null;
  };
  return { trades: of("trades"), drawdown: of("drawdown"), factor: of("factor") };
}

export const limitsText = (limits: Limits): string | undefined =>
  (Object.keys(KEYS) as (keyof Limits)[])
    .filter((key) => limits[key] !== null)
    .map((key) => `${KEYS[key]}:${limits[key]}`)
    .join(",") || undefined;

/** The axes with most values are drawn where the address names none; two are needed. */
export function gridView(view: View, axes: readonly Axis[], metrics: readonly string[]): GridView {
  const names = axes.map((axis) => axis.name);
  const long = [...axes].sort((a, b) => b.values.length - a.values.length).map((a) => a.name);
  const x = names.includes(view.x ?? "") ? (view.x ?? "") : (long.find((n) => n !== view.y) ?? "");
  const given = names.includes(view.y ?? "") && view.y !== x ? view.y : undefined;
  const y = given ?? long.find((name) => name !== x) ?? "";
  const metric = metrics.includes(view.metric ?? "") ? (view.metric ?? "score") : "score";
  const fixed = fixedOf(view.fixed, axes);
  delete fixed[x];
  delete fixed[y];
  return { x, y, metric, fixed, limits: limitsOf(view.where) };
}
