"""Every choice of test groups once, and the whole histories that their results add up to.

Combinatorial purged cross-validation: history is cut into groups of days, each choice of some
of them is tested once, and every group is thereby tested as often as there are paths. A path
takes each group from another split and so covers all of history out of sample. Paths share
data: their spread is no standard error.
Source: Lopez de Prado 2018, chapter 12; reference/statistics.md, section 3.
"""

from dataclasses import dataclass
from itertools import combinations, pairwise
from math import ceil, comb, floor
from typing import Final

import numpy as np
import numpy.typing as npt

from hotband.errors import InputError
from hotband.research.series import FloatArray
from hotband.research.sharpe import is_constant, sharpe_ratio

MOST_SPLITS: Final = 200_000
"""More splits than that are refused: each is a whole choice and judgement of cells."""


@dataclass(frozen=True, slots=True, eq=False)
class CombinatorialSplits:
    """All C(N, k) splits of N groups with k under test.

    ``test``: (splits, k) the groups that each split tests, in lexicographic order.
    ``path``: (paths, N) the split from which each path takes each group: the i-th split that
    tests a group gives it to the i-th path.
    """

    groups: int
    test: npt.NDArray[np.int32]
    path: npt.NDArray[np.int32]


def combinatorial_splits(groups: int, test_groups: int) -> CombinatorialSplits:
    """The splits of ``groups`` groups with ``test_groups`` of them under test, and their paths.

    There are C(N, k) splits and C(N, k) k / N paths: 15 and 5 for (6, 2). Raises InputError
    unless 1 <= test_groups < groups, and beyond 200,000 splits.
    """
    if not 1 <= test_groups < groups:
        allowed = f"1 to {groups - 1} of {groups} groups" if groups > 1 else "2 or more groups"
        raise InputError("test_groups", test_groups, allowed, "Leave a group to train on.")
    if (count := comb(groups, test_groups)) > MOST_SPLITS:
        got = f"{test_groups} of {groups} groups, {count} splits"
        raise InputError("test_groups", got, f"at most {MOST_SPLITS} splits", "Take fewer groups.")
    test = np.array(list(combinations(range(groups), test_groups)), np.int32)
    tested = np.stack([np.any(test == group, axis=1) for group in range(groups)])
    path = np.stack([np.flatnonzero(row) for row in tested], axis=1).astype(np.int32)
    return CombinatorialSplits(groups, test, path)


def group_days(n_days: int, groups: int) -> list[tuple[int, int]]:
    """[first, end) of ``groups`` runs of days, as equal as can be, the longer ones first.

    Raises InputError where there are fewer days than groups.
    """
    if not 1 <= groups <= n_days:
        raise InputError("groups", groups, f"1 to {n_days}, the days", "Take fewer groups.")
    size, longer = divmod(n_days, groups)
    edges = [group * size + min(group, longer) for group in range(groups + 1)]
    return list(pairwise(edges))


def path_returns(splits: CombinatorialSplits, returns: npt.ArrayLike) -> FloatArray:
    """(paths, T) daily returns of each path, all out of sample.

    Args:
        splits: From ``combinatorial_splits``.
        returns: (splits, T) daily returns of what each split chose; read only on the days of
            the groups that it tests (``group_days(T, groups)``), and free to be NaN elsewhere.

    Raises:
        InputError: Another shape, fewer days than groups, or a tested day without a number.
    """
    given = np.asarray(returns, np.float64)
    if given.ndim != 2 or len(given) != len(splits.test):
        allowed = f"one row of days for each of {len(splits.test)} splits"
        raise InputError("returns", f"shape {given.shape}", allowed, "Give every split's days.")
    joined = np.empty((len(splits.path), given.shape[1]), np.float64)
    for group, (first, end) in enumerate(group_days(given.shape[1], splits.groups)):
        taken = given[splits.path[:, group], first:end]
        if not np.isfinite(taken).all():
            path, day = np.argwhere(~np.isfinite(taken))[0]
            place = f"split {splits.path[path, group]}, day {first + day}"
            allowed = "a number on every tested day"
            raise InputError("returns", f"{taken[path, day]} at {place}", allowed, "Mend the row.")
        joined[:, first:end] = taken
    return joined


@dataclass(frozen=True, slots=True)
class PathSharpes:
    """Daily Sharpe ratios over all paths (times sqrt(260) a year); None = undefined.

    A ratio that is undefined counts as below every number. ``reason`` says why there are such,
    and is None where there are not. No mean and no standard error: paths share data.
    """

    ratios: tuple[float | None, ...]
    minimum: float | None
    percentile_5: float | None
    median: float | None
    undefined: int
    reason: str | None


def path_sharpes(paths: FloatArray) -> PathSharpes:
    """The spread of the daily Sharpe ratios of ``paths`` (P, T), P >= 1.

    Quantiles interpolate linearly. Raises InputError for another shape.
    """
    if paths.ndim != 2 or len(paths) == 0:
        raise InputError("paths", f"shape {paths.shape}", "one row of days a path", "Add paths.")
    ratios = tuple(None if is_constant(path) else sharpe_ratio(path) for path in paths)
    known = sorted(ratio for ratio in ratios if ratio is not None)
    undefined = len(ratios) - len(known)
    ordered = [None] * undefined + known
    short = paths.shape[1] < 2
    return PathSharpes(
        ratios=ratios,
        minimum=ordered[0],
        percentile_5=_quantile(ordered, 0.05),
        median=_quantile(ordered, 0.5),
        undefined=undefined,
        reason=None if not undefined else "lt_2_days" if short else "zero_variance",
    )


def _quantile(ordered: list[float | None], share: float) -> float | None:
    at = share * (len(ordered) - 1)
    low, high = ordered[floor(at)], ordered[ceil(at)]
    if low is None or high is None:
        return None
    return low + (at - floor(at)) * (high - low)
