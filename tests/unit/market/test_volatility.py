"""Volatility and the last move: known at the open, streaming equal to batch."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.naive import naive_market as naive

from hotband.core.records import DOWN_MOVE, UP_MOVE
from hotband.errors import BarsError, InputError
from hotband.market.calendar import HOUR_NS, MINUTE_NS, Times
from hotband.market.volatility import (
    START,
    daily_volatility,
    day_scale,
    decay_of,
    last_move,
    update,
)

unhurried = settings(deadline=None)  # the first call compiles
closes = st.lists(st.floats(0.5, 200), min_size=1, max_size=40).map(np.array)


def clock(n: int, step_ns: int = MINUTE_NS) -> Times:
    return 10**18 + step_ns * np.arange(n, dtype=np.int64)


def test_two_hourly_moves_of_one_percent_make_4_9_percent_a_day() -> None:
    close = np.exp(0.01 * np.array([0, 1, 0, 1]))
    vol = daily_volatility(close, clock(4, HOUR_NS), HOUR_NS, 10, 3)
    assert np.isnan(vol[:3]).all()
    assert vol[3] == pytest.approx(0.01 * math.sqrt(24), rel=1e-12)
    assert round(float(vol[3]), 6) == 0.04899


def test_a_return_one_half_life_older_weighs_half() -> None:
    close = np.exp(np.array([0, 0.03, 0.03, 0.03]))
    vol = daily_volatility(close, clock(4), MINUTE_NS, 1, 2)
    assert vol[2] == pytest.approx(0.03 * math.sqrt(1440), rel=1e-12)
    assert vol[3] == pytest.approx(0.03 * math.sqrt(1440 / 3), rel=1e-12)


@unhurried
@given(closes, st.floats(0.5, 100), st.integers(2, 10))
def test_volatility_equals_its_definition(
    close: np.ndarray[tuple[int], np.dtype[np.float64]], half_life: float, min_bars: int
) -> None:
    vol = daily_volatility(close, clock(len(close)), MINUTE_NS, half_life, min_bars)
    expected = naive.volatility(close.tolist(), half_life, min_bars, 1440)
    assert vol.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)


@unhurried
@given(closes, st.floats(0.5, 100))
def test_repeated_updates_equal_the_batch_bit_for_bit(
    close: np.ndarray[tuple[int], np.dtype[np.float64]], half_life: float
) -> None:
    vol = daily_volatility(close, clock(len(close)), MINUTE_NS, half_life, 2)
    total, weight = START
    for i in range(2, len(close)):
        total, weight = update(total, weight, close[i - 2], close[i - 1], decay_of(half_life))
        assert vol[i] == math.sqrt(total / weight) * day_scale(MINUTE_NS)


@unhurried
@given(closes, st.data())
def test_nothing_at_an_open_depends_on_that_bar_or_later_ones(
    close: np.ndarray[tuple[int], np.dtype[np.float64]], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(close) - 1))
    changed = close.copy()
    changed[cut:] = changed[cut:] * 1.5 + 1
    times = clock(len(close))
    before = daily_volatility(close, times, MINUTE_NS, 5, 2)
    after = daily_volatility(changed, times, MINUTE_NS, 5, 2)
    assert np.array_equal(before[: cut + 1], after[: cut + 1], equal_nan=True)
    assert np.array_equal(last_move(close)[: cut + 1], last_move(changed)[: cut + 1])


@unhurried
@given(closes, st.sampled_from([0.25, 4.0, 1024.0]))
def test_volatility_does_not_depend_on_the_unit_of_the_price(
    close: np.ndarray[tuple[int], np.dtype[np.float64]], unit: float
) -> None:
    times = clock(len(close))
    one = daily_volatility(close, times, MINUTE_NS, 5, 2)
    other = daily_volatility(close * unit, times, MINUTE_NS, 5, 2)
    assert np.array_equal(one, other, equal_nan=True)


def test_the_last_move_is_the_change_between_the_two_closes_before() -> None:
    moves = last_move(np.array([1.0, 1.1, 1.1, 1.0, 1.2, 1.3]))
    assert moves.tolist() == [0, 0, UP_MOVE, 0, DOWN_MOVE, UP_MOVE]
    assert moves.dtype == np.int32
    for n in (0, 1, 2):
        assert last_move(np.ones(n)).tolist() == [0] * n


@pytest.mark.parametrize(
    ("close", "half_life", "min_bars", "text"),
    [
        ([1.0, 1.0], 0.0, 2, "volatility half_life_bars: got 0.0; allowed: above 0, finite"),
        ([1.0, 1.0], math.nan, 2, "volatility half_life_bars: got nan"),
        ([1.0, 1.0], 5.0, 1, "volatility min_bars: got 1; allowed: 2 or more"),
    ],
)
def test_impossible_settings_are_refused(
    close: list[float], half_life: float, min_bars: int, text: str
) -> None:
    with pytest.raises(InputError, match=text):
        daily_volatility(np.array(close), clock(2), MINUTE_NS, half_life, min_bars)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_closes_that_are_no_prices_are_refused(bad: float) -> None:
    with pytest.raises(BarsError, match="mid_close: got a price that is not above 0"):
        daily_volatility(np.array([1.0, bad]), clock(2), MINUTE_NS, 5, 2)


def test_bars_that_overlap_or_do_not_match_their_times_are_refused() -> None:
    with pytest.raises(BarsError, match=r"bars: got overlapping times; .*60000000001 ns or more"):
        daily_volatility(np.ones(3), clock(3), MINUTE_NS + 1, 5, 2)
    with pytest.raises(BarsError, match=r"mid_close: got \(3,\); allowed: one per time, \(2,\)"):
        daily_volatility(np.ones(3), clock(2), MINUTE_NS, 5, 2)
