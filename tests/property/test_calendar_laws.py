"""Laws of the calendar that hold for every instant, and over every change of clocks 2003-2030."""

from datetime import UTC

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.naive import naive_market as naive

from hotband.core import records
from hotband.market.calendar import (
    DAY_NS,
    DEFAULT_HOURS,
    FIRST_NS,
    HOUR_NS,
    LAST_NS,
    MINUTE_NS,
    SECOND_NS,
    format_time,
    iso_week_window,
    parse_time,
    zone_clock,
)
from hotband.market.sessions import SESSIONS, Session, market_flags, session_flags

YEARS = (parse_time("2003-01-01T00:00:00Z"), parse_time("2031-01-01T00:00:00Z"))
ZONES = (
    "America/New_York",
    "Europe/London",
    "Australia/Sydney",
    "Pacific/Auckland",
    "Europe/Athens",
    "America/Chicago",
)
instants = st.integers(FIRST_NS // MINUTE_NS, LAST_NS // MINUTE_NS - 1).map(MINUTE_NS.__mul__)
recent = st.integers(YEARS[0] // MINUTE_NS, YEARS[1] // MINUTE_NS).map(MINUTE_NS.__mul__)
sessions = st.builds(
    lambda start, length, zone, days: Session("s", start, (start + length) % 1440, zone, days),
    st.integers(0, 1439),
    st.integers(1, 1439),
    st.sampled_from([*ZONES, "Asia/Tokyo", "UTC", "Asia/Kolkata"]),
    st.none() | st.frozensets(st.integers(0, 6), min_size=1),
)


def switches(zone: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    edges = zone_clock(zone).edges_ns
    return edges[(edges >= YEARS[0]) & (edges < YEARS[1])]


def test_every_change_of_clocks_2003_to_2030_happens_while_the_market_is_closed() -> None:
    changes = np.concatenate([switches(zone) for zone in ZONES])
    assert len(changes) == 336
    assert DEFAULT_HOURS.in_week(changes).sum() == 0


@pytest.mark.parametrize("zone", ZONES)
def test_the_trading_day_equals_its_definition_around_every_change_of_clocks(zone: str) -> None:
    steps = np.arange(-3 * DAY_NS, 3 * DAY_NS, 3 * HOUR_NS, dtype=np.int64)
    times = (switches(zone)[:, None] + steps).ravel()
    days = DEFAULT_HOURS.trading_day(times)
    expected = [(naive.trading_day(int(t)) - naive.EPOCH.date()).days for t in times]
    assert days.tolist() == expected


def test_every_week_from_1971_to_2099_lasts_120_hours() -> None:
    weeks = np.arange(FIRST_NS + 4 * DAY_NS, LAST_NS - 14 * DAY_NS, 7 * DAY_NS, dtype=np.int64)
    closes = DEFAULT_HOURS.next_week_close(weeks)
    assert len(np.unique(closes)) == len(weeks)
    edges = np.stack((closes - 120 * HOUR_NS - 1, closes - 120 * HOUR_NS, closes - 1, closes))
    expected = np.array([[False], [True], [True], [False]])
    assert np.array_equal(DEFAULT_HOURS.in_week(edges), np.broadcast_to(expected, edges.shape))


@given(instants)
def test_the_trading_day_and_the_week_equal_their_definitions(t: int) -> None:
    assert DEFAULT_HOURS.trading_day(t) == (naive.trading_day(t) - naive.EPOCH.date()).days
    assert DEFAULT_HOURS.in_week(t) == naive.in_week(t)
    assert DEFAULT_HOURS.in_holiday(t) == naive.in_default_holiday(t)


@given(instants)
def test_the_trading_day_changes_at_rolls_and_nowhere_else(t: int) -> None:
    before, after = int(DEFAULT_HOURS.prev_roll(t)), int(DEFAULT_HOURS.next_roll(t))
    assert before <= t < after
    if before > FIRST_NS and after < LAST_NS:
        labels = DEFAULT_HOURS.trading_day([before - 1, before, t, after - 1, after])
        assert labels[0] < labels[1] == labels[2] == labels[3] < labels[4]
        assert DEFAULT_HOURS.rolls_between(before - 1, after).tolist() == [before, after]
        assert DEFAULT_HOURS.rolls_between(before, after).tolist() == [after]


@given(st.lists(recent, min_size=3, max_size=3))
def test_market_minutes_add_up_and_count_7200_a_week(times: list[int]) -> None:
    a, b, c = sorted(times)
    minutes = DEFAULT_HOURS.market_minutes
    assert minutes(a, b) + minutes(b, c) == minutes(a, c)
    assert minutes(b, a) == 0 or a == b
    assert minutes(a, a + 7 * DAY_NS) in {7200 - 60, 7200, 7200 + 60}
    close = int(DEFAULT_HOURS.next_week_close(a))
    assert minutes(close - 120 * HOUR_NS, close) == 7200


@given(recent, st.integers(0, 20 * 24 * 60))
def test_days_between_lists_the_labels_of_the_open_minutes(start: int, length: int) -> None:
    grid = np.arange(start, start + length * MINUTE_NS, 7 * MINUTE_NS, dtype=np.int64)
    # The grid and the window end on the same minute, so no day can hide between two points.
    grid = np.append(grid, start + length * MINUTE_NS - MINUTE_NS) if length else grid
    open_days = np.unique(DEFAULT_HOURS.trading_day(grid[DEFAULT_HOURS.in_week(grid)]))
    days = DEFAULT_HOURS.days_between(start, start + length * MINUTE_NS)
    assert set(open_days) <= set(days.tolist())
    assert len(days) <= len(open_days) + 1
    assert np.all((days + 3) % 7 < 5)


@given(recent, st.lists(sessions, min_size=1, max_size=3), st.integers(0, 300))
def test_session_flags_equal_their_definition(
    t: int, chosen: list[Session], exit_minutes: int
) -> None:
    end = naive.session_end(t, chosen)
    expected = 0
    if end is not None:
        expected = records.IN_SESSION
        expected |= records.SESSION_EXIT if t >= end - exit_minutes * MINUTE_NS else 0
    assert session_flags(t, tuple(chosen), exit_minutes) == expected


@given(recent, st.sampled_from(sorted(SESSIONS)))
def test_a_session_lasts_nine_hours_on_every_day_of_every_year(t: int, name: str) -> None:
    times = np.arange(t, t + DAY_NS, MINUTE_NS, dtype=np.int64)
    inside = (session_flags(times, (SESSIONS[name],), 0) & records.IN_SESSION).sum()
    assert 8 * 60 <= inside <= 10 * 60
    offsets = zone_clock(SESSIONS[name].zone)
    if offsets.to_local(times[:1]) - times[0] == offsets.to_local(times[-1:]) - times[-1]:
        assert inside == 9 * 60


@given(recent, st.integers(0, 120))
def test_the_last_minutes_of_a_week_are_flagged_and_no_others(t: int, minutes: int) -> None:
    flags = int(market_flags(t, MINUTE_NS, DEFAULT_HOURS, minutes))
    close = int(DEFAULT_HOURS.next_week_close(t))
    near = naive.in_week(t) and t + MINUTE_NS > close - minutes * MINUTE_NS
    assert bool(flags & records.WEEK_END) == bool(flags & records.FLATTEN) == near


@given(instants, st.sampled_from(ZONES))
def test_wall_time_and_back_is_the_same_instant_unless_the_hour_repeats(t: int, zone: str) -> None:
    clock = zone_clock(zone)
    times = np.array([t], np.int64)
    back = clock.to_utc(clock.to_local(times))
    assert back[0] == t or (back[0] < t and clock.to_local(back)[0] == clock.to_local(times)[0])
    wall = naive.moment(t, zone).replace(tzinfo=UTC)
    assert clock.to_local(times)[0] == (wall - naive.EPOCH).total_seconds() * SECOND_NS


@given(st.integers(FIRST_NS, LAST_NS - 1))
def test_times_survive_being_written_and_read(t: int) -> None:
    assert parse_time(format_time(t)) == t


@given(st.integers(1971, 2098), st.integers(1, 52))
def test_an_iso_week_runs_from_its_open_to_its_close(year: int, week: int) -> None:
    start, end = iso_week_window(f"{year}-W{week:02d}")
    assert end - start == 120 * HOUR_NS
    assert naive.moment(end, "America/New_York").isocalendar()[:2] == (year, week)
    assert naive.moment(end, "America/New_York").strftime("%a %H:%M") == "Fri 17:00"
