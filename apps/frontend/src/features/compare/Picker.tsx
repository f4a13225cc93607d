// The two runs, the button that swaps them, and whether unchanged values are shown.

import css from "./Compare.module.css";
import type { Choice } from "./words";

export function Picker(props: {
  choices: readonly Choice[];
  base: string | undefined;
  head: string | undefined;
  all: boolean;
  choose: (change: { base?: string; head?: string; all?: boolean }) => void;
}) {
  const { base, head, choose } = props;
  return (
    <div className={css.picker}>
      <Runs {...props} label="Base" value={base} set={(run) => choose({ base: run })} />
      <button
        type="button"
        disabled={base === undefined || head === undefined}
        onClick={() => {
          if (base !== undefined && head !== undefined) choose({ base: head, head: base });
        }}
      >
        Swap
      </button>
      <Runs {...props} label="Head" value={head} set={(run) => choose({ head: run })} />
      <label className={css.only}>
        <input
          type="checkbox"
          checked={!props.all}
          onChange={(event) => choose({ all: !event.target.checked })}
        />
        Differences only
      </label>
    </div>
  );
}

function Runs(props: {
  choices: readonly Choice[];
  label: string;
  value: string | undefined;
  set: (run: string) => void;
}) {
  const { choices, value = "" } = props;
  return (
    <label className={css.run}>
      {props.label}
      <select value={value} onChange={(event) => props.set(event.target.value)}>
        {choices.some((each) => each.run === value) ? null : (
          <option value={value}>{value === "" ? "Choose a run" : value}</option>
        )}
        {choices.map((each) => (
          <option key={each.run} value={each.run}>
            {each.text}
          </option>
        ))}
      </select>
    </label>
  );
}
