"""What the search behind a chosen cell takes away from its numbers.

The daily returns of every cell of the grid, chosen or not, say how lucky the best of them can
be: trials counted by the ledger, their spread, the step-down test over the whole grid, the
probability of overfitting, the effective number of trials. Source: reference/statistics.md, 2.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hotband.research.cell_rows import Search
from hotband.research.series import FloatArray
from hotband.research.sharpe import DAYS_PER_YEAR
from hotband.research.significance.bootstrap import mean_block, stationary_counts
from hotband.research.significance.deflated import (
    DEFINITION,
    expected_max,
    min_track_record,
    psr_2025,
    trials_variance,
)
from hotband.research.significance.effective import effective_trials
from hotband.research.significance.haircut import haircut_sharpe
from hotband.research.significance.overfitting import cscv
from hotband.research.significance.stepm import MIN_ACTIVE, step_down

Returns = npt.NDArray[np.float32]

FIRST_DRAWS: Final = 999
"""Resamples of a first look; where its p is above ENOUGH more of them decide nothing."""
ENOUGH: Final = 0.2
LEAST_DAYS: Final = 2
BLOCKS: Final = (16, 10)
"""Blocks of the overfitting test, most first; each needs DAYS_PER_BLOCK days."""
DAYS_PER_BLOCK: Final = 10
MOST_CORRELATED: Final = 5_000
"""Columns of which the effective number of trials is taken; of more, evenly spaced ones."""
LEAST_CORRELATED_DAYS: Final = 3
MOST_OVERFITTING: Final = 100_000


@dataclass(frozen=True, slots=True)
class Selection:
    """The search behind one cell; None where too little is known, with the reason beside it.

    Attributes:
        trials: Ever made on the instrument, by the ledger.
        cells: Of this grid.
        variance: Of the daily Sharpe ratio over the cells.
        benchmark: Daily Sharpe ratio that the best of so many trials reaches without an edge.
        psr: Probability that the true Sharpe ratio is above 0.
        psr_2025: The same with the error at the benchmark; shown, never a gate.
        dsr: Probability that it is above ``benchmark``.
        min_track_record_days: Days after which the psr reaches 0.95 if all stays as it is.
        step_down_p: Of the cell, adjusted for every other cell of the grid.
        draws, mean_block, seed: Of its resamples.
        dropped: Cells that were constant or active on fewer than 20 days; they count as trials.
        pbo: Probability of backtest overfitting, for display; ``pbo_blocks`` it was cut into.
        effective_trials: Method -> the number of independent trials that the cells amount to.
        haircut_sharpe: Annual Sharpe ratio after Bonferroni over the trials.
        definition: Of psr and dsr.
    """

    trials: int
    cells: int
    variance: float
    benchmark: float
    psr: float | None
    psr_2025: float | None
    dsr: float | None
    min_track_record_days: float | None
    step_down_p: float | None
    step_down_reason: str | None
    draws: int
    mean_block: float | None
    seed: int
    dropped: int
    pbo: float | None
    pbo_blocks: int | None
    pbo_reason: str | None
    effective_trials: Mapping[str, float]
    haircut_sharpe: float | None
    definition: str = DEFINITION


def search_of(ratios: FloatArray, days: int, trials: int) -> Search:
    """The spread of a grid's Sharpe ratios (n,) over ``days``, NaN where none, and the trials.

    A grid with fewer than two of them has no spread of its own: that of trials without an edge,
    1 / (days - 1), stands in, so that earlier trials are not forgotten.
    """
    known = int(np.isfinite(ratios).sum())
    alone = known < 2 and days > 1
    return Search(max(trials, 1), 1.0 / (days - 1) if alone else trials_variance(ratios))


def selection_of(
    cell: int,
    row: Mapping[str, float | None],
    returns: Returns,
    search: Search,
    *,
    seed: int,
    draws: int,
) -> Selection:
    """What the search did to ``cell``.

    Args:
        cell: The chosen one, a row of ``returns``.
        row: Its scored row.
        returns: (n, T) daily returns of all cells of the grid.
        search: Trials and their spread.
        seed: Of the resamples, from the content of the inputs.
        draws: Resamples of a p-value that may pass.
    """
    ratio, skew, tails = row["sharpe_period"], row["skewness"], row["kurtosis"]
    days = returns.shape[1]
    benchmark = math.sqrt(search.variance) * expected_max(search.trials)
    p, reason, block, used, dropped = _step_down(cell, returns, seed, draws)
    pbo, blocks, why = _overfitting(returns)
    late = length = cut = None
    if ratio is not None and skew is not None and tails is not None and days >= LEAST_DAYS:
        late = psr_2025(ratio, days, skew, tails)
        length = min_track_record(ratio, skew, tails)
        annual = ratio * DAYS_PER_YEAR**0.5
        found = haircut_sharpe(annual, days, DAYS_PER_YEAR, search.trials)
        cut = None if found is None else found.adjusted_ratio
    return Selection(
        trials=search.trials,
        cells=len(returns),
        variance=search.variance,
        benchmark=benchmark,
        psr=row["psr"],
        psr_2025=late,
        dsr=row["dsr"],
        min_track_record_days=length,
        step_down_p=p,
        step_down_reason=reason,
        draws=used,
        mean_block=block,
        seed=seed,
        dropped=dropped,
        pbo=pbo,
        pbo_blocks=blocks,
        pbo_reason=why,
        effective_trials=_effective(returns),
        haircut_sharpe=cut,
    )


def _step_down(
    cell: int, returns: Returns, seed: int, draws: int
) -> tuple[float | None, str | None, float | None, int, int]:
    """(p, why there is none, mean block, draws, columns dropped)."""
    days = returns.shape[1]
    if days < MIN_ACTIVE:  # no cell can have been active on so many
        return None, "window_too_short", None, 0, len(returns)
    block = mean_block(returns.mean(axis=0, dtype=np.float64))
    wanted = min(FIRST_DRAWS, draws)
    while True:
        counts = stationary_counts(days, wanted, block, seed)
        found = step_down(returns.T, counts)
        p, dropped = float(found.p[cell]), int(found.dropped.sum())
        if math.isnan(p):
            return None, "too_few_active_days", block, wanted, dropped
        if wanted >= draws or p > ENOUGH:
            return p, None, block, wanted, dropped
        wanted = draws


def _overfitting(returns: Returns) -> tuple[float | None, int | None, str | None]:
    n, days = returns.shape
    blocks = next((b for b in BLOCKS if days >= DAYS_PER_BLOCK * b), None)
    if n < 2:
        return None, None, "one_cell"
    if blocks is None:
        return None, None, "window_too_short"
    if n > MOST_OVERFITTING:
        return None, None, "too_many_cells"
    found = cscv(returns.T, blocks).pbo
    return found, blocks, None if found is not None else "zero_variance"


def _effective(returns: Returns) -> dict[str, float]:
    if returns.shape[1] < LEAST_CORRELATED_DAYS:
        return {}
    varying = returns[np.ptp(returns, axis=1) > 0.0]
    if len(varying) < 2:
        return {}
    step = -(-len(varying) // MOST_CORRELATED)
    return {k: float(v) for k, v in effective_trials(varying[::step].T.astype(np.float64)).items()}
