import { expect, test } from "vitest";
import type { RunFacts } from "@/api/client";
import { factsOf, instrumentsText, matches, stateName, weekOf } from "./words";

const run = (more: Partial<RunFacts>): RunFacts => ({
  job_id: "01M8337NBGBV9Y8Z31ABXTS697",
  run_id: null,
  state: "error",
  origin: "api",
  reused: false,
  window: { start: "2026-03-01T22:00:00Z", end: "2026-03-27T21:00:00Z" },
  instruments: ["EUR_USD", "USD_JPY"],
  request: {},
  created_at: "2026-03-27T22:00:00Z",
  started_at: null,
  finished_at: null,
  duration_seconds: null,
  error: { kind: "StoreError", message: "a truncated file" },
  summary: null,
  archive: null,
  has_note: false,
  links: {},
  ...more,
});

test("a window's week is that of its last instant, in UTC", () => {
  expect(weekOf({ start: "", end: "2026-03-27T21:00:00Z" })).toBe("2026-W13");
  expect(weekOf({ start: "", end: "2026-03-30T00:00:00Z" })).toBe("2026-W13");
  expect(weekOf({ start: "", end: "2027-01-01T22:00:00Z" })).toBe("2026-W53");
  expect(weekOf({ start: "", end: "2025-12-31T22:00:00Z" })).toBe("2026-W01");
  expect(weekOf(null)).toBeNull();
});

test("every word of a search must be found, and the state must be the chosen one", () => {
  expect(matches(run({}), "usd/jpy w13", undefined)).toBe(true);
  expect(matches(run({}), "truncated failed", "error")).toBe(true);
  expect(matches(run({}), "usd/jpy w12", undefined)).toBe(false);
  expect(matches(run({}), undefined, "completed")).toBe(false);
});

test("an unfinished run has no counts, and an incomplete one says so", () => {
  expect(instrumentsText(factsOf(run({})))).toBe("\u2013 of 2");
  const held = run({
    state: "completed",
    summary: { week: "2026-W13", instruments: 12, failed: 1, qualified: 3 },
  });
  expect(instrumentsText(factsOf(held))).toBe("11 of 12");
  expect(stateName(held)).toBe("Completed, with gaps");
});
