// How the comparison names and judges what changed. Better is said only where more or less is.

import type { RunFacts } from "@/api/client";
import type { Comparison } from "@/api/pages";
import { metricText, reasonText } from "@/features/metric";
import { count, delta, number, percent } from "@/format/numbers";
import { instant, type Zone } from "@/format/time";
import { sentence } from "@/format/words";

export type InstrumentChange = Comparison["instruments"][string];
export type NumberChange = InstrumentChange["metrics"][string];
export type Plain = string | number | boolean | null;

const NAMES: Record<string, string> = {
  score: "Score",
  sharpe: "Sharpe",
  sortino: "Sortino",
  pnl: "P&L",
  profit_factor: "Profit factor",
  win_rate: "Win rate",
  return_pct: "Return",
  max_dd: "Max drawdown",
  max_dd_pct: "Max drawdown, %",
  trades: "Trades",
  state: "State",
  error: "Error",
  qualified: "Qualified",
  score_reason: "Why no score",
  source: "Gates",
  roster_action: "Decision",
  roster_size_x: "Size",
  profile: "Profile",
  grid: "Grid",
  code_version: "Code",
  seed: "Seed",
  bars: "Bars",
  gates: "Gate history",
};
const HOLD_OUT = "hold_out_";

export const bare = (name: string) => name.replace(HOLD_OUT, "");

export function nameOf(key: string): string {
  if (key.startsWith(HOLD_OUT)) return `${nameOf(bare(key))} (hold-out)`;
  return NAMES[key] ?? sentence(key);
}

const HIGHER: ReadonlySet<string> = new Set([
  "score",
  "sharpe",
  "sortino",
  "pnl",
  "profit_factor",
  "win_rate",
  "return_pct",
  "expectancy",
]);
const COUNTS: ReadonlySet<string> = new Set(["trades", "days", "active_days"]);
const LOWER: ReadonlySet<string> = new Set(["max_dd", "max_dd_pct"]);

export type Verdict = "better" | "worse" | null;

/** Drawdowns are kept as positive sizes: less of it is better. Trades are neither. */
export function verdictOf(name: string, moved: number | null): Verdict {
  if (moved === null || moved === 0) return null;
  const key = bare(name);
  if (HIGHER.has(key)) return moved > 0 ? "better" : "worse";
  if (LOWER.has(key)) return moved < 0 ? "better" : "worse";
  return null;
}

export function numberText(name: string, value: number | null, reason?: string | null): string {
  if (value === null) return `n/a \u2013 ${reasonText(reason)}`;
  if (bare(name) === "score") return number(value, 3);
  if (bare(name) === "max_dd_pct" || bare(name) === "return_pct") return percent(value, 2);
  if (COUNTS.has(bare(name))) return count(value);
  return metricText(bare(name), value, null).trim();
}

export function deltaText(name: string, moved: number | null): string {
  if (moved === null) return "";
  const key = bare(name);
  if (key === "win_rate") return `${delta(100 * moved, 1)} points`;
  if (key === "return_pct" || key === "max_dd_pct") return `${delta(moved, 2)} points`;
  if (COUNTS.has(key)) return delta(moved, 0);
  if (HIGHER.has(key) || LOWER.has(key) || moved === 0) return delta(moved, 2);
  // Settings may be small: three digits that count, two at least.
  return delta(moved, Math.min(6, Math.max(2, 2 - Math.floor(Math.log10(Math.abs(moved))))));
}

export function plainText(key: string, value: Plain): string {
  if (value === null) return "\u2013";
  if (typeof value === "boolean") return value ? "Yes" : "No";
  if (typeof value === "number") return number(value);
  if (key === "roster_action") return value.replaceAll("_", " ");
  return value;
}

export interface Choice {
  run: string;
  week: string;
  text: string;
}

/** Finished runs from the newest on, each result once. */
export function choicesOf(items: readonly RunFacts[], zone: Zone): Choice[] {
  const found = new Map<string, Choice>();
  for (const item of items) {
    const week = item.summary?.week;
    if (item.state !== "completed" || item.run_id === null || typeof week !== "string") continue;
    if (found.has(item.run_id)) continue;
    const text = `${week} \u00b7 ${instant(item.finished_at, zone)} \u00b7 ${item.run_id.slice(0, 8)}`;
    found.set(item.run_id, { run: item.run_id, week, text });
  }
  return [...found.values()];
}

/** The newest run of the week before; where there is none, the run before. */
export function baseFor(choices: readonly Choice[], head: string | undefined): string | undefined {
  const at = choices.findIndex((each) => each.run === head);
  const week = choices[at]?.week;
  if (week === undefined) return choices.find((each) => each.run !== head)?.run;
  const earlier = choices
    .filter((each) => each.week < week)
    .sort((a, b) => (a.week < b.week ? 1 : -1));
  return (earlier[0] ?? choices[at + 1] ?? choices.find((each) => each.run !== head))?.run;
}
