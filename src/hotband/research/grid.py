"""The grid of one instrument: prepared once, swept in spans, chosen from, and run again.

Cells run through ``core.path``; the chosen one is run again through the simulator, and must
come out the same to the last bit: its account, its fills, and every metric of its row.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from hotband.core.path import path
from hotband.core.records import Records, empty
from hotband.core.shared import share
from hotband.errors import IntegrityError
from hotband.market.instruments import currencies
from hotband.profile.rules import compile_limits
from hotband.research.axes import CellGrid, cells_of
from hotband.research.cell_rows import CellWork, columns_of
from hotband.research.feed import Surroundings, make_feed
from hotband.research.gate_source import GateCoverage, coverage_of, deriver_settings
from hotband.research.grid_settings import GridSettings
from hotband.research.plateau import Choice, choose
from hotband.research.result import SimulationResult
from hotband.research.rows import REASON_CODES
from hotband.research.series import FloatArray, trading_window
from hotband.research.simulator import BacktestSimulator, Prepared
from hotband.research.sweep import ROW, frame_of, measure, note_days, scratch_of

SPAN_CELLS: Final = 1024
"""Cells of one task and one checkpoint; the same whatever runs them."""


@dataclass(frozen=True, eq=False)
class GridJob:
    """One instrument over one window, ready to be swept.

    ``prepared`` holds the bars, the profile's rules and the feed that all cells run on; gates
    are derived, where they are, under the loosest thresholds of the grid. ``hold_out`` is the
    same over the weeks after the window, which judge its cells; None where there are none.
    """

    instrument: str
    work: CellWork
    prepared: Prepared
    around: Surroundings
    coverage: GateCoverage
    simulator: BacktestSimulator
    hold_out: "GridJob | None" = None

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The spans of cells to sweep, in order."""
        n = len(self.work.cells)
        return [(first, min(first + SPAN_CELLS, n)) for first in range(0, n, SPAN_CELLS)]


def prepare_job(
    simulator: BacktestSimulator,
    settings: GridSettings,
    hold_out: BacktestSimulator | None = None,
) -> GridJob:
    """Prepare the grid of a simulator's one instrument, and the weeks that judge its cells.

    The cells come from the simulator's window alone; ``hold_out`` runs the same ones.
    Raises what ``BacktestSimulator.run`` raises, and ProfileError for an impossible grid.
    """
    (name,) = simulator.names
    around = simulator.surroundings()
    base = simulator.prepare(name, around)
    coverage = _coverage(base)
    axes = settings.axes(name)
    recorded = None
    real = coverage.real_fraction or 0.0
    if real >= axes.hazard.widen_from:
        gates = base.chosen.gates.data
        hazards = gates["hazard"][(gates["synthetic"] == 0) & np.isfinite(gates["hazard"])]
        recorded = np.ascontiguousarray(hazards) if len(hazards) else None
    cells = cells_of(base.settings, simulator.table[name], base.rules, axes, recorded)
    job = _job(simulator, base, cells, around)
    if hold_out is None:
        return job
    judge = judge_of(job, hold_out)
    work = dataclasses.replace(job.work, hold_out=judge.work)
    return dataclasses.replace(job, work=work, hold_out=judge)


def judge_of(job: GridJob, hold_out: BacktestSimulator) -> GridJob:
    """The cells of a job over the weeks of another simulator; raises what ``run`` raises."""
    around = hold_out.surroundings()
    return _job(hold_out, hold_out.prepare(job.instrument, around), job.work.cells, around)


def _job(
    simulator: BacktestSimulator, base: Prepared, cells: CellGrid, around: Surroundings
) -> GridJob:
    """The cells over a simulator's window."""
    (name,) = simulator.names
    pair = simulator.table[name]
    prepared = _with_gates_for_all(simulator, base, cells, around)
    feed = prepared.feed
    money = currencies([pair], around.home)
    window = trading_window(
        around.hours, *simulator.window, feed.bars["t"], simulator.granularity_ns
    )
    work = CellWork(
        shared=share(feed.bars, feed.gate_of_bar, feed.gates),
        frame=frame_of(window, feed.bars, simulator.window[1]),
        cells=cells,
        limits=compile_limits(simulator.profile),
        window=window,
        balance=simulator.balance,
        currencies=(money.index(pair.base), money.index(pair.quote)),
        source=prepared.chosen.source,
    )
    return GridJob(name, work, prepared, around, _coverage(prepared), simulator)


def _coverage(prepared: Prepared) -> GateCoverage:
    return coverage_of([prepared.feed], [int(prepared.rules["max_age"][0])])


def _with_gates_for_all(
    simulator: BacktestSimulator, base: Prepared, cells: CellGrid, around: Surroundings
) -> Prepared:
    """The same with gates derived under thresholds that refuse none that some cell admits."""
    if not (base.chosen.gates.data["synthetic"] != 0).any() and base.chosen.calibration is None:
        return base
    chosen = simulator.reader.read(
        base.bars, cells.loosest()[0], deriver_settings(base.settings), simulator.window
    )
    feed = make_feed(base.bars, chosen.gates, base.settings, around, simulator.window)
    return dataclasses.replace(base, chosen=chosen, feed=feed)


def chosen_of(job: GridJob, rows: pl.DataFrame) -> Choice:
    """The plateau among all rows of the job, in the order of the cells."""
    cells = job.work.cells

    def column(name: str) -> FloatArray:
        values: FloatArray = rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        return values.reshape(cells.shape)

    return choose(
        cells.numbers(),
        column("score"),
        rows["qualified"].to_numpy().reshape(cells.shape),
        column("pnl"),
        column("profit_factor"),
    )


def rerun(job: GridJob, cell: int, row: dict[str, Any] | None = None) -> SimulationResult:
    """The cell once more through the simulator, on the same feed.

    ``row``: the cell's row of the sweep, held against what the simulator's own logs measure.
    Raises IntegrityError where any field of account, book, fills or row differs.
    """
    result = simulate_cell(job, job.work.cells.rules(cell, cell + 1))
    _require_same_run(job, cell, result)
    if row is not None:
        _require_same_row(job, cell, result, row)
    return result


def simulate_cell(job: GridJob, rules: Records) -> SimulationResult:
    """One cell's ``rules`` (1,) through the simulator over the job's window."""
    prepared = dataclasses.replace(job.prepared, rules=rules)
    return job.simulator.simulate({job.instrument: prepared}, job.around)


def _require_same_run(job: GridJob, cell: int, result: SimulationResult) -> None:
    work, rules = job.work, job.work.cells.rules(cell, cell + 1)
    scratch = scratch_of(work.balance, work.currencies, len(work.frame.days), len(result.fills) + 1)
    account, book = scratch.account[0], scratch.books
    path(account, book, work.shared, rules[0], work.limits[0], scratch.fills, scratch.days)
    # The sweep keeps no decision log, so its count stays 0.
    scratch.account["decisions"] = result.account["decisions"]
    for what, mine, theirs in (
        ("account", scratch.account, result.account),
        ("book", scratch.books, result.books),
        ("fills", scratch.fills[: len(result.fills)], result.fills),
    ):
        if mine.tobytes() != theirs.tobytes():
            raise _differs(what, cell, job, "the same bytes")


def _require_same_row(
    job: GridJob, cell: int, result: SimulationResult, row: dict[str, Any]
) -> None:
    work = job.work
    account, fills = result.account, np.ascontiguousarray(result.fills).view(np.recarray)
    measured, equity = empty(ROW, 1), np.zeros((1, len(work.frame.days)))
    values = np.zeros((3, max(1, len(fills))))
    measure(account[0], result.books[0], fills, values, work.frame, measured[0])
    note_days(account[0], result.logs.days, work.frame, work.balance, equity[0])
    for name, column in columns_of(work, measured, equity).columns.items():
        value = None if column.reasons[0] else float(column.values[0])
        reason = REASON_CODES[column.reasons[0]] or None
        if (row[name], row.get(f"{name}_null")) != (value, reason):
            raise _differs(f"{name}", cell, job, f"{row[name]}, as in its row")


def _differs(what: str, cell: int, job: GridJob, allowed: str) -> IntegrityError:
    return IntegrityError(
        f"{what} of cell {cell} of {job.instrument}",
        "another one from the simulator than from the sweep",
        allowed,
        "Report it with the run's inputs; its rows must not be used.",
    )
