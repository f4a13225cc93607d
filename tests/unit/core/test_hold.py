"""What a quiet position rests on: where its next event is, and the price of danger."""

import math

import numpy as np
import pytest
from tests.unit.core.builders import MINUTE, T0, Desk, at, limits, rules

from hotband.core import records as r
from hotband.core.hold import danger_price, first_at
from hotband.core.shared import SPAN, share

PER_MINUTE = 1.0 / MINUTE


@pytest.mark.parametrize("seed", range(8))
def test_the_first_bar_at_or_after_a_time_is_found_over_gaps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bars = r.empty(r.BAR, 40)
    minutes = np.cumsum(rng.choice([1, 1, 1, 2, 90], 40))
    bars["t"] = T0 + minutes * MINUTE
    for _ in range(60):
        i = int(rng.integers(0, 39))
        end = int(rng.integers(i, 41))
        t = int(T0 + rng.integers(-5, minutes[-1] + 20) * MINUTE + rng.integers(-1, 2))
        expected = np.clip(np.searchsorted(bars["t"], t, side="left"), i, end)
        assert first_at(bars, i, end, t, PER_MINUTE) == expected


@pytest.mark.parametrize(("side", "price"), [(1, 1.1 - 0.987012), (-1, 1.1 + 0.987012)])
def test_danger_begins_where_the_loss_leaves_the_worst_closeout_margin(
    side: int, price: float
) -> None:
    """10,000 - 0.5 x 10,000 x 1.2 x 0.02 = 9,880, less a thousandth, over 10,000 units."""
    desk = Desk(rules(margin_rate=0.02), limit=limits(closeout=0.5))
    desk.enter(1.1, side)
    span = r.readable(np.array([(1.0, 1.2, PER_MINUTE)], SPAN))
    found = danger_price(desk.account, desk.book, desk.rules[0][0], desk.limits[0], span[0])
    assert found == pytest.approx(price, abs=1e-12)


@pytest.mark.parametrize(("side", "price"), [(1, math.inf), (-1, -math.inf)])
def test_an_account_at_its_closeout_margin_is_in_danger_at_every_price(
    side: int, price: float
) -> None:
    desk = Desk(rules(), balance=500.0, limit=limits(closeout=2.0))
    desk.enter(1.1, side)
    span = r.readable(np.array([(1.0, 1.25, PER_MINUTE)], SPAN))
    # 2 x 10,000 x 1.25 x 0.02 is all that there is.
    assert danger_price(desk.account, desk.book, desk.rules[0][0], desk.limits[0], span[0]) == price


def test_the_span_of_a_window_bounds_its_rates_and_its_pace() -> None:
    bars = r.empty(r.BAR, 4)
    bars["t"] = [at(0), at(5), at(7), at(60)]
    bars["loss_o"], bars["loss_c"] = [1.0, 2.0, 1.5, 1.0], [1.0, 2.5, 1.0, 1.0]
    bars["base_o"], bars["base_c"] = [1.0, 1.0, 3.5, 1.0], [1.0, 3.0, 1.0, 1.0]
    span = share(bars, np.zeros(4, np.int64), r.with_sentinel(r.empty(r.GATE, 0))).span[0]
    assert (span.loss_max, span.base_max) == (2.5, 3.5)
    assert span.per_ns == 1.0 / (2 * MINUTE)
