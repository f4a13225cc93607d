"""Confidence sequences: the digits of confseq and of the page, and what must hold of bounds."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotband.errors import InputError
from hotband.research.sharpe import mertens_variance, moments
from hotband.roster.confidence import (
    FIRST_DAY,
    Sides,
    asymptotic_half_width,
    asymptotic_rho,
    best_rho,
    log_mixture,
    mean_sequence,
    mixture_bound,
    sharpe_sequence,
)


def test_the_best_rho_is_that_of_confseq() -> None:
    assert best_rho(100, 0.05) == pytest.approx(12.60056, abs=5e-6)


@pytest.mark.parametrize(
    ("sides", "logarithm", "bound"), [(2, -0.6510052, 30.35209), (1, -0.06502391, 27.66071)]
)
def test_the_mixture_and_its_bound_are_those_of_confseq(
    sides: Sides, logarithm: float, bound: float
) -> None:
    rho = best_rho(100, 0.05, sides=sides)
    found = log_mixture(10, 100, rho, sides=sides)
    assert found == pytest.approx(logarithm, abs=5e-8)
    assert mixture_bound(100, 0.05, rho, sides=sides) == pytest.approx(bound, abs=5e-6)


def test_one_side_needs_the_rho_of_twice_the_level() -> None:
    rho = best_rho(100, 0.05)
    assert log_mixture(10, 100, rho, sides=1) == pytest.approx(-0.14780, abs=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.1, 1e4), st.floats(0.001, 0.4), st.floats(0.1, 1e3), st.sampled_from([1, 2]))
def test_at_its_bound_the_mixture_is_one_over_alpha(
    v: float, alpha: float, rho: float, sides: Sides
) -> None:
    bound = mixture_bound(v, alpha, rho, sides=sides)
    log = log_mixture(bound, v, rho, sides=sides)
    assert log == pytest.approx(math.log(1.0 / alpha), abs=1e-7)


def test_the_asymptotic_widths_are_as_published() -> None:
    rho = asymptotic_rho(52, 0.05)
    assert rho == pytest.approx(0.390664, abs=5e-7)
    widths = [asymptotic_half_width(t, 0.05, rho) for t in (10, 26, 52, 104, 260)]
    assert widths == pytest.approx([1.0701, 0.6047, 0.4209, 0.3002, 0.1955], abs=5e-5)
    assert widths[2] > 1.96 / math.sqrt(52)


@pytest.mark.parametrize("days", [10, 100, 1000])
def test_the_asymptotic_width_is_the_mixture_bound_over_the_days(days: int) -> None:
    width = asymptotic_half_width(days, 0.05, asymptotic_rho(100, 0.05))
    bound = mixture_bound(days, 0.05, best_rho(100, 0.05))
    assert width == pytest.approx(bound / days, rel=1e-12)


def test_the_identity_has_the_published_digits() -> None:
    rho = asymptotic_rho(100, 0.05)
    assert asymptotic_half_width(100, 0.05, rho) == pytest.approx(0.3035209, abs=5e-8)


def test_the_mean_ever_leaves_its_sequence_about_as_rarely_as_promised() -> None:
    """2,000 walks of 300 days; at 5 % plus four standard errors of the count."""
    draws = np.random.default_rng(5).normal(size=(2000, 300))
    days = np.arange(1, 301)
    sums, squares = np.cumsum(draws, axis=1), np.cumsum(draws**2, axis=1)
    means = sums / days
    deviations = np.sqrt(np.maximum(squares / days - means**2, 0.0))
    rho = asymptotic_rho(52, 0.05)
    widths = np.array([asymptotic_half_width(int(t), 0.05, rho) for t in days])
    outside = (np.abs(means) > deviations * widths)[:, FIRST_DAY - 1 :].any(axis=1)
    assert outside.mean() <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / 2000)


def test_sequences_are_those_of_every_prefix() -> None:
    returns = np.random.default_rng(1).normal(0.001, 0.01, 40)
    for sequence in (mean_sequence, sharpe_sequence):
        whole = sequence(returns)
        assert [i.days for i in whole] == list(range(FIRST_DAY, 41))
        assert sequence(returns[:25]) == whole[: 25 - FIRST_DAY + 1]


def test_the_sharpe_sequence_is_as_wide_as_the_variance_of_the_estimate() -> None:
    returns = np.random.default_rng(2).standard_t(5, 60) * 0.01
    last = sharpe_sequence(returns)[-1]
    ratio = float(returns.mean() / returns.std())
    spread = math.sqrt(mertens_variance(ratio, *moments(returns)))
    assert last.estimate == pytest.approx(ratio, rel=1e-12)
    assert last.low is not None
    assert last.high is not None
    half = spread * asymptotic_half_width(60, 0.05, asymptotic_rho(52, 0.05))
    assert (last.high - last.low) / 2.0 == pytest.approx(half, rel=1e-9)


def test_equal_returns_have_no_bounds() -> None:
    assert mean_sequence([0.01] * 10)[0].low is None
    assert sharpe_sequence([0.01] * 10)[0].estimate is None


def test_too_few_days_have_no_interval() -> None:
    assert mean_sequence([0.01, -0.01]) == ()


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_an_impossible_level_is_refused(alpha: float) -> None:
    with pytest.raises(InputError, match=r"alpha: got .*below 0.5"):
        best_rho(100, alpha)


def test_returns_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="one row of finite numbers"):
        mean_sequence([0.01, math.nan])
