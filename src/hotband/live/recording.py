"""What a paper session took in and what came of it, written down before anything is done with it.

A recording is a folder: ``session.jsonl`` and the bars before the start as Parquet. The first
line is the session; each further one an input, the closing of an open time, or what a closing
brought. An input counts once it is in the file: a closing is written and synced before it is
done, so that whoever takes the file in again has the session as it was, and trades nothing twice.
"""

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import polars as pl

from hotband.artefacts.lock import FolderLock
from hotband.artefacts.provenance import code_version
from hotband.core.records import GATE, QUOTE, Records
from hotband.durable import sync_folder, unusable, write_whole
from hotband.errors import StoreError
from hotband.live.spec import SessionSpec, canonical, settings_hash
from hotband.market.bars import Bars
from hotband.market.calendar import format_time

FORMAT: Final = 1
FILE: Final = "session.jsonl"
_PADDING: Final = "_pad"


def to_values(row: Records) -> list[Any]:
    """The fields of one record as JSON-safe values, NaN as null; ``from_values`` undoes it."""
    values = zip(row.dtype.names or (), row[0].item(), strict=True)
    return [_plain(value) for name, value in values if name != _PADDING]


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else value
    return value if isinstance(value, int) else [_plain(each) for each in value.tolist()]


def from_values(values: list[Any], dtype: "np.dtype[np.void]") -> Records:
    """One record, (1,), of the values; ValueError or TypeError where they do not fit."""
    names = [name for name in dtype.names or () if name != _PADDING]
    out = np.zeros(1, dtype)
    for name, value in zip(names, values, strict=True):
        if isinstance(value, list):
            out[name][0] = [math.nan if each is None else each for each in value]
        else:
            out[name] = math.nan if value is None else value
    return out


@dataclass(frozen=True)
class Entry:
    """One line: ``kind`` is bar, gate, switch, close, step, restart, clock or trouble."""

    kind: str
    values: dict[str, Any]

    def bar(self) -> Records:
        """The QUOTE record of a bar."""
        return from_values(self.values["v"], QUOTE)

    def gate(self) -> Records:
        """The GATE record of a gate."""
        return from_values(self.values["v"], GATE)


class Recording:
    """A recording that is being written, or was; StoreError where its files cannot be used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / FILE
        self.synced_s = 0.0
        """Seconds spent so far on making lines safe."""
        self._lock = FolderLock(folder / ".lock")
        self._handle: int | None = None
        self._lines: list[bytes] = []
        """Those that no sync has made safe; ``_written`` of them were handed to the system."""
        self._written = 0
        self._safe = 0
        self._doubtful = False

    @classmethod
    def create(cls, folder: Path, spec: SessionSpec, warm_up: Mapping[str, Bars]) -> "Recording":
        """Begin a recording in a new folder."""
        made = cls(folder)
        if made.path.exists():
            raise StoreError(
                f"recording {folder}",
                "one that is there",
                "a new folder",
                "Resume it, or name another.",
            )
        for pair, bars in warm_up.items():
            frame = bars.window(0, spec.start_ns).to_frame() if len(bars) else bars.to_frame()
            write_whole(folder / f"before-{pair}.parquet", frame.write_parquet)
        head = {"format": FORMAT, "spec": spec.to_dict(), "code": code_version(),
                "settings": settings_hash(spec),
                "sources": {pair: bars.source for pair, bars in warm_up.items()}}  # fmt: skip
        write_whole(made.path, lambda file: file.write(orjson.dumps(head) + b"\n"))
        return made

    def append(self, kind: str, **values: Any) -> None:
        """Take one line; it is safe once ``sync`` has returned."""
        self.claim()
        self._lines.append(orjson.dumps({"k": kind, **values}) + b"\n")

    def take_back(self) -> None:
        """Forget the last line, which no ``sync`` has made safe."""
        self._lines.pop()
        self._written = min(self._written, len(self._lines))
        self._doubtful = True

    def flush(self) -> None:
        """Hand all lines to the system: they survive the process, not a power cut."""
        self._guarded(self._write)

    def sync(self) -> None:
        """Make all lines survive a crash; on failure they are kept, and written again later.

        Raises:
            StoreError: The file cannot be written, or the disk is full.
        """
        began = time.perf_counter()
        self._guarded(self._write_and_sync)
        self.synced_s += time.perf_counter() - began

    def _guarded(self, work: Callable[[int], None]) -> None:
        if self._handle is None:
            return
        try:
            work(self._handle)
        except OSError as cause:
            # Nothing is known of what came after the last sync: it is written anew.
            self._written, self._doubtful = 0, True
            raise unusable(self.path, cause) from cause

    def _write(self, handle: int) -> None:
        if self._doubtful:
            os.ftruncate(handle, self._safe)
            self._written, self._doubtful = 0, False
        data = b"".join(self._lines[self._written :])
        at = self._safe + sum(map(len, self._lines[: self._written]))
        while data:
            done = os.pwrite(handle, data, at)
            data, at = data[done:], at + done
        self._written = len(self._lines)

    def _write_and_sync(self, handle: int) -> None:
        self._write(handle)
        os.fdatasync(handle)
        self._safe += sum(map(len, self._lines))
        self._lines, self._written = [], 0

    def claim(self) -> None:
        """Take the recording for this process alone, and cut what a crash left of a last line.

        Raises:
            StoreError: Another process or object has it, or its file cannot be used.
        """
        if self._handle is not None:
            return
        self._lock.acquire()
        try:
            self._handle = os.open(self.path, os.O_RDWR)
            with self.path.open("rb") as file:
                self._safe = file.read().rfind(b"\n") + 1
            os.ftruncate(self._handle, self._safe)
            sync_folder(self.folder)
        except OSError as cause:
            raise unusable(self.path, cause) from cause

    def close(self) -> None:
        """Sync and close the file; it is closed too where the last lines cannot be written."""
        try:
            self.sync()
        finally:
            handle, self._handle = self._handle, None
            if handle is not None:
                os.close(handle)
            self._lock.release()

    def head(self) -> dict[str, Any]:
        """The first line.

        Raises:
            StoreError: It is no recording, or one of another format.
        """
        try:
            with self.path.open("rb") as file:
                head: dict[str, Any] = json.loads(file.readline())
            if head["format"] != FORMAT:
                raise ValueError(head["format"])
        except OSError as cause:
            raise unusable(self.path, cause) from cause
        except (ValueError, KeyError, TypeError) as cause:
            raise self._broken(1, cause) from cause
        return head

    @property
    def session_id(self) -> str:
        """A name of the session that its first line decides: its start, and a hash."""
        head = self.head()
        start = format_time(head["spec"]["start_ns"]).replace(":", "").replace("-", "")
        return f"{start}-{hashlib.sha256(canonical(head).encode()).hexdigest()[:8]}"

    def spec(self) -> SessionSpec:
        """What was traded."""
        return SessionSpec.from_dict(self.head()["spec"])

    def warm_up(self) -> dict[str, Bars]:
        """The bars before the start, by pair."""
        spec, head = self.spec(), self.head()
        found = {}
        for pair in spec.pairs:
            path = self.folder / f"before-{pair}.parquet"
            try:
                frame = pl.read_parquet(path)
            except (OSError, pl.exceptions.PolarsError) as cause:
                raise StoreError(
                    f"file {path}", cause, "the bars before the session", "Restore the recording."
                ) from cause
            found[pair] = Bars.from_frame(
                frame, pair, spec.granularity, source=head["sources"][pair]
            )
        return found

    def entries(self) -> Iterator[Entry]:
        """The lines after the first, in order; a torn last line is none."""
        try:
            with self.path.open("rb") as file:
                file.readline()
                for number, line in enumerate(file, 2):
                    if not line.endswith(b"\n"):
                        return
                    try:
                        values = orjson.loads(line)
                        kind = values.pop("k")
                    except (ValueError, KeyError, AttributeError) as cause:
                        raise self._broken(number, cause) from cause
                    yield Entry(kind, values)
        except OSError as cause:
            raise unusable(self.path, cause) from cause

    def _broken(self, number: int, cause: Exception) -> StoreError:
        return StoreError(
            f"line {number} of {self.path}",
            f"{cause}",
            "a line as it was written",
            "Restore the recording; it cannot prove anything as it is.",
        )
