// Prices with the entries and exits of the chosen cell: the whole window, or around one trade.
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import type { Schemas } from "@/api/client";
import { candlesQuery, type Of, type Phase } from "@/api/results";
import { Boundary } from "@/features/boundary";
import { Chip, Panel, Skeleton, TableRegion } from "@/features/panel/Panel";
import panel from "@/features/panel/Panel.module.css";
import { Nothing, PanelProblem } from "@/features/problem";
import { count, money, number } from "@/format/numbers";
import { instant, instantShort, useZone, zoneName } from "@/format/time";
import css from "./Candles.module.css";
import { spanOf } from "./span";

const CandleChart = lazy(() => import("./CandleChart"));
type Trade = Schemas["Trade"];
type Candles = Schemas["Candles"];

interface Props {
  of: Of;
  trade: Trade | null;
  phase: Phase;
  /** The window that the trades are of. */
  window: Schemas["Window"];
  onClear: () => void;
  onTrade: (trade: number) => void;
}

const TROUBLE = "Price chart could not be loaded. The trade list still works.";

export default function CandlePanel({ of, phase, trade, window, onClear, onTrade }: Props) {
  const query = useQuery(
    candlesQuery(of, { phase, ...(trade === null ? window : spanOf(trade)), max_points: 1000 }),
  );
  const zone = useZone();
  return (
    <Panel
      title="Prices"
      id="candles"
      side={
        trade === null ? (
          <span className="muted">Choose a trade to see it closely</span>
        ) : (
          <button type="button" onClick={onClear}>
            Whole window
          </button>
        )
      }
    >
      {trade === null ? null : <TradeFacts trade={trade} />}
      {query.data === undefined ? (
        query.error === null ? (
          <Skeleton height="middle" what="Loading prices" />
        ) : (
          <PanelProblem title={TROUBLE} error={query.error} again={() => void query.refetch()} />
        )
      ) : query.data.absent !== null ? (
        <Nothing title="No candles stored for this period">
          <p className="muted">{query.data.absent.text}</p>
        </Nothing>
      ) : (
        <Figure
          candles={query.data}
          trade={trade}
          onTrade={onTrade}
          busy={query.isPlaceholderData}
        />
      )}
      <p className={css.credit}>
        <span className="muted">Times in {zoneName(zone)}. </span>
        <a href="https://www.tradingview.com/" target="_blank" rel="noopener noreferrer">
          Charts by TradingView
        </a>
      </p>
    </Panel>
  );
}

function TradeFacts({ trade }: { trade: Trade }) {
  const zone = useZone();
  return (
    <p role="status">
      {trade.direction === "LONG" ? "\u25b2 Long" : "\u25bc Short"} {count(trade.units)} units,{" "}
      {instant(trade.entry_time, zone)} at {trade.entry_price}, out at {trade.exit_price} after{" "}
      {number(trade.hold_minutes, 4)} min: <strong>{money(trade.pnl, "").trim()}</strong>,{" "}
      {trade.exit_reason.replaceAll("_", " ")}
      {trade.stop === null ? "" : `, stop ${trade.stop}`}.
    </p>
  );
}

function Figure(props: {
  candles: Candles;
  trade: Trade | null;
  onTrade: (trade: number) => void;
  busy: boolean;
}) {
  const { candles, trade } = props;
  const [table, setTable] = useState(false);
  const zone = useZone();
  return (
    <figure className={css.figure} aria-busy={props.busy}>
      <figcaption className={panel.chips}>
        <span>
          {count(candles.points)} candles of {length(candles)}, {candles.side}, from{" "}
          {instant(candles.start, zone)} to {instant(candles.end, zone)};{" "}
          {count(candles.markers_found)} entries and exits.
        </span>
        {candles.source === "demo" ? <Chip tone="made">Simulated market</Chip> : null}
        {candles.bars_changed ? <Chip tone="warn">Bars changed since the run</Chip> : null}
        {candles.markers.length < candles.markers_found ? (
          <Chip tone="warn">The first {count(candles.markers.length)} are drawn</Chip>
        ) : null}
      </figcaption>
      <Boundary title={TROUBLE}>
        <Suspense fallback={<Skeleton height="middle" what="Loading prices" />}>
          <CandleChart candles={candles} trade={trade} zone={zone} onTrade={props.onTrade} />
        </Suspense>
      </Boundary>
      <div>
        <button type="button" aria-pressed={table} onClick={() => setTable(!table)}>
          Show as table
        </button>
      </div>
      {table ? <Table candles={candles} /> : null}
    </figure>
  );
}

export function length(candles: Candles): string {
  if (candles.weeks !== null) return candles.weeks === 1 ? "a week" : `${candles.weeks} weeks`;
  const minutes = candles.bucket_minutes;
  if (minutes === null) return candles.granularity;
  if (minutes < 60) return `${number(minutes)} min`;
  return minutes < 1440 ? `${number(minutes / 60)} h` : "a day";
}

function Table({ candles }: { candles: Candles }) {
  const zone = useZone();
  const rows = candles.time_ms.slice(0, 500);
  return (
    <div className={css.table}>
      <TableRegion label="Candles">
        <table>
          <thead>
            <tr>
              <th scope="col">From, {zoneName(zone)}</th>
              {["Open", "High", "Low", "Close"].map((name) => (
                <th key={name} scope="col" className="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((time, at) => (
              <tr key={time}>
                <td>{instantShort(time, zone)}</td>
                {[candles.open, candles.high, candles.low, candles.close].map((column, which) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: four columns that never move
                  <td key={which} className="number">
                    {number(column[at], 7)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </TableRegion>
      {rows.length < candles.points ? (
        <p className="muted">
          The first {rows.length} of {candles.points} candles: choose a trade for others.
        </p>
      ) : null}
    </div>
  );
}
