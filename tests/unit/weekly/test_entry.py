"""What is published of an instrument is its row, its rerun and its choice, without a difference."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.unit.weekly.grid_runs import GRID, PAIRS, instrument_of, run

from hotband.artefacts.schemas import Instrument, Latest
from hotband.research.grid import SPAN_CELLS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("backtests")


@pytest.fixture(scope="module")
def latest(folder: Path) -> Latest:
    return run(folder)


@pytest.fixture(scope="module")
def rows(folder: Path, latest: Latest) -> pl.DataFrame:
    return pl.read_parquet(folder / latest.files["rows"])


@pytest.fixture(scope="module")
def trades(folder: Path, latest: Latest) -> pl.DataFrame:
    return pl.read_parquet(folder / latest.files["trades"])


@pytest.fixture(params=PAIRS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def entry(latest: Latest, name: str) -> Instrument:
    return instrument_of(latest, name)


@pytest.fixture
def own(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    return rows.filter(pl.col("instrument") == name)


@pytest.fixture
def row(own: pl.DataFrame, trades: pl.DataFrame, name: str) -> dict[str, Any]:
    (cell,) = trades.filter(pl.col("instrument") == name)["cell"].unique()
    return own.row(int(cell), named=True)


def test_every_cell_of_the_grid_has_its_row_in_order(own: pl.DataFrame, entry: Instrument) -> None:
    assert own["cell"].to_list() == list(range(entry.cells.total))
    assert entry.cells.total > SPAN_CELLS


def test_an_instruments_own_axes_override_the_default(rows: pl.DataFrame) -> None:
    stops = {
        name: sorted(rows.filter(pl.col("instrument") == name)["stop_loss_pips"].unique())
        for name in PAIRS
    }
    own = GRID["instruments"]["USD_JPY"]["stop_loss_pips"]
    assert stops == {"EUR_USD": GRID["default"]["stop_loss_pips"], "USD_JPY": own}


def test_the_published_parameters_are_those_of_the_row(
    entry: Instrument, row: dict[str, Any]
) -> None:
    given = entry.params.model_dump()
    further = given.pop("settings")
    assert {name: row[name] for name in given | further} == given | further


def test_the_published_metrics_are_those_of_the_row(entry: Instrument, row: dict[str, Any]) -> None:
    shared = {name for name in entry.metrics if name in row}
    assert len(shared) >= 30
    assert {name: entry.metrics[name] for name in shared} == {name: row[name] for name in shared}


def test_a_null_has_the_same_reason_in_the_row_and_in_what_is_published(
    entry: Instrument, row: dict[str, Any]
) -> None:
    reasons = {name: detail.reason for name, detail in entry.metric_details.items()}
    both = {name for name in reasons if f"{name}_null" in row}
    assert both
    assert {name: row[f"{name}_null"] for name in both} == {name: reasons[name] for name in both}


def test_the_score_and_its_tags_are_those_of_the_row(
    entry: Instrument, row: dict[str, Any]
) -> None:
    assert entry.score == pytest.approx(row["score"], abs=1e-9)
    assert [penalty.tag for penalty in entry.penalties] == row["penalties"]
    assert (entry.qualified, entry.insufficient_data) == (
        row["qualified"],
        row["insufficient_data"],
    )


def test_the_terms_less_what_is_lost_are_the_score(entry: Instrument) -> None:
    assert entry.score is not None
    assert entry.score_terms is not None
    points = sum(part.points for part in entry.score_terms.components)
    lost = entry.score_terms.reliability.points_lost
    lost += sum(penalty.points_lost for penalty in entry.penalties)
    assert points - lost == pytest.approx(entry.score, abs=1e-9)


def test_the_funnel_is_that_of_the_row_and_adds_up(entry: Instrument, row: dict[str, Any]) -> None:
    funnel = entry.funnel
    assert funnel.gates == funnel.filled + sum(funnel.refusals.values()) > 100
    stages = ("gates", "admitted", "sized", "planned", "filled")
    assert [getattr(funnel, stage) for stage in stages] == [row[stage] for stage in stages]


def test_every_rows_funnel_only_narrows(rows: pl.DataFrame) -> None:
    stages = ("gates", "admitted", "sized", "planned", "filled")
    for wider, narrower in pairwise(stages):
        assert (rows[wider] >= rows[narrower]).all()
    assert rows["filled"].sum() > 0


def test_the_trades_beside_it_add_up_to_its_metrics(
    entry: Instrument, trades: pl.DataFrame, name: str
) -> None:
    own = trades.filter(pl.col("instrument") == name)
    assert len(own) == entry.metrics["trades"]
    assert own["pnl"].sum() == pytest.approx(entry.metrics["pnl"], abs=1e-6)


def test_the_best_of_all_is_the_row_with_the_highest_score(
    entry: Instrument, own: pl.DataFrame
) -> None:
    assert entry.best_of_all is not None
    assert entry.best_of_all.score == own["score"].max()


def test_the_counts_of_cells_are_those_of_the_rows(entry: Instrument, own: pl.DataFrame) -> None:
    counted = (len(own), own["score"].count(), own["qualified"].sum())
    assert (entry.cells.total, entry.cells.scored, entry.cells.qualified) == counted


def test_only_a_qualified_row_is_chosen_where_there_is_one(
    entry: Instrument, own: pl.DataFrame
) -> None:
    assert entry.qualified == bool(own["qualified"].any())


def test_where_nothing_qualifies_the_best_of_all_is_shown_for_research(tmp_path: Path) -> None:
    latest = run(tmp_path, grid=GRID | {"min_trades": 10_000})
    for name in PAIRS:
        entry = instrument_of(latest, name)
        assert (entry.qualified, entry.insufficient_data, entry.plateau) == (False, True, None)
        assert entry.best_of_all is not None
        assert entry.best_of_all.params == entry.params
        assert entry.cells.qualified == 0


def test_a_grid_that_never_trades_is_published_without_a_score(tmp_path: Path) -> None:
    latest = run(tmp_path, grid=GRID | {"default": {"min_reps": [100_000]}})
    entry = instrument_of(latest, "EUR_USD")
    assert (entry.score, entry.metrics["trades"], entry.qualified) == (None, 0, False)
    assert entry.score_reason
    trades = pl.read_parquet(tmp_path / latest.files["trades"])
    assert (trades.height, "pnl" in trades.columns) == (0, True)
