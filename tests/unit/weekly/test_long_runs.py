"""Runs larger than memory: jobs are made again at their turn, long tables wait on disk."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.weekly.grid_runs import SMALL, market, published, run

from hotband.artefacts.schemas import PLAYED, files_of
from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import IntegrityError, StoreError
from hotband.market.bars import Bars
from hotband.weekly import run as weekly_run
from hotband.weekly.parts import Parts
from hotband.weekly.shelf import HELD_BYTES


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that may keep no job but the first."""
    defaults = weekly_run.GridRun.__init__.__defaults__
    assert defaults is not None
    assert defaults[-1] == HELD_BYTES
    monkeypatch.setattr(weekly_run.GridRun.__init__, "__defaults__", (*defaults[:-1], 0))


def test_a_run_without_room_for_its_jobs_gives_the_same_bytes(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    run(tmp_path / "roomy", grid=SMALL)
    request.getfixturevalue("no_room")
    run(tmp_path / "narrow", grid=SMALL)
    assert published(tmp_path / "roomy") == published(tmp_path / "narrow")


@pytest.mark.usefixtures("no_room")
def test_bars_that_change_while_the_run_is_on_end_it(tmp_path: Path) -> None:
    bars = dict(market())
    moved = bars["USD_JPY"].data.copy()
    moved["bid_l"] -= 0.001

    def change(_: object) -> None:
        bars["USD_JPY"] = Bars.from_records("USD_JPY", "M1", moved, source="demo")

    with pytest.raises(StoreError, match="others than when the run began"):
        run(tmp_path / "out", grid=SMALL, bars=bars, listener=change)
    assert ArtefactFolder(tmp_path / "out").read_latest() is None


def test_nothing_of_the_parts_stays_when_the_run_is_published(tmp_path: Path) -> None:
    latest = run(tmp_path / "out", grid=SMALL)
    names = {path.name for path in (tmp_path / "out" / "runs" / latest.run_id).iterdir()}
    assert names == {Path(path).name for path in latest.files.values()}
    assert set(PLAYED) <= set(latest.files)


def test_the_long_tables_hold_every_instrument_in_the_order_of_the_result(tmp_path: Path) -> None:
    latest = run(tmp_path / "out", grid=SMALL)
    folder = ArtefactFolder(tmp_path / "out")
    for name in ("equity", "decisions"):
        held = folder.read_table(latest, name)["instrument"].unique(maintain_order=True)
        assert held.to_list() == list(latest.instruments)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 400_000), min_size=1, max_size=4))
def test_a_table_has_the_same_bytes_in_one_piece_and_in_parts(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int]
) -> None:
    """Row groups have 131,072 rows, so that pieces end inside and across them."""
    root = tmp_path_factory.mktemp("parts")
    folder, parts = ArtefactFolder(root), Parts(root / "spans")
    frames = {
        f"PAIR_{k}": pl.DataFrame(
            {"instrument": [f"PAIR_{k}"] * n, "equity": [x / 7 for x in range(n)]},
            schema={"instrument": pl.String, "equity": pl.Float64},
        )
        for k, n in enumerate(lengths)
    }
    for name, frame in frames.items():
        parts.keep(name, {"equity": frame})
    (lazy,) = parts.tables(["equity"]).values()
    written = [
        folder.write_table(run_id, "equity", rows).read_bytes()
        for run_id, rows in (("a" * 16, lazy), ("b" * 16, pl.concat(frames.values())))
    ]
    assert written[0] == written[1]


def test_a_lazy_table_with_an_undefined_number_is_refused(tmp_path: Path) -> None:
    folder, parts = ArtefactFolder(tmp_path), Parts(tmp_path / "spans")
    parts.keep("EUR_USD", {"equity": pl.DataFrame({"equity": [1.0, float("nan")]})})
    with pytest.raises(IntegrityError, match="NaN or infinity in equity"):
        folder.write_table("a" * 16, "equity", parts.tables(["equity"])["equity"])
    assert not (tmp_path / files_of("a" * 16, ["equity"])["equity"]).exists()


def test_no_parts_make_no_table(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="no instrument"):
        Parts(tmp_path).tables(["equity"])
