"""Cost stress: what is left of a cell when trading costs more, or comes later.

A stressed run is a whole run of the same cells on the same gates: spreads are widened around
the mid, commission and slippage multiplied, or orders delayed by one bar. Financing stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from hotband.core.records import BAR
from hotband.core.shared import share
from hotband.research.cell_rows import CellWork, columns_of, swept_rules

STRESSES: Final = (("costs_1_5x", 1.5, 0), ("costs_2x", 2.0, 0), ("latency_1_bar", 1.0, 1))
"""Name in a row, multiple of the costs, bars of delay."""
MARGIN_COSTS: Final = "costs_1_5x"
"""The stress that promotion asks for."""
DOMINATES: Final = 0.5
"""One day or one trade that makes more than this share of the PnL."""
TAGS: Final = {
    "breaks_at_1_5x_costs": "no profit is left at one and a half times the costs",
    "breaks_at_2x_costs": "no profit is left at twice the costs",
    "breaks_with_latency": "no profit is left when every order comes one bar later",
    "one_day_dominates": "one day made more than half of the profit",
    "one_trade_dominates": "one trade made more than half of the profit",
}
"""Tag -> what it says."""


@dataclass(frozen=True, eq=False)
class StressWork:
    """The cells of a grid under every stress: one work for each of STRESSES, in that order."""

    works: tuple[CellWork, ...]
    latency_ns: int


def stress_work(work: CellWork, granularity_ns: int) -> StressWork:
    """The stressed forms of a window's work; ``granularity_ns`` is the length of a bar."""
    works = tuple(_costlier(work, factor) for _, factor, _ in STRESSES)
    return StressWork(works, granularity_ns)


def _costlier(work: CellWork, factor: float) -> CellWork:
    if factor == 1.0:
        return work
    shared = work.shared
    bars = np.array(shared.bars, BAR)
    for corner in ("o", "h", "l", "c"):
        bid, ask = bars[f"bid_{corner}"], bars[f"ask_{corner}"]
        wider = 0.5 * (factor - 1.0) * (ask - bid)
        bars[f"bid_{corner}"], bars[f"ask_{corner}"] = bid - wider, ask + wider
    return replace(work, shared=share(bars.view(np.recarray), shared.gate_of_bar, shared.gates))


def stress_cells(work: StressWork, cells: npt.NDArray[np.int64]) -> pl.DataFrame:
    """PnL and profit factor of ``cells`` (n,) under every stress, with their numbers."""
    made = [pl.Series("cell", cells)]
    for (name, factor, bars), stressed in zip(STRESSES, work.works, strict=True):
        rules = stressed.cells.rules_at(cells)
        rules["half_commission"] *= factor
        rules["slippage"] *= factor
        rules["latency"] += bars * work.latency_ns
        columns = columns_of(stressed, *swept_rules(stressed, rules)).columns
        made.append(pl.Series(f"{name}_pnl", columns["pnl"].values))
        factors = columns["profit_factor"].values
        made.append(pl.Series(f"{name}_profit_factor", factors).fill_nan(None))
    return pl.DataFrame(made)


def with_stress(rows: pl.DataFrame, stressed: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The rows of a grid with what stress left of them; null, untagged, in rows not stressed.

    ``break_even_costs_x`` is the multiple of the costs at which the PnL is zero, on the line
    through the PnL at once and twice the costs; null where costs change nothing or more of
    them would help.
    """
    names = [f"{name}_{what}" for name, _, _ in STRESSES for what in ("pnl", "profit_factor")]
    if not stressed:
        empty = [pl.lit(None, pl.Float64).alias(n) for n in (*names, "break_even_costs_x")]
        return rows.with_columns(*empty, pl.lit([], pl.List(pl.String)).alias("stress_tags"))
    joined = rows.join(pl.concat(stressed), on="cell", how="left", maintain_order="left")
    slope = pl.col("pnl") - pl.col("costs_2x_pnl")
    joined = joined.with_columns(
        pl.when(slope > 0.0)
        .then(pl.max_horizontal(pl.lit(0.0), 1.0 + pl.col("pnl") / slope))
        .alias("break_even_costs_x")
    )
    ran = pl.col("costs_2x_pnl").is_not_null()
    raised = (
        ("breaks_at_1_5x_costs", pl.col("costs_1_5x_pnl") <= 0.0),
        ("breaks_at_2x_costs", pl.col("costs_2x_pnl") <= 0.0),
        ("breaks_with_latency", pl.col("latency_1_bar_pnl") <= 0.0),
        ("one_day_dominates", ran & (pl.col("best_day_share") > DOMINATES)),
        ("one_trade_dominates", ran & (pl.col("best_trade_share") > DOMINATES)),
    )
    tags = [pl.when(mask).then(pl.lit(tag)) for tag, mask in raised]
    return joined.with_columns(pl.concat_list(tags).list.drop_nulls().alias("stress_tags"))


def with_shares(rows: pl.DataFrame, returns: npt.NDArray[np.float32]) -> pl.DataFrame:
    """The rows with the share of the PnL that the best day and the best trade made.

    ``returns`` (n, T): daily returns of the rows. Null where the PnL, or for days the sum of
    the returns, is not positive.
    """
    total = returns.sum(axis=1, dtype=np.float64)
    best = np.max(returns, axis=1, initial=-np.inf).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        day = np.where(total > 0.0, best / total, np.nan)
    trade = pl.when(pl.col("pnl") > 0.0).then(pl.col("best_trade") / pl.col("pnl"))
    return rows.with_columns(
        pl.Series("best_day_share", day).fill_nan(None), trade.alias("best_trade_share")
    )
