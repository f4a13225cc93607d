"""Gates as tables for a terminal."""

from collections.abc import Sequence

from rich.table import Table

from hotband.live.latest import LatestGate
from hotband.research.fidelity import Fidelity


def _number(value: float | None, form: str = ".3f") -> str:
    return "-" if value is None else format(value, form)


def gates_table(gates: Sequence[LatestGate]) -> Table:
    """The latest gates: the producer's verdict beside the profile's."""
    table = Table(title=f"Latest gates: {len(gates)}", title_justify="left")
    for name in ("instrument", "known (UTC)"):
        table.add_column(name, no_wrap=True)
    table.add_column("age s", justify="right")
    table.add_column("side")
    for name in ("lambda", "limit", "reps", "coh", "stab", "entr"):
        table.add_column(name, justify="right")
    for name in ("regime", "producer says", "profile says"):
        table.add_column(name)
    for gate in gates:
        metrics = [gate.metrics[name] for name in ("coherence", "stability", "entropy")]
        table.add_row(
            gate.instrument,
            gate.known.removesuffix("Z"),
            f"{gate.age_seconds:,.0f}",
            gate.direction,
            _number(gate.hazard, ".4f"),
            _number(gate.hazard_threshold, ".4f"),
            str(gate.repetitions),
            *(_number(value) for value in metrics),
            gate.regime or "-",
            _verdict(gate.producer_admit, gate.producer_reasons),
            _verdict(gate.admit, gate.reasons),
        )
    return table


def _verdict(admit: bool, reasons: Sequence[str]) -> str:
    return ", ".join(["admit" if admit else "refuse", *reasons])


def fidelity_table(found: Sequence[Fidelity]) -> Table:
    """Derived against recorded gates, one instrument a row."""
    table = Table(title="Derived against recorded gates", title_justify="left")
    table.add_column("instrument", no_wrap=True)
    for name in (
        "minutes", "admitted real", "synth.", "both", "Jaccard", "by chance", "same side",
        "lag min", "trades real", "synth.", "PnL real", "synth.", "daily corr.",
    ):  # fmt: skip
        table.add_column(name, justify="right")
    for row in found:
        table.add_row(
            row.instrument,
            f"{row.minutes:,.0f}",
            f"{row.real_admitted:,.0f}",
            f"{row.synthetic_admitted:,.0f}",
            f"{row.both_admitted:,.0f}",
            _number(row.jaccard),
            _number(row.chance_jaccard),
            _number(row.same_side),
            _number(row.lag_minutes, ".1f"),
            f"{row.real_trades:,}",
            f"{row.synthetic_trades:,}",
            f"{row.real_pnl:,.2f}",
            f"{row.synthetic_pnl:,.2f}",
            _number(row.daily_correlation, ".2f"),
        )
    return table
