import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { clockOf, instant, zoneName } from "./time";

beforeEach(() => {
  vi.stubEnv("TZ", "Europe/London");
  vi.useFakeTimers({ now: Date.parse("2026-07-01T12:00:00Z") });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

it("a local time carries the name that the zone had then, not the one it has now", () => {
  expect(instant("2026-01-12T14:35:00Z", "local")).toBe("12 Jan 2026 14:35 GMT");
  expect(instant("2026-07-12T14:35:00Z", "local")).toBe("12 Jul 2026 15:35 BST");
  expect(clockOf(Date.parse("2026-01-12T14:35:00Z"), "local")).toBe("14:35:00 GMT");
});

it("a column of local times names the zone as a whole where its clocks change", () => {
  expect(zoneName("local")).toBe("Europe/London");
  vi.stubEnv("TZ", "Asia/Tokyo");
  expect(zoneName("local")).toBe("GMT+9");
});

it("UTC is always UTC", () => {
  expect(zoneName("utc")).toBe("UTC");
  expect(instant("2026-01-12T14:35:00Z", "utc")).toBe("12 Jan 2026 14:35 UTC");
});
