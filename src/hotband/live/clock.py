"""Where live drivers get the time from: the only place that asks the machine."""

import time
from typing import Protocol


class Clock(Protocol):
    """The time, and waiting for it."""

    def now_ns(self) -> int:
        """Now, ns UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ns(self) -> int:
        """Now, ns UTC."""
        return time.time_ns()


class FixedClock:
    """A clock that stands until it is set: for tests and replays."""

    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """The time it was set to, ns UTC."""
        return self._now_ns

    def set_ns(self, now_ns: int) -> None:
        """Move to that time."""
        self._now_ns = now_ns
