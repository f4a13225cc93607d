"""What closed trades made of the account: realised PnL over time, by period and by exit."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl

from hotband.artefacts.values import Window
from hotband.market.calendar import DAY_NS, parse_time
from hotband.report.svg import Curve

MOST_POINTS: Final = 500
MOST_PERIODS: Final = 40
PERIODS: Final = (("day", "1d", 1), ("week", "1w", 7), ("month", "1mo", 31), ("year", "1y", 366))


@dataclass(frozen=True, slots=True)
class Realised:
    """Closed trades in the order of their exits.

    ``curve`` is drawn, ``final`` and ``deepest`` (<= 0, at ``deepest_ns``) are of all trades,
    in account currency. ``periods`` has start, trades, pnl, equity and under per ``period``.
    """

    curve: Curve
    final: float
    deepest: float
    deepest_ns: int | None
    period: str
    periods: pl.DataFrame


def realised(trades: pl.DataFrame, window: Window) -> Realised:
    """From the trades of one instrument's chosen cell; there may be none."""
    start, end = parse_time(window.start), parse_time(window.end)
    found = trades.sort("exit_time", maintain_order=True).select("exit_time", "pnl")
    equity = found["pnl"].cum_sum()
    found = found.with_columns(equity=equity, under=equity - equity.cum_max().clip(0.0))
    t = found["exit_time"].dt.timestamp("ns").to_numpy().astype(np.float64)
    under = found["under"].to_numpy()
    kept = kept_points(t, equity.to_numpy(), under, (start, end))
    worst = int(under.argmin()) if len(under) else None
    period, every = period_of(end - start)
    return Realised(
        curve=Curve(t[kept], equity.to_numpy()[kept], under[kept], (start, end)),
        final=float(equity[-1]) if len(under) else 0.0,
        deepest=0.0 if worst is None else float(under[worst]),
        deepest_ns=None if worst is None or under[worst] == 0.0 else int(t[worst]),
        period=period,
        periods=found.group_by(pl.col("exit_time").dt.truncate(every).alias("start"))
        .agg(
            trades=pl.len(), pnl=pl.col("pnl").sum(), equity=pl.col("equity").last(),
            under=pl.col("under").min(),
        )
        .sort("start"),
    )  # fmt: skip


def by_exit(trades: pl.DataFrame) -> pl.DataFrame:
    """Trades, wins, pnl and mean hold_minutes by exit_reason, the most frequent first."""
    return (
        trades.group_by("exit_reason")
        .agg(
            trades=pl.len(), wins=(pl.col("pnl") > 0.0).sum(), pnl=pl.col("pnl").sum(),
            hold_minutes=pl.col("hold_minutes").mean(),
        )
        .sort(["trades", "exit_reason"], descending=[True, False])
    )  # fmt: skip


def period_of(length_ns: int) -> tuple[str, str]:
    """The period by which a table of such a window stays short: its name and Polars' word."""
    for name, every, days in PERIODS:
        if length_ns <= MOST_PERIODS * days * DAY_NS:
            return name, every
    return PERIODS[-1][:2]


def kept_points(
    t: "np.ndarray", equity: "np.ndarray", under: "np.ndarray", window: tuple[int, int]
) -> "np.ndarray":
    """Indices to draw: all, or of each of many equal spans the last and the extremes."""
    if len(t) <= MOST_POINTS:
        return np.arange(len(t))
    start, end = window
    place = ((t - start) / (end - start) * (MOST_POINTS // 4)).astype(np.int64)
    kept = {len(t) - 1}
    edges = [0, *(np.flatnonzero(np.diff(place)) + 1).tolist(), len(t)]
    for first, last in pairwise(edges):
        part = slice(first, last)
        kept |= {first + int(equity[part].argmin()), first + int(equity[part].argmax())}
        kept |= {first + int(under[part].argmin()), last - 1}
    return np.array(sorted(kept))
