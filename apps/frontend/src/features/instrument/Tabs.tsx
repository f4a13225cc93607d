// The tabs of an instrument: real addresses, arrow keys between them.
import { Link } from "@tanstack/react-router";
import type { KeyboardEvent } from "react";
import { useRef } from "react";
import css from "./Instrument.module.css";
import { runOf } from "./place";

export const TABS = [
  ["summary", "Summary"],
  ["grid", "Grid"],
  ["curves", "Curves"],
  ["trades", "Trades"],
  ["decisions", "Decisions"],
  ["data", "Data"],
] as const;
export type Tab = (typeof TABS)[number][0];

export const tabOf = (text: string | undefined): Tab =>
  TABS.find(([key]) => key === text)?.[0] ?? "summary";

export function Tabs({ symbol, tab }: { symbol: string; tab: Tab }) {
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const at = TABS.findIndex(([key]) => key === tab);
    const to = {
      ArrowRight: (at + 1) % TABS.length,
      ArrowLeft: (at + TABS.length - 1) % TABS.length,
      Home: 0,
      End: TABS.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = list.current?.querySelectorAll<HTMLElement>("[role=tab]")[to];
    next?.focus();
    next?.click();
  };
  return (
    <div ref={list} role="tablist" aria-label="Parts of the result" className={css.tabs}>
      {TABS.map(([key, name]) => (
        <Link
          key={key}
          to="/instruments/$symbol"
          params={{ symbol }}
          search={(old) => ({ ...runOf(old), ...(key === "summary" ? {} : { tab: key }) })}
          role="tab"
          id={`tab-${key}`}
          aria-selected={tab === key}
          aria-controls="tabpanel"
          tabIndex={tab === key ? 0 : -1}
          resetScroll={false}
          onKeyDown={move}
        >
          {name}
        </Link>
      ))}
    </div>
  );
}
