"""One ticket to the last cent: what opening, marking and closing write, at values binary holds.

1,024 units under a slippage of 1/32. A quote unit gained is worth 0.5 at home, one lost 0.75, so
that their middle is 0.625; a base unit is worth 2. The bid is 1, the ask 1.25.
"""

from typing import Any

import numpy as np
import pytest
from tests.unit.core.builders import MINUTE, T0, Desk, at, bar, gate, limits, rules

from hotband.core import codes
from hotband.core import records as r
from hotband.core.ledger import mark, remove_ticket
from hotband.core.records import Record

BALANCE = 1_000_000.0
MONEY = (0.5, 0.75, 2.0)
COSTS = {
    "max_units": 1024.0, "slippage": 1 / 32, "half_commission": 1 / 1024, "price_scale": 32.0,
    "stop_abs": 0.5, "target_abs": 0.25, "margin_rate": 1 / 32,
}  # fmt: skip
# side -> entry, stop, target and first extreme. A long pays 1.25 x 33/32, a short gets 31/32; the
# long's stop 0.7890625 and target 1.5390625 go up to the next 32nd.
ENTRIES = {
    1: (1.2890625, 0.8125, 1.5625, 1.0),
    -1: (0.96875, 1.46875, 0.71875, 1.25),
}
SLIPPED = {1: 25.0, -1: 20.0}
"""1,024 x 0.0390625 (or 0.03125) x 0.625."""


def dirty(desk: Desk) -> Desk:
    """``desk`` with a log and a first ticket in which something else was before."""
    for name in r.FILL.names or ():
        desk.log[name] = 77
    for name in r.BOOK.names or ():
        if name.startswith("tk_"):
            desk.book[name][0] = 77
    return desk


def opened(side: int, **fields: float) -> Desk:
    desk = dirty(Desk(rules(**{**COSTS, **fields}), balance=BALANCE))
    live = gate(at(-1), side, key=5, synthetic=1)
    desk.step(bar(T0, 1.0, spread=0.25, rates=MONEY), live)
    return desk


def told(record: Record, *names: str) -> dict[str, Any]:
    return {name: record[name].item() for name in names or record.dtype.names}


@pytest.mark.parametrize("side", [1, -1])
def test_an_opening_is_written_whole(side: int) -> None:
    entry, stop, target, first = ENTRIES[side]
    desk = opened(side)
    assert told(desk.opened[0]) == {
        "t": T0, "instrument": 0, "kind": 1, "side": side, "reason": codes.BROKER_MAX_UNITS,
        "synthetic": 1, "intrabar": 0, "key": 5, "gate": at(-1), "units": 1024.0, "price": entry,
        "entry_t": T0, "entry_price": entry, "gross": 0.0, "commission": 2.0, "financing": 0.0,
        "best": first, "worst": first, "stop": stop, "rate": 0.625,
    }  # fmt: skip
    ticket = {
        name: desk.book[name][0].item() for name in r.BOOK.names or () if name.startswith("tk_")
    }
    assert ticket == {
        "tk_open": T0, "tk_hold": T0, "tk_due": r.NEVER, "tk_key": 5, "tk_gate": at(-1),
        "tk_units": 1024.0, "tk_entry": entry, "tk_stop": stop, "tk_stop_first": stop,
        "tk_target": target, "tk_best": first, "tk_worst": first, "tk_commission": 2.0,
        "tk_financing": 0.0, "tk_stop_code": codes.STOP_LOSS, "tk_exit_code": 0,
        "tk_synthetic": 1,
    }  # fmt: skip
    assert told(desk.account, "balance", "commission", "slippage", "spread", "turnover") == {
        "balance": BALANCE - 2.0, "commission": 2.0, "slippage": SLIPPED[side],
        "spread": 80.0, "turnover": 2048.0,
    }  # fmt: skip
    # 1,024 x 0.125 x 0.625 of spread, 1,024 x 2 of turnover and 1/1,024 of it of commission.
    assert told(desk.account, "positions", "orders", "fills") == {
        "positions": 1, "orders": 0, "fills": 1,
    }  # fmt: skip
    assert told(desk.book, "side", "n", "units", "last_fill", "filled", "order_side") == {
        "side": side, "n": 1, "units": 1024.0, "last_fill": T0, "filled": 1, "order_side": 0,
    }  # fmt: skip
    assert (desk.book.order_due, desk.book.order_notional, desk.book.order_margin) == (
        r.NEVER, 0.0, 0.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("side", "bid", "price", "quote", "gross", "slipped"),
    [
        # side, bid at the open (ask 0.25 above), fill, quote profit, home profit, slippage
        (1, 1.5, 1.453125, 168.0, 84.0, 30.0),
        (1, 0.84375, 0.8173828125, -483.0, -362.25, 16.875),
        (-1, 0.5, 0.7734375, 200.0, 100.0, 15.0),
        (-1, 1.1875, 1.482421875, -526.0, -394.5, 28.75),
    ],
)
def test_a_market_exit_converts_at_the_rates_of_its_open(
    side: int, bid: float, price: float, quote: float, gross: float, slipped: float
) -> None:
    entry, stop, _, first = ENTRIES[side]
    desk = opened(side, hold=MINUTE)
    later = bar(at(1), bid, spread=0.25, rates=(0.5, 0.75, 4.0))
    for name in ("gain_c", "loss_c", "base_c", "bid_c", "ask_c"):
        later[name] = 50.0  # not known at the open
    desk.step(later)
    done, account = desk.trade, desk.account
    assert told(done) == {
        "t": at(1), "instrument": 0, "kind": -1, "side": side, "reason": codes.HOLD_EXPIRY,
        "synthetic": 1, "intrabar": 0, "key": 5, "gate": at(-1), "units": 1024.0, "price": price,
        "entry_t": T0, "entry_price": entry, "gross": gross, "commission": 4.0, "financing": 0.0,
        "best": side * max(side * first, side * price),
        "worst": side * min(side * first, side * price),
        "stop": stop, "rate": 0.5 if quote > 0 else 0.75,
    }  # fmt: skip
    assert told(account, "balance", "commission", "slippage", "spread", "turnover") == {
        "balance": BALANCE + gross - 4.0, "commission": 4.0, "slippage": SLIPPED[side] + slipped,
        "spread": 160.0, "turnover": 2048.0 + 4096.0,
    }  # fmt: skip
    assert account.conversion == quote * 0.625 - gross
    assert told(account, "positions", "margin", "nav") == {
        "positions": 0, "margin": 0.0, "nav": account.balance,
    }  # fmt: skip
    assert told(desk.book, "side", "n", "units", "exits_due", "last_fill", "notional") == {
        "side": 0, "n": 0, "units": 0.0, "exits_due": 0, "last_fill": at(1), "notional": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("side", "prices", "price", "reason", "quote", "gross", "slipped"),
    [
        (1, (1.25, 1.625, 1.25, 1.5), 1.5625, codes.TAKE_PROFIT, 280.0, 70.0, 0.0),
        (1, (1.25, 1.25, 0.75, 1.0), 0.787109375, codes.STOP_LOSS, -514.0, -385.5, 13.0),
        (-1, (0.75, 0.75, 0.25, 0.5), 0.71875, codes.TAKE_PROFIT, 256.0, 64.0, 0.0),
        (-1, (0.75, 1.5, 0.75, 1.0), 1.5146484375, codes.STOP_LOSS, -559.0, -419.25, 23.5),
    ],
)
def test_a_level_inside_a_bar_converts_at_the_rates_of_its_close(
    side: int, prices: tuple[float, float, float, float], price: float, reason: int,
    quote: float, gross: float, slipped: float,
) -> None:  # fmt: skip
    entry, _, _, first = ENTRIES[side]
    desk = opened(side)
    later = bar(at(1), prices, spread=0.25, rates=(50.0, 50.0, 50.0))
    later["ask_o"] += 1.0 if side > 0 else 0.0  # the other side's open does not count
    later["gain_c"], later["loss_c"], later["base_c"] = 0.25, 0.75, 8.0
    desk.step(later)
    done, account = desk.trade, desk.account
    assert told(done, "reason", "price", "entry_price", "intrabar", "gross", "rate") == {
        "reason": reason, "price": price, "entry_price": entry, "intrabar": 1, "gross": gross,
        "rate": 0.25 if quote > 0 else 0.75,
    }  # fmt: skip
    assert (done.best, done.worst) == (
        side * max(side * first, side * price), side * min(side * first, side * price),
    )  # fmt: skip
    # The middle at the close is 0.5: 1,024 x 0.125 x 0.5 of spread, 1,024 x 8 of turnover.
    assert told(account, "balance", "slippage", "spread", "turnover", "conversion") == {
        "balance": BALANCE + gross - 4.0, "slippage": SLIPPED[side] + slipped,
        "spread": 80.0 + 64.0, "turnover": 2048.0 + 8192.0, "conversion": quote * 0.5 - gross,
    }  # fmt: skip


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_fills_past_the_end_of_the_log_are_counted_and_not_written(rows: int) -> None:
    desk = Desk(rules(hold=MINUTE))
    desk.log = r.empty(r.FILL, rows)
    desk.enter(1.1)
    desk.step(bar(at(1), 1.1))
    assert desk.account.fills == 2
    assert desk.log["kind"].tolist() == [1, -1][:rows]


@pytest.mark.parametrize(("side", "unrealised"), [(1, -64.0), (-1, -64.0)])
def test_each_ticket_is_marked_at_the_factor_of_its_own_sign(side: int, unrealised: float) -> None:
    # 1,024 units gain 0.25 a unit at 0.5 and as many lose 0.25 at 0.75: 128 - 192.
    desk = Desk(rules(max_units=1024.0, max_stack=2, margin_rate=1 / 32), balance=BALANCE)
    first, second = (0.75, 1.25) if side > 0 else (1.5, 1.0)
    for m, bid in enumerate((first, second)):
        desk.step(bar(at(m), bid, spread=0.25, rates=MONEY), gate(at(m), side))
    last = 1.25 if side > 0 else 1.0
    desk.step(bar(at(2), last, spread=0.25, rates=MONEY))
    assert told(desk.book, "n", "unrealised", "notional", "margin", "mid_gap") == {
        "n": 2, "unrealised": unrealised, "notional": 4096.0, "margin": 128.0, "mid_gap": 160.0,
    }  # fmt: skip
    assert told(desk.account, "nav", "unrealised", "margin", "balance") == {
        "nav": BALANCE + unrealised, "unrealised": unrealised, "margin": 128.0, "balance": BALANCE,
    }  # fmt: skip


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("when", ["open", "inside"])
def test_a_profit_of_less_than_one_quote_unit_is_a_gain(side: int, when: str) -> None:
    """One unit earns 0.25: 0.125 at home, marked as well as closed."""
    level = 0.25 if when == "inside" else 0.0
    own = rules(max_units=1.0, hold=2 * MINUTE, target_abs=level)
    desk = Desk(own, balance=BALANCE)
    desk.step(bar(T0, 1.0, rates=MONEY), gate(T0, side))
    better = 1.0 + side * 0.25
    if when == "inside":
        high, low = max(1.0, better), min(1.0, better)
        desk.step(bar(at(1), (1.0, high, low, better), rates=MONEY))
    else:
        desk.step(bar(at(1), better, rates=MONEY))
        assert (desk.account.unrealised, desk.account.nav) == (0.125, BALANCE + 0.125)
        desk.step(bar(at(2), better, rates=MONEY))
    assert (desk.trade.gross, desk.trade.rate) == (0.125, 0.5)
    assert desk.account.balance == BALANCE + 0.125


def test_a_flat_book_is_worth_nothing() -> None:
    desk = Desk()
    for name in ("unrealised", "notional", "margin", "mid_gap", "units"):
        desk.book[name] = 5.0
    mark(desk.book, 1.0, 1.25, 0.5, 0.75, 2.0, 0.02)
    assert told(desk.book, "unrealised", "notional", "margin", "mid_gap") == {
        "unrealised": 0.0, "notional": 0.0, "margin": 0.0, "mid_gap": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(("bid", "open_tickets"), [(0.5, 0), (0.5 + 2.0**-12, 1)])
def test_a_closeout_begins_where_the_margin_equals_the_nav_at_mid(
    bid: float, open_tickets: int
) -> None:
    # 1,024 x 1 x 0.5 of margin are 512. Bought at 1, bid 0.5: 704 - 1,024 x 0.5 x 0.5 = 448 at
    # the bid and, half a spread of 0.125 higher and at 0.5 home, 64 more at mid.
    desk = Desk(rules(max_units=1024.0, margin_rate=0.5), balance=704.0, limit=limits(closeout=1.0))
    money = (0.5, 0.5, 1.0)
    desk.step(bar(T0, 0.75, spread=0.25, rates=money), gate(T0))
    desk.step(bar(at(1), bid, spread=0.25, rates=money))
    assert desk.book.n == open_tickets


@pytest.mark.parametrize("units", [1024.0, 1.0])
@pytest.mark.parametrize(("price", "open_tickets"), [(0.75, 0), (0.75 + 2.0**-12, 1)])
def test_a_closeout_without_spread_begins_where_the_margin_equals_the_nav(
    price: float, open_tickets: int, units: float
) -> None:
    # Per unit, at 0.75: 0.625 - 0.25 = 0.375 of NAV, 0.75 x 0.5 = 0.375 of margin.
    desk = Desk(
        rules(max_units=units, margin_rate=0.5), balance=0.625 * units, limit=limits(closeout=1.0)
    )
    desk.step(bar(T0, 1.0), gate(T0))
    desk.step(bar(at(1), price))
    assert (desk.book.n, desk.book.exits_due) == (open_tickets, 0)


def test_a_closeout_overtakes_an_exit_on_its_way() -> None:
    desk = Desk(
        rules(max_units=1024.0, margin_rate=0.5, hold=MINUTE, latency=2 * MINUTE),
        balance=640.0, limit=limits(closeout=1.0),
    )  # fmt: skip
    live = gate(T0)
    for m in range(4):
        desk.step(bar(at(m), 1.0), live)
    assert (desk.book.n, desk.book.exits_due) == (1, 1)
    desk.step(bar(at(3.5), 0.5), live)
    assert (desk.trade.t, desk.trade.reason) == (at(3.5), codes.MARGIN_CLOSEOUT)
    assert (desk.book.n, desk.book.exits_due) == (0, 0)


@pytest.mark.parametrize(
    ("side", "due", "home"),
    [
        (1, 1 / 64, 9.0),
        (1, -1 / 64, -13.5),
        (-1, 1 / 64, 9.0),
        (-1, -1 / 64, -13.5),
        (1, 1 / 2048, 0.28125),
        (-1, -1 / 2048, -0.421875),
        (1, 1.0, 576.0),
    ],
)
def test_financing_is_due_on_the_mid_and_converts_by_its_sign(
    side: int, due: float, home: float
) -> None:
    # 1,024 x 1.125 / 64 = 18 quote units, received at 0.5 or paid at 0.75; the other side's rate
    # does not count.
    desk = Desk(rules(max_units=1024.0, hold=3 * MINUTE), balance=BALANCE)
    desk.step(bar(T0, 1.0, spread=0.25, rates=MONEY), gate(T0, side))
    own, other = ("fin_long", "fin_short") if side > 0 else ("fin_short", "fin_long")
    for m in (1, 2):
        desk.step(bar(at(m), 1.0, spread=0.25, rates=MONEY, **{own: due, other: 50.0}))
    assert told(desk.account, "financing", "balance") == {
        "financing": 2 * home, "balance": BALANCE + 2 * home,
    }  # fmt: skip
    desk.step(bar(at(3), 1.0, spread=0.25, rates=MONEY))
    assert desk.trade.financing == 2 * home


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_the_tickets_that_stay_keep_all_they_have_in_the_order_of_their_opening(gone: int) -> None:
    desk = Desk()
    names = [name for name in r.BOOK.names or () if name.startswith("tk_")]
    for shift, name in enumerate(names):
        desk.book[name][:3] = np.array([10, 20, 30]) + 100 * shift
    desk.book["tk_due"][:3] = r.NEVER
    desk.book.n, desk.book.side, desk.book.units = 3, 1, 1e6
    before = {name: desk.book[name][:3].tolist() for name in names}
    left = [i for i in range(3) if i != gone]
    own = before["tk_units"][gone]
    remove_ticket(desk.book, gone)
    found = {name: desk.book[name][:2].tolist() for name in names}
    assert found == {name: [values[i] for i in left] for name, values in before.items()}
    assert (desk.book.n, desk.book.side, desk.book.units) == (2, 1, 1e6 - own)
    for _ in range(2):
        remove_ticket(desk.book, 0)
    assert (desk.book.n, desk.book.side, desk.book.units) == (0, 0, 0.0)


@pytest.mark.parametrize(("due", "left"), [(r.NEVER, 2), (5, 1)])
def test_a_ticket_takes_its_own_exit_with_it(due: int, left: int) -> None:
    desk = Desk()
    desk.book.n, desk.book.exits_due = 2, 2
    desk.book["tk_due"][:2] = [due, 9]
    remove_ticket(desk.book, 0)
    assert (desk.book.n, desk.book.exits_due) == (1, left)
    assert desk.book["tk_due"][0] == 9


@pytest.mark.parametrize("first", [1, 9])
@pytest.mark.parametrize(("others", "without_key", "refused"), [(7, 0, 1), (7, 9, 1), (8, 0, 0)])
def test_the_last_eight_keys_are_remembered_and_a_gate_without_key_takes_no_place(
    first: int, others: int, without_key: int, refused: int
) -> None:
    desk = Desk(rules(max_age=0, hold=MINUTE))
    keys = [first, *range(10, 10 + others), *[0] * without_key, first]
    for m, key in enumerate(keys):
        desk.step(bar(at(2 * m), 1.1), gate(at(2 * m), key=key))
        desk.step(bar(at(2 * m + 1), 1.1))
    desk.end()
    assert desk.book.refusals[codes.DUPLICATE_SIGNAL] == refused
    assert desk.book.filled == len(keys) - refused
