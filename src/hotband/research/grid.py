"""The grid of one instrument: prepared once, swept in spans, chosen from, and run again.

``sweep_span`` is the unit of work that executors spread: it takes what all cells share and a
span of cells, and gives their rows. Cells run through ``core.path``; the chosen one is run again
through the simulator, and must come out the same to the last bit.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from hotband.core.codes import REASONS
from hotband.core.path import path
from hotband.core.records import Records, empty
from hotband.core.shared import Shared, share
from hotband.errors import IntegrityError
from hotband.market.instruments import currencies
from hotband.profile.rules import compile_limits
from hotband.research.axes import CellGrid, cells_of
from hotband.research.feed import Surroundings, make_feed
from hotband.research.gate_source import GateCoverage, coverage_of, deriver_settings
from hotband.research.grid_settings import GridSettings
from hotband.research.plateau import Choice, choose
from hotband.research.result import SimulationResult
from hotband.research.rows import REASON_CODES, BoolArray, Column, exit_counts, metric_columns
from hotband.research.score import ScoreInputs, scores, tag_masks
from hotband.research.series import FloatArray, TradingWindow, trading_window
from hotband.research.simulator import BacktestSimulator, Prepared
from hotband.research.sweep import ROW, Frame, frame_of, scratch_of, sweep_cells

SPAN_CELLS: Final = 1024
"""Cells of one task and one checkpoint; the same whatever runs them."""
FIRST_FILLS: Final = 4096
INTEGERS: Final = ("trades", "active_days", "days", "days_excluded")
_STOPPED: Final = {0: None} | {1 + code: reason.name for code, reason in REASONS.items()}
_REASONS: Final = {code: reason or None for code, reason in enumerate(REASON_CODES)}
COUNTS: Final = ("gates", "admitted", "sized", "planned", "filled", "synthetic_trades", "open")


@dataclass(frozen=True, eq=False)
class CellWork:
    """What all cells of an instrument share; small enough to send, and read only.

    ``currencies`` are the indices of base and quote in the account's list; ``min_trades`` the
    least trades of a qualified row; ``limits`` (1,) LIMITS; ``source`` of the gates.
    """

    shared: Shared
    frame: Frame
    cells: CellGrid
    limits: Records
    window: TradingWindow
    balance: float
    currencies: tuple[int, int]
    min_trades: int
    source: str


@dataclass(frozen=True, eq=False)
class GridJob:
    """One instrument, ready to be swept.

    ``prepared`` holds the bars, the profile's rules and the feed that all cells run on; gates
    are derived, where they are, under the loosest thresholds of the grid.
    """

    instrument: str
    work: CellWork
    prepared: Prepared
    around: Surroundings
    coverage: GateCoverage
    simulator: BacktestSimulator

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The spans of cells to sweep, in order."""
        n = len(self.work.cells)
        return [(first, min(first + SPAN_CELLS, n)) for first in range(0, n, SPAN_CELLS)]


def prepare_job(simulator: BacktestSimulator, settings: GridSettings) -> GridJob:
    """Prepare the grid of a simulator's one instrument.

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
    pair = simulator.table[name]
    cells = cells_of(base.settings, pair, base.rules, axes, recorded)
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
        min_trades=settings.min_trades,
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


def swept(work: CellWork, first: int, last: int) -> tuple[Records, FloatArray]:
    """ROW records and daily equity of cells [first, last)."""
    n = last - first
    rows, equity = empty(ROW, n), np.zeros((n, len(work.frame.days)))
    rules, limits = work.cells.rules(first, last), work.limits[0]
    fills, at = FIRST_FILLS, 0
    while at < n:
        scratch = scratch_of(work.balance, work.currencies, len(work.frame.days), fills)
        at = sweep_cells(at, work.shared, work.frame, rules, limits, scratch, rows, equity)
        fills *= 2
    return rows, equity


def sweep_span(work: CellWork, span: tuple[int, int]) -> pl.DataFrame:
    """The rows of cells [first, last): parameters, metrics with reasons, funnel, score."""
    first, last = span
    rows, equity = swept(work, first, last)
    days, pair = work.frame.days, work.cells
    columns = metric_columns(rows, equity, days, work.window, work.balance, pair.pip)
    inputs = _score_inputs(rows, equity, columns, work)
    value = scores(inputs)
    enough = rows["trades"] >= work.min_trades
    numbers = {name: column.values for name, column in columns.items()}
    numbers |= {name: inputs[name] for name in ("real_frac", "pnl_nav_pct")} | {"score": value}
    counts = {name: rows[name] for name in (*COUNTS, "stopped_count")} | dict(exit_counts(rows))
    reasons = {f"{name}_null": c.reasons for name, c in columns.items() if c.nullable}
    frame = pl.DataFrame(
        [
            pl.Series("cell", np.arange(first, last, dtype=np.int64)),
            *_parameters(pair, first, last),
            *(pl.Series(name, values) for name, values in numbers.items()),
            *(pl.Series(name, np.ascontiguousarray(n)) for name, n in counts.items()),
            *(pl.Series(name, codes) for name, codes in reasons.items()),
            pl.Series("stopped_by", rows["stopped_code"] + 1),
            _penalties(tag_masks(inputs), len(rows)),
            pl.Series("qualified", enough & np.isfinite(value)),
            pl.Series("insufficient_data", ~enough),
        ]
    )
    return (
        frame.with_columns(
            pl.col(*numbers).fill_nan(None),
            pl.col(*reasons).replace_strict(_REASONS, return_dtype=pl.String),
            pl.col("stopped_by").replace_strict(_STOPPED, return_dtype=pl.String),
        )
        .with_columns(pl.col(*INTEGERS).cast(pl.Int64))
        .rename({"real_frac": "real_fraction"})
    )


def _penalties(masks: Mapping[str, BoolArray], n: int) -> pl.Series:
    """The raised tags of each row, in the order of the tags."""
    bits = np.zeros(n, np.int64)
    for k, raised in enumerate(masks.values()):
        bits |= raised.astype(np.int64) << k
    found, which = np.unique(bits, return_inverse=True)
    lists = [[tag for k, tag in enumerate(masks) if each >> k & 1] for each in found.tolist()]
    names = pl.Series("penalties", lists, pl.List(pl.String))
    return names.gather(which.astype(np.uint32))


def _parameters(cells: CellGrid, first: int, last: int) -> list[pl.Series]:
    """One column per axis, and ``hazard_x``, by name."""
    at = np.unravel_index(np.arange(first, last), cells.shape)
    made = []
    for axis, index in zip(cells.axes, at, strict=True):
        kind = pl.String() if axis.name == "direction" else pl.Float64()
        values = pl.Series(axis.name, axis.values, kind)
        if axis.name == "min_reps":
            values = values.cast(pl.Int64)
        made.append(values.gather(index.astype(np.uint32)))
        if axis.name == "hazard_max":
            over = pl.Series([None if cells.cap is None else v / cells.cap for v in values])
            made.append(over.cast(pl.Float64).alias("hazard_x").gather(index.astype(np.uint32)))
    return sorted(made, key=lambda series: series.name)


def _score_inputs(
    rows: Records, equity: FloatArray, columns: dict[str, Column], work: CellWork
) -> dict[str, FloatArray]:
    """The inputs of the score; the deflated Sharpe ratio is not known to a single row."""
    n = len(rows)
    held = np.concatenate((np.full((n, 1), work.balance), equity), axis=1).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        real = 1.0 - rows["synthetic_trades"] / rows["trades"]
    return {
        "sharpe": columns["sharpe"].values,
        "days": columns["days"].values,
        "trades": columns["trades"].values,
        "return_pct": columns["return_pct"].values,
        "pnl_nav_pct": np.where(held > 0.0, 100.0 * columns["pnl"].values / held, -100.0),
        "pnl": columns["pnl"].values,
        "pf": columns["profit_factor_shrunk"].values,
        "maxdd_pct": columns["max_dd_pct"].values,
        "maxdd": columns["max_dd"].values,
        "real_frac": np.where(rows["trades"] > 0, real, 0.0),
        "churn": columns["cost_share"].values,
        "psr": columns["psr"].values,
        "dsr": np.full(n, np.nan),
    }


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


def rerun(job: GridJob, cell: int) -> SimulationResult:
    """The cell once more through the simulator, on the same feed.

    Raises IntegrityError where any field of account or book differs from the sweep's.
    """
    work = job.work
    rules = work.cells.rules(cell, cell + 1)
    prepared = dataclasses.replace(job.prepared, rules=rules)
    result = job.simulator.simulate({job.instrument: prepared}, job.around)
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
            raise IntegrityError(
                f"{what} of cell {cell} of {job.instrument}",
                "another one from the simulator than from the sweep",
                "the same bytes",
                "Report it with the run's inputs; its rows must not be used.",
            )
    return result


def score_inputs_of(row: Mapping[str, Any]) -> ScoreInputs:
    """The inputs of one row's score, as the sweep gave them."""
    return ScoreInputs(
        sharpe=row["sharpe"],
        days=float(row["days"]),
        trades=float(row["trades"]),
        return_pct=row["return_pct"],
        pnl_nav_pct=row["pnl_nav_pct"],
        pnl=row["pnl"],
        pf=row["profit_factor_shrunk"],
        maxdd_pct=row["max_dd_pct"],
        maxdd=row["max_dd"],
        real_frac=row["real_fraction"],
        churn=row["cost_share"],
        psr=row["psr"],
        dsr=None,
    )
