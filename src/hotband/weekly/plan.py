"""Which weeks choose and which judge: the folds of a run, one simulator for each part of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hotband.errors import ProfileError
from hotband.market.calendar import format_time
from hotband.profile.strategy import Profile
from hotband.research.grid_settings import GridSettings, longest_hold
from hotband.research.simulator import BacktestSimulator
from hotband.research.walkforward import Folds, folds_of


@dataclass(frozen=True, eq=False)
class Stage:
    """One instrument over one fold: where cells are chosen, and where the choice is judged."""

    look_back: BacktestSimulator
    hold_out: BacktestSimulator | None


@dataclass(frozen=True, eq=False)
class Plan:
    """The folds of one instrument, earliest first; the last one is published.

    ``notes`` say what history was too short for.
    """

    stages: tuple[Stage, ...]
    notes: tuple[str, ...] = ()

    @property
    def published(self) -> Stage:
        """The last fold: its choice is the result."""
        return self.stages[-1]

    @property
    def window(self) -> tuple[int, int]:
        """From the first bar that chose the published cell to the last that judged it, ns."""
        look_back, hold_out = self.published.look_back, self.published.hold_out
        return look_back.window[0], (hold_out or look_back).window[1]


def plans_of(
    instruments: Sequence[str],
    window: tuple[int, int],
    profile: Profile,
    grid: GridSettings,
    options: Mapping[str, Any],
) -> dict[str, Plan]:
    """The plan of every instrument over history ``window`` (start_ns, end_ns).

    ``options`` are further arguments of ``BacktestSimulator``; all simulators share them.
    Raises ProfileError where hold-outs would overlap: no day may be judged twice.
    """
    weeks = grid.walk_forward
    if weeks.step_weeks < weeks.hold_out_weeks:
        raise ProfileError(
            "grid walk_forward.step_weeks",
            weeks.step_weeks,
            f"at least hold_out_weeks, {weeks.hold_out_weeks}",
            "Take longer steps, or judge on fewer weeks.",
        )
    hours = profile.account.market_hours()
    gap = longest_hold(profile, grid, instruments)
    folds = folds_of(*window, hours, grid.walk_forward, gap_minutes=gap)
    return {name: _plan(name, folds, profile, options) for name in instruments}


def _plan(name: str, folds: Folds, profile: Profile, options: Mapping[str, Any]) -> Plan:
    def over(span: tuple[int, int]) -> BacktestSimulator:
        start, end = (format_time(t) for t in span)
        return BacktestSimulator(name, start, end, profile=profile, **options)

    stages = [
        Stage(over(fold.look_back), None if fold.hold_out is None else over(fold.hold_out))
        for fold in folds.folds
    ]
    return Plan(tuple(stages), folds.notes)
