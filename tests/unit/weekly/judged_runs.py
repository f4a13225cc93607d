"""Runs of a small grid with three folds over eight weeks of the demo market."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from hotband.artefacts.schemas import Instrument, Latest
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

NAME: Final = "EUR_USD"
STEP: Final = 15 * 60 * 1_000_000_000
DATA: Final = ("2026-01-18T22:00:00Z", "2026-03-13T21:00:00Z")
"""Eight whole weeks, 2026-W04 to 2026-W11; daylight time begins before the last one."""
WEEKS: Final = {"look_back_weeks": 2, "hold_out_weeks": 1, "step_weeks": 1, "max_folds": 3}
GRID: Final[dict[str, Any]] = {
    "default": {
        "hazard": {"points": 4},
        "min_reps": [1, 2, 3],
        "hold_minutes": [60, 240],
        "exposure": [0.5],
        "stop_loss_pips": [None, 15],
    },
    "min_trades": 5,
    "walk_forward": WEEKS,
    "promotion": {"draws": 199},
}


@lru_cache
def market(seed: int = 7) -> Mapping[str, Bars]:
    """Bars with momentum in them."""
    start, end = (parse_time(text) for text in DATA)
    return demo_bars([NAME], start, end, "M15", seed=seed, edge=0.05)


def other_from(moment_ns: int) -> Mapping[str, Bars]:
    """The same market with every bar that opens at ``moment_ns`` or later another one."""
    bars, others = market()[NAME], market(seed=8)[NAME]
    later = bars.data["t"] >= moment_ns
    data = np.where(later, others.data, bars.data).view(np.recarray)
    assert (data["bid_c"][later] != bars.data["bid_c"][later]).all()
    data.setflags(write=False)
    return {NAME: replace(bars, data=data)}


def without(start: str, end: str) -> Mapping[str, Bars]:
    """The market with a hole in [start, end)."""
    bars = market()[NAME]
    t = bars.data["t"]
    kept = (t < parse_time(start)) | (t >= parse_time(end))
    return {NAME: replace(bars, data=bars.data[kept])}


@lru_cache
def recorded() -> Mapping[str, Gates]:
    """The gates that the deriver finds in all weeks, as if they had been recorded."""
    profile, pair = load_profile(None), get_instrument(NAME, load_instruments())
    rules = compile_rules(profile, pair, currencies([pair], profile.account.home))
    settings = deriver_settings(effective(profile, NAME))
    data = derive_gates(market()[NAME], rules[0], settings).gates.data.copy()
    data["synthetic"] = 0
    return {NAME: Gates(NAME, data, "memory")}


def cut_at(moment_ns: int) -> Mapping[str, Bars]:
    """The market up to the last bar that is complete by ``moment_ns``."""
    bars = market()[NAME]
    return {NAME: replace(bars, data=bars.data[bars.data["t"] + STEP <= moment_ns])}


def run(folder: Path, **options: Any) -> Latest:
    """``run_grid`` over all weeks into ``folder``; its trials are counted beside it."""
    given: dict[str, Any] = {"bars": market(), "gates": {}, "grid": GRID, "granularity": "M15"}
    given |= {"start": DATA[0], "end": DATA[1], "executor": "serial", "instruments": (NAME,)}
    given |= {"trials": folder.with_name(f"{folder.name}-trials")}
    return run_grid(**given | options, output=folder)


def entry_of(latest: Latest) -> Instrument:
    """The entry of the one instrument."""
    entry = latest.instruments[NAME]
    assert isinstance(entry, Instrument)
    return entry


def grid_with(**weeks: int) -> dict[str, Any]:
    """The grid with other lengths of its folds."""
    return GRID | {"walk_forward": WEEKS | weeks}


LONG: Final = grid_with(look_back_weeks=5)
"""24 days of look-back: enough for every number that is in-sample."""


def rows_of(folder: Path, latest: Latest) -> pl.DataFrame:
    """The published rows without what was measured on the hold-out."""
    rows = pl.read_parquet(folder / latest.files["rows"])
    return rows.drop([name for name in rows.columns if name.startswith("hold_out_")])
