"""One trade a weekday whose prices are known to the pip, and the same under stress.

A gate at noon trades 10,000 units, held for an hour or two; a pip is one dollar. Bars are flat,
so that every price is that of its hour, half a spread above and below the mid.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl
from tests.unit.research.test_canned_grid import (
    BALANCE,
    END,
    HOUR,
    START,
    TABLE,
    TRADES,
    hours,
    noons,
)

from hotband.gates.events import Gates
from hotband.market.bars import Bars
from hotband.profile.strategy import load_profile
from hotband.research.cell_rows import columns_of, returns_of, sweep_span, swept
from hotband.research.grid import GridJob, prepare_job
from hotband.research.grid_settings import load_grid
from hotband.research.judgement import Chosen, choose_cell, stressed
from hotband.research.simulator import BacktestSimulator
from hotband.research.stress import stress_cells, stress_work

Path = tuple[float, ...] | Mapping[int, tuple[float, ...]]
"""Pips from 1.0 in each hour from noon on, alike on all weekdays or by number of the day."""

GRID: Final = {
    "hazard": {"points": 2}, "min_reps": [5], "hold_minutes": [60, 120], "exposure": [1.0],
}  # fmt: skip
"""Three caps on hazard, of which none refuses, times a hold of one hour and of two."""
N: Final = 6
CELLS: Final = np.arange(N, dtype=np.int64)
ONE_HOUR: Final = 0
TWO_HOURS: Final = 1


def flat_bars(levels: Mapping[int, tuple[float, ...]], half_spread: float) -> Bars:
    """Bars at 1.0 but for so many pips in each hour from noon on, by number of the weekday."""
    data = hours().data.copy()
    moves = {
        noons()[day] + k * HOUR: pips
        for day, path in levels.items()
        for k, pips in enumerate(path)
    }  # fmt: skip
    mids = 1.0 + 1e-4 * np.array([moves.get(int(t), 0.0) for t in data["t"]])
    for letter in "ohlc":
        data[f"bid_{letter}"] = mids - 1e-4 * half_spread
        data[f"ask_{letter}"] = mids + 1e-4 * half_spread
    return Bars.from_records("EUR_USD", "H1", data, source="demo")


def job_of(
    path: Path,
    *,
    half_spread: float = 0.0,
    cost_bps: float = 0.0,
    slippage_bps: float = 0.0,
    sides: int = 1,
    latency_seconds: float = 0.0,
) -> GridJob:
    """The grid over weekdays that all follow one path of pips, or each its own."""
    levels = path if isinstance(path, Mapping) else dict.fromkeys(range(TRADES), path)
    gates = Gates.from_columns(
        "EUR_USD", np.array(noons(), np.int64), np.full(TRADES, sides), np.full(TRADES, 0.05),
        np.full(TRADES, 5), {}, synthetic=False,
    )  # fmt: skip
    shared: dict[str, Any] = {"nav_risk_pct": None, "hazard_max": 0.1, "session_exit_minutes": 0}
    shared |= {"latency_seconds": latency_seconds, "flat_before_weekend": False}
    account = {"home": "USD", "slippage_bps": slippage_bps}
    simulator = BacktestSimulator(
        "EUR_USD", START, END, profile=load_profile({"global": shared, "account": account}),
        balance=BALANCE, cost_bps=cost_bps, granularity="H1", gates={"EUR_USD": gates},
        bars={"EUR_USD": flat_bars(levels, half_spread)}, fallback=False, instrument_table=TABLE,
    )  # fmt: skip
    return prepare_job(simulator, load_grid({"default": GRID, "min_trades": 10}))


def plain_pnl(job: GridJob) -> list[float]:
    return [float(x) for x in columns_of(job.work, *swept(job.work, 0, N)).columns["pnl"].values]


def table_of(job: GridJob) -> pl.DataFrame:
    return stress_cells(stress_work(job.work, HOUR), CELLS)


def pnl_of(job: GridJob, name: str, cell: int = ONE_HOUR) -> float:
    return float(table_of(job)[f"{name}_pnl"][cell])


def judged(job: GridJob, min_trades: int = 10) -> Chosen:
    """All rows of a job, scored, and stressed where they qualify."""
    rows = sweep_span(job.work, (0, N))
    returns = returns_of(rows)
    grid = load_grid({"default": GRID, "min_trades": min_trades})
    chosen = choose_cell(job, rows.drop("returns"), N, grid)

    def spread(shared: Any, tasks: Any, work: Any) -> list[Any]:
        return [work(shared, task) for task in tasks]

    return stressed(job, chosen, returns, spread)


def row_of(path: Path, half_spread: float = 0.0) -> dict[str, Any]:
    """The judged row of the cell that holds for an hour."""
    return judged(job_of(path, half_spread=half_spread)).rows.row(ONE_HOUR, named=True)
