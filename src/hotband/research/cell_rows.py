"""From a span of cells to rows of the grid, and from all rows of a grid to scored ones.

``sweep_span`` is the unit of work that executors spread: it takes what all cells share and a
span of cells, and gives what each cell did. What depends on the whole search, the deflated
Sharpe ratio and so the score, is added by ``score_rows`` once every row is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from hotband.core.codes import REASONS
from hotband.core.records import Records, empty
from hotband.core.shared import Shared
from hotband.research.axes import CellGrid
from hotband.research.rows import (
    REASON_CODES,
    Column,
    MetricColumns,
    exit_counts,
    metric_columns,
)
from hotband.research.score import ScoreInputs, scores, tag_masks
from hotband.research.series import BoolArray, FloatArray, TradingWindow
from hotband.research.significance.deflated import deflated_sharpe
from hotband.research.sweep import ROW, Frame, scratch_of, sweep_cells

FIRST_FILLS: Final = 4096
INTEGERS: Final = ("trades", "active_days", "days", "days_excluded")
COUNTS: Final = ("gates", "admitted", "sized", "planned", "filled", "synthetic_trades", "open")
HOLD_OUT: Final = "hold_out_"
"""What the columns measured on the hold-out begin with."""
JUDGED: Final = (
    "trades", "days", "pnl", "return_pct", "sharpe", "daily_t", "profit_factor", "win_rate",
    "max_dd_pct",
)  # fmt: skip
"""The metrics that a row has of the hold-out too."""
RETURNS: Final = "returns"
"""The column with a cell's daily returns on eligible days; it is taken off before publishing."""
_STOPPED: Final = {0: None} | {1 + code: reason.name for code, reason in REASONS.items()}
_REASONS: Final = {code: reason or None for code, reason in enumerate(REASON_CODES)}


@dataclass(frozen=True, eq=False)
class CellWork:
    """What all cells of an instrument share; small enough to send, and read only.

    ``currencies`` are the indices of base and quote in the account's list; ``limits`` (1,)
    LIMITS; ``source`` of the gates. ``hold_out`` is the same over the weeks that judge the
    cells, or None; its cells are these.
    """

    shared: Shared
    frame: Frame
    cells: CellGrid
    limits: Records
    window: TradingWindow
    balance: float
    currencies: tuple[int, int]
    source: str
    hold_out: "CellWork | None" = None


@dataclass(frozen=True, slots=True)
class Search:
    """What the search did to its best row: trials ever made, and their spread.

    ``variance`` is that of the daily Sharpe ratio over the cells of this grid; ``trials`` comes
    from the ledger and counts more than them.
    """

    trials: int
    variance: float


def swept(work: CellWork, first: int, last: int) -> tuple[Records, FloatArray]:
    """ROW records and daily equity of cells [first, last)."""
    return swept_rules(work, work.cells.rules(first, last))


def swept_rules(work: CellWork, rules: Records) -> tuple[Records, FloatArray]:
    """ROW records and daily equity of cells with ``rules`` (n,)."""
    n = len(rules)
    rows, equity = empty(ROW, n), np.zeros((n, len(work.frame.days)))
    limits, fills, at = work.limits[0], FIRST_FILLS, 0
    while at < n:
        scratch = scratch_of(work.balance, work.currencies, len(work.frame.days), fills)
        at = sweep_cells(at, work.shared, work.frame, rules, limits, scratch, rows, equity)
        fills *= 2
    return rows, equity


def columns_of(work: CellWork, rows: Records, equity: FloatArray) -> MetricColumns:
    """Every metric of swept cells."""
    days, pip = work.frame.days, work.cells.pip
    return metric_columns(rows, equity, days, work.window, work.balance, pip)


def sweep_span(work: CellWork, span: tuple[int, int]) -> pl.DataFrame:
    """The rows of cells [first, last): parameters, metrics with reasons, funnel, hold-out.

    Scores are not among them (``score_rows``); daily returns are, as RETURNS.
    """
    first, last = span
    rules = work.cells.rules(first, last)
    rows, equity = swept_rules(work, rules)
    found = columns_of(work, rows, equity)
    numbers = {name: column.values for name, column in found.columns.items()}
    numbers |= _of_score(rows, equity, found.columns, work)
    counts = {name: rows[name] for name in (*COUNTS, "stopped_count")} | dict(exit_counts(rows))
    nullable = {name: c for name, c in found.columns.items() if c.nullable}
    if work.hold_out is not None:
        judged = columns_of(work.hold_out, *swept_rules(work.hold_out, rules)).columns
        numbers |= {HOLD_OUT + name: judged[name].values for name in JUDGED}
        nullable |= {HOLD_OUT + n: judged[n] for n in JUDGED if judged[n].nullable}
    reasons = {f"{name}_null": column.reasons for name, column in nullable.items()}
    frame = pl.DataFrame(
        [
            pl.Series("cell", np.arange(first, last, dtype=np.int64)),
            *_parameters(work.cells, first, last),
            *(pl.Series(name, values) for name, values in numbers.items()),
            *(pl.Series(name, np.ascontiguousarray(n)) for name, n in counts.items()),
            *(pl.Series(name, codes) for name, codes in reasons.items()),
            pl.Series("stopped_by", rows["stopped_code"] + 1),
            _names("flags", found.flags, len(rows)),
            _daily(found.returns),
        ]
    )
    whole = [name for name in (*INTEGERS, *(HOLD_OUT + n for n in INTEGERS)) if name in numbers]
    return frame.with_columns(
        pl.col(*numbers).fill_nan(None),
        pl.col(*reasons).replace_strict(_REASONS, return_dtype=pl.String),
        pl.col("stopped_by").replace_strict(_STOPPED, return_dtype=pl.String),
    ).with_columns(pl.col(*whole).cast(pl.Int64))


def _daily(returns: FloatArray) -> pl.Series:
    """Daily returns (n, T) as one column; single precision is far below their own error."""
    values = np.ascontiguousarray(returns, np.float32)
    if values.shape[1] == 0:
        return pl.Series(RETURNS, [[]] * len(values), pl.Array(pl.Float32, 0))
    return pl.Series(RETURNS, values)


def _names(column: str, masks: Mapping[str, BoolArray], n: int) -> pl.Series:
    """The names whose mask is true in each row, in the order of the masks."""
    bits = np.zeros(n, np.int64)
    for k, raised in enumerate(masks.values()):
        bits |= raised.astype(np.int64) << k
    found, which = np.unique(bits, return_inverse=True)
    lists = [[tag for k, tag in enumerate(masks) if each >> k & 1] for each in found.tolist()]
    names = pl.Series(column, lists, pl.List(pl.String))
    return names.gather(which.astype(np.uint32))


def _parameters(cells: CellGrid, first: int, last: int) -> list[pl.Series]:
    """One column per axis, and ``hazard_x``, by name."""
    at = np.unravel_index(np.arange(first, last), cells.shape)
    made = []
    for axis, index in zip(cells.axes, at, strict=True):
        kind = pl.String() if axis.name == "direction" else pl.Float64()
        values = pl.Series(axis.name, axis.values, kind)
        if axis.name == "min_reps":
            values = values.cast(pl.Int64)
        made.append(values.gather(index.astype(np.uint32)))
        if axis.name == "hazard_max":
            over = pl.Series("hazard_x", [cells.hazard_x(cap) for cap in axis.values], pl.Float64)
            made.append(over.gather(index.astype(np.uint32)))
    return sorted(made, key=lambda series: series.name)


def _of_score(
    rows: Records, equity: FloatArray, columns: Mapping[str, Column], work: CellWork
) -> dict[str, FloatArray]:
    """What the score reads beside the metrics."""
    n = len(rows)
    held = np.concatenate((np.full((n, 1), work.balance), equity), axis=1).mean(axis=1)
    pnl = columns["pnl"].values
    with np.errstate(divide="ignore", invalid="ignore"):
        real = 1.0 - rows["synthetic_trades"] / rows["trades"]
        of_nav = np.where(held > 0.0, 100.0 * pnl / held, -100.0)
    return {"real_fraction": np.where(rows["trades"] > 0, real, 0.0), "pnl_nav_pct": of_nav}


_READ: Final = {
    "sharpe": "sharpe",
    "days": "days",
    "trades": "trades",
    "return_pct": "return_pct",
    "pnl_nav_pct": "pnl_nav_pct",
    "pnl": "pnl",
    "pf": "profit_factor_shrunk",
    "maxdd_pct": "max_dd_pct",
    "maxdd": "max_dd",
    "real_frac": "real_fraction",
    "churn": "cost_share",
    "psr": "psr",
    "dsr": "dsr",
}
"""Input of the score -> the column of a row that it is."""


def score_rows(rows: pl.DataFrame, search: Search | None, min_trades: int) -> pl.DataFrame:
    """The rows of a whole grid with ``dsr``, ``score``, ``penalties`` and ``qualified``.

    ``search``: None leaves ``dsr`` null without a reason, as nothing is known of the search.
    ``min_trades``: the least trades of a row that may be chosen.
    """
    n = rows.height

    def column(name: str) -> FloatArray:
        values: FloatArray = rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        return values

    deflated = np.full(n, np.nan)
    if search is not None:
        deflated = deflated_sharpe(
            column("sharpe_period"),
            column("days"),
            column("skewness"),
            column("kurtosis"),
            variance=search.variance,
            trials=search.trials,
        )
        deflated = np.where(np.isnan(column("psr")), np.nan, deflated)
    inputs = {name: deflated if name == "dsr" else column(own) for name, own in _READ.items()}
    value = scores(inputs)
    enough = inputs["trades"] >= min_trades
    return rows.with_columns(
        pl.Series("dsr", deflated).fill_nan(None),
        (pl.lit(None, pl.String) if search is None else pl.col("psr_null")).alias("dsr_null"),
        pl.Series("score", value).fill_nan(None),
        _names("penalties", tag_masks(inputs), n),
        pl.Series("qualified", enough & np.isfinite(value)),
        pl.Series("insufficient_data", ~enough),
    )


def trial_ratios(rows: pl.DataFrame) -> FloatArray:
    """The daily Sharpe ratio of every row (n,), NaN where it has none."""
    values: FloatArray = rows["sharpe_period"].fill_null(np.nan).to_numpy()
    return values


def returns_of(rows: pl.DataFrame) -> npt.NDArray[np.float32]:
    """Daily returns (n, T) of rows as ``sweep_span`` gives them."""
    values: npt.NDArray[np.float32] = rows[RETURNS].to_numpy()
    return values


def score_inputs_of(row: Mapping[str, Any]) -> ScoreInputs:
    """The inputs of one scored row."""
    given = {name: row[own] for name, own in _READ.items()}
    return ScoreInputs(**{n: None if v is None else float(v) for n, v in given.items()})
