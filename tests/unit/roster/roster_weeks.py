"""Weeks of results for the roster's tests."""

from datetime import date, timedelta
from typing import Any

from hotband.roster.decision import Decision, RosterState
from hotband.roster.policy import decide
from hotband.roster.settings import RosterSettings
from hotband.roster.week import CellAxes, WeekResult

FIRST = date(2025, 1, 6)
CELL = CellAxes(1.0, 3, (0.8, 0.9, 1.0, 1.1), (2, 3, 5))
RESULTS: dict[str, dict[str, Any]] = {
    "p": {"trades": 25, "sharpe": 2.0, "profit_factor": 1.5},
    "b": {"trades": 25, "sharpe": 0.8, "profit_factor": 1.1},
    "f": {"trades": 25, "sharpe": -1.0, "profit_factor": 0.8},
    "-": {"trades": 0, "sharpe": None, "profit_factor": None, "data": "no_data"},
}


def week_name(number: int) -> str:
    """The ISO week ``number`` weeks after 2025-W02."""
    year, week, _ = (FIRST + timedelta(weeks=number)).isocalendar()
    return f"{year:04d}-W{week:02d}"


def week_of(kind: str = "p", number: int = 0, **changes: Any) -> WeekResult:
    """A week that passes (p), is borderline (b), fails (f) or has no data (-)."""
    values = {"instrument": "EUR_USD", "week": week_name(number), "net": 0.0, "cell": CELL}
    return WeekResult(**{**values, **RESULTS[kind], **changes})


def decided(
    kinds: str,
    state: RosterState | None = None,
    settings: RosterSettings | None = None,
    **changes: Any,
) -> tuple[RosterState, list[Decision]]:
    """The state after a history, one letter a week, and the decisions."""
    state = state or RosterState(instrument="EUR_USD")
    first = 0 if state.last is None else 100
    found = []
    for number, kind in enumerate(kinds, first):
        week = week_of(kind, number, **changes)
        state, decision = decide(state, week, settings or RosterSettings())
        found.append(decision)
    return state, found


def codes_of(decision: Decision) -> list[str]:
    """The codes of its reasons."""
    return [why.code for why in decision.reasons]
