"""The arithmetic of the deriver: one closed bar in, at most one candidate gate out.

A step is one rolling return of the mid close; a run is a stretch of steps of one sign. All
memory is finite (rings of mids, labels and completed runs) and every sum restarts with a run
or is a count, so two derivations that share their recent past agree to the last bit, wherever
their data began. A bar costs constant time, and log time where a recorded map is looked up.
"""

from math import isnan, log2
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hotband.core import codes
from hotband.core.gating import first_code, threshold_mask
from hotband.core.jit import kernel
from hotband.core.records import Record, Records

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]

LONGEST: Final = 1024
"""Runs above this length are remembered as this long."""
NO_CANDIDATE: Final = -1
CANDIDATES: Final = codes.MASK_BITS
"""Slot of the tally that counts candidates; slots below it count refusals by code."""
EMITTED: Final = CANDIDATES + 1
N_TALLY: Final = CANDIDATES + 2

_METRICS = [metric for _, metric in codes.GUARDS]
COHERENCE: Final = _METRICS.index("coherence")
STABILITY: Final = _METRICS.index("stability")
ENTROPY: Final = _METRICS.index("entropy")
DERIVED: Final = {"coherence": COHERENCE, "stability": STABILITY, "entropy": ENTROPY}
"""The metrics that bars alone give; the others stay undefined, and fail a guard set on them."""
_N_METRICS = len(_METRICS)
_NAN = float("nan")

RUN_STATE: Final = np.dtype(
    [
        ("granularity", "i8"),  # ns, fixed
        ("max_gap", "i8"),  # ns between opens above which a run is cut, fixed
        ("min_runs", "i8"),  # completed runs before there is a hazard, fixed
        ("last_t", "i8"),  # open of the last bar
        ("start_t", "i8"),  # open of the bar of the run's first step
        ("held", "i8"),  # mids held since the last gap
        ("mid_at", "i8"),  # next slot of the ring of mids; the oldest once it is full
        ("steps", "i8"),  # labels held
        ("step_at", "i8"),
        ("ups", "i8"),  # labels +1 in the window
        ("downs", "i8"),  # labels -1 in the window
        ("runs", "i8"),  # completed runs held
        ("run_at", "i8"),
        ("side", "i8"),  # of the run, +1 or -1; 0 = none
        ("length", "i8"),  # its steps so far, k
        ("shorter", "i8"),  # completed runs shorter than k
        ("moved", "f8"),  # sum of its returns
        ("squares", "f8"),  # sum of its squared returns
    ]
)
"""Everything the deriver knows but its rings."""


@kernel
def _forget_run(state: Record) -> None:
    state.side = 0
    state.length = 0
    state.shorter = 0
    state.moved = 0.0
    state.squares = 0.0


@kernel
def _complete_run(state: Record, runs: IntArray, counts: IntArray) -> None:
    length = min(state.length, LONGEST)
    if state.runs == len(runs):
        counts[runs[state.run_at]] -= 1
    else:
        state.runs += 1
    runs[state.run_at] = length
    counts[length] += 1
    state.run_at = (state.run_at + 1) % len(runs)
    _forget_run(state)


@kernel
def _push_label(state: Record, labels: IntArray, label: int) -> None:
    if state.steps == len(labels):
        oldest = labels[state.step_at]
        state.ups -= oldest == 1
        state.downs -= oldest == -1
    else:
        state.steps += 1
    labels[state.step_at] = label
    state.ups += label == 1
    state.downs += label == -1
    state.step_at = (state.step_at + 1) % len(labels)


@kernel
def advance(
    state: Record,
    mids: FloatArray,
    labels: IntArray,
    runs: IntArray,
    counts: IntArray,
    mid: float,
    t: int,
) -> int:
    """Take one closed bar; the length of the run that is now on, 0 if none.

    A zero return continues nothing: it ends the run and is a step of the window without a
    direction. A gap cuts the run, which teaches nothing because its end was not seen, and no
    return is taken across it; the window and the completed runs live on.
    """
    if state.held > 0 and t - state.last_t > state.max_gap:
        state.held = 0
        _forget_run(state)
    state.last_t = t
    full = state.held == len(mids)
    before = mids[state.mid_at]
    mids[state.mid_at] = mid
    state.mid_at = (state.mid_at + 1) % len(mids)
    if not full:
        state.held += 1
        return 0
    side = 0
    if mid > before:
        side = 1
    elif mid < before:
        side = -1
    _push_label(state, labels, side)
    if state.side not in (0, side):
        _complete_run(state, runs, counts)
    if side == 0:
        return 0
    if state.side == 0:
        state.side = side
        state.start_t = t
    if state.length <= LONGEST:
        state.shorter += counts[state.length]
    state.length += 1
    change = (mid - before) / before  # the difference is exact for close prices, so never 0
    state.moved += change
    state.squares += change * change
    return int(state.length)


@kernel
def surprise(state: Record) -> float:
    """1 - S(k): the share of completed runs shorter than the present one; NaN before enough."""
    if state.runs < state.min_runs:
        return _NAN
    return float(state.shorter / state.runs)


@kernel
def binary_entropy(ups: int, downs: int) -> float:
    """Shannon entropy in bits, 0..1, of the shares of ups and downs; NaN without either."""
    total = ups + downs
    if total == 0:
        return _NAN
    bits = 0.0
    if ups > 0:
        bits -= ups / total * log2(ups / total)
    if downs > 0:
        bits -= downs / total * log2(downs / total)
    return min(1.0, bits)


@kernel
def mapped(x: float, xs: FloatArray, ys: FloatArray) -> float:
    """``ys`` at ``x``, linear between the rising nodes ``xs``, flat outside; NaN stays NaN."""
    high = len(xs) - 1
    if isnan(x):
        return _NAN
    if x <= xs[0]:
        return float(ys[0])
    if x >= xs[high]:
        return float(ys[high])
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        if xs[middle] <= x:
            low = middle
        else:
            high = middle
    share = (x - xs[low]) / (xs[high] - xs[low])
    return float(min(ys[high], ys[low] + (ys[high] - ys[low]) * share))


@kernel
def measure(
    state: Record, labels: IntArray, map_x: FloatArray, map_y: FloatArray
) -> tuple[float, float, float, float]:
    """(hazard, coherence, stability, entropy) of the run that is on; NaN where undefined."""
    coherence = entropy = stability = _NAN
    window = len(labels)
    length = state.length
    if state.steps == window:
        coherence = min(length, window) / window
        entropy = binary_entropy(state.ups, state.downs)
    if length > 1 and state.squares > 0.0:
        stability = min(1.0, state.moved * state.moved / (length * state.squares))
    return mapped(surprise(state), map_x, map_y), coherence, stability, entropy


@kernel
def _write_gate(
    state: Record, labels: IntArray, map_x: FloatArray, map_y: FloatArray, gate: Record
) -> None:
    gate.known = state.last_t + state.granularity
    gate.key = 0  # a hash of text, filled in outside
    gate.skipped = 0
    gate.reps = state.length
    gate.side = state.side
    gate.admit = 1
    gate.blocked = 0
    gate.synthetic = 1
    gate.regime = 0
    gate.regime_confidence = _NAN
    for slot in range(_N_METRICS):
        gate.metrics[slot] = _NAN
    hazard, coherence, stability, entropy = measure(state, labels, map_x, map_y)
    gate.hazard = hazard
    gate.metrics[COHERENCE] = coherence
    gate.metrics[STABILITY] = stability
    gate.metrics[ENTROPY] = entropy


@kernel
def derive_step(
    state: Record,
    mids: FloatArray,
    labels: IntArray,
    runs: IntArray,
    counts: IntArray,
    map_x: FloatArray,
    map_y: FloatArray,
    rules: Record,
    tally: IntArray,
    mid: float,
    t: int,
    gate: Record,
) -> int:
    """Take one closed bar; if a run is on, write its gate and return the thresholds it fails.

    ``NO_CANDIDATE`` where no run is on (``gate`` is then left alone); 0 where the gate clears
    every threshold of ``rules`` in :func:`hotband.core.gating.threshold_mask`, the function
    that judges real gates.
    """
    if advance(state, mids, labels, runs, counts, mid, t) == 0:
        return NO_CANDIDATE
    _write_gate(state, labels, map_x, map_y, gate)
    mask = threshold_mask(gate, gate.side * rules.direction, rules)
    tally[CANDIDATES] += 1
    tally[EMITTED if mask == 0 else first_code(mask)] += 1
    return mask


@kernel
def derive_path(
    state: Record,
    mids: FloatArray,
    labels: IntArray,
    runs: IntArray,
    counts: IntArray,
    map_x: FloatArray,
    map_y: FloatArray,
    rules: Record,
    tally: IntArray,
    quotes: Records,
    gates: Records,
    starts: IntArray,
) -> int:
    """:func:`derive_step` over all ``quotes``; how many gates were written.

    ``gates`` and ``starts`` (open of the run's first bar) are as long as ``quotes``.
    """
    n = 0
    for i in range(len(quotes)):
        quote = quotes[i]
        mid = (quote.bid_c + quote.ask_c) * 0.5
        mask = derive_step(
            state, mids, labels, runs, counts, map_x, map_y, rules, tally, mid, quote.t, gates[n]
        )
        if mask == 0:
            starts[n] = state.start_t
            n += 1
    return n


@kernel
def surprise_path(
    state: Record,
    mids: FloatArray,
    labels: IntArray,
    runs: IntArray,
    counts: IntArray,
    quotes: Records,
    surprises: FloatArray,
) -> None:
    """Surprise at the close of each of ``quotes``; NaN where no run is on or none is known."""
    for i in range(len(quotes)):
        quote = quotes[i]
        mid = (quote.bid_c + quote.ask_c) * 0.5
        on = advance(state, mids, labels, runs, counts, mid, quote.t) > 0
        surprises[i] = surprise(state) if on else _NAN
