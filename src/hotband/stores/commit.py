"""Changes to a folder of files that happen wholly or not at all.

New files are written beside the old ones and synced, then a journal names them, then they
take their places. A crash before the journal leaves the old files; a crash after it is
finished by the next one who opens the folder. A lock file orders writers and readers.
"""

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import polars as pl

from hotband.durable import sync_folder

LOCK: Final = ".lock"
JOURNAL: Final = ".journal.json"


class AtomicFolder:
    """A folder whose Parquet files change together."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the folder still; many readers may do so at a time."""
        lock = self.root / LOCK
        if not self.root.exists() or not (lock.exists() or os.access(self.root, os.W_OK)):
            # Nothing is there yet, or nobody here could write: there is nothing to wait for.
            yield
            return
        while True:
            with _locked(lock, fcntl.LOCK_SH):
                if not (self.root / JOURNAL).exists():
                    yield
                    return
            with self.writing():
                pass  # entering finishes what the crashed writer began

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Have the folder alone, with every earlier change finished."""
        self.root.mkdir(parents=True, exist_ok=True)
        with _locked(self.root / LOCK, fcntl.LOCK_EX):
            self._finish()
            yield

    def commit(self, files: Mapping[Path, pl.DataFrame]) -> None:
        """Write all files or none; call it inside ``writing``."""
        written: list[Path] = []
        try:
            for path, rows in files.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                written.append(_beside(path))
                with written[-1].open("wb") as file:
                    _write_parquet(file, rows)
                    file.flush()
                    os.fsync(file.fileno())
            self._write_journal([str(path.relative_to(self.root)) for path in files])
        except BaseException:
            for path in written:
                path.unlink(missing_ok=True)
            raise
        self._finish()

    def _write_journal(self, names: list[str]) -> None:
        draft = self.root / f"{JOURNAL}.new"
        with draft.open("w") as file:
            json.dump(names, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.root / JOURNAL)
        sync_folder(self.root)

    def _finish(self) -> None:
        journal = self.root / JOURNAL
        if not journal.exists():
            return
        paths = [self.root / name for name in json.loads(journal.read_text())]
        for path in paths:
            new = _beside(path)
            if new.exists():
                new.replace(path)
        for folder in {parent for path in paths for parent in _up_to(path, self.root)}:
            sync_folder(folder)
        journal.unlink()
        sync_folder(self.root)


def _write_parquet(file: IO[bytes], rows: pl.DataFrame) -> None:
    try:
        rows.write_parquet(file, compression="zstd", statistics=True)
    except pl.exceptions.PolarsError as cause:
        # Polars hides what the system said of the disk in the text of its own error.
        if system := re.search(r"os error (\d+)", str(cause)):
            number = int(system[1])
            raise OSError(number, os.strerror(number)) from cause
        raise


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _up_to(path: Path, root: Path) -> list[Path]:
    """The folders from the one that holds ``path`` up to ``root``: all may be new."""
    parents = list(path.parents)
    return parents[: parents.index(root) + 1]


@contextmanager
def _locked(path: Path, mode: int) -> Iterator[None]:
    flags = os.O_RDONLY if mode == fcntl.LOCK_SH and path.exists() else os.O_RDWR | os.O_CREAT
    handle = os.open(path, flags, 0o666)
    try:
        fcntl.flock(handle, mode)
        yield
    finally:
        os.close(handle)
