"""Fewer points of a long curve that still show its extremes and its deepest fall.

Each of many equal stretches keeps its lowest and its highest point: what a chart one pixel per
stretch wide would show. First and last point, both extremes and both ends of the maximum
drawdown, in money and as a fraction of the peak, are kept besides, so that a number read off
the reduced curve is the number of the whole one. A stronger choice among the kept points,
MinMaxLTTB (arXiv 2305.00332), looks smoother and guarantees no more.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from hotband.errors import InputError

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

DEFAULT_POINTS: Final = 2_000
MOST_POINTS: Final = 20_000
LEAST_POINTS: Final = 16
"""More than the points that are always kept."""


def checked_points(max_points: int) -> int:
    """``max_points`` itself; InputError outside LEAST_POINTS..MOST_POINTS."""
    if not LEAST_POINTS <= max_points <= MOST_POINTS:
        allowed = f"{LEAST_POINTS} to {MOST_POINTS:,}"
        raise InputError("max_points", max_points, allowed, f"Leave it out for {DEFAULT_POINTS:,}.")
    return max_points


def falls(values: Floats) -> tuple[Floats, Floats]:
    """How far each value lies below the running peak: (n,) in its unit, and as a fraction.

    Both are 0 or less. The fraction is NaN where the peak is not above 0.
    """
    peak = np.maximum.accumulate(values)
    under = values - peak
    fraction = np.full(len(values), np.nan)
    np.divide(under, peak, out=fraction, where=peak > 0.0)
    return under, fraction


def deepest(under: Floats, values: Floats) -> tuple[int, int] | None:
    """(peak, trough) indices of the deepest fall; null where nothing falls.

    The first trough of several equal ones, and the last bar at its peak.
    """
    if not len(under) or np.isnan(under).all():
        return None
    trough = int(np.nanargmin(under))
    if not under[trough] < 0.0:
        return None
    before = values[: trough + 1]
    highs = np.flatnonzero(before == before.max())
    return int(highs[-1]), trough


def reduced(values: Floats, max_points: int, keep: tuple[int, ...] = ()) -> Indices:
    """Indices (m,), ascending, of at most ``max_points`` of the finite ``values`` (n,).

    All of them where n <= max_points. ``keep`` are indices to keep besides, three at most.

    Raises:
        InputError: max_points outside LEAST_POINTS..MOST_POINTS.
    """
    checked_points(max_points)
    n = len(values)
    if n <= max_points:
        return np.arange(n)
    always = {0, n - 1, int(values.argmin()), int(values.argmax()), *keep}
    for under in falls(values):
        always |= set(deepest(under, values) or ())
    buckets = (max_points - len(always)) // 2
    bucket = np.arange(n) * buckets // n
    starts = np.searchsorted(bucket, np.arange(buckets))
    found = [np.array(sorted(always))]
    for extreme in (np.minimum, np.maximum):
        at_it = np.flatnonzero(values == extreme.reduceat(values, starts)[bucket])
        found.append(at_it[np.unique(bucket[at_it], return_index=True)[1]])
    return np.unique(np.concatenate(found))
