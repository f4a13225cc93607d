"""Gates encoded from bars: the structural metrics of their bits, bar by bar or all at once.

A window of bars becomes a window of bits (``gates.bit_window``), whose metrics
(``gates.metrics``), regime (``gates.regimes``), repetitions and hazard threshold
(``gates.emissions``) make one gate per bar or stride, known at the bar's close. All rolling
state is whole numbers and of finite memory: a stream, a batch and a restart agree to the
last bit.
"""

import dataclasses
import hashlib
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from hotband.core.codes import GUARDS
from hotband.core.records import GATE, NEVER, QUOTE, Record, Records, empty, readable
from hotband.errors import BarsError
from hotband.gates.bit_window import MARK, first_fault, window_path
from hotband.gates.emissions import emission_path
from hotband.gates.encoder_state import EncoderSettings, EncoderState, require_length
from hotband.gates.events import Gates
from hotband.gates.keys import keys_of
from hotband.gates.runs import FloatArray, IntArray
from hotband.market.bars import Bars
from hotband.market.calendar import GRANULARITIES, MILLISECOND_NS

PRODUCER: Final = "hotband_encoder"
ABOVE_THRESHOLD: Final = "hazard_exceeds_adaptive_threshold"
_CHUNK: Final = 8192
"""Bars between the two passes: their gates then stay in the processor's cache."""
_METRICS: Final = [metric for _, metric in GUARDS]
_SIGNED: Final = [_METRICS.index(name) for name in ("coherence", "stability", "entropy")]


@dataclass(frozen=True, eq=False, slots=True)
class EncodedGates:
    """What an encoding gave.

    Attributes:
        gates: by the time they are known; ``details`` only where they were asked for.
        thresholds: per gate the hazard above which it was not admitted; NaN = none.
        state: of the encoder after the last bar, to go on from.
    """

    gates: Gates
    thresholds: FloatArray
    state: EncoderState

    def __len__(self) -> int:
        return len(self.gates)


class GateEncoder:
    """Encodes gates as bars close; :func:`encode_gates` takes the same compiled steps.

    Args:
        instrument: name such as ``EUR_USD``.
        granularity_ns: length of a bar.
        settings: None = those of ``state``, else the defaults.
        state: where to go on from; it is copied. None = nothing seen yet.

    Raises:
        GatesError: a state of other settings, or bars longer than the allowed gap.
    """

    def __init__(
        self,
        instrument: str,
        granularity_ns: int,
        settings: EncoderSettings | None = None,
        state: EncoderState | None = None,
    ) -> None:
        self.instrument = instrument
        self.granularity_ns = granularity_ns
        self.settings = settings or (EncoderSettings() if state is None else state.settings)
        self.state = (
            EncoderState.fresh(self.settings, granularity_ns)
            if state is None
            else state.matching(self.settings, granularity_ns)
        )
        """Live; take a ``copy()`` to keep it."""
        self._quote, self._gate, self._mark = empty(QUOTE, 1), empty(GATE, 1), empty(MARK, 1)

    def on_bar(self, quote: Record) -> Record | None:
        """Take one closed bar, a ``records.QUOTE``; its ``records.GATE``, where one is due.

        Raises BarsError for a bar that opens less than half a bar after the last one, or whose
        prices or volume cannot be; the state is then as before.
        """
        self._quote[0] = quote
        self._check(self._quote)
        if self._path(self._quote, self._gate, self._mark) == 0:
            return None
        self._gate["key"] = self._keys(self._gate)
        return self._gate[0].copy()

    def on_bars(self, quotes: Records) -> Records:
        """Take many closed bars, an array of ``records.QUOTE``; the gates that were due.

        Raises BarsError as :meth:`on_bar` does, before any bar is taken.
        """
        gates, _ = self.encode(quotes)
        gates["key"] = self._keys(gates)
        return gates

    def encode(self, quotes: Records) -> tuple[Records, FloatArray]:
        """:meth:`on_bars`, but with keys of 0 and with the threshold per gate; NaN = none."""
        bars = _locked(quotes)
        self._check(bars)
        due = self._due(bars)
        gates, marks = empty(GATE, due), empty(MARK, min(due, _CHUNK))
        thresholds = np.empty(due)
        done = 0
        for start in range(0, len(bars), _CHUNK):
            chunk = bars[start : start + _CHUNK]
            count = self._path(chunk, gates[done:], marks)
            thresholds[done : done + count] = marks["threshold"][:count]
            done += count
        return gates[:done], thresholds[:done]

    def _path(self, quotes: Records, gates: Records, marks: Records) -> int:
        """Both passes over a few bars that are known to be usable; how many gates they gave."""
        state = self.state
        record = state.record[0]
        count = window_path(
            record,
            state.slots,
            state.spreads,
            state.volumes,
            state.ranges,
            state.masks,
            state.waves,
            state.codes,
            state.ones,
            _locked(quotes),
            gates,
            marks,
        )
        emission_path(
            record,
            state.hazards,
            state.ruptures,
            state.recent,
            state.signatures,
            gates[:count],
            marks[:count],
        )
        return count

    def _due(self, bars: Records) -> int:
        """At most so many gates."""
        if self.settings.stride_bars == 1:
            return len(bars)
        return int((bars["t"] // self.granularity_ns % self.settings.stride_bars == 0).sum())

    def _keys(self, gates: Records) -> IntArray:
        opened = (gates["known"] - self.granularity_ns) // MILLISECOND_NS
        return keys_of(f"gate:{self.instrument}", opened)

    def _check(self, bars: Records) -> None:
        last_t, least = int(self.state.record["last_t"][0]), max(1, self.granularity_ns // 2)
        row = first_fault(_locked(bars), last_t, least)
        if row < 0:
            return
        bar, before = bars[row], last_t if row == 0 else int(bars["t"][row - 1])
        if before != -NEVER and bar["t"] < before + least:
            raise BarsError(
                "bar time t",
                int(bar["t"]),
                f"at least half a bar after {before}, the bar before",
                "Sort bars, drop repeats.",
            )
        raise BarsError(
            f"bar at {int(bar['t'])}",
            ", ".join(f"{name} {bar[name]}" for name in QUOTE.names or () if name != "t"),
            "finite prices above 0, low <= close <= high, ask >= bid, volume of 0 or more or NaN",
            "Mend or drop the bar.",
        )


def producer_of(settings: EncoderSettings, granularity_ns: int) -> str:
    """The name that gates of these settings carry: ``hotband_encoder/`` and a hash, 8 digits."""
    text = f"{granularity_ns} {dataclasses.astuple(settings)!r}"
    return f"{PRODUCER}/{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def warm_up_bars(settings: EncoderSettings, granularity_ns: int) -> int:
    """How many bars before a time make all gates after it those of an endless past.

    It holds for bars without a gap; where there are gaps, read further back until
    ``EncoderState.settled``. Raises GatesError for ``granularity_ns`` below 1.
    """
    require_length(granularity_ns)
    repeated = -(-settings.repetition_ns // granularity_ns) + 1
    hazards = settings.hazard_memory * settings.stride_bars
    memory = repeated if settings.hazard_percentile is None else max(repeated, hazards)
    return settings.full_after_bars - 1 + memory


def settings_for(bars: Bars, settings: EncoderSettings | None = None) -> EncoderSettings:
    """``settings`` (or the defaults) less the bits that ``bars`` cannot give.

    The spread bit is off where one side of the bars was made up from the other, the volume bit
    where not one volume is known. Both are judged on the source as a whole, so all parts of one
    history should be encoded with the settings of the whole.
    """
    chosen = settings or EncoderSettings()
    known = bool(np.isfinite(bars.data["volume"]).any())
    return replace(
        chosen,
        spread_bit=chosen.spread_bit and bars.side_origin == "ba",
        volume_bit=chosen.volume_bit and known,
    )


def encode_gates(
    bars: Bars,
    settings: EncoderSettings | None = None,
    *,
    state: EncoderState | None = None,
    details: bool = False,
) -> EncodedGates:
    """Every gate that ``bars`` give, each from bars closed by then alone.

    Args:
        bars: any number, oldest first.
        settings: used as they are; None = those of ``state``, else ``settings_for(bars)``.
        state: of the bars before these; it is not changed. None = nothing seen yet.
        details: whether the gates carry signature, threshold and reasons as text.

    Returns:
        The gates (none before the window is full), their thresholds and the state after them.

    Raises:
        GatesError: a state of other settings, or bars longer than the allowed gap.
        BarsError: bars that do not follow those of ``state``.
    """
    if settings is None and state is None:
        settings = settings_for(bars)
    encoder = GateEncoder(bars.instrument, bars.granularity_ns, settings, state)
    data, thresholds = encoder.encode(bars.data)
    data["key"] = encoder._keys(data)
    said = _details(encoder, data, thresholds) if details else None
    gates = Gates(bars.instrument, data.view(np.ndarray), "memory", said)
    return EncodedGates(gates, thresholds, encoder.state)


def _details(encoder: GateEncoder, data: Records, thresholds: FloatArray) -> pl.DataFrame:
    granularity = {length: name for name, length in GRANULARITIES.items()}
    decimals = encoder.settings.signature_decimals
    coherence, stability, entropy = np.round(data["metrics"][:, _SIGNED].T, decimals) + 0.0
    opened = (data["known"] - encoder.granularity_ns) // MILLISECOND_NS
    signed = pl.DataFrame({"c": coherence, "s": stability, "e": entropy})
    distinct = signed.unique(maintain_order=True)
    texts = [
        f"c{c:.{decimals}f}_s{s:.{decimals}f}_e{e:.{decimals}f}" for c, s, e in distinct.iter_rows()
    ]
    named = signed.join(
        distinct.with_columns(pl.Series("signature", texts, pl.String)),
        on=["c", "s", "e"],
        maintain_order="left",
    )
    refused = pl.Series("refused", data["admit"] == 0)
    return pl.DataFrame({"opened": opened, "limit": thresholds, "refused": refused}).select(
        granularity=pl.lit(granularity.get(encoder.granularity_ns), pl.String),
        signal_key=pl.lit(f"gate:{encoder.instrument}:") + pl.col("opened").cast(pl.String),
        signature=named["signature"],
        reasons=pl.when("refused")
        .then(pl.lit([ABOVE_THRESHOLD]))
        .otherwise(pl.lit([], pl.List(pl.String))),
        hazard_threshold=pl.col("limit").fill_nan(None),
        producer=pl.lit(producer_of(encoder.settings, encoder.granularity_ns)),
    )


def _locked(quotes: Records) -> Records:
    """The same bars as a contiguous read-only record array: one type for compiled code."""
    bars = readable(np.ascontiguousarray(quotes))
    bars.setflags(write=False)
    return bars
