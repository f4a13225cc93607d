// The heat map: a real grid of cells, walked by arrow keys, each named in words.
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import type { Schemas } from "@/api/client";
import { labelOf, shortly } from "@/features/instrument/measures";
import { TableRegion } from "@/features/panel/Panel";
import css from "./Grid.module.css";
import { Legend } from "./Legend";
import { type Place, valueText } from "./places";
import { scaleOf, stepOf } from "./scale";

const LEAP = 5;

interface Props {
  plane: Schemas["GridPlane"];
  places: Place[];
  selected: number | null;
  onCell: (cell: number) => void;
}

export function HeatMap({ plane, places, selected, onCell }: Props) {
  const table = useRef<HTMLTableElement>(null);
  const [at, setAt] = useState<readonly [number, number] | null>(null);
  const scale = useMemo(
    () =>
      scaleOf(
        plane.metric,
        places.map((place) => place.value),
      ),
    [plane.metric, places],
  );
  const { x, y } = plane;
  if (x === null || y === null) return null;
  const [columns, rows] = [x.values.length, y.values.length];
  const entry =
    places.find((place) => place.cell !== null && place.cell === selected) ??
    places.find((place) => place.chosen) ??
    places[0];
  const inside = at !== null && at[0] < rows && at[1] < columns;
  const stop = inside ? at : ([entry?.row ?? 0, entry?.column ?? 0] as const);
  const move = (event: KeyboardEvent, place: Place) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      if (place.cell !== null) onCell(place.cell);
      return;
    }
    const to = moved(event, place, rows, columns);
    if (to === null) return;
    event.preventDefault();
    setAt(to);
    table.current
      ?.querySelector<HTMLElement>(`[data-row="${to[0]}"][data-column="${to[1]}"]`)
      ?.focus();
  };
  return (
    <>
      <TableRegion
        label={`${labelOf(plane.metric)} over ${labelOf(x.name)} and ${labelOf(y.name)}`}
      >
        <table
          ref={table}
          className={css.map}
          // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: its cells are walked
          role="grid"
          aria-label={`${labelOf(plane.metric)}: ${labelOf(x.name)} across, ${labelOf(y.name)} down`}
          data-metric={plane.metric}
          data-cells={plane.tested}
        >
          <thead>
            <tr>
              <th scope="col" className={css.corner}>
                <span>{labelOf(y.name)} &darr;</span> <span>{labelOf(x.name)} &rarr;</span>
              </th>
              {x.values.map((value) => (
                <th key={String(value)} scope="col" data-chosen={value === x.chosen || undefined}>
                  {valueText(value)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {y.values.map((value, row) => (
              <tr key={String(value)}>
                <th scope="row" data-chosen={value === y.chosen || undefined}>
                  {valueText(value)}
                </th>
                {places.slice(row * columns, (row + 1) * columns).map((place) => (
                  <td
                    key={place.column}
                    // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: as its table
                    role="gridcell"
                    className={css.cell}
                    tabIndex={stop[0] === row && stop[1] === place.column ? 0 : -1}
                    aria-label={place.words}
                    aria-selected={place.cell !== null && place.cell === selected}
                    data-row={row}
                    data-column={place.column}
                    data-cell={place.cell ?? undefined}
                    data-ramp={scale?.ramp}
                    data-step={
                      place.value === null || scale === null ? "none" : stepOf(scale, place.value)
                    }
                    data-chosen={place.chosen || undefined}
                    data-near={place.neighbour || undefined}
                    data-dim={!place.kept || undefined}
                    title={place.words}
                    onFocus={() => setAt([row, place.column])}
                    onClick={() => place.cell !== null && onCell(place.cell)}
                    onKeyDown={(event) => move(event, place)}
                  >
                    <span>{place.value === null ? "n/a" : shortly(plane.metric, place.value)}</span>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </TableRegion>
      {scale === null ? (
        <p className="muted">{labelOf(plane.metric)} is undefined in every cell shown.</p>
      ) : (
        <Legend scale={scale} metric={plane.metric} />
      )}
    </>
  );
}

function moved(
  event: KeyboardEvent,
  { row, column }: Place,
  rows: number,
  columns: number,
): readonly [number, number] | null {
  const within = (value: number, most: number) => Math.min(Math.max(value, 0), most - 1);
  switch (event.key) {
    case "ArrowRight":
      return [row, within(column + 1, columns)];
    case "ArrowLeft":
      return [row, within(column - 1, columns)];
    case "ArrowDown":
      return [within(row + 1, rows), column];
    case "ArrowUp":
      return [within(row - 1, rows), column];
    case "Home":
      return [event.ctrlKey ? 0 : row, 0];
    case "End":
      return [event.ctrlKey ? rows - 1 : row, columns - 1];
    case "PageDown":
      return [within(row + LEAP, rows), column];
    case "PageUp":
      return [within(row - LEAP, rows), column];
    default:
      return null;
  }
}
