"""How likely a Sharpe ratio is better than the best of as many trials without an edge.

Ratios are per period (one day), never annualised; kurtosis is not excess (a normal has 3).
``variance`` is that of the ratios across all trials, ``trials`` the number of all that were
ever evaluated, as the ledger counts it. The two belong together: a reduced ("effective")
number of trials with the variance across trials counts their correlation twice, and promotes
noise far too often. Source: reference/statistics.md, 2.1 to 2.4.

Two incompatible definitions are in circulation. Gates use ``DEFINITION``, whose error is taken
at the observed ratio. What ends in ``_2025`` takes it at the benchmark and is to be shown
beside it, never instead: it is far more generous to negative skew.
"""

import itertools
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Final, SupportsIndex

import numpy as np
import numpy.typing as npt
from scipy import integrate, special

from hotband.errors import InputError
from hotband.research.series import FloatArray
from hotband.research.sharpe import mertens_variance
from hotband.research.significance.counts import require_count, require_positive, require_share

DEFINITION: Final = "BLP2012"
"""Bailey and Lopez de Prado 2012 (PSR) and 2014 (DSR): error at the observed ratio, T - 1."""
_REACH: Final = 40.0
"""The normal distribution has nothing beyond this many deviations in double precision."""


@lru_cache(maxsize=4096)
def _max_moments(trials: int) -> tuple[float, float]:
    """(mean, variance) of the greatest of ``trials`` standard normals.

    By parts around the median c: mean = c + int_c (1 - F) - int^c F with F = Phi^trials, which
    keeps the digits where the density is a needle.
    """
    centre = float(special.ndtri_exp(-math.log(2.0) / trials))

    def above(y: float, weight: int) -> float:
        return float(-np.expm1(trials * special.log_ndtr(centre + y))) * y**weight

    def below(y: float, weight: int) -> float:
        return float(np.exp(trials * special.log_ndtr(centre - y))) * y**weight

    def area(part: Callable[[float, int], float], weight: int) -> float:
        # The tail is split, so that no step can jump over it.
        ends = [0.0, 1.0, 5.0, _REACH]
        pieces = [
            integrate.quad(part, a, b, (weight,), epsabs=1e-15, epsrel=1e-12, limit=200)[0]
            for a, b in itertools.pairwise(ends)
        ]
        return math.fsum(pieces)

    shift = area(above, 0) - area(below, 0)
    spread = 2.0 * (area(above, 1) + area(below, 1))
    return centre + shift, spread - shift**2


def expected_max(trials: SupportsIndex) -> float:
    """Mean of the greatest of ``trials`` independent standard normals; 0 for one.

    Exact up to a relative 1e-9 (quadrature). Trials below 1 or beyond 1e15 raise InputError.
    """
    count = require_count("trials", trials)
    return 0.0 if count == 1 else _max_moments(count)[0]


def max_deviation(trials: SupportsIndex) -> float:
    """Standard deviation of the greatest of ``trials`` independent standard normals."""
    return math.sqrt(_max_moments(require_count("trials", trials))[1])


def expected_max_approximate(trials: SupportsIndex) -> float:
    """The mean as the papers approximate it; only to reproduce their digits.

    (1 - g) z(1 - 1/N) + g z(1 - 1/(N e)) with Euler's g. It is 1 to 8 % off below ten trials
    and has no value for one: fewer than two raise InputError.
    """
    count = require_count("trials", trials, 2)
    near, far = -special.ndtri(1.0 / count), -special.ndtri(1.0 / (count * math.e))
    return float((1.0 - np.euler_gamma) * near + np.euler_gamma * far)


def _estimate_variance(ratio: FloatArray, skewness: FloatArray, kurtosis: FloatArray) -> FloatArray:
    """As research.sharpe.mertens_variance, over arrays."""
    skewed, tailed = skewness * ratio, 0.25 * (kurtosis - 1.0) * ratio**2
    variance = 1.0 - skewed + tailed
    stable: FloatArray = np.where(
        variance > 1e-12 * (1.0 + np.abs(skewed) + tailed), variance, np.nan
    )
    return stable


def deflated_sharpe(
    ratios: npt.ArrayLike,
    n: npt.ArrayLike,
    skewness: npt.ArrayLike,
    kurtosis: npt.ArrayLike,
    *,
    variance: float,
    trials: SupportsIndex,
    expected: Callable[[SupportsIndex], float] = expected_max,
) -> FloatArray:
    """Probability that each true Sharpe ratio is above that of the best of ``trials`` by luck.

    It is the PSR against sqrt(variance) * expected(trials). The first four arguments are arrays
    of cells, or numbers that hold for all of them (``n``: periods). ``variance`` across trials
    as ``trials_variance`` gives it; ``expected`` other than the default only to match papers.
    Returns the shape that they broadcast to, NaN where an input is not finite, below two
    periods and where the moments are unstable. A variance that is negative or not finite and a
    number of trials below 1 raise InputError.
    """
    if not (math.isfinite(variance) and variance >= 0.0):
        do = "Pass trials_variance of the ratios of all trials."
        raise InputError("variance across trials", variance, "a finite number from 0", do)
    benchmark = math.sqrt(variance) * expected(trials)
    given = [np.asarray(x, np.float64) for x in (ratios, n, skewness, kurtosis)]
    ratio, periods, skew, kurt = np.broadcast_arrays(*given)
    usable = (periods >= 2.0) & np.isfinite(ratio + periods + skew + kurt)
    found = np.full(ratio.shape, np.nan)
    r = ratio[usable]
    scale = np.sqrt((periods[usable] - 1.0) / _estimate_variance(r, skew[usable], kurt[usable]))
    found[usable] = special.ndtr((r - benchmark) * scale)
    return found


def trials_variance(ratios: npt.ArrayLike) -> float:
    """Variance across trials (ddof 1) of their per-period Sharpe ratios.

    Ratios that are not finite are left out. 0 for fewer than two finite ones; the deflated
    Sharpe ratio then deflates nothing, so that a caller with many trials must not accept it.
    """
    known = np.asarray(ratios, np.float64).ravel()
    known = known[np.isfinite(known)]
    return float(known.var(ddof=1)) if known.size >= 2 else 0.0


def _least_length(ratio: float, benchmark: float, variance: float, level: float) -> float | None:
    if not ratio > benchmark or not variance > 0.0:
        return None
    z = float(special.ndtri(require_share("level", level)))
    return variance * (z / (ratio - benchmark)) ** 2


def min_track_record(
    ratio: float, skewness: float, kurtosis: float, benchmark: float = 0.0, level: float = 0.95
) -> float | None:
    """Periods after which the PSR against ``benchmark`` reaches ``level``, if all stays as it is.

    1 + (1 - g3 SR + (g4 - 1)/4 SR^2) (z_level / (SR - benchmark))^2 (Bailey and Lopez de Prado
    2012). None where the ratio is not above the benchmark, and where the moments are unstable.
    A level outside (0, 1) raises InputError.
    """
    variance = mertens_variance(ratio, skewness, kurtosis)
    length = _least_length(ratio, benchmark, variance, level)
    return None if length is None else 1.0 + length


def min_backtest_years(trials: SupportsIndex, target_annual: float) -> float:
    """Years below which the best of ``trials`` without an edge is expected to reach the target.

    (expected_max / target)^2, of an annual Sharpe ratio above 0 (Bailey, Borwein, Lopez de
    Prado, Zhu 2014, who approximate the mean; here it is exact). 0 for one trial.
    """
    target = require_positive("annual Sharpe ratio to reach", target_annual)
    return (expected_max(trials) / target) ** 2


def _variance_2025(benchmark: float, skewness: float, kurtosis: float, rho: float) -> float:
    """Of the estimate at the benchmark, times T; ``rho`` is the first autocorrelation."""
    if not -1.0 < rho < 1.0:
        do = "Pass the first autocorrelation of the returns, 0 for none."
        raise InputError("rho", rho, "a number above -1 and below 1", do)
    once, twice = rho / (1.0 - rho), rho**2 / (1.0 - rho**2)
    skewed = (1.0 + once + twice) * skewness * benchmark
    tailed = (1.0 + 2.0 * twice) * 0.25 * (kurtosis - 1.0) * benchmark**2
    return 1.0 + 2.0 * once - skewed + tailed


def psr_2025(
    ratio: float,
    n: int,
    skewness: float,
    kurtosis: float,
    benchmark: float = 0.0,
    *,
    rho: float = 0.0,
    trials: SupportsIndex = 1,
) -> float | None:
    """The PSR of 2025: the error is taken at the benchmark and divided by T. Never gate on it.

    It forgets the skew of the observed series wherever the benchmark is 0. With ``trials``
    above 1 the variance is further multiplied by that of the greatest of as many normals, and
    the result is closer to 1. None below two periods and where the variance is not positive.
    Source: Lopez de Prado, Lipton, Zoonekynd 2025; reference/statistics.md, 2.3.
    """
    variance = _variance_2025(benchmark, skewness, kurtosis, rho)
    if n < 2 or not variance > 0.0:
        return None
    error = math.sqrt(variance / n) * max_deviation(trials)
    return float(special.ndtr((ratio - benchmark) / error))


def min_track_record_2025(
    ratio: float,
    skewness: float,
    kurtosis: float,
    benchmark: float = 0.0,
    level: float = 0.95,
    *,
    rho: float = 0.0,
) -> float | None:
    """Periods after which ``psr_2025`` reaches ``level``: too few for negative skew.

    None where the ratio is not above the benchmark, and where the variance is not positive.
    """
    variance = _variance_2025(benchmark, skewness, kurtosis, rho)
    return _least_length(ratio, benchmark, variance, level)
