"""What is left of a Sharpe ratio when its p-value is adjusted for the number of tests.

Harvey and Liu 2015: Sharpe ratio -> t -> p (two-sided) -> adjusted p -> t -> Sharpe ratio. For
reports; gates use the deflated Sharpe ratio and the bootstrap. Their Holm and BHY draw the
p-values of the other tests from a simulated population; with known p-values use ``multiple``.
Source: reference/statistics.md, 2.9.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, SupportsIndex

from scipy import optimize, special

from hotband.errors import InputError
from hotband.research.significance.counts import require_count, require_positive

METHODS: Final[Mapping[str, str]] = MappingProxyType(
    {"bonferroni": "N p, at most 1", "sidak": "1 - (1 - p)^N, for independent tests"}
)
"""Adjustments that need no p-value but the test's own: name -> formula."""
_TINY: Final = 1e-280
"""p-values below this are followed by their logarithm."""


@dataclass(frozen=True, slots=True)
class Haircut:
    """A Sharpe ratio before and after the adjustment, all annual.

    Attributes:
        ratio: After the correction for autocorrelation, if any; above 0.
        p_value: Two-sided, of one test; 0 where it is too small for a float.
        p_adjusted: For all tests.
        adjusted_ratio: The ratio that one test alone would need for ``p_adjusted``.
        share: Part of ``ratio`` that is cut, 0..1.
    """

    ratio: float
    p_value: float
    p_adjusted: float
    adjusted_ratio: float
    share: float


def _log_p(t: float, degrees: int | None) -> float:
    """Log of the two-sided p-value of ``t`` from 0; degrees of freedom, None for a normal."""
    if degrees is None:
        return min(math.log(2.0) + float(special.log_ndtr(-t)), 0.0)
    p = 2.0 * float(special.stdtr(degrees, -t))
    if p > _TINY:
        return min(math.log(p), 0.0)
    # p = I_x(a, 1/2) with x = v/(v + t^2), as a series in x: it has no smallest number.
    a, odds = 0.5 * degrees, t**2 / degrees
    x, rest = 1.0 / (1.0 + odds), odds / (1.0 + odds)
    series = float(special.hyp2f1(a + 0.5, 1.0, a + 1.0, x))
    front = a * math.log(x) + 0.5 * math.log(rest) - math.log(a)
    return front - float(special.betaln(a, 0.5)) + math.log(series)


def _adjusted_log_p(log_p: float, tests: int, method: str) -> float:
    if method == "bonferroni" or log_p < math.log(_TINY):  # there the two are the same
        return min(log_p + math.log(tests), 0.0)
    if log_p == 0.0:
        return 0.0
    return math.log(-math.expm1(tests * math.log1p(-math.exp(log_p))))


def _autocorrelation_factor(per_year: float, rho: float) -> float:
    """What an AR(1) leaves of an annual Sharpe ratio (Lo 2002, in closed form)."""
    if rho == 0.0:
        return 1.0
    periods = round(per_year)
    if not -1.0 < rho < 1.0 or periods != per_year:
        got, allowed = f"{rho} at {per_year} per year", "rho in (-1, 1) with whole periods per year"
        raise InputError("rho", got, allowed, "Pass 0 for no correction.")
    shorter = (1.0 - rho**periods) / (periods * (1.0 - rho))
    return float((1.0 + 2.0 * rho / (1.0 - rho) * (1.0 - shorter)) ** -0.5)


def haircut_sharpe(
    sharpe_annual: float,
    observations: SupportsIndex,
    per_year: float,
    tests: SupportsIndex,
    *,
    method: str = "bonferroni",
    rho: float = 0.0,
    normal: bool = False,
) -> Haircut | None:
    """The haircut of the best of ``tests`` Sharpe ratios.

    ``sharpe_annual``: sqrt(per_year) times the ratio per period over ``observations`` periods
    (2 or more). ``rho``: first autocorrelation of the returns, from which the annual ratio is
    corrected as for an AR(1) (Lo 2002). p-values come from Student's t with observations - 1
    degrees of freedom, or from a normal. None for a ratio that is not above 0: there is nothing
    to cut. Unknown methods and impossible numbers raise InputError.
    """
    if method not in METHODS:
        do = "For Holm, BH and BY of known p-values use significance.multiple."
        raise InputError("method", method, " and ".join(METHODS), do, near=METHODS)
    if not math.isfinite(sharpe_annual):
        do = "Show the reason why it is undefined instead."
        raise InputError("Sharpe ratio", sharpe_annual, "a finite number", do)
    count, n = require_count("tests", tests), require_count("observations", observations, 2)
    year = require_positive("periods per year", per_year)
    ratio = sharpe_annual * _autocorrelation_factor(year, rho)
    if ratio <= 0.0:
        return None
    root, degrees = math.sqrt(n / year), None if normal else n - 1
    t = ratio * root
    log_p = _log_p(t, degrees)
    wanted = _adjusted_log_p(log_p, count, method)
    left = t if count == 1 else _t_of(wanted, t, degrees)
    return Haircut(ratio, math.exp(log_p), math.exp(wanted), left / root, 1.0 - left / t)


def _t_of(log_p: float, most: float, degrees: int | None) -> float:
    """The t from 0 to ``most`` whose two-sided p-value has this logarithm."""
    if log_p >= 0.0:
        return 0.0
    return float(
        optimize.brentq(lambda t: _log_p(t, degrees) - log_p, 0.0, most, xtol=1e-13, rtol=1e-14)
    )
