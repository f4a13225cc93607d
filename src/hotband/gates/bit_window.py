"""From closed bars to a rolling window of bits, its metrics and its regime.

Each bar gives six to eight bits, most significant first, and they are read in that order:
direction (1), size of the return (3) and of the true range (2) against the average range,
spread at most its median (1), volume at least its median (1). A bar costs constant time but
for the bits that turn over, each of which looks once at the whole window.
"""

from math import isnan, log
from typing import Final

import numpy as np

from hotband.core.jit import kernel
from hotband.core.records import Record, Records
from hotband.gates.metrics import COUNT_FIELDS, MaskArray, flip_bit, write_metrics
from hotband.gates.regimes import REGIME_FIELDS, roll_returns, write_regime
from hotband.gates.runs import FloatArray, IntArray

UNIT: Final = 2.0**31
"""Fixed-point whole numbers per unit of a relative change."""
LARGEST_MOVE: Final = 0.08
"""Relative changes are cut to this size, so that squares of 256 bars fit 64 bits."""
_NAN: Final = float("nan")

WINDOW_FIELDS: Final = [
    ("granularity", "i8"),  # ns, fixed
    ("max_gap", "i8"),  # ns between opens above which all that spans bars starts anew, fixed
    ("stride", "i8"),  # bars between emissions, fixed
    ("width", "i8"),  # bits per bar, fixed
    ("spread_bit", "i8"),  # 1 = in use, fixed
    ("volume_bit", "i8"),
    ("whole_after", "i8"),  # bars from a cold start until nothing before them matters, fixed
    ("last_t", "i8"),  # open of the last bar
    ("mid", "f8"),  # its mid close
    ("held", "i8"),  # bars since the last gap
    ("coded", "i8"),  # those with bits
    ("at", "i8"),  # slot of the next bar; the oldest once the window is full
    ("range_at", "i8"),
    ("range_sum", "i8"),
    ("volumes", "i8"),  # known volumes held
    ("whole_t", "i8"),  # since this open a run from the beginning of time would hold the same
    *REGIME_FIELDS,
    *COUNT_FIELDS,
]
"""What the window knows but its rings."""

SLOT: Final = np.dtype([("code", "i8"), ("r", "i8"), ("reach", "i8")], align=True)
"""One bar of the window: bits, return, log(high / low)."""
CODE: Final = np.dtype(
    [("ones", "i8"), ("flips", "i8"), ("apart_4", "i8"), ("lowest", "i8")], align=True
)
"""Of the bits of one bar: ones, neighbours that differ, pairs four apart that differ, and how
many bits stand behind the last one."""
ONES: Final = np.dtype([("entropy", "f8"), ("signature", "i8")], align=True)
"""By the number of ones in the window: entropy, and the part of the signature it gives."""
MARK: Final = np.dtype([("signature", "i8"), ("flips", "i8"), ("threshold", "f8")], align=True)
"""Beside each gate: its signature as far as the ones give it, its flips, threshold or NaN."""


@kernel
def first_fault(quotes: Records, last_t: int, least_step: int) -> int:
    """Index of the first bar that cannot be used; -1 = none."""
    before = last_t
    for i in range(len(quotes)):
        q = quotes[i]
        good = q.t >= before + least_step
        good &= q.bid_l > 0.0 and q.bid_h >= q.bid_c and q.bid_c >= q.bid_l
        good &= q.ask_l > 0.0 and q.ask_h >= q.ask_c and q.ask_c >= q.ask_l
        good &= q.ask_c >= q.bid_c and q.ask_h + q.bid_h < np.inf
        good &= isnan(q.volume) or 0.0 <= q.volume < np.inf
        if not good:
            return i
        before = q.t
    return -1


@kernel
def fixed(change: float) -> int:
    """A relative change as a whole number, rounded half to even."""
    return int(np.rint(min(LARGEST_MOVE, max(-LARGEST_MOVE, change)) * UNIT))


@kernel
def _below(values: FloatArray, x: float) -> int:
    count = 0
    for i in range(len(values)):
        count += values[i] < x
    return count


@kernel
def _above(values: FloatArray, x: float) -> int:
    count = 0
    for i in range(len(values)):
        count += values[i] > x
    return count


@kernel
def _forget(
    state: Record,
    slots: Records,
    spreads: FloatArray,
    volumes: FloatArray,
    ranges: IntArray,
    masks: MaskArray,
) -> None:
    state.held = state.coded = state.at = state.range_at = state.range_sum = state.volumes = 0
    state.r_sum = state.r_once = state.r_twice = state.r_squares = 0
    state.r_lagged = state.range_squares = 0
    state.ones = state.alternation = state.flips = state.late_flips = state.middle_flip = 0
    state.apart_4 = state.low_power = 0
    for i in range(len(slots)):
        slots[i].code = 0
        slots[i].r = 0
        slots[i].reach = 0
        spreads[i] = _NAN
        volumes[i] = _NAN
    for i in range(len(ranges)):
        ranges[i] = 0
    for i in range(len(masks)):
        masks[i] = 0


@kernel
def _code(
    state: Record, spreads: FloatArray, volumes: FloatArray, r: int, move: int, bars: int
) -> int:
    """The bits of the bar at ``state.at``, whose spread and volume are already held."""
    size = 0
    if state.range_sum > 0:
        size = int(np.rint(min(1.0, abs(r) * bars / state.range_sum) * 7.0)) << 2
        size |= int(np.rint(min(1.0, move * bars / state.range_sum) * 3.0))
    code = size
    if state.spread_bit == 1:
        # At most the median, the mean of the two middle values of an even count.
        known = min(state.held, len(spreads))
        tight = 2 * _below(spreads, spreads[state.at]) <= known - 1
        code = code << 1 | (1 if tight else 0)
    if state.volume_bit == 1:
        volume = volumes[state.at]
        busy = volume >= 0.0 and 2 * _above(volumes, volume) <= state.volumes - 1
        code = code << 1 | (1 if busy else 0)
    return code


@kernel
def _push_code(
    state: Record, slots: Records, masks: MaskArray, waves: MaskArray, codes: Records, new: int
) -> None:
    """Put the bits of the newest bar in the place of the oldest and keep every count."""
    n, at, width = len(slots), state.at, state.width
    old = slots[at].code
    second = slots[at + 1 if at + 1 < n else 0].code
    before = slots[at - 1 if at > 0 else n - 1].code
    # The bar that moves from the second half to the first, and the one behind it.
    middle = at + n // 2 if at < n // 2 else at - n // 2
    crossing = slots[middle].code
    behind = slots[middle + 1 if middle + 1 < n else 0].code
    top, tail = width - 1, width - 4
    gained = codes[new].flips + ((before & 1) ^ (new >> top))
    state.middle_flip = (crossing & 1) ^ (behind >> top)
    state.flips += gained - codes[old].flips - ((old & 1) ^ (second >> top))
    state.late_flips += gained - codes[crossing].flips - state.middle_flip
    state.apart_4 += codes[new].apart_4 + codes[(before & 15) ^ (new >> tail)].ones
    state.apart_4 -= codes[old].apart_4 + codes[(old & 15) ^ (second >> tail)].ones
    slots[at].code = new
    changed = old ^ new
    while changed != 0:
        flip_bit(state, masks, waves, at * width + top - codes[changed].lowest)
        changed &= changed - 1


@kernel
def take_bar(
    state: Record,
    slots: Records,
    spreads: FloatArray,
    volumes: FloatArray,
    ranges: IntArray,
    masks: MaskArray,
    waves: MaskArray,
    codes: Records,
    quote: Record,
) -> bool:
    """Take one closed bar; whether a gate is due."""
    n, bars = len(slots), len(ranges)
    t = quote.t
    if state.held > 0 and t - state.last_t > state.max_gap:
        _forget(state, slots, spreads, volumes, ranges, masks)
        state.whole_t = min(state.whole_t, t)
    high = (quote.bid_h + quote.ask_h) * 0.5
    low = (quote.bid_l + quote.ask_l) * 0.5
    mid = (quote.bid_c + quote.ask_c) * 0.5
    before = state.mid
    at = state.at
    state.last_t = t
    state.mid = mid
    state.held += 1
    if state.held >= state.whole_after:
        state.whole_t = min(state.whole_t, t)
    spreads[at] = quote.ask_c - quote.bid_c
    state.volumes += (0 if isnan(quote.volume) else 1) - (0 if isnan(volumes[at]) else 1)
    volumes[at] = quote.volume
    if state.held > 1:
        r = fixed(log(mid / before))
        move = fixed((max(high, before) - min(low, before)) / before)
        roll_returns(state, slots, at, r, fixed(log(high / low)))
        state.range_sum += move - ranges[state.range_at]
        ranges[state.range_at] = move
        state.range_at = state.range_at + 1 if state.range_at + 1 < bars else 0
        if state.held > bars:
            code = _code(state, spreads, volumes, r, move, bars)
            if mid >= before:
                code |= 1 << (state.width - 1)
            _push_code(state, slots, masks, waves, codes, code)
            state.coded += 1
    state.at = at + 1 if at + 1 < n else 0
    due = state.stride == 1 or (t // state.granularity) % state.stride == 0
    return bool(due and state.coded >= n)


@kernel
def window_path(
    state: Record,
    slots: Records,
    spreads: FloatArray,
    volumes: FloatArray,
    ranges: IntArray,
    masks: MaskArray,
    waves: MaskArray,
    codes: Records,
    ones: Records,
    quotes: Records,
    gates: Records,
    marks: Records,
) -> int:
    """:func:`take_bar` over all ``quotes``; how many gates and marks were begun.

    What needs gates before this one (repetitions, admission, hazard) is left to
    ``gates.emissions``.
    """
    count = 0
    for i in range(len(quotes)):
        quote = quotes[i]
        if not take_bar(state, slots, spreads, volumes, ranges, masks, waves, codes, quote):
            continue
        gate, mark = gates[count], marks[count]
        gate.known = state.last_t + state.granularity
        gate.key = 0  # a hash of text, filled in outside
        gate.skipped = 0
        gate.blocked = 0
        gate.synthetic = 0
        of_ones = ones[state.ones]
        write_metrics(state, of_ones.entropy, gate)
        write_regime(state, slots, state.at - 1 if state.at > 0 else len(slots) - 1, gate)
        mark.signature = of_ones.signature
        mark.flips = state.flips
        mark.threshold = _NAN
        count += 1
    return count
