"""A judgement in which every number is another, so that each can be found on the page."""

from datetime import date
from typing import Any

import polars as pl
from tests.unit.artefacts.artefact_samples import instrument, judgement
from tests.unit.report.page_reader import Node, read

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
from hotband.artefacts.schemas import Instrument, numbers_of
from hotband.artefacts.values import Coverage, Funnel, MetricValue, Window
from hotband.report.judged import compared, stress, walk_forward
from hotband.report.markup import element
from hotband.report.search import power, search
from hotband.report.trust import findings, gates, verdict_line

ROW: dict[str, Any] = {"psr_null": "window_too_short", "dsr_null": "lt_2_days"}
"""What a chosen cell's row says of numbers that are missing."""
LOOK_BACK = Window(start="2025-01-05T22:00:00Z", end="2025-04-11T21:00:00Z")
HOLD_OUT = Window(start="2025-04-13T21:00:00Z", end="2025-04-18T21:00:00Z")
RETURNS = (0.01, -0.02, 0.0)
DAYS = pl.DataFrame(
    {
        "instrument": ["USD_JPY"] * 3,
        "fold": [0, 0, 1],
        "day": [date(2025, 4, 14), date(2025, 4, 15), date(2025, 4, 18)],
        "return": RETURNS,
        "equity": [1.01, 0.9898, 0.9898],
    }
)
"""Table ``oos`` of the walk-forward below."""


def gate(name: str, measure: str, **changes: Any) -> GateFact:
    fields: dict[str, Any] = {
        "name": name, "passed": True, "measure": measure, "statistic": 1.0, "threshold": 0.5,
        "at_least": True, "n": 1,
    }  # fmt: skip
    return GateFact(**(fields | changes))


PASSED = (
    gate("data", "real_fraction", statistic=0.753, threshold=0.512, n=611),
    gate("sample", "days", statistic=129.0, threshold=61.0, n=612),
    gate("sample", "trades", statistic=613.0, threshold=101.0, n=614),
    gate("sample", "active_days", statistic=97.0, threshold=22.0, n=615),
    gate("costs", "pnl", statistic=4321.05, threshold=0.0, n=616),
    gate("costs", "profit_factor_at_1_5x_costs", statistic=1.37, threshold=1.0, n=617),
    gate("search", "step_down_p", statistic=0.0123, threshold=0.051, at_least=False, n=618),
    gate("deflation", "dsr", statistic=0.9612, threshold=0.952, n=619),
    gate("out_of_sample", "net_return", statistic=0.0345, threshold=0.0, n=621),
    gate("out_of_sample", "p_value", statistic=0.0234, threshold=0.052, at_least=False, n=622),
    gate("instruments", "p_by", statistic=0.0456, threshold=0.103, at_least=False, n=23),
)
SELECTION = SelectionFacts(
    trials=5_760, cells=192, variance=0.0004, benchmark=0.0712, psr=0.9911, psr_2025=0.9922,
    dsr=0.9613, definition="BLP2012", min_track_record_days=81.2, step_down_p=0.0124,
    step_down_reason=None, draws=4_999, mean_block=3.4, seed=8_642, dropped=17, pbo=0.41,
    pbo_blocks=16, pbo_reason=None, effective_trials={"li_ji": 24.6, "linear": 15.7},
    haircut_sharpe=1.83,
)  # fmt: skip
STRESS = StressFacts(
    pnl={"costs_1_5x": 311.11, "costs_2x": -322.22, "latency_1_bar": 333.33},
    profit_factor={"costs_1_5x": 1.41, "costs_2x": 0.93, "latency_1_bar": 1.22},
    break_even_costs_x=1.74, best_day_share=0.336, best_trade_share=0.127,
    tags=("breaks_at_2x_costs",),
)  # fmt: skip
WALK_FORWARD = WalkForward(
    folds=(
        FoldEntry(
            look_back=LOOK_BACK, hold_out=HOLD_OUT, chosen=True, days=2,
            params={"hazard_x": 0.8, "hazard_max": 0.08, "min_reps": 7, "hold_minutes": 45.0,
                    "exposure": 0.25},
            in_sample={"trades": 401.0, "days": 64.0, "pnl": 4002.5, "sharpe": 3.11,
                       "win_rate": 0.553, "max_dd_pct": 2.21, "score": 47.3},
            out_of_sample={"trades": 31.0, "days": 2.0, "pnl": -1010.1, "sharpe": None},
        ),
        FoldEntry(
            look_back=LOOK_BACK, hold_out=HOLD_OUT, chosen=False, params=None, in_sample={},
            out_of_sample={}, days=1,
        ),
    ),
    days=3, net_return_pct=-1.02,
    sharpe=MetricValue(value=-1.42, ci90=(-3.13, 0.26), n=3, period="year"),
    p_value=0.7788, efficiency=-0.46,
)  # fmt: skip
AFTER = {
    "trades": MetricValue(value=33.0, n=33),
    "sharpe": MetricValue(value=None, reason="window_too_short", n=5),
    "pnl": MetricValue(value=-87.65, period="window"),
    "win_rate": MetricValue(value=0.444, n=33, ci90=(0.321, 0.567), period="trade"),
    "sortino": MetricValue(value=None, reason="no_downside"),
    "turnover": MetricValue(value=12.34),
}
JUDGED = HoldOut(
    window=HOLD_OUT, metrics=numbers_of(AFTER), metric_details=AFTER,
    gate_coverage=Coverage(
        minutes=1000.0, real_minutes=871.0, synthetic_minutes=10.0, longest_gap_minutes=37.0,
        real_fraction=0.871, regimes={},
    ),
    source="parquet",
    funnel=Funnel(gates=745, admitted=66, sized=65, planned=64, filled=39,
                  refusals={"gate_stale": 681, "unfilled": 25}),
    notes=("one week only",),
)  # fmt: skip


def full(**changes: Any) -> Judgement:
    """A judgement with all its parts."""
    fields: dict[str, Any] = {
        "look_back": LOOK_BACK,
        "hold_out": JUDGED,
        "hold_out_reason": None,
        "walk_forward": WALK_FORWARD,
        "selection": SELECTION,
        "promotion": PromotionFacts(promoted=True, first_failed=None, gates=PASSED),
        "stress": STRESS,
        "provable": {"cells_1": 3.53, "cells_192": 6.12},
        "findings": (
            Finding(code="one_session", severity="note", text="All entries in one session."),
            Finding(code="coverage_gap", severity="warning", text="A gap of 37 minutes."),
        ),
        "promise": Promised(weekly_mean=0.00123, weekly_sd=0.00456),
    }
    return judgement(**(fields | changes))


def entry_with(judged: Judgement, **changes: Any) -> Instrument:
    return instrument(judgement=judged, **changes)


def parts_of(entry: Instrument, days: pl.DataFrame = DAYS) -> dict[str, Node]:
    """Every part of the page that a judgement has, by name."""
    name = "USD_JPY"
    made = {
        "verdict": verdict_line(entry, ROW),
        "findings": findings(entry),
        "gates": gates(name, entry, ROW),
        "compared": compared(name, entry),
        "stress": stress(name, entry),
        "power": power(name, entry),
        "forward": walk_forward(name, entry, days),
        "search": search(name, entry, ROW),
    }
    return {part: read(element("html", markup)) for part, markup in made.items()}
