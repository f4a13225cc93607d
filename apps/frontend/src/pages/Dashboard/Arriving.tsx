// Instruments of a run that is on, as they finish.
import type { Schemas } from "@/api/client";
import { ratio } from "@/format/numbers";
import css from "./Dashboard.module.css";

export function Arriving({ partial }: { partial: Schemas["Partial"] }) {
  const done = Object.entries(partial.instruments);
  return (
    <section aria-label="Finished so far" className={css.arriving} data-testid="arriving">
      <h2>Finished so far</h2>
      <ul>
        {done.map(([name, entry]) => (
          <li key={name} data-instrument={name}>
            <strong>{name.replace("_", "/")}</strong>{" "}
            {entry.state === "completed"
              ? `Sharpe ${ratio(entry.metrics.sharpe)}, ${entry.qualified ? "qualified" : "not qualified"}`
              : `no result: ${entry.error.message}`}
          </li>
        ))}
        {partial.pending.map((name) => (
          <li key={name} className="muted" data-instrument={name}>
            {name.replace("_", "/")} waits
          </li>
        ))}
      </ul>
    </section>
  );
}
