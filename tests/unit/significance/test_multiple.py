"""Adjusted p-values and e-BH: published digits, agreement with statsmodels, and laws."""

import itertools
import math
from random import Random

import jsharpe
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from hotband.errors import InputError
from hotband.research.significance import multiple as m

W10 = [.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344, .0459, .3240, .4262, .5719, .6528,
       .7590, 1.0]  # fmt: skip
"""Benjamini and Hochberg 1995, their table."""
W13 = [0.005, 0.009, 0.0128, 0.0135, 0.045, 0.06]
"""Harvey and Liu 2015, their example."""
E_VALUES = [120.0, 60.0, 40.0, 9.0, 6.0, 3.0, 1.0, 0.5, 0.2, 0.1]
STATSMODELS = {
    "bonferroni": "bonferroni",
    "sidak": "sidak",
    "holm": "holm",
    "bh": "fdr_bh",
    "by": "fdr_by",
}

p_values = st.lists(st.one_of(st.floats(0.0, 1.0), st.sampled_from([0.01, 0.05, 1.0])), max_size=12)


@pytest.mark.parametrize(
    ("method", "rejected"), [("bonferroni", 3), ("bh", 4), ("holm", 3), ("by", 3)]
)
def test_the_table_of_benjamini_and_hochberg_has_its_rejections(method: str, rejected: int) -> None:
    assert int((m.adjusted(W10, method) <= 0.05).sum()) == rejected


def test_the_table_of_benjamini_and_hochberg_has_its_adjusted_values() -> None:
    assert m.bh(W10)[:5] == pytest.approx([0.0015, 0.003, 0.0095, 0.035625, 0.0603], abs=1e-12)


def test_the_example_of_harvey_and_liu_has_its_digits() -> None:
    assert m.bonferroni(W13) == pytest.approx([0.03, 0.054, 0.0768, 0.081, 0.27, 0.36], abs=1e-12)
    assert m.holm(W13) == pytest.approx([0.03, 0.045, 0.0512, 0.0512, 0.09, 0.09], abs=1e-12)
    theirs = [0.0496125] * 4 + [0.06, 0.06]
    assert m.bhy_harvey_liu(W13) == pytest.approx(theirs, abs=1e-12)


def test_the_recursion_of_harvey_and_liu_ends_lower_than_by() -> None:
    assert m.by(W13) == pytest.approx([0.0496125] * 4 + [0.1323, 0.147], abs=1e-12)
    assert np.all(m.bhy_harvey_liu(W13) <= m.by(W13))
    assert m.bhy_harvey_liu([0.04]) == [0.04]
    assert m.bhy_harvey_liu([]).size == 0


@pytest.mark.parametrize("method", m.METHODS)
@pytest.mark.parametrize("count", [1, 2, 7, 60])
def test_every_method_is_that_of_statsmodels(method: str, count: int) -> None:
    # Ties and ends included; few, because theirs collects garbage at every call.
    some = np.random.default_rng(count).beta(0.3, 1.0, count).round(3)
    with np.errstate(divide="ignore"):  # theirs warns at p = 1
        theirs = multipletests(some, method=STATSMODELS[method])[1]
    assert m.adjusted(some, method) == pytest.approx(theirs, rel=1e-9, abs=1e-15)


def test_bonferroni_sidak_and_holm_are_those_of_jsharpe() -> None:
    p = np.array(W10)
    assert m.bonferroni(p) == pytest.approx(jsharpe.adjusted_p_values_bonferroni(p), rel=1e-12)
    assert m.sidak(p) == pytest.approx(jsharpe.adjusted_p_values_sidak(p), rel=1e-12)
    assert m.holm(p) == pytest.approx(jsharpe.adjusted_p_values_holm(p), rel=1e-12)


@pytest.mark.parametrize("method", m.METHODS)
@settings(max_examples=40, deadline=None)
@given(p_values, st.randoms(use_true_random=False))
def test_the_order_of_the_tests_does_not_matter(
    method: str, given_p: list[float], random: Random
) -> None:
    order = list(range(len(given_p)))
    random.shuffle(order)
    shuffled = m.adjusted([given_p[k] for k in order], method)
    assert shuffled.tolist() == m.adjusted(given_p, method)[order].tolist()


@settings(max_examples=80, deadline=None)
@given(p_values)
def test_the_methods_are_ordered_by_what_they_promise(given_p: list[float]) -> None:
    of = {name: m.adjusted(given_p, name) for name in m.METHODS}
    slack = 1e-12
    for less, more in (("bh", "by"), ("bh", "holm"), ("holm", "bonferroni")):
        assert np.all(of[less] <= of[more] + slack)
    assert np.all(of["sidak"] <= of["bonferroni"] + slack)
    for values in of.values():
        assert np.all((values >= np.array(given_p) - slack) & (values <= 1.0))


@pytest.mark.parametrize("method", m.METHODS)
@settings(max_examples=40, deadline=None)
@given(p_values)
def test_a_smaller_p_value_never_gets_a_larger_adjusted_one(
    method: str, given_p: list[float]
) -> None:
    found = m.adjusted(sorted(given_p), method)
    assert all(a <= b for a, b in itertools.pairwise(found))


def test_sidak_keeps_the_digits_of_a_tiny_p_value() -> None:
    assert m.sidak([1e-20], tests=200)[0] == pytest.approx(2e-18, rel=1e-12, abs=0.0)
    assert 1.0 - (1.0 - 1e-20) ** 200 == 0.0  # what the formula as written gives


def test_tests_that_left_no_p_value_still_count() -> None:
    assert m.bonferroni([0.001], tests=192)[0] == pytest.approx(0.192, rel=1e-12)
    assert m.sidak([0.001], tests=192)[0] == pytest.approx(1.0 - 0.999**192, rel=1e-12)
    with pytest.raises(InputError, match="tests: got 1; allowed: whole numbers from 2"):
        m.bonferroni([0.1, 0.2], tests=1)


@pytest.mark.parametrize("method", m.METHODS)
@pytest.mark.parametrize("wrong", [math.nan, -0.01, 1.01, math.inf])
def test_what_is_no_p_value_is_refused(method: str, wrong: float) -> None:
    with pytest.raises(InputError, match=r"p-values: got .* a row of numbers from 0 to 1"):
        m.adjusted([0.5, wrong], method)


@pytest.mark.parametrize("method", m.METHODS)
def test_no_test_has_no_adjusted_value(method: str) -> None:
    assert m.adjusted([], method).size == 0


def test_a_table_of_p_values_is_refused() -> None:
    with pytest.raises(InputError, match=r"p-values: got shape \(2, 2\)"):
        m.holm([[0.1, 0.2], [0.3, 0.4]])


def test_an_unknown_method_is_refused_with_its_near_miss() -> None:
    with pytest.raises(InputError, match=r"method: got bonferoni; .* Did you mean 'bonferroni'\?"):
        m.adjusted([0.5], "bonferoni")


@pytest.mark.parametrize(("q", "rejected"), [(0.1, 3), (0.05, 0)])
def test_e_bh_has_the_reference_rejections(q: float, rejected: int) -> None:
    assert m.e_bh(E_VALUES, q).tolist() == [True] * rejected + [False] * (10 - rejected)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.floats(0.0, 1e4), max_size=12),
    st.floats(0.01, 0.5),
    st.randoms(use_true_random=False),
)
def test_e_bh_rejects_the_largest_whatever_their_order(
    e: list[float], q: float, random: Random
) -> None:
    order = list(range(len(e)))
    random.shuffle(order)
    rejected = m.e_bh(e, q)
    kept, gone = np.array(e)[~rejected], np.array(e)[rejected]
    assert not gone.size or not kept.size or gone.min() >= kept.max()
    assert not gone.size or gone.size * gone.min() >= len(e) / q * (1.0 - 1e-12)
    assert int(m.e_bh([e[k] for k in order], q).sum()) == int(rejected.sum())


def test_e_bh_of_inverse_p_values_rejects_no_more_than_bh() -> None:
    p = np.array(W10)
    assert set(np.flatnonzero(m.e_bh(1.0 / p, 0.05))) <= set(np.flatnonzero(m.bh(p) <= 0.05))


def test_an_infinite_e_value_is_rejected_and_what_is_none_refused() -> None:
    assert m.e_bh([math.inf, 1.0], 0.05).tolist() == [True, False]
    with pytest.raises(InputError, match="e-values: got nan; allowed: a row of numbers from 0"):
        m.e_bh([1.0, math.nan])
    with pytest.raises(InputError, match=r"q: got 0\.0; allowed: a number above 0 and below 1"):
        m.e_bh([1.0], 0.0)
