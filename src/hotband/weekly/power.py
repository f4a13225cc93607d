"""What the pipeline can find: the smallest planted edge that is promoted often enough.

The other half of a certificate. A pipeline that never promotes anything passes every world of
noise; how much there has to be before it does is said beside it. Source:
reference/statistics.md, 4.4.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from hotband.errors import InputError
from hotband.research.campaign_worlds import DAYS_PER_WEEK, CampaignSettings
from hotband.research.significance.certificate import lower_bound, sharpe_needed
from hotband.weekly.certify import CampaignRuns

DAYS: Final = (60, 130, 260, 520)
SHARPES: Final = tuple(float(s) for s in range(1, 13))
POWER: Final = 0.8
CAMPAIGNS: Final = 20
ONCE: Final = 10_000
"""Weeks between choices where a campaign makes only its last one."""


@dataclass(frozen=True, slots=True)
class Point:
    """Campaigns with one planted Sharpe ratio on one length of look-back.

    Attributes:
        sharpe: Annual, planted.
        campaigns: How many were run.
        days: Eligible ones of the look-back.
        cells: Searched through.
        searched: In how many the step-down test and the deflated Sharpe ratio passed.
        promoted: In how many every gate did.
        lower: Bound of the rate of promotion at 95 %.
    """

    sharpe: float
    campaigns: int
    days: int
    cells: int
    searched: int
    promoted: int
    lower: float


@dataclass(frozen=True, slots=True)
class Power:
    """What is found on one length of look-back.

    Attributes:
        asked_days: Of the look-back, which has up to five more for its embargo.
        needed: The analytic guide, ``sharpe_needed`` of so many cells and days.
        searched, promoted: The smallest planted Sharpe ratio at which so much happens in POWER
            of the campaigns; None = at none of those tried.
        points: What was tried, by Sharpe ratio.
    """

    asked_days: int
    needed: float
    searched: float | None
    promoted: float | None
    points: tuple[Point, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe values."""
        return asdict(self)

    def sentence(self) -> str:
        """The finding in words."""
        tried = self.points[0]
        found = [p for p in self.points if p.sharpe == self.promoted]
        search = "none" if self.searched is None else f"{self.searched:g}"
        if not found:
            said = f"no planted Sharpe ratio up to {self.points[-1].sharpe:g} is promoted"
        else:
            share = found[0].promoted / found[0].campaigns
            said = (
                f"a planted Sharpe ratio of {self.promoted:g} is promoted in {share:.0%} of "
                f"{found[0].campaigns} campaigns (at least {found[0].lower:.0%} at 95 %)"
            )
        return (
            f"On {tried.days} days and {tried.cells} cells {said}; the search alone finds "
            f"{search}, the analytic guide says {self.needed:.2f}."
        )


def power(
    runs: CampaignRuns, days: Sequence[int] = DAYS, sharpes: Sequence[float] = SHARPES
) -> list[Power]:
    """For every length of look-back the smallest planted Sharpe ratio that is found.

    Each campaign makes one choice, at its end, on a look-back of so many days before the
    hold-outs that the grid's walk-forward asks for. World N1 with its edge planted, by
    bisection over ``sharpes``, as power grows with the edge.

    Args:
        runs: Its settings but days, choices and edge hold for all.
        days: Whole weeks of five.
        sharpes: Ascending, above 0.

    Raises:
        InputError: No days or Sharpe ratios, or impossible ones.
        CancelledRunError, StoreError: As ``CampaignRuns.results``.
    """
    rising = list(sharpes) == sorted(set(sharpes)) and bool(sharpes) and min(sharpes) > 0.0
    if not rising:
        raise InputError("Sharpe ratios", list(sharpes), "ascending, above 0", "Sort them.")
    if not days:
        raise InputError("days", "none", "lengths of a look-back", "Name one or more.")
    return [_on(runs, length, sharpes) for length in days]


def _on(runs: CampaignRuns, length: int, sharpes: Sequence[float]) -> Power:
    points: dict[float, Point] = {}

    def at(sharpe: float) -> Point:
        if sharpe not in points:
            points[sharpe] = _point(runs, length, sharpe)
        return points[sharpe]

    promoted = _least(sharpes, lambda s: at(s).promoted >= POWER * runs.campaigns)
    searched = _least(sharpes, lambda s: at(s).searched >= POWER * runs.campaigns)
    tried = tuple(points[s] for s in sorted(points))
    needed = round(sharpe_needed(tried[0].cells, tried[0].days, POWER), 2)
    return Power(length, needed, searched, promoted, tried)


def _point(runs: CampaignRuns, length: int, sharpe: float) -> Point:
    settings = planted_settings(runs.settings, length, sharpe)
    results = replace(runs, settings=settings).results(["N1"])["N1"]
    last = results[0].decisions[-1]
    promoted = sum(each.promoted for each in results)
    return Point(
        sharpe=sharpe,
        campaigns=len(results),
        days=last.days,
        cells=last.cells,
        searched=sum(each.naive["search_and_deflation"] for each in results),
        promoted=promoted,
        lower=lower_bound(promoted, len(results)),
    )


def planted_settings(settings: CampaignSettings, days: int, sharpe: float) -> CampaignSettings:
    """The campaign with one choice on a look-back of ``days`` in which ``sharpe`` is planted."""
    walk = settings.grid.walk_forward
    look_back = -(-(days + 1) // DAYS_PER_WEEK)  # the embargo takes a day
    weeks = look_back + walk.hold_out_weeks + (walk.max_folds - 1) * walk.step_weeks
    own = {"look_back_weeks": look_back, "min_look_back_weeks": min(look_back, 1)}
    grid = settings.grid.model_copy(update={"walk_forward": walk.model_copy(update=own)})
    return replace(settings, days=weeks * DAYS_PER_WEEK, every_weeks=ONCE, edge=sharpe, grid=grid)


def _least(values: Sequence[float], enough: Callable[[float], bool]) -> float | None:
    """The first of the ascending values that is enough, by bisection; None where none is."""
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(values[middle]) else (middle + 1, high)
    return values[low] if low < len(values) else None
