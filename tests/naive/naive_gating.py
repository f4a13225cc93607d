"""The verdict on one gate as the design page words it: lists of reasons instead of masks."""

import math
from dataclasses import dataclass
from typing import Any

from hotband.core import codes
from hotband.core import records as r

Row = dict[str, Any]
"""A record's fields as plain Python values."""
SEEN, ADMITTED, SIZED, PLANNED = range(4)


@dataclass
class Story:
    """How far one gate came, and the first reason why it came no further."""

    known: int
    side: int
    failing: list[int]
    skipped: int
    stage: int = SEEN
    reason: int | None = None
    used: bool = False

    def reach(self, stage: int, reason: int | None = None) -> None:
        if stage > self.stage:
            self.stage, self.reason = stage, reason
        elif stage == self.stage and self.reason is None:
            self.reason = reason


def side_to_trade(gate: Row, bar: Row, rules: Row) -> int:
    side = int(gate["side"])
    if side == 0 and rules["missing_direction"] == 1:
        side = 1 if bar["marks"] & r.UP_MOVE else -1 if bar["marks"] & r.DOWN_MOVE else 0
    return side * int(rules["direction"])


def threshold_failures(gate: Row, side: int, rules: Row) -> list[int]:
    """Every threshold that the gate fails, for its whole life."""
    hazard, regime, sure = gate["hazard"], gate["regime"], gate["regime_confidence"]
    filtered = rules["regimes_on"] != 0
    least = rules["regime_confidence_min"]
    tests = {
        codes.ADMIT_FALSE: not gate["admit"],
        codes.UPSTREAM_BLOCK: bool(gate["blocked"]),
        codes.HAZARD_INVALID: math.isnan(hazard),
        codes.HAZARD_EXCEEDS_MAX: hazard > rules["hazard_max"],
        codes.HAZARD_BELOW_MIN: hazard < rules["hazard_min"],
        codes.REPETITIONS_SHORT: gate["reps"] < rules["min_reps"],
        codes.FLAT_DIRECTION: side == 0,
        codes.HAZARD_AT_EXIT: hazard >= rules["hazard_exit"]
        if rules["hazard_exit_above"]
        else hazard <= rules["hazard_exit"],
        codes.REGIME_MISSING: filtered and regime == 0,
        codes.REGIME_FILTERED: filtered and regime > 0 and not rules["regimes_on"] >> regime & 1,
        codes.REGIME_CONFIDENCE_LOW: least > 0 and (math.isnan(sure) or sure < least),
    }
    for slot, value in enumerate(gate["metrics"]):
        if rules["guards_on"] >> slot & 1:
            low, high = rules["guard_min"][slot], rules["guard_max"][slot]
            first = codes.GUARD_FIRST + 2 * slot
            tests[first] = value < low or value > high
            tests[first + 1] = math.isnan(value)
    return [code for code, failed in tests.items() if failed]


def clock_failures(bar: Row, gate: Row, rules: Row, limits: Row) -> list[int]:
    """What the calendar, the gate's age and the kill switch forbid at this bar."""
    marks = bar["marks"]
    inside = bool(marks & r.IN_SESSION)
    tests = {
        codes.GATE_STALE: bar["t"] > gate["known"] + rules["max_age"],
        codes.SESSION_CLOSED: not inside,
        codes.SESSION_EXIT_WINDOW: inside and marks & r.SESSION_EXIT,
        codes.WEEKEND_CLOSE: marks & r.WEEK_END,
        codes.HOLIDAY: marks & r.HOLIDAY_BAR,
        codes.MARKET_CLOSED: marks & r.CLOSED_BAR,
        codes.KILL_SWITCH: limits["halts"] % 2 == 1,
        codes.FEED_STALE: limits["halts"] in {2, 3, 6, 7},
        codes.LOSS_BREAKER: limits["halts"] >= 4,
    }
    return [code for code, failed in tests.items() if failed]


def halted_by(halts: int) -> int:
    """The code of the first thing that stops all entries."""
    if halts % 2 == 1:
        return codes.KILL_SWITCH
    return codes.FEED_STALE if halts in {2, 3, 6, 7} else codes.LOSS_BREAKER
