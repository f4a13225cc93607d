"""``hotband roster`` from the shell: tables, JSON, what changes a verdict, refusals."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hotband.stores.urls import open_bar_store
from tests.unit.weekly.roster_runs import GRID, market, run

RULE = "roster: {promotion: rule}\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two weeks decided, the bars beside them, and a grid file."""
    folder = tmp_path_factory.mktemp("home")
    output = folder / "output" / "backtests"
    for week in ("2026-W10", "2026-W11"):
        run(output, week)
    store = open_bar_store(f"parquet://{folder}")
    for bars in market().values():
        store.append(bars)
    (folder / "grid.yaml").write_text(json.dumps(GRID))
    (folder / "rule.yaml").write_text(RULE)
    return folder


@pytest.fixture
def call(home: Path) -> Any:
    ours = ("HOTBAND_", "VALKEY_URL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}

    def called(*arguments: str, state: Path = home) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hotband", "roster", *arguments],
            env=kept | {"HOTBAND_HOME": str(state)}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return called


def test_show_prints_light_stage_decision_and_reasons(call: Any) -> None:
    done = call("show")
    assert (done.returncode, done.stderr) == (0, "")
    for text in ("Roster after 2026-W11", "EUR_USD", "red", "candidate", "no_change", "119 trades"):
        assert text in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 140


def test_show_json_is_the_file_of_the_week(call: Any, home: Path) -> None:
    done = call("show", "--week", "2026-W10", "--json")
    kept = (home / "output/backtests/roster/2026-W10.json").read_text()
    told = json.loads(done.stdout)
    assert {each["state"] for each in told.pop("parity").values()} == {"unproven"}
    assert told == json.loads(kept)


def test_explain_shows_history_evidence_and_what_would_change_it(call: Any) -> None:
    done = call("explain", "EUR_USD")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert sum(line.startswith("│ 2026-W") for line in lines) == 2
    at = lines.index("What would change it:")
    told = " ".join(lines[at:])
    assert "evidence of 20 makes it active" in told
    assert "passing all promotion gates in one week makes it active" in told
    assert "(shown, does not act)" in told


def test_explain_json_has_every_week_and_the_outlook(call: Any) -> None:
    told = json.loads(call("explain", "USD_JPY", "--json").stdout)
    assert [week["result"]["week"] for week in told["weeks"]] == ["2026-W10", "2026-W11"]
    assert told["outlook"]


def test_an_instrument_without_a_decision_is_refused(call: Any) -> None:
    done = call("explain", "EURUSD")
    assert done.returncode == 1
    assert "Did you mean 'EUR_USD'?" in done.stderr


def test_a_folder_without_decisions_is_refused(call: Any, tmp_path: Path) -> None:
    done = call("show", state=tmp_path)
    assert done.returncode == 1
    assert "no week was decided" in done.stderr
    assert "Run 'hotband weekly'." in done.stderr


def test_backtest_compares_with_always_on_and_chance(call: Any, home: Path) -> None:
    grid = str(home / "grid.yaml")
    done = call("backtest", "--grid", grid, "--roster", str(home / "rule.yaml"), "--draws", "20")
    assert (done.returncode, done.stderr) == (0, "")
    for text in ("decided", "always on", "20 random rosters", "percentile"):
        assert text in done.stdout


def test_backtest_json_is_the_same_twice(call: Any, home: Path) -> None:
    arguments = ("backtest", "--grid", str(home / "grid.yaml"), "-i", "EUR_USD", "--json")
    first, second = (call(*arguments).stdout for _ in range(2))
    told = json.loads(first)
    assert first == second
    assert told["always_on"]["sharpe"]["reason"] == "window_too_short"
    assert [week["week"] for week in told["weeks"]] == ["2026-W08", "2026-W09", "2026-W10"]


def test_backtest_says_how_much_history_it_needs(call: Any) -> None:
    done = call("backtest")
    assert done.returncode == 1
    assert "at least 31, and the gap" in done.stderr
