"""What a gate owes to the gates before it: repetitions, and a threshold on its hazard.

A hazard is a whole number of flips, so the order statistic of the last ``hazard_memory``
hazards is kept by counts and one moving level: exact, and the oldest leaves first.
"""

from typing import Final

import numpy as np

from hotband.core.jit import kernel
from hotband.core.records import Record, Records
from hotband.gates.runs import IntArray

LEAST_HAZARDS: Final = 64
"""Fewer hazards than this give no threshold."""

EMISSION_FIELDS: Final = [
    ("lambda_scale", "f8"),  # hazard per unit of rupture, fixed
    ("percentile", "f8"),  # of past hazards, NaN = no threshold, fixed
    ("repetition", "i8"),  # ns that a repetition is remembered, fixed
    ("hazards", "i8"),  # held
    ("hazard_at", "i8"),
    ("level", "i8"),  # the threshold in flips
    ("below", "i8"),  # hazards held that are lower
    ("recent", "i8"),  # emissions held
    ("recent_at", "i8"),
    ("whole_gates", "i8"),  # emissions of bars since whole_t
]
"""What is remembered of past emissions but its rings."""

RUPTURE: Final = np.dtype([("signature", "i8"), ("held", "i8")], align=True)
"""Per number of flips: its part of the signature, and the hazards held of this size."""
RECENT: Final = np.dtype([("known", "i8"), ("signature", "i8")], align=True)


@kernel
def _settle_level(state: Record, ruptures: Records) -> None:
    rank = int(state.percentile * (state.hazards - 1))
    while state.below > rank:
        state.level -= 1
        state.below -= ruptures[state.level].held
    while state.below + ruptures[state.level].held <= rank:
        state.below += ruptures[state.level].held
        state.level += 1


@kernel
def _remember_hazard(state: Record, ruptures: Records, ring: IntArray, flips: int) -> None:
    at = state.hazard_at
    if state.hazards == len(ring):
        gone = ring[at]
        ruptures[gone].held -= 1
        state.below -= 1 if gone < state.level else 0
    else:
        state.hazards += 1
    ring[at] = flips
    ruptures[flips].held += 1
    state.below += 1 if flips < state.level else 0
    state.hazard_at = at + 1 if at + 1 < len(ring) else 0
    _settle_level(state, ruptures)


@kernel
def _repetitions(
    state: Record, recent: Records, signatures: IntArray, known: int, signature: int
) -> int:
    """How many emissions of ``signature`` are known within the span, this one included."""
    size = len(recent)
    oldest = state.recent_at - state.recent
    if oldest < 0:
        oldest += size
    while state.recent > 0 and recent[oldest].known <= known - state.repetition:
        signatures[recent[oldest].signature] -= 1
        state.recent -= 1
        oldest = oldest + 1 if oldest + 1 < size else 0
    newest = recent[state.recent_at]
    newest.known = known
    newest.signature = signature
    signatures[signature] += 1
    state.recent += 1
    state.recent_at = state.recent_at + 1 if state.recent_at + 1 < size else 0
    return int(signatures[signature])


@kernel
def emission_path(
    state: Record,
    ring: IntArray,
    ruptures: Records,
    recent: Records,
    signatures: IntArray,
    gates: Records,
    marks: Records,
) -> None:
    """Complete ``gates`` and the thresholds of ``marks``, in the order in which they are known."""
    pairs = state.n - 1
    for i in range(len(gates)):
        gate, mark = gates[i], marks[i]
        flips = mark.flips
        gate.hazard = state.lambda_scale * (flips / pairs)
        signature = mark.signature + ruptures[flips].signature
        gate.reps = _repetitions(state, recent, signatures, gate.known, signature)
        gate.admit = 1
        if state.percentile > 0.0:
            if state.hazards >= LEAST_HAZARDS:
                mark.threshold = state.lambda_scale * (state.level / pairs)
                gate.admit = 0 if flips > state.level else 1
            _remember_hazard(state, ruptures, ring, flips)
        state.whole_gates += 1 if gate.known - state.granularity >= state.whole_t else 0
