// How much of the market is shown around a trade: at least two hours on either side of it.
const LEAST_MS = 2 * 3_600_000;

export function spanOf(trade: { entry_time: string; exit_time: string }) {
  const [from, to] = [Date.parse(trade.entry_time), Date.parse(trade.exit_time)];
  const air = Math.max(LEAST_MS, 2 * (to - from));
  return { start: new Date(from - air).toISOString(), end: new Date(to + air).toISOString() };
}
