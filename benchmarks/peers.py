"""The same cells through vectorbt and through our sweep, in turns; a peer that nobody has to have.

vectorbt gets the best form found for it: all columns of a call at once, its compiled code
warmed up, the signals made beforehand and not timed, the number of columns per call the fastest
of several, and memory bounded by that number. Its exits at stops and targets are its own.
"""

import importlib
import time
from dataclasses import dataclass
from functools import partial
from statistics import median
from types import ModuleType
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.grid import axes_of, sweep_on, work_of
from benchmarks.rows import Row, best
from hotband.core.path import path
from hotband.core.records import Records
from hotband.executors.names import open_executor
from hotband.research.cell_rows import CellWork
from hotband.research.sweep import scratch_of

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

DENSITIES: Final = ((7, "250"), (97, ""), (400, ""))
"""A gate on every so many bars, and the aim of the ratio."""
CELLS: Final = 2048
HOLD_MINUTES: Final = 30.0
MINUTE_NS: Final = 60_000_000_000
COLUMNS: Final = (16, 32, 64, 128, 256)
TRIED: Final = 256
"""Cells of one trial of so many columns per call."""
ROUNDS: Final = 3
CASH: Final = 20.0
"""Cash over the balance: vectorbt has no margin, and our cells hold more than their balance."""
SIGNALS: Final = ("entries", "exits", "short_entries", "short_exits")
PRICES: Final = ("open", "high", "low", "close")


@dataclass(frozen=True, eq=False)
class Orders:
    """What vectorbt is given: signals (bars, cells), prices (bars, 1), and per cell (cells,).

    ``stop``, ``target`` and ``fee`` are fractions of the price, ``units`` the size of an order;
    ``slippage`` is half the spread as a fraction of the price, bar by bar.
    """

    signals: dict[str, Bools]
    prices: dict[str, Floats]
    slippage: Floats
    stop: Floats
    target: Floats
    units: Floats
    fee: float
    cash: float
    trades: npt.NDArray[np.int64]
    pnl: Floats

    def call(self, vectorbt: ModuleType, first: int, last: int) -> Floats:
        """Six metrics (6, cells) of cells [first, last)."""
        portfolio = vectorbt.Portfolio.from_signals(
            price=self.prices["open"],
            **self.prices,
            **{name: signal[:, first:last] for name, signal in self.signals.items()},
            size=self.units[None, first:last],
            sl_stop=self.stop[None, first:last],
            tp_stop=self.target[None, first:last],
            fees=self.fee,
            slippage=self.slippage,
            init_cash=self.cash,
            freq="1min",
            engine="numba",
        )
        trades = portfolio.trades
        made = (
            trades.count(),
            portfolio.sharpe_ratio(),
            portfolio.total_profit(),
            trades.win_rate(),
            portfolio.max_drawdown(),
            trades.profit_factor(),
        )
        return np.array([np.asarray(values, np.float64) for values in made])

    def sweep(self, vectorbt: ModuleType, columns: int, cells: int) -> Floats:
        """The metrics of the first cells, so many columns per call."""
        edges = range(0, cells, columns)
        parts = [self.call(vectorbt, at, min(at + columns, cells)) for at in edges]
        return np.concatenate(parts, axis=1)


def orders_of(work: CellWork) -> Orders:
    """The entries that our cells make, and an exit when the hold is over or before the next one.

    Stops and targets are left to vectorbt, at the cells' own distances from the entry.
    """
    shared, n = work.shared, CELLS
    bars, rules = shared.bars, work.cells.rules(0, CELLS)
    mid = {name: (bars[f"bid_{name[0]}"] + bars[f"ask_{name[0]}"]) / 2.0 for name in PRICES}
    signals = {name: np.zeros((len(bars), n), np.bool_) for name in SIGNALS}
    units, trades, pnl = np.ones(n), np.zeros(n, np.int64), np.zeros(n)
    paid = turned = 0.0
    for j in range(n):
        scratch = scratch_of(work.balance, work.currencies, len(work.frame.days), len(bars))
        account = scratch.account[0]
        path(account, scratch.books, shared, rules[j], work.limits[0], scratch.fills, scratch.days)
        fills = scratch.fills[: account.fills]
        _mark(signals, j, fills, bars["t"])
        opened = fills[fills["kind"] == 1]
        units[j] = np.median(opened["units"]) if len(opened) else 1.0
        trades[j] = np.count_nonzero(fills["kind"] == -1)
        pnl[j] = account.nav - work.balance
        paid, turned = paid + account.commission, turned + account.turnover
    price = float(np.median(mid["open"]))
    return Orders(
        signals=signals,
        prices={name: np.ascontiguousarray(values)[:, None] for name, values in mid.items()},
        slippage=((bars["ask_o"] - bars["bid_o"]) / 2.0 / mid["open"] + rules["slippage"][0])[
            :, None
        ],
        stop=rules["stop_abs"] / price,
        target=rules["target_abs"] / price,
        units=units,
        fee=paid / turned,
        cash=CASH * work.balance,
        trades=trades,
        pnl=pnl,
    )


def _mark(signals: dict[str, Bools], j: int, fills: Records, times: Records) -> None:
    """Set the signals of one cell from its fills."""
    opened = fills[fills["kind"] == 1]
    at = np.searchsorted(times, opened["t"])
    over = np.searchsorted(times, opened["t"] + int(HOLD_MINUTES * MINUTE_NS))
    # vectorbt cannot close and open in one bar, as ours do.
    over = np.minimum(over, np.append(at[1:], len(times)) - 1)
    for side, entries, exits in ((1, *SIGNALS[:2]), (-1, *SIGNALS[2:])):
        of_side = opened["side"] == side
        signals[entries][at[of_side], j] = True
        signals[exits][over[of_side & (over > at)], j] = True


def peers() -> list[Row]:
    """Cells per second of both on one week of M1, in turns, and the median ratio of the turns."""
    try:
        vectorbt = importlib.import_module("vectorbt")
    except ModuleNotFoundError as error:
        print(f"peers: skipped, {error.name} is not installed here; `make bench-peers` has it")
        return []
    return [row for every, aim in DENSITIES for row in _compared(vectorbt, every, aim)]


def _compared(vectorbt: ModuleType, every: int, aim: str) -> list[Row]:
    work = work_of(every, axes_of(10, 4, (HOLD_MINUTES,), 8))
    orders = orders_of(work)
    theirs = orders.sweep(vectorbt, COLUMNS[0], COLUMNS[0])
    times = {}
    for columns in COLUMNS:
        sweep = partial(orders.sweep, vectorbt, columns, TRIED)
        times[columns] = best(sweep, ROUNDS)
    columns = min(times, key=times.__getitem__)
    turns: list[tuple[float, float, float]] = []
    with (
        open_executor("threads", workers=2) as two,
        open_executor("threads", workers=1) as one,
    ):
        sweep_on(two, work, CELLS)
        for _ in range(ROUNDS):
            start = time.perf_counter()
            theirs = orders.sweep(vectorbt, columns, CELLS)
            spent = time.perf_counter() - start
            single, double = (best(partial(sweep_on, by, work, CELLS), 3) for by in (one, two))
            turns.append((spent, single, double))
    spent, single, double = (median(times) for times in zip(*turns, strict=True))
    on = f"gate every {every} bars, {CELLS:,} cells"
    made = f"vectorbt {vectorbt.__version__}"
    return [
        Row(f"{made}, {columns} cells per call, 1 thread", CELLS / spent, "cells/s", "", on),
        Row("hotband, 1 thread", CELLS / single, "cells/s", "", on),
        Row("hotband, 2 threads", CELLS / double, "cells/s", "", on),
        Row("1 thread over vectorbt", median(t / h for t, h, _ in turns), "x", "", on),
        Row("2 threads over vectorbt", median(t / h for t, _, h in turns), "x", aim, on),
        Row("trades per cell, vectorbt", float(theirs[0].mean()), "", "", on),
        Row("trades per cell, hotband", float(orders.trades.mean()), "", "", on),
        Row("correlation of their PnL over cells", _alike(theirs[2], orders.pnl), "", "", on),
    ]


def _alike(theirs: Floats, ours: Floats) -> float:
    return float(np.corrcoef(theirs, ours)[0, 1])
