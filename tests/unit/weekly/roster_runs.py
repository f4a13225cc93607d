"""Weekly runs over a growing demo market with recorded gates, for the tests of the roster."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from hotband.artefacts.schemas import Latest
from hotband.feeds.demo import demo_bars
from hotband.gates.deriver import derive_gates
from hotband.gates.events import Gates
from hotband.market.bars import Bars
from hotband.market.calendar import parse_time
from hotband.market.instruments import currencies, get_instrument, load_instruments
from hotband.profile.rules import compile_rules
from hotband.profile.strategy import effective, load_profile
from hotband.research.gate_source import deriver_settings
from hotband.weekly.api import run_grid

PAIRS: Final = ("EUR_USD", "USD_JPY")
DATA: Final = ("2026-02-01T22:00:00Z", "2026-03-13T21:00:00Z")
"""Six whole weeks, 2026-W06 to 2026-W11."""
GRID: Final[dict[str, Any]] = {
    "default": {"min_reps": [1, 2], "exposure": [0.5]},
    "min_trades": 5,
    "walk_forward": {"look_back_weeks": 2, "hold_out_weeks": 1, "step_weeks": 1, "max_folds": 2},
    "promotion": {"draws": 199},
}
WEEKS: Final = ("2026-W09", "2026-W10", "2026-W11")


@lru_cache
def market() -> Mapping[str, Bars]:
    """Bars with momentum in them."""
    start, end = (parse_time(text) for text in DATA)
    return demo_bars(PAIRS, start, end, seed=7, edge=0.05)


@lru_cache
def recorded() -> Mapping[str, Gates]:
    """The gates that the deriver finds in them, as if they had been recorded."""
    profile, table = load_profile(None), load_instruments()
    found = {}
    for name, bars in market().items():
        pair = get_instrument(name, table)
        rules = compile_rules(profile, pair, currencies([pair], profile.account.home))
        gates = derive_gates(bars, rules[0], deriver_settings(effective(profile, name))).gates
        data = gates.data.copy()
        data["synthetic"] = 0
        found[name] = Gates(name, data, "memory")
    return found


def run(folder: Path, week: str, **options: Any) -> Latest:
    """The weekly run of a week into ``folder``; its trials are counted beside it."""
    given: dict[str, Any] = {"bars": market(), "gates": recorded(), "grid": GRID, "week": week}
    given |= {"executor": "serial", "trials": folder.with_name(f"{folder.name}-trials")}
    return run_grid(**{"instruments": PAIRS} | given | options, output=folder)
