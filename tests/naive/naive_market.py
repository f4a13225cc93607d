"""Slow twins of the market functions: each reads like its definition, one instant at a time."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hotband.market.sessions import Session

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(t_ns: int, zone: str = "UTC") -> datetime:
    """The wall time of an instant (whole microseconds)."""
    return (EPOCH + timedelta(microseconds=t_ns // 1000)).astimezone(ZoneInfo(zone))


def instant(day: date, minute: int, zone: str) -> int:
    """UTC ns of a wall time, the first of two equal ones; minutes from 1440 on: the next day."""
    day += timedelta(days=minute // 1440)
    clock = time(minute % 1440 // 60, minute % 60)
    wall = datetime.combine(day, clock, ZoneInfo(zone))
    return (wall.astimezone(UTC) - EPOCH) // timedelta(microseconds=1) * 1000


def trading_day(t_ns: int) -> date:
    """The date of the next Monday-to-Friday 17:00 New York after ``t_ns``."""
    wall = moment(t_ns, "America/New_York")
    day = wall.date() + timedelta(days=1 if wall.hour >= 17 else 0)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return day


def in_week(t_ns: int) -> bool:
    """Sunday 17:00 to Friday 17:00 New York."""
    wall = moment(t_ns, "America/New_York")
    weekday, evening = wall.weekday(), wall.hour >= 17
    return weekday < 4 or (weekday == 4 and not evening) or (weekday == 6 and evening)


def in_default_holiday(t_ns: int) -> bool:
    """Dec 25 00:00 to 17:00, Dec 31 17:00 to Jan 1 17:00, New York."""
    wall = moment(t_ns, "America/New_York")
    day, evening = (wall.month, wall.day), wall.hour >= 17
    return (
        (day == (12, 25) and not evening)
        or (day == (12, 31) and evening)
        or (day == (1, 1) and not evening)
    )


def session_end(t_ns: int, sessions: Sequence[Session]) -> int | None:
    """End of the stretch of sessions around ``t_ns``; None outside. Gives up after 40 steps."""
    end: int | None = None
    probe = t_ns
    for _ in range(40):
        ends = []
        for session in sessions:
            middle = moment(probe, session.zone).date()
            length = session.end_minute - session.start_minute
            length += 1440 if length <= 0 else 0
            for shift in (-2, -1, 0, 1):
                day = middle + timedelta(days=shift)
                if session.weekdays is not None and day.weekday() not in session.weekdays:
                    continue
                first = instant(day, session.start_minute, session.zone)
                last = instant(day, session.start_minute + length, session.zone)
                if first <= probe < last:
                    ends.append(last)
        if not ends:
            return end
        end = probe = max(ends)
    return 2**63 - 1


def volatility(
    closes: Sequence[float], half_life: float, min_bars: int, bars_a_day: float
) -> list[float]:
    """The weighted mean written as two sums, for each open."""
    out = []
    for i in range(len(closes)):
        moves = [math.log(closes[k] / closes[k - 1]) for k in range(1, i)]
        weights = [0.5 ** ((len(moves) - 1 - k) / half_life) for k in range(len(moves))]
        if i < min_bars:
            out.append(math.nan)
            continue
        mean = sum(w * m * m for w, m in zip(weights, moves, strict=True)) / sum(weights)
        out.append(math.sqrt(mean * bars_a_day))
    return out


def last_price(
    t_ns: int, bars: Sequence[tuple[int, float, float]], granularity_ns: int, opens: bool
) -> float | None:
    """Last of the (open time, open, close) known at ``t_ns``."""
    price = None
    for opened, first, last in bars:
        if opened + granularity_ns <= t_ns:
            price = last
        if opens and opened == t_ns:
            price = first
    return price


def financing(
    instrument: str, times: Sequence[int], rates: Mapping[date, float], calendar: bool
) -> list[float]:
    """Day by day: the roll at 17:00 New York goes to the first bar at or after it."""
    out = [0.0] * len(times)
    day = moment(times[0]).date() - timedelta(days=2)
    while day <= moment(times[-1]).date() + timedelta(days=2):
        roll = instant(day, 17 * 60, "America/New_York")
        if day.weekday() < 5 and times[0] < roll <= times[-1]:
            bar = next(i for i, t in enumerate(times) if t >= roll)
            rate = rates[max(d for d in rates if d <= day)]
            heavy = 3 if instrument == "USD_CAD" else 2
            out[bar] += rate * (3 if calendar and day.weekday() == heavy else 1) / 365
        day += timedelta(days=1)
    return out
