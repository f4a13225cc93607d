"""Stores that live as long as the process: for tests, demos and replays.

They keep the same rows in the same way as the Parquet stores and pass the same contract.
"""

import threading
from collections.abc import Iterable
from typing import Final, Literal

import polars as pl

from hotband.market.bars import Bars
from hotband.stores.tabular import (
    SHELVES,
    Key,
    TabularBarStore,
    TabularGateStore,
    between,
    merge_rows,
)

_NAMED: Final[dict[tuple[str, str], "MemoryShelf"]] = {}
_NAMED_LOCK: Final = threading.Lock()


class MemoryShelf:
    """Rows in frames; safe for concurrent appenders of one process."""

    def __init__(self, values: tuple[str, ...]) -> None:
        self._values = values
        self._rows: dict[Key, pl.DataFrame] = {}
        self._lock = threading.Lock()

    def held(self) -> list[Key]:
        """The keys that hold rows, sorted."""
        return sorted(self._rows)

    def read(self, key: Key, start_ns: int, end_ns: int) -> pl.DataFrame:
        """The rows with start <= time < end; the key must exist."""
        return between(self._rows[key], self._values[0], start_ns, end_ns)

    def extent(self, key: Key) -> tuple[int, int] | None:
        """First and last time, ns; None = no such key."""
        rows = self._rows.get(key)
        if rows is None:
            return None
        times = rows[self._values[0]].to_physical()
        return int(times[0]), int(times[-1])

    def append(self, key: Key, rows: pl.DataFrame, *, replace: bool) -> int:
        """Merge rows, all or none; how many are new or changed. Raises ConflictError."""
        with self._lock:
            held = self._rows.get(key, rows.clear())
            self._rows[key], added = merge_rows(held, rows, self._values, replace=replace)
        return added


def _named(kind: Literal["bars", "gates"], name: str) -> MemoryShelf:
    with _NAMED_LOCK:
        return _NAMED.setdefault((kind, name), MemoryShelf(SHELVES[kind][1]))


def memory_bars(name: str) -> TabularBarStore:
    """The bar store of that name; the same rows for every caller in the process."""
    return TabularBarStore(_named("bars", name), f"memory://{name}")


def fixed_bars(held: Iterable[Bars]) -> TabularBarStore:
    """A store of its own with these bars."""
    store = TabularBarStore(MemoryShelf(SHELVES["bars"][1]), "bars in memory")
    for bars in held:
        store.append(bars)
    return store


def memory_gates(name: str) -> TabularGateStore:
    """The gate store of that name; the same rows for every caller in the process."""
    return TabularGateStore(_named("gates", name), f"memory://{name}", "memory")
