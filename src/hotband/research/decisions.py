"""The verdict on one gate as a value that people, logs and pages read."""

import math
from dataclasses import dataclass, field

from hotband.core import codes
from hotband.core.records import STAGE_PLANNED, Record
from hotband.market.calendar import format_time


@dataclass(frozen=True, slots=True)
class GateDecision:
    """Whether a gate may enter, why not, and what it carried.

    ``reasons`` names every failing threshold, then what planning or sizing answered; an
    admitted synthetic gate says that thresholds alone admitted it. ``hard_blocked`` is true for
    safety and session reasons. ``units`` is what was planned, 0 where nothing was.
    """

    time_ns: int
    instrument: str
    admit: bool
    reasons: tuple[str, ...]
    hard_blocked: bool
    source: str
    side: int
    units: float
    gate_known_ns: int
    metrics: dict[str, float | None] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """The decision as JSON-safe values; times as RFC 3339."""
        return {
            "timestamp": format_time(self.time_ns),
            "instrument": self.instrument,
            "admit": self.admit,
            "hard_blocked": self.hard_blocked,
            "reasons": list(self.reasons),
            "source": self.source,
            "direction": {1: "BUY", -1: "SELL", 0: "FLAT"}[self.side],
            "units": self.units,
            "gate_known": format_time(self.gate_known_ns),
            "metrics": self.metrics,
        }


def reasons_of(mask: int, code: int, *, synthetic: bool, borderline: bool) -> tuple[str, ...]:
    """Names for a gating mask and a planning or sizing code, in the order of the pipeline."""
    names = codes.names_in(mask)
    if mask == 0 and synthetic:
        names.append("synthetic:thresholds")
        if borderline:
            names.append("synthetic:min_reps_met")
    if code != codes.OK:
        names.append(codes.name_of(code))
    return tuple(names)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def gate_metrics(gate: Record) -> dict[str, float | None]:
    """The metrics of a GATE record by name; ``None`` where undefined."""
    values: dict[str, float | None] = {
        "hazard": _number(gate["hazard"]),
        "repetitions": int(gate["reps"]),
    }
    for slot, (_, name) in enumerate(codes.GUARDS):
        values[name] = _number(gate["metrics"][slot])
    return values


def decision_of(row: Record, gate: Record, instrument: str, min_reps: int) -> GateDecision:
    """A DECISION row and its GATE record as a :class:`GateDecision`."""
    mask, code = int(row["mask"]), int(row["code"])
    synthetic = bool(row["synthetic"])
    admit = mask == 0
    return GateDecision(
        time_ns=int(row["t"]),
        instrument=instrument,
        admit=admit,
        reasons=reasons_of(
            mask, code, synthetic=synthetic, borderline=int(gate["reps"]) == min_reps
        ),
        hard_blocked=bool(mask & codes.HARD_MASK) or code == codes.NAV_NOT_POSITIVE,
        source="synthetic" if synthetic else "real",
        side=int(row["side"]),
        units=float(row["units"]) if int(row["stage"]) >= STAGE_PLANNED else 0.0,
        gate_known_ns=int(row["gate"]),
        metrics=gate_metrics(gate),
    )
