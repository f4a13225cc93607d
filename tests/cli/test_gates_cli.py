"""``hotband gates`` from the shell's side: what it stores, prints and ends with."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from hotband.feeds.demo import demo_bars
from hotband.gates.encoder import encode_gates
from hotband.market.bars import Bars
from hotband.market.calendar import parse_time
from hotband.stores.urls import open_bar_store, open_gate_store

FROM, TO = parse_time("2026-03-02T00:00:00Z"), parse_time("2026-03-06T21:00:00Z")
PAIRS = ("EUR_USD", "USD_JPY")


def environment(home: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HOTBAND_")}
    return clean | {"HOTBAND_HOME": str(home)}


def run(*arguments: str, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hotband", "gates", *arguments],
        env=environment(home) | more,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def market() -> dict[str, Bars]:
    return demo_bars(PAIRS, FROM, TO)


@pytest.fixture
def home(tmp_path: Path, market: dict[str, Bars]) -> Path:
    store = open_bar_store(f"parquet://{tmp_path}")
    for bars in market.values():
        store.append(bars)
    return tmp_path


def test_encode_fills_the_store_and_goes_on_where_it_was(
    home: Path, market: dict[str, Bars]
) -> None:
    done = run("encode", home=home)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == ["EUR_USD M1", "USD_JPY M1"]
    again = json.loads(run("encode", "--json", home=home).stdout)
    assert [row["added"] for row in again] == [0, 0]
    store = open_gate_store(f"parquet://{home}")
    for name, bars in market.items():
        whole = encode_gates(bars).gates
        assert store.read(name, FROM, TO + 1).data.tobytes() == whole.data.tobytes()


def test_the_pairs_of_the_environment_are_those_encoded(home: Path) -> None:
    done = run("encode", "--json", home=home, HOTBAND_PAIRS="USD_JPY")
    assert [row["instrument"] for row in json.loads(done.stdout)] == ["USD_JPY"]


def test_a_window_is_encoded_again_without_a_change(home: Path) -> None:
    window = ("--start", "2026-03-04T00:00:00Z", "--end", "2026-03-05T00:00:00Z", "--json")
    first = json.loads(run("encode", "-i", "EUR_USD", *window, home=home).stdout)[0]
    again = json.loads(run("encode", "-i", "EUR_USD", *window, home=home).stdout)[0]
    assert first["added"] == first["gates"] == again["gates"] > 1000
    assert again["added"] == 0
    assert first["first"] >= "2026-03-04T00:00:00Z"


def test_other_settings_need_the_word_replace(home: Path) -> None:
    run("encode", "-i", "EUR_USD", home=home)
    profile = home / "profile.yaml"
    profile.write_text("global: {encoder: {window_bars: 32}}\naccount: {home: USD}\n", "utf-8")
    again = (
        "encode",
        "-i",
        "EUR_USD",
        "--profile",
        str(profile),
        "--start",
        "2026-03-02T00:00:00Z",
    )
    refused = run(*again, home=home)
    assert refused.returncode == 1
    assert "other values in" in refused.stderr
    done = json.loads(run(*again, "--replace", "--json", home=home).stdout)[0]
    assert done["added"] == done["gates"] > 1000


def test_a_window_without_bars_is_refused(home: Path) -> None:
    done = run("encode", "-i", "EUR_USD", "--start", "2027-01-01T00:00:00Z", home=home)
    assert done.returncode == 1
    assert "window to encode of EUR_USD M1" in done.stderr


def test_bootstrap_twice_changes_nothing(home: Path) -> None:
    to = f"parquet://{home / 'seeded'}"
    first = json.loads(run("bootstrap", "--to", to, "--days", "2", "--json", home=home).stdout)
    before = {path: path.read_bytes() for path in (home / "seeded").rglob("*.parquet")}
    again = json.loads(run("bootstrap", "--to", to, "--days", "2", "--json", home=home).stdout)
    assert all(row["added"] == row["gates"] > 1000 for row in first)
    assert [row["added"] for row in again] == [0, 0]
    assert {path: path.read_bytes() for path in (home / "seeded").rglob("*.parquet")} == before


def test_bootstrap_seeds_the_server_of_the_environment_unless_another_store_is_named(
    home: Path,
) -> None:
    there = f"parquet://{home / 'there'}"
    done = run("bootstrap", "--days", "1", "-i", "EUR_USD", home=home, VALKEY_URL=there)
    assert done.returncode == 0, done.stderr
    assert open_gate_store(there).instruments() == ("EUR_USD",)
    none = run("bootstrap", home=home, VALKEY_URL="")
    assert none.returncode == 1
    assert "store to seed: got none; allowed: a store's URL" in none.stderr


def test_freshness_ends_with_2_where_there_are_no_gates(home: Path) -> None:
    done = run("freshness", home=home)
    assert (done.returncode, done.stdout) == (2, "none\n")


def test_freshness_ends_with_3_where_gates_are_stale_and_0_where_they_are_not(home: Path) -> None:
    run("encode", home=home)
    stale = run("freshness", "--threshold", "180", "--json", home=home)
    assert stale.returncode == 3
    document = json.loads(stale.stdout)
    assert (document["state"], document["threshold_seconds"]) == ("stale", 180.0)
    assert {row["state"] for row in document["instruments"]} == {"stale"}
    fresh = run("freshness", "--threshold", str(10**12), home=home)
    assert fresh.returncode == 0
    assert fresh.stdout.splitlines()[-1] == "fresh"


def test_freshness_of_an_asked_pair_without_gates_is_2(home: Path) -> None:
    run("encode", "-i", "EUR_USD", home=home)
    done = run("freshness", "-i", "EUR_USD", "-i", "GBP_USD", "--threshold", str(10**12), home=home)
    assert done.returncode == 2
    assert "GBP_USD: no gates" in done.stdout


def test_wrong_usage_of_freshness_is_not_taken_for_no_gates(home: Path) -> None:
    done = run("freshness", "--threshold", "abc", home=home)
    assert done.returncode == 1
    assert "--threshold" in done.stderr


def test_show_sets_the_producers_verdict_beside_the_profiles(home: Path) -> None:
    run("encode", home=home)
    shown = json.loads(run("show", "--json", home=home).stdout)
    assert [gate["instrument"] for gate in shown] == list(PAIRS)
    for gate in shown:
        assert gate["known"] == "2026-03-06T21:00:00Z"
        assert gate["producer"].startswith("hotband_encoder/")
        assert gate["reasons"][0] == "gate_stale"
        assert not gate["admit"]
        assert 0.0 < gate["hazard"] < 0.1
    table = run("show", home=home).stdout
    assert "Latest gates: 2" in table
    assert "gate_stale" in table


def test_fidelity_compares_where_there_are_both(home: Path) -> None:
    run("encode", home=home)
    window = ("--start", "2026-03-04T00:00:00Z", "--end", "2026-03-06T00:00:00Z")
    done = run("fidelity", "-i", "EUR_USD", *window, "--json", home=home)
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    assert found["minutes"] == 2 * (1440 - 5)  # the daily closure has no bars
    assert 0 < found["both_admitted"] <= found["real_admitted"]
    assert "Derived against recorded" in run("fidelity", "-i", "EUR_USD", *window, home=home).stdout


def test_fidelity_without_recorded_gates_says_what_to_do(home: Path) -> None:
    window = ("--start", "2026-03-04T00:00:00Z", "--end", "2026-03-06T00:00:00Z")
    done = run("fidelity", "-i", "EUR_USD", *window, home=home)
    assert done.returncode == 1
    assert "without a recorded gate" in done.stderr
    assert "hotband gates encode" in done.stderr


def test_an_empty_bar_store_is_named(tmp_path: Path) -> None:
    done = run("encode", home=tmp_path)
    assert done.returncode == 1
    assert "bars of M1 to encode: got none held" in done.stderr


def test_one_poll_says_what_it_did_as_json_lines(home: Path) -> None:
    done = run("run", "--once", home=home)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["instrument"] for row in rows] == list(PAIRS)
    assert run("run", "--once", home=home).stdout == ""


def test_one_poll_in_trouble_ends_with_1(tmp_path: Path) -> None:
    done = run("run", "--once", "-i", "EUR_USD", home=tmp_path)
    assert done.returncode == 1
    assert "trouble" in json.loads(done.stdout)


def test_a_loop_killed_at_any_moment_neither_skips_nor_repeats_a_bar(
    tmp_path: Path, market: dict[str, Bars]
) -> None:
    """Bars come in while the loop runs; it is killed hard, restarted, and ended politely."""
    bars = market["EUR_USD"]
    store = open_bar_store(f"parquet://{tmp_path}")
    opens = bars.data["t"]
    edges = [0, 2000, *range(2100, 3000, 100)]
    command = [sys.executable, "-m", "hotband", "gates", "run", "--poll", "0.05", "--days", "30"]
    chance = np.random.default_rng(3)
    store.append(bars.window(0, int(opens[2000])))
    for first, last in pairwise(edges[1:]):
        loop = subprocess.Popen(
            [*command, "-i", "EUR_USD"], env=environment(tmp_path), stdout=subprocess.DEVNULL
        )
        time.sleep(chance.uniform(0.0, 1.8))
        store.append(bars.window(int(opens[first]), int(opens[last])))
        time.sleep(chance.uniform(0.0, 0.6))
        loop.kill()
        loop.wait()
    last_loop = subprocess.Popen(
        [*command, "-i", "EUR_USD"],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # Bars that only this loop can encode: once their gates are there, it listens to signals.
    store.append(bars.window(int(opens[edges[-1]]), int(opens[edges[-1] + 100])))
    expected = encode_gates(bars.window(0, int(opens[edges[-1] + 100]))).gates
    gates = open_gate_store(f"parquet://{tmp_path}")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        extent = gates.extent("EUR_USD")
        if extent is not None and extent[1] == int(expected.data["known"][-1]):
            break
        time.sleep(0.05)
    last_loop.send_signal(signal.SIGTERM)
    _, errors = last_loop.communicate(timeout=30)
    assert (last_loop.returncode, errors) == (0, "")
    assert gates.read("EUR_USD", FROM, TO).data.tobytes() == expected.data.tobytes()
