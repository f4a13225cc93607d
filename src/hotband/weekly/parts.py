"""The long tables of a run, instrument by instrument on disk until all are there.

What a chosen cell did over ten years of minutes is a hundred times its rows and trades. Of many
instruments it fits into no memory, so that the published tables are put together from files.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from hotband.durable import write_whole
from hotband.errors import IntegrityError


class Parts:
    """The tables of the instruments that are finished, under ``root``.

    A run that goes on after it was killed writes them anew: nothing is read that it did not
    write itself.

    Raises:
        StoreError: By every method, where the folder or the disk refuses.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._instruments: list[str] = []

    def keep(self, instrument: str, tables: Mapping[str, pl.DataFrame]) -> None:
        """Write the tables of an instrument, each under its name."""
        for name, rows in tables.items():
            write_whole(self._path(name, instrument), rows.write_parquet)
        self._instruments.append(instrument)

    def tables(self, names: Sequence[str]) -> dict[str, pl.LazyFrame]:
        """Each table of all instruments, in the order in which they were kept.

        Raises:
            IntegrityError: None was kept.
        """
        if not self._instruments:
            raise IntegrityError("parts", "no instrument", "one and more", "Keep it first.")
        return {
            name: pl.concat(
                [pl.scan_parquet(self._path(name, one), glob=False) for one in self._instruments]
            )
            for name in names
        }

    def _path(self, name: str, instrument: str) -> Path:
        return self.root / name / f"{instrument}.parquet"
