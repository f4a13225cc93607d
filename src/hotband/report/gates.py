"""Gates as tables for a terminal."""

from collections.abc import Sequence

from rich.table import Table

from hotband.live.latest import LatestGate
from hotband.research.fidelity import Fidelity


def _number(value: float | None, form: str = ".3f") -> str:
    return "-" if value is None else format(value, form)


def _age(seconds: float) -> str:
    for unit, length in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:,.0f} s"


def gates_table(gates: Sequence[LatestGate]) -> Table:
    """The latest gates: the producer's verdict beside the profile's."""
    table = Table(title=f"Latest gates: {len(gates)}", title_justify="left")
    for name in ("instrument", "known (UTC)"):
        table.add_column(name, no_wrap=True)
    table.add_column("age", justify="right", no_wrap=True)
    table.add_column("side")
    for name in ("lambda", "limit", "reps", "coh", "stab", "entr"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("regime", no_wrap=True)
    for name in ("producer says", "profile says"):
        table.add_column(name, overflow="fold")
    for gate in gates:
        metrics = [gate.metrics[name] for name in ("coherence", "stability", "entropy")]
        table.add_row(
            gate.instrument,
            gate.known[:16].replace("T", " "),
            _age(gate.age_seconds),
            gate.direction,
            _number(gate.hazard, ".3f"),
            _number(gate.hazard_threshold),
            str(gate.repetitions),
            *(_number(value, ".2f") for value in metrics),
            gate.regime or "-",
            _verdict(gate.producer_admit, gate.producer_reasons),
            _verdict(gate.admit, gate.reasons),
        )
    return table


def _verdict(admit: bool, reasons: Sequence[str]) -> str:
    return "\n".join(["admit" if admit else "refuse", *reasons])


def fidelity_table(found: Sequence[Fidelity]) -> Table:
    """Derived against recorded gates, one instrument a column."""
    table = Table(title="Derived against recorded gates", title_justify="left")
    table.add_column("", no_wrap=True)
    for each in found:
        table.add_column(each.instrument, justify="right", no_wrap=True)
    for words, name, form in (
        ("minutes with recorded gates", "minutes", ",.0f"),
        ("  admitted, recorded", "real_admitted", ",.0f"),
        ("  admitted, derived", "synthetic_admitted", ",.0f"),
        ("  admitted, both", "both_admitted", ",.0f"),
        ("  both / either (Jaccard)", "jaccard", ".3f"),
        ("  by chance alone", "chance_jaccard", ".3f"),
        ("  of both, on the same side", "same_side", ".3f"),
        ("minutes to the nearest derived", "lag_minutes", ".1f"),
        ("trades, recorded", "real_trades", ","),
        ("trades, derived", "synthetic_trades", ","),
        ("PnL, recorded", "real_pnl", ",.2f"),
        ("PnL, derived", "synthetic_pnl", ",.2f"),
        ("correlation of daily PnL", "daily_correlation", ".2f"),
    ):
        table.add_row(words, *(_number(getattr(each, name), form) for each in found))
    return table
