// One instrument at a glance: its numbers with what stands behind them, and what was decided.
import { Link } from "@tanstack/react-router";
import type { Tile as TileData } from "@/api/client";
import { Ribbon } from "@/features/coverage/Ribbon";
import { interval, Metric } from "@/features/metric";
import { Decision } from "@/features/panel/Decision";
import { Chip } from "@/features/panel/Panel";
import { ParityChip } from "@/features/parity/ParityChip";
import { number } from "@/format/numbers";
import { type Reason, reasonsOf } from "./reasons";
import { Sparkline } from "./Sparkline";
import css from "./Tile.module.css";

const ROWS = [
  ["pnl", "P&L"],
  ["profit_factor", "PF"],
  ["win_rate", "Win rate"],
  ["max_dd_pct", "Max drawdown"],
  ["trades", "Trades"],
] as const;

export function Tile(props: { tile: TileData; week: string | undefined; run: string }) {
  const { tile, week } = props;
  const name = tile.instrument.replace("_", "/");
  const sharpe = tile.metrics.sharpe;
  const range = interval(sharpe);
  const synthetic = (tile.coverage?.synthetic_minutes ?? 0) > 0;
  return (
    <article className={css.tile} data-testid="tile" data-instrument={tile.instrument}>
      <header className={css.head}>
        <h2>
          <Link
            to="/instruments/$symbol"
            params={{ symbol: tile.instrument }}
            search={week === undefined ? {} : { week }}
          >
            {name}
          </Link>
        </h2>
        <Decision verdict={tile.roster} />
      </header>
      {tile.state === "error" ? (
        <p role="note" className={css.failed}>
          No result: {tile.error?.message ?? "the instrument failed"}
        </p>
      ) : (
        <>
          <div className={css.lead}>
            <div>
              <span className={css.label}>Sharpe</span>
              <strong data-metric="sharpe">
                <Metric name="sharpe" value={sharpe} currency={null} />
              </strong>
              {range === null ? null : <span className={css.range}>90 %: {range}</span>}
            </div>
            <Sparkline values={tile.sparkline} name={name} />
          </div>
          <dl className={css.numbers}>
            {ROWS.map(([key, label]) => (
              <div key={key}>
                <dt>{label}</dt>
                <dd data-metric={key}>
                  <Metric name={key} value={tile.metrics[key]} currency={tile.currency} short />
                </dd>
              </div>
            ))}
            <div>
              <dt>Score</dt>
              <dd data-metric="score">{tile.score === null ? "\u2013" : number(tile.score, 3)}</dd>
            </div>
          </dl>
          <Ribbon coverage={tile.coverage} />
          <Chips tile={tile} synthetic={synthetic} run={props.run} />
        </>
      )}
    </article>
  );
}

const FEW = 4;

function Chips(props: { tile: TileData; synthetic: boolean; run: string }) {
  const { tile, synthetic } = props;
  const reasons = reasonsOf(tile);
  const [few, more] = [reasons.slice(0, FEW), reasons.slice(FEW)];
  const standing = [
    tile.qualified ? (["good", "Qualified"] as const) : (["plain", "Not qualified"] as const),
    ...(tile.promoted ? [["good", "Promoted"] as const] : []),
    ...(tile.simulated ? [["made", "Simulated market"] as const] : []),
    ...(synthetic ? [["made", "Synthetic gates"] as const] : []),
    ...(reasons.length === 0 ? [["good", "All gates passed"] as const] : []),
  ];
  return (
    <div className={css.reasons}>
      <ul className={css.chips} aria-label="Gates, penalties and parity">
        {standing.map(([tone, text]) => (
          <li key={text}>
            <Chip tone={tone}>{text}</Chip>
          </li>
        ))}
        <li>
          <ParityChip run={props.run} symbol={tile.instrument} />
        </li>
        <Items reasons={few} />
      </ul>
      {more.length === 0 ? null : (
        <details>
          <summary>{more.length} more reasons</summary>
          <ul className={css.chips} aria-label="Further gates and penalties">
            <Items reasons={more} />
          </ul>
        </details>
      )}
    </div>
  );
}

function Items({ reasons }: { reasons: readonly Reason[] }) {
  return reasons.map((reason) => (
    <li key={reason.key}>
      <Chip tone="warn" name={reason.key} title={reason.long}>
        {reason.text}
      </Chip>
    </li>
  ));
}
