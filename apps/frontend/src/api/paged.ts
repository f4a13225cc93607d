// What a run says of an instrument by pages: trades and decisions. A cursor leads to the next page.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { defined } from "../defined";
import { api, ofRun, read, type Schemas } from "./client";
import { key, type Of, type Phase, path } from "./results";

/** The most rows that the service sends at once. */
const PAGE = 500;

/** A sort as the address has it: a column, with "-" before it for descending. */
const sortOf = (text: string | undefined) =>
  text === undefined ? {} : { sort: text.replace(/^-/, ""), descending: text.startsWith("-") };

export interface TradesOf {
  phase: Phase;
  sort: string | undefined;
  direction: string | undefined;
  outcome: string | undefined;
  exit_reason: string | undefined;
}

export const tradesQuery = (of: Of, { sort, ...filter }: TradesOf) =>
  infiniteQueryOptions({
    queryKey: key(of, "trades", sort ?? null, defined(filter)),
    queryFn: ({ signal, pageParam }) =>
      read<Schemas["TradePage"]>(
        api.GET("/api/backtests/{run}/instruments/{symbol}/trades", {
          params: {
            path: path(of),
            query: {
              limit: PAGE,
              ...sortOf(sort),
              ...defined(filter),
              ...defined({ cursor: pageParam }),
            },
          },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
    ...ofRun,
  });

/** One trade by its id, and where the list of the same sort and filter has it. */
export const tradeQuery = (of: Of, trade: number, { sort, ...filter }: TradesOf) =>
  queryOptions<Schemas["TradePlace"]>({
    queryKey: key(of, "trade", trade, sort ?? null, defined(filter)),
    queryFn: ({ signal }) =>
      read<Schemas["TradePlace"]>(
        api.GET("/api/backtests/{run}/instruments/{symbol}/trades/{trade}", {
          params: { path: { ...path(of), trade }, query: { ...sortOf(sort), ...defined(filter) } },
          signal,
        }),
      ),
    ...ofRun,
  });

interface DecisionsOf {
  phase: Phase;
  reason: string | undefined;
  admit: boolean | undefined;
}

export const decisionsQuery = (of: Of, filter: DecisionsOf) =>
  infiniteQueryOptions({
    queryKey: key(of, "decisions", defined(filter)),
    queryFn: ({ signal, pageParam }) =>
      read<Schemas["DecisionPage"]>(
        api.GET("/api/backtests/{run}/instruments/{symbol}/decisions", {
          params: {
            path: path(of),
            query: { limit: 100, ...defined(filter), ...defined({ cursor: pageParam }) },
          },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
    ...ofRun,
  });
