import { expect, test } from "vitest";
import { changed } from "./address";

test("what a change sets to undefined leaves the address, the rest stays", () => {
  const old: { week?: string; open?: string } = { week: "2026-W12", open: "EUR_USD" };
  expect(changed(old, { open: undefined })).toEqual({ week: "2026-W12" });
  expect(changed(old, { week: "2026-W13" })).toEqual({ week: "2026-W13", open: "EUR_USD" });
});
