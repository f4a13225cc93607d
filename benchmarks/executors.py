"""What Ray costs beside threads: the same job through both, warm, in turns."""

import time
from importlib.util import find_spec
from statistics import median
from typing import Final

from benchmarks.grid import axes_of, sweep_on, work_of
from benchmarks.rows import Row
from hotband.executors.names import open_executor
from hotband.executors.ports import Executor

WORKERS: Final = 2
TURNS: Final = 7
WARM_CELLS: Final = 8_192
DENSITIES: Final = ((7, "1.2"), (97, ""), (400, ""))
"""A gate on every so many bars, and the aim of the ratio."""


def ray() -> list[Row]:
    """Seconds of each over more than 100,000 cells, and the median ratio of the turns.

    Ray is started before and has its shared data, its sources and its compiled code once
    through every worker; each run still sends its shared data anew.
    """
    if find_spec("ray") is None:
        print("ray: skipped, it is not installed here; pip install 'hotband[ray]' has it")
        return []
    with (
        open_executor("threads", workers=WORKERS) as threads,
        open_executor("ray", workers=WORKERS) as cluster,
    ):
        return [row for every, aim in DENSITIES for row in _compared(threads, cluster, every, aim)]


def _compared(threads: Executor, cluster: Executor, every: int, aim: str) -> list[Row]:
    work = work_of(every, axes_of(50, 4, (30.0,), 75))
    cells = len(work.cells)
    turns: list[tuple[float, float]] = []
    for executor in (threads, cluster):
        sweep_on(executor, work, WARM_CELLS)
    for _ in range(TURNS):
        start = time.perf_counter()
        sweep_on(threads, work, cells)
        between = time.perf_counter()
        sweep_on(cluster, work, cells)
        turns.append((between - start, time.perf_counter() - between))
    on = f"gate every {every} bars, {cells:,} cells"
    by_threads, by_ray = (median(times) for times in zip(*turns, strict=True))
    ratio = median(clustered / threaded for threaded, clustered in turns)
    return [
        Row(f"threads, {WORKERS} workers", by_threads, "s", "", on),
        Row(f"Ray on this machine, {WORKERS} workers", by_ray, "s", "", on),
        Row("Ray over threads", ratio, "x", aim, on),
    ]
