"""What was read of files, kept for many readers until a file is replaced."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

Stamp = tuple[int, int, int]
"""Changes whenever a file is replaced: time of its last write, its size, its number."""


def stamp_of(path: Path) -> Stamp | None:
    """A file's stamp; None = it is not there."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


class Held(Generic[K, V]):
    """The ``most`` values that were asked for last, each with the stamp of its file."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[K, tuple[Stamp, V]] = OrderedDict()
        self._turn = threading.Lock()

    def get(self, key: K, stamp: Stamp, read: Callable[[], V]) -> V:
        """The value kept under a key, or what ``read`` gives where that was of another stamp.

        ``read`` runs without a lock: two callers may read at the same time.
        """
        with self._turn:
            held = self._values.get(key)
            if held is not None and held[0] == stamp:
                self._values.move_to_end(key)
                return held[1]
        found = read()
        with self._turn:
            self._values[key] = (stamp, found)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return found
