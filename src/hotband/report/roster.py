"""The roster as tables and lines for a terminal."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from hotband.artefacts.parity import Parity
from hotband.artefacts.roster import Decided, RosterWeek
from hotband.research.metric import Metric
from hotband.roster.outlook import outlook
from hotband.weekly.roster_backtest import RosterBacktest, RosterLine


def week_table(week: RosterWeek, parity: Mapping[str, Parity]) -> Table:
    """The decisions of a week, and the instruments that it left alone.

    ``parity`` by instrument: what is proven of the cells; "-" for those that it leaves out.
    """
    table = Table(title=f"Roster after {week.week}", title_justify="left")
    for name in ("instrument", "light", "rule", "stage"):
        table.add_column(name, no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("decision", no_wrap=True)
    table.add_column("parity", no_wrap=True)
    table.add_column("reasons", overflow="fold")
    for name, entry in week.decided.items():
        made = entry.decision
        table.add_row(
            name,
            made.light,
            made.rule.after.word,
            made.stage.after,
            f"{made.size_x:g}",
            made.action,
            parity[name].text if name in parity else "-",
            "; ".join([*(why.text for why in made.reasons), *entry.notes]),
        )
    for name, held in week.carried.items():
        state = held.state
        last = "" if state.last is None else f"last decided in {state.last.week}"
        table.add_row(
            name, "-", state.rule.word, state.stage, "-", "none", "-",
            f"not in this week's run; {last}",
        )  # fmt: skip
    return table


def history_table(name: str, weeks: Sequence[RosterWeek]) -> Table:
    """The weeks of one instrument: its numbers, evidence against thresholds, decisions."""
    table = Table(title=f"{name}, week by week", title_justify="left")
    table.add_column("week", no_wrap=True)
    for title in ("trades", "Sharpe", "PF", "net %", "evidence", "CUSUM", "detector"):
        table.add_column(title, justify="right", no_wrap=True)
    for title in ("light", "stage", "decision"):
        table.add_column(title, no_wrap=True)
    for week in weeks:
        entry = week.decided.get(name)
        if entry is None:
            continue
        result, made = entry.result, entry.decision
        found = made.evidence
        table.add_row(
            week.week,
            str(result.trades),
            _number(result.sharpe),
            _number(result.profit_factor),
            f"{100.0 * result.net:.3f}",
            f"{found.peak:.3g} of {found.threshold:g}",
            _against(found.cusum, found.cusum_threshold),
            _against(found.detector, found.detector_threshold),
            made.light,
            made.stage.after,
            made.action,
        )
    return table


def explanation(week: RosterWeek, entry: Decided) -> list[str]:
    """Why the last verdict is what it is, and what would change it; one sentence a line."""
    reasons = [f"  {why.text}" for why in entry.decision.reasons]
    notes = [f"  {note}" for note in entry.notes]
    changes = outlook(entry.after.state, week.settings, entry.result.promise)
    return [
        f"{week.week}: {entry.decision.action}, by the {entry.decision.acting}, because",
        *reasons,
        *notes,
        "What would change it:",
        *(f"  {text}" for text in changes),
    ]


def backtest_table(found: RosterBacktest) -> Table:
    """The policy beside always on."""
    first, last = found.weeks[0].week, found.weeks[-1].week
    title = f"Roster decided after {first} to {last}, traded the week after"
    table = Table(title=title, title_justify="left")
    table.add_column("roster", no_wrap=True)
    for name in ("net PnL", "return %", "max DD", "Sharpe", "90 % interval", "on %", "switches"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, line in (("decided", found.decided), ("always on", found.always_on)):
        table.add_row(name, *_line(line))
    return table


def chance_line(found: RosterBacktest) -> str:
    """Where the policy stands among rosters drawn by lot."""
    by_lot = found.random
    return (
        f"{by_lot.draws} random rosters of the same sizes: net PnL {by_lot.pnl_p05:,.2f} to "
        f"{by_lot.pnl_p95:,.2f} (5 % to 95 %), median {by_lot.pnl_p50:,.2f}; the decided roster "
        f"stands at percentile {by_lot.percentile:.1f}"
    )


def _line(line: RosterLine) -> tuple[str, ...]:
    return (
        f"{line.pnl:,.2f}",
        f"{line.return_pct:.3f}",
        f"{line.max_dd:,.2f}",
        *_sharpe(line.sharpe),
        f"{100.0 * line.on_share:.0f}",
        str(line.switches),
    )


def _sharpe(metric: Metric) -> tuple[str, str]:
    if metric.value is None:
        return "-", f"({metric.reason_text})"
    low, high = metric.ci90 or (metric.value, metric.value)
    return f"{metric.value:.2f}", f"{low:.2f} .. {high:.2f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _against(value: float | None, limit: float | None) -> str:
    return "rests" if value is None else f"{value:.3g} of {limit:.3g}"
