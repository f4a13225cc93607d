"""Structural metrics of a window of bits, from whole-number counts alone.

Every count follows when one bit turns over or the window moves on, so nothing is summed in
floating point and nothing drifts: the same bits give the same metrics, whichever way the
window came to hold them. ``bit_metrics`` is the definition for users; the encoder keeps the
same counts rolling and shares the formulas.
"""

from functools import lru_cache
from math import log
from typing import Final

import numpy as np
import numpy.typing as npt

from hotband.core import codes
from hotband.core.jit import kernel
from hotband.core.records import GATE, Record, Records, empty
from hotband.errors import GatesError
from hotband.gates.runs import IntArray, binary_entropy

MaskArray = npt.NDArray[np.int32]

MIN_BITS: Final = 6
MAX_BITS: Final = 2048
LEAST_SLOPE: Final = 1e-6
"""A slope of at most this size is none: what divides by it is undefined."""

_METRICS: Final = [metric for _, metric in codes.GUARDS]
_COHERENCE: Final = _METRICS.index("coherence")
_STABILITY: Final = _METRICS.index("stability")
_ENTROPY: Final = _METRICS.index("entropy")
_TAU_SLOPE: Final = _METRICS.index("coherence_tau_slope")
_WALL_SLOPE: Final = _METRICS.index("domain_wall_slope")
_LOW_SHARE: Final = _METRICS.index("spectral_lowf_share")
_REYNOLDS: Final = _METRICS.index("reynolds_ratio")
_HALF_LIFE: Final = _METRICS.index("temporal_half_life")
_LENGTH: Final = _METRICS.index("spatial_corr_length")
_PINNED: Final = _METRICS.index("pinned_alignment")
_LN2: Final = log(2.0)
_NAN: Final = float("nan")

COUNT_FIELDS: Final = [
    ("n", "i8"),  # bits of the window, fixed
    ("power_unit", "f8"),  # low_power per unit of squared amplitude, fixed
    ("ones", "i8"),
    ("alternation", "i8"),  # ones at even places less ones at odd places
    ("flips", "i8"),  # neighbours that differ
    ("late_flips", "i8"),  # those inside the second half
    ("middle_flip", "i8"),  # 1 = the halves differ where they meet
    ("apart_4", "i8"),  # pairs four apart that differ
    ("low_power", "i8"),  # power in the low bins, see flip_bit
]
"""What the metrics are computed from."""
COUNTS: Final = np.dtype(COUNT_FIELDS)


@lru_cache(maxsize=8)
def wave_table(n: int) -> tuple[MaskArray, float]:
    """The low band as weights of distances: (weights, their scale).

    The power in bins 1..L of n bits b is the sum over i, j of b_i b_j c(i - j), where
    c(d) = sum over k = 1..L of cos(2 pi k d / n) and L = max(1, n // 8). The weights are c in
    whole numbers, scale x c(d mod n) for d = 0 .. 2n - 1, exactly even in d, so that the power
    does not depend on where a ring begins. Their sizes add up to less than 2**31.
    """
    low = max(1, n // 2 // 4)
    turns = np.arange(n // 2 + 1)[:, None] * np.arange(1, low + 1) % n
    half = np.cos(2.0 * np.pi * turns / n).sum(axis=1)
    wave = np.concatenate((half, half[1:-1][::-1]))
    scale = 2.0 ** np.floor(np.log2((2.0**31 - n) / np.abs(wave).sum()))
    weights = np.rint(wave * scale).astype(np.int32)
    return np.concatenate((weights, weights)), float(scale)


@kernel
def _pull(masks: MaskArray, waves: MaskArray, place: int) -> int:
    """Sum of the weights of all ones by their distance to ``place``."""
    n = len(masks)
    near = waves[n - place : 2 * n - place]
    total = np.int32(0)
    for i in range(n):
        total = np.int32(total + np.int32(masks[i] & near[i]))
    return int(total)


@kernel
def flip_bit(counts: Record, masks: MaskArray, waves: MaskArray, place: int) -> None:
    """Turn one bit over, in ``masks`` (0 or -1 per bit), ones, alternation and low power."""
    pull = _pull(masks, waves, place)
    step = 1 if masks[place] == 0 else -1
    masks[place] = -1 if step == 1 else 0
    counts.low_power += 2 * step * pull + waves[0]
    counts.ones += step
    counts.alternation += step * (1 - 2 * (place & 1))


@kernel
def write_metrics(counts: Record, entropy: float, gate: Record) -> None:
    """The ten metrics of ``codes.GUARDS`` into ``gate.metrics``; NaN where undefined."""
    n = counts.n
    half = n // 2 - 1
    rupture = counts.flips / (n - 1)
    early = counts.flips - counts.late_flips - counts.middle_flip
    tau = ((n - 4 - counts.apart_4) / (n - 4) - (n - 1 - counts.flips) / (n - 1)) / 3.0
    wall = counts.late_flips / half - early / half
    metrics = gate.metrics
    metrics[_COHERENCE] = 1.0 - entropy
    metrics[_STABILITY] = 1.0 - rupture
    metrics[_ENTROPY] = entropy
    metrics[_TAU_SLOPE] = tau
    metrics[_WALL_SLOPE] = wall
    metrics[_LOW_SHARE] = _low_share(counts)
    metrics[_REYNOLDS] = _NAN
    metrics[_HALF_LIFE] = _NAN
    metrics[_LENGTH] = _NAN
    metrics[_PINNED] = _NAN
    if abs(tau) > LEAST_SLOPE:
        metrics[_HALF_LIFE] = _LN2 / abs(tau)
    if abs(wall) > LEAST_SLOPE:
        metrics[_REYNOLDS] = rupture / abs(wall)
        metrics[_LENGTH] = 1.0 / abs(wall)


@kernel
def _low_share(counts: Record) -> float:
    ones = counts.ones
    # Twice the power in bins 1 .. n/2, by Parseval; the last bin is the alternation.
    power = counts.n * ones - ones * ones + counts.alternation * counts.alternation
    if power == 0:
        return _NAN
    return float(min(1.0, max(0.0, 2.0 * (counts.low_power / counts.power_unit) / power)))


@kernel
def count_bits(bits: IntArray, counts: Record, masks: MaskArray, waves: MaskArray) -> None:
    """Every count of ``bits`` into fresh ``counts`` and zeroed ``masks``."""
    n = len(bits)
    for i in range(n):
        if bits[i] == 1:
            flip_bit(counts, masks, waves, i)
        if i >= 4:
            counts.apart_4 += bits[i] ^ bits[i - 4]
        if i >= 1:
            flip = bits[i] ^ bits[i - 1]
            counts.flips += flip
            if i > n // 2:
                counts.late_flips += flip
            elif i == n // 2:
                counts.middle_flip = flip


def fresh_counts(target: Records, n: int) -> None:
    """Set the fixed fields of one COUNTS-like record for windows of ``n`` bits."""
    target["n"] = n
    target["power_unit"] = wave_table(n)[1]


def bit_metrics(bits: npt.ArrayLike) -> dict[str, float]:
    """The structural metrics of one window of bits.

    With b_1..b_n oldest first, p the share of ones, a *flip* a pair of neighbours that differ:

    * entropy = -(p log2 p + (1-p) log2 (1-p)); coherence = 1 - entropy
    * rupture = hazard = flips / (n - 1); stability = 1 - rupture
    * coherence_tau_slope = (tau_4 - tau_1) / 3, tau_k the share of pairs k apart that agree
    * domain_wall_slope = share of flips inside the second half less that inside the first
    * spectral_lowf_share = power in the lowest quarter of the frequencies above 0, to 1e-6
    * reynolds_ratio = rupture / |domain_wall_slope|; spatial_corr_length = 1 / the same (bits)
    * temporal_half_life = ln 2 / |coherence_tau_slope| (bits)
    * pinned_alignment: never measured

    The existing stack gives 0 where a slope vanishes (at most ``LEAST_SLOPE``) and 1 for the
    alignment; here each such value is NaN, as is the share where all bits are equal.

    Args:
        bits: zeros and ones (or booleans), one-dimensional, an even number of
            ``MIN_BITS`` .. ``MAX_BITS``, oldest first.

    Raises:
        GatesError: another shape or length, or a value that is neither 0 nor 1.
    """
    window = np.asarray(bits)
    if window.ndim != 1 or not MIN_BITS <= window.size <= MAX_BITS or window.size % 2:
        raise GatesError(
            "bits",
            f"shape {window.shape}",
            f"one dimension, an even number of {MIN_BITS} to {MAX_BITS} bits",
            "Cut the window to an even length.",
        )
    wrong = window[(window != 0) & (window != 1)]
    if wrong.size:
        raise GatesError("bits", wrong[0], "0 and 1", "Turn the values into bits first.")
    counts, gate = empty(COUNTS, 1), empty(GATE, 1)
    fresh_counts(counts, window.size)
    masks = np.zeros(window.size, np.int32)
    count_bits(window.astype(np.int64), counts[0], masks, wave_table(window.size)[0])
    ones = int(counts["ones"][0])
    write_metrics(counts[0], binary_entropy(ones, window.size - ones), gate[0])
    named = dict(zip(_METRICS, gate["metrics"][0].tolist(), strict=True))
    rupture = int(counts["flips"][0]) / (window.size - 1)
    return named | {"rupture": rupture, "hazard": rupture}
