"""What a run does about failures: which go into the result, which end it, which are refused."""

from pathlib import Path
from typing import Any

import pytest
from tests.unit.weekly import grid_runs
from tests.unit.weekly.grid_runs import GRID, SMALL, WINDOW, published, run

from hotband.artefacts.schemas import FailedInstrument
from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import HotbandError, InputError, IntegrityError, StoreError
from hotband.executors.serial import SerialExecutor
from hotband.research.grid import SPAN_CELLS
from hotband.research.grid_settings import load_grid
from hotband.research.simulator import BacktestSimulator
from hotband.roster.trials import TrialLedger
from hotband.weekly.plan import Plan, Stage
from hotband.weekly.progress import GridProgress
from hotband.weekly.run import GridRun


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a run that nothing disturbs publishes."""
    folder = tmp_path_factory.mktemp("undisturbed")
    run(folder)
    return published(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backtests"


# What fails --------------------------------------------------------------------------------------


def test_an_instrument_that_fails_is_an_entry_and_the_run_goes_on(folder: Path) -> None:
    latest = run(folder, instruments=["EUR_USD", "GBP_USD"], grid=SMALL)
    failure = latest.instruments["GBP_USD"]
    assert isinstance(failure, FailedInstrument)
    assert failure.error.kind == "InputError"
    assert "none of GBP_USD" in failure.error.message
    assert latest.instruments["EUR_USD"].state == "completed"
    assert set(latest.provenance.bars) == {"EUR_USD"}
    assert not (folder / "latest.error.json").exists()


def test_where_all_instruments_fail_the_error_is_told_and_raised(folder: Path) -> None:
    good = run(folder, grid=SMALL)
    with pytest.raises(HotbandError, match="none of AUD_USD"):
        run(folder, instruments=["AUD_USD", "GBP_USD"], grid=SMALL)
    reader = ArtefactFolder(folder)
    error = reader.read_error()
    assert error is not None
    assert (error.state, error.kind, error.kept.last_good) == ("error", "InputError", good.run_id)
    assert "AUD_USD" in error.message
    assert reader.read_latest() == good


class BrokenExecutor(SerialExecutor):
    """Raises what it is given once it has worked off some tasks."""

    def __init__(self, error: BaseException, after: int) -> None:
        self.error, self.after = error, after

    def run(self, shared: Any, tasks: Any, work: Any, **options: Any) -> list[Any]:
        super().run(shared, tasks[: self.after], work, **options)
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        IntegrityError("rows", "another", "the same", "Report it."),
        MemoryError(),
        OSError(28, "No space left on device"),
    ],
)
def test_whatever_ends_a_run_is_told_and_what_was_done_is_kept(
    folder: Path, whole: dict[str, object], error: BaseException
) -> None:
    with pytest.raises(type(error)):
        run(folder, executor=BrokenExecutor(error, 2))
    told = ArtefactFolder(folder).read_error()
    assert told is not None
    assert (told.state, told.kind, told.kept.cells) == (
        "error",
        type(error).__name__,
        2 * SPAN_CELLS,
    )
    run(folder)
    assert published(folder) == whole


def test_an_error_that_no_artefact_can_tell_is_raised_all_the_same(folder: Path) -> None:
    def spoil(_: GridProgress) -> None:
        (folder / "latest.json").write_text("{}")
        raise MemoryError

    with pytest.raises(MemoryError) as caught:
        run(folder, grid=SMALL, listener=spoil)
    assert "no artefact says so: file" in caught.value.__notes__[0]


def test_a_span_that_cannot_be_kept_ends_the_run_with_the_reason(folder: Path) -> None:
    def stand_in_the_way(_: GridProgress) -> None:
        partial = ArtefactFolder(folder).read_partial()
        assert partial is not None
        place = folder / "runs" / partial.run_id / "spans"
        place.parent.mkdir(parents=True)
        place.write_text("not a folder")

    with pytest.raises(StoreError, match="Not a directory"):
        run(folder, grid=SMALL, listener=stand_in_the_way)
    assert ArtefactFolder(folder).read_error() is not None


# What is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"instruments": ["EURUSD"]}, "Did you mean 'EUR_USD'"),
        ({"instruments": ["XXX_YYY"]}, "XXX_YYY"),
        ({"instruments": ["../x"]}, r"\.\./x"),
        ({"instruments": [], "bars": {}}, "instruments: got none"),
        ({"week": "2026-W10"}, "2026-W10 beside start or end"),
        ({"start": None}, "one of start and end"),
        ({"end": None}, "one of start and end"),
        ({"start": None, "end": None, "week": "2026-W60"}, "2026-W60"),
        ({"start": WINDOW[1], "end": WINDOW[0]}, "window"),
        ({"balance": -1.0}, "balance: got -1.0"),
        ({"balance": float("inf")}, "balance: got inf"),
        ({"cost_bps": float("nan")}, "basis points"),
        ({"cost_bps": -1.0}, "basis points"),
        ({"granularity": "M7"}, "M7"),
        ({"grid": {"defaults": {}}}, "defaults"),
        ({"grid": GRID | {"max_cells": 100}}, r"cells of the grid: got .* at most max_cells, 100"),
        ({"executor": "thread"}, "Did you mean 'threads'"),
        ({"executor": SerialExecutor(), "workers": 2}, "executor that is open"),
        ({"executor": "threads", "workers": 0}, "workers"),
    ],
)
def test_wrong_arguments_are_refused_and_no_artefact_tells_of_them(
    folder: Path, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run(folder, **({"grid": SMALL} | wrong))
    assert not list(folder.glob("*.json"))


def test_an_open_executor_is_used_and_left_open(folder: Path, whole: dict[str, object]) -> None:
    closed: list[bool] = []

    class Watched(SerialExecutor):
        def close(self) -> None:
            closed.append(True)

    run(folder, executor=Watched())
    assert published(folder) == whole
    assert not closed


def test_a_run_of_ones_own_simulators_says_whether_it_was_there_already(folder: Path) -> None:
    simulators = {
        "EUR_USD": BacktestSimulator("EUR_USD", *WINDOW, bars=grid_runs.market(), gates={}),
    }
    plans = {name: Plan((Stage(simulator, None),)) for name, simulator in simulators.items()}
    artefacts, ledger = ArtefactFolder(folder), TrialLedger(folder)
    again = GridRun(plans, load_grid(SMALL), artefacts, SerialExecutor(), ledger)
    first, there = again.run()
    assert not there
    assert again.run() == (first, True)
