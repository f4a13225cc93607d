"""When a strategy may trade: sessions by local hours, and the flags that bars carry.

Sessions are wall hours of an IANA zone, never UTC hours: London and New York overlap for five
hours, not four, in the weeks when only one of them has changed its clocks.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from hotband.core import records
from hotband.errors import InputError, ProfileError
from hotband.market.calendar import (
    DAY_NS,
    MINUTE_NS,
    MarketHours,
    Times,
    checked_times,
    clock_minute,
    holiday_edges,
    merge_spans,
    wall_instants,
    zone_clock,
)

_ALL_DAYS: Final = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class Session:
    """Hours [start, end) of a local day, in minutes; an end at or before the start is overnight.

    ``weekdays`` (Monday = 0) are the local days on which it starts, None = every day. Equal
    times, minutes outside 0..1439 (end 0..1440) and impossible weekdays raise ProfileError, an
    unknown zone InputError.
    """

    name: str
    start_minute: int
    end_minute: int
    zone: str
    weekdays: frozenset[int] | None = None

    def __post_init__(self) -> None:
        zone_clock(self.zone)
        minutes = (self.start_minute, self.end_minute)
        if not (0 <= minutes[0] < 1440 and 0 <= minutes[1] <= 1440 and minutes[0] != minutes[1]):
            raise ProfileError(
                f"session {self.name}",
                f"minutes {minutes[0]} to {minutes[1]}",
                "a start from 00:00 to 23:59 and another end from 00:00 to 24:00",
                "Write 00:00 to 24:00 for the whole day.",
            )
        if self.weekdays is not None and not (self.weekdays and self.weekdays <= _ALL_DAYS):
            raise ProfileError(
                f"session {self.name} weekdays",
                sorted(self.weekdays),
                "some of 0 (Monday) to 6 (Sunday)",
                "Leave weekdays out for every day.",
            )


SESSIONS: Final = MappingProxyType(
    {
        "sydney": Session("sydney", 7 * 60, 16 * 60, "Australia/Sydney"),
        "tokyo": Session("tokyo", 9 * 60, 18 * 60, "Asia/Tokyo"),
        "london": Session("london", 8 * 60, 17 * 60, "Europe/London"),
        "new_york": Session("new_york", 8 * 60, 17 * 60, "America/New_York"),
    }
)
"""Conventional hours; brokers publish no rule for them."""


def get_session(name: str) -> Session:
    """A built-in session; ProfileError with the nearest name where there is none."""
    if name not in SESSIONS:
        allowed = ", ".join(SESSIONS)
        do = "Use one of them, or give hours and a zone."
        raise ProfileError("session", name, allowed, do, near=SESSIONS)
    return SESSIONS[name]


def parse_session(
    name: str,
    start: str,
    end: str,
    zone: str | None = None,
    weekdays: frozenset[int] | None = None,
) -> Session:
    """A session from "HH:MM" texts and a zone, or from "HH:MMZ" texts, which are UTC.

    An end of 23:59 means 24:00: profiles write 00:00Z to 23:59Z for the whole day, and taking
    that at its word would lose the last minute. Hours without any zone, or with Z and another
    zone, raise ProfileError.
    """
    utc = (start.endswith("Z"), end.endswith("Z"))
    if any(utc) and (not all(utc) or zone not in {None, "UTC"}):
        raise ProfileError(
            f"session {name}",
            f"{start} to {end}, zone {zone}",
            "two times with Z, or two times without and a zone",
            "Drop the Z or the zone.",
        )
    if zone is None and not all(utc):
        raise ProfileError(
            f"session {name} zone", None, "an IANA zone, or times with Z", "Name the zone."
        )
    try:
        first = clock_minute(f"session {name} start", start.removesuffix("Z"))
        last = clock_minute(f"session {name} end", end.removesuffix("Z"))
    except InputError as error:
        raise ProfileError(error.what, error.got, error.allowed, error.do) from error
    return Session(name, first, 1440 if last == 1439 else last, zone or "UTC", weekdays)


@lru_cache(maxsize=128)
def _stretches(sessions: tuple[Session, ...]) -> tuple[Times, Times]:
    starts, ends = [], []
    for session in sessions:
        days = _ALL_DAYS if session.weekdays is None else session.weekdays
        overnight = 1440 if session.end_minute <= session.start_minute else 0
        starts.append(wall_instants(session.zone, session.start_minute, days)[1])
        ends.append(wall_instants(session.zone, session.end_minute + overnight, days)[1])
    return merge_spans(np.concatenate(starts), np.concatenate(ends))


def session_flags(
    t_ns: npt.ArrayLike, sessions: tuple[Session, ...], exit_minutes: float
) -> npt.NDArray[np.int32]:
    """IN_SESSION and SESSION_EXIT of bars that open, and are decided on, at ``t_ns``.

    Sessions act as their union, and touching ones as one stretch: SESSION_EXIT is set in the
    last ``exit_minutes`` before a stretch ends. No session at all means always inside; hours
    that cover every day have no end. Negative minutes raise ProfileError.
    """
    times = checked_times(t_ns)
    if not 0 <= exit_minutes < math.inf:
        raise ProfileError("session_exit_minutes", exit_minutes, "0 or more", "Use 0 for none.")
    if not sessions:
        return np.full(times.shape, records.IN_SESSION, np.int32)
    starts, ends = _stretches(sessions)
    k = np.searchsorted(starts, times, side="right") - 1
    end = ends[np.maximum(k, 0)]
    inside = (k >= 0) & (times < end)
    leaving = inside & (times >= end - round(exit_minutes * MINUTE_NS))
    flags = inside * records.IN_SESSION + leaving * records.SESSION_EXIT
    return np.asarray(flags, np.int32)


def _last_trade_ns(times: Times, hours: MarketHours) -> Times:
    """The next weekly close, or the start of the holiday that runs into it."""
    close = hours.next_week_close(times)
    edges = holiday_edges(hours.zone, hours.holidays, hours.dated_holidays)
    if not len(edges):
        return close
    at = np.searchsorted(edges, close - 1, side="right")
    return np.where(at % 2 == 1, edges[np.maximum(at - 1, 0)], close)


def market_flags(
    t_ns: npt.ArrayLike, granularity_ns: int, hours: MarketHours, weekend_minutes: float
) -> npt.NDArray[np.int32]:
    """WEEK_END, FLATTEN, HOLIDAY_BAR and CLOSED_BAR of bars that open at ``t_ns``.

    WEEK_END and FLATTEN: the bar ends later than ``weekend_minutes`` before the weekly close,
    or before the start of a holiday that runs into it.
    HOLIDAY_BAR and CLOSED_BAR are judged at the open. Bars of a day or longer all open at the
    roll, so for them the daily closure does not count. Negative minutes raise ProfileError.
    """
    times = checked_times(t_ns)
    if not 0 <= weekend_minutes < math.inf:
        raise ProfileError("weekend_minutes", weekend_minutes, "0 or more", "Use 0 for none.")
    inside = hours.in_week(times)
    last = _last_trade_ns(times, hours) - round(weekend_minutes * MINUTE_NS)
    ending = inside & (times + granularity_ns > last)
    closed = ~inside
    if granularity_ns < DAY_NS:
        closed |= hours.in_closure(times)
    flags = (
        ending * (records.WEEK_END | records.FLATTEN)
        + hours.in_holiday(times) * records.HOLIDAY_BAR
        + closed * records.CLOSED_BAR
    )
    return np.asarray(flags, np.int32)
