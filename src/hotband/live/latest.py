"""The latest gate of each instrument: how old it is, what its producer and what we say of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np

from hotband.core import codes
from hotband.core.gating import threshold_mask, trade_side
from hotband.core.records import BAR, REGIMES, empty, readable
from hotband.gates.events import METRICS, Gates
from hotband.gates.ports import GateStore
from hotband.live.clock import Clock
from hotband.market.calendar import MarketHours, format_time
from hotband.market.instruments import currencies, load_instruments
from hotband.profile.rules import compile_rules
from hotband.profile.strategy import Profile, load_profile
from hotband.stores.location import Locations

Freshness: TypeAlias = Literal["fresh", "stale", "none"]
State: TypeAlias = Literal["fresh", "stale", "none", "future"]
CLOCKS_APART_S: Final = 5.0
"""A gate known so many seconds from now is taken for two clocks that differ."""


@dataclass(frozen=True, slots=True)
class GateAge:
    """How long ago the latest gate of an instrument became known; None = there is none."""

    instrument: str
    known_ns: int | None
    age_seconds: float | None

    def state(self, threshold_s: float) -> State:
        """Fresh up to and including the threshold; ``future`` = known later than now."""
        if self.age_seconds is None:
            return "none"
        if self.age_seconds < -CLOCKS_APART_S:
            return "future"
        return "fresh" if self.age_seconds <= threshold_s else "stale"

    def to_dict(self, threshold_s: float) -> dict[str, object]:
        """The age as JSON-safe values."""
        return {
            "instrument": self.instrument,
            "state": self.state(threshold_s),
            "age_seconds": self.age_seconds,
            "known": None if self.known_ns is None else format_time(self.known_ns),
        }

    def line(self, threshold_s: float) -> str:
        """The age as one line of text."""
        if self.known_ns is None:
            return f"{self.instrument}: no gates"
        known = format_time(self.known_ns)
        return f"{self.instrument}: {self.state(threshold_s)}, {self.age_seconds:,.0f} s, {known}"


def _latest(store: GateStore, names: Sequence[str] | None) -> list[tuple[str, Gates | None]]:
    asked = store.instruments() if names is None else names
    return [(name, store.latest(name)) for name in sorted(set(asked))]


def gate_ages(
    store: GateStore,
    clock: Clock,
    names: Sequence[str] | None = None,
    open_market: MarketHours | None = None,
) -> list[GateAge]:
    """Ages of the latest gates, by instrument (those held where ``names`` is None).

    With ``open_market`` only time of the open trading week counts, in whole minutes.
    """
    now = clock.now_ns()
    found = []
    for name, gates in _latest(store, names):
        known = None if gates is None else int(gates.data["known"][0])
        age = None if known is None else (now - known) / 1e9
        if known is not None and known <= now and open_market is not None:
            age = 60.0 * open_market.market_minutes(known, now)
        found.append(GateAge(name, known, age))
    return found


def freshness(ages: Sequence[GateAge], threshold_s: float) -> Freshness:
    """Of all: none where one has no gate, else stale where one is stale or in the future."""
    states = {age.state(threshold_s) for age in ages}
    if not states or "none" in states:
        return "none"
    return "fresh" if states == {"fresh"} else "stale"


@dataclass(frozen=True, slots=True)
class LatestGate:
    """One instrument's latest gate.

    ``producer_admit`` and ``producer_reasons`` are what came with it; ``admit``, ``reasons``
    and ``hard_blocked`` what the profile's thresholds and maximum age say now. Session, weekend
    and kill switch are not judged here, nor is an instrument that the table of instruments does
    not know. ``hazard`` and ``hazard_threshold`` are lambda.
    """

    instrument: str
    known: str
    age_seconds: float
    direction: str
    hazard: float | None
    hazard_threshold: float | None
    repetitions: int
    regime: str | None
    regime_confidence: float | None
    metrics: dict[str, float | None]
    producer: str | None
    producer_admit: bool
    producer_reasons: list[str]
    synthetic: bool
    admit: bool
    reasons: list[str]
    hard_blocked: bool

    def to_dict(self) -> dict[str, object]:
        """The gate as JSON-safe values."""
        return asdict(self)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _judged(name: str, gates: Gates, profile: Profile, now_ns: int) -> LatestGate:
    gate = readable(gates.data)[0]
    pair = load_instruments().get(name)
    mask, reasons = 0, ["unknown_instrument"]
    if pair is not None:
        rules = compile_rules(profile, pair, currencies([pair], profile.account.home))[0]
        # No bar is at hand: a gate that leaves its side to the last move counts as without one.
        mask = threshold_mask(gate, trade_side(empty(BAR, 1)[0], gate, rules), rules)
        if now_ns - int(gate["known"]) > int(rules["max_age"]):
            mask |= 1 << codes.GATE_STALE
        reasons = codes.names_in(mask)
    said = gates.details.row(0, named=True) if gates.details is not None else {}
    return LatestGate(
        instrument=name,
        known=format_time(int(gate["known"])),
        age_seconds=(now_ns - int(gate["known"])) / 1e9,
        direction={1: "BUY", -1: "SELL", 0: "FLAT"}[int(gate["side"])],
        hazard=_number(gate["hazard"]),
        hazard_threshold=said.get("hazard_threshold"),
        repetitions=int(gate["reps"]),
        regime=REGIMES[gate["regime"] - 1] if gate["regime"] else None,
        regime_confidence=_number(gate["regime_confidence"]),
        metrics={metric: _number(gate["metrics"][k]) for k, metric in enumerate(METRICS)},
        producer=said.get("producer"),
        producer_admit=bool(gate["admit"]),
        producer_reasons=list(said.get("reasons") or ()),
        synthetic=bool(gate["synthetic"]),
        admit=not reasons,
        reasons=reasons,
        hard_blocked=bool(mask & codes.HARD_MASK),
    )


def latest_gates(
    store: GateStore,
    clock: Clock,
    names: Sequence[str] | None = None,
    profile: Path | None = None,
) -> list[LatestGate]:
    """The latest gates by instrument; instruments without one are left out.

    ``profile`` None = ``HOTBAND_PROFILE`` or the built-in one.
    """
    loaded = load_profile(profile or Locations.from_environment().profile)
    now = clock.now_ns()
    return [
        _judged(name, gates, loaded, now)
        for name, gates in _latest(store, names)
        if gates is not None
    ]
