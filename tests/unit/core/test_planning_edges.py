"""Orders at their limits: what a gate may do to a position, and what an order needs when due.

Prices are binary fractions, so that money is exact.
"""

import pytest
from tests.unit.core.builders import MINUTE, T0, Desk, at, bar, gate, limits, rules

from hotband.core import codes
from hotband.core import records as r

PRICE = 1.125
OUTSIDE = {"marks": 0}


def test_a_reversal_needs_no_place_that_its_own_ticket_leaves() -> None:
    desk = Desk(rules(opposite=r.OPPOSITE_REVERSE), limit=limits(max_positions=1))
    desk.enter(PRICE)
    desk.step(bar(at(1), PRICE), gate(at(1), -1))
    assert (desk.book.side, len(desk.trades), desk.account.positions) == (-1, 1, 1)


def test_a_reversal_that_may_not_enter_leaves_the_position_alone() -> None:
    desk = Desk(rules(opposite=r.OPPOSITE_REVERSE, cooldown=2 * MINUTE))
    desk.enter(PRICE)
    _, code, _ = desk.step(bar(at(1), PRICE), gate(at(1), -1))
    assert (code, desk.book.side, len(desk.trades)) == (codes.COOLDOWN_ACTIVE, 1, 0)
    desk.step(bar(at(2), PRICE), gate(at(1), -1))
    assert (desk.book.side, len(desk.trades)) == (-1, 1)


@pytest.mark.parametrize("marks", [r.IN_SESSION, 0])
def test_an_opposite_gate_that_is_to_be_ignored_closes_nothing(marks: int) -> None:
    desk = Desk(rules())
    desk.enter(PRICE)
    desk.step(bar(at(1), PRICE, marks=marks), gate(at(1), -1))
    assert (len(desk.trades), desk.book.side) == (0, 1)


@pytest.mark.parametrize("opposite", [r.OPPOSITE_CLOSE, r.OPPOSITE_REVERSE])
@pytest.mark.parametrize(
    "live",
    [
        gate(at(10), -1, reps=1),  # below the least repetitions
        gate(at(4), -1),  # six minutes old where five are allowed
    ],
)
def test_an_opposite_gate_that_fails_a_threshold_or_is_stale_closes_nothing(
    opposite: int, live: r.Records
) -> None:
    desk = Desk(rules(opposite=opposite, min_reps=2, max_age=5 * MINUTE))
    desk.enter(PRICE)
    desk.step(bar(at(10), PRICE), live)
    assert (len(desk.trades), desk.book.side) == (0, 1)


@pytest.mark.parametrize("opposite", [r.OPPOSITE_CLOSE, r.OPPOSITE_REVERSE])
def test_a_close_that_an_opposite_gate_asks_for_waits_for_the_latency(opposite: int) -> None:
    desk = Desk(rules(opposite=opposite, latency=MINUTE))
    for i, live in enumerate((gate(at(0)), gate(at(0)), gate(at(2), -1))):
        desk.step(bar(at(i), PRICE), live)
    assert (desk.book.n, len(desk.trades)) == (1, 0)
    desk.step(bar(at(3), PRICE), gate(at(2), -1))
    assert (desk.trade.t, desk.trade.reason) == (at(3), codes.OPPOSITE_GATE)


def test_a_gate_that_closed_outside_the_session_does_not_enter_inside_it() -> None:
    desk = Desk(rules(opposite=r.OPPOSITE_REVERSE))
    desk.enter(PRICE)
    opposite = gate(at(1), -1)
    desk.step(bar(at(1), PRICE, marks=0), opposite)
    _, code, _ = desk.step(bar(at(2), PRICE), opposite)
    assert (desk.trade.reason, code, len(desk.opened)) == (
        codes.OPPOSITE_GATE, codes.GATE_USED, 1,
    )  # fmt: skip


def test_only_an_admitted_gate_starts_the_hold_again() -> None:
    desk = Desk(rules(hold=5 * MINUTE, rearm=1))
    desk.enter(PRICE)
    desk.step(bar(at(3), PRICE, marks=0), gate(at(3)))
    desk.step(bar(at(5), PRICE))
    assert (desk.trade.t, desk.trade.reason) == (at(5), codes.HOLD_EXPIRY)


def test_a_gate_that_finds_room_for_a_ticket_starts_no_hold_again() -> None:
    # Room for two: the gate of minute 3 enters, the one of minute 4 starts both holds again.
    for renewed, ends in ((False, [at(5), at(8)]), (True, [at(9), at(9)])):
        desk = Desk(rules(hold=5 * MINUTE, rearm=1, max_stack=2))
        desk.enter(PRICE)
        desk.step(bar(at(3), PRICE), gate(at(3)))
        assert desk.book.n == 2
        for i in range(4, 10):
            desk.step(bar(at(i), PRICE), gate(at(4)) if renewed and i == 4 else None)
        assert desk.trades["t"].tolist() == ends


def test_the_shortest_hold_there_is_ends_at_the_next_bar() -> None:
    desk = Desk(rules(hold=1))
    desk.enter(PRICE)
    desk.step(bar(at(1), PRICE))
    assert desk.trade.reason == codes.HOLD_EXPIRY


@pytest.mark.parametrize("latency", [0, MINUTE])
def test_weekend_flat_waits_for_its_bars_and_for_the_latency(latency: int) -> None:
    desk = Desk(rules(flat_weekend=1, latency=latency))
    marks = (0, 0, 0, r.FLATTEN, r.FLATTEN)
    for i, mark in enumerate(marks):
        desk.step(bar(at(i), PRICE, marks=r.IN_SESSION | mark), gate(T0))
    assert (desk.trade.t, desk.trade.reason) == (at(3) + latency, codes.WEEKEND_FLAT)


@pytest.mark.parametrize("key", [1, 2, 2**40])
def test_any_key_but_none_is_used_once(key: int) -> None:
    desk = Desk(rules(hold=MINUTE))
    found = [desk.step(bar(at(i), PRICE), gate(at(i), key=key))[1] for i in range(2)]
    assert found == [codes.OK, codes.DUPLICATE_SIGNAL]


@pytest.mark.parametrize("side", [1, -1])
def test_an_order_takes_all_that_it_is_about_from_its_gate_to_its_trade(side: int) -> None:
    desk = Desk(rules(latency=MINUTE, hold=2 * MINUTE))
    desk.step(bar(T0, PRICE), gate(T0, side, key=7, synthetic=1))
    for i in range(1, 5):
        desk.step(bar(at(i), PRICE), gate(at(i), side, key=90 + i))
    for row in (desk.opened[0], desk.trades[0]):
        assert (row.gate, row.key, row.synthetic, row.side, row.units) == (T0, 7, 1, side, 10_000)
    assert (desk.opened[0].t, desk.opened[0].reason) == (at(1), codes.BROKER_MAX_UNITS)


def _due(balance: float, price: float, *, max_units: float, margin_rate: float) -> Desk:
    """A short at 1.0 and a second order of its kind that is due when the bid is ``price``."""
    own = rules(latency=MINUTE, max_stack=2, max_units=max_units, margin_rate=margin_rate)
    desk = Desk(own, balance=balance)
    for i in range(2):
        desk.step(bar(at(i), 1.0), gate(at(i), -1))
    assert (desk.book.n, desk.book.order_side) == (1, -1)
    desk.step(bar(at(2), price))
    return desk


@pytest.mark.parametrize(
    ("balance", "price", "tickets"),
    [
        (500.0, 1.0, 2),  # 250 held, 250 left, 250 needed
        (500.0, 1.25, 1),  # NAV 375 less 312.5 held is less than the 312.5 needed
        (531.25, 1.0625, 1),  # NAV 500 less 265.625 held is less than the 265.625 needed
    ],
)
def test_an_order_due_is_filled_from_the_margin_left_to_the_last_cent(
    balance: float, price: float, tickets: int
) -> None:
    # 500 units at a margin of one half; the short loses 500 for each dollar that the price rises.
    desk = _due(balance, price, max_units=500.0, margin_rate=0.5)
    assert desk.book.n == tickets
    assert desk.book.refusals[codes.MARGIN_BUDGET] == 2 - tickets


@pytest.mark.parametrize(
    ("balance", "tickets"),
    [(1_250.0, 1), (1_250.5, 2)],
)
def test_an_order_due_needs_an_account_of_any_value(balance: float, tickets: int) -> None:
    # 10,000 sold at 1.0 have lost 1,250 at 1.125: nothing or half a dollar is left.
    desk = _due(balance, 1.125, max_units=10_000.0, margin_rate=2**-20)
    assert desk.book.n == tickets
    assert desk.book.refusals[codes.NAV_NOT_POSITIVE] == 2 - tickets
