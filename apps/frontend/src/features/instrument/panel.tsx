// The parts that all tabs are made of: a titled panel, a table that scrolls in its own region,
// facts in pairs, and a skeleton that keeps the height of what comes.
import type { ReactNode } from "react";
import { useId } from "react";
import { Boundary } from "@/features/boundary";
import css from "./panel.module.css";

export function Panel(props: {
  title: string;
  side?: ReactNode;
  wide?: boolean;
  children: ReactNode;
  testid?: string;
}) {
  const id = useId();
  return (
    <section
      className={css.panel}
      aria-labelledby={id}
      data-wide={props.wide || undefined}
      data-testid={props.testid}
    >
      <header className={css.title}>
        <h2 id={id}>{props.title}</h2>
        {props.side}
      </header>
      <Boundary title={`${props.title} could not be shown.`}>{props.children}</Boundary>
    </section>
  );
}

export function Scroll({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className={css.scroll} aria-label={`${label}, table`} tabIndex={0}>
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

export function Skeleton({ height, what }: { height: "low" | "middle" | "high"; what: string }) {
  return (
    <div className={css.skeleton} data-height={height} role="status" aria-busy="true">
      <span>{what}</span>
    </div>
  );
}

export function Chip({ kind, children }: { kind?: "good" | "bad" | "made"; children: ReactNode }) {
  return (
    <span className={css.chip} data-kind={kind}>
      {children}
    </span>
  );
}
