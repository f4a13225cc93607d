"""Windows, bars and gates that the tests of null worlds share."""

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from hotband.feeds.demo import demo_bars
from hotband.gates.events import Gates
from hotband.market.bars import Bars
from hotband.market.calendar import DAY_NS, parse_time
from hotband.research.nullworlds import DEFAULT, NullSettings, World, end_after_days, null_bars

Floats = npt.NDArray[np.float64]

START: Final = parse_time("2024-01-07T22:00:00Z")
"""A Sunday, 17:00 New York."""
YEAR: Final = end_after_days(START, 260)
WEEKS_4: Final = START + 28 * DAY_NS
REAL_FROM: Final = parse_time("2025-03-02T22:00:00Z")
"""A Sunday, 17:00 New York, a week before daylight time begins."""
REAL_TO: Final = REAL_FROM + 26 * DAY_NS
"""A Friday after the close."""


@lru_cache(maxsize=8)
def year(world: World, seed: int = 1) -> Bars:
    """A year of M1 bars of N1 or N2."""
    return null_bars(world, seed, instrument="EUR_USD", start_ns=START, end_ns=YEAR)


@lru_cache(maxsize=8)
def history(name: str = "EUR_USD", granularity: str = "M5") -> Bars:
    """Four weeks of the demo market: history for the worlds that resample."""
    return demo_bars([name], REAL_FROM, REAL_TO, granularity, seed=3)[name]


def resampled(
    world: World,
    seed: int = 1,
    name: str = "EUR_USD",
    settings: NullSettings = DEFAULT,
) -> Bars:
    """N3 or N4 of :func:`history` over its own window."""
    base = history(name)
    return null_bars(
        world, seed, instrument=name, start_ns=REAL_FROM, end_ns=REAL_TO,
        granularity="M5", base=base, settings=settings,
    )  # fmt: skip


def mid(bars: Bars, letter: str = "c") -> Floats:
    """Arithmetic mid."""
    value: Floats = (bars.data[f"bid_{letter}"] + bars.data[f"ask_{letter}"]) / 2
    return value


def log_mid(bars: Bars, letter: str = "c") -> Floats:
    """Log of the geometric mid."""
    value: Floats = np.log(bars.data[f"bid_{letter}"] * bars.data[f"ask_{letter}"]) / 2
    return value


def moves(bars: Bars) -> Floats:
    """Log moves of the geometric mid close, the first from the first open."""
    levels = np.concatenate((log_mid(bars, "o")[:1], log_mid(bars)))
    made: Floats = np.diff(levels)
    return made


def gates_at(known: npt.NDArray[np.int64], side: npt.NDArray[np.int64]) -> Gates:
    """Gates of EUR_USD that differ in hazard, so that each can be told from the others."""
    n = len(known)
    hazard = np.linspace(0.01, 0.09, n)
    return Gates.from_columns(
        "EUR_USD", known, side, hazard, np.full(n, 5), {}, synthetic=False
    )  # fmt: skip
