"""A holiday that runs into the weekend ends the trading week before it."""

import numpy as np

from hotband.core.records import FLATTEN, WEEK_END
from hotband.market.calendar import DEFAULT_HOURS, HOUR_NS, MINUTE_NS, parse_time
from hotband.market.sessions import market_flags


def test_positions_are_flattened_before_a_holiday_that_runs_into_the_weekend() -> None:
    """Christmas 2009 was a Friday: trading ended at Thursday midnight, New York (05:00 UTC)."""
    last = parse_time("2009-12-25T05:00:00Z")
    t = np.array([last - 2 * HOUR_NS, last - HOUR_NS, last, last + HOUR_NS])
    flat = market_flags(t, HOUR_NS, DEFAULT_HOURS, 15.0) & (FLATTEN | WEEK_END)
    assert flat.tolist() == [0, FLATTEN | WEEK_END, FLATTEN | WEEK_END, FLATTEN | WEEK_END]


def test_an_ordinary_week_is_flattened_before_its_close_only() -> None:
    close = parse_time("2009-12-18T22:00:00Z")
    t = np.array([close - 16 * MINUTE_NS, close - 15 * MINUTE_NS])
    flat = market_flags(t, MINUTE_NS, DEFAULT_HOURS, 15.0) & FLATTEN
    assert flat.tolist() == [0, FLATTEN]
