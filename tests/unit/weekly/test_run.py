"""A run of the grid is done once, goes on where it was stopped, and says why it was not done."""

import json
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from tests.unit.weekly import grid_runs
from tests.unit.weekly.grid_runs import (
    PAIRS,
    SMALL,
    WINDOW,
    instrument_of,
    published,
    run,
    spans_in,
)

from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import CancelledRunError, StoreError
from hotband.weekly import run as weekly_run
from hotband.weekly.progress import GridProgress

if TYPE_CHECKING:
    from hotband.artefacts.schemas import Entry, Partial


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a run that nothing disturbs publishes."""
    folder = tmp_path_factory.mktemp("undisturbed")
    run(folder)
    return published(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backtests"


def cancel(folder: Path, tellings: int, **options: Any) -> None:
    cancelled, listener = grid_runs.stop_after(tellings)
    with pytest.raises(CancelledRunError):
        run(folder, cancelled=cancelled, listener=listener, **options)


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def swept_cells(folder: Path, **options: Any) -> int:
    """Cells that a run sweeps itself rather than takes from what is kept."""
    seen: list[GridProgress] = []
    run(folder, listener=seen.append, **options)
    return seen[-1].completed - seen[-1].reused if seen else 0


# Done once ---------------------------------------------------------------------------------------


def test_a_finished_run_leaves_its_result_its_tables_and_its_archive_alone(folder: Path) -> None:
    latest = run(folder, grid=SMALL)
    roster = {"roster.json", "roster/2026-W11.json"}
    assert set(files(folder)) == {"latest.json", "2026-W11.json", *roster, *latest.files.values()}
    assert json.loads((folder / "2026-W11.json").read_text())["run_id"] == latest.run_id


def test_a_fresh_result_reads_as_a_reused_one_to_the_order_of_its_keys(folder: Path) -> None:
    fresh, reused = (json.dumps(run(folder, grid=SMALL).model_dump()) for _ in range(2))
    assert fresh == reused


def test_the_same_inputs_are_not_run_again(folder: Path) -> None:
    first = run(folder, grid=SMALL)
    before = files(folder)
    assert run(folder, grid=SMALL, listener=pytest.fail) == first
    assert files(folder) == before


@pytest.mark.parametrize(
    "other",
    [
        {"balance": 50_000.0},
        {"cost_bps": 3.0},
        {"grid": SMALL | {"min_trades": 6}},
        {"instruments": PAIRS[:1]},
        {"end": "2026-03-13T20:00:00Z"},
    ],
)
def test_other_inputs_are_another_run(folder: Path, other: dict[str, Any]) -> None:
    first = run(folder, grid=SMALL)
    assert run(folder, **({"grid": SMALL} | other)).run_id != first.run_id


def test_a_reused_run_clears_what_a_later_run_left_unfinished(folder: Path) -> None:
    first = run(folder, grid=SMALL)
    cancel(folder, 1, grid=SMALL, instruments=PAIRS[:1])
    reader = ArtefactFolder(folder)
    assert reader.read_error() is not None
    (folder / "latest.partial.json").write_text("{}")
    assert run(folder, grid=SMALL) == first
    assert (reader.read_error(), reader.read_partial()) == (None, None)


def test_an_archived_run_becomes_the_latest_again_without_a_sweep(folder: Path) -> None:
    first = run(folder, grid=SMALL)
    before = published(folder)
    run(folder, grid=SMALL, instruments=PAIRS[:1])  # the same trials, so that no count changes
    assert run(folder, grid=SMALL, listener=pytest.fail) == first
    assert published(folder) == before
    assert {"2026-W11.json", "2026-W11.2.json"} <= set(files(folder))
    assert "2026-W11.3.json" not in files(folder)


def test_the_same_window_is_another_run_once_more_was_tried(folder: Path) -> None:
    first = run(folder, grid=SMALL)
    run(folder, grid=SMALL, balance=50_000.0)
    again = run(folder, grid=SMALL)
    assert again.run_id != first.run_id
    trials = [instrument_of(each, "EUR_USD").judgement.selection.trials for each in (first, again)]
    assert trials[1] == 2 * trials[0]


def test_a_run_whose_table_is_gone_is_run_again(folder: Path) -> None:
    first = run(folder, grid=SMALL)
    before = published(folder)
    (folder / first.files["rows"]).unlink()
    assert swept_cells(folder, grid=SMALL) > 0
    assert published(folder) == before


def test_a_forced_run_is_run_again_and_its_archive_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(folder, grid=SMALL)
    before, archived = published(folder), (folder / "2026-W11.json").read_bytes()
    monkeypatch.setattr(weekly_run, "_now", lambda: "2030-01-01T00:00:00Z")
    assert swept_cells(folder, grid=SMALL, force=True) > 0
    latest = ArtefactFolder(folder).read_latest()
    assert latest is not None
    assert (latest.run_id, latest.generated_at) == (first.run_id, "2030-01-01T00:00:00Z")
    assert published(folder) == before
    assert (folder / "2026-W11.json").read_bytes() == archived
    assert [entry.version for entry in ArtefactFolder(folder).list_archive()] == [1]


def test_a_forced_run_takes_no_span_that_is_kept(folder: Path) -> None:
    cancel(folder, 3)
    assert spans_in(folder)
    total = pl.read_parquet(folder / run(folder, force=True).files["rows"]).height
    cancel(folder, 3, force=True)
    assert swept_cells(folder, force=True) == total


# Stopped and gone on -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_a_run_cancelled_at_any_span_ends_in_the_same_bytes(
    folder: Path, whole: dict[str, object], seed: int
) -> None:
    draw = random.Random(seed)  # noqa: S311 - moments to stop at, not secrets
    for _ in range(2):
        cancel(folder, draw.randint(1, 3), executor=draw.choice(["serial", "threads"]))
    run(folder)
    assert published(folder) == whole
    assert not spans_in(folder)


def test_spans_that_are_lost_or_spoiled_are_swept_again(
    folder: Path, whole: dict[str, object]
) -> None:
    cancel(folder, 6)
    gone, cut, changed, swapped, *_ = spans_in(folder)
    swapped.write_bytes(gone.read_bytes())
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:-200])
    data = bytearray(changed.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(data)
    run(folder)
    assert published(folder) == whole


def test_what_is_kept_is_not_swept_again(folder: Path) -> None:
    cancel(folder, 4)
    kept = sum(len(pl.read_parquet(span.read_bytes()[32:])) for span in spans_in(folder))
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    total = pl.read_parquet(folder / run(folder).files["rows"]).height
    assert 0 < kept < total
    assert swept_cells(copy) == total - kept


def test_a_cancelled_run_says_what_it_kept_and_leaves_the_last_good_result(folder: Path) -> None:
    first = run(folder, grid=SMALL)
    before = published(folder)
    cancel(folder, 4)
    error = ArtefactFolder(folder).read_error()
    assert error is not None
    assert (error.state, error.kind) == ("cancelled", "CancelledRunError")
    assert error.kept.cells == sum(
        len(pl.read_parquet(span.read_bytes()[32:])) for span in spans_in(folder)
    )
    assert error.kept.last_good == first.run_id
    assert error.progress is not None
    assert error.progress.completed == error.kept.cells > 0
    assert published(folder) == before
    assert not (folder / "latest.partial.json").exists()


def test_a_run_cancelled_before_it_begins_says_so_and_keeps_nothing(folder: Path) -> None:
    with pytest.raises(CancelledRunError, match="a request to stop before EUR_USD was prepared"):
        run(folder, cancelled=lambda: True)
    error = ArtefactFolder(folder).read_error()
    assert error is not None
    assert (error.state, error.run_id, error.kept.cells) == ("cancelled", None, 0)
    assert error.window is not None
    assert (error.window.start, error.window.end) == WINDOW


def test_an_interrupt_from_the_keyboard_counts_as_cancelled(folder: Path) -> None:
    def interrupt(_: GridProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(folder, grid=SMALL, listener=interrupt)
    error = ArtefactFolder(folder).read_error()
    assert error is not None
    assert (error.state, error.message) == ("cancelled", "KeyboardInterrupt")


# While it runs -----------------------------------------------------------------------------------


def without_verdict(entry: "Entry") -> dict[str, Any]:
    found = entry.model_dump()
    found["judgement"].pop("promotion")
    return found


def test_the_partial_artefact_follows_the_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weekly_run, "PARTIAL_EVERY_S", 0.0)
    seen: list[tuple[GridProgress, Partial]] = []

    def read(progress: GridProgress) -> None:
        partial = ArtefactFolder(folder).read_partial()
        assert partial is not None
        seen.append((progress, partial))

    latest = run(folder, listener=read)
    for _, partial in seen:
        assert sorted([*partial.instruments, *partial.pending]) == list(PAIRS)
        assert partial.run_id == latest.run_id
        for name, entry in partial.instruments.items():
            # All but the gate that asks every instrument together.
            assert without_verdict(entry) == without_verdict(latest.instruments[name])
    assert ["EUR_USD"] in [list(partial.instruments) for _, partial in seen]
    written = [partial.progress.completed for _, partial in seen]
    told = [progress.completed for progress, _ in seen]
    assert written[1:] == told[:-1]
    assert told == sorted(told)
    assert told[-1] == seen[-1][0].total == pl.read_parquet(folder / latest.files["rows"]).height


def test_progress_tells_rate_and_time_to_go(folder: Path) -> None:
    seen: list[GridProgress] = []
    run(folder, listener=seen.append)
    assert (seen[0].cells_per_second, seen[0].eta_seconds) == (None, None)
    assert seen[-1].eta_seconds == 0.0
    middle = seen[len(seen) // 2]
    assert middle.cells_per_second == pytest.approx(middle.completed / middle.seconds)
    assert middle.eta_seconds == pytest.approx(
        (middle.total - middle.completed) / (middle.completed / middle.seconds)
    )


def test_a_folder_takes_one_run_at_a_time(folder: Path) -> None:
    told: list[str] = []

    def second(_: GridProgress) -> None:
        with pytest.raises(StoreError, match="another run, process") as caught:
            run(folder, grid=SMALL)
        told.append(str(caught.value))

    run(folder, grid=SMALL | {"default": {"min_reps": [1]}}, listener=second)
    assert told
    assert ArtefactFolder(folder).read_error() is None
