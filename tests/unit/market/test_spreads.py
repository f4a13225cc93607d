"""A derived side costs what the hour of the week costs, and the bars say it was derived."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.samples import bars_at

from hotband.core.records import QUOTE
from hotband.errors import BarsError
from hotband.market.bars import Bars, Column, Int64Array
from hotband.market.calendar import HOUR_NS, MINUTE_NS, parse_time
from hotband.market.instruments import Instrument, load_instruments
from hotband.market.spreads import ONE_SIDES, OneSide, SpreadProfile, complete_sides, week_phase_ns

TABLE = load_instruments()
EUR_USD = TABLE["EUR_USD"]
WEEK_NS = 7 * 24 * HOUR_NS


def at(*texts: str) -> Int64Array:
    return np.array([parse_time(text) for text in texts], dtype=np.int64)


def factors(instrument: Instrument, *texts: str) -> list[float]:
    spreads = SpreadProfile.from_table(instrument).at(at(*texts))
    return [round(s / (instrument.spread_pips * instrument.pip), 9) for s in spreads]


def one_side(n: int = 3, price: float = 1.1) -> dict[str, Column]:
    o = price + 0.0001 * np.arange(n)
    time = parse_time("2025-04-02T14:00:00Z") + MINUTE_NS * np.arange(n, dtype=np.int64)
    return {"time": time, "o": o, "h": o + 0.0002, "l": o - 0.0002, "c": o + 0.0001}


def complete(columns: dict[str, Column], side: OneSide = "bid") -> Bars:
    profile = SpreadProfile.from_table(EUR_USD)
    return complete_sides(columns, side, profile, EUR_USD, granularity="M1", source="mt5")


def weekly_bars(spreads: list[float], first: str = "2025-03-05T15:00:00Z") -> Bars:
    """One M1 bar a week at the same New York minute, with these spreads."""
    data = np.empty(len(spreads), dtype=QUOTE)
    data["t"] = parse_time(first) + WEEK_NS * np.arange(len(spreads))
    for name in QUOTE.names or ():
        if name not in {"t", "volume"}:
            data[name] = 1.1 + (np.array(spreads) if name.startswith("ask") else 0.0)
    data["volume"] = np.nan
    return Bars.from_records("EUR_USD", "M1", data, source="oanda")


def test_the_curve_follows_new_york_time() -> None:
    """A Wednesday in summer time: New York is UTC-4."""
    times = (
        "2025-04-02T14:00:00Z",  # 10:00
        "2025-04-02T20:54:00Z",  # 16:54
        "2025-04-02T20:55:00Z",  # 16:55
        "2025-04-02T21:59:00Z",  # 17:59
        "2025-04-02T22:00:00Z",  # 18:00
        "2025-04-03T06:59:00Z",  # 02:59
        "2025-04-03T07:00:00Z",  # 03:00
    )
    assert factors(EUR_USD, *times) == [1.0, 1.0, 2.5, 2.5, 1.3, 1.3, 1.0]


def test_the_curve_moves_with_daylight_time() -> None:
    winter, summer = "2025-01-08T21:55:00Z", "2025-07-09T20:55:00Z"
    assert factors(EUR_USD, winter, summer) == [2.5, 2.5]


def test_sunday_opens_and_friday_ends_cost_more() -> None:
    sunday, friday, friday_roll = "21:00:00Z", "20:00:00Z", "20:57:00Z"
    times = (f"2025-04-06T{sunday}", f"2025-04-04T{friday}", f"2025-04-04T{friday_roll}")
    assert factors(EUR_USD, *times) == [3.0, 2.0, 2.5]


@pytest.mark.parametrize("name", ["USD_JPY", "AUD_USD", "NZD_CAD"])
def test_asian_hours_cost_no_more_for_asian_currencies(name: str) -> None:
    assert factors(TABLE[name], "2025-04-03T02:00:00Z") == [1.0]


def test_the_week_begins_on_monday_in_new_york() -> None:
    phases = week_phase_ns(at("2025-04-07T04:00:00Z", "2025-04-06T21:00:00Z"))
    assert (phases // HOUR_NS).tolist() == [0, 6 * 24 + 17]


def test_the_median_of_an_hour_comes_from_its_bars() -> None:
    """The median of 1, 2, 3, 9, 9 pips is 3 pips, at Wednesday 10:00 in New York."""
    bars = weekly_bars([0.0001, 0.0009, 0.0002, 0.0009, 0.0003], "2025-04-02T14:00:00Z")
    profile = SpreadProfile.from_bars(bars, int(bars.known_ns[-1]))
    assert profile.spread[2 * 24 + 10] == pytest.approx(0.0003, abs=1e-12)
    assert profile.origin == "bars"


def test_hours_with_too_few_bars_are_not_estimated() -> None:
    bars = weekly_bars([0.0001] * 4)
    assert np.isnan(SpreadProfile.from_bars(bars, int(bars.known_ns[-1])).spread).all()


def test_a_profile_does_not_see_bars_known_later() -> None:
    bars = weekly_bars([0.0001] * 5 + [0.0500] * 6, "2025-04-02T14:00:00Z")
    profile = SpreadProfile.from_bars(bars, int(bars.known_ns[4]))
    assert np.nanmax(profile.spread) == pytest.approx(0.0001)
    with pytest.raises(BarsError, match="none known before"):
        SpreadProfile.from_bars(bars, int(bars.known_ns[0]) - 1)


def test_a_derived_spread_teaches_nothing() -> None:
    with pytest.raises(BarsError, match=r"side_origin mid; .* use SpreadProfile\.from_table"):
        SpreadProfile.from_bars(bars_at([0], side_origin="mid"), 2**62)


def test_a_profile_is_not_used_before_it_was_known() -> None:
    bars = weekly_bars([0.0001] * 5, "2025-05-07T14:00:00Z")
    profile = SpreadProfile.from_bars(bars, int(bars.known_ns[-1]))
    with pytest.raises(BarsError, match="a profile known before the first bar"):
        complete_sides(one_side(), "bid", profile, EUR_USD, granularity="M1", source="mt5")


def test_unknown_hours_of_a_profile_take_the_table() -> None:
    bars = weekly_bars([0.0009] * 5, "2025-02-05T15:00:00Z")  # Wednesdays 10:00 New York
    profile = SpreadProfile.from_bars(bars, int(bars.known_ns[-1]))
    columns = one_side(61)
    done = complete_sides(columns, "bid", profile, EUR_USD, granularity="M1", source="mt5")
    spread = np.round(done.data["ask_o"] - done.data["bid_o"], 5)
    assert spread[0] == 0.0009
    assert spread[60] == 0.00006  # 11:00, not estimated: 0.6 pips of the table


@pytest.mark.parametrize(
    ("side", "bid", "ask"),
    [("bid", 1.1, 1.10006), ("ask", 1.09994, 1.1), ("mid", 1.09997, 1.10003)],
)
def test_the_given_side_stays_and_the_other_is_a_spread_away(
    side: OneSide, bid: float, ask: float
) -> None:
    """EUR_USD costs 0.6 pips at 10:00 New York; mid prices lie in the middle."""
    bars = complete(one_side(), side)
    assert (bars.data["bid_o"][0], bars.data["ask_o"][0]) == (bid, ask)
    assert (bars.side_origin, bars.source) == (side, "mt5")


@given(st.sampled_from(ONE_SIDES), st.lists(st.floats(0.5, 2), min_size=4, max_size=4))
def test_completed_bars_are_valid_whatever_the_digits(side: OneSide, prices: list[float]) -> None:
    low, first, second, high = sorted(prices)
    columns: dict[str, Column] = {
        "time": at("2025-04-02T14:00:00Z"),
        "o": [second],
        "h": [high],
        "l": [low],
        "c": [first],
    }
    bars = complete(columns, side)
    assert bars.data["ask_c"][0] >= bars.data["bid_c"][0]


def test_a_profile_of_another_instrument_is_refused() -> None:
    profile = SpreadProfile.from_table(TABLE["USD_JPY"])
    with pytest.raises(BarsError, match="profile: got USD_JPY; allowed: EUR_USD"):
        complete_sides(one_side(), "bid", profile, EUR_USD, granularity="M1", source="mt5")


def test_a_wrong_side_and_wrong_columns_are_named() -> None:
    with pytest.raises(BarsError, match="Did you mean 'mid'"):
        complete(one_side(), "middle")  # type: ignore[arg-type] # the wrong side under test
    with pytest.raises(BarsError, match="got bid_o; allowed: time, o, h, l, c, volume"):
        complete(one_side() | {"bid_o": [1.0]})
    columns = one_side()
    del columns["c"]
    with pytest.raises(BarsError, match="got no c; allowed: time, o, h, l, c, volume"):
        complete(columns)
