// What the colours and marks mean, in words and numbers.
import { labelOf, shortly } from "@/features/instrument/measures";
import css from "./Grid.module.css";
import { type Scale, STEPS } from "./scale";

export function Legend({ scale, metric }: { scale: Scale; metric: string }) {
  const steps = Array.from({ length: STEPS[scale.ramp] }, (_, step) => step);
  const cap = scale.capped ? ", capped at the 98th percentile" : "";
  const text =
    scale.ramp === "diverging"
      ? `symmetric about ${shortly(metric, scale.neutral)}${cap}`
      : `from the least to the greatest${cap}`;
  return (
    <div className={css.legend} data-testid="legend">
      <span className={css.scale}>
        {shortly(metric, scale.low)}
        <span className={css.swatches} aria-hidden="true">
          {steps.map((step) => (
            <i key={step} className={css.cell} data-ramp={scale.ramp} data-step={step} />
          ))}
        </span>
        {shortly(metric, scale.high)}
      </span>
      <span>
        {labelOf(metric)}, {text}
      </span>
      <span>
        <i className={css.key} data-key="chosen" aria-hidden="true" /> the choice
      </span>
      <span>
        <i className={css.key} data-key="near" aria-hidden="true" /> its neighbours
      </span>
      <span>
        <i className={css.key} data-key="selected" aria-hidden="true" /> selected
      </span>
      <span>
        <i className={css.key} data-key="none" aria-hidden="true" /> no value or not tested
      </span>
      <span>
        <i className={css.key} data-key="dim" aria-hidden="true" /> dimmed by a filter
      </span>
    </div>
  );
}
