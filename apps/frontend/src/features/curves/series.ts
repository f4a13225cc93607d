// Columns of a reply as the chart takes them: milliseconds, an upper and a lower line.
import type { Schemas } from "@/api/client";

export interface Series {
  time: number[];
  upper: (number | null)[];
  lower: (number | null)[];
}

export const equitySeries = (curve: Schemas["EquityCurve"]): Series => ({
  time: curve.time_ms,
  upper: curve.equity,
  lower: curve.underwater_fraction,
});

/** A trading day is a date, not an instant: it is drawn at its noon, UTC. */
export const dailySeries = (curve: Schemas["DailyCurve"]): Series => ({
  time: curve.day.map((day) => Date.parse(`${day}T12:00:00Z`)),
  upper: curve.equity,
  lower: curve.underwater_fraction,
});

/** The last point at or before a time; the first one for an earlier time. */
export function pointAt(time: readonly number[], at: number): number {
  let [low, high] = [0, time.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((time[middle] ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return Math.max(low, 0);
}
