"""One run of the grid: the same inputs give the same bytes, whatever runs it and stops it.

Every span of cells that is done is kept beside the run. A run that was killed, cancelled or
failed goes on from there; one whose inputs were run before is not run again.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from hotband.artefacts.schemas import Entry, ErrorArtefact, Kept, Latest, Partial, files_of
from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import CancelledRunError, HotbandError, StoreError
from hotband.executors.ports import Executor, never
from hotband.research.grid import GridJob, sweep_span
from hotband.research.grid_settings import GridSettings
from hotband.research.simulator import BacktestSimulator
from hotband.weekly.entry import Finished, failed, finish
from hotband.weekly.inputs import RunInputs, require_money, stop_if, window_of
from hotband.weekly.progress import GridProgress, Listener, Meter
from hotband.weekly.spans import Spans

PARTIAL_EVERY_S = 1.0
"""Seconds between two writings of the partial artefact while spans come in."""


def silent(_: GridProgress) -> None:
    """The listener of a run that nobody watches."""


@dataclass(eq=False)
class _Going:
    """A run on its way: its inputs, and what has come of them so far."""

    inputs: RunInputs
    spans: Spans
    meter: Meter
    entries: dict[str, Entry] = field(default_factory=dict)
    rows: list[pl.DataFrame] = field(default_factory=list)
    trades: list[pl.DataFrame] = field(default_factory=list)
    written: float = 0.0

    def add(self, job: GridJob, swept: pl.DataFrame, done: Finished) -> None:
        """An instrument that is finished."""
        self.entries[job.instrument] = done.entry
        instrument = pl.lit(job.instrument).alias("instrument")
        source = pl.lit(job.work.source).alias("source")
        columns = ("instrument", "source")
        self.rows.append(
            swept.with_columns(instrument, source).select(*columns, pl.exclude(*columns))
        )
        self.trades.append(done.trades)

    def tables(self) -> dict[str, pl.DataFrame]:
        """The rows and trades of all instruments, in one piece each."""
        return {
            "rows": pl.concat(self.rows, how="diagonal").rechunk(),
            "trades": pl.concat(self.trades).rechunk(),
        }


@dataclass(eq=False)
class GridRun:
    """A sweep of several instruments over one window, and its publication.

    Args:
        simulators: One per instrument, each with its one name, all of one window.
        grid: The grid file.
        folder: Where artefacts go.
        executor: Spreads the spans of cells.
        cancelled: Asked while spans run; True ends the run in a state that can be resumed.
        listener: Told of progress.
    """

    simulators: Mapping[str, BacktestSimulator]
    grid: GridSettings
    folder: ArtefactFolder
    executor: Executor
    cancelled: Callable[[], bool] = never
    listener: Listener = silent

    def run(self, *, force: bool = False) -> tuple[Latest, bool]:
        """Run, publish and archive; the result, and whether it was there already.

        ``force`` sweeps and publishes anew; an archive that has the same run stays as it is.
        What is raised below is told in ``latest.error.json`` too, but for InputError and a
        folder that another run has: nothing was begun.

        Raises:
            InputError: An impossible balance or commission, or more cells than the grid allows.
            CancelledRunError: ``cancelled`` was True; what is done is kept.
            HotbandError: Every instrument failed, or the folder cannot be written.
        """
        require_money(self.simulators)
        with self.folder.exclusive():
            try:
                inputs = RunInputs.prepare(self.simulators, self.grid, self.cancelled)
            except BaseException as error:
                self._record(error, None)
                raise
            inputs.check_size()
            held = None if force else self.folder.find(inputs.run_id, inputs.window)
            going = _Going(inputs, Spans(self._spans_of(inputs)), Meter(inputs.total))
            try:
                if held is not None:
                    self.folder.publish_again(held)
                    self.folder.archive(held)
                    return held, True
                if force:
                    going.spans.clear()
                return self._run(going), False
            except BaseException as error:
                self._record(error, going)
                raise

    def _spans_of(self, inputs: RunInputs) -> Path:
        return self.folder.root / "runs" / inputs.run_id / "spans"

    def _run(self, going: _Going) -> Latest:
        inputs = going.inputs
        self._write_partial(going)
        for name, job in inputs.jobs.items():
            if isinstance(job, HotbandError):
                going.entries[name] = failed(job)
                continue
            swept = self._sweep(job, going)
            stop_if(self.cancelled, f"after {name} was swept")
            going.add(job, swept, finish(job, swept))
            self._write_partial(going)
        if not inputs.ready:
            raise next(job for job in inputs.jobs.values() if isinstance(job, HotbandError))
        made = Latest(
            generated_at=_now(),
            run_id=inputs.run_id,
            window=inputs.window,
            instruments=going.entries,
            provenance=inputs.provenance,
            files=files_of(inputs.run_id),
        )
        latest = self.folder.write_latest(made, going.tables())
        going.spans.clear()
        self.folder.archive(latest)
        return latest

    def _sweep(self, job: GridJob, going: _Going) -> pl.DataFrame:
        """All rows of a job in order, from what is kept and from what is swept now."""
        name, spans = job.instrument, job.spans
        kept = [going.spans.read(name, first, last) for first, last in spans]
        missing = [i for i, rows in enumerate(kept) if rows is None]
        going.meter.add(sum(len(rows) for rows in kept if rows is not None), reused=True)

        def done(at: int, rows: pl.DataFrame) -> None:
            i = missing[at]
            kept[i] = rows
            going.spans.keep(name, spans[i][0], rows)
            going.meter.add(len(rows))
            self._tell(name, going)

        self._tell(name, going)
        self.executor.run(
            job.work, [spans[i] for i in missing], sweep_span, cancelled=self.cancelled, done=done
        )
        return pl.concat([rows for rows in kept if rows is not None])

    def _tell(self, instrument: str, going: _Going) -> None:
        self.listener(going.meter.read(instrument))
        if time.monotonic() - going.written >= PARTIAL_EVERY_S:
            self._write_partial(going)

    def _write_partial(self, going: _Going) -> None:
        inputs = going.inputs
        self.folder.write_partial(
            Partial(
                generated_at=_now(),
                state="cancelling" if self.cancelled() else "running",
                run_id=inputs.run_id,
                window=inputs.window,
                instruments=dict(going.entries),
                pending=tuple(name for name in inputs.jobs if name not in going.entries),
                progress=going.meter.read().to_artefact(),
                provenance=inputs.provenance,
            )
        )
        going.written = time.monotonic()

    def _record(self, error: BaseException, going: _Going | None) -> None:
        """Say in an artefact why the run ended; the last good result stays."""
        inputs = None if going is None else going.inputs
        cancelled = isinstance(error, CancelledRunError | KeyboardInterrupt)
        try:
            last = self.folder.read_latest()
            self.folder.write_error(
                ErrorArtefact(
                    generated_at=_now(),
                    state="cancelled" if cancelled else "error",
                    run_id=None if inputs is None else inputs.run_id,
                    window=window_of(self.simulators),
                    message=str(error) or type(error).__name__,
                    kind=type(error).__name__,
                    kept=Kept(
                        instruments=() if going is None else tuple(going.entries),
                        cells=0 if going is None else going.meter.completed,
                        last_good=None if last is None else last.run_id,
                    ),
                    progress=None if going is None else going.meter.read().to_artefact(),
                    provenance=None if inputs is None else inputs.provenance,
                )
            )
        except StoreError as refusal:
            error.add_note(f"no artefact says so: {refusal}")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
