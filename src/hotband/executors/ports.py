"""What hotband asks of whatever spreads a run over processors.

An executor knows nothing of bars or cells: it takes (shared, tasks, work) and gives back one
result per task. Every implementation passes ``tests/contract/executor_contract.py``.
"""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self, TypeVar

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")


def never() -> bool:
    """The default of ``cancelled``: nobody asks to stop."""
    return False


class Executor(Protocol):
    """Runs one function over many tasks; a context manager that closes itself."""

    @property
    def name(self) -> str:
        """``serial``, ``threads`` or ``ray``."""
        ...

    @property
    def workers(self) -> int:
        """How many tasks run at the same time at most, as known now."""
        ...

    def run(
        self,
        shared: S,
        tasks: Sequence[T],
        work: Callable[[S, T], R],
        *,
        cancelled: Callable[[], bool] = never,
        done: Callable[[int, R], None] | None = None,
    ) -> list[R]:
        """``[work(shared, task) for task in tasks]``, whatever finishes first.

        Tasks start in order. ``work`` must not change ``shared``, whose arrays may be read-only
        (on Ray they are), and gives the same result whenever it is run again: Ray repeats a
        task whose node was lost. On Ray, ``work`` is a module-level function, and it, tasks,
        results and exceptions are picklable.

        Args:
            shared: What all tasks read. Threads get this very object; Ray places it once per
                node.
            tasks: May be empty.
            work: Called as ``work(shared, task)``.
            cancelled: Asked in the calling thread at least every 0.2 s (serial, which works in
                that thread, asks before every task). Once it is True no further task starts;
                those running have half a second to finish (Ray interrupts them at once), the
                rest is given up.
            done: Called in the calling thread as ``done(index, result)``, once for each task
                that finished, in the order in which they finish. What it raises ends the run.

        Raises:
            CancelledRunError: ``cancelled`` was True; ``.done`` holds the indices finished.
            ExecutorError: Ray lost the same task too often, or has no processors left.
            Exception: What ``work`` raised, unchanged; of several, that of the first task.
        """
        ...

    def close(self) -> None:
        """End what this executor started; a second call does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
