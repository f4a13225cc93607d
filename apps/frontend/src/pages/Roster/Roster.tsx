// Which instruments trade after a week, and why.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { rosterQuery } from "@/api/pages";
import { statusQuery } from "@/api/queries";
import { changed } from "@/features/panel/address";
import { Loaded, Notice } from "@/features/panel/Panel";
import { Certificates } from "@/features/parity/Certificates";
import { Nothing } from "@/features/problem";
import css from "@/features/roster/Roster.module.css";
import { useTitle } from "@/layout/useTitle";
import { WeekDecided } from "./WeekDecided";

const FAULT =
  "Decisions could not be loaded. Do not act on an older copy without checking the week.";

export function Roster() {
  const search = useSearch({ from: "/roster" });
  const newest = useQuery(rosterQuery());
  const known = newest.data?.weeks ?? [];
  // Only weeks of the list are asked for: the newest reply says which there are.
  const unknown =
    search.week !== undefined && newest.data !== undefined && !known.includes(search.week);
  const older = search.week !== undefined && known.includes(search.week) ? search.week : undefined;
  const chosen = useQuery({
    ...rosterQuery(older),
    enabled: older !== undefined,
    placeholderData: keepPreviousData,
  });
  const reply = older === undefined || newest.data === undefined ? newest : chosen;
  const week = unknown ? search.week : reply.data?.week;
  useTitle("Roster", week ?? undefined);
  return (
    <>
      <h1 tabIndex={-1}>{week == null ? "Roster" : `Roster of ${week}`}</h1>
      <Behind week={search.week === undefined ? reply.data?.week : undefined} />
      {known.length > 0 ? <WeekSwitch weeks={known} shown={week ?? undefined} /> : null}
      {unknown ? (
        <Nothing title={`${search.week} was not decided`}>
          <p className="muted">A week is decided by the first finished run of it.</p>
          <Link to="/roster" search={{}}>
            To the newest decisions
          </Link>
        </Nothing>
      ) : (
        <Loaded query={reply} rows={6} fault={FAULT}>
          {(found) =>
            found.decided === null ? (
              <Nothing title="Decisions appear after the first complete run">
                <p className="muted">{found.message}</p>
                <Link to="/">To the overview</Link>
              </Nothing>
            ) : (
              <WeekDecided
                decided={found.decided}
                weeks={found.weeks}
                parity={found.parity}
                busy={reply.isFetching}
              />
            )
          }
        </Loaded>
      )}
      <Certificates />
    </>
  );
}

/** The newest run may be of a later week than the newest decision. */
function Behind({ week }: { week: string | null | undefined }) {
  const last = useQuery(statusQuery).data?.last_good?.week;
  if (week == null || last === undefined || last === week) return null;
  return (
    <Notice>
      These decisions are of {week}; the newest run is of {last} and has none of its own.
    </Notice>
  );
}

function WeekSwitch({ weeks, shown }: { weeks: readonly string[]; shown: string | undefined }) {
  const navigate = useNavigate({ from: "/roster" });
  const at = shown === undefined ? -1 : weeks.indexOf(shown);
  const go = (week: string | undefined) =>
    void navigate({
      search: (old) =>
        changed(old, { run: undefined, week: week === weeks.at(-1) ? undefined : week }),
    });
  return (
    <div className={css.switch} data-testid="roster-weeks">
      <button type="button" disabled={at <= 0} onClick={() => go(weeks[at - 1])}>
        &larr; Earlier
      </button>
      <label>
        <span className="visually-hidden">Decided week</span>
        <select value={shown ?? ""} onChange={(event) => go(event.target.value)}>
          {at < 0 ? <option value={shown ?? ""}>{shown ?? "Choose"}</option> : null}
          {weeks.toReversed().map((each) => (
            <option key={each} value={each}>
              {each}
              {each === weeks.at(-1) ? " (newest)" : ""}
            </option>
          ))}
        </select>
      </label>
      <button
        type="button"
        disabled={at < 0 || at === weeks.length - 1}
        onClick={() => go(weeks[at + 1])}
      >
        Later &rarr;
      </button>
    </div>
  );
}
