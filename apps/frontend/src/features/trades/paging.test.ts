import { describe, expect, it } from "vitest";
import { AHEAD, ariaSort, nextSort, wantsMore } from "./paging";

describe("pages of the trade list", () => {
  it("are asked for before the loaded rows end", () => {
    expect(wantsMore(0, 500, 2000)).toBe(false);
    expect(wantsMore(500 - AHEAD, 500, 2000)).toBe(true);
  });

  it("are not asked for when all are there", () => {
    expect(wantsMore(499, 500, 500)).toBe(false);
  });
});

describe("the sort of a column", () => {
  it("turns from descending to ascending to none", () => {
    expect(nextSort("pnl", undefined)).toBe("-pnl");
    expect(nextSort("pnl", "-pnl")).toBe("pnl");
    expect(nextSort("pnl", "pnl")).toBeUndefined();
    expect(nextSort("pnl", "units")).toBe("-pnl");
  });

  it("is said of the sorted column alone", () => {
    expect(ariaSort("pnl", "-pnl")).toBe("descending");
    expect(ariaSort("units", "-pnl")).toBe("none");
  });
});
