"""Delimited files of any other vendor, described by a mapping file in YAML."""

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hotband.errors import BarsError
from hotband.feeds.blocks import line_blocks
from hotband.feeds.delimited import Layout
from hotband.market.bars import PRICES
from hotband.market.spreads import OneSide
from hotband.market.yaml_files import read_yaml

_ONE: Final = ("o", "h", "l", "c")
_NAMES: Final = ("time", "date", "clock", "bid", "ask", *_ONE, *PRICES, "volume")
_KINDS: Final = {"ticks": ("bid", "ask"), "two sides": PRICES, "one side": _ONE}


class Mapping(BaseModel):
    """What a mapping file says; every key but ``columns`` has a default.

    Attributes:
        columns: Our name to the column of the file, by its header or by number from 1. Ours:
            ``time``, or ``date`` and ``clock``; then ``bid`` and ``ask`` of ticks,
            ``bid_o`` .. ``ask_c``, or ``o``, ``h``, ``l``, ``c`` of one side; ``volume``.
        delimiter: One character; a tab needs double quotes and its escape in YAML.
        quote: The character around fields; None = no such.
        decimal_comma: Whether 1,5 is one and a half.
        skip_rows: Lines before the header, or before the first row where there is none.
        header: Whether a line of column names comes first.
        time_format: In ``strftime`` letters; date and clock are joined by a space.
        timestamp_unit: Of times that are numbers since 1970, in place of ``time_format``.
        zone: Of the times; not for timestamps or formats with ``%z``, which are in UTC.
        side: ``bid``, ``ask`` or ``mid`` of bars with one side.
        instrument: Name such as ``EUR_USD``.
        granularity: Of the bars, or those to make of ticks.
        source: Name of the vendor.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, str | int]
    delimiter: str = Field(",", min_length=1, max_length=1)
    quote: str | None = Field(None, min_length=1, max_length=1)
    decimal_comma: bool = False
    skip_rows: int = Field(0, ge=0)
    header: bool = True
    time_format: str | None = None
    timestamp_unit: Literal["s", "ms", "us", "ns"] | None = None
    zone: str | None = None
    side: OneSide | None = None
    instrument: str | None = None
    granularity: str | None = None
    source: str = "file"

    @property
    def kind(self) -> Literal["ticks", "two sides", "one side"]:
        """What the rows are, by the names of ``columns``."""
        if "bid" in self.columns:
            return "ticks"
        return "two sides" if "bid_o" in self.columns else "one side"

    @property
    def in_utc(self) -> bool:
        """Whether the times say themselves where they are."""
        return self.timestamp_unit is not None or "%z" in (self.time_format or "")


def load_mapping(path: Path) -> Mapping:
    """The mapping file at ``path``.

    Raises:
        BarsError: It is not readable, holds an unknown key or one twice, or contradicts itself.
    """
    what = f"mapping {path.name}"
    document = read_yaml(path, what, BarsError)
    try:
        mapping = Mapping.model_validate(document)
    except ValidationError as cause:
        first = cause.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        extra = first["type"] == "extra_forbidden"
        raise BarsError(
            what if extra else f"{place} of {what}",
            place if extra else repr(first["input"]),
            ", ".join(Mapping.model_fields) if extra else first["msg"],
            "Correct the key.",
            near=Mapping.model_fields if extra else (),
        ) from cause
    _check(mapping, what)
    return mapping


def layout_of(mapping: Mapping, path: Path) -> Layout:
    """The layout of one file by the mapping; the file's first lines are looked at.

    Raises:
        BarsError: The file lacks a column that the mapping names.
    """
    fields, skip = _fields(mapping, path)
    names = [f"_{number}" for number in range(len(fields))]
    for ours, theirs in mapping.columns.items():
        if isinstance(theirs, int):
            index = theirs - 1 if 0 < theirs <= len(fields) else None
        else:
            index = fields.index(theirs) if mapping.header and theirs in fields else None
        if index is None:
            raise BarsError(
                f"column {ours} of {path.name}",
                theirs,
                ", ".join(fields) if mapping.header else f"1 to {len(fields)}",
                "Correct the mapping.",
                near=fields if mapping.header else (),
            )
        names[index] = ours
    return Layout(
        tuple(names),
        mapping.delimiter,
        (mapping.time_format,) if mapping.time_format else (),
        skip=skip,
        unit=mapping.timestamp_unit,
        decimal_comma=mapping.decimal_comma,
        quote=mapping.quote,
    )


def _fields(mapping: Mapping, path: Path) -> tuple[list[str], int]:
    """Names (or texts) of the first line that counts, and how many lines precede the rows."""
    for block in line_blocks(path):
        lines = block.text.split(b"\n", mapping.skip_rows + 1)
        if len(lines) > mapping.skip_rows:
            line = lines[mapping.skip_rows].decode("utf-8", "replace")
            fields = [part.strip(mapping.quote).strip() for part in line.split(mapping.delimiter)]
            return fields, mapping.skip_rows + mapping.header
        break
    raise BarsError(f"file {path.name}", "no rows", "at least one", "Check the file.")


def _check(mapping: Mapping, what: str) -> None:
    given = mapping.columns
    unknown = next((name for name in given if name not in _NAMES), None)
    if unknown is not None:
        raise BarsError(
            f"columns of {what}", unknown, ", ".join(_NAMES), "Use our names.", near=_NAMES
        )
    if len({str(column) for column in given.values()}) < len(given):
        raise BarsError(f"columns of {what}", "a column twice", "each once", "Correct it.")
    needed = (*(("date", "clock") if "date" in given else ("time",)), *_KINDS[mapping.kind])
    missing = [name for name in needed if name not in given]
    if missing:
        raise BarsError(
            f"columns of {what}", f"no {', '.join(missing)}", ", ".join(needed), "Add them."
        )
    if (mapping.time_format is None) == (mapping.timestamp_unit is None):
        raise BarsError(
            f"times of {what}",
            f"time_format {mapping.time_format}, timestamp_unit {mapping.timestamp_unit}",
            "exactly one of them",
            "Say how the times are written.",
        )
    if mapping.timestamp_unit and "date" in given:
        raise BarsError(f"times of {what}", "date with a unit", "one column time", "Correct it.")
    if mapping.in_utc and mapping.zone:
        raise BarsError(
            f"zone of {what}", mapping.zone, "none: the times are UTC", "Remove the zone."
        )
    if mapping.decimal_comma and mapping.delimiter == ",":
        raise BarsError(
            f"delimiter of {what}", "a comma, with decimal commas", "another", "Correct it."
        )
