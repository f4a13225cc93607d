"""When stops move, to the point, from both sides: breakeven, trail and both together.

Prices are binary fractions, so that a level is met exactly: 1,000 units at 1.0 without spread.
"""

import math

import pytest
from tests.unit.core.builders import Desk, at, bar, rules

from hotband.core import codes


def _best(desk: Desk, minute: int, gain: float) -> None:
    """A bar that opens at the entry and goes ``gain`` the right way."""
    side = int(desk.book.side)
    price = 1.0 + side * gain
    desk.step(bar(at(minute), (1.0, max(1.0, price), min(1.0, price), 1.0)))


def _stop(desk: Desk) -> tuple[float, int]:
    return float(desk.book.tk_stop[0]), int(desk.book.tk_stop_code[0])


def _desk(side: int, **fields: float) -> Desk:
    desk = Desk(rules(**{"max_units": 1_000.0, **fields}))
    desk.enter(1.0, side)
    return desk


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(
    "rule",
    [
        {"breakeven_abs": 0.125},
        {"breakeven_frac": 0.125},
        {"breakeven_frac": 0.0625, "breakeven_abs": 0.0625},
    ],
)
def test_breakeven_is_set_by_a_gain_of_its_trigger_and_not_by_less(
    side: int, rule: dict[str, float]
) -> None:
    desk = _desk(side, stop_abs=0.25, **rule)
    first = 1.0 - side * 0.25
    _best(desk, 1, 0.12499)
    assert _stop(desk) == (first, codes.STOP_LOSS)
    _best(desk, 2, 0.125)
    assert _stop(desk) == (1.0, codes.BREAKEVEN_STOP)


def test_a_breakeven_share_is_of_the_entry() -> None:
    # Entered at 2.0, a tenth of it is 0.2: 2.19 is too little, 2.21 is enough.
    desk = Desk(rules(max_units=1_000.0, breakeven_frac=0.1))
    desk.enter(2.0)
    desk.step(bar(at(1), (2.0, 2.19, 2.0, 2.0)))
    assert math.isnan(_stop(desk)[0])
    desk.step(bar(at(2), (2.05, 2.21, 2.05, 2.05)))
    assert _stop(desk) == (2.0, codes.BREAKEVEN_STOP)


@pytest.mark.parametrize("side", [1, -1])
def test_a_trail_follows_the_best_price_at_its_distance(side: int) -> None:
    # Best 0.0625, then 0.25 from the entry, then back to 0.1875: the stop 0.125 behind the best.
    desk = _desk(side, stop_abs=0.25, trail_abs=0.125)
    for minute, gain, kept in ((1, 0.0625, -0.0625), (2, 0.25, 0.125), (3, 0.1875, 0.125)):
        desk.step(bar(at(minute), 1.0 + side * gain))
        assert _stop(desk) == (1.0 + side * kept, codes.TRAILING_STOP)


@pytest.mark.parametrize(("side", "stop"), [(1, 1.375), (-1, 0.625)])
def test_a_trailing_share_is_of_the_best_price(side: int, stop: float) -> None:
    # Long: a quarter of 2.0 is 0.5, less 0.125 more: 2.0 - 0.625. Short: a quarter of 0.4 is 0.1,
    # and 0.125 more: 0.4 + 0.225.
    desk = _desk(side, trail_frac=0.25, trail_abs=0.125)
    _best(desk, 1, 1.0 if side > 0 else 0.6)
    assert _stop(desk)[0] == pytest.approx(stop, abs=1e-12)


@pytest.mark.parametrize("side", [1, -1])
def test_a_gain_moves_no_stop_without_a_rule_for_it(side: int) -> None:
    bare, stopped = _desk(side), _desk(side, stop_abs=0.25)
    for desk in (bare, stopped):
        _best(desk, 1, 0.5)
    assert math.isnan(_stop(bare)[0])
    assert _stop(stopped) == (1.0 - side * 0.25, codes.STOP_LOSS)


@pytest.mark.parametrize("side", [1, -1])
def test_a_wide_trail_leaves_a_nearer_stop_where_it_is(side: int) -> None:
    # Breakeven at a gain of 0.125; the trail of 0.5 is still at a loss of 0.375 then.
    desk = _desk(side, breakeven_abs=0.125, trail_abs=0.5)
    _best(desk, 1, 0.125)
    assert _stop(desk) == (1.0, codes.BREAKEVEN_STOP)
    _best(desk, 2, 0.25)
    assert _stop(desk) == (1.0, codes.BREAKEVEN_STOP)


@pytest.mark.parametrize("side", [1, -1])
def test_breakeven_takes_no_gain_back_from_a_trail(side: int) -> None:
    # Trail 0.125 behind 1.25: stop 1.125; the later trigger 0.3 would only be the entry.
    desk = _desk(side, breakeven_abs=0.3, trail_abs=0.125)
    desk.step(bar(at(1), 1.0 + side * 0.25))
    assert _stop(desk) == (1.0 + side * 0.125, codes.TRAILING_STOP)
    desk.step(bar(at(2), 1.0 + side * 0.3125))
    assert _stop(desk) == (1.0 + side * 0.1875, codes.TRAILING_STOP)


@pytest.mark.parametrize("side", [1, -1])
def test_a_stop_keeps_the_name_of_the_rule_that_put_it_there_first(side: int) -> None:
    # Both at the entry: a trigger of 0.125 and a trail 0.125 behind a gain of 0.125.
    desk = _desk(side, breakeven_abs=0.125, trail_abs=0.125)
    _best(desk, 1, 0.125)
    assert _stop(desk) == (1.0, codes.BREAKEVEN_STOP)
    # On a grid of 0.125 the trail of 0.25 behind a gain of 0.1875 is at the entry, too, before the
    # trigger of 0.25 is reached.
    desk = _desk(side, breakeven_abs=0.25, trail_abs=0.25, price_scale=8.0)
    for minute, gain in ((1, 0.1875), (2, 0.25)):
        desk.step(bar(at(minute), 1.0 + side * gain))
        assert _stop(desk) == (1.0, codes.TRAILING_STOP)


@pytest.mark.parametrize("side", [1, -1])
def test_a_gain_that_was_never_made_does_not_trail(side: int) -> None:
    desk = _desk(side, trail_abs=0.125)
    _best(desk, 1, 0.0)
    assert math.isnan(_stop(desk)[0])
    _best(desk, 2, 2**-10)
    assert _stop(desk)[1] == codes.TRAILING_STOP
