// Failed gates and penalties as short words with their value and limit.
import type { Tile } from "@/api/client";
import { number } from "@/format/numbers";
import { sentence } from "@/format/words";

export interface Reason {
  key: string;
  text: string;
  long: string;
}

const MEASURES: Record<string, string> = {
  real_fraction: "Real data",
  pnl: "Net P&L",
  profit_factor_at_1_5x_costs: "PF at 1.5\u00d7 costs",
  step_down_p: "Search p",
  dsr: "Deflated Sharpe",
  net_return: "Out-of-sample return",
  p_value: "Out-of-sample p",
  p_by: "p over all instruments",
};

export function reasonsOf(tile: Tile): Reason[] {
  const gates = tile.failed_gates.map((gate) => {
    const value = gate.statistic === null ? "n/a" : number(gate.statistic, 3);
    const sign = gate.at_least ? "\u2265" : "\u2264";
    const limit = `needs ${sign} ${number(gate.threshold, 3)}`;
    return {
      key: `gate:${gate.name}:${gate.measure}`,
      text: `${MEASURES[gate.measure] ?? sentence(gate.measure)} ${value}, ${limit}`,
      long: `Gate ${gate.name}: ${gate.measure} is ${value}, ${limit}; n = ${gate.n}`,
    };
  });
  const penalties = tile.penalties.map((penalty) => {
    const value = penalty.value === null ? "" : ` ${number(penalty.value, 3)}`;
    const limit = penalty.threshold === null ? "" : ` (limit ${number(penalty.threshold, 3)})`;
    return {
      key: `penalty:${penalty.tag}`,
      text: `${sentence(penalty.tag)}${value}`,
      long: `${sentence(penalty.tag)}${value}${limit}: ${number(penalty.points_lost, 3)} points lost`,
    };
  });
  return [...gates, ...penalties];
}
