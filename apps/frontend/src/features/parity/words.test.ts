import { expect, test } from "vitest";
import { causesText, matchText, type Parity, parityText, valueText } from "./words";

const held: Parity = {
  state: "proven",
  reason: null,
  session: "20260308T220000Z-0123abcd",
  window: { start: "2026-03-08T21:00:00Z", end: "2026-03-13T21:00:00Z" },
  match_pct: 100,
  file: "certificates/20260308T220000Z-0123abcd.json",
};

test("what is proven names the share and the week", () => {
  expect(parityText(held, "utc")).toBe("100 % of events, week of 8 Mar 2026");
});

test("what differs names the share, the causes and the week", () => {
  const reason = "session and backtest differ: late_data 5, restart 1";
  const told = parityText({ ...held, state: "differs", match_pct: 97.3, reason }, "utc");
  expect(told).toBe("97.30 % same; late data 5, restart 1; week of 8 Mar 2026");
});

test("what is unproven says why", () => {
  const none = { session: null, window: null, match_pct: null, file: null };
  const reason = "no paper session has traded this cell";
  expect(parityText({ ...held, ...none, state: "unproven", reason }, "utc")).toBe(reason);
});

test("a share just below all is never told as all", () => {
  expect(matchText(99.999)).toBe("99.99 %");
  expect(matchText(100)).toBe("100 %");
});

test("causes without an event are left out", () => {
  expect(causesText({ late_data: 5, clock: 0, restart: 1200 })).toBe("late data 5, restart 1,200");
});

test("a value of an event is told as words, a missing one as nothing", () => {
  expect(valueText(null)).toBe("nothing");
  expect(valueText({ units: 1000, exit_reason: "stop" })).toBe("units 1000, exit reason stop");
  expect(valueText([1, null])).toBe("1, nothing");
});
