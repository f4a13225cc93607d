"""One run of the grid: the same inputs give the same bytes, whatever runs it and stops it.

Every span of cells that is done is kept beside the run. A run that was killed, cancelled or
failed goes on from there; one whose inputs were run before is not run again.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import polars as pl

from hotband.artefacts.roster import RosterFolder
from hotband.artefacts.schemas import (
    PLAYED,
    TABLES,
    Entry,
    ErrorArtefact,
    Kept,
    Latest,
    Partial,
    files_of,
)
from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import CancelledRunError, HotbandError, InputError, StoreError, WindowError
from hotband.executors.ports import Executor, never
from hotband.research.forward import FoldResult, fold_result
from hotband.research.grid import GridJob, judge_of, prepare_job
from hotband.research.grid_settings import GridSettings
from hotband.research.judgement import choose_cell, judged_search, stressed
from hotband.roster.policy import DEFAULTS
from hotband.roster.settings import RosterSettings
from hotband.roster.trials import TrialLedger
from hotband.weekly.entry import Finished, failed, finish, with_last_gate
from hotband.weekly.inputs import RunInputs, require_money, stop_if, window_of
from hotband.weekly.parity import parity_of_run
from hotband.weekly.parts import Parts
from hotband.weekly.plan import Plan
from hotband.weekly.progress import GridProgress, Listener, Meter
from hotband.weekly.roster import NEEDS, decide_roster
from hotband.weekly.shelf import HELD_BYTES
from hotband.weekly.spans import Spans
from hotband.weekly.sweeper import Sweeper

PARTIAL_EVERY_S = 1.0
"""Seconds between two writings of the partial artefact while spans come in."""


def silent(_: GridProgress) -> None:
    """The listener of a run that nobody watches."""


def unheard(_run_id: str, _reused: bool) -> None:
    """Where nobody asks for the id of a run."""


@dataclass(eq=False)
class _Going:
    """A run on its way: its inputs, and what has come of them so far."""

    inputs: RunInputs
    spans: Spans
    entries: dict[str, Entry] = field(default_factory=dict)
    finished: dict[str, Finished] = field(default_factory=dict)
    written: float = 0.0

    def __post_init__(self) -> None:
        self.meter = Meter(self.inputs.total)
        self.parts = Parts(self.spans.root / "parts")

    def add(self, instrument: str, done: Finished) -> None:
        """An instrument that is finished; its long tables go to disk."""
        self.entries[instrument] = done.entry
        self.parts.keep(instrument, done.played)
        self.finished[instrument] = replace(done, played={})

    def tables(self) -> dict[str, pl.DataFrame]:
        """The short tables of all instruments, in one piece each."""
        done = self.finished.values()
        return {
            "rows": pl.concat([each.rows for each in done], how="diagonal").rechunk(),
            "trades": pl.concat([each.trades for each in done]).rechunk(),
            "oos": pl.concat([each.out_of_sample for each in done]).rechunk(),
        }


@dataclass(eq=False)
class GridRun:
    """A sweep of several instruments over the same folds, and its publication.

    Args:
        plans: One per instrument, all of the same windows.
        grid: The grid file.
        folder: Where artefacts go.
        executor: Spreads the spans of cells.
        ledger: Counts trials.
        cancelled: Asked while spans run; True ends the run in a state that can be resumed.
        listener: Told of progress.
        roster: Settings of the decisions that follow from the result.
        identified: Told the run's id before it begins, and whether it was there already.
        room: Bytes of prepared jobs that are kept in memory at a time, beside the one at work.
    """

    plans: Mapping[str, Plan]
    grid: GridSettings
    folder: ArtefactFolder
    executor: Executor
    ledger: TrialLedger
    cancelled: Callable[[], bool] = never
    listener: Listener = silent
    roster: RosterSettings = DEFAULTS
    identified: Callable[[str, bool], None] = unheard
    room: int = HELD_BYTES

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
        require_money(self.plans)
        with self.folder.exclusive():
            inputs = self._inputs()
            held = None if force else self.folder.find(inputs.run_id, inputs.window)
            self.identified(inputs.run_id, held is not None)
            going = _Going(inputs, Spans(self.folder.root / "runs" / inputs.run_id / "spans"))
            try:
                if held is not None:
                    held = self._decided(held, {n: self.folder.read_table(held, n) for n in NEEDS})
                    self.folder.publish_again(held)
                    self.folder.archive(held)
                    return held, True
                if force:
                    going.spans.clear()
                return self._run(going), False
            except BaseException as error:
                self._tell_end(error, going)
                raise

    def _inputs(self) -> RunInputs:
        try:
            inputs = RunInputs.prepare(self.plans, self.grid, self.cancelled, self.room)
            inputs.check_size()
            return inputs.counted(self.ledger)
        except InputError:
            raise
        except BaseException as error:
            self._tell_end(error, None)
            raise

    def _run(self, going: _Going) -> Latest:
        inputs = going.inputs
        self._write_partial(going)
        for name, job in inputs.jobs.items():
            if isinstance(job, HotbandError):
                going.entries[name] = failed(job)
                continue
            going.add(name, self._finish(inputs.shelf.take(name), going))
            self._write_partial(going)
        if not inputs.ready:
            raise next(job for job in inputs.jobs.values() if isinstance(job, HotbandError))
        going.entries |= with_last_gate(going.finished)
        made = Latest(
            generated_at=_now(),
            run_id=inputs.run_id,
            window=inputs.window,
            instruments=going.entries,
            provenance=inputs.provenance,
            files=files_of(inputs.run_id, (*TABLES, *PLAYED)),
        )
        tables = going.tables()
        latest = self.folder.write_latest(
            self._decided(made, tables), {**tables, **going.parts.tables(PLAYED)}
        )
        going.spans.clear()
        self.folder.archive(latest)
        return latest

    def _decided(self, latest: Latest, tables: Mapping[str, pl.DataFrame]) -> Latest:
        """The result with what was decided on it and what is proven of its cells.

        The decisions are kept before it is published.
        """
        hours = next(iter(self.plans.values())).published.look_back.profile.account.market_hours()
        roster = RosterFolder(self.folder.root)
        part = decide_roster(roster, latest, tables, self.roster, hours)
        parity = parity_of_run(self.folder.root, latest)
        return latest.model_copy(update={"roster": part, "parity": parity})

    def _finish(self, job: GridJob, going: _Going) -> Finished:
        """Everything about one instrument, from its sweeps to its verdict."""
        name, inputs = job.instrument, going.inputs
        folds, skipped = self._earlier(job, going)
        sweeper = self._sweeper(going)
        swept, returns = sweeper.sweep(job, name)
        stop_if(self.cancelled, f"after {name} was swept")
        once = choose_cell(job, swept, inputs.trials[name], self.grid)
        chosen = stressed(job, once, returns, sweeper.spread)
        selection = judged_search(chosen, returns, inputs.seed(name), self.grid)
        if job.hold_out is not None:
            folds.append(fold_result(job, job.hold_out, chosen.rows, chosen.choice))
        notes = (*inputs.plans[name].notes, *skipped)
        return finish(job, chosen, selection, folds, self.grid, notes, returns)

    def _earlier(self, job: GridJob, going: _Going) -> tuple[list[FoldResult], list[str]]:
        """The choices before the published one with the weeks after them; folds without bars.

        Each choice counts the trials of its own grid alone: what was tried since is not held
        against it.
        """
        name, plan = job.instrument, going.inputs.plans[job.instrument]
        found, skipped = [], []
        for k, stage in enumerate(plan.stages[:-1]):
            if stage.hold_out is None:
                continue
            stop_if(self.cancelled, f"before fold {k + 1} of {name}")
            try:
                earlier = prepare_job(stage.look_back, self.grid)
                judge = judge_of(earlier, stage.hold_out)
            except WindowError as error:
                skipped.append(f"fold {k + 1} is left out: {error}")
                continue
            rows, _ = self._sweeper(going).sweep(earlier, f"{name}/fold{k:03d}", counted=False)
            once = choose_cell(earlier, rows, len(earlier.work.cells), self.grid)
            found.append(fold_result(earlier, judge, once.rows, once.choice))
        return found, skipped

    def _sweeper(self, going: _Going) -> Sweeper:
        def tell(instrument: str) -> None:
            self._tell(instrument, going)

        return Sweeper(self.executor, going.spans, going.meter, self.cancelled, tell)

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

    def _tell_end(self, error: BaseException, going: _Going | None) -> None:
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
                    window=window_of(self.plans),
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
