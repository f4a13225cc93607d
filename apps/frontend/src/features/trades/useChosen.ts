// The trade that the address names: among the loaded ones, or asked for by itself.
import { useQuery } from "@tanstack/react-query";
import { type TradesOf, tradeQuery } from "@/api/paged";
import type { Of } from "@/api/results";
import type { Trade } from "./columns";

export interface Chosen {
  trade: Trade | null;
  /** Its row in the list, on whatever page; null = none, or not known yet. */
  at: number | null;
  /** What cannot be shown of it: there is no such trade, or the filter leaves it out. */
  trouble: "missing" | "filtered" | null;
  error: unknown;
}

const NONE: Chosen = { trade: null, at: null, trouble: null, error: null };

export function useChosen(
  of: Of,
  list: TradesOf,
  trades: readonly Trade[],
  number: number | undefined,
): Chosen {
  const loaded = trades.findIndex((trade) => trade.id === number);
  const query = useQuery({
    ...tradeQuery(of, number ?? 0, list),
    enabled: number !== undefined && loaded < 0,
  });
  if (number === undefined) return NONE;
  if (loaded >= 0) return { ...NONE, trade: trades[loaded] ?? null, at: loaded };
  const place = query.data;
  if (place === undefined) return { ...NONE, error: query.error };
  return {
    trade: place.trade,
    at: place.position,
    trouble: place.trade === null ? "missing" : place.position === null ? "filtered" : null,
    error: null,
  };
}
