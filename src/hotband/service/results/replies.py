"""What all replies share: strict models, plain cells, and how an absent table is told."""

import json
import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final, Literal, Protocol, TypeAlias

import polars as pl
import polars.selectors as cs
from pydantic import BaseModel, ConfigDict

from hotband.artefacts.schemas import FailedInstrument, Instrument, Latest
from hotband.errors import InputError
from hotband.market.calendar import format_time, parse_time

Scalar: TypeAlias = bool | int | float | str | None
Cell: TypeAlias = Scalar | list[Scalar] | dict[str, Scalar]
Phase: TypeAlias = Literal["look_back", "hold_out"]
PHASES: Final[tuple[Phase, ...]] = ("look_back", "hold_out")

ROW: Final = "id"
"""The column that numbers an instrument's rows as the file has them, from 0."""
Gap: TypeAlias = Literal["instrument_failed", "table_missing", "no_rows", "no_bars", "no_hold_out"]


class Reply(BaseModel):
    """Base of all replies: frozen, closed, without NaN or infinity."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )


class Absent(Reply):
    """Why a reply holds nothing."""

    code: Gap
    text: str


class TableSource(Protocol):
    """Where the tables of a result are read: ``artefacts.writer.ArtefactFolder`` is one."""

    def read_table(self, latest: Latest, name: str) -> pl.DataFrame:
        """One of the Parquet files of a result."""
        ...


def entry_of(latest: Latest, instrument: str) -> Instrument | FailedInstrument:
    """The result's entry of an instrument; InputError where it has none."""
    try:
        return latest.instruments[instrument]
    except KeyError as cause:
        names = sorted(latest.instruments)
        do = "Name an instrument of the run."
        raise InputError("instrument", instrument, ", ".join(names), do, near=names) from cause


def table_of(
    source: TableSource, latest: Latest, name: str, instrument: str
) -> pl.DataFrame | Absent:
    """The rows of one instrument, numbered from 0 in ``ROW``, or why there are none.

    NaN and infinity, which no artefact should hold, become null.

    Raises:
        InputError: The run does not know the instrument.
        StoreError: The file of a table that the run names cannot be read.
    """
    entry = entry_of(latest, instrument)
    if isinstance(entry, FailedInstrument):
        text = f"{instrument} failed in this run: {entry.error.message}"
        return Absent(code="instrument_failed", text=text)
    if name not in latest.files:
        kept = name.replace("_", " ")
        text = f"this run was made before runs kept {kept}; run it again with --force to have it"
        return Absent(code="table_missing", text=text)
    frame = source.read_table(latest, name).filter(pl.col("instrument") == instrument)
    floats = cs.float()
    frame = frame.with_columns(pl.when(floats.is_finite()).then(floats))
    return frame.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))


def plain(value: Any) -> Cell:
    """A cell of a frame as JSON has it: times as RFC 3339, undefined numbers as null.

    Lists and structs of scalars stay; what is nested deeper becomes JSON text.
    """
    match value:
        case list():
            return [scalar(inner) for inner in value]
        case dict():
            return {str(key): scalar(inner) for key, inner in value.items()}
    return scalar(value)


def scalar(value: Any) -> Scalar:
    """One value as JSON has it; what is no scalar becomes JSON text."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            return format_time(parse_time(value))
        case date():
            return value.isoformat()
    return json.dumps(value, default=str)


def plain_rows(frame: pl.DataFrame) -> list[dict[str, Cell]]:
    """The rows of a frame as JSON has them; nanoseconds of times are kept."""
    times = cs.datetime()
    spelt = frame.with_columns(times.dt.timestamp("ns"))
    stamps = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    return [_row(row, stamps) for row in spelt.iter_rows(named=True)]


def _row(row: Mapping[str, Any], stamps: list[str]) -> dict[str, Cell]:
    found = {name: plain(value) for name, value in row.items()}
    for name in stamps:
        if row[name] is not None:
            found[name] = format_time(row[name])
    return found


def span_ns(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    """Both ends of a half-open span in ns, null = open; InputError for one that holds no time."""
    start_ns = None if start is None else parse_time(start)
    end_ns = None if end is None else parse_time(end)
    if start_ns is not None and end_ns is not None and end_ns <= start_ns:
        raise InputError("from and to", f"{start} to {end}", "to after from", "Swap or widen them.")
    return start_ns, end_ns


def within(column: str, span: tuple[int | None, int | None]) -> pl.Expr:
    """Rows whose time lies in the half-open span."""
    t, (start_ns, end_ns) = pl.col(column).dt.timestamp("ns"), span
    kept = pl.lit(value=True)
    if start_ns is not None:
        kept &= t >= start_ns
    return kept if end_ns is None else kept & (t < end_ns)


def known_value(what: str, got: str | None, allowed: tuple[str, ...]) -> None:
    """InputError where ``got`` is neither None nor allowed."""
    if got is not None and got not in allowed:
        text = ", ".join(allowed) or "none: there is nothing to choose from"
        raise InputError(what, got, text, "Use one of them.", near=allowed)
