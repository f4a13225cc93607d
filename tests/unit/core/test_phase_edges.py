"""The phases of one event: what is filled before what, ticket by ticket, and what is marked.

Prices are binary fractions, so that levels are met exactly and money is exact.
"""

import pytest
from tests.unit.core.builders import MINUTE, T0, Desk, at, bar, gate, limits, rules
from tests.unit.core.test_portfolio import walked

from hotband.core import codes
from hotband.core import records as r
from hotband.core.records import Records
from hotband.core.step import settle

Bids = tuple[float, float, float, float]
Times = list[list[tuple[Records, Records | None] | None]]


def _stacked(*entries: float, side: int = 1, **fields: float) -> Desk:
    """One ticket of 1,000 units at each of ``entries``, oldest first."""
    desk = Desk(rules(max_stack=len(entries), max_units=1_000.0, **fields))
    for i, price in enumerate(entries):
        desk.step(bar(at(i), price), gate(at(i), side))
    assert desk.book.n == len(entries)
    return desk


@pytest.mark.parametrize(
    ("bid", "prices", "inside"),
    [
        # Stops at 1.0 and 1.25, targets at 1.625 and 1.875.
        ((1.25, 1.375, 1.1875, 1.375), [1.25], [0]),  # opens on the second's stop
        ((1.1875, 1.375, 1.1875, 1.375), [1.1875], [0]),  # opens below it
        ((1.3125, 1.375, 1.25, 1.375), [1.25], [1]),  # falls to it
        ((1.6875, 1.6875, 1.5, 1.5), [1.625], [0]),  # opens beyond the first's target
        ((1.5, 1.625, 1.5, 1.5), [1.625], [1]),  # rises to it
        ((1.6875, 1.875, 1.625, 1.625), [1.625, 1.875], [0, 1]),
        ((0.9375, 1.0, 0.9375, 1.0), [0.9375, 0.9375], [0, 0]),
        ((1.3125, 1.375, 1.0, 1.0), [1.0, 1.25], [1, 1]),
    ],
)
def test_each_ticket_of_a_stack_has_its_own_levels(
    bid: Bids, prices: list[float], inside: list[int]
) -> None:
    desk = _stacked(1.25, 1.5, stop_abs=0.25, target_abs=0.375)
    desk.step(bar(at(2), bid))
    assert desk.trades["price"].tolist() == prices
    assert desk.trades["intrabar"].tolist() == inside
    assert (desk.book.n, desk.book.ambiguous) == (2 - len(prices), 0)


@pytest.mark.parametrize("side", [1, -1])
def test_each_ticket_of_a_stack_keeps_its_own_extremes_and_its_own_trail(side: int) -> None:
    # Bought (sold) at 1.0 and then a quarter lower (higher); best is a half above the first.
    first, second = 1.0, 1.0 - side * 0.25
    desk = _stacked(first, second, side=side, trail_abs=0.125)
    top = 1.0 + side * 0.5
    low = 1.0 - side * 0.375
    desk.step(bar(at(2), (second, max(low, second), min(low, second), second)))
    desk.step(bar(at(3), top))
    for i in range(2):
        assert (desk.book.tk_best[i], desk.book.tk_worst[i]) == (top, low)
        assert desk.book.tk_stop[i] == top - side * 0.125


@pytest.mark.parametrize(("best", "worst"), [(0.75, 1.25), (1.0, 1.0)])
def test_a_shorts_extremes_are_those_of_the_ask(best: float, worst: float) -> None:
    desk = Desk(rules(hold=2 * MINUTE))
    desk.enter(1.0 - 2**-10, -1, spread=2**-10)
    desk.step(bar(at(1), 0.875, (1.0, worst, best, 1.0)))
    desk.step(bar(at(2), 1.0 - 2**-10, spread=2**-10))
    assert (desk.trade.best, desk.trade.worst, desk.trade.price) == (best, worst, 1.0)


@pytest.mark.parametrize(
    ("price", "rule"),
    [
        (0.75, {"stop_abs": 0.125}),  # through the stop, which would be named
        (1.5, {"target_abs": 0.125}),  # beyond the target, whose price is worse
    ],
)
def test_a_market_exit_that_is_due_comes_before_a_gap(price: float, rule: dict[str, float]) -> None:
    desk = Desk(rules(hold=2 * MINUTE, latency=MINUTE, **rule))
    for i in range(4):
        desk.step(bar(at(i), 1.0), gate(T0))
    assert (desk.book.n, desk.book.exits_due) == (1, 1)
    desk.step(bar(at(4), price))
    assert (desk.trade.reason, desk.trade.price) == (codes.HOLD_EXPIRY, price)


@pytest.mark.parametrize("side", [1, -1])
def test_a_gap_comes_before_an_exit_that_is_only_decided_at_this_open(side: int) -> None:
    desk = Desk(rules(hold=MINUTE, stop_abs=0.125))
    desk.enter(1.0, side)
    desk.step(bar(at(1), 1.0 - side * 0.25))
    assert (desk.trade.reason, desk.trade.price) == (codes.STOP_LOSS, 1.0 - side * 0.25)


@pytest.mark.parametrize(("latency", "held"), [(MINUTE, 1), (MINUTE + 1, 2)])
def test_an_order_is_filled_at_the_first_open_at_or_after_its_time(latency: int, held: int) -> None:
    desk = Desk(rules(latency=latency, hold=3 * MINUTE))
    for i in range(8):
        desk.step(bar(at(i), 1.0), gate(T0))
    assert (desk.trade.entry_t, desk.trade.t) == (at(held), at(2 * held + 3))


@pytest.mark.parametrize("side", [1, -1])
def test_a_market_exit_sells_at_the_bid_and_buys_at_the_ask(side: int) -> None:
    desk = Desk(rules(hold=MINUTE, slippage=2**-6))
    desk.enter(1.0, side)
    desk.step(bar(at(1), 1.0, spread=0.25))
    # A long gets the bid 1.0 less a 64th, a short pays the ask 1.25 and a 64th of it.
    assert desk.trade.price == (1.0 - 2**-6 if side > 0 else 1.25 + 1.25 * 2**-6)


@pytest.mark.parametrize("price", [1.0, 0.5])
def test_a_closeout_reached_at_a_close_is_carried_out_at_the_next_open(price: float) -> None:
    # 10,000 at 1.0 and half in margin; at the close 0.625 the NAV 1,250 is below 1,562.5. At 1.0
    # again nothing would be asked for, but it has been.
    desk = Desk(rules(margin_rate=0.5), balance=5_000.0, limit=limits(closeout=0.5))
    desk.enter(1.0)
    desk.step(bar(at(1), (1.0, 1.0, 0.625, 0.625)))
    assert len(desk.trades) == 0
    desk.step(bar(at(2), price))
    assert (desk.trade.t, desk.trade.price) == (at(2), price)
    assert desk.trade.reason == codes.MARGIN_CLOSEOUT


def test_drawdown_keeps_the_deepest_fall_and_the_deepest_share_of_a_peak() -> None:
    # 10,000 units from 1.0 in 10,000: NAV follows the price. From 1.5 to 1.125 it is 3,750, a
    # quarter; from 3.0 to 2.5 it is 5,000, but a sixth; then back to 2.75.
    desk = Desk()
    found = []
    for i, price in enumerate((1.0, 1.5, 1.125, 1.25, 3.0, 2.5, 2.75)):
        desk.step(bar(at(i), price), gate(T0))
        account = desk.account
        found.append((float(account.peak), float(account.max_dd), float(account.max_dd_frac)))
    assert found == [
        (10_000, 0, 0), (15_000, 0, 0), (15_000, 3_750, 0.25), (15_000, 3_750, 0.25),
        (30_000, 3_750, 0.25), (30_000, 5_000, 0.25), (30_000, 5_000, 0.25),
    ]  # fmt: skip


@pytest.mark.parametrize(("price", "ruined"), [(0.0625, 0), (2**-14, 0), (0.0, 1)])
def test_an_account_is_ruined_where_nothing_is_left_and_not_before(
    price: float, ruined: int
) -> None:
    # 10,000 units at 1.0 in 10,000: what is left is 10,000 x price, 61 cents at 2**-14.
    desk = Desk()
    desk.enter(1.0)
    desk.step(bar(at(1), price))
    assert (desk.account.nav, desk.account.ruined) == (10_000 * price, ruined)


def test_the_first_bar_of_a_walk_is_walked_inside_too() -> None:
    times: Times = [[(bar(at(0), (1.0, 1.0, 0.75, 0.75)), gate(at(0), 1))]]
    found = walked(times, rules())
    assert found.equity["equity"].tolist()[:1] == [7_500.0]
    stopped = walked(times, rules(stop_abs=0.125))
    fills = stopped.fills[: int(stopped.account.fills)]
    assert fills["price"].tolist() == [1.0, 0.875]
    assert (stopped.account.balance, stopped.account.days) == (8_750.0, 1)


def test_financing_is_charged_once_at_the_first_bar_after_the_roll_in_a_walk() -> None:
    live = gate(at(0), 1)
    times: Times = [
        [(bar(at(0), 1.0), live)],
        [(bar(at(1), 1.0, fin_long=-(2.0**-10)), live)],
        [(bar(at(2), 1.0), live)],
    ]
    found = walked(times, rules(max_units=1_024.0))
    assert found.account.financing == -1.0
    assert found.equity["balance"].tolist()[:3] == [10_000.0, 9_999.0, 9_999.0]


def test_a_fall_that_is_no_deeper_leaves_the_deepest_share_to_the_last_bit() -> None:
    # The same share again: 699 x (222 / 528) lost of 699 is one unit in the last place more.
    share = 222.0 / 528.0
    deepest, again = (528.0, 222.0), (699.0, 699.0 * share)
    assert again[1] / again[0] != share
    account, books = r.new_account(deepest[0])[0], r.new_books([], [])
    for peak, fall in (deepest, again):
        for balance in (peak, peak - fall):
            account.balance = balance
            settle(account, books, limits()[0])
    assert account.max_dd_frac == share
