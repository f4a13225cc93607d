"""Exits by the clock and by gates: hold, rearm, opposite gates, hazard, weekend, latency.

10,000 EUR_USD without spread in a USD account: a pip is 1.00.
"""

import math

import pytest
from tests.unit.core.builders import MINUTE, T0, Desk, at, bar, gate, limits, rules

from hotband.core import codes
from hotband.core import records as r

PRICE = 1.1000


def _walk(desk: Desk, first: int, last: int, price: float = PRICE) -> None:
    """Bars without a gate at minutes ``first`` to ``last``."""
    for i in range(first, last + 1):
        desk.step(bar(at(i), price))


def test_a_hold_ends_at_its_minute_without_any_new_gate() -> None:
    desk = Desk(rules(hold=5 * MINUTE))
    desk.enter(PRICE)
    _walk(desk, 1, 4)
    assert len(desk.trades) == 0
    desk.step(bar(at(5), (1.1007, 1.1050, 1.0900, 1.1000)))
    assert (desk.trade.t, desk.trade.price) == (at(5), 1.1007)
    assert (desk.trade.reason, round(float(desk.trade.gross), 6)) == (codes.HOLD_EXPIRY, 7.0)


def test_a_hold_that_ends_where_bars_are_missing_ends_at_the_next_bar() -> None:
    desk = Desk(rules(hold=5 * MINUTE))
    desk.enter(PRICE)
    _walk(desk, 1, 3)
    desk.step(bar(at(9), 1.0980))
    assert (desk.trade.t, desk.trade.price) == (at(9), 1.0980)


def test_a_new_gate_does_not_prolong_a_hold_unless_rearm_says_so() -> None:
    for rearm, end in ((0, 5), (1, 8)):
        desk = Desk(rules(hold=5 * MINUTE, rearm=rearm))
        desk.enter(PRICE)
        _walk(desk, 1, 2)
        for i in range(3, 9):
            _, code, units = desk.step(bar(at(i), PRICE), gate(at(3)))
            if i == 3:
                assert units == 0
                assert code == (codes.GATE_USED if rearm else codes.MAX_STACK_LIMIT)
        assert desk.trades[0].t == at(end)
        desk.end()
        # The gate that rearmed is counted as such; without rearm it enters after the exit.
        assert desk.book.refusals[codes.HOLD_REARMED] == rearm
        assert len(desk.opened) == (1 if rearm else 2)


def test_the_gate_that_opened_a_ticket_does_not_rearm_it() -> None:
    desk = Desk(rules(hold=5 * MINUTE, rearm=1))
    for i in range(6):
        desk.step(bar(at(i), PRICE), gate(T0))
    assert desk.trade.t == at(5)


def test_an_exit_with_a_latency_of_one_bar_fills_one_bar_later() -> None:
    # Gate at 0, in at 1 (1.1001), hold 5 passes at 6, out at 7 (1.1007): +6.
    desk = Desk(rules(hold=5 * MINUTE, latency=MINUTE))
    for i in range(8):
        desk.step(bar(at(i), round(PRICE + i * 1e-4, 4)), gate(T0))
    assert (desk.opened[0].t, desk.opened[0].price) == (at(1), 1.1001)
    assert (desk.trade.t, desk.trade.price) == (at(7), 1.1007)
    assert round(float(desk.trade.gross), 6) == 6.0


@pytest.mark.parametrize(
    ("above", "hazard", "leaves"),
    [(1, 0.69, False), (1, 0.70, True), (0, 0.71, False), (0, 0.70, True), (1, math.nan, False)],
)
def test_hazard_past_its_threshold_closes_whatever_else_the_gate_says(
    above: int, hazard: float, leaves: bool
) -> None:
    # The gate of bar 2 fails admission (hazard_max 0.5 or 1 repetition): it closes all the same.
    desk = Desk(rules(hazard_exit=0.70, hazard_exit_above=above, min_reps=2))
    desk.step(bar(T0, PRICE), gate(T0, hazard=0.5 if above else 0.9))
    desk.step(bar(at(1), 1.1010), gate(at(1), hazard=hazard, reps=1))
    assert len(desk.trades) == int(leaves)
    if leaves:
        assert (desk.trade.reason, desk.trade.price) == (codes.HAZARD_EXIT, 1.1010)


def test_a_stale_gates_hazard_closes_nothing() -> None:
    desk = Desk(rules(hazard_exit=0.70, hazard_exit_above=1, max_age=10 * MINUTE))
    desk.step(bar(T0, PRICE), gate(T0))
    desk.step(bar(at(20), PRICE), gate(at(9), hazard=0.9, reps=0))
    assert len(desk.trades) == 0
    desk.step(bar(at(21), PRICE), gate(at(11), hazard=0.9))  # exactly max_age old: still live
    assert desk.trade.reason == codes.HAZARD_EXIT


def test_an_opposite_gate_is_ignored_by_default() -> None:
    desk = Desk(rules())
    desk.enter(PRICE)
    _, code, _ = desk.step(bar(at(1), 1.1010), gate(at(1), -1))
    assert (code, len(desk.trades)) == (codes.OPPOSITE_SIDE_BLOCKED, 0)
    desk.end()
    assert desk.book.refusals[codes.OPPOSITE_SIDE_BLOCKED] == 1


def test_an_opposite_gate_closes_where_asked_and_opens_nothing() -> None:
    desk = Desk(rules(opposite=r.OPPOSITE_CLOSE))
    desk.enter(PRICE)
    for i in (1, 2):
        desk.step(bar(at(i), 1.1010), gate(at(1), -1))
    assert (desk.trade.t, desk.trade.reason) == (at(1), codes.OPPOSITE_GATE)
    assert (len(desk.opened), desk.book.n) == (1, 0)
    desk.end()
    assert desk.book.refusals[codes.OPPOSITE_SIDE_CLOSED] == 1


def test_an_opposite_gate_reverses_at_one_open_where_asked() -> None:
    # Long 1.1000 -> 1.1010 = +10, then short at 1.1010, at the same open.
    desk = Desk(rules(opposite=r.OPPOSITE_REVERSE, max_stack=2, cooldown=MINUTE))
    desk.enter(PRICE)
    desk.step(bar(at(1), 1.1010), gate(at(1), -1))
    assert (desk.trade.reason, round(float(desk.trade.gross), 6)) == (codes.OPPOSITE_GATE, 10.0)
    assert (desk.book.side, desk.book.n, desk.book.units) == (-1, 1, 10_000)
    assert (desk.opened[1].t, desk.opened[1].price) == (at(1), 1.1010)


def test_a_reversal_is_sized_as_if_the_position_were_closed() -> None:
    # 900,000 at 2 % use 19,800 of 20,000: the reverse needs the whole margin again.
    desk = Desk(rules(opposite=r.OPPOSITE_REVERSE, max_units=900_000), balance=20_000.0)
    desk.enter(PRICE)
    desk.step(bar(at(1), PRICE), gate(at(1), -1))
    assert (desk.book.side, desk.book.units) == (-1, 900_000)


def test_a_reversal_with_latency_closes_and_opens_at_the_later_bar() -> None:
    desk = Desk(rules(opposite=r.OPPOSITE_REVERSE, latency=MINUTE))
    for i, live in enumerate((gate(at(0)), gate(at(0)), gate(at(2), -1), gate(at(2), -1))):
        desk.step(bar(at(i), round(PRICE + i * 1e-4, 4)), live)
    assert (desk.trade.t, desk.trade.price) == (at(3), 1.1003)
    assert (desk.opened[1].t, desk.opened[1].side) == (at(3), -1)


@pytest.mark.parametrize("flat", [0, 1])
def test_weekend_flat_closes_at_the_first_flatten_bar_where_asked(flat: int) -> None:
    desk = Desk(rules(flat_weekend=flat))
    desk.enter(PRICE)
    desk.step(bar(at(1), 1.0995, marks=r.IN_SESSION | r.WEEK_END | r.FLATTEN))
    found = [(int(x.t), float(x.price), int(x.reason)) for x in desk.trades]
    assert found == [(at(1), 1.0995, codes.WEEKEND_FLAT)] * flat


def _still_exits(desk: Desk) -> None:
    desk.enter(PRICE)
    desk.limits["halts"] = 1
    mask, _, _ = desk.step(bar(at(1), PRICE), gate(at(1)))
    assert mask == 1 << codes.KILL_SWITCH


def test_the_kill_switch_stops_entries_and_no_exit() -> None:
    hold = Desk(rules(hold=2 * MINUTE, max_stack=2))
    stop = Desk(rules(stop_abs=0.0020, max_stack=2))
    hazard = Desk(rules(hazard_exit=0.9, hazard_exit_above=1, max_stack=2))
    weekend = Desk(rules(flat_weekend=1, max_stack=2))
    closeout = Desk(rules(max_stack=2), balance=300.0, limit=limits(closeout=0.5))
    for desk in (hold, stop, hazard, weekend, closeout):
        _still_exits(desk)
    hold.step(bar(at(2), PRICE), gate(at(2)))
    stop.step(bar(at(2), 1.0970), gate(at(2)))
    hazard.step(bar(at(2), PRICE), gate(at(2), hazard=0.95))
    weekend.step(bar(at(2), PRICE, marks=r.IN_SESSION | r.FLATTEN), gate(at(2)))
    closeout.step(bar(at(2), 1.0800), gate(at(2)))  # 300 - 200 = 100 < 108
    found = [int(desk.trade.reason) for desk in (hold, stop, hazard, weekend, closeout)]
    assert found == [
        codes.HOLD_EXPIRY, codes.STOP_LOSS, codes.HAZARD_EXIT, codes.WEEKEND_FLAT,
        codes.MARGIN_CLOSEOUT,
    ]  # fmt: skip
    for desk in (hold, stop, hazard, weekend, closeout):
        assert len(desk.opened) == 1


@pytest.mark.parametrize("marks", [0, r.IN_SESSION | r.SESSION_EXIT, r.IN_SESSION | r.CLOSED_BAR])
def test_exits_work_outside_the_session_and_at_its_end(marks: int) -> None:
    desk = Desk(rules(hold=MINUTE))
    desk.enter(PRICE)
    desk.step(bar(at(1), PRICE, marks=marks), gate(at(1)))
    assert (desk.trade.reason, len(desk.opened)) == (codes.HOLD_EXPIRY, 1)


def test_stacked_tickets_expire_one_by_one() -> None:
    desk = Desk(rules(hold=5 * MINUTE, max_stack=2))
    desk.enter(PRICE)
    _walk(desk, 1, 1)
    desk.step(bar(at(2), 1.1010), gate(at(2)))
    _walk(desk, 3, 7, 1.1020)
    assert [(int(x.t), int(x.entry_t)) for x in desk.trades] == [(at(5), T0), (at(7), at(2))]
    assert [round(float(x.gross), 6) for x in desk.trades] == [20.0, 10.0]


def test_an_opposite_gate_closes_even_where_the_kill_switch_stops_entries() -> None:
    for opposite in (r.OPPOSITE_CLOSE, r.OPPOSITE_REVERSE):
        desk = Desk(rules(opposite=opposite))
        desk.enter(PRICE)
        desk.limits["halts"] = 1
        desk.step(bar(at(1), PRICE), gate(at(1), -1))
        assert desk.trade.reason == codes.OPPOSITE_GATE
        assert desk.account.positions == 0


def test_a_kill_switch_cancels_an_order_on_its_way() -> None:
    desk = Desk(rules(latency=2 * MINUTE))
    desk.step(bar(T0, PRICE), gate(T0))
    desk.limits["halts"] = 1
    for i in (1, 2, 3):
        desk.step(bar(at(i), PRICE), gate(T0))
    desk.end()
    assert (desk.book.planned, desk.book.filled, desk.account.orders) == (1, 0, 0)
    assert desk.book.refusals[codes.KILL_SWITCH] == 1


def test_nothing_is_opened_at_the_open_that_closed_the_account_out() -> None:
    # 10,000 at 50 % in 6,000: at 0.66 the NAV is 6,000 - 4,400 = 1,600, half of the margin
    # 10,000 x 0.66 x 0.5 / 2 = 1,650. All is closed at that open and the fresh gate stays out.
    all_of_it = limits(closeout=0.5)
    desk = Desk(rules(margin_rate=0.5, max_stack=2), balance=6_000.0, limit=all_of_it)
    desk.enter(PRICE)
    _, code, _ = desk.step(bar(at(1), 0.6600), gate(at(1)))
    assert desk.trade.reason == codes.MARGIN_CLOSEOUT
    assert (code, desk.account.positions) == (codes.MARGIN_CLOSEOUT, 0)
