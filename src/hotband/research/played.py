"""What one run of a cell leaves to be read later: its account and its verdicts, as frames."""

import numpy as np
import polars as pl

from hotband.core import codes
from hotband.core.records import STAGE_PLANNED, Records
from hotband.market.bars import TIME_TYPE
from hotband.research.decisions import reasons_of
from hotband.research.result import SimulationResult


def equity_frame(result: SimulationResult, instrument: str, phase: str) -> pl.DataFrame:
    """Equity and balance in home currency at the close of every bar at which one of them moved.

    Columns: instrument, phase, time (the bar's open, UTC), equity, balance. The first and the
    last bar are always there: between two rows nothing changed.
    """
    rows = result.logs.equity
    kept = np.ones(len(rows), np.bool_)
    kept[1:-1] = ((np.diff(rows["equity"]) != 0.0) | (np.diff(rows["balance"]) != 0.0))[:-1]
    some = rows[kept]
    return pl.DataFrame(
        {"time": some["t"], "equity": some["equity"], "balance": some["balance"]}
    ).select(*_named(instrument, phase), pl.col("time").cast(TIME_TYPE), "equity", "balance")


def decision_frame(result: SimulationResult, instrument: str, phase: str) -> pl.DataFrame:
    """Every verdict on a gate that differed from the one before it, one row each.

    Columns: instrument, phase, time (when judged), gate_known, direction (BUY, SELL, FLAT),
    admit, reasons, hard_blocked, source, units (planned; 0 = none), then the gate's metrics,
    null where undefined. The same values as ``SimulationResult.decisions``.
    """
    part = result.parts[instrument]
    log = result.logs.decisions[: int(result.account[0].decisions)]
    rows = log[log["instrument"] == result.instruments.index(instrument)]
    gates = part.feed.gates
    gate = gates[np.searchsorted(gates["known"], rows["gate"])]
    borderline = gate["reps"] == part.min_reps
    verdicts = pl.DataFrame(
        {
            "mask": rows["mask"],
            "code": rows["code"],
            "synthetic": rows["synthetic"] != 0,
            "borderline": borderline,
        }
    )
    words = _words(verdicts.unique(maintain_order=True))
    admit, code = rows["mask"] == 0, rows["code"]
    blocked = ((rows["mask"] & codes.HARD_MASK) != 0) | (code == codes.NAV_NOT_POSITIVE)
    direction = np.array(["SELL", "FLAT", "BUY"])[rows["side"] + 1]
    planned = rows["stage"] >= STAGE_PLANNED
    return pl.DataFrame(
        {
            "time": rows["t"],
            "gate_known": rows["gate"],
            "direction": direction,
            "admit": admit,
            "reasons": verdicts.join(words, on=verdicts.columns, maintain_order="left")["reasons"],
            "hard_blocked": blocked,
            "source": np.where(rows["synthetic"] != 0, "synthetic", "real"),
            "units": np.where(planned, rows["units"], 0.0),
            **_metrics(gate),
        },
        nan_to_null=True,
    ).select(
        *_named(instrument, phase),
        pl.col("time", "gate_known").cast(TIME_TYPE),
        pl.exclude("time", "gate_known"),
    )


def _words(verdicts: pl.DataFrame) -> pl.DataFrame:
    """The distinct verdicts with their reasons in words."""
    reasons = [
        list(reasons_of(mask, code, synthetic=synthetic, borderline=borderline))
        for mask, code, synthetic, borderline in verdicts.iter_rows()
    ]
    return verdicts.with_columns(pl.Series("reasons", reasons, pl.List(pl.String)))


def _metrics(gate: Records) -> dict[str, np.ndarray]:
    values = {"hazard": gate["hazard"], "repetitions": gate["reps"].astype(np.float64)}
    return values | {name: gate["metrics"][:, k] for k, (_, name) in enumerate(codes.GUARDS)}


def _named(instrument: str, phase: str) -> tuple[pl.Expr, pl.Expr]:
    return pl.lit(instrument).alias("instrument"), pl.lit(phase).alias("phase")
