"""How much a pair moves: daily volatility and the last move, as known at each bar's open.

Sizing scales by this volatility, live and in the backtest alike, so the streaming update is
the definition and the batch only repeats it.
"""

import math
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hotband.core.jit import kernel
from hotband.core.records import DOWN_MOVE, UP_MOVE
from hotband.errors import BarsError, InputError
from hotband.market.calendar import DAY_NS, Times

Floats: TypeAlias = npt.NDArray[np.float64]

START: Final = (0.0, 0.0)
"""(total, weight) before any return."""


@kernel
def update(
    total: float, weight: float, before: float, close: float, decay: float
) -> tuple[float, float]:
    """Take in one close after ``before``; total / weight is the mean squared log return."""
    move = math.log(close / before)
    return decay * total + move * move, decay * weight + 1.0


@kernel
def _path(close: Floats, decay: float, scale: float, min_bars: int, out: Floats) -> None:
    total, weight = 0.0, 0.0
    for i in range(len(close)):
        if i >= 2:
            total, weight = update(total, weight, close[i - 2], close[i - 1], decay)
        if i >= min_bars:
            out[i] = math.sqrt(total / weight) * scale


def decay_of(half_life_bars: float) -> float:
    """Weight that a squared return keeps per bar: one half after ``half_life_bars``."""
    if not 0 < half_life_bars < math.inf:
        do = "Use a number of bars."
        raise InputError("volatility half_life_bars", half_life_bars, "above 0, finite", do)
    return float(0.5 ** (1 / half_life_bars))


def day_scale(granularity_ns: int) -> float:
    """Square root of the bars in 24 hours: from volatility per bar to volatility per day."""
    return math.sqrt(DAY_NS / granularity_ns)


def daily_volatility(
    mid_close: Floats, t_ns: Times, granularity_ns: int, half_life_bars: float, min_bars: int
) -> Floats:
    """Volatility per day as a fraction, known at each bar's open; NaN before ``min_bars`` bars.

    Square root of the exponentially weighted mean of squared log returns of the mid closes of
    all bars before, times sqrt(24 h / granularity). Weights sum to one from the first return
    on, so the start is unbiased; RiskMetrics (1996) is the limit. A return over a gap or a
    weekend counts as one. ``min_bars`` >= 2. Closes that are not above 0, and bars that
    overlap (the one before would not be complete at the open), raise BarsError.
    """
    close = np.ascontiguousarray(mid_close, np.float64)
    if close.shape != t_ns.shape:
        raise BarsError("mid_close", close.shape, f"one per time, {t_ns.shape}", "Align the two.")
    if min_bars < 2:
        raise InputError("volatility min_bars", min_bars, "2 or more", "A return takes two bars.")
    if not np.all((close > 0) & (close < np.inf)):
        raise BarsError("mid_close", "a price that is not above 0", "prices", "Repair the bars.")
    if np.any(np.diff(t_ns) < granularity_ns):
        do = "Sort the bars, or give their true granularity."
        raise BarsError("bars", "overlapping times", f"steps of {granularity_ns} ns or more", do)
    out = np.full(close.shape, np.nan)
    _path(close, decay_of(half_life_bars), day_scale(granularity_ns), min_bars, out)
    return out


def last_move(mid_close: Floats) -> npt.NDArray[np.int32]:
    """UP_MOVE, DOWN_MOVE or 0 (no change) per bar: the change between the two closes before it.

    The first two bars have none and get 0.
    """
    change = np.diff(np.asarray(mid_close, np.float64))
    flags = np.zeros(len(mid_close), np.int32)
    flags[2:] = (change[:-1] > 0) * UP_MOVE + (change[:-1] < 0) * DOWN_MOVE
    return flags
