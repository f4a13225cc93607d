"""Published and analytic digits of reference/statistics.md, sections 1 and 9."""

import numpy as np
import pytest
from scipy import stats
from tests.naive.naive_measures import lo_eta_ar1
from tests.unit.research.result_logs import START, V20, compounded, day_rows, plain_window

from hotband.research import sharpe as ratios
from hotband.research.measures import calmar, mar_window, sharpe, sortino, ulcer
from hotband.research.series import FloatArray, ReturnMode, daily_returns
from hotband.research.trades import profit_factor, win_loss_ratio, win_rate

YEAR = 260**0.5


def vector_x62() -> FloatArray:
    at = ((17 * np.arange(62) + 5) % 62 + 0.5) / 62
    q = stats.norm.ppf(at)
    q /= q.std(ddof=1)
    made: FloatArray = np.round(10 * (q - q.mean() + 19.99 / 3224**0.5), 4)
    return made


X62 = vector_x62()
X62_BY_DAY = np.add.reduceat(X62, [0, 13, 25, 37, 50])


def series_v20() -> FloatArray:
    days = day_rows(compounded(V20))
    return daily_returns(days, START, plain_window(20)).returns


def test_v20_has_the_reference_moments_and_sharpe_ratio() -> None:
    assert series_v20().mean() == pytest.approx(0.0019, abs=1e-15)
    assert series_v20().std(ddof=1) == pytest.approx(0.01110192017531, abs=5e-15)
    assert ratios.sharpe_ratio(V20) == pytest.approx(0.17114156560, abs=5e-12)
    skewness, kurtosis = ratios.moments(V20)
    assert skewness == pytest.approx(-0.12365499905, abs=5e-12)
    assert kurtosis == pytest.approx(2.67543570407, abs=5e-12)


def test_v20_has_the_reference_annual_sharpe_and_error() -> None:
    metric = sharpe(series_v20())
    assert metric.value == pytest.approx(2.75957482667, abs=5e-12)
    assert metric.se == pytest.approx(3.76054286, abs=5e-9)
    assert ratios.mertens_se(V20) == pytest.approx(0.23321896777, abs=5e-12)
    assert metric.flags == ("few_days",)


def test_v20_has_the_reference_probability_of_a_sharpe_above_zero() -> None:
    error = ratios.mertens_se(V20)
    assert error is not None
    psr = stats.norm.cdf(ratios.sharpe_ratio(V20) / error)
    assert psr == pytest.approx(0.76847185033, abs=5e-12)


@pytest.mark.parametrize(
    ("lag", "annual"), [(0, 3.667443), (1, 2.555366), (3, 1.832855), (5, 1.372052)]
)
def test_v20_has_the_reference_hac_errors(lag: int, annual: float) -> None:
    assert ratios.hac_se(V20, lag) * YEAR == pytest.approx(annual, abs=5e-7)


def test_the_influence_series_has_the_variance_of_mertens() -> None:
    psi = ratios.influence(V20)
    population = V20.mean() / V20.std()
    assert (psi**2).mean() == pytest.approx(1.0346261104, abs=5e-11)
    variance = ratios.mertens_variance(population, *ratios.moments(V20))
    assert variance == pytest.approx(1.0346261104, abs=5e-11)


def test_v20_has_the_reference_autocorrelations() -> None:
    wanted = [-0.516658, -0.002998, 0.075869, -0.164292, 0.146447]
    assert ratios.autocorrelations(V20, 5) == pytest.approx(wanted, abs=5e-7)


def test_an_upward_correction_would_inflate_v20_and_is_not_made() -> None:
    eta = ratios.lo_eta(260, ratios.autocorrelations(V20, 1))
    assert eta is None or eta > YEAR
    assert ratios.annual_factor(V20, ratios.sharpe_ratio(V20)) == (YEAR, False)


def test_v20_has_the_reference_sortino() -> None:
    below = np.minimum(V20, 0.0)
    assert np.sqrt((below**2).mean()) == pytest.approx(0.00688113363, abs=5e-12)
    assert sortino(V20).value == pytest.approx(4.45225759327, abs=5e-12)


def test_v20_compounding_has_the_reference_drawdown_and_ulcer() -> None:
    series = daily_returns(day_rows(compounded(V20)), START, plain_window(20))
    fall = series.peak - series.equity
    assert series.equity[-1] / START == pytest.approx(1.03748162462, abs=5e-12)
    assert fall.max() == pytest.approx(2020.00, abs=5e-3)
    assert (fall / series.peak).max() == pytest.approx(0.020000, abs=5e-7)
    assert ulcer(series).value == pytest.approx(0.81294567, abs=5e-9)


def test_v20_additive_has_the_reference_drawdown() -> None:
    equity = START * (1.0 + np.cumsum(V20))
    series = daily_returns(day_rows(equity), START, plain_window(20), ReturnMode.FIXED)
    fall = series.peak - series.equity
    assert series.returns == pytest.approx(V20, abs=1e-14)
    assert fall.max() == pytest.approx(2000.00, abs=5e-3)
    assert 100 * (fall / series.peak).max() == pytest.approx(1.98019802, abs=5e-9)


def test_v20_returns_over_drawdown_in_the_window_and_not_per_year() -> None:
    assert mar_window(1.03748162462, 0.02, 20).value == pytest.approx(1.87408123, abs=5e-9)
    assert calmar(1.03748162462, 0.02, 20).reason == "window_too_short"


def test_calmar_is_annual_growth_over_drawdown() -> None:
    growth = 1.03748162462**13
    assert growth - 1 == pytest.approx(0.61341234146, abs=5e-11)
    assert calmar(growth, 0.02, 260).value == pytest.approx(30.670617, abs=5e-7)
    assert calmar(growth**2, 0.02, 520).value == pytest.approx(30.670617, abs=5e-7)


def test_v20_days_read_as_trades_have_the_reference_outcomes() -> None:
    assert profit_factor(V20, 0.0).value == pytest.approx(1.53521127, abs=5e-9)
    assert win_rate(V20).value == pytest.approx(0.63157895, abs=5e-9)
    assert win_loss_ratio(V20).value == pytest.approx(0.89553991, abs=5e-9)
    assert (win_rate(V20).n, profit_factor(V20, 0.0).n) == (19, 20)


def test_x62_has_the_reference_trades() -> None:
    assert X62[:6].tolist() == [-9.9956, 0.0060, 7.0352, 17.0368, -5.4451, 2.5060]
    assert X62.sum() == pytest.approx(218.2766, abs=5e-5)
    assert profit_factor(X62, 0.0).value == pytest.approx(2.4289803, abs=5e-8)
    assert win_rate(X62).value == pytest.approx(0.6451613, abs=5e-8)
    assert win_loss_ratio(X62).value == pytest.approx(1.3359392, abs=5e-8)
    assert X62.mean() == pytest.approx(3.5205903, abs=5e-8)


def test_one_week_of_x62_annualised_by_trade_makes_the_famous_19_99() -> None:
    ratio = ratios.sharpe_ratio(X62)
    assert ratio == pytest.approx(0.352058978, abs=5e-10)
    assert ratio * 3224**0.5 == pytest.approx(19.990007, abs=5e-7)
    t = ratio * 62**0.5
    assert t == pytest.approx(2.7721, abs=5e-5)
    assert t * 52**0.5 == pytest.approx(19.99, abs=5e-3)
    assert stats.t.sf(t, 61) == pytest.approx(0.0037, abs=5e-5)


def test_the_honest_intervals_of_19_99_are_as_published() -> None:
    scale, z = 3224**0.5, stats.norm.ppf(0.975)
    ratio = 19.99 / scale
    lo = ratios.lo_se(ratio, 62)
    # The page rounds the quantile to 1.96 here; with 1.959964 the ends are 5.425 and 34.555.
    plain = [(ratio + s * 1.96 * lo) * scale for s in (-1, 1)]
    assert plain == pytest.approx([5.42, 34.56], abs=5e-3)
    exact = [end * scale for end in ratios.exact_interval(ratio, 62, 0.95)]
    assert exact == pytest.approx([5.34, 34.48], abs=5e-3)
    mertens = ratios.mertens_se(X62)
    assert mertens is not None
    assert mertens * scale == pytest.approx(7.466, abs=5e-4)
    ends = [(ratios.sharpe_ratio(X62) + s * z * mertens) * scale for s in (-1, 1)]
    assert ends == pytest.approx([5.36, 34.62], abs=5e-3)
    five = [end * YEAR for end in ratios.exact_interval(19.99 / YEAR, 5, 0.95)]
    assert five == pytest.approx([-0.02, 38.86], abs=5e-3)


def test_x62_by_day_is_too_short_to_annualise_and_says_so() -> None:
    wanted = [7.5138, 35.5684, 57.3931, 47.4721, 70.3292]
    days = X62_BY_DAY
    assert days == pytest.approx(wanted, abs=5e-5)
    ratio = ratios.sharpe_ratio(days)
    assert ratio * YEAR == pytest.approx(29.4427, abs=5e-5)
    assert ratio * 5**0.5 == pytest.approx(4.08297, abs=5e-6)
    assert stats.t.sf(ratio * 5**0.5, 4) == pytest.approx(0.0075308, abs=5e-8)
    ends = [end * YEAR for end in ratios.exact_interval(ratio, 5, 0.95)]
    assert ends == pytest.approx([4.82, 53.15], abs=5e-3)
    assert sharpe(X62_BY_DAY).reason == "window_too_short"


def test_flat_days_belong_to_the_sharpe_ratio() -> None:
    r = np.array([0.004, 0, 0, -0.002, 0.003, 0, 0.005, 0, -0.001, 0.002])
    assert ratios.sharpe_ratio(r) * YEAR == pytest.approx(7.7699, abs=5e-5)
    assert ratios.sharpe_ratio(r[r != 0]) * YEAR == pytest.approx(10.6074, abs=5e-5)


def test_the_nautilus_vectors_come_out() -> None:
    up = np.array([0.01, -0.02, 0.015, -0.005, 0.025])
    assert ratios.sharpe_ratio(up) * 252**0.5 == pytest.approx(4.48998886412873, abs=5e-14)
    # Repeating a series leaves its Sortino ratio as it is, and makes it long enough to show.
    down = sortino(np.tile([-0.01, 0.02, -0.015, 0.005, -0.02], 4)).value
    assert down is not None
    assert down * (252 / 260) ** 0.5 == pytest.approx(-5.273224492824493, abs=5e-14)
    net = np.array([10.0, -20.0, 30.0, -40.0])
    assert profit_factor(net, 0.0).value == pytest.approx(0.6666666667, abs=5e-11)


@pytest.mark.parametrize(("rho", "eta"), [(-0.2, 4.1708), (0.2, 2.8788), (0.0, 3.4641)])
def test_lo_factors_of_ar1_are_as_published(rho: float, eta: float) -> None:
    found = ratios.lo_eta(12, [rho**k for k in range(1, 12)])
    assert found == pytest.approx(eta, abs=5e-5)
    assert found == pytest.approx(lo_eta_ar1(12, rho), rel=1e-12)


@pytest.mark.parametrize(
    ("ratio", "n", "error"),
    [
        (0.5, 12, 0.306),
        (0.5, 24, 0.217),
        (0.5, 36, 0.177),
        (0.5, 48, 0.153),
        (0.5, 60, 0.137),
        (0.5, 125, 0.095),
        (0.5, 250, 0.067),
        (0.5, 500, 0.047),
        (1.5, 60, 0.188),
    ],
)
def test_lo_errors_are_as_published(ratio: float, n: int, error: float) -> None:
    assert ratios.lo_se(ratio, n) == pytest.approx(error, abs=5e-4)


def test_the_exact_interval_inverts_the_non_central_t() -> None:
    for ratio, n in ((0.17, 20), (-0.4, 7), (3.0, 59), (100.0, 2)):
        low, high = ratios.exact_interval(ratio, n)
        t, root = ratio * n**0.5, n**0.5
        assert stats.nct.cdf(t, n - 1, low * root) == pytest.approx(0.95, abs=1e-6)
        assert stats.nct.cdf(t, n - 1, high * root) == pytest.approx(0.05, abs=1e-6)


def test_the_exact_interval_stays_whole_where_the_t_is_beyond_tables() -> None:
    for n in (2, 5, 59):
        near = np.array(ratios.exact_interval(999.0 / n**0.5, n)) / 999.0
        far = np.array(ratios.exact_interval(1001.0 / n**0.5, n)) / 1001.0
        assert far == pytest.approx(near, rel=2e-4)


def test_positive_autocorrelation_lowers_an_annual_sharpe_from_130_days_on() -> None:
    noise = np.random.default_rng(7).normal(0.0, 0.01, 400)
    smooth = 0.004 + np.convolve(noise, np.ones(4) / 4, "valid")
    metric = sharpe(smooth)
    assert "lo_corrected" in metric.flags
    assert metric.value is not None
    assert 0.0 < metric.value < ratios.sharpe_ratio(smooth) * YEAR
    assert "lo_corrected" not in sharpe(smooth[:129]).flags


def test_ljung_box_agrees_with_its_sum() -> None:
    rho, n = ratios.autocorrelations(V20, 5), 20
    q = n * (n + 2) * sum(rho[k - 1] ** 2 / (n - k) for k in range(1, 6))
    assert ratios.ljung_box_p(V20) == pytest.approx(stats.chi2.sf(q, 5), rel=1e-10)
