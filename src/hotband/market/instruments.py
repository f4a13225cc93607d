"""What is traded: the broker's figures of each currency pair.

Everything that differs between pairs is data (``data/instruments.yaml``), so that no code
guesses a pip from a name. An override file corrects single fields or adds instruments.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml

from hotband.core.records import N_CURRENCIES
from hotband.errors import InputError, InstrumentError
from hotband.market.yaml_files import read_yaml


@dataclass(frozen=True, slots=True)
class Instrument:
    """A currency pair; impossible values raise InstrumentError.

    Args:
        name: ``BASE_QUOTE``.
        base: currency that is bought or sold.
        quote: currency that prices are in.
        pip_location: a pip is ``10 ** pip_location`` of quote currency, -10..4.
        display_precision: decimals of a price, 0..10, at least those of a pip.
        unit_precision: decimals of a number of units, 0..8.
        min_units: smallest order, units of base.
        max_order_units: largest order, units of base; inf = no limit.
        max_position_units: largest position, units of base; inf = no limit.
        margin_rate: margin per notional, 0 < rate <= 1.
        spread_pips: typical spread, used where bars lack a side.
    """

    name: str
    base: str
    quote: str
    pip_location: int
    display_precision: int
    unit_precision: int
    min_units: float
    max_order_units: float
    max_position_units: float
    margin_rate: float
    spread_pips: float

    def __post_init__(self) -> None:
        for field in ("base", "quote"):
            check_currency(f"{self.name} {field}", getattr(self, field))
        rules = (
            ("name", self.name == f"{self.base}_{self.quote}", "the name is BASE_QUOTE"),
            ("quote", self.quote != self.base, "a currency other than base"),
            ("pip_location", -10 <= self.pip_location <= 4, "-10 to 4"),
            (
                "display_precision",
                max(0, -self.pip_location) <= self.display_precision <= 10,
                f"{max(0, -self.pip_location)} (the decimals of a pip) to 10",
            ),
            ("unit_precision", 0 <= self.unit_precision <= 8, "0 to 8"),
            ("min_units", 0 < self.min_units < math.inf, "above 0, finite"),
            ("max_order_units", self.max_order_units >= self.min_units, "min_units or more"),
            (
                "max_position_units",
                self.max_position_units >= self.min_units,
                "min_units or more, .inf for no limit",
            ),
            ("margin_rate", 0 < self.margin_rate <= 1, "above 0, at most 1"),
            ("spread_pips", 0 <= self.spread_pips < math.inf, "0 or more, finite"),
        )
        for field, holds, allowed in rules:
            if not holds:
                got = getattr(self, field)
                raise InstrumentError(f"{self.name} {field}", got, allowed, "Correct the field.")

    @property
    def pip(self) -> float:
        """One pip in quote currency."""
        return float(10.0**self.pip_location)

    @property
    def price_scale(self) -> float:
        """Prices times this are whole."""
        return float(10.0**self.display_precision)

    @property
    def unit_step(self) -> float:
        """Smallest step between two numbers of units."""
        return float(10.0**-self.unit_precision)


_FIELDS: Final[dict[str, type]] = {
    field.name: field.type
    for field in fields(Instrument)
    if field.name != "name" and isinstance(field.type, type)
}
_KINDS: Final = {str: "text", int: "a whole number", float: "a number"}


def check_currency(what: str, code: object) -> str:
    """``code`` if it is three capital letters, else InstrumentError naming ``what``."""
    if not isinstance(code, str) or not re.fullmatch("[A-Z]{3}", code):
        raise InstrumentError(what, code, "three capital letters, such as EUR", "Use ISO codes.")
    return code


def _typed(what: str, value: object, kind: type) -> object:
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is kind:
        return value
    raise InstrumentError(what, repr(value), _KINDS[kind], "Correct the field.")


def _merge(table: dict[str, Instrument], document: object, source: str) -> None:
    if not isinstance(document, Mapping):
        do = "Write 'EUR_USD: {margin_rate: 0.0333}'."
        raise InstrumentError(source, type(document).__name__, "names with their fields", do)
    for name, given in document.items():
        if not isinstance(given, Mapping):
            allowed = f"a mapping of {', '.join(_FIELDS)}"
            raise InstrumentError(f"{source}: {name}", given, allowed, "Give the fields.")
        values: dict[str, Any] = asdict(table[name]) if name in table else {"name": str(name)}
        for field, value in given.items():
            if field not in _FIELDS:
                allowed = ", ".join(_FIELDS)
                do = "Rename or remove the field."
                raise InstrumentError(f"{source}: {name}", field, allowed, do, near=_FIELDS)
            values[field] = _typed(f"{source}: {name} {field}", value, _FIELDS[field])
        missing = [field for field in _FIELDS if field not in values]
        if missing:
            allowed = f"a known name, or a new one with also {', '.join(missing)}"
            do = "Correct the name, or add the fields."
            raise InstrumentError(f"{source}: instrument", name, allowed, do, near=table)
        table[values["name"]] = Instrument(**values)


@lru_cache(maxsize=1)
def _built_in() -> Mapping[str, Instrument]:
    text = (resources.files("hotband.market") / "data" / "instruments.yaml").read_text("utf-8")
    table: dict[str, Instrument] = {}
    _merge(table, yaml.safe_load(text), "built-in table")
    return MappingProxyType(table)


def load_instruments(path: Path | None = None) -> Mapping[str, Instrument]:
    """The built-in table, corrected field by field by the YAML file at ``path``.

    The file maps names to fields; an instrument that the table lacks needs all of them. An
    unreadable file, repeated or unknown keys and impossible values raise InstrumentError.
    """
    if path is None:
        return _built_in()
    document = read_yaml(path, "instruments file", InstrumentError)
    table = dict(_built_in())
    _merge(table, {} if document is None else document, path.name)
    return MappingProxyType(table)


def get_instrument(name: str, table: Mapping[str, Instrument]) -> Instrument:
    """The instrument called ``name``; InstrumentError with the nearest name where unknown."""
    if name not in table:
        allowed = f"{len(table)} instruments, named BASE_QUOTE"
        do = "Correct the name, or add the instrument to an instruments file."
        raise InstrumentError("instrument", name, allowed, do, near=table)
    return table[name]


def currencies(instruments: Iterable[Instrument], home: str) -> tuple[str, ...]:
    """All currencies of ``instruments`` and ``home``, sorted; the account's exposure slots.

    More than ``records.N_CURRENCIES`` raise InputError.
    """
    found = {check_currency("home currency", home)}
    for instrument in instruments:
        found |= {instrument.base, instrument.quote}
    if len(found) > N_CURRENCIES:
        do = "Trade fewer instruments in one account."
        raise InputError("currencies", len(found), f"at most {N_CURRENCIES}", do)
    return tuple(sorted(found))
