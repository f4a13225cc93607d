"""Wall times become UTC by the zone that is named, and the market's weeks check it."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotband.errors import BarsError
from hotband.feeds.zone_evidence import require_zone, zone_evidence
from hotband.feeds.zones import from_utc, to_utc
from hotband.market.bars import Int64Array
from hotband.market.calendar import HOUR_NS, MINUTE_NS, MarketHours, format_time, parse_time

OPEN = MarketHours(closure_start="17:00", closure_end="17:00")


def wall(text: str) -> Int64Array:
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return np.array([int(moment.timestamp())], dtype=np.int64) * 1_000_000_000


def weeks(start: str, end: str, step_ns: int = HOUR_NS) -> Int64Array:
    """Open times of all bars of the market's weeks in UTC."""
    slots = np.arange(parse_time(start), parse_time(end), step_ns, dtype=np.int64)
    return slots[OPEN.in_week(slots)]


@pytest.mark.parametrize(
    ("zone", "time", "utc"),
    [
        ("NY+7", "2026-03-18 00:00", "2026-03-17T21:00:00Z"),
        ("Europe/Athens", "2026-03-18 00:00", "2026-03-17T22:00:00Z"),
        ("NY+7", "2026-01-14 00:00", "2026-01-13T22:00:00Z"),
        ("UTC+2", "2026-07-14 00:00", "2026-07-13T22:00:00Z"),
        ("UTC-3:30", "2026-07-14 00:00", "2026-07-14T03:30:00Z"),
        ("Etc/GMT+5", "2026-07-14 00:00", "2026-07-14T05:00:00Z"),
    ],
)
def test_a_wall_time_is_utc_by_its_zone(zone: str, time: str, utc: str) -> None:
    assert format_time(int(to_utc(wall(time), zone, "x")[0])) == utc


@given(
    st.integers(0, 30_000),
    st.sampled_from(["NY+7", "UTC+2", "Europe/Athens", "America/New_York", "UTC"]),
)
def test_open_market_times_survive_the_way_to_the_wall_and_back(hour: int, zone: str) -> None:
    t_ns = np.array([parse_time("2023-01-04T00:00:00Z") + hour * HOUR_NS])
    t_ns = t_ns[OPEN.in_week(t_ns)]
    assert np.array_equal(to_utc(from_utc(t_ns, zone), zone, "x"), t_ns)


@pytest.mark.parametrize("time", ["2025-11-02 08:30", "2025-03-09 09:30"])
def test_times_that_a_zone_has_twice_or_never_are_refused(time: str) -> None:
    with pytest.raises(BarsError, match=r"in row 0, which NY\+7 has twice or not at all"):
        to_utc(wall(time), "NY+7", "x")


@pytest.mark.parametrize("zone", ["NY+70", "UTC+15", "EST5EDTX", "New York", "GMT+2"])
def test_other_words_are_no_zone(zone: str) -> None:
    with pytest.raises(BarsError, match="zone"):
        to_utc(wall("2026-01-14 00:00"), zone, "x")


@pytest.mark.parametrize(
    ("true", "read_as"),
    [
        ("Etc/GMT+5", "UTC"),
        ("Etc/GMT+5", "America/New_York"),
        ("NY+7", "UTC+2"),
        ("NY+7", "UTC"),
        ("NY+7", "Europe/Athens"),
        ("UTC", "Etc/GMT+5"),
    ],
)
def test_a_year_in_a_wrong_zone_is_refused_with_the_right_one(true: str, read_as: str) -> None:
    right = weeks("2025-01-05T22:00:00Z", "2026-01-02T22:00:00Z")
    wrong = to_utc(from_utc(right, true), read_as, "x")
    found = zone_evidence(wrong, HOUR_NS, read_as)
    assert found.verdict == "off"
    right_name = {"Etc/GMT+5": "UTC-5"}.get(true, true)
    assert found.suggested[0] == right_name
    with pytest.raises(BarsError, match="--accept-zone"):
        require_zone(found, "x.csv")


@pytest.mark.parametrize("step_ns", [HOUR_NS, 5 * MINUTE_NS])
def test_a_year_in_the_right_zone_fits(step_ns: int) -> None:
    found = zone_evidence(
        weeks("2025-01-05T22:00:00Z", "2026-01-02T22:00:00Z", step_ns), step_ns, "UTC"
    )
    assert (found.verdict, found.weeks_seen, found.weeks_fit) == ("fits", 51, 51)
    assert (found.median_open_minutes, found.median_close_minutes) == (0.0, 0.0)
    require_zone(found, "x.csv")


def test_quotes_hours_before_the_open_are_no_false_alarm() -> None:
    early = weeks("2025-01-05T22:00:00Z", "2025-03-01T00:00:00Z")
    opens = early[np.flatnonzero(np.diff(early) > 24 * HOUR_NS) + 1]
    early = np.sort(np.concatenate((early, opens - HOUR_NS, opens - 2 * HOUR_NS)))
    found = zone_evidence(early, HOUR_NS, "UTC")
    assert (found.verdict, found.median_open_minutes) == ("fits", -120.0)


def test_without_a_weekend_there_is_nothing_to_say() -> None:
    found = zone_evidence(weeks("2025-01-06T00:00:00Z", "2025-01-09T00:00:00Z"), HOUR_NS, "UTC")
    assert (found.verdict, found.weeks_seen, found.off_hours) == ("cannot say", 0, None)
    assert str(found) == "zone UTC: cannot say, no weekend seen"


def test_edges_that_agree_on_nothing_are_unclear() -> None:
    t_ns = weeks("2025-01-05T22:00:00Z", "2025-02-01T00:00:00Z")
    opens = np.flatnonzero(np.diff(t_ns) > 24 * HOUR_NS) + 1
    found = zone_evidence(np.delete(t_ns, [*opens, *(opens - 1)]), HOUR_NS, "UTC")
    assert (found.verdict, found.weeks_fit, found.suggested) == ("unclear", 0, ())
    require_zone(found, "x.csv")
