"""Which gates a stretch of history runs on: recorded ones first, derived ones where none are.

The rule, per instrument: a recorded gate makes *real* the rest of its trading day (17:00 New
York) and the trading day after it. Only recorded gates count in a real stretch, only derived
ones outside; no stretch has both. Which kind a moment belongs to hangs on gates known before
it alone, so the rule can be followed live, and a day whose first gate comes late does not
reach back. Gates in a store that another producer derived from bars are not recorded ones:
they make nothing real and are left out, which is noted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from hotband.core.records import GATE, Record, Records
from hotband.errors import InputError, StoreUnavailableError
from hotband.gates.deriver import derive_gates, surprises_of
from hotband.gates.deriver_state import DeriverSettings
from hotband.gates.events import Gates
from hotband.gates.lambda_map import MIN_RECORDED, LambdaMap
from hotband.gates.ports import GateStore
from hotband.gates.runs import IntArray
from hotband.market.bars import Bars
from hotband.market.calendar import DAY_NS, MarketHours

GateInput: TypeAlias = GateStore | Mapping[str, Gates] | None
"""Where recorded gates are: a store, a mapping by instrument, or nowhere."""
WhenUnavailable: TypeAlias = Literal["fallback", "fail"]

REACH_NS: Final = 6 * DAY_NS
"""A gate makes real at most so much: Friday's, over the weekend, until Monday's roll."""
UNUSED: Final = "in_real_stretches"
"""Among the candidates: derived gates that were left out because a stretch was real."""
CALIBRATION_NS: Final = 92 * DAY_NS
"""How far back recorded hazards set the scale of derived ones."""


@dataclass(frozen=True, eq=False)
class GateReading:
    """The gates of one instrument's window and where they are from.

    Attributes:
        gates: Recorded and derived ones by known time; ``synthetic`` tells them apart.
        source: The store's scheme, ``synthetic``, ``mixed``, or ``none`` where there are no
            gates and none may be derived.
        calibration: How derived hazards were scaled, ``recorded`` or ``lambda_scale``; None
            where none were derived.
        candidates: What the deriver saw and refused, by reason.
        real_spans: Start and end of each real stretch inside the window, ns, shape (n, 2).
        unavailable: Why the store could not be read, in words; None where it could.
        notes: What the store says of the reading, and what was left out of it.
    """

    gates: Gates
    source: str
    calibration: str | None
    candidates: dict[str, int]
    real_spans: IntArray
    unavailable: str | None = None
    notes: tuple[str, ...] = ()


def real_spans(known_ns: npt.ArrayLike, hours: MarketHours) -> IntArray:
    """The stretches that recorded gates make real, merged, ns, shape (n, 2), half-open.

    ``known_ns`` are their known times, increasing. A stretch starts with a gate and ends with
    the trading day after the last gate's.
    """
    known = np.asarray(known_ns, np.int64)
    if not len(known):
        return np.empty((0, 2), np.int64)
    ends = hours.next_roll(hours.next_roll(known))
    first = np.flatnonzero(np.r_[True, known[1:] >= ends[:-1]])
    last = np.r_[first[1:] - 1, len(known) - 1]
    return np.stack([known[first], ends[last]], axis=1)


def in_spans(t_ns: IntArray, spans: IntArray) -> npt.NDArray[np.bool_]:
    """Which times lie inside one of the half-open spans, which are apart and in order."""
    at = np.searchsorted(spans[:, 0], t_ns, side="right") - 1
    inside: npt.NDArray[np.bool_] = at >= 0
    inside[inside] = t_ns[inside] < spans[at[inside], 1]
    return inside


def interleave(recorded: Gates, derived: Gates, spans: IntArray) -> Gates:
    """All of ``recorded``, and of ``derived`` what lies outside the real ``spans``, by time."""
    kept = derived.data[~in_spans(derived.data["known"], spans)]
    if not len(kept):
        return recorded
    if not len(recorded):
        return Gates(derived.instrument, kept, derived.source, notes=recorded.notes)
    data: Records = np.concatenate([recorded.data, kept])
    order = np.argsort(data["known"], kind="stable")
    details = None
    if recorded.details is not None:
        nulls = recorded.details.clear(len(kept))
        details = pl.concat([recorded.details, nulls])[order]
    return Gates(recorded.instrument, data[order], "mixed", details, recorded.notes)


class GateReader:
    """Reads the gates of windows, one instrument at a time.

    Args:
        source: Where recorded gates are. Of one that is ``complete`` (see ``GateStore``) no
            moment is filled with derived gates, whatever ``fallback`` says.
        hours: Of the market, for its trading days.
        fallback: Derive gates outside real stretches; False = the gates of ``source`` as they
            are, or none.
        recorded_first: False = derive all gates; ``source`` still sets their scale.
        unavailable: What to do when the store's server does not answer within its patience:
            ``fallback`` derives and says so, ``fail`` raises.

    Raises:
        InputError: ``unavailable`` is ``fallback`` where ``fallback`` is off.
    """

    def __init__(
        self,
        source: GateInput,
        hours: MarketHours,
        *,
        fallback: bool = True,
        recorded_first: bool = True,
        unavailable: WhenUnavailable = "fail",
    ) -> None:
        if unavailable == "fallback" and not fallback:
            raise InputError(
                "unavailable",
                "fallback, with the fallback off",
                "fail",
                "Switch the fallback on, or fail where the store does not answer.",
            )
        if recorded_first and getattr(source, "complete", False):
            fallback, unavailable = False, "fail"
        self.source = source
        self.hours = hours
        self.fallback = fallback
        self.recorded_first = recorded_first
        self.unavailable = unavailable

    def recorded(self, instrument: str, start_ns: int, end_ns: int) -> Gates | None:
        """The gates of the source known in [start, end); None where there are none.

        Raises StoreUnavailableError where the store's server does not answer.
        """
        if self.source is None:
            return None
        if isinstance(self.source, Mapping):
            held = _of(self.source, instrument)
            gates = None if held is None else held.window(start_ns, end_ns)
        else:
            extent = self.source.extent(instrument)
            if extent is None or extent[1] < start_ns or extent[0] >= end_ns:
                return None
            gates = self.source.read(instrument, start_ns, end_ns)
        return gates if gates is not None and len(gates) else None

    def lambda_map(
        self, bars: Bars, settings: DeriverSettings, start_ns: int
    ) -> tuple[LambdaMap, str]:
        """The scale of derived hazards, from what was recorded before ``start_ns`` if enough."""
        before = self.recorded(bars.instrument, start_ns - CALIBRATION_NS, start_ns)
        if before is not None:
            hazards = before.data["hazard"]
            hazards = hazards[np.isfinite(hazards) & (before.data["synthetic"] == 0)]
            known, surprises = surprises_of(bars, settings)
            surprises = surprises[(known <= start_ns) & np.isfinite(surprises)]
            if len(hazards) >= MIN_RECORDED and len(surprises) >= MIN_RECORDED:
                return LambdaMap.from_recorded(surprises, hazards), "recorded"
        return LambdaMap.scaled(settings.lambda_scale), "lambda_scale"

    def _words(self, error: StoreUnavailableError) -> str:
        """Why the store could not be read; raises the error where that is to end the run."""
        if self.unavailable == "fail":
            raise error
        return f"{error.state}: {error}"

    def read(
        self, bars: Bars, rules: Record, settings: DeriverSettings, window: tuple[int, int]
    ) -> GateReading:
        """The gates of ``window`` (start_ns, end_ns), with those still live at its start.

        ``bars`` reach back before the window, so that the deriver is warm at its start;
        ``rules`` are the thresholds that derived gates clear.

        Raises:
            StoreUnavailableError: The server does not answer, and ``unavailable`` is ``fail``.
        """
        start_ns, end_ns = window
        live_ns = start_ns - int(rules["max_age"])
        recorded, words = None, None
        notes: tuple[str, ...] = ()
        try:
            if self.recorded_first:
                reach = min(live_ns, start_ns - REACH_NS)
                recorded = self.recorded(bars.instrument, reach, end_ns)
        except StoreUnavailableError as error:
            words = self._words(error)
        if recorded is not None:
            notes = recorded.notes
            if self.fallback:
                recorded, left_out = _without_derived(recorded)
                notes += left_out
        known = recorded.data["known"] if recorded is not None else np.empty(0, np.int64)
        spans = real_spans(known, self.hours)
        within = np.clip(spans, start_ns, end_ns)
        within = within[within[:, 0] < within[:, 1]]
        here = None if recorded is None else recorded.window(live_ns, end_ns)
        whole = len(spans) == 1 and spans[0, 0] <= live_ns and spans[0, 1] >= end_ns
        if here is not None and (whole or not self.fallback):
            return GateReading(here, here.source, None, {}, within, notes=notes)
        if not self.fallback:
            nothing = Gates(bars.instrument, np.zeros(0, GATE), "memory")
            return GateReading(nothing, "none", None, {}, within, notes=notes)
        mapping, calibration = LambdaMap.scaled(settings.lambda_scale), "lambda_scale"
        try:
            if words is None:
                mapping, calibration = self.lambda_map(bars, settings, start_ns)
        except StoreUnavailableError as error:
            # A store lost half way: nothing of it is used, so that the run is of one kind.
            words, here, notes = self._words(error), None, ()
            spans = within = spans[:0]
        # A gate known at the very end of the window can no longer be judged in it.
        derived = derive_gates(
            bars.window(0, end_ns - 1), rules, settings, mapping, warm_up_until_ns=live_ns
        )
        gates, counts = derived.gates.window(live_ns, end_ns), dict(derived.counts)
        if here is not None:
            emitted = len(gates)
            gates = interleave(here, gates, spans)
            counts[UNUSED] = emitted + len(here) - len(gates)
        return GateReading(gates, gates.source, calibration, counts, within, words, notes)


def _without_derived(gates: Gates) -> tuple[Gates | None, tuple[str, ...]]:
    """The gates that were not derived from bars, and a note on those that were."""
    derived = gates.data["synthetic"] != 0
    if not derived.any():
        return gates, ()
    note = (
        f"{int(derived.sum())} of {len(gates)} gates of the store were derived from bars by their "
        "producer and are left out"
    )
    kept = np.flatnonzero(~derived)
    if not len(kept):
        return None, (note,)
    details = None if gates.details is None else gates.details[kept]
    return replace(gates, data=gates.data[kept], details=details), (note,)


def _of(held: Mapping[str, Gates], instrument: str) -> Gates | None:
    gates = held.get(instrument)
    if gates is not None and gates.instrument != instrument:
        raise InputError(
            f"gates of {instrument}",
            f"gates of {gates.instrument}",
            "gates under the name of their instrument",
            "Correct the mapping.",
        )
    return gates
