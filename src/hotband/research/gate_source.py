"""Which gates a simulation runs on: recorded ones where there are any, else derived ones.

The rule: an instrument whose gate store has at least one gate in the window (or live at its
start) runs on recorded gates alone; an instrument without any runs on gates derived from its
bars, and every result says so. The two are never mixed for one instrument.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hotband.core.records import GATE, REGIMES, Records, empty
from hotband.errors import InputError
from hotband.gates.deriver import derive_gates, surprises_of
from hotband.gates.deriver_state import DeriverSettings
from hotband.gates.events import Gates
from hotband.gates.lambda_map import MIN_RECORDED, LambdaMap
from hotband.market.bars import Bars
from hotband.profile.inherit import Effective
from hotband.research.feed import Feed
from hotband.stores.ports import GateStore

GateInput = GateStore | Mapping[str, Gates] | None


@dataclass(frozen=True, eq=False)
class ChosenGates:
    """Gates for one instrument's window and where they are from.

    ``source`` is the store's scheme or ``synthetic``; ``calibration`` says how the hazard of
    derived gates was scaled: ``recorded`` or ``lambda_scale``, ``None`` for recorded gates.
    ``candidates`` counts what the deriver saw and refused.
    """

    gates: Gates
    source: str
    calibration: str | None
    candidates: dict[str, int]


def deriver_settings(settings: Effective) -> DeriverSettings:
    """The profile's deriver section in the deriver's own words."""
    return DeriverSettings(**settings.deriver.model_dump(), lambda_scale=settings.lambda_scale)


def _recorded(source: GateInput, instrument: str, start_ns: int, end_ns: int) -> Gates | None:
    if source is None:
        return None
    if isinstance(source, Mapping):
        held = source.get(instrument)
        if held is None:
            return None
        if held.instrument != instrument:
            raise InputError(
                f"gates of {instrument}",
                f"gates of {held.instrument}",
                "gates under the name of their instrument",
                "Correct the mapping.",
            )
        gates = held.window(start_ns, end_ns)
    else:
        extent = source.extent(instrument) if instrument in source.instruments() else None
        if extent is None or extent[1] < start_ns or extent[0] >= end_ns:
            return None
        gates = source.read(instrument, start_ns, end_ns)
    return gates if len(gates.data) else None


def lambda_map(
    source: GateInput, bars: Bars, settings: Effective, start_ns: int
) -> tuple[LambdaMap, str]:
    """The scale of derived hazards, from what was recorded before the window if enough was."""
    before = _recorded(source, bars.instrument, 0, start_ns)
    if before is not None:
        hazards = before.data["hazard"]
        hazards = hazards[np.isfinite(hazards) & (before.data["synthetic"] == 0)]
        known, surprises = surprises_of(bars, deriver_settings(settings))
        surprises = surprises[(known <= start_ns) & np.isfinite(surprises)]
        if len(hazards) >= MIN_RECORDED and len(surprises) >= MIN_RECORDED:
            return LambdaMap.from_recorded(surprises, hazards), "recorded"
    return LambdaMap.scaled(settings.lambda_scale), "lambda_scale"


def choose_gates(
    source: GateInput,
    bars: Bars,
    settings: Effective,
    rules: Records,
    window: tuple[int, int],
) -> ChosenGates:
    """Recorded gates of the window (with those still live at its start), else derived ones.

    ``bars`` reach back before the window, so that the deriver is warm at its start.
    """
    start_ns, end_ns = window
    reach = start_ns - int(rules["max_age"][0])
    recorded = _recorded(source, bars.instrument, reach, end_ns)
    if recorded is not None:
        return ChosenGates(recorded, recorded.source, None, {})
    mapping, calibration = lambda_map(source, bars, settings, start_ns)
    # A gate known at the very end of the window can no longer be judged in it.
    before_end = bars.window(0, end_ns - 1)
    derived = derive_gates(
        before_end, rules[0], deriver_settings(settings), mapping, warm_up_until_ns=reach
    )
    gates = derived.gates.window(reach, end_ns)
    return ChosenGates(gates, gates.source, calibration, dict(derived.counts))


@dataclass(frozen=True, slots=True)
class GateCoverage:
    """How many of a window's minutes had a live gate, real or synthetic.

    ``minutes`` are those with a bar. A gate is live from when it is known until the next one or
    its maximum age. ``regimes`` counts judged gates by label. ``real_fraction`` is ``None``
    where there are no minutes.
    """

    minutes: float
    real_minutes: float
    synthetic_minutes: float
    longest_gap_minutes: float
    real_fraction: float | None
    regimes: dict[str, int]

    def to_dict(self) -> dict[str, object]:
        """The coverage as JSON-safe values."""
        return {name: getattr(self, name) for name in self.__slots__}


def coverage_of(feeds: list[Feed], max_ages_ns: list[int]) -> GateCoverage:
    """Coverage over all feeds of a portfolio; the longest gap is that of one instrument."""
    minutes = real = synthetic = gap = 0.0
    regimes: dict[str, int] = {}
    for feed, max_age in zip(feeds, max_ages_ns, strict=True):
        per_bar = feed.granularity_ns / 60e9
        rows = feed.gates[feed.gate_of_bar] if len(feed.bars) else empty(GATE, 0)
        live = (feed.gate_of_bar > 0) & (feed.bars["t"] - rows["known"] <= max_age)
        derived = rows["synthetic"] == 1
        minutes += per_bar * len(live)
        real += per_bar * int((live & ~derived).sum())
        synthetic += per_bar * int((live & derived).sum())
        edges = np.flatnonzero(np.diff(np.r_[True, live, True].astype(np.int8)))
        if len(edges):
            gap = max(gap, per_bar * float((edges[1::2] - edges[::2]).max()))
        for code, count in zip(
            *np.unique(feed.gates["regime"][1:], return_counts=True), strict=True
        ):
            label = REGIMES[code - 1] if code else "missing"
            regimes[label] = regimes.get(label, 0) + int(count)
    return GateCoverage(minutes, real, synthetic, gap, real / minutes if minutes else None, regimes)
