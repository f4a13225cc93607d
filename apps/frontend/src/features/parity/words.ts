// What paper sessions prove of a cell, in words: proven, differs, or unproven with the reason.
import type { Schemas } from "@/api/client";
import type { ChipTone } from "@/features/panel/Panel";
import { count, percent } from "@/format/numbers";
import { dayOf, type Zone } from "@/format/time";

export type Parity = Schemas["Parity"];
type Counts = Schemas["CertificateShort"]["mismatch_counts"];

export const STATES: Record<Parity["state"], { name: string; chip: string; tone: ChipTone }> = {
  proven: { name: "Proven", chip: "Parity proven", tone: "good" },
  differs: { name: "Differs", chip: "Parity differs", tone: "bad" },
  unproven: { name: "Unproven", chip: "Parity unproven", tone: "plain" },
};

export const STAGES = ["gates", "decisions", "sizes", "fills", "pnl"] as const;
export const STAGE_NAMES: Record<(typeof STAGES)[number], string> = {
  gates: "Gates",
  decisions: "Decisions",
  sizes: "Sizes",
  fills: "Fills",
  pnl: "P&L",
};

const CAUSES: Record<string, string> = {
  late_data: "late data",
  restart: "restart",
  clock: "clock",
  setting: "setting",
  code: "code",
};
export const causeName = (cause: string) => CAUSES[cause] ?? cause.replaceAll("_", " ");

/** Such as "late data 5, restart 1"; empty where nothing differs. */
export const causesText = (counts: Counts) =>
  Object.entries(counts)
    .filter(([, found]) => (found ?? 0) > 0)
    .map(([cause, found]) => `${causeName(cause)} ${count(found)}`)
    .join(", ");

/** 100 % is said only where nothing differs: 99.996 is not rounded up to it. */
export const matchText = (value: number) =>
  value === 100 ? "100 %" : percent(Math.min(value, 99.99), 2);

/** The sentence behind the state. */
export function parityText(parity: Parity, zone: Zone): string {
  const { state, reason, match_pct, window } = parity;
  const week = window === null ? "" : `week of ${dayOf(window.start, zone)}`;
  if (state === "proven") return `${matchText(match_pct ?? 100)} of events, ${week}`;
  const why = (reason ?? "").replaceAll("late_data", "late data");
  if (state === "unproven" || match_pct === null) return why;
  return `${matchText(match_pct)} same; ${why.replace(/^session and backtest differ: /, "")}; ${week}`;
}

/** A value of an event as its JSON says it; what is not there is said in a word. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.map(valueText).join(", ");
  return Object.entries(value)
    .map(([name, each]) => `${name.replaceAll("_", " ")} ${valueText(each)}`)
    .join(", ");
}
