"""Levels touched to the point, at the open and inside the bar, from both sides.

The long of these cases buys 10,000 EUR_USD at 1.1002 (bid 1.1000): stop 1.0982, target 1.1032.
The short sells at 1.1000 (ask 1.1002): stop 1.1020, target 1.0970.
"""

import pytest
from tests.unit.core.builders import Desk, at, bar, rules

from hotband.core import codes

PIP = 0.0001
SPREAD = 0.0002
STOP, TARGET = codes.STOP_LOSS, codes.TAKE_PROFIT
Bids = tuple[float, float, float, float]


def _desk(side: int, **fields: float) -> Desk:
    desk = Desk(rules(**{"stop_abs": 20 * PIP, "target_abs": 30 * PIP, **fields}))
    desk.enter(1.1000, side, spread=SPREAD)
    return desk


@pytest.mark.parametrize(
    ("side", "bid", "reason", "price"),
    [
        (1, (1.0982, 1.1050, 1.0970, 1.1000), STOP, 1.0982),
        (1, (1.1032, 1.1050, 1.0970, 1.1000), TARGET, 1.1032),
        (-1, (1.1018, 1.1050, 1.0950, 1.1000), STOP, 1.1020),
        (-1, (1.0968, 1.1050, 1.0950, 1.1000), TARGET, 1.0970),
    ],
)
def test_a_bar_that_opens_on_a_level_fills_it_before_its_extremes(
    side: int, bid: Bids, reason: int, price: float
) -> None:
    # Each bar goes on to touch both levels: had the open not counted, the stop would.
    desk = _desk(side)
    desk.step(bar(at(1), bid, spread=SPREAD))
    done = desk.trade
    assert (done.reason, done.price, done.intrabar) == (reason, price, 0)
    assert desk.book.ambiguous == 0


@pytest.mark.parametrize(
    ("side", "near", "touch", "reason", "price"),
    [
        (1, (1.1000, 1.1000, 1.09821, 1.1000), (1.1000, 1.1000, 1.0982, 1.1000), STOP, 1.0982),
        (1, (1.1000, 1.10319, 1.1000, 1.1000), (1.1000, 1.1032, 1.1000, 1.1000), TARGET, 1.1032),
        (-1, (1.1000, 1.10179, 1.1000, 1.1000), (1.1000, 1.1018, 1.1000, 1.1000), STOP, 1.1020),
        (-1, (1.1000, 1.1000, 1.09681, 1.1000), (1.1000, 1.1000, 1.0968, 1.1000), TARGET, 1.0970),
    ],
)
def test_a_level_touched_to_the_point_inside_a_bar_is_filled_and_one_point_off_is_not(
    side: int, near: Bids, touch: Bids, reason: int, price: float
) -> None:
    desk = _desk(side)
    desk.step(bar(at(1), near, spread=SPREAD))
    assert len(desk.trades) == 0
    desk.step(bar(at(2), touch, spread=SPREAD))
    assert (desk.trade.reason, desk.trade.price, desk.trade.intrabar) == (reason, price, 1)
    assert desk.book.ambiguous == 0
