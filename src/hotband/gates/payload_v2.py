"""Gate payloads of schema 2: written so that reading them back gives the same gate, bit for bit.

The keys that the existing stack reads stand where it looks for them and say the same; what it
has no key for stands beside them:

* ``known_ns``: the known time exactly; ``ts_ms`` is (known_ns - granularity) / 1e6, floored.
* ``lambda``: the gate's hazard, and ``lambda_scale``; ``hazard`` is lambda / lambda_scale.
* ``signal_key``: the producer's text, or ``key:<number>`` where the key is not that text's;
  then ``signal_text`` keeps the text. Null = no key.
* ``synthetic``: derived from bars. ``bundle_blocks`` is ``["upstream"]`` where blocked.
* ``lambda_threshold``: the producer's threshold on the scale of lambda;
  ``structure.hazard_threshold`` is the same on the scale of ``hazard``.
* ``granularity_given``: what the details say where that is not ``granularity`` (null = nothing).

Infinities are the texts ``inf`` and ``-inf`` (``nan`` only in ``lambda_threshold``, where null
is "none"); ``reasons``, ``lambda_threshold``, ``signal_text`` and ``granularity_given`` are
left out where there is nothing to say. No other key is allowed.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from math import isnan
from operator import itemgetter
from typing import Any, Final

import numpy as np
import orjson

from hotband.core.records import REGIMES
from hotband.errors import GatesError
from hotband.gates.events import DETAILS, METRICS, Gates
from hotband.gates.keys import key_of
from hotband.gates.payload_fields import MAX_REPS, NAN, Payload, Row
from hotband.gates.payload_report import Tally
from hotband.market.calendar import FIRST_NS, GRANULARITIES, LAST_NS, MILLISECOND_NS

SCHEMA_VERSION: Final = 2
MIN_LAMBDA_SCALE: Final = 1e-6

_REQUIRED: Final = (
    "schema_version", "instrument", "ts_ms", "known_ns", "granularity", "admit", "direction",
    "lambda", "lambda_scale", "hazard", "repetitions", "structure", "regime", "bundle_blocks",
    "source", "signal_key", "synthetic",
)  # fmt: skip
_OPTIONAL: Final = ("reasons", "lambda_threshold", "signal_text", "granularity_given")
_STRUCTURE: Final = (*METRICS, "hazard", "lambda_scaled", "hazard_threshold", "signature")
_AT_STRUCTURE: Final = _REQUIRED.index("structure")
_AT_LAMBDA: Final = _REQUIRED.index("lambda")
_DETAILS: Final = tuple(DETAILS)
_RECORDED: Final = (
    "known", "key", "reps", "side", "admit", "blocked", "synthetic", "regime",
    "regime_confidence", "hazard",
)  # fmt: skip
_required: Final = itemgetter(*_REQUIRED)
_structure: Final = itemgetter(*_STRUCTURE)

_DIRECTIONS: Final = {1: "BUY", -1: "SELL", 0: "FLAT"}
_SIDES: Final = {name: side for side, name in _DIRECTIONS.items()}
_BLOCKS: Final[tuple[list[str], list[str]]] = ([], ["upstream"])
_NUMBERED: Final = re.compile(r"key:([1-9]\d{0,18})", re.ASCII)
_LABELS: Final = (None, *REGIMES)
_INF: Final = float("inf")
_WORDS: Final = {"inf": _INF, "-inf": -_INF, "nan": NAN}
_FLOAT, _INT, _TEXT = frozenset({float, int}), frozenset({int}), frozenset({str})
_NONE: Final = frozenset({type(None)})
_TEXTS: Final = _TEXT | _NONE
_TYPES: Final = (
    _INT, _TEXT, _INT, _INT, _TEXT, _INT, _TEXT, _FLOAT | _NONE, _FLOAT, _FLOAT | _NONE, _INT,
    frozenset({dict}), frozenset({dict}) | _NONE, frozenset({list}), _TEXT | _NONE,
    _TEXT | _NONE, frozenset({bool}),
)  # fmt: skip
"""Types a required key may have, in the order of ``_REQUIRED``."""


# Writing ---------------------------------------------------------------------------------------


def write_v2(gates: Gates, granularity: str, lambda_scale: float) -> list[bytes]:
    """One payload per gate, in their order.

    Args:
        gates: Any valid gates known within 1971 to 2099.
        granularity: Of gates whose details name none that is known.
        lambda_scale: lambda / hazard for readers of the raw hazard.

    Raises:
        GatesError: A gate is known outside 1971 to 2099.
    """
    known = gates.data["known"]
    outside = (known < FIRST_NS) | (known >= LAST_NS)
    if outside.any():
        row = int(np.argmax(outside))
        raise GatesError(
            f"known of gates of {gates.instrument}",
            f"{known[row]} ns in row {row}",
            "1971 to 2099",
            "Check that the times are nanoseconds.",
        )
    documents = _documents(gates, granularity, lambda_scale)
    if gates.details is None:
        return [orjson.dumps({**document, "granularity_given": None}) for document in documents]
    details = zip(*(gates.details[name].to_list() for name in _DETAILS), strict=True)
    return [
        orjson.dumps(_with_details(document, detail, lambda_scale))
        for document, detail in zip(documents, details, strict=True)
    ]


def _documents(gates: Gates, granularity: str, lambda_scale: float) -> Iterator[dict[str, Any]]:
    """Every gate without its details."""
    data = gates.data
    names = [granularity] * len(gates)
    if gates.details is not None:
        held = gates.details["granularity"].to_list()
        names = [name if name in GRANULARITIES else granularity for name in held]
    lengths = np.array([GRANULARITIES[name] for name in names], dtype=np.int64)
    stamps = (data["known"] - lengths) // MILLISECOND_NS
    metrics = data["metrics"].tolist()
    for row in np.flatnonzero(np.isinf(data["metrics"]).any(axis=1)):
        metrics[row] = [None if isnan(value) else _worded(value) for value in metrics[row]]
    columns = [data[name].tolist() for name in _RECORDED]
    columns += [(data["hazard"] / lambda_scale).tolist(), stamps.tolist(), names, metrics]
    for (
        known, key, reps, side, admit, blocked, synthetic, regime, confidence, level, hazard,
        stamp, name, values,
    ) in zip(*columns, strict=True):  # fmt: skip
        # orjson writes NaN as null.
        no_regime = regime == 0 and isnan(confidence)
        yield {
            "schema_version": SCHEMA_VERSION,
            "instrument": gates.instrument,
            "ts_ms": stamp,
            "known_ns": known,
            "granularity": name,
            "admit": admit,
            "direction": _DIRECTIONS[side],
            "lambda": level,
            "lambda_scale": lambda_scale,
            "hazard": hazard,
            "repetitions": reps,
            "structure": dict(zip(_STRUCTURE, (*values, hazard, level, None, None), strict=True)),
            "regime": None if no_regime else {"label": _LABELS[regime], "confidence": confidence},
            "bundle_blocks": _BLOCKS[blocked],
            "source": None,
            "signal_key": f"key:{key}" if key else None,
            "synthetic": synthetic == 1,
        }


def _with_details(
    document: dict[str, Any], detail: tuple[Any, ...], lambda_scale: float
) -> dict[str, Any]:
    granularity, text, signature, reasons, threshold, producer = detail
    document["source"] = producer
    document["structure"]["signature"] = signature
    if text is not None:
        number = document["signal_key"]
        if text and not text.startswith("key:") and f"key:{key_of(text)}" == number:
            document["signal_key"] = text
        else:
            document["signal_text"] = text
    if reasons is not None:
        document["reasons"] = reasons
    if threshold is not None:
        document["lambda_threshold"] = _worded(threshold)
        document["structure"]["hazard_threshold"] = _finite(threshold / lambda_scale)
    if granularity != document["granularity"]:
        document["granularity_given"] = granularity
    return document


def _worded(value: float) -> float | str:
    return value if abs(value) < _INF else str(value)


def _finite(value: float) -> float | None:
    return value if abs(value) < _INF else None


# Reading ---------------------------------------------------------------------------------------


def read_v2(payload: Payload, instrument: str, tally: Tally) -> Row | None:
    """The gate of a payload of schema 2; None = refused, counted by kind.

    Every key must be there and no other, each value of its type and range, and those that say
    the same must agree.
    """
    try:
        values = _required(payload)
        structure = values[_AT_STRUCTURE]
        inner: tuple[Any, ...] = _structure(structure) if type(structure) is dict else ()
    except KeyError as missing:
        tally.refuse("v2_fields", f"no {missing}")
        return None
    extras: Payload = {}
    if len(payload) > len(_REQUIRED):
        extras = {name: payload[name] for name in _OPTIONAL if name in payload}
    wrong = _misfit(tuple(map(type, values)))
    if wrong is not None:
        tally.refuse("v2_value", f"{_REQUIRED[wrong]}: {values[wrong]!r}")
        return None
    if len(inner) != len(structure) or len(payload) != len(_REQUIRED) + len(extras):
        odd = (structure.keys() - _STRUCTURE) | (payload.keys() - {*_REQUIRED, *_OPTIONAL})
        tally.refuse("v2_fields", f"{sorted(odd)} is not of schema 2")
        return None
    if values[1] != instrument:
        tally.refuse("other_instrument", values[1])
        return None
    metrics = [v if type(v) is float else _metric(v) for v in inner[: len(METRICS)]]
    fault = (
        _range_fault(values)
        or ("structure" if None in metrics else "")
        or _extras_fault(extras, inner[-1])
    )
    if fault:
        tally.refuse("v2_value", f"{fault}: {payload.get(fault)!r}")
        return None
    fault = _contradiction(values, inner, extras)
    if fault:
        tally.refuse("v2_contradiction", fault)
        return None
    tally.eras["v2"] += 1
    tally.scales["none" if values[_AT_LAMBDA] is None else "lambda"] += 1
    tally.granularities["assumed" if "granularity_given" in extras else "given"] += 1
    return _row(values, metrics, inner[-1], extras)


def _row(
    values: tuple[Any, ...], metrics: list[Any], signature: str | None, extras: Payload
) -> Row:
    (
        _, _, _, known, granularity, admit, direction, level, _, _, reps, _, regime, blocks,
        producer, signal, synthetic,
    ) = values  # fmt: skip
    text = signal
    if signal is None or signal.startswith("key:"):
        key, text = int(signal[4:]) if signal else 0, extras.get("signal_text")
    else:
        key = key_of(signal)
    label, confidence = (regime["label"], regime["confidence"]) if regime else (None, None)
    if confidence is not None:
        confidence = float(confidence)
    threshold = extras.get("lambda_threshold")
    if threshold is not None:
        threshold = _WORDS[threshold] if type(threshold) is str else float(threshold)
    given = extras.get("granularity_given", granularity)
    reasons = extras.get("reasons")
    return (
        known, key, reps, _SIDES[direction], admit, len(blocks), int(synthetic), label,
        None if level is None else float(level), confidence, tuple(metrics), given, text, signature,
        None if reasons is None else tuple(reasons), threshold, producer,
    )  # fmt: skip


@lru_cache(maxsize=1024)
def _misfit(kinds: tuple[type, ...]) -> int | None:
    """The first place of ``_REQUIRED`` whose type is not allowed; None = all fit."""
    for place, (kind, allowed) in enumerate(zip(kinds, _TYPES, strict=True)):
        if kind not in allowed:
            return place
    return None


def _metric(value: object) -> float | None:
    """A metric that is no float as one; None = not allowed."""
    if value is None:
        return NAN
    if type(value) is int:
        return float(value)
    return _WORDS.get(value) if value in ("inf", "-inf") and type(value) is str else None


def _is_regime(regime: Payload) -> bool:
    if len(regime) != 2 or "label" not in regime or "confidence" not in regime:
        return False
    label, confidence = regime["label"], regime["confidence"]
    if confidence is None:
        return type(label) is str and label in _LABELS
    return (
        type(confidence) in _FLOAT
        and 0 <= confidence <= 1
        and (label is None or (type(label) is str and label in _LABELS))
    )


def _range_fault(values: tuple[Any, ...]) -> str:
    """The first key whose value is out of range; empty = none."""
    (
        _, _, _, known, granularity, admit, direction, level, scale, _, reps, _, regime, blocks,
        _, signal, _,
    ) = values  # fmt: skip
    if not FIRST_NS <= known < LAST_NS:
        return "known_ns"
    if granularity not in GRANULARITIES:
        return "granularity"
    if not 0 <= admit <= 1:
        return "admit"
    if direction not in _SIDES:
        return "direction"
    if level is not None and not 0 <= level <= 1:
        return "lambda"
    if not MIN_LAMBDA_SCALE <= scale <= 1:
        return "lambda_scale"
    if not 0 <= reps <= MAX_REPS:
        return "repetitions"
    if regime is not None and not _is_regime(regime):
        return "regime"
    if blocks and blocks not in _BLOCKS:
        return "bundle_blocks"
    if signal is not None and (not signal or signal.startswith("key:")):
        numbered = _NUMBERED.fullmatch(signal)
        if numbered is None or int(numbered[1]) >= 2**63:
            return "signal_key"
    return ""


def _extras_fault(extras: Payload, signature: object) -> str:
    """The first optional key, or the signature, that is not as it must be; empty = none."""
    if signature is not None and type(signature) is not str:
        return "structure"
    for name, value in extras.items():
        if name == "reasons":
            fits = type(value) is list and {*map(type, value)} <= _TEXTS
        elif name == "lambda_threshold":
            fits = type(value) in _FLOAT or (type(value) is str and value in _WORDS)
        else:
            fits = type(value) is str or (value is None and name == "granularity_given")
        if not fits:
            return name
    return ""


def _contradiction(values: tuple[Any, ...], inner: tuple[Any, ...], extras: Payload) -> str:
    """What two keys disagree on; empty = nothing."""
    _, _, stamp, known, granularity, _, _, level, scale, hazard, *_, signal, _ = values
    if stamp != (known - GRANULARITIES[granularity]) // MILLISECOND_NS:
        return f"ts_ms {stamp} and known_ns {known} with granularity {granularity}"
    raw = None if level is None else level / scale
    *_, inner_hazard, inner_level, inner_threshold, _ = inner
    if hazard != raw or inner_hazard != raw or inner_level != level:
        return f"lambda {level} and hazard {hazard}, {inner_hazard}, {inner_level}"
    if not extras:
        return "" if inner_threshold is None else "hazard_threshold without lambda_threshold"
    threshold = extras.get("lambda_threshold")
    numeric = None if type(threshold) is str or threshold is None else _finite(threshold / scale)
    if inner_threshold != numeric:
        return f"lambda_threshold {threshold} and hazard_threshold {inner_threshold}"
    if "signal_text" in extras and signal is not None and not signal.startswith("key:"):
        return f"signal_key {signal} and signal_text"
    if extras.get("granularity_given") == granularity:
        return f"granularity and granularity_given {granularity}"
    return ""
