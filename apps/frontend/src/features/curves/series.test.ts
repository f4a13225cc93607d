import { describe, expect, it } from "vitest";
import { pointAt } from "./series";

describe("the point that holds at a time", () => {
  it("is the last one that is not later", () => {
    expect(pointAt([10, 20, 30], 25)).toBe(1);
    expect(pointAt([10, 20, 30], 30)).toBe(2);
  });

  it("is the first or the last beyond the ends", () => {
    expect(pointAt([10, 20], 1)).toBe(0);
    expect(pointAt([10, 20], 99)).toBe(1);
  });
});
