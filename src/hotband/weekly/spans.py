"""What a run keeps of each span of cells that is done, so that it need not be done twice.

A file is a SHA-256 over its place in the run and its Parquet bytes, then these bytes. One that
a crash or a bad disk left otherwise does not count: its span is swept again.
"""

import hashlib
import io
import shutil
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from hotband.durable import unusable

_IN_MEMORY: Final = 16 * 1024**2
"""Daily returns of so many cells x days are held in memory, 64 MiB; more of them in a file."""
_DIGEST_BYTES: Final = hashlib.sha256().digest_size


class Spans:
    """The kept spans of one run.

    Raises:
        StoreError: By every method, where the folder or the disk refuses.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, instrument: str, first: int) -> Path:
        """The file of the span that begins with cell ``first``."""
        return self.root / instrument / f"{first:09d}.span"

    def read(self, instrument: str, first: int, last: int) -> pl.DataFrame | None:
        """The rows of cells [first, last); None where they are not kept, or not wholly."""
        path = self.path(instrument, first)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as cause:
            raise unusable(path, cause) from cause
        digest, body = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
        if _digest(instrument, first, body) != digest:
            return None
        rows = pl.read_parquet(io.BytesIO(body))
        return rows if rows["cell"].to_list() == list(range(first, last)) else None

    def keep(self, instrument: str, first: int, rows: pl.DataFrame) -> None:
        """Keep the rows of the span that begins with cell ``first``."""
        body = io.BytesIO()
        rows.write_parquet(body, compression="zstd")
        data = body.getvalue()
        path = self.path(instrument, first)
        draft = path.with_suffix(".draft")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(_digest(instrument, first, data) + data)
            draft.replace(path)
        except OSError as cause:
            raise unusable(path, cause) from cause

    def returns(self, name: str, cells: int, days: int) -> npt.NDArray[np.float32]:
        """Room for the daily returns (cells, days) of a sweep: a file where it is large."""
        if cells * days <= _IN_MEMORY:
            return np.zeros((cells, days), np.float32)
        path = self.root / name / "returns.f4"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return np.memmap(path, np.float32, "w+", shape=(cells, days))
        except OSError as cause:
            raise unusable(path, cause) from cause

    def clear(self) -> None:
        """Forget all of them."""
        try:
            shutil.rmtree(self.root)
        except FileNotFoundError:
            return
        except OSError as cause:
            raise unusable(self.root, cause) from cause


def _digest(instrument: str, first: int, body: bytes) -> bytes:
    return hashlib.sha256(f"{instrument} {first}\n".encode() + body).digest()
