"""The decision at its exact limits, and the numbers that it shows."""

import dataclasses
from typing import Any

import pytest
from tests.unit.roster.roster_weeks import codes_of, decided, week_of

from hotband.roster.decay import Cusum, CusumState
from hotband.roster.decision import RosterState, Stage
from hotband.roster.evidence import EvidenceState
from hotband.roster.policy import decide
from hotband.roster.settings import RosterSettings
from hotband.roster.week import Promise

PROMISE = Promise(weekly_mean=0.006, weekly_sd=0.0144)


def at(stage: Stage, **changes: Any) -> RosterState:
    return RosterState(instrument="EUR_USD", stage=stage, **changes)


def test_the_cusum_counts_a_weeks_net_in_promised_deviations() -> None:
    _, (decision,) = decided("b", at("active", promise=PROMISE), net=-0.0288)
    threshold = decision.evidence.cusum_threshold
    assert threshold is not None
    expected = Cusum(PROMISE.allowance, threshold).step(CusumState(), -2.0).value
    assert decision.evidence.cusum == pytest.approx(expected)
    # Two deviations below nothing, and k = 0.006 / 0.0288 more below the promise's half.
    assert decision.evidence.cusum == pytest.approx(2.0 + 0.006 / 0.0288)


def test_a_promise_of_which_half_is_the_loss_limit_rests_the_detector() -> None:
    """0.2 a week is 0.02 as half of a day's mean: no room between floor and ceiling."""
    _, (decision,) = decided("b", at("active", promise=Promise(0.2, 0.1)))
    assert "detector_rests" in codes_of(decision)
    assert decision.evidence.detector is None
    assert decision.evidence.detector_threshold is None


def test_a_watched_instrument_shows_the_detectors_number_and_limit() -> None:
    state = at("active", promise=PROMISE)
    after, (decision,) = decided("b", state, returns=(0.001, -0.002))
    assert "detector_calm" in codes_of(decision)
    assert decision.evidence.detector == after.detector.value
    assert decision.evidence.detector_threshold == 260.0


def test_an_instrument_that_waits_shows_no_detector() -> None:
    _, (decision,) = decided("b", at("candidate", promise=PROMISE), returns=(0.001,))
    assert decision.evidence.detector is None
    assert decision.evidence.detector_threshold is None
    assert decision.evidence.cusum is None


def test_evidence_exactly_at_its_threshold_is_enough() -> None:
    state = at("candidate", evidence=EvidenceState(40, (20.0,), 20.0, 20.0, 20.0, peak=20.0))
    _, (decision,) = decided("b", state)
    assert decision.stage.after == "active"


@pytest.mark.parametrize(
    ("peak", "code", "missing"),
    [(25.0, "evidence_reached", "evidence_short"), (3.0, "evidence_short", "evidence_reached")],
)
def test_what_the_evidence_came_to_is_said_with_its_threshold(
    peak: float, code: str, missing: str
) -> None:
    state = at("candidate", evidence=EvidenceState(9, (3.0,), 3.0, 3.0, 3.0, peak=peak))
    _, (decision,) = decided("b", state)
    assert code in codes_of(decision)
    assert missing not in codes_of(decision)
    said = next(why for why in decision.reasons if why.code == code)
    assert (said.value, said.limit) == (peak, 20.0)


@pytest.mark.parametrize(("kinds", "sizes"), [("p", [1.0]), ("ff", [1.0, 0.0])])
def test_where_the_rule_acts_an_instrument_is_wholly_in_or_out(
    kinds: str, sizes: list[float]
) -> None:
    _, decisions = decided(kinds, at("active"), RosterSettings(promotion="rule"))
    assert [decision.size_x for decision in decisions] == sizes


@pytest.mark.parametrize(("gap", "weeks"), [(1, None), (2, 1), (8, 7), (60, 59)])
def test_the_weeks_between_two_decisions_are_counted(gap: int, weeks: int | None) -> None:
    state, _ = decide(at("active"), week_of("b", 0))
    _, decision = decide(state, week_of("b", gap))
    said = [why.value for why in decision.reasons if why.code == "weeks_skipped"]
    assert said == ([] if weeks is None else [float(weeks)])


def test_the_first_promise_of_an_active_instrument_is_kept() -> None:
    other = dataclasses.replace(PROMISE, weekly_mean=0.001)
    state, _ = decide(at("active"), week_of("b", 0, promise=PROMISE))
    assert state.promise == PROMISE
    state, _ = decide(state, week_of("b", 1, promise=other))
    assert state.promise == PROMISE
