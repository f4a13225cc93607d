"""What a run says of its gates: how its deriver was set, and how much of it was real."""

from dataclasses import dataclass

import numpy as np

from hotband.core.records import REGIMES
from hotband.gates.deriver_state import DeriverSettings
from hotband.profile.inherit import Effective
from hotband.research.feed import Feed


def deriver_settings(settings: Effective) -> DeriverSettings:
    """The profile's deriver section in the deriver's own words."""
    return DeriverSettings(**settings.deriver.model_dump(), lambda_scale=settings.lambda_scale)


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
        known = feed.gates["known"][feed.gate_of_bar]
        live = (feed.gate_of_bar > 0) & (feed.bars["t"] - known <= max_age)
        derived = feed.gates["synthetic"][feed.gate_of_bar] == 1
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
