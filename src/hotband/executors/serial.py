"""One task after the other in the calling thread: the executor to debug with, and the measure."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from hotband.executors.closing import Closing
from hotband.executors.gather import stopped
from hotband.executors.ports import never

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")


class SerialExecutor(Closing):
    """See ``ports.Executor``."""

    name = "serial"
    workers = 1

    def run(
        self,
        shared: S,
        tasks: Sequence[T],
        work: Callable[[S, T], R],
        *,
        cancelled: Callable[[], bool] = never,
        done: Callable[[int, R], None] | None = None,
    ) -> list[R]:
        """See ``ports.Executor.run``; a task that runs is never given up."""
        results: list[R] = []
        for index, task in enumerate(tasks):
            if cancelled():
                raise stopped(range(index), len(tasks))
            results.append(work(shared, task))
            if done is not None:
                done(index, results[index])
        return results
