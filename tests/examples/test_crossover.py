"""The crossover example works as it is installed: its own tests, every command, the Python API."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hotband.feeds.demo import demo_bars
from hotband.market.calendar import parse_time
from hotband.research.campaign_worlds import CampaignSettings, campaign_market
from hotband.research.simulator import BacktestSimulator
from hotband.stores.plugins import producer_of
from hotband.stores.urls import open_bar_store
from tests.examples.installed import EXAMPLES, install_crossover

FOLDER = EXAMPLES / "crossover"
START, END = "2025-04-06T21:00:00Z", "2025-04-11T21:00:00Z"
BEFORE = "2025-03-30T21:00:00Z"
GRID = (
    "default: {hazard: {points: 2}, min_reps: [1], hold_minutes: [30], exposure: [1.0]}\n"
    "walk_forward: {look_back_weeks: 13, max_folds: 1}\n"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with two weeks of bars, and the example installed beside them."""
    folder = tmp_path_factory.mktemp("home")
    market = demo_bars(("EUR_USD",), parse_time(BEFORE), parse_time(END), seed=3)
    open_bar_store(f"parquet://{folder}").append(market["EUR_USD"])
    (folder / "grid.yaml").write_text(GRID)
    install_crossover(folder / "site")
    return folder


def run(home: Path, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOTBAND_")}
    path = os.pathsep.join((str(home / "site"), str(FOLDER / "src")))
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, capture_output=True, text=True, check=False,
        env=kept | {"HOTBAND_HOME": str(home), "PYTHONPATH": path},
    )  # fmt: skip


def test_its_own_tests_pass(home: Path) -> None:
    done = run(home, "pytest", "-q", "-p", "no:cacheprovider", cwd=FOLDER)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_simulate_trades_its_gates_and_derives_none(home: Path) -> None:
    done = run(
        home, "hotband", "simulate", "-i", "EUR_USD", "--start", START, "--end", END,
        "--gates", "crossover:fast=20&slow=50", "--profile", str(FOLDER / "profile.yaml"),
        "--json", "--no-series",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["source"] == "producer:crossover"
    assert result["gate_coverage"]["synthetic_minutes"] == 0
    assert len(result["trades"]) > 5
    assert {trade["source"] for trade in result["trades"]} == {"real"}


def test_weekly_sweeps_it(home: Path) -> None:
    done = run(
        home, "hotband", "weekly", "-i", "EUR_USD", "--start", START, "--end", END,
        "--gates", "crossover:", "--profile", str(FOLDER / "profile.yaml"),
        "--grid", str(FOLDER / "grid.yaml"), "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    latest = json.loads(done.stdout)
    assert latest["instruments"]["EUR_USD"]["source"] == "producer:crossover"
    assert latest["provenance"]["gates"]["EUR_USD"]["source"] == "producer:crossover"


def test_a_paper_session_on_its_gates_is_proven_and_trades_like_the_backtest(home: Path) -> None:
    given = (
        "-i", "EUR_USD", "--start", START, "--end", END, "--gates", "crossover:fast=20&slow=50",
        "--profile", str(FOLDER / "profile.yaml"),
    )  # fmt: skip
    recording = str(home / "paper")
    done = run(home, "hotband", "paper", "--replay", *given, "--recording", recording)
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    backtest = json.loads(run(home, "hotband", "simulate", *given, "--json", "--no-series").stdout)
    tickets = 2 * len(backtest["trades"]) + len(backtest["open_positions"])
    assert last["fills"] == tickets > 10
    proof = run(home, "hotband", "replay", recording, "--json")
    assert proof.returncode == 0, proof.stdout
    assert json.loads(proof.stdout)["proven"] is True


def test_a_noise_certificate_is_of_the_producer(home: Path) -> None:
    done = run(
        home, "hotband", "certify", "--world", "N1", "--campaigns", "1", "--days", "90",
        "--granularity", "M5", "--producer", "crossover:fast=5&slow=20", "--grid",
        str(home / "grid.yaml"), "--profile", str(FOLDER / "profile.yaml"), "--json",
    )  # fmt: skip
    assert done.returncode == 2, done.stderr  # one campaign can never pass
    found = json.loads(done.stdout)
    assert found["settings"]["producer"].startswith(
        "crossover:fast=5&slow=20 of hotband-crossover 1.0, "
    )


@pytest.fixture
def installed(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example, importable in this process."""
    for folder in (home / "site", FOLDER / "src"):
        monkeypatch.syspath_prepend(folder)
    return home


@pytest.mark.usefixtures("installed")
def test_the_gates_of_a_null_world_are_the_producers_own_on_its_bars() -> None:
    url = "crossover:fast=5&slow=20"
    settings = CampaignSettings(days=90, granularity="M5", producer=url)
    market = campaign_market("N1", 1, settings)
    own = producer_of(url).gates(market.bars)
    assert market.gates.data.tobytes() == own.data.tobytes()
    assert market.gates.source == "producer:crossover"


@pytest.mark.usefixtures("installed")
def test_shifted_by_weeks_it_has_other_gates_on_the_same_bars() -> None:
    settings = CampaignSettings(days=90, granularity="M5", producer="crossover:")
    market = campaign_market("N5", 1, settings)
    own = producer_of("crossover:").gates(market.bars)
    assert len(market.gates) > 100
    assert not set(market.gates.data["known"]) <= set(own.data["known"])


def test_a_certificate_of_our_own_encoder_says_nothing_of_producers() -> None:
    assert "producer" not in CampaignSettings().to_dict()


def test_python_trades_it_by_its_url(installed: Path) -> None:
    bars = f"parquet://{installed}"
    result = BacktestSimulator(
        "EUR_USD", START, END, bars=bars, gates=f"crossover:bars={bars}",
        profile=FOLDER / "profile.yaml",
    ).run()  # fmt: skip
    assert result.source == "producer:crossover"
    assert result.coverage.synthetic_minutes == 0
