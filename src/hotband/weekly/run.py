"""One run of the grid: the same inputs give the same bytes, whatever runs it and stops it.

Every span of cells that is done is kept beside the run. A run that was killed, cancelled or
failed goes on from there; one whose inputs were run before is not run again.
"""

import hashlib
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from hotband.artefacts.provenance import canonical_json, code_version, run_id_of
from hotband.artefacts.schemas import (
    Entry,
    ErrorArtefact,
    Kept,
    Latest,
    Partial,
    files_of,
)
from hotband.artefacts.values import GateInput, Progress, Provenance, Window
from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import CancelledRunError, HotbandError, InputError, IntegrityError
from hotband.executors.ports import Executor
from hotband.market.calendar import format_time
from hotband.research.grid import GridJob, prepare_job, sweep_span
from hotband.research.grid_settings import GridSettings
from hotband.research.simulator import BacktestSimulator
from hotband.weekly.entry import Finished, failed, finish

PARTIAL_EVERY_S = 1.0
"""Seconds between two writings of the partial artefact while spans come in."""


@dataclass(frozen=True, slots=True)
class GridProgress:
    """How far a run is; ``instrument`` is the one being swept."""

    instrument: str
    completed: int
    total: int
    reused: int
    seconds: float

    @property
    def cells_per_second(self) -> float | None:
        """Over the cells swept by this call; None before the first."""
        swept = self.completed - self.reused
        return swept / self.seconds if swept > 0 and self.seconds > 0 else None

    @property
    def eta_seconds(self) -> float | None:
        """Seconds to go at that rate."""
        rate = self.cells_per_second
        return None if rate is None else (self.total - self.completed) / rate


Listener = Callable[[GridProgress], None]


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
    cancelled: Callable[[], bool] = lambda: False
    listener: Listener = lambda _: None
    _entries: dict[str, Entry] = field(default_factory=dict)
    _state: dict[str, float] = field(default_factory=dict)

    @cached_property
    def jobs(self) -> dict[str, GridJob | HotbandError]:
        """Every instrument's job, or why it has none.

        Raises InputError where the cells of all are more than the grid allows.
        """
        found: dict[str, GridJob | HotbandError] = {}
        for name, simulator in sorted(self.simulators.items()):
            try:
                found[name] = prepare_job(simulator, self.grid)
            except IntegrityError:
                raise
            except HotbandError as error:
                found[name] = error
        total = sum(len(job.work.cells) for job in found.values() if isinstance(job, GridJob))
        if total > self.grid.max_cells:
            raise InputError(
                "cells of the grid",
                f"{total:,} over {len(found)} instruments",
                f"at most max_cells, {self.grid.max_cells:,}",
                "Take values off an axis, or raise max_cells in the grid file.",
            )
        return found

    @cached_property
    def provenance(self) -> Provenance:
        """What the run is made of."""
        jobs = {name: job for name, job in self.jobs.items() if isinstance(job, GridJob)}
        some = next(iter(self.simulators.values()))
        return Provenance(
            bars={name: job.prepared.bars.content_hash for name, job in jobs.items()},
            gates={name: _gate_input(job) for name, job in jobs.items()},
            profile=some.profile.content_hash,
            grid=_sha256(canonical_json(self.grid.model_dump(mode="json"))),
            code_version=code_version(),
            seed=0,
        )

    @cached_property
    def run_id(self) -> str:
        """The run's id: a hash of all that decides its result."""
        some = next(iter(self.simulators.values()))
        failures = {n: str(j) for n, j in self.jobs.items() if isinstance(j, HotbandError)}
        around = {
            name: {
                "broker": {k: repr(v) for k, v in asdict(simulator.table[name]).items()},
                "gates": job.prepared.chosen.gates.content_hash,
                "quotes": {
                    pair: _sha256(np.ascontiguousarray(rows).tobytes())
                    for pair, (rows, _) in sorted(job.around.quotes.items())
                },
            }
            for name, simulator in self.simulators.items()
            if isinstance(job := self.jobs[name], GridJob)
        }
        return run_id_of(
            {
                "provenance": self.provenance.model_dump(mode="json"),
                "window": [format_time(t) for t in some.window],
                "granularity": some.granularity,
                "balance": some.balance,
                "cost_bps": some.cost_bps,
                "financing": repr(some.financing),
                "failures": failures,
                "around": around,
            }
        )

    @property
    def window(self) -> Window:
        """The window of the run."""
        return Window.of(*next(iter(self.simulators.values())).window)

    @property
    def total(self) -> int:
        """Cells of all instruments."""
        return sum(len(j.work.cells) for j in self.jobs.values() if isinstance(j, GridJob))

    def run(self, *, force: bool = False) -> tuple[Latest, bool]:
        """Run, publish and archive; the result, and whether it was there already.

        Raises:
            CancelledRunError: ``cancelled`` was True; what is done is kept.
            HotbandError: Every instrument failed, or the folder cannot be written.
        """
        with self.folder.exclusive():
            held = self.folder.read_latest()
            if held is not None and held.run_id == self.run_id and not force:
                self.folder.archive(held)
                return held, True
            try:
                return self._run(force=force), False
            except BaseException as error:
                self._record(error)
                raise

    def _run(self, *, force: bool) -> Latest:
        if force:
            shutil.rmtree(self._spans, ignore_errors=True)
        self._state.update(started=time.monotonic(), written=0.0, completed=0, reused=0)
        rows, trades = [], []
        self._write_partial()
        for name, job in self.jobs.items():
            if isinstance(job, HotbandError):
                self._entries[name] = failed(job)
                continue
            swept = self._sweep(job)
            done: Finished = finish(job, swept)
            self._entries[name] = done.entry
            rows.append(
                swept.with_columns(
                    pl.lit(name).alias("instrument"), pl.lit(job.work.source).alias("source")
                ).select("instrument", "source", pl.exclude("instrument", "source"))
            )
            trades.append(done.trades)
            self._write_partial()
        for job in self.jobs.values():
            if not rows and isinstance(job, HotbandError):
                raise job
        latest = Latest(
            generated_at=_now(),
            run_id=self.run_id,
            window=self.window,
            instruments=self._entries,
            provenance=self.provenance,
            files=files_of(self.run_id),
        )
        tables = {"rows": pl.concat(rows, how="diagonal"), "trades": pl.concat(trades)}
        self.folder.write_latest(latest, tables)
        shutil.rmtree(self._spans, ignore_errors=True)
        self.folder.archive(latest)
        return latest

    @property
    def _spans(self) -> Path:
        return self.folder.root / "runs" / self.run_id / "spans"

    def _sweep(self, job: GridJob) -> pl.DataFrame:
        """All rows of a job in order, from what is kept and from what is swept now."""
        spans = job.spans
        paths = [self._spans / job.instrument / f"{first:09d}.parquet" for first, _ in spans]
        kept = {i: _kept(path, *spans[i]) for i, path in enumerate(paths)}
        missing = [i for i in range(len(spans)) if kept[i] is None]
        reused = sum(last - first for i, (first, last) in enumerate(spans) if i not in missing)
        self._state["completed"] += reused
        self._state["reused"] += reused

        def done(at: int, rows: pl.DataFrame) -> None:
            i = missing[at]
            kept[i] = rows
            _keep(paths[i], rows)
            self._state["completed"] += len(rows)
            self._told(job.instrument)

        self.executor.run(
            job.work, [spans[i] for i in missing], sweep_span, cancelled=self.cancelled, done=done
        )
        self._told(job.instrument)
        return pl.concat([rows for rows in kept.values() if rows is not None])

    def _told(self, instrument: str) -> None:
        now = time.monotonic()
        progress = GridProgress(
            instrument,
            int(self._state["completed"]),
            self.total,
            int(self._state["reused"]),
            now - self._state["started"],
        )
        self.listener(progress)
        if now - self._state["written"] >= PARTIAL_EVERY_S:
            self._write_partial()

    def _progress(self) -> Progress:
        completed, total = int(self._state["completed"]), self.total
        seconds = time.monotonic() - self._state["started"]
        done = GridProgress("", completed, total, int(self._state["reused"]), seconds)
        return Progress.of(completed, total, done.cells_per_second)

    def _write_partial(self) -> None:
        self._state["written"] = time.monotonic()
        self.folder.write_partial(
            Partial(
                generated_at=_now(),
                state="cancelling" if self.cancelled() else "running",
                run_id=self.run_id,
                window=self.window,
                instruments=dict(self._entries),
                pending=tuple(name for name in self.jobs if name not in self._entries),
                progress=self._progress(),
                provenance=self.provenance,
            )
        )

    def _record(self, error: BaseException) -> None:
        """Say in an artefact why the run ended; the last good result stays."""
        cancelled = isinstance(error, CancelledRunError | KeyboardInterrupt)
        last = self.folder.read_latest()
        started = "started" in self._state
        self.folder.write_error(
            ErrorArtefact(
                generated_at=_now(),
                state="cancelled" if cancelled else "error",
                run_id=self.run_id,
                window=self.window,
                message=str(error) or type(error).__name__,
                kind=type(error).__name__,
                kept=Kept(
                    instruments=tuple(self._entries),
                    cells=int(self._state.get("completed", 0)),
                    last_good=None if last is None else last.run_id,
                ),
                progress=self._progress() if started else None,
                provenance=self.provenance,
            )
        )


def _gate_input(job: GridJob) -> GateInput:
    gates = job.prepared.chosen.gates
    recorded = gates.data[gates.data["synthetic"] == 0]
    if not len(recorded):
        return GateInput(source="synthetic", sha256=None)
    digest = _sha256(np.ascontiguousarray(recorded).tobytes())
    return GateInput(source=job.work.source, sha256=digest)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _kept(path: Path, first: int, last: int) -> pl.DataFrame | None:
    """The rows of a span that is done; None where it is not, or not wholly."""
    if not path.is_file():
        return None
    try:
        rows = pl.read_parquet(path, glob=False)
    except pl.exceptions.PolarsError:
        return None
    whole = rows.height == last - first and rows["cell"].to_list() == list(range(first, last))
    return rows if whole else None


def _keep(path: Path, rows: pl.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    rows.write_parquet(draft, compression="zstd")
    draft.replace(path)


def names_of(simulators: Sequence[BacktestSimulator]) -> dict[str, BacktestSimulator]:
    """Simulators by the one instrument of each."""
    return {simulator.names[0]: simulator for simulator in simulators}
