"""Random markets and readings for the laws of the encoder.

A market is a list of stretches, each a kind of weather with a seed, so that a failing
example shrinks to few and short ones.
"""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st
from tests.naive.naive_encoder import Reading

from hotband.core.records import QUOTE, Records
from hotband.market.bars import Bars, Int64Array
from hotband.market.calendar import parse_granularity

SUNDAY = 1_743_973_200_000_000_000  # 2025-04-06T21:00Z
MINUTE = 60_000_000_000
KINDS = (
    "walk",  # 1 bp a bar
    "trend",  # its moves persist
    "ticks",  # on a coarse grid of prices, so that many moves are equal
    "quiet",  # no move at all
    "wild",  # moves beyond what is counted
    "line",  # doubles at each bar: every counted return is the same
    "dive",  # halves
    "drift",  # rises by 5 % a bar, give or take a billionth
    "dots",  # no bar has a range
    "jumps",  # small ranges, moves between the bars
    "wide",  # wide and unsteady spreads, a third of the volumes unknown
    "mute",  # no volume
    "holes",  # missing bars and gaps
)


class Stretch(NamedTuple):
    """Some bars of one kind."""

    kind: str
    bars: int
    seed: int


class Market(NamedTuple):
    """Bars and how to read them."""

    bars: Bars
    how: Reading


def _prices(stretch: Stretch, start: float, rng: np.random.Generator) -> Records:
    n, kind = stretch.bars, stretch.kind
    sizes = {"quiet": 0.0, "line": 0.0, "dive": 0.0, "drift": 1e-9, "wild": 0.3}
    size = sizes.get(kind, 1e-4)
    drift = {"line": np.log(2.0), "dive": -np.log(2.0), "drift": 0.05}.get(kind, 0.0)
    moves = rng.normal(drift, size, n)
    if kind == "trend":
        moves = np.convolve(moves, np.ones(9) / 3)[:n]
    close = start * np.exp(np.cumsum(moves))
    reach = {"dots": 0.0, "jumps": 0.2 * size}.get(kind, size)
    opens = close if kind in {"dots", "jumps"} else np.concatenate(([start], close[:-1]))
    high = np.maximum(opens, close) * np.exp(reach * np.abs(rng.normal(size=n)))
    low = np.minimum(opens, close) * np.exp(-reach * np.abs(rng.normal(size=n)))
    data = np.zeros(n, QUOTE)
    half = close * 2.0**-14 * rng.integers(1, 200 if kind == "wide" else 4, n)
    for letter, mid in zip("ohlc", (opens, high, low, close), strict=True):
        grid = start * 2.0**-15
        level = np.round(mid / grid) * grid if kind == "ticks" else mid
        data[f"bid_{letter}"], data[f"ask_{letter}"] = level - half, level + half
    known = rng.integers(0, 6, n).astype(float)
    lost = {"mute": 1.0, "wide": 0.3}.get(kind, 0.0)
    data["volume"] = np.where(rng.random(n) < lost, np.nan, known)
    return data


def _times(stretches: list[Stretch], unit: int, rng: np.random.Generator) -> Int64Array:
    steps: list[int] = []
    for stretch in stretches:
        odd = [2, 5, 12, 59, 60, 61, 3000]
        usual = rng.integers(0, 8, stretch.bars) > 0
        rare = np.where(usual, 1, rng.choice(odd, stretch.bars))
        steps += rare.tolist() if stretch.kind == "holes" else [1] * stretch.bars
    return SUNDAY + unit * np.cumsum(np.array(steps, np.int64))


def bars_of(stretches: list[Stretch], granularity: str = "M1") -> Bars:
    """The bars of ``stretches``, each going on from the close of the one before."""
    parts, start = [], 1.125
    for stretch in stretches:
        part = _prices(stretch, start, np.random.default_rng(stretch.seed))
        start = float(part["bid_c"][-1] + part["ask_c"][-1]) * 0.5
        parts.append(part)
    data = np.concatenate(parts)
    rng = np.random.default_rng(stretches[0].seed + 1)
    data["t"] = _times(stretches, parse_granularity(granularity), rng)
    return Bars.from_records("EUR_USD", granularity, data, source="demo")


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    """Small windows and memories, so that few bars fill them."""
    return Reading(
        window_bars=draw(st.sampled_from([4, 6, 8, 12])),
        stride_bars=draw(st.sampled_from([1, 1, 2, 3, 16])),
        atr_bars=draw(st.integers(1, 5)),
        max_gap_minutes=draw(st.sampled_from([5, 5, 60])),
        lambda_scale=draw(st.sampled_from([0.1, 0.37, 1.0])),
        signature_decimals=draw(st.sampled_from([0, 1, 2, 3, 6])),
        repetition_minutes=draw(st.sampled_from([1, 7, 60, 1440])),
        hazard_percentile=draw(st.sampled_from([None, 0.05, 0.5, 0.8, 0.99])),
        hazard_memory=draw(st.sampled_from([64, 70, 2048])),
        spread_bit=draw(st.booleans()),
        volume_bit=draw(st.booleans()),
    )


@st.composite
def markets(draw: st.DrawFn, stretches: int = 6) -> Market:
    """One to ``stretches`` stretches of up to 50 bars, and a reading."""
    one = st.builds(Stretch, st.sampled_from(KINDS), st.integers(1, 50), st.integers(0, 99))
    weather = draw(st.lists(one, min_size=1, max_size=stretches))
    return Market(bars_of(weather, draw(st.sampled_from(["S5", "M1", "M5"]))), draw(readings()))


def with_data(bars: Bars, data: Records) -> Bars:
    """``bars`` with other records."""
    return Bars.from_records(bars.instrument, bars.granularity, data, source="demo")


def random_walk(size: int, volatility: float, seed: int, fine: int = 60) -> Bars:
    """M1 bars of a Gaussian walk of the log price without drift, ``fine`` steps to a bar.

    ``volatility`` is that of one bar; the mid starts at 1.125 and the spread is 0.
    """
    rng = np.random.default_rng(seed)
    steps = rng.standard_normal((size, fine), np.float32) * (volatility / np.sqrt(fine))
    inside = np.cumsum(steps, axis=1, dtype=np.float64)
    opens = np.concatenate(([0.0], np.cumsum(inside[:-1, -1])))
    above, below = inside.max(axis=1).clip(0.0), inside.min(axis=1).clip(None, 0.0)
    data = np.zeros(size, QUOTE)
    data["t"] = SUNDAY + MINUTE * np.arange(size)
    data["volume"] = np.nan
    close = np.append(opens[1:], opens[-1] + inside[-1, -1])
    for letter, level in zip("ohlc", (opens, opens + above, opens + below, close), strict=True):
        data[f"bid_{letter}"] = data[f"ask_{letter}"] = 1.125 * np.exp(level)
    return Bars.from_records("EUR_USD", "M1", data, source="demo")
