// The drawing: candles, markers, and the chosen trade's way. Times stay UTC; labels follow the zone.
import {
  CandlestickSeries,
  createChart,
  createSeriesMarkers,
  type IChartApi,
  type ISeriesApi,
  LineSeries,
  type Time,
  type UTCTimestamp,
} from "lightweight-charts";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { Schemas } from "@/api/client";
import { tickText } from "@/features/curves/ticks";
import { usePalette } from "@/features/instrument/usePalette";
import { instant, type Zone, zoneName } from "@/format/time";
import css from "./Candles.module.css";
import { marksOf } from "./marks";

interface Props {
  candles: Schemas["Candles"];
  trade: Schemas["Trade"] | null;
  zone: Zone;
  onTrade: (trade: number) => void;
}

const seconds = (ms: number) => Math.floor(ms / 1000) as UTCTimestamp;
const STEP_S = [31_536_000, 2_592_000, 86_400, 60, 1];

export default function CandleChart({ candles, trade, zone, onTrade }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const held = useRef<{ chart: IChartApi; series: ISeriesApi<"Candlestick"> } | null>(null);
  const palette = usePalette();
  const [at, setAt] = useState<number | null>(null);
  const digits = (candles.close[0] ?? 1) >= 20 ? 3 : 5;
  useEffect(() => {
    if (place.current === null) return;
    const chart = createChart(place.current, {
      autoSize: true,
      layout: {
        attributionLogo: false,
        background: { color: palette.surface },
        textColor: palette.muted,
      },
      grid: { vertLines: { color: palette.grid }, horzLines: { color: palette.grid } },
      localization: { timeFormatter: (time: Time) => instant(Number(time) * 1000, zone) },
      timeScale: {
        timeVisible: true,
        borderColor: palette.grid,
        tickMarkFormatter: (time: Time, kind: number) =>
          tickText(Number(time) * 1000, STEP_S[kind] ?? 60, zone),
      },
      rightPriceScale: { borderColor: palette.grid },
    });
    const series = chart.addSeries(CandlestickSeries, {
      upColor: palette.gain,
      borderUpColor: palette.gain,
      wickUpColor: palette.gain,
      downColor: palette.loss,
      borderDownColor: palette.loss,
      wickDownColor: palette.loss,
      priceFormat: { type: "price", precision: digits, minMove: 10 ** -digits },
    });
    series.setData(
      candles.time_ms.map((time, row) => ({
        time: seconds(time),
        open: candles.open[row] ?? 0,
        high: candles.high[row] ?? 0,
        low: candles.low[row] ?? 0,
        close: candles.close[row] ?? 0,
      })),
    );
    createSeriesMarkers(series, marksOf(candles.markers, trade?.id ?? null, palette));
    if (trade !== null) drawWay(chart, series, candles, trade, palette);
    chart.timeScale().fitContent();
    held.current = { chart, series };
    return () => {
      held.current = null;
      chart.remove();
    };
  }, [candles, trade, zone, palette, digits]);
  useEffect(() => {
    const time = at === null ? undefined : candles.time_ms[at];
    if (held.current === null || at === null || time === undefined) return;
    const { chart, series } = held.current;
    chart.setCrosshairPosition(candles.close[at] ?? 0, seconds(time), series);
  }, [at, candles]);
  const last = candles.points - 1;
  const move = (event: KeyboardEvent) => {
    const now = at ?? -1;
    const to = {
      ArrowRight: Math.min(now + (event.shiftKey ? 10 : 1), last),
      ArrowLeft: Math.max(now - (event.shiftKey ? 10 : 1), 0),
      Home: 0,
      End: last,
    }[event.key];
    if (to !== undefined) setAt(to);
    else if (event.key === "Enter") {
      const mark = candles.markers.find((each) => each.candle_ms === candles.time_ms[at ?? -1]);
      if (mark === undefined) return;
      onTrade(mark.trade);
    } else return;
    event.preventDefault();
  };
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: no element says that a drawing takes keys */}
      <div
        ref={place}
        className={css.chart}
        role="group"
        aria-roledescription="chart"
        aria-label="Candles with entries and exits; arrow keys move the cursor, Enter opens the trade"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move the cursor
        tabIndex={0}
        onKeyDown={move}
        data-points={candles.points}
        data-markers={candles.markers.length}
        data-from={candles.start}
        data-to={candles.end}
        data-zone={zoneName(zone)}
        data-trade={trade?.id}
      />
      <output aria-live="polite" className={css.readout}>
        {at === null ? "" : spoken(candles, at, zone, digits)}
      </output>
    </>
  );
}

function spoken(candles: Schemas["Candles"], at: number, zone: Zone, digits: number): string {
  const of = (column: number[]) => (column[at] ?? 0).toFixed(digits);
  const time = candles.time_ms[at];
  const marks = candles.markers
    .filter((mark) => mark.candle_ms === time)
    .map((mark) => `${mark.kind} ${mark.direction.toLowerCase()} at ${mark.price.toFixed(digits)}`);
  const ends = `open ${of(candles.open)}, high ${of(candles.high)}, low ${of(candles.low)}, close ${of(candles.close)}`;
  return [`${instant(time, zone)}: ${ends}`, ...marks].join("; ");
}

/** From the entry to the exit, with the stop where there was one. */
function drawWay(
  chart: IChartApi,
  series: ISeriesApi<"Candlestick">,
  candles: Schemas["Candles"],
  trade: Schemas["Trade"],
  palette: { accent: string; warn: string },
) {
  const ends = candles.markers.filter((mark) => mark.trade === trade.id && mark.candle_ms !== null);
  const points = ends.map((mark) => ({ time: seconds(mark.candle_ms ?? 0), value: mark.price }));
  if (points.length === 2 && points[0]?.time !== points[1]?.time) {
    const way = chart.addSeries(LineSeries, {
      color: palette.accent,
      lineWidth: 2,
      lineStyle: 2,
      lastValueVisible: false,
      priceLineVisible: false,
      crosshairMarkerVisible: false,
    });
    way.setData(points);
  }
  if (trade.stop !== null) {
    series.createPriceLine({
      price: trade.stop,
      color: palette.warn,
      lineStyle: 3,
      lineWidth: 1,
      title: "stop",
    });
  }
}
