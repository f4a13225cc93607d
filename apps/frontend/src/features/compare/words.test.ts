import { expect, test } from "vitest";
import { partsOf } from "./order";
import { baseFor, deltaText, verdictOf } from "./words";

const runs = [
  { run: "d", week: "2026-W13", text: "" },
  { run: "c", week: "2026-W13", text: "" },
  { run: "b", week: "2026-W12", text: "" },
  { run: "a", week: "2026-W10", text: "" },
];

test("the base is the newest run of an earlier week, else another run", () => {
  expect(baseFor(runs, "d")).toBe("b");
  expect(baseFor(runs, "b")).toBe("a");
  expect(baseFor(runs, "a")).toBe("d");
  expect(baseFor(runs.slice(0, 2), "d")).toBe("c");
  expect(baseFor(runs.slice(0, 1), "d")).toBeUndefined();
});

test("more Sharpe and less drawdown are better, more trades neither", () => {
  expect(verdictOf("sharpe", 0.1)).toBe("better");
  expect(verdictOf("hold_out_max_dd_pct", -0.1)).toBe("better");
  expect(verdictOf("max_dd", 1)).toBe("worse");
  expect(verdictOf("trades", 5)).toBeNull();
  expect(verdictOf("pnl", 0)).toBeNull();
  expect(verdictOf("pnl", null)).toBeNull();
});

test("a small change of a setting keeps digits that count", () => {
  expect(deltaText("hazard_max", -0.06166)).toBe("\u25bc \u22120.0617");
  expect(deltaText("win_rate", 0.021)).toBe("\u25b2 +2.1 points");
  expect(deltaText("trades", -24)).toBe("\u25bc \u221224");
});

test("headlines come first in their order, the rest waits", () => {
  const number = { base: 1, head: 2, delta: 1, base_reason: null, head_reason: null };
  const parts = partsOf(
    {
      facts: {},
      params: {},
      metrics: { avg_mae: number, pnl: number, score: number, hold_out_pnl: number },
      made_of: [],
    },
    [{ name: "trades", text: "5" }],
  );
  expect(parts.map((part) => part.name)).toEqual(["Look-back", "Hold-out"]);
  expect(parts[0]?.lines.map((line) => line.key)).toEqual(["score", "pnl", "trades"]);
  expect(parts[0]?.further.map((line) => line.key)).toEqual(["avg_mae"]);
});
