"""Grid results as tables for a terminal."""

from collections.abc import Sequence
from typing import Final

import polars as pl
from rich.console import Console
from rich.table import Table

from hotband.artefacts.judgement import PromotionFacts
from hotband.artefacts.schemas import Instrument, Latest
from hotband.report.notes import notes_of_run


def _number(value: float | None, form: str = ",.2f") -> str:
    return "-" if value is None else format(value, form)


def latest_table(latest: Latest) -> Table:
    """The chosen cell of each instrument and what became of it after; what failed says why.

    ``judged`` is the PnL of the hold-out, which the choice never saw.
    """
    title = f"Run {latest.run_id}: {latest.window.start} to {latest.window.end}"
    table = Table(title=title, title_justify="left")
    table.add_column("instrument", no_wrap=True)
    for name in (
        "hazard_x",
        "reps",
        "hold",
        "expo.",
        "trades",
        "PnL",
        "PF",
        "Sharpe",
        "max DD",
        "judged",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("real", justify="right", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    for name, entry in latest.instruments.items():
        if not isinstance(entry, Instrument):
            blanks = ["-"] * 12
            table.add_row(name, *blanks, f"failed: {entry.error.message}")
            continue
        metrics, params = entry.metrics, entry.params
        real, judged = entry.gate_coverage.real_fraction, entry.judgement.hold_out
        table.add_row(
            name,
            _number(params.hazard_x),
            str(params.min_reps),
            f"{params.hold_minutes:g}",
            f"{params.exposure:g}",
            _number(metrics["trades"], ",.0f"),
            _number(metrics["pnl"]),
            _number(metrics.get("profit_factor")),
            _number(metrics["sharpe"]),
            _number(metrics["max_dd"]),
            _number(None if judged is None else judged.metrics["pnl"]),
            _number(None if real is None else 100.0 * real, ".0f") + " %",
            _number(entry.score, ".1f"),
            verdict(entry),
        )
    return table


def print_latest(console: Console, latest: Latest) -> None:
    """The table of a run, and what to know of it."""
    console.print(latest_table(latest))
    for note in notes_of_run(latest):
        console.print(f"note: {note}")


def verdict(entry: Instrument) -> str:
    """Whether the evidence lets the cell trade, else what says no first; the tag that binds."""
    promotion = entry.judgement.promotion
    words = ["promoted" if promotion.promoted else f"not promoted: {_refusal(promotion)}"]
    if not entry.qualified:
        words.append("not qualified")
    if entry.penalties:
        least = min(
            entry.penalties, key=lambda penalty: 100.0 if penalty.cap is None else penalty.cap
        )
        more = len(entry.penalties) - 1
        words.append(f"{least.tag} and {more} more" if more else least.tag)
    return "; ".join(words)


def _refusal(promotion: PromotionFacts) -> str:
    gate = next(gate for gate in promotion.gates if not gate.passed)
    sign = "at least" if gate.at_least else "at most"
    shown = "none" if gate.statistic is None else f"{gate.statistic:.4g}"
    return f"{gate.name}, {gate.measure} {shown}, needs {sign} {gate.threshold:g}"


TITLES: Final = {
    "cell": "cell", "hazard_max": "hazard", "min_reps": "reps", "hold_minutes": "hold",
    "exposure": "expo.", "trades": "trades", "pnl": "PnL", "profit_factor": "PF",
    "sharpe": "Sharpe", "max_dd": "max DD", "score": "score", "penalties": "penalties",
}  # fmt: skip
"""Columns of the table of rows, and their short titles."""
_TAGS_SHOWN: Final = 2


def rows_table(rows: pl.DataFrame, further: Sequence[str] = ()) -> Table:
    """Rows of a grid, as many as given; ``further`` columns stand before the penalties."""
    *first, last = ("instrument", *TITLES)
    columns = [*first, *(name for name in further if name not in (*first, last)), last]
    table = Table(title=f"{rows.height} rows", title_justify="left")
    for name in columns:
        left = name in {"instrument", "penalties"}
        table.add_column(
            TITLES.get(name, name),
            justify="left" if left else "right",
            no_wrap=name != "penalties",
            overflow="fold",
        )
    for row in rows.select(columns).iter_rows():
        table.add_row(*(_cell(value) for value in row))
    return table


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1 else f"{value:,.2f}"
    if isinstance(value, list):
        more = len(value) - _TAGS_SHOWN
        shown = ", ".join(str(each) for each in value[:_TAGS_SHOWN])
        return f"{shown} and {more} more" if more > 0 else shown
    return str(value)
