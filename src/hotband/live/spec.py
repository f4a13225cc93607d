"""What a paper session trades: all that decides it beside what arrives, as values for a file."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from hotband.core.records import Records
from hotband.errors import InputError
from hotband.market.calendar import parse_granularity
from hotband.market.conversion import route
from hotband.market.financing import FinancingTable, load_financing
from hotband.market.instruments import Instrument, currencies, get_instrument, load_instruments
from hotband.profile.inherit import Effective
from hotband.profile.rules import compile_limits, compile_rules
from hotband.profile.strategy import Profile, effective, parse_profile
from hotband.research.axes import Axis, CellGrid
from hotband.research.feed import Surroundings

DERIVED = ("hazard_x",)
"""Parameters of a cell that follow from others."""


@dataclass(frozen=True)
class Breakers:
    """When entries stop by themselves; exits never do.

    Attributes:
        max_drawdown: fraction of the highest NAV that may be lost; None = any.
        daily_loss: fraction of the trading day's first NAV that may be lost; None = any.
    """

    max_drawdown: float | None = None
    daily_loss: float | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value is not None and not 0.0 < value < 1.0:
                do = "Write 0.05 for 5 %, or leave it out."
                raise InputError(f"breaker {name}", value, "above 0 and below 1", do)


@dataclass(frozen=True)
class SessionSpec:
    """One paper session.

    Attributes:
        instruments: Traded, each once, sorted.
        granularity: Of the bars.
        start_ns: Bars that open at or after it are traded.
        balance: At the start, in the profile's home currency.
        profile_text: The strategy profile, YAML or JSON.
        cells: Parameters of the roster's cell, by instrument; without any the profile's own.
        cost_bps: Round-trip commission; None = the profile's.
        breakers: When entries stop by themselves.
        stale_after_s: A bar that is done so many seconds after it was over, or later, allows no
            entry; exits always work.
    """

    instruments: tuple[str, ...]
    granularity: str
    start_ns: int
    balance: float
    profile_text: str
    cells: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    cost_bps: float | None = None
    breakers: Breakers = Breakers()
    stale_after_s: float = 120.0

    def __post_init__(self) -> None:
        if not 0.0 < self.stale_after_s < math.inf:
            do = "Write 120 for two minutes."
            raise InputError("stale_after_s", self.stale_after_s, "seconds above 0", do)
        if not self.instruments or tuple(sorted(set(self.instruments))) != self.instruments:
            allowed = "names, each once, sorted"
            raise InputError("instruments", self.instruments, allowed, "Sort them.")
        parse_granularity(self.granularity)
        for name in (*self.instruments, *self.cells):
            get_instrument(name, self.table)

    @cached_property
    def table(self) -> dict[str, Instrument]:
        """The known instruments."""
        return dict(load_instruments())

    @cached_property
    def profile(self) -> Profile:
        """The profile of the text; ProfileError where it is none."""
        return parse_profile(self.profile_text, "the session's profile")

    @property
    def granularity_ns(self) -> int:
        """Of a bar."""
        return parse_granularity(self.granularity)

    def settings(self, instrument: str) -> Effective:
        """The profile's, for one instrument."""
        return effective(self.profile, instrument)

    def rules(self) -> dict[str, Records]:
        """RULES, (1,), by instrument: the profile's with the cell's values on it."""
        money = currencies([self.table[name] for name in self.instruments], self.home)
        return {name: self._rules(name, money) for name in self.instruments}

    def _rules(self, name: str, money: tuple[str, ...]) -> Records:
        pair = self.table[name]
        base = compile_rules(self.profile, pair, money, cost_bps=self.cost_bps)
        axes = tuple(
            Axis(axis, (value,))
            for axis, value in self.cells.get(name, {}).items()
            if axis not in DERIVED
        )
        if not axes:
            return base
        return CellGrid(name, axes, None, False, (), base, pair.pip).rules(0, 1)

    def limits(self) -> Records:
        """LIMITS, (1,), of the account."""
        return compile_limits(self.profile)

    @property
    def home(self) -> str:
        """The account's currency."""
        return self.profile.account.home

    @cached_property
    def pairs(self) -> tuple[str, ...]:
        """The traded instruments and those that convert to the home currency, sorted."""
        needed = set(self.instruments)
        for name in self.instruments:
            pair = self.table[name]
            for currency in (pair.base, pair.quote):
                for leg in route(currency, self.home, set(self.table), self.table):
                    needed.add(leg.instrument)
        return tuple(sorted(needed))

    def surroundings(self, quotes: Mapping[str, tuple[Records, int]]) -> Surroundings:
        """What all instruments share; ``quotes`` by pair, with granularities in ns."""
        account = self.profile.account
        financing: FinancingTable = load_financing()
        return Surroundings(
            home=account.home,
            hours=account.market_hours(),
            table=self.table,
            conversion=account.conversion_model(),
            financing=financing,
            quotes=quotes,
        )

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON-safe values."""
        held = asdict(self)
        return held | {"instruments": list(self.instruments), "cells": dict(self.cells)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "SessionSpec":
        """The same again; InputError for values that are none."""
        try:
            given = dict(values)
            given["instruments"] = tuple(given["instruments"])
            given["breakers"] = Breakers(**given["breakers"])
            return cls(**given)
        except (KeyError, TypeError) as cause:
            raise InputError(
                "session", str(cause), "what SessionSpec.to_dict gave", "Restore the recording."
            ) from cause


def profile_text(path: str | Path | None) -> str:
    """The text of a profile's file; None = the one that comes with hotband."""
    if path is None:
        return (resources.files("hotband.profile") / "default.yaml").read_text("utf-8")
    try:
        return Path(path).read_text("utf-8")
    except OSError as cause:
        do = "Name a profile that can be read."
        raise InputError("profile", path, "a file", do) from cause


def canonical(values: object) -> str:
    """JSON of values on one line, the same text for the same values."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)


def settings_hash(spec: SessionSpec) -> str:
    """SHA-256, hex, over the numbers that decide: rules, limits, breakers."""
    digest = hashlib.sha256()
    for _, rules in sorted(spec.rules().items()):
        digest.update(rules.tobytes())
    digest.update(spec.limits().tobytes())
    digest.update(canonical([asdict(spec.breakers), spec.balance, spec.stale_after_s]).encode())
    return digest.hexdigest()
