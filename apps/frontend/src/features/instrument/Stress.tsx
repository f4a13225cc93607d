// What is left when costs rise, or every order comes a bar late.
import type { Entry } from "@/api/results";
import { Metric } from "@/features/metric";
import { Chip, type Fact, Facts, Panel, TableRegion } from "@/features/panel/Panel";
import css from "@/features/panel/Panel.module.css";
import { money, ratio, share, tone } from "@/format/numbers";
import { sentence } from "@/format/words";

const ROWS: Record<string, string> = {
  costs_1_5x: "Costs 1.5\u00d7",
  costs_2x: "Costs 2\u00d7",
  latency_1_bar: "One bar later",
};

export function Stress({ entry }: { entry: Entry }) {
  const { currency, metric_details: base } = entry;
  const { stress } = entry.judgement;
  const names = Object.keys(stress.pnl);
  const facts: Fact[] = [
    [
      "Costs that P&L can bear",
      stress.break_even_costs_x === null ? "n/a" : `${ratio(stress.break_even_costs_x)}\u00d7`,
    ],
    ["Best day's share of P&L", orNoProfit(stress.best_day_share)],
    ["Best trade's share of P&L", orNoProfit(stress.best_trade_share)],
  ];
  return (
    <Panel title="Stress" id="stress">
      {names.length === 0 ? (
        <p className="muted">Not stressed: the cell does not qualify.</p>
      ) : (
        <TableRegion label="Stress tests">
          <table>
            <thead>
              <tr>
                <th scope="col">Under</th>
                <th scope="col" className="number">
                  Net P&amp;L
                </th>
                <th scope="col" className="number">
                  Profit factor
                </th>
              </tr>
            </thead>
            <tbody>
              <tr data-stress="base">
                <th scope="row">Costs 1&times;, as run</th>
                <td className={`number ${tone(base.pnl?.value)}`}>
                  <Metric name="pnl" value={base.pnl} currency={currency} />
                </td>
                <td className="number">
                  <Metric name="profit_factor" value={base.profit_factor} currency={currency} />
                </td>
              </tr>
              {names.map((name) => (
                <tr key={name} data-stress={name}>
                  <th scope="row">{ROWS[name] ?? sentence(name)}</th>
                  <td className={`number ${tone(stress.pnl[name])}`}>
                    {stress.pnl[name] == null ? "n/a" : money(stress.pnl[name], currency ?? "")}
                  </td>
                  <td className="number">
                    {stress.profit_factor[name] == null ? "n/a" : ratio(stress.profit_factor[name])}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableRegion>
      )}
      <Facts facts={facts} />
      <div className={css.chips}>
        {stress.tags.map((tag) => (
          <Chip key={tag} tone="warn">
            {sentence(tag)}
          </Chip>
        ))}
      </div>
    </Panel>
  );
}

const orNoProfit = (value: number | null) =>
  value === null ? "n/a \u2013 no profit to share" : share(value);
