"""What a paper session took in and what came of it, written down before anything is done with it.

A recording is a folder: ``session.jsonl`` and the bars before the start as Parquet. The first
line is the session; each further one an input, the closing of an open time, or what a closing
brought. An input counts once it is in the file: a closing is written and synced before it is
done, so that whoever takes the file in again has the session as it was, and trades nothing twice.
"""

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import polars as pl

from hotband.artefacts.provenance import code_version
from hotband.core.records import GATE, QUOTE, Records
from hotband.durable import sync_folder, unusable, write_whole
from hotband.errors import StoreError
from hotband.live.spec import SessionSpec
from hotband.market.bars import Bars

FORMAT: Final = 1
FILE: Final = "session.jsonl"
_PADDING: Final = "_pad"


def to_values(row: Records) -> list[Any]:
    """The fields of one record as JSON-safe values, NaN as null; ``from_values`` undoes it."""
    return [_plain(row[0][name]) for name in row.dtype.names or () if name != _PADDING]


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_plain(each) for each in value]
    if isinstance(value, np.integer):
        return int(value)
    number = float(value)
    return None if math.isnan(number) else number


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
    """One line: ``kind`` is bar, gate, switch, close, step, restart, or finish."""

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
        self._file: Any = None

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
                "sources": {pair: bars.source for pair, bars in warm_up.items()}}  # fmt: skip
        write_whole(made.path, lambda file: file.write(orjson.dumps(head) + b"\n"))
        return made

    def append(self, kind: str, **values: Any) -> None:
        """Write one line; it is safe once ``sync`` has returned."""
        if self._file is None:
            self._open()
        self._file.write(orjson.dumps({"k": kind, **values}) + b"\n")

    def sync(self) -> None:
        """Make everything that was written survive a crash."""
        if self._file is None:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as cause:
            raise unusable(self.path, cause) from cause

    def _open(self) -> None:
        try:
            self._cut_torn_line()
            self._file = self.path.open("ab")
            sync_folder(self.folder)
        except OSError as cause:
            raise unusable(self.path, cause) from cause

    def _cut_torn_line(self) -> None:
        """Take off what a crash left of a last line."""
        with self.path.open("rb+") as file:
            data = file.read()
            whole = data.rfind(b"\n") + 1
            if whole < len(data):
                file.truncate(whole)

    def close(self) -> None:
        """Sync and close the file."""
        if self._file is not None:
            self.sync()
            self._file.close()
            self._file = None

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
