"""A producer named by its URL makes its gates of the run's own bars, unless the URL says which."""

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.examples.installed import install

from hotband import BacktestSimulator
from hotband.feeds.demo import demo_bars
from hotband.live.start import Asked, run_session
from hotband.market.bars import Bars
from hotband.market.calendar import parse_time
from hotband.research.history import BarInput, open_gates
from hotband.research.result import SimulationResult
from hotband.research.signals import derive_signals
from hotband.stores.memory import memory_bars
from hotband.stores.plugins import producer_of
from hotband.stores.produced import ProducedGates
from hotband.weekly.sources import Sources

FRESH = itertools.count()
START, END = "2026-03-09T21:00:00Z", "2026-03-10T21:00:00Z"
DAY = "2026-03-10T12:00:00Z", END
CODE = """
import numpy as np
from hotband.gates.producer import gates_on
from hotband.stores.plugins import UrlOptions, produced_gates

class Each:
    name, memory_bars = "each", 1

    def gates(self, bars):
        rows = np.arange(len(bars))
        ones = np.ones(len(rows), np.int64)
        return gates_on(bars, rows, ones, ones * 0.5, ones)

def each(url):
    return produced_gates(Each(), UrlOptions(url))
"""


@pytest.fixture
def bars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of a store that is not the usual one, with a day of M1 and M5; the usual one is empty."""
    module = f"each_gates_{next(FRESH)}"
    site = install(tmp_path / module, "each-gates", {"each": f"{module}:each"}, {module: CODE})
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("HOTBAND_BARS", f"memory://{module}-usual")
    for length in ("M1", "M5"):
        memory_bars(module).append(market(length))
    return f"memory://{module}"


def market(length: str) -> Bars:
    window = parse_time(START), parse_time(END)
    return demo_bars(("EUR_USD",), *window, seed=3, granularity=length)["EUR_USD"]


def ran(bars: BarInput | str, gates: str = "each:", length: str = "M1") -> SimulationResult:
    return BacktestSimulator(
        "EUR_USD", START, END, bars=bars, gates=gates, granularity=length
    ).run()


def gates_met(bars: BarInput | str, gates: str = "each:", length: str = "M1") -> int:
    return ran(bars, gates, length).funnel.gates


def test_the_gates_are_made_of_the_runs_bars_at_its_granularity(bars: str) -> None:
    for length in ("M1", "M5"):
        # The last bar closes when the window ends, and its gate is known only then.
        assert gates_met(bars, length=length) == len(market(length)) - 1


def test_bars_that_are_held_in_memory_count_too(bars: str) -> None:
    assert gates_met({"EUR_USD": market("M1")}) == gates_met(bars)


def test_bars_and_granularity_of_the_url_come_first(bars: str) -> None:
    assert gates_met(bars, "each:granularity=M5") == gates_met(bars, length="M5")
    assert gates_met(bars, f"each:bars={bars}", "M5") == gates_met(bars, length="M5")
    assert ran(bars, "each:").source == "producer:each"
    assert ran(bars, "each:bars=memory://empty").source == "none"


def test_a_weekly_run_makes_them_of_its_own_bars(bars: str) -> None:
    held = Sources(bars=bars, gates="each:").open()
    assert held.options["gates"].instruments() == ("EUR_USD",)


def test_a_paper_session_makes_them_of_its_own_bars(bars: str, tmp_path: Path) -> None:
    said: list[dict[str, Any]] = []
    asked = Asked(
        ("EUR_USD",), replay=True, start=START, end=END, granularity="M5", bars=bars,
        gates="each:", recording=tmp_path / "session",
    )  # fmt: skip
    run_session(asked, said.append)
    # Bars and the gates of all but the last, which is known when the window ends.
    assert said[-1]["inputs"] == {"taken": 2 * len(market("M5")) - 1}


def test_signals_are_scaled_by_gates_of_the_same_bars(bars: str) -> None:
    made = derive_signals("EUR_USD", *DAY, bars=bars, gates="each:")
    fixed = ProducedGates(producer_of("each:"), memory_bars(bars.removeprefix("memory://")))
    assert made == derive_signals("EUR_USD", *DAY, bars=bars, gates=fixed)
    assert made != derive_signals("EUR_USD", *DAY, bars=bars, gates="each:bars=memory://empty")


def test_a_producer_made_in_python_keeps_the_bars_that_it_was_given() -> None:
    made = ProducedGates(SimpleNamespace(name="each", memory_bars=1), memory_bars("other"))
    assert open_gates(made, memory_bars("usual"), "M5") is made
