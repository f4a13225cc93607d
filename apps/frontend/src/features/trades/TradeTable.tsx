// The list itself: only the rows in sight are in the document, pages come as one scrolls.
import { FlexRender, useTable } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import { useZone } from "@/format/time";
import { columnsOf, features, RIGHT, type Trade } from "./columns";
import { ariaSort, nextSort, wantsMore } from "./paging";
import css from "./Trades.module.css";
import { useSeek } from "./useSeek";

const ROW_PX = 32;
const LEAP = 10;

export interface Props {
  trades: Trade[];
  total: number;
  selected: number | null;
  /** Its row, which may lie beyond the loaded pages. */
  selectedAt: number | null;
  sort: string | undefined;
  /** Sort and filters in one text: another list begins at its top. */
  scope: string;
  busy: boolean;
  more: boolean;
  onMore: () => unknown;
  onSelect: (trade: number) => void;
  onSort: (sort: string | undefined) => void;
}

export function TradeTable(props: Props) {
  const { trades, total, selected, more, onMore } = props;
  const zone = useZone();
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const columns = useMemo(() => columnsOf(zone), [zone]);
  const table = useTable({ features, columns, data: trades, getRowId: (row) => String(row.id) });
  const rows = table.getRowModel().rows;
  const [active, setActive] = useState<number | null>(null);
  const [toEnd, setToEnd] = useState(false);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: 8,
    scrollPaddingStart: ROW_PX,
  });
  const shown = virtual.getVirtualItems();
  const lastShown = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && (toEnd || wantsMore(lastShown, trades.length, total))) onMore();
  }, [more, toEnd, lastShown, trades.length, total, onMore]);
  useEffect(() => {
    if (!toEnd || trades.length < total) return;
    setToEnd(false);
    setActive(total - 1);
    virtual.scrollToIndex(total - 1);
  }, [toEnd, trades.length, total, virtual]);
  const seeking = useSeek(props, virtual.scrollToIndex, box);
  const before = useRef(props.scope);
  useEffect(() => {
    if (before.current === props.scope) return;
    before.current = props.scope;
    setActive(null);
    setToEnd(false);
    box.current?.scrollTo({ top: 0 });
  }, [props.scope]);
  const go = (to: number) => {
    setActive(to);
    virtual.scrollToIndex(to);
  };
  const move = (event: KeyboardEvent) => {
    const at = active ?? trades.findIndex((trade) => trade.id === selected);
    const last = trades.length - 1;
    const to = {
      ArrowDown: Math.min(at + 1, last),
      ArrowUp: Math.max(at - 1, 0),
      PageDown: Math.min(at + LEAP, last),
      PageUp: Math.max(at - LEAP, 0),
      Home: 0,
    }[event.key];
    const held = trades[at];
    if (event.target !== event.currentTarget) return;
    if (event.key === "Enter" && held !== undefined) {
      seeking.at(held.id);
      props.onSelect(held.id);
    } else if (event.key === "End") setToEnd(true);
    else if (to !== undefined) go(to);
    else return;
    event.preventDefault();
  };
  const above = shown[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (shown.at(-1)?.end ?? 0);
  const activeRow = active === null ? undefined : trades[active];
  return (
    <div ref={box} className={css.scroller} aria-busy={props.busy || toEnd || seeking.busy}>
      <table
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: its rows are walked
        role="grid"
        aria-label="Trades; arrow keys walk the rows, Enter shows one on the price chart"
        aria-rowcount={total + 1}
        aria-activedescendant={activeRow === undefined ? undefined : `${id}-${activeRow.id}`}
        tabIndex={0}
        onKeyDown={move}
        data-loaded={trades.length}
        data-total={total}
      >
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id} aria-rowindex={1}>
              {group.headers.map((header) => (
                <th
                  key={header.id}
                  scope="col"
                  aria-sort={ariaSort(header.column.id, props.sort)}
                  className={RIGHT.has(header.column.id) ? "number" : undefined}
                >
                  <button
                    type="button"
                    className={css.sort}
                    onClick={() => props.onSort(nextSort(header.column.id, props.sort))}
                  >
                    <FlexRender header={header} />
                    <span aria-hidden="true">{arrow(header.column.id, props.sort)}</span>
                  </button>
                </th>
              ))}
            </tr>
          ))}
        </thead>
        <Space height={above} />
        <tbody>
          {shown.map((item) => {
            const row = rows[item.index];
            if (row === undefined) return null;
            return (
              <tr
                key={row.id}
                id={`${id}-${row.id}`}
                className={css.row}
                aria-rowindex={item.index + 2}
                aria-selected={row.original.id === selected}
                data-active={item.index === active || undefined}
                data-trade={row.original.id}
                onClick={() => {
                  setActive(item.index);
                  seeking.at(row.original.id);
                  props.onSelect(row.original.id);
                }}
              >
                {row.getAllCells().map((cell) => (
                  <td key={cell.id} className={RIGHT.has(cell.column.id) ? "number" : undefined}>
                    <FlexRender cell={cell} />
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
        <Space height={below} />
      </table>
    </div>
  );
}

const arrow = (column: string, sort: string | undefined) =>
  ({ ascending: " \u25b2", descending: " \u25bc", none: "" })[ariaSort(column, sort)];

/** Stands for the rows that are out of sight. */
function Space({ height }: { height: number }) {
  if (height <= 0) return null;
  return (
    <tbody aria-hidden="true">
      <tr>
        <td className={css.space} style={{ height }} colSpan={12} />
      </tr>
    </tbody>
  );
}
