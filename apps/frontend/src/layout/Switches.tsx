import { useState } from "react";
import { setZone, useZone, type Zone, zoneName } from "@/format/time";
import css from "./Switches.module.css";

const ZONES: readonly Zone[] = ["utc", "local"];

export function ZoneSwitch() {
  const zone = useZone();
  return (
    <fieldset className={css.group}>
      <legend className="visually-hidden">Time zone</legend>
      {ZONES.map((each) => (
        <label key={each} className={css.choice}>
          <input type="radio" name="zone" checked={zone === each} onChange={() => setZone(each)} />
          <span>{each === "utc" ? "UTC" : `Local (${zoneName("local", Date.now())})`}</span>
        </label>
      ))}
    </fieldset>
  );
}

type Theme = "system" | "light" | "dark";
const KEY = "hotband.theme";

function chosen(): Theme {
  const held = document.documentElement.dataset.theme;
  return held === "light" || held === "dark" ? held : "system";
}

export function ThemeSwitch() {
  const [theme, setTheme] = useState<Theme>(chosen);
  const choose = (next: Theme) => {
    setTheme(next);
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // Storage may be closed; the choice then lasts as long as the page.
    }
  };
  return (
    <label>
      <span className="visually-hidden">Theme</span>
      <select value={theme} onChange={(event) => choose(event.target.value as Theme)}>
        <option value="system">System theme</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  );
}
