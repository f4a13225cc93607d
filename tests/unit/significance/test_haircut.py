"""The haircut of Harvey and Liu: published digits, laws and its far tail."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from hotband.errors import InputError
from hotband.research.sharpe import lo_eta
from hotband.research.significance.haircut import METHODS, Haircut, haircut_sharpe


def cut(annual: float, tests: int, method: str = "bonferroni", *, normal: bool = False) -> Haircut:
    """Over ten years of days."""
    found = haircut_sharpe(annual, 2600, 260, tests, method=method, normal=normal)
    assert found is not None
    return found


def test_the_monthly_example_has_its_published_chain() -> None:
    found = haircut_sharpe(1.0, 120, 12, 100, rho=0.1)
    assert found is not None
    assert found.ratio == pytest.approx(0.912245, abs=5e-7)
    assert found.ratio * 10**0.5 == pytest.approx(2.884773, abs=5e-7)
    assert found.p_value == pytest.approx(0.00465123, abs=5e-9)
    assert found.p_adjusted == pytest.approx(0.465123, abs=5e-7)
    assert found.adjusted_ratio * 10**0.5 == pytest.approx(0.732797, abs=5e-7)
    assert found.adjusted_ratio == pytest.approx(0.231731, abs=5e-7)
    assert found.share == pytest.approx(0.7460, abs=5e-5)


@pytest.mark.parametrize(
    ("per_year", "factor"), [(360, 0.905), (52, 0.906), (12, 0.912), (4, 0.928)]
)
def test_the_factor_of_autocorrelation_is_as_published(per_year: int, factor: float) -> None:
    found = haircut_sharpe(1.0, 10 * per_year, per_year, 1, rho=0.1)
    assert found is not None
    assert found.ratio == pytest.approx(factor, abs=5e-4)
    eta = lo_eta(per_year, [0.1**k for k in range(1, per_year)])
    assert found.ratio * per_year**0.5 == pytest.approx(eta, rel=1e-12)


def test_the_example_of_twenty_years_has_its_published_digits() -> None:
    found = haircut_sharpe(0.75, 240, 12, 200, method="sidak", normal=True)
    assert found is not None
    assert found.ratio * 20**0.5 == pytest.approx(3.3541, abs=5e-5)
    assert found.p_value == pytest.approx(0.000796, abs=5e-7)
    assert found.p_adjusted == pytest.approx(0.14727, abs=5e-6)
    assert found.adjusted_ratio == pytest.approx(0.3241, abs=5e-5)
    assert found.share == pytest.approx(0.568, abs=5e-4)


@pytest.mark.parametrize("normal", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_one_test_cuts_nothing(method: str, normal: bool) -> None:
    found = cut(1.0, 1, method, normal=normal)
    assert found.share == pytest.approx(0.0, abs=1e-12)
    assert found.p_adjusted == pytest.approx(found.p_value, rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=60, deadline=None)
@given(st.floats(0.01, 30.0), st.integers(1, 10**6), st.integers(2, 50), st.booleans())
def test_more_tests_never_leave_more_of_a_ratio(
    method: str, annual: float, tests: int, factor: int, normal: bool
) -> None:
    few = cut(annual, tests, method, normal=normal)
    many = cut(annual, tests * factor, method, normal=normal)
    assert 0.0 <= few.share <= many.share + 1e-9
    assert many.share <= 1.0
    assert many.adjusted_ratio <= few.adjusted_ratio * (1.0 + 1e-9)
    assert all(math.isfinite(x) for x in (many.p_value, many.p_adjusted, many.adjusted_ratio))


@settings(max_examples=60, deadline=None)
@given(st.floats(0.01, 10.0), st.integers(1, 10**6), st.booleans())
def test_sidak_never_cuts_more_than_bonferroni(annual: float, tests: int, normal: bool) -> None:
    strict = cut(annual, tests, normal=normal)
    assert cut(annual, tests, "sidak", normal=normal).share <= strict.share + 1e-9


@settings(max_examples=40, deadline=None)
@given(st.floats(0.5, 5.0), st.floats(1.01, 1.5), st.integers(2, 1000))
def test_a_higher_ratio_is_not_cut_by_a_larger_share(
    annual: float, more: float, tests: int
) -> None:
    assert cut(annual * more, tests).share <= cut(annual, tests).share + 1e-9


def test_a_ratio_that_many_tests_explain_is_cut_to_nothing() -> None:
    found = cut(0.1, 1000)
    assert (found.p_adjusted, found.adjusted_ratio, found.share) == (1.0, 0.0, 1.0)


def test_a_ratio_without_any_evidence_is_cut_to_nothing() -> None:
    for method in METHODS:
        found = cut(1e-300, 2, method)
        assert (found.p_value, found.p_adjusted, found.share) == (1.0, 1.0, 1.0)


def test_the_far_tail_is_that_of_the_t_distribution() -> None:
    for annual in (13.0, 13.2, 13.5):  # followed by its logarithm, and still a float
        found = cut(annual, 100)
        assert 1e-305 < found.p_value < 1e-280
        direct = 2.0 * float(special.stdtr(2599, -annual * 10**0.5))
        assert found.p_value == pytest.approx(direct, rel=1e-9, abs=0.0)
        assert found.p_adjusted == pytest.approx(100.0 * direct, rel=1e-9, abs=0.0)
    found = cut(annual, 10**15)
    direct = 2.0 * float(special.stdtr(2599, -found.adjusted_ratio * 10**0.5))
    assert direct == pytest.approx(found.p_adjusted, rel=1e-9, abs=0.0)


def test_a_ratio_whose_p_value_is_below_any_float_is_still_cut_by_little() -> None:
    for normal in (False, True):
        found = cut(20.0, 10**6, normal=normal)
        assert found.p_value == 0.0
        assert 0.0 < found.share < 0.02


def test_the_far_tail_joins_the_near_one() -> None:
    # p passes 1e-280, where the formula changes, between t of 35 and 44.
    assert cut(11.0, 1).p_value > 1e-280 > cut(14.0, 1).p_value
    grid = np.linspace(11.0, 14.0, 61)
    shares = np.array([cut(float(annual), 1000).share for annual in grid])
    steps = np.diff(shares)
    assert np.all(steps < 0.0)
    assert np.abs(np.diff(steps)).max() < 0.1 * np.abs(steps).max()


def test_the_normal_tail_is_that_of_the_normal() -> None:
    t, found = 20.0 * 10**0.5, cut(20.0, 1000, normal=True)
    log_p = math.log(2.0) + float(special.log_ndtr(-t)) + math.log(1000)
    wanted = -float(special.ndtri_exp(log_p - math.log(2.0)))
    assert found.adjusted_ratio * 10**0.5 == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("annual", [0.0, -2.0])
def test_a_ratio_that_is_not_above_zero_has_no_haircut(annual: float) -> None:
    assert haircut_sharpe(annual, 260, 260, 10) is None


def test_an_unknown_method_is_refused_with_the_place_of_the_others() -> None:
    with pytest.raises(InputError, match=r"method: got holm; .* use significance\.multiple"):
        haircut_sharpe(1.0, 260, 260, 10, method="holm")


def test_impossible_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="Sharpe ratio: got nan; allowed: a finite number"):
        haircut_sharpe(math.nan, 260, 260, 10)
    with pytest.raises(InputError, match="tests: got 0; allowed: whole numbers from 1"):
        haircut_sharpe(1.0, 260, 260, 0)
    with pytest.raises(InputError, match="observations: got 1; allowed: whole numbers from 2"):
        haircut_sharpe(1.0, 1, 260, 10)
    with pytest.raises(InputError, match="periods per year: got 0; allowed: a finite number"):
        haircut_sharpe(1.0, 260, 0, 10)
    with pytest.raises(InputError, match=r"rho: got 1\.0 at 260"):
        haircut_sharpe(1.0, 260, 260, 10, rho=1.0)
