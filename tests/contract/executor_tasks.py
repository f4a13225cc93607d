"""Work for executors, in a module that the nodes of a cluster can import too."""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hotband.errors import WindowError

ROW = np.dtype([("cell", np.int64), ("pnl", np.float64), ("fills", np.uint8, (8,))], align=True)
BLOCKED_AT_MOST_S = 60.0


class TroubleError(Exception):
    """An exception of a library's own, with an attribute and a picky constructor."""

    def __init__(self, *, index: int) -> None:
        super().__init__(f"trouble with {index}")
        self.index = index

    def __reduce__(self) -> tuple[Any, ...]:
        return trouble, (self.index,)


def trouble(index: int) -> TroubleError:
    return TroubleError(index=index)


class StuckError(Exception):
    """An exception that can be pickled but not read back."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"stuck between {one} and {other}")


def power(shared: int, task: int) -> int:
    return int(task**shared)


def slow_first(shared: int, task: int) -> int:
    """The earlier the task, the longer it takes."""
    time.sleep(0.03 * max(0, shared - task))
    return task * 10


def nap(shared: float, task: int) -> int:
    time.sleep(shared)
    return task


def mark_and_nap(shared: tuple[str, float], task: int) -> int:
    """Leave a file that says that the task started."""
    folder, seconds = shared
    (Path(folder) / f"started{task}").touch()
    time.sleep(seconds)
    return task


def block(shared: str, task: int) -> int:
    """Does not end before the file ``released`` is there."""
    (Path(shared) / f"started{task}").touch()
    end = time.monotonic() + BLOCKED_AT_MOST_S
    while not (Path(shared) / "released").exists() and time.monotonic() < end:
        time.sleep(0.01)
    return task


def fail_at_two_and_three(shared: str, task: int) -> int:
    """Task 3 fails at once, task 2 later, the others succeed; each says that it started."""
    (Path(shared) / f"started{task}").touch()
    if task == 2:
        time.sleep(0.4)
    if task in {2, 3}:
        raise TroubleError(index=task)
    return task


def refuse(shared: str, task: int) -> int:
    raise WindowError(f"window of {shared}", task, "a later end", "Correct it.", near=("11",))


def raise_stuck(shared: int, task: int) -> int:
    raise StuckError(shared, task)


def rows(shared: npt.NDArray[np.void], task: slice) -> npt.NDArray[np.void]:
    """Some of the shared rows, with their money doubled."""
    mine = shared[task].copy()
    mine["pnl"] *= 2
    return mine


def where_it_lies(shared: npt.NDArray[np.void], task: int) -> tuple[int, int, bool]:
    """Process, address of the shared data, and whether this process owns a copy of it."""
    return os.getpid(), int(shared.ctypes.data), bool(shared.flags.owndata) and task >= 0


def die_once(shared: str, task: int) -> int:
    """The first start of task 1 ends its worker."""
    mark = Path(shared) / f"died{task}"
    if task == 1 and not mark.exists():
        mark.touch()
        os._exit(1)
    return task


def die(shared: int, task: int) -> int:
    if task == shared:
        os._exit(1)
    return task


def raise_trouble(shared: str, task: int) -> int:
    raise TroubleError(index=task + len(shared))
