"""``hotband paper`` and ``hotband replay`` as processes, killed and gone on with."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hotband.stores.urls import open_bar_store, open_gate_store
from tests.unit.live.paper_weeks import END, NAMES, START, market

HOTBAND = (sys.executable, "-m", "hotband")
KILLS = 3


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("paper-home")
    url = f"parquet://{folder}"
    bars, gates = market()
    for name in NAMES:
        open_bar_store(url).append(bars[name])
        open_gate_store(url).append(gates[name])
    return folder


def environment(home: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HOTBAND_", "VALKEY"))}
    return kept | {"HOTBAND_HOME": str(home)}


def run(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*HOTBAND, *words], env=environment(home), capture_output=True, text=True, check=False
    )


def paper(recording: Path, *more: str) -> tuple[str, ...]:
    pairs = [word for name in NAMES for word in ("-i", name)]
    window = ("--start", START, "--end", END, "--granularity", "M5")
    return ("paper", "--replay", *window, *pairs, "--recording", str(recording), *more)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_replayed_session_says_what_it_did_and_is_proven(home: Path, tmp_path: Path) -> None:
    done = run(home, *paper(tmp_path / "whole"))
    assert done.returncode == 0, done.stderr
    first, *_, last = lines(done.stdout)
    assert first["paper"] is True
    assert first["instruments"] == list(NAMES)
    assert last["fills"] > 5
    assert last["timings"]["in_process"]["p99_ms"] > 0
    assert last["timings"]["events"] > 200
    proof = run(home, "replay", str(tmp_path / "whole"))
    assert proof.returncode == 0, proof.stdout
    assert "proven: 100.00 % of events agree" in proof.stdout
    (path,) = (home / "output" / "backtests" / "certificates").glob("*.json")
    held = json.loads(path.read_text("utf-8"))
    assert held["proven"] is True
    assert held["stages"]["fills"]["same"] == last["fills"]


def test_a_session_killed_three_times_ends_as_one_that_was_not(home: Path, tmp_path: Path) -> None:
    whole = lines(run(home, *paper(tmp_path / "whole")).stdout)[-1]
    recording = tmp_path / "killed"
    journal = recording / "session.jsonl"
    size = (tmp_path / "whole" / "session.jsonl").stat().st_size
    for turn in range(KILLS):
        words = paper(recording, *(("--resume",) if turn else ()))
        process = subprocess.Popen(
            [*HOTBAND, *words], env=environment(home), stdout=subprocess.DEVNULL
        )
        end = time.monotonic() + 120
        while not (journal.exists() and journal.stat().st_size > size * (turn + 1) // (KILLS + 1)):
            assert process.poll() is None, "it ended before it was killed"
            assert time.monotonic() < end
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = run(home, *paper(recording, "--resume"))
    assert done.returncode == 0, done.stderr
    last = lines(done.stdout)[-1]
    assert (last["nav"], last["fills"]) == (whole["nav"], whole["fills"])
    proof = run(home, "replay", str(recording), "--json")
    assert proof.returncode == 0, proof.stdout
    told = json.loads(proof.stdout)
    assert told["proven"] is True
    assert told["restarts"] == KILLS


def test_what_cannot_be_run_is_refused_before_anything_is_recorded(
    home: Path, tmp_path: Path
) -> None:
    for words, text in (
        (("paper", "--replay", "-i", "EUR_USD"), "one of start and end"),
        (("paper", "--speed", "2", "-i", "EUR_USD"), "none of them without --replay"),
        (("paper", "--resume"), "--recording FOLDER"),
        (("paper",), "the roster trades none"),
        (paper(tmp_path / "x", "--speed", "0"), "above 0"),
        (paper(tmp_path / "x", "--daily-loss", "1.5"), "above 0 and below 1"),
    ):
        done = run(home, *words)
        assert done.returncode == 1, words
        assert text in done.stderr
    assert not (tmp_path / "x").exists()


def test_a_folder_without_a_recording_is_refused(home: Path, tmp_path: Path) -> None:
    done = run(home, "replay", str(tmp_path / "nothing"))
    assert done.returncode == 1
    assert "session.jsonl" in done.stderr


def test_a_live_session_says_what_is_amiss_on_both_streams_and_ends_at_once(
    home: Path, tmp_path: Path
) -> None:
    """The stores end in the past, so that nothing arrives; one of the pairs' folders is gone."""
    stores = tmp_path / "stores"
    shutil.copytree(home, stores)
    words = ("paper", "-i", "EUR_USD", "-i", "USD_JPY", "--granularity", "M5")
    url = f"parquet://{stores}"
    process = subprocess.Popen(
        [*HOTBAND, *words, "--bars", url, "--gates", url, "--recording", str(tmp_path / "it")],
        env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert "paper" in process.stdout.readline()
    shutil.move(stores, tmp_path / "away")
    while "trouble" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "trouble" in err
    assert lines(out)[-1]["ended"] == "it"


def parity_in(text: str) -> dict[str, str]:
    return {name: each["state"] for name, each in json.loads(text)["parity"].items()}


def test_a_cell_is_unproven_until_a_session_that_traded_it_is_certified(
    home: Path, tmp_path: Path
) -> None:
    grid, output = tmp_path / "grid.yaml", tmp_path / "out"
    grid.write_text("default: {min_reps: [1, 2], exposure: [0.5]}\nmin_trades: 3\n")
    window = ("--start", "2026-03-02T00:00:00Z", "--end", END)
    weekly = ("weekly", *window, "--granularity", "M5", "--grid", str(grid), "--json")
    first = run(home, *weekly, "--output", str(output))
    assert first.returncode == 0, first.stderr
    assert parity_in(first.stdout) == dict.fromkeys(NAMES, "unproven")
    shown = run(home, "roster", "show", "--output", str(output))
    assert shown.stdout.count("unproven") == len(NAMES)

    traded = ("--replay", "--start", START, "--end", END, "--granularity", "M5", "--candidates")
    recording = tmp_path / "candidates"
    where = {"HOTBAND_OUTPUT": str(output)}
    done = subprocess.run(
        [*HOTBAND, "paper", *traded, "--recording", str(recording)],
        env=environment(home) | where, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert lines(done.stdout)[0]["instruments"] == list(NAMES)
    assert run(home, "replay", str(recording), "--to", str(output)).returncode == 0

    now = run(home, "roster", "show", "--output", str(output), "--json")
    assert parity_in(now.stdout) == dict.fromkeys(NAMES, "proven")
    again = run(home, *weekly, "--output", str(output))
    parity = json.loads(again.stdout)["parity"]
    assert {name: each["match_pct"] for name, each in parity.items()} == dict.fromkeys(NAMES, 100.0)
    assert all((output / each["file"]).is_file() for each in parity.values())


def test_candidates_that_are_not_there_are_refused(home: Path, tmp_path: Path) -> None:
    words = ("paper", "--replay", "--start", START, "--end", END, "--candidates")
    done = run(home, *words, "-i", "EUR_USD", "--recording", str(tmp_path / "none"))
    assert done.returncode == 1
    assert "candidates: got EUR_USD; allowed: none: no run has finished" in done.stderr
