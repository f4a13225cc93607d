"""What can be taken away of a run, under fixed ids that never name a path.

CSV is made for spreadsheets, which run what begins like a formula: such words get an apostrophe
before them. Numbers stay numbers.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl
import polars.selectors as cs
from pydantic import Field

from hotband.artefacts.archive import week_of
from hotband.artefacts.schemas import Latest
from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import InputError, StoreError
from hotband.report.html import report_html
from hotband.service.results.replies import Reply

CHUNK_ROWS: Final = 5_000
CHUNK_BYTES: Final = 1 << 18
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_MEDIA: Final = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
_HTML: Final = "text/html; charset=utf-8"
_JSON: Final = "application/json"
MEDIA_TYPES: Final = tuple(kind.partition(";")[0] for kind in (*_MEDIA.values(), _HTML, _JSON))
"""Of all exports."""
_TABLES: Final = {
    "rows": "every cell of the grid, with its metrics",
    "trades": "the trades of the chosen cells",
    "hold_out_trades": "the trades of the chosen cells after the choice",
    "oos": "the days out of sample of all folds",
    "equity": "the accounts of the chosen cells at every bar at which they moved",
    "decisions": "the verdicts on gates of the chosen cells, with reasons",
}


class Export(Reply):
    """One thing to take away."""

    id: str
    """Fixed for all runs."""
    name: str
    """What a download is called."""
    media_type: str
    what: str
    available: bool
    reason: str | None
    """Why it is not."""


class Manifest(Reply):
    """All that a run has to take away."""

    run_id: str
    exports: tuple[Export, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Download:
    """An export with its bytes, piece by piece."""

    export: Export
    chunks: Iterator[bytes]


def manifest(latest: Latest) -> Manifest:
    """What there is to take away of a run; the same ids for every run."""
    stem = f"hotband-{week_of(latest.window)}-{latest.run_id}"
    found = [
        _export(
            f"{table}-{form}",
            f"{stem}-{table.replace('_', '-')}.{form}",
            _MEDIA[form],
            what,
            latest,
            table,
        )
        for table, what in _TABLES.items()
        for form in _MEDIA
    ]
    found.append(_export("latest-json", f"{stem}.json", _JSON, "the result", latest))
    found.append(_export("report-html", f"{stem}.html", _HTML, "a page that opens offline", latest))
    return Manifest(run_id=latest.run_id, exports=tuple(found))


def _export(
    id_: str, name: str, media: str, what: str, latest: Latest, table: str | None = None
) -> Export:
    there = table is None or table in latest.files
    return Export(
        id=id_,
        name=name,
        media_type=media,
        what=what,
        available=there,
        reason=None
        if there
        else f"this run was made before runs kept {(table or '').replace('_', ' ')}",
    )


def download(folder: ArtefactFolder, latest: Latest, export_id: str) -> Download:
    """One export; everything that can go wrong does so before the first byte.

    Raises:
        InputError: An id that the manifest does not have, or what this run lacks.
        StoreError: The run's file cannot be read.
    """
    held = {export.id: export for export in manifest(latest).exports}
    if export_id not in held:
        do = "Take an id of the run's manifest."
        raise InputError("export", export_id, ", ".join(held), do, near=held)
    export = held[export_id]
    if not export.available:
        there = ", ".join(other.id for other in held.values() if other.available)
        raise InputError("export", f"{export_id}: {export.reason}", there, "Run it again.")
    return Download(export, _chunks(folder, latest, export_id))


def _chunks(folder: ArtefactFolder, latest: Latest, export_id: str) -> Iterator[bytes]:
    table, form = export_id.rsplit("-", 1)
    match form:
        case "csv":
            return csv_chunks(folder.read_table(latest, table))
        case "parquet":
            return _file_chunks(folder, latest, table)
        case "json":
            plain = latest.model_dump(mode="json")
            text = json.dumps(plain, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
            return _pieces(f"{text}\n".encode())
    rows, trades, days = (folder.read_table(latest, name) for name in ("rows", "trades", "oos"))
    return _pieces(report_html(latest, rows, trades, days).encode())


def _pieces(data: bytes) -> Iterator[bytes]:
    return (data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES))


def _file_chunks(folder: ArtefactFolder, latest: Latest, table: str) -> Iterator[bytes]:
    path = folder.root / latest.files[table]
    try:
        file = path.open("rb")
    except OSError as cause:
        do = "Run it again with --force, or restore the file."
        raise StoreError(f"file {table}.parquet", cause, f"the {table} of a run", do) from cause

    def read() -> Iterator[bytes]:
        with file:
            while data := file.read(CHUNK_BYTES):
                yield data

    return read()


def csv_chunks(frame: pl.DataFrame) -> Iterator[bytes]:
    """A frame as CSV (RFC 4180 with LF, UTF-8), the header with the first rows.

    Times are RFC 3339 in UTC; lists are joined with ';', their words made safe one by one;
    structs are JSON; null is empty.
    """
    names = [_safe_text(name) for name in frame.columns]
    for first in range(0, max(frame.height, 1), CHUNK_ROWS):
        part = _spelt(frame.slice(first, CHUNK_ROWS))
        part.columns = names
        yield part.write_csv(include_header=first == 0).encode()


def _spelt(part: pl.DataFrame) -> pl.DataFrame:
    """Columns that CSV can hold; words of spreadsheets made safe."""
    for name, kind in part.schema.items():
        cell = pl.col(name)
        if isinstance(kind, pl.List):
            item = pl.element().cast(pl.String)
            words = cell.list.eval(_safe(item) if kind.inner == pl.String else item)
            part = part.with_columns(words.list.join(";", ignore_nulls=True))
        elif isinstance(kind, pl.Struct):
            part = part.with_columns(cell.struct.json_encode())
        elif isinstance(kind, pl.Datetime):
            part = part.with_columns(cell.dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ"))
        elif isinstance(kind, pl.String):
            part = part.with_columns(_safe(cell))
    return part.with_columns(pl.when(cs.float().is_finite()).then(cs.float()))


def _safe(cell: pl.Expr) -> pl.Expr:
    starts = pl.any_horizontal(cell.str.starts_with(start) for start in FORMULA_STARTS)
    return pl.when(~starts).then(cell).otherwise(pl.lit("'") + cell)


def _safe_text(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
