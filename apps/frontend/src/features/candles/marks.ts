// Entries as arrows in the trade's direction, exits as dots; the chosen trade's are larger.
import type { SeriesMarker, Time, UTCTimestamp } from "lightweight-charts";
import type { Schemas } from "@/api/client";

type Marker = Schemas["Marker"];

/** Beyond so many, words beside the marks would cover the candles. */
const MOST_WORDS = 40;

export function marksOf(
  markers: readonly Marker[],
  chosen: number | null,
  palette: { gain: string; loss: string; muted: string; accent: string },
): SeriesMarker<Time>[] {
  const placed = markers.filter((mark) => mark.candle_ms !== null);
  return placed
    .map((mark): SeriesMarker<Time> => {
      const mine = mark.trade === chosen;
      const long = mark.direction === "LONG";
      const entry = mark.kind === "entry";
      const text = entry
        ? long
          ? "Long"
          : "Short"
        : `${(mark.pnl ?? 0) < 0 ? "\u2212" : "+"}${Math.abs(mark.pnl ?? 0).toFixed(2)}`;
      return {
        time: Math.floor((mark.candle_ms ?? 0) / 1000) as UTCTimestamp,
        position: entry === long ? "belowBar" : "aboveBar",
        shape: entry ? (long ? "arrowUp" : "arrowDown") : "circle",
        color: mine
          ? palette.accent
          : chosen !== null
            ? palette.muted
            : entry
              ? palette.accent
              : (mark.pnl ?? 0) < 0
                ? palette.loss
                : palette.gain,
        size: mine ? 2 : 1,
        ...(mine || (chosen === null && placed.length <= MOST_WORDS) ? { text } : {}),
      };
    })
    .sort((a, b) => Number(a.time) - Number(b.time));
}
