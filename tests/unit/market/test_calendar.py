"""The calendar against dates worked out by hand, and the texts of its refusals."""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hotband.errors import BarsError, InputError, WindowError
from hotband.market.calendar import (
    DAY_NS,
    DEFAULT_HOURS,
    FIRST_NS,
    GRANULARITIES,
    HOUR_NS,
    LAST_NS,
    MINUTE_NS,
    MarketHours,
    checked_times,
    format_time,
    iso_week_window,
    parse_granularity,
    parse_time,
    parse_window,
    wall_instants,
    zone_clock,
)

at = parse_time


def label(text: str) -> str:
    return str(np.datetime64(int(DEFAULT_HOURS.trading_day(at(text))), "D"))


@pytest.mark.parametrize(
    ("open_time", "next_open"),
    [
        ("2026-03-01T22:00:00Z", "2026-03-08T21:00:00Z"),
        ("2026-10-25T21:00:00Z", "2026-11-01T22:00:00Z"),
    ],
)
def test_the_week_opens_at_the_utc_times_of_2026(open_time: str, next_open: str) -> None:
    for text in (open_time, next_open):
        assert DEFAULT_HOURS.in_week([at(text) - 1, at(text)]).tolist() == [False, True]
        assert DEFAULT_HOURS.next_week_close(at(text)) == at(text) + 120 * HOUR_NS
    gap = at(next_open) - at(open_time) - 120 * HOUR_NS
    assert gap == (47 if "03-" in open_time else 49) * HOUR_NS


@pytest.mark.parametrize(
    ("zone", "changes"),
    [
        ("America/New_York", ["2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z"]),
        ("Europe/London", ["2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"]),
        ("Europe/Athens", ["2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"]),
        ("Australia/Sydney", ["2026-04-04T16:00:00Z", "2026-10-03T16:00:00Z"]),
        ("Pacific/Auckland", ["2026-04-04T14:00:00Z", "2026-09-26T14:00:00Z"]),
        ("Asia/Tokyo", []),
    ],
)
def test_clocks_change_in_2026_when_the_reference_says(zone: str, changes: list[str]) -> None:
    edges = zone_clock(zone).edges_ns
    year = (edges >= at("2026-01-01T00:00:00Z")) & (edges < at("2027-01-01T00:00:00Z"))
    assert [format_time(t) for t in edges[year]] == changes


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-03-08", "2026-03-29"),
        ("2026-10-25", "2026-11-01"),
        ("2027-03-14", "2027-03-28"),
        ("2027-10-31", "2027-11-07"),
    ],
)
def test_new_york_is_four_hours_from_london_in_the_mismatch_weeks_only(
    first: str, last: str
) -> None:
    def gap(day: date) -> int:
        noon = np.array([at(f"{day}T12:00:00Z")], np.int64)
        walls = [zone_clock(z).to_local(noon)[0] for z in ("Europe/London", "America/New_York")]
        return int(walls[0] - walls[1]) // HOUR_NS

    start, end = date.fromisoformat(first), date.fromisoformat(last)
    days = [start + timedelta(days=n) for n in range(-1, (end - start).days + 1)]
    assert [gap(day) for day in days] == [5, *([4] * (len(days) - 2)), 5]


@pytest.mark.parametrize(
    ("day", "roll"),
    [("2026-01-14", "22"), ("2026-03-18", "21"), ("2026-07-15", "21"), ("2026-10-28", "21")],
)
def test_seventeen_hours_new_york_is_this_in_utc(day: str, roll: str) -> None:
    noon = at(f"{day}T12:00:00Z")
    assert DEFAULT_HOURS.next_roll(noon) == at(f"{day}T{roll}:00:00Z")
    assert DEFAULT_HOURS.prev_roll(at(f"{day}T{roll}:00:00Z")) == at(f"{day}T{roll}:00:00Z")
    assert DEFAULT_HOURS.next_roll(at(f"{day}T{roll}:00:00Z")) == at(f"{day}T{roll}:00Z") + DAY_NS


@pytest.mark.parametrize(
    ("time", "day"),
    [
        ("2022-05-12T20:59:59Z", "2022-05-12"),
        ("2022-05-12T21:00:00Z", "2022-05-13"),
        ("2022-05-13T20:59:59.999999999Z", "2022-05-13"),
        ("2022-05-13T21:00:00Z", "2022-05-16"),
        ("2022-05-14T12:00:00Z", "2022-05-16"),
        ("2022-05-15T21:00:00Z", "2022-05-16"),
        ("2022-05-16T20:59:59Z", "2022-05-16"),
    ],
)
def test_sunday_evening_and_the_weekend_carry_mondays_label(time: str, day: str) -> None:
    assert label(time) == day


def test_rolls_are_counted_after_the_first_time_and_up_to_the_second() -> None:
    rolls = DEFAULT_HOURS.rolls_between(at("2026-03-05T22:00:00Z"), at("2026-03-09T21:00:00Z"))
    assert [format_time(t) for t in rolls] == ["2026-03-06T22:00:00Z", "2026-03-09T21:00:00Z"]
    assert DEFAULT_HOURS.rolls_between(at("2026-03-09T21:00Z"), at("2026-03-05T22:00Z")).size == 0


def test_the_daily_closure_is_half_open_and_may_be_empty_or_pass_midnight() -> None:
    texts = ["2026-07-15T20:57:59Z", "2026-07-15T20:58:00Z", "2026-07-15T21:02:59Z"]
    times = [at(text) for text in texts] + [at("2026-07-15T21:03:00Z")]
    assert DEFAULT_HOURS.in_closure(times).tolist() == [False, True, True, False]
    none = MarketHours(closure_start="17:00", closure_end="17:00")
    assert not none.in_closure(times).any()
    night = MarketHours(closure_start="23:58", closure_end="00:03")
    midnight = at("2026-07-16T04:00:00Z")
    steps = np.array([-3, -2, 0, 2, 3]) * MINUTE_NS
    assert night.in_closure(midnight + steps).tolist() == [False, True, True, True, False]


def test_holidays_flag_christmas_and_new_year_in_new_york_time() -> None:
    days = {
        "2025-12-25T04:59:59Z": False,
        "2025-12-25T05:00:00Z": True,
        "2025-12-25T21:59:59Z": True,
        "2025-12-25T22:00:00Z": False,
        "2025-12-31T21:59:59Z": False,
        "2025-12-31T22:00:00Z": True,
        "2026-01-01T21:59:59Z": True,
        "2026-01-01T22:00:00Z": False,
    }
    assert DEFAULT_HOURS.in_holiday([at(t) for t in days]).tolist() == list(days.values())


def test_dated_holidays_add_to_the_yearly_ones_and_may_overlap_them() -> None:
    hours = MarketHours(dated_holidays=(("2023-12-22 17:00", "2023-12-24 18:00"),))
    times = [at("2023-12-22T22:00Z"), at("2023-12-24T22:59Z"), at("2023-12-24T23:00Z")]
    assert hours.in_holiday(times).tolist() == [True, True, False]
    wider = MarketHours(dated_holidays=(("2023-12-29 17:00", "2024-01-01 17:00"),))
    times = [at("2023-12-30T00:00Z"), at("2024-01-01T21:59Z"), at("2024-01-01T22:00Z")]
    assert wider.in_holiday(times).tolist() == [True, True, False]
    assert not MarketHours(holidays=()).in_holiday(at("2025-12-25T12:00Z"))


def test_a_window_counts_open_minutes_and_trading_days() -> None:
    start, end = parse_window("2025-04-01T00:00:00Z", "2025-04-19T00:00:00Z")
    assert DEFAULT_HOURS.market_minutes(start, end) == (3 * 24 + 21 + 2 * 120) * 60
    days = DEFAULT_HOURS.days_between(start, end)
    assert len(days) == 14
    assert [str(np.datetime64(int(d), "D")) for d in days[[0, 3, 4, -1]]] == [
        "2025-04-01",
        "2025-04-04",
        "2025-04-07",
        "2025-04-18",
    ]
    assert DEFAULT_HOURS.days_between(at("2025-04-05T00:00Z"), at("2025-04-06T12:00Z")).size == 0


@pytest.mark.real_data
def test_real_bars_lie_in_the_week_and_on_the_days_that_it_lists(real_data: Path) -> None:
    for pair in ("EUR_USD", "GBP_USD"):
        bars = pl.read_parquet(real_data / f"{pair}.M1.dukascopy.20250401_20250418.parquet")
        times = bars["time"].cast(pl.Int64).to_numpy() * 1000
        assert DEFAULT_HOURS.in_week(times).all()
        days = DEFAULT_HOURS.days_between(int(times[0]), int(times[-1]) + MINUTE_NS)
        assert np.unique(DEFAULT_HOURS.trading_day(times)).tolist() == days.tolist()


def test_a_midnight_roll_is_written_24_00_and_labels_plain_dates() -> None:
    hours = MarketHours(zone="UTC", roll="24:00", week_open="Monday 00:00")
    days = hours.trading_day([at("2026-07-15T00:00Z"), at("2026-07-15T23:59:59Z")])
    assert [str(np.datetime64(int(d), "D")) for d in days] == ["2026-07-15"] * 2


def test_tables_that_all_callers_share_cannot_be_written() -> None:
    days, rolls = wall_instants("America/New_York", 17 * 60, frozenset(range(5)))
    for table in (days, rolls):
        with pytest.raises(ValueError, match="read-only"):
            table[0] = 0


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"zone": "Europe/Londn"}, "time zone: got Europe/Londn.*Did you mean 'Europe/London'"),
        ({"zone": "../etc"}, "time zone: got ../etc"),
        ({"roll": "00:00"}, "roll: got 00:00; allowed: 00:01 to 24:00. Write midnight as 24:00."),
        ({"roll": "17:60"}, "roll: got 17:60; allowed: HH:MM from 00:00 to 24:00"),
        ({"week_open": "Sonday 17:00"}, "week_open: got Sonday 17:00.*Did you mean 'Sunday 17:00'"),
        ({"week_open": "Friday 17:00"}, "week_close: got Friday 17:00; allowed: not week_open"),
        ({"closure_end": "5pm"}, "closure_end: got 5pm"),
        ({"holidays": (("02-29 00:00", "03-01 00:00"),)}, r"holiday: got 02-29 00:00.*not 02-29"),
        ({"holidays": (("1-1", "1-2"),)}, "holiday: got 1-1; allowed: MM-DD HH:MM"),
        ({"dated_holidays": (("2023-12-24 00:00", "2023-12-22 00:00"),)}, "start < end"),
    ],
)
def test_unusable_hours_are_refused(settings: dict[str, str], text: str) -> None:
    with pytest.raises(InputError, match=text):
        MarketHours(**settings)  # type: ignore[arg-type]  # wrong on purpose


def test_times_outside_the_calendar_or_not_whole_are_refused() -> None:
    with pytest.raises(WindowError, match="times: got 1000 ns; allowed: 1971 to 2099"):
        DEFAULT_HOURS.trading_day([1000, FIRST_NS])
    with pytest.raises(WindowError, match=f"times: got {LAST_NS} ns"):
        DEFAULT_HOURS.market_minutes(FIRST_NS, LAST_NS)
    with pytest.raises(WindowError, match="times: got float64; allowed: whole nanoseconds UTC"):
        checked_times([1.5e18])
    assert checked_times([]).dtype == np.int64


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2025-04-01T00:00:00Z", 1_743_465_600_000_000_000),
        ("2025-04-01T02:00:00+02:00", 1_743_465_600_000_000_000),
        ("2025-04-01 00:00z", 1_743_465_600_000_000_000),
        ("2025-04-01T00:00:00.000000001Z", 1_743_465_600_000_000_001),
        ("2026-03-02T14:34:04.771202031Z", 1_772_462_044_771_202_031),
        (datetime(2025, 4, 1, tzinfo=UTC), 1_743_465_600_000_000_000),
        (
            datetime(2025, 3, 31, 19, 0, 0, 5, tzinfo=timezone(timedelta(hours=-5))),
            1_743_465_600_000_005_000,
        ),
    ],
)
def test_a_time_with_a_zone_is_read_to_the_nanosecond(text: str | datetime, ns: int) -> None:
    assert parse_time(text) == ns


@pytest.mark.parametrize(
    "value",
    [
        "2025-04-01T00:00:00",
        "2025-04-01",
        "2025-04-01Z",
        "2025-02-30T00:00:00Z",
        "2025-04-01T24:01:00Z",
        "2025-04-01T00:00:00.0000000001Z",
        "1969-12-31T00:00:00Z",
        "2100-01-01T00:00:00Z",
        "yesterday",
        datetime.fromisoformat("2025-04-01T00:00:00"),
        date(2025, 4, 1),
        1_743_465_600_000_000_000,
        None,
    ],
)
def test_naive_impossible_and_foreign_times_are_refused(value: object) -> None:
    with pytest.raises(
        WindowError, match=r"time: got .*; allowed: RFC 3339 with a zone.*Z for UTC"
    ):
        parse_time(value)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (1_743_465_600_000_000_000, "2025-04-01T00:00:00Z"),
        (1_743_465_600_500_000_000, "2025-04-01T00:00:00.5Z"),
        (1_743_465_600_000_000_010, "2025-04-01T00:00:00.00000001Z"),
        (0, "1970-01-01T00:00:00Z"),
    ],
)
def test_a_time_is_written_with_a_fraction_only_where_it_has_one(ns: int, text: str) -> None:
    assert format_time(ns) == text


def test_a_window_must_end_after_it_starts() -> None:
    with pytest.raises(WindowError, match=r"window: got .* to .*; allowed: start before end"):
        parse_window("2025-04-01T00:00:00Z", "2025-04-01T02:00:00+02:00")


def test_an_iso_week_is_the_trading_week_that_ends_in_it() -> None:
    start, end = iso_week_window("2025-W16")
    assert (format_time(start), format_time(end)) == (
        "2025-04-13T21:00:00Z",
        "2025-04-18T21:00:00Z",
    )
    assert format_time(iso_week_window("2026-W53")[0]) == "2026-12-27T22:00:00Z"


@pytest.mark.parametrize("week", ["2025-W53", "2025-W00", "2025-16", "2025W16"])
def test_weeks_that_no_year_has_are_refused(week: str) -> None:
    with pytest.raises(WindowError, match=f"week: got {week}; allowed: an ISO week"):
        iso_week_window(week)


def test_granularities_have_oandas_names_and_their_length() -> None:
    assert len(GRANULARITIES) == 19
    lengths = {"S5": 5, "M1": 60, "M15": 900, "H4": 14_400, "D": 86_400}
    for name, seconds in lengths.items():
        assert parse_granularity(name) == seconds * 1_000_000_000
    with pytest.raises(BarsError, match=r"granularity: got D1; allowed: S5, .*Did you mean 'D'"):
        parse_granularity("D1")
    for name in ("M3", "W", "M", "H24", "m1", ""):
        with pytest.raises(BarsError, match="granularity: got"):
            parse_granularity(name)
