"""Gates: the events that may permit an entry, in the form the pipeline judges them.

A gate is placed in time by when it was *known*, never by when it was stamped, and keeps
whether it is real or derived from bars. ``align`` says which gate each bar judges and counts
those that no bar could ever see, so that the funnel adds up to every gate there was.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Self, TypeAlias, TypedDict, Unpack

import numpy as np
import numpy.typing as npt
import polars as pl

from hotband.core.codes import GUARDS
from hotband.core.records import GATE, REGIMES, Records
from hotband.errors import GatesError, IntegrityError
from hotband.market.bars import TIME_TYPE, Column, Int64Array, require_window, times_ns
from hotband.market.calendar import format_time

GateSource: TypeAlias = str
"""One of ``SOURCES``, or ``producer:NAME`` for gates of a producer of somebody's own."""
Int32Array: TypeAlias = npt.NDArray[np.int32]

SOURCES: Final = ("synthetic", "memory", "parquet", "valkey", "mixed")
"""Derived from bars, the scheme of the store that the gates were read from, or both by turns."""
OWN: Final = re.compile(r"producer:[a-z][a-z0-9_+.-]*")
METRICS: Final = tuple(metric for _, metric in GUARDS)
FRAME_COLUMNS: Final = (
    "known",
    "side",
    "hazard",
    "reps",
    "key",
    "admit",
    "blocked",
    "synthetic",
    "regime",
    "regime_confidence",
    *METRICS,
)
DETAILS: Final = {
    "granularity": pl.String(),  # of the producer's bars
    "signal_key": pl.String(),  # its text, where the producer gave one
    "signature": pl.String(),
    "reasons": pl.List(pl.String()),  # the producer's own
    "hazard_threshold": pl.Float64(),  # the producer's own, on the scale of lambda
    "producer": pl.String(),  # the payload's ``source``
}
"""What is shown of a gate and decides nothing: name and type of each column."""
_FLAGS: Final = ("admit", "blocked", "synthetic")


class GateExtras(TypedDict, total=False):
    """Optional columns of ``Gates.from_columns``, each with one value per gate.

    ``key``: numbers from ``key_of``, default 0 = none. ``admit``: default 1. ``blocked``:
    default 0. ``regime``: names of ``records.REGIMES`` or None. ``regime_confidence``: 0..1,
    default NaN. ``source``: default ``synthetic`` or ``memory``. ``details``: a frame with
    columns of ``DETAILS``, one row per gate; a column left out is null.
    """

    key: Column | None
    admit: Column | None
    blocked: Column | None
    regime: Sequence[str | None] | None
    regime_confidence: Column | None
    source: GateSource
    details: pl.DataFrame | None


def _column(values: Column | float, name: str, rows: int, kinds: str) -> npt.NDArray[np.generic]:
    if isinstance(values, pl.Series):
        values = values.to_numpy()
    array: npt.NDArray[np.generic] = np.asarray(values)
    if array.ndim == 0:
        array = np.full(rows, array)
    # An empty list has no type of its own.
    if array.shape != (rows,) or (rows and array.dtype.kind not in kinds):
        raise GatesError(
            name,
            f"{array.dtype} of shape {array.shape}",
            f"{rows} {'numbers' if 'f' in kinds else 'whole numbers'}, one per gate",
            "Give every column one value per known time.",
        )
    if "f" in kinds:
        return array
    whole = array.astype(np.int64)
    end = 2**63 if name == "key" else 2**31
    high = (whole >= end) | ((whole < 0) & (array.dtype.kind == "u"))
    for bad, allowed in ((high, f"below {end}"), (whole < -end, f"{-end} or more")):
        if bad.any():
            raise GatesError(name, array[bad][0], allowed, "Check the column.")
    return whole


def _fits(
    what: str, bad: npt.NDArray[np.bool_], values: Column, known: Int64Array, rule: tuple[str, str]
) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        raise GatesError(
            what,
            f"{np.asarray(values)[row]} in row {row} known at {format_time(int(known[row]))}, "
            f"one of {int(bad.sum())} of {len(bad)} rows",
            *rule,
        )


def _check(instrument: str, data: Records) -> None:
    known = data["known"]
    step = np.diff(known, prepend=known[:1] - 1) if len(known) else known
    what = f"of gates of {instrument}"
    for name, bad, rule in (
        ("unsorted", step < 0, ("increasing known times", "Sort the gates by known time.")),
        ("duplicate", step == 0, ("one gate per known time", "Keep the one that counts.")),
    ):
        if bad.any():
            row = int(np.argmax(bad))
            raise GatesError(
                f"known {what}",
                f"{name} in row {row} at {format_time(int(known[row]))}, one of {int(bad.sum())} "
                f"of {len(bad)} rows",
                *rule,
            )
    side, hazard, reps = data["side"], data["hazard"], data["reps"]
    _fits(f"side {what}", ~np.isin(side, (-1, 0, 1)), side, known, ("-1, 0, 1", "Map the sides."))
    for name, values in (("hazard", hazard), ("regime_confidence", data["regime_confidence"])):
        outside = ~(np.isnan(values) | ((values >= 0) & (values <= 1)))
        do = "Bring it to the scale 0..1 first."
        _fits(f"{name} {what}", outside, values, known, ("0..1, or NaN for missing", do))
    _fits(f"reps {what}", reps < 0, reps, known, ("0 or more", "Drop the gate."))
    _fits(f"key {what}", data["key"] < 0, data["key"], known, ("0 or more", "Use key_of."))
    for flag in _FLAGS:
        bad = ~np.isin(data[flag], (0, 1))
        _fits(f"{flag} {what}", bad, data[flag], known, ("0 or 1", "Map the flags."))


def _details(given: pl.DataFrame | None, rows: int) -> pl.DataFrame:
    """The columns of ``DETAILS`` with their types; what is not given is null."""
    held = given.columns if given is not None else []
    for name in held:
        if name not in DETAILS:
            raise GatesError("details", name, ", ".join(DETAILS), "Rename it.", near=DETAILS)
    if given is not None and held and given.height != rows:
        raise GatesError("details", f"{given.height} rows", f"{rows}, one per gate", "Align them.")
    columns = [
        _detail(given[name], kind)
        if given is not None and name in held
        else pl.Series(name, [None] * rows, kind)
        for name, kind in DETAILS.items()
    ]
    return pl.DataFrame(columns)


def _detail(values: pl.Series, kind: pl.DataType) -> pl.Series:
    try:
        return values.cast(kind)
    except pl.exceptions.PolarsError as cause:
        got = f"a column of {values.dtype}"
        raise GatesError(f"details {values.name}", got, str(kind), "Convert it.") from cause


def _regime_codes(labels: Sequence[str | None] | pl.Series) -> Int32Array:
    try:
        given = pl.Series(labels, dtype=pl.String)
    except TypeError as cause:
        other = next(one for one in labels if not isinstance(one, str | None))
        raise GatesError("regime", repr(other), ", ".join(REGIMES), "Map the labels.") from cause
    known = given.cast(pl.Enum(REGIMES), strict=False)
    unknown = given.is_not_null() & known.is_null()
    if unknown.any():
        row = int(unknown.arg_max() or 0)
        raise GatesError(
            f"regime in row {row}", given[row], ", ".join(REGIMES), "Map the label.", near=REGIMES
        )
    codes: Int32Array = (known.to_physical().cast(pl.Int32) + 1).fill_null(0).to_numpy()
    return codes


@dataclass(frozen=True, eq=False)
class Gates:
    """Gate events of one instrument, in the order in which they became known.

    Make them with ``from_columns`` or ``from_frame``, which validate.

    Attributes:
        instrument: Name such as ``EUR_USD``.
        data: GATE records with strictly increasing ``known``; read-only.
        source: ``synthetic``, the scheme of the store they were read from, ``mixed``, or
            ``producer:NAME`` of somebody's own producer.
        details: a frame with the columns of ``DETAILS``, row by row; ``None`` = all null.
        notes: What a reader must know of how they were read: payloads left out, guesses.
    """

    instrument: str
    data: Records
    source: GateSource
    details: pl.DataFrame | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        data = self.data
        if data.dtype != GATE or data.ndim != 1 or not data.flags.c_contiguous:
            raise GatesError(
                "data",
                f"{data.dtype} of rank {data.ndim}",
                "a contiguous one-dimensional array of GATE",
                "Use Gates.from_columns.",
            )
        if self.source not in SOURCES and not OWN.fullmatch(self.source):
            allowed = f"{', '.join(SOURCES)}, or producer:NAME"
            raise GatesError("source", self.source, allowed, "Name the store.", near=SOURCES)
        if self.details is not None:
            object.__setattr__(self, "details", _details(self.details, len(data)))
        if data.flags.writeable:
            data = data.view()
            data.setflags(write=False)
            object.__setattr__(self, "data", data)

    @classmethod
    def from_columns(
        cls,
        instrument: str,
        known_ns: Column,
        side: Column,
        hazard: Column,
        reps: Column,
        metrics: Mapping[str, Column],
        synthetic: bool,
        **extras: Unpack[GateExtras],
    ) -> Self:
        """Gates of columns with one value per gate, validated.

        Args:
            instrument: Name such as ``EUR_USD``.
            known_ns: When each gate was known: stamp + granularity, ns UTC, increasing.
            side: +1 buy, -1 sell, 0 flat or missing.
            hazard: On the scale 0..1; NaN = missing.
            reps: Repetitions, 0 or more.
            metrics: Values by name of ``METRICS``; a missing name or NaN = undefined.
            synthetic: True = derived from bars, False = real.
            **extras: See ``GateExtras``.

        Raises:
            GatesError: A wrong column, or the first row that breaks a rule.
        """
        known = times_ns(known_ns, "known_ns", error=GatesError)
        rows = len(known)
        data = np.zeros(rows, dtype=GATE)
        data["known"] = known
        data["metrics"] = np.nan
        fields: tuple[tuple[str, Column | float | None, str, float], ...] = (
            ("side", side, "iu", 0),
            ("reps", reps, "iu", 0),
            ("hazard", hazard, "iuf", np.nan),
            ("key", extras.get("key"), "iu", 0),
            ("admit", extras.get("admit"), "iub", 1),
            ("blocked", extras.get("blocked"), "iub", 0),
            ("regime_confidence", extras.get("regime_confidence"), "iuf", np.nan),
        )
        for name, given, kinds, default in fields:
            data[name] = default if given is None else _column(given, name, rows, kinds)
        for name, values in metrics.items():
            if name not in METRICS:
                raise GatesError("metrics", name, ", ".join(METRICS), "Rename it.", near=METRICS)
            data["metrics"][:, METRICS.index(name)] = _column(values, name, rows, "iuf")
        regime = extras.get("regime")
        if regime is not None:
            data["regime"] = _column(_regime_codes(regime), "regime", rows, "i")
        data["synthetic"] = synthetic
        return cls._checked(instrument, data, extras.get("source"), extras.get("details"))

    @classmethod
    def _checked(
        cls,
        instrument: str,
        data: Records,
        source: GateSource | None,
        details: pl.DataFrame | None,
    ) -> Self:
        for name in ("hazard", "regime_confidence", "metrics"):
            # One bit pattern per value, so that equal gates hash equally.
            data[name] = np.where(np.isnan(data[name]), np.nan, data[name] + 0.0)
        _check(instrument, data)
        if source is None:
            source = "synthetic" if len(data) and data["synthetic"].all() else "memory"
        return cls(instrument, data, source, details)

    def window(self, start_ns: int, end_ns: int) -> Self:
        """The gates known at or after the start and before the end; a view.

        Raises:
            WindowError: The end is not after the start.
        """
        require_window(start_ns, end_ns)
        first, last = np.searchsorted(self.data["known"], (start_ns, end_ns), side="left")
        details = None if self.details is None else self.details[int(first) : int(last)]
        return replace(self, data=self.data[first:last], details=details)

    def to_frame(self) -> pl.DataFrame:
        """A frame of ``FRAME_COLUMNS`` and ``DETAILS``: times with zone, null = missing."""
        data = self.data
        labels = (None, *REGIMES)
        columns = {
            name: np.ascontiguousarray(data[name])
            for name in FRAME_COLUMNS
            if name not in METRICS and name != "regime"
        }
        columns |= {name: data["metrics"][:, i].copy() for i, name in enumerate(METRICS)}
        regime = pl.Series("regime", [labels[code] for code in data["regime"]], pl.String)
        return (
            pl.DataFrame([pl.Series(name, values) for name, values in columns.items()])
            .with_columns(regime, pl.col("known").cast(TIME_TYPE))
            .with_columns(pl.col(*_FLAGS).cast(pl.Boolean))
            .with_columns(pl.col("hazard", "regime_confidence", *METRICS).fill_nan(None))
            .select(FRAME_COLUMNS)
            .hstack(_details(self.details, len(data)))
        )

    @classmethod
    def from_frame(cls, frame: pl.DataFrame, instrument: str, *, source: GateSource) -> Self:
        """Gates of a frame as ``to_frame`` gives it; columns of ``DETAILS`` may be left out.

        Raises:
            GatesError: A missing column, or the first row that breaks a rule.
        """
        missing = [name for name in FRAME_COLUMNS if name not in frame.columns]
        if missing:
            raise GatesError(
                f"columns of gates of {instrument}",
                f"no {', '.join(missing)}",
                ", ".join(FRAME_COLUMNS),
                "Write gates with Gates.to_frame.",
            )
        data = np.zeros(frame.height, dtype=GATE)
        data["known"] = times_ns(frame["known"], "known", error=GatesError)
        for name in ("side", "reps", "key"):
            data[name] = _column(frame[name], name, frame.height, "iu")
        for name in _FLAGS:
            data[name] = _column(frame[name], name, frame.height, "iub")
        for name in ("hazard", "regime_confidence"):
            data[name] = _column(frame[name], name, frame.height, "iuf")
        for slot, name in enumerate(METRICS):
            data["metrics"][:, slot] = _column(frame[name], name, frame.height, "iuf")
        data["regime"] = _regime_codes(frame["regime"])
        held = [name for name in DETAILS if name in frame.columns]
        return cls._checked(instrument, data, source, frame.select(held) if held else None)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256, hex, over instrument and rows; the same whichever store they come from."""
        digest = hashlib.sha256(self.instrument.encode() + b"\0")
        digest.update(self.data.tobytes())
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self.data)


def align(
    bars_t_ns: Int64Array, gates_known_ns: Int64Array, data: Records
) -> tuple[Int32Array, Records, int]:
    """Which gate each bar judges, and what became of the gates that no bar judges.

    Args:
        bars_t_ns: Open times of the bars, increasing.
        gates_known_ns: When each gate can be used, increasing; ``known``, or later by a delay.
        data: The GATE records, one per entry of ``gates_known_ns``.

    Returns:
        ``gate_of_bar``: per bar the index of the latest gate known at its open, -1 = none.
        A copy of ``data`` whose ``skipped`` counts, on each judged gate, the gates known
        after the judged gate before it and replaced before any bar opened.
        How many gates became known only after the last bar's open. Judged gates + skipped +
        these are all gates.
    """
    if len(gates_known_ns) != len(data):
        raise IntegrityError(
            "gates_known_ns",
            f"{len(gates_known_ns)} times",
            f"{len(data)}, one per gate",
            "Hand over the known time of each gate.",
        )
    gate_of_bar = (np.searchsorted(gates_known_ns, bars_t_ns, side="right") - 1).astype(np.int32)
    judged = np.unique(gate_of_bar[gate_of_bar >= 0])
    aligned = data.copy()
    aligned["skipped"] = 0
    aligned["skipped"][judged] = np.diff(judged, prepend=-1) - 1
    unjudged_after = len(data) - 1 - (int(judged[-1]) if len(judged) else -1)
    return gate_of_bar, aligned, unjudged_after
