"""Choosing on one stretch of weeks and judging on the weeks after it, again and again.

Each fold has a look-back, on which cells are chosen, and a hold-out behind a gap, on which the
choice is judged. Where history is short, folds go first, then length of the look-back, then of
the hold-out, and at last the hold-out itself; whatever was given up is said in ``notes``.
Source: reference/statistics.md, section 3.
"""

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hotband.errors import InputError, WindowError
from hotband.market.calendar import MINUTE_NS, MarketHours
from hotband.market.elapsed import market_earlier, weeks_within
from hotband.research.splits import DEFAULT_EMBARGO_MINUTES, Span

_Weeks = Annotated[int, Field(ge=1, le=520, description="a whole number of weeks, 1..520")]


class WalkForwardSettings(BaseModel):
    """How long folds are, how far apart, and how many; all weeks are trading weeks.

    Hold-outs overlap where ``step_weeks`` is below ``hold_out_weeks``; their daily returns are
    then no single series.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    look_back_weeks: _Weeks = 26
    hold_out_weeks: _Weeks = 4
    step_weeks: _Weeks = 4
    max_folds: Annotated[int, Field(ge=1, le=500, description="a whole number, 1..500")] = 6
    min_look_back_weeks: _Weeks = 1
    """A look-back that history cuts short keeps at least these weeks, and the hold-out's."""
    anchored: Annotated[bool, Field(description="true or false")] = False
    """Whether every look-back begins with history and grows, instead of moving on."""
    embargo_minutes: Annotated[
        int, Field(ge=0, le=524_160, description="market minutes, a whole number 0..524160")
    ] = DEFAULT_EMBARGO_MINUTES

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_look_back_weeks > self.look_back_weeks:
            raise ValueError("min_look_back_weeks at most look_back_weeks")
        return self


@dataclass(frozen=True, slots=True)
class Fold:
    """Where cells are chosen and where the choice is judged: half-open, ns UTC.

    ``hold_out`` is None where history is too short to judge at all.
    """

    look_back: Span
    hold_out: Span | None


@dataclass(frozen=True, slots=True)
class Folds:
    """The folds, earliest first, at least one; and what history was too short for.

    ``gap_minutes``: market minutes from the end of a look-back to its hold-out.
    ``notes``: a sentence for each reduction; empty where the settings were met in full.
    """

    folds: tuple[Fold, ...]
    gap_minutes: int
    notes: tuple[str, ...]


def folds_of(
    first_ns: int,
    end_ns: int,
    hours: MarketHours,
    settings: WalkForwardSettings | None = None,
    *,
    gap_minutes: int = 0,
) -> Folds:
    """The folds of history [first_ns, end_ns).

    Hold-outs open and close with a trading week, and the last one ends at ``end_ns``: a week
    that is still running then lengthens it. A look-back opens with a trading week too (with
    history, where anchored) and ends the gap before its hold-out. Whole weeks of gap come on
    top of its weeks; the rest of the gap, less than a week, is taken from its end.

    Where history has too few whole weeks, in this order: fewer folds; one fold with a shorter
    look-back, down to the longer of ``min_look_back_weeks`` and the hold-out; a shorter
    hold-out, down to one week; none, the whole of history being the look-back.

    Args:
        first_ns: When history begins.
        end_ns: When it ends.
        hours: The trading week.
        settings: Lengths; the default ones where None.
        gap_minutes: The longest hold or indicator look-back, whichever is longer, in market
            minutes; the gap is that or ``embargo_minutes``, whichever is longer.

    Raises:
        WindowError: History is empty, or outside 1971..2099.
        InputError: A negative gap.
    """
    if first_ns >= end_ns:
        raise WindowError("history", (first_ns, end_ns), "start before end", "Swap or widen it.")
    if gap_minutes < 0:
        raise InputError("gap_minutes", gap_minutes, "0 or more", "Give the longest hold.")
    wanted = WalkForwardSettings() if settings is None else settings
    gap = max(wanted.embargo_minutes, gap_minutes)
    weeks = weeks_within(first_ns, end_ns, hours)
    shortest = min((close - opening for opening, close in weeks), default=MINUTE_NS)
    plan = _plan(len(weeks), gap * MINUTE_NS // shortest, wanted)
    if plan is None:
        notes = _notes(None, len(weeks), gap, wanted)
        return Folds((Fold((first_ns, end_ns), None),), gap, notes)
    folds = []
    for number in range(plan.folds):
        later = (plan.folds - 1 - number) * wanted.step_weeks
        begin = len(weeks) - later - plan.hold_out
        held = weeks[begin][0], weeks[begin + plan.hold_out - 1][1] if later else end_ns
        start = first_ns if wanted.anchored else weeks[begin - plan.look_back - plan.gap][0]
        folds.append(Fold((start, market_earlier(held[0], gap, hours)), held))
    return Folds(tuple(folds), gap, _notes(plan, len(weeks), gap, wanted))


@dataclass(frozen=True, slots=True)
class _Plan:
    """What history has room for: a number of folds, and whole weeks of each part of a fold."""

    folds: int
    look_back: int
    gap: int
    hold_out: int


def _plan(weeks: int, gap: int, wanted: WalkForwardSettings) -> _Plan | None:
    """The longest plan that fits into so many whole weeks; None where no hold-out does."""
    spare = weeks - wanted.look_back_weeks - gap - wanted.hold_out_weeks
    if spare >= 0:
        folds = min(wanted.max_folds, 1 + spare // wanted.step_weeks)
        return _Plan(folds, wanted.look_back_weeks, gap, wanted.hold_out_weeks)
    for hold_out in range(wanted.hold_out_weeks, 0, -1):
        look_back = min(wanted.look_back_weeks, weeks - gap - hold_out)
        if look_back >= min(wanted.look_back_weeks, max(wanted.min_look_back_weeks, hold_out)):
            return _Plan(1, look_back, gap, hold_out)
    return None


def _notes(
    plan: _Plan | None, weeks: int, gap: int, wanted: WalkForwardSettings
) -> tuple[str, ...]:
    has = f"history has {_count(weeks, 'whole trading week')}"
    gapped = f"with a gap of {gap} market minutes"
    if plan is None:
        least = wanted.min_look_back_weeks
        return (
            f"No hold-out: {has}, too few for a look-back of {_count(least, 'week')} and a "
            f"hold-out of 1 week {gapped}; cells are chosen on all of it and judged on none.",
        )
    notes = []
    if plan.folds < wanted.max_folds:
        need = wanted.look_back_weeks + plan.gap + wanted.hold_out_weeks
        need += (wanted.max_folds - 1) * wanted.step_weeks
        notes.append(
            f"{_count(plan.folds, 'fold')} instead of {wanted.max_folds}: {has}, and "
            f"{_count(wanted.max_folds, 'fold')} {gapped} need {need}."
        )
    for name, got, asked in (
        ("look-back", plan.look_back, wanted.look_back_weeks),
        ("hold-out", plan.hold_out, wanted.hold_out_weeks),
    ):
        if got < asked:
            notes.append(f"A {name} of {_count(got, 'week')} instead of {asked}: {has}.")
    return tuple(notes)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
