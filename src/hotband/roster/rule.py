"""The weekly rule, as a pure state machine: keep, tighten, disable, re-enable.

A week is graded:

* passing: at least 20 trades, a Sharpe ratio above 0.5 and a profit factor above 1.2;
* failing: neither Sharpe ratio nor profit factor is above its threshold, however many trades;
* borderline: everything between, among it good ratios of too few trades.

A ratio at its threshold is not above it; an undefined one counts as not above. In a row means
judged weeks: one without data neither counts nor breaks the row.

    word     passing            borderline          failing
    keep     keep               tighten             tighten; disable at 2 in a row
    tighten  keep               tighten (further)   tighten (further); disable at 2 in a row
    disable  re-enable: keep    stays               stays
"""

from typing import Final, Literal, TypeAlias

from hotband.roster.decision import (
    Action,
    Light,
    NextCell,
    Reason,
    RuleState,
    RuleStep,
    RuleWord,
    reason,
)
from hotband.roster.settings import RosterSettings
from hotband.roster.week import CellAxes, WeekResult

Grade: TypeAlias = Literal["passing", "borderline", "failing"]
LIGHTS: Final[dict[Grade, Light]] = {"passing": "green", "borderline": "amber", "failing": "red"}


def _ratio(name: str, value: float | None, limit: float) -> tuple[bool, Reason]:
    if value is None:
        return False, reason(f"{name}_undefined", limit=limit)
    above = value > limit
    return above, reason(f"{name}_above" if above else f"{name}_not_above", value, limit)


def grade(week: WeekResult, settings: RosterSettings) -> tuple[Grade, tuple[Reason, ...]]:
    """The grade of a week and the three comparisons behind it."""
    enough = week.trades >= settings.min_trades
    trades = reason(
        "trades_enough" if enough else "trades_few", float(week.trades), float(settings.min_trades)
    )
    sharpe, why_sharpe = _ratio("sharpe", week.sharpe, settings.min_sharpe)
    factor, why_factor = _ratio(
        "profit_factor", week.profit_factor, settings.profit_factor_above(week.trades)
    )
    why = (trades, why_sharpe, why_factor)
    if enough and sharpe and factor:
        return "passing", why
    return ("borderline" if sharpe or factor else "failing"), why


def next_cell(cell: CellAxes) -> NextCell:
    """The next tighter cell: a smaller hazard cap, else more repetitions.

    The largest ``hazard_x`` of the axis below the cell's; where there is none, the smallest
    ``min_reps`` of its axis above the cell's; where there is none either, one repetition more,
    which the grid does not hold yet (``on_axis`` false).
    """
    if cell.hazard_x is not None:
        smaller = [x for x in cell.hazard_x_values if x < cell.hazard_x]
        if smaller:
            return NextCell(axis="hazard_x", before=cell.hazard_x, after=max(smaller), on_axis=True)
    more = [n for n in cell.min_reps_values if n > cell.min_reps]
    after = min(more, default=cell.min_reps + 1)
    return NextCell(
        axis="min_reps", before=float(cell.min_reps), after=float(after), on_axis=bool(more)
    )


def _after(state: RuleState, found: Grade, settings: RosterSettings) -> tuple[Action, RuleState]:
    fails = state.failing_weeks + 1 if found == "failing" else 0
    if state.word == "disable":
        if found == "passing":
            return "re-enable", RuleState()
        return "no_change", RuleState(word="disable", failing_weeks=fails)
    if found == "passing":
        return "keep", RuleState()
    word: RuleWord = "disable" if fails >= settings.failing_weeks else "tighten"
    return word, RuleState(word=word, failing_weeks=fails)


def apply_rule(
    state: RuleState, week: WeekResult, settings: RosterSettings
) -> tuple[RuleStep, Grade, tuple[Reason, ...]]:
    """What the rule does with a week that can be judged, its grade, and why."""
    found, why = grade(week, settings)
    action, after = _after(state, found, settings)
    reasons = list(why)
    if found == "failing":
        reasons.append(
            reason("failing_weeks", float(after.failing_weeks), float(settings.failing_weeks))
        )
    if state.word == "disable" and found != "passing":
        reasons.append(reason("passing_week_needed"))
    cell = None
    if action == "tighten":
        cell = None if week.cell is None else next_cell(week.cell)
        if cell is None:
            reasons.append(reason("next_cell_unknown"))
        else:
            detail = f"{cell.axis} {cell.before:g} to {cell.after:g}"
            detail += "" if cell.on_axis else ", which is not on the grid's axis"
            reasons.append(reason("next_cell", detail=detail))
    step = RuleStep(action=action, before=state, after=after, next_cell=cell)
    return step, found, tuple(reasons)
