"""Which regime the returns of a window are in, told from whole-number sums.

With N returns r (fixed-point whole numbers) and their ranges, sigma the population standard
deviation, a the lag-1 autocorrelation with the mean removed:

* trend_z = slope N / (sigma sqrt(c N)), the least-squares slope of the cumulated returns by its
  standard deviation on a random walk: c = 6 (N^2 + 1) / (5 (N^2 - 1)). The slope needs no
  cumulated series: its numerator is half the sum of j (N - j) r_j, whence
  trend_z = sum of j (N - j) r_j / (sigma sqrt(N (N^4 - 1) / 30)).
* vol_ratio = sigma / the volatility that the ranges show (Parkinson 1980), 1 for a diffusion.

On Gaussian random walks each of trend, mean_revert and chaotic marks at most 2 % of the windows
of 32 bars or more (about 1 %, 0 and 0 at 64 bars).

The existing stack divides by an ATR in price units and a slope by the spread of the closes,
so one of its labels cannot occur and another fires on noise; both ratios here have no unit.
"""

from math import log, sqrt
from typing import Final

from hotband.core.jit import kernel
from hotband.core.records import REGIMES, Record, Records

LEAST_TREND: Final = 1.96
"""|trend_z| of a trend."""
LEAST_AUTOCORR: Final = 0.1
"""Autocorrelation of a trend."""
REVERTING_RATIO: Final = 0.75
"""vol_ratio below this: ranges too wide for what the closes moved."""
REVERTING_AUTOCORR: Final = 0.25
CHAOTIC_RATIO: Final = 1.5
"""vol_ratio from this on: closes moved more than the ranges allow for."""
CHAOTIC_AUTOCORR: Final = 0.1

_BULL: Final = 1 + REGIMES.index("trend_bull")
_BEAR: Final = 1 + REGIMES.index("trend_bear")
_REVERTING: Final = 1 + REGIMES.index("mean_revert")
_CHAOTIC: Final = 1 + REGIMES.index("chaotic")
_NEUTRAL: Final = 1 + REGIMES.index("neutral")
_PARKINSON: Final = 4.0 * log(2.0)

REGIME_FIELDS: Final = [
    ("trend_norm", "f8"),  # see trend_norm, fixed
    ("r_sum", "i8"),  # sums over the window, j = 0 for its oldest return
    ("r_once", "i8"),  # of j r_j
    ("r_twice", "i8"),  # of j^2 r_j
    ("r_squares", "i8"),
    ("r_lagged", "i8"),  # of r_j r_(j-1)
    ("range_squares", "i8"),
]
"""What the labels are computed from; all sums stay below 2**63 for 256 bars."""


def trend_norm(n: int) -> float:
    """Standard deviation of sum of j (n - j) r_j for n independent r of unit variance."""
    return sqrt(n * (n**4 - 1) / 30.0)


@kernel
def roll_returns(state: Record, slots: Records, at: int, r: int, reach: int) -> None:
    """Let return ``r`` and log range ``reach`` take the place of the oldest, at ``at``."""
    n = len(slots)
    old = slots[at]
    gone = old.r
    after = slots[at + 1 if at + 1 < n else 0].r
    before = slots[at - 1 if at > 0 else n - 1].r
    rest = state.r_sum - gone
    state.r_lagged += r * before - gone * after
    state.r_twice += rest - 2 * state.r_once + (n - 1) * (n - 1) * r
    state.r_once += (n - 1) * r - rest
    state.r_sum = rest + r
    state.r_squares += r * r - gone * gone
    state.range_squares += reach * reach - old.reach * old.reach
    old.r = r
    old.reach = reach


@kernel
def write_regime(state: Record, slots: Records, at: int, gate: Record) -> None:
    """Side, regime and its confidence of the full window whose newest return is at ``at``."""
    n = len(slots)
    tilt = n * state.r_once - state.r_twice
    gate.side = 1 if tilt > 0 else (-1 if tilt < 0 else 0)
    gate.regime = _NEUTRAL
    gate.regime_confidence = 0.5
    # Whole numbers around the floor of the mean: equal returns give exactly no deviation.
    mean = state.r_sum // n
    rest = state.r_sum - mean * n
    squares = state.r_squares - mean * (state.r_sum + rest)
    if squares == 0:
        return
    first = slots[at + 1 if at + 1 < n else 0].r
    ends = first + slots[at].r
    lagged = state.r_lagged - mean * ((n + 1) * mean + 2 * rest - ends)
    part = rest / n
    deviation = squares - rest * part
    covariance = lagged - part * (2 * rest - ends + 2 * mean) + (n - 1) * part * part
    autocorr = covariance / deviation
    trend_z = tilt / (sqrt(deviation / n) * state.trend_norm)
    if abs(trend_z) >= LEAST_TREND and autocorr >= LEAST_AUTOCORR:
        gate.regime = _BULL if trend_z > 0.0 else _BEAR
        gate.regime_confidence = min(1.0, abs(trend_z) / (2.0 * LEAST_TREND))
        return
    if state.range_squares == 0:
        return
    vol_ratio = sqrt(deviation * _PARKINSON / state.range_squares)
    if vol_ratio < REVERTING_RATIO and abs(autocorr) < REVERTING_AUTOCORR:
        gate.regime = _REVERTING
        gate.regime_confidence = 1.0 - vol_ratio
    elif vol_ratio >= CHAOTIC_RATIO and abs(autocorr) < CHAOTIC_AUTOCORR:
        gate.regime = _CHAOTIC
        gate.regime_confidence = min(1.0, vol_ratio / 3.0)
