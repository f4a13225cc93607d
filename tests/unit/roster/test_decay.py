"""CUSUM, run lengths, e-detector and SPRT: digits of the page and laws."""

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.naive.naive_roster import cusum_path, run_length_by_chain

from hotband.errors import InputError
from hotband.roster.decay import (
    Cusum,
    CusumState,
    DetectorState,
    EDetector,
    Sprt,
    allowance_for,
    run_length,
    siegmund_run_length,
    threshold_for,
)

NIST = (324.925, 324.675, 324.725, 324.350, 325.350, 325.225, 324.125, 324.525, 325.225, 324.600,
        324.625, 325.150, 328.325, 327.250, 327.825, 328.500, 326.675, 327.775, 326.875,
        328.350)  # fmt: skip
NIST_K, NIST_H = 0.3175, 4.1959
WEEKS = st.floats(-4.0, 4.0)


@pytest.mark.parametrize(
    ("threshold", "drift", "weeks"),
    [(4, -0.5, 335.368), (4, 0.5, 8.383), (5, -0.5, 930.887), (5, 0.5, 10.376)],
)
def test_run_lengths_are_the_published_ones(threshold: float, drift: float, weeks: float) -> None:
    assert run_length(threshold, drift) == pytest.approx(weeks, abs=5.1e-4)


@pytest.mark.parametrize(("threshold", "printed"), [(4, 168), (5, 465)])
def test_two_sides_alarm_twice_as_often(threshold: float, printed: int) -> None:
    assert round(run_length(threshold, -0.5) / 2.0) == printed


def test_the_approximation_of_siegmund_is_the_published_one() -> None:
    assert siegmund_run_length(5, -0.5) == pytest.approx(938.222, abs=5e-4)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_the_approximation_is_smooth_through_no_drift(sign: float) -> None:
    at = 1e-5 / 6.166
    assert siegmund_run_length(5, sign * at * 0.999) == pytest.approx(
        siegmund_run_length(5, sign * at * 1.001), rel=1e-5
    )


@pytest.mark.parametrize(("threshold", "drift"), [(1.0, -0.3), (4.0, -0.5), (3.0, 0.4)])
def test_run_lengths_agree_with_a_chain_of_small_cells(threshold: float, drift: float) -> None:
    chain = run_length_by_chain(threshold, drift, 400)
    assert run_length(threshold, drift) == pytest.approx(chain, rel=2e-4)


@pytest.mark.parametrize("drift", [-0.03, 0.0, 0.03])
def test_long_run_lengths_agree_with_the_approximation(drift: float) -> None:
    """At h = 100, where 32 nodes would lie three deviations apart."""
    assert run_length(100, drift) == pytest.approx(siegmund_run_length(100, drift), rel=2e-3)


def test_without_a_threshold_the_run_length_is_that_of_one_step() -> None:
    first = 1.0 / (0.5 * math.erfc(0.5 / math.sqrt(2.0)))
    assert run_length(1e-9, -0.5) == pytest.approx(first, rel=1e-8)


@pytest.mark.parametrize(
    ("promise", "weeks", "threshold", "dead"),
    [(2, 52, 4.26, 18.9), (2, 104, 5.82, 28.1), (2, 260, 8.25, 43.8),
     (3, 52, 3.69, 13.3), (3, 104, 4.91, 18.6), (3, 260, 6.74, 26.9),
     (5, 52, 2.86, 7.7), (5, 104, 3.71, 10.1), (5, 260, 4.92, 13.5)],
)  # fmt: skip
def test_the_design_table_is_reproduced(
    promise: float, weeks: float, threshold: float, dead: float
) -> None:
    allowance = allowance_for(promise)
    found = threshold_for(weeks, allowance)
    assert found == pytest.approx(threshold, abs=0.0051)
    assert run_length(found, -allowance) == pytest.approx(weeks, rel=1e-9)
    assert run_length(found, allowance) == pytest.approx(dead, abs=0.051)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.01, 2.0), st.floats(1.5, 3.0), st.floats(1.05, 3.0))
def test_a_longer_silence_needs_a_higher_threshold(k: float, base: float, more: float) -> None:
    least = 1.0 / (0.5 * math.erfc(k / math.sqrt(2.0)))
    assert threshold_for(least * base * more, k) > threshold_for(least * base, k)


def test_the_mean_silence_of_simulated_weeks_is_the_run_length() -> None:
    """Within five standard errors; silence is about geometric, so its deviation its mean."""
    k = allowance_for(3.0)
    h = threshold_for(20.0, k)
    draws, n = np.random.default_rng(8), 4000
    silence, value = np.zeros(n), np.zeros(n)
    running = np.ones(n, bool)
    while running.any():
        value[running] = np.maximum(0.0, value[running] - k + draws.normal(size=running.sum()))
        silence[running] += 1
        running &= value <= h
    assert silence.mean() == pytest.approx(20.0, abs=5.0 * 20.0 / math.sqrt(n))


def test_the_nist_data_alarm_at_the_fourteenth_value_above() -> None:
    z = [325.0 - x + 2 * NIST_K for x in NIST]
    chart = Cusum(NIST_K, NIST_H)
    high = chart.path(z)
    assert high[12:14] == pytest.approx([3.0075, 4.94], abs=5e-7)
    assert high[-1] == pytest.approx(19.035, abs=5e-7)
    state = CusumState()
    for value in z:
        state = chart.step(state, value)
    assert state.alarmed_on == 14


def test_the_nist_data_never_alarm_below() -> None:
    low = Cusum(NIST_K, NIST_H).path([x - 325.0 + 2 * NIST_K for x in NIST])
    assert low[1] == pytest.approx(0.0075, abs=5e-7)
    assert int(np.argmax(low)) == 7
    assert low.max() == pytest.approx(0.715, abs=5e-7)


@settings(max_examples=60, deadline=None)
@given(st.lists(WEEKS, max_size=30), st.floats(0.05, 1.0))
def test_the_cusum_is_the_worst_stretch_that_ends_now(z: list[float], k: float) -> None:
    assert Cusum(k, 4.0).path(z) == pytest.approx(cusum_path(z, k), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.lists(WEEKS, max_size=30), st.integers(0, 30))
def test_a_cusum_resumed_from_json_equals_the_whole(z: list[float], cut: int) -> None:
    chart, state = Cusum(0.2, 3.0), CusumState()
    for week, value in enumerate(z):
        if week == cut:
            state = CusumState.from_dict(json.loads(json.dumps(state.to_dict())))
        state = chart.step(state, value)
    path = chart.path(z)
    assert state.value == (path[-1] if z else 0.0)
    over = np.flatnonzero(path > 3.0)
    assert state.alarmed_on == (int(over[0]) + 1 if over.size else None)


def test_the_detector_follows_its_recursion() -> None:
    detector = EDetector(0.1, 1.1, threshold=10.0, stakes=(0.5,))
    state = detector.advance(detector.start(), [0.1, -0.9, 5.0])
    assert state.values == pytest.approx(((((0 + 1) * 1.0 + 1) * 1.5 + 1) * 0.5,), rel=1e-12)


def test_while_the_floor_holds_the_detector_grows_by_one_a_day() -> None:
    """All 2^10 paths of a fair coin around the floor: the mean of M is the number of days."""
    detector = EDetector(0.2, 1.2)
    ends = [
        detector.advance(detector.start(), x).value
        for x in itertools.product((-0.8, 1.2), repeat=10)
    ]
    assert np.mean(ends) == pytest.approx(10.0, rel=1e-12)


def test_gains_above_the_ceiling_do_not_count_as_more() -> None:
    detector = EDetector(0.0, 1.0)
    one, hundred = (detector.step(detector.start(), x) for x in (1.0, 100.0))
    assert one == hundred


def test_a_dead_edge_alarms_sooner_than_a_live_one() -> None:
    """t5 returns, promise 5 a year, 120 runs of 260 days; limits far from the shares of 5.4."""
    draws = np.random.default_rng(3).standard_t(5, (120, 260)) / math.sqrt(5 / 3)
    day = 5.0 / math.sqrt(260)
    detector = EDetector(day / 2, 2.5)

    def alarmed(returns: Any) -> float:
        runs = [detector.advance(detector.start(), row).alarmed_on is not None for row in returns]
        return float(np.mean(runs))

    assert alarmed(draws + day) < 0.15
    assert alarmed(draws) > 0.9


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-5.0, 5.0), max_size=20), st.integers(0, 20))
def test_a_detector_resumed_from_json_equals_the_whole(x: list[float], cut: int) -> None:
    detector = EDetector(0.1, 2.0, threshold=15.0)
    first = detector.advance(detector.start(), x[:cut]).to_dict()
    resumed = DetectorState.from_dict(json.loads(json.dumps(first)))
    assert detector.advance(resumed, x[cut:]) == detector.advance(detector.start(), x)


def test_the_lines_of_wald_are_the_published_ones() -> None:
    lines = Sprt(0.1, 0.3, 0.02, 0.03).lines
    assert lines == pytest.approx((-2.58263, 2.87539, 0.186169), abs=5.1e-6)


def test_pass_or_fail_takes_more_than_a_year_to_decide() -> None:
    test = Sprt(0.45, 0.60, 0.05, 0.05)
    assert test.increments == pytest.approx((0.28768, -0.31845), abs=5e-6)
    assert test.bounds == pytest.approx((-2.94444, 2.94444), abs=5e-6)
    assert test.mean_weeks == pytest.approx((58.0, 58.6), abs=0.05)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: Cusum(0.0, 4.0), "allowance: got 0.0; allowed: a finite number above 0"),
        (lambda: Cusum(0.2, math.inf), "threshold: got inf"),
        (lambda: Cusum(0.2, 4.0).path([0.1, math.nan]), "week 2: got nan"),
        (lambda: allowance_for(-1.0), "sharpe_annual: got -1.0"),
        (lambda: run_length(0.0, 0.1), "threshold: got 0.0; allowed: above 0, at most 500"),
        (lambda: run_length(100.0, -2.0), "run length: got .*1 to 1e12 weeks"),
        (lambda: siegmund_run_length(1e4, -1.0), "drift: got -1.0"),
        (lambda: threshold_for(2.0, 0.5), "weeks: got 2.0; allowed: above 3.241"),
        (lambda: threshold_for(1e6, 0.5), "weeks: got 1000000.0"),
        (lambda: threshold_for(52.0, 0.0), "allowance: got 0.0; allowed: 0.01 to 5"),
        (lambda: EDetector(1.0, 1.0), "ceiling: got 1.0; allowed: above the floor, 1"),
        (lambda: EDetector(0.0, 1.0, stakes=(1.0,)), "stakes: got"),
        (lambda: EDetector(0.0, 1.0, threshold=0.0), "threshold: got 0.0"),
        (lambda: EDetector(0.0, 1.0).step(DetectorState(), math.inf), "return 1: got inf"),
        (
            lambda: EDetector(0.0, 1.0).step(DetectorState(values=(0.0,)), 0.1),
            "detector state: got 1 stakes; allowed: 6",
        ),
        (lambda: CusumState(value=-1.0), "CusumState.value: got -1.0"),
        (lambda: DetectorState.from_dict({"days": 1}), "DetectorState: got days"),
        (lambda: Sprt(0.6, 0.4, 0.05, 0.05), "p0, p1: got"),
        (lambda: Sprt(0.4, 0.6, 0.5, 0.5), "alpha, beta: got"),
    ],
)
def test_impossible_values_are_refused(call: Any, text: str) -> None:
    with pytest.raises(InputError, match=text):
        call()
