// The archived weeks, newest first; the choice is in the address.
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { historyQuery, statusQuery, weeksOf } from "@/api/queries";

export function WeekSelector() {
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const history = useQuery(historyQuery());
  const last = useQuery(statusQuery).data?.last_good?.week;
  const weeks = weeksOf(history.data);
  if (history.error !== null && history.data === undefined) {
    return <span className="muted">Archive list could not be loaded. Showing latest.</span>;
  }
  if (history.data !== undefined && weeks.length === 0) {
    return <span className="muted">No archives yet</span>;
  }
  const shown = search.week ?? last ?? "";
  const choose = (week: string) => {
    void navigate({
      to: ".",
      search: (old) => {
        const { week: _week, run: _run, ...rest } = old;
        return week === last ? rest : { ...rest, week };
      },
    });
  };
  return (
    <label>
      <span className="visually-hidden">Week</span>
      <select
        value={shown}
        disabled={history.data === undefined}
        onChange={(event) => choose(event.target.value)}
        data-testid="week"
      >
        {weeks.some((each) => each.week === shown) ? null : <option value={shown}>{shown}</option>}
        {weeks.map(({ week, run }) => {
          const failed = Number(run.summary?.failed ?? 0);
          const all = Number(run.summary?.instruments ?? 0);
          const note = failed > 0 ? ` \u26a0 incomplete, ${all - failed} of ${all}` : "";
          return (
            <option key={week} value={week}>
              {week}
              {week === last ? " (latest)" : ""}
              {note}
            </option>
          );
        })}
      </select>
    </label>
  );
}
