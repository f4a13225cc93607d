"""Market time before and after an instant, in minutes that do not count weekends.

An embargo or a gap of so many minutes is over after so many minutes of trading: on a Friday
evening no time passes until Sunday.
"""

from hotband.errors import InputError
from hotband.market.calendar import MINUTE_NS, MarketHours


def market_later(t_ns: int, minutes: int, hours: MarketHours) -> int:
    """The first instant with ``minutes`` of the trading week in [t_ns, it); t_ns for 0.

    The daily closure and holidays count, as in ``MarketHours.market_minutes``. Raises InputError
    for a negative number, WindowError outside 1971..2099.
    """
    left = _checked(minutes)
    at = t_ns
    while left:
        close = int(hours.next_week_close(at))
        begin = max(at, hours.week_before(close)[0])
        passed = min(left, close - begin)
        at, left = begin + passed, left - passed
    return at


def market_earlier(t_ns: int, minutes: int, hours: MarketHours) -> int:
    """The last instant with ``minutes`` of the trading week in [it, t_ns); t_ns for 0.

    Errors as in ``market_later``.
    """
    left = _checked(minutes)
    at = t_ns
    while left:
        # The week that holds the instant before ``at``, or the last one that closed by then.
        opening, close = hours.week_before(int(hours.next_week_close(at - 1)))
        if opening >= at:
            opening, close = hours.week_before(at)
        end = min(at, close)
        passed = min(left, end - opening)
        at, left = end - passed, left - passed
    return at


def weeks_within(first_ns: int, end_ns: int, hours: MarketHours) -> list[tuple[int, int]]:
    """(open, close) in ns of every trading week wholly inside [first_ns, end_ns), ascending."""
    weeks = []
    opening, close = hours.week_before(end_ns)
    while opening >= first_ns:
        weeks.append((opening, close))
        opening, close = hours.week_before(opening)
    return weeks[::-1]


def _checked(minutes: int) -> int:
    if minutes < 0:
        raise InputError("market minutes", minutes, "0 or more", "Give a length of time.")
    return minutes * MINUTE_NS
