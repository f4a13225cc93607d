// Metric, axes, held values and limits; every choice goes into the address.
import { useEffect, useState } from "react";
import type { Schemas } from "@/api/client";
import { labelOf } from "@/features/instrument/measures";
import type { useSetView } from "@/features/instrument/place";
import panel from "@/features/panel/Panel.module.css";
import css from "./Grid.module.css";
import { valueText } from "./places";
import { fixedText, type GridView, type Limits, limitsText, spelt } from "./view";

const FIRST = [
  "score",
  "sharpe",
  "sharpe_period",
  "pnl",
  "return_pct",
  "profit_factor",
  "win_rate",
  "max_dd_pct",
  "trades",
  "hold_out_pnl",
  "hold_out_profit_factor",
];

interface Props {
  axes: Schemas["GridAxes"];
  view: GridView;
  setView: ReturnType<typeof useSetView>;
}

export function Controls({ axes, view, setView }: Props) {
  const rest = axes.axes.filter((axis) => axis.name !== view.x && axis.name !== view.y);
  const first = FIRST.filter((name) => axes.metrics.includes(name));
  const more = axes.metrics.filter((name) => !FIRST.includes(name));
  const axis = (which: "x" | "y") => (event: { target: { value: string } }) => {
    const name = event.target.value;
    const other = which === "x" ? view.y : view.x;
    // An axis chosen for one side that lies on the other: they change places.
    const next = name === other ? (which === "x" ? view.x : view.y) : other;
    setView(which === "x" ? { x: name, y: next } : { x: next, y: name });
  };
  return (
    <div className={panel.bar}>
      <label>
        Metric
        <select
          name="metric"
          value={view.metric}
          onChange={(event) => setView({ metric: event.target.value })}
        >
          {first.map((name) => (
            <option key={name} value={name}>
              {labelOf(name)}
            </option>
          ))}
          <optgroup label="More">
            {more.map((name) => (
              <option key={name} value={name}>
                {labelOf(name)}
              </option>
            ))}
          </optgroup>
        </select>
      </label>
      {(["x", "y"] as const).map((which) => (
        <label key={which}>
          {which === "x" ? "Across" : "Down"}
          <select name={which} value={view[which]} onChange={axis(which)}>
            {axes.axes.map((each) => (
              <option key={each.name} value={each.name}>
                {labelOf(each.name)}
              </option>
            ))}
          </select>
        </label>
      ))}
      {rest.map((each) => (
        <label key={each.name}>
          {labelOf(each.name)}
          <select
            name={each.name}
            value={view.fixed[each.name] ?? spelt(each.chosen)}
            disabled={each.values.length < 2}
            onChange={(event) =>
              setView({ fixed: fixedText({ ...view.fixed, [each.name]: event.target.value }) })
            }
          >
            {each.values.map((value) => (
              <option key={spelt(value)} value={spelt(value)}>
                {valueText(value)}
                {value === each.chosen ? " (chosen)" : ""}
              </option>
            ))}
          </select>
        </label>
      ))}
      <LimitFields limits={view.limits} set={(limits) => setView({ where: limitsText(limits) })} />
    </div>
  );
}

const FIELDS = [
  ["trades", "Trades at least", "1"],
  ["drawdown", "Drawdown at most, %", "0.1"],
  ["factor", "Profit factor at least", "0.05"],
] as const;

function LimitFields({ limits, set }: { limits: Limits; set: (limits: Limits) => void }) {
  return (
    <>
      {FIELDS.map(([key, label, step]) => (
        // biome-ignore lint/a11y/noLabelWithoutControl: LimitField is the control
        <label key={key}>
          {label}
          <LimitField
            step={step}
            value={limits[key]}
            onValue={(value) => set({ ...limits, [key]: value })}
          />
        </label>
      ))}
      {Object.values(limits).some((limit) => limit !== null) ? (
        <button type="button" onClick={() => set({ trades: null, drawdown: null, factor: null })}>
          Clear filters
        </button>
      ) : null}
    </>
  );
}

/** Holds what is typed; the address gets it once it is a number, or nothing. */
function LimitField(props: {
  step: string;
  value: number | null;
  onValue: (value: number | null) => void;
}) {
  const [text, setText] = useState(props.value?.toString() ?? "");
  useEffect(() => {
    setText((old) => (toNumber(old) === props.value ? old : (props.value?.toString() ?? "")));
  }, [props.value]);
  return (
    <input
      type="number"
      min="0"
      className={css.limit}
      step={props.step}
      placeholder="any"
      value={text}
      onChange={(event) => {
        setText(event.target.value);
        props.onValue(toNumber(event.target.value));
      }}
    />
  );
}

const toNumber = (text: string) =>
  text.trim() === "" || !Number.isFinite(Number(text)) ? null : Number(text);
