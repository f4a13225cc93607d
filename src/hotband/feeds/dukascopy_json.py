"""Dukascopy's JSON of 2026: deltas in whole points, added up here before they become prices."""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from hotband.errors import BarsError
from hotband.feeds.assembly import Reading
from hotband.feeds.blocks import open_bytes
from hotband.market.bars import Int64Array
from hotband.market.calendar import GRANULARITIES, MILLISECOND_NS

_PRICES: Final = {"o": "open", "h": "high", "l": "low", "c": "close"}
_MOST_DECIMALS: Final = 8


def read_document(path: Path) -> dict[str, Any]:
    """The document of a file.

    Raises:
        BarsError: It is no JSON object.
    """
    with open_bytes(path) as stream:
        raw = stream.read()
    try:
        document = json.loads(raw)
    except ValueError as cause:
        raise BarsError(
            f"file {path.name}", f"no JSON ({cause})", "a whole JSON object", "Download it again."
        ) from cause
    if not isinstance(document, dict):
        raise BarsError(
            f"file {path.name}", type(document).__name__, "a JSON object", "Download it again."
        )
    return document


def ticks_of(document: dict[str, Any], reading: Reading) -> pl.DataFrame:
    """Ticks of a document: ``time`` ns UTC, ``bid``, ``ask``; empty where it has none.

    Raises:
        BarsError: A field is missing or of another type, or lengths differ.
    """
    names = ("times", "asks", "bids")
    times, asks, bids = _deltas(document, names, reading.name)
    reading.rows += len(times)
    if not len(times):
        return pl.DataFrame(schema={"time": pl.Int64, "bid": pl.Float64, "ask": pl.Float64})
    decimals = _decimals(document, reading.name)
    return pl.DataFrame(
        {
            "time": _times(document, times, 1, reading.name),
            "bid": _prices(document, "bid", bids, decimals, reading.name),
            "ask": _prices(document, "ask", asks, decimals, reading.name),
        }
    )


def candles_of(document: dict[str, Any], reading: Reading) -> pl.DataFrame:
    """Candles of a document: ``time`` ns UTC, ``o`` .. ``c``, ``volume``; gaps stay gaps.

    Raises:
        BarsError: As ``ticks_of``.
    """
    names = ("times", "opens", "highs", "lows", "closes")
    times, *prices = _deltas(document, names, reading.name)
    reading.rows += len(times)
    columns = {"time": pl.Int64, **dict.fromkeys((*_PRICES, "volume"), pl.Float64)}
    if not len(times):
        return pl.DataFrame(schema=columns)
    decimals = _decimals(document, reading.name)
    volumes = np.asarray(document.get("volumes", []), dtype=object)
    if len(volumes) != len(times):
        raise _bad("volumes", f"{len(volumes)} values", f"{len(times)}", reading.name)
    shift = _whole(document, "shift", reading.name)
    held = {"time": _times(document, times, shift, reading.name)}
    rows = {
        letter: _prices(document, name, deltas, decimals, reading.name)
        for (letter, name), deltas in zip(_PRICES.items(), prices, strict=True)
    }
    return pl.DataFrame(held | rows | {"volume": volumes.astype(np.float64)}, schema=columns)


def granularity_of(document: dict[str, Any], name: str) -> str:
    """Granularity of candles by their ``shift``.

    Raises:
        BarsError: It is none of ours.
    """
    shift_ns = _whole(document, "shift", name) * MILLISECOND_NS
    for granularity, length_ns in GRANULARITIES.items():
        if length_ns == shift_ns:
            return granularity
    raise _bad("shift", document["shift"], "the length of a bar in ms", name)


def _bad(field: str, got: object, allowed: str, name: str) -> BarsError:
    return BarsError(f"{field} of {name}", got, allowed, "Download the file again.")


def _whole(document: dict[str, Any], field: str, name: str) -> int:
    value = document.get(field)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _bad(field, repr(value), "a whole number", name)
    return value


def _deltas(document: dict[str, Any], names: tuple[str, ...], name: str) -> list[Int64Array]:
    columns = []
    for field in names:
        values = document.get(field)
        if not isinstance(values, list) or any(type(value) is not int for value in values):
            raise _bad(field, type(values).__name__, "a list of whole numbers", name)
        columns.append(np.array(values, dtype=np.int64))
        if len(values) != len(columns[0]):
            raise _bad(field, f"{len(values)} values", f"{len(columns[0])}, as times has", name)
    return columns


def _times(document: dict[str, Any], deltas: Int64Array, shift: int, name: str) -> Int64Array:
    base = _whole(document, "timestamp", name)
    return (base + np.cumsum(deltas) * shift) * MILLISECOND_NS


def _decimals(document: dict[str, Any], name: str) -> int:
    multiplier = document.get("multiplier")
    for decimals in range(_MOST_DECIMALS + 1):
        if isinstance(multiplier, float | int) and np.isclose(multiplier, 10.0**-decimals, 1e-9, 0):
            return decimals
    raise _bad("multiplier", repr(multiplier), "a power of ten, such as 1e-05", name)


def _prices(
    document: dict[str, Any], field: str, deltas: Int64Array, decimals: int, name: str
) -> npt.NDArray[np.float64]:
    """Prices of a base and deltas in points, exact to the last digit."""
    base = document.get(field)
    if not isinstance(base, float | int) or isinstance(base, bool):
        raise _bad(field, repr(base), "a price", name)
    scale = 10.0**decimals
    points: npt.NDArray[np.float64] = (round(base * scale) + np.cumsum(deltas)) / scale
    return points
