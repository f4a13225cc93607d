"""The reading of one field of a payload that keeps to no schema, as the wild ones do.

Each function takes what it needs of the parsed payload and a tally, and answers with what the
gate holds; what is not as it should be is counted there. Nothing is guessed: what cannot be
read is missing, not admitted, flat or blocked, whichever trades less.
"""

import re
from typing import Any, Final, TypeAlias

from hotband.core.records import REGIMES
from hotband.errors import WindowError
from hotband.gates.events import METRICS
from hotband.gates.payload_report import Tally
from hotband.market.calendar import FIRST_NS, LAST_NS, MILLISECOND_NS, SECOND_NS, parse_time

Payload: TypeAlias = dict[str, Any]
"""A parsed JSON object."""
Row: TypeAlias = tuple[Any, ...]
"""One gate as plain values, in the order of ``ROW``."""

ROW: Final = (
    "known", "key", "reps", "side", "admit", "blocked", "synthetic", "regime", "hazard",
    "regime_confidence", "metrics", "granularity", "signal_key", "signature", "reasons",
    "hazard_threshold", "producer",
)  # fmt: skip
NAN: Final = float("nan")
"""The one object that stands for an undefined number, so that equal rows compare equal."""
MAX_REPS: Final = 2**31 - 1
SIDES: Final = {"BUY": 1, "LONG": 1, "SELL": -1, "SHORT": -1, "FLAT": 0}
ACTIONS: Final = {
    "promote": 1, "buy": 1, "long": 1, "scalp": 1, "fade": -1, "sell": -1, "short": -1,
}  # fmt: skip
LAST_SECOND: Final = 10_000_000_000
"""The largest ``ts`` that is read as seconds; larger ones are milliseconds."""

_YES_NO: Final = {"true": 1, "1": 1, "false": 0, "0": 0}
_DIGITS: Final = re.compile(r"\d{1,19}", re.ASCII)
_REGIMES: Final = frozenset(REGIMES)
_ALL_FLOATS: Final = {float}
_TEXTS: Final = {str}
_LOOKED_UP: Final = frozenset({*METRICS, "hazard", "hazard_threshold", "signature"})
_CONTAINERS: Final = ("metrics", "structure", "components")
_RELATIVE, _ABSOLUTE = 1e-3, 1e-4
_E3_SYNTHETIC_SOURCES: Final = {"structural_extension", "squeeze_breakout", "trend_sniper"}


def as_number(value: object) -> float | None:
    """A JSON number as a float; None for anything else, booleans included."""
    if type(value) is float:
        return value
    return float(value) if type(value) is int else None


def as_whole(value: object, where: str, tally: Tally) -> int | None:
    """A whole number, also one written as 4.0; None for anything else."""
    if type(value) is float and value.is_integer():
        tally.repair("float_for_whole", where, value)
        return int(value)
    return value if type(value) is int else None


def as_text(value: object, where: str, tally: Tally) -> str | None:
    """A text that is not empty, else None."""
    if value is None or value == "":
        return None
    if type(value) is str:
        return value
    tally.repair("text_unreadable", where, value)
    return None


def merged(payload: Payload) -> Payload:
    """Everything metrics are looked up in, so that the first mapping that has a key wins.

    The order is components, structure, metrics, top level, as in the existing stack.
    """
    out = {name: payload[name] for name in payload.keys() & _LOOKED_UP}
    for name in _CONTAINERS:
        part = payload.get(name)
        if type(part) is dict:
            out.update(part)
    return out


def read_metrics(lookup: Payload, tally: Tally) -> tuple[float, ...]:
    """The ten metrics in the order of ``METRICS``; NaN = undefined or missing."""
    get = lookup.get
    values = tuple([get(name, NAN) for name in METRICS])
    if {*map(type, values)} == _ALL_FLOATS:
        return values
    numbers = []
    for name, value in zip(METRICS, values, strict=True):
        number = as_number(value)
        if number is None:
            tally.repair("metric_not_a_number", name, value)
        numbers.append(NAN if number is None else number)
    return tuple(numbers)


def count_future_fields(payload: Payload, tally: Tally) -> None:
    """Counts fields that hold the future, at the top and one level below it."""
    parts = [("", payload), *((f"{name}.", part) for name, part in payload.items())]
    for place, part in parts:
        if type(part) is dict:
            for name, value in part.items():
                if name.startswith(("roc", "forward")):
                    tally.repair("future_fields", f"{place}{name}", value)


def _near(value: float, wanted: float) -> bool:
    return abs(value - wanted) <= max(_ABSOLUTE, _RELATIVE * abs(wanted))


def read_hazard(
    payload: Payload, lookup: Payload, lambda_scale: float, tally: Tally
) -> tuple[float | None, float | None]:
    """Hazard and threshold on the scale of lambda; None = missing.

    Which scale the payload used is told by comparing ``lambda`` with the raw ``hazard``, to
    1e-3 of it or 1e-4, as both are rounded in the wild. A threshold stands beside the raw
    hazard and is always brought over by ``lambda_scale``.
    """
    given, raw = payload.get("lambda"), lookup.get("hazard")
    level, hazard = as_number(given), as_number(raw)
    if level is None and given is not None:
        tally.repair("lambda_not_a_number", "lambda", given)
    if hazard is None and raw is not None:
        tally.repair("metric_not_a_number", "hazard", raw)
    factor = 1.0
    if level is None:
        level, factor = hazard, lambda_scale
        scale = "none" if hazard is None else "hazard_only"
    elif hazard is None:
        scale = "lambda_only"
    elif _near(level, hazard * lambda_scale):
        scale = "lambda"
    elif _near(level, hazard):
        scale, factor = "hazard_as_lambda", lambda_scale
    else:
        scale = "lambda_unlike_hazard"
    tally.scales[scale] += 1
    if level is not None and not 0.0 <= level <= 1.0:
        tally.repair("hazard_out_of_range", scale, level)
        level = None
    stated = lookup.get("hazard_threshold")
    threshold = as_number(stated)
    if threshold is None and stated is not None:
        tally.repair("metric_not_a_number", "hazard_threshold", stated)
    return (
        None if level is None else level * factor,
        None if threshold is None else threshold * lambda_scale,
    )


def read_reps(payload: Payload, tally: Tally) -> int:
    """Repetitions under the first of their names that is there; 0 where there is none."""
    for name in ("repetitions", "repetition_count", "reps"):
        value = payload.get(name)
        if value is not None:
            reps = as_whole(value, name, tally)
            if reps is not None and 0 <= reps <= MAX_REPS:
                return reps
            tally.repair("repetitions_unreadable", name, value)
            return 0
    tally.repair("repetitions_missing", "keys", list(payload))
    return 0


def read_admit(payload: Payload, tally: Tally) -> int:
    """1 where the producer clearly admits, else 0."""
    value = payload.get("admit")
    if value is None:
        tally.repair("admit_missing", "keys", list(payload))
        return 0
    if type(value) is str:
        verdict = _YES_NO.get(value.strip().lower())
    else:
        verdict = int(value) if isinstance(value, int | float) and value in (0, 1) else None
    if verdict is None:
        tally.repair("admit_unreadable", "admit", value)
        return 0
    return verdict


def read_side(payload: Payload, tally: Tally) -> tuple[int, int]:
    """(side, blocked): of ``direction``, else of the bundle with the best score."""
    blocked = int(bool(payload.get("bundle_blocks")) or bool(payload.get("hard_blocked")))
    hits = payload.get("bundle_hits")
    usable: list[tuple[float, str]] = []
    if hits:
        usable, hit_blocks = _read_hits(hits, tally)
        blocked |= hit_blocks
    given = payload.get("direction")
    if type(given) is str:
        side = SIDES.get(given)
        if side is None:
            side = SIDES.get(given.strip().upper())
    else:
        side = None
    if side is None and given is not None:
        tally.repair("direction_unknown", "direction", given)
        side = 0
    if side is None:
        side = _side_of_bundles(usable, payload, tally)
    return side, blocked


def _read_hits(hits: object, tally: Tally) -> tuple[list[tuple[float, str]], int]:
    """(score, action) of each usable bundle, and 1 where any blocks or cannot be read."""
    usable, blocked = [], 0
    for hit in hits if isinstance(hits, list) else [hits]:
        action, score = None, None
        if isinstance(hit, dict):
            action, score = hit.get("action"), as_number(hit.get("score"))
        if type(action) is not str:
            tally.repair("bundle_unreadable", "bundle_hits", hit)
            blocked = 1
            continue
        action = action.strip().lower()
        if action == "quarantine":
            blocked = 1
        elif score is None:
            tally.repair("bundle_score_unreadable", "bundle_hits", hit)
        else:
            usable.append((score, action))
    return usable, blocked


def _side_of_bundles(usable: list[tuple[float, str]], payload: Payload, tally: Tally) -> int:
    if not usable:
        tally.repair("direction_missing", "keys", list(payload))
        return 0
    best = max(score for score, _ in usable)
    actions = [action for score, action in usable if score == best]
    sides = {ACTIONS.get(action) for action in actions}
    if None in sides:
        tally.repair("bundle_action_unknown", "bundle_hits", actions)
        return 0
    if len(sides) > 1:
        tally.repair("bundle_actions_disagree", "bundle_hits", actions)
        return 0
    tally.repair("direction_from_bundle", "bundle_hits", actions)
    return sides.pop() or 0


def read_regime(payload: Payload, tally: Tally) -> tuple[str | None, float | None]:
    """(label of ``REGIMES``, confidence 0..1) of an object or a text; None = missing."""
    label = payload.get("regime")
    given = payload.get("regime_confidence")
    if type(label) is dict:
        given = label.get("confidence", given)
        label = label.get("label")
    if label is not None and not (type(label) is str and label in _REGIMES):
        plain = label.strip().lower() if type(label) is str else None
        if plain not in _REGIMES and label != "":
            tally.repair("regime_unknown", "regime", label)
        label = plain if plain in _REGIMES else None
    confidence = as_number(given)
    if confidence is None or not 0.0 <= confidence <= 1.0:
        if given is not None:
            tally.repair("confidence_unreadable", "confidence", given)
        confidence = None
    return label, confidence


def read_reasons(payload: Payload, tally: Tally) -> tuple[str, ...] | None:
    """The producer's reasons; None = not given."""
    given = payload.get("reasons")
    if given is None:
        return None
    if type(given) is list and {*map(type, given)} <= _TEXTS:
        return tuple(given)
    tally.repair("reasons_unreadable", "reasons", given)
    texts = given if type(given) is list else [given]
    return tuple(text for text in texts if type(text) is str and text)


def read_stamp(payload: Payload, tally: Tally) -> tuple[int, str]:
    """(ns UTC, "") of the payload's time, or (0, kind of refusal).

    ``ts_ms`` is whole milliseconds; ``ts`` seconds up to 10,000,000,000, milliseconds above.
    Both may be digits or RFC 3339 text with a zone. A time is never taken from elsewhere.
    """
    stamp = payload.get("ts_ms")
    if type(stamp) is int:
        ns, kind = stamp * MILLISECOND_NS, ""
    elif stamp is not None:
        ns, kind = _stamp(stamp, seconds_to=-1)
        if type(stamp) is float and not stamp.is_integer():
            kind = "time_unreadable"
    elif (stamp := payload.get("ts")) is not None:
        ns, kind = _stamp(stamp, seconds_to=LAST_SECOND)
    else:
        return 0, "time_missing"
    if kind:
        return 0, kind
    if not FIRST_NS <= ns < LAST_NS:
        return 0, "time_out_of_range"
    if type(payload.get("ts_ms")) is float:
        tally.repair("float_for_whole", "ts_ms", stamp)
    return ns, ""


def _stamp(stamp: object, seconds_to: int) -> tuple[int, str]:
    """(ns, kind of refusal) of a number or text; up to ``seconds_to`` it counts seconds."""
    if type(stamp) is str:
        text = stamp.strip()
        if not _DIGITS.fullmatch(text):
            return _stamp_of_text(text)
        stamp = int(text)
    if type(stamp) is int:
        return stamp * (SECOND_NS if stamp <= seconds_to else MILLISECOND_NS), ""
    if type(stamp) is not float:
        return 0, "time_unreadable"
    if abs(stamp) >= 2.0**53:
        return 0, "time_out_of_range"
    # Through microseconds: seconds written as a fraction hold no finer time.
    return round(stamp * (1_000_000 if stamp <= seconds_to else 1_000)) * 1_000, ""


def _stamp_of_text(text: str) -> tuple[int, str]:
    for ending, kind in (("", ""), ("Z", "time_naive")):
        try:
            return parse_time(text + ending), kind
        except WindowError:
            continue  # the kinds say what is wrong with it
    return 0, "time_unreadable"


def era_of(payload: Payload) -> str:
    """Who seems to have written a payload without schema 2, of ``ERAS``; a best effort."""
    source, key = payload.get("source"), payload.get("signal_key")
    if source == "synthetic" or payload.get("schema_version") == 1:
        return "E2_synthetic"
    if type(key) is str and key.startswith("synthetic:"):
        return "E2_synthetic"
    if "structural_tension" in payload or (type(source) is str and source in _E3_SYNTHETIC_SOURCES):
        return "E3_synthetic"
    components, structure = payload.get("components"), payload.get("structure")
    if "trap_door_high" in payload or (type(components) is dict and "bits_b64" in components):
        return "E3"
    if type(structure) is dict:
        return "E3" if "hazard" in payload else "E2"
    if type(payload.get("metrics")) is dict:
        return "documented"
    return "E2" if "bundle_hits" in payload else "unknown"
