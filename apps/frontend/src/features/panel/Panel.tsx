// The parts that all pages are made of: panels, skeletons, errors, facts, chips, and tables that scroll.
import type { UseQueryResult } from "@tanstack/react-query";
import { type ReactNode, useId } from "react";
import { Boundary } from "@/features/boundary";
import { PanelProblem } from "@/features/problem";
import css from "./Panel.module.css";

export function Panel(props: {
  title: string;
  side?: ReactNode;
  wide?: boolean;
  busy?: boolean;
  id?: string;
  children: ReactNode;
}) {
  const heading = useId();
  return (
    <section
      className={css.panel}
      aria-labelledby={heading}
      aria-busy={props.busy ?? false}
      data-wide={props.wide || undefined}
      data-testid={props.id}
    >
      <header className={css.head}>
        <h2 id={heading}>{props.title}</h2>
        {props.side === undefined ? null : <div className={css.side}>{props.side}</div>}
      </header>
      <Boundary title={`${props.title}: this panel could not be shown.`}>{props.children}</Boundary>
    </section>
  );
}

/** Keeps the height of what is to come; seen only where that takes a while. */
export function Waiting({ rows }: { rows: number }) {
  return (
    <div className={css.waiting} aria-hidden="true">
      {Array.from({ length: rows }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: grey bars are all alike
        <i key={at} />
      ))}
    </div>
  );
}

/** Keeps the height of a chart or table that is to come, and says what it waits for. */
export function Skeleton({ height, what }: { height: "low" | "middle" | "high"; what: string }) {
  return (
    <div className={css.skeleton} data-height={height} role="status" aria-busy="true">
      <span>{what}</span>
    </div>
  );
}

/** What a query brought, or why it is not there; old content stays while it is read again. */
export function Loaded<T>(props: {
  query: UseQueryResult<T>;
  rows: number;
  fault: string;
  children: (data: T) => ReactNode;
}) {
  const { query } = props;
  if (query.data !== undefined) return <>{props.children(query.data)}</>;
  if (query.error === null) return <Waiting rows={props.rows} />;
  return (
    <PanelProblem title={props.fault} error={query.error} again={() => void query.refetch()} />
  );
}

/** A wide table scrolls by itself, with the keyboard too; the page never does. */
export function TableRegion({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys scroll it
    <section className={css.region} aria-label={`${label}, table`} tabIndex={0}>
      {children}
    </section>
  );
}

export type Fact = readonly [string, ReactNode];

export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl className={css.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export type ChipTone = "good" | "warn" | "bad" | "made" | "plain";

/** `name` tells one chip from another: a gate, a penalty. A long text may break. */
export function Chip(props: {
  tone?: ChipTone | undefined;
  title?: string | undefined;
  name?: string;
  children: ReactNode;
}) {
  return (
    <span
      className={`${css.chip} ${css[props.tone ?? "plain"]}`}
      title={props.title}
      data-chip={props.name}
    >
      {props.children}
    </span>
  );
}

export function Notice(props: { children: ReactNode; alert?: boolean }) {
  return (
    <p className={css.notice} role={props.alert ? "alert" : "note"}>
      {props.children}
    </p>
  );
}
