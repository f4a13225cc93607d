// A panel that failed: what, why, and one action. An error in one panel never empties another.
import type { ReactNode } from "react";
import { Offline, Problem } from "@/api/client";
import css from "./problem.module.css";

export function reasonOf(error: unknown): string {
  if (error instanceof Offline)
    return "The service cannot be reached. It is tried again by itself.";
  if (error instanceof Problem) {
    return error.instance ? `${error.message} Reference ${error.instance}.` : error.message;
  }
  return "Something in the page failed.";
}

export function PanelProblem(props: { title: string; error: unknown; again?: () => void }) {
  return (
    <div className={css.panel} role="alert">
      <p className={css.title}>{props.title}</p>
      <p>{reasonOf(props.error)}</p>
      {props.again ? (
        <button type="button" onClick={props.again}>
          Try again
        </button>
      ) : null}
    </div>
  );
}

/** `heading`: where it stands for the whole page, and no panel names it. */
export function Nothing(props: { title: string; heading?: boolean; children?: ReactNode }) {
  const Title = props.heading === true ? "h2" : "p";
  return (
    <div className={css.nothing}>
      <Title className={css.title}>{props.title}</Title>
      {props.children}
    </div>
  );
}
