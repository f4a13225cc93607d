"""When the market trades: the week, the trading day, the daily closure and holidays.

Rules are wall times of an IANA zone. Each rule becomes, once, a sorted table of UTC instants
over the whole span of the calendar; every question is then one binary search, exact over every
change of daylight time. Times are int64 nanoseconds UTC.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np
import numpy.typing as npt

from hotband.errors import BarsError, InputError, WindowError

Times: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

MILLISECOND_NS: Final = 1_000_000
SECOND_NS: Final = 1_000_000_000
MINUTE_NS: Final = 60 * SECOND_NS
HOUR_NS: Final = 60 * MINUTE_NS
DAY_NS: Final = 24 * HOUR_NS

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TABLE_DAYS: Final = 47_847  # 1970-01-01 to 2100-12-31: a year of slack behind the span
FIRST_NS: Final = 365 * DAY_NS
"""1971-01-01, the first instant the calendar answers for."""
LAST_NS: Final = 47_482 * DAY_NS
"""2100-01-01, the first instant it no longer answers for."""

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WORKDAYS: Final = frozenset(range(5))

GRANULARITIES: Final[dict[str, int]] = {
    **{f"S{n}": n * SECOND_NS for n in (5, 10, 15, 30)},
    **{f"M{n}": n * MINUTE_NS for n in (1, 2, 4, 5, 10, 15, 30)},
    **{f"H{n}": n * HOUR_NS for n in (1, 2, 3, 4, 6, 8, 12)},
    "D": DAY_NS,
}
"""Lengths of a bar in ns by OANDA's names."""


def checked_times(t_ns: npt.ArrayLike) -> Times:
    """``t_ns`` as int64; WindowError where not whole numbers, or outside FIRST_NS..LAST_NS."""
    times = np.asarray(t_ns)
    if times.dtype.kind not in "iu" and times.size:
        raise WindowError("times", times.dtype, "whole nanoseconds UTC", "Convert the times.")
    times = times.astype(np.int64, copy=False)
    if times.size and (times.min() < FIRST_NS or times.max() >= LAST_NS):
        worst = times.min() if times.min() < FIRST_NS else times.max()
        raise WindowError(
            "times", f"{worst} ns", "1971 to 2099", "Check that the times are nanoseconds."
        )
    return times


# Zones -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class ZoneClock:
    """UTC offsets of one zone: the i-th holds from UTC ``edges_ns[i]``, wall ``walls_ns[i]``."""

    edges_ns: Times
    walls_ns: Times
    offsets_ns: Times

    def to_local(self, t_ns: Times) -> Times:
        """Wall time of UTC instants, as ns since 1970-01-01 00:00 on that wall."""
        return t_ns + self.offsets_ns[np.searchsorted(self.edges_ns, t_ns, side="right") - 1]

    def to_utc(self, wall_ns: Times) -> Times:
        """UTC instant of wall times: the first of two equal ones; a skipped one moves later."""
        return wall_ns - self.offsets_ns[np.searchsorted(self.walls_ns, wall_ns, side="right") - 1]


@lru_cache(maxsize=64)
def zone_clock(name: str) -> ZoneClock:
    """All changes of the UTC offset of an IANA zone; InputError for an unknown name."""
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            "time zone",
            name,
            "IANA names such as Europe/London",
            "Correct the name.",
            near=available_timezones(),
        ) from error

    def offset(second: int) -> int:
        wall = datetime.fromtimestamp(second, zone).replace(tzinfo=UTC)
        return round(wall.timestamp()) - second

    # No zone has changed its offset twice within a week since 1970, so weekly probes see all.
    edges, offsets = [0], [offset(0)]
    week = 7 * 86_400
    for probe in range(week, _TABLE_DAYS * 86_400, week):
        if offset(probe) != offsets[-1]:
            low, high = probe - week, probe
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == offsets[-1] else (low, middle)
            edges.append(high)
            offsets.append(offset(high))
    starts, held = np.array(edges, np.int64), np.array(offsets, np.int64)
    # A clock set back repeats an hour (its first pass counts); set forward it skips one.
    walls = starts + np.maximum(held, np.concatenate((held[:1], held[:-1])))
    return ZoneClock(starts * SECOND_NS, walls * SECOND_NS, held * SECOND_NS)


@lru_cache(maxsize=256)
def wall_instants(zone: str, minute: int, weekdays: frozenset[int]) -> tuple[Times, Times]:
    """When a wall clock shows ``minute`` (of the day; from 1440 on: of the next) on weekdays.

    Returns (days since 1970-01-01, UTC instants), both ascending, over the calendar's span.
    """
    days = np.arange(_TABLE_DAYS, dtype=np.int64)
    days = days[np.isin((days + 3) % 7, sorted(weekdays))]  # 1970-01-01 was a Thursday
    instants = zone_clock(zone).to_utc(days * DAY_NS + minute * MINUTE_NS)
    for shared in (days, instants):
        shared.flags.writeable = False
    return days, instants


def merge_spans(starts_ns: Times, ends_ns: Times) -> tuple[Times, Times]:
    """Half-open spans as the fewest disjoint ones: overlapping and touching spans join."""
    keep = ends_ns > starts_ns
    order = np.argsort(starts_ns[keep], kind="stable")
    starts, ends = starts_ns[keep][order], np.maximum.accumulate(ends_ns[keep][order])
    fresh = np.ones(len(starts), np.bool_)
    fresh[1:] = starts[1:] > ends[:-1]
    closing = np.ones(len(ends), np.bool_)
    closing[:-1] = fresh[1:]
    return starts[fresh], ends[closing]


def clock_minute(what: str, text: object) -> int:
    """Minute of the day of "HH:MM", 0 to 1440 for "24:00"; InputError names ``what``."""
    match = re.fullmatch(r"(\d{2}):(\d{2})", text) if isinstance(text, str) else None
    minute = int(match[1]) * 60 + int(match[2]) if match and int(match[2]) < 60 else -1
    if not 0 <= minute <= 1440:
        raise InputError(what, text, "HH:MM from 00:00 to 24:00", "Write a time of day.")
    return minute


def _week_minute(what: str, text: str) -> tuple[frozenset[int], int]:
    day, _, clock = text.partition(" ")
    if day not in WEEKDAYS:
        near = [f"{name} {clock}" for name in WEEKDAYS]
        do = "Name the day in English."
        raise InputError(what, text, "a weekday and a time, 'Sunday 17:00'", do, near=near)
    return frozenset((WEEKDAYS.index(day),)), clock_minute(what, clock)


def _wall_ns(what: str, text: str, year: int | None) -> int:
    full = text if year is None else f"{year}-{text}"
    shape = r"\d{4}-\d\d-\d\d \d\d:\d\d"
    try:
        if not re.fullmatch(shape, full):
            raise ValueError(shape)
        return int(np.datetime64(full.replace(" ", "T"), "ns").astype(np.int64))
    except ValueError as error:
        wanted = "YYYY-MM-DD HH:MM" if year is None else "MM-DD HH:MM (not 02-29)"
        raise InputError(what, text, wanted, "Write local wall time.") from error


@lru_cache(maxsize=32)
def holiday_edges(
    zone: str, yearly: tuple[tuple[str, str], ...], dated: tuple[tuple[str, str], ...]
) -> Times:
    """Starts and ends of all holidays in turn, as instants, ascending and disjoint."""
    spans = []
    for start, end in yearly:
        _wall_ns("holiday", start, 2001), _wall_ns("holiday", end, 2001)
        for year in range(1970, 2100):
            close = _wall_ns("holiday", end, year + (end <= start))
            spans.append((_wall_ns("holiday", start, year), close))
    for start, end in dated:
        spans.append((_wall_ns("dated holiday", start, None), _wall_ns("dated holiday", end, None)))
        if spans[-1][0] >= spans[-1][1]:
            raise InputError("dated holiday", (start, end), "start < end", "Swap the two times.")
    walls = np.array(spans, np.int64).reshape(-1, 2)
    clock = zone_clock(zone)
    return np.stack(merge_spans(*(clock.to_utc(walls[:, i]) for i in (0, 1))), axis=1).ravel()


# Market hours ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MarketHours:
    """The hours of a market in wall time of ``zone``; all intervals are half-open.

    ``roll``: HH:MM above 00:00 (midnight is 24:00) at which a trading day ends, Monday to
    Friday. ``closure_start``/``closure_end``: daily, equal = none. ``holidays``: every year,
    ("MM-DD HH:MM", same); ``dated_holidays``: once, ("YYYY-MM-DD HH:MM", same). Holidays only
    flag; they never remove bars. Methods take int64 ns arrays of any shape and answer in it;
    times outside 1971..2099 raise WindowError, unusable settings InputError.
    """

    zone: str = "America/New_York"
    roll: str = "17:00"
    week_open: str = "Sunday 17:00"
    week_close: str = "Friday 17:00"
    closure_start: str = "16:58"
    closure_end: str = "17:03"
    holidays: tuple[tuple[str, str], ...] = (
        ("12-25 00:00", "12-25 17:00"),
        ("12-31 17:00", "01-01 17:00"),
    )
    dated_holidays: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        zone_clock(self.zone)
        if clock_minute("roll", self.roll) == 0:
            raise InputError("roll", self.roll, "00:01 to 24:00", "Write midnight as 24:00.")
        if _week_minute("week_open", self.week_open) == _week_minute("week_close", self.week_close):
            raise InputError("week_close", self.week_close, "not week_open", "Close the week.")
        clock_minute("closure_start", self.closure_start)
        clock_minute("closure_end", self.closure_end)
        holiday_edges(self.zone, self.holidays, self.dated_holidays)

    def _rolls(self) -> tuple[Times, Times]:
        return wall_instants(self.zone, clock_minute("roll", self.roll), WORKDAYS)

    def _closes(self) -> Times:
        days, minute = _week_minute("week_close", self.week_close)
        return wall_instants(self.zone, minute, days)[1]

    def _weeks(self) -> tuple[Times, Times]:
        days, minute = _week_minute("week_open", self.week_open)
        opens, closes = wall_instants(self.zone, minute, days)[1], self._closes()
        ends = np.searchsorted(closes, opens, side="right")
        whole = ends < len(closes)
        return opens[whole], closes[ends[whole]]

    def _open_ns(self, t_ns: int) -> int:
        """Open time of all weeks from the start of the table to ``t_ns``."""
        checked_times(t_ns)
        opens, closes = self._weeks()
        k = int(np.searchsorted(opens, t_ns, side="right"))
        past = int((closes[: k - 1] - opens[: k - 1]).sum())
        return past + min(t_ns, int(closes[k - 1])) - int(opens[k - 1])

    def trading_day(self, t_ns: npt.ArrayLike) -> npt.NDArray[np.int32]:
        """Date of the next roll after ``t_ns``, in days since 1970-01-01.

        Day D is [roll of D-1, roll of D). From Friday's roll on the label is Monday's.
        """
        days, rolls = self._rolls()
        label: npt.NDArray[np.int32] = days.astype(np.int32)[
            np.searchsorted(rolls, checked_times(t_ns), side="right")
        ]
        return label

    def in_week(self, t_ns: npt.ArrayLike) -> Flags:
        """Whether the trading week is open."""
        times = checked_times(t_ns)
        opens, closes = self._weeks()
        return np.asarray(times < closes[np.searchsorted(opens, times, side="right") - 1])

    def in_closure(self, t_ns: npt.ArrayLike) -> Flags:
        """Whether the wall clock is inside the daily closure, on any weekday."""
        local = zone_clock(self.zone).to_local(checked_times(t_ns))
        start = clock_minute("closure_start", self.closure_start) * MINUTE_NS
        length = clock_minute("closure_end", self.closure_end) * MINUTE_NS - start
        return np.asarray((local - start) % DAY_NS < length % DAY_NS)

    def in_holiday(self, t_ns: npt.ArrayLike) -> Flags:
        """Whether a holiday, yearly or dated, holds."""
        edges = holiday_edges(self.zone, self.holidays, self.dated_holidays)
        return np.asarray(np.searchsorted(edges, checked_times(t_ns), side="right") % 2 == 1)

    def next_week_close(self, t_ns: npt.ArrayLike) -> Times:
        """The first weekly close strictly after ``t_ns``."""
        closes = self._closes()
        return closes[np.searchsorted(closes, checked_times(t_ns), side="right")]

    def week_before(self, t_ns: int) -> tuple[int, int]:
        """(open, close) of the last trading week that has closed by ``t_ns``."""
        opens, closes = self._weeks()
        k = int(np.searchsorted(closes, checked_times([t_ns]), side="right")[0]) - 1
        return int(opens[k]), int(closes[k])

    def prev_roll(self, t_ns: npt.ArrayLike) -> Times:
        """The last roll at or before ``t_ns``; at the weekend Friday's."""
        rolls = self._rolls()[1]
        return rolls[np.searchsorted(rolls, checked_times(t_ns), side="right") - 1]

    def next_roll(self, t_ns: npt.ArrayLike) -> Times:
        """The first roll strictly after ``t_ns``; at the weekend Monday's."""
        rolls = self._rolls()[1]
        return rolls[np.searchsorted(rolls, checked_times(t_ns), side="right")]

    def rolls_between(self, t0_ns: int, t1_ns: int) -> Times:
        """Roll instants in (t0, t1], ascending, Monday to Friday; empty where t1 <= t0."""
        rolls = self._rolls()[1]
        first, last = np.searchsorted(rolls, checked_times([t0_ns, t1_ns]), side="right")
        return rolls[first:last].copy()

    def market_minutes(self, start_ns: int, end_ns: int) -> int:
        """Whole minutes of the trading week in [start, end); 0 where end <= start.

        Weekends do not count; the daily closure and holidays do.
        """
        return max(0, self._open_ns(end_ns) - self._open_ns(start_ns)) // MINUTE_NS

    def days_between(self, start_ns: int, end_ns: int) -> npt.NDArray[np.int32]:
        """Labels of the trading days, Monday to Friday, that have week time in [start, end)."""
        if self._open_ns(end_ns) <= self._open_ns(start_ns):
            return np.empty(0, np.int32)
        shut = not bool(self.in_week(end_ns - 1))
        closes = self._closes()
        close = int(closes[np.searchsorted(closes, end_ns, side="right") - 1])
        first, last = self.trading_day([start_ns, (close if shut else end_ns) - 1])
        days = self._rolls()[0].astype(np.int32)
        return days[np.searchsorted(days, first) : np.searchsorted(days, last, side="right")]


DEFAULT_HOURS: Final = MarketHours()


# Times as text ---------------------------------------------------------------------------------

_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)"
)


def _moment(value: object) -> tuple[datetime, int]:
    """(aware time, nanoseconds to add); ValueError for anything else."""
    if isinstance(value, str):
        match = _RFC3339.fullmatch(value.strip())
        if match is None:
            raise ValueError(value)
        day, clock, decimals, zone = match.groups(default="")
        moment = datetime.fromisoformat(f"{day}T{clock}{zone.upper()}")
        return moment, int(decimals.ljust(9, "0"))
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ValueError(value)
    return value, 0


def parse_time(value: str | datetime) -> int:
    """Nanoseconds UTC of RFC 3339 text or an aware datetime.

    Up to nine decimals count; seconds may be left out. A naive time, a bare date, any other
    type and anything outside 1971..2099 raise WindowError.
    """
    allowed = "RFC 3339 with a zone, such as 2025-04-01T00:00:00Z, from 1971 to 2099"
    do = "Write date, time and zone (Z for UTC)."
    try:
        moment, extra = _moment(value)
    except ValueError as error:
        raise WindowError("time", value, allowed, do) from error
    ns = (moment - _EPOCH) // timedelta(microseconds=1) * 1000 + extra
    if not FIRST_NS <= ns < LAST_NS:
        raise WindowError("time", value, allowed, do)
    return ns


def format_time(t_ns: int) -> str:
    """RFC 3339 text in UTC, with a fraction only where there is one: the inverse of parse_time."""
    seconds, fraction = divmod(int(t_ns), SECOND_NS)
    whole = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{fraction:09d}".rstrip("0") + "Z" if fraction else f"{whole}Z"


def parse_window(start: str | datetime, end: str | datetime) -> tuple[int, int]:
    """(start, end) in ns of the half-open window; WindowError where it is empty or reversed."""
    start_ns, end_ns = parse_time(start), parse_time(end)
    if end_ns <= start_ns:
        raise WindowError("window", f"{start} to {end}", "start before end", "Swap or widen it.")
    return start_ns, end_ns


def iso_week_window(week: str, hours: MarketHours = DEFAULT_HOURS) -> tuple[int, int]:
    """(open, close) in ns of the trading week that holds the Wednesday of ISO week "2025-W16"."""
    match = re.fullmatch(r"(\d{4})-W(\d{2})", week)
    try:
        if match is None:
            raise ValueError(week)
        wednesday = date.fromisocalendar(int(match[1]), int(match[2]), 3)
    except ValueError as error:
        raise WindowError("week", week, "an ISO week such as 2025-W16", "Name another.") from error
    return hours.week_before(int(hours.next_week_close(parse_time(f"{wednesday}T12:00:00Z"))))


def parse_granularity(name: str) -> int:
    """Length in ns of a bar by OANDA's name (S5 ... D); BarsError for any other."""
    if name not in GRANULARITIES:
        allowed = ", ".join(GRANULARITIES)
        raise BarsError("granularity", name, allowed, "Use one of them.", near=GRANULARITIES)
    return GRANULARITIES[name]
