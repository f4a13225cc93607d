import { describe, expect, it } from "vitest";
import { count, delta, money, moneyShort, number, percent, pips, ratio, share } from "./numbers";

describe("a number that is shown as zero", () => {
  it("has no sign, however it came to be zero", () => {
    expect(ratio(-0.001)).toBe("0.00");
    expect(count(-0.2)).toBe("0");
    expect(percent(-0.01)).toBe("0.0 %");
    expect(share(-0.0001)).toBe("0.0 %");
    expect(pips(-0.04)).toBe("0.0 pips");
    expect(money(-0.004, "USD")).toBe("0.00 USD");
    expect(moneyShort(-0.04, "USD")).toBe("0 USD");
    expect(delta(-0.2, 0)).toBe("\u25bc 0");
    expect(number(-0)).toBe("0");
  });
});

describe("the sign of a result", () => {
  it("is written for gains and losses", () => {
    expect(money(12.5, "USD")).toBe("+12.50 USD");
    expect(money(-12.5, "USD")).toBe("\u221212.50 USD");
    expect(pips(3)).toBe("+3.0 pips");
    expect(delta(-0.25)).toBe("\u25bc \u22120.25");
  });

  it("is written of losses only where a number is no result", () => {
    expect(ratio(1.5)).toBe("1.50");
    expect(ratio(-1.5)).toBe("\u22121.50");
    expect(number(-0.00012)).toBe("\u22120.00012");
  });
});

it("a missing number is a dash, not a zero", () => {
  expect([ratio(null), count(undefined), money(null, "USD"), delta(null)]).toEqual(
    Array(4).fill("\u2013"),
  );
});
