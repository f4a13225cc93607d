"""The encoder read from its definition: lists of bits, sorted lists, and NumPy's FFT.

Every window is measured anew. All that is carried from bar to bar is the list of the bars
so far, with what each of them said, and the list of the emissions so far.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import inf, isnan, log, log2, nan, sqrt
from typing import NamedTuple

import numpy as np

from hotband.core.records import Records

SCALE = 2**31
FAR = 0.08
"""Returns and ranges beyond it count as this much: 256 of their squares fit into 63 bits."""
STEEP, LINKED, CALM, WILD = 1.96, 0.1, 0.75, 1.5
"""Where the regime labels begin: T, A, V1 and V2 of the definition."""
NS_PER_MINUTE = 60_000_000_000
REFUSED = "hazard_exceeds_adaptive_threshold"


class Reading(NamedTuple):
    """How bars are read, with the defaults of the definition."""

    window_bars: int = 64
    stride_bars: int = 1
    atr_bars: int = 14
    max_gap_minutes: int = 60
    lambda_scale: float = 0.1
    signature_decimals: int = 2
    repetition_minutes: int = 60
    hazard_percentile: float | None = 0.8
    hazard_memory: int = 2048
    spread_bit: bool = True
    volume_bit: bool = True


class Bar(NamedTuple):
    """One closed bar with what it says by itself or beside the bar before it."""

    t: int
    span: int  # numbered anew at each reset
    spread: float
    volume: float
    up: bool
    r: int | None  # fixed-point log return; None without a bar before it
    tr: int | None  # fixed-point true range
    hl: int  # fixed-point ln(high/low)


class Emission(NamedTuple):
    """One gate as the definition gives it; undefined = NaN, no threshold = None."""

    t: int
    known: int
    hazard: float
    metrics: tuple[float, ...]
    side: int
    label: str
    confidence: float
    reps: int
    admit: int
    signature: str
    threshold: float | None
    reasons: tuple[str, ...]


def fixed(x: float) -> int:
    """``x`` cut to +-0.08, in steps of 2**-31, half to even."""
    return round(max(-FAR, min(FAR, x)) * SCALE)


def bars_from(data: Records, how: Reading) -> list[Bar]:
    """The quotes as bars, each compared with the bar before it in its span."""
    read: list[Bar] = []
    span, before = 0, nan
    columns = ("t", "bid_h", "bid_l", "bid_c", "ask_h", "ask_l", "ask_c", "volume")
    rows = zip(*(data[name].tolist() for name in columns), strict=True)
    for t, bid_h, bid_l, bid_c, ask_h, ask_l, ask_c, volume in rows:
        high, low, close = (bid_h + ask_h) * 0.5, (bid_l + ask_l) * 0.5, (bid_c + ask_c) * 0.5
        if read and t - read[-1].t > how.max_gap_minutes * NS_PER_MINUTE:
            span, before = span + 1, nan
        first = isnan(before)
        reach = max(high, before) - min(low, before)
        read.append(
            Bar(
                t,
                span,
                ask_c - bid_c,
                volume,
                close >= before,
                None if first else fixed(log(close / before)),
                None if first else fixed(reach / before),
                fixed(log(high / low)),
            )
        )
        before = close
    return read


def median(values: Sequence[float]) -> float:
    """The middle value; of an even count, the mean of the two in the middle."""
    ranked, half = sorted(values), len(values) // 2
    return ranked[half] if len(ranked) % 2 else (ranked[half - 1] + ranked[half]) / 2


def bits_of(past: Sequence[Bar], how: Reading) -> list[int] | None:
    """Bits of the last bar of ``past``, which holds its span alone; None before a full ATR."""
    ranges = [bar.tr for bar in past if bar.tr is not None][-how.atr_bars :]
    now = past[-1]
    if len(ranges) < how.atr_bars or now.r is None or now.tr is None:
        return None
    atr = sum(ranges)
    move = round(min(1.0, abs(now.r) * how.atr_bars / atr) * 7) if atr else 0
    reach = round(min(1.0, now.tr * how.atr_bars / atr) * 3) if atr else 0
    bits = [int(now.up), *map(int, f"{move:03b}"), *map(int, f"{reach:02b}")]
    recent = past[-how.window_bars :]
    if how.spread_bit:
        bits.append(int(now.spread <= median([bar.spread for bar in recent])))
    if how.volume_bit:
        volumes = [bar.volume for bar in recent if not isnan(bar.volume)]
        bits.append(int(not isnan(now.volume) and now.volume >= median(volumes)))
    return bits


def flips(bits: Sequence[int]) -> int:
    """How often neighbours differ."""
    return sum(a != b for a, b in pairwise(bits))


def tau(bits: Sequence[int], k: int) -> float:
    """Share of bits that equal the one ``k`` before."""
    return sum(a == b for a, b in zip(bits, bits[k:], strict=False)) / (len(bits) - k)


def entropy_of(bits: Sequence[int]) -> float:
    """Shannon entropy, in bits, of the shares of ones and zeros."""
    p, q = (list(bits).count(bit) / len(bits) for bit in (1, 0))
    return -(p * log2(p) + q * log2(q)) if 0 < p < 1 else 0.0


def low_share(bits: Sequence[int]) -> float:
    """Power of the lowest quarter of the frequencies over that of all, mean removed."""
    if len(set(bits)) == 1:
        return nan
    top = len(bits) // 2
    power = np.abs(np.fft.fft(np.array(bits) - np.mean(bits))) ** 2
    return float(power[1 : max(1, top // 4) + 1].sum() / power[1 : top + 1].sum())


def measure(bits: Sequence[int]) -> dict[str, float]:
    """The metrics of a window, by name, ``rupture`` among them."""
    half = len(bits) // 2
    rupture = flips(bits) / (len(bits) - 1)
    wall = flips(bits[half:]) / (half - 1) - flips(bits[:half]) / (half - 1)
    slope = (tau(bits, 4) - tau(bits, 1)) / 3
    walls, slopes = abs(wall) > 1e-6, abs(slope) > 1e-6
    return {
        "coherence": 1 - entropy_of(bits),
        "stability": 1 - rupture,
        "entropy": entropy_of(bits),
        "coherence_tau_slope": slope,
        "domain_wall_slope": wall,
        "spectral_lowf_share": low_share(bits),
        "reynolds_ratio": rupture / abs(wall) if walls else nan,
        "temporal_half_life": log(2) / abs(slope) if slopes else nan,
        "spatial_corr_length": 1 / abs(wall) if walls else nan,
        "pinned_alignment": nan,
        "rupture": rupture,
    }


def regime(r: Sequence[int], hl: Sequence[int]) -> tuple[str, float, int]:
    """(label, confidence, side) of a window's returns and ranges.

    Sums are of whole numbers, each deviation from the mean times N, so nothing is lost
    before the last division.
    """
    n = len(r)
    deviations = [n * x - sum(r) for x in r]
    squares = sum(d * d for d in deviations)
    slope = sum((2 * i - (n - 1)) * level for i, level in enumerate(accumulate(r)))
    side = (slope > 0) - (slope < 0)
    ranges = sum(x * x for x in hl)
    if squares == 0:
        return "neutral", 0.5, side
    sigma = sqrt(squares / n**3)
    auto = sum(a * b for a, b in pairwise(deviations)) / squares
    per_bar = slope * 6 / (n * (n * n - 1))
    unit = 6 / 5 * (n * n + 1) / (n * n - 1)
    trend = per_bar * n / (sigma * sqrt(unit * n))
    if abs(trend) >= STEEP and auto >= LINKED:
        name = "trend_bull" if trend > 0 else "trend_bear"
        return name, min(1.0, abs(trend) / (2 * STEEP)), side
    if ranges == 0:
        return "neutral", 0.5, side
    ratio = sigma / sqrt(ranges / (n * 4 * log(2)))
    if ratio < CALM and abs(auto) < 0.25:
        return "mean_revert", max(0.0, min(1.0, 1 - ratio)), side
    if ratio >= WILD and abs(auto) < 0.1:
        return "chaotic", min(1.0, ratio / 3), side
    return "neutral", 0.5, side


def threshold_of(before: Sequence[Emission], how: Reading) -> float | None:
    """The percentile of the last hazards, all emitted before; None for fewer than 64."""
    if how.hazard_percentile is None:
        return None
    ranked = sorted(one.hazard for one in before[-how.hazard_memory :])
    if len(ranked) < 64:
        return None
    return ranked[int(how.hazard_percentile * (len(ranked) - 1))]


def signature_of(values: dict[str, float], decimals: int) -> str:
    """The three leading metrics, rounded, as text."""
    names = {"c": "coherence", "s": "stability", "e": "entropy"}
    return "_".join(f"{k}{round(values[name], decimals):.{decimals}f}" for k, name in names.items())


def encode(data: Records, granularity_ns: int, how: Reading) -> list[Emission]:
    """Every emission of the quotes ``data``, in order."""
    bars = bars_from(data, how)
    words: list[list[int] | None] = []
    found: list[Emission] = []
    for i, bar in enumerate(bars):
        earliest = max(0, i - max(how.window_bars, how.atr_bars))  # no rule looks further back
        past = [one for one in bars[earliest : i + 1] if one.span == bar.span]
        words.append(bits_of(past, how))
        recent = words[-min(how.window_bars, len(past)) :]
        window = [bit for word in recent if word is not None for bit in word]
        full = len(recent) == how.window_bars and None not in recent
        if not full or (bar.t // granularity_ns) % how.stride_bars != 0:
            continue
        found.append(_emit(bar, past[-how.window_bars :], window, granularity_ns, how, found))
    return found


def _emit(
    bar: Bar,
    recent: Sequence[Bar],
    window: Sequence[int],
    granularity_ns: int,
    how: Reading,
    before: Sequence[Emission],
) -> Emission:
    values = measure(window)
    hazard = how.lambda_scale * values.pop("rupture")
    label, sure, side = regime([b.r for b in recent if b.r is not None], [b.hl for b in recent])
    signature = signature_of(values, how.signature_decimals)
    known = bar.t + granularity_ns
    since = known - how.repetition_minutes * NS_PER_MINUTE
    alike = [one for one in before if one.signature == signature and one.known > since]
    threshold = threshold_of(before, how)
    refused = hazard > (inf if threshold is None else threshold)
    return Emission(
        bar.t,
        known,
        hazard,
        tuple(values.values()),
        side,
        label,
        sure,
        len(alike) + 1,
        int(not refused),
        signature,
        threshold,
        (REFUSED,) if refused else (),
    )
