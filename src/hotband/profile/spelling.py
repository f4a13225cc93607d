"""Reading one layer of a profile: every spelling of both eras to the one set of keys.

Existing profiles write some keys otherwise (``guard_thresholds``, ``invert_bundles``,
``global.exit_horizon``) and hold keys that have no effect here. The first are translated and
the second reported; what is left must be a key of ``Settings``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Final, get_args

from pydantic import BaseModel, ValidationError

from hotband.errors import ProfileError
from hotband.profile.document import as_mapping
from hotband.profile.refusals import nested_model, profile_error
from hotband.profile.settings import LEVELS, Exit, Settings, Strict
from hotband.profile.windows import session_parts

NO_EFFECT: Final = {
    "semantic_filter": "no effect: hotband reads no semantic tags",
    "require_st_peak": "no effect: peaks of structural tension are not judged",
    "allow_fallback": "no effect: the run chooses whether derived gates stand in for real ones",
    "ml_primary_gate": "no effect: no limit is relaxed; the existing stack lifted the hazard, "
    "guard and regime limits where it was on",
    "disable_bundle_overrides": "no effect: bundles do nothing here",
    "margin_hyst_high": "no effect, nor in the existing stack; account.margin_budget_pct bounds "
    "margin",
    "margin_hyst_low": "no effect, nor in the existing stack; account.margin_budget_pct bounds "
    "margin",
    "hazard_exit_threshold": "no effect: the existing live loop did not read it; write "
    "hazard_exit: {threshold: ..., when: above} to use it",
    "bundles": "no effect: hotband trades gates, not bundles; gates without a direction are "
    "refused unless missing_direction is last_move",
}
"""Keys of existing profiles that change nothing here, with what a reader should know."""

_ALIASES: Final = {"guard_thresholds", "invert_bundles"}
_SHARED: Final = {
    "hazard_min",
    "hazard_max",
    "min_repetitions",
    "guards",
    "direction",
    "regime_filter",
    "min_regime_confidence",
    "session",
    "session_exit_minutes",
    "exit",
    "exit_horizon",
    "max_hold_minutes",
    "hold_rearm",
    *(fraction for fraction, _ in LEVELS),
}
"""Keys that both an existing profile and one of ours may hold."""
_NEWLY_READ: Final = {
    "direction": "the existing live code did not read this key; it is active here",
    "session_exit_minutes": "the existing stack did not read this key (it read the environment); "
    "it is active here",
    "exit.hold_rearm": "had no effect in the existing stack; here a new admitted gate on the same "
    "side restarts the hold",
}


class Note(Strict):
    """Something in a profile that does not do what a reader might expect."""

    path: str
    value: object
    text: str


@dataclass(frozen=True)
class Layer:
    """One layer as read: its settings and what there is to say about them."""

    path: str
    settings: Settings
    notes: tuple[Note, ...] = ()
    old_notes: tuple[Note, ...] = ()
    """Worth saying only of a profile of the existing stack."""
    old: bool = False
    """Holds a key that only the existing stack uses."""
    own: bool = False
    """Holds a key that only hotband uses."""
    spelled: Mapping[str, str] = field(default_factory=dict)

    def spell(self, key: str) -> str:
        """The path of a dotted key of Settings, as the file writes it."""
        for canonical, written in self.spelled.items():
            if key == canonical or key.startswith((f"{canonical}.", f"{canonical}[")):
                return f"{self.path}.{written}{key[len(canonical) :]}"
        return f"{self.path}.{key}"


def _both(path: str, one: str, other: str) -> ProfileError:
    return ProfileError(
        f"{path}.{one} and {path}.{other}", "both", "one of the two", f"Remove {path}.{other}."
    )


def _fold_guards(values: dict[str, object], path: str, spelled: dict[str, str]) -> None:
    if "guard_thresholds" in values:
        if "guards" in values:
            raise _both(path, "guards", "guard_thresholds")
        values["guards"] = values.pop("guard_thresholds")
        spelled["guards"] = "guard_thresholds"


def _fold_exit(values: dict[str, object], path: str, spelled: dict[str, str]) -> None:
    """Move exit keys that stand beside ``exit`` into it, as existing globals have them."""
    loose = [key for key in Exit.model_fields if key in values]
    if not loose:
        return
    given = values.get("exit", {})
    inside = {} if given is None else as_mapping(given, f"{path}.exit")
    for key in loose:
        if key in inside:
            raise _both(path, f"exit.{key}", key)
        inside[key] = values.pop(key)
        spelled[f"exit.{key}"] = key
    values["exit"] = inside


def _fold_direction(values: dict[str, object], path: str, spelled: dict[str, str]) -> list[Note]:
    """``invert_bundles: true`` is mean reversion; with ``direction`` it is still one flip."""
    if "invert_bundles" not in values:
        return []
    flag = values.pop("invert_bundles")
    if flag is not None and not isinstance(flag, bool):
        raise ProfileError(
            f"{path}.invert_bundles", repr(flag), "true or false", "Correct the value."
        )
    if "direction" in values:
        if flag and values["direction"] in (None, "momentum"):
            values["direction"] = "mean_reversion"
        text = f"direction is set too: one policy, {values['direction']}, and one flip at most"
        return [Note(path=f"{path}.invert_bundles", value=flag, text=text)]
    values["direction"] = "mean_reversion" if flag else "momentum"
    spelled["direction"] = "invert_bundles"
    return []


def _fold_levels(values: dict[str, object], path: str) -> None:
    """A level set in one unit replaces the inherited one in the other; null clears both."""
    for fraction, pips in LEVELS:
        if values.get(fraction) is not None and values.get(pips) is not None:
            raise _both(path, fraction, pips)
        if fraction in values or pips in values:
            values.setdefault(fraction, None)
            values.setdefault(pips, None)


def _is_one(annotation: object, model: type[BaseModel]) -> bool:
    return annotation is model


def fill_nulls(model: type[BaseModel], values: Mapping[str, object]) -> dict[str, object]:
    """``values`` with every null made off: None where a setting may be None, else its default."""
    filled: dict[str, object] = {}
    for key, value in values.items():
        spec = model.model_fields.get(key)
        inner = None if spec is None else nested_model(spec)
        if spec is None:
            filled[key] = value
        elif inner is not None and value is None and _is_one(spec.annotation, inner):
            filled[key] = fill_nulls(inner, dict.fromkeys(inner.model_fields))
        elif inner is not None and isinstance(value, Mapping):
            filled[key] = fill_nulls(inner, value)
        elif value is None and NoneType not in get_args(spec.annotation):
            filled[key] = spec.get_default(call_default_factory=True)
        else:
            filled[key] = value
    return filled


def _newly_read(settings: Settings, path: str, spelled: Mapping[str, str]) -> list[Note]:
    notes = []
    for key, text in _NEWLY_READ.items():
        head, _, tail = key.partition(".")
        value = getattr(settings, head) if head in settings.model_fields_set else None
        if tail and value is not None:
            value = getattr(value, tail)
        if value and spelled.get(key) != "invert_bundles":
            notes.append(Note(path=f"{path}.{spelled.get(key, key)}", value=value, text=text))
    return notes


def read_layer(raw: object, path: str, written: Mapping[str, str] | None = None) -> Layer:
    """One layer, ``global`` or an instrument's, from plain values; null is an empty layer.

    ``written`` maps keys of ``Settings`` to what the file called them, where ``raw`` is a
    translation. Raises ProfileError naming the path for an unknown key, a value outside its
    range, or one setting written in two ways.
    """
    values = {} if raw is None else as_mapping(raw, path)
    spelled = dict(written or {})
    notes = [
        Note(path=f"{path}.{key}", value=values.pop(key), text=text)
        for key, text in NO_EFFECT.items()
        if key in values
    ]
    known = set(values)
    old = bool(notes) or bool(known & _ALIASES)
    own = bool((known & set(Settings.model_fields)) - _SHARED)
    _fold_guards(values, path, spelled)
    _fold_exit(values, path, spelled)
    notes += _fold_direction(values, path, spelled)
    _fold_levels(values, path)
    if "session" in values:
        parts = session_parts(values["session"], f"{path}.session")
        values["session"] = parts
    layer = Layer(path, Settings(), spelled=spelled)
    try:
        settings = Settings.model_validate(fill_nulls(Settings, values))
    except ValidationError as error:
        extra = (*_ALIASES, *NO_EFFECT, *Exit.model_fields)
        raise profile_error(error, Settings, layer.spell, extra) from error
    return Layer(
        path=path,
        settings=settings,
        notes=tuple(notes),
        old_notes=tuple(_newly_read(settings, path, spelled)),
        old=old,
        own=own,
        spelled=spelled,
    )
