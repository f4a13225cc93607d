import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Status } from "./client";

let answers: () => Promise<Response>;

beforeEach(() => {
  vi.stubGlobal("window", { location: { origin: "http://localhost" } });
  vi.stubGlobal("fetch", () => answers());
});

afterEach(() => {
  vi.unstubAllGlobals();
});

it("after an outage that is over, the next one is tried again as soon as the first", async () => {
  const { statusQuery } = await import("./queries");
  const client = new QueryClient();
  const wait = async (asked: () => Promise<Response>) => {
    answers = asked;
    await client.fetchQuery({ ...statusQuery, retry: false }).catch(() => undefined);
    const query = client.getQueryCache().get<Status, Error, Status, string[]>('["status"]');
    const { refetchInterval } = statusQuery;
    if (query === undefined || typeof refetchInterval !== "function") throw new Error("no query");
    return refetchInterval(query);
  };
  const away = () => Promise.reject(new TypeError("no service"));
  const idle = async () => new Response(JSON.stringify({ state: "idle" }));
  const waits = [];
  for (const asked of [away, away, away, idle, away, away]) waits.push(await wait(asked));
  expect(waits).toEqual([3_000, 6_000, 12_000, 30_000, 3_000, 6_000]);
});
