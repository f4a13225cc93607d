"""A held ticket where numbers meet exactly, and blocks of bars that must not be passed at once."""

import math
from typing import Any

import numpy as np
import pytest
from tests.unit.core.builders import MINUTE, T0, Desk, at, bar, limits, rules

from hotband.core import records as r
from hotband.core.hold import danger_price, first_at, hold_on, touches
from hotband.core.records import Records
from hotband.core.shared import SPAN, share
from hotband.core.step import settle

TICK = 2.0**-9
UNITS = 1024.0
NO_DANGER = {1: -math.inf, -1: math.inf}


def held(side: int = 1, *, balance: float = 10_000.0, **fields: Any) -> Desk:
    """1,024 units held from 1 at no spread: a tick is worth 2."""
    desk = Desk(rules(max_units=UNITS, price_scale=1 / TICK, **fields), balance=balance)
    desk.enter(1.0, side)
    return desk


def closes(ticks: list[float], side: int = 1, **fields: Any) -> Records:
    """Bars after the entry that stand at so many ticks of profit."""
    prices = [(1.0 + side * tick * TICK,) * 4 for tick in ticks]
    rows = [bar(at(1 + m), own, own, **fields) for m, own in enumerate(prices)]
    return r.readable(np.concatenate(rows))


def ridden(desk: Desk, bars: Records, danger: float | None = None, first: int = 0) -> int:
    """Where ``hold_on`` from ``first`` stops; no price is dangerous but where one is given."""
    none = r.with_sentinel(r.empty(r.GATE, 0))
    shared = share(bars, np.zeros(len(bars), np.int64), none)
    level = NO_DANGER[int(desk.book.side)] if danger is None else danger
    return int(
        hold_on(
            desk.account, desk.book, first, len(bars), shared.bars, shared.blocks, desk.rules[0][0],
            level,
        )
    )  # fmt: skip


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("gain", "loss"), [(0.5, 0.75), (2.0, 2.5)])
@pytest.mark.parametrize("top", [6.0, 0.25])
def test_a_peak_inside_a_block_is_the_one_of_its_bars(
    side: int, gain: float, loss: float, top: float
) -> None:
    """Nine ticks down and back leave room for blocks that rise by less."""
    desk = held(side)
    first, then = [0.0, -9.0, *[0.0] * 6], [0.0, 0.0, top / 2, top, top, top / 2, 0.0, 0.0]
    bars = closes(first + then + then, side, gain_c=gain, loss_c=loss)
    assert ridden(desk, bars) == 24
    assert desk.account.peak == 10_000 + top * 2 * gain
    assert desk.account.max_dd == 9 * 2 * loss
    assert desk.account.max_dd_frac == 9 * 2 * loss / 10_000


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("ticks", "peak"), [(-1.0, 10_000.0), (0.0, 10_000.0), (1.0, 10_002.0)])
def test_a_block_that_stands_still_after_a_deep_fall_sets_the_peak_of_its_price(
    side: int, ticks: float, peak: float
) -> None:
    desk = held(side)
    desk.account.max_dd, desk.account.max_dd_frac = 9_000.0, 0.9
    assert ridden(desk, closes([ticks] * 16, side)) == 16
    assert (desk.account.peak, desk.account.max_dd) == (peak, 9_000.0)


@pytest.mark.parametrize("side", [1, -1])
def test_the_least_profit_of_a_block_counts_as_a_gain(side: int) -> None:
    """A quarter of a tick is 0.25 at home: 9.75 below the peak, five cents below the lowest."""
    desk = held(side)
    desk.account.peak, desk.account.max_dd, desk.account.max_dd_frac = 10_010.0, 9.7, 0.5
    assert ridden(desk, closes([0.25] * 8, side, gain_c=0.5, loss_c=0.75)) == 8
    assert desk.account.max_dd == 9.75


@pytest.mark.parametrize("side", [1, -1])
def test_a_peak_under_a_rate_that_moves_is_no_product_of_extremes(side: int) -> None:
    """Six ticks at a rate of 1 and four at 1.25: the peak is worth 12, not 15."""
    desk = held(side)
    bars = closes([0, -9, 0, 0, 0, 0, 0, 0, 1, 2, 6, 4, 4, 4, 4, 4], side)
    bars["gain_c"][11:] = bars["loss_c"][11:] = 1.25
    assert ridden(desk, bars) == 16
    assert desk.account.peak == 10_000 + 12


@pytest.mark.parametrize(("side", "block"), [(1, 0), (-1, 0), (1, 1), (-1, 1)])
@pytest.mark.parametrize("at_bar", [0, 3, 7])
@pytest.mark.parametrize("level", ["stop", "target", "danger"])
def test_a_block_ends_at_the_bar_that_touches_a_level_to_the_point(
    side: int, block: int, at_bar: int, level: str
) -> None:
    desk = held(side, stop_abs=8 * TICK, target_abs=8 * TICK)
    desk.account.max_dd, desk.account.max_dd_frac = 1000.0, 0.5
    bars = closes([0.0] * 24, side)
    near = 8 * block + at_bar
    danger = 1.0 - side * 4 * TICK
    up = {"stop": -8, "target": 8, "danger": -4}[level] * side
    high, low = 1.0 + max(up, 0) * TICK, 1.0 + min(up, 0) * TICK
    for name in ("bid", "ask"):
        bars[f"{name}_h"][near], bars[f"{name}_l"][near] = high, low
    found = ridden(desk, bars, danger if level == "danger" else None)
    assert found == near


@pytest.mark.parametrize("first", range(1, 8))
@pytest.mark.parametrize("touched", [8, 9, 14])
def test_a_hold_that_begins_inside_a_block_passes_no_bar_of_the_next_unseen(
    first: int, touched: int
) -> None:
    desk = held(stop_abs=8 * TICK)
    desk.account.max_dd, desk.account.max_dd_frac = 1000.0, 0.5
    bars = closes([0.0] * 24)
    bars["bid_l"][touched] = 1.0 - 8 * TICK
    assert ridden(desk, bars, first=first) == touched


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("ticks", "touching"), [(-8, True), (8, True), (-7, False), (7, False)])
@pytest.mark.parametrize("level", ["levels", "danger"])
def test_a_bar_touches_a_level_to_the_point_and_none_a_tick_before(
    side: int, ticks: int, touching: bool, level: str
) -> None:
    own = {"stop_abs": 8 * TICK, "target_abs": 8 * TICK} if level == "levels" else {}
    danger = NO_DANGER[side] if level == "levels" else 1.0 - side * 8 * TICK
    desk = held(side, **own)
    reached = closes([ticks], side)[0]
    expected = touching and (level == "levels" or ticks < 0)
    assert bool(touches(desk.book, reached, danger)) == expected


@pytest.mark.parametrize("side", [1, -1])
def test_a_block_that_sets_the_deepest_fraction_is_not_passed(side: int) -> None:
    """An eighth of the peak is lost: less than the deepest fall, more than a sixteenth."""
    desk = held(side, balance=64.0)
    desk.account.max_dd, desk.account.max_dd_frac = 32.0, 1 / 16
    assert ridden(desk, closes([0, 0, -4, 0, 0, 0, 0, 0], side)) == 8
    assert (desk.account.max_dd, desk.account.max_dd_frac) == (32.0, 1 / 8)


@pytest.mark.parametrize("side", [1, -1])
def test_a_block_that_sets_the_deepest_fall_is_not_passed(side: int) -> None:
    desk = held(side, balance=64.0)
    desk.account.max_dd, desk.account.max_dd_frac = 4.0, 0.5
    assert ridden(desk, closes([0, 0, -4, 0, 0, 0, 0, 0], side)) == 8
    assert (desk.account.max_dd, desk.account.max_dd_frac) == (8.0, 0.5)


def test_the_deepest_fraction_is_kept_below_a_peak_of_less_than_one() -> None:
    """0.2 of 0.5 is lost: less than the deepest fall 0.4, more than a tenth of the peak."""
    desk = held()
    account = desk.account
    account.balance = account.peak = 0.5
    account.max_dd, account.max_dd_frac = 0.375, 0.125
    desk.book["tk_units"][0] = 32.0
    assert ridden(desk, closes([0, -2, 0, 0, 0, 0, 0, 0])) == 8
    assert (account.max_dd, account.max_dd_frac) == (0.375, 0.25)


def _equal_but_for_rounding() -> tuple[float, float, float]:
    """(peak, fall, fraction): the fraction times the peak rounds to the fall, not back."""
    rng = np.random.default_rng(1)
    while True:
        peak, share_of = (float(one) for one in rng.uniform(0.5, 1.0, 2))
        fall = share_of * peak
        if fall / peak != share_of and fall >= 0.5 * peak:
            return peak, fall, share_of


def test_a_fall_equal_to_the_deepest_leaves_its_fraction_to_the_last_bit() -> None:
    """A ticket of one unit, bought for what is lost of it when its price comes to nothing."""
    peak, fall, deepest = _equal_but_for_rounding()
    for stepping in (True, False):
        desk = held()
        account, book = desk.account, desk.book
        book["tk_units"][0], book["tk_entry"][0] = 1.0, fall
        account.balance = account.peak = peak
        account.max_dd, account.max_dd_frac = 1.0, deepest
        if stepping:
            book.unrealised = -fall
            settle(account, desk.books, desk.limits[0])
        else:
            assert ridden(desk, r.readable(bar(at(1), 0.0))) == 1
        assert (account.max_dd, account.max_dd_frac) == (1.0, deepest)


@pytest.mark.parametrize("side", [1, -1])
def test_a_loss_that_weighs_half_at_home_may_be_twice_as_wide(side: int) -> None:
    """10,000 - 0.5 x 10,000 x 1.2 x 0.02 = 9,880, less a thousandth, at 5,000 a unit of price."""
    desk = Desk(rules(margin_rate=0.02), limit=limits(closeout=0.5))
    desk.enter(1.1, side)
    span = r.readable(np.array([(0.5, 1.2, 1.0)], SPAN))
    found = danger_price(desk.account, desk.book, desk.rules[0][0], desk.limits[0], span[0])
    assert found == pytest.approx(1.1 - side * 2 * 0.987012, abs=1e-12)


@pytest.mark.parametrize("side", [1, -1])
def test_the_last_cent_above_the_closeout_margin_still_keeps_danger_away(side: int) -> None:
    """2 x 10,000 x 1.25 x 0.02 of 500.5 leave 0.5, less a thousandth: half a tenth of a pip."""
    desk = Desk(rules(), balance=500.5, limit=limits(closeout=2.0))
    desk.enter(1.1, side)
    span = r.readable(np.array([(1.0, 1.25, 1.0)], SPAN))
    found = danger_price(desk.account, desk.book, desk.rules[0][0], desk.limits[0], span[0])
    assert found == pytest.approx(1.1 - side * 0.4995e-4, abs=1e-12)


@pytest.mark.parametrize(("late", "expected"), [(-1, 2), (0, 2), (1, 3)])
def test_a_moment_after_a_bars_open_is_the_next_bars(late: int, expected: int) -> None:
    bars = closes([0.0] * 5)
    assert first_at(bars, 2, 5, at(3) + late, 1 / MINUTE) == expected
    assert first_at(bars, 1, 5, at(3) + late, 1 / MINUTE) == expected
    assert first_at(bars, 0, 0, at(3) + late, 1 / MINUTE) == 0
    assert first_at(bars, 0, 5, T0, 1 / MINUTE) == 0


@pytest.mark.parametrize(
    ("fields", "stop"),
    [
        ({"trail_abs": 2 * TICK}, 2), ({"trail_frac": TICK, "trail_abs": TICK}, 2),
        ({"breakeven_abs": 2 * TICK}, 0), ({"breakeven_frac": 2 * TICK}, 0),
        ({"breakeven_frac": TICK, "breakeven_abs": TICK}, 0),
        ({"trail_abs": 2 * TICK, "breakeven_frac": 2 * TICK}, 2),
    ],
)  # fmt: skip
def test_a_stop_moves_inside_a_block_whichever_distances_are_set(
    fields: dict[str, Any], stop: int
) -> None:
    """Four ticks of profit: the stop goes to two of them, or to the entry."""
    desk = held(**fields)
    desk.account.max_dd, desk.account.max_dd_frac = 1000.0, 0.5
    assert ridden(desk, closes([3, 3, 4, 4, 3, 3, 3, 3])) == 8
    assert desk.book["tk_stop"][0] == 1.0 + stop * TICK


@pytest.mark.parametrize("distance", ["trail_abs", "trail_frac", "breakeven_abs"])
def test_a_distance_of_one_moves_the_stop_like_any_other(distance: str) -> None:
    """Bought at 1, worth 4: a trail of one unit of price stands at 3, one of all of it at 0."""
    desk = held(**dict[str, Any]({distance: 1.0}))
    desk.account.max_dd, desk.account.max_dd_frac = 9000.0, 0.5
    assert ridden(desk, closes([3 / TICK] * 8)) == 8
    expected = {"trail_abs": 3.0, "trail_frac": 0.0, "breakeven_abs": 1.0}
    assert desk.book["tk_stop"][0] == expected[distance]
