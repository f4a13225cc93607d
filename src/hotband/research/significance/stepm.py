"""The gate of promotion: which columns of a grid are better than chance, allowing for the search.

The largest t-statistic of a grid is compared with the largest of the same grid resampled under
the null, where **each column is divided by its own deviation in that very resample** ("boot-t").
With a fixed deviation, as White's Reality Check and Hansen's SPA have it, short or negatively
skewed profit passes far too often. Step-down after Romano and Wolf 2005 (StepM), in the form of
adjusted p-values. Source: reference/statistics.md, 2.7.

Sums over a resample are matrix products, and they are exact: standardised days and their squares
are rounded to multiples of a power of two so small that no sum loses a bit in float64. Their
order, and so the number of threads and the kind of processor, cannot change a result. Against
unrounded float64 a t-statistic of a resample moves by about 1e-9 over a year of days.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hotband.core.jit import kernel
from hotband.errors import InputError
from hotband.research.series import BoolArray, FloatArray, IntArray
from hotband.research.significance.bootstrap import Counts

Pnl: TypeAlias = npt.NDArray[np.float64] | npt.NDArray[np.float32]
"""(T, N): daily profit, one column per configuration; may be a memory map."""

MIN_ACTIVE: Final = 20
"""Days with an entry below which a column's deviation says nothing about its next loss."""
_COLUMNS: Final = 1024
_DRAWS: Final = 512
_ROUNDING: Final = 1e-12
"""A column whose range is up to so much of its largest day is constant."""
_EXACT_BITS: Final = 52
"""Whole numbers up to 2^52 add up without rounding in float64, with one bit to spare."""


@dataclass(frozen=True, slots=True, eq=False)
class StepDown:
    """What the step-down found; arrays (N,) in the order of the columns.

    Attributes:
        p: Adjusted p-values, at least 1 / (draws + 1); NaN for dropped columns. A smaller t never
            has a smaller p.
        t: sqrt(T) mean / deviation (T - 1); NaN for dropped columns.
        rejected: p <= alpha: profit above zero, with all columns searched allowed for.
        dropped: Constant, or active on too few days.
        draws: Resamples.
        steps: Hypotheses that were tested one after another: those rejected, and the first that
            was not.
    """

    p: FloatArray
    t: FloatArray
    rejected: BoolArray
    dropped: BoolArray
    draws: int
    steps: int


@kernel
def _describe(x: FloatArray, means: FloatArray, deviations: FloatArray, active: IntArray) -> None:
    """Mean and deviation (T - 1) of each column of x (T, C), and its days other than 0."""
    days, columns = x.shape
    for t in range(days):
        for j in range(columns):
            means[j] += x[t, j]
            active[j] += x[t, j] != 0.0
    for j in range(columns):
        means[j] /= days
    for t in range(days):
        for j in range(columns):
            deviations[j] += (x[t, j] - means[j]) ** 2
    for j in range(columns):
        deviations[j] = np.sqrt(deviations[j] / (days - 1))


@kernel
def _standardise(
    x: FloatArray,
    means: FloatArray,
    deviations: FloatArray,
    grids: tuple[float, float],
    squares: FloatArray,
    centres: FloatArray,
) -> None:
    """In place to z = (x - mean) / deviation on the first grid, z^2 on the second, and sum z."""
    days, columns = x.shape
    for t in range(days):
        for j in range(columns):
            z = (x[t, j] - means[j]) / deviations[j]
            x[t, j] = np.rint(z * grids[0])
            squares[t, j] = np.rint(z * z * grids[1])
            centres[j] += x[t, j]


@kernel
def _studentise(
    sums: FloatArray,
    squares: FloatArray,
    centres: FloatArray,
    grids: tuple[float, float],
    days: int,
) -> None:
    """In place from sums (B, C) of z and z^2 to t* = sqrt(T) (m* - m) / sqrt(v*)."""
    per_mean, per_square = 1.0 / (days * grids[0]), 1.0 / (days * grids[1])
    factor = np.sqrt(days - 1.0)  # sqrt(T) / sqrt(T / (T - 1))
    # Each day's rounding moves v* by at most this; below it v* cannot be told from 0.
    least = 1.0 / grids[1] + 2.0 * np.sqrt(days) / grids[0]
    for b in range(sums.shape[0]):
        for j in range(sums.shape[1]):
            mean = sums[b, j] * per_mean
            variance = squares[b, j] * per_square - mean * mean
            above = (sums[b, j] - centres[j]) * per_mean
            if variance > least:
                sums[b, j] = factor * above / np.sqrt(variance)
            else:
                sums[b, j] = np.inf if above >= 0.0 else -np.inf


@kernel
def _count(stars: FloatArray, t: FloatArray, maxima: FloatArray, counts: IntArray) -> None:
    """Let the running maxima (B,) take in columns one by one, t ascending; count those >= t."""
    for b in range(stars.shape[0]):
        largest = maxima[b]
        for j in range(stars.shape[1]):
            largest = max(largest, stars[b, j])
            counts[j] += largest >= t[j]
        maxima[b] = largest


def _grids(days: int) -> tuple[float, float]:
    """The finest steps per unit of z and z^2 at which no sum over a resample can round.

    |z| <= sqrt(T) and the multiplicities sum to T: T sqrt(T) and T^2 bound the sums.
    """
    doublings = np.log2(days)
    steps = (_EXACT_BITS - np.ceil(1.5 * doublings), _EXACT_BITS - np.ceil(2.0 * doublings))
    return float(2.0 ** steps[0]), float(2.0 ** steps[1])


def _require(pnl: Pnl, counts: Counts, alpha: float) -> None:
    if pnl.ndim != 2 or pnl.shape[0] < 2 or pnl.shape[1] < 1:
        do = "Pass one row per day and one column per configuration."
        raise InputError("pnl", f"shape {pnl.shape}", "(T, N), T >= 2, N >= 1", do)
    if counts.ndim != 2 or counts.shape[1] != pnl.shape[0] or counts.shape[0] < 1:
        do = "Draw them with stationary_counts for the days of pnl."
        raise InputError("counts", f"shape {counts.shape}", f"(B, {pnl.shape[0]})", do)
    if counts.min() < 0 or (counts.sum(axis=1, dtype=np.int64) != pnl.shape[0]).any():
        do = "Draw them with stationary_counts."
        raise InputError("counts", "other sums", f"rows that sum to {pnl.shape[0]}, none < 0", do)
    if not 0.0 < alpha < 1.0:
        raise InputError("alpha", alpha, "above 0 and below 1", "Pass the error rate, as 0.05.")


def _chunks(pnl: Pnl, columns: IntArray) -> Iterator[tuple[slice, FloatArray]]:
    """(which of ``columns``, their days (T, C) as an array of its own), bit by bit."""
    for first in range(0, len(columns), _COLUMNS):
        some = slice(first, first + _COLUMNS)
        yield some, np.array(pnl[:, columns[some]], np.float64, order="C")


def _statistics(pnl: Pnl) -> tuple[FloatArray, FloatArray, IntArray]:
    """(mean, deviation, days other than 0) of each column; a constant one has deviation 0."""
    n = pnl.shape[1]
    means, deviations, active = np.zeros(n), np.zeros(n), np.zeros(n, np.int64)
    for some, x in _chunks(pnl, np.arange(n)):
        _describe(x, means[some], deviations[some], active[some])
        finite = np.isfinite(deviations[some])
        if not finite.all():
            got = "NaN, infinity or a number above 1e150"
            do = "Leave the column out, or its days without a value."
            column = some.start + int(np.argmin(finite))
            raise InputError(f"pnl of column {column}", got, "finite numbers", do)
        highest, lowest = x.max(axis=0), x.min(axis=0)
        largest = np.maximum(highest, -lowest)
        deviations[some][highest - lowest <= _ROUNDING * largest] = 0.0
    return means, deviations, active


def _exceedances(
    pnl: Pnl, counts: Counts, order: IntArray, columns: tuple[FloatArray, FloatArray, FloatArray]
) -> IntArray:
    """For each column of ``order`` (t ascending) the resamples whose maximum reaches its t.

    The maximum is over the column and those before it; ``columns``: t, mean, deviation (N,).
    """
    days = pnl.shape[0]
    grids = _grids(days)
    found = np.zeros(len(order), np.int64)
    maxima = np.full(len(counts), -np.inf)
    weights = [counts[k : k + _DRAWS].astype(np.float64) for k in range(0, len(counts), _DRAWS)]
    for some, z in _chunks(pnl, order):
        t, means, deviations = (values[order[some]] for values in columns)
        squares, centres = np.empty_like(z), np.zeros(z.shape[1])
        _standardise(z, means, deviations, grids, squares, centres)
        for k, weight in enumerate(weights):
            stars = weight @ z
            _studentise(stars, weight @ squares, centres, grids, days)
            _count(stars, t, maxima[k * _DRAWS : (k + 1) * _DRAWS], found[some])
    return found


def _active_days(given: IntArray | None, counted: IntArray) -> IntArray:
    if given is None:
        return counted
    days = np.asarray(given)
    if days.shape != counted.shape or days.dtype.kind not in "iu":
        allowed = f"shape {counted.shape}, whole numbers"
        do = "Pass the days with an entry, one number per column."
        raise InputError("active_days", f"shape {days.shape}, {days.dtype}", allowed, do)
    return days.astype(np.int64)


def step_down(
    pnl: Pnl,
    counts: Counts,
    alpha: float = 0.05,
    min_active: int = MIN_ACTIVE,
    active_days: IntArray | None = None,
) -> StepDown:
    """Adjusted p-values of "no profit above zero" for every column, by the largest t (StepM).

    For each resample b and column j, with w = multiplicities / T: m* = sum w x,
    v* = T / (T - 1) (sum w x^2 - m*^2), t* = sqrt(T) (m* - m) / sqrt(v*). A column's p is
    (1 + #{b: the largest t* of it and of all columns with a smaller t >= its t}) / (B + 1), and
    never below the p of a column with a larger t.

    Where v* is 0 up to rounding (the resample repeats one value), t* is infinite if m* >= m:
    the resample counts against every column that is compared with it. The number of columns
    that were dropped does not enter the test, and stays to be counted as trials.

    Args:
        pnl: (T, N) daily profit in any unit, float32 or float64, also a memory map; read twice,
            1024 columns at a time.
        counts: (B, T) multiplicities from ``stationary_counts``; B >= 4999 for a p near 0.05.
        alpha: Probability of one rejection or more where no column has a profit.
        min_active: Active days below which a column is dropped.
        active_days: (N,) days with an entry; by default the days with a value other than 0.

    Raises:
        InputError: For shapes that do not fit, values that are not finite and counts that are
            no resamples of T days.

    Source: reference/statistics.md, 2.7. Days are taken as uncorrelated: v* is not the variance
    of block means.
    """
    _require(pnl, counts, alpha)
    means, deviations, counted = _statistics(pnl)
    days = pnl.shape[0]
    dropped = (deviations <= 0.0) | (_active_days(active_days, counted) < min_active)
    t = np.full(pnl.shape[1], np.nan)
    np.divide(np.sqrt(days) * means, deviations, out=t, where=~dropped)
    kept = np.flatnonzero(~dropped)
    order = kept[np.argsort(t[kept], kind="stable")]
    found = _exceedances(pnl, counts, order, (t, means, deviations))
    p = np.full(pnl.shape[1], np.nan)
    raw = (1.0 + found) / (len(counts) + 1.0)
    p[order] = np.maximum.accumulate(raw[::-1])[::-1]
    rejected = p <= alpha
    passed = int(rejected.sum())
    return StepDown(p, t, rejected, dropped, len(counts), min(passed + 1, len(order)))
