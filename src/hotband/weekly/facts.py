"""What is published of a judgement: the research's records as the artefact's models."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Final

from hotband.artefacts.judgement import (
    Finding,
    FoldEntry,
    GateFact,
    HoldOut,
    Judgement,
    Promised,
    PromotionFacts,
    SelectionFacts,
    StressFacts,
    WalkForward,
)
from hotband.artefacts.schemas import numbers_of
from hotband.artefacts.values import Coverage, Funnel, MetricValue, Window
from hotband.research import findings
from hotband.research.cell_rows import JUDGED
from hotband.research.forward import FoldResult, OutOfSample
from hotband.research.grid import GridJob
from hotband.research.judgement import Chosen
from hotband.research.promotion import Promotion
from hotband.research.result import SimulationResult
from hotband.research.selection import Selection
from hotband.research.series import daily_returns
from hotband.research.sharpe import is_constant
from hotband.research.significance.certificate import sharpe_needed
from hotband.research.stress import STRESSES
from hotband.roster.week import DAYS_PER_WEEK

PROVABLE_CELLS: Final = (1, 16, 192, 1_000, 10_000)
NO_HOLD_OUT: Final = "history is too short to judge the choice on weeks of its own"


def judgement_of(
    job: GridJob,
    chosen: Chosen,
    selection: Selection,
    forward: OutOfSample | None,
    promotion: Promotion,
    found: Sequence[findings.Finding],
    judged: SimulationResult | None,
) -> Judgement:
    """All that says how far the chosen cell can be trusted; ``judged``: its hold-out, if any."""
    days = int(job.work.window.eligible.sum())
    return Judgement(
        look_back=Window.of(*job.simulator.window),
        hold_out=_hold_out(job, judged),
        hold_out_reason=NO_HOLD_OUT if judged is None else None,
        walk_forward=None if forward is None else _walk_forward(forward),
        selection=SelectionFacts(**{f.name: getattr(selection, f.name) for f in fields(selection)}),
        promotion=promotion_facts(promotion),
        stress=_stress(chosen.row),
        provable={} if days < 1 else provable(days, len(job.work.cells)),
        findings=tuple(Finding(**asdict(finding)) for finding in found),
    )


def promise_of(job: GridJob, chosen: Chosen, result: SimulationResult) -> Promised | None:
    """What the chosen cell earned in the look-back, by the week: five days, taken as unrelated.

    None where no cell qualified, or fewer than two days differ.
    """
    returns = daily_returns(result.daily_rows, result.balance, job.work.window).returns
    if chosen.choice.index is None or len(returns) < 2 or is_constant(returns):
        return None
    mean, deviation = float(returns.mean()), float(returns.std(ddof=1))
    return Promised(weekly_mean=DAYS_PER_WEEK * mean, weekly_sd=DAYS_PER_WEEK**0.5 * deviation)


def provable(days: int, cells: int) -> dict[str, float]:
    """Annual Sharpe ratio that ``days`` can prove with 80 % power, by number of cells."""
    counts = sorted({*PROVABLE_CELLS, cells})
    return {f"cells_{n}": sharpe_needed(n, days) for n in counts}


def promotion_facts(promotion: Promotion) -> PromotionFacts:
    """The verdict as published."""
    return PromotionFacts(
        promoted=promotion.promoted,
        first_failed=promotion.first_failed,
        gates=tuple(GateFact(**asdict(gate)) for gate in promotion.gates),
    )


def _hold_out(job: GridJob, result: SimulationResult | None) -> HoldOut | None:
    judge = job.hold_out
    if judge is None or result is None:
        return None
    details = {name: MetricValue.of(metric) for name, metric in result.metrics.items()}
    return HoldOut(
        window=Window.of(*judge.simulator.window),
        metrics=numbers_of(details),
        metric_details=details,
        gate_coverage=Coverage.model_validate(judge.coverage.to_dict()),
        source=judge.work.source,
        funnel=Funnel.model_validate(result.parts[job.instrument].funnel.to_dict()),
        notes=result.notes,
    )


def _walk_forward(forward: OutOfSample) -> WalkForward:
    return WalkForward(
        folds=tuple(_fold(fold) for fold in forward.folds),
        days=forward.days,
        net_return_pct=100.0 * forward.net_return,
        sharpe=MetricValue.of(forward.sharpe),
        p_value=forward.p_value,
        efficiency=forward.efficiency,
    )


def _fold(fold: FoldResult) -> FoldEntry:
    inside: Mapping[str, Any] = fold.row or {}
    return FoldEntry(
        look_back=Window.of(*fold.look_back),
        hold_out=Window.of(*fold.hold_out),
        chosen=fold.chosen,
        params=None if fold.params is None else dict(fold.params),
        in_sample={n: _number(inside[n]) for n in (*JUDGED, "score") if n in inside},
        out_of_sample={n: fold.metrics[n].value for n in JUDGED if n in fold.metrics},
        days=len(fold.day),
    )


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _stress(row: Mapping[str, Any]) -> StressFacts:
    return StressFacts(
        pnl={name: row[f"{name}_pnl"] for name, _, _ in STRESSES},
        profit_factor={name: row[f"{name}_profit_factor"] for name, _, _ in STRESSES},
        break_even_costs_x=row["break_even_costs_x"],
        best_day_share=row["best_day_share"],
        best_trade_share=row["best_trade_share"],
        tags=tuple(row["stress_tags"] or ()),
    )
