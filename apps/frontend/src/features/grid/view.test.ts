import { describe, expect, it } from "vitest";
import { fixedOf, fixedText, gridView, limitsOf, limitsText } from "./view";

const axes = [
  { name: "hazard_max", values: [null, 0.1, 0.2], chosen: 0.1 },
  { name: "min_reps", values: [1, 2], chosen: 2 },
  { name: "hold_minutes", values: [30], chosen: 30 },
];

describe("the grid's address", () => {
  it("draws the two longest axes where it names none", () => {
    const view = gridView({}, axes, ["score", "pnl"]);
    expect([view.x, view.y, view.metric]).toEqual(["hazard_max", "min_reps", "score"]);
  });

  it("never draws one axis twice", () => {
    const view = gridView({ x: "min_reps", y: "min_reps" }, axes, ["score"]);
    expect(view.x).not.toBe(view.y);
  });

  it("gives way where only y is named", () => {
    expect(gridView({ y: "hazard_max" }, axes, ["score"]).y).toBe("hazard_max");
  });

  it("falls back from what it does not know", () => {
    const view = gridView({ x: "nothing", metric: "fame" }, axes, ["score"]);
    expect([view.x, view.metric]).toEqual(["hazard_max", "score"]);
  });

  it("keeps fixed values that an axis has, and those of no drawn axis", () => {
    expect(fixedOf("min_reps:2,min_reps:9,other:1,hazard_max:null", axes)).toEqual({
      min_reps: "2",
      hazard_max: "null",
    });
    const view = gridView({ fixed: "min_reps:2,hold_minutes:30" }, axes, ["score"]);
    expect(fixedText(view.fixed)).toBe("hold_minutes:30");
  });

  it("says limits as it read them", () => {
    expect(limitsText(limitsOf("trades:20,pf:1.1,dd:x"))).toBe("trades:20,pf:1.1");
    expect(limitsText(limitsOf(undefined))).toBeUndefined();
  });
});
