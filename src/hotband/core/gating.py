"""The verdict on one gate: which thresholds it fails, and what the clock forbids.

A verdict is a bit mask (codes.py); 0 admits. Thresholds do not change while a gate lives, so
they are judged once when it becomes current; staleness, calendar and halts (kill switch, stale
prices, loss breaker) are judged at every bar.
"""

import math

import numpy as np

from hotband.core import codes
from hotband.core.jit import ZERO, constant, kernel
from hotband.core.records import (
    CLOSED_BAR,
    DOWN_MOVE,
    HALT_LOSS,
    HALT_STALE,
    HALT_SWITCH,
    HOLIDAY_BAR,
    IN_SESSION,
    SESSION_EXIT,
    UP_MOVE,
    WEEK_END,
    Record,
)

_ADMIT_FALSE = 1 << codes.ADMIT_FALSE
_UPSTREAM_BLOCK = 1 << codes.UPSTREAM_BLOCK
_HAZARD_INVALID = 1 << codes.HAZARD_INVALID
_HAZARD_HIGH = 1 << codes.HAZARD_EXCEEDS_MAX
_HAZARD_LOW = 1 << codes.HAZARD_BELOW_MIN
_REPETITIONS_SHORT = 1 << codes.REPETITIONS_SHORT
_FLAT = 1 << codes.FLAT_DIRECTION
_STALE = 1 << codes.GATE_STALE
_SESSION_CLOSED = 1 << codes.SESSION_CLOSED
_SESSION_EXIT = 1 << codes.SESSION_EXIT_WINDOW
_WEEKEND = 1 << codes.WEEKEND_CLOSE
_HOLIDAY = 1 << codes.HOLIDAY
_CLOSED = 1 << codes.MARKET_CLOSED
_KILL = 1 << codes.KILL_SWITCH
_FEED = 1 << codes.FEED_STALE
_LOSS = 1 << codes.LOSS_BREAKER
_NO_REGIME = 1 << codes.REGIME_MISSING
_REGIME = 1 << codes.REGIME_FILTERED
_CONFIDENCE = 1 << codes.REGIME_CONFIDENCE_LOW
_REMAINDERS = np.uint64(67)
_BIT_OF_REMAINDER = np.zeros(67, np.int64)
_BIT_OF_REMAINDER[[2**bit % 67 for bit in range(63)]] = range(63)
_GUARD_FIRST = constant(codes.GUARD_FIRST)
_N_GUARDS = constant(codes.N_GUARDS)


@kernel
def trade_side(bar: Record, gate: Record, rules: Record) -> int:
    """Side to trade, +1 or -1, or 0: the direction policy, applied here and nowhere else."""
    side = gate.side
    if side == 0 and rules.missing_direction == 1:
        if bar.marks & UP_MOVE:
            side = 1
        elif bar.marks & DOWN_MOVE:
            side = -1
    return side * rules.direction


@kernel
def _guard_mask(gate: Record, rules: Record) -> int:
    mask = ZERO
    for slot in range(_N_GUARDS):
        if rules.guards_on >> slot & 1:
            value = gate.metrics[slot]
            if math.isnan(value):
                mask |= 1 << (_GUARD_FIRST + 2 * slot + 1)
            elif value < rules.guard_min[slot] or value > rules.guard_max[slot]:
                mask |= 1 << (_GUARD_FIRST + 2 * slot)
    return mask


@kernel
def _regime_mask(gate: Record, rules: Record) -> int:
    mask = ZERO
    if rules.regimes_on != 0:
        if gate.regime == 0:
            mask |= _NO_REGIME
        elif not rules.regimes_on >> gate.regime & 1:
            mask |= _REGIME
    if rules.regime_confidence_min > 0.0 and not (
        gate.regime_confidence >= rules.regime_confidence_min
    ):
        mask |= _CONFIDENCE
    return mask


@kernel
def at_exit(hazard: float, rules: Record) -> bool:
    """Whether a gate's hazard asks open positions to close; never where no limit is set."""
    limit = rules.hazard_exit
    if rules.hazard_exit_above != 0:
        return hazard >= limit
    return hazard <= limit


@kernel
def threshold_mask(gate: Record, side: int, rules: Record) -> int:
    """Every threshold that ``gate`` fails; ``side`` is what :func:`trade_side` gave.

    A metric that is undefined (NaN) fails its guard: what cannot be checked does not pass.
    """
    hazard = gate.hazard
    # Bits instead of branches: gates pass and fail at random, which no branch predictor learns.
    mask = (
        math.isnan(hazard) * _HAZARD_INVALID
        | (hazard > rules.hazard_max) * _HAZARD_HIGH
        | (hazard < rules.hazard_min) * _HAZARD_LOW
        | (gate.reps < rules.min_reps) * _REPETITIONS_SHORT
        | (side == 0) * _FLAT
        | (gate.admit == 0) * _ADMIT_FALSE
        | (gate.blocked != 0) * _UPSTREAM_BLOCK
    )
    if rules.guards_on != 0:
        mask |= _guard_mask(gate, rules)
    if rules.regimes_on != 0 or rules.regime_confidence_min > 0.0:
        mask |= _regime_mask(gate, rules)
    return mask


@kernel
def clock_mask(bar: Record, gate: Record, rules: Record, limits: Record) -> int:
    """What forbids an entry at this bar's open whatever the gate's values are."""
    return (bar.t - gate.known > rules.max_age) * _STALE | barring_mask(bar, limits)


@kernel
def halt_mask(limits: Record) -> int:
    """What stops all entries of the account: kill switch, stale prices, a loss breaker."""
    halts = limits.halts
    return (
        (halts & HALT_SWITCH != 0) * _KILL
        | (halts & HALT_STALE != 0) * _FEED
        | (halts & HALT_LOSS != 0) * _LOSS
    )


@kernel
def barring_mask(bar: Record, limits: Record) -> int:
    """What forbids any entry at this bar's open: session, weekend, holiday, closure, halts."""
    flags = bar.marks
    return (
        (flags & IN_SESSION == 0) * _SESSION_CLOSED
        | (flags & (IN_SESSION | SESSION_EXIT) == IN_SESSION | SESSION_EXIT) * _SESSION_EXIT
        | (flags & WEEK_END != 0) * _WEEKEND
        | (flags & HOLIDAY_BAR != 0) * _HOLIDAY
        | (flags & CLOSED_BAR != 0) * _CLOSED
        | halt_mask(limits)
    )


@kernel
def first_code(mask: int) -> int:
    """Lowest set bit of a mask that is not 0: the reason a funnel counts the gate under.

    Powers of two below 2**66 leave distinct remainders modulo 67, so a table answers without a
    loop whose length no branch predictor learns.
    """
    return _BIT_OF_REMAINDER[np.uint64(mask & -mask) % _REMAINDERS]
