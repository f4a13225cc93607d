"""Where live drivers get the time from: the only place that asks the machine."""

import time
from collections.abc import Callable
from typing import Final, Protocol

SET_NS: Final = 1_000_000_000
"""A smaller difference is drift."""


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


class SteadyClock:
    """A clock that sees when the machine's own is set, and does not follow it behind the market.

    Set forward, the machine's time is taken as it is: it may have slept. Set back, it is taken
    once it is not behind what was known already; until then time runs on.

    Args:
        clock: The machine's.
        elapsed_ns: A time that nobody sets, ns from anywhere.
    """

    def __init__(self, clock: Clock, elapsed_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock = clock
        self._elapsed_ns = elapsed_ns
        self._wall = self._now = clock.now_ns()
        self._elapsed = elapsed_ns()

    def read(self, known_ns: int) -> tuple[int, int]:
        """(now, by how much the clock was set since the last reading, 0 = not), ns.

        ``known_ns``: when the newest bar was known; it cannot be later than now.
        """
        wall, elapsed = self._clock.now_ns(), self._elapsed_ns()
        passed = elapsed - self._elapsed
        by = wall - self._wall - passed
        due = self._now + passed
        behind = wall < due - SET_NS and wall < known_ns
        self._wall, self._elapsed, self._now = wall, elapsed, due if behind else wall
        return self._now, by if abs(by) >= SET_NS else 0
