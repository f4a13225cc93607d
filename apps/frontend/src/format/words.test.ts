import { expect, it } from "vitest";
import { sentence } from "./words";

it("a code is written as a sentence, its times as a sign", () => {
  expect(sentence("max_stack_limit_reached")).toBe("Max stack limit reached");
  expect(sentence("breaks_at_1_5x_costs")).toBe("Breaks at 1.5\u00d7 costs");
  expect(sentence("costs_2x")).toBe("Costs 2\u00d7");
});
