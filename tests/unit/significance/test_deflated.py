"""PSR, MinTRL, DSR and the mean of the greatest: published and analytic digits, and laws."""

import itertools
import math
import warnings

import jsharpe
import numpy as np
import polars as pl
import pytest
import quantstats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats
from tests.unit.research.result_logs import V20

from hotband.errors import InputError
from hotband.research import sharpe
from hotband.research.significance import deflated as d

W1 = (0.458, 24, -2.448, 10.164)
"""Monthly ratio, months, skewness, kurtosis of the hedge fund of the paper."""
DAILY = 2.5 / 250**0.5
"""W4: the strategy of the DSR paper, its variance across trials per day beside it."""
V_DAILY = 0.5 / 250


def w4(trials: int, skewness: float = -3.0, kurtosis: float = 10.0) -> float:
    found = d.deflated_sharpe(
        DAILY, 1250, skewness, kurtosis, variance=V_DAILY, trials=trials,
        expected=d.expected_max_approximate,
    )  # fmt: skip
    return float(found)


def test_the_psr_of_the_paper_comes_out() -> None:
    assert sharpe.psr(*W1) == pytest.approx(0.913361, abs=5e-7)
    assert sharpe.psr(0.458, 24, 0.0, 3.0) == pytest.approx(0.981675, abs=5e-7)
    unrounded = 0.036 / 0.079
    assert sharpe.psr(unrounded, *W1[1:]) == pytest.approx(0.912709, abs=5e-7)
    assert sharpe.psr(unrounded, 24, 0.0, 3.0) == pytest.approx(0.981243, abs=5e-7)


@pytest.mark.parametrize(
    ("per_year", "skewness", "kurtosis", "years"),
    [(250, 0, 3, 2.7312), (52, 0, 3, 2.8288), (12, 0, 3, 3.2398), (12, -0.72, 5.78, 4.9913)],
)
def test_track_records_of_the_paper_have_its_lengths(
    per_year: int, skewness: float, kurtosis: float, years: float
) -> None:
    root = per_year**0.5
    found = d.min_track_record(2.0 / root, skewness, kurtosis, 1.0 / root)
    assert found is not None
    assert found / per_year == pytest.approx(years, abs=5e-5)


def test_the_hedge_fund_and_v20_have_the_reference_track_records() -> None:
    assert d.min_track_record(0.458, -2.448, 10.164) == pytest.approx(34.5575, abs=5e-5)
    assert d.min_track_record(0.458, 0.0, 3.0) == pytest.approx(15.2508, abs=5e-5)
    v20 = d.min_track_record(sharpe.sharpe_ratio(V20), *sharpe.moments(V20))
    assert v20 == pytest.approx(96.46075, abs=5e-6)


@pytest.mark.parametrize(
    ("annual", "days"), [(0.5, 2816), (1, 706), (1.5, 315), (2, 178), (3, 81), (5, 30)]
)
def test_a_sharpe_ratio_needs_the_reference_number_of_days(annual: float, days: int) -> None:
    found = d.min_track_record(annual / 260**0.5, 0.0, 3.0)
    assert found is not None
    assert found == pytest.approx(days, abs=0.5)  # the page rounds to whole days


def test_the_psr_reaches_its_level_after_the_track_record() -> None:
    length = d.min_track_record(0.1, -1.0, 8.0, 0.02, 0.9)
    assert length is not None
    z = (0.1 - 0.02) * math.sqrt((length - 1.0) / sharpe.mertens_variance(0.1, -1.0, 8.0))
    assert special.ndtr(z) == pytest.approx(0.9, abs=1e-12)


def test_a_ratio_at_its_benchmark_has_no_track_record() -> None:
    assert d.min_track_record(0.1, 0.0, 3.0, 0.1) is None
    assert d.min_track_record(1.0, 2.0, 5.0) is None  # its moments are unstable: variance 0


@pytest.mark.parametrize(
    ("trials", "exact", "approximate"),
    [
        (2, 0.56419, 0.51976), (3, 0.84628, 0.85280), (5, 1.16296, 1.19259),
        (10, 1.53875, 1.57460), (20, 1.86748, 1.90071), (50, 2.24907, 2.27630),
        (100, 2.50759, 2.53060), (192, 2.73248, 2.75215), (1000, 3.24144, 3.25512),
        (10**4, 3.85162, 3.86066), (10**5, 4.38432, 4.39083), (10**6, 4.86290, 4.86786),
    ],
)  # fmt: skip
def test_the_greatest_of_n_normals_has_the_reference_mean(
    trials: int, exact: float, approximate: float
) -> None:
    assert d.expected_max(trials) == pytest.approx(exact, abs=5e-6)
    assert d.expected_max_approximate(trials) == pytest.approx(approximate, abs=5.1e-6)


@pytest.mark.parametrize(
    ("trials", "deviation"),
    [(1, 1.0), (2, 0.8256), (3, 0.7480), (5, 0.6690), (10, 0.5868), (20, 0.5251), (50, 0.4644),
     (100, 0.4294), (1000, 0.3514), (10**4, 0.3042), (10**5, 0.2719), (10**6, 0.2480)],
)  # fmt: skip
def test_the_greatest_of_n_normals_has_the_reference_deviation(
    trials: int, deviation: float
) -> None:
    assert d.max_deviation(trials) == pytest.approx(deviation, abs=5e-5)


def test_small_numbers_of_trials_have_their_closed_form() -> None:
    root = math.sqrt(math.pi)
    assert d.expected_max(1) == 0.0
    assert d.expected_max(2) == pytest.approx(1.0 / root, rel=1e-13)
    assert d.expected_max(3) == pytest.approx(1.5 / root, rel=1e-13)
    four = 3.0 / root * (0.5 + math.asin(1.0 / 3.0) / math.pi)
    assert d.expected_max(4) == pytest.approx(four, rel=1e-13)
    assert d.max_deviation(2) == pytest.approx(math.sqrt(1.0 - 1.0 / math.pi), rel=1e-13)


@pytest.mark.parametrize("trials", [7, 192, 10**4, 10**6, 10**9, 10**12])
def test_the_mean_agrees_to_nine_digits_with_another_quadrature(trials: int) -> None:
    # Over the quantiles: E = int q(w) exp(-w) dw with Phi(q)^N = exp(-w), and w = exp(s).
    def density(s: float) -> float:
        return float(special.ndtri_exp(-math.exp(s) / trials)) * math.exp(s - math.exp(s))

    ends = (-45.0, -10.0, -3.0, 0.0, 2.0, 4.0, 7.0)
    pieces = [
        integrate.quad(density, a, b, epsabs=1e-14, epsrel=1e-12, limit=200)[0]
        for a, b in itertools.pairwise(ends)
    ]
    assert d.expected_max(trials) == pytest.approx(sum(pieces), rel=1e-9)


def test_one_trial_has_a_mean_where_the_approximation_has_none() -> None:
    assert d.expected_max(1) == 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert jsharpe.expected_maximum_sharpe_ratio(1, 1.0) == -math.inf
    with pytest.raises(InputError, match="trials: got 1; allowed: whole numbers from 2"):
        d.expected_max_approximate(1)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 10**9))
def test_the_mean_of_the_greatest_rises_with_every_trial(trials: int) -> None:
    more = trials + max(1, trials // 1000)
    assert d.expected_max(trials) < d.expected_max(more)
    assert d.max_deviation(trials) > d.max_deviation(more)


def test_the_dsr_of_the_paper_comes_out() -> None:
    assert d.expected_max_approximate(100) == pytest.approx(2.530603, abs=5e-7)
    benchmark = V_DAILY**0.5 * d.expected_max_approximate(100)
    assert benchmark == pytest.approx(0.113172, abs=5e-7)
    assert w4(100) == pytest.approx(0.90039683, abs=5e-9)
    assert w4(46) == pytest.approx(0.950502, abs=5e-7)
    assert w4(88, 0.0, 3.0) == pytest.approx(0.950491, abs=5e-7)


def test_ten_trials_and_a_backtest_of_five_years_are_as_published() -> None:
    assert d.expected_max_approximate(10) == pytest.approx(1.5746, abs=5e-5)
    assert d.expected_max_approximate(45) / 5**0.5 == pytest.approx(0.99981, abs=5e-6)
    assert d.min_backtest_years(45, 1.0) < 5.0
    assert d.min_backtest_years(50, 1.0) > 5.0
    assert d.min_backtest_years(1, 2.0) == 0.0


def test_the_best_of_192_in_a_week_is_deflated_to_a_coin_flip() -> None:
    # Section 1.6: ratios of one week, whose error is 1, annualised by sqrt(52).
    assert 52**0.5 * d.expected_max(192) == pytest.approx(19.70, abs=5e-3)
    assert 52**0.5 * d.expected_max(216) == pytest.approx(19.99, abs=5e-3)


def test_the_dsr_against_one_trial_is_the_psr() -> None:
    ratio, (skewness, kurtosis) = sharpe.sharpe_ratio(V20), sharpe.moments(V20)
    found = d.deflated_sharpe(ratio, 20, skewness, kurtosis, variance=0.5, trials=1)
    assert found.shape == ()
    assert float(found) == pytest.approx(0.76847185033, abs=5e-12)
    assert float(found) == pytest.approx(sharpe.psr(ratio, 20, skewness, kurtosis), rel=1e-14)


def test_the_psr_of_quantstats_is_another_one_by_its_moments() -> None:
    series = pl.Series(V20).to_pandas()
    theirs = float(quantstats.stats.probabilistic_sharpe_ratio(series))
    skewness, kurtosis = stats.skew(V20, bias=False), stats.kurtosis(V20, bias=False) + 3.0
    assert theirs == pytest.approx(0.76807, abs=5e-6)
    assert theirs == pytest.approx(
        sharpe.psr(sharpe.sharpe_ratio(V20), 20, skewness, kurtosis), abs=5e-6
    )
    assert sharpe.psr(sharpe.sharpe_ratio(V20), 20, *sharpe.moments(V20)) == pytest.approx(
        0.768472, abs=5e-7
    )


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-3, 3), st.integers(0, 600), st.floats(-4, 4), st.floats(1, 30)),
        min_size=1,
        max_size=6,
    ),
    st.floats(0.0, 0.2),
    st.integers(1, 10**6),
)
def test_every_cell_is_the_psr_of_its_own_numbers(
    cells: list[tuple[float, int, float, float]], variance: float, trials: int
) -> None:
    ratio, n, skewness, kurtosis = (np.array(column) for column in zip(*cells, strict=True))
    found = d.deflated_sharpe(ratio, n, skewness, kurtosis, variance=variance, trials=trials)
    benchmark = variance**0.5 * d.expected_max(trials)
    for one, cell in zip(found, cells, strict=True):
        wanted = sharpe.psr(*cell, benchmark=benchmark)
        assert one == pytest.approx(math.nan if wanted is None else wanted, nan_ok=True, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.floats(-0.5, 0.5), st.floats(1e-4, 0.1), st.integers(1, 10**7), st.integers(2, 100))
def test_the_dsr_falls_with_more_trials_and_with_more_variance_across_them(
    ratio: float, variance: float, trials: int, factor: int
) -> None:
    def dsr(v: float, n: int) -> float:
        return float(d.deflated_sharpe(ratio, 260, -0.5, 6.0, variance=v, trials=n))

    assert dsr(variance, trials * factor) <= dsr(variance, trials)
    assert dsr(variance * factor, trials + 1) <= dsr(variance, trials + 1)


def test_a_cell_without_a_ratio_has_no_dsr_and_the_others_keep_theirs() -> None:
    ratios = np.array([0.1, np.nan, 0.1, 1.0, np.inf])
    found = d.deflated_sharpe(
        ratios, [260, 260, 1, 260, 260], [0, 0, 0, 2, 0], [3, 3, 3, 5, 3], variance=0.0, trials=9
    )
    assert np.isnan(found).tolist() == [False, True, True, True, True]
    assert found[0] == pytest.approx(sharpe.psr(0.1, 260, 0.0, 3.0), rel=1e-14)


def test_moments_at_the_edge_of_the_stable_still_have_a_dsr() -> None:
    edge = (1.0, 40, 2.0, 5.0 + 1e-4)  # 1 - 2 + 1.000025
    assert sharpe.mertens_variance(1.0, 2.0, 5.0 + 1e-4) == pytest.approx(2.5e-5, rel=1e-9)
    wanted = sharpe.psr(*edge, benchmark=0.9995)
    assert wanted is not None
    assert 0.7 < wanted < 0.8
    found = d.deflated_sharpe(*edge, variance=(0.9995 / d.expected_max(5)) ** 2, trials=5)
    assert float(found) == pytest.approx(wanted, rel=1e-9)


def test_the_variance_across_trials_takes_the_finite_ratios_only() -> None:
    assert d.trials_variance([0.1, np.nan, 0.4, -np.inf]) == pytest.approx(0.045, rel=1e-14)
    assert d.trials_variance([0.1, np.nan]) == 0.0
    assert d.trials_variance([]) == 0.0


@pytest.mark.parametrize("variance", [-1e-9, math.nan, math.inf])
def test_a_variance_that_is_none_is_refused(variance: float) -> None:
    with pytest.raises(InputError, match=r"variance across trials: .* Pass trials_variance"):
        d.deflated_sharpe(0.1, 260, 0.0, 3.0, variance=variance, trials=10)


@pytest.mark.parametrize("trials", [0, -3, 10**16, 2.0, True])
def test_a_number_of_trials_that_is_none_is_refused(trials: int) -> None:
    with pytest.raises(InputError, match=r"trials: got .* whole numbers from 1 to 1e"):
        d.expected_max(trials)


def test_the_2025_definition_has_its_published_digits() -> None:
    ratio = 0.036 / 0.079
    assert d.psr_2025(ratio, 24, -2.448, 10.164) == pytest.approx(0.987207, abs=5e-7)
    assert d.psr_2025(ratio, 24, -2.448, 10.164, 0.1) == pytest.approx(0.939148, abs=5e-7)
    assert d.min_track_record_2025(ratio, -2.448, 10.164) == pytest.approx(13.028778, abs=5e-7)
    daily = (DAILY, 1250, -3.0, 10.0, V_DAILY**0.5 * d.expected_max_approximate(100))
    assert d.psr_2025(*daily) == pytest.approx(0.912823, abs=5e-7)
    assert d.psr_2025(*daily, trials=100) == pytest.approx(0.999220, abs=5e-7)


def test_the_2025_definition_forgets_negative_skew_and_ours_does_not() -> None:
    ratio = 0.036 / 0.079
    assert d.psr_2025(ratio, 24, -2.448, 10.164) == d.psr_2025(ratio, 24, 0.0, 3.0)
    assert sharpe.psr(ratio, 24, -2.448, 10.164) == pytest.approx(0.9127, abs=5e-5)
    ours = d.min_track_record(ratio, -2.448, 10.164)
    theirs = d.min_track_record_2025(ratio, -2.448, 10.164)
    assert ours == pytest.approx(34.76, abs=5e-3)
    assert theirs is not None
    assert ours is not None
    assert theirs < ours / 2.0


@pytest.mark.parametrize("rho", [0.0, 0.2, -0.3])
@pytest.mark.parametrize("trials", [1, 2, 100])
@pytest.mark.parametrize("benchmark", [0.0, 0.1])
def test_the_2025_definition_is_that_of_jsharpe(rho: float, trials: int, benchmark: float) -> None:
    theirs = jsharpe.probabilistic_sharpe_ratio(
        0.2, benchmark, T=60, gamma3=-1.0, gamma4=8.0, rho=rho, K=trials
    )
    ours = d.psr_2025(0.2, 60, -1.0, 8.0, benchmark, rho=rho, trials=trials)
    assert ours == pytest.approx(theirs, abs=1e-7)  # its Gauss-Hermite moments are good to this
    theirs = jsharpe.minimum_track_record_length(0.2, benchmark, gamma3=-1.0, gamma4=8.0, rho=rho)
    ours = d.min_track_record_2025(0.2, -1.0, 8.0, benchmark, rho=rho)
    assert ours == pytest.approx(theirs, rel=1e-9)


def test_the_2025_definition_refuses_what_is_no_autocorrelation() -> None:
    with pytest.raises(InputError, match=r"rho: got 1\.0; allowed: a number above -1 and below 1"):
        d.psr_2025(0.1, 260, 0.0, 3.0, rho=1.0)
    assert d.psr_2025(0.1, 1, 0.0, 3.0) is None
    assert d.min_track_record_2025(0.1, 0.0, 3.0, 0.2) is None
