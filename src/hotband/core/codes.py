"""Every reason the pipeline can give, as a number, a name, a text and a severity.

A refusal is a value. Gating reasons are bits of one mask, so that all failing
thresholds of a gate are kept; the stages after it answer with a single code. The names are
what results, logs, API and dashboard show.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Severity(IntEnum):
    """How much a reason matters to a reader."""

    NOTE = 0
    REFUSAL = 1
    BLOCK = 2
    """Safety or session: stops an entry whatever the gate says (``hard_blocked``)."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One code with the words for it."""

    code: int
    name: str
    text: str
    severity: Severity


OK: Final = -1

# Gating: bits of the mask.
MASK_BITS: Final = 48
"""How many gating reasons there can be; the codes of later stages follow."""
GATE_STALE: Final = 1
ADMIT_FALSE: Final = 2
HAZARD_INVALID: Final = 3
HAZARD_EXCEEDS_MAX: Final = 4
HAZARD_BELOW_MIN: Final = 5
REPETITIONS_SHORT: Final = 6
FLAT_DIRECTION: Final = 7
GUARD_FIRST: Final = 8
"""Guard g fails its limit with bit 8 + 2g and is undefined with bit 9 + 2g."""
SESSION_CLOSED: Final = 28
SESSION_EXIT_WINDOW: Final = 29
WEEKEND_CLOSE: Final = 30
HOLIDAY: Final = 31
KILL_SWITCH: Final = 32
UPSTREAM_BLOCK: Final = 33
REGIME_MISSING: Final = 34
REGIME_FILTERED: Final = 35
REGIME_CONFIDENCE_LOW: Final = 36
MARKET_CLOSED: Final = 37
HAZARD_AT_EXIT: Final = 38
FEED_STALE: Final = 39
LOSS_BREAKER: Final = 40

# Planning.
ORDER_PENDING: Final = MASK_BITS
GATE_USED: Final = 49
DUPLICATE_SIGNAL: Final = 50
COOLDOWN_ACTIVE: Final = 51
MAX_STACK_LIMIT: Final = 52
OPPOSITE_SIDE_BLOCKED: Final = 53
OPPOSITE_SIDE_CLOSED: Final = 54
HOLD_REARMED: Final = 55
MAX_TOTAL_POSITIONS: Final = 56
GATE_SUPERSEDED: Final = 57
WINDOW_ENDED: Final = 58

# Sizing: which limit bound, or why there is no size.
RISK_BUDGET: Final = 64
EXPOSURE_CAP: Final = 65
MARGIN_BUDGET: Final = 66
CURRENCY_CAP: Final = 67
TOTAL_EXPOSURE: Final = 68
BROKER_MAX_UNITS: Final = 69
NAV_NOT_POSITIVE: Final = 70
VOLATILITY_UNKNOWN: Final = 71

# Exits.
STOP_LOSS: Final = 80
TAKE_PROFIT: Final = 81
BREAKEVEN_STOP: Final = 82
TRAILING_STOP: Final = 83
HOLD_EXPIRY: Final = 84
HAZARD_EXIT: Final = 85
OPPOSITE_GATE: Final = 86
WEEKEND_FLAT: Final = 87
MARGIN_CLOSEOUT: Final = 88

N_CODES: Final = 96
"""Slots of a counter with one per code."""

GUARDS: Final = (
    ("min_coherence", "coherence"),
    ("min_stability", "stability"),
    ("max_entropy", "entropy"),
    ("max_coherence_tau_slope", "coherence_tau_slope"),
    ("max_domain_wall_slope", "domain_wall_slope"),
    ("min_low_freq_share", "spectral_lowf_share"),
    ("max_reynolds_ratio", "reynolds_ratio"),
    ("min_temporal_half_life", "temporal_half_life"),
    ("min_spatial_corr_length", "spatial_corr_length"),
    ("min_pinned_alignment", "pinned_alignment"),
)
"""(threshold in a profile, metric in a gate), in the order of the guard slots."""

N_GUARDS: Final = len(GUARDS)
_GUARD_REASON_STEMS: Final = {"reynolds_ratio": "reynolds"}


def _guard_reasons() -> list[Reason]:
    reasons = []
    for slot, (limit, metric) in enumerate(GUARDS):
        stem = _GUARD_REASON_STEMS.get(metric, metric)
        side = "below_min" if limit.startswith("min_") else "above_max"
        word = "below its minimum" if side == "below_min" else "above its maximum"
        bit = GUARD_FIRST + 2 * slot
        reasons.append(Reason(bit, f"{stem}_{side}", f"{metric} is {word}", Severity.REFUSAL))
        reasons.append(
            Reason(
                bit + 1, f"{stem}_invalid", f"{metric} is undefined, guard set", Severity.REFUSAL
            )
        )
    return reasons


_R, _B, _N = Severity.REFUSAL, Severity.BLOCK, Severity.NOTE
_TABLE: Final = (
    Reason(GATE_STALE, "gate_stale", "the gate is older than gate_max_age", _R),
    Reason(ADMIT_FALSE, "admit_false", "the producer of the gate did not admit it", _R),
    Reason(HAZARD_INVALID, "hazard_invalid", "the gate has no hazard", _R),
    Reason(HAZARD_EXCEEDS_MAX, "hazard_exceeds_max", "hazard is above hazard_max", _R),
    Reason(HAZARD_BELOW_MIN, "hazard_below_min", "hazard is below hazard_min", _R),
    Reason(REPETITIONS_SHORT, "repetitions_short", "fewer than min_repetitions", _R),
    Reason(FLAT_DIRECTION, "flat_direction", "the gate names no side to trade", _R),
    *_guard_reasons(),
    Reason(SESSION_CLOSED, "session_closed", "outside the instrument's session", _B),
    Reason(SESSION_EXIT_WINDOW, "session_exit_window", "too close to the session's end", _B),
    Reason(WEEKEND_CLOSE, "weekend_close", "too close to the weekly close", _B),
    Reason(HOLIDAY, "holiday", "a holiday: no entries", _B),
    Reason(KILL_SWITCH, "kill_switch", "the kill switch is engaged", _B),
    Reason(UPSTREAM_BLOCK, "upstream_block", "the producer of the gate blocked it", _B),
    Reason(REGIME_MISSING, "regime_missing", "a regime filter is set, the gate has none", _R),
    Reason(REGIME_FILTERED, "regime_filtered", "the gate's regime is filtered out", _R),
    Reason(REGIME_CONFIDENCE_LOW, "regime_confidence_low", "regime confidence too low", _R),
    Reason(MARKET_CLOSED, "market_closed", "outside the trading week, or the daily closure", _B),
    Reason(FEED_STALE, "feed_stale", "prices came too late to be traded on", _B),
    Reason(LOSS_BREAKER, "loss_breaker", "a loss breaker of the account has tripped", _B),
    Reason(HAZARD_AT_EXIT, "hazard_at_exit", "its hazard would close the position at once", _R),
    Reason(ORDER_PENDING, "order_pending", "an order of the instrument is on its way", _R),
    Reason(GATE_USED, "gate_used", "the gate has already made its entry", _N),
    Reason(DUPLICATE_SIGNAL, "duplicate_signal", "the signal key is among the last eight used", _R),
    Reason(COOLDOWN_ACTIVE, "cooldown_active", "too soon after the last fill", _R),
    Reason(MAX_STACK_LIMIT, "max_stack_limit_reached", "as many tickets as max_stack allows", _R),
    Reason(OPPOSITE_SIDE_BLOCKED, "opposite_side_blocked", "a position on the other side", _R),
    Reason(OPPOSITE_SIDE_CLOSED, "opposite_side_closed", "used to close the other side", _R),
    Reason(HOLD_REARMED, "hold_rearmed", "used to restart the hold of the position", _R),
    Reason(MAX_TOTAL_POSITIONS, "max_total_positions_reached", "too many open tickets", _R),
    Reason(GATE_SUPERSEDED, "gate_superseded", "replaced before any bar could judge it", _R),
    Reason(WINDOW_ENDED, "window_ended", "the window ended before its order was filled", _R),
    Reason(RISK_BUDGET, "risk_budget", "loss at the stop within nav_risk_pct of NAV", _R),
    Reason(EXPOSURE_CAP, "exposure_cap", "notional within exposure x NAV", _R),
    Reason(MARGIN_BUDGET, "margin_budget", "margin within margin_budget_pct of NAV", _R),
    Reason(CURRENCY_CAP, "currency_cap", "net exposure of one currency within its cap", _R),
    Reason(TOTAL_EXPOSURE, "total_exposure", "gross notional of the account within its cap", _R),
    Reason(BROKER_MAX_UNITS, "broker_max_units", "the broker's maximum order or position", _R),
    Reason(NAV_NOT_POSITIVE, "nav_not_positive", "the account has no value left", _B),
    Reason(VOLATILITY_UNKNOWN, "volatility_unknown", "volatility parity needs more bars", _R),
    Reason(STOP_LOSS, "stop_loss_hit", "the stop loss was reached", _N),
    Reason(TAKE_PROFIT, "take_profit_hit", "the take profit was reached", _N),
    Reason(BREAKEVEN_STOP, "breakeven_stop_hit", "the stop at the entry price was reached", _N),
    Reason(TRAILING_STOP, "trailing_stop_hit", "the trailing stop was reached", _N),
    Reason(HOLD_EXPIRY, "hold_expiry", "held for hold_minutes", _N),
    Reason(HAZARD_EXIT, "hazard_exit", "hazard passed the exit threshold", _N),
    Reason(OPPOSITE_GATE, "opposite_gate", "an admitted gate on the other side", _N),
    Reason(WEEKEND_FLAT, "weekend_flat", "closed before the weekend", _N),
    Reason(MARGIN_CLOSEOUT, "margin_closeout", "half the margin used reached NAV", _N),
)

REASONS: Final[dict[int, Reason]] = {reason.code: reason for reason in _TABLE}
HARD_MASK: Final = sum(
    1 << r.code for r in _TABLE if r.severity is Severity.BLOCK and r.code < MASK_BITS
)


def name_of(code: int) -> str:
    """The name of one code; raises KeyError for a number that no stage gives."""
    return REASONS[code].name


def names_in(mask: int) -> list[str]:
    """The names of all bits set in a gating mask, lowest bit first."""
    return [REASONS[bit].name for bit in range(MASK_BITS) if mask >> bit & 1]
