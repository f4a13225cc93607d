"""Threads of this process, for compiled work that releases the GIL.

A task that is given up still runs to its end in its thread, and the process waits for it when
it exits; a chunk of work should therefore be short.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Future,
    ThreadPoolExecutor,
    wait,
)
from typing import Generic, TypeVar

from hotband.executors.closing import Closing
from hotband.executors.gather import Done, Dropped, Failed, Gathering, Outcome
from hotband.executors.ports import never

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class ThreadsExecutor(Closing):
    """See ``ports.Executor``; ``workers``: threads, by default one per processor."""

    name = "threads"

    def __init__(self, workers: int | None = None) -> None:
        self.workers = processors() if workers is None else workers

    def run(
        self,
        shared: S,
        tasks: Sequence[T],
        work: Callable[[S, T], R],
        *,
        cancelled: Callable[[], bool] = never,
        done: Callable[[int, R], None] | None = None,
    ) -> list[R]:
        """See ``ports.Executor.run``."""
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="hotband")
        try:
            flight = _Flight(pool, lambda index: work(shared, tasks[index]), self.workers)
            return Gathering(len(tasks), flight, done).run(cancelled)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _Flight(Generic[R]):
    """See ``gather.Flight``; one task per thread waits its turn, so that no thread idles."""

    def __init__(self, pool: ThreadPoolExecutor, task: Callable[[int], R], workers: int) -> None:
        self.limit = 2 * workers
        self._pool = pool
        self._task = task
        self._flying: dict[Future[R], int] = {}

    def start(self, index: int) -> None:
        self._flying[self._pool.submit(self._task, index)] = index

    def landed(self, timeout_s: float) -> list[tuple[int, Outcome[R]]]:
        ready = wait(self._flying, timeout_s, FIRST_COMPLETED).done
        return [(self._flying.pop(future), _outcome(future)) for future in ready]

    def stop(self) -> None:
        for future in reversed(self._flying):
            future.cancel()


def _outcome(future: Future[R]) -> Outcome[R]:
    try:
        error = future.exception()
    except CancelledError:
        return Dropped()
    return Done(future.result()) if error is None else Failed(error)
