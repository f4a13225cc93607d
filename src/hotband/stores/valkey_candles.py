"""The candles of the existing stack as rows of bars, and rows as candles that it can read.

A candle is one JSON object. What the wild ones leave out or write in other ways is read where
it is certain, and counted; a candle that cannot be used is left out, and counted.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, TypeAlias

import orjson
import polars as pl

from hotband.errors import BarsError, WindowError
from hotband.gates.payload_report import kind_notes, short_example, superseded_note
from hotband.market.bars import PRICES, SIDE_ORIGINS, SIDES
from hotband.market.calendar import FIRST_NS, LAST_NS, MILLISECOND_NS, format_time, parse_time
from hotband.stores.valkey_index import Scored

Prices: TypeAlias = tuple[float, float, float, float]

LETTERS: Final = ("o", "h", "l", "c")
LONG_NAMES: Final = {"o": "open", "h": "high", "l": "low", "c": "close"}
TIMES: Final = ("t", "timestamp", "time")
VOLUMES: Final = ("v", "volume")
SOURCE: Final = "valkey"
"""The source of bars whose candles do not name one."""
EXAMPLE_LENGTH: Final = 200
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

REFUSALS: Final = {
    "not_json": "is not valid JSON",
    "not_an_object": "is JSON, but not an object",
    "not_complete": "says that it is not complete",
    "time_missing": "has no time",
    "time_unreadable": "has a time that cannot be read, has no zone or is outside 1971 to 2099",
    "price_missing": "lacks a price on every side (a price of zero is a missing one)",
    "price_unreadable": "has a price that is no number",
}
"""Kinds of refusal, besides those of ``market.bars.FAULTS``: what is wrong with the candle."""

REPAIRS: Final = {
    "side_incomplete": "a bid or ask without all prices, not used",
    "volume_unreadable": "a volume that is no number of 0 or more, taken as unknown",
    "own_spread": "a mid with a spread of its own, used for bid and ask",
    "spread_unlikely": "a spread far from the instrument's, not used",
}
"""Kinds of repair: what was found and how it was read."""


@dataclass(frozen=True, slots=True)
class CandleReport:
    """What became of the candles that were read.

    ``candles == bars + sum(refused.values()) + superseded`` always.

    Attributes:
        candles: How many were read.
        bars: How many are in the result.
        superseded: Usable, but a later one in order has the same time.
        refused: Candles by kind of ``REFUSALS`` or ``market.bars.FAULTS``.
        repaired: Candles by kind of ``REPAIRS``.
        sides: Usable candles by the side that they had, of ``market.bars.SIDE_ORIGINS``.
        examples: The first case of each kind of refusal and repair, cut to 200 characters.
    """

    candles: int = 0
    bars: int = 0
    superseded: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    repaired: Mapping[str, int] = field(default_factory=dict)
    sides: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The counts as JSON types."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Short sentences: the sum first, then each kind with its count and an example."""
        refused = sum(self.refused.values())
        lines = [
            f"{self.candles:,} candles: {self.bars:,} bars, {refused:,} refused, "
            f"{self.superseded:,} superseded by a later one of the same time."
        ]
        for kind, count in self.refused.items():
            why = REFUSALS.get(kind, f"breaks the rule {kind} of bars")
            lines.append(f"Refused {count:,}: {why} ({self.examples[kind]}).")
        for kind, count in self.repaired.items():
            lines.append(f"Read {count:,} times: {REPAIRS[kind]} ({self.examples[kind]}).")
        for side, count in self.sides.items():
            if side != "ba":
                lines.append(f"{count:,} had the {side} only; the other side is derived.")
        return lines

    def notes(self) -> tuple[str, ...]:
        """What a reader of the bars must know; nothing where all was read as it was meant."""
        notes = kind_notes("candles", self.candles, (self.refused, REFUSALS), self.examples)
        if self.superseded:
            notes.append(superseded_note("candles", self.superseded, self.candles))
        for kind, count in self.repaired.items():
            example = short_example(self.examples[kind])
            notes.append(f"{count:,} of {self.candles:,} candles: {REPAIRS[kind]} ({example})")
        return tuple(notes)


class CandleTally:
    """Counts that grow while candles are read."""

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()
        self.repaired: Counter[str] = Counter()
        self.examples: dict[str, str] = {}

    def refuse(self, kind: str, member: bytes) -> None:
        """One candle less."""
        self.refused[kind] += 1
        self._keep(kind, member)

    def repair(self, kind: str, member: bytes) -> None:
        """One candle read in a way of ``REPAIRS``."""
        self.repaired[kind] += 1
        self._keep(kind, member)

    def _keep(self, kind: str, member: bytes) -> None:
        if kind not in self.examples:
            text = member[:EXAMPLE_LENGTH].decode("utf-8", "replace")
            self.examples[kind] = "".join(c if c.isprintable() else "?" for c in text)


class _UnusableError(Exception):
    """A candle that is left out; the argument is its kind."""


@dataclass(slots=True)
class Candle:
    """One readable candle; prices by side, ``mid`` among them."""

    member: bytes
    t_ns: int
    side: str
    prices: tuple[Prices, Prices] | tuple[Prices]
    volume: float
    spread: float
    source: str


def read_candles(members: Iterable[bytes], tally: CandleTally) -> list[Candle]:
    """The candles that can be read one by one; the others are counted in ``tally``."""
    candles = []
    for member in members:
        try:
            candles.append(_candle(member, tally))
        except _UnusableError as why:
            tally.refuse(str(why), member)
    return candles


def time_of(member: bytes) -> int | None:
    """The open time in ns that a candle tells; None where it cannot be read."""
    try:
        return _time_ns(_object(member))
    except _UnusableError:
        return None


def _object(member: bytes) -> dict[str, Any]:
    try:
        payload = orjson.loads(member)
    except orjson.JSONDecodeError as error:
        raise _UnusableError("not_json") from error
    if not isinstance(payload, dict):
        raise _UnusableError("not_an_object")
    return payload


def _candle(member: bytes, tally: CandleTally) -> Candle:
    payload = _object(member)
    if payload.get("complete", True) in (False, "false"):
        raise _UnusableError("not_complete")
    t_ns = _time_ns(payload)
    sides = {name: _prices(payload.get(name)) for name in SIDES}
    mid = _prices(payload, payload.get("mid"))
    bid, ask = sides["bid"], sides["ask"]
    prices: tuple[Prices, Prices] | tuple[Prices]
    if bid is not None and ask is not None:
        origin = payload.get("side_origin")
        side, prices = (origin if origin in SIDE_ORIGINS else "ba"), (bid, ask)
    elif (one := mid or bid or ask) is not None:
        side, prices = ("mid" if mid else "bid" if bid else "ask"), (one,)
        if any(payload.get(name) is not None and sides[name] is None for name in SIDES):
            tally.repair("side_incomplete", member)
    else:
        raise _UnusableError(_why_no_prices(payload))
    volume = _first(payload, VOLUMES)
    number = None if volume is None else _number(volume)
    if volume is not None and (number is None or number < 0):
        tally.repair("volume_unreadable", member)
        number = None
    spread = _number(payload.get("spread"))
    source = payload.get("source")
    return Candle(
        member,
        t_ns,
        side,
        prices,
        float("nan") if number is None else number,
        float("nan") if spread is None else spread,
        source if isinstance(source, str) and source else SOURCE,
    )


def _first(payload: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((payload[name] for name in names if payload.get(name) is not None), None)


def _number(value: object) -> float | None:
    """A finite number, also written as text; None for anything else, booleans included."""
    if type(value) is str and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if type(value) is int or type(value) is float:
        number = float(value)
        return number if abs(number) < float("inf") else None
    return None


def _time_ns(payload: Mapping[str, Any]) -> int:
    value = _first(payload, TIMES)
    if value is None:
        raise _UnusableError("time_missing")
    if type(value) is str and not re.fullmatch(r"\d{1,15}", value.strip(), re.ASCII):
        try:
            return parse_time(value)
        except WindowError as error:
            raise _UnusableError("time_unreadable") from error
    whole = isinstance(value, str) or (
        isinstance(value, int | float) and value == value // 1 and not isinstance(value, bool)
    )
    t_ns = int(value) * MILLISECOND_NS if whole else -1
    if not FIRST_NS <= t_ns < LAST_NS:
        raise _UnusableError("time_unreadable")
    return t_ns


def _prices(*places: object) -> Prices | None:
    """Four prices, each from the first place that has it; None where one is missing."""
    found = []
    for letter in LETTERS:
        for place in places:
            if isinstance(place, dict):
                price = _number(_first(place, (letter, LONG_NAMES[letter])))
                if price:  # zero is a missing price
                    found.append(price)
                    break
        else:
            return None
    o, h, low, c = found
    return o, h, low, c


def _why_no_prices(payload: Mapping[str, Any]) -> str:
    for place in (payload, *(payload.get(name) for name in ("mid", *SIDES))):
        if isinstance(place, dict):
            for letter in LETTERS:
                value = _first(place, (letter, LONG_NAMES[letter]))
                if value is not None and _number(value) is None:
                    return "price_unreadable"
    return "price_missing"


def write_candles(rows: pl.DataFrame, what: str) -> list[Scored]:
    """Candles of rows with the columns of ``tabular.BAR_COLUMNS``, by time in ms.

    Each has the mid at top level and under ``mid`` for the existing readers, and ``bid`` and
    ``ask`` to the last bit for ours. A null volume is null.

    Raises:
        BarsError: An open time that is no whole millisecond.
    """
    columns = rows.to_dict(as_series=False)
    times = rows["time"].to_physical().to_list()
    for t_ns in times:
        if t_ns % MILLISECOND_NS:
            raise BarsError(
                f"open times of {what}",
                format_time(t_ns),
                "whole milliseconds",
                "Keep such bars in a Parquet store.",
            )
    candles = []
    prices = zip(*(columns[name] for name in PRICES), strict=True)
    others = zip(columns["volume"], columns["side_origin"], columns["source"], strict=True)
    for t_ns, eight, (volume, origin, source) in zip(times, prices, others, strict=True):
        bid, ask = (dict(zip(LETTERS, four, strict=True)) for four in (eight[:4], eight[4:]))
        mid = {letter: round((bid[letter] + ask[letter]) / 2, 9) for letter in LETTERS}
        ms = t_ns // MILLISECOND_NS
        candle = {"time": format_time(t_ns), "t": ms, **mid, "v": volume, "mid": mid}
        candle |= {"bid": bid, "ask": ask, "side_origin": origin, "source": source}
        candles.append((ms, orjson.dumps(candle)))
    return candles
