"""A run at a glance: one tile per instrument, with what stands behind its numbers."""

from typing import Literal

import polars as pl
from pydantic import Field

from hotband.artefacts.archive import week_of
from hotband.artefacts.judgement import GateFact
from hotband.artefacts.roster_part import RosterVerdict
from hotband.artefacts.schemas import (
    FailedInstrument,
    Failure,
    Instrument,
    Latest,
    Params,
    Penalty,
)
from hotband.artefacts.values import Coverage, Instant, MetricValue, Provenance, Window
from hotband.service.results.reduction import reduced
from hotband.service.results.replies import Reply, TableSource

SPARK_POINTS = 64
"""Of a tile's curve."""
HEADLINES = (
    "sharpe", "sortino", "pnl", "return_pct", "profit_factor", "win_rate", "max_dd",
    "max_dd_pct", "trades",
)  # fmt: skip


class Tile(Reply):
    """One instrument of a run."""

    instrument: str
    state: Literal["completed", "error"]
    error: Failure | None
    """Null unless it failed."""
    qualified: bool
    params: Params | None
    """Of the chosen cell."""
    score: float | None
    metrics: dict[str, MetricValue]
    """The headlines; a null has its reason."""
    hold_out: dict[str, MetricValue]
    """The same over the hold-out; empty where nothing judged the choice."""
    coverage: Coverage | None
    penalties: tuple[Penalty, ...]
    """Of the score, with the numbers that caused them."""
    failed_gates: tuple[GateFact, ...]
    """Gates of promotion that it failed: value and limit."""
    promoted: bool
    source: str | None
    """Of the gates."""
    simulated: bool
    """Its bars are of the simulated market."""
    currency: str | None
    gates_passed: int = Field(ge=0)
    gates_failed: int = Field(ge=0)
    gates_not_evaluated: int = Field(ge=0)
    roster: RosterVerdict | None
    """Null where the roster did not decide."""
    sparkline: tuple[float, ...]
    """Equity of the look-back, at most 64 points; empty where the run kept none."""


class Overview(Reply):
    """A run with a tile per instrument, by name."""

    run_id: str
    week: str
    window: Window
    generated_at: Instant
    provenance: Provenance
    cells: int = Field(ge=0)
    """Combinations tested, of all instruments."""
    actions: dict[str, int]
    """Instruments by the roster's action."""
    roster_reason: str | None
    """Why the roster decided nothing."""
    tiles: tuple[Tile, ...]


def overview(source: TableSource, latest: Latest) -> Overview:
    """All instruments of a run.

    Raises:
        StoreError: The file of the accounts cannot be read.
    """
    accounts = source.read_table(latest, "equity") if "equity" in latest.files else None
    tiles = tuple(_tile(latest, name, accounts) for name in sorted(latest.instruments))
    done = [entry for entry in latest.instruments.values() if isinstance(entry, Instrument)]
    actions: dict[str, int] = {}
    for verdict in latest.roster.decisions.values():
        actions[verdict.action] = actions.get(verdict.action, 0) + 1
    return Overview(
        run_id=latest.run_id,
        week=week_of(latest.window),
        window=latest.window,
        generated_at=latest.generated_at,
        provenance=latest.provenance,
        cells=sum(entry.cells.total for entry in done),
        actions=dict(sorted(actions.items())),
        roster_reason=latest.roster.reason,
        tiles=tiles,
    )


def _tile(latest: Latest, name: str, accounts: pl.DataFrame | None) -> Tile:
    entry, verdict = latest.instruments[name], latest.roster.decisions.get(name)
    if isinstance(entry, FailedInstrument):
        return Tile(
            instrument=name, state="error", error=entry.error, qualified=False, params=None,
            score=None, metrics={}, hold_out={}, coverage=None, penalties=(), failed_gates=(),
            promoted=False, source=None, simulated=False, currency=None, gates_passed=0,
            gates_failed=0, gates_not_evaluated=0, roster=verdict, sparkline=(),
        )  # fmt: skip
    after = entry.judgement.hold_out
    promotion = entry.judgement.promotion
    gates = [gate.passed for gate in promotion.gates]
    return Tile(
        instrument=name,
        state="completed",
        error=None,
        qualified=entry.qualified,
        params=entry.params,
        score=entry.score,
        metrics=_headlines(entry.metric_details),
        hold_out={} if after is None else _headlines(after.metric_details),
        coverage=entry.gate_coverage,
        penalties=entry.penalties,
        failed_gates=tuple(gate for gate in promotion.gates if gate.passed is False),
        promoted=promotion.promoted,
        source=entry.source,
        simulated=entry.bars_source == "demo",
        currency=entry.currency,
        gates_passed=gates.count(True),
        gates_failed=gates.count(False),
        gates_not_evaluated=gates.count(None),
        roster=verdict,
        sparkline=_sparkline(accounts, name),
    )


def _headlines(details: dict[str, MetricValue]) -> dict[str, MetricValue]:
    return {name: details[name] for name in HEADLINES if name in details}


def _sparkline(accounts: pl.DataFrame | None, name: str) -> tuple[float, ...]:
    if accounts is None:
        return ()
    own = (pl.col("instrument") == name) & (pl.col("phase") == "look_back")
    shown = accounts.filter(own & pl.col("equity").is_finite()).sort("time")
    equity = shown["equity"].to_numpy()
    return tuple(equity[reduced(equity, SPARK_POINTS)].tolist())
