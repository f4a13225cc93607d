// The history's words for states and origins, and what a search looks at.
import type { RunFacts } from "@/api/client";
import type { ChipTone } from "@/features/panel/Panel";
import { count } from "@/format/numbers";

type State = RunFacts["state"];

export const STATES: Record<State, { name: string; tone: ChipTone }> = {
  running: { name: "Running", tone: "plain" },
  cancelling: { name: "Stopping", tone: "plain" },
  completed: { name: "Completed", tone: "good" },
  error: { name: "Failed", tone: "bad" },
  interrupted: { name: "Interrupted", tone: "bad" },
  cancelled: { name: "Cancelled", tone: "warn" },
};

export const ORIGINS: Record<RunFacts["origin"], string> = {
  api: "Page or API",
  schedule: "Schedule",
  archive: "Another program",
};

export interface Facts {
  week: string | null;
  instruments: number;
  failed: number;
  done: boolean;
  qualified: number | null;
  promoted: number | null;
  trades: number | null;
  real: number | null;
}

/** The counts of a run; those that only a finished run has are null before. */
export function factsOf(run: RunFacts): Facts {
  const found = run.summary ?? {};
  const numeric = (key: string) => (typeof found[key] === "number" ? found[key] : null);
  return {
    week: typeof found.week === "string" ? found.week : weekOf(run.window),
    instruments: numeric("instruments") ?? run.instruments.length,
    failed: numeric("failed") ?? 0,
    done: run.summary !== null,
    qualified: numeric("qualified"),
    promoted: numeric("promoted"),
    trades: numeric("trades"),
    real: numeric("real_fraction"),
  };
}

/** The ISO week of the last instant inside a window, as the service names it. */
export function weekOf(window: RunFacts["window"]): string | null {
  if (window === null) return null;
  const last = new Date(Date.parse(window.end) - 1);
  // The week of a day has the year of its Thursday.
  const thursday = new Date(last);
  thursday.setUTCDate(last.getUTCDate() + 4 - (last.getUTCDay() || 7));
  const year = thursday.getUTCFullYear();
  const days = (thursday.getTime() - Date.UTC(year, 0, 1)) / 86_400_000;
  return `${year}-W${String(1 + Math.floor(days / 7)).padStart(2, "0")}`;
}

export function instrumentsText(facts: Facts): string {
  const all = count(facts.instruments);
  if (!facts.done) return `\u2013 of ${all}`;
  return facts.failed === 0 ? all : `${count(facts.instruments - facts.failed)} of ${all}`;
}

export const stateName = (run: RunFacts) => {
  const held = STATES[run.state].name;
  const facts = factsOf(run);
  return run.state === "completed" && facts.failed > 0 ? `${held}, with gaps` : held;
};

/** Every word of the search is in the week, ids, state, origin, instruments or error. */
export function matches(run: RunFacts, q: string | undefined, state: string | undefined): boolean {
  if (state !== undefined && run.state !== state) return false;
  if (q === undefined) return true;
  const text = [
    factsOf(run).week,
    run.run_id,
    run.job_id,
    stateName(run),
    ORIGINS[run.origin],
    ...run.instruments,
    ...run.instruments.map((name) => name.replace("_", "/")),
    run.error?.message,
  ]
    .join(" ")
    .toLowerCase();
  return q
    .toLowerCase()
    .split(/\s+/)
    .every((part) => text.includes(part));
}
