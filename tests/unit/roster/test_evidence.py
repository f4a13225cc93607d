"""The e-process: digits of the page, Ville's bound, ruin, and resuming."""

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.naive.naive_roster import adaptive_wealth, mixture_wealth

from hotband.errors import InputError
from hotband.roster.evidence import MIXTURE, EProcess, EvidenceState, years_to_reach

RETURNS = (0.012, -0.005, 0.020, 0.007, -0.011, 0.015, 0.009, -0.003, 0.018, 0.006)
OUTCOMES = st.floats(-1.0, 3.0)
LEGS: list[dict[str, Any]] = [
    {},
    {"above": 0.1},
    {"leg": "sharpe", "above": 0.4},
    {"leg": "profit_factor", "above": 1.2},
    {"stakes": MIXTURE},
    {"stakes": (0.3,)},
]


@pytest.mark.parametrize(("stake", "wealth"), [(0.2, 1.2983130667), (0.5, 1.8491860285)])
def test_fixed_stakes_reach_the_published_wealth(stake: float, wealth: float) -> None:
    path = EProcess(0.05, stakes=(stake,)).wealth_path(RETURNS)
    assert path[-1] == pytest.approx(wealth, abs=5e-11)


def test_the_mixture_has_the_published_path() -> None:
    path = EProcess(0.05, stakes=(0.02, 0.05, 0.1, 0.2, 0.4)).wealth_path(RETURNS)
    printed = [1, 1.03696, 1.02053808, 1.08438214, 1.10921938, 1.06862995, 1.12047446,
               1.15422813, 1.14239235, 1.21216427, 1.23785468]  # fmt: skip
    assert path == pytest.approx(printed, abs=5.1e-9)


def test_adaptive_stakes_have_the_published_path() -> None:
    path = EProcess(0.05, prior_days=4, prior_square=0.0625).wealth_path(RETURNS)
    printed = [1, 1, 0.95, 1.11580096, 1.19390702, 1.06257725, 1.22196384, 1.33194058,
               1.29198237, 1.52453919, 1.61601154]  # fmt: skip
    assert path == pytest.approx(printed, abs=5.1e-9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1.3, 2.0), max_size=25))
def test_adaptive_wealth_equals_its_definition(x: list[float]) -> None:
    path = EProcess(1.0).wealth_path(x)
    assert path == pytest.approx(adaptive_wealth(x, 20.0, 0.1, 0.5), rel=1e-9, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(OUTCOMES, max_size=25))
def test_mixture_wealth_equals_the_mean_of_products(x: list[float]) -> None:
    path = EProcess(1.0, stakes=MIXTURE).wealth_path(x)
    assert path == pytest.approx(mixture_wealth(x, MIXTURE), rel=1e-9)


@pytest.mark.parametrize("leg", LEGS[:1] + LEGS[4:])
@pytest.mark.parametrize("size", [0.25, 1.0])
def test_under_a_fair_coin_no_rule_of_betting_earns(leg: dict[str, Any], size: float) -> None:
    """All 2^10 paths: mean wealth stays 1, and it is never negative."""
    process = EProcess(1.0, **leg)
    paths = np.array([
        process.wealth_path(x) for x in itertools.product((-size, size), repeat=10)
    ])  # fmt: skip
    assert (paths >= 0.0).all()
    assert paths.mean(axis=0) == pytest.approx(np.ones(11), rel=1e-12)


def test_under_a_losing_coin_mean_wealth_never_rises() -> None:
    process, up = EProcess(1.0), 0.4
    tosses = list(itertools.product((0, 1), repeat=10))
    chance = np.array([up ** sum(t) * (1 - up) ** (10 - sum(t)) for t in tosses])
    paths = np.array([process.wealth_path([2.0 * x - 1.0 for x in t]) for t in tosses])
    assert (np.diff(chance @ paths) <= 1e-12).all()


@pytest.mark.parametrize("alpha", [0.5, 0.2, 0.05])
def test_ever_reaching_one_over_alpha_has_at_most_that_chance(alpha: float) -> None:
    process = EProcess(1.0, prior_days=1.0, prior_square=0.2, cap=0.9)
    peaks = [
        process.advance(process.start(), x).peak
        for x in itertools.product((-1.0, 1.0), repeat=11)
    ]  # fmt: skip
    reached = np.mean(np.array(peaks) >= 1.0 / alpha)
    assert 0.0 < reached <= alpha


def test_under_a_sharpe_ratio_at_its_bound_mean_wealth_never_rises() -> None:
    """A two-point return of mean 0.2 and deviation 1: its Sharpe ratio is the bound itself."""
    process = EProcess(1.0, leg="sharpe", above=0.2)
    paths = np.array([
        process.wealth_path(x) for x in itertools.product((-0.8, 1.2), repeat=10)
    ])  # fmt: skip
    assert (np.diff(paths.mean(axis=0)) <= 1e-12).all()


def test_under_a_profit_factor_at_its_bound_mean_wealth_stays() -> None:
    process = EProcess(1.0, leg="profit_factor", above=1.5)
    paths = np.array([
        process.wealth_path(x) for x in itertools.product((-0.4, 0.6), repeat=10)
    ])  # fmt: skip
    assert paths.mean(axis=0) == pytest.approx(np.ones(11), rel=1e-12)


@pytest.mark.parametrize(
    ("leg", "above", "value"),
    [("mean", 0.0, -0.0501), ("mean", 0.01, -0.0501), ("profit_factor", 1.2, -0.0501),
     ("sharpe", 0.1, -0.0501), ("sharpe", 2.0, 10.0)],
)  # fmt: skip
def test_an_outcome_below_the_floor_ruins_for_good(leg: Any, above: float, value: float) -> None:
    process = EProcess(0.05, leg=leg, above=above)
    state = process.advance(process.start(), (*RETURNS, value, *RETURNS))
    assert state.wealth == 0.0
    assert state.ruined_on == 11


def test_a_loss_of_exactly_the_limit_does_not_ruin() -> None:
    state = EProcess(0.05).step(EvidenceState(), -0.05)
    assert state.ruined_on is None
    assert state.wealth == 1.0


def test_evidence_gained_before_ruin_stays_in_the_p_value() -> None:
    process = EProcess(1.0, stakes=(0.5,))
    state = process.advance(process.start(), [1.0] * 8 + [-2.0])
    assert state.wealth == 0.0
    assert state.p_value == 1.0 / 1.5**8


def test_wealth_beyond_the_range_of_numbers_stays_finite() -> None:
    process = EProcess(1.0)
    state = process.advance(process.start(), [1e150] * 6)
    assert math.isfinite(state.wealth)
    assert state.p_value > 0.0


@settings(max_examples=60, deadline=None)
@given(st.lists(OUTCOMES, min_size=1, max_size=20), st.sampled_from(LEGS))
def test_wealth_is_never_negative_and_the_p_value_never_rises(
    x: list[float], leg: dict[str, Any]
) -> None:
    process = EProcess(1.0, **leg)
    states = list(itertools.accumulate(x, process.step, initial=process.start()))
    assert all(state.wealth >= 0.0 for state in states)
    p = [state.p_value for state in states]
    assert p == sorted(p, reverse=True)
    assert p[-1] == min(1.0, 1.0 / max(state.wealth for state in states))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1.1, 3.0), max_size=20), st.integers(0, 20), st.sampled_from(LEGS))
def test_resuming_from_json_equals_the_whole_path(
    x: list[float], cut: int, leg: dict[str, Any]
) -> None:
    process = EProcess(1.0, **leg)
    first = process.advance(process.start(), x[:cut])
    kept = json.loads(json.dumps(first.to_dict(), allow_nan=False))
    resumed = process.advance(EvidenceState.from_dict(kept), x[cut:])
    assert resumed == process.advance(process.start(), x)
    assert resumed.wealth == process.wealth_path(x)[-1]


@settings(max_examples=40, deadline=None)
@given(st.lists(OUTCOMES, max_size=15), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_higher_bound_never_leaves_more_wealth_to_the_same_stake(
    x: list[float], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    held = [EProcess(1.0, stakes=(0.4,), above=above).wealth_path(x)[-1] for above in (low, high)]
    assert held[1] <= held[0] * (1.0 + 1e-9)


@pytest.mark.parametrize(("sharpe", "years"), [(1, 6.0), (2, 1.5), (3, 0.67), (5, 0.24)])
def test_the_budget_of_evidence_is_as_published(sharpe: float, years: float) -> None:
    assert years_to_reach(20.0, sharpe) == pytest.approx(years, abs=0.01)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"loss_limit": 0.0}, "loss_limit: got 0.0; allowed: a number above 0"),
        ({"loss_limit": 1.0, "cap": 1.0}, "cap: got .*below 1"),
        ({"loss_limit": 1.0, "stakes": ()}, "stakes: got .*below 1"),
        ({"loss_limit": 1.0, "leg": "sharp"}, "leg: got sharp; .*Did you mean 'sharpe'"),
        ({"loss_limit": 1.0, "leg": "profit_factor"}, "above: got 0.0"),
    ],
)
def test_impossible_settings_are_refused(given: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        EProcess(**given)


def test_a_return_that_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="return 3: got nan; allowed: a finite number"):
        EProcess(1.0).wealth_path([0.1, 0.2, math.nan])


def test_a_state_of_other_stakes_is_refused() -> None:
    with pytest.raises(InputError, match="got 1 stakes; allowed: 6"):
        EProcess(1.0, stakes=MIXTURE).step(EvidenceState(), 0.1)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"days": 1.5}, "EvidenceState.days: got 1.5; allowed: a whole number"),
        ({"wealths": [-1.0]}, "EvidenceState.wealths: got .*from 0"),
        ({"wealths": []}, "EvidenceState.wealths"),
        ({"wealths": 2.0}, "allowed: a list of numbers"),
        ({"sum_x": "many"}, "EvidenceState.sum_x: got many; allowed: a number"),
        ({"peak": 0.5}, "EvidenceState.peak: got 0.5"),
        ({"peak": 2.0, "wealths": [3.0]}, "EvidenceState.peak: got 2.0"),
        ({"ruined_on": "never"}, "a whole number or null"),
        ({"more": 1}, "EvidenceState: got .*more"),
    ],
)
def test_a_damaged_state_is_refused(change: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        EvidenceState.from_dict({**EvidenceState().to_dict(), **change})


@pytest.mark.parametrize(("threshold", "sharpe"), [(1.0, 2.0), (20.0, 0.0), (20.0, -1.0)])
def test_evidence_that_never_comes_has_no_budget(threshold: float, sharpe: float) -> None:
    with pytest.raises(InputError, match=r"threshold|sharpe_annual"):
        years_to_reach(threshold, sharpe)
