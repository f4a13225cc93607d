"""Intervals that hold at all times at once, for charts that are looked at every week.

Normal mixture (Robbins; Howard et al. 2021) over a running sum, and the asymptotic sequence for
means and Sharpe ratios (Waudby-Smith et al. 2024). Source: reference/statistics.md, 5.3.

``rho`` of the mixture is in units of intrinsic time v (variance); the page's asymptotic rho is
its inverse square root at a variance of 1 a day. With that, the two bounds are one formula.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy import optimize, special

from hotband.errors import InputError
from hotband.research.series import FloatArray
from hotband.research.sharpe import influence, is_constant

Sides = Literal[1, 2]
FIRST_DAY: Final = 10
"""The asymptotic sequence claims nothing for fewer days."""


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not 0.0 < value < math.inf:
            raise InputError(name, value, "a number above 0", "Give one.")


def _level(alpha: float) -> None:
    if not 0.0 < alpha < 0.5:
        raise InputError("alpha", alpha, "a number above 0 and below 0.5", "Give 0.05 for 95 %.")


def best_rho(intrinsic_time: float, alpha: float, *, sides: Sides = 2) -> float:
    """The rho whose mixture bound is about the narrowest at ``intrinsic_time``.

    v / (2 ln(1/a) + ln(1 + 2 ln(1/a))); with one side a is 2 alpha, as confseq has it and as the
    page's digits need; the page does not say so.
    """
    _positive(intrinsic_time=intrinsic_time)
    _level(alpha)
    logarithm = 2.0 * math.log(1.0 / (alpha if sides == 2 else 2.0 * alpha))
    return intrinsic_time / (logarithm + math.log(1.0 + logarithm))


def log_mixture(total: float, intrinsic_time: float, rho: float, *, sides: Sides = 2) -> float:
    """Log of the mixture supermartingale at sum ``total`` and variance ``intrinsic_time``."""
    _positive(intrinsic_time=intrinsic_time, rho=rho)
    joined = intrinsic_time + rho
    value = 0.5 * math.log(rho / joined) + total * total / (2.0 * joined)
    if sides == 2:
        return value
    return value + math.log(2.0) + float(special.log_ndtr(total / math.sqrt(joined)))


def mixture_bound(intrinsic_time: float, alpha: float, rho: float, *, sides: Sides = 2) -> float:
    """The bound on the sum (with two sides: its size) that fails with probability ``alpha`` ever.

    Two sides: sqrt((v + rho) ln((v + rho) / (rho a^2))); one: the root of the mixture at 1/a.
    """
    _positive(intrinsic_time=intrinsic_time, rho=rho)
    _level(alpha)
    joined = intrinsic_time + rho
    wide = math.sqrt(joined * math.log(joined / (rho * alpha * alpha)))
    if sides == 2:
        return wide
    goal = math.log(1.0 / alpha)
    return float(
        optimize.brentq(
            lambda total: log_mixture(total, intrinsic_time, rho, sides=1) - goal,
            -wide, wide, xtol=1e-12, rtol=1e-14,
        )
    )  # fmt: skip


def asymptotic_rho(focus_days: float, alpha: float) -> float:
    """The page's rho of the asymptotic sequence, narrowest at about ``focus_days`` days."""
    return 1.0 / math.sqrt(best_rho(focus_days, alpha))


def asymptotic_half_width(days: int, alpha: float, rho: float) -> float:
    """Half the width of the sequence after ``days`` days, in standard deviations of a day."""
    _positive(days=days, rho=rho)
    _level(alpha)
    inner = days * rho * rho + 1.0
    ratio = 2.0 * inner / (days * days * rho * rho)
    return math.sqrt(ratio * math.log(math.sqrt(inner) / alpha))


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate after ``days`` days; ``low`` and ``high`` None where it is undefined."""

    days: int
    estimate: float | None
    low: float | None
    high: float | None


def mean_sequence(
    returns: Sequence[float] | FloatArray, alpha: float = 0.05, focus_days: float = 52.0
) -> tuple[Interval, ...]:
    """Asymptotic intervals of the mean after each day from FIRST_DAY on.

    Args:
        returns: (n,) daily returns.
        alpha: Chance that the true mean is ever outside, in the limit of many days.
        focus_days: Where the sequence is to be narrowest.

    Returns:
        One interval per day; without bounds while all returns are equal.
    """
    values, rho = _checked(returns), asymptotic_rho(focus_days, alpha)
    found = []
    for days in range(FIRST_DAY, len(values) + 1):
        seen = values[:days]
        mean = float(seen.mean())
        if is_constant(seen):
            found.append(Interval(days, mean, None, None))
            continue
        half = float(seen.std()) * asymptotic_half_width(days, alpha, rho)
        found.append(Interval(days, mean, mean - half, mean + half))
    return tuple(found)


def sharpe_sequence(
    returns: Sequence[float] | FloatArray, alpha: float = 0.05, focus_days: float = 52.0
) -> tuple[Interval, ...]:
    """Asymptotic intervals of the Sharpe ratio per day after each day from FIRST_DAY on.

    The ratio divides by the population deviation; its influence series (1.5 of the page) takes
    the part of the returns. Arguments as in :func:`mean_sequence`; no estimate while all returns
    are equal.
    """
    values, rho = _checked(returns), asymptotic_rho(focus_days, alpha)
    found = []
    for days in range(FIRST_DAY, len(values) + 1):
        seen = values[:days]
        if is_constant(seen):
            found.append(Interval(days, None, None, None))
            continue
        ratio = float(seen.mean() / seen.std())
        spread = float(np.sqrt(np.mean(influence(seen) ** 2)))
        half = spread * asymptotic_half_width(days, alpha, rho)
        found.append(Interval(days, ratio, ratio - half, ratio + half))
    return tuple(found)


def _checked(returns: Sequence[float] | FloatArray) -> FloatArray:
    values = np.asarray(returns, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise InputError("returns", f"shape {values.shape}", "one row of finite numbers",
                         "Leave out days without a return.")  # fmt: skip
    return values
