"""``hotband report`` writes the page of the run that was asked for, or says why it cannot."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hotband.artefacts.writer import ArtefactFolder
from hotband.cli.main import app
from tests.unit.artefacts.artefact_samples import error, partial, run_id
from tests.unit.report.page_reader import read
from tests.unit.report.report_runs import Run, run_into


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    folder = tmp_path_factory.mktemp("artefacts")
    return folder, run_into(folder)


def report(*arguments: str, folder: Path) -> tuple[int, str, str]:
    """(exit status, standard output, standard error)"""
    done = CliRunner().invoke(app, ["report", *arguments, "--output", str(folder)])
    return done.exit_code, done.stdout, done.stderr


def test_the_latest_run_is_written_beside_its_tables_and_the_path_printed(
    made: tuple[Path, Run],
) -> None:
    folder, run = made
    status, out, _ = report(folder=folder)
    identity = run.latest.run_id
    path = folder / "runs" / identity / f"run-{identity}.html"
    assert (status, out.strip()) == (0, str(path))
    assert path.read_text("utf-8") == run.html()


def test_a_run_and_a_week_can_be_named_and_the_file_too(
    made: tuple[Path, Run], tmp_path: Path
) -> None:
    folder, run = made
    for i, wanted in enumerate(([run.latest.run_id], ["--week", "2026-W11"])):
        to = tmp_path / f"new{i}" / "page.html"
        status, out, _ = report(*wanted, "--to", str(to), folder=folder)
        assert (status, out.strip()) == (0, str(to))
        assert run.latest.run_id in read(to.read_text("utf-8")).one("header").text


def test_an_archived_run_is_found_after_a_newer_one(tmp_path: Path) -> None:
    old = run_into(tmp_path)
    new = run_into(tmp_path, {"min_trades": 11})
    assert old.latest.run_id != new.latest.run_id
    status, out, _ = report(old.latest.run_id, folder=tmp_path)
    assert status == 0
    assert out.strip().endswith(f"run-{old.latest.run_id}.html")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("0123456789abcdef",), "run: got 0123456789abcdef; allowed: "),
        (("--week", "2026-W12"), "week: got 2026-W12; allowed: 2026-W11. Did you mean"),
        (("--week", "12"), "allowed: an ISO week such as 2025-W16"),
        (("x", "--week", "2026-W11"), "run or week: got run x and week 2026-W11; allowed: one of"),
    ],
)
def test_a_run_that_is_not_there_is_refused(
    made: tuple[Path, Run], arguments: tuple[str, ...], message: str
) -> None:
    status, out, err = report(*arguments, folder=made[0])
    assert (status, out) == (1, "")
    assert message in err


def test_a_misspelt_run_is_suggested(made: tuple[Path, Run]) -> None:
    identity = made[1].latest.run_id
    _, _, err = report(identity[:-1], folder=made[0])
    assert f"Did you mean '{identity}'?" in err


def test_a_folder_is_no_file_to_write(made: tuple[Path, Run], tmp_path: Path) -> None:
    status, _, err = report("--to", str(tmp_path), folder=made[0])
    assert status == 1
    assert "--to: got" in err
    assert "allowed: a file" in err


def test_a_folder_without_a_finished_run_says_what_it_has(tmp_path: Path) -> None:
    folder = ArtefactFolder(tmp_path)
    assert "got no runs yet; allowed: a finished run" in report(folder=tmp_path)[2]
    folder.write_partial(partial(run_id(2)))
    assert f"got none; run {run_id(2)} is running, 50 %" in report(folder=tmp_path)[2]
    assert f"got {run_id(2)}, which is running" in report(run_id(2), folder=tmp_path)[2]
    folder.write_error(error(run_id(3)))
    assert "the last run ended with: folder bars" in report(folder=tmp_path)[2]
    assert f"got {run_id(3)}, which is error" in report(run_id(3), folder=tmp_path)[2]


def test_a_missing_or_broken_table_is_named(tmp_path: Path) -> None:
    run = run_into(tmp_path)
    trades = tmp_path / run.latest.files["trades"]
    trades.write_bytes(b"no table")
    assert "trades.parquet" in report(folder=tmp_path)[2]
    trades.unlink()
    status, _, err = report(folder=tmp_path)
    assert status == 1
    assert f"got no file; allowed: the trades of run {run.latest.run_id}" in err


def test_a_later_run_that_did_not_finish_is_told_of_above_the_last_good_one(
    tmp_path: Path,
) -> None:
    run_into(tmp_path)
    ArtefactFolder(tmp_path).write_error(error(run_id(3), generated_at="2099-01-01T00:00:00Z"))
    status, out, _ = report(folder=tmp_path)
    assert status == 0
    page = read(Path(out.strip()).read_text("utf-8"))
    assert "A later run did not finish (error)" in page.all("p", class_="notice")[0].text
