"""When the bars of a made-up market open, and how much each hour of the week moves.

Noise that ignores the clock would be easy to tell from a market: sessions, closures and the
shape of the day are therefore the same in every null world as in a real one.
"""

from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from hotband.errors import BarsError, WindowError
from hotband.market.bars import Bars, Int64Array, require_window
from hotband.market.calendar import DAY_NS, DEFAULT_HOURS, HOUR_NS, format_time, parse_granularity
from hotband.market.spreads import LEAST_BARS, week_phase_ns

Floats: TypeAlias = npt.NDArray[np.float64]

HOURS: Final = 168
DAY_CURVE: Final = (
    0.60, 0.74, 1.05, 1.24, 1.03, 0.87, 0.87, 1.03, 1.88, 1.30, 1.56, 1.21,
    0.95, 0.80, 0.79, 0.73, 0.57, 0.57, 0.75, 0.77, 1.07, 1.03, 0.77, 0.65,
)  # fmt: skip
"""Deviation of moves by New York hour, mean square about 1: of five-minute mid closes of
EUR_USD, GBP_USD and USD_JPY, May to August 2025, as ``day_curve`` gives it, mean of squares."""


class WorldClock(NamedTuple):
    """The bars of a window in which the market trades; read-only, one entry per bar."""

    t: Int64Array
    """Open times."""
    slot: Int64Array
    """Hour of the New York week, 0..167 from Monday 00:00."""
    hour: Int64Array
    """Number of the clock hour, counted over hours with bars from 0."""
    opens: Int64Array
    """Indices of the first bars of weeks, the very first bar left out."""


def null_granularity(name: str) -> int:
    """Length in ns of a bar of a made-up market; BarsError above H1 or where unknown."""
    length = parse_granularity(name)
    if HOUR_NS % length:
        raise BarsError("granularity of a null world", name, "S5 to H1", "Choose one of them.")
    return length


@lru_cache(maxsize=4)
def world_clock(start_ns: int, end_ns: int, granularity: str) -> WorldClock:
    """The bars that open at or after the start and are known by the end.

    Bars lie inside the trading week; those wholly inside the daily closure are left out.

    Raises:
        WindowError: A window that is reversed or in which the market does not trade.
        BarsError: A granularity above H1.
    """
    require_window(start_ns, end_ns)
    step = null_granularity(granularity)
    first = -(-start_ns // step) * step
    t = np.arange(first, end_ns - step + 1, step, dtype=np.int64)
    hours = DEFAULT_HOURS
    t = t[hours.in_week(t)]
    t = t[~(hours.in_closure(t) & hours.in_closure(t + step - 1))]
    if not len(t):
        got = f"{format_time(start_ns)} to {format_time(end_ns)}"
        raise WindowError("window of a null world", got, "hours of trading", "Widen the window.")
    slot = week_phase_ns(t) // HOUR_NS
    hour = np.cumsum(np.diff(t // HOUR_NS, prepend=t[0] // HOUR_NS) != 0)
    opens = 1 + np.flatnonzero(np.diff(t) > DAY_NS)
    made = WorldClock(t, slot, hour, opens)
    for array in made:
        array.setflags(write=False)
    return made


def end_after_days(start_ns: int, days: int) -> int:
    """The roll that ends the ``days``-th trading day from ``start_ns`` on; WindowError below 1."""
    if days < 1:
        raise WindowError("days of a null world", days, "1 or more", "Ask for a longer window.")
    later = start_ns + (days * 7 // 5 + 10) * DAY_NS
    return int(DEFAULT_HOURS.rolls_between(start_ns, later)[days - 1])


def mid_moves(bars: Bars) -> tuple[Int64Array, Floats]:
    """(open time, log move of the mid close since the bar before) of bars without a gap before."""
    t = bars.data["t"]
    mid = np.log((bars.data["bid_c"] + bars.data["ask_c"]) / 2)
    joined = np.diff(t) == bars.granularity_ns
    return t[1:][joined], np.diff(mid)[joined]


def time_of_day_curve(bars: Bars) -> Floats:
    """Deviation of moves per hour of the New York week, as a multiple of that of all moves.

    The root mean square of the log moves of mid closes within the hour over that of all moves,
    so that the squares have mean 1 over the bars. Moves over gaps and weekends do not count.

    Args:
        bars: of one instrument, of an hour at most.

    Returns:
        (168,) from Monday 00:00; NaN for hours with fewer than ``LEAST_BARS`` moves.

    Raises:
        BarsError: Bars without a move, or longer than an hour.
    """
    null_granularity(bars.granularity)
    t, moves = mid_moves(bars)
    slot = week_phase_ns(t) // HOUR_NS
    count = np.bincount(slot, minlength=HOURS)
    total = np.bincount(slot, moves**2, minlength=HOURS)
    if not total.sum() > 0:
        what = f"bars of {bars.instrument} {bars.granularity} for a time-of-day curve"
        raise BarsError(what, "no move", "bars in which prices change", "Use a longer history.")
    curve = np.full(HOURS, np.nan)
    known = count >= LEAST_BARS
    curve[known] = np.sqrt(total[known] / count[known] * len(moves) / total.sum())
    return curve


def default_curve() -> Floats:
    """``DAY_CURVE`` on each day of the week, shape (168,)."""
    return np.tile(np.array(DAY_CURVE), 7)


def day_curve(bars: Bars) -> Floats:
    """As ``time_of_day_curve``, by New York hour of the day: shape (24,), all days together."""
    t, moves = mid_moves(bars)
    hour = week_phase_ns(t) // HOUR_NS % 24
    total, count = np.bincount(hour, moves**2, 24), np.bincount(hour, minlength=24)
    curve: Floats = np.sqrt(total / count / np.mean(moves**2))
    return curve
