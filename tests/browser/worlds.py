"""State folders that the page is looked at with: three archived weeks made of one real run.

The run is small and real. Its result is copied to twelve instruments and three weeks with other
numbers, written through the same folder that runs write to, so that every copy validates, and
decided on by the real roster.
"""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from hotband.artefacts.judgement import GateFact, HoldOut, PromotionFacts
from hotband.artefacts.roster import RosterFolder
from hotband.artefacts.schemas import (
    FailedInstrument,
    Failure,
    Instrument,
    Latest,
    Penalty,
    files_of,
    numbers_of,
)
from hotband.artefacts.values import Coverage, MetricValue, Window
from hotband.artefacts.writer import ArtefactFolder
from hotband.market.calendar import DAY_NS, DEFAULT_HOURS, parse_time
from hotband.roster.settings import RosterSettings
from hotband.service.ids import id_from
from hotband.service.index import RunIndex
from hotband.service.jobs import Job
from hotband.weekly.roster import decide_roster
from tests.service import running

TWELVE: Final = (
    "AUD_USD", "EUR_CHF", "EUR_GBP", "EUR_JPY", "EUR_USD", "GBP_JPY", "GBP_USD", "NZD_USD",
    "USD_CAD", "USD_CHF", "USD_JPY", "XAU_USD",
)  # fmt: skip
REMOVED, ADDED, FAILED = "CAD_JPY", "NZD_USD", "XAU_USD"
"""Only in W11; only since W12; failed in W12."""
MANY_TRADES, LONG_CURVE, SYNTHETIC, STRANGE = "GBP_USD", "EUR_JPY", "AUD_USD", "USD_CHF"
"""With 12,431 trades; with 200,000 points; with 40 % derived gates; with codes nobody knows."""
GRADED: Final = "EUR_CHF"
"""Whose cells have profits and trades by their hazard, as below."""
PROFITS: Final = (-2000.0, -1000.0, 0.0, 1000.0, 2000.0)
GRADED_TRADES: Final = (5, 15, 20, 25, 400)
TRADES: Final = 12_431
POINTS: Final = 200_000
WEEKS: Final = ("2026-W13", "2026-W12", "2026-W11")
STRANGE_TAG: Final = "moon_phase_adverse"
NO_PRICES: Final = "XAU_USD: no bars after 2026-03-18T00:00:00Z"
RULE: Final = RosterSettings(promotion="rule")
_OTHER_PROFILE: Final = "f" * 64


@dataclass(frozen=True)
class Made:
    """A real run's result and tables."""

    latest: Latest
    tables: dict[str, pl.DataFrame]

    def entry(self, name: str) -> Instrument:
        found = self.latest.instruments[name]
        assert isinstance(found, Instrument)
        return found


def artefacts(home: Path) -> ArtefactFolder:
    """Where a state folder has its results."""
    return ArtefactFolder(home / "output" / "backtests")


def archive_home(base: Path, to: Path) -> Path:
    """A state folder with three finished weeks and a run that was cancelled between them."""
    return Path(shutil.copytree(_archive_home(base), to))


def run_of(home: Path, week: str) -> str:
    """The id of a week's run."""
    return artefacts(home).read_archive(week).run_id


@cache
def _archive_home(base: Path) -> Path:
    finished = running.finished_home(base, base / "browser-source")
    folder = artefacts(finished)
    latest = folder.read_latest()
    assert latest is not None
    made = Made(latest, {name: folder.read_table(latest, name) for name in latest.files})
    home = running.make_home(base, base / "browser-archive")
    for back in (2, 1, 0):
        _write_week(home, made, back)
    RunIndex(home).adopt([_cancelled(latest)])
    return home


def _write_week(home: Path, made: Made, back: int) -> None:
    """The week so many before the run's own."""
    names = [REMOVED if back == 2 and name == ADDED else name for name in TWELVE]
    run_id = f"{0x5EED0000 + 100 - back:016x}"
    wanted = made.tables if back == 0 else ("rows", "trades", "oos", "equity")
    tables = {name: _renamed(made.tables[name], names, back) for name in wanted}
    entries: dict[str, Any] = {name: _entry(made, at, name, back) for at, name in enumerate(names)}
    if back == 0:
        tables["rows"] = _graded(tables["rows"])
        tables["trades"] = _with_many_trades(tables["trades"])
        tables["equity"], lowest = _with_long_curve(tables["equity"])
        entries[LONG_CURVE] = _with_metrics(entries[LONG_CURVE], max_dd_pct=lowest)
    if back == 1:
        entries[FAILED] = FailedInstrument(error=Failure(kind="StoreError", message=NO_PRICES))
    provenance = made.latest.provenance
    latest = made.latest.model_copy(
        update={
            "run_id": run_id,
            "generated_at": f"2026-03-{28 - 7 * back:02d}T01:12:00Z",
            "window": _moved(made.latest.window, back),
            "instruments": entries,
            "files": files_of(run_id, tables),
            "provenance": provenance.model_copy(
                update={
                    "bars": {name: provenance.bars[_source(name)] for name in names},
                    "gates": {name: provenance.gates[_source(name)] for name in names},
                    "profile": _OTHER_PROFILE if back == 2 else provenance.profile,
                }
            ),
        }
    )
    folder = artefacts(home)
    with folder.exclusive():
        part = decide_roster(RosterFolder(folder.root), latest, tables, RULE, DEFAULT_HOURS)
        latest = latest.model_copy(update={"roster": part})
        folder.write_latest(latest, tables)
        folder.archive(latest)


def _source(name: str) -> str:
    """Which of the run's two instruments a copy is made of."""
    return "USD_JPY" if name.endswith("JPY") else "EUR_USD"


def _moved(window: Window, back: int) -> Window:
    start, end = (parse_time(text) - 7 * back * DAY_NS for text in (window.start, window.end))
    return Window.of(start, end)


def _renamed(table: pl.DataFrame, names: list[str], back: int) -> pl.DataFrame:
    parts = []
    for name in names:
        own = table.filter(pl.col("instrument") == _source(name))
        parts.append(own.with_columns(pl.lit(name).alias("instrument")))
    found = pl.concat(parts)
    moved = [
        (pl.col(name) - timedelta(days=7 * back)).alias(name)
        for name, kind in found.schema.items()
        if kind == pl.Date or isinstance(kind, pl.Datetime)
    ]
    return found.with_columns(moved).select(table.columns)


def _entry(made: Made, at: int, name: str, back: int) -> Instrument:
    """Numbers that differ by instrument and week; the two real ones keep theirs but Sharpe."""
    real = made.entry(_source(name))
    sharpe = round(1.42 - 0.21 * at - 0.08 * back * (-1) ** at, 2)
    if name in {"EUR_USD", "USD_JPY"} and back == 0:
        entry = _with_metrics(real, sharpe=sharpe)
    else:
        entry = _with_metrics(
            real,
            sharpe=sharpe,
            pnl=round(1284.5 - 250.0 * at - 40.0 * back, 2),
            profit_factor=round(1.37 - 0.04 * at - 0.01 * back, 2),
            max_dd_pct=round(2.4 + 0.7 * at + 0.3 * back, 1),
        )
    if name == MANY_TRADES and back == 0:
        entry = _with_metrics(entry, trades=float(TRADES))
    after = entry.judgement.hold_out
    assert after is not None
    # Good, borderline or, in two weeks running, failing: the rule keeps, tightens, disables.
    good = (1.1, 1.4)
    told = {0: good, 1: (0.9, 1.05), 2: good if back == 2 else (-0.4, 0.8)}[at % 3]
    judged = _with_hold_out(after, *told)
    update: dict[str, Any] = {
        "gate_coverage": _coverage(entry.gate_coverage, at, name),
        "source": "mixed",
        "judgement": entry.judgement.model_copy(
            update={
                "look_back": _moved(entry.judgement.look_back, back),
                "hold_out": judged,
                "promotion": _promotion(entry, _coverage(entry.gate_coverage, at, name)),
            }
        ),
    }
    if name == STRANGE:
        update["penalties"] = (*entry.penalties, Penalty(
            tag=STRANGE_TAG, value=0.7, threshold=0.5, cap=None, points_lost=0.0
        ))  # fmt: skip
    return entry.model_copy(update=update)


def _promotion(entry: Instrument, coverage: Coverage) -> PromotionFacts:
    """The gates of promotion with the copy's own numbers."""
    own = {"real_fraction": coverage.real_fraction, "pnl": entry.metrics["pnl"]}

    def told(gate: GateFact) -> GateFact:
        value = own.get(gate.measure)
        if value is None:
            return gate
        return gate.model_copy(update={"statistic": value, "passed": value >= gate.threshold})

    gates = tuple(told(gate) for gate in entry.judgement.promotion.gates)
    failed = next(gate.name for gate in gates if gate.passed is False)
    return PromotionFacts(promoted=False, first_failed=failed, gates=gates)


def _with_metrics(entry: Instrument, **values: float) -> Instrument:
    details = dict(entry.metric_details)
    for name, value in values.items():
        details[name] = _value(details[name], value)
    return entry.model_copy(update={"metric_details": details, "metrics": numbers_of(details)})


def _value(held: MetricValue, value: float) -> MetricValue:
    spread = (value - 0.5, value + 0.5) if held.period == "year" else held.ci90
    return held.model_copy(update={"value": value, "reason": None, "ci90": spread})


def _with_hold_out(after: HoldOut, sharpe: float, factor: float) -> HoldOut:
    details = dict(after.metric_details)
    details["sharpe"] = _value(details["sharpe"], sharpe)
    details["profit_factor"] = _value(details["profit_factor"], factor)
    return after.model_copy(
        update={
            "metric_details": details,
            "metrics": numbers_of(details),
            "gate_coverage": _coverage(after.gate_coverage, 0, "EUR_USD"),
            "source": "mixed",
        }
    )


def _coverage(held: Coverage, at: int, name: str) -> Coverage:
    synthetic = 0.40 if name == SYNTHETIC else 0.02 + 0.013 * at
    real = 0.55 if name == SYNTHETIC else 1.0 - synthetic - 0.005 * (at % 3)
    minutes = 20_000.0
    return held.model_copy(
        update={
            "minutes": minutes,
            "real_minutes": round(real * minutes),
            "synthetic_minutes": round(synthetic * minutes),
            "real_fraction": round(real * minutes) / minutes,
        }
    )


def _graded(rows: pl.DataFrame) -> pl.DataFrame:
    """The cells of one instrument with numbers that a test can foretell."""
    hazards = rows.filter(pl.col("instrument") == GRADED)["hazard_x"].unique().sort().to_list()
    own = pl.col("instrument") == GRADED
    changed = []
    for name, values in (("pnl", PROFITS), ("trades", GRADED_TRADES)):
        told = pl.col("hazard_x").replace_strict(
            hazards, values, default=None, return_dtype=rows.schema[name]
        )
        changed.append(pl.when(own).then(told).otherwise(pl.col(name)).alias(name))
    return rows.with_columns(changed)


def _with_many_trades(trades: pl.DataFrame) -> pl.DataFrame:
    own = trades.filter(pl.col("instrument") == MANY_TRADES)
    rounds = -(-TRADES // own.height)
    many = pl.concat(
        own.with_columns(
            (pl.col("entry_time", "exit_time") + timedelta(seconds=turn)),
            (pl.col("pnl") + 0.01 * turn),
        )
        for turn in range(rounds)
    )
    others = trades.filter(pl.col("instrument") != MANY_TRADES)
    return pl.concat([others, many.head(TRADES).sort("entry_time")])


def _with_long_curve(equity: pl.DataFrame) -> tuple[pl.DataFrame, float]:
    """The table, and the deepest fall of the long account in percent."""
    own = equity.filter((pl.col("instrument") == LONG_CURVE) & (pl.col("phase") == "look_back"))
    first, last = own["time"].min(), own["time"].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    steps = np.random.default_rng(5).normal(0.02, 20.0, POINTS)
    account = 100_000.0 + np.cumsum(steps)
    peak = np.maximum.accumulate(account)
    lowest = float(100.0 * np.max((peak - account) / peak))
    seconds = int((last - first).total_seconds()) // POINTS
    long = pl.DataFrame(
        {
            "instrument": pl.Series([LONG_CURVE] * POINTS, dtype=pl.String),
            "phase": pl.Series(["look_back"] * POINTS, dtype=pl.String),
            "time": pl.Series(first.timestamp() * 1e9 + np.arange(POINTS) * seconds * 1e9)
            .cast(pl.Int64)
            .cast(pl.Datetime("ns", "UTC")),
            "equity": account,
            "balance": account,
        }
    ).select(equity.columns)
    others = equity.filter(~((pl.col("instrument") == LONG_CURVE)
                             & (pl.col("phase") == "look_back")))  # fmt: skip
    return pl.concat([others, long.cast(equity.schema)]), lowest


def _cancelled(latest: Latest) -> Job:
    at = datetime(2026, 3, 21, 9, 0, tzinfo=UTC).timestamp()
    return Job(
        job_id=id_from(at, "cancelled"), run_id=None, state="cancelled", origin="api", request={},
        window=(latest.window.start, latest.window.end), instruments=TWELVE, created_at=at,
        started_at=at, finished_at=at + 90.0, heartbeat_at=None, process=None, cancel_at=at + 80.0,
        progress=None, error=None, summary=None, archive=None, reused=False, seq=1,
    )  # fmt: skip
