"""The optimiser's compact parameters, and the portfolio policy that is no profile.

``live_params.json`` maps instruments to ``Haz, Reps, Hold, SL, TP, Trail, HazEx, Coh, Ent,
Stab, BE``, flat or per signal type. ``Haz`` is ``hazard_min`` for mean_reversion and
``hazard_max`` for anything else, as in the stack that wrote it.
"""

import re
from collections.abc import Mapping
from typing import Final

from hotband.core.records import MAX_TICKETS
from hotband.errors import ProfileError
from hotband.profile.document import as_mapping
from hotband.profile.spelling import NO_EFFECT, Layer, Note, read_layer

INSTRUMENT: Final = re.compile("[A-Z]{3}_[A-Z]{3}")
_PLAIN: Final = {
    "Reps": "min_repetitions",
    "Hold": "exit.hold_minutes",
    "SL": "stop_loss_pct",
    "TP": "take_profit_pct",
    "Trail": "trailing_stop_pct",
    "BE": "breakeven_trigger_pct",
    "Coh": "guards.min_coherence",
    "Ent": "guards.max_entropy",
    "Stab": "guards.min_stability",
}
_KEYS: Final = ("Haz", "HazEx", *_PLAIN)
_POLICY: Final = (
    "per_trade_allocated_nav_pct",
    "exposure_scale",
    "broker_account_leverage",
    "max_margin_utilization",
    "max_total_positions",
    "max_positions_per_pair",
    "max_net_units_per_pair",
)


def is_live_params(document: Mapping[str, object]) -> bool:
    """Whether every key at the top is an instrument with a mapping."""
    return bool(document) and all(
        INSTRUMENT.fullmatch(key) and isinstance(value, Mapping) for key, value in document.items()
    )


def refuse_policy(document: Mapping[str, object], source: str) -> None:
    """Raises ProfileError, with what to write instead, if this is a portfolio policy."""
    found = [key for key in _POLICY if key in document]
    if not found:
        return
    lines = []
    margin = document.get("max_margin_utilization")
    if isinstance(margin, int | float):
        lines.append(f"account.margin_budget_pct: {margin * 100:g}")
    if "max_total_positions" in document:
        lines.append(f"account.max_total_positions: {document['max_total_positions']}")
    stack = document.get("max_positions_per_pair")
    if isinstance(stack, int):
        lines.append(f"global.max_stack: {min(stack, MAX_TICKETS)}")
    raise ProfileError(
        f"profile {source}",
        f"a portfolio policy ({', '.join(found)})",
        "a strategy profile with global, instruments and account",
        f"Write its limits in a profile: {'; '.join(lines) or 'see account'}. Leverage and "
        "exposure scale have no counterpart: each instrument has its own margin rate.",
    )


def _signal(raw: dict[str, object], path: str) -> tuple[str | None, dict[str, object], str]:
    """The signal type, if parameters are nested by it, its parameters, and their path."""
    nested = [key for key, value in raw.items() if isinstance(value, Mapping)]
    if not nested:
        return None, raw, path
    if len(raw) > 1:
        raise ProfileError(
            path, ", ".join(raw), "one signal type, or flat parameters", "Keep the one to trade."
        )
    return nested[0], as_mapping(raw[nested[0]], path), f"{path}.{nested[0]}"


def read_compact(raw: object, path: str) -> Layer:
    """One instrument's compact parameters as a layer; ProfileError names the compact key."""
    signal, values, path = _signal(as_mapping(raw, path), path)
    for key in values:
        if key not in _KEYS:
            raise ProfileError(
                f"unknown key {path}.{key}", key, ", ".join(_KEYS), "Correct it.", near=_KEYS
            )
    fades = signal == "mean_reversion"
    limit = "hazard_min" if fades else "hazard_max"
    translated: dict[str, object] = {}
    if signal is not None:
        translated["direction"] = "mean_reversion" if fades else "momentum"
    written = {limit: "Haz", "direction": "the signal type"}
    notes = []
    guards: dict[str, object] = {}
    for key, value in values.items():
        if key == "Haz":
            translated[limit] = value
            text = f"read as {limit}: the signal type is {signal or 'not given'}"
            notes.append(Note(path=f"{path}.Haz", value=value, text=text))
        elif key == "HazEx":
            text = NO_EFFECT["hazard_exit_threshold"]
            notes.append(Note(path=f"{path}.HazEx", value=value, text=text))
        else:
            head, _, tail = _PLAIN[key].rpartition(".")
            (guards if head == "guards" else translated)[tail] = value
            written[_PLAIN[key]] = key
            if head == "guards":
                text = f"active as {_PLAIN[key]}; the existing simulator set it without applying it"
                notes.append(Note(path=f"{path}.{key}", value=value, text=text))
    if guards:
        translated["guards"] = guards
    layer = read_layer(translated, path, written)
    return Layer(path, layer.settings, (*notes, *layer.notes), old=True, spelled=layer.spelled)
