"""From equity marks to the daily return series that every ratio is computed from.

A day is a trading day (it rolls at 17:00 New York). Days with too few bars are left out and
counted; a flat day enters as a return of 0, because leaving it out would raise every ratio.
Source: reference/statistics.md, 1.1.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hotband.core.records import Records
from hotband.errors import InputError, IntegrityError
from hotband.market.calendar import MINUTE_NS, MarketHours, merge_spans

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

DATA_RULE: Final = 0.8
"""The least share of its expected bars that makes a day eligible."""
RUINED: Final = 1e-12
"""Equity at or below this share of the start balance is none: zero up to rounding."""


class ReturnMode(StrEnum):
    """What a day's profit is divided by."""

    COMPOUNDING = "compounding"
    """The equity at the end of the day before."""
    FIXED = "fixed"
    """The start balance: additive, for strategies of constant notional."""


@dataclass(frozen=True, slots=True, eq=False)
class TradingWindow:
    """The trading days of a window and its market time; shared by all cells of a grid.

    ``day``: (T,) labels in days since 1970-01-01, ascending. ``roll_ns``: (T,) when each ends.
    ``eligible``: (T,) whether it has the bars that the data rule asks. ``open_ns`` and
    ``close_ns``: (K,) disjoint ascending spans of the market time of eligible days.
    Arrays that break this raise IntegrityError.
    """

    day: IntArray
    roll_ns: IntArray
    eligible: BoolArray
    open_ns: IntArray
    close_ns: IntArray

    def __post_init__(self) -> None:
        edges = np.stack((self.open_ns, self.close_ns), axis=1).ravel()
        sound = (
            len(self.day) == len(self.roll_ns) == len(self.eligible)
            and bool(np.all(np.diff(self.day) > 0))
            and bool(np.all(np.diff(self.roll_ns) > 0))
            and bool(np.all(np.diff(edges) >= 0))
        )
        if not sound:
            raise IntegrityError(
                "trading window",
                "days, rolls or spans out of order",
                "ascending days of equal length, disjoint ascending spans",
                "Build it with trading_window.",
            )

    @property
    def market_ns(self) -> int:
        """Market time of all eligible days."""
        return int((self.close_ns - self.open_ns).sum())

    def market_time_in(self, starts_ns: IntArray, ends_ns: IntArray) -> int:
        """Market time of eligible days inside the union of half-open spans, in ns."""
        starts, ends = merge_spans(starts_ns, ends_ns)
        return int((self._market_before(ends) - self._market_before(starts)).sum())

    def _market_before(self, t_ns: IntArray) -> IntArray:
        total = np.concatenate(([0], np.cumsum(self.close_ns - self.open_ns)))
        k = np.searchsorted(self.open_ns, t_ns, side="right")
        if not len(self.open_ns):
            return np.zeros(len(t_ns), np.int64)
        last = np.maximum(k - 1, 0)
        inside = np.minimum(t_ns, self.close_ns[last]) - self.open_ns[last]
        answer: IntArray = np.where(k > 0, total[last] + inside, 0)
        return answer

    def active_days(self, entries_ns: IntArray) -> int:
        """How many trading days hold one or more entries."""
        return len(np.unique(np.searchsorted(self.roll_ns, entries_ns, side="right")))


def eligible_mask(
    bar_day: npt.NDArray[np.integer],
    day: npt.NDArray[np.integer],
    expected_bars: npt.NDArray[np.integer],
    minimum: float = DATA_RULE,
) -> BoolArray:
    """Which of ``day`` (T,), ascending, have ``minimum`` of their ``expected_bars`` (T,).

    ``bar_day`` (B,) is the trading-day label of every bar; labels not in ``day`` are ignored.
    A day on which no bar is expected is not eligible.
    """
    present = np.zeros(len(day), np.int64)
    known = bar_day[np.isin(bar_day, day)]
    np.add.at(present, np.searchsorted(day, known), 1)
    mask: BoolArray = (expected_bars > 0) & (present >= minimum * expected_bars)
    return mask


def trading_window(
    hours: MarketHours,
    start_ns: int,
    end_ns: int,
    bar_t_ns: IntArray,
    bar_ns: int,
    minimum: float = DATA_RULE,
) -> TradingWindow:
    """The trading days of [start, end) and which of them ``bar_t_ns`` covers.

    ``bar_t_ns``: open times of bars ``bar_ns`` long, in any order; a time counts once, so the
    bars of several instruments may be joined. Bars outside the window or the trading week are
    ignored; days cut by the window's ends are expected in part.
    """
    day = hours.days_between(start_ns, end_ns).astype(np.int64)
    rolls = hours.rolls_between(start_ns, int(hours.next_roll(end_ns - 1)))
    rolls = rolls[np.isin(hours.trading_day(rolls - 1), day)]
    expected = np.array(
        [
            hours.market_minutes(max(first, start_ns), min(last, end_ns)) * MINUTE_NS // bar_ns
            for first, last in zip(hours.prev_roll(rolls - 1).tolist(), rolls.tolist(), strict=True)
        ],
        np.int64,
    )
    times = bar_t_ns if np.all(np.diff(bar_t_ns) > 0) else np.unique(bar_t_ns)
    times = times[(times >= start_ns) & (times < end_ns)]
    times = times[hours.in_week(times)]
    bar_day = hours.trading_day(times)
    eligible = eligible_mask(bar_day, day, expected, minimum)
    held = times[np.isin(bar_day, day[eligible])]
    open_ns, close_ns = merge_spans(held, held + bar_ns)
    return TradingWindow(day, rolls, eligible, open_ns, close_ns)


@dataclass(frozen=True, slots=True, eq=False)
class DailySeries:
    """One row per eligible day, arrays (T,): label, profit, return, equity and its peak.

    ``pnl``, ``equity`` and ``peak`` are in home currency, ``returns`` fractions. ``peak`` is
    the highest mark so far, the start balance and excluded days included. ``excluded`` counts
    the days left out, ``excluded_pnl`` is what they made: pnl.sum() + excluded_pnl is the
    change of equity. After ``ruined`` returns are 0.
    """

    day: IntArray
    pnl: FloatArray
    returns: FloatArray
    equity: FloatArray
    peak: FloatArray
    excluded: int
    excluded_pnl: float
    ruined: bool


def daily_returns(
    days: Records,
    start_equity: float,
    window: TradingWindow,
    mode: ReturnMode = ReturnMode.COMPOUNDING,
) -> DailySeries:
    """Daily returns of the eligible days of ``window`` from the ``DAY`` rows of a result.

    A day without a row had no mark: its equity is that of the day before. A row on a day
    that the window does not list (bars outside the trading week) counts as excluded. Raises
    InputError for a start balance that is not positive and finite, IntegrityError for rows
    out of order or not finite.
    """
    require_balance(start_equity)
    row_day, row_equity = days["day"].astype(np.int64), days["equity"].astype(np.float64)
    if np.any(np.diff(row_day) <= 0) or not np.all(np.isfinite(row_equity)):
        raise IntegrityError(
            "day rows", "a repeated day or equity not finite", "one finite mark a day", "Report it."
        )
    every = np.union1d(window.day, row_day)
    marks = np.concatenate(([start_equity], row_equity))
    equity = marks[np.searchsorted(row_day, every, side="right")]
    path = np.concatenate(([start_equity], equity))
    pnl = np.diff(path)
    dead = np.minimum.accumulate(path)[:-1] <= RUINED * start_equity
    base = np.where(dead | (mode is ReturnMode.FIXED), start_equity, path[:-1])
    returns = np.where(dead, 0.0, pnl / base)
    keep = np.zeros(len(every), np.bool_)
    keep[np.searchsorted(every, window.day)] = window.eligible
    return DailySeries(
        day=every[keep],
        pnl=pnl[keep],
        returns=returns[keep],
        equity=equity[keep],
        peak=np.maximum.accumulate(path)[1:][keep],
        excluded=int(np.count_nonzero(~keep)),
        excluded_pnl=float(pnl[~keep].sum()),
        ruined=bool(path.min() <= RUINED * start_equity),
    )


def require_balance(balance: float) -> None:
    """Raise InputError for a start balance that is not positive and finite."""
    if not (np.isfinite(balance) and balance > 0.0):
        raise InputError(
            "start balance", balance, "finite numbers above 0", "Give the account some money."
        )
