"""Signal keys as numbers: what duplicates are told by.

A key is a text such as ``gate:EUR_USD:1770000000000``. Its number is a hash of the part before
the last colon, mixed with the whole number behind it where there is one, so that the keys of a
million gates of one instrument are made as one column.
"""

import hashlib
from functools import lru_cache

import numpy as np
import numpy.typing as npt

_GOLDEN = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB
_64_BITS = 0xFFFF_FFFF_FFFF_FFFF
LONGEST_NUMBER = 18
"""Digits of the longest number that is mixed in; it fits an int64."""


@lru_cache(maxsize=4096)
def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def key_of(text: str) -> int:
    """The number of a signal key: 63 bits, the same on every machine, never 0.

    0 is kept for "no key"; an empty text has no key. The mixing is that of SplitMix64 (Steele,
    Lea and Flood 2014, "Fast splittable pseudorandom number generators"): one to one in the
    number behind the last colon, but for the bit that is dropped.
    """
    if not text:
        return 0
    head, colon, tail = text.rpartition(":")
    plain = tail.isascii() and tail.isdigit() and len(tail) <= LONGEST_NUMBER
    if not (colon and plain and (tail[0] != "0" or tail == "0")):
        return (_hash(text) >> 1) or 1
    mixed = (_hash(head) + int(tail) * _GOLDEN) & _64_BITS
    mixed = ((mixed ^ mixed >> 30) * _FIRST) & _64_BITS
    mixed = ((mixed ^ mixed >> 27) * _SECOND) & _64_BITS
    return ((mixed ^ mixed >> 31) >> 1) or 1


def keys_of(head: str, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """``key_of(f"{head}:{number}")`` of each number, 0 or more, of any shape."""
    mixed = np.uint64(_hash(head)) + numbers.astype(np.uint64) * np.uint64(_GOLDEN)
    mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(_FIRST)
    mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(_SECOND)
    mixed = (mixed ^ mixed >> np.uint64(31)) >> np.uint64(1)
    return np.maximum(mixed.astype(np.int64), 1)
