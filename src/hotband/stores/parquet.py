"""Stores in Parquet files, in a layout that any Parquet tool reads.

    ROOT/bars/instrument=EUR_USD/granularity=M1/month=2025-04/part.parquet
    ROOT/gates/instrument=EUR_USD/month=2025-04/part.parquet

Months are UTC, compression is zstd, times are timestamps in ns with zone UTC. An append that
spans months changes all its files or none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import numpy as np
import polars as pl

from hotband.errors import StoreError
from hotband.market.bars import TIME_TYPE
from hotband.stores.commit import AtomicFolder
from hotband.stores.tabular import (
    SHELVES,
    ConflictError,
    Key,
    TabularBarStore,
    TabularGateStore,
    between,
    merge_rows,
)

PART: Final = "part.parquet"


def month_of(time_ns: int) -> str:
    """The UTC month of a time, such as ``2025-04``."""
    return str(np.datetime64(time_ns, "ns").astype("datetime64[M]"))


class ParquetShelf:
    """Rows in one file per key and month; safe for concurrent appenders of many processes."""

    def __init__(self, root: Path, kind: Literal["bars", "gates"]) -> None:
        self._levels, self._values = SHELVES[kind]
        self._folder = AtomicFolder(root / kind)

    def held(self) -> list[Key]:
        """The keys that hold rows, sorted."""
        pattern = "/".join(f"{level}=*" for level in (*self._levels, "month"))
        with self._reading():
            files = list(self._folder.root.glob(f"{pattern}/{PART}"))
        size = len(self._levels)
        return sorted({tuple(_value(p) for p in path.parts[-size - 2 : -2]) for path in files})

    def read(self, key: Key, start_ns: int, end_ns: int) -> pl.DataFrame:
        """The rows with start <= time < end; the key must exist."""
        first, last = month_of(start_ns), month_of(end_ns)
        with self._reading():
            months = self._months(key)
            wanted = [path for month, path in months.items() if first <= month <= last]
            if not wanted:
                return _load(list(months.values())[:1], self._values[0]).clear()
            return between(_load(wanted, self._values[0]), self._values[0], start_ns, end_ns)

    def extent(self, key: Key) -> tuple[int, int] | None:
        """First and last time, ns; None = no such key."""
        with self._reading():
            paths = list(self._months(key).values())
            if not paths:
                return None
            first, last = (
                _load([path], self._values[0], [self._values[0]])[self._values[0]].to_physical()
                for path in (paths[0], paths[-1])
            )
        return int(first[0]), int(last[-1])

    def append(self, key: Key, rows: pl.DataFrame, *, replace: bool) -> int:
        """Merge rows, all or none; how many are new or changed. Raises ConflictError."""
        time = self._values[0]
        months = rows[time].dt.strftime("%Y-%m")
        changed: dict[Path, pl.DataFrame] = {}
        total, conflicts = 0, []
        with self._writing():
            for month in months.unique().sort():
                new = rows.filter(months == month)
                path = self._path(key) / f"month={month}" / PART
                held = _load([path], time) if path.exists() else new.clear()
                try:
                    merged, added = merge_rows(held, new, self._values, replace=replace)
                except ConflictError as conflict:
                    conflicts.append(conflict)
                    continue
                if added:
                    changed[path] = merged
                    total += added
            if conflicts:
                rows_hit = sum(conflict.rows for conflict in conflicts)
                raise ConflictError(rows_hit, rows.height, conflicts[0].first_ns)
            if changed:
                self._folder.commit(changed)
        return total

    def _path(self, key: Key) -> Path:
        return self._folder.root.joinpath(
            *(f"{level}={name}" for level, name in zip(self._levels, key, strict=True))
        )

    def _months(self, key: Key) -> dict[str, Path]:
        if any("/" in name or "*" in name for name in key):
            return {}
        paths = sorted(self._path(key).glob(f"month=*/{PART}"))
        return {_value(path.parent.name): path for path in paths}

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with _as_store_errors(self._folder.root, "read"), self._folder.reading():
            yield

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with _as_store_errors(self._folder.root, "written"), self._folder.writing():
            yield


def _value(part: str) -> str:
    return part.partition("=")[2]


def _load(paths: list[Path], time: str, columns: list[str] | None = None) -> pl.DataFrame:
    """The rows of files in the order given; an unreadable one is named."""
    try:
        rows = pl.read_parquet(paths, hive_partitioning=False, glob=False, columns=columns)
        return rows.with_columns(pl.col(time).cast(TIME_TYPE))
    except pl.exceptions.PolarsError as cause:
        if len(paths) > 1:
            return pl.concat([_load([path], time, columns) for path in paths])
        raise StoreError(
            f"file {paths[0]}",
            str(cause).splitlines()[0],
            "a Parquet file that hotband wrote",
            "Restore it from a copy, or remove it and import the month again.",
        ) from cause


@contextmanager
def _as_store_errors(root: Path, verb: str) -> Iterator[None]:
    try:
        yield
    except OSError as cause:
        raise StoreError(
            f"folder {root}",
            f"{cause.strerror} ({cause.filename or root})",
            f"a folder that can be {verb}",
            "Check that it exists, its rights and the free space.",
        ) from cause


def parquet_bars(root: Path) -> TabularBarStore:
    """The bar store in that folder; the folder is made by the first append."""
    return TabularBarStore(ParquetShelf(root, "bars"), f"parquet://{root}")


def parquet_gates(root: Path) -> TabularGateStore:
    """The gate store in that folder; the folder is made by the first append."""
    return TabularGateStore(ParquetShelf(root, "gates"), f"parquet://{root}", "parquet")
