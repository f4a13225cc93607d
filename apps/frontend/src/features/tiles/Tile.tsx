// One instrument at a glance: its numbers with what stands behind them, and what was decided.
import { Link } from "@tanstack/react-router";
import type { Tile as TileData } from "@/api/client";
import { Ribbon } from "@/features/coverage/Ribbon";
import { interval, Metric } from "@/features/metric";
import { number } from "@/format/numbers";
import { type Chip, chipsOf } from "./chips";
import { Sparkline } from "./Sparkline";
import css from "./Tile.module.css";

const ROWS = [
  ["pnl", "P&L"],
  ["profit_factor", "PF"],
  ["win_rate", "Win rate"],
  ["max_dd_pct", "Max drawdown"],
  ["trades", "Trades"],
] as const;

export const ACTIONS: Record<string, string> = {
  keep: "Keep",
  tighten: "Tighten",
  disable: "Disable",
  "re-enable": "Re-enable",
  no_change: "No change",
};

export function Decision({ tile }: { tile: TileData }) {
  const verdict = tile.roster;
  if (verdict === null) return <span className={css.badge}>Not decided</span>;
  return (
    <span className={css.badge} data-action={verdict.action} title={verdict.reasons.join("\n")}>
      {ACTIONS[verdict.action] ?? verdict.action}
    </span>
  );
}

export function Tile({ tile, week }: { tile: TileData; week: string | undefined }) {
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
        <Decision tile={tile} />
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
          <Chips tile={tile} synthetic={synthetic} />
        </>
      )}
    </article>
  );
}

const FEW = 4;

function Chips({ tile, synthetic }: { tile: TileData; synthetic: boolean }) {
  const chips = chipsOf(tile);
  const [few, more] = [chips.slice(0, FEW), chips.slice(FEW)];
  return (
    <div className={css.reasons}>
      <ul className={css.chips} aria-label="Gates and penalties">
        <li className={tile.qualified ? css.good : css.plain}>
          {tile.qualified ? "Qualified" : "Not qualified"}
        </li>
        {tile.promoted ? <li className={css.good}>Promoted</li> : null}
        {tile.simulated ? <li className={css.made}>Simulated market</li> : null}
        {synthetic ? <li className={css.made}>Synthetic gates</li> : null}
        {few.map((chip) => (
          <ChipItem key={chip.key} chip={chip} />
        ))}
        {chips.length === 0 ? <li className={css.good}>All gates passed</li> : null}
      </ul>
      {more.length === 0 ? null : (
        <details>
          <summary>{more.length} more reasons</summary>
          <ul className={css.chips} aria-label="Further gates and penalties">
            {more.map((chip) => (
              <ChipItem key={chip.key} chip={chip} />
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function ChipItem({ chip }: { chip: Chip }) {
  return (
    <li className={css.chip} data-chip={chip.key} title={chip.long}>
      {chip.text}
    </li>
  );
}
