"""Walk-forward: cells chosen on each look-back, run on the weeks after it, and stitched.

Only the stitched series of the hold-outs is ever called out of sample. Each hold-out begins
flat, after the embargo, with the cell that the same rule would have published then.
Source: reference/statistics.md, 3.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from scipy import special

from hotband.research.grid import GridJob, simulate_cell
from hotband.research.measures import sharpe
from hotband.research.metric import Metric
from hotband.research.plateau import Choice
from hotband.research.series import FloatArray, IntArray, daily_returns
from hotband.research.sharpe import is_constant, moments, psr, sharpe_ratio

LEAST_DAYS: Final = 5
"""Out-of-sample days below which no p-value is given."""


@dataclass(frozen=True, eq=False)
class FoldResult:
    """One choice and the weeks after it.

    ``chosen``: whether a cell qualified; where none did nothing was traded, and the days count
    as flat ones. ``row`` is the chosen cell's row over the look-back.
    """

    look_back: tuple[int, int]
    hold_out: tuple[int, int]
    chosen: bool
    params: Mapping[str, Any] | None
    row: Mapping[str, Any] | None
    metrics: Mapping[str, Metric]
    day: IntArray
    returns: FloatArray


@dataclass(frozen=True, eq=False)
class OutOfSample:
    """The hold-outs of all folds in order, as one series.

    Attributes:
        folds: In order of time.
        frame: One row per day: fold, day, return, equity of one unit.
        days: Eligible ones.
        net_return: Compounded, a fraction.
        sharpe: Annual, with its interval.
        p_value: One-sided, of a mean above 0: the larger of Student's t and 1 - PSR; or None.
        efficiency: Out-of-sample over in-sample daily Sharpe ratio, for description; or None.
    """

    folds: tuple[FoldResult, ...]
    frame: pl.DataFrame
    days: int
    net_return: float
    sharpe: Metric
    p_value: float | None
    efficiency: float | None


def fold_result(job: GridJob, judge: GridJob, rows: pl.DataFrame, choice: Choice) -> FoldResult:
    """What the choice of a look-back did over the weeks after it.

    ``job`` is the look-back that gave the scored ``rows``, ``judge`` the same cells over the
    hold-out. Where nothing qualified nothing is traded: its days are flat.
    """
    windows = job.simulator.window, judge.simulator.window
    window = judge.work.window
    if choice.index is None:
        flat = window.day[window.eligible]
        return FoldResult(*windows, False, None, None, {}, flat, np.zeros(len(flat)))
    cell = int(np.ravel_multi_index(choice.index, job.work.cells.shape))
    result = simulate_cell(judge, job.work.cells.rules(cell, cell + 1))
    series = daily_returns(result.daily_rows, result.balance, window)
    row, params = rows.row(cell, named=True), job.work.cells.params(cell)
    return FoldResult(*windows, True, params, row, result.metrics, series.day, series.returns)


def stitched(folds: Sequence[FoldResult]) -> OutOfSample | None:
    """The hold-outs as one series; None without a day in any."""
    if not sum(len(fold.returns) for fold in folds):
        return None
    returns = np.concatenate([fold.returns for fold in folds])
    frame = pl.DataFrame(
        {
            "fold": np.repeat(np.arange(len(folds)), [len(fold.returns) for fold in folds]),
            "day": np.concatenate([fold.day for fold in folds]).astype(np.int32),
            "return": returns,
            "equity": np.cumprod(1.0 + returns),
        }
    ).with_columns(pl.col("day").cast(pl.Date))
    ratio, p = _tested(returns)
    inside = [fold.row["sharpe_period"] for fold in folds if fold.row is not None]
    known = [value for value in inside if value is not None]
    before = float(np.mean(known)) if known else None
    return OutOfSample(
        folds=tuple(folds),
        frame=frame,
        days=len(returns),
        net_return=float(np.prod(1.0 + returns) - 1.0),
        sharpe=sharpe(returns),
        p_value=p,
        efficiency=_over(ratio, before),
    )


def _over(ratio: float | None, before: float | None) -> float | None:
    return None if ratio is None or before is None or before <= 0.0 else ratio / before


def _tested(returns: FloatArray) -> tuple[float | None, float | None]:
    n = len(returns)
    if n < 2 or is_constant(returns):
        return None, None
    ratio = sharpe_ratio(returns)
    if n < LEAST_DAYS:
        return ratio, None
    student = float(special.stdtr(n - 1, -ratio * n**0.5))
    skewed = psr(ratio, n, *moments(returns))
    return ratio, None if skewed is None else max(student, 1.0 - skewed)
