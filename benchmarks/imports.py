"""How fast ticks of each vendor become M1 bars; the files are made here, from a demo market."""

import lzma
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.rows import Row, best
from hotband.feeds.assembly import SpreadSource
from hotband.feeds.dukascopy import RAW_TICK
from hotband.feeds.opened import FileWords
from hotband.feeds.reading import read_file
from hotband.market.calendar import parse_time
from hotband.market.instruments import load_instruments

TICKS = 1_000_000
_HOURS = 40


def _ticks() -> pl.DataFrame:
    """A random walk with a tick every 144 ms on average, 40 hours from a Monday."""
    rng = np.random.default_rng(7)
    span_ms = _HOURS * 3_600_000
    ms = np.sort(rng.integers(0, span_ms, TICKS)) + parse_time("2024-01-08T00:00:00Z") // 1_000_000
    points = 110_000 + np.cumsum(rng.integers(-1, 2, TICKS))
    return pl.DataFrame(
        {
            "time": pl.Series(ms).cast(pl.Datetime("ms")),
            "bid": points / 1e5,
            "ask": (points + rng.integers(1, 20, TICKS)) / 1e5,
        }
    )


def _bi5(folder: Path, ticks: pl.DataFrame) -> None:
    for (day, hour), part in ticks.group_by(
        pl.col("time").dt.date().alias("day"), pl.col("time").dt.hour(), maintain_order=True
    ):
        raw = np.empty(part.height, RAW_TICK)
        raw["ms"] = part["time"].to_physical().to_numpy() % 3_600_000
        for side in ("bid", "ask"):
            raw[side] = np.rint(part[side].to_numpy() * 1e5)
            raw[f"{side}_volume"] = 1.0
        path = folder / f"EURUSD/2024/00/{str(day)[8:]}/{hour:02}h_ticks.bi5"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lzma.compress(raw.tobytes(), format=lzma.FORMAT_ALONE))


def imports() -> list[Row]:
    """Ticks per second from file to bars, by format."""
    spreads = SpreadSource(load_instruments())
    words = FileWords(granularity="M1")
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ticks = _ticks()
        stamp = pl.col("time").dt
        prices = (pl.col("bid"), pl.col("ask"))
        histdata = folder / "DAT_ASCII_EURUSD_T_202401.csv"
        truefx = folder / "EURUSD-2024-01.csv"
        ticks.select(stamp.strftime("%Y%m%d %H%M%S%3f"), *prices, zero=pl.lit(0)).write_csv(
            histdata, include_header=False, float_precision=6
        )
        ticks.select(
            pl.lit("EUR/USD").alias("pair"), stamp.strftime("%Y%m%d %H:%M:%S%.3f"), *prices
        ).write_csv(truefx, include_header=False, float_precision=5)
        ticks.with_columns(stamp.replace_time_zone("UTC")).write_parquet(
            folder / "EUR_USD.TICK.x.parquet"
        )
        _bi5(folder, ticks)
        for case, path in (
            ("HistData text", histdata),
            ("TrueFX text", truefx),
            ("bi5 folder", folder / "EURUSD"),
            ("Parquet", folder / "EUR_USD.TICK.x.parquet"),
        ):
            seconds = best(partial(read_file, path, words, spreads), 3)
            rate = TICKS / seconds / 1e6
            aim = "1" if path.suffix == ".csv" else ""
            rows.append(Row(f"ticks to M1 bars, {case}", rate, "M/s", aim, f"{TICKS:,} ticks"))
    return rows
