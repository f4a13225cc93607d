"""All metrics of one simulation result, from its logs and its account at the end.

Ratios come from daily mark-to-market returns, flat days included, 260 days a year. Spans too
short to annualise give null with a reason; after ruin every ratio is null. Formulas and least
samples: reference/statistics.md, 1.2 to 1.5.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from hotband.core.records import Record, Records
from hotband.errors import IntegrityError
from hotband.research import trades as trade_measures
from hotband.research.metric import Metric, undefined
from hotband.research.series import (
    RUINED,
    DailySeries,
    FloatArray,
    ReturnMode,
    TradingWindow,
    daily_returns,
    require_balance,
)
from hotband.research.sharpe import (
    DAYS_PER_YEAR,
    EXACT_BELOW,
    ROUNDING,
    Z90,
    SharpeEstimate,
    annual_factor,
    estimate,
    hac_lag,
    is_constant,
    long_run_variance,
)
from hotband.research.trades import Trades, closed_trades, exposure_time, round_trip_cost

ANNUAL_FROM: Final = 20
"""Eligible days from which a ratio is annualised."""
CALMAR_FROM: Final = 260
NAV_FLOOR: Final = 1e-4
"""Least loss a profit factor divides by, of the start balance."""
_YEAR: Final = "year"

__all__ = [
    "Metric",
    "MetricInputs",
    "calmar",
    "compute_metrics",
    "daily_t",
    "mar_window",
    "max_drawdown_daily",
    "sharpe",
    "sharpe_period",
    "sortino",
    "ulcer",
]


@dataclass(frozen=True, slots=True, eq=False)
class MetricInputs:
    """What a simulation leaves behind.

    ``fills`` and ``days``: the whole logs, cut to their length. ``account``: (1,) at the end.
    ``end_ns``: end of the window, until which open tickets count as open. ``pip_sizes``:
    (instruments,) price of a pip by instrument number. ``mode``: what daily profit is divided
    by. Logs shorter than the account counted raise IntegrityError.
    """

    fills: Records
    days: Records
    account: Records
    start_balance: float
    window: TradingWindow
    end_ns: int
    pip_sizes: FloatArray
    mode: ReturnMode = ReturnMode.COMPOUNDING

    def __post_init__(self) -> None:
        require_balance(self.start_balance)
        got = (len(self.account), len(self.fills), len(self.days))
        due = (1, int(self.account["fills"][0]), int(self.account["days"][0]))
        if got != due:
            raise IntegrityError(
                "rows of (account, fills, days)",
                got,
                f"{due}, as the account counted",
                "Give the logs more room and cut them to their length.",
            )


# Ratios of daily returns --------------------------------------------------------------------


def _estimated(returns: FloatArray) -> SharpeEstimate | str:
    if len(returns) < 2:
        return "lt_2_days" if len(returns) else "data_gap"
    if is_constant(returns):
        return "zero_variance"
    found = estimate(returns)
    return "moments_unstable" if found is None else found


def _few_days(n: int) -> tuple[str, ...]:
    return ("few_days",) if n < EXACT_BELOW else ()


def _scaled(found: SharpeEstimate, factor: float, period: str, *flags: str) -> Metric:
    return Metric(
        value=found.ratio * factor,
        n=found.n,
        se=found.se * factor,
        ci90=(found.ci90[0] * factor, found.ci90[1] * factor),
        period=period,
        method=f"se: larger of mertens and hac; ci90: {'exact normal' if found.exact else 'se'}",
        flags=_few_days(found.n) + flags,
    )


def sharpe(returns: FloatArray) -> Metric:
    """Annual Sharpe ratio of daily returns (T,) that hold 0 for flat days; rate of cash 0.

    Null: data_gap (T = 0), lt_2_days, zero_variance, moments_unstable, and window_too_short
    below 20 days, where only daily_t is shown.
    """
    found = _estimated(returns)
    if isinstance(found, str):
        return undefined(found, n=len(returns), period=_YEAR)
    if found.n < ANNUAL_FROM:
        return undefined("window_too_short", n=found.n, period=_YEAR)
    factor, corrected = annual_factor(returns, found.ratio)
    return _scaled(found, factor, _YEAR, *(("lo_corrected",) if corrected else ()))


def sharpe_period(returns: FloatArray) -> Metric:
    """Sharpe ratio of one day, not annualised; null as sharpe, but from 2 days on."""
    found = _estimated(returns)
    if isinstance(found, str):
        return undefined(found, n=len(returns), period="day")
    return _scaled(found, 1.0, "day")


def daily_t(returns: FloatArray) -> Metric:
    """Student's t of the mean daily return: Sharpe x sqrt T, with the interval of its centre."""
    found = _estimated(returns)
    if isinstance(found, str):
        return undefined(found, n=len(returns), period="window")
    return _scaled(found, found.n**0.5, "window")


def sortino(returns: FloatArray) -> Metric:
    """Annual mean over downside deviation, whose divisor is all T days; target 0.

    The error is by the delta method, the larger of the plain and the HAC one. Null: data_gap,
    lt_2_days, no_downside, window_too_short below 20 days.
    """
    n = len(returns)
    if n < 2:
        return undefined("lt_2_days" if n else "data_gap", n=n, period=_YEAR)
    below = np.minimum(returns, 0.0)
    downside = float(np.sqrt((below**2).mean()))
    if downside <= ROUNDING:
        return undefined("no_downside", n=n, period=_YEAR)
    if n < ANNUAL_FROM:
        return undefined("window_too_short", n=n, period=_YEAR)
    mean, annual = float(returns.mean()), DAYS_PER_YEAR**0.5
    ratio = mean / downside
    psi = (returns - mean) / downside - 0.5 * ratio * ((below / downside) ** 2 - 1.0)
    plain = long_run_variance(psi, 0) / (n - 1)
    se = max(plain, long_run_variance(psi, hac_lag(n)) / n) ** 0.5 * annual
    value = ratio * annual
    return Metric(
        value=value,
        n=n,
        se=se,
        ci90=(value - Z90 * se, value + Z90 * se),
        period=_YEAR,
        method="delta, larger of plain and hac",
        flags=_few_days(n),
    )


# Drawdown -----------------------------------------------------------------------------------


def max_drawdown_daily(series: DailySeries) -> tuple[Metric, Metric]:
    """(home currency, percent of the peak) of the deepest fall at daily marks; 0 without one."""
    fall, n = series.peak - series.equity, len(series.day)
    if n == 0:
        return undefined("data_gap", n=0), undefined("data_gap", n=0)
    deepest = float((100.0 * fall / series.peak).max())
    return (
        Metric(value=float(fall.max()), n=n, period="window", method="daily marks"),
        Metric(value=deepest, n=n, period="window", method="daily marks"),
    )


def ulcer(series: DailySeries) -> Metric:
    """Root mean square of the percentage below the peak over all T days; 0 without a fall."""
    n = len(series.day)
    if n == 0:
        return undefined("data_gap", n=0, period="window")
    fall = (series.peak - series.equity) / series.peak
    return Metric(value=100.0 * float(np.sqrt((fall**2).mean())), n=n, period="window")


def calmar(growth: float, max_dd_frac: float, n_days: int) -> Metric:
    """Annual growth over maximal drawdown; ``growth`` is equity at the end over the start.

    Null: zero_drawdown, window_too_short below 260 eligible days.
    """
    if max_dd_frac <= ROUNDING:
        return undefined("zero_drawdown", n=n_days, period=_YEAR)
    if n_days < CALMAR_FROM:
        return undefined("window_too_short", n=n_days, period=_YEAR)
    value = (growth ** (DAYS_PER_YEAR / n_days) - 1.0) / max_dd_frac
    return Metric(value=value, n=n_days, period=_YEAR)


def mar_window(growth: float, max_dd_frac: float, n_days: int) -> Metric:
    """Return over maximal drawdown of the window, not annualised; null: zero_drawdown."""
    if max_dd_frac <= ROUNDING:
        return undefined("zero_drawdown", n=n_days, period="window")
    return Metric(value=(growth - 1.0) / max_dd_frac, n=n_days, period="window")


# Everything ---------------------------------------------------------------------------------

RATIOS: Final = (
    "sharpe",
    "sharpe_period",
    "daily_t",
    "sortino",
    "calmar",
    "mar_window",
    "ulcer",
    "profit_factor",
    "profit_factor_shrunk",
    "win_rate",
    "win_loss_ratio",
    "pnl_to_drawdown",
    "exposure_time",
    "turnover",
    "cost_share",
)
"""What ruin leaves undefined."""
IDLE: Final = (*RATIOS[:6], "pnl_to_drawdown", "cost_share")
"""Ratios that an account without a single entry leaves undefined."""


def compute_metrics(inputs: MetricInputs) -> dict[str, Metric]:
    """Every metric of a result by name.

    Money in home currency; ``_pct`` and ``ulcer`` in percent; ``win_rate``, ``exposure_time``
    and ``cost_share`` fractions; ``turnover`` times the mean equity per year. Costs are
    positive where paid. After ruin ratios are null and ``return_pct`` is -100.
    """
    account: Record = inputs.account[0]
    trades = closed_trades(inputs.fills, inputs.pip_sizes)
    series = daily_returns(inputs.days, inputs.start_balance, inputs.window, inputs.mode)
    floor = max(round_trip_cost(trades, account), NAV_FLOOR * inputs.start_balance)
    metrics = {
        **_levels(inputs, account, series, trades),
        **_of_days(inputs, account, series),
        **_of_trades(trades, floor),
        **_costs(account, float(account["nav"]) - inputs.start_balance, floor),
        "exposure_time": exposure_time(inputs.fills, inputs.end_ns, inputs.window),
    }
    if not len(inputs.fills):
        metrics |= _without_values(metrics, IDLE, "no_trades")
    spent = account["nav"] <= RUINED * inputs.start_balance
    if series.ruined or account["ruined"] == 1 or spent:
        metrics |= _without_values(metrics, RATIOS, "ruin")
        metrics["return_pct"] = Metric(value=-100.0, period="window", flags=("ruin",))
    return metrics


def _without_values(
    metrics: dict[str, Metric], names: tuple[str, ...], reason: str
) -> dict[str, Metric]:
    return {n: undefined(reason, n=metrics[n].n, period=metrics[n].period) for n in names}


def _amount(value: float, *flags: str, n: int | None = None, method: str | None = None) -> Metric:
    return Metric(value=float(value), n=n, period="window", method=method, flags=flags)


def _levels(
    inputs: MetricInputs, account: Record, series: DailySeries, trades: Trades
) -> dict[str, Metric]:
    pnl, n = float(account["nav"]) - inputs.start_balance, len(series.day)
    max_dd = float(account["max_dd"])
    still_open = ("open_tickets",) if account["positions"] > 0 else ()
    fall, fall_pct = max_drawdown_daily(series)
    entries = inputs.fills["t"][inputs.fills["kind"] == 1]
    flat = account["max_dd_frac"] <= ROUNDING
    return {
        "trades": _amount(len(trades), *still_open),
        "pnl": _amount(pnl, *still_open),
        "return_pct": _amount(100.0 * pnl / inputs.start_balance, *still_open),
        "max_dd": _amount(max_dd, method="every bar"),
        "max_dd_pct": _amount(100.0 * account["max_dd_frac"], method="every bar"),
        "max_dd_daily": fall,
        "max_dd_pct_daily": fall_pct,
        "pnl_to_drawdown": undefined("zero_drawdown", n=n, period="window")
        if flat
        else _amount(pnl / max_dd, n=n),
        "trades_per_day": _amount(len(trades) / n, n=n) if n else undefined("data_gap", n=0),
        "active_days": _amount(inputs.window.active_days(entries)),
        "days": _amount(n),
        "days_excluded": _amount(series.excluded),
    }


def _of_days(inputs: MetricInputs, account: Record, series: DailySeries) -> dict[str, Metric]:
    returns, n = series.returns, len(series.day)
    growth = float(account["nav"]) / inputs.start_balance
    dd = float(account["max_dd_frac"])
    metrics = {
        "sharpe": sharpe(returns),
        "sharpe_period": sharpe_period(returns),
        "daily_t": daily_t(returns),
        "sortino": sortino(returns),
        "ulcer": ulcer(series),
        "turnover": _turnover(float(account["turnover"]), series),
    }
    if growth > 0.0:
        metrics |= {"calmar": calmar(growth, dd, n), "mar_window": mar_window(growth, dd, n)}
    else:
        metrics |= {"calmar": undefined("ruin", n=n), "mar_window": undefined("ruin", n=n)}
    if series.excluded:
        metrics = {
            name: m.model_copy(update={"flags": (*m.flags, "days_excluded")})
            for name, m in metrics.items()
        }
    return metrics


def _turnover(traded: float, series: DailySeries) -> Metric:
    n = len(series.day)
    if n < ANNUAL_FROM:
        return undefined("window_too_short" if n else "data_gap", n=n, period=_YEAR)
    mean = float(series.equity.mean())
    if mean <= 0.0:
        return undefined("ruin", n=n, period=_YEAR)
    return Metric(value=traded / mean * DAYS_PER_YEAR / n, n=n, period=_YEAR)


def _of_trades(trades: Trades, floor: float) -> dict[str, Metric]:
    per_trade = trade_measures.per_trade
    return {
        "profit_factor": trade_measures.profit_factor(trades.net, floor),
        "profit_factor_shrunk": trade_measures.profit_factor_shrunk(trades.net),
        "win_rate": trade_measures.win_rate(trades.net),
        "win_loss_ratio": trade_measures.win_loss_ratio(trades.net),
        "expectancy": trade_measures.expectancy(trades),
        "avg_hold_minutes": per_trade(trades.hold_minutes),
        "median_hold_minutes": per_trade(trades.hold_minutes, median=True),
        "median_trade_pnl": per_trade(trades.net, median=True),
        "avg_mae": per_trade(trades.mae),
        "avg_mfe": per_trade(trades.mfe),
        "avg_mae_pips": per_trade(trades.mae_pips),
        "avg_mfe_pips": per_trade(trades.mfe_pips),
    }


def _costs(account: Record, pnl: float, floor: float) -> dict[str, Metric]:
    parts = {
        name: float(account[name]) for name in ("commission", "slippage", "spread", "conversion")
    }
    parts["financing"] = 0.0 - float(account["financing"])  # never -0.0
    total = sum(parts.values())
    before = pnl + total
    flags = ("gross_floored",) if before < floor else ()
    return {
        "cost_total": _amount(total),
        **{f"cost_{name}": _amount(value) for name, value in parts.items()},
        "cost_share": _amount(total / max(before, floor), *flags),
    }
