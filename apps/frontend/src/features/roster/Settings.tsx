// The settings the week was decided with, as sentences of a list.
import type { Schemas } from "@/api/client";
import { count, number, share } from "@/format/numbers";
import css from "./Evidence.module.css";

export function RosterSettings({ settings }: { settings: Schemas["RosterSettings"] }) {
  const factor =
    settings.profit_factor_c == null
      ? `above ${number(settings.min_profit_factor)}`
      : `above 1 + ${number(settings.profit_factor_c)} / \u221atrades`;
  const facts: readonly (readonly [string, string])[] = [
    ["A week passes with", `${count(settings.min_trades)} trades or more`],
    ["Sharpe", `above ${number(settings.min_sharpe)}`],
    ["Profit factor", factor],
    ["Rule disables after", `${count(settings.failing_weeks)} failing weeks in a row`],
    ["Evidence promotes at", `e-value ${number(settings.evidence)}`],
    ["Loss limit of a day", share(settings.loss_limit, 2)],
    ["Size when tightened", `${number(settings.tightened_size)}\u00d7 of full`],
    ["CUSUM, false alarms", `one in ${count(settings.false_alarm_weeks)} weeks`],
    ["e-detector, false alarms", `at most one in ${count(settings.false_alarm_days)} days`],
    ["Prior", `${number(settings.prior_days)} days, square ${number(settings.prior_square)}`],
    ["Stake cap", number(settings.stake_cap)],
  ];
  return (
    <dl className={`${css.facts} ${css.columns}`}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
