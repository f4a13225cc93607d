// The run in one line: decisions, gates, data.
import { Link } from "@tanstack/react-router";
import type { Overview } from "@/api/client";
import { ACTIONS, actionName } from "@/features/panel/Decision";
import { count, share } from "@/format/numbers";
import css from "./Dashboard.module.css";

export function Strip({ overview }: { overview: Overview }) {
  const tiles = overview.tiles;
  const qualified = tiles.filter((tile) => tile.qualified).length;
  const promoted = tiles.filter((tile) => tile.promoted).length;
  const failed = tiles.filter((tile) => tile.state === "error").length;
  const minutes = total(overview, "minutes");
  const simulated = tiles.some((tile) => tile.simulated);
  return (
    <section className={css.strip} aria-label="Summary" data-testid="strip">
      {simulated ? (
        <p className={css.simulated}>
          Simulated market: these prices were generated, nobody traded them.
        </p>
      ) : null}
      <dl>
        {inOrder(overview.actions).map(([action, n]) => (
          <div key={action} data-action={action}>
            <dt>{actionName(action)}</dt>
            <dd>{count(n)}</dd>
          </div>
        ))}
        <div>
          <dt>Qualified</dt>
          <dd>
            {count(qualified)} of {count(tiles.length)}
          </dd>
        </div>
        <div>
          <dt>Promoted</dt>
          <dd>{count(promoted)}</dd>
        </div>
        {failed > 0 ? (
          <div>
            <dt>Without a result</dt>
            <dd>{count(failed)}</dd>
          </div>
        ) : null}
        <div>
          <dt>Real gates</dt>
          <dd>{minutes > 0 ? share(total(overview, "real_minutes") / minutes) : "\u2013"}</dd>
        </div>
        <div>
          <dt>Synthetic</dt>
          <dd>{minutes > 0 ? share(total(overview, "synthetic_minutes") / minutes) : "\u2013"}</dd>
        </div>
      </dl>
      {overview.roster_reason === null ? (
        <Link to="/roster">Decisions and their reasons</Link>
      ) : (
        <p className="muted">No roster decision: {overview.roster_reason}</p>
      )}
    </section>
  );
}

/** Keep first, as the roster has them; actions that nobody knows come last. */
function inOrder(actions: Overview["actions"]) {
  const names = ACTIONS;
  const place = (name: string) => (names.includes(name) ? names.indexOf(name) : names.length);
  return Object.entries(actions).sort(([a], [b]) => place(a) - place(b));
}

const total = (overview: Overview, key: "minutes" | "real_minutes" | "synthetic_minutes") =>
  overview.tiles.reduce((sum, tile) => sum + (tile.coverage?.[key] ?? 0), 0);
