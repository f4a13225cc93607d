"""Artefacts to write and read, from a real score and hand-made numbers that agree."""

from typing import Any, Final

import polars as pl

from hotband.artefacts.judgement import (
    Finding,
    GateFact,
    Judgement,
    PromotionFacts,
    SelectionFacts,
    StressFacts,
)
from hotband.artefacts.schemas import (
    BestOfAll,
    Cells,
    Entry,
    ErrorArtefact,
    FailedInstrument,
    Failure,
    Instrument,
    Kept,
    Latest,
    Params,
    Partial,
    Plateau,
    files_of,
    numbers_of,
    score_fields,
)
from hotband.artefacts.values import (
    Coverage,
    Funnel,
    GateInput,
    MetricValue,
    Progress,
    Provenance,
    Window,
)
from hotband.research.score import ScoreInputs, score

RUN: Final = "0123456789abcdef"
WEEK: Final = Window(start="2025-04-13T21:00:00Z", end="2025-04-18T21:00:00Z")
DETAILS: Final = {
    "trades": MetricValue(value=62.0, n=62),
    "sharpe": MetricValue(value=None, reason="window_too_short", n=5),
    "pnl": MetricValue(value=1.16, period="window"),
    "win_rate": MetricValue(value=0.5, n=62, se=0.06, ci90=(0.4, 0.6), period="trade"),
    "max_dd": MetricValue(value=5.2, method="every bar", flags=("open_tickets",)),
}
SCORE: Final = score(
    ScoreInputs(
        sharpe=None, days=5.0, trades=62.0, return_pct=0.00116, pnl_nav_pct=0.00116, pnl=1.16,
        pf=1.1, maxdd_pct=0.0052, maxdd=5.2, real_frac=0.75, churn=0.2, psr=None, dsr=None,
    )
)  # fmt: skip


def run_id(number: int) -> str:
    return f"{number:016x}"


def judgement(**changes: Any) -> Judgement:
    """One of a week without a hold-out, that no gate but the first let pass."""
    fields: dict[str, Any] = {
        "look_back": WEEK,
        "hold_out": None,
        "hold_out_reason": "history is too short",
        "walk_forward": None,
        "selection": SelectionFacts(
            trials=60, cells=30, variance=0.02, benchmark=0.3, psr=None, psr_2025=0.7, dsr=None,
            definition="BLP2012", min_track_record_days=None, step_down_p=None,
            step_down_reason="window_too_short", draws=0, mean_block=None, seed=7, dropped=30,
            pbo=None, pbo_blocks=None, pbo_reason="window_too_short",
            effective_trials={"linear": 14.8}, haircut_sharpe=None,
        ),
        "promotion": PromotionFacts(
            promoted=False,
            first_failed="sample",
            gates=(gate("data", True, 0.75, 0.5), gate("sample", False, 5.0, 60.0)),
        ),
        "stress": StressFacts(
            pnl={"costs_2x": -0.5}, profit_factor={"costs_2x": 0.9}, break_even_costs_x=1.7,
            best_day_share=0.6, best_trade_share=None, tags=("breaks_at_2x_costs",),
        ),
        "provable": {"cells_30": 27.0},
        "findings": (Finding(code="one_day", severity="warning", text="One day made most."),),
    }  # fmt: skip
    return Judgement(**(fields | changes))


def gate(name: str, passed: bool, statistic: float, threshold: float) -> GateFact:
    return GateFact(
        name=name, passed=passed, measure="share", statistic=statistic, threshold=threshold,
        at_least=True, n=62,
    )  # fmt: skip


def instrument(**changes: Any) -> Instrument:
    """A qualified instrument; ``changes`` replace fields."""
    params = Params(hazard_x=0.8, hazard_max=0.08, min_reps=1, hold_minutes=30.0, exposure=0.01)
    value = SCORE.value or 0.0
    fields: dict[str, Any] = {
        "params": params,
        "metrics": numbers_of(DETAILS),
        "metric_details": DETAILS,
        "qualified": True,
        "insufficient_data": False,
        **score_fields(SCORE),
        "gate_coverage": Coverage(
            minutes=7200.0, real_minutes=5400.0, synthetic_minutes=600.0,
            longest_gap_minutes=45.0, real_fraction=0.75, regimes={"neutral": 70, "missing": 3},
        ),
        "source": "valkey",
        "funnel": Funnel(
            gates=73, admitted=65, sized=64, planned=63, filled=62,
            refusals={"gate_stale": 8, "below_minimum": 1, "cooldown": 1, "unfilled": 1},
        ),
        "plateau": Plateau(
            score=value / 2, own_score=value, neighbours=8, neighbourhood_min=0.0,
            neighbourhood_mean=value / 2, border=("hazard_max",),
        ),
        "best_of_all": BestOfAll(
            params=params, metrics=numbers_of(DETAILS), score=value, qualified=True
        ),
        "cells": Cells(total=30, scored=20, qualified=10),
        "judgement": judgement(),
        "notes": ("offers are derived from bids by the median spread",),
    }  # fmt: skip
    return Instrument(**(fields | changes))


def provenance(**changes: Any) -> Provenance:
    fields: dict[str, Any] = {
        "bars": {"EUR_USD": "a" * 64, "USD_JPY": "b" * 64},
        "gates": {
            "EUR_USD": GateInput(source="synthetic", sha256=None),
            "USD_JPY": GateInput(source="valkey", sha256="c" * 64),
        },
        "profile": "d" * 64,
        "grid": "e" * 64,
        "code_version": "0.1.0+0123456789abcdef",
        "seed": 7,
    }
    return Provenance(**(fields | changes))


def failed() -> FailedInstrument:
    return FailedInstrument(error=Failure(kind="BarsError", message="bars of EUR_USD: got none"))


def latest(run: str = RUN, **changes: Any) -> Latest:
    """USD_JPY with a result, EUR_USD failed."""
    entries: dict[str, Entry] = {"USD_JPY": instrument(), "EUR_USD": failed()}
    fields: dict[str, Any] = {
        "generated_at": "2025-04-19T00:00:00Z",
        "run_id": run,
        "window": WEEK,
        "instruments": entries,
        "provenance": provenance(),
        "files": files_of(run),
    }
    return Latest(**(fields | changes))


def partial(run: str = RUN, **changes: Any) -> Partial:
    fields: dict[str, Any] = {
        "generated_at": "2025-04-18T23:00:00Z",
        "state": "running",
        "run_id": run,
        "window": WEEK,
        "instruments": {"USD_JPY": instrument()},
        "pending": ("EUR_USD",),
        "progress": Progress.of(30, 60, 10.0),
        "provenance": provenance(),
    }
    return Partial(**(fields | changes))


def error(run: str | None = RUN, **changes: Any) -> ErrorArtefact:
    fields: dict[str, Any] = {
        "generated_at": "2025-04-19T01:00:00Z",
        "state": "error",
        "run_id": run,
        "window": WEEK,
        "message": "folder bars: got Permission denied",
        "kind": "StoreError",
        "kept": Kept(instruments=("USD_JPY",), cells=30, last_good=RUN),
        "progress": Progress.of(30, 60),
        "provenance": provenance(),
    }
    return ErrorArtefact(**(fields | changes))


def tables(size: int = 4) -> dict[str, pl.DataFrame]:
    rows = pl.DataFrame({"cell": range(size), "score": [0.5 * i for i in range(size)]})
    days = pl.DataFrame({"day": [1, 2], "return": [0.001, -0.002]})
    return {"rows": rows, "trades": pl.DataFrame({"pnl": [1.0, -0.5, None]}), "oos": days}
