"""Bars from Parquet and CSV files: names, sides and zones are read or asked for, never guessed.

What the file does not say (instrument, granularity, side, zone) must be given, and everything
that was left out or derived stands in the report that comes with the bars.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np
import polars as pl

from hotband.errors import BarsError
from hotband.feeds.file_times import read_times
from hotband.market.bars import (
    COLUMNS,
    PRICES,
    SIDE_ORIGINS,
    Bars,
    SideOrigin,
    bar_faults,
    quotes_from,
)
from hotband.market.calendar import format_time, parse_granularity
from hotband.market.instruments import Instrument, get_instrument, load_instruments
from hotband.market.spreads import (
    ONE_SIDE_COLUMNS,
    ONE_SIDES,
    OneSide,
    SpreadProfile,
    complete_sides,
)

OnCrossed: TypeAlias = Literal["refuse", "drop"]
KnownSpreads: TypeAlias = Callable[[Instrument, int], SpreadProfile | None]
"""The spreads of an instrument as known at a time in ns; None = no two-sided bars by then."""

_FILE_NAME: Final = re.compile(r"(?P<instrument>[A-Z]{3}_[A-Z]{3})\.(?P<granularity>[A-Z]\d*)\.")
_SOURCE: Final = re.compile(r"[A-Z]{3}_[A-Z]{3}\.[A-Z]\d*\.(?P<source>[A-Za-z]\w*)\.")
GRANULARITY_ALIASES: Final = {"D1": "D"}


@dataclass(frozen=True, slots=True)
class SpreadSource:
    """Where the spread of one-sided bars is from: ``known``, else the instrument's table."""

    table: Mapping[str, Instrument]
    known: KnownSpreads | None = None

    def profile(self, pair: Instrument, before_ns: int) -> SpreadProfile:
        """The spreads of ``pair`` for bars from ``before_ns`` on."""
        found = None if self.known is None else self.known(pair, before_ns)
        return SpreadProfile.from_table(pair) if found is None else found


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import read, kept, left out and derived.

    Attributes:
        path: Name of the file, without its folder.
        instrument: Name such as ``EUR_USD``.
        granularity: Name such as ``M1``.
        side_origin: ``ba``, or the one side that the file has.
        source: Where the prices come from, by file name or metadata.
        rows_read: Rows in the file.
        rows_kept: Rows in the bars.
        dropped: Rows left out, by kind of ``market.bars.FAULTS``.
        zero_spreads: Rows kept with ask = bid at open or close.
        first: Open time of the first bar, RFC 3339; None = no rows.
        last: Open time of the last bar, RFC 3339; None = no rows.
        gaps: Steps between bars longer than the granularity, weekends included.
        longest_gap_ns: The longest of them, open to open.
        notes: Sentences on everything that was assumed or derived.
    """

    path: str
    instrument: str
    granularity: str
    side_origin: SideOrigin
    source: str
    rows_read: int
    rows_kept: int
    dropped: dict[str, int]
    zero_spreads: int
    first: str | None
    last: str | None
    gaps: int
    longest_gap_ns: int
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return asdict(self) | {"notes": list(self.notes)}


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
    dropped: dict[str, int] = {}
    if origin == "ba":
        data = quotes_from(file.frame.select(_known(file.frame, COLUMNS)).to_dict(), path.name)
        crossed = bar_faults(data, parse_granularity(file.granularity))["crossed"]
        if crossed.any():
            _allow_crossed(int(crossed.sum()), len(data), on_crossed, path)
            dropped["crossed"] = int(crossed.sum())
            file.notes.append(f"dropped {dropped['crossed']} rows whose ask is below the bid")
            data = data[~crossed]
        bars = Bars.from_records(file.instrument, file.granularity, data, source=source)
    else:
        bars = _completed(file, origin, source, spreads or SpreadSource(load_instruments()))
    return bars, _report(path, bars, file.frame.height, dropped, tuple(file.notes))


def _completed(file: "_File", side: OneSide, source: str, spreads: SpreadSource) -> Bars:
    """Both sides of a file that has one; its notes say where the spreads are from."""
    pair = get_instrument(file.instrument, spreads.table)
    first = file.frame["time"].to_physical().min()
    profile = spreads.profile(pair, first if isinstance(first, int) else 0)
    origin = "the instrument's table"
    if profile.origin == "bars":
        hours = int(np.isfinite(profile.spread).sum())
        origin = f"two-sided bars before it for {hours} of 168 hours of the week, else {origin}"
    file.notes.append(f"the file has the {side} only; spreads come from {origin}")
    return complete_sides(
        file.frame.select(_known(file.frame, ONE_SIDE_COLUMNS)).to_dict(),
        side,
        profile,
        pair,
        granularity=file.granularity,
        source=source,
    )


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


def _report(
    path: Path, bars: Bars, rows: int, dropped: dict[str, int], notes: tuple[str, ...]
) -> ImportReport:
    data = bars.data
    steps = np.diff(data["t"])
    zero = (data["ask_o"] == data["bid_o"]) | (data["ask_c"] == data["bid_c"])
    return ImportReport(
        path=path.name,
        instrument=bars.instrument,
        granularity=bars.granularity,
        side_origin=bars.side_origin,
        source=bars.source,
        rows_read=rows,
        rows_kept=len(bars),
        dropped=dropped,
        zero_spreads=int(zero.sum()),
        first=format_time(int(data["t"][0])) if len(bars) else None,
        last=format_time(int(data["t"][-1])) if len(bars) else None,
        gaps=int((steps > bars.granularity_ns).sum()),
        longest_gap_ns=int(steps.max(initial=0)),
        notes=notes,
    )


def _load(path: Path) -> tuple[pl.DataFrame, dict[str, str]]:
    if path.suffix not in {".parquet", ".csv"}:
        raise BarsError(f"file {path.name}", path.suffix, ".parquet or .csv", "Convert the file.")
    try:
        if path.suffix == ".csv":
            return pl.read_csv(path, glob=False), {}
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
            "Name the columns with mapping={'their name': 'our name'}.",
        )
    return frame


def _known(frame: pl.DataFrame, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if name in frame.columns]


def _required(said: Mapping[str, str], what: str, path: Path) -> str:
    if what not in said:
        raise BarsError(
            f"{what} of {path.name}",
            "nothing in the file name or its metadata",
            "a name like EUR_USD.M1.oanda.parquet, or the argument",
            f"Pass {what}=.",
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
        raise BarsError(f"side of {path.name}", f"{side} for a file with {held}", "what it has", "")
    words = re.split(r"[\s,(]+", metadata.get("side", "").strip().lower())
    origin: OneSide | None = side or next((one for one in ONE_SIDES if one == words[0]), None)
    if origin is None:
        raise BarsError(
            f"side of {path.name}",
            "one side, and no word on which",
            "bid, ask or mid",
            "Pass side=; a wrong side is wrong by a spread in every fill.",
        )
    return origin


def _allow_crossed(crossed: int, rows: int, on_crossed: str, path: Path) -> None:
    if on_crossed not in {"refuse", "drop"}:
        raise BarsError("on_crossed", on_crossed, "refuse or drop", "Choose one of them.")
    if on_crossed == "refuse":
        raise BarsError(
            f"quotes of {path.name}",
            f"ask below bid in {crossed} of {rows} rows",
            "ask >= bid at open and close",
            "Use on_crossed=drop to leave these rows out and count them.",
        )
