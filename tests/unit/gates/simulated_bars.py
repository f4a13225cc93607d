"""Simulated bars for the encoder: ranges, spreads and volumes, from drawn numbers."""

from hashlib import sha256

import numpy as np

from hotband.core.records import QUOTE, Records
from hotband.gates.encoder import GateEncoder
from hotband.gates.encoder_state import EncoderSettings
from hotband.market.bars import Bars

MINUTE = 60_000_000_000
START = 1_743_984_000_000_000_000  # 2025-04-07T00:00Z, a whole multiple of 1000 minutes off 0
SMALL = EncoderSettings(
    window_bars=8, atr_bars=3, repetition_minutes=10, hazard_memory=64, signature_decimals=1
)


def quotes(
    n: int, seed: int = 1, sigma: float = 2e-4, fine: int = 8, drift: float = 0.0
) -> Records:
    """M1 bars of a random walk of ``fine`` steps a bar, with some volumes unknown."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(drift, sigma / np.sqrt(fine), (n, fine))
    path = 1.1 * np.exp(np.cumsum(steps).reshape(n, fine))
    opened = np.concatenate(([1.1], path[:-1, -1]))
    high, low = np.maximum(path.max(axis=1), opened), np.minimum(path.min(axis=1), opened)
    half = rng.integers(1, 9, n) * 1e-5
    data = np.zeros(n, QUOTE)
    data["t"] = START + np.arange(n) * MINUTE
    for letter, price in zip("ohlc", (opened, high, low, path[:, -1]), strict=True):
        data[f"bid_{letter}"], data[f"ask_{letter}"] = price - half, price + half
    data["volume"] = np.where(rng.random(n) < 0.2, np.nan, rng.integers(0, 30, n))
    return data


def flat(n: int, price: float = 1.25) -> Records:
    """M1 bars of one price without a spread and of unknown volume."""
    data = np.zeros(n, QUOTE)
    for name in (QUOTE.names or ())[1:]:
        data[name] = price
    data["t"], data["volume"] = START + np.arange(n) * MINUTE, np.nan
    return data


def bars_of(data: Records) -> Bars:
    return Bars.from_records("EUR_USD", "M1", data, source="demo")


def encoder(settings: EncoderSettings = SMALL) -> GateEncoder:
    return GateEncoder("EUR_USD", MINUTE, settings)


def digest(n: int) -> str:
    """Hash of all gates and thresholds of ``n`` bars with a gap in them."""
    data = quotes(n, seed=9)
    data["t"][n // 2 :] += 500 * MINUTE
    gates, thresholds = encoder().encode(data)
    return sha256(gates.tobytes() + thresholds.tobytes()).hexdigest()
