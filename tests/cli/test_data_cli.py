"""``hotband data`` brings vendors' files in, says what it found, refuses with the four parts."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hotband.cli.main import app
from tests.unit.feeds.vendor_files import ORACLE, bi5, text, week_walls
from tests.valkey_server import HOST, ValkeyServer

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


def test_candle_replies_are_imported_by_their_own_word(tmp_path: Path) -> None:
    sides = {side: dict.fromkeys("ohlc", f"1.08{n}") for n, side in enumerate(("bid", "ask"))}
    candle = {"complete": True, "volume": 1, "time": "2026-03-02T14:31:00.000000000Z", **sides}
    document = {"instrument": "EUR_USD", "granularity": "M1", "candles": [candle]}
    path = str(text(tmp_path, "candles.json", json.dumps(document)))
    status, out, _ = hotband(tmp_path, "import", path)
    assert (status, "EUR_USD M1, ba, 1 rows read, 1 kept, 1 new" in out) == (0, True)
    assert "oanda-candles; dropped none" in out


def test_a_file_that_disagrees_says_which_files_before_it_are_stored(tmp_path: Path) -> None:
    row = "20250401 000000;1.1;1.2;1.0;1.1{};0"
    paths = [str(text(tmp_path, f"DAT_ASCII_EURUSD_M1_{n}.csv", row.format(n))) for n in range(2)]
    status, _, err = hotband(tmp_path, "import", *paths)
    assert status == 1
    assert "other values in 1 of 1 rows" in err
    assert "Stored before it: DAT_ASCII_EURUSD_M1_0.csv;" in err
    status, out, _ = hotband(tmp_path, "import", paths[0])
    assert (status, "0 new" in out) == (0, True)


def test_times_of_1970_leave_no_store(tmp_path: Path) -> None:
    path = str(text(tmp_path, "EURUSD_M1.csv", "1970.01.01,00:00,1.1,1.2,1.0,1.1,0"))
    status, _, err = hotband(tmp_path, "import", path, "--zone", "UTC")
    assert (status, "allowed: 1971 to 2099" in err) == (1, True)
    assert not list((tmp_path / "store").rglob("*.parquet"))


def test_a_check_takes_the_side_that_it_asks_for(tmp_path: Path) -> None:
    prices = {f"{name}s": [0] for name in ("open", "high", "low", "close")}
    bases = dict.fromkeys(("open", "high", "low", "close"), 1.1)
    document = {"timestamp": 1_735_776_000_000, "multiplier": 1e-5, "shift": 60_000, "times": [0]}
    raw = json.dumps(document | bases | prices | {"volumes": [1]})
    path = str(text(tmp_path, "EURUSD.json", raw))
    status, _, err = hotband(tmp_path, "check", path)
    assert (status, "Pass --side" in err) == (1, True)
    status, out, _ = hotband(tmp_path, "check", path, "--side", "bid")
    assert (status, "EUR_USD M1: 1 bars" in out) == (0, True)


def test_days_from_close_to_close_are_inside_the_market_and_their_gaps_not_counted(
    tmp_path: Path,
) -> None:
    header = "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"
    rows = [f"2025.03.{day:02}\t1.1\t1.1\t1.1\t1.1\t5\t0\t1" for day in range(3, 8)]
    path = str(text(tmp_path, "EURUSD_Daily.csv", header, *rows))
    status, out, _ = hotband(tmp_path, "import", path, "--zone", "NY+7")
    assert status == 0
    assert "gaps inside the open market not counted; outside market hours 0;" in out


def test_a_password_of_the_store_is_shown_by_no_command(
    new_valkey: Callable[..., ValkeyServer],
) -> None:
    server = new_valkey(requirepass="hunter22").start()
    url = server.url(0, ":hunter22@")
    listed = RUNNER.invoke(app, ["data", "list", "--bars", url])
    assert listed.exit_code == 0, listed.stderr
    assert f"{HOST}:{server.port}/0: 0 series" in listed.stdout
    checked = RUNNER.invoke(app, ["data", "check", "--bars", url, "-i", "EUR_USD"])
    assert checked.exit_code == 1
    assert "bars of EUR_USD to check: got none in" in checked.stderr
    assert "hunter22" not in listed.stdout + checked.stderr


@pytest.mark.parametrize(("minutes", "length"), [("60", "H1"), ("15", None)])
def test_the_minutes_in_a_name_that_metatrader_4_gives_are_the_length_of_the_bars(
    tmp_path: Path, minutes: str, length: str | None
) -> None:
    path = server_weeks(tmp_path).rename(tmp_path / f"EURUSD{minutes}.csv")
    status, out, err = hotband(tmp_path, "import", str(path), "--zone", "NY+7")
    assert status == (0 if length else 1)
    assert f"EUR_USD {length}, bid" in out if length else "got M15 for bars" in err


def test_an_empty_store_says_how_to_bring_bars_in(tmp_path: Path) -> None:
    status, out, _ = hotband(tmp_path, "list")
    assert status == 0
    assert "hotband data import FILE" in out
    status, out, _ = hotband(tmp_path, "list", "--json")
    assert (status, json.loads(out)) == (0, [])
