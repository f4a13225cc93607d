"""A copy of what cannot be made again: results, the roster, trials, gates, the index of runs.

A backup is one tar.gz: ``state/`` (of the state folder), ``output/`` (of the artefacts) and, as
its last member, ``manifest.json`` with the SHA-256 of each file. Only what is named in
``is_kept`` ever gets in or comes out: no token, no cookie, no log, no half-done work.
"""

import gzip
import hashlib
import io
import os
import sqlite3
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from hotband.artefacts.lock import FolderLock
from hotband.artefacts.writer import LATEST, ArtefactFolder
from hotband.durable import unusable, write_whole
from hotband.errors import InputError, StoreError
from hotband.service.backup_names import INDEX, MANIFEST, OUTPUT, STATE, is_kept

CHUNK: Final = 1 << 20
_BUSY: Final = "a run was on: the result of that run is not in this backup"


class BackupFile(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """What a backup holds, by member name, and what it was made of without."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    version: str
    """Of hotband."""
    created_at: str
    with_bars: bool
    files: dict[str, BackupFile]
    left_out: tuple[str, ...] = ()
    """What was there and is not in it, with the reason."""


def back_up(home: Path, output: Path, target: Path, *, with_bars: bool = False) -> Manifest:
    """Write a backup of the state folder ``home`` and the artefacts in ``output``.

    Args:
        home: The state folder; one that is not there counts as empty.
        output: The folder of artefacts, inside ``home`` or elsewhere.
        target: The file to write, whole or not at all; its folder is made. Mode 0600.
        with_bars: Also the Parquet bars under ``home``, which can be imported again.

    While a run is on, finished results are copied without its lock: they are only ever
    replaced whole.

    Raises:
        InputError: The target is there already, or lies where it would be copied itself.
        StoreError: There is nothing to keep, or a file cannot be read or written.
    """
    _require_target(target, home, output)
    left: list[str] = []
    lock = FolderLock(output / ".lock")
    busy = not lock.is_free()
    if busy:
        left.append(_BUSY)
    alone = ArtefactFolder(output).exclusive() if output.is_dir() and not busy else nullcontext()
    files: dict[str, BackupFile] = {}
    with alone:
        members = {
            name: path
            for name, path in (*_results(output, left), *_state(home, left))
            if with_bars or not name.startswith(f"{STATE}/bars/")
        }
        if not members:
            raise StoreError(
                f"state in {home} and {output}",
                "nothing that a backup keeps",
                "results, trials, gates or an index of runs",
                "Name the folders with HOTBAND_HOME and HOTBAND_OUTPUT.",
            )
        manifest: list[Manifest] = []

        def write(file: IO[bytes]) -> None:
            # Level 1: Parquet is compressed already. No name or time in the header.
            with (
                gzip.GzipFile("", "wb", 1, file, mtime=0) as packed,
                tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
            ):
                for name, path in sorted(members.items()):
                    _add(archive, name, path, files, left)
                manifest.append(_manifest(files, left, with_bars=with_bars))
                body = manifest[0].model_dump_json(indent=2).encode()
                archive.addfile(_header(MANIFEST, len(body)), io.BytesIO(body))
            os.fchmod(file.fileno(), 0o600)

        write_whole(target, write)
    return manifest[0]


def _require_target(target: Path, home: Path, output: Path) -> None:
    if target.exists():
        do = "Name another file, or remove it first."
        raise InputError("backup file", target, "a file that is not there yet", do)
    for folder in (home / "trials", home / "gates", home / "bars", output):
        if target.resolve().is_relative_to(folder.resolve()):
            do = "Name a file outside of it, best on another disk."
            raise InputError("backup file", target, f"a file outside {folder}", do)


def _manifest(files: dict[str, BackupFile], left: list[str], *, with_bars: bool) -> Manifest:
    return Manifest(
        version=version("hotband"),
        created_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        with_bars=with_bars,
        files=files,
        left_out=tuple(left),
    )


def _results(output: Path, left: list[str]) -> Iterator[tuple[str, Path]]:
    """Finished results: the documents, and the tables that they name."""
    if not output.is_dir():
        return
    folder = ArtefactFolder(output)
    finished = {folder.read_archive(each.week, each.version).run_id
                for each in folder.list_archive()}  # fmt: skip
    if (latest := folder.read_latest()) is not None:
        finished.add(latest.run_id)
    for path in sorted(output.rglob("*")):
        name = path.relative_to(output).as_posix()
        if not is_kept(f"{OUTPUT}/{name}") or not path.is_file() or path.is_symlink():
            continue
        if name.startswith("runs/") and name.split("/")[1] not in finished:
            continue
        yield f"{OUTPUT}/{name}", path
    left.extend(
        f"unfinished work of run {run.name}: it can be done again"
        for run in sorted(output.glob("runs/*"))
        if run.name not in finished or (run / "spans").exists()
    )
    if latest is not None:
        left.extend(
            f"table {name} of {LATEST}: the file is not there"
            for name in sorted(latest.files.values())
            if not (output / name).is_file()
        )


def _state(home: Path, left: list[str]) -> Iterator[tuple[str, Path]]:
    if not home.is_dir():
        return
    for top in sorted(home.iterdir()):
        held = [top] if top.is_file() else sorted(top.rglob("*"))
        found = [
            (name, path)
            for path in held
            if is_kept(name := f"{STATE}/{path.relative_to(home).as_posix()}")
            and path.is_file()
            and not path.is_symlink()
        ]
        yield from found
        if not found and not top.name.startswith(".") and top.name != "output":
            left.append(f"{top.name} in the state folder: not kept by backups")


def _add(
    archive: tarfile.TarFile,
    name: str,
    path: Path,
    files: dict[str, BackupFile],
    left: list[str],
) -> None:
    """Add one file, hashed as it is copied."""
    opened = _copy_of_index(path) if name == INDEX else _opened(path)
    try:
        with opened as file:
            size = os.fstat(file.fileno()).st_size
            reader = _Hashing(file)
            archive.addfile(_header(name, size), reader)
    except FileNotFoundError:
        left.append(f"{name}: removed while the backup was made")
        return
    except OSError as cause:
        raise unusable(path, cause) from cause
    files[name] = BackupFile(bytes=size, sha256=reader.digest.hexdigest())


class _Hashing(io.RawIOBase):
    """A file that hashes what is read of it."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self.digest = hashlib.sha256()
        self._file = file

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        return data


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The file itself, never what a link in its place points at."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            do = "Remove it from the folder."
            raise StoreError(f"file {path}", "no regular file", "a file", do)
        yield file


@contextmanager
def _copy_of_index(path: Path) -> Iterator[IO[bytes]]:
    """A copy of a SQLite file as it stands between two transactions, with its WAL."""
    with tempfile.NamedTemporaryFile(prefix="hotband-index-") as copy:
        try:
            with (
                closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source,
                closing(sqlite3.connect(copy.name)) as to,
            ):
                source.backup(to)
        except sqlite3.Error as cause:
            raise StoreError(
                f"index of runs {path}",
                cause,
                "a SQLite database that can be read",
                "Restore it from a backup, or remove it: the service makes it anew.",
            ) from cause
        yield copy.file


def _header(name: str, size: int) -> tarfile.TarInfo:
    """Equal files give equal headers: no owner, no times."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info


def damaged(source: Path, got: object) -> StoreError:
    """The error for a file that is no whole backup."""
    return StoreError(
        f"backup {source}",
        got,
        "a backup as 'hotband state backup' wrote it",
        "Take another backup; nothing was changed.",
    )


def document(manifest: Manifest) -> dict[str, Any]:
    """The manifest in short, as JSON-safe values."""
    return {
        "created_at": manifest.created_at,
        "version": manifest.version,
        "with_bars": manifest.with_bars,
        "files": len(manifest.files),
        "bytes": sum(file.bytes for file in manifest.files.values()),
        "left_out": list(manifest.left_out),
    }
