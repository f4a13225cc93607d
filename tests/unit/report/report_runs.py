"""Runs of the grid over two days of the demo market, for pages to show."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from hotband.artefacts.schemas import Instrument, Latest
from hotband.feeds.demo import demo_bars
from hotband.market.calendar import parse_time
from hotband.report.html import report_html
from hotband.weekly.api import run_grid

PAIRS = ("EUR_USD", "USD_JPY")
DATA = ("2026-03-03T00:00:00Z", "2026-03-10T12:00:00Z")
WINDOW = ("2026-03-08T21:00:00Z", "2026-03-10T12:00:00Z")


@dataclass(frozen=True)
class Run:
    """A run's result with its tables, and its page."""

    latest: Latest
    rows: pl.DataFrame
    trades: pl.DataFrame
    days: pl.DataFrame

    def html(self, **changes: Any) -> str:
        """The page; ``changes`` replace ``latest`` or a table."""
        return report_html(*({**vars(self), **changes}[name] for name in vars(self)))

    def entry(self, name: str) -> Instrument:
        found = self.latest.instruments[name]
        assert isinstance(found, Instrument)
        return found

    def changed(self, name: str, **changes: Any) -> Latest:
        """The result with other fields of one instrument."""
        entries = {**self.latest.instruments, name: self.entry(name).model_copy(update=changes)}
        return self.latest.model_copy(update={"instruments": entries})


def run_into(folder: Path, grid: Mapping[str, Any] | None = None, *missing: str) -> Run:
    """A run whose artefacts lie in ``folder``; there are no bars of ``missing``."""
    start, end = (parse_time(text) for text in DATA)
    bars = demo_bars(PAIRS, start, end, seed=5)
    latest = run_grid(
        [*PAIRS, *missing], *WINDOW, grid=grid, bars=bars, gates={}, output=folder,
        executor="serial",
    )  # fmt: skip
    tables = (pl.read_parquet(folder / latest.files[name]) for name in ("rows", "trades", "oos"))
    return Run(latest, *tables)


@lru_cache
def demo_run() -> Run:
    """With the grid that comes with hotband."""
    with TemporaryDirectory() as folder:
        return run_into(Path(folder))


@lru_cache
def unqualified_run() -> Run:
    """No cell has trades enough."""
    with TemporaryDirectory() as folder:
        return run_into(Path(folder), {"min_trades": 100_000})


@lru_cache
def tradeless_run() -> Run:
    """No gate has repetitions enough for any cell."""
    with TemporaryDirectory() as folder:
        return run_into(Path(folder), {"default": {"min_reps": [100_000]}})


@lru_cache
def failed_run() -> Run:
    """GBP_USD has no bars."""
    with TemporaryDirectory() as folder:
        return run_into(Path(folder), None, "GBP_USD")
