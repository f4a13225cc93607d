"""What is published of one instrument, from its rows, its choice and the run of its cell."""

from dataclasses import dataclass

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
from hotband.errors import HotbandError
from hotband.research.grid import GridJob, chosen_of, rerun, score_inputs_of
from hotband.research.plateau import Choice
from hotband.research.result import SimulationResult
from hotband.research.score import score


@dataclass(frozen=True, eq=False)
class Finished:
    """One instrument after its sweep: its entry and the trades of its cell."""

    entry: Instrument
    trades: pl.DataFrame


def failed(error: HotbandError) -> FailedInstrument:
    """An instrument that the run went on without."""
    return FailedInstrument(error=Failure(kind=type(error).__name__, message=str(error)))


def finish(job: GridJob, rows: pl.DataFrame) -> Finished:
    """Choose among the rows, run the cell again, and say what came of it.

    Where nothing qualifies the best of all cells is shown, for research, and not qualified.
    """
    choice = chosen_of(job, rows)
    index = choice.index if choice.index is not None else choice.best_of_all
    # Without a score anywhere there is nothing to choose from: the profile's own corner is shown.
    cell = 0 if index is None else int(np.ravel_multi_index(index, job.work.cells.shape))
    result = rerun(job, cell)
    details = {name: MetricValue.of(metric) for name, metric in result.metrics.items()}
    row = rows.row(cell, named=True)
    part = result.parts[job.instrument]
    flags = sorted({flag for metric in result.metrics.values() for flag in metric.flags})
    entry = Instrument(
        params=Params.of(job.work.cells.params(cell)),
        metrics=numbers_of(details),
        metric_details=details,
        qualified=choice.index is not None,
        insufficient_data=bool(row["insufficient_data"]),
        gate_coverage=Coverage.model_validate(job.coverage.to_dict()),
        source=job.work.source,
        funnel=Funnel.model_validate(part.funnel.to_dict()),
        plateau=_plateau(choice),
        best_of_all=_best_of_all(job, rows, choice),
        cells=Cells(
            total=len(rows),
            scored=rows["score"].count(),
            qualified=int(rows["qualified"].sum()),
        ),
        notes=(*job.work.cells.notes, *result.notes),
        **score_fields(score(score_inputs_of(row), flags)),
    )
    return Finished(entry, _trades(result, cell))


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


def _trades(result: SimulationResult, cell: int) -> pl.DataFrame:
    return result.trades.with_columns(pl.lit(cell, pl.Int64).alias("cell")).select(
        "instrument", "cell", pl.exclude("instrument", "cell")
    )
