"""Canned streams of trades whose order of scores and whose tags stay as they are.

One trade a day, none at 0; each stream is worked through the real measures, and its numbers
stand beside it as worked out by hand.
"""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from tests.unit.research.result_logs import START, day_rows, plain_window

from hotband.research.measures import max_drawdown_daily, sharpe
from hotband.research.score import Score, ScoreInputs, score
from hotband.research.series import daily_returns
from hotband.research.sharpe import moments, psr, sharpe_ratio
from hotband.research.trades import profit_factor_shrunk


@dataclass(frozen=True)
class Stream:
    """Net profit by day, home currency, and what the measures do not see."""

    net: list[float]
    real_frac: float = 1.0
    churn: float = 0.2
    dsr: float = 0.97

    def inputs(self) -> ScoreInputs:
        profit = np.array(self.net)
        nets = profit[profit != 0.0]
        days = day_rows(START + np.cumsum(profit))
        series = daily_returns(days, START, plain_window(len(profit)))
        fall, fall_pct = max_drawdown_daily(series)
        pnl = float(profit.sum())
        return ScoreInputs(
            sharpe=sharpe(series.returns).value,
            days=len(profit),
            trades=len(nets),
            return_pct=100.0 * pnl / START,
            pnl_nav_pct=100.0 * pnl / float(series.equity.mean()),
            pnl=pnl,
            pf=profit_factor_shrunk(nets).value,
            maxdd_pct=fall_pct.value,
            maxdd=fall.value,
            real_frac=self.real_frac,
            churn=self.churn,
            psr=psr(sharpe_ratio(series.returns), len(profit), *moments(series.returns)),
            dsr=self.dsr,
        )

    def scored(self) -> Score:
        return score(self.inputs())


STREAMS = {
    # 50 wins of 200, 50 losses of 100: pnl 5000
    "steady": Stream([200.0, -100.0] * 50),
    # a win of 100 on every tenth day: pnl 1000, no loss at all
    "no_losses": Stream(([0.0] * 9 + [100.0]) * 10),
    # one win of 5000 in 100 days
    "one_lucky_trade": Stream([0.0] * 50 + [5_000.0] + [0.0] * 49),
    # as steady, on derived gates
    "synthetic_only": Stream([200.0, -100.0] * 50, real_frac=0.0),
    # as steady, but most of the profit before costs is paid away
    "churn": Stream([200.0, -100.0] * 50, churn=0.8),
    # 5000 lost first, 7500 won after: pnl 2500
    "drawdown_above_pnl": Stream([-100.0] * 50 + [150.0] * 50, dsr=0.3),
    # 50 wins of 100, 50 losses of 200: pnl -5000
    "negative_everywhere": Stream([-200.0, 100.0] * 50, churn=2.0, dsr=0.0),
}
SCORED = {name: stream.scored() for name, stream in STREAMS.items()}


def test_the_order_of_the_streams_by_score_then_pnl() -> None:
    ranked = sorted(STREAMS, key=lambda s: (SCORED[s].value, STREAMS[s].inputs().pnl), reverse=True)
    assert ranked == [
        "steady", "churn", "drawdown_above_pnl", "no_losses", "synthetic_only", "one_lucky_trade",
        "negative_everywhere",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("steady", []),
        ("no_losses", ["insufficient_trades"]),
        ("one_lucky_trade", ["insufficient_trades"]),
        ("synthetic_only", ["synthetic_heavy"]),
        ("churn", ["churn_heavy"]),
        ("drawdown_above_pnl", ["drawdown_exceeds_pnl", "selection_unproven"]),
        (
            "negative_everywhere",
            [
                "negative_pnl", "profit_factor_below_one", "negative_sharpe", "churn_heavy",
                "not_significant", "selection_unproven",
            ],
        ),
    ],
)  # fmt: skip
def test_each_stream_raises_its_tags(name: str, tags: list[str]) -> None:
    assert [penalty.tag for penalty in SCORED[name].penalties] == tags


@pytest.mark.parametrize(
    ("name", "value", "binding"),
    [
        ("steady", 72.2668, None),
        ("churn", 50.0, "churn_heavy"),
        ("drawdown_above_pnl", 50.0, "drawdown_exceeds_pnl"),
        ("no_losses", 37.5717, None),
        ("synthetic_only", 28.9067, None),  # 0.4 of steady
        ("one_lucky_trade", 21.8157, None),
        ("negative_everywhere", 20.2657, None),
    ],
)
def test_each_stream_keeps_its_score(name: str, value: float, binding: str | None) -> None:
    assert SCORED[name].value == pytest.approx(value, abs=5e-5)
    assert SCORED[name].binding == binding


@pytest.mark.parametrize(
    ("name", "pf", "fall_pct"),
    [
        ("steady", 10_750 / 5_750, 100 / 1_002),  # five mean trades of 150 on both sides
        ("no_losses", 1_500 / 500, 0.0),
        ("one_lucky_trade", 30_000 / 25_000, 0.0),
        ("drawdown_above_pnl", 8_125 / 5_625, 5.0),
        ("negative_everywhere", 5_750 / 10_750, 5.1),
    ],
)
def test_the_measures_of_a_stream_are_those_worked_out_by_hand(
    name: str, pf: float, fall_pct: float
) -> None:
    inputs = STREAMS[name].inputs()
    assert inputs.pf == pytest.approx(pf)
    assert inputs.maxdd_pct == pytest.approx(fall_pct)


def test_the_score_of_no_losses_is_worked_out_by_hand() -> None:
    """Depth 0.25 + 0.75 x 10/40 = 0.4375; terms: pf 9/10, drawdown 1, and three of profit."""
    inputs = STREAMS["no_losses"].inputs()
    assert inputs.sharpe == pytest.approx(5.348, abs=5e-4)  # (10 / 30.15) x sqrt 260
    shrunk = 5.348 * (100 / 160) ** 0.5 / 1.5

    def sig(x: float) -> float:
        return 0.5 * (1.0 + x / math.sqrt(1.0 + x * x))

    quality = 0.30 * sig(shrunk) + 0.15 * sig(0.1) + 0.10 * sig(0.0995) + 0.20 * 0.9 + 0.25
    assert SCORED["no_losses"].value == pytest.approx(100 * quality * 0.4375, abs=5e-3)


def test_real_gates_outrank_the_same_trades_on_derived_ones() -> None:
    real, derived = SCORED["steady"].value, SCORED["synthetic_only"].value
    assert real is not None
    assert derived == pytest.approx(0.4 * real)
