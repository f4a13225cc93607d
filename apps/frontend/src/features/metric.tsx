// One metric: its value as text, or why there is none, with its interval beside it.
import type { Schemas } from "@/api/client";
import { count, money, moneyShort, percent, ratio, share } from "@/format/numbers";

type MetricValue = Schemas["MetricValue"];

const REASONS: Record<string, string> = {
  no_trades: "no trades",
  no_losses: "No losses",
  too_few_trades: "too few trades",
  too_few_days: "too few days",
  span_too_short: "span too short",
  no_variance: "all days alike",
  zero_variance: "all days alike",
  lt_2_days: "fewer than 2 days",
  window_too_short: "too few days",
  data_gap: "no days with data",
  moments_unstable: "too uneven days",
};

export const reasonText = (code: string | null | undefined) =>
  code == null ? "no value" : (REASONS[code] ?? code.replaceAll("_", " "));

export function metricText(name: string, value: number, currency: string | null, short = false) {
  const unit = currency ?? "";
  switch (name) {
    case "trades":
      return count(value);
    case "pnl":
      return short ? moneyShort(value, unit) : money(value, unit);
    case "win_rate":
      return share(value);
    case "return_pct":
    case "max_dd_pct":
      return percent(value);
    default:
      return ratio(value);
  }
}

export function Metric(props: {
  name: string;
  value: MetricValue | undefined;
  currency: string | null;
  short?: boolean;
}) {
  const { name, value, currency } = props;
  if (value === undefined) return <span className="muted">&ndash;</span>;
  if (value.value === null) {
    return <span className="muted">n/a &ndash; {reasonText(value.reason)}</span>;
  }
  return <>{metricText(name, value.value, currency, props.short)}</>;
}

export function interval(value: MetricValue | undefined): string | null {
  const range = value?.ci90;
  if (range == null) return null;
  return `${ratio(range[0])} to ${ratio(range[1])}`;
}
