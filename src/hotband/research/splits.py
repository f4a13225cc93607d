"""Training and testing on one stretch of history without leaking from the one to the other.

A trade belongs to the test block it was opened in. What was held into a block (purge), what was
opened while trades of the block could still be held, and what was opened soon after it
(embargo) is in neither. Purging works on the wall clock, for a position stays open over the
weekend; an embargo counts market minutes. All intervals are half-open.
Source: Lopez de Prado 2018, chapters 7 and 12; reference/statistics.md, section 3.
"""

from collections.abc import Sequence
from enum import IntEnum
from itertools import pairwise
from math import ceil
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hotband.errors import InputError, WindowError
from hotband.market.calendar import MINUTE_NS, MarketHours, checked_times
from hotband.market.elapsed import market_later

Span: TypeAlias = tuple[int, int]
"""[start, end), in ns or in days as the name says."""
Times: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

DEFAULT_EMBARGO_MINUTES: Final = 1440
_DAY_MINUTES: Final = 1440


class Part(IntEnum):
    """What a trade may be used for, given the test blocks."""

    TRAIN = 0
    TEST = 1
    PURGED = 2
    EMBARGOED = 3


def classify(
    entry_ns: npt.ArrayLike,
    exit_ns: npt.ArrayLike,
    test_ns: Sequence[Span],
    hours: MarketHours,
    *,
    hold_minutes: float = 0.0,
    embargo_minutes: int = DEFAULT_EMBARGO_MINUTES,
) -> npt.NDArray[np.int8]:
    """The ``Part`` of each trade; the first rule that holds decides.

    1. TEST: opened inside a block. Its whole profit belongs to that block.
    2. PURGED: held at some time inside a block.
    3. EMBARGOED: opened in the ``embargo_minutes`` of market time after a block.
    4. PURGED: opened while a trade of the block could still be held, that is before the block's
       end + ``hold_minutes`` on the wall clock, or was, that is before the last of their exits.
    5. TRAIN.

    A trade that starts exactly where a block ends plus the embargo is TRAIN.

    Args:
        entry_ns: (n,) when each was opened.
        exit_ns: (n,) when it was flat. Where exits are not known, entry + longest hold drops at
            least as many.
        test_ns: Disjoint blocks [start, end), in any order; none = all TRAIN.
        hours: Whose week the embargo counts.
        hold_minutes: The longest hold that the strategy permits, wall clock.
        embargo_minutes: At least the longest hold and the longest indicator look-back.

    Raises:
        InputError: Entries and exits differ in number, an exit lies before its entry, or a
            length of time is negative or not finite.
        WindowError: A block is empty or two overlap, or a time is outside 1971..2099.
    """
    entries, exits = _trades(entry_ns, exit_ns)
    blocks = _blocks(test_ns)
    if not 0.0 <= hold_minutes < np.inf:
        raise InputError("hold_minutes", hold_minutes, "0 or more", "Give the longest hold.")
    hold_ns = ceil(hold_minutes * MINUTE_NS)
    tested, held, embargoed, trailing = np.zeros((4, len(entries)), np.bool_)
    for start, end in blocks:
        inside = (entries >= start) & (entries < end)
        tested |= inside
        held |= (entries < end) & (exits > start)
        after = entries >= end
        embargoed |= after & (entries < market_later(end, embargo_minutes, hours))
        last = max(end + hold_ns, int(exits[inside].max(initial=end)))
        trailing |= after & (entries < last)
    rules = [tested, held, embargoed, trailing]
    parts = [Part.TEST, Part.PURGED, Part.EMBARGOED, Part.PURGED]
    return np.select(rules, [np.int8(part) for part in parts], np.int8(Part.TRAIN))


def margin_days(hold_minutes: float, embargo_minutes: float) -> int:
    """Days to drop on each side of a test block of daily returns: ceil(the longer / 1440).

    Raises InputError for a length that is negative or not finite.
    """
    longest = max(hold_minutes, embargo_minutes)
    if not (min(hold_minutes, embargo_minutes) >= 0.0 and longest < np.inf):
        given = f"{hold_minutes} and {embargo_minutes}"
        raise InputError("hold and embargo minutes", given, "0 or more", "Give lengths of time.")
    return ceil(longest / _DAY_MINUTES)


def classify_days(n_days: int, test_days: Sequence[Span], margin: int) -> npt.NDArray[np.int8]:
    """The ``Part`` of each of ``n_days`` trading days, for daily returns.

    Days inside a block [first, end) are TEST, the ``margin`` days before one PURGED and those
    after it EMBARGOED; a day that is both is PURGED. Raises InputError for a negative margin,
    WindowError for blocks that are empty, overlap or leave 0..n_days.
    """
    if margin < 0:
        raise InputError("margin", margin, "0 or more days", "See margin_days.")
    parts = np.full(n_days, Part.TRAIN, np.int8)
    blocks = _blocks(test_days)
    if blocks and not 0 <= blocks[0][0] < blocks[-1][1] <= n_days:
        raise WindowError("test days", test_days, f"0 to {n_days}", "Name days of the series.")
    for _, end in blocks:
        parts[end : end + margin] = Part.EMBARGOED
    for start, _ in blocks:
        parts[max(0, start - margin) : start] = Part.PURGED
    for start, end in blocks:
        parts[start:end] = Part.TEST
    return parts


def _trades(entry_ns: npt.ArrayLike, exit_ns: npt.ArrayLike) -> tuple[Times, Times]:
    entries, exits = checked_times(entry_ns), checked_times(exit_ns)
    if entries.ndim != 1 or entries.shape != exits.shape:
        got = f"{entries.shape} and {exits.shape}"
        raise InputError("entry_ns and exit_ns", got, "two columns of one length", "Pair them.")
    early = np.flatnonzero(exits < entries)
    if len(early):
        worst = int(early[0])
        got = f"{exits[worst]} ns after an entry at {entries[worst]} ns, trade {worst}"
        raise InputError("exit_ns", got, "an exit at or after its entry", "Correct the trade.")
    return entries, exits


def _blocks(spans: Sequence[Span]) -> list[Span]:
    ordered = sorted((int(start), int(end)) for start, end in spans)
    for start, end in ordered:
        if start >= end:
            raise WindowError("test block", (start, end), "start before end", "Swap or widen it.")
    for (_, end), (start, _) in pairwise(ordered):
        if start < end:
            raise WindowError("test blocks", ordered, "disjoint blocks", "Join or move them.")
    return ordered
