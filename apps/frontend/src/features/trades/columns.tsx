// The columns of the trade list; those with a sort are sorted by the service.
import { createColumnHelper, tableFeatures } from "@tanstack/react-table";
import type { Schemas } from "@/api/client";
import { count, money, number, tone } from "@/format/numbers";
import { instantShort, type Zone, zoneName } from "@/format/time";
import { sentence } from "@/format/words";

export type Trade = Schemas["Trade"];

export const features = tableFeatures({});
const helper = createColumnHelper<typeof features, Trade>();

/** Columns whose numbers stand at the right. */
export const RIGHT = new Set([
  "units",
  "entry_price",
  "exit_price",
  "pnl",
  "hold_minutes",
  "mae_pips",
  "mfe_pips",
]);

export const columnsOf = (zone: Zone) =>
  helper.columns([
    helper.accessor("entry_time", {
      header: `Entry, ${zoneName(zone)}`,
      cell: (cell) => instantShort(cell.getValue(), zone),
    }),
    helper.accessor("direction", {
      header: "Side",
      cell: (cell) => (cell.getValue() === "LONG" ? "\u25b2 Long" : "\u25bc Short"),
    }),
    helper.accessor("pnl", {
      header: "Net P&L",
      cell: (cell) => (
        <span className={tone(cell.getValue())}>{money(cell.getValue(), "").trim()}</span>
      ),
    }),
    helper.accessor("exit_reason", {
      header: "Ended by",
      cell: (cell) => sentence(cell.getValue()),
    }),
    helper.accessor("hold_minutes", {
      header: "Held, min",
      cell: (cell) => number(cell.getValue(), 4),
    }),
    helper.accessor("units", { header: "Units", cell: (cell) => count(cell.getValue()) }),
    helper.accessor("entry_price", { header: "In at", cell: (cell) => price(cell.getValue()) }),
    helper.accessor("exit_price", { header: "Out at", cell: (cell) => price(cell.getValue()) }),
    helper.accessor("mae_pips", {
      header: "Against, pips",
      cell: (cell) => number(cell.getValue(), 3),
    }),
    helper.accessor("mfe_pips", {
      header: "In favour, pips",
      cell: (cell) => number(cell.getValue(), 3),
    }),
    helper.accessor("exit_time", {
      header: "Exit",
      cell: (cell) => instantShort(cell.getValue(), zone),
    }),
    helper.accessor("source", { header: "Gate", cell: (cell) => sentence(cell.getValue()) }),
  ]);

/** Five decimals for most pairs, three where a unit is worth a hundredth: 1.08345 and 151.234. */
export const price = (value: number) => value.toFixed(value >= 20 ? 3 : 5);
