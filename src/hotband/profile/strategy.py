"""The strategy profile: loading it, and asking it for the settings of an instrument.

Inheritance differs on purpose from the stack whose files this also reads: there a listed
instrument kept almost nothing of ``global``. A file of that stack loads, and each instrument
that now gets more than it did is named in ``notes``.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Final, Literal

from hotband.errors import ProfileError
from hotband.market.instruments import load_instruments
from hotband.profile.account import Account, read_account
from hotband.profile.compact import INSTRUMENT, is_live_params, read_compact, refuse_policy
from hotband.profile.document import as_mapping, parse_document, read_document
from hotband.profile.inherit import Effective, Resolver
from hotband.profile.settings import Settings
from hotband.profile.spelling import NO_EFFECT, Layer, Note, fill_nulls, read_layer
from hotband.profile.windows import zone_missing

_TOP: Final = ("global", "instruments", "account", "bundles")
_ONCE_INHERITED: Final = {"min_repetitions", "regime_filter", "min_regime_confidence"}


@dataclass(frozen=True, eq=False)
class Profile:
    """A profile as loaded; ``effective`` and the compile functions give what it means.

    ``era`` is ``existing`` where the file holds keys of the existing stack, or none of ours.
    ``notes`` lists every key without effect and every value that acts otherwise than its file
    may have meant. ``source`` is the file's name, for messages.
    """

    source: str
    era: Literal["hotband", "existing"]
    account: Account
    shared: Layer
    layers: Mapping[str, Layer]
    notes: tuple[Note, ...]

    @property
    def instruments(self) -> tuple[str, ...]:
        """The listed instruments, in the order of the file."""
        return tuple(self.layers)

    @cached_property
    def content_hash(self) -> str:
        """sha256 (64 hex digits) of what decides; spelling, comments and origins do not count."""
        listed = {name: effective(self, name).values() for name in self.instruments}
        try:
            rest: dict[str, object] | None = effective(self, "").values()
        except ProfileError:
            rest = None
        content = {"account": self.account.model_dump(mode="json"), "listed": listed, "rest": rest}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


def effective(profile: Profile, instrument_name: str) -> Effective:
    """The final settings of one instrument; one that is not listed gets the globals.

    Raises ProfileError where inherited values contradict each other. Listed instruments have
    been checked by ``load_profile``.
    """
    own = profile.layers.get(instrument_name)
    return Resolver(profile.shared, own, instrument_name).effective()


def load_profile(source: Path | str | Mapping[str, object] | None = None) -> Profile:
    """A profile from a file (YAML, or JSON by suffix), from plain values, or the default.

    A text is a path; ``parse_profile`` reads YAML text. ``None`` is the profile that comes with
    hotband. Profiles of both eras of the existing stack and its ``live_params.json`` are read
    too. Raises ProfileError, naming the key's path, for unknown keys, impossible values, a
    repeated key, and a portfolio policy.
    """
    if source is None:
        text = (resources.files("hotband.profile") / "default.yaml").read_text("utf-8")
        return parse_profile(text, "default.yaml")
    if isinstance(source, Mapping):
        return _build(as_mapping(source, "profile"), "mapping")
    path = Path(source)
    return _build(read_document(path), path.name)


def parse_profile(text: str, source: str = "text") -> Profile:
    """A profile from YAML text; ``source`` names it in errors. Raises as ``load_profile``."""
    return _build(parse_document(text, source), source)


def _build(document: dict[str, object], source: str) -> Profile:
    notes: list[Note] = []
    if is_live_params(document):
        shared = Layer("global", Settings())
        layers = {name: read_compact(raw, name) for name, raw in document.items()}
        account = Account()
    else:
        refuse_policy(document, source)
        _check_top(document)
        shared = read_layer(document.get("global"), "global")
        listed = _section(document, "instruments")
        layers = {name: read_layer(raw, f"instruments.{name}") for name, raw in listed.items()}
        account = read_account(fill_nulls(Account, _section(document, "account")))
        if "bundles" in document:
            value = document["bundles"]
            notes.append(Note(path="bundles", value=value, text=NO_EFFECT["bundles"]))
    for name in layers:
        _check_name(name)
    everything = (shared, *layers.values())
    old = bool(notes) or any(layer.old for layer in everything)
    own = "account" in document or any(layer.own for layer in everything)
    existing = old or not own
    for layer in everything:
        notes += layer.notes
        notes += layer.old_notes if existing else ()
        notes += _session_notes(layer)
    notes += _resolved_notes(shared, layers, existing)
    unique = {(note.path, note.text): note for note in notes}
    era: Literal["hotband", "existing"] = "existing" if existing else "hotband"
    return Profile(source, era, account, shared, layers, tuple(unique.values()))


def _section(document: Mapping[str, object], key: str) -> dict[str, object]:
    value = document.get(key)
    return {} if value is None else as_mapping(value, key)


def _check_top(document: Mapping[str, object]) -> None:
    for key in document:
        if key not in _TOP:
            moved = key in Settings.model_fields
            do = f"Write it under global: {key}." if moved else "Correct or remove it."
            raise ProfileError(f"unknown key {key}", key, ", ".join(_TOP), do, near=_TOP)


def _check_name(name: str) -> None:
    if not INSTRUMENT.fullmatch(name):
        known = load_instruments()
        raise ProfileError(
            f"instruments.{name}", name, "BASE_QUOTE in capitals", "Rename it.", near=known
        )


def _session_notes(layer: Layer) -> list[Note]:
    notes = []
    for part in layer.settings.session:
        if part.start is None or part.end is None:
            continue
        hours = f"{part.start} to {part.end}"
        path = layer.spell("session")
        if zone_missing(part):
            text = "no zone: the hours are UTC and do not follow daylight saving"
            notes.append(Note(path=path, value=hours, text=text))
        if part.end.removesuffix("Z") == "23:59":
            text = "an end of 23:59 is read as 24:00, so that the last minute is not lost"
            notes.append(Note(path=path, value=hours, text=text))
    return notes


def _resolved_notes(shared: Layer, layers: Mapping[str, Layer], existing: bool) -> list[Note]:
    """Notes on merged values; raises for a listed instrument that contradicts itself."""
    notes = []
    for name, layer in layers.items():
        resolver = Resolver(shared, layer, name)
        notes += resolver.notes(resolver.effective())
        if existing:
            notes += _inheritance_note(shared, resolver)
    resolver = Resolver(shared, None, "instruments that are not listed")
    try:
        notes += resolver.notes(resolver.effective())
    except ProfileError as error:
        if not layers:
            raise
        text = f"instruments that are not listed cannot trade: {error}"
        notes.append(Note(path="global", value=None, text=text))
    return notes


def _inheritance_note(shared: Layer, resolver: Resolver) -> list[Note]:
    inherited = [key for key, origin in resolver.origins.items() if origin == "global"]
    gained = sorted(key for key in inherited if key not in _ONCE_INHERITED | {"hold_minutes"})
    own = resolver.own
    notes = []
    if gained:
        text = (
            f"inherits {', '.join(gained)} from global; the existing stack gave a listed "
            "instrument only min_repetitions, regime_filter and min_regime_confidence. null "
            "switches one off"
        )
        path = f"instruments.{resolver.instrument}"
        notes.append(Note(path=path, value=gained, text=text))
    if (
        own is not None
        and "regime_filter" in own.settings.model_fields_set
        and not own.settings.regime_filter
        and shared.settings.regime_filter
    ):
        text = "an empty list is no filter here; the existing stack took the one of global"
        notes.append(Note(path=own.spell("regime_filter"), value=[], text=text))
    return notes
