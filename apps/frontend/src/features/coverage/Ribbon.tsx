// Real, synthetic and missing shares of the minutes with bars: text first, then a hatched bar.
import { useId } from "react";
import type { Schemas } from "@/api/client";
import { percent } from "@/format/numbers";
import css from "./Ribbon.module.css";

function sharesOf(coverage: Schemas["Coverage"]) {
  const all = coverage.minutes;
  if (all <= 0) return null;
  const real = (100 * coverage.real_minutes) / all;
  const synthetic = (100 * coverage.synthetic_minutes) / all;
  return { real, synthetic, gap: Math.max(0, 100 - real - synthetic) };
}

/** Rounded so that they still add up to 100: the largest remainders get what is left. */
export function whole(shares: readonly number[]): number[] {
  const floors = shares.map(Math.floor);
  const left = 100 - floors.reduce((sum, each) => sum + each, 0);
  const order = shares
    .map((value, at) => ({ at, rest: value - Math.floor(value) }))
    .sort((a, b) => b.rest - a.rest);
  for (const { at } of order.slice(0, left)) floors[at] = (floors[at] ?? 0) + 1;
  return floors;
}

export function Ribbon({ coverage }: { coverage: Schemas["Coverage"] | null }) {
  const hatch = useId();
  const shares = coverage === null ? null : sharesOf(coverage);
  if (shares === null) return <p className="muted">Coverage unknown</p>;
  const [real, synthetic, gap] = whole([shares.real, shares.synthetic, shares.gap]);
  const parts = [
    ["real", "Real", real],
    ["synthetic", "Synthetic", synthetic],
    ["gap", "No gate", gap],
  ] as const;
  return (
    <div data-testid="ribbon">
      <svg
        className={css.bar}
        viewBox="0 0 100 8"
        preserveAspectRatio="none"
        role="img"
        aria-label={parts.map(([, name, value]) => `${name} ${percent(value, 0)}`).join(", ")}
      >
        <defs>
          <pattern id={hatch} width="3" height="3" patternUnits="userSpaceOnUse">
            <rect width="3" height="3" className={css.synthetic} />
            <path d="M0 3L3 0" className={css.line} />
          </pattern>
        </defs>
        <rect x="0" width={shares.real} height="8" className={css.real} />
        <rect
          x={shares.real}
          width={shares.synthetic}
          height="8"
          fill={`url(#${hatch})`}
          data-part="synthetic"
        />
        <rect
          x={shares.real + shares.synthetic}
          width={shares.gap}
          height="8"
          className={css.gap}
        />
      </svg>
      <p className={css.text}>
        {parts.map(([key, name, value]) => (
          <span key={key}>
            <i className={css[key]} aria-hidden="true" />
            {name} {percent(value, 0)}
          </span>
        ))}
      </p>
    </div>
  );
}
