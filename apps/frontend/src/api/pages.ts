// What the pages roster, compare, history and system read and write.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, read, type Schemas } from "./client";

export type RosterReply = Schemas["RosterReply"];
export type Decided = Schemas["Decided"];
export type Comparison = Schemas["Comparison"];
export type SystemReply = Schemas["SystemReply"];

/** A week's decisions; without a week those of the newest that was decided. */
export const rosterQuery = (week?: string) =>
  queryOptions<RosterReply>({
    queryKey: ["roster", week ?? "newest"],
    queryFn: ({ signal }) =>
      read<RosterReply>(
        api.GET("/api/roster", {
          params: { query: week === undefined ? {} : { week } },
          signal,
        }),
      ),
  });

export const compareQuery = (base: string, head: string) =>
  queryOptions<Comparison>({
    queryKey: ["compare", base, head],
    queryFn: ({ signal }) =>
      read<Comparison>(
        api.GET("/api/backtests/compare", { params: { query: { base, head } }, signal }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  });

const PAGE = 50;

// Its key begins as that of the week selector's list: the end of a run makes both old.
export const historyPages = infiniteQueryOptions({
  queryKey: ["history", "pages"],
  queryFn: ({ signal, pageParam }) =>
    read<Schemas["History"]>(
      api.GET("/api/backtests", {
        params: { query: { limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) } },
        signal,
      }),
    ),
  initialPageParam: null as string | null,
  getNextPageParam: (last) => last.next,
});

export const logQuery = (run: string) =>
  queryOptions<Schemas["Log"]>({
    queryKey: ["run", run, "log"],
    queryFn: ({ signal }) =>
      read<Schemas["Log"]>(
        api.GET("/api/backtests/{run}/log", { params: { path: { run } }, signal }),
      ),
  });

export const exportsQuery = (run: string) =>
  queryOptions<Schemas["Manifest"]>({
    queryKey: ["run", run, "exports"],
    queryFn: ({ signal }) =>
      read<Schemas["Manifest"]>(
        api.GET("/api/backtests/{run}/exports", { params: { path: { run } }, signal }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const noteQuery = (run: string) =>
  queryOptions<Schemas["Note"]>({
    queryKey: ["run", run, "note"],
    queryFn: ({ signal }) =>
      read<Schemas["Note"]>(
        api.GET("/api/backtests/{run}/notes", { params: { path: { run } }, signal }),
      ),
  });

/** Replace a note; refused with 412 where another version is there by now. */
export async function writeNote(run: string, text: string, version: number) {
  return read<Schemas["Note"]>(
    api.PATCH("/api/backtests/{run}/notes", {
      params: { path: { run }, header: { "If-Match": `"${version}"` } },
      body: { text },
    }),
  );
}
