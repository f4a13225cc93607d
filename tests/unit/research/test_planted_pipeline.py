"""What is planted is what the simulator earns: the whole pipeline over a null world, free of cost.

The strategy takes each gate for an hour with one NAV; gates come every three hours with a side
drawn by chance, so that nothing but the planted drift can be earned.
"""

from functools import lru_cache

import numpy as np
import pytest
from tests.unit.research.null_markets import START, YEAR, gates_at, mid

from hotband.gates.events import Gates
from hotband.market.bars import Bars
from hotband.market.calendar import format_time
from hotband.profile.strategy import load_profile
from hotband.research.nullworlds import null_bars
from hotband.research.planted import plant_drift
from hotband.research.result import SimulationResult
from hotband.research.simulator import BacktestSimulator

HOLD = 60
PLAIN = load_profile(
    {
        "global": {
            "exit": {"hold_minutes": HOLD},
            "nav_risk_pct": None,
            "gate_max_age_minutes": 15,
            "session_exit_minutes": 0,
        },
        "account": {"home": "USD", "cost_bps": 0.0},
    }
)


@lru_cache
def free_market() -> Bars:
    """A year of M5 bars of N1 without a spread."""
    bars = null_bars(
        "N1", 1, instrument="EUR_USD", start_ns=START, end_ns=YEAR, granularity="M5"
    )  # fmt: skip
    data = bars.data.copy()
    for letter in "ohlc":
        data[f"bid_{letter}"] = data[f"ask_{letter}"] = mid(bars, letter)
    return Bars.from_records("EUR_USD", "M5", data, source=bars.source)


@lru_cache
def gates() -> Gates:
    known = free_market().data["t"][50:-50:36]
    return gates_at(known, np.random.default_rng(1).choice(np.array([-1, 1]), len(known)))


@lru_cache
def traded(planted: float) -> SimulationResult:
    bars = plant_drift(free_market(), gates(), HOLD, planted)
    t = bars.data["t"]
    return BacktestSimulator(
        "EUR_USD", format_time(int(t[20])), format_time(int(t[-20])), profile=PLAIN,
        bars={"EUR_USD": bars}, gates={"EUR_USD": gates()}, granularity="M5", fallback=False,
    ).run()  # fmt: skip


def sharpe(planted: float) -> float:
    value = traded(planted).metrics["sharpe"].value
    assert value is not None
    return value


def test_the_simulator_takes_the_gates_of_a_null_world() -> None:
    assert len(traded(0.0).trades) > 0.95 * len(gates())


def test_a_year_without_an_edge_earns_within_three_standard_errors_of_nothing() -> None:
    assert abs(sharpe(0.0)) < 3


@pytest.mark.parametrize("planted", [-3.0, 3.0])
def test_the_simulator_earns_the_planted_sharpe_within_a_tenth(planted: float) -> None:
    assert sharpe(planted) - sharpe(0.0) == pytest.approx(planted, rel=0.1)
