"""What is published of one instrument, from its rows, its choice and the run of its cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from hotband.artefacts.schemas import (
    BestOfAll,
    Cells,
    FailedInstrument,
    Failure,
    Instrument,
    Params,
    Plateau,
    numbers_of,
    score_fields,
)
from hotband.artefacts.values import Coverage, Funnel, MetricValue
from hotband.errors import HotbandError, IntegrityError
from hotband.research.cell_rows import score_inputs_of
from hotband.research.doctor import findings_of
from hotband.research.forward import FoldResult, OutOfSample, stitched
from hotband.research.grid import GridJob, rerun, simulate_cell
from hotband.research.grid_settings import GridSettings
from hotband.research.judgement import Chosen
from hotband.research.plateau import Choice
from hotband.research.played import decision_frame, equity_frame
from hotband.research.promotion import Promotion, across_instruments, promotion_of
from hotband.research.result import SimulationResult
from hotband.research.score import score
from hotband.research.selection import Returns, Selection
from hotband.weekly.facts import judgement_of, promise_of, promotion_facts

AGREES = 1e-9
"""How far a metric of the rerun may be from its row's, of its size: both are exact sums, taken
in another order; the row's is published."""


@dataclass(frozen=True, eq=False)
class Finished:
    """One instrument after its run: its entry, its tables, and its verdict so far."""

    entry: Instrument
    rows: pl.DataFrame
    trades: pl.DataFrame
    out_of_sample: pl.DataFrame
    played: Mapping[str, pl.DataFrame]
    """Equity and decisions of the chosen cell, and its trades in the hold-out; the long ones."""
    promotion: Promotion
    step_down_p: float | None


def failed(error: HotbandError) -> FailedInstrument:
    """An instrument that the run went on without."""
    return FailedInstrument(error=Failure(kind=type(error).__name__, message=str(error)))


def finish(
    job: GridJob,
    chosen: Chosen,
    selection: Selection,
    folds: Sequence[FoldResult],
    settings: GridSettings,
    notes: Sequence[str],
    returns: Returns,
) -> Finished:
    """Run the chosen cell again, ask the gates, and say what came of it.

    Where nothing qualifies the best of all cells is shown, for research, and not qualified.
    ``returns`` are those of all cells, (cells, days).
    """
    choice, rows, row, cell = chosen.choice, chosen.rows, chosen.row, chosen.cell
    result = rerun(job, cell, row)
    judge = job.hold_out
    judged = None if judge is None else simulate_cell(judge, job.work.cells.rules(cell, cell + 1))
    details = {name: _as_in_row(name, m, row) for name, m in _values(result).items()}
    part = result.parts[job.instrument]
    forward = stitched(folds)
    promotion = promotion_of(row, selection, forward, settings.promotion)
    found = findings_of(job, chosen, result, returns)
    entry = Instrument(
        params=Params.of(job.work.cells.params(cell)),
        metrics=numbers_of(details),
        metric_details=details,
        qualified=choice.index is not None,
        insufficient_data=bool(row["insufficient_data"]),
        gate_coverage=Coverage.model_validate(job.coverage.to_dict()),
        source=job.work.source,
        bars_source=part.bars_source,
        currency=result.currency,
        funnel=Funnel.model_validate(part.funnel.to_dict()),
        plateau=_plateau(choice),
        best_of_all=_best_of_all(job, rows, choice),
        cells=Cells(
            total=len(rows),
            scored=rows["score"].count(),
            qualified=int(rows["qualified"].sum()),
        ),
        judgement=judgement_of(
            job, chosen, selection, forward, promotion, found, judged
        ).model_copy(update={"promise": promise_of(job, chosen, result)}),
        notes=(*job.work.cells.notes, *result.notes, *notes),
        **score_fields(score(score_inputs_of(row), row["flags"])),
    )
    columns = ("instrument", "source")
    named = (pl.lit(job.instrument).alias("instrument"), pl.lit(job.work.source).alias("source"))
    return Finished(
        entry=entry,
        rows=rows.with_columns(*named).select(*columns, pl.exclude(*columns)),
        trades=_trades(result, cell),
        out_of_sample=_days(job.instrument, forward),
        played=_played(result, judged, job.instrument, cell),
        promotion=promotion,
        step_down_p=selection.step_down_p,
    )


def with_last_gate(finished: Mapping[str, Finished]) -> dict[str, Instrument]:
    """The entries of all instruments after the gate that asks them together."""
    asked = across_instruments(
        {name: done.promotion for name, done in finished.items()},
        {name: done.step_down_p for name, done in finished.items()},
    )
    return {
        name: done.entry.model_copy(
            update={
                "judgement": done.entry.judgement.model_copy(
                    update={"promotion": promotion_facts(asked[name])}
                )
            }
        )
        for name, done in finished.items()
    }


def _values(result: SimulationResult) -> dict[str, MetricValue]:
    return {name: MetricValue.of(metric) for name, metric in result.metrics.items()}


def _as_in_row(name: str, found: MetricValue, row: Mapping[str, Any]) -> MetricValue:
    """The metric with the value of the row, which the same trades gave."""
    if name not in row:
        return found
    value, own = found.value, row[name]
    apart = (value is None) != (own is None)
    if value is not None and own is not None:
        apart = abs(value - own) > AGREES * max(1.0, abs(value))
    if apart:
        do = "Report it with the run's inputs; its rows must not be used."
        raise IntegrityError(f"{name} of the chosen cell", value, f"{own}, as in its row", do)
    return found.model_copy(update={"value": None if own is None else float(own)})


def _days(instrument: str, forward: OutOfSample | None) -> pl.DataFrame:
    """Out-of-sample days, one row each."""
    empty = pl.DataFrame(
        schema={"fold": pl.Int64, "day": pl.Date, "return": pl.Float64, "equity": pl.Float64}
    )
    frame = empty if forward is None else forward.frame
    return frame.select(pl.lit(instrument).alias("instrument"), pl.all())


def _plateau(choice: Choice) -> Plateau | None:
    if (
        choice.plateau_score is None
        or choice.own_score is None
        or choice.neighbourhood_min is None
        or choice.neighbourhood_mean is None
    ):
        return None
    return Plateau(
        score=choice.plateau_score,
        own_score=choice.own_score,
        neighbours=choice.neighbours,
        neighbourhood_min=choice.neighbourhood_min,
        neighbourhood_mean=choice.neighbourhood_mean,
        border=choice.border,
    )


def _best_of_all(job: GridJob, rows: pl.DataFrame, choice: Choice) -> BestOfAll | None:
    if choice.best_of_all is None:
        return None
    cells = job.work.cells
    cell = int(np.ravel_multi_index(choice.best_of_all, cells.shape))
    row = rows.row(cell, named=True)
    shown = ("trades", "sharpe", "pnl", "win_rate", "max_dd", "profit_factor", "return_pct")
    return BestOfAll(
        params=Params.of(cells.params(cell)),
        metrics={name: None if row[name] is None else float(row[name]) for name in shown},
        score=row["score"],
        qualified=bool(row["qualified"]),
    )


def _played(
    result: SimulationResult, judged: SimulationResult | None, instrument: str, cell: int
) -> dict[str, pl.DataFrame]:
    phases = {"look_back": result} | ({} if judged is None else {"hold_out": judged})
    equity = [equity_frame(each, instrument, phase) for phase, each in phases.items()]
    verdicts = [decision_frame(each, instrument, phase) for phase, each in phases.items()]
    after = _trades(result, cell).clear() if judged is None else _trades(judged, cell)
    return {
        "equity": pl.concat(equity),
        "decisions": pl.concat(verdicts),
        "hold_out_trades": after,
    }


def _trades(result: SimulationResult, cell: int) -> pl.DataFrame:
    return result.trades.with_columns(pl.lit(cell, pl.Int64).alias("cell")).select(
        "instrument", "cell", pl.exclude("instrument", "cell")
    )
