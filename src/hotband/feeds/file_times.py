"""Times of files: read with the zone they carry or the one that is given, never guessed."""

from typing import Final

import polars as pl

from hotband.errors import BarsError
from hotband.feeds.zones import check_zone, to_utc
from hotband.market.bars import TIME_TYPE

_OFFSET: Final = r"(Z|[+-]\d\d:\d\d)$"


def read_times(
    times: pl.Series, zone: str | None, name: str, notes: list[str], first_row: int = 0
) -> pl.Series:
    """The time column in ns UTC; naive times need the zone.

    ``name`` is the file's and ``first_row`` counts the rows before these, for errors; what was
    assumed is added to ``notes``. Raises BarsError.
    """
    what = f"time of {name}"
    if zone is not None:
        check_zone(zone)
    if times.null_count():
        row = first_row + int(times.is_null().arg_max() or 0)
        raise BarsError(what, f"no time in row {row}", "a time in each row", "Remove the row.")
    if times.dtype == pl.String:
        times = _parsed(times, what, first_row)
    if not isinstance(times.dtype, pl.Datetime):
        raise BarsError(
            what, f"{times.dtype}", "times, or text in RFC 3339 form", "Convert the column."
        )
    if times.dtype.time_zone is not None:
        return times.cast(TIME_TYPE)
    if zone is None:
        do = "Pass zone= or --zone, such as UTC."
        raise BarsError(what, "times without a zone", "times with a zone", do)
    notes.append(f"times without a zone were read as {zone}")
    wall = times.cast(pl.Datetime("ns")).to_physical().to_numpy()
    return pl.Series("time", to_utc(wall, zone, what, first_row)).cast(TIME_TYPE)


def _parsed(text: pl.Series, what: str, first_row: int) -> pl.Series:
    """Text as times, with zone UTC where each carries an offset and naive where none does."""
    clean = text.str.strip_chars().str.replace(r"^(\d{4}-\d\d-\d\d) ", "${1}T")
    offset = clean.str.contains(_OFFSET)
    if offset.any() and not offset.all():
        row = int(offset.not_().arg_max() or 0)
        raise BarsError(
            what,
            f"{text[row]!r} in row {first_row + row} without a zone among times with one",
            "all with a zone or all without",
            "Export the file again.",
        )
    clean = clean.str.replace("Z$", "+00:00").str.replace(r"T(\d\d:\d\d)($|[+-])", "T${1}:00${2}")
    aware = bool(offset.any())
    times = clean.str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f" + ("%:z" if aware else ""),
        time_unit="ns",
        time_zone="UTC" if aware else None,
        strict=False,
    ).rename("time")
    if times.null_count():
        row = int(times.is_null().arg_max() or 0)
        raise BarsError(
            what,
            f"{text[row]!r} in row {first_row + row}",
            "RFC 3339 such as 2025-04-01T00:00:00Z, or without the zone",
            "Convert the column.",
        )
    return times
