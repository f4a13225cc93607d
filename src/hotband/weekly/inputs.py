"""What a run of the grid is made of, and the id that follows from it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from hotband.artefacts.provenance import canonical_json, code_version, run_id_of, sha256_of
from hotband.artefacts.values import Provenance, Window
from hotband.errors import (
    CancelledRunError,
    HotbandError,
    InputError,
    IntegrityError,
    StoreUnavailableError,
)
from hotband.gates.reader import CALIBRATION_NS
from hotband.market.calendar import format_time
from hotband.research.grid import GridJob, prepare_job
from hotband.research.grid_settings import GridSettings
from hotband.research.history import history_of
from hotband.research.significance.bootstrap import seed_of
from hotband.research.simulator import BacktestSimulator
from hotband.roster.trials import TrialLedger
from hotband.weekly.plan import Plan
from hotband.weekly.shelf import HELD_BYTES, JobFacts, Shelf

MOST_BPS: Final = 1000


def stop_if(cancelled: Callable[[], bool], what: str) -> None:
    """Raise CancelledRunError between two pieces of work, where the run was asked to stop."""
    if cancelled():
        raise CancelledRunError(
            "run of the grid",
            f"a request to stop {what}",
            "a run to its end",
            "Start it again; what is kept need not run again.",
            done=(),
        )


@dataclass(frozen=True, eq=False)
class RunInputs:
    """What decides every instrument's result, or why it has none; make it with ``prepare``.

    ``jobs`` by instrument in alphabetical order: what the job of the published fold is made of,
    or the error that an entry of the result will tell; ``shelf`` gives the job itself. All plans
    have the same windows. ``history`` by instrument: hashes of the bars and recorded gates of
    the earlier folds and of the hold-out.
    """

    plans: Mapping[str, Plan]
    grid: GridSettings
    jobs: Mapping[str, JobFacts | HotbandError]
    history: Mapping[str, list[str]]
    shelf: Shelf
    trials: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def prepare(
        cls,
        plans: Mapping[str, Plan],
        grid: GridSettings,
        cancelled: Callable[[], bool],
        room: int = HELD_BYTES,
    ) -> "RunInputs":
        """Read bars and gates of every instrument; ``room``: bytes of jobs that are kept.

        Raises:
            CancelledRunError: ``cancelled`` was True between two instruments.
            IntegrityError: A defect; whatever else fails is told by the instrument's job.
        """
        jobs: dict[str, JobFacts | HotbandError] = {}
        history: dict[str, list[str]] = {}

        def prepared(name: str) -> GridJob:
            stage = plans[name].published
            return prepare_job(stage.look_back, grid, stage.hold_out)

        shelf = Shelf(prepared, room)
        for name, plan in sorted(plans.items()):
            stop_if(cancelled, f"before {name} was prepared")
            try:
                job = prepared(name)
                history[name] = _history(plan, job)
                jobs[name] = shelf.put(job)
                del job  # or it would stay while the next one is made
            except IntegrityError:
                raise
            except HotbandError as error:
                jobs[name] = error
        return cls(dict(sorted(plans.items())), grid, jobs, history, shelf)

    def check_size(self) -> None:
        """InputError where the cells of all instruments are more than the grid file allows."""
        if self.total > self.grid.max_cells:
            raise InputError(
                "cells of the grid",
                f"{self.total:,} over {len(self.jobs)} instruments",
                f"at most max_cells, {self.grid.max_cells:,}",
                "Take values off an axis, or raise max_cells in the grid file.",
            )

    @cached_property
    def ready(self) -> dict[str, JobFacts]:
        """The jobs that can be swept."""
        return {name: job for name, job in self.jobs.items() if isinstance(job, JobFacts)}

    @cached_property
    def total(self) -> int:
        """Cells of all instruments."""
        return sum(len(job.cells) for job in self.ready.values())

    @cached_property
    def window(self) -> Window:
        """The window of the run."""
        return window_of(self.plans)

    @cached_property
    def provenance(self) -> Provenance:
        """Hashes of bars, gates, profile, grid and code."""
        return Provenance(
            bars={name: job.bars for name, job in self.ready.items()},
            gates={name: job.gates for name, job in self.ready.items()},
            profile=_any(self.plans).profile.content_hash,
            grid=sha256_of(canonical_json(self.grid.model_dump(mode="json"))),
            code_version=code_version(),
            seed=0,
        )

    @cached_property
    def run_id(self) -> str:
        """A hash of all that decides the result."""
        some = _any(self.plans)
        failures = {n: str(job) for n, job in self.jobs.items() if isinstance(job, HotbandError)}
        return run_id_of(
            {
                "provenance": self.provenance.model_dump(mode="json"),
                "folds": _folds(next(iter(self.plans.values()))),
                "granularity": some.granularity,
                "balance": some.balance,
                "cost_bps": some.cost_bps,
                "financing": repr(some.financing),
                "failures": failures,
                "around": {name: job.around for name, job in self.ready.items()},
                "history": dict(self.history),
                "trials": dict(self.trials),
            }
        )

    def counted(self, ledger: TrialLedger) -> "RunInputs":
        """The same with every cell of every fold recorded as a trial, and all trials counted.

        A trial is a cell on a window under a profile and an account, whatever the bars said
        (reference/statistics.md, D3). An earlier fold has as many cells as the published one.
        How many there are decides the result, so that it is part of the run's id.
        """
        trials = {}
        for name, job in self.ready.items():
            cells = job.cells.rules(0, len(job.cells))
            for stage in self.plans[name].stages:
                ledger.record(name, stage.look_back.window, _trial_inputs(job.simulator), cells)
            trials[name] = ledger.count(name)
        return replace(self, trials=trials)

    def seed(self, name: str) -> int:
        """Of the instrument's resamples, below 2^53, from what chose the cells.

        What judges them, trials and other instruments have no say.
        """
        job = self.ready[name]
        content = {
            "bars": job.bars,
            "around": job.around,
            "config": _trial_inputs(job.simulator),
        }
        return seed_of(canonical_json(content), name) >> 11


def require_money(plans: Mapping[str, Plan]) -> None:
    """InputError for a balance or a commission that no account can have."""
    for plan in plans.values():
        simulator = plan.published.look_back
        balance, cost = simulator.balance, simulator.cost_bps
        if not (math.isfinite(balance) and balance > 0):
            allowed = "a finite amount above 0"
            raise InputError("balance", balance, allowed, "Give the start balance.")
        if not 0 <= cost <= MOST_BPS:
            allowed = f"basis points, 0..{MOST_BPS}"
            raise InputError("cost_bps", cost, allowed, "Write 1.5 for 0.015 %.")


def window_of(plans: Mapping[str, Plan]) -> Window:
    """The one window of all plans: what chose the published cells and what judged them."""
    return Window.of(*next(iter(plans.values())).window)


def _trial_inputs(simulator: BacktestSimulator) -> str:
    """A hash of what makes a trial beside its cell and window."""
    return sha256_of(
        canonical_json(
            {
                "profile": simulator.profile.content_hash,
                "granularity": simulator.granularity,
                "balance": simulator.balance,
                "cost_bps": simulator.cost_bps,
                "financing": repr(simulator.financing),
            }
        )
    )


def _any(plans: Mapping[str, Plan]) -> BacktestSimulator:
    return next(iter(plans.values())).published.look_back


def _folds(plan: Plan) -> list[list[str]]:
    parts = [part for stage in plan.stages for part in (stage.look_back, stage.hold_out)]
    return [[format_time(t) for t in part.window] for part in parts if part is not None]


def _history(plan: Plan, job: GridJob) -> list[str]:
    """Hashes of what the earlier folds and the hold-out read; none where there are neither."""
    some, hold_out = plan.published.look_back, plan.published.hold_out
    if len(plan.stages) == 1 and hold_out is None:
        return []
    (name,), start = some.names, plan.stages[0].look_back.window[0]
    window = start, plan.window[1]
    found = [
        history_of(some.bars, pair, some.granularity, window, needs_window=pair == name)
        for pair in sorted({name, *job.around.quotes})
    ]
    hashes = [bars.content_hash for bars in found]
    try:
        gates = some.reader.recorded(name, start - CALIBRATION_NS, window[1])
        hashes += [] if gates is None else [gates.content_hash]
    except StoreUnavailableError as error:
        if some.reader.unavailable == "fail":
            raise
        hashes.append(error.state)
    return hashes
