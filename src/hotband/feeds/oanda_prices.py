"""Quotes of OANDA's pricing replies and of the lines of its price stream."""

from dataclasses import asdict, dataclass
from operator import itemgetter
from typing import TypeAlias

from hotband.feeds.oanda_json import Document, listed, mapping, number, text, time_ns
from hotband.market.calendar import format_time


@dataclass(frozen=True, slots=True)
class Quote:
    """The best bid and ask at one time.

    Attributes:
        instrument: Name such as ``EUR_USD``.
        t_ns: When the broker made it, ns UTC.
        bid: Highest bid, in quote currency.
        ask: Lowest ask, in quote currency.
        bid_units: Units of base that the best bid is for, NaN = not said.
        ask_units: Units of base that the best ask is for, NaN = not said.
        tradeable: Whether the broker takes orders at it.
    """

    instrument: str
    t_ns: int
    bid: float
    ask: float
    bid_units: float
    ask_units: float
    tradeable: bool

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; the time as RFC 3339, units that are not said as null."""
        units = {name: _or_none(getattr(self, name)) for name in ("bid_units", "ask_units")}
        return asdict(self) | units | {"time": format_time(self.t_ns)}


@dataclass(frozen=True, slots=True)
class NoQuote:
    """A price without a bid or without an ask: nobody quotes, which is no error."""

    instrument: str
    t_ns: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The sign that the stream lives though no price changed; ``t_ns`` is the broker's time."""

    t_ns: int


Message: TypeAlias = Quote | NoQuote | Heartbeat


def parse_prices(document: object) -> tuple[Quote | NoQuote, ...]:
    """The prices of a reply of the pricing endpoint; BarsError for another shape."""
    what = "pricing"
    rows = listed(mapping(document, what), "prices", what)
    return tuple(_price(mapping(row, "price")) for row in rows)


def parse_message(document: object) -> Message | None:
    """What a line of the stream says; None for a kind that is not known.

    Raises:
        BarsError: No JSON object, or a price of another shape.
    """
    row = mapping(document, "line of the price stream")
    match row.get("type"):
        case "HEARTBEAT":
            return Heartbeat(time_ns(row.get("time"), "time of a heartbeat"))
        case "PRICE":
            return _price(row)
    return None


def _price(row: Document) -> Quote | NoQuote:
    name = text(row, "instrument", "price")
    what = f"price of {name}"
    at = time_ns(row.get("time"), f"time of {what}")
    bids, asks = (_levels(row, key, what) for key in ("bids", "asks"))
    if not bids or not asks:
        return NoQuote(name, at)
    bid, ask = max(bids, key=itemgetter(0)), min(asks, key=itemgetter(0))
    tradeable = row.get("tradeable")
    if tradeable is None:
        tradeable = row.get("status") == "tradeable"
    return Quote(name, at, bid[0], ask[0], bid[1], ask[1], tradeable is True)


def _levels(row: Document, key: str, what: str) -> list[tuple[float, float]]:
    """(price, units) of one side; liquidity is a number in the specification, text in life."""
    found = []
    for level in row.get(key) or ():
        entry = mapping(level, f"{key} of {what}")
        units = entry.get("liquidity")
        found.append(
            (
                number(entry.get("price"), f"{key} of {what}"),
                float("nan") if units is None else number(units, f"liquidity of {what}"),
            )
        )
    return found


def _or_none(value: float) -> float | None:
    return None if value != value else value  # noqa: PLR0124 # NaN
