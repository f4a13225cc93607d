"""Bars from Parquet and CSV files: names, sides and zones are read or asked for, never guessed.

What the file does not say (instrument, granularity, side, zone) must be given, and everything
that was left out or derived stands in the report that comes with the bars.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from hotband.errors import BarsError
from hotband.feeds.assembly import (
    ImportReport,
    OnCrossed,
    Reading,
    SpreadSource,
    one_sided,
    report_of,
    two_sided,
)
from hotband.feeds.blocks import open_bytes
from hotband.feeds.file_times import read_times
from hotband.market.bars import PRICES, SIDE_ORIGINS, Bars, SideOrigin
from hotband.market.instruments import load_instruments
from hotband.market.spreads import ONE_SIDES, OneSide

__all__ = ["ImportReport", "OnCrossed", "SpreadSource", "read_bars", "read_frame"]

_FILE_NAME: Final = re.compile(r"(?P<instrument>[A-Z]{3}_[A-Z]{3})\.(?P<granularity>[A-Z]\d*)\.")
_SOURCE: Final = re.compile(r"[A-Z]{3}_[A-Z]{3}\.[A-Z]\d*\.(?P<source>[A-Za-z]\w*)\.")
_TEXT: Final = (".csv", ".txt", ".gz", ".zip")
GRANULARITY_ALIASES: Final = {"D1": "D"}


def read_bars(
    path: Path,
    *,
    instrument: str | None = None,
    granularity: str | None = None,
    side: SideOrigin | None = None,
    on_crossed: OnCrossed = "refuse",
    zone: str | None = None,
    mapping: Mapping[str, str] | None = None,
    spreads: SpreadSource | None = None,
) -> tuple[Bars, ImportReport]:
    """Bars of a Parquet or CSV file, and a report on the import.

    The columns are ``time`` and either ``bid_o`` .. ``ask_c`` or ``o``, ``h``, ``l``, ``c``;
    ``volume`` is optional. One side is completed with spreads known before the first bar.

    Args:
        path: The file; ``.parquet``, or ``.csv`` with a header.
        instrument: By default from a name like ``EUR_USD.M1.oanda.parquet``, else metadata.
        granularity: The same.
        side: ``bid``, ``ask`` or ``mid`` of one-sided prices; by default from the metadata.
        on_crossed: What to do with rows whose ask is below the bid.
        zone: IANA zone of times that carry none; times that carry one keep it.
        mapping: Column in the file to name above, for files that name them otherwise.
        spreads: For one-sided bars; by default the built-in table's.

    Raises:
        BarsError: Something is neither in the file nor given, or a row breaks a rule.
    """
    file = _open(path, instrument, granularity, zone, mapping)
    origin = _side(file.frame, side, file.metadata, path)
    source = _source(path, file.metadata)
    reading = Reading(path.name, file.instrument, file.granularity, source, file.frame.height)
    reading.notes += file.notes
    if origin == "ba":
        bars = two_sided(file.frame, reading, on_crossed)
    else:
        known = spreads or SpreadSource(load_instruments())
        bars = one_sided(file.frame, reading, origin, known)
    return bars, report_of(bars, reading)


def read_frame(
    path: Path,
    *,
    instrument: str | None = None,
    granularity: str | None = None,
    zone: str | None = None,
    mapping: Mapping[str, str] | None = None,
) -> tuple[pl.DataFrame, str, str]:
    """The rows of a file as they are, its instrument and its granularity.

    Times are read as by ``read_bars``; prices are not looked at, so that ``check_frame`` can
    judge a file that ``read_bars`` refuses.

    Raises:
        BarsError: The file, its name or its times cannot be read.
    """
    file = _open(path, instrument, granularity, zone, mapping)
    return file.frame, file.instrument, file.granularity


@dataclass(frozen=True, slots=True)
class _File:
    """A table with times in UTC, and what is known about it; ``notes`` grows while it is read."""

    frame: pl.DataFrame
    metadata: dict[str, str]
    instrument: str
    granularity: str
    notes: list[str]


def _open(
    path: Path,
    instrument: str | None,
    granularity: str | None,
    zone: str | None,
    mapping: Mapping[str, str] | None,
) -> _File:
    frame, metadata = _load(path)
    frame = _renamed(frame, mapping or {}, path)
    name = _FILE_NAME.match(path.name)
    said = metadata | (name.groupdict() if name else {})
    pair = instrument or _required(said, "instrument", path)
    length = granularity or _required(said, "granularity", path)
    notes: list[str] = []
    frame = frame.with_columns(read_times(frame["time"], zone, path.name, notes))
    return _File(frame, metadata, pair, GRANULARITY_ALIASES.get(length, length), notes)


def _load(path: Path) -> tuple[pl.DataFrame, dict[str, str]]:
    if path.suffix.lower() not in {".parquet", *_TEXT}:
        allowed = f".parquet, {', '.join(_TEXT)}"
        raise BarsError(f"file {path.name}", path.suffix, allowed, "Convert the file.")
    try:
        if path.suffix.lower() != ".parquet":
            with open_bytes(path) as stream:
                frame = pl.read_csv(stream.read())
            if not frame.height:
                raise BarsError(f"file {path.name}", "no rows", "at least one", "Check the file.")
            return frame, {}
        return pl.read_parquet(path, glob=False), pl.read_parquet_metadata(path)
    except (pl.exceptions.PolarsError, OSError) as cause:
        raise BarsError(
            f"file {path.name}",
            str(cause).splitlines()[0],
            "a readable Parquet file, or CSV with a header",
            "Check the path and the file.",
        ) from cause


def _renamed(frame: pl.DataFrame, mapping: Mapping[str, str], path: Path) -> pl.DataFrame:
    for column in mapping:
        if column not in frame.columns:
            raise BarsError(
                f"mapping for {path.name}",
                column,
                ", ".join(frame.columns),
                "Map columns that the file has.",
                near=frame.columns,
            )
    names = [mapping.get(column, column) for column in frame.columns]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise BarsError(
            f"mapping for {path.name}",
            f"{twice[0]} twice",
            "each name once",
            "Map one column to it.",
        )
    frame = frame.rename(dict(mapping))
    if "time" not in frame.columns:
        raise BarsError(
            f"columns of {path.name}",
            ", ".join(frame.columns),
            f"time and {', '.join(PRICES)} or o, h, l, c",
            "Name the columns with mapping={'their name': 'our name'}, or --mapping FILE.",
        )
    return frame


def _required(said: Mapping[str, str], what: str, path: Path) -> str:
    if what not in said:
        raise BarsError(
            f"{what} of {path.name}",
            "nothing in the file name or its metadata",
            "a name like EUR_USD.M1.oanda.parquet, or the argument",
            f"Pass {what}= or --{what}.",
        )
    return said[what]


def _source(path: Path, metadata: Mapping[str, str]) -> str:
    match = _SOURCE.match(path.name)
    return match["source"] if match else metadata.get("source", "file")


def _side(
    frame: pl.DataFrame, side: SideOrigin | None, metadata: Mapping[str, str], path: Path
) -> SideOrigin:
    has_both = all(name in frame.columns for name in PRICES)
    if side is not None and side not in SIDE_ORIGINS:
        raise BarsError(
            "side", side, ", ".join(SIDE_ORIGINS), "Name the side of the prices.", near=SIDE_ORIGINS
        )
    if has_both and side in {None, "ba"}:
        return "ba"
    if has_both or side == "ba":
        held = "both sides" if has_both else "one side"
        got, do = f"{side} for a file with {held}", "Leave --side out, or name the one it has."
        raise BarsError(f"side of {path.name}", got, "what it has", do)
    words = re.split(r"[\s,(]+", metadata.get("side", "").strip().lower())
    origin: OneSide | None = side or next((one for one in ONE_SIDES if one == words[0]), None)
    if origin is None:
        raise BarsError(
            f"side of {path.name}",
            "one side, and no word on which",
            "bid, ask or mid",
            "Pass side= or --side; a wrong side is wrong by a spread in every fill.",
        )
    return origin
