import { describe, expect, it } from "vitest";
import { quantile, rampOf, scaleOf, stepOf } from "./scale";

describe("the colour scale of the grid", () => {
  it("gives zero the middle step of a signed measure", () => {
    const scale = scaleOf("pnl", [-10, 2, 5]);
    expect(scale && stepOf(scale, 0)).toBe(5);
    expect(scale && stepOf(scale, -10)).toBe(0);
  });

  it("is symmetric, however lopsided the values are", () => {
    const scale = scaleOf("sharpe", [-0.1, 3]);
    expect(scale?.low).toBe(-(scale?.high ?? 0));
    expect(scale && stepOf(scale, 1) + stepOf(scale, -1)).toBe(10);
  });

  it("takes a profit factor of 1 as neutral", () => {
    const scale = scaleOf("profit_factor", [0.5, 1.2]);
    expect(scale && stepOf(scale, 1)).toBe(5);
  });

  it("caps at the 98th percentile and says so", () => {
    const scale = scaleOf("trades", [...Array(99).keys(), 10_000]);
    expect(scale?.capped).toBe(true);
    expect(scale?.high).toBeLessThan(10_000);
    expect(scale && stepOf(scale, 10_000)).toBe(5);
  });

  it("leaves missing values out and has no scale without any", () => {
    expect(scaleOf("pnl", [null, null])).toBeNull();
    expect(scaleOf("pnl", [null, 4])?.high).toBe(4);
  });

  it("does not divide by nothing where all values are alike", () => {
    const scale = scaleOf("trades", [7, 7]);
    expect(scale && stepOf(scale, 7)).toBe(3);
  });

  it("draws counts in one hue and results in two", () => {
    expect(rampOf("trades")).toBe("sequential");
    expect(rampOf("hold_out_pnl")).toBe("diverging");
  });

  it("interpolates between neighbours", () => {
    expect(quantile([0, 10], 0.5)).toBe(5);
    expect(quantile([3], 0.98)).toBe(3);
  });
});
