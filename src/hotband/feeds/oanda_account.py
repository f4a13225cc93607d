"""Instruments and the account as OANDA's v20 API states them, and the broker file of them.

The account's own margin rates are better than any table: ``broker_document`` puts them into the
form that ``market.instruments.load_instruments`` reads over the built-in one.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from hotband.errors import BarsError
from hotband.feeds.oanda_json import (
    Document,
    listed,
    mapping,
    number,
    optional_number,
    text,
    whole,
)
from hotband.market.instruments import Instrument

WEEKDAYS: Final = tuple(
    f"{day}DAY" for day in ("MON", "TUES", "WEDNES", "THURS", "FRI", "SATUR", "SUN")
)


@dataclass(frozen=True, slots=True)
class OandaFinancing:
    """Rates of the day for holding a position, fractions a year; negative = paid.

    ``days_charged``: days by weekday, as the broker lists them. Some divisions list three on a
    Wednesday, some one a day and the triple in the published rate, some nothing: they are for
    reading, not for counting.
    """

    long_rate: float
    short_rate: float
    days_charged: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class OandaInstrument:
    """An instrument as the account may trade it; None = the reply does not say.

    ``kind`` is CURRENCY, CFD or METAL; ``max_position_units`` is inf for no limit, which the
    API writes as "0"; the other fields are those of ``market.instruments.Instrument``.
    """

    name: str
    kind: str
    pip_location: int
    display_precision: int
    unit_precision: int | None
    min_units: float | None
    max_order_units: float | None
    max_position_units: float | None
    margin_rate: float
    financing: OandaFinancing | None


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """The account at one moment; amounts in ``currency``.

    ``margin_rate`` is the account's own override, None = none is set. ``margin_closeout_pct``
    of 1.0 is where the broker closes everything.
    """

    account: str
    currency: str
    balance: float
    nav: float
    unrealized_pl: float
    margin_used: float
    margin_available: float
    margin_closeout_pct: float | None
    margin_rate: float | None
    open_trades: int
    open_positions: int
    pending_orders: int
    hedging: bool
    last_transaction: str | None

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return asdict(self)


def parse_instruments(document: object) -> tuple[OandaInstrument, ...]:
    """Instruments of a reply of the instruments endpoint; BarsError for another shape."""
    what = "instruments"
    rows = listed(mapping(document, what), "instruments", what)
    return tuple(_instrument(mapping(row, "instrument")) for row in rows)


def _instrument(row: Document) -> OandaInstrument:
    name = text(row, "name", "instrument")
    largest = optional_number(row, "maximumPositionSize", name)
    precision = row.get("tradeUnitsPrecision")
    return OandaInstrument(
        name=name,
        kind=str(row.get("type", "")),
        pip_location=whole(row, "pipLocation", name),
        display_precision=whole(row, "displayPrecision", name),
        unit_precision=None if precision is None else whole(row, "tradeUnitsPrecision", name),
        min_units=optional_number(row, "minimumTradeSize", name),
        max_order_units=optional_number(row, "maximumOrderUnits", name),
        max_position_units=math.inf if largest == 0 else largest,
        margin_rate=number(row.get("marginRate"), f"marginRate of {name}"),
        financing=_financing(row, name),
    )


def _financing(row: Document, name: str) -> OandaFinancing | None:
    if row.get("financing") is None:
        return None
    what = f"financing of {name}"
    given = mapping(row["financing"], what)
    days = {}
    for day in given.get("financingDaysOfWeek") or ():
        entry = mapping(day, what)
        weekday = text(entry, "dayOfWeek", what)
        if weekday not in WEEKDAYS:
            do = "Check the reply."
            raise BarsError(f"dayOfWeek of {what}", weekday, ", ".join(WEEKDAYS), do)
        days[weekday] = whole(entry, "daysCharged", what)
    return OandaFinancing(
        number(given.get("longRate"), f"longRate of {what}"),
        number(given.get("shortRate"), f"shortRate of {what}"),
        days,
    )


def parse_summary(document: object) -> AccountSummary:
    """The account of a reply of the summary endpoint; BarsError for another shape."""
    what = "account summary"
    reply = mapping(document, what)
    account = mapping(reply.get("account"), what)

    def amount(key: str) -> float:
        return number(account.get(key), f"{key} of {what}")

    last = account.get("lastTransactionID", reply.get("lastTransactionID"))
    return AccountSummary(
        account=text(account, "id", what),
        currency=text(account, "currency", what),
        balance=amount("balance"),
        nav=amount("NAV"),
        unrealized_pl=amount("unrealizedPL"),
        margin_used=amount("marginUsed"),
        margin_available=amount("marginAvailable"),
        margin_closeout_pct=optional_number(account, "marginCloseoutPercent", what),
        margin_rate=optional_number(account, "marginRate", what),
        open_trades=whole(account, "openTradeCount", what),
        open_positions=whole(account, "openPositionCount", what),
        pending_orders=whole(account, "pendingOrderCount", what),
        hedging=account.get("hedgingEnabled") is True,
        last_transaction=None if last is None else str(last),
    )


def broker_document(
    found: Sequence[OandaInstrument],
    account_margin_rate: float | None,
    table: Mapping[str, Instrument],
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Fields by instrument for a broker file, and the names that were left out.

    The margin rate is the higher of the instrument's and the account's: OANDA's pages differ
    on which counts, and the higher never sizes too large. Left out is what is no currency pair
    and what ``table`` lacks, as the API states no typical spread.
    """
    fields, left_out = {}, []
    for one in found:
        if one.name not in table or not re.fullmatch("[A-Z]{3}_[A-Z]{3}", one.name):
            left_out.append(one.name)
            continue
        given = {
            "pip_location": one.pip_location,
            "display_precision": one.display_precision,
            "unit_precision": one.unit_precision,
            "min_units": one.min_units,
            "max_order_units": one.max_order_units,
            "max_position_units": one.max_position_units,
            "margin_rate": max(one.margin_rate, account_margin_rate or 0.0),
        }
        fields[one.name] = {name: value for name, value in given.items() if value is not None}
    return fields, left_out


def financing_document(found: Sequence[OandaInstrument], day: str) -> dict[str, Any]:
    """A financing file as ``market.financing`` reads it: each rate counts from ``day`` on."""
    rates = {
        one.name: [
            {"from": day, "long": one.financing.long_rate, "short": one.financing.short_rate}
        ]
        for one in found
        if one.financing is not None
    }
    return {"schedule": "calendar", "rates": rates}
