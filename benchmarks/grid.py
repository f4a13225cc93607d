"""What a grid costs: cells with all their columns, one and two threads, and a million."""

import resource
import time
from functools import partial

import numpy as np

from benchmarks import market
from benchmarks.rows import Row, best
from hotband.executors.names import open_executor
from hotband.executors.ports import Executor
from hotband.market.calendar import DEFAULT_HOURS, MINUTE_NS
from hotband.research.axes import Axis, CellGrid
from hotband.research.cell_rows import CellWork, sweep_span
from hotband.research.grid import SPAN_CELLS
from hotband.research.series import trading_window
from hotband.research.sweep import frame_of


def work_of(every: int, axes: tuple[Axis, ...]) -> CellWork:
    """A week of M1 with a gate on every ``every``-th bar, and a grid of these axes."""
    bars, _ = market.week_of_bars()
    shared = market.shared_of(bars, every)
    t = np.asarray(bars.data["t"], np.int64)
    end = int(t[-1]) + MINUTE_NS
    window = trading_window(DEFAULT_HOURS, int(t[0]), end, t, MINUTE_NS)
    base = market.cell_rules(1)
    return CellWork(
        shared=shared,
        frame=frame_of(window, shared.bars, end),
        cells=CellGrid("EUR_USD", axes, 0.12, False, (), base, 1e-4),
        limits=market.limits(),
        window=window,
        balance=100_000.0,
        currencies=(0, 1),
        source="synthetic",
    )


def axes_of(caps: int, reps: int, holds: tuple[float, ...], exposures: int) -> tuple[Axis, ...]:
    """A grid of so many values per axis, with seven stops."""
    return (
        Axis("hazard_max", tuple(np.linspace(0.1, 0.2, caps).tolist())),
        Axis("min_reps", tuple(float(n) for n in range(1, reps + 1))),
        Axis("hold_minutes", holds),
        Axis("exposure", tuple(np.linspace(0.5, 3.0, exposures).tolist())),
        Axis("stop_loss_pips", tuple(float(n) for n in range(15, 50, 5))),
    )


def spans(cells: int) -> list[tuple[int, int]]:
    """All cells in spans of the weekly job's size."""
    return [(first, min(first + SPAN_CELLS, cells)) for first in range(0, cells, SPAN_CELLS)]


def sweep_on(executor: Executor, work: CellWork, cells: int) -> None:
    """The rows of the first cells of a grid."""
    executor.run(work, spans(cells), sweep_span)


def _sweep(work: CellWork, name: str, workers: int, cells: int) -> None:
    with open_executor(name, workers=workers) as executor:
        sweep_on(executor, work, cells)


def grid() -> list[Row]:
    """Cells per second with every column, scaling over threads, a million cells."""
    rows = []
    for every, holds, aim in ((7, (30.0,), "70,000"), (97, (30.0,), ""), (400, (30.0,), "")):
        work = work_of(every, axes_of(16, 4, holds, 8))
        cells = len(work.cells)
        _sweep(work, "threads", 2, SPAN_CELLS)
        two = cells / best(partial(_sweep, work, "threads", 2, cells), 3)
        one = cells / best(partial(_sweep, work, "threads", 1, cells), 3)
        on = f"gate every {every} bars, hold 30 min"
        rows += [
            Row("grid rows, week of M1, 2 threads", two, "cells/s", aim, on),
            Row("grid rows, week of M1, 1 thread", one, "cells/s", "", on),
            Row("grid rows, 2 threads over 1", two / one, "x", "1.8", on),
        ]
    work = work_of(400, axes_of(100, 4, (30.0, 60.0, 120.0), 120))
    million = len(work.cells)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    with open_executor("threads", workers=2) as executor:
        executor.run(work, spans(million), _counted)
    seconds = time.perf_counter() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    on = f"{million:,} cells, gate every 400 bars"
    rows += [
        Row("a grid of a million cells, 2 threads", seconds, "s", "30", on),
        Row("its growth of memory", grown, "MiB", "1,000", on),
    ]
    return rows


def _counted(work: CellWork, span: tuple[int, int]) -> int:
    """As the weekly job does: rows are made, and kept on disk rather than in memory."""
    return sweep_span(work, span).height
