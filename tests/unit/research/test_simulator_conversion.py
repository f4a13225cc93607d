"""A pair that only converts may be older than the window; a pair that trades may not."""

from dataclasses import replace

import pytest
from tests.unit.research.demo_runs import START, market, simulate

from hotband.errors import WindowError
from hotband.market.bars import Bars
from hotband.market.calendar import HOUR_NS, parse_time


def ending_before_the_window(bars: Bars) -> Bars:
    """The bars up to four hours before the window starts."""
    return replace(bars, data=bars.data[bars.data["t"] < parse_time(START) - 4 * HOUR_NS])


def test_a_conversion_price_from_hours_before_the_window_still_converts() -> None:
    held = market("EUR_GBP", "GBP_USD")
    old = ending_before_the_window(held["GBP_USD"])
    result = simulate("EUR_GBP", {"EUR_GBP": held["EUR_GBP"], "GBP_USD": old})
    rates = set(result.parts["EUR_GBP"].feed.bars["gain_o"].tolist())
    last = old.data[-1]
    assert rates == {0.5 * float(last["bid_c"] + last["ask_c"])}


def test_a_pair_that_trades_needs_bars_inside_the_window() -> None:
    held = market("GBP_USD")
    with pytest.raises(WindowError, match="without a bar of GBP_USD"):
        simulate("GBP_USD", {"GBP_USD": ending_before_the_window(held["GBP_USD"])})
