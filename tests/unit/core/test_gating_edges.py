"""Limits of the gating include themselves; what is not asked for is not judged."""

import math

import pytest
from tests.unit.core.builders import MINUTE, T0, Desk, at, bar, gate, limits, rules

from hotband.core import codes
from hotband.core import records as r

PRICE = 1.1000
HIGH = codes.HAZARD_EXCEEDS_MAX
LOW = codes.HAZARD_BELOW_MIN
UNSURE = codes.REGIME_CONFIDENCE_LOW


@pytest.mark.parametrize(
    ("rule", "field", "inside", "outside", "code"),
    [
        ({"hazard_max": 0.5}, "hazard", 0.5, 0.5001, HIGH),
        ({"hazard_min": 0.5}, "hazard", 0.5, 0.4999, LOW),
        ({"min_reps": 3}, "reps", 3, 2, codes.REPETITIONS_SHORT),
        ({"regime_confidence_min": 0.5}, "regime_confidence", 0.5, 0.4999, UNSURE),
    ],
)
def test_a_limit_admits_the_value_that_it_names(
    rule: dict[str, float], field: str, inside: float, outside: float, code: int
) -> None:
    for value, mask in ((inside, 0), (outside, 1 << code)):
        found, _, _ = Desk(rules(**rule)).step(bar(T0, PRICE), gate(T0, 1, **{field: value}))
        assert found == mask


@pytest.mark.parametrize("slot", range(codes.N_GUARDS))
def test_a_guard_with_a_greatest_value_admits_it_and_refuses_more(slot: int) -> None:
    for value, mask in ((0.5, 0), (0.5001, 1 << (codes.GUARD_FIRST + 2 * slot))):
        own = rules(guards_on=1 << slot)
        own["guard_max"][0, slot] = 0.5
        seen = gate(T0)
        seen["metrics"][0, slot] = value
        found, _, _ = Desk(own).step(bar(T0, PRICE), seen)
        assert found == mask


def test_guards_that_fail_together_are_all_named() -> None:
    # Coherence (slot 0) is undefined, entropy (slot 2) too high: bits 9 and 12.
    own = rules(guards_on=0b101)
    own["guard_max"][0, 2] = 0.4
    seen = gate(T0)
    seen["metrics"][0, 0] = math.nan
    found, _, _ = Desk(own).step(bar(T0, PRICE), seen)
    assert found == 1 << 9 | 1 << 12


@pytest.mark.parametrize(("regime", "mask"), [(2, 0), (3, 1 << codes.REGIME_FILTERED)])
def test_a_regime_filter_admits_the_regimes_it_names(regime: int, mask: int) -> None:
    found, _, _ = Desk(rules(regimes_on=1 << 2)).step(bar(T0, PRICE), gate(T0, regime=regime))
    assert found == mask


def test_without_a_least_confidence_an_unknown_one_does_not_matter() -> None:
    seen = gate(T0, regime=2, regime_confidence=math.nan)
    found, _, _ = Desk(rules(regimes_on=1 << 2)).step(bar(T0, PRICE), seen)
    assert found == 0


@pytest.mark.parametrize("marks", [r.UP_MOVE, r.DOWN_MOVE])
@pytest.mark.parametrize("side", [1, -1])
def test_a_gate_with_a_side_keeps_it_whatever_the_last_move_was(side: int, marks: int) -> None:
    desk = Desk(rules(missing_direction=1))
    desk.step(bar(T0, PRICE, marks=r.IN_SESSION | marks), gate(T0, side))
    assert desk.book.side == side


def test_a_gate_without_side_stays_flat_where_nothing_moved() -> None:
    mask, _, _ = Desk(rules(missing_direction=1)).step(bar(T0, PRICE), gate(T0, 0))
    assert mask == 1 << codes.FLAT_DIRECTION


def test_a_bar_outside_the_session_is_not_at_its_end() -> None:
    mask, _, _ = Desk().step(bar(T0, PRICE, marks=r.SESSION_EXIT), gate(T0))
    assert mask == 1 << codes.SESSION_CLOSED


def test_the_calendar_the_age_and_a_halt_are_named_together() -> None:
    desk = Desk(rules(max_age=MINUTE), limit=limits(halts=r.HALT_LOSS))
    marks = r.WEEK_END | r.HOLIDAY_BAR | r.CLOSED_BAR
    mask, _, _ = desk.step(bar(at(2), PRICE, marks=marks), gate(T0))
    assert codes.names_in(mask) == [
        "gate_stale", "session_closed", "weekend_close", "holiday", "market_closed",
        "loss_breaker",
    ]  # fmt: skip


def test_a_gate_that_fails_for_several_reasons_is_counted_under_the_lowest() -> None:
    desk = Desk(rules(min_reps=6, hazard_max=0.4))
    desk.step(bar(T0, PRICE, marks=r.IN_SESSION | r.HOLIDAY_BAR), gate(T0, admit=0))
    desk.end()
    assert desk.book.refusals[codes.ADMIT_FALSE] == 1
    assert desk.book.refusals.sum() == 1
