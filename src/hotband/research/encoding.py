"""From stored bars to stored gates: resumable, and the same however often it is interrupted.

Nothing is remembered between calls. What the encoder must know of the past is read again from
the bars before the first gate that is missing, until its memory is full; since that memory is
finite and holds whole numbers only, the gates are those of a run that was never interrupted.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hotband.errors import WindowError
from hotband.gates.encoder import encode_gates, settings_for, warm_up_bars
from hotband.gates.encoder_state import EncoderSettings, EncoderState
from hotband.gates.ports import GateStore
from hotband.market.bars import Bars
from hotband.market.calendar import DAY_NS, format_time, parse_granularity
from hotband.profile.strategy import effective, load_profile
from hotband.stores.location import Locations
from hotband.stores.ports import BarStore

CHUNK_BARS = 50_000
"""Bars encoded before their gates are stored: what an interruption can cost."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """What one call did for one instrument.

    ``bars`` were encoded (warm-up not counted), ``gates`` came of them, ``added`` of these are
    new in the store. ``first_ns`` and ``last_ns`` are known times of the gates, None = none.
    """

    instrument: str
    granularity: str
    bars: int
    gates: int
    added: int
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


def encode_range(
    bars: BarStore,
    gates: GateStore,
    instrument: str,
    granularity: str,
    window: tuple[int, int],
    settings: EncoderSettings | None = None,
) -> Encoded:
    """Encode the bars known in [start, end) and add their gates to the store.

    Doing it twice changes nothing. Bars before the window warm the encoder up.

    Args:
        bars: Where the bars are.
        gates: Where the gates go.
        instrument: Such as ``EUR_USD``.
        granularity: Of the bars.
        window: Start and end of known times, ns.
        settings: Of the encoder; bits that the bars cannot give are switched off.

    Raises:
        StoreError, WindowError: The bars are not there, or a store is not available.
        GatesError: The store holds other gates of the same times.
    """
    first, end = _known_span(bars, instrument, granularity)
    window = (max(window[0], first), min(window[1], end))
    if window[0] >= window[1]:
        return Encoded(instrument, granularity, 0, 0, 0, None, None)
    fresh, state = _warmed(bars, instrument, granularity, window, settings or EncoderSettings())
    n_gates = added = 0
    known: list[int] = []
    for at in range(0, len(fresh), CHUNK_BARS):
        part = replace(fresh, data=fresh.data[at : at + CHUNK_BARS])
        encoded = encode_gates(part, state.settings, state=state, details=True)
        state = encoded.state
        added += gates.append(encoded.gates)
        n_gates += len(encoded.gates)
        known += encoded.gates.data["known"][[0, -1]].tolist() if len(encoded.gates) else []
    span = (known[0], known[-1]) if known else (None, None)
    return Encoded(instrument, granularity, len(fresh), n_gates, added, *span)


def _warmed(
    bars: BarStore,
    instrument: str,
    granularity: str,
    window: tuple[int, int],
    settings: EncoderSettings,
) -> tuple[Bars, EncoderState]:
    """The bars known in the window, and the encoder as if it had seen all bars before them."""
    start_ns, end_ns = window
    step = parse_granularity(granularity)
    extent = bars.extent(instrument, granularity) or (0, 0)
    reach = warm_up_bars(settings, step) * step
    while True:
        since = max(extent[0], start_ns - step - reach)
        held = bars.read(instrument, granularity, since, end_ns - 1)
        split = int(np.searchsorted(held.known_ns, start_ns))
        chosen = settings_for(held, settings)
        state = EncoderState.fresh(chosen, step)
        if split:
            state = encode_gates(replace(held, data=held.data[:split]), chosen, state=state).state
        if state.settled or since <= extent[0]:
            return replace(held, data=held.data[split:]), state
        # Weekends and holes make a stretch hold fewer bars than its length says.
        reach *= 2


def resume_at(gates: GateStore, instrument: str) -> int | None:
    """The first known time, ns, of which the store cannot have a gate yet; None = holds none."""
    latest = gates.latest(instrument)
    return None if latest is None else int(latest.data["known"][0]) + 1


def encode_missing(
    bars: BarStore,
    gates: GateStore,
    instrument: str,
    granularity: str,
    *,
    back_days: float | None = None,
    settings: EncoderSettings | None = None,
) -> Encoded:
    """Encode what came after the store's latest gate.

    Where it holds none: all bars, or those of the last ``back_days`` before the last one.

    Raises as :func:`encode_range`.
    """
    first, end = _known_span(bars, instrument, granularity)
    start = resume_at(gates, instrument)
    if start is None:
        start = first if back_days is None else max(first, end - round(back_days * DAY_NS))
    if start >= end:
        return Encoded(instrument, granularity, 0, 0, 0, None, None)
    return encode_range(bars, gates, instrument, granularity, (start, end), settings)


def bootstrap_days(
    bars: BarStore,
    gates: GateStore,
    instrument: str,
    granularity: str,
    days: float,
    settings: EncoderSettings | None = None,
) -> Encoded:
    """Encode the last ``days`` before the last bar, whatever the store holds of them already.

    Raises as :func:`encode_range`.
    """
    first, end = _known_span(bars, instrument, granularity)
    start = max(first, end - round(days * DAY_NS))
    return encode_range(bars, gates, instrument, granularity, (start, end), settings)


def _known_span(bars: BarStore, instrument: str, granularity: str) -> tuple[int, int]:
    """From when the first bar is known until just after the last one is, ns."""
    extent = bars.extent(instrument, granularity)
    if extent is None:
        bars.read(instrument, granularity, 0, 1)  # raises, and says what the store does hold
        raise WindowError("bars", "none", "bars to encode", "Import some first.")
    step = parse_granularity(granularity)
    return extent[0] + step, extent[1] + step + 1
