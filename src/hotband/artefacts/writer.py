"""The folder of a run's artefacts: the last good result, the run that is on, what failed.

latest.json           the last run that finished; only ever replaced whole
latest.partial.json   the run that is on
latest.error.json     the run after it that did not finish
2025-W16.json         archives; 2025-W16.2.json holds other content for the same week
runs/RUN_ID/*.parquet rows, trades and whatever else a run names in ``files``
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Final

import polars as pl
import polars.selectors as cs

from hotband.artefacts import archive
from hotband.artefacts.archive import ArchiveEntry
from hotband.artefacts.lock import FolderLock
from hotband.artefacts.reading import read_document
from hotband.artefacts.schemas import Document, ErrorArtefact, Latest, Partial, files_of
from hotband.artefacts.values import Window, first_fault
from hotband.durable import remove, remove_drafts, write_whole
from hotband.errors import InputError, IntegrityError, StoreError
from hotband.market.calendar import parse_time

LATEST: Final = "latest.json"
PARTIAL: Final = "latest.partial.json"
ERROR: Final = "latest.error.json"
_ROW_GROUP: Final = 1 << 17
_MEND: Final = "Restore it from a copy, or remove it and run again."
_WHOLE_BELOW: Final = 2.0**53


class ArtefactFolder:
    """Reads and writes artefacts; every file is there wholly or not at all.

    Writing takes the folder alone, for one write or for all those inside ``exclusive``; threads
    that share an object take turns. Readers need no lock. Documents are validated before each
    write and after each read. Writing raises StoreError where the folder or the disk refuses
    (the last good result stays) and IntegrityError where a document breaks its own rules;
    reading raises StoreError, which names the file, for one that is broken.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = FolderLock(root / ".lock")
        self._turn = threading.RLock()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Have the folder alone, and clear what killed writers left half done.

        Raises:
            StoreError: Another run has it; the message names its process.
        """
        self._lock.acquire()
        try:
            for folder in (self.root, *self.root.glob("runs/*")):
                remove_drafts(folder)
            yield
        finally:
            self._lock.release()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._turn, nullcontext() if self._lock.held else self.exclusive():
            yield

    def write_partial(self, partial: Partial) -> None:
        """Replace ``latest.partial.json``."""
        with self._alone():
            self._write(PARTIAL, partial)

    def write_table(self, run_id: str, name: str, rows: pl.DataFrame | pl.LazyFrame) -> Path:
        """Write one of a run's Parquet files; equal rows give equal bytes.

        A lazy frame is written as it is read, so that it may be larger than memory.

        Raises:
            IntegrityError: A column holds NaN or infinity.
        """
        _require_finite(name, rows)
        path = self.root / files_of(run_id, [name])[name]
        with self._alone():
            write_whole(path, lambda file: _write_parquet(file, name, rows))
        return path

    def write_latest(
        self, latest: Latest, tables: Mapping[str, pl.DataFrame | pl.LazyFrame]
    ) -> Latest:
        """Write ``tables``, then ``latest.json``, then remove the partial and the error.

        Returns the result as it is read from now on, its keys in the order of the file.

        Tables that ``files`` names but ``tables`` leaves out must be there already. A writer
        killed on the way leaves the old result or the new one.
        """
        with self._alone():
            _encoded(latest)
            for name, rows in tables.items():
                if name not in latest.files:
                    do = "Name every table in files."
                    raise IntegrityError("table", name, ", ".join(latest.files), do)
                self.write_table(latest.run_id, name, rows)
            for path in latest.files.values():
                if not (self.root / path).is_file():
                    do = "Write the table before the result that names it."
                    raise IntegrityError("files", path, "tables that are there", do)
            self._write(LATEST, latest)
            remove(self.root / PARTIAL)
            remove(self.root / ERROR)
            return self._read_required(self.root / LATEST)

    def publish_again(self, held: Latest) -> None:
        """Make an earlier result the latest; of the runs that did not finish since, none stays."""
        with self._alone():
            if self.read_latest() != held:
                self._write(LATEST, held)
            remove(self.root / PARTIAL)
            remove(self.root / ERROR)

    def write_error(self, error: ErrorArtefact) -> None:
        """Write ``latest.error.json`` and remove the partial; ``latest.json`` stays as it is."""
        with self._alone():
            self._write(ERROR, error)
            remove(self.root / PARTIAL)

    def archive(self, latest: Latest) -> Path:
        """Keep a result under its week; the file that holds it.

        A run that is already there changes nothing; other content for the week becomes its next
        version. No archive is ever overwritten.
        """
        with self._alone():
            week = archive.week_of(latest.window)
            held = [entry for entry in self.list_archive() if entry.week == week]
            for entry in held:
                if self._read_required(entry.path).run_id == latest.run_id:
                    return entry.path
            version = held[-1].version + 1 if held else 1
            return self._write(archive.archive_name(week, version), latest)

    def read_latest(self) -> Latest | None:
        """The last good result; None = no run has finished yet."""
        return read_document(self.root / LATEST, Latest, _MEND)

    def read_partial(self) -> Partial | None:
        """The run that is on; None = none is.

        A run that finished but was killed before it could remove the file counts as none.
        """
        partial = read_document(self.root / PARTIAL, Partial, _MEND)
        latest = None if partial is None else self.read_latest()
        if partial is None or latest is None or latest.run_id != partial.run_id:
            return partial
        over = parse_time(latest.generated_at) >= parse_time(partial.generated_at)
        return None if over else partial

    def read_interrupted(self) -> Partial | None:
        """What a run had reached whose process is gone; None = there is no such run."""
        return None if self.is_taken() else self.read_partial()

    def is_taken(self) -> bool:
        """Whether a run, or one write, has the folder now, in this process or another."""
        return not self._lock.is_free()

    def read_error(self) -> ErrorArtefact | None:
        """Why the newest run did not finish; None = it did, or there is none.

        An error older than the last good result counts as none: its writer was killed before
        it could remove the file.
        """
        error = read_document(self.root / ERROR, ErrorArtefact, _MEND)
        latest = None if error is None else self.read_latest()
        if error is None or latest is None:
            return error
        over = parse_time(latest.generated_at) > parse_time(error.generated_at)
        return None if over else error

    def find(self, run_id: str, window: Window) -> Latest | None:
        """The result of a run, the latest or an archived one; None = none has all its tables."""
        week = archive.week_of(window)
        weekly = [entry.path for entry in self.list_archive() if entry.week == week]
        for path in (self.root / LATEST, *weekly):
            held = read_document(path, Latest, _MEND)
            whole = held and all((self.root / file).is_file() for file in held.files.values())
            if held is not None and held.run_id == run_id and whole:
                return held
        return None

    def read_table(self, latest: Latest, name: str) -> pl.DataFrame:
        """One of the Parquet files of a result."""
        path = self.root / latest.files[name]
        try:
            return pl.read_parquet(path, glob=False)
        except (OSError, pl.exceptions.PolarsError) as cause:
            do = "Run it again with --force, or restore the file."
            raise StoreError(f"file {path}", cause, f"the {name} of a run", do) from cause

    def read_archive(self, week: str, version: int | None = None) -> Latest:
        """The archived result of a week; ``version`` None = its newest.

        Raises:
            InputError: The week, or that version of it, is not archived.
        """
        archive.archive_name(week, 1 if version is None else version)
        held = self.list_archive()
        fits = [e for e in held if e.week == week and version in {None, e.version}]
        if not fits:
            got = week if version is None else f"{week}, version {version}"
            weeks = sorted({entry.week for entry in held})
            allowed = ", ".join(weeks) or "none: nothing is archived"
            raise InputError("week", got, allowed, "Name an archived week.", near=weeks)
        return self._read_required(fits[-1].path)

    def list_archive(self) -> list[ArchiveEntry]:
        """What is archived, by week and version."""
        return archive.archived(self.root)

    def _read_required(self, path: Path) -> Latest:
        found = read_document(path, Latest, _MEND)
        if found is None:
            raise StoreError(f"file {path}", "no file", "a result", "List them again.")
        return found

    def _write(self, name: str, document: Document) -> Path:
        data = _encoded(document)
        path = self.root / name
        write_whole(path, lambda file: file.write(data))
        return path


def _encoded(document: Document) -> bytes:
    """Its bytes, for people too: sorted keys, two spaces, whole numbers without a fraction."""
    do = "Report a defect: nothing was written."
    try:
        plain = _plain(document.model_dump(mode="json", warnings="error"))
        text = json.dumps(plain, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
        data = f"{text}\n".encode()
        again = type(document).model_validate_json(data)
    except ValueError as cause:
        what = f"artefact {type(document).__name__}"
        raise IntegrityError(what, first_fault(cause), "what its schema says", do) from cause
    if again != document:
        raise IntegrityError("artefact", "another document", "what was written", do)
    return data


def _plain(value: object) -> object:
    match value:
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case float() if value.is_integer() and abs(value) < _WHOLE_BELOW:
            return int(value)
    return value


def _write_parquet(file: IO[bytes], name: str, rows: pl.DataFrame | pl.LazyFrame) -> None:
    try:
        rows.lazy().sink_parquet(
            file, compression="zstd", statistics=True, row_group_size=_ROW_GROUP
        )
    except pl.exceptions.PolarsError as cause:
        # Polars hides what the system said of the disk in the text of its own error.
        if system := re.search(r"os error (\d+)", str(cause)):
            raise OSError(int(system[1]), str(cause)) from cause
        allowed, do = "columns that Parquet can hold", "Report a defect: nothing was written."
        raise IntegrityError(f"table {name}", str(cause), allowed, do) from cause


def _require_finite(name: str, rows: pl.DataFrame | pl.LazyFrame) -> None:
    finite = rows.lazy().select(cs.float().is_finite().all())
    flags = finite.collect(engine="streaming").to_dict(as_series=False)
    bad = [column for column, (right,) in flags.items() if not right]
    if bad:
        do = "Report a defect: an undefined number is null."
        raise IntegrityError(f"table {name}", f"NaN or infinity in {', '.join(bad)}", "numbers", do)
