"""From swept cells to the columns of a grid's rows: every metric of the simulator, many at once.

The formulas are those of ``research.measures``, written for a chunk of cells; a test holds each
column against a single simulation. A missing value is NaN here and null in artefacts, and
``reasons`` says why by the same codes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from hotband.core.records import Records
from hotband.research.measures import ANNUAL_FROM, CALMAR_FROM, IDLE, NAV_FLOOR, RATIOS
from hotband.research.series import RUINED, BoolArray, FloatArray, TradingWindow
from hotband.research.sharpe import DAYS_PER_YEAR, EXACT_BELOW, LO_FROM, LO_LAGS, ROUNDING
from hotband.research.sweep import EXITS
from hotband.research.trades import FEW_OUTCOMES, FEW_TRADES

Reasons = npt.NDArray[np.int8]
"""Per row an index into ``REASON_CODES``; 0 = the value stands."""

REASON_CODES: Final = (
    "", "no_trades", "lt_2_days", "zero_variance", "no_losses", "no_wins", "no_downside",
    "zero_drawdown", "ruin", "window_too_short", "moments_unstable", "data_gap",
)  # fmt: skip
_CODE: Final = {name: index for index, name in enumerate(REASON_CODES)}


@dataclass(frozen=True, eq=False)
class Column:
    """One metric of a chunk: values (n,), NaN where missing, and why, if it can be missing."""

    values: FloatArray
    reasons: Reasons
    nullable: bool


@dataclass(frozen=True, eq=False)
class MetricColumns:
    """The metrics of a chunk of cells.

    ``columns`` by metric; ``flags``: code of ``metric.FLAGS`` -> which rows (n,) carry it;
    ``returns`` (n, T): daily returns on eligible days, flat days included.
    """

    columns: dict[str, Column]
    flags: dict[str, BoolArray]
    returns: FloatArray


@dataclass(frozen=True, eq=False)
class DayStats:
    """Daily returns of a chunk on eligible days, and what follows from them; arrays (n,).

    ``returns``, ``equity`` and ``peak`` are (n, T).
    """

    returns: FloatArray
    equity: FloatArray
    peak: FloatArray
    mean: FloatArray
    deviation: FloatArray
    """Sample standard deviation (ddof 1)."""
    skewness: FloatArray
    kurtosis: FloatArray
    constant: BoolArray
    ruined: BoolArray
    excluded: int

    @property
    def n(self) -> int:
        """Eligible days."""
        return int(self.returns.shape[1])


def day_stats(
    equity: FloatArray, labels: npt.NDArray[np.integer], window: TradingWindow, balance: float
) -> DayStats:
    """Statistics of daily equity (n, D) at the day ``labels`` (D,), as ``daily_returns`` does.

    Rows lie in one piece each, so that a row's sums do not depend on how many others there are.
    """
    every = np.union1d(window.day, labels)
    start = np.full((len(equity), 1), balance)
    at = np.searchsorted(labels, every, side="right")
    path = np.concatenate((start, np.concatenate((start, equity), axis=1)[:, at]), axis=1)
    dead = np.minimum.accumulate(path, axis=1)[:, :-1] <= RUINED * balance
    base = np.where(dead, balance, path[:, :-1])
    returns = np.where(dead, 0.0, np.diff(path, axis=1) / base)
    keep = np.zeros(len(every), np.bool_)
    keep[np.searchsorted(every, window.day)] = window.eligible
    kept = np.ascontiguousarray(returns[:, keep])
    n = kept.shape[1]
    if n == 0:
        nothing = np.full(len(equity), np.nan)
        mean = deviation = skewness = kurtosis = nothing
        constant = np.ones(len(equity), np.bool_)
    else:
        mean = kept.mean(axis=1)
        centred = kept - mean[:, None]
        population = kept.std(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            deviation = population * np.sqrt(n / (n - 1)) if n > 1 else np.full(len(mean), np.nan)
            z = centred / population[:, None]
            skewness, kurtosis = (z**3).mean(axis=1), (z**4).mean(axis=1)
        constant = (kept.max(axis=1) - kept.min(axis=1)) <= ROUNDING
    return DayStats(
        returns=kept,
        equity=np.ascontiguousarray(path[:, 1:][:, keep]),
        peak=np.ascontiguousarray(np.maximum.accumulate(path, axis=1)[:, 1:][:, keep]),
        mean=mean,
        deviation=deviation,
        skewness=skewness,
        kurtosis=kurtosis,
        constant=constant,
        ruined=path.min(axis=1) <= RUINED * balance,
        excluded=int(np.count_nonzero(~keep)),
    )


def _lo_factor(days: DayStats, ratio: FloatArray) -> FloatArray:
    """Factor from daily to annual Sharpe, lowered for autocorrelation where it is significant."""
    plain = np.full(len(ratio), DAYS_PER_YEAR**0.5)
    n = days.n
    if n < LO_FROM:
        return plain
    centred = days.returns - days.mean[:, None]
    squares = (centred**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = np.stack(
            [
                (centred[:, k:] * centred[:, :-k]).sum(axis=1) / squares
                for k in range(1, LO_LAGS + 1)
            ],
            axis=1,
        )
        lags = np.arange(1, LO_LAGS + 1)
        p = special.chdtrc(LO_LAGS, n * (n + 2.0) * (rho**2 / (n - lags)).sum(axis=1))
        total = DAYS_PER_YEAR + 2.0 * ((DAYS_PER_YEAR - lags) * rho).sum(axis=1)
        eta = DAYS_PER_YEAR / np.sqrt(total)
        lower = (p < 0.05) & (total > 0.0) & (ratio * eta < ratio * plain)
    return np.where(lower, eta, plain)


class _Columns:
    """Columns in the making; a metric takes the first reason that holds for a row."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.made: dict[str, Column] = {}

    def add(self, name: str, values: npt.ArrayLike, *nulls: tuple[str, BoolArray | bool]) -> None:
        """A metric, and in order of precedence the reasons and rows for which it is missing."""
        filled = np.broadcast_to(np.asarray(values, np.float64), (self.n,)).copy()
        reasons = np.zeros(self.n, np.int8)
        for reason, rows in nulls:
            reasons[np.broadcast_to(rows, (self.n,)) & (reasons == 0)] = _CODE[reason]
        filled[reasons != 0] = np.nan
        self.made[name] = Column(filled, reasons, bool(nulls) or name in _RATIOS)

    def blank(self, names: tuple[str, ...], reason: str, rows: BoolArray) -> None:
        """Take the values of some metrics away where ``rows`` is true."""
        for name in names:
            column = self.made[name]
            column.reasons[rows] = _CODE[reason]
            column.values[rows] = np.nan


_OF_ROWS: Final = ("psr", "skewness", "kurtosis")
"""What rows have of daily returns beside the metrics of one result."""
_RATIOS: Final = (*RATIOS, *_OF_ROWS)
_IDLE: Final = (*IDLE, *_OF_ROWS)


def _daily(out: _Columns, rows: Records, days: DayStats, balance: float) -> None:
    n = days.n
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = days.mean / days.deviation
        skewed, tailed = days.skewness * ratio, 0.25 * (days.kurtosis - 1.0) * ratio**2
        variance = 1.0 - skewed + tailed
        unstable = ~(variance > 1e-12 * (1.0 + np.abs(skewed) + tailed))
        psr = stats.norm.cdf(ratio * np.sqrt(max(n - 1, 0)) / np.sqrt(variance))
        below = np.minimum(days.returns, 0.0)
        downside = np.sqrt((below**2).mean(axis=1)) if n else np.zeros(len(rows))
        sortino = days.mean / downside * DAYS_PER_YEAR**0.5
    few = (("data_gap", n == 0), ("lt_2_days", n < 2))
    usable = (*few, ("zero_variance", days.constant), ("moments_unstable", unstable))
    short = ("window_too_short", n < ANNUAL_FROM)
    out.add("sharpe", ratio * _lo_factor(days, ratio), *usable, short)
    out.add("sharpe_period", ratio, *usable)
    out.add("daily_t", ratio * n**0.5, *usable)
    out.add("psr", psr, *usable, short)
    out.add("skewness", days.skewness, *usable)
    out.add("kurtosis", days.kurtosis, *usable)
    out.add("sortino", sortino, *few, ("no_downside", downside <= ROUNDING), short)
    fall = days.peak - days.equity
    deepest = fall.max(axis=1) if n else np.zeros(len(rows))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = fall / days.peak
        ulcer = 100.0 * np.sqrt((share**2).mean(axis=1)) if n else deepest
        share_pct = 100.0 * share.max(axis=1) if n else deepest
        held = days.equity.mean(axis=1) if n else deepest
        turnover = rows["turnover"] / held * DAYS_PER_YEAR / max(n, 1)
        growth = rows["nav"] / balance
        calmar = (np.maximum(growth, 0.0) ** (DAYS_PER_YEAR / max(n, 1)) - 1.0) / rows[
            "max_dd_frac"
        ]
        mar = (growth - 1.0) / rows["max_dd_frac"]
    gap = ("data_gap", n == 0)
    out.add("max_dd_daily", deepest, gap)
    out.add("max_dd_pct_daily", share_pct, gap)
    out.add("ulcer", ulcer, gap)
    out.add("turnover", turnover, gap, short, ("ruin", held <= 0.0))
    flat = ("zero_drawdown", rows["max_dd_frac"] <= ROUNDING)
    gone = ("ruin", growth <= 0.0)
    out.add("calmar", calmar, gone, flat, ("window_too_short", n < CALMAR_FROM))
    out.add("mar_window", mar, gone, flat)


def _trades(out: _Columns, rows: Records, pip: float, floor: FloatArray) -> None:
    n = rows["trades"].astype(np.float64)
    none = ("no_trades", n == 0)
    no_wins = ("no_wins", (rows["wins"] == 0) & (rows["losses"] == 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        prior = 5.0 * rows["absolute"] / n
        lost = np.maximum(rows["lost"], floor)
        values = {
            "profit_factor": rows["won"] / lost,
            "profit_factor_shrunk": (rows["won"] + prior) / (rows["lost"] + prior),
            "win_rate": rows["wins"] / (rows["wins"] + rows["losses"]),
            "win_loss_ratio": (rows["won"] / rows["wins"]) / (rows["lost"] / rows["losses"]),
            "expectancy": rows["net"] / n,
            "avg_hold_minutes": rows["minutes"] / n,
            "avg_mae": rows["mae"] / n,
            "avg_mfe": rows["mfe"] / n,
            "avg_mae_pips": rows["mae_price"] / pip / n,
            "avg_mfe_pips": rows["mfe_price"] / pip / n,
        }
    out.add("profit_factor", values["profit_factor"], none, no_wins, ("no_losses", lost <= 0.0))
    out.add("profit_factor_shrunk", values["profit_factor_shrunk"], none, no_wins)
    out.add("win_rate", values["win_rate"], none, no_wins)
    out.add(
        "win_loss_ratio", values["win_loss_ratio"], none,
        ("no_wins", rows["wins"] == 0), ("no_losses", rows["losses"] == 0),
    )  # fmt: skip
    means = ("expectancy", "avg_hold_minutes", "avg_mae", "avg_mfe", "avg_mae_pips", "avg_mfe_pips")
    for name in means:
        out.add(name, values[name], none)
    out.add("median_trade_pnl", rows["median_net"], none)
    out.add("median_hold_minutes", rows["median_minutes"], none)
    out.add("best_trade", rows["best"], none)
    out.add("worst_trade", rows["worst"], none)


def metric_columns(
    rows: Records,
    equity: FloatArray,
    labels: npt.NDArray[np.integer],
    window: TradingWindow,
    balance: float,
    pip: float,
) -> MetricColumns:
    """Every metric of ``measures.compute_metrics`` for cells.

    Beside those, ``psr`` (against 0), ``skewness`` and ``kurtosis`` (3 for a normal) of daily
    returns.

    Args:
        rows: (n,) ROW of ``sweep_cells``.
        equity: (n, D) daily equity of the same cells.
        labels: (D,) days of its columns.
        window: The trading days, and which are eligible.
        balance: At the start, home currency.
        pip: Price of one pip.

    Returns:
        The columns, in which no value is infinite, with flags and daily returns.
    """
    days = day_stats(equity, labels, window, balance)
    out = _Columns(len(rows))
    floor = _levels_and_costs(out, rows, days, balance)
    market = window.market_ns
    _daily(out, rows, days, balance)
    _trades(out, rows, pip, floor)
    exposure = rows["exposure"] / market if market else np.zeros(len(rows))
    out.add("exposure_time", exposure, ("data_gap", market == 0))
    out.blank(_IDLE, "no_trades", rows["fills"] == 0)
    ruined = days.ruined | (rows["ruined"] == 1) | (rows["nav"] <= RUINED * balance)
    out.blank(_RATIOS, "ruin", ruined)
    out.made["return_pct"].values[ruined] = -100.0
    return MetricColumns(out.made, _flags(out, rows, days, floor, ruined), days.returns)


def _flags(
    out: _Columns, rows: Records, days: DayStats, floor: FloatArray, ruined: BoolArray
) -> dict[str, BoolArray]:
    """What qualifies the numbers of each row, as ``measures`` flags those of one result."""
    few = np.minimum(rows["wins"], rows["losses"]) < FEW_OUTCOMES
    traded = rows["trades"] > 0
    before = out.made["pnl"].values + out.made["cost_total"].values
    plain = out.made["sharpe_period"].values * DAYS_PER_YEAR**0.5
    return {
        "few_trades": traded & (few | (rows["trades"] < FEW_TRADES)),
        "few_days": np.full(len(rows), days.n < EXACT_BELOW),
        "days_excluded": np.full(len(rows), days.excluded > 0),
        "lo_corrected": out.made["sharpe"].values < plain * (1.0 - 1e-12),
        "pf_loss_floored": traded & (rows["lost"] < floor),
        "gross_floored": before < floor,
        "open_tickets": rows["open"] > 0,
        "ruin": ruined,
    }


def _levels_and_costs(out: _Columns, rows: Records, days: DayStats, balance: float) -> FloatArray:
    """Money, drawdown, days and costs; the least loss that a profit factor divides by."""
    parts = {name: rows[name] for name in ("commission", "slippage", "spread", "conversion")}
    parts["financing"] = 0.0 - rows["financing"]
    paid = sum(parts[name] for name in ("commission", "slippage", "spread", "conversion"))
    total = sum(parts.values())
    with np.errstate(divide="ignore", invalid="ignore"):
        per_trade = np.where(
            (rows["trades"] > 0) & (rows["turnover"] > 0.0),
            np.maximum(0.0, paid / rows["turnover"] * 2.0 * rows["median_notional"]),
            0.0,
        )
    floor = np.maximum(per_trade, NAV_FLOOR * balance)
    pnl = rows["nav"] - balance
    n = days.n
    out.add("trades", rows["trades"])
    out.add("pnl", pnl)
    out.add("return_pct", 100.0 * pnl / balance)
    out.add("max_dd", rows["max_dd"])
    out.add("max_dd_pct", 100.0 * rows["max_dd_frac"])
    with np.errstate(divide="ignore", invalid="ignore"):
        to_drawdown = pnl / rows["max_dd"]
    out.add("pnl_to_drawdown", to_drawdown, ("zero_drawdown", rows["max_dd_frac"] <= ROUNDING))
    out.add("trades_per_day", rows["trades"] / max(n, 1), ("data_gap", n == 0))
    out.add("active_days", rows["active_days"])
    out.add("days", n)
    out.add("days_excluded", days.excluded)
    out.add("cost_total", total)
    for name, values in parts.items():
        out.add(f"cost_{name}", values)
    out.add("cost_share", total / np.maximum(pnl + total, floor))
    return floor


def exit_counts(rows: Records) -> Mapping[str, npt.NDArray[np.int64]]:
    """Trades by what closed them, (n,) each; they add up to the trades."""
    return {name: rows["exits"][:, code - EXITS[0][1]] for name, code in EXITS}
