"""Runs of a small grid over a week of the demo market, and what is published of them.

The window ends with the week, so that nothing is open at its end.
"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from hotband.artefacts.schemas import Instrument, Latest
from hotband.artefacts.writer import ArtefactFolder
from hotband.feeds.demo import demo_bars
from hotband.market.bars import Bars
from hotband.market.calendar import parse_time
from hotband.weekly.api import run_grid

PAIRS: Final = ("EUR_USD", "USD_JPY")
DATA: Final = ("2026-03-01T22:00:00Z", "2026-03-13T21:00:00Z")
WINDOW: Final = ("2026-03-12T00:00:00Z", "2026-03-13T21:00:00Z")
GRID: Final[dict[str, Any]] = {
    "default": {
        "hazard": {"points": 40},
        "min_reps": [1, 2, 3],
        "hold_minutes": [15, 30, 60],
        "exposure": [0.25, 0.5, 1.0],
        "stop_loss_pips": [10, 20],
    },
    "instruments": {"USD_JPY": {"stop_loss_pips": [12]}},
    "min_trades": 5,
}
"""Several spans for the first pair, of which the last is short, and other axes for the second."""

SMALL: Final[dict[str, Any]] = {"default": {"min_reps": [1, 2], "exposure": [0.5]}, "min_trades": 5}
"""One span an instrument, for what does not need several."""


@lru_cache
def market() -> Mapping[str, Bars]:
    """Bars of the pairs, over two whole weeks, the second of which ends with the window."""
    start, end = (parse_time(text) for text in DATA)
    return demo_bars(PAIRS, start, end, seed=7, edge=0.05)


def run(folder: Path, **options: Any) -> Latest:
    """``run_grid`` over the window into ``folder``, by default in this thread.

    Trials are counted beside it, so that no other run has a say.
    """
    start, end = WINDOW
    given: dict[str, Any] = {
        "start": start,
        "end": end,
        "bars": market(),
        "gates": {},
        "grid": GRID,
    }
    given |= {"executor": "serial", "trials": folder.with_name(f"{folder.name}-trials")}
    return run_grid(**{"instruments": PAIRS} | given | options, output=folder)


def published(folder: Path) -> dict[str, object]:
    """What must not differ between two runs of the same inputs: latest.json and its tables."""
    latest = ArtefactFolder(folder).read_latest()
    assert latest is not None
    text = json.loads((folder / "latest.json").read_text())
    assert text.pop("generated_at")
    tables = {name: (folder / path).read_bytes() for name, path in latest.files.items()}
    return {"latest": json.dumps(text), **tables}


def stop_after(tellings: int) -> tuple[Callable[[], bool], Callable[[object], None]]:
    """A cancel flag, and the listener that raises it when it has heard so much."""
    heard: list[object] = []
    return lambda: len(heard) >= tellings, heard.append


def instrument_of(latest: Latest, name: str) -> Instrument:
    """The entry of an instrument that did not fail."""
    entry = latest.instruments[name]
    assert isinstance(entry, Instrument)
    return entry


def spans_in(folder: Path) -> list[Path]:
    """The files of kept spans."""
    return sorted(folder.glob("runs/*/spans/*/*.span"))
