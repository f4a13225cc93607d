"""Small tables as runs write them, and a source that holds them in memory."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from hotband.artefacts.schemas import Latest

MONDAY = datetime(2026, 3, 9, tzinfo=UTC)
TIME = pl.Datetime("ns", "UTC")


@dataclass(frozen=True)
class Tables:
    """A source of one run's tables."""

    held: dict[str, pl.DataFrame]

    def read_table(self, latest: Latest, name: str) -> pl.DataFrame:
        assert name in latest.files
        return self.held[name]


def equity_rows(instrument: str, n: int = 400, *, phase: str = "look_back") -> pl.DataFrame:
    """An account that moves at every minute."""
    wave = 100.0 + np.sin(np.arange(n) / 7.0) + np.arange(n) * 0.01
    return account(instrument, wave, phase)


def account(instrument: str, equity: "np.ndarray", phase: str = "look_back") -> pl.DataFrame:
    n = len(equity)
    return pl.DataFrame(
        {
            "instrument": [instrument] * n,
            "phase": [phase] * n,
            "time": pl.Series([MONDAY + timedelta(minutes=i) for i in range(n)], dtype=TIME),
            "equity": equity,
            "balance": np.round(equity),
        },
        schema_overrides={"instrument": pl.String, "phase": pl.String},
    )


def decision_rows(instrument: str) -> pl.DataFrame:
    """Six verdicts, of which two admit, and one of the hold-out."""
    said = [
        (["repetitions_short"], "real"),
        ([], "real"),
        (["repetitions_short", "session_closed"], "synthetic"),
        (["synthetic:thresholds"], "synthetic"),
        (["session_closed"], "real"),
        (["repetitions_short"], "synthetic"),
        ([], "real"),
    ]
    n = len(said)
    times = [MONDAY + timedelta(minutes=5 * i) for i in range(n)]
    return pl.DataFrame(
        {
            "instrument": [instrument] * n,
            "phase": ["look_back"] * (n - 1) + ["hold_out"],
            "time": pl.Series(times, dtype=TIME),
            "gate_known": pl.Series(times, dtype=TIME),
            "direction": ["BUY", "SELL", "BUY", "SELL", "FLAT", "BUY", "BUY"],
            "admit": [False, True, False, True, False, False, True],
            "reasons": pl.Series([reasons for reasons, _ in said], dtype=pl.List(pl.String)),
            "hard_blocked": [False, False, True, False, True, False, False],
            "source": [source for _, source in said],
            "units": [0.0, 100.0, 0.0, 50.0, 0.0, 0.0, 10.0],
            "hazard": [0.1 * i for i in range(n)],
            "repetitions": [float(i) for i in range(n)],
            "coherence": pl.Series([None, 0.5, None, None, 0.1, 0.2, 0.3], dtype=pl.Float64),
        }
    )
