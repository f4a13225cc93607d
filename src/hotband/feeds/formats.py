"""The formats of files that can be imported, and how each is known by its content.

One table: the name for ``--format``, what tells the format apart, and what its vendor says of
zone and side. A file that fits none or several is refused with the candidates.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from hotband.errors import BarsError
from hotband.feeds import histdata
from hotband.feeds.blocks import inner_name, read_head
from hotband.feeds.drafted import draft_mapping
from hotband.feeds.dukascopy import files_in, misplaced
from hotband.market.bars import PRICES
from hotband.market.spreads import OneSide

Kind: TypeAlias = Literal["ticks", "bars"]


@dataclass(frozen=True, slots=True)
class Head:
    """What a format is told by: the path and the first lines, empty for a folder.

    ``line`` is the first row and ``header`` the line before it, where that has no digit.
    ``name`` is the file's, in an archive the member's.
    """

    path: Path
    header: str
    line: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Format:
    """A format.

    Attributes:
        name: For ``--format``.
        title: What it is.
        kind: What its rows are.
        zone: Of its times; None = the user must say.
        side: Of its bars; None = both, or the file or the user says.
        source: Name of the vendor, kept with the bars.
        fits: Whether a file is of it.
    """

    name: str
    title: str
    kind: Kind
    zone: str | None
    side: OneSide | None
    source: str
    fits: Callable[[Head], bool]


def _line(pattern: str) -> Callable[[Head], bool]:
    compiled = re.compile(pattern)
    return lambda head: compiled.match(head.line) is not None


def _header(pattern: str) -> Callable[[Head], bool]:
    compiled = re.compile(pattern)
    return lambda head: compiled.match(head.header) is not None


def _json(key: str) -> Callable[[Head], bool]:
    return lambda head: head.line.startswith("{") and f'"{key}"' in head.line


def _names_minutes(head: Head) -> bool:
    return any(
        name.upper().startswith(("DAT_MT_", "HISTDATA_COM_MT_"))
        for name in (head.path.name, head.name)
    )


_REPLY: Final = re.compile(r'\s*(\[\s*)?\{\s*"(instrument|granularity|candles)"\s*:')
_REPLIES: Final = "replies with candles"
_HISTORY: Final = _line(r"\d{4}\.\d\d\.\d\d,\d\d:\d\d,")


_BARS: Final = ("o", "h", "l", "c", *PRICES)


def _table(head: Head, *, ticks: bool) -> bool:
    """Our own columns, by header or (Parquet) by the schema."""
    if head.path.suffix.lower() == ".parquet":
        return _parquet_ticks(head.path) is ticks
    names = {name.strip().strip('"') for name in head.header.split(",")}
    both = {"bid", "ask"} <= names
    return "time" in names and (both if ticks else not both and not names.isdisjoint(_BARS))


def _parquet_ticks(path: Path) -> bool:
    import polars as pl

    try:
        return {"time", "bid", "ask"} <= set(pl.read_parquet_schema(path))
    except (pl.exceptions.PolarsError, OSError):
        return False  # the reader of bars says what is wrong with it


FORMATS: Final[dict[str, Format]] = {
    one.name: one
    for one in (
        Format(
            "hotband-bars", "Parquet, or CSV with a header: time, bid_o .. ask_c or o .. c",
            "bars", None, None, "file", lambda head: _table(head, ticks=False),
        ),
        Format(
            "hotband-ticks", "Parquet, or CSV with a header: time, bid, ask",
            "ticks", None, None, "file", lambda head: _table(head, ticks=True),
        ),
        Format(
            "histdata-m1", "HistData generic ASCII minutes", "bars", histdata.ZONE, "bid",
            "histdata", _line(r"\d{8} \d{6};"),
        ),
        Format(
            "histdata-ticks", "HistData generic ASCII ticks", "ticks", histdata.ZONE, None,
            "histdata", _line(r"\d{8} \d{9},"),
        ),
        Format(
            "histdata-mt", "HistData minutes for MetaTrader", "bars", histdata.ZONE, "bid",
            "histdata", lambda head: _names_minutes(head) and _HISTORY(head),
        ),
        Format(
            "truefx", "TrueFX ticks", "ticks", "UTC", None, "truefx",
            _line(r"[A-Z]{3}/[A-Z]{3},\d{8} \d\d:\d\d:\d\d\.\d{3},"),
        ),
        Format(
            "mt4", "MetaTrader 4 History Center", "bars", None, "bid", "mt4",
            lambda head: not _names_minutes(head) and _HISTORY(head),
        ),
        Format(
            "mt5-bars", "MetaTrader 5 bars", "bars", None, "bid", "mt5",
            _header(r"<DATE>\t(<TIME>\t)?<OPEN>\t"),
        ),
        Format(
            "mt5-ticks", "MetaTrader 5 ticks", "ticks", None, None, "mt5",
            _header(r"<DATE>\t<TIME>\t<BID>\t<ASK>"),
        ),
        Format(
            "dukascopy-ticks", "Dukascopy bi5 ticks, a file or a folder of them", "ticks", "UTC",
            None, "dukascopy", lambda head: bool(files_in(head.path)[0]),
        ),
        Format(
            "dukascopy-candles", "Dukascopy bi5 candles, a file or a folder of them", "bars",
            "UTC", None, "dukascopy", lambda head: bool(files_in(head.path)[1]),
        ),
        Format(
            "dukascopy-json-ticks", "Dukascopy JSON ticks", "ticks", "UTC", None, "dukascopy",
            _json("asks"),
        ),
        Format(
            "dukascopy-json-candles", "Dukascopy JSON candles", "bars", "UTC", None, "dukascopy",
            _json("opens"),
        ),
        Format(
            "oanda-candles", "OANDA candle replies: one, a JSON list, or one a line", "bars",
            "UTC", None, "oanda",
            lambda head: head.line == _REPLIES,
        ),
    )
}  # fmt: skip


def head_of(path: Path) -> Head:
    """The first lines of a file; a folder has none.

    Raises:
        BarsError: The file cannot be read, or is a web page.
    """
    if path.is_dir() or path.suffix.lower() in {".parquet", ".bi5"}:
        if not path.exists():
            raise BarsError(f"file {path.name}", "no such file", "a file", "Check the path.")
        return Head(path, "", "")
    raw = read_head(path).decode("utf-8", "replace")
    if _REPLY.match(raw):
        return Head(path, "", _REPLIES)
    if raw.lstrip().startswith("{"):
        return Head(path, "", _keys(path))
    lines = raw.splitlines()
    first = lines[0] if lines else ""
    name = inner_name(path)
    if re.search(r"\d", first):
        return Head(path, "", first, name)
    return Head(path, first, lines[1] if len(lines) > 1 else "", name)


def _keys(path: Path) -> str:
    """The keys of a JSON object as text that ``_json`` can look through."""
    from hotband.feeds.dukascopy_json import read_document

    return "{" + " ".join(f'"{key}"' for key in read_document(path))


def detect(path: Path, name: str | None = None) -> Format:
    """The format of a file or folder: by ``name`` if given, else by what it holds.

    Raises:
        BarsError: An unknown name, or a file that fits no format or several.
    """
    if name is not None:
        if name not in FORMATS:
            raise BarsError("format", name, ", ".join(FORMATS), "Correct the name.", near=FORMATS)
        return FORMATS[name]
    head = head_of(path)
    found = [one for one in FORMATS.values() if one.fits(head)]
    if len(found) == 1:
        return found[0]
    if path.suffix.lower() == ".parquet":
        return FORMATS["hotband-bars"]  # whose reader names what is wrong
    if path.suffix.lower() == ".bi5":
        raise misplaced(path)
    if path.is_dir() and not found:
        raise BarsError(
            f"folder {path.name}",
            "no bi5 file in Dukascopy's layout",
            "a folder of those, or files",
            "Name the files themselves.",
        )
    if not path.is_dir() and not (head.header + head.line).strip():
        raise BarsError(
            f"file {path.name}", "an empty file", "rows", "Download or export it again."
        )
    got = f"a first line {(head.header or head.line)[:80]!r}"
    if found:
        got = f"what fits {' and '.join(one.name for one in found)}"
    refusal = BarsError(
        f"format of {path.name}",
        got,
        ", ".join(FORMATS),
        "Name one with --format, or describe the file with --mapping.",
    )
    draft = None if found or path.is_dir() else draft_mapping(path)
    if draft is not None:
        refusal.add_note(
            "This mapping fits its first lines. Look at it, save it as mapping.yaml and pass "
            f"--mapping mapping.yaml; options say what it leaves out:\n{draft}"
        )
    raise refusal
