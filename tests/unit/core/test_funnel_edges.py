"""Every gate is counted once, at the furthest stage it reached and under its first reason."""

import pytest
from tests.unit.core.builders import MINUTE, T0, Desk, at, bar, gate, limits, rules

from hotband.core import codes
from hotband.core import records as r

PRICE = 1.125


def _funnel(desk: Desk) -> tuple[int, int, int, int, int]:
    book = desk.book
    return (int(book.gates), int(book.admitted), int(book.sized), int(book.planned),
            int(book.filled))  # fmt: skip


def _refused(desk: Desk) -> dict[int, int]:
    return {code: int(n) for code, n in enumerate(desk.book.refusals) if n}


@pytest.mark.parametrize(
    ("rule", "field", "funnel", "refused"),
    [
        ({}, {}, (1, 1, 1, 1, 1), {}),
        ({"min_reps": 6}, {}, (1, 0, 0, 0, 0), {codes.REPETITIONS_SHORT: 1}),
        ({"min_units": 1e6}, {}, (1, 1, 0, 0, 0), {codes.BROKER_MAX_UNITS: 1}),
        ({"latency": MINUTE}, {}, (1, 1, 1, 1, 0), {codes.WINDOW_ENDED: 1}),
        ({}, {"skipped": 2}, (3, 1, 1, 1, 1), {codes.GATE_SUPERSEDED: 2}),
    ],
)
def test_a_gate_is_counted_at_each_stage_that_it_reached(
    rule: dict[str, float], field: dict[str, float],
    funnel: tuple[int, ...], refused: dict[int, int],
) -> None:  # fmt: skip
    desk = Desk(rules(**rule))
    desk.step(bar(T0, PRICE), gate(T0, 1, **field))
    desk.end()
    assert (_funnel(desk), _refused(desk)) == (funnel, refused)


def test_gates_one_after_the_other_are_counted_each_for_itself() -> None:
    # Filled, kept out by the position, refused, filled after the hold.
    desk = Desk(rules(hold=3 * MINUTE, min_reps=2))
    for i, reps in enumerate((5, 5, 1, 5)):
        desk.step(bar(at(i), PRICE), gate(at(i), reps=reps))
    desk.end()
    assert _funnel(desk) == (4, 3, 3, 2, 2)
    assert _refused(desk) == {codes.MAX_STACK_LIMIT: 1, codes.REPETITIONS_SHORT: 1}


def test_the_first_reason_of_the_gating_stays() -> None:
    desk = Desk()
    desk.step(bar(T0, PRICE, marks=r.IN_SESSION | r.HOLIDAY_BAR), gate(T0))
    desk.step(bar(at(1), PRICE, marks=0), gate(T0))
    desk.end()
    assert _refused(desk) == {codes.HOLIDAY: 1}


def test_the_first_limit_of_the_sizing_stays() -> None:
    # Volatility unknown at first, then exposure for fewer units than the least.
    desk = Desk(rules(vol_target=0.01, exposure=0.5, min_units=9_000, max_units=1e9))
    desk.step(bar(T0, PRICE), gate(T0))
    desk.step(bar(at(1), PRICE, vol=0.01), gate(T0))
    desk.end()
    assert (_funnel(desk), _refused(desk)) == ((1, 1, 0, 0, 0), {codes.VOLATILITY_UNKNOWN: 1})


def test_the_first_reason_of_the_planning_stays() -> None:
    # Too soon after the fill at first, then kept out by the open ticket.
    desk = Desk(rules(cooldown=2 * MINUTE))
    desk.enter(PRICE)
    found = [desk.step(bar(at(i), PRICE), gate(at(1)))[1] for i in (1, 2)]
    assert found == [codes.COOLDOWN_ACTIVE, codes.MAX_STACK_LIMIT]
    desk.end()
    assert (_funnel(desk), _refused(desk)) == ((2, 2, 2, 1, 1), {codes.COOLDOWN_ACTIVE: 1})


def test_a_reason_of_a_later_stage_takes_the_place_of_an_earlier_one() -> None:
    # Outside the session, then fewer units than the least, then too many tickets.
    desk = Desk(rules(min_units=20_000), rules(base_ccy=2), limit=limits(max_positions=1))
    for i, marks in enumerate((0, r.IN_SESSION)):
        desk.step(bar(at(i), PRICE, marks=marks), gate(T0))
    assert desk.book.gate_code == codes.BROKER_MAX_UNITS
    desk.step(bar(at(1), PRICE), gate(at(1)), k=1)
    desk.step(bar(at(2), PRICE), gate(T0))
    desk.end()
    assert (_funnel(desk), _refused(desk)) == ((1, 1, 1, 0, 0), {codes.MAX_TOTAL_POSITIONS: 1})


def test_a_gate_that_has_entered_is_lost_for_no_reason_that_comes_later() -> None:
    desk = Desk()
    desk.enter(PRICE)
    desk.step(bar(at(1), PRICE, marks=0), gate(T0))
    desk.end()
    assert (_funnel(desk), _refused(desk)) == ((1, 1, 1, 1, 1), {})


def test_a_bar_without_a_gate_decides_nothing_and_counts_nothing() -> None:
    desk = Desk()
    assert desk.step(bar(T0, PRICE)) == (0, codes.OK, 0.0)
    desk.enter(PRICE, t=at(1))
    assert desk.step(bar(at(2), PRICE)) == (0, codes.OK, 0.0)
    desk.end()
    assert (_funnel(desk), _refused(desk)) == ((1, 1, 1, 1, 1), {})


def test_a_window_that_has_ended_does_not_end_again() -> None:
    desk = Desk(rules(min_reps=6))
    desk.step(bar(T0, PRICE), gate(T0))
    desk.end()
    desk.end()
    assert (desk.account.days, _refused(desk)) == (1, {codes.REPETITIONS_SHORT: 1})


def test_days_past_the_end_of_their_log_are_counted_and_not_written() -> None:
    desk = Desk()
    desk.day_log = r.empty(r.DAY, 2)
    for day in range(3):
        desk.step(bar(at(day * 24 * 60), PRICE))
    desk.end()
    assert desk.account.days == 3
    first = T0 // (24 * 60 * MINUTE)
    assert desk.day_log["day"].tolist() == [first, first + 1]
    assert desk.day_log["equity"].tolist() == [10_000.0, 10_000.0]
