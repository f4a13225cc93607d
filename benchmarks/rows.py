"""One measured number, and how a time is taken."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One measured number, its unit, and the aim where there is one."""

    case: str
    value: float
    unit: str
    aim: str
    on: str


def best(work: Callable[[], object], repeats: int = 5) -> float:
    """The shortest of several times, seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)
