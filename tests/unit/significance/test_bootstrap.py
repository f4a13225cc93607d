"""Seeds from content, resamples of days, and the length of their blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotband.errors import InputError
from hotband.research.significance.bootstrap import mean_block, seed_of, stationary_counts

QUICK = settings(max_examples=40, deadline=None)
PARTS = st.lists(st.one_of(st.binary(max_size=4), st.text(max_size=4), st.integers()), max_size=4)


def autoregression(rho: float, days: int, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(days)
    x = np.empty(days)
    x[0] = noise[0] / np.sqrt(1.0 - rho**2)
    for t in range(1, days):
        x[t] = rho * x[t - 1] + noise[t]
    return x


def test_a_seed_is_fixed_by_its_content_for_good() -> None:
    assert seed_of("EUR_USD", 7, b"\x00") == 5565755459244062920


def test_the_parts_of_a_seed_keep_their_borders_and_kinds() -> None:
    seeds = [seed_of("ab", "c"), seed_of("a", "bc"), seed_of(b"ab", "c"), seed_of("abc")]
    seeds += [seed_of(1), seed_of("1"), seed_of(b"1"), seed_of(), seed_of(""), seed_of(-1)]
    assert len(set(seeds)) == len(seeds)


@given(PARTS, PARTS)
@QUICK
def test_different_content_has_a_different_seed_below_2_to_63(
    a: list[bytes | str | int], b: list[bytes | str | int]
) -> None:
    kinds = [(type(x), x) for x in a], [(type(x), x) for x in b]
    assert 0 <= seed_of(*a) < 2**63
    assert (seed_of(*a) == seed_of(*b)) == (kinds[0] == kinds[1])


@given(st.integers(1, 40), st.integers(1, 600), st.floats(1.0, 50.0), st.integers(0, 2**63))
@QUICK
def test_every_resample_has_as_many_days_as_the_sample(
    days: int, draws: int, block: float, seed: int
) -> None:
    counts = stationary_counts(days, draws, block, seed)
    assert counts.shape == (draws, days)
    assert counts.min() >= 0
    assert set(counts.sum(axis=1).tolist()) == {days}


@given(st.integers(1, 30), st.integers(1, 600), st.integers(1, 600), st.integers(0, 99))
@QUICK
def test_more_draws_leave_the_first_ones_as_they_were(
    days: int, few: int, more: int, seed: int
) -> None:
    few, more = sorted((few, more))
    one, other = (stationary_counts(days, n, 3.0, seed) for n in (few, more))
    np.testing.assert_array_equal(one, other[:few])


def test_independent_days_have_the_spread_of_a_multinomial() -> None:
    counts = stationary_counts(50, 20_000, 1.0, 3).astype(float)
    # Var = T (1/T)(1 - 1/T); its standard error over 20,000 rows is about 0.014.
    np.testing.assert_allclose(counts.mean(axis=0), 1.0, atol=5 / 20_000**0.5)
    np.testing.assert_allclose(counts.var(axis=0), 1.0 - 1 / 50, atol=0.08)
    assert np.cov(counts[:, 0], counts[:, 1])[0, 1] == pytest.approx(-1 / 50, abs=0.035)


@pytest.mark.parametrize("block", [1.0, 2.0, 5.0, 10.0])
def test_the_mean_varies_over_resamples_as_the_closed_form_says(block: float) -> None:
    """Politis and Romano 1994, lemma 1: the circular covariances, weighted by the blocks."""
    days, q = 60, 1.0 - 1.0 / block
    x = autoregression(0.5, days, 1)
    x -= x.mean()
    circular = [float(x @ np.roll(x, k)) / days for k in range(days)]
    weights = [(1 - k / days) * q**k + k / days * q ** (days - k) for k in range(1, days)]
    want = circular[0] + sum(w * c for w, c in zip(weights, circular[1:], strict=True))
    draws = 40_000
    means = stationary_counts(days, draws, block, 5) @ x / days
    assert days * means.var() == pytest.approx(want, rel=5 * (2 / draws) ** 0.5)


def test_blocks_run_on_round_the_end() -> None:
    counts = stationary_counts(7, 300, 1e12, 11)
    np.testing.assert_array_equal(counts, 1)


@pytest.mark.parametrize(("rho", "length"), [(0.2, 32.62), (0.5, 70.84)])
def test_the_block_of_an_autoregression_is_that_of_the_closed_form(
    rho: float, length: float
) -> None:
    """What the closed form gives for 200,000 values, uncut; ours cuts it to ten days."""
    from arch.bootstrap import optimal_block_length

    x = autoregression(rho, 200_000, 2)
    assert optimal_block_length(x)["stationary"].iloc[0] == pytest.approx(length, rel=0.15)
    assert mean_block(x) == 10.0


def test_the_block_length_is_that_of_arch_between_its_cuts() -> None:
    from arch.bootstrap import optimal_block_length

    x = autoregression(0.3, 260, 4)
    want = optimal_block_length(x)["stationary"].iloc[0]
    assert 1.0 < want < 10.0
    assert mean_block(x) == pytest.approx(want, rel=1e-12)
    assert mean_block(x * 1e-200) == pytest.approx(want, rel=1e-12)


def test_a_constant_series_has_blocks_of_one_day() -> None:
    assert mean_block(np.full(60, 0.25)) == 1.0


def test_a_series_that_is_constant_but_for_its_end_has_blocks_of_one_day() -> None:
    x = np.zeros(9)
    x[0] = 1.0
    assert mean_block(x) == 1.0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0, 9, 2.0, 1), "days: got 0; allowed: a whole number from 1"),
        ((9, 0, 2.0, 1), "draws: got 0; allowed: a whole number from 1"),
        ((9, 9, 2.0, -1), "seed: got -1; allowed: a whole number from 0"),
        ((9, 9, 0.5, 1), "mean_block: got 0.5; allowed: a finite number of days from 1"),
        ((9, 9, float("nan"), 1), "mean_block: got nan; allowed: a finite number of days"),
    ],
)
def test_resamples_that_cannot_be_are_refused(
    arguments: tuple[int, int, float, int], text: str
) -> None:
    with pytest.raises(InputError, match=text):
        stationary_counts(*arguments)


@pytest.mark.parametrize(
    ("series", "text"),
    [
        (np.arange(7.0), r"series: got shape \(7,\); allowed: one dimension, at least 8 days"),
        (np.ones((9, 2)), r"series: got shape \(9, 2\); allowed: one dimension"),
        (np.array([*range(8), np.nan]), "series: got NaN or infinity; allowed: finite daily"),
    ],
)
def test_a_series_without_a_block_length_is_refused(series: np.ndarray, text: str) -> None:
    with pytest.raises(InputError, match=text):
        mean_block(series)
