// One of a few, as a row of radio buttons.
import { useId } from "react";
import css from "@/layout/Switches.module.css";

export function Choice<T extends string>(props: {
  name: string;
  value: T;
  choices: readonly (readonly [T, string])[];
  onChoose: (value: T) => void;
}) {
  const group = useId();
  return (
    <fieldset className={css.group}>
      <legend className="visually-hidden">{props.name}</legend>
      {props.choices.map(([value, label]) => (
        <label key={value} className={css.choice}>
          <input
            type="radio"
            name={group}
            checked={props.value === value}
            onChange={() => props.onChoose(value)}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}
