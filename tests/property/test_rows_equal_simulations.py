"""No row lies: each says what a fresh simulation of its cell says, and adds up."""

from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.research.grid_worlds import differences, expected_row, random_world, unfit

from hotband.feeds.files import read_bars
from hotband.profile.strategy import load_profile
from hotband.research.cell_rows import score_inputs_of, score_rows, sweep_span, swept
from hotband.research.grid import GridJob, prepare_job, rerun
from hotband.research.grid_settings import load_grid
from hotband.research.score import score
from hotband.research.simulator import BacktestSimulator
from hotband.research.sweep import EXITS

SEEDS: Final = st.integers(0, 1_000_000)
FEW: Final = settings(max_examples=12, deadline=None)


def some_cells(job: GridJob, most: int = 12) -> list[int]:
    """So many cells spread over the whole grid, the first and the last among them."""
    n = len(job.work.cells)
    step = max(1, (n - 1) // (most - 1))
    return sorted({*range(0, n, step), n - 1})


def check_rows(job: GridJob, rows: pl.DataFrame, cells: list[int]) -> None:
    for cell in cells:
        row = rows.row(cell, named=True)
        # The rerun itself refuses a row that differs from its own measures in a single bit.
        expected = expected_row(rerun(job, cell, row), job.simulator)
        assert not differences(row, expected, job.work.balance), (cell, job.work.cells.params(cell))


def all_rows(job: GridJob, min_trades: int = 10) -> pl.DataFrame:
    swept = pl.concat([sweep_span(job.work, span) for span in job.spans])
    return score_rows(swept, None, min_trades)


@FEW
@given(SEEDS)
def test_every_row_equals_a_fresh_simulation_of_its_cell(seed: int) -> None:
    world = random_world(seed)
    job = prepare_job(world.simulator, world.grid)
    check_rows(job, all_rows(job), some_cells(job))


@FEW
@given(SEEDS)
def test_rows_add_up_and_hold_no_nan_or_infinity(seed: int) -> None:
    world = random_world(seed)
    job = prepare_job(world.simulator, world.grid)
    rows = all_rows(job, world.grid.min_trades)
    assert unfit(rows) == []
    assert rows["cell"].to_list() == list(range(len(job.work.cells)))
    exits = rows.select(pl.sum_horizontal([name for name, _ in EXITS])).to_series()
    assert exits.equals(rows["trades"], check_names=False)
    for row in rows.iter_rows(named=True):
        check_identities(row, job.work.balance, world.grid.min_trades)


def check_identities(row: dict[str, Any], balance: float, min_trades: int) -> None:
    assert row["gates"] >= row["admitted"] >= row["sized"] >= row["planned"] >= row["filled"] >= 0
    assert row["filled"] == row["trades"] + row["open"]
    assert 0 <= row["stopped_count"] <= row["gates"] - row["filled"]
    assert (row["stopped_by"] is None) == (row["stopped_count"] == 0)
    parts = [row[f"cost_{name}"] for name in PARTS]
    assert row["cost_total"] == pytest.approx(sum(parts), rel=1e-12, abs=1e-9)
    assert min(row[f"cost_{name}"] for name in PARTS if name != "financing") >= 0.0
    if row["pnl_to_drawdown"] is not None:
        assert row["pnl_to_drawdown"] * row["max_dd"] == pytest.approx(row["pnl"])
    if row["return_pct"] > -100.0:
        assert row["return_pct"] == pytest.approx(100.0 * row["pnl"] / balance)
    for name in ("win_rate", "exposure_time", "real_fraction", "psr"):
        assert row[name] is None or 0.0 <= row[name] <= 1.0 + 1e-12
    assert 0 <= row["active_days"] <= row["days"] + row["days_excluded"]
    assert row["active_days"] <= row["filled"]
    assert row["max_dd"] >= (row["max_dd_daily"] or 0.0) * (1.0 - 1e-9)
    if row["trades"]:
        assert row["worst_trade"] <= row["median_trade_pnl"] <= row["best_trade"]
        mean = row["expectancy"]
        rounding = 1e-12 * abs(mean)
        assert row["worst_trade"] - rounding <= mean <= row["best_trade"] + rounding
    assert row["insufficient_data"] == (row["trades"] < min_trades)
    assert row["qualified"] == (row["trades"] >= max(min_trades, 1))


PARTS: Final = ("commission", "slippage", "spread", "conversion", "financing")


@FEW
@given(SEEDS)
def test_a_value_is_null_exactly_where_a_reason_stands(seed: int) -> None:
    world = random_world(seed)
    job = prepare_job(world.simulator, world.grid)
    rows = all_rows(job)
    for column in rows.columns:
        if column.endswith("_null") and column != "dsr_null":  # no search was made
            name = column.removesuffix("_null")
            assert rows[name].is_null().equals(rows[column].is_not_null()), name
        elif f"{column}_null" not in rows.columns and column not in MAY_BE_NULL:
            assert rows[column].null_count() == 0, column


MAY_BE_NULL: Final = (
    "hazard_x", "stopped_by", "score", "dsr", "dsr_null", "stop_loss_pips",
    "take_profit_pips", "trailing_pips",
    "breakeven_pips",
)  # fmt: skip


@FEW
@given(SEEDS)
def test_wins_and_losses_are_trades_and_make_up_the_sums(seed: int) -> None:
    world = random_world(seed)
    job = prepare_job(world.simulator, world.grid)
    rows, equity = swept(job.work, *job.spans[0])
    assert (rows["wins"] + rows["losses"] <= rows["trades"]).all()
    assert (rows["trades"] + rows["filled"] == rows["fills"]).all()
    scale = job.work.balance + rows["absolute"]
    assert (abs(rows["won"] - rows["lost"] - rows["net"]) <= 1e-9 * scale).all()
    assert (abs(rows["won"] + rows["lost"] - rows["absolute"]) <= 1e-9 * scale).all()
    assert (abs(equity[:, -1] - rows["nav"]) <= 1e-9 * scale).all()


@FEW
@given(SEEDS)
def test_score_and_penalties_of_a_row_are_those_of_its_inputs(seed: int) -> None:
    world = random_world(seed)
    job = prepare_job(world.simulator, world.grid)
    for row in all_rows(job).iter_rows(named=True):
        explained = score(score_inputs_of(row))
        assert row["score"] == (None if explained.value is None else pytest.approx(explained.value))
        assert row["penalties"] == [penalty.tag for penalty in explained.penalties]


@pytest.mark.real_data
@pytest.mark.parametrize("stack", [1, 3])
def test_rows_on_a_real_month_equal_fresh_simulations(real_data: Path, stack: int) -> None:
    bars, _ = read_bars(real_data / "EUR_USD.M1.dukascopy.20250401_20250418.parquet")
    shared = {"max_stack": stack, "stop_loss_pips": 20, "hazard_max": 0.09}
    simulator = BacktestSimulator(
        "EUR_USD",
        "2025-04-03T00:00:00Z",
        "2025-04-18T00:00:00Z",
        profile=load_profile({"global": shared, "account": {"home": "USD"}}),
        bars={"EUR_USD": bars},
        gates={},
    )
    axes = {
        "hold_minutes": [20, 120],
        "trailing_pips": [None, 12],
        "guards": {"min_stability": [0.1, 0.5]},
    }
    job = prepare_job(simulator, load_grid({"default": axes}))
    rows = all_rows(job)
    assert rows["trades"].min() != rows["trades"].max()
    assert unfit(rows) == []
    check_rows(job, rows, some_cells(job))
