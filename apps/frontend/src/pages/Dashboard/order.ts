// The order of the tiles and which of them are shown.
import type { Tile } from "@/api/client";

interface Sort {
  name: string;
  of: (tile: Tile) => number | string | null;
  up?: true;
}

const metric = (key: string) => (tile: Tile) => tile.metrics[key]?.value ?? null;

export const SORTS: Record<string, Sort> = {
  score: { name: "Score", of: (tile) => tile.score },
  sharpe: { name: "Sharpe", of: metric("sharpe") },
  pnl: { name: "P&L", of: metric("pnl") },
  profit_factor: { name: "Profit factor", of: metric("profit_factor") },
  trades: { name: "Trades", of: metric("trades") },
  name: { name: "Name", of: (tile) => tile.instrument, up: true },
};

/** Missing values come last in every order; equal ones go by name. */
export function shown(tiles: readonly Tile[], sort = "score", show?: string): Tile[] {
  const by = SORTS[sort] ?? SORTS.score;
  const kept = tiles.filter((tile) => {
    if (show === "qualified") return tile.qualified;
    if (show === "unqualified") return !tile.qualified;
    if (show?.startsWith("action:")) return tile.roster?.action === show.slice(7);
    return true;
  });
  return kept.sort((a, b) => {
    const [x, y] = [by?.of(a) ?? null, by?.of(b) ?? null];
    if (x === null || y === null) {
      if (x !== y) return x === null ? 1 : -1;
    } else if (x !== y) {
      const order = x < y ? -1 : 1;
      return by?.up ? order : -order;
    }
    return a.instrument < b.instrument ? -1 : 1;
  });
}
