"""What holding a position over the roll costs, from rates with dates.

A broker's API shows today's rate only; applying it to earlier years would be a look-ahead, so a
rate counts from its own date on and there is none before the first. Without a table financing
is zero, and a report says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from hotband.errors import InputError
from hotband.market.calendar import MarketHours, Times, checked_times
from hotband.market.yaml_files import read_yaml

Floats: TypeAlias = npt.NDArray[np.float64]

_T_PLUS_ONE: Final = frozenset({"USD_CAD", "USD_TRY", "USD_PHP", "USD_RUB"})
"""Pairs that settle one day after the trade: their weekend falls on Thursday's roll."""
_FIRST_DAY: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class DatedRate:
    """Annual rates as fractions from ``day`` (days since 1970-01-01) on; negative = paid."""

    day: int
    long: float
    short: float


@dataclass(frozen=True, slots=True)
class FinancingTable:
    """Rates by instrument, ascending in time; an instrument that is not in it costs nothing.

    ``calendar``: static rates, times 3 at the roll that carries the weekend (Wednesday;
    Thursday for pairs that settle in one day), 7 days a week in all. ``daily``: rates recorded
    for each roll, triple days included, so each roll needs its own and counts once.
    """

    rates: Mapping[str, tuple[DatedRate, ...]] = field(default_factory=dict)
    schedule: Literal["calendar", "daily"] = "calendar"


def _rate(where: str, row: object) -> DatedRate:
    if not isinstance(row, Mapping):
        raise InputError(where, row, "{from: date, long: rate, short: rate}", "Give the three.")
    keys = ("from", "long", "short")
    for key in [*(k for k in row if k not in keys), *(k for k in keys if k not in row)]:
        got = key if key in row else f"no {key}"
        raise InputError(where, got, ", ".join(keys), "Give just these.", near=keys)
    day, rates = row["from"], (row["long"], row["short"])
    try:
        start = date.fromisoformat(day) if isinstance(day, str) else day
    except ValueError:
        start = None
    if type(start) is not date:  # a datetime is a date to isinstance, but names no roll
        raise InputError(f"{where} from", day, "a date such as 2025-01-31", "Write a date.")
    for rate in rates:
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not abs(rate) < 1:
            do = "Write -2.95 % a year as -0.0295."
            raise InputError(f"{where} rate", rate, "a fraction between -1 and 1", do)
    return DatedRate((start - _FIRST_DAY).days, float(rates[0]), float(rates[1]))


def load_financing(source: Path | Mapping[str, object] | None = None) -> FinancingTable:
    """A table from YAML or a mapping: ``schedule`` and ``rates`` (instrument -> dated rows).

    None gives the empty table. Unknown or repeated keys, rates outside -1..1, unordered or
    repeated dates and an unreadable file raise InputError.
    """
    if source is None:
        return FinancingTable()
    document: object = source
    if isinstance(source, Path):
        document = read_yaml(source, "financing file", InputError)
    keys = ("schedule", "rates")
    if not isinstance(document, Mapping) or not isinstance(document.get("rates", {}), Mapping):
        raise InputError("financing", document, "schedule and rates", "Write a mapping.")
    for key in document:
        if key not in keys:
            raise InputError("financing", key, ", ".join(keys), "Remove it.", near=keys)
    schedule = document.get("schedule", "calendar")
    allowed = ("calendar", "daily")
    if schedule not in allowed:
        do = "Use one of them."
        raise InputError("financing schedule", schedule, ", ".join(allowed), do, near=allowed)
    table = {}
    for name, rows in document.get("rates", {}).items():
        where = f"financing {name}"
        if not isinstance(rows, list) or not rows:
            raise InputError(where, rows, "a list of dated rates", "Give at least one.")
        dated = tuple(_rate(where, row) for row in rows)
        if any(later.day <= earlier.day for earlier, later in pairwise(dated)):
            raise InputError(where, "dates out of order", "ascending dates", "Sort the rows.")
        table[str(name)] = dated
    return FinancingTable(MappingProxyType(table), schedule)


def financing_columns(
    instrument: str, t_ns: Times, hours: MarketHours, table: FinancingTable
) -> tuple[Floats, Floats]:
    """(fin_long, fin_short) per bar, per unit and price: what the rolls since the last bar cost.

    Sum over the rolls in (t[i-1], t[i]] of rate x days / 365 (as OANDA divides for every pair);
    zero for the first bar and for an instrument without rates. A roll without a rate (before the
    first date; in the daily schedule any roll without its own) raises InputError naming the date.
    """
    times = checked_times(t_ns)
    long, short = np.zeros(times.shape, np.float64), np.zeros(times.shape, np.float64)
    dated = table.rates.get(instrument)
    if dated is None or len(times) == 0:
        return long, short
    rolls = hours.rolls_between(int(times[0]), int(times[-1]))
    # A roll is the last instant of its trading day, whose label is the roll's own date.
    days = hours.trading_day(rolls - 1).astype(np.int64)
    starts = np.array([rate.day for rate in dated], np.int64)
    row = np.searchsorted(starts, days, side="right") - 1
    lost = row < 0
    if table.schedule == "daily":
        lost |= starts[row] != days
    if lost.any():
        got = f"none for the roll of {np.datetime64(int(days[lost][0]), 'D')}"
        allowed = f"a rate for every roll ({table.schedule} schedule)"
        raise InputError(f"financing {instrument}", got, allowed, "Add the dated rate.")
    heavy = 3 if instrument in _T_PLUS_ONE else 2  # Thursday, else Wednesday
    count = np.where((table.schedule == "calendar") & ((days + 3) % 7 == heavy), 3, 1)
    bar = np.searchsorted(times, rolls, side="left")
    for column, rates in ((long, [r.long for r in dated]), (short, [r.short for r in dated])):
        np.add.at(column, bar, np.array(rates, np.float64)[row] * count / 365)
    return long, short
