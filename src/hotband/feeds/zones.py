"""Wall times of files as UTC: by an IANA zone, a fixed offset, or New York plus hours.

MetaTrader servers mostly show New York + 7 h all year, which no IANA zone does: daylight time
changes with New York, two to three weeks away from Europe's.
"""

import re
from typing import Final
from zoneinfo import available_timezones

import numpy as np

from hotband.errors import BarsError, InputError
from hotband.market.bars import Int64Array
from hotband.market.calendar import HOUR_NS, MINUTE_NS, ZoneClock, format_time, zone_clock

ALLOWED: Final = "an IANA zone such as UTC, a fixed offset such as UTC+2, or NY+7"
_NEW_YORK: Final = re.compile(r"NY([+-]\d{1,2})")
_FIXED: Final = re.compile(r"UTC([+-])(\d{1,2})(?::([0-5]\d))?")
_MOST_HOURS: Final = 14


def _parts(zone: str) -> tuple[ZoneClock, int]:
    """The clock that changes with the seasons, and what the wall is ahead of it, in ns."""
    new_york, fixed = _NEW_YORK.fullmatch(zone), _FIXED.fullmatch(zone)
    if new_york:
        ahead_ns = int(new_york[1]) * HOUR_NS
    elif fixed:
        ahead_ns = int(fixed[2]) * HOUR_NS + int(fixed[3] or 0) * MINUTE_NS
        ahead_ns *= -1 if fixed[1] == "-" else 1
    else:
        ahead_ns = 0
    if abs(ahead_ns) > _MOST_HOURS * HOUR_NS:
        raise BarsError("zone", zone, "at most 14 hours", "Correct the number of hours.")
    name = "America/New_York" if new_york else "UTC" if fixed else zone
    try:
        return zone_clock(name), ahead_ns
    except InputError as cause:
        raise BarsError("zone", zone, ALLOWED, "Correct it.", near=available_timezones()) from cause


def check_zone(zone: str) -> None:
    """Refuse a zone that cannot be read.

    Raises:
        BarsError: With the nearest IANA name.
    """
    _parts(zone)


def from_utc(t_ns: Int64Array, zone: str) -> Int64Array:
    """Wall times of UTC instants, as ns since 1970-01-01 00:00 on that wall; BarsError: zone."""
    clock, ahead_ns = _parts(zone)
    return clock.to_local(t_ns) + ahead_ns


def to_utc(wall_ns: Int64Array, zone: str, what: str, first_row: int = 0) -> Int64Array:
    """UTC instants of wall times.

    Args:
        wall_ns: ns since 1970-01-01 00:00 on the wall.
        zone: An IANA name, ``UTC+2`` or ``NY+7`` (New York time plus 7 h all year).
        what: The name to use in an error.
        first_row: Rows before these in what they are of, for an error.

    Raises:
        BarsError: An unknown zone, or a time that the zone has twice or not at all.
    """
    clock, ahead_ns = _parts(zone)
    local = wall_ns - ahead_ns
    t_ns = clock.to_utc(local)
    odd = clock.to_local(t_ns) != local
    for later_ns in (HOUR_NS, HOUR_NS // 2):
        odd |= clock.to_local(t_ns + later_ns) == local
    if odd.any():
        row = int(np.argmax(odd))
        raise BarsError(
            what,
            f"{format_time(int(wall_ns[row])).rstrip('Z')} in row {first_row + row}, which {zone} "
            "has twice or not at all",
            "times that exist once",
            "Export the file in UTC.",
        )
    return t_ns
