import { describe, expect, it } from "vitest";
import { tickText } from "./ticks";

describe("ticks of a time axis", () => {
  const noon = Date.UTC(2026, 10, 18, 12, 30);

  it("are clock times within a day and days beyond", () => {
    expect(tickText(noon, 3600, "utc")).toBe("12:30");
    expect(tickText(noon, 86_400, "utc")).toBe("18 Nov");
  });

  it("name the day at midnight", () => {
    expect(tickText(Date.UTC(2026, 10, 18), 3600, "utc")).toBe("18 Nov");
  });
});
