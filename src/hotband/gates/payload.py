"""Gate payloads, as gate stores hold them, to gates and back.

``encode`` writes schema 2 (``gates.payload_v2``), which readers of the existing stack also
understand. ``decode`` reads that exactly, and every older form as far as it can be read without
a guess (``gates.payload_fields``); the report says what became of each payload.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import Any, Final

import numpy as np
import orjson
import polars as pl

from hotband.errors import GatesError
from hotband.gates import payload_fields as fields
from hotband.gates import payload_v2
from hotband.gates.events import DETAILS, METRICS, SOURCES, Gates, GateSource
from hotband.gates.keys import key_of
from hotband.gates.payload_fields import ROW, Payload, Row
from hotband.gates.payload_report import PayloadReport, Tally
from hotband.market.calendar import GRANULARITIES, LAST_NS, MILLISECOND_NS

_KEY: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"[ \t\r\n]*(:?)', re.DOTALL)
"""Each string of a valid JSON text, and the colon behind it where it is a key."""
_PARTS: Final = ("structure", "components", "metrics", "regime")
_SYNTHETIC_ERAS: Final = frozenset({"E2_synthetic", "E3_synthetic"})
_TYPES: Final = {
    "known": pl.Int64(), "key": pl.Int64(), "reps": pl.Int64(), "side": pl.Int64(),
    "admit": pl.Int64(), "blocked": pl.Int64(), "synthetic": pl.Int64(), "regime": pl.String(),
    "hazard": pl.Float64(), "regime_confidence": pl.Float64(),
    **{name: kind for name, kind in DETAILS.items() if name != "reasons"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CodecSettings:
    """What payloads do not say of themselves; GatesError for an impossible value.

    Args:
        granularity: Length of the producer's bars by OANDA's name, where a payload has none.
        lambda_scale: lambda / hazard of the producer, 0.000001 to 1.
        source: Of the decoded gates; the scheme of the store that they come from.
    """

    granularity: str = "M1"
    lambda_scale: float = 0.1
    source: GateSource = "valkey"

    def __post_init__(self) -> None:
        least = payload_v2.MIN_LAMBDA_SCALE
        scale = self.lambda_scale
        if self.granularity not in GRANULARITIES:
            raise GatesError(
                "granularity",
                self.granularity,
                ", ".join(GRANULARITIES),
                "Use one of them.",
                near=GRANULARITIES,
            )
        if type(scale) not in (int, float) or not least <= scale <= 1:
            raise GatesError(
                "lambda_scale", scale, f"a number {least:f} to 1", "0.1 is the usual scale."
            )
        if self.source not in SOURCES:
            raise GatesError(
                "source", self.source, ", ".join(SOURCES), "Name the store.", near=SOURCES
            )


@dataclass(frozen=True, eq=False, slots=True)
class Decoded:
    """``gates`` by known time, and the ``report`` on the payloads they were read from."""

    gates: Gates
    report: PayloadReport


def encode(gates: Gates, settings: CodecSettings | None = None) -> list[bytes]:
    """One compact JSON object per gate; ``decode`` gives the same gates back, bit for bit.

    Args:
        gates: Known within 1971 to 2099.
        settings: Granularity of gates whose details name none, and the scale of ``hazard``;
            None = ``CodecSettings()``.

    Raises:
        GatesError: A gate is known outside that span.
    """
    settings = settings or CodecSettings()
    return payload_v2.write_v2(gates, settings.granularity, float(settings.lambda_scale))


def decode(
    payloads: Iterable[bytes | str], instrument: str, settings: CodecSettings | None = None
) -> Decoded:
    """The gates of payloads of any form, by the time they were known, with a report.

    A gate is known at its stamp + granularity, its own where it names one. What holds the
    future (``roc*``, ``forward*``) is never read, wherever it stands. Gates that a backtest
    made from bars (``source`` synthetic and the like) are flagged synthetic. Without a signal
    key the key is that of ``gate:{instrument}:{ts_ms}``, so that a gate read twice is one
    signal, and its text in the details is null. Two payloads of one known time: the later one
    counts. Content never raises: what cannot be read is refused or missing, and counted.

    Args:
        payloads: JSON objects, in any order; a generator of pages is read as it comes.
        instrument: Name such as ``EUR_USD``; payloads of another are refused.
        settings: None = ``CodecSettings()``.
    """
    settings = settings or CodecSettings()
    tally = Tally()
    rows = list(_rows(payloads, instrument, settings, tally))
    kept, repeated = _latest(rows)
    gates = _gates(kept, instrument, settings.source)
    superseded = len(rows) - len(kept) - repeated
    return Decoded(gates, tally.report(len(kept), superseded, repeated))


def _rows(
    payloads: Iterable[bytes | str], instrument: str, settings: CodecSettings, tally: Tally
) -> Iterator[Row]:
    """The payloads that can be read, in their order; the others are counted."""
    wild = _WildReader(instrument, settings, tally)
    for raw in payloads:
        tally.payloads += 1
        text, payload = _parsed(raw, tally)
        if payload is None:
            continue
        version = payload.get("schema_version")
        if version is None or (type(version) is int and version == 1):
            row = wild.read(payload, may_hold_future=b'"roc' in text or b'"forward' in text)
        elif type(version) is int and version == payload_v2.SCHEMA_VERSION:
            row = payload_v2.read_v2(payload, instrument, tally)
        else:
            tally.refuse("schema_unknown", f"schema_version: {version!r}")
            continue
        if row is not None:
            yield row


def _parsed(raw: bytes | str, tally: Tally) -> tuple[bytes, Payload | None]:
    """The text as bytes, and its JSON object; None = refused."""
    text, kind, payload = b"", "", None
    if isinstance(raw, str):
        try:
            text = raw.encode()
        except UnicodeEncodeError:
            text, kind = ascii(raw).encode(), "not_utf8"
    elif isinstance(raw, bytes | bytearray):
        text = raw
    else:
        text, kind = repr(raw).encode(), "not_text"
    if not kind:
        try:
            payload = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            kind = _unreadable(text)
            text = f"{error}: ".encode() + text
        else:
            if type(payload) is not dict:
                kind = "not_an_object"
            elif _repeats_a_key(text, payload):
                kind = "duplicate_keys"
    if kind:
        tally.refuse(kind, text)
        return b"", None
    return text, payload


def _unreadable(text: bytes) -> str:
    """Why a payload that is no JSON is none, as a kind of refusal."""
    if not text.strip():
        return "empty"
    try:
        text.decode()
    except UnicodeDecodeError:
        return "not_utf8"
    return "not_json"


def _repeats_a_key(text: bytes, payload: Payload) -> bool:
    """Whether any object of the text has a key twice, which parsing hides.

    Every key has a colon, so a text with no more colons than the keys and texts looked at
    here has no key twice. Otherwise all keys are counted, which costs ten times as much.
    """
    held = len(payload)
    for name in _PARTS:
        part = payload.get(name)
        if type(part) is dict:
            held += len(part)
            meta = part.get("codec_meta")
            held += len(meta) if type(meta) is dict else 0
    signal = payload.get("signal_key")
    held += signal.count(":") if type(signal) is str else 0
    if text.count(b":") == held and b"\\" not in text:
        return False
    return _KEY.findall(text).count(b":") != _keys_in(payload)


def _keys_in(payload: Payload) -> int:
    count = 0
    left: list[Any] = [payload]
    while left:
        part = left.pop()
        if type(part) is dict:
            count += len(part)
            part = part.values()
        left += [inner for inner in part if type(inner) is dict or type(inner) is list]
    return count


class _WildReader:
    """Reads payloads that keep to no schema, for one instrument."""

    def __init__(self, instrument: str, settings: CodecSettings, tally: Tally) -> None:
        self._instrument = instrument
        self._plain = _plain(instrument)
        self._settings = settings
        self._tally = tally

    def read(self, payload: Payload, may_hold_future: bool) -> Row | None:
        """The gate of a payload; None = refused, counted by kind."""
        tally, settings = self._tally, self._settings
        name = payload.get("instrument")
        if name not in (self._instrument, None) and (
            type(name) is not str or _plain(name) != self._plain
        ):
            tally.refuse("other_instrument", name)
            return None
        given = payload.get("granularity")
        granularity = settings.granularity
        if given is not None:
            granularity = given.strip().upper() if type(given) is str else ""
            if granularity not in GRANULARITIES:
                tally.refuse("granularity_unknown", given)
                return None
        stamp, kind = fields.read_stamp(payload, tally)
        known = stamp + GRANULARITIES[granularity]
        if kind or known >= LAST_NS:
            tally.refuse(kind or "time_out_of_range", _time_fields(payload))
            return None
        if name is None:
            tally.repair("instrument_missing", "keys", list(payload))
        if may_hold_future:
            fields.count_future_fields(payload, tally)
        tally.granularities["assumed" if given is None else "given"] += 1
        era = fields.era_of(payload)
        tally.eras[era] += 1
        lookup = fields.merged(payload)
        hazard, threshold = fields.read_hazard(payload, lookup, settings.lambda_scale, tally)
        side, blocked = fields.read_side(payload, tally)
        label, confidence = fields.read_regime(payload, tally)
        text = fields.as_text(payload.get("signal_key"), "signal_key", tally)
        flag = payload.get("synthetic")
        synthetic = flag if type(flag) is bool else era in _SYNTHETIC_ERAS
        return (
            known,
            key_of(text or f"gate:{self._instrument}:{stamp // MILLISECOND_NS}"),
            fields.read_reps(payload, tally),
            side,
            fields.read_admit(payload, tally),
            blocked,
            int(synthetic),
            label,
            hazard,
            confidence,
            fields.read_metrics(lookup, tally),
            granularity,
            text,
            fields.as_text(lookup.get("signature"), "signature", tally),
            fields.read_reasons(payload, tally),
            threshold,
            fields.as_text(payload.get("source"), "source", tally),
        )


def _plain(name: str) -> str:
    return re.sub(r"[/_\-\s]", "", name).upper()


def _time_fields(payload: Payload) -> str:
    return ", ".join(f"{name}: {payload.get(name)!r}" for name in ("ts_ms", "ts"))


def _latest(rows: list[Row]) -> tuple[list[Row], int]:
    """The last row of each known time, by known time, and how many others equal theirs."""
    rising = all(earlier[0] < later[0] for earlier, later in pairwise(rows))
    if rising:
        return rows, 0
    winners = {row[0]: row for row in rows}
    repeated = sum(row is not winners[row[0]] and row == winners[row[0]] for row in rows)
    return sorted(winners.values(), key=itemgetter(0)), repeated


def _gates(rows: list[Row], instrument: str, source: GateSource) -> Gates:
    columns: dict[str, Any] = dict.fromkeys(ROW, ())
    if rows:
        columns = dict(zip(ROW, zip(*rows, strict=True), strict=True))
    metrics = np.array(columns["metrics"], dtype=np.float64).reshape(-1, len(METRICS))
    series = [pl.Series(name, columns[name], kind) for name, kind in _TYPES.items()]
    series += [pl.Series(name, metrics[:, slot]) for slot, name in enumerate(METRICS)]
    frame = pl.DataFrame([*series, _reasons(columns["reasons"])])
    return Gates.from_frame(frame, instrument, source=source)


def _reasons(given: Iterable[tuple[str, ...] | None]) -> pl.Series:
    """The column of reasons: each different list is made once, as making one is slow."""
    places: dict[tuple[str, ...] | None, int] = {}
    rows = [places.setdefault(reasons, len(places)) for reasons in given]
    lists = [None if reasons is None else list(reasons) for reasons in places]
    return pl.Series("reasons", lists, DETAILS["reasons"]).gather(rows)
