"""The choice of a cell from a scored grid: the best plateau, not the highest single cell.

The highest of many noisy scores is mostly luck. A cell is trusted as far as its neighbours hold
up: its plateau score is the mean, over all its neighbours, of the lesser of its own score and
the neighbour's. Neighbours differ by at most one step along each axis (Chebyshev distance 1),
and there are fewer at a border; a neighbour without a score counts as 0, an unqualified one
with its score as it is. A cell without any neighbour keeps its own score.

On one axis, with scores 20 90 30 70 72 70: the peak of 90 has (20 + 30)/2 = 25, its neighbour
of 30 has (30 + 30)/2 = 30, and the cell of 72 has (70 + 70)/2 = 70 and is chosen.

It follows that a plateau score never falls when a score rises, is at most the cell's own score,
the mean of its neighbourhood and its best neighbour's score, and equals the cell's own score
where no neighbour is lower (to a billionth). The plain mean would let a lucky peak lift the
cells beside it, and would weigh a peak at a border more than one inside.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hotband.errors import InputError, IntegrityError
from hotband.research.series import BoolArray, FloatArray, IntArray

Axes: TypeAlias = Mapping[str, Sequence[float | None]]
"""Name of an axis -> its values, ascending; None as the first = off. In the order of the grid."""

MOST: Final = 100.0
"""Scores go from 0 to this."""
PER_POINT: Final = 1e9
"""Scores are summed in whole billionths of a point: exact, so in any order the same."""

REASONS: Final[Mapping[str, str]] = {
    "no_scores": "no cell has a score",
    "nothing_qualified": "no cell qualifies; the best of all is named for research only",
}
"""Why no cell is chosen: code -> text."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen cell and what holds it up; None throughout where ``reason`` says why not.

    Attributes:
        index: Of the cell, one number per axis.
        plateau_score: As the module defines it, at most ``own_score``.
        own_score: The cell's score.
        neighbours: How many cells are beside it.
        neighbourhood_min: Least score of the cell and its neighbours, 0 for one without.
        neighbourhood_mean: The mean of the same.
        border: Axes of more than one value on whose first or last value the cell lies: the
            grid does not show what is beyond.
        best_of_all: The cell of the highest score, qualified or not; for research only.
        reason: A code of ``REASONS``; None where a cell is chosen.
    """

    index: tuple[int, ...] | None
    plateau_score: float | None
    own_score: float | None
    neighbours: int
    neighbourhood_min: float | None
    neighbourhood_mean: float | None
    border: tuple[str, ...]
    best_of_all: tuple[int, ...] | None
    reason: str | None


def _require_axes(axes: Axes) -> tuple[int, ...]:
    for name, values in axes.items():
        numbers = [x for x in values if x is not None]
        off_first = None not in values[1:]
        finite = all(math.isfinite(x) for x in numbers)
        if not (off_first and finite and all(a < b for a, b in itertools.pairwise(numbers))):
            raise InputError(
                f"values of the axis {name}",
                list(values),
                "finite ascending numbers, off (null) only as the first",
                "Sort the values, name each once and put off first.",
            )
    return tuple(len(values) for values in axes.values())


def _require_shape(what: str, shape: tuple[int, ...], grid: tuple[int, ...]) -> None:
    if shape != grid:
        do = "Pass one value per cell, axes in the order of the grid."
        raise IntegrityError(f"shape of {what}", shape, f"{grid}, that of the axes", do)


def _require_scores(scores: FloatArray) -> None:
    wrong = scores[(scores < 0.0) | (scores > MOST)]
    if wrong.size:
        do = "Pass scores as research.score gives them."
        raise IntegrityError("scores of a grid", float(wrong[0]), f"0 to {MOST:g}, NaN = none", do)


def _pair(step: int, size: int) -> tuple[slice, slice]:
    """(cells that have a neighbour ``step`` further along an axis, those neighbours)."""
    first, last = slice(0, size - abs(step)), slice(abs(step), size)
    return (first, last) if step >= 0 else (last, first)


def neighbour_counts(shape: tuple[int, ...]) -> IntArray:
    """How many neighbours each cell of a grid of ``shape`` has."""
    counts = np.ones(shape, np.int64)
    for axis, size in enumerate(shape):
        along = np.minimum(np.arange(size), 1) + np.minimum(np.arange(size)[::-1], 1) + 1
        counts *= along.reshape([-1 if k == axis else 1 for k in range(len(shape))])
    beside: IntArray = counts - 1
    return beside


def plateau_scores(scores: FloatArray) -> FloatArray:
    """The plateau score of every cell of a grid of any shape, as the module defines it.

    ``scores``: 0..100, NaN = no score. Returns the same shape, NaN where a cell has no score
    itself. Any other score raises IntegrityError.
    """
    given = np.asarray(scores, np.float64)
    _require_scores(given)
    # An axis of one value has no neighbours, and 3 ^ axes shifts are made.
    whole = np.rint(np.where(np.isnan(given), 0.0, given) * PER_POINT).astype(np.int64)
    whole = whole.reshape([size for size in given.shape if size != 1])
    held = np.zeros_like(whole)
    for step in itertools.product((-1, 0, 1), repeat=whole.ndim):
        if step <= (0,) * whole.ndim:
            continue  # the opposite step visits the same pairs
        pairs = [_pair(s, size) for s, size in zip(step, whole.shape, strict=True)]
        here, there = tuple(a for a, _ in pairs), tuple(b for _, b in pairs)
        lesser = np.minimum(whole[here], whole[there])
        held[here] += lesser
        held[there] += lesser
    beside = neighbour_counts(whole.shape)
    mean = np.where(beside > 0, held, whole) / (np.maximum(beside, 1) * PER_POINT)
    limited: FloatArray = np.minimum(mean.reshape(given.shape), given)  # NaN stays
    return limited


def _first_of_best(cells: npt.NDArray[np.intp], keys: Sequence[FloatArray]) -> int:
    """The cell with the greatest keys, compared in order; of equal ones the first."""
    for key in keys:
        values = key.ravel()[cells]
        values = np.where(np.isnan(values), -np.inf, values)
        cells = cells[values == values.max()]
    return int(cells[0])


def _unravel(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(k) for k in np.unravel_index(flat, shape))


def choose(
    axes: Axes, scores: FloatArray, qualified: BoolArray, pnl: FloatArray, pf: FloatArray
) -> Choice:
    """The qualified cell with the best plateau.

    ``scores`` (NaN = none), ``qualified``, ``pnl`` and ``pf`` (NaN = null, below every number)
    have one value per cell of the grid, in the order of ``axes``. Ties are settled by the
    cell's own score, then pnl, pf, and the first in the order of the grid; ``best_of_all`` the
    same, but by the own score first. Values that are not ascending raise InputError, other
    shapes and scores outside 0..100 IntegrityError.
    """
    shape = _require_axes(axes)
    own, gain, factor = (np.asarray(x, np.float64) for x in (scores, pnl, pf))
    named = (("scores", own), ("qualified", qualified), ("pnl", gain), ("pf", factor))
    for what, values in named:
        _require_shape(what, np.shape(values), shape)
    plateau = plateau_scores(own)
    scored = ~np.isnan(own)
    if not scored.any():
        return _none_chosen("no_scores", None)
    ties = (own, gain, factor)
    best = _unravel(_first_of_best(np.flatnonzero(scored), ties), shape)
    candidates = np.flatnonzero(scored & np.asarray(qualified, np.bool_))
    if not candidates.size:
        return _none_chosen("nothing_qualified", best)
    index = _unravel(_first_of_best(candidates, (plateau, *ties)), shape)
    around = own[tuple(slice(max(k - 1, 0), k + 2) for k in index)]
    members = np.where(np.isnan(around), 0.0, around).ravel()
    return Choice(
        index=index,
        plateau_score=float(plateau[index]),
        own_score=float(own[index]),
        neighbours=members.size - 1,
        neighbourhood_min=float(members.min()),
        neighbourhood_mean=math.fsum(members) / members.size,
        border=tuple(
            name
            for name, k, size in zip(axes, index, shape, strict=True)
            if size > 1 and k in {0, size - 1}
        ),
        best_of_all=best,
        reason=None,
    )


def _none_chosen(reason: str, best: tuple[int, ...] | None) -> Choice:
    return Choice(None, None, None, 0, None, None, (), best, reason)
