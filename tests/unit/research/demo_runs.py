"""Simulations of two days of the demo market, for the tests of the driver and its result."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, TypedDict, Unpack

import numpy as np

from hotband.core.records import Records
from hotband.feeds.demo import demo_bars
from hotband.gates.events import Gates
from hotband.gates.reader import GateInput
from hotband.market.bars import Bars
from hotband.market.calendar import parse_time
from hotband.market.financing import FinancingTable
from hotband.profile.strategy import Profile, load_profile
from hotband.research.result import SimulationResult
from hotband.research.simulator import BacktestSimulator

MINUTE: Final = 60_000_000_000
DATA: Final = ("2025-04-02T00:00:00Z", "2025-04-09T12:00:00Z")
START: Final = "2025-04-07T00:00:00Z"
END: Final = "2025-04-08T20:00:00Z"
DEFAULT: Final = load_profile()
PLAIN: Final = load_profile(
    {
        "global": {
            "exit": {"hold_minutes": 30},
            "nav_risk_pct": None,
            "gate_max_age_minutes": 15,
            "session_exit_minutes": 0,
        },
        "account": {"home": "USD", "cost_bps": 1.5},
    }
)
"""No thresholds, stops or sessions: a gate becomes a position of one NAV for half an hour."""


class Options(TypedDict, total=False):
    """Keywords of BacktestSimulator that a test may change."""

    profile: Profile
    balance: float
    cost_bps: float | None
    granularity: str
    financing: FinancingTable
    start: str
    end: str
    fallback: bool


@lru_cache
def market(*names: str, granularity: str = "M1") -> Mapping[str, Bars]:
    """Bars of the demo market from well before the window until after it."""
    start, end = (parse_time(text) for text in DATA)
    return demo_bars(names, start, end, granularity, seed=11, edge=0.05)


def driver(
    names: str | Sequence[str],
    bars: Mapping[str, Bars] | None = None,
    gates: GateInput = None,
    **options: Unpack[Options],
) -> BacktestSimulator:
    """A simulator over ``bars`` (of the demo market); gates are derived unless some are given."""
    wanted = [names] if isinstance(names, str) else list(names)
    window = options.pop("start", START), options.pop("end", END)
    options.setdefault("profile", DEFAULT)
    held = market(*wanted) if bars is None else bars
    recorded: GateInput = {} if gates is None else gates
    options.setdefault("fallback", not recorded)
    return BacktestSimulator(names, *window, bars=held, gates=recorded, **options)


def simulate(
    names: str | Sequence[str],
    bars: Mapping[str, Bars] | None = None,
    gates: GateInput = None,
    **options: Unpack[Options],
) -> SimulationResult:
    """The result of :func:`driver`."""
    return driver(names, bars, gates, **options).run()


def recorded(name: str, *known: str, side: int = 1, hazard: float = 0.05) -> Gates:
    """Recorded gates of one side, known at the times given."""
    times = np.array([parse_time(text) for text in known], np.int64)
    sides = np.full(len(times), side)
    return Gates.from_columns(
        name, times, sides, np.full(len(times), hazard), np.full(len(times), 5), {},
        synthetic=False,
    )  # fmt: skip


def quote_at(bars: Bars, time: str) -> Records:
    """The bar that opens at ``time``, shape (1,)."""
    row: Records = bars.data[bars.data["t"] == parse_time(time)]
    assert len(row) == 1
    return row
