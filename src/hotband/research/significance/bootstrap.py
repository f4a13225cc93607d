"""The randomness of the significance tests: seeds from content, and stationary resamples of days.

Random numbers are drawn here and handed in as counts, so that every test on top of them is a
plain function of its arguments. Sources: Politis and Romano 1994 (the stationary bootstrap),
Politis and White 2004 with the correction of Patton, Politis and White 2009 (block length).
"""

import hashlib
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hotband.core.jit import ZERO, kernel
from hotband.errors import InputError
from hotband.research.series import FloatArray

Counts: TypeAlias = npt.NDArray[np.int32]
"""(B, T): how often each of T days is in each of B resamples; every row sums to T."""

LONGEST_BLOCK: Final = 10.0
"""Days; the mean block length is cut to this."""
SHORTEST_SERIES: Final = 8
"""Days below which ``arch`` cannot estimate a block length."""
_DRAWN_AT_ONCE: Final = 256
"""Resamples per draw from the generator; another number is another stream."""
_ROUNDING: Final = 1e-12
"""A series whose range is up to so much of its largest value is constant."""
_SEED_BITS: Final = 63


def seed_of(*parts: bytes | str | int) -> int:
    """A seed in [0, 2^63) made of ``parts`` by BLAKE2b: same content, same seed, anywhere.

    Kinds, lengths and order count: ("ab", "c"), ("a", "bc") and (b"ab", "c") all differ.
    """
    digest = hashlib.blake2b(digest_size=8, person=b"hotband.seed")
    for part in parts:
        if isinstance(part, bytes):
            kind, body = b"b", part
        elif isinstance(part, str):
            kind, body = b"s", part.encode()
        else:
            kind, body = b"i", str(int(part)).encode()
        digest.update(kind + len(body).to_bytes(8, "big") + body)
    return int.from_bytes(digest.digest(), "big") >> (64 - _SEED_BITS)


@kernel
def _tally(restarts: npt.NDArray[np.bool_], starts: npt.NDArray[np.int64], counts: Counts) -> None:
    """Walk each row: to a new start where it restarts, else on by a day, round the end."""
    days = counts.shape[1]
    for b in range(counts.shape[0]):
        at = starts[b, 0]
        counts[b, at] += 1
        for t in range(1, days):
            at = starts[b, t] if restarts[b, t] else at + 1
            if at == days:
                at = ZERO
            counts[b, at] += 1


def _require_whole(name: str, value: int, least: int) -> None:
    if value < least:
        raise InputError(name, value, f"a whole number from {least}", f"Pass a larger {name}.")


def stationary_counts(days: int, draws: int, mean_block: float, seed: int) -> Counts:
    """Multiplicity of each day in each stationary-bootstrap resample, (``draws``, ``days``).

    Blocks start on any day alike, run on round the end, and have a geometric length of mean
    ``mean_block`` days (1 = days are drawn independently). The stream is that of NumPy's PCG64;
    the first rows do not depend on ``draws``, so more draws may be added to a test later.
    Raises InputError for no days, no draws, a negative seed or a mean block below 1 day.
    """
    _require_whole("days", days, 1)
    _require_whole("draws", draws, 1)
    _require_whole("seed", seed, 0)
    if not 1.0 <= mean_block < np.inf:
        do = "Pass what mean_block() gives, or 1 for independent days."
        raise InputError("mean_block", mean_block, "a finite number of days from 1", do)
    generator = np.random.Generator(np.random.PCG64(seed))
    counts = np.zeros((draws, days), np.int32)
    for first in range(0, draws, _DRAWN_AT_ONCE):
        restarts = generator.random((_DRAWN_AT_ONCE, days)) < 1.0 / mean_block
        starts = generator.integers(0, days, (_DRAWN_AT_ONCE, days), dtype=np.int64)
        _tally(restarts, starts, counts[first : first + _DRAWN_AT_ONCE])
    return counts


def mean_block(series: FloatArray) -> float:
    """Mean block length, days, for the stationary bootstrap of ``series`` (T,), within [1, 10].

    The estimate is that of ``arch``. A constant series, and one whose autocorrelations are
    undefined (it is constant but for its ends), has nothing to keep together: 1. Raises
    InputError for fewer than 8 values or one that is not finite.
    """
    from arch.bootstrap import optimal_block_length

    values = np.asarray(series, np.float64)
    if values.ndim != 1 or len(values) < SHORTEST_SERIES:
        allowed = f"one dimension, at least {SHORTEST_SERIES} days"
        raise InputError("series", f"shape {values.shape}", allowed, "Take a longer window.")
    if not np.isfinite(values).all():
        do = "Leave out the days without a value."
        raise InputError("series", "NaN or infinity", "finite daily values", do)
    spread = float(np.ptp(values))
    if spread <= _ROUNDING * np.abs(values).max():
        return 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        # In units of its range: arch squares its sums, which underflow for tiny returns.
        estimate = float(optimal_block_length(values / spread)["stationary"].iloc[0])
    return min(max(estimate, 1.0), LONGEST_BLOCK) if np.isfinite(estimate) else 1.0
