"""Each command does its job from the shell's side: output, JSON, exit status, messages."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hotband.feeds.demo import demo_bars
from hotband.market.calendar import parse_time
from hotband.stores.urls import open_bar_store

START, END = "2026-03-08T21:00:00Z", "2026-03-13T21:00:00Z"


def run(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hotband", *arguments],
        env={**os.environ, "HOTBAND_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    store = open_bar_store(f"parquet://{folder}")
    pairs = ("EUR_USD", "USD_JPY")
    for bars in demo_bars(pairs, parse_time("2026-03-01T22:00:00Z"), parse_time(END)).values():
        store.append(bars)
    return folder


def test_the_demo_says_that_its_market_is_simulated(home: Path) -> None:
    done = run("demo", home=home)
    assert done.stdout.endswith("in a browser: hotband up --demo\n")
    assert done.returncode == 0
    assert done.stdout.startswith("SIMULATED MARKET")
    notes = [line for line in done.stdout.splitlines() if line.startswith("note: ")]
    assert notes[0] == (
        "note: EUR_USD, GBP_USD, USD_JPY: the bars are simulated (demo market), not real quotes"
    )
    assert len({note.split(": ", 2)[2] for note in notes}) == len(notes) == 6


def test_who_looks_for_the_demo_elsewhere_is_told_where_it_is(tmp_path: Path) -> None:
    told = f"The demo keeps its own apart: set HOTBAND_HOME={tmp_path / 'demo'} to see it."
    assert told not in run("data", "list", home=tmp_path).stdout
    (tmp_path / "demo").mkdir()
    assert run("data", "list", home=tmp_path).stdout.endswith(f"{told}\n")
    assert told in run("grid", "show", home=tmp_path).stderr
    elsewhere = run("data", "list", "--bars", f"parquet://{tmp_path}/bars", home=tmp_path)
    assert told not in elsewhere.stdout


def test_the_same_seed_gives_the_same_demo_and_another_seed_another(home: Path) -> None:
    first, again, other = (
        run("demo", "--json", "--seed", seed, home=home).stdout for seed in ("7", "7", "8")
    )
    assert first == again
    pnl = [
        [entry["metrics"]["pnl"] for entry in json.loads(text)["instruments"].values()]
        for text in (first, other)
    ]
    assert len(pnl[0]) == len(pnl[1]) == 3
    assert pnl[0] != pnl[1]


def test_simulate_prints_one_json_document_whose_trades_add_up(home: Path) -> None:
    done = run(
        "simulate", "-i", "USD_JPY", "-i", "EUR_USD", "--start", START, "--end", END,
        "--balance", "50000", "--cost-bps", "1.5", "--json", home=home,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["instruments"] == ["EUR_USD", "USD_JPY"]
    assert len(result["trades"]) == result["metrics"]["trades"]["value"] > 10
    assert not result["open_positions"]
    total = sum(trade["pnl"] for trade in result["trades"])
    assert result["equity_curve"][-1]["equity"] == pytest.approx(50_000 + total, abs=1e-6)
    funnel = result["funnel"]
    assert funnel["gates"] == funnel["filled"] + sum(funnel["refusals"].values())
    assert {"admit", "reasons", "hard_blocked", "source", "metrics"} <= set(result["decisions"][0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-i", "EURUSD", "--start", START, "--end", END), "Did you mean 'EUR_USD'?"),
        (("-i", "GBP_USD", "--start", START, "--end", END), "allowed: EUR_USD, USD_JPY"),
        (("-i", "EUR_USD", "--start", START[:-1], "--end", END), "RFC 3339 with a zone"),
        (("-i", "EUR_USD", "--start", END, "--end", START), "window"),
        (("-i", "EUR_USD", "--start", START, "--end", END, "--balance", "-1"), "balance"),
        (("-i", "EUR_USD", "--start", START, "--end", END, "--bars", "s3://x"), "parquet"),
        (("-i", "EUR_USD", "--start", START, "--end", END, "--cost-bps", "nan"), "basis points"),
    ],
)
def test_wrong_input_ends_with_a_clear_message_and_no_result(
    arguments: tuple[str, ...], message: str, home: Path
) -> None:
    done = run("simulate", *arguments, home=home)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_data_list_and_check_speak_of_what_the_store_holds(home: Path) -> None:
    listed = json.loads(run("data", "list", "--json", home=home).stdout)
    assert [(row["instrument"], row["granularity"]) for row in listed] == [
        ("EUR_USD", "M1"),
        ("USD_JPY", "M1"),
    ]
    checked = json.loads(run("data", "check", "--json", home=home).stdout)
    assert [report["share_present"] for report in checked] == [1.0, 1.0]


def test_a_csv_is_imported_once_and_an_import_again_adds_nothing(tmp_path: Path) -> None:
    file = tmp_path / "EUR_USD.M1.mine.csv"
    file.write_text(
        "time,bid_o,bid_h,bid_l,bid_c,ask_o,ask_h,ask_l,ask_c\n"
        "2026-03-09T10:00:00Z,1.1,1.1002,1.0999,1.1001,1.1001,1.1003,1.1,1.1002\n"
        "2026-03-09T10:01:00Z,1.1001,1.1002,1.1,1.1,1.1002,1.1003,1.1001,1.1001\n"
    )
    home = tmp_path / "home"
    reports = [
        json.loads(run("data", "import", str(file), "--json", home=home).stdout)[0]
        for _ in range(2)
    ]
    assert [report["bars_added"] for report in reports] == [2, 0]


def test_help_imports_neither_the_compiler_nor_frames() -> None:
    code = (
        "import sys\nsys.argv = ['hotband', '--help']\nfrom hotband.cli.main import run\n"
        "try:\n    run()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'numba', 'polars', 'pydantic', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
