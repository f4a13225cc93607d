// A chart with its twin: a sentence, a keyboard cursor with a readout, and a table of the points.
import { type KeyboardEvent, lazy, Suspense, useEffect, useRef, useState } from "react";
import { Boundary } from "@/features/boundary";
import { Skeleton, TableRegion } from "@/features/panel/Panel";
import { dayOf, instant, instantShort, useZone, zoneName } from "@/format/time";
import css from "./Curves.module.css";
import { pointAt, type Series } from "./series";

const Plot = lazy(() => import("./Plot"));
const MOST_ROWS = 500;
/** A reader is told at most twice a second where the cursor is. */
const SAY_MS = 500;

export interface Line {
  name: string;
  text: (value: number | null | undefined) => string;
  /** Shorter, at the axis. */
  tick?: (value: number) => string;
}
export type Range = readonly [number, number];

interface Props {
  series: Series;
  summary: string;
  standsFor: number;
  range: Range | null;
  onRange: (range: Range | null) => void;
  upper: Line;
  lower: Line;
  stepped?: boolean;
  /** Points are dates. */
  days?: boolean;
}

export function Figure(props: Props) {
  const { series, range, upper, lower } = props;
  const zone = useZone();
  const [at, setAt] = useState<number | null>(null);
  const [table, setTable] = useState(false);
  const last = series.time.length - 1;
  const shown: Range = range ?? [series.time[0] ?? 0, series.time[last] ?? 0];
  const when = (point: number) =>
    props.days
      ? dayOf(new Date(series.time[point] ?? 0).toISOString().slice(0, 10), "utc")
      : instant(series.time[point], zone);
  const said =
    at === null
      ? ""
      : `${when(at)}: ${upper.name} ${upper.text(series.upper[at])}, ${lower.name.toLowerCase()} ${lower.text(series.lower[at])}`;
  const move = (event: KeyboardEvent) => {
    const first = pointAt(series.time, shown[0]);
    const end = pointAt(series.time, shown[1]);
    const now = at ?? first;
    const to = {
      ArrowRight: Math.min(now + (event.shiftKey ? 10 : 1), last),
      ArrowLeft: Math.max(now - (event.shiftKey ? 10 : 1), 0),
      Home: first,
      End: end,
    }[event.key];
    if (event.key === "Escape") props.onRange(null);
    if (to === undefined) return;
    event.preventDefault();
    setAt(to);
  };
  return (
    <figure className={css.figure}>
      <figcaption>{props.summary}</figcaption>
      <div className={css.tools}>
        <button type="button" aria-pressed={table} onClick={() => setTable(!table)}>
          Show as table
        </button>
        {range === null ? null : (
          <button type="button" onClick={() => props.onRange(null)}>
            Show all
          </button>
        )}
        <span className="muted">
          Drag to zoom. Arrow keys move the cursor, Shift by ten, Home and End to the ends.
        </span>
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: no element says that a drawing takes keys */}
      <div
        className={css.chart}
        role="group"
        aria-roledescription="chart"
        aria-label={`${upper.name} and ${lower.name.toLowerCase()}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move the cursor
        tabIndex={0}
        onKeyDown={move}
        data-points={series.time.length}
        data-stands-for={props.standsFor}
        data-from={new Date(shown[0]).toISOString()}
        data-to={new Date(shown[1]).toISOString()}
        data-zone={zoneName(zone)}
        data-cursor={at ?? undefined}
      >
        <Boundary title="The chart could not be drawn. The table still works.">
          <Suspense fallback={<Skeleton height="middle" what="Loading curve" />}>
            <Plot
              series={series}
              range={range}
              onRange={props.onRange}
              at={at}
              onAt={setAt}
              upper={upper}
              lower={lower}
              zone={props.days ? "utc" : zone}
              stepped={props.stepped ?? false}
            />
          </Suspense>
        </Boundary>
      </div>
      <p className={css.readout}>
        <span>{said || `Times in ${props.days ? "trading days" : zoneName(zone)}`}</span>
        <span className="muted">
          {series.time.length.toLocaleString("en-GB")} points stand for{" "}
          {props.standsFor.toLocaleString("en-GB")}
        </span>
      </p>
      <Spoken text={said} />
      {table ? <Table {...props} shown={shown} when={when} /> : null}
    </figure>
  );
}

function Spoken({ text }: { text: string }) {
  const [said, setSaid] = useState("");
  const before = useRef(0);
  useEffect(() => {
    const wait = Math.max(0, before.current + SAY_MS - Date.now());
    const timer = setTimeout(() => {
      before.current = Date.now();
      setSaid(text);
    }, wait);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <output aria-live="polite" className="visually-hidden">
      {said}
    </output>
  );
}

function Table(props: Props & { shown: Range; when: (point: number) => string }) {
  const { series, shown, upper, lower } = props;
  const zone = useZone();
  const points = [...series.time.keys()].filter((point) => {
    const time = series.time[point] ?? 0;
    return time >= shown[0] && time <= shown[1];
  });
  const rows = points.slice(0, MOST_ROWS);
  return (
    <div className={css.table}>
      <TableRegion label="Points of the curve">
        <table data-testid="curve-table">
          <thead>
            <tr>
              <th scope="col">{props.days ? "Day" : `Time, ${zoneName(zone)}`}</th>
              <th scope="col" className="number">
                {upper.name}
              </th>
              <th scope="col" className="number">
                {lower.name}
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((point) => (
              <tr key={point}>
                <td>{props.days ? props.when(point) : instantShort(series.time[point], zone)}</td>
                <td className="number">{upper.text(series.upper[point])}</td>
                <td className="number">{lower.text(series.lower[point])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableRegion>
      {rows.length < points.length ? (
        <p className="muted">
          The first {rows.length} of {points.length} points: zoom in for others.
        </p>
      ) : null}
    </div>
  );
}
