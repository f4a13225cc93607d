"""hotband: backtests gate-driven FX strategies through the code that trades them.

The names below are the public API; they are imported when first used, so that
``import hotband`` stays fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hotband.gates.events import Gates
    from hotband.gates.producer import GateProducer, gates_on
    from hotband.market.bars import Bars
    from hotband.profile.strategy import load_profile
    from hotband.research.decisions import GateDecision
    from hotband.research.portfolio import PortfolioManager
    from hotband.research.result import SimulationResult
    from hotband.research.signals import derive_signals
    from hotband.research.simulator import BacktestSimulator
    from hotband.research.sizer import RiskSizer, TradePlanner
    from hotband.stores.plugins import UrlOptions, produced_gates
    from hotband.stores.urls import open_bar_store, open_gate_store
    from hotband.weekly.api import run_grid

_HOMES = {
    "BacktestSimulator": "hotband.research.simulator",
    "Bars": "hotband.market.bars",
    "GateDecision": "hotband.research.decisions",
    "GateProducer": "hotband.gates.producer",
    "Gates": "hotband.gates.events",
    "PortfolioManager": "hotband.research.portfolio",
    "RiskSizer": "hotband.research.sizer",
    "SimulationResult": "hotband.research.result",
    "TradePlanner": "hotband.research.sizer",
    "UrlOptions": "hotband.stores.plugins",
    "derive_signals": "hotband.research.signals",
    "gates_on": "hotband.gates.producer",
    "load_profile": "hotband.profile.strategy",
    "open_bar_store": "hotband.stores.urls",
    "open_gate_store": "hotband.stores.urls",
    "produced_gates": "hotband.stores.plugins",
    "run_grid": "hotband.weekly.api",
}

__version__: str
"""Of the installed package: pyproject.toml is the one place that states it."""

__all__ = [
    "BacktestSimulator",
    "Bars",
    "GateDecision",
    "GateProducer",
    "Gates",
    "PortfolioManager",
    "RiskSizer",
    "SimulationResult",
    "TradePlanner",
    "UrlOptions",
    "__version__",
    "derive_signals",
    "gates_on",
    "load_profile",
    "open_bar_store",
    "open_gate_store",
    "produced_gates",
    "run_grid",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("hotband")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'hotband' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
