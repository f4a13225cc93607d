"""Results as tables for a terminal."""

from rich.console import Console
from rich.table import Table

from hotband.core import codes
from hotband.market.calendar import format_time
from hotband.report.notes import notes_of_result
from hotband.research.metric import Metric
from hotband.research.result import SimulationResult

_MONEY = {
    "pnl", "max_dd", "max_dd_daily", "expectancy", "median_trade_pnl", "avg_mae", "avg_mfe",
    "cost_total", "cost_commission", "cost_slippage", "cost_spread", "cost_conversion",
    "cost_financing",
}  # fmt: skip
_SHARES = {"max_dd_pct", "max_dd_pct_daily", "return_pct", "ulcer"}
_HEAD = (
    "trades", "pnl", "return_pct", "profit_factor", "win_rate", "win_loss_ratio", "expectancy",
    "median_trade_pnl", "avg_hold_minutes", "max_dd", "max_dd_pct", "pnl_to_drawdown", "sharpe",
    "daily_t", "sortino", "exposure_time", "avg_mae_pips", "avg_mfe_pips", "cost_total",
    "cost_commission", "cost_spread", "cost_slippage", "cost_conversion", "cost_financing", "days",
)  # fmt: skip
_DIRECTIONS = {"LONG": "long", "SHORT": "short"}


def _value(name: str, metric: Metric, currency: str) -> str:
    if metric.value is None:
        return f"- ({metric.reason_text})"
    if name in _MONEY:
        return f"{metric.value + 0.0:,.2f} {currency}"
    if name in _SHARES:
        return f"{metric.value:.2f} %"
    if metric.value == int(metric.value) and abs(metric.value) < 1e9:
        return f"{int(metric.value):,}"
    return f"{metric.value:,.3f}"


def _interval(metric: Metric) -> str:
    if metric.ci90 is None:
        return ""
    low, high = metric.ci90
    return f"{low:,.2f} .. {high:,.2f}"


def metrics_table(result: SimulationResult) -> Table:
    """The metrics with their 90 % intervals; a missing value shows its reason."""
    table = Table(title="Metrics", title_justify="left")
    table.add_column("metric")
    table.add_column("value", justify="right")
    table.add_column("90 % interval", justify="right")
    table.add_column("flags")
    for name in _HEAD:
        metric = result.metrics[name]
        table.add_row(
            name, _value(name, metric, result.currency), _interval(metric), ", ".join(metric.flags)
        )
    return table


def funnel_table(result: SimulationResult) -> Table:
    """Gates by the furthest stage they reached, per instrument, and what stopped the rest."""
    table = Table(title="Funnel", title_justify="left")
    table.add_column("instrument")
    for name in ("gates", "admitted", "sized", "planned", "filled"):
        table.add_column(name, justify="right")
    table.add_column("stopped by")
    order = {reason.name: reason.code for reason in codes.REASONS.values()}
    for name, part in result.parts.items():
        funnel = part.funnel
        lost = sorted(funnel.refusals.items(), key=lambda item: order[item[0]])
        table.add_row(
            name,
            *(f"{getattr(funnel, stage):,}" for stage in funnel.__slots__[:5]),
            ", ".join(f"{reason} {count:,}" for reason, count in lost),
        )
    return table


def trades_table(result: SimulationResult, rows: int = 8) -> Table:
    """The first ``rows`` trades."""
    frame = result.trades.head(rows)
    title = f"Trades (first {frame.height} of {result.trades.height:,})"
    table = Table(title=title, title_justify="left")
    for name in ("instrument", "side", "opened (UTC)", "closed (UTC)", "reason", "source"):
        table.add_column(name)
    for name in ("units", "entry", "exit", "pnl"):
        table.add_column(name, justify="right")
    for row in frame.to_dicts():
        precision = result.parts[row["instrument"]].feed.instrument.display_precision
        table.add_row(
            row["instrument"],
            _DIRECTIONS[row["direction"]],
            f"{row['entry_time']:%Y-%m-%d %H:%M}",
            f"{row['exit_time']:%Y-%m-%d %H:%M}",
            row["exit_reason"],
            row["source"],
            f"{row['units']:,.0f}",
            f"{row['entry_price']:.{precision}f}",
            f"{row['exit_price']:.{precision}f}",
            f"{row['pnl']:,.2f}",
        )
    return table


def print_result(console: Console, result: SimulationResult) -> None:
    """The whole result: what was run, what came out, what to know about it."""
    start, end = (format_time(t) for t in result.window)
    console.print(
        f"{', '.join(result.instruments)}  {start} to {end}  "
        f"balance {result.balance:,.0f} {result.currency}  cost {result.cost_bps:g} bps"
    )
    coverage = result.coverage
    real, synthetic = coverage.real_minutes, coverage.synthetic_minutes
    console.print(
        f"gates: {result.source}; of {coverage.minutes:,.0f} minutes {real:,.0f} had a real and "
        f"{synthetic:,.0f} a synthetic gate"
    )
    console.print(metrics_table(result))
    console.print(funnel_table(result))
    console.print(trades_table(result))
    if result.open_positions.height:
        console.print(f"{result.open_positions.height} tickets still open at the end")
    for note in notes_of_result(result):
        console.print(f"note: {note}")
