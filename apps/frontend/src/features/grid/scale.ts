// From a number to a step of a ramp. Signed measures are symmetric about their neutral value.

type Ramp = "diverging" | "sequential";

export interface Scale {
  ramp: Ramp;
  /** The value of the middle step; of no meaning in a sequential ramp. */
  neutral: number;
  low: number;
  high: number;
  /** Some values lie beyond the cap and have the last colour. */
  capped: boolean;
}

/** How many steps the ramps of the style sheet have. */
export const STEPS = { diverging: 11, sequential: 6 } as const;
const CAP = 0.98;

const SIGNED =
  /(^|_)(pnl|return_pct|sharpe|sharpe_period|sortino|daily_t|calmar|mar_window|expectancy|skewness|pnl_nav_pct|pnl_to_drawdown|median_trade_pnl|best_trade|worst_trade)$/;

export const rampOf = (metric: string): Ramp =>
  SIGNED.test(metric) || metric.includes("profit_factor") ? "diverging" : "sequential";

/** A profit factor of 1 is what 0 is to a profit. */
const neutralOf = (metric: string) => (metric.includes("profit_factor") ? 1 : 0);

/** The value below which so great a share of the sorted values lies, between neighbours. */
export function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? 0;
  const above = sorted[Math.ceil(place)] ?? below;
  return below + (above - below) * (place - Math.floor(place));
}

export function scaleOf(metric: string, values: readonly (number | null)[]): Scale | null {
  const found = values.filter((value): value is number => value !== null);
  if (found.length === 0) return null;
  const ramp = rampOf(metric);
  const neutral = ramp === "diverging" ? neutralOf(metric) : 0;
  if (ramp === "diverging") {
    const sizes = found.map((value) => Math.abs(value - neutral)).sort((a, b) => a - b);
    const size = quantile(sizes, CAP);
    const capped = (sizes.at(-1) ?? 0) > size;
    return { ramp, neutral, low: neutral - size, high: neutral + size, capped };
  }
  const sorted = [...found].sort((a, b) => a - b);
  const high = quantile(sorted, CAP);
  return { ramp, neutral, low: sorted[0] ?? 0, high, capped: (sorted.at(-1) ?? 0) > high };
}

/** The step of a value, 0 the lowest; the middle one where all values are alike. */
export function stepOf(scale: Scale, value: number): number {
  const steps = STEPS[scale.ramp];
  const range = scale.high - scale.low;
  if (range <= 0) return Math.floor(steps / 2);
  if (scale.ramp === "diverging") {
    // From the middle out, so that a value and its opposite lie as many steps from it.
    const middle = (steps - 1) / 2;
    const away = (2 * (value - scale.neutral)) / range;
    const out = Math.min(middle, Math.round(Math.abs(away) * middle));
    return middle + Math.sign(away) * out;
  }
  const share = (value - scale.low) / range;
  return Math.min(steps - 1, Math.max(0, Math.floor(share * steps)));
}
