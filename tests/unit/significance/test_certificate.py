"""Clopper-Pearson bounds, the pass lines, the statement and the guide to power."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from statsmodels.stats.proportion import proportion_confint

from hotband.errors import InputError
from hotband.research.significance import certificate as c

PASS_LINES = {
    0.10: {0: 29, 1: 46, 2: 61, 3: 76, 5: 103, 10: 167},
    0.05: {0: 59, 1: 93, 2: 124, 3: 153, 5: 208, 10: 336},
    0.01: {0: 299, 1: 473, 2: 628, 3: 773, 5: 1049, 10: 1693},
}
DAYS = (5, 20, 65, 130, 260, 520, 1300, 2600)
GUIDE = {
    1: (17.93, 8.97, 4.97, 3.52, 2.49, 1.76, 1.11, 0.79),
    16: (25.79, 12.89, 7.15, 5.06, 3.58, 2.53, 1.60, 1.13),
    192: (31.09, 15.55, 8.62, 6.10, 4.31, 3.05, 1.93, 1.36),
    1000: (34.12, 17.06, 9.46, 6.69, 4.73, 3.35, 2.12, 1.50),
    10**4: (37.92, 18.96, 10.52, 7.44, 5.26, 3.72, 2.35, 1.66),
    10**6: (44.48, 22.24, 12.34, 8.72, 6.17, 4.36, 2.76, 1.95),
}

counted = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_the_interval_of_the_nist_handbook_comes_out() -> None:
    low, high = c.interval(4, 20, 0.9)
    assert (low, high) == pytest.approx((0.0713539, 0.4010281), abs=5e-8)
    assert (low, high) == pytest.approx((0.071354, 0.401029), abs=2e-6)


@pytest.mark.parametrize(
    ("failures", "campaigns", "upper", "digit"),
    [
        (0, 300, 0.009936, 5e-7),
        (0, 59, 0.04951, 5e-6),
        (6, 300, 0.039, 5e-4),
        (7, 300, 0.043, 5e-4),
        (24, 300, 0.111, 5e-4),
        (150, 300, 0.549, 5e-4),
    ],
)
def test_measured_rates_have_the_reference_upper_bounds(
    failures: int, campaigns: int, upper: float, digit: float
) -> None:
    assert c.upper_bound(failures, campaigns) == pytest.approx(upper, abs=digit)


def test_no_failure_has_its_closed_form() -> None:
    assert c.upper_bound(0, 59) == pytest.approx(1.0 - 0.05 ** (1.0 / 59.0), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(counted, st.floats(0.5, 0.999))
def test_the_bounds_are_those_of_scipy_and_statsmodels(
    count: tuple[int, int], level: float
) -> None:
    k, n = count
    two = stats.binomtest(k, n).proportion_ci(level, "exact")
    assert c.interval(k, n, level) == pytest.approx((two.low, two.high), abs=1e-9)
    theirs = proportion_confint(k, n, alpha=1.0 - level, method="beta")
    assert c.interval(k, n, level) == pytest.approx(theirs, abs=1e-9)
    less = stats.binomtest(k, n, alternative="less").proportion_ci(level, "exact")
    assert c.upper_bound(k, n, level) == pytest.approx(less.high, abs=1e-9)
    greater = stats.binomtest(k, n, alternative="greater").proportion_ci(level, "exact")
    assert c.lower_bound(k, n, level) == pytest.approx(greater.low, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(counted)
def test_at_the_upper_bound_so_few_failures_happen_one_time_in_twenty(
    count: tuple[int, int],
) -> None:
    k, n = count
    upper = c.upper_bound(k, n)
    assert k / n <= upper <= 1.0
    if k < n:
        assert stats.binom.cdf(k, n, upper) == pytest.approx(0.05, rel=1e-7)
        assert c.upper_bound(k + 1, n) > upper
        assert c.upper_bound(k, n + 1) < upper


@settings(max_examples=40, deadline=None)
@given(counted)
def test_failures_above_and_successes_below_mirror_one_another(count: tuple[int, int]) -> None:
    k, n = count
    assert c.lower_bound(k, n) == pytest.approx(1.0 - c.upper_bound(n - k, n), abs=1e-12)


def test_all_failed_and_none_succeeded_have_the_last_bounds() -> None:
    assert (c.upper_bound(7, 7), c.lower_bound(0, 7)) == (1.0, 0.0)


@pytest.mark.parametrize("bound", PASS_LINES)
@pytest.mark.parametrize("failures", [0, 1, 2, 3, 5, 10])
def test_the_pass_lines_are_the_fewest_campaigns(bound: float, failures: int) -> None:
    needed = c.campaigns_needed(failures, bound)
    assert needed == PASS_LINES[bound][failures]
    assert c.upper_bound(failures, needed) <= bound < c.upper_bound(failures, needed - 1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60), st.floats(0.001, 0.9), st.floats(0.5, 0.99))
def test_one_campaign_fewer_than_needed_never_passes(
    failures: int, bound: float, level: float
) -> None:
    needed = c.campaigns_needed(failures, bound, level)
    assert needed > failures
    assert c.upper_bound(failures, needed, level) <= bound * (1.0 + 1e-9)
    if needed - 1 > failures:
        assert c.upper_bound(failures, needed - 1, level) > bound * (1.0 - 1e-9)


def test_power_of_four_in_five_takes_87_hits_of_100() -> None:
    assert c.lower_bound(87, 100) >= 0.8 > c.lower_bound(86, 100)


def test_the_statement_passes_on_the_line_and_fails_one_short_of_it() -> None:
    assert c.certify("N1", 59, 0).passed
    assert not c.certify("N1", 58, 0).passed
    assert not c.certify("N1", 59, 1).passed
    assert c.certify("N1", 300, 6, bound=0.04).passed
    assert not c.certify("N1", 300, 6, bound=0.03).passed


def test_the_sentence_names_the_counts_the_rate_and_the_verdict() -> None:
    assert c.certify("sign-flipped", 300, 7).sentence() == (
        "In 300 independent campaigns on noise (sign-flipped) something was promoted in 7: the "
        "false-promotion rate is at most 4.4 % at 95 % confidence, within the 5 % promised."
    )
    assert "promoted in 24: " in c.certify("N2", 300, 24).sentence()
    assert "at most 11.1 % at 95 % confidence, not within" in c.certify("N2", 300, 24).sentence()


def test_the_sentence_never_rounds_a_rate_down() -> None:
    assert c.upper_bound(7, 300) == pytest.approx(0.0434, abs=5e-5)
    assert "at most 4.4 %" in c.certify("N1", 300, 7).sentence()
    missed = c.certify("N1", 58, 0)
    assert missed.upper == pytest.approx(0.0503, abs=5e-5)
    assert "at most 5.1 % at 95 % confidence, not within the 5 %" in missed.sentence()


@pytest.mark.parametrize("configs", GUIDE)
def test_the_guide_to_power_is_the_published_table(configs: int) -> None:
    found = [c.sharpe_needed(configs, days) for days in DAYS]
    assert found == pytest.approx(GUIDE[configs], abs=5.1e-3)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 10**6), st.integers(5, 2600), st.floats(0.5, 0.99))
def test_a_ratio_as_needed_is_found_as_often_as_asked(
    configs: int, days: int, power: float
) -> None:
    ratio = c.sharpe_needed(configs, days, power) / math.sqrt(260.0)
    threshold = -special.ndtri(0.05 / configs)
    assert special.ndtr(ratio * math.sqrt(days) - threshold) == pytest.approx(power, abs=1e-9)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(InputError, match="failures: got 6; allowed: 0 to 5, the number of"):
        c.upper_bound(6, 5)
    with pytest.raises(InputError, match="campaigns: got 0; allowed: whole numbers from 1"):
        c.certify("N1", 0, 0)
    with pytest.raises(InputError, match="failures: got -1; allowed: whole numbers from 0"):
        c.campaigns_needed(-1)
    with pytest.raises(InputError, match="configs: got 0; allowed: whole numbers from 1"):
        c.sharpe_needed(0, 260)
    with pytest.raises(InputError, match="days: got 0; allowed: whole numbers from 1"):
        c.sharpe_needed(16, 0)


@pytest.mark.parametrize("wrong", [0.0, 1.0, 95.0, math.nan])
def test_what_is_no_level_or_bound_is_refused(wrong: float) -> None:
    with pytest.raises(InputError, match=r"level: got .*; allowed: a number above 0 and below 1"):
        c.upper_bound(1, 20, wrong)
    with pytest.raises(InputError, match=r"bound: got .* 0\.05 for 5 %"):
        c.campaigns_needed(1, wrong)
    with pytest.raises(InputError, match=r"bound: got .* 0\.05 for 5 %"):
        c.certify("N1", 20, 1, bound=wrong)


def test_a_bound_that_no_number_of_campaigns_can_show_is_refused() -> None:
    with pytest.raises(InputError, match=r"bound: got 1e-16; .* Allow a larger rate"):
        c.campaigns_needed(0, 1e-16)
