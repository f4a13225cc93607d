// The drawing itself: two uPlot charts that share time, zoom and cursor. Times stay UTC; only
// labels and ticks follow the zone.
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { type Palette, usePalette } from "@/features/instrument/usePalette";
import type { Zone } from "@/format/time";
import css from "./Curves.module.css";
import type { Line, Range } from "./Figure";
import type { Series } from "./series";
import { tickText } from "./ticks";

const HEIGHT = { upper: 260, lower: 140 } as const;
const FONT = "12px system-ui, sans-serif";

interface Props {
  series: Series;
  range: Range | null;
  onRange: (range: Range | null) => void;
  at: number | null;
  onAt: (at: number | null) => void;
  upper: Line;
  lower: Line;
  zone: Zone;
  stepped: boolean;
}

export default function Plot(props: Props) {
  const palette = usePalette();
  const places = { upper: useRef<HTMLDivElement>(null), lower: useRef<HTMLDivElement>(null) };
  const charts = useRef<uPlot[]>([]);
  const latest = useRef(props);
  latest.current = props;
  const { series, zone, stepped, range, at } = props;
  const { upper, lower } = places;
  useEffect(() => {
    const group = uPlot.sync(`curves ${Math.random()}`);
    const seconds = series.time.map((time) => time / 1000);
    const drawn = (["upper", "lower"] as const).flatMap((which) => {
      const place = { upper, lower }[which].current;
      if (place === null) return [];
      const plot = new uPlot(
        options(which, place.clientWidth, palette, zone, stepped, latest, group),
        [seconds, series[which]],
        place,
      );
      group.sub(plot);
      return [plot];
    });
    charts.current = drawn;
    const resized = new ResizeObserver(() => {
      for (const plot of drawn) {
        const width = plot.root.parentElement?.clientWidth ?? plot.width;
        if (width > 0) plot.setSize({ width, height: plot.height });
      }
    });
    if (upper.current !== null) resized.observe(upper.current);
    return () => {
      resized.disconnect();
      charts.current = [];
      for (const plot of drawn) plot.destroy();
    };
  }, [series, palette, zone, stepped, upper, lower]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: charts that were made anew need it too
  useEffect(() => {
    for (const plot of charts.current) {
      const [from, to] = range ?? [series.time[0] ?? 0, series.time.at(-1) ?? 0];
      plot.setScale("x", { min: from / 1000, max: to / 1000 });
    }
  }, [range, series, palette, zone, stepped]);
  useEffect(() => {
    const plot = charts.current[0];
    const time = at === null ? undefined : series.time[at];
    if (plot === undefined || time === undefined) return;
    if (plot.cursor.idx === at) return;
    plot.setCursor({ left: plot.valToPos(time / 1000, "x"), top: 10 });
  }, [at, series]);
  return (
    <div className={css.plot} aria-hidden="true">
      <p className={css.name}>{props.upper.name}</p>
      <div ref={upper} />
      <p className={css.name}>{props.lower.name}</p>
      <div ref={lower} />
    </div>
  );
}

function options(
  which: "upper" | "lower",
  width: number,
  palette: Palette,
  zone: Zone,
  stepped: boolean,
  latest: { current: Props },
  group: uPlot.SyncPubSub,
): uPlot.Options {
  const colour = which === "upper" ? palette.gain : palette.loss;
  const grid = { stroke: palette.grid, width: 1 };
  const axis = { stroke: palette.muted, font: FONT, grid, ticks: { ...grid, size: 4 } };
  const paths = stepped ? uPlot.paths.stepped?.({ align: 1 }) : undefined;
  return {
    width: Math.max(width, 200),
    height: HEIGHT[which],
    legend: { show: false },
    ...(zone === "utc"
      ? { tzDate: (time: number) => uPlot.tzDate(new Date(time * 1000), "Etc/UTC") }
      : {}),
    scales: {
      x: { time: true },
      y:
        which === "lower" ? { range: (_plot, low) => [Math.min(low ?? 0, -0.0001) * 1.05, 0] } : {},
    },
    cursor: {
      sync: { key: group.key },
      drag: { x: true, y: false, setScale: false },
      points: { size: 7, fill: colour },
    },
    series: [
      {},
      {
        stroke: colour,
        width: 1.5,
        points: { show: false },
        ...(paths === undefined ? {} : { paths }),
        ...(which === "lower" ? { fill: `${colour}33` } : {}),
      },
    ],
    axes: [
      {
        ...axis,
        space: 90,
        values: (_plot, splits, _axis, _space, step) =>
          splits.map((time) => tickText(time * 1000, step, zone)),
      },
      {
        ...axis,
        size: 72,
        values: (_plot, splits) =>
          splits.map((value) => (latest.current[which].tick ?? latest.current[which].text)(value)),
      },
    ],
    hooks: {
      setCursor: [
        (plot) => {
          const { at, onAt } = latest.current;
          const next = plot.cursor.idx ?? null;
          if (which === "upper" && next !== null && next !== at) onAt(next);
        },
      ],
      setSelect: [
        (plot) => {
          const { left, width: wide } = plot.select;
          if (wide < 4) return;
          const from = Math.round(1000 * plot.posToVal(left, "x"));
          const to = Math.round(1000 * plot.posToVal(left + wide, "x"));
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          latest.current.onRange([from, to]);
        },
      ],
    },
  };
}
