// Brings the trade that the address names into sight, however many pages must come before it.
import { type RefObject, useEffect, useRef } from "react";
import type { Props } from "./TradeTable";

type Seen = Pick<Props, "trades" | "selected" | "selectedAt" | "more" | "onMore">;

export function useSeek(
  { trades, selected, selectedAt, more, onMore }: Seen,
  scrollTo: (row: number, how: { align: "center" }) => void,
  box: RefObject<HTMLElement | null>,
) {
  const linked = useRef(selected);
  const reached = useRef<number | null>(null);
  const loaded = trades.length;
  useEffect(() => {
    if (selected === null) reached.current = null;
    if (selected === null || selectedAt === null || reached.current === selected) return;
    if (selectedAt < loaded) {
      reached.current = selected;
      scrollTo(selectedAt, { align: "center" });
      // Who follows a link sees the list itself too; a choice in the chart leaves the page still.
      if (linked.current === selected) box.current?.scrollIntoView({ block: "center" });
      linked.current = null;
    } else if (more) onMore();
  }, [selected, selectedAt, loaded, more, onMore, scrollTo, box]);
  return {
    busy: selectedAt !== null && selectedAt >= loaded,
    /** A row that was chosen in the list itself is in sight already. */
    at: (trade: number) => {
      reached.current = trade;
    },
  };
}
