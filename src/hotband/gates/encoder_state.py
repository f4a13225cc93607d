"""What an encoder is set to and what it remembers, apart from what it does."""

from dataclasses import dataclass, fields
from math import nan
from typing import Final

import numpy as np

from hotband.core.records import NEVER, Records, empty, readable
from hotband.errors import GatesError
from hotband.gates.bit_window import CODE, ONES, SLOT, WINDOW_FIELDS
from hotband.gates.emissions import EMISSION_FIELDS, LEAST_HAZARDS, RECENT, RUPTURE
from hotband.gates.metrics import MaskArray, fresh_counts, wave_table
from hotband.gates.regimes import trend_norm
from hotband.gates.runs import FloatArray, IntArray, binary_entropy
from hotband.market.calendar import MINUTE_NS

ENCODER: Final = np.dtype([*WINDOW_FIELDS, *EMISSION_FIELDS], align=True)
"""All scalars of an encoder's state."""

_WHOLE: Final = {
    "window_bars": (4, 256),
    "stride_bars": (1, 1_000_000),
    "atr_bars": (1, 1000),
    "signature_decimals": (0, 6),
    "hazard_memory": (LEAST_HAZARDS, 1_000_000),
}
_REAL: Final = {
    "max_gap_minutes": (0.0, 525_600.0),
    "lambda_scale": (0.0, 1.0),
    "repetition_minutes": (0.0, 43_200.0),
    "hazard_percentile": (0.05, 0.99),
}


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """How gates are encoded from bars.

    Attributes:
        window_bars: bars of the window, even, 4..256; each has 6 to 8 bits.
        stride_bars: a gate at every such bar, counted from 1970 and not from the first bar.
        atr_bars: bars of the average true range, a simple mean, 1..1000. (The existing stack
            takes an exponential mean, which never forgets.)
        max_gap_minutes: bars opening further apart start the window anew; at least one bar.
        lambda_scale: hazard of a gate per unit of rupture, above 0, at most 1.
        signature_decimals: of coherence, stability and entropy in a signature, 0..6.
        repetition_minutes: how long an emission counts as a repetition, up to 43200.
        hazard_percentile: of the past hazards, above which a gate is not admitted, 0.05..0.99;
            None = all are admitted.
        hazard_memory: how many past hazards, 64..1000000.
        spread_bit: whether a bar's spread gives a bit.
        volume_bit: whether its volume does; an unknown volume gives 0.

    Raises:
        GatesError: a value outside its range.
    """

    window_bars: int = 64
    stride_bars: int = 1
    atr_bars: int = 14
    max_gap_minutes: float = 60.0
    lambda_scale: float = 0.1
    signature_decimals: int = 2
    repetition_minutes: float = 60.0
    hazard_percentile: float | None = 0.8
    hazard_memory: int = 2048
    spread_bit: bool = True
    volume_bit: bool = True

    def __post_init__(self) -> None:
        for name, (low, high) in _WHOLE.items():
            value = getattr(self, name)
            even = name == "window_bars"
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not whole or not low <= value <= high or (even and value % 2):
                kind = "an even number" if even else "a whole number"
                raise GatesError(name, value, f"{kind} of {low} to {high}", "Change it.")
        for name, (least, most) in _REAL.items():
            number = getattr(self, name)
            optional = name == "hazard_percentile"
            if not (optional and number is None) and not (number > 0.0 and least <= number <= most):
                span = f"{least:g} to {most:g}, or None" if optional else f"above 0, to {most:g}"
                raise GatesError(name, number, span, "Change it.")

    @property
    def max_gap_ns(self) -> int:
        """``max_gap_minutes`` in ns."""
        return round(self.max_gap_minutes * MINUTE_NS)

    @property
    def repetition_ns(self) -> int:
        """``repetition_minutes`` in ns."""
        return round(self.repetition_minutes * MINUTE_NS)

    @property
    def bits_per_bar(self) -> int:
        """6, 7 or 8."""
        return 6 + int(self.spread_bit) + int(self.volume_bit)

    @property
    def full_after_bars(self) -> int:
        """Bars, from any start, after which the metrics of a bar are those of an endless past.

        The oldest bits of the window then had a full average range and full medians.
        """
        return max(self.window_bars - 1, self.atr_bars) + self.window_bars


def require_length(granularity_ns: int) -> None:
    """Refuse a length of a bar below 1 ns with a GatesError."""
    if granularity_ns < 1:
        raise GatesError("granularity_ns", granularity_ns, "above 0", "Give ns per bar.")


def _codes(width: int) -> Records:
    codes = empty(CODE, 1 << width)
    numbers = np.arange(len(codes))
    bits = numbers[:, None] >> np.arange(width)[::-1] & 1
    codes["ones"] = bits.sum(axis=1)
    codes["flips"] = (bits[:, 1:] != bits[:, :-1]).sum(axis=1)
    codes["apart_4"] = (bits[:, 4:] != bits[:, :-4]).sum(axis=1)
    codes["lowest"] = width - 1 - (bits * np.arange(width)).max(axis=1)
    return codes


def _signature_tables(n: int, decimals: int) -> tuple[Records, Records, int]:
    """(by ones, by flips, how many signatures): rounded metrics that are equal share a number."""
    ones, ruptures = empty(ONES, n + 1), empty(RUPTURE, n)
    ones["entropy"] = [binary_entropy(count, n - count) for count in range(n + 1)]
    stability = np.unique(np.round(1.0 - np.arange(n) / (n - 1), decimals), return_inverse=True)
    both = np.round(np.stack((1.0 - ones["entropy"], ones["entropy"])), decimals)
    pairs = np.unique(both, axis=1, return_inverse=True)
    ruptures["signature"] = stability[1]
    ones["signature"] = pairs[1].ravel() * len(stability[0])
    return ones, ruptures, pairs[0].shape[1] * len(stability[0])


@dataclass(frozen=True, eq=False, slots=True)
class EncoderState:
    """All that an encoder remembers; :meth:`copy` forks it."""

    settings: EncoderSettings
    record: Records  # one ENCODER
    slots: Records
    spreads: FloatArray
    volumes: FloatArray
    ranges: IntArray
    masks: MaskArray
    hazards: IntArray
    ruptures: Records
    recent: Records
    signatures: IntArray
    waves: MaskArray  # this and what follows is fixed
    codes: Records
    ones: Records

    @classmethod
    def fresh(cls, settings: EncoderSettings, granularity_ns: int) -> "EncoderState":
        """The state before the first bar.

        Raises GatesError for ``granularity_ns`` below 1 or above ``max_gap_minutes``: every
        bar would then start anew.
        """
        require_length(granularity_ns)
        if settings.max_gap_ns < granularity_ns:
            raise GatesError(
                "max_gap_minutes",
                settings.max_gap_minutes,
                f"at least {granularity_ns / MINUTE_NS:g}, the length of a bar",
                "Raise it; longer gaps then start the window anew.",
            )
        window, bars = settings.window_bars, settings.window_bars * settings.bits_per_bar
        ones, ruptures, signatures = _signature_tables(bars, settings.signature_decimals)
        # Bars open at least half a granularity apart, see GateEncoder.
        span = settings.repetition_ns // max(1, granularity_ns // 2) + 2
        return cls(
            settings,
            _fresh_record(settings, granularity_ns),
            empty(SLOT, window),
            np.full(window, nan),
            np.full(window, nan),
            np.zeros(settings.atr_bars, np.int64),
            np.zeros(bars, np.int32),
            np.zeros(settings.hazard_memory, np.int64),
            ruptures,
            empty(RECENT, span),
            np.zeros(signatures, np.int64),
            wave_table(bars)[0],
            _codes(settings.bits_per_bar),
            ones,
        )

    @property
    def granularity_ns(self) -> int:
        """Length of a bar."""
        return int(self.record["granularity"][0])

    @property
    def settled(self) -> bool:
        """Whether any earlier start would give the same gates from here on.

        True once the hazard memory and the span of repetitions hold only gates of bars whose
        own past was complete. It stays False where history begins later than that.
        """
        now = self.record[0]
        remembered = int(now["last_t"]) - int(now["whole_t"]) >= int(now["repetition"])
        full = int(now["whole_gates"]) >= self.settings.hazard_memory
        return remembered and (full or self.settings.hazard_percentile is None)

    def copy(self) -> "EncoderState":
        """An independent state of equal content."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("record", "slots", "ruptures", "recent"):
            values[name] = readable(values[name].copy())
        for name in ("spreads", "volumes", "ranges", "masks", "hazards", "signatures"):
            values[name] = values[name].copy()
        return EncoderState(**values)

    def matching(self, settings: EncoderSettings, granularity_ns: int) -> "EncoderState":
        """A copy, once it is sure that it was made with these settings.

        Raises GatesError for others.
        """
        if (self.settings, self.granularity_ns) != (settings, granularity_ns):
            raise GatesError(
                "state",
                f"one of {self.settings}, {self.granularity_ns} ns",
                f"one of {settings}, {granularity_ns} ns",
                "Resume with equal settings.",
            )
        return self.copy()


def _fresh_record(settings: EncoderSettings, granularity_ns: int) -> Records:
    record = empty(ENCODER, 1)
    percentile = settings.hazard_percentile
    fixed = {
        "granularity": granularity_ns,
        "max_gap": settings.max_gap_ns,
        "stride": settings.stride_bars,
        "width": settings.bits_per_bar,
        "spread_bit": settings.spread_bit,
        "volume_bit": settings.volume_bit,
        "whole_after": settings.full_after_bars,
        "whole_t": NEVER,
        "last_t": -NEVER,
        "trend_norm": trend_norm(settings.window_bars),
        "lambda_scale": settings.lambda_scale,
        "percentile": nan if percentile is None else percentile,
        "repetition": settings.repetition_ns,
    }
    for name, value in fixed.items():
        record[name] = value
    fresh_counts(record, settings.window_bars * settings.bits_per_bar)
    return record
