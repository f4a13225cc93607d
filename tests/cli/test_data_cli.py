"""``hotband data`` brings vendors' files in, says what it found, refuses with the four parts."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hotband.cli.main import app
from tests.unit.feeds.vendor_files import ORACLE, bi5, text, week_walls

RUNNER = CliRunner()


def hotband(tmp_path: Path, *words: str) -> tuple[int, str, str]:
    done = RUNNER.invoke(app, ["data", *words, "--bars", f"parquet://{tmp_path / 'store'}"])
    return done.exit_code, done.stdout, done.stderr


def server_weeks(folder: Path) -> Path:
    rows = [
        f"{wall:%Y.%m.%d,%H:%M},1.10000,1.10010,1.09990,1.10005,5"
        for wall in week_walls("2025-01-05", 3, 2)
    ]
    return text(folder, "EURUSD_H1.csv", *rows)


def test_an_import_prints_its_report_and_again_adds_nothing(tmp_path: Path) -> None:
    path = str(server_weeks(tmp_path))
    status, out, _ = hotband(tmp_path, "import", path, "--zone", "NY+7")
    assert status == 0
    assert "EUR_USD H1, bid, 360 rows read, 360 kept, 360 new" in out
    assert "mt4; dropped none; gaps inside the open market 0" in out
    assert "zone NY+7: 2 of 2 weeks fit" in out
    status, out, _ = hotband(tmp_path, "import", path, "--zone", "NY+7", "--json")
    (document,) = json.loads(out)
    assert (status, document["bars_added"], document["format"]) == (0, 0, "mt4")
    assert document["zone_evidence"]["verdict"] == "fits"
    assert document["quality"]["rows"] == 360


def test_a_contradicted_zone_ends_with_the_zone_to_try(tmp_path: Path) -> None:
    path = str(server_weeks(tmp_path))
    status, _, err = hotband(tmp_path, "import", path, "--zone", "UTC")
    assert status == 1
    assert "Try --zone NY+7" in err.replace("\n", " ")
    status, out, _ = hotband(tmp_path, "import", path, "--zone", "UTC", "--accept-zone")
    assert (status, "others off by +2 h" in out) == (0, True)


def test_a_folder_of_bi5_hours_is_imported_and_listed(tmp_path: Path) -> None:
    bi5(tmp_path, "EURUSD/2019/01/04/13h_ticks.bi5", ORACLE)
    status, out, _ = hotband(tmp_path, "import", str(tmp_path / "EURUSD"), "--granularity", "M1")
    assert (status, "1 new" in out) == (0, True)
    status, out, _ = hotband(tmp_path, "list", "--json")
    assert json.loads(out) == [
        {
            "instrument": "EUR_USD",
            "granularity": "M1",
            "first": "2019-02-04T13:00:00Z",
            "last": "2019-02-04T13:00:00Z",
        }
    ]


def test_a_vendor_file_is_checked_without_being_stored(tmp_path: Path) -> None:
    path = str(server_weeks(tmp_path))
    status, out, _ = hotband(tmp_path, "check", path, "--zone", "NY+7")
    assert (status, "EUR_USD H1: 360 bars" in out) == (0, True)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("option", ["--format", "--mapping"])
def test_words_that_are_wrong_end_with_status_1(tmp_path: Path, option: str) -> None:
    path = str(text(tmp_path, "x.csv", "1,2,3"))
    status, _, err = hotband(tmp_path, "import", path, option, str(tmp_path / "none.yaml"))
    assert (status, "allowed:" in err) == (1, True)
