"""The cases: each returns its rows, measured on this machine now."""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks import market
from benchmarks.executors import ray
from benchmarks.gates import gates
from benchmarks.grid import grid
from benchmarks.imports import imports
from benchmarks.long_history import long_history
from benchmarks.oanda import oanda
from benchmarks.page import page
from benchmarks.paper import paper
from benchmarks.peers import peers
from benchmarks.rows import Row, best
from benchmarks.service import service
from benchmarks.significance import significance
from hotband.core import records as r
from hotband.core.jit import kernel
from hotband.core.path import path
from hotband.core.records import Record, Records
from hotband.core.shared import Shared
from hotband.research.simulator import BacktestSimulator

THREADS = 2


@kernel
def sweep(
    first: int,
    last: int,
    fresh: tuple[Records, Records],
    scratch: tuple[Records, Records],
    shared: Shared,
    rules: Records,
    limits: Record,
    logs: tuple[Records, Records],
    navs: Records,
) -> None:
    """Cells [first, last) on one scratch state; final NAV and drawdown per cell."""
    account, books = scratch
    fills, days = logs
    for j in range(first, last):
        account[0] = fresh[0][0]
        books[0] = fresh[1][0]
        path(account[0], books, shared, rules[j], limits, fills, days)
        navs[j].equity = account[0].nav
        navs[j].balance = account[0].max_dd


@kernel
def bare_loop(bars: Records, times: int) -> float:
    """Sum of the bid closes, so many times over: the floor that a pass over bars has."""
    total = 0.0
    for _ in range(times):
        for i in range(len(bars)):
            total += bars[i].bid_c
    return total


def _run_cells(shared: Shared, rules: Records, threads: int) -> Records:
    navs = r.empty(r.EQUITY, len(rules))
    limits = market.limits()[0]

    def chunk(bounds: tuple[int, int]) -> None:
        fresh = r.new_account(100_000.0), r.new_books([0], [1])
        scratch = fresh[0].copy(), fresh[1].copy()
        logs = r.empty(r.FILL, 0), r.empty(r.DAY, 16)
        sweep(*bounds, fresh, scratch, shared, rules, limits, logs, navs)

    edges = np.linspace(0, len(rules), threads + 1).astype(int).tolist()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(chunk, pairwise(edges)))
    return navs


def cells_per_second() -> list[Row]:
    """Cells per second over two threads, everything on, gates on every n-th bar."""
    bars, named = market.week_of_bars()
    rows = []
    bare = 0.0
    for every, hold, aim in ((7, 30, "72,000"), (7, 120, ""), (97, 30, ""), (400, 30, "200,000")):
        shared = market.shared_of(bars, every)
        rules = market.cell_rules(4_000)
        rules["hold"] = hold * 60_000_000_000
        _run_cells(shared, rules[:4], THREADS)
        seconds = best(partial(_run_cells, shared, rules, THREADS))
        one = best(partial(_run_cells, shared, rules[:2000], 1), 3)
        case = f"week of M1, gate every {every} bars, hold {hold} min"
        rows += [
            Row(f"{case}, {THREADS} threads", len(rules) / seconds, "cells/s", aim, named),
            Row(f"{case}, 1 thread", 2000 / one, "cells/s", "", named),
        ]
        if (every, hold) in {(7, 30), (400, 30)}:
            per_bar = one / 2000 / len(shared.bars) * 1e9
            bare = best(partial(bare_loop, shared.bars, 200)) / 200 / len(shared.bars) * 1e9
            rows += [
                Row(f"{case}: path", per_bar, "ns/bar", "", named),
                Row(f"{case}: path over bare loop", per_bar / bare, "x", "5", named),
            ]
    rows.append(Row("bare loop", bare, "ns/bar", "", named))
    return rows


def memory_per_thousand_cells() -> list[Row]:
    """Growth of the peak resident set from 1,000 to 21,000 cells, per thousand."""
    bars, named = market.week_of_bars()
    shared = market.shared_of(bars, 97)
    rules = market.cell_rules(21_000)
    _run_cells(shared, rules[:1_000], THREADS)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _run_cells(shared, rules, THREADS)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return [Row("peak memory per further thousand cells", grown / 20, "KiB", "flat", named)]


def single_run() -> list[Row]:
    """A year of M1 with trades, equity, decisions and metrics."""
    bars = market.year_of_bars()
    simulator = BacktestSimulator(
        "EUR_USD", "2025-01-05T22:00:00Z", "2026-01-04T22:00:00Z", bars={"EUR_USD": bars}, gates={}
    )

    def run() -> tuple[int, int]:
        result = simulator.run()
        return result.trades.height, result.equity_curve.height

    trades, _ = run()
    named = f"demo EUR_USD, {len(bars):,} bars, {trades:,} trades"
    return [Row("year of M1, all outputs on", best(run, 3), "s", "1", named)]


def start_up() -> list[Row]:
    """Wall time of fresh processes: help, the first compiled call with warm and cold caches."""
    call = (
        "import time; start = time.perf_counter()\n"
        "from benchmarks import cases, market\n"
        "bars, _ = market.week_of_bars()\n"
        "cases._run_cells(market.shared_of(bars, 97), market.cell_rules(2), 1)\n"
        "print(time.perf_counter() - start)"
    )

    def fresh(environment: dict[str, str]) -> float:
        done = subprocess.run(
            [sys.executable, "-c", call], check=True, capture_output=True, text=True,
            env=os.environ | environment,
        )  # fmt: skip
        return float(done.stdout)

    def shown() -> None:
        subprocess.run([sys.executable, "-m", "hotband", "--help"], check=True, capture_output=True)

    fresh({})
    warm = min(fresh({}) for _ in range(3))
    with tempfile.TemporaryDirectory() as folder:
        cold = fresh({"HOTBAND_CACHE": folder})
    return [
        Row("hotband --help", best(shown), "s", "0.3", "-"),
        Row("import to first cells, warm cache", warm, "s", "2", "-"),
        Row("import to first cells, cold cache", cold, "s", "", "-"),
    ]


CASES: dict[str, Callable[[], list[Row]]] = {
    "cells": cells_per_second,
    "memory": memory_per_thousand_cells,
    "single": single_run,
    "start": start_up,
    "gates": gates,
    "grid": grid,
    "ray": ray,
    "peers": peers,
    "significance": significance,
    "service": service,
    "page": page,
    "oanda": oanda,
    "imports": imports,
    "paper": paper,
    "history": long_history,
}
