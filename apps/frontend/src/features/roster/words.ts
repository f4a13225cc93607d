// The roster's words: groups in the order of the page, grades, stages, and what decided.
import type { Decided, RosterReply } from "@/api/pages";
import type { ChipTone } from "@/features/panel/Panel";
import { count, number } from "@/format/numbers";
import { capital } from "@/format/words";

export type Decision = Decided["decision"];
type Action = Decision["action"];

const GROUPS: readonly { action: Action; name: string; means: string }[] = [
  { action: "keep", name: "Keep", means: "trades on as it did" },
  { action: "re-enable", name: "Re-enable", means: "trades again from now on" },
  { action: "tighten", name: "Tighten", means: "trades smaller or stricter" },
  { action: "disable", name: "Disable", means: "trades no more" },
  { action: "no_change", name: "No change", means: "stays as it was" },
];

export const LIGHTS: Record<Decision["light"], { name: string; tone: ChipTone }> = {
  green: { name: "Passing", tone: "good" },
  amber: { name: "Borderline", tone: "warn" },
  red: { name: "Failing", tone: "bad" },
  grey: { name: "Not judged", tone: "plain" },
};

/** One word where nothing moved, else from and to. */
export const step = (before: string, after: string) =>
  before === after ? capital(after) : `${capital(before)} \u2192 ${capital(after)}`;

export const sizeText = (size: number) =>
  size === 0 ? "Does not trade" : size === 1 ? "Full size" : `${number(size, 3)}\u00d7 size`;

export interface Group {
  action: Action;
  name: string;
  means: string;
  rows: [string, Decided][];
}

/** All groups, the empty ones too: a count of 0 is an answer. */
export function groupsOf(week: NonNullable<RosterReply["decided"]>): Group[] {
  const rows = Object.entries(week.decided).sort(([a], [b]) => (a < b ? -1 : 1));
  return GROUPS.map((group) => ({
    ...group,
    rows: rows.filter(([, entry]) => entry.decision.action === group.action),
  }));
}

const list = (names: string[]) => names.map((name) => name.replace("_", "/")).join(", ");

/** Instruments whose week had no recorded gate. */
export function syntheticOnly(week: NonNullable<RosterReply["decided"]>): string | null {
  const all = Object.entries(week.decided);
  const found = all
    .filter(([, { result }]) => result.data === "synthetic_only" || result.real_fraction === 0)
    .map(([name]) => name);
  if (found.length === 0) return null;
  const who = found.length === all.length ? "All instruments" : list(found);
  return `${who}: synthetic gates only in this week. Such a week decides nothing.`;
}

export const failing = (weeks: number) =>
  weeks === 0 ? "" : `${count(weeks)} failing ${weeks === 1 ? "week" : "weeks"} in a row`;
