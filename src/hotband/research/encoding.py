"""From stored bars to stored gates: resumable, and the same however often it is interrupted.

No bar is remembered between calls. What the encoder must know of the past is read again from
the bars before the first gate that is missing, until its memory is full; since that memory is
finite and holds whole numbers only, the gates are those of a run that was never interrupted.
Gates name the settings they were encoded with, and a store is not gone on with others.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hotband.errors import GatesError, WindowError
from hotband.gates.encoder import PRODUCER, encode_gates, producer_of, settings_for, warm_up_bars
from hotband.gates.encoder_state import EncoderSettings, EncoderState
from hotband.gates.events import Gates
from hotband.gates.ports import GateStore
from hotband.market.bars import Bars
from hotband.market.calendar import DAY_NS, LAST_NS, format_time, parse_granularity
from hotband.profile.strategy import effective, load_profile
from hotband.stores.location import Locations
from hotband.stores.ports import BarStore

CHUNK_BARS = 50_000
"""Bars encoded before their gates are stored: what an interruption can cost."""
AUDIT_DAYS = 1.0
"""How far back stored gates are compared with what the bars give now."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """What one call did for one instrument.

    ``bars`` were encoded (warm-up not counted), ``gates`` came of them, ``added`` of these are
    new or changed in the store, ``dropped`` are older than its retention and were left out.
    ``first_ns`` and ``last_ns`` are known times of the gates, None = none.
    """

    instrument: str
    granularity: str
    bars: int
    gates: int
    added: int
    dropped: int
    first_ns: int | None
    last_ns: int | None

    def to_dict(self) -> dict[str, object]:
        """The report as JSON-safe values; times as RFC 3339."""
        first, last = (None if t is None else format_time(t) for t in (self.first_ns, self.last_ns))
        return {
            "instrument": self.instrument,
            "granularity": self.granularity,
            "bars": self.bars,
            "gates": self.gates,
            "added": self.added,
            "dropped": self.dropped,
            "first": first,
            "last": last,
        }


def encoder_settings(profile: Path | None = None) -> Callable[[str], EncoderSettings]:
    """The encoder's settings by instrument, of ``HOTBAND_PROFILE`` or the default where None."""
    loaded = load_profile(profile or Locations.from_environment().profile)

    def settings(instrument: str) -> EncoderSettings:
        wanted = effective(loaded, instrument)
        return EncoderSettings(**wanted.encoder.model_dump(), lambda_scale=wanted.lambda_scale)

    return settings


@dataclass(frozen=True, slots=True)
class Audit:
    """Stored gates of a stretch against those that its bars give now, in numbers of gates.

    ``missing`` have no gate in the store, ``different`` have another one: bars came late or
    were changed after the gates after them had been stored.
    """

    instrument: str
    gates: int
    missing: int
    different: int

    @property
    def sound(self) -> bool:
        """Whether the store holds just these gates."""
        return self.missing == self.different == 0

    @property
    def words(self) -> str:
        """What is wrong, and what to do."""
        return (
            f"of {self.gates} gates of {self.instrument} that its bars give, {self.missing} are "
            f"missing in the store and {self.different} differ: bars came late or changed. Encode "
            "the stretch again with 'hotband gates encode --start ... --replace'"
        )


class HistoryEncoder:
    """Encodes stored bars of one granularity into a gate store.

    Args:
        bars, gates: The stores.
        granularity: Of the bars.
        settings: Of the encoder, by instrument. Bits that an instrument's bars cannot give are
            switched off, judged once on all its bars in the store.
    """

    def __init__(
        self,
        bars: BarStore,
        gates: GateStore,
        granularity: str,
        settings: Callable[[str], EncoderSettings] = lambda _: EncoderSettings(),
    ) -> None:
        self.bars = bars
        self.gates = gates
        self.granularity = granularity
        self.step_ns = parse_granularity(granularity)
        self._wanted = settings
        self._settings: dict[str, EncoderSettings] = {}

    def settings_of(self, instrument: str) -> EncoderSettings:
        """The settings in use, judged on first call.

        Raises StoreError where the bar store does not hold the instrument.
        """
        if instrument not in self._settings:
            first, end = self.known_span(instrument)
            whole = self.bars.read(instrument, self.granularity, first - self.step_ns, end)
            self._settings[instrument] = settings_for(whole, self._wanted(instrument))
        return self._settings[instrument]

    def known_span(self, instrument: str) -> tuple[int, int]:
        """From when the first bar is known until just after the last one is, ns."""
        extent = self.bars.extent(instrument, self.granularity)
        if extent is None:
            # Raises, and says what the store does hold.
            self.bars.read(instrument, self.granularity, 0, 1)
            raise WindowError("bars", "none", "bars to encode", "Import some first.")
        return extent[0] + self.step_ns, extent[1] + self.step_ns + 1

    def encode_range(
        self, instrument: str, window: tuple[int, int], *, replace: bool = False
    ) -> Encoded:
        """Encode the bars known in [start, end) and add their gates; twice changes nothing.

        Bars before the window warm the encoder up. ``replace`` lets new values win.

        Raises:
            WindowError: No bar is known in the window.
            StoreError: The bars are not there, or a store is not available.
            GatesError: The store holds other gates of the same times, unless ``replace``.
        """
        first, end = self.known_span(instrument)
        inside = (max(window[0], first), min(window[1], end))
        if inside[0] >= inside[1]:
            raise WindowError(
                f"window to encode of {instrument} {self.granularity}",
                f"{format_time(window[0])} to {format_time(min(window[1], LAST_NS))}",
                f"one that meets {format_time(first)} to {format_time(end - 1)}",
                "Choose a window with bars.",
            )
        return self._encode(instrument, inside, replace=replace)

    def encode_missing(self, instrument: str, *, back_days: float | None = None) -> Encoded:
        """Encode what came after the store's latest gate.

        Where it holds none: all bars, or those of the last ``back_days`` before the last one.

        Raises as :meth:`encode_range`, and GatesError where the latest gate is later than the
        last bar or was not encoded with these settings.
        """
        first, end = self.known_span(instrument)
        latest = self.gates.latest(instrument)
        start = first if back_days is None else max(first, end - round(back_days * DAY_NS))
        if latest is not None:
            self._require_own(latest, end)
            start = int(latest.data["known"][0]) + 1
        if start >= end:
            return Encoded(instrument, self.granularity, 0, 0, 0, 0, None, None)
        return self._encode(instrument, (start, end))

    def bootstrap(self, instrument: str, days: float) -> Encoded:
        """Encode the last ``days`` before the last bar, whatever of them the store holds.

        Raises as :meth:`encode_range`.
        """
        first, end = self.known_span(instrument)
        return self._encode(instrument, (max(first, end - round(days * DAY_NS)), end))

    def audit(self, instrument: str, days: float = AUDIT_DAYS) -> Audit:
        """Compare the stored gates of the last ``days`` with what the bars give now."""
        first, end = self.known_span(instrument)
        extent = self.gates.extent(instrument)
        if extent is None:
            return Audit(instrument, 0, 0, 0)
        start = max(first, end - round(days * DAY_NS), extent[0])
        end = min(end, extent[1] + 1)
        if start >= end:
            return Audit(instrument, 0, 0, 0)
        fresh, state = self._warmed(instrument, (start, end))
        due = encode_gates(fresh, state.settings, state=state).gates.data
        held = self.gates.read(instrument, start, end).data
        at = np.searchsorted(held["known"], due["known"])
        inside = at < len(held)
        there = inside.copy()
        there[inside] = held["known"][at[inside]] == due["known"][inside]
        same = [held[at[k]].tobytes() == due[k].tobytes() for k in np.flatnonzero(there)]
        return Audit(instrument, len(due), int((~there).sum()), len(same) - sum(same))

    def _require_own(self, latest: Gates, end_ns: int) -> None:
        known = int(latest.data["known"][0])
        what = f"latest gate of {latest.instrument} in the store"
        if known >= end_ns:
            raise GatesError(
                what,
                f"one known at {format_time(known)}",
                f"none after the last bar, known at {format_time(end_ns - 1)}",
                "Remove it, or bring the bars up to it.",
            )
        said = latest.details["producer"][0] if latest.details is not None else None
        own = producer_of(self.settings_of(latest.instrument), self.step_ns)
        if said is not None and said != own:
            kind = "with other settings" if said.startswith(PRODUCER) else "by another producer"
            raise GatesError(
                what,
                f"one made {kind} ({said})",
                f"gates of {own}",
                "Use another store, or encode it anew with --start and --replace.",
            )

    def _encode(
        self, instrument: str, window: tuple[int, int], *, replace: bool = False
    ) -> Encoded:
        fresh, state = self._warmed(instrument, window)
        known_ns = fresh.known_ns
        kept = self.gates.kept_from(known_ns) if len(fresh) else 0
        least = int(known_ns[kept]) if kept < len(fresh) else window[1]
        total = added = dropped = 0
        times: list[int] = []
        for at in range(0, len(fresh), CHUNK_BARS):
            part = dataclasses.replace(fresh, data=fresh.data[at : at + CHUNK_BARS])
            encoded = encode_gates(part, state.settings, state=state, details=True)
            state = encoded.state
            total += len(encoded.gates)
            # A store that would keep none is handed all of them, and says why it refuses.
            late = encoded.gates.window(least, window[1]) if least < window[1] else encoded.gates
            dropped += len(encoded.gates) - len(late)
            if len(late):
                added += self.gates.append(late, replace=replace)
                times += late.data["known"][[0, -1]].tolist()
        span = (times[0], times[-1]) if times else (None, None)
        return Encoded(instrument, self.granularity, len(fresh), total, added, dropped, *span)

    def _warmed(self, instrument: str, window: tuple[int, int]) -> tuple[Bars, EncoderState]:
        """The bars known in the window, and the encoder as if it had seen all bars before them."""
        start_ns, end_ns = window
        settings = self.settings_of(instrument)
        first = self.known_span(instrument)[0] - self.step_ns
        reach = warm_up_bars(settings, self.step_ns) * self.step_ns
        while True:
            since = max(first, start_ns - self.step_ns - reach)
            held = self.bars.read(instrument, self.granularity, since, end_ns - 1)
            split = int(np.searchsorted(held.known_ns, start_ns))
            state = EncoderState.fresh(settings, self.step_ns)
            if split:
                before = dataclasses.replace(held, data=held.data[:split])
                state = encode_gates(before, settings, state=state).state
            if state.settled or since <= first:
                return dataclasses.replace(held, data=held.data[split:]), state
            # Weekends and holes make a stretch hold fewer bars than its length says.
            reach *= 2
