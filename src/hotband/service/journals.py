"""What the journal of a paper session says, read on from where the last look ended.

A journal of months is long. A look reads so many bytes of it at most and keeps what it heard; until
it has heard everything, the newest state comes from the journal's last lines.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from hotband.core.records import FILL
from hotband.durable import unusable
from hotband.errors import StoreError
from hotband.live.recording import FILE

TAIL: Final = 256 << 10
"""Bytes at the end that tell the newest state of a journal that was not heard to its end."""
LONGEST_LINE: Final = 1 << 20
_FIELDS: Final = [name for name in FILL.names or () if not name.startswith("_")]
_INSTRUMENT, _KIND, _SIDE, _UNITS = map(_FIELDS.index, ("instrument", "kind", "side", "units"))


@dataclass
class Heard:
    """What some lines of a journal said, in their order.

    Attributes:
        step: The last one that closed an open time.
        decision: The last verdict on a gate.
        tickets: By instrument's number, how many are open and their units, with signs.
        trouble: The last that was noted behind the last step.
        engaged: The kill switch, as it was last taken in.
        bars: By pair, the line of its last bar.
    """

    step: dict[str, Any] | None = None
    decision: dict[str, Any] | None = None
    tickets: dict[int, tuple[int, float]] = field(default_factory=dict)
    fills: int = 0
    restarts: int = 0
    trouble: str | None = None
    engaged: bool | None = None
    bars: dict[str, bytes] = field(default_factory=dict)

    def hear(self, lines: Iterable[bytes]) -> None:
        """Take lines in; ValueError, KeyError or TypeError for one that no session wrote."""
        for line in lines:
            # Bars and gates are most of a journal; only the last bar of a pair is ever parsed.
            if line.startswith(b'{"k":"bar","i":"'):
                self.bars[line[16:23].decode("ascii")] = line
            elif line.startswith(b'{"k":"step"'):
                self._step(orjson.loads(line))
            elif line.startswith(b'{"k":"restart"'):
                self.restarts += 1
            elif line.startswith(b'{"k":"switch"'):
                self.engaged = bool(orjson.loads(line)["engaged"])
            elif line.startswith(b'{"k":"trouble"'):
                self.trouble = str(orjson.loads(line)["words"])

    def _step(self, step: dict[str, Any]) -> None:
        self.step, self.trouble = step, None
        if step["decisions"]:
            self.decision = step["decisions"][-1]
        for fill in step["fills"]:
            self.fills += 1
            name, kind = fill[_INSTRUMENT], fill[_KIND]
            count, units = self.tickets.get(name, (0, 0.0))
            held = count + kind, units + kind * fill[_SIDE] * fill[_UNITS]
            self.tickets[name] = held
            if held[0] == 0:
                del self.tickets[name]

    def bar_times(self) -> dict[str, int]:
        """By pair, the open time in ns of its last bar."""
        return {pair: int(orjson.loads(line)["v"][0]) for pair, line in self.bars.items()}


class Journal:
    """One recording's journal, for one reader."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.size = 0
        """Bytes at the last look."""
        self.read_to = 0
        self.heard = Heard()
        self.complete = False
        """Whether every whole line was heard."""
        self._file: tuple[int, int] | None = None
        self._last = b""

    def look(self, most: int) -> int:
        """Read on, ``most`` bytes at most; how many were read.

        Raises:
            StoreError: The file cannot be read, or holds what no session wrote.
        """
        try:
            with self.path.open("rb") as file:
                stat = os.fstat(file.fileno())
                if stat.st_size != self.size:
                    self.size, self.complete = stat.st_size, False
                if self._file != (stat.st_dev, stat.st_ino) or not self._goes_on(file):
                    self._file, self.read_to, self._last = (stat.st_dev, stat.st_ino), 0, b""
                    self.heard, self.complete = Heard(), False
                file.seek(self.read_to)
                data = file.read(most)
        except OSError as cause:
            raise unusable(self.path, cause) from cause
        end = data.rfind(b"\n") + 1
        if end == 0 and len(data) >= LONGEST_LINE:
            raise self._broken("a line without an end")
        self._hear(self.heard, data[:end].splitlines(keepends=True))
        if end:
            self._last = data[data.rfind(b"\n", 0, end - 1) + 1 : end]
        self.read_to += end
        self.complete = self.complete or self.read_to + len(data) - end >= self.size
        return len(data)

    def newest(self) -> Heard:
        """What was heard, or of a journal that was not heard to its end what its last lines say."""
        if self.complete:
            return self.heard
        found = Heard()
        try:
            with self.path.open("rb") as file:
                file.seek(max(self.read_to, self.size - TAIL))
                data = file.read(TAIL)
        except OSError as cause:
            raise unusable(self.path, cause) from cause
        whole = data[data.find(b"\n") + 1 : data.rfind(b"\n") + 1]
        self._hear(found, whole.splitlines(keepends=True))
        return found

    def _goes_on(self, file: BinaryIO) -> bool:
        """Whether the last line that was heard stands where it stood.

        A session may take back a line that it could not make safe.
        """
        file.seek(self.read_to - len(self._last))
        return file.read(len(self._last)) == self._last

    def _hear(self, heard: Heard, lines: list[bytes]) -> None:
        try:
            heard.hear(lines)
        except (ValueError, KeyError, TypeError, IndexError) as cause:
            raise self._broken(cause) from cause

    def _broken(self, got: object) -> StoreError:
        return StoreError(
            f"journal {self.path}",
            got,
            "lines as a paper session wrote them",
            "Restore the recording; it cannot prove anything as it is.",
        )
