"""How many cells were ever tried, by anyone: the number that selection has to answer for.

Every cell that was evaluated, on whatever inputs and window, is one trial, also where its run
was deleted since. Recording twice counts once. Nothing is ever taken away.
Source: reference/statistics.md, decision D3.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numpy.lib import recfunctions

from hotband.errors import InputError, InstrumentError, IntegrityError, WindowError
from hotband.market.instruments import load_instruments
from hotband.profile.compact import INSTRUMENT
from hotband.roster.trial_files import (
    Header,
    Keys,
    cell_keys,
    content_of,
    distinct,
    ledger_files,
    name_of,
    read_file,
    read_header,
    visible,
    write_file,
    writing,
)

_DIGEST: Final = re.compile(r"[0-9a-f]{16,128}")


@dataclass(frozen=True, slots=True)
class Recorded:
    """``added``: trials that were new. ``total``: trials of the instrument, these included."""

    added: int
    total: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One recording, for display: ``cells`` distinct ones, on ``inputs`` over [start, end) ns.

    Entries of the same inputs and window may share cells; their sum is no count of trials.
    """

    window: tuple[int, int]
    inputs: str
    cells: int
    file: str


class TrialLedger:
    """The trials under ``root``, in ``trials/<instrument>/<SHA-256 of the content>.trials``.

    Any number of threads and processes may record and count at a time.

    Raises:
        IntegrityError: By every method, for a file that is not as it was written; it names it.
        StoreError: By every method, where the folder or the disk refuses.
    """

    def __init__(self, root: Path) -> None:
        self.root = root / "trials"

    def record(
        self, instrument: str, window: tuple[int, int], inputs: str, cells: npt.NDArray[Any]
    ) -> Recorded:
        """Add the trials of ``cells``; those that are there already change nothing.

        Args:
            instrument: Such as EUR_USD.
            window: [start, end) in ns.
            inputs: Hex digest of all that decides the results besides the cell and the window:
                bars, gates, money, settings.
            cells: (n, ...) rows of one fixed size; the bytes of a row, without padding, are the
                cell, so 0.0 and -0.0 are two. No rows add nothing and leave no file.

        Raises:
            InstrumentError: A name that is none.
            WindowError: A window that is empty or reversed.
            InputError: Inputs that are no digest, or cells without bytes of a fixed size.
        """
        start, end = (int(edge) for edge in window)
        if start >= end:
            raise WindowError("window", window, "start before end", "Swap or widen it.")
        if not _DIGEST.fullmatch(inputs):
            allowed = "16 to 128 hex digits in lower case"
            raise InputError("inputs", repr(inputs), allowed, "Give a hash of the inputs.")
        folder = self._folder(instrument)
        bare = Header(instrument, start, end, inputs, trials=0)
        keys = cell_keys(bare, _rows(cells))
        if not len(keys):
            return Recorded(0, self.count(instrument))
        header = Header(instrument, start, end, inputs, trials=len(keys))
        content = content_of(header, keys)
        path = folder / name_of(content)
        with writing(folder):
            before, there = _count(ledger_files(folder), header.common)
            if path.exists():
                return Recorded(0, before)
            write_file(path, content)
        added = len(distinct([there, keys])) - len(there)
        return Recorded(added, before + added)

    def count(self, instrument: str) -> int:
        """Distinct trials (cell, inputs and window) ever recorded; InstrumentError as above."""
        return _count(ledger_files(self._folder(instrument)))[0]

    def counts(self) -> dict[str, int]:
        """The count of every instrument that has trials, by name."""
        folders = visible(self.root)
        for path in folders:
            if not INSTRUMENT.fullmatch(path.name):
                raise IntegrityError(
                    f"trial ledger {path}",
                    "a name that is no instrument",
                    "folders such as EUR_USD",
                    "Move it away, or give it its name back.",
                )
        found = {path.name: self.count(path.name) for path in folders}
        return {name: count for name, count in found.items() if count}

    def entries(self, instrument: str) -> list[Entry]:
        """What was recorded, by window, inputs and file name; InstrumentError as above."""
        found = []
        for path in ledger_files(self._folder(instrument)):
            header, _ = read_file(path)
            window = (header.start_ns, header.end_ns)
            found.append(Entry(window, header.inputs, header.trials, path.name))
        return sorted(found, key=lambda entry: (entry.window, entry.inputs, entry.file))

    def _folder(self, instrument: str) -> Path:
        if not INSTRUMENT.fullmatch(instrument):
            allowed, known = "BASE_QUOTE in capitals", load_instruments()
            raise InstrumentError("instrument", instrument, allowed, "Rename it.", near=known)
        return self.root / instrument


def _count(files: Sequence[Path], wanted: tuple[int, int, str] | None = None) -> tuple[int, Keys]:
    """(distinct trials in all files, the keys of those with ``wanted`` in common).

    Only files with the same window and inputs can share trials, so that no more than theirs
    are in memory at a time.
    """
    common = {path: read_header(path).common for path in files}
    total, kept = 0, np.empty((0, 2), np.uint64)
    for what, paths in groupby(sorted(files, key=lambda path: common[path]), common.__getitem__):
        parts = [read_file(path)[1] for path in paths]
        keys = distinct(parts) if len(parts) > 1 else parts[0]
        total += len(keys)
        if what == wanted:
            kept = keys
    return total, kept


def _rows(cells: npt.NDArray[Any]) -> npt.NDArray[np.void]:
    """The bytes of each cell as one opaque value."""
    given = np.asarray(cells)
    if given.dtype.fields is not None:
        given = recfunctions.repack_fields(given, recurse=True)
    size = given.dtype.itemsize * int(np.prod(given.shape[1:]))
    if given.ndim == 0 or given.dtype.hasobject or size == 0:
        got = f"{given.dtype} of shape {given.shape}"
        raise InputError("cells", got, "rows of a fixed size in bytes", "Give one row a cell.")
    flat = np.ascontiguousarray(given).reshape(len(given), -1) if len(given) else given
    return flat.view(f"V{size}").reshape(-1) if len(given) else np.empty(0, f"V{size}")
