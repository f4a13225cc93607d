"""The loop in the calling thread: start in order, a bounded number at once, gather in order.

It decides what a failure or a request to stop does, so that threads and Ray cannot differ.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from hotband.errors import CancelledRunError

R = TypeVar("R")

POLL_S: Final = 0.1
"""How long to wait for a task before asking again whether to stop."""
GRACE_S: Final = 0.5
"""How long running tasks may take to finish after a request to stop."""


@dataclass(frozen=True, slots=True)
class Done(Generic[R]):
    """A task that finished."""

    value: R


@dataclass(frozen=True, slots=True)
class Failed:
    """A task that raised."""

    error: BaseException


class Dropped:
    """A task that was taken back before it finished."""


Outcome = Done[R] | Failed | Dropped


class Flight(Protocol[R]):
    """Tasks on their way, by index."""

    limit: int
    """How many to start before one has come back."""

    def start(self, index: int) -> None:
        """Hand the task to the workers."""
        ...

    def landed(self, timeout_s: float) -> Sequence[tuple[int, Outcome[R]]]:
        """What came back since; waits for the first, and is empty after ``timeout_s``."""
        ...

    def stop(self) -> None:
        """Take back what has not started."""
        ...


def stopped(done: Iterable[int], total: int) -> CancelledRunError:
    """The error of a run of ``total`` tasks that was asked to stop."""
    finished = tuple(sorted(done))
    return CancelledRunError(
        f"run of {total} tasks",
        f"a request to stop after {len(finished)} of them",
        "a run to its end",
        "Start it again; tasks that were kept as they finished need not run again.",
        done=finished,
    )


class Gathering(Generic[R]):
    """One run: what is on its way, what has finished, what has failed."""

    def __init__(
        self, total: int, flight: Flight[R], done: Callable[[int, R], None] | None
    ) -> None:
        self._total = total
        self._flight = flight
        self._done = done
        self._next = 0
        self._flying: set[int] = set()
        self._results: dict[int, R] = {}
        self._failed: dict[int, BaseException] = {}

    def run(self, cancelled: Callable[[], bool]) -> list[R]:
        """Results in task order; raises as ``Executor.run`` says."""
        try:
            while len(self._results) < self._total:
                self._raise_first_failure()
                if cancelled():
                    self._wind_down()
                    raise stopped(self._results, self._total)
                self._start()
                self._take(POLL_S)
        finally:
            self._flight.stop()
        return [self._results[index] for index in range(self._total)]

    def _start(self) -> None:
        while (
            self._next < self._total and len(self._flying) < self._flight.limit and not self._failed
        ):
            self._flight.start(self._next)
            self._flying.add(self._next)
            self._next += 1

    def _take(self, timeout_s: float) -> None:
        for index, outcome in self._flight.landed(timeout_s):
            self._flying.discard(index)
            match outcome:
                case Done(value=value):
                    self._results[index] = value
                    if self._done is not None:
                        self._done(index, value)
                case Failed(error=error):
                    self._failed[index] = error
                case Dropped():
                    pass

    def _raise_first_failure(self) -> None:
        """Raise the failure of the lowest index, once every task before it has come back."""
        if self._failed:
            first = min(self._failed)
            if not any(index < first for index in self._flying):
                raise self._failed[first]

    def _wind_down(self) -> None:
        """Let what runs finish, for a while; a failure met so far or now goes first."""
        self._flight.stop()
        end = time.monotonic() + GRACE_S
        while self._flying and (left := end - time.monotonic()) > 0:
            self._take(min(left, POLL_S))
        if self._failed:
            raise self._failed[min(self._failed)]
