"""A mapping for a delimited file of no known format, drafted from its head.

An unknown file is refused, never guessed at; the refusal carries this draft, which a person looks
at and saves. What the head does not prove (side, zone, a day that may be a month) is left out.
"""

import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Final

import polars as pl

from hotband.feeds.blocks import open_bytes
from hotband.market.bars import PRICES

_HEAD_BYTES: Final = 1 << 20
_HEAD_LINES: Final = 10
_ONE: Final = ("o", "h", "l", "c")
_SEPARATORS: Final = ("\t", ";", "|", ",")
_WORDS: Final = {
    "o": ("o", "open", "eröffnung", "auf"),
    "h": ("h", "high", "hoch"),
    "l": ("l", "low", "tief"),
    "c": ("c", "close", "schluss"),
    "volume": ("v", "vol", "volume", "volumen", "ticks", "tickvol", "tickvolume"),
    "bid": ("bid", "bidprice"),
    "ask": ("ask", "askprice"),
    "date": ("date", "datum"),
    "clock": ("time", "clock", "zeit", "uhrzeit"),
}
_TIMES: Final = re.compile(r"(gmt|utc|local|open|bar)?(date)?(time|timestamp|date)(gmt|utc)?|datum")
_DATES: Final = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y",
    "%m-%d-%Y",
)  # fmt: skip
_CLOCKS: Final = ("%H:%M", "%H:%M:%S", "%H:%M:%S%.f")
_FORMS: Final = tuple(
    f"{date}{gap}{clock}{offset}"
    for date, gap, clock, offset in product(_DATES, (" ", "T"), _CLOCKS, ("", "%z"))
)
_UNITS: Final = {10: "s", 13: "ms", 16: "us", 19: "ns"}
_LENGTHS: Final = {60: "M1", 300: "M5", 900: "M15", 1800: "M30", 3600: "H1", 14400: "H4"}

Columns = dict[str, int]
Rows = list[list[str]]


def draft_mapping(path: Path) -> str | None:
    """The YAML of a mapping that the first lines of a text file fit; None = they do not tell."""
    with open_bytes(path) as stream:
        raw = stream.read(_HEAD_BYTES)
    if b"\0" in raw:
        return None
    if len(raw) == _HEAD_BYTES:
        raw = raw[: raw.rfind(b"\n") + 1]
    lines = _text(raw).splitlines()
    for separator in _SEPARATORS:
        table = [[part.strip().strip('"') for part in line.split(separator)] for line in lines]
        start = next((n for n, row in enumerate(table[:_HEAD_LINES]) if _is_data(row)), None)
        if start is None:
            continue
        rows = [row for row in table[start:] if len(row) == len(table[start])]
        draft = _draft(table[:start], rows, separator)
        if draft is not None:
            return draft
    return None


def _text(raw: bytes) -> str:
    """UTF-8, else the code page of Western European spreadsheets."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _is_data(row: Sequence[str]) -> bool:
    return len(row) > 2 and sum(bool(re.search(r"\d", field)) for field in row) > len(row) // 2


def _draft(heads: Rows, rows: Rows, separator: str) -> str | None:
    at, columns = _named(heads) if heads else (0, _by_place(rows))
    if columns is None or max(columns.values()) >= len(rows[0]):
        return None
    times = _times(rows, columns)
    if times is None:
        return None
    comma = separator != "," and any(
        "," in row[columns[name]] for row in rows[:1] for name in columns
    )
    by_name = bool(heads) and at == len(heads) - 1
    shown = []
    for ours, place in columns.items():
        name = heads[at][place] if by_name else ""
        plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9 _=-]*", name) and heads[at].count(name) == 1
        shown.append(f"{ours}: {name if plain else place + 1}")
    said = [f"columns: {{{', '.join(shown)}}}"]
    if separator != ",":
        said.append('delimiter: "\\t"' if separator == "\t" else f'delimiter: "{separator}"')
    if comma:
        said.append("decimal_comma: true")
    skipped = at if by_name else len(heads)
    if skipped:
        said.append(f"skip_rows: {skipped}")
    if not by_name:
        said.append("header: false")
    return "\n".join([*said, *times])


def _named(heads: Rows) -> tuple[int, Columns | None]:
    """The line of names, and our columns by their place in it."""
    for at, head in enumerate(heads):
        names = ["".join(re.findall(r"[^\W_]+", name)).lower() for name in head]
        prices = _prices(names)
        if prices:
            return at, _clock(names) | prices
    return 0, None


def _prices(names: list[str]) -> Columns:
    """Both sides of bars, one side, or ticks; empty = none of them."""
    found = {
        ours: names.index(word) for ours, words in _WORDS.items() for word in words if word in names
    }
    both = {
        name: names.index(word)
        for name in PRICES
        for end in _WORDS[name[-1]]
        for word in (name[:3] + end, end + name[:3])
        if word in names
    }
    volume = {name: found[name] for name in ("volume",) if name in found}
    if len(both) == len(PRICES):
        return both | volume
    for kind in (_ONE, ("bid", "ask")):
        if all(name in found for name in kind):
            return {name: found[name] for name in kind} | (volume if kind == _ONE else {})
    return {}


def _clock(names: list[str]) -> Columns:
    """``date`` and ``clock``, or ``time``; the first column where none has such a name."""
    date, clock = (
        next((n for n, name in enumerate(names) if name in _WORDS[ours]), None)
        for ours in ("date", "clock")
    )
    if date is not None and clock is not None:
        return {"date": date, "clock": clock}
    return {"time": next((n for n, name in enumerate(names) if _TIMES.fullmatch(name)), 0)}


def _by_place(rows: Rows) -> Columns | None:
    """Columns without a header: a time, then open, high, low, close that obey their names."""
    first = 2 if re.fullmatch(r"\d\d?:\d\d(:\d\d)?", rows[0][1]) else 1
    prices = [_number(row[first : first + 4]) for row in rows]
    if any(len(p) < 4 or p[1] < max(p) or p[2] > min(p) for p in prices):
        return None
    when = {"time": 0} if first == 1 else {"date": 0, "clock": 1}
    return when | {name: first + n for n, name in enumerate(_ONE)}


def _number(fields: Sequence[str]) -> list[float]:
    """The fields as numbers, those before the first that is none."""
    numbers: list[float] = []
    for field in fields:
        if not re.fullmatch(r"\d+([.,]\d+)?", field):
            break
        numbers.append(float(field.replace(",", ".")))
    return numbers


def _times(rows: Rows, columns: Columns) -> list[str] | None:
    """How the times are written, and the length of bars; None = no form or several fit."""
    where = [columns[name] for name in ("time", "date", "clock") if name in columns]
    text = pl.Series([" ".join(row[place] for place in where) for row in rows])
    unit = _UNITS.get(len(text[0])) if text.str.contains(r"^\d+$").all() else None
    if unit:
        said, scale = f"timestamp_unit: {unit}", 10 ** (len(text[0]) - 10)
        seconds = text.cast(pl.Int64) // scale
    else:
        fits = [form for form in _FORMS if _fits(text, form)]
        if not fits or len({form[:8] for form in fits}) > 1:
            return None
        said = f'time_format: "{fits[0]}"'
        seconds = _parsed(text, fits[0]).dt.epoch("s")
    if "bid" in columns or len(rows) < 2:
        return [said]
    step = _LENGTHS.get(int(seconds.diff().drop_nulls().mode().min() or 0))
    return [said, f"granularity: {step}"] if step else [said]


def _parsed(text: pl.Series, form: str) -> pl.Series:
    if form.endswith("%z"):
        text = text.str.replace("Z$", "+00:00")
    return text.str.to_datetime(form, strict=False, time_unit="ns")


def _fits(text: pl.Series, form: str) -> bool:
    """Whether all times are of the form, in years that prices can be of."""
    if _parsed(text[:1], form).null_count():
        return False
    times = _parsed(text, form)
    return not times.null_count() and bool(times.dt.year().is_between(1971, 2200).all())
