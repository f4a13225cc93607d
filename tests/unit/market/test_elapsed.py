"""Market time added to and taken from an instant: weekends take none of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotband.errors import InputError
from hotband.market.calendar import DEFAULT_HOURS, MINUTE_NS, format_time, parse_time
from hotband.market.elapsed import market_earlier, market_later, weeks_within

YEAR = (parse_time("2025-01-01T00:00:00Z"), parse_time("2026-01-01T00:00:00Z"))
instants = st.integers(YEAR[0] // MINUTE_NS, YEAR[1] // MINUTE_NS).map(MINUTE_NS.__mul__)
lengths = st.integers(0, 30_000)


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2025-04-16T12:00:00Z", 60, "2025-04-16T13:00:00Z"),
        ("2025-04-18T20:00:00Z", 90, "2025-04-20T21:30:00Z"),  # an hour of Friday is left
        ("2025-04-18T20:00:00Z", 60, "2025-04-18T21:00:00Z"),  # the close itself
        ("2025-04-19T12:00:00Z", 60, "2025-04-20T22:00:00Z"),  # from a Saturday
        ("2025-04-19T12:00:00Z", 0, "2025-04-19T12:00:00Z"),
        ("2025-03-07T21:00:00Z", 90, "2025-03-09T21:30:00Z"),  # clocks change at the weekend
        ("2025-04-18T21:00:00Z", 7200, "2025-04-25T21:00:00Z"),  # a whole week
    ],
)
def test_market_time_passes_only_inside_the_week(start: str, minutes: int, end: str) -> None:
    assert format_time(market_later(parse_time(start), minutes, DEFAULT_HOURS)) == end


@pytest.mark.parametrize(
    ("end", "minutes", "start"),
    [
        ("2025-04-16T12:00:00Z", 60, "2025-04-16T11:00:00Z"),
        ("2025-04-20T21:30:00Z", 90, "2025-04-18T20:00:00Z"),
        ("2025-04-20T21:00:00Z", 60, "2025-04-18T20:00:00Z"),  # from the open
        ("2025-04-20T22:00:00Z", 60, "2025-04-20T21:00:00Z"),  # the open itself
        ("2025-04-19T12:00:00Z", 60, "2025-04-18T20:00:00Z"),
        ("2025-04-19T12:00:00Z", 0, "2025-04-19T12:00:00Z"),
    ],
)
def test_market_time_is_taken_back_the_same_way(end: str, minutes: int, start: str) -> None:
    assert format_time(market_earlier(parse_time(end), minutes, DEFAULT_HOURS)) == start


@settings(max_examples=100)
@given(instants, lengths)
def test_as_many_market_minutes_lie_between_as_were_added_or_taken(t: int, minutes: int) -> None:
    later = market_later(t, minutes, DEFAULT_HOURS)
    earlier = market_earlier(t, minutes, DEFAULT_HOURS)
    assert DEFAULT_HOURS.market_minutes(t, later) == minutes
    assert DEFAULT_HOURS.market_minutes(earlier, t) == minutes


@settings(max_examples=100)
@given(instants, st.integers(1, 30_000))
def test_a_minute_less_is_not_enough(t: int, minutes: int) -> None:
    later = market_later(t, minutes, DEFAULT_HOURS)
    earlier = market_earlier(t, minutes, DEFAULT_HOURS)
    assert DEFAULT_HOURS.market_minutes(t, later - MINUTE_NS) == minutes - 1
    assert DEFAULT_HOURS.market_minutes(earlier + MINUTE_NS, t) == minutes - 1


def test_negative_minutes_are_refused() -> None:
    with pytest.raises(InputError, match="market minutes: got -1; allowed: 0 or more"):
        market_later(YEAR[0], -1, DEFAULT_HOURS)


def test_the_weeks_within_are_those_that_open_and_close_inside() -> None:
    first, end = parse_time("2025-04-01T00:00:00Z"), parse_time("2025-04-18T21:00:00Z")
    assert [
        (format_time(a), format_time(b)) for a, b in weeks_within(first, end, DEFAULT_HOURS)
    ] == [
        ("2025-04-06T21:00:00Z", "2025-04-11T21:00:00Z"),
        ("2025-04-13T21:00:00Z", "2025-04-18T21:00:00Z"),
    ]
    opening = parse_time("2025-04-06T21:00:00Z")
    assert len(weeks_within(opening, end, DEFAULT_HOURS)) == 2
    assert len(weeks_within(opening + 1, end - 1, DEFAULT_HOURS)) == 0
