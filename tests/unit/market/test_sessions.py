"""Sessions against the published table, and the flags that bars get from the calendar."""

import numpy as np
import pytest

from hotband.core import records
from hotband.errors import InputError, ProfileError
from hotband.market.calendar import (
    DAY_NS,
    DEFAULT_HOURS,
    HOUR_NS,
    MINUTE_NS,
    MarketHours,
    parse_granularity,
    parse_time,
)
from hotband.market.sessions import (
    SESSIONS,
    Session,
    get_session,
    market_flags,
    parse_session,
    session_flags,
)

at = parse_time
M1 = parse_granularity("M1")


def hours_utc(day: str, *names: str) -> list[int]:
    """The UTC hours of a day at whose start all the named sessions are open."""
    times = at(f"{day}T00:00:00Z") + HOUR_NS * np.arange(24)
    inside = [session_flags(times, (SESSIONS[name],), 0) & records.IN_SESSION for name in names]
    return np.flatnonzero(np.logical_and.reduce(inside)).tolist()


def span(first: int, last: int) -> list[int]:
    return sorted(hour % 24 for hour in range(first, last + (24 if last < first else 0)))


@pytest.mark.parametrize(
    ("day", "sydney", "tokyo", "london", "new_york", "overlap"),
    [
        ("2026-01-14", (20, 5), (0, 9), (8, 17), (13, 22), 4),
        ("2026-03-18", (20, 5), (0, 9), (8, 17), (12, 21), 5),
        ("2026-07-15", (21, 6), (0, 9), (7, 16), (12, 21), 4),
        ("2026-10-28", (20, 5), (0, 9), (8, 17), (12, 21), 5),
    ],
)
def test_sessions_have_the_utc_hours_of_the_reference(
    day: str,
    sydney: tuple[int, int],
    tokyo: tuple[int, int],
    london: tuple[int, int],
    new_york: tuple[int, int],
    overlap: int,
) -> None:
    assert hours_utc(day, "sydney") == span(*sydney)
    assert hours_utc(day, "tokyo") == span(*tokyo)
    assert hours_utc(day, "london") == span(*london)
    assert hours_utc(day, "new_york") == span(*new_york)
    assert len(hours_utc(day, "london", "new_york")) == overlap


def test_a_session_is_half_open() -> None:
    london = (get_session("london"),)
    opened, closed = at("2026-07-15T07:00:00Z"), at("2026-07-15T16:00:00Z")
    flags = session_flags([opened - 1, opened, closed - 1, closed], london, 0)
    assert flags.tolist() == [0, 1, 1, 0]
    assert flags.dtype == np.int32


def test_the_exit_window_is_the_last_minutes_of_the_merged_stretch() -> None:
    london, both = (get_session("london"),), (get_session("london"), get_session("new_york"))
    times = [at(f"2026-07-15T{clock}Z") for clock in ("15:54", "15:55", "20:54", "20:55", "21:00")]
    inside, leaving = records.IN_SESSION, records.IN_SESSION | records.SESSION_EXIT
    assert session_flags(times, london, 5).tolist() == [inside, leaving, 0, 0, 0]
    assert session_flags(times, both, 5).tolist() == [inside, inside, inside, leaving, 0]


def test_touching_sessions_are_one_stretch() -> None:
    early = parse_session("early", "08:00Z", "12:00Z")
    late = parse_session("late", "12:00Z", "16:00Z")
    noon = at("2026-07-15T12:00:00Z")
    flags = session_flags([noon - MINUTE_NS, noon, noon + 4 * HOUR_NS - 1], (late, early), 30)
    assert flags.tolist() == [1, 1, 3]


def test_no_session_and_whole_days_are_always_inside_and_never_leave() -> None:
    times = at("2026-03-07T23:00:00Z") + MINUTE_NS * np.arange(3 * 24 * 60)
    whole = parse_session("all", "00:00", "24:00", "America/New_York")
    for chosen in ((), (whole,)):
        assert set(session_flags(times, chosen, 600).tolist()) == {records.IN_SESSION}


def test_a_profiles_23_59_means_midnight() -> None:
    session = parse_session("whole", "00:00Z", "23:59Z")
    assert (session.start_minute, session.end_minute, session.zone) == (0, 1440, "UTC")
    last = at("2026-07-15T23:59:00Z")
    assert session_flags([last, last + MINUTE_NS], (session,), 60).tolist() == [1, 1]


def test_an_overnight_session_belongs_to_the_day_it_starts_on() -> None:
    session = parse_session("night", "22:00", "02:00", "Europe/London", frozenset({4}))
    friday = at("2026-07-17T21:00:00Z")
    times = [friday - 1, friday, friday + 4 * HOUR_NS - 1, friday + 4 * HOUR_NS, friday + DAY_NS]
    assert session_flags(times, (session,), 0).tolist() == [0, 1, 1, 0, 0]


def test_sessions_of_chosen_weekdays_are_shut_on_the_others() -> None:
    week = frozenset(range(5))
    session = parse_session("week", "00:00", "24:00", "UTC", week)
    days = [at(f"2026-07-{day}T12:00:00Z") for day in (16, 17, 18, 19, 20)]
    assert session_flags(days, (session,), 0).tolist() == [1, 1, 0, 0, 1]
    assert session_flags(at("2026-07-17T23:59Z"), (session,), 5) == 3
    assert session_flags(at("2026-07-16T23:59Z"), (session,), 5) == 1


@pytest.mark.parametrize(
    ("start", "end", "zone", "text"),
    [
        ("08:00", "17:00", None, "session s zone: got None; allowed: an IANA zone, or times with"),
        ("08:00Z", "17:00", None, "session s: got 08:00Z to 17:00, zone None; allowed: two times"),
        ("08:00Z", "17:00Z", "Europe/London", "zone Europe/London; .*Drop the Z or the zone"),
        ("8:00", "17:00", "UTC", "session s start: got 8:00; allowed: HH:MM from 00:00 to 24:00"),
        ("08:00", "25:00", "UTC", "session s end: got 25:00"),
        ("08:00", "08:00", "UTC", "session s: got minutes 480 to 480; .*24:00 for the whole day"),
        ("24:00", "08:00", "UTC", "session s: got minutes 1440 to 480"),
    ],
)
def test_unusable_session_hours_are_refused(
    start: str, end: str, zone: str | None, text: str
) -> None:
    with pytest.raises(ProfileError, match=text):
        parse_session("s", start, end, zone)


def test_unknown_zones_names_and_weekdays_are_refused() -> None:
    with pytest.raises(InputError, match=r"time zone: got Asia/Tokio.*Did you mean 'Asia/Tokyo'"):
        parse_session("s", "09:00", "18:00", "Asia/Tokio")
    with pytest.raises(ProfileError, match=r"session: got londn.*Did you mean 'london'"):
        get_session("londn")
    for days in (frozenset[int](), frozenset({7})):
        with pytest.raises(ProfileError, match=r"session s weekdays: got .* 0 .Monday. to 6"):
            Session("s", 0, 60, "UTC", days)


@pytest.mark.parametrize("minutes", [-1, float("nan"), float("inf")])
def test_minutes_before_an_end_are_a_number_from_zero_on(minutes: float) -> None:
    with pytest.raises(ProfileError, match=r"session_exit_minutes: got .*allowed: 0 or more"):
        session_flags([at("2026-07-15T12:00Z")], (), minutes)
    with pytest.raises(ProfileError, match=r"weekend_minutes: got .*allowed: 0 or more"):
        market_flags([at("2026-07-15T12:00Z")], M1, DEFAULT_HOURS, minutes)


def test_the_weeks_last_bars_are_those_that_end_too_late() -> None:
    hours = MarketHours(closure_start="17:00", closure_end="17:00")
    close = at("2026-07-17T21:00:00Z")
    times = close - MINUTE_NS * np.array([7, 6, 5, 1, 0])
    both = records.WEEK_END | records.FLATTEN
    expected = [0, 0, both, both, records.CLOSED_BAR]
    assert market_flags(times, M1, hours, 5).tolist() == expected
    assert market_flags(times, 5 * M1, hours, 5).tolist() == [both] * 4 + [records.CLOSED_BAR]
    assert market_flags(close - M1, M1, hours, 0) == 0


def test_bars_in_the_closure_the_weekend_and_holidays_are_flagged_at_their_open() -> None:
    times = {
        "2026-07-15T20:57:00Z": 0,
        "2026-07-15T20:58:00Z": records.CLOSED_BAR,
        "2026-07-15T21:02:00Z": records.CLOSED_BAR,
        "2026-07-15T21:03:00Z": 0,
        "2026-07-18T12:00:00Z": records.CLOSED_BAR,
        "2025-12-25T12:00:00Z": records.HOLIDAY_BAR,
    }
    flags = market_flags([at(text) for text in times], M1, DEFAULT_HOURS, 0)
    assert flags.tolist() == list(times.values())


def test_daily_bars_open_at_the_roll_and_yet_are_not_closed() -> None:
    day = parse_granularity("D")
    rolls = DEFAULT_HOURS.rolls_between(at("2026-07-12T00:00Z"), at("2026-07-17T00:00Z"))
    assert market_flags(rolls, day, DEFAULT_HOURS, 0).tolist() == [0] * len(rolls)
    assert market_flags(rolls[-1:], 4 * HOUR_NS, DEFAULT_HOURS, 0) == records.CLOSED_BAR
    last_day = [records.WEEK_END | records.FLATTEN]
    assert market_flags(rolls[-1:], day, DEFAULT_HOURS, 5).tolist() == last_day
