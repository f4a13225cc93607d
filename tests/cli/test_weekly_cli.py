"""``hotband weekly`` and ``hotband grid`` from the shell: output, JSON, exit status, messages."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hotband.artefacts.writer import ArtefactFolder
from hotband.feeds.demo import demo_bars
from hotband.market.calendar import parse_time
from hotband.stores.urls import open_bar_store

DATA = ("2026-03-01T22:00:00Z", "2026-03-13T21:00:00Z")
SMALL = "default: {min_reps: [1, 2], exposure: [0.5], hold_minutes: [15, 30]}\nmin_trades: 5\n"
LARGE = (
    "default: {hazard: {points: 25}, min_reps: [1, 2, 3, 4, 5], exposure: [0.1, 0.2, 0.5, 1.0],\n"
    "          hold_minutes: [5, 10, 15, 30], stop_loss_pips: [5, 10, 20, 40]}\n"
    "max_cells: 1000000\n"
)
"""Seconds of work."""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "hotband", *arguments]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    store = open_bar_store(f"parquet://{folder}")
    start, end = (parse_time(text) for text in DATA)
    for bars in demo_bars(("EUR_USD", "USD_JPY"), start, end, seed=7, edge=0.05).values():
        store.append(bars)
    for name, text in (("small", SMALL), ("large", LARGE)):
        (folder / f"{name}.yaml").write_text(text)
    return folder


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    unset = ("HOTBAND_OUTPUT", "HOTBAND_PAIRS", "HOTBAND_BARS", "HOTBAND_GATES", "VALKEY_URL")
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    return kept | {"HOTBAND_HOME": str(home)}


@pytest.fixture
def run(environment: dict[str, str]) -> Any:
    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments), env=environment, capture_output=True, text=True, check=False
        )

    return call


@pytest.fixture(scope="module")
def finished(home: Path) -> Path:
    """A folder with a result; tests read it."""
    folder = home / "finished"
    subprocess.run(
        command("weekly", "--grid", str(home / "small.yaml"), "--output", str(folder)),
        env={**os.environ, "HOTBAND_HOME": str(home)}, capture_output=True, check=True,
    )  # fmt: skip
    return folder


@pytest.fixture
def own(finished: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(finished, tmp_path / "own"))


# hotband weekly ----------------------------------------------------------------------------------


def test_weekly_prints_a_table_that_fits_and_publishes_the_last_week(
    run: Any, home: Path, tmp_path: Path
) -> None:
    grid = str(home / "small.yaml")
    done = run("weekly", "--grid", grid, "--output", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "2026-03-01T22:00:00Z to 2026-03-13T21:00:00Z" in done.stdout
    assert "EUR_USD" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 140
    assert (tmp_path / "2026-W11.json").exists()


def test_weekly_json_is_the_artefact_and_nothing_else(run: Any, home: Path, own: Path) -> None:
    grid = str(home / "small.yaml")
    done = run("weekly", "--grid", grid, "--output", str(own), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == json.loads((own / "latest.json").read_text())


def test_weekly_takes_folder_and_pairs_from_the_environment(
    environment: dict[str, str], home: Path, tmp_path: Path
) -> None:
    further = {"HOTBAND_OUTPUT": str(tmp_path), "HOTBAND_PAIRS": "USD_JPY"}
    done = subprocess.run(
        command("weekly", "--grid", str(home / "small.yaml"), "--json", "--week", "2026-W11"),
        env=environment | further, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert list(json.loads(done.stdout)["instruments"]) == ["USD_JPY"]
    assert (tmp_path / "latest.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-i", "XXX_YYY"), "XXX_YYY"),
        (("-i", "EURUSD"), "Did you mean 'EUR_USD'?"),
        (("--week", "2026-W99"), "week such as 2025-W16"),
        (("--week", "2026-W11", "--start", DATA[0]), "2026-W11 beside start or end"),
        (("--start", DATA[0]), "one of start and end"),
        (("--start", DATA[0][:-1], "--end", DATA[1]), "RFC 3339 with a zone"),
        (("--balance", "-1"), "balance: got -1"),
        (("--cost-bps", "nan"), "basis points"),
        (("--grid", "nowhere.yaml"), "nowhere.yaml"),
        (("--bars", "s3://x"), "parquet"),
        (("--granularity", "H1"), "instruments: got none"),
        (("--executor", "threads", "--workers", "0"), "workers: got 0"),
        (("--executor", "threads", "--ray-address", "auto"), "Ray address"),
    ],
)
def test_wrong_input_is_refused_and_the_last_good_result_stays_alone(
    run: Any, own: Path, arguments: tuple[str, ...], message: str
) -> None:
    before = (own / "latest.json").read_bytes()
    done = run("weekly", *arguments, "--output", str(own))
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert (own / "latest.json").read_bytes() == before
    assert not (own / "latest.error.json").exists()


def test_a_run_of_which_all_fails_ends_with_1_and_an_error_artefact(run: Any, own: Path) -> None:
    done = run("weekly", "-i", "AUD_USD", "--week", "2026-W11", "--output", str(own))
    assert (done.returncode, done.stdout) == (1, "")
    assert "AUD_USD" in done.stderr
    shown = run("grid", "show", "--output", str(own))
    assert shown.returncode == 0
    assert "note: a later run ended as error" in shown.stderr
    assert "EUR_USD" in shown.stdout


def all_of(terminal: int) -> bytes:
    shown = b""
    with os.fdopen(terminal, "rb", buffering=0) as opened:
        try:
            while part := opened.read(4096):
                shown += part
        except OSError:  # what Linux says at the end of a terminal
            pass
    return shown


def test_a_terminal_sees_progress_and_standard_output_only_the_result(
    environment: dict[str, str], home: Path, tmp_path: Path
) -> None:
    mine, theirs = pty.openpty()
    grid = ("--grid", str(home / "small.yaml"), "--output", str(tmp_path))
    with subprocess.Popen(
        command("weekly", *grid, "--json"), env=environment | {"TERM": "xterm"},
        stdout=subprocess.PIPE, stderr=theirs,
    ) as process:  # fmt: skip
        os.close(theirs)
        # A terminal holds a few thousand bytes: whoever writes more waits for a reader.
        with ThreadPoolExecutor(1) as reader:
            seen = reader.submit(all_of, mine)
            out, _ = process.communicate(timeout=120)
            shown = seen.result()
    assert process.returncode == 0, shown
    assert json.loads(out)["state"] == "completed"
    assert b" cells" in shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_with_130_and_the_next_one_goes_on(
    run: Any, environment: dict[str, str], home: Path, tmp_path: Path, number: signal.Signals
) -> None:
    arguments = ("weekly", "--grid", str(home / "large.yaml"), "--output", str(tmp_path))
    with subprocess.Popen(
        command(*arguments), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        end = time.monotonic() + 60.0
        while not list(tmp_path.glob("runs/*/spans/*/*.span")):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.01)
        process.send_signal(number)
        out, told = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert told.startswith("CancelledRunError: ")
    assert "Traceback" not in told
    error = ArtefactFolder(tmp_path).read_error()
    assert error is not None
    assert error.state == "cancelled"
    assert error.kept.cells > 0
    missing = run("grid", "show", "--output", str(tmp_path))
    assert missing.returncode == 1
    assert "none; the last run ended with: " in missing.stderr
    again = run(*arguments, "--json")
    assert (again.returncode, again.stderr) == (0, "")
    assert not (tmp_path / "latest.error.json").exists()


# hotband grid ------------------------------------------------------------------------------------


def test_grid_show_is_what_weekly_published(run: Any, finished: Path) -> None:
    for further in ((), ("--week", "2026-W11")):
        done = run("grid", "show", "--json", "--output", str(finished), *further)
        assert json.loads(done.stdout) == json.loads((finished / "latest.json").read_text())
    table = run("grid", "show", "--output", str(finished))
    assert (table.returncode, table.stderr) == (0, "")
    assert "USD_JPY" in table.stdout


def test_grid_rows_fit_the_page_and_say_how_many_penalties_there_are(
    run: Any, finished: Path
) -> None:
    done = run("grid", "rows", "--sort", "profit_factor_shrunk", "--output", str(finished))
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 140
    assert len([line for line in lines if "_USD" in line or "USD_" in line]) == 20
    assert "…" not in done.stdout


def test_grid_rows_json_has_every_column_in_the_order_asked_for(run: Any, finished: Path) -> None:
    done = run(
        "grid", "rows", "--sort", "pnl", "-i", "USD_JPY", "--limit", "7", "--json",
        "--output", str(finished),
    )  # fmt: skip
    found = json.loads(done.stdout)
    stored = pl.read_parquet(next(finished.glob("runs/*/rows.parquet")))
    own = stored.filter(pl.col("instrument") == "USD_JPY").sort(
        "pnl", "cell", descending=[True, False], nulls_last=True
    )
    assert found == own.head(7).to_dicts()


def test_grid_rows_shows_only_qualified_ones_where_asked(run: Any, finished: Path) -> None:
    limit = ("--limit", "100000", "--json", "--output", str(finished))
    every, some = (
        json.loads(run("grid", "rows", *limit, *further).stdout)
        for further in ((), ("--qualified",))
    )
    assert some == [row for row in every if row["qualified"]]
    assert len(some) > 0


def test_grid_best_is_one_instruments_entry(run: Any, finished: Path) -> None:
    done = run("grid", "best", "EUR_USD", "--output", str(finished))
    document = json.loads((finished / "latest.json").read_text())
    assert json.loads(done.stdout) == document["instruments"]["EUR_USD"]


def test_grid_history_lists_the_archive(run: Any, finished: Path) -> None:
    done = run("grid", "history", "--json", "--output", str(finished))
    assert json.loads(done.stdout) == [{"week": "2026-W11", "version": 1, "file": "2026-W11.json"}]
    assert run("grid", "history", "--output", str(finished)).stdout.startswith(
        "2026-W11  version 1"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rows", "--sort", "scores"), "Did you mean 'score'?"),
        (("rows", "--sort", "penalties"), "sort: got penalties"),
        (("rows", "-i", "EUR_USB"), "Did you mean 'EUR_USD'?"),
        (("best", "USD_JPX"), "Did you mean 'USD_JPY'?"),
        (("show", "--week", "2026-W10"), "Did you mean '2026-W11'?"),
        (("show", "--week", "last"), "an ISO week such as 2025-W16"),
    ],
)
def test_what_is_not_there_is_refused(
    run: Any, finished: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = run("grid", *arguments, "--output", str(finished))
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("show",), ("rows",), ("best", "EUR_USD")])
def test_a_folder_without_runs_is_told(
    run: Any, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = run("grid", *arguments, "--output", str(tmp_path))
    assert done.returncode == 1
    assert "no runs yet" in done.stderr
    assert "Run 'hotband weekly'." in done.stderr


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"PAR1")])
def test_rows_that_are_gone_or_broken_are_told(run: Any, own: Path, spoil: Any) -> None:
    spoil(next(own.glob("runs/*/rows.parquet")))
    done = run("grid", "rows", "--output", str(own))
    assert done.returncode == 1
    assert "allowed: the rows of a run" in done.stderr
    assert "Traceback" not in done.stderr
