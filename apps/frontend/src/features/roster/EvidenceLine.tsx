// The e-value by week on a logarithmic scale with the threshold; the table beside it says the same.
import { number } from "@/format/numbers";
import css from "./Evidence.module.css";

const FLOOR = 1e-3;

export function EvidenceLine(props: { values: readonly number[]; threshold: number }) {
  const scale = (value: number) => Math.log10(Math.max(value, FLOOR));
  const marks = [...props.values, props.threshold, 1].map(scale);
  const [low, high] = [Math.min(...marks), Math.max(...marks)];
  const y = (value: number) => 58 - (54 * (scale(value) - low)) / Math.max(high - low, 1e-9);
  const x = (at: number) => 4 + (592 * at) / Math.max(props.values.length - 1, 1);
  const last = props.values.at(-1);
  const points = props.values.map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`);
  return (
    <figure className={css.line}>
      <svg
        viewBox="0 0 600 62"
        preserveAspectRatio="none"
        role="img"
        aria-label={`e-value over ${props.values.length} weeks, now ${number(last, 3)}, threshold ${number(props.threshold, 3)}`}
      >
        <line
          x1="0"
          x2="600"
          y1={y(props.threshold)}
          y2={y(props.threshold)}
          data-mark="threshold"
        />
        <line x1="0" x2="600" y1={y(1)} y2={y(1)} />
        <polyline points={points.join(" ")} />
      </svg>
      <figcaption className="muted">
        e-value, logarithmic: {number(last, 3)} now; dashed {number(props.threshold, 3)} needed;
        dotted 1 at the start.
      </figcaption>
    </figure>
  );
}
