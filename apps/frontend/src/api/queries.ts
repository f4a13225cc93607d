// One factory of query keys and fetchers per resource; everything about a run hangs on its id.
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import {
  api,
  type Overview,
  ofRun,
  type RunFacts,
  read,
  type Schemas,
  type Status,
} from "./client";

const ACTIVE_MS = 3_000;
const IDLE_MS = 30_000;
const BACKOFF_MS = [3_000, 6_000, 12_000, 30_000] as const;

export const isActive = (status: Status | undefined) =>
  status?.state === "running" || status?.state === "cancelling";

// In a row: the query's own count of errors never goes back, also after a reply.
let failures = 0;

/** How long after a failure the status is asked for again: the longer, the more failed in a row. */
export const retryMs = (): number =>
  BACKOFF_MS[Math.min(Math.max(failures, 1), BACKOFF_MS.length) - 1] ?? 30_000;

// The tag is kept here, not in the browser's cache: replies say no-cache and no-store.
let held: { etag: string; status: Status } | null = null;

async function fetchStatus(signal: AbortSignal): Promise<Status> {
  try {
    const status = await askStatus(signal);
    failures = 0;
    return status;
  } catch (error) {
    if (!signal.aborted) failures += 1;
    throw error;
  }
}

async function askStatus(signal: AbortSignal): Promise<Status> {
  const { data, response } = await api.GET("/api/backtests/status", {
    signal,
    cache: "no-store",
    headers: held === null ? {} : { "If-None-Match": held.etag },
  });
  if (response.status === 304 && held !== null) return held.status;
  const status = await read<Status>(Promise.resolve({ data, response }));
  held = { etag: response.headers.get("ETag") ?? "", status };
  return status;
}

export const statusQuery = queryOptions({
  queryKey: ["status"],
  queryFn: ({ signal }) => fetchStatus(signal),
  refetchInterval: (query) => {
    if (query.state.status === "error" || query.state.fetchFailureCount > 0) {
      return retryMs();
    }
    return isActive(query.state.data) ? ACTIVE_MS : IDLE_MS;
  },
  refetchIntervalInBackground: false,
  refetchOnWindowFocus: "always",
  retry: false,
  staleTime: 0,
});

export const overviewQuery = (run: string) =>
  queryOptions<Overview>({
    queryKey: ["run", run, "overview"],
    queryFn: ({ signal }) =>
      read<Overview>(
        api.GET("/api/backtests/{run}/overview", { params: { path: { run } }, signal }),
      ),
    placeholderData: keepPreviousData,
    ...ofRun,
  });

export const partialQuery = (seq: number) =>
  queryOptions<Schemas["Partial"] | null>({
    queryKey: ["partial", seq],
    queryFn: async ({ signal }) => {
      const { data, response } = await api.GET("/api/backtests/partial", { signal });
      return response.status === 204 ? null : ((data ?? null) as Schemas["Partial"] | null);
    },
    placeholderData: keepPreviousData,
  });

export const historyQuery = (limit = 100) =>
  queryOptions<Schemas["History"]>({
    queryKey: ["history", limit],
    queryFn: ({ signal }) =>
      read<Schemas["History"]>(api.GET("/api/backtests", { params: { query: { limit } }, signal })),
  });

export const metaQuery = queryOptions<Schemas["Meta"]>({
  queryKey: ["meta"],
  queryFn: ({ signal }) => read<Schemas["Meta"]>(api.GET("/api/meta", { signal })),
  staleTime: 60_000,
});

/** The finished runs of a history, one for each week: the newest. */
export function weeksOf(
  history: Schemas["History"] | undefined,
): { week: string; run: RunFacts }[] {
  const found = new Map<string, RunFacts>();
  for (const run of history?.items ?? []) {
    const week = run.summary?.week;
    if (run.state === "completed" && run.run_id && typeof week === "string" && !found.has(week)) {
      found.set(week, run);
    }
  }
  return [...found]
    .map(([week, run]) => ({ week, run }))
    .sort((a, b) => (a.week < b.week ? 1 : -1));
}

export async function startRun(body: Schemas["RunRequest"] | Record<string, unknown>, key: string) {
  return read<Schemas["Started"]>(
    api.POST("/api/backtests/run", {
      body: body as Schemas["RunRequest"],
      params: { header: { "Idempotency-Key": key } },
    }),
  );
}

export async function cancelRun(run: string) {
  return read<RunFacts>(
    api.POST("/api/backtests/{run}/cancel", {
      params: { path: { run } },
      headers: { "Content-Type": "application/json" },
    }),
  );
}
