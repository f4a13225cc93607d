"""Combinatorial splits and the paths they add up to, against published counts and purgedcv."""

from itertools import combinations
from math import comb

import numpy as np
import purgedcv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotband.errors import InputError
from hotband.research.paths import (
    combinatorial_splits,
    group_days,
    path_returns,
    path_sharpes,
)

sizes = st.integers(2, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n - 1)))


@pytest.mark.parametrize(
    ("groups", "test_groups", "n_splits", "n_paths"),
    [(6, 2, 15, 5), (10, 2, 45, 9), (12, 3, 220, 55), (16, 8, 12870, 6435)],
)
def test_splits_and_paths_are_as_many_as_published_w17(
    groups: int, test_groups: int, n_splits: int, n_paths: int
) -> None:
    splits = combinatorial_splits(groups, test_groups)
    assert splits.test.shape == (n_splits, test_groups)
    assert splits.path.shape == (n_paths, groups)


@settings(max_examples=30)
@given(sizes)
def test_every_test_of_a_group_goes_to_exactly_one_path(size: tuple[int, int]) -> None:
    splits = combinatorial_splits(*size)
    used = {(int(split), group) for path in splits.path for group, split in enumerate(path)}
    tested = {(index, int(group)) for index, row in enumerate(splits.test) for group in row}
    assert used == tested
    assert splits.path.size == len(tested) == comb(*size) * size[1]


@settings(max_examples=30)
@given(sizes, st.integers(0, 20))
def test_paths_are_joined_as_purgedcv_joins_them(size: tuple[int, int], longer: int) -> None:
    groups, test_groups = size
    days = groups + longer
    splits = combinatorial_splits(groups, test_groups)
    returns = np.random.default_rng(days).standard_normal((len(splits.test), days))
    runs = group_days(days, groups)
    index = [
        np.concatenate([np.arange(*runs[group]) for group in chosen])
        for chosen in combinations(range(groups), test_groups)
    ]
    theirs = purgedcv.reconstruct_paths(
        [row[days_of] for row, days_of in zip(returns, index, strict=True)], index,
        groups, test_groups, days,
    )  # fmt: skip
    assert np.array_equal(path_returns(splits, returns), theirs)


def test_returns_of_days_that_a_split_does_not_test_are_never_read() -> None:
    splits = combinatorial_splits(4, 2)
    returns = np.full((6, 8), np.nan)
    for split, chosen in enumerate(splits.test):
        for group in chosen:
            returns[split, 2 * group : 2 * group + 2] = split
    assert np.isfinite(path_returns(splits, returns)).all()


def test_a_tested_day_without_a_number_is_refused_by_split_and_day() -> None:
    splits = combinatorial_splits(3, 1)
    returns = np.zeros((3, 6))
    returns[1, 3] = np.nan
    with pytest.raises(InputError, match="returns: got nan at split 1, day 3; allowed: a number"):
        path_returns(splits, returns)


def test_returns_of_too_few_splits_are_refused() -> None:
    with pytest.raises(InputError, match=r"got shape \(2, 6\); allowed: one row .* 3 splits"):
        path_returns(combinatorial_splits(3, 1), np.zeros((2, 6)))


@pytest.mark.parametrize(
    ("groups", "test_groups", "text"),
    [
        (6, 0, "test_groups: got 0; allowed: 1 to 5 of 6 groups"),
        (6, 6, "test_groups: got 6; allowed: 1 to 5 of 6 groups"),
        (1, 1, "test_groups: got 1; allowed: 2 or more groups"),
        (24, 12, "2704156 splits; allowed: at most 200000 splits"),
    ],
)
def test_a_choice_that_leaves_nothing_or_too_much_is_refused(
    groups: int, test_groups: int, text: str
) -> None:
    with pytest.raises(InputError, match=text):
        combinatorial_splits(groups, test_groups)


def test_days_are_cut_as_equally_as_can_be() -> None:
    assert group_days(10, 4) == [(0, 3), (3, 6), (6, 8), (8, 10)]
    with pytest.raises(InputError, match="groups: got 4; allowed: 1 to 3, the days"):
        group_days(3, 4)


def test_the_spread_of_path_sharpes_is_that_of_numpy() -> None:
    paths = np.random.default_rng(7).standard_normal((9, 40)) + 0.1
    ratios = paths.mean(axis=1) / paths.std(axis=1, ddof=1)
    found = path_sharpes(paths)
    assert found.ratios == pytest.approx(ratios)
    expected = np.quantile(ratios, [0.0, 0.05, 0.5])
    assert [found.minimum, found.percentile_5, found.median] == pytest.approx(expected)
    assert (found.undefined, found.reason) == (0, None)


def test_a_flat_path_is_below_every_number_and_says_why() -> None:
    paths = np.random.default_rng(7).standard_normal((5, 40))
    paths[2] = 0.0
    found = path_sharpes(paths)
    assert found.ratios[2] is found.minimum is found.percentile_5 is None
    assert found.median == sorted(r for r in found.ratios if r is not None)[1]
    assert (found.undefined, found.reason) == (1, "zero_variance")


def test_a_path_of_one_day_has_no_ratio() -> None:
    found = path_sharpes(np.ones((3, 1)))
    assert (found.median, found.undefined, found.reason) == (None, 3, "lt_2_days")


def test_no_paths_are_refused() -> None:
    with pytest.raises(InputError, match=r"paths: got shape \(0, 4\)"):
        path_sharpes(np.zeros((0, 4)))
