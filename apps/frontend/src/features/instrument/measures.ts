// Every measure of a result: its name on the page and how its number is written.
import { count, duration, money, number, percent, ratio, share } from "@/format/numbers";
import { sentence } from "@/format/words";

type Form = "ratio" | "count" | "money" | "share" | "percent" | "pips" | "minutes" | "number";

const NAMES: Record<string, readonly [string, Form]> = {
  score: ["Score", "ratio"],
  sharpe: ["Sharpe, annual", "ratio"],
  sharpe_period: ["Sharpe, daily", "ratio"],
  sortino: ["Sortino", "ratio"],
  calmar: ["Calmar", "ratio"],
  daily_t: ["t of daily returns", "ratio"],
  psr: ["Probabilistic Sharpe", "share"],
  dsr: ["Deflated Sharpe", "share"],
  pnl: ["Net P&L", "money"],
  return_pct: ["Return", "percent"],
  profit_factor: ["Profit factor", "ratio"],
  profit_factor_shrunk: ["Profit factor, shrunk", "ratio"],
  win_rate: ["Win rate", "share"],
  win_loss_ratio: ["Win/loss ratio", "ratio"],
  expectancy: ["Expectancy per trade", "money"],
  trades: ["Trades", "count"],
  trades_per_day: ["Trades per day", "ratio"],
  days: ["Days", "count"],
  active_days: ["Days with a trade", "count"],
  days_excluded: ["Days excluded", "count"],
  max_dd: ["Max drawdown", "money"],
  max_dd_pct: ["Max drawdown, %", "percent"],
  max_dd_daily: ["Max drawdown, daily marks", "money"],
  max_dd_pct_daily: ["Max drawdown, daily marks, %", "percent"],
  ulcer: ["Ulcer index", "ratio"],
  mar_window: ["Return over drawdown", "ratio"],
  pnl_to_drawdown: ["P&L over drawdown", "ratio"],
  avg_hold_minutes: ["Mean hold", "minutes"],
  median_hold_minutes: ["Median hold", "minutes"],
  median_trade_pnl: ["Median trade", "money"],
  best_trade: ["Best trade", "money"],
  worst_trade: ["Worst trade", "money"],
  avg_mae: ["Mean adverse excursion", "money"],
  avg_mfe: ["Mean favourable excursion", "money"],
  avg_mae_pips: ["Mean adverse excursion, pips", "pips"],
  avg_mfe_pips: ["Mean favourable excursion, pips", "pips"],
  exposure_time: ["Time in the market", "share"],
  turnover: ["Turnover", "ratio"],
  cost_total: ["Costs", "money"],
  cost_spread: ["Costs: spread", "money"],
  cost_commission: ["Costs: commission", "money"],
  cost_slippage: ["Costs: slippage", "money"],
  cost_financing: ["Costs: financing", "money"],
  cost_conversion: ["Costs: conversion", "money"],
  cost_share: ["Costs over gross wins less losses", "ratio"],
  real_fraction: ["Real gates", "share"],
  pnl_nav_pct: ["P&L over NAV", "percent"],
  best_day_share: ["Best day's share of P&L", "share"],
  best_trade_share: ["Best trade's share of P&L", "share"],
  break_even_costs_x: ["Costs that P&L can bear, \u00d7", "ratio"],
  hazard_x: ["Hazard cap, \u00d7 profile", "number"],
  profit_factor_at_1_5x_costs: ["Profit factor at 1.5\u00d7 costs", "ratio"],
  step_down_p: ["Search p (step-down)", "number"],
  net_return: ["Out-of-sample return", "share"],
  p_value: ["Out-of-sample p", "number"],
  p_by: ["p over all instruments", "number"],
  hazard_max: ["Hazard cap", "number"],
  min_reps: ["Min repetitions", "count"],
  hold_minutes: ["Hold, minutes", "number"],
  exposure: ["Exposure", "number"],
  pf: ["Profit factor", "ratio"],
  maxdd_pct: ["Max drawdown", "percent"],
};

export function labelOf(name: string): string {
  const known = NAMES[name];
  if (known !== undefined) return known[0];
  if (name.startsWith("hold_out_")) return `Hold-out: ${labelOf(name.slice(9))}`;
  return sentence(name).replace(/ pnl$/, " P&L");
}

const formOf = (name: string): Form => {
  const bare = name.replace(/^hold_out_/, "");
  const known = NAMES[bare];
  if (known !== undefined) return known[1];
  if (/(^|_)pnl$/.test(bare)) return "money";
  if (/profit_factor$/.test(bare)) return "ratio";
  return "number";
};

export function written(name: string, value: number | null | undefined, currency: string | null) {
  switch (formOf(name)) {
    case "ratio":
      return ratio(value);
    case "count":
      return count(value);
    case "money":
      // What is a size and not a result has no sign.
      return /^(max_dd|cost|avg_ma|avg_mf)/.test(name)
        ? money(value, currency ?? "").replace("+", "")
        : money(value, currency ?? "");
    case "share":
      return share(value);
    case "percent":
      return percent(value, 2);
    case "pips":
      return number(value, 3);
    case "minutes":
      return value == null ? duration(value) : `${number(value, 3)} min`;
    default:
      return number(value);
  }
}

/** Short enough for a cell of the heat map. */
export function shortly(name: string, value: number): string {
  switch (formOf(name)) {
    case "money":
      return Math.abs(value) >= 1000 ? `${number(value / 1000, 3)}K` : number(value, 3);
    case "share":
      return share(value, 0);
    case "percent":
      return ratio(value);
    case "count":
      return count(value);
    case "ratio":
      return Math.abs(value) >= 100 ? number(value, 3) : ratio(value);
    default:
      return number(value, 3);
  }
}
