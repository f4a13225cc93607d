"""Each thing that stops all entries has a code of its own, and stops no exit."""

import pytest
from tests.unit.core.builders import MINUTE, T0, Desk, at, bar, gate, limits, rules

from hotband.core import codes
from hotband.core import records as r

PRICE = 1.1000
HALTS = [
    (r.HALT_SWITCH, codes.KILL_SWITCH),
    (r.HALT_STALE, codes.FEED_STALE),
    (r.HALT_LOSS, codes.LOSS_BREAKER),
]


@pytest.mark.parametrize(("halt", "code"), HALTS)
def test_a_halt_refuses_every_entry_by_its_code(halt: int, code: int) -> None:
    desk = Desk(limit=limits(halts=halt))
    mask, _, _ = desk.step(bar(T0, PRICE), gate(T0))
    assert (mask, len(desk.fills)) == (1 << code, 0)
    desk.end()
    assert desk.book.refusals[code] == 1


@pytest.mark.parametrize(("halt", "code"), HALTS)
def test_a_halt_cancels_an_order_on_its_way_by_its_code(halt: int, code: int) -> None:
    desk = Desk(rules(latency=2 * MINUTE))
    desk.step(bar(T0, PRICE), gate(T0))
    desk.limits["halts"] = halt
    for i in (1, 2, 3):
        desk.step(bar(at(i), PRICE), gate(T0))
    desk.end()
    assert (desk.book.planned, desk.book.filled) == (1, 0)
    assert desk.book.refusals[code] == 1


def test_halts_at_once_are_all_named() -> None:
    desk = Desk(limit=limits(halts=r.HALT_SWITCH | r.HALT_STALE | r.HALT_LOSS))
    mask, _, _ = desk.step(bar(T0, PRICE), gate(T0))
    assert mask == 1 << codes.KILL_SWITCH | 1 << codes.FEED_STALE | 1 << codes.LOSS_BREAKER


def test_with_stale_prices_a_position_is_still_closed() -> None:
    desk = Desk(rules(hold=2 * MINUTE))
    desk.enter(PRICE)
    desk.limits["halts"] = r.HALT_STALE
    for i in range(1, 5):
        desk.step(bar(at(i), PRICE), gate(at(i)))
    assert desk.account.positions == 0
    assert desk.trade.reason == codes.HOLD_EXPIRY
