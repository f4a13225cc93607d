"""At which price an order is filled: market, stop and limit, from bid/ask bars.

Buys pay the ask, sells get the bid; market and stop orders pay ``slippage`` on top, limits
never fill better than their price. Stops gapped through fill at the open. Where one bar
touches both levels after opening between them, the order of touch is unknown and the stop
counts.
"""

from hotband.core.jit import constant, kernel
from hotband.core.records import Record

NO_TOUCH = constant(0)
STOP_AT_OPEN = constant(1)
TARGET_AT_OPEN = constant(2)
STOP_INSIDE = constant(3)
TARGET_INSIDE = constant(4)
STOP_AMBIGUOUS = constant(5)


@kernel
def market_price(bid: float, ask: float, side: int, slippage: float) -> float:
    """Price of an order that buys (``side`` +1) or sells (-1) at the market."""
    if side > 0:
        return ask * (1.0 + slippage)
    return bid * (1.0 - slippage)


@kernel
def touch_at_open(bar: Record, side: int, stop: float, target: float) -> int:
    """Whether the bar opened at or through a level of a ticket of ``side``; NaN = no level."""
    if side > 0:
        if bar.bid_o <= stop:
            return STOP_AT_OPEN
        if bar.bid_o >= target:
            return TARGET_AT_OPEN
    else:
        if bar.ask_o >= stop:
            return STOP_AT_OPEN
        if bar.ask_o <= target:
            return TARGET_AT_OPEN
    return NO_TOUCH


@kernel
def touch_inside(bar: Record, side: int, stop: float, target: float) -> int:
    """Whether the bar touched a level after its open; long exits look at bid, short at ask."""
    if side > 0:
        stopped = bar.bid_l <= stop
        reached = bar.bid_h >= target
    else:
        stopped = bar.ask_h >= stop
        reached = bar.ask_l <= target
    if stopped:
        return STOP_AMBIGUOUS if reached else STOP_INSIDE
    return TARGET_INSIDE if reached else NO_TOUCH
