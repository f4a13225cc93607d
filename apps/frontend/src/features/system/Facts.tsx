// Facts by name, and how the words of the service begin.
import type { ReactNode } from "react";
import css from "./System.module.css";

/** The service writes reasons from the middle of a sentence. */
export const sentence = (text: string | null) =>
  text === null ? "" : text.charAt(0).toUpperCase() + text.slice(1);

export function Facts({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) {
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
