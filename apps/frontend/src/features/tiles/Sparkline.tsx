// A small curve; the numbers beside it carry what it shows.
import css from "./Tile.module.css";

const WIDTH = 120;
const HEIGHT = 36;

export function Sparkline({ values, name }: { values: readonly number[]; name: string }) {
  const first = values[0];
  const last = values.at(-1);
  if (first === undefined || last === undefined || values.length < 2) {
    return <span className="muted">No curve</span>;
  }
  const low = Math.min(...values);
  const high = Math.max(...values);
  const range = high - low || 1;
  const y = (value: number) => HEIGHT - 2 - ((value - low) / range) * (HEIGHT - 4);
  const points = values
    .map((value, at) => `${((at / (values.length - 1)) * WIDTH).toFixed(1)},${y(value).toFixed(1)}`)
    .join(" ");
  const trend = last > first ? "rises" : last < first ? "falls" : "is flat";
  return (
    <svg
      className={css.spark}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={`Equity of ${name} ${trend} over the look-back`}
      data-tone={last < first ? "loss" : "gain"}
    >
      <line x1="0" x2={WIDTH} y1={y(first)} y2={y(first)} />
      <polyline points={points} />
    </svg>
  );
}
