// Which run a page shows: the one its address names, by run or week, else the last good one.
import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { historyQuery, statusQuery, weeksOf } from "@/api/queries";

interface ShownRun {
  /** Null: there is none. Undefined: not known yet. */
  run: string | null | undefined;
  week: string | undefined;
  /** The newest week is shown. */
  newest: boolean;
  /** The address names a week or run that is not in the history. */
  unknown: boolean;
}

export function useRun(): ShownRun {
  const search = useSearch({ strict: false });
  const status = useQuery(statusQuery);
  const history = useQuery(historyQuery());
  const weeks = weeksOf(history.data);
  const last = status.data?.last_good ?? null;
  if (search.run !== undefined) {
    const held = weeks.find((each) => each.run.run_id === search.run);
    return {
      run: search.run,
      week: held?.week,
      newest: search.run === last?.run_id,
      unknown: false,
    };
  }
  if (search.week !== undefined && search.week !== last?.week) {
    const held = weeks.find((each) => each.week === search.week);
    if (held !== undefined) {
      return { run: held.run.run_id, week: held.week, newest: false, unknown: false };
    }
    const known = history.data !== undefined;
    return { run: known ? null : undefined, week: search.week, newest: false, unknown: known };
  }
  if (status.data === undefined) {
    return { run: undefined, week: undefined, newest: true, unknown: false };
  }
  return { run: last?.run_id ?? null, week: last?.week, newest: true, unknown: false };
}
