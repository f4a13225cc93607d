"""The Sharpe ratio of a return series, its standard errors and its intervals: numbers only.

Ratios here are per period (one day), never annualised. Moments divide by T, the standard
deviation by T - 1; ``kurtosis`` is not excess (a normal has 3). Sources as collected in
reference/statistics.md, 1.2 and 1.5: Lo 2002, Mertens 2002, Opdyke 2007, Newey-West 1987.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import optimize, special

from hotband.research.series import FloatArray

DAYS_PER_YEAR: Final = 260
"""24 x 5 markets: five days in 52 weeks."""
ROUNDING: Final = 1e-14
"""Returns closer than this are equal: equity differences carry a few units of rounding."""
Z90: Final = 1.6448536269514722
"""95 % quantile of the normal: half the width of a 90 % interval in standard errors."""
EXACT_BELOW: Final = 60
"""Series shorter than this get the interval of the non-central t."""
LO_FROM: Final = 130
LO_LAGS: Final = 5
_ASYMPTOTIC_T: Final = 1000.0


def is_constant(values: FloatArray) -> bool:
    """Whether all values are equal up to rounding; also for none and one."""
    return len(values) < 2 or float(np.ptp(values)) <= ROUNDING


def sharpe_ratio(returns: FloatArray) -> float:
    """Mean over standard deviation (T - 1) of returns (T,) that are not constant."""
    return float(returns.mean() / returns.std(ddof=1))


def moments(returns: FloatArray) -> tuple[float, float]:
    """(skewness, kurtosis) with population moments; kurtosis of a normal is 3."""
    z = (returns - returns.mean()) / returns.std()
    return float((z**3).mean()), float((z**4).mean())


def lo_se(ratio: float, n: int) -> float:
    """Standard error of a Sharpe ratio over ``n`` independent normal returns (Lo 2002)."""
    return float(np.sqrt((1.0 + 0.5 * ratio**2) / n))


def mertens_variance(ratio: float, skewness: float, kurtosis: float) -> float:
    """1 - g3 SR + (g4 - 1)/4 SR^2: the estimate's variance times T - 1; 0 = unstable moments.

    It cannot be negative; what is left of it after rounding, 1e-12 of its terms, is 0.
    """
    skewed, tailed = skewness * ratio, 0.25 * (kurtosis - 1.0) * ratio**2
    variance = 1.0 - skewed + tailed
    return variance if variance > 1e-12 * (1.0 + abs(skewed) + tailed) else 0.0


def mertens_se(returns: FloatArray) -> float | None:
    """Standard error under skewness and fat tails; None where the moments are unstable."""
    variance = mertens_variance(sharpe_ratio(returns), *moments(returns))
    return float(np.sqrt(variance / (len(returns) - 1))) if variance > 0.0 else None


def psr(
    sharpe_per_period: float, n: int, skew: float, kurtosis: float, benchmark: float = 0.0
) -> float | None:
    """Probability that the true Sharpe ratio is above ``benchmark`` (Bailey, Lopez de Prado 2012).

    Both ratios are per period, over ``n`` periods; the error is taken at the observed ratio.
    None below two periods and where the moments are unstable. To be shown from 20 days on.
    Source: reference/statistics.md, 2.1.
    """
    variance = mertens_variance(sharpe_per_period, skew, kurtosis)
    if n < 2 or variance <= 0.0:
        return None
    return float(special.ndtr((sharpe_per_period - benchmark) * np.sqrt((n - 1) / variance)))


def influence(returns: FloatArray) -> FloatArray:
    """What each return adds to the estimate: z - SR/2 (z^2 - 1), with population moments."""
    deviation = returns.std()
    z = (returns - returns.mean()) / deviation
    series: FloatArray = z - 0.5 * (returns.mean() / deviation) * (z**2 - 1.0)
    return series


def hac_lag(n: int) -> int:
    """Newey-West lag for ``n`` observations: floor(4 (n/100)^(2/9)), below ``n``."""
    return min(int(4.0 * (n / 100.0) ** (2.0 / 9.0)), n - 1)


def long_run_variance(values: FloatArray, lag: int) -> float:
    """Newey-West variance with Bartlett weights of ``values`` (n,), already centred."""
    n = len(values)
    total = float(values @ values)
    for k in range(1, lag + 1):
        total += 2.0 * (1.0 - k / (lag + 1.0)) * float(values[k:] @ values[:-k])
    return max(total, 0.0) / n


def hac_se(returns: FloatArray, lag: int | None = None) -> float:
    """Standard error of the Sharpe ratio under autocorrelation; ``lag`` as in hac_lag."""
    n = len(returns)
    used = hac_lag(n) if lag is None else lag
    return float(np.sqrt(long_run_variance(influence(returns), used) / n))


def exact_interval(ratio: float, n: int, level: float = 0.9) -> tuple[float, float]:
    """Interval of a Sharpe ratio over ``n`` normal returns by inverting the non-central t.

    Beyond |t| = 1000 the noise of the mean is negligible beside that of the deviation, and
    the chi-square quantiles it tends to stand in (relative error below 1e-4).
    """
    if ratio < 0.0:
        low, high = exact_interval(-ratio, n, level)
        return -high, -low
    t, degrees, tail = ratio * n**0.5, n - 1, 0.5 * (1.0 - level)

    def spread(p: float) -> float:
        return float(np.sqrt(special.chdtri(degrees, 1.0 - p) / degrees))

    if t > _ASYMPTOTIC_T:
        return ratio * spread(tail), ratio * spread(1.0 - tail)
    below, above = t * spread(tail / 50.0) - 5.0, t * spread(1.0 - tail / 50.0) + 5.0

    def centre(p: float) -> float:
        return float(
            optimize.brentq(lambda d: special.nctdtr(degrees, d, t) - p, below, above, xtol=1e-10)
        )

    return centre(1.0 - tail) / n**0.5, centre(tail) / n**0.5


def autocorrelations(returns: FloatArray, lags: int) -> FloatArray:
    """Autocorrelations at lags 1..``lags`` with the sum of squares as divisor."""
    centred = returns - returns.mean()
    squares = float(centred @ centred)
    return np.array([float(centred[k:] @ centred[:-k]) / squares for k in range(1, lags + 1)])


def ljung_box_p(returns: FloatArray, lags: int = LO_LAGS) -> float:
    """p-value of the Ljung-Box test that the first ``lags`` autocorrelations are 0."""
    n = len(returns)
    rho = autocorrelations(returns, lags)
    statistic = n * (n + 2.0) * float((rho**2 / (n - np.arange(1, lags + 1))).sum())
    return float(special.chdtrc(lags, statistic))


def lo_eta(q: int, rho: Sequence[float] | FloatArray) -> float | None:
    """Factor from a one-period Sharpe ratio to that of ``q`` periods (Lo 2002).

    ``rho``: autocorrelations from lag 1; later ones are 0. None where the variance of the sum
    would not be positive.
    """
    lags = np.arange(1, min(len(rho), q - 1) + 1)
    total = q + 2.0 * float(((q - lags) * np.asarray(rho)[: len(lags)]).sum())
    return float(q / np.sqrt(total)) if total > 0.0 else None


def annual_factor(returns: FloatArray, ratio: float) -> tuple[float, bool]:
    """(factor from daily to annual Sharpe, whether it was corrected for autocorrelation).

    Corrected only downwards, from 130 days on and where Ljung-Box(5) rejects at 5 %: on short
    series the correction makes the ratio larger, and wildly so.
    """
    plain = DAYS_PER_YEAR**0.5
    if len(returns) < LO_FROM or ljung_box_p(returns) >= 0.05:
        return plain, False
    eta = lo_eta(DAYS_PER_YEAR, autocorrelations(returns, LO_LAGS))
    if eta is None or ratio * eta >= ratio * plain:
        return plain, False
    return eta, True


@dataclass(frozen=True, slots=True)
class SharpeEstimate:
    """A daily Sharpe ratio over ``n`` days with the larger standard error and its interval."""

    ratio: float
    n: int
    se: float
    ci90: tuple[float, float]
    exact: bool


def estimate(returns: FloatArray) -> SharpeEstimate | None:
    """Sharpe ratio of returns (T,), T >= 2 and not constant; None where moments are unstable.

    The standard error is the larger of Mertens and HAC, because HAC is too small on short
    series. Below 60 days the interval inverts the non-central t, else it is +- 1.645 errors.
    """
    ratio, n = sharpe_ratio(returns), len(returns)
    mertens = mertens_se(returns)
    if mertens is None:
        return None
    se = max(mertens, hac_se(returns))
    exact = n < EXACT_BELOW
    ci90 = exact_interval(ratio, n) if exact else (ratio - Z90 * se, ratio + Z90 * se)
    return SharpeEstimate(ratio, n, se, ci90, exact)
