"""Sweeping one job of a run: from the spans that are kept, and by the executor for the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from hotband.executors.ports import Executor
from hotband.research.cell_rows import RETURNS, returns_of, sweep_span
from hotband.research.grid import GridJob
from hotband.research.selection import Returns
from hotband.weekly.progress import Meter
from hotband.weekly.spans import Spans


@dataclass(frozen=True, eq=False)
class Sweeper:
    """Runs cells through an executor, keeps every span that is done, and counts them.

    ``tell`` is called with the instrument whenever there is progress.
    """

    executor: Executor
    spans: Spans
    meter: Meter
    cancelled: Callable[[], bool]
    tell: Callable[[str], None]

    def spread(
        self, shared: Any, tasks: Sequence[Any], work: Callable[[Any, Any], Any]
    ) -> list[Any]:
        """``[work(shared, task) for task in tasks]``; raises what the executor raises."""
        return self.executor.run(shared, tasks, work, cancelled=self.cancelled)

    def sweep(
        self, job: GridJob, name: str, *, counted: bool = True
    ) -> tuple[pl.DataFrame, Returns]:
        """All rows of a job in order, and daily returns, from what is kept or swept now.

        ``name`` is the folder that keeps the spans; ``counted`` says whether they are cells of
        the progress, which are those of the published fold.
        """
        spans = job.spans
        n, days = len(job.work.cells), int(job.work.window.eligible.sum())
        returns = self.spans.returns(name, n, days)
        kept: list[pl.DataFrame | None] = []

        def take(first: int, last: int, rows: pl.DataFrame) -> pl.DataFrame:
            returns[first:last] = returns_of(rows)
            return rows.drop(RETURNS)

        for first, last in spans:
            rows = self.spans.read(name, first, last)
            kept.append(None if rows is None else take(first, last, rows))
        missing = [i for i, rows in enumerate(kept) if rows is None]
        if counted:
            self.meter.add(sum(len(rows) for rows in kept if rows is not None), reused=True)

        def done(at: int, rows: pl.DataFrame) -> None:
            i = missing[at]
            self.spans.keep(name, spans[i][0], rows)
            kept[i] = take(*spans[i], rows)
            if counted:
                self.meter.add(len(rows))
            self.tell(job.instrument)

        self.tell(job.instrument)
        self.executor.run(
            job.work, [spans[i] for i in missing], sweep_span, cancelled=self.cancelled, done=done
        )
        return pl.concat([rows for rows in kept if rows is not None]), returns
