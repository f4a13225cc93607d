"""Longer than memory: years of minutes of many pairs, imported and swept, with peaks of memory.

``HOTBAND_BENCH_PAIRS`` and ``HOTBAND_BENCH_YEARS`` say how many: by default 2 pairs and 2 years,
minutes of work; the figures in the docs are of 28 pairs and 10 years. Bars are the demo market's.
"""

import itertools
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from benchmarks.rows import Row
from hotband.feeds.demo import VALUES_USD, demo_bars
from hotband.market.calendar import parse_time
from hotband.market.instruments import load_instruments

FIRST_YEAR = 2015
GRID = """
default: {hazard: {points: 5}, min_reps: [1, 2, 3], hold_minutes: [30, 60], exposure: [0.5, 1.0]}
walk_forward: {look_back_weeks: %d, hold_out_weeks: 4, step_weeks: 4, max_folds: 1}
"""
"""60 cells of each pair, chosen over all weeks but the last four."""


def pairs(n: int) -> list[str]:
    """``n`` of the 28 pairs of the demo market's eight currencies, those of the dollar first."""
    table = load_instruments()
    both = (f"{a}_{b}" for a, b in itertools.permutations(VALUES_USD, 2))
    known = (name for name in both if name in table)
    return sorted(known, key=lambda name: ("USD" not in name, name))[:n]


def command(arguments: Sequence[str], home: Path) -> tuple[float, float]:
    """Run ``hotband`` with arguments: seconds, and its peak of memory in GiB."""
    environment = os.environ | {"HOTBAND_HOME": str(home)}
    before = time.perf_counter()
    words = [sys.executable, "-m", "hotband", *arguments]
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    pid = os.posix_spawn(sys.executable, words, environment, file_actions=quiet)
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"hotband {arguments[0]} ended with status {status}")
    return time.perf_counter() - before, usage.ru_maxrss / 2**20


def imported(names: Sequence[str], years: int, home: Path) -> tuple[int, float, float]:
    """Import every pair's years, a command a pair: bars, seconds, highest peak in GiB."""
    rows, seconds, peak = 0, 0.0, 0.0
    for name in names:
        with tempfile.TemporaryDirectory(dir=home) as folder:
            files = []
            for year in range(FIRST_YEAR, FIRST_YEAR + years):
                start, end = (parse_time(f"{y}-01-01T00:00:00Z") for y in (year, year + 1))
                frame = demo_bars([name], start, end)[name].to_frame()
                files.append(Path(folder) / f"{name}.M1.demo.{year}.parquet")
                frame.write_parquet(files[-1])
                rows += frame.height
            took, top = command(["data", "import", *map(str, files)], home)
        seconds, peak = seconds + took, max(peak, top)
    return rows, seconds, peak


def long_history() -> list[Row]:
    """Import and sweep; peaks are of the commands' processes."""
    n = int(os.environ.get("HOTBAND_BENCH_PAIRS", "2"))
    years = int(os.environ.get("HOTBAND_BENCH_YEARS", "2"))
    names = pairs(n)
    on = f"{len(names)} pairs, {years} years of demo M1"
    with tempfile.TemporaryDirectory(prefix="hotband-long-") as folder:
        home = Path(folder)
        rows, filling, most = imported(names, years, home)
        grid = home / "grid.yaml"
        grid.write_text(GRID % (52 * years - 4))
        end = f"{FIRST_YEAR + years - 1}-12-28T00:00:00Z"
        window = ["--start", f"{FIRST_YEAR}-01-01T00:00:00Z", "--end", end]
        seconds, peak = command(["weekly", "--grid", str(grid), *window], home)
        (run,) = (home / "output" / "backtests" / "runs").iterdir()
        cells = pl.scan_parquet(run / "rows.parquet").select(pl.len()).collect().item()
    return [
        Row("long history: bars imported", rows, "bars", "", on),
        Row("long history: import", rows / filling, "bars/s", "", on),
        Row("long history: import, peak of memory", most, "GiB", "", on),
        Row("long history: cells swept", cells, "cells", "", on),
        Row("long history: weekly", seconds, "s", "", on),
        Row("long history: weekly, peak of memory", peak, "GiB", "", on),
    ]
