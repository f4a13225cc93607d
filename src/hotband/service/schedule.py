"""When the weekly run is due: a line as in cron, and one run for all that were missed."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from apscheduler.triggers.cron import CronTrigger

from hotband.errors import InputError
from hotband.service.side_tables import Fired

WEEKLY: Final = "0 17 * * wed"
"""Wednesday 17:00 UTC."""
NAME: Final = "weekly"
_BACK: Final = (
    timedelta(hours=2),
    timedelta(days=2),
    timedelta(days=8),
    timedelta(days=32),
    timedelta(days=367),
)


def require_line(line: str) -> CronTrigger:
    """A cron line as a trigger; InputError for what is none, or has days by number."""
    fields = line.split()
    allowed = "five fields as in cron, days of the week by name: 0 17 * * wed"
    if len(fields) != 5 or re.search(r"\d", fields[4]):
        raise InputError("HOTBAND_SCHEDULE", repr(line), allowed, "Correct it.")
    try:
        return CronTrigger.from_crontab(line, timezone=UTC)
    except ValueError as cause:
        raise InputError("HOTBAND_SCHEDULE", repr(line), allowed, "Correct it.") from cause


class WeeklySchedule:
    """Times of a cron line in UTC; what was done last is kept in the index.

    Args:
        line: Minute, hour, day of month, month and day of week. Days of the week by name:
            programs disagree on their numbers.
        fired: Of the index.
        clock: Seconds since 1970.

    Raises:
        InputError: The line cannot be read.
    """

    def __init__(self, line: str, fired: Fired, clock: Callable[[], float] = time.time) -> None:
        self.line = line
        self._fired = fired
        self._clock = clock
        self._trigger = require_line(line)
        if self._fired.last(NAME) is None:
            # Nothing was missed before it was first set up.
            self._fired.note(NAME, clock())

    def next_at(self) -> float | None:
        """When it is next due, s since 1970; None = never again."""
        found = self._after(self._now())
        return None if found is None else found.timestamp()

    def missed(self) -> float | None:
        """The last time that was due and is not done; None = none."""
        now, last = self._now(), self._fired.last(NAME)
        due = self._before(now)
        if due is None or (last is not None and due.timestamp() <= last):
            return None
        return due.timestamp()

    def done(self, at: float) -> None:
        """What was due at ``at``, and all before it, is done."""
        self._fired.note(NAME, at)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _after(self, moment: datetime) -> datetime | None:
        found: datetime | None = self._trigger.get_next_fire_time(
            None, moment + timedelta(microseconds=1)
        )
        return found

    def _before(self, now: datetime) -> datetime | None:
        """The last time due up to now, within a year."""
        for back in _BACK:
            found, at = None, self._after(now - back)
            while at is not None and at <= now:
                found, at = at, self._after(at)
            if found is not None:
                return found
        return None
