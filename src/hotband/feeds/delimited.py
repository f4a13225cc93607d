"""Delimited text as columns: one reader for all vendors, who differ in a ``Layout`` only."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from hotband.errors import BarsError
from hotband.feeds.assembly import Reading
from hotband.feeds.blocks import Block, line_blocks
from hotband.market.calendar import FIRST_NS, LAST_NS, format_time

TEXT: Final = frozenset({"time", "date", "clock", "pair"})
EPOCH_NS: Final = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


@dataclass(frozen=True, slots=True)
class Layout:
    """How the lines of a file are made.

    Attributes:
        columns: Their names in order; a name that starts with ``_`` is not looked at.
            ``time``, or ``date`` and ``clock``, and the prices.
        separator: Between them, one character.
        times: Forms of the time in ``strftime`` letters (date and clock joined by a space);
            the first that the first row has counts.
        skip: Lines before the first row.
        optional: Columns that may be empty; any other without a value is refused.
        unit: Of times that are numbers: ``s``, ``ms``, ``us`` or ``ns``; None = text.
        decimal_comma: Whether 1,5 is one and a half.
        quote: The character around fields that hold the separator; None = no such.
    """

    columns: tuple[str, ...]
    separator: str
    times: tuple[str, ...] = ()
    skip: int = 0
    optional: frozenset[str] = frozenset()
    unit: str | None = None
    decimal_comma: bool = False
    quote: str | None = None

    def schema(self) -> dict[str, type[pl.DataType]]:
        """Type per column."""
        kinds: dict[str, type[pl.DataType]] = {}
        for name in self.columns:
            number = name not in TEXT and not name.startswith("_")
            kinds[name] = pl.Float64 if number else pl.String
            if name == "time" and self.unit:
                kinds[name] = pl.Int64
        return kinds


def read_frames(path: Path, layout: Layout, reading: Reading) -> Iterator[pl.DataFrame]:
    """The rows in slices; ``time`` is Int64, ns since 1970-01-01 00:00 on the file's wall.

    Times with an offset (``%z``) come out in UTC. ``reading.rows`` counts the rows.

    Raises:
        BarsError: A line that is not of the layout, by number and text.
    """
    form: str | None = None
    for block in line_blocks(path):
        lines = _without_head(block, layout.skip)
        if not lines.text.strip():
            continue
        frame = _parse(lines, layout, path.name)
        if layout.unit:
            time = _from_epoch(frame["time"], layout.unit, lines, path.name)
        else:
            text = _time_text(frame)
            form = form or _form_of(text[0], layout.times, lines, path.name)
            time = _times(text, form, lines, path.name)
        reading.rows += frame.height
        wanted = [name for name in frame.columns if name[0] != "_" and name not in TEXT]
        pairs = [frame["pair"]] if "pair" in frame.columns else []
        yield pl.DataFrame([time.rename("time"), *pairs, *(frame[name] for name in wanted)])


def _from_epoch(numbers: pl.Series, unit: str, lines: Block, name: str) -> pl.Series:
    """Numbers since 1970 in ns; those of another unit fall far outside the years of prices."""
    scale = EPOCH_NS[unit]
    strange = (numbers < FIRST_NS // scale) | (numbers > LAST_NS // scale)
    if strange.any():
        row = int(strange.arg_max() or 0)
        value = int(numbers[row])
        fits = [one for one, ns in EPOCH_NS.items() if FIRST_NS <= value * ns <= LAST_NS]
        raise BarsError(
            f"line {lines.first_line + row} of {name}",
            f"the time {value} {unit} since 1970",
            f"{format_time(FIRST_NS)} to {format_time(LAST_NS)}",
            f"Say timestamp_unit: {fits[0]} in the mapping." if fits else "Correct the column.",
        )
    return numbers * scale


def _without_head(block: Block, skip: int) -> Block:
    if block.first_line > skip:
        return block
    lines = block.text.split(b"\n", skip)
    return Block(lines[skip] if len(lines) > skip else b"", skip + 1)


def _parse(lines: Block, layout: Layout, name: str) -> pl.DataFrame:
    schema = layout.schema()
    try:
        frame = pl.read_csv(
            lines.text,
            has_header=False,
            schema=schema,
            separator=layout.separator,
            quote_char=layout.quote,
            decimal_comma=layout.decimal_comma,
        )
    except pl.exceptions.PolarsError:
        raise _bad_line(_first_bad(lines, layout), lines, name) from None
    if layout.quote is None:  # a short line is filled up with nulls: its separators tell
        found = lines.text.count(layout.separator.encode())
        if found != frame.height * (len(layout.columns) - 1):
            raise _bad_line(_first_bad(lines, layout), lines, name)
    for column in frame.columns:
        if column[0] != "_" and column not in layout.optional and frame[column].null_count():
            raise _bad_line(int(frame[column].is_null().arg_max() or 0), lines, name)
    return frame


def _first_bad(lines: Block, layout: Layout) -> int:
    """Index of the first line with a wrong number of fields, or no number where one must be."""
    kinds = layout.schema().values()
    number = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?")
    whole = re.compile(r"[+-]?\d+")
    for index, line in enumerate(lines.text.removesuffix(b"\n").split(b"\n")):
        try:
            fields = line.decode("utf-8").split(layout.separator)
        except UnicodeDecodeError:
            return index
        if len(fields) != len(layout.columns):
            return index
        for name, kind, text in zip(layout.columns, kinds, fields, strict=True):
            if kind == pl.String or (not text and name in layout.optional):
                continue
            if not (whole if kind == pl.Int64 else number).fullmatch(text.strip(layout.quote)):
                return index
    return 0


def _bad_line(index: int, lines: Block, name: str) -> BarsError:
    line = lines.text.split(b"\n")[index].decode("utf-8", "replace")
    return BarsError(
        f"line {lines.first_line + index} of {name}",
        repr(line[:100]),
        "a line like the others",
        "The file is damaged or of another format: download it again, or name --format.",
    )


def _time_text(frame: pl.DataFrame) -> pl.Series:
    if "time" in frame.columns:
        return frame["time"].str.strip_chars()
    if "clock" in frame.columns:
        return frame.select(pl.col("date") + " " + pl.col("clock")).to_series()
    return frame["date"]


def _form_of(text: str, forms: tuple[str, ...], lines: Block, name: str) -> str:
    for form in forms:
        first = _with_offset(pl.Series([text]), form)
        if not first.str.to_datetime(form, strict=False, time_unit="ns").null_count():
            return form
    raise _bad_line(0, lines, name)


def _with_offset(text: pl.Series, form: str) -> pl.Series:
    """Z as the offset that it stands for, where the form has one."""
    return text.str.replace("Z$", "+00:00") if form.endswith("%z") else text


def _times(text: pl.Series, form: str, lines: Block, name: str) -> pl.Series:
    text = _with_offset(text, form)
    times = text.str.to_datetime(form, strict=False, time_unit="ns")
    if times.null_count():
        raise _bad_line(int(times.is_null().arg_max() or 0), lines, name)
    return times.to_physical()
