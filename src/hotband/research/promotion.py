"""The gates that a chosen cell must pass before it may trade: promotion is never the score's.

They are asked in this order, and the first that fails is the reason: data, sample, costs, the
step-down test over the grid, the deflated Sharpe ratio, the weeks after the choice, and last
all instruments together. Source: reference/statistics.md, 2.11.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from hotband.research.forward import OutOfSample
from hotband.research.promotion_settings import PromotionSettings
from hotband.research.selection import Selection
from hotband.research.significance.multiple import by
from hotband.research.stress import MARGIN_COSTS

GATES: Final = {
    "data": "enough trades on recorded gates",
    "sample": "days, trades and active days enough",
    "costs": "a profit, and more won than lost at one and a half times the costs",
    "search": "better than the luckiest of the grid's cells",
    "deflation": "better than the best of all trials ever made",
    "out_of_sample": "a profit in the weeks after the choice",
    "instruments": "holds beside all other instruments",
}
"""Gate, in the order asked -> what passing it says."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate: its statistic against its threshold; ``passed`` None = not asked yet.

    ``at_least``: whether the statistic must reach the threshold, or stay at or below it.
    """

    name: str
    passed: bool | None
    measure: str
    statistic: float | None
    threshold: float
    at_least: bool
    n: int


@dataclass(frozen=True, slots=True)
class Promotion:
    """The verdict on one cell, gate by gate."""

    gates: tuple[Gate, ...]

    @property
    def failed_gate(self) -> Gate | None:
        """The first gate that failed; None where none did."""
        return next((gate for gate in self.gates if gate.passed is False), None)

    @property
    def first_failed(self) -> str | None:
        """The reason: the name of ``failed_gate``."""
        return None if self.failed_gate is None else self.failed_gate.name

    @property
    def promoted(self) -> bool:
        """Whether every gate was passed."""
        return all(gate.passed for gate in self.gates)


def promotion_of(
    row: Mapping[str, float | None],
    selection: Selection,
    forward: OutOfSample | None,
    settings: PromotionSettings,
) -> Promotion:
    """The gates of one instrument; the last, over all instruments, stays to be asked.

    ``row`` is the cell's scored and stressed row. ``forward`` is the stitched out-of-sample
    series, or None where no weeks judged anything: the gate fails.
    """
    trades = int(row["trades"] or 0)
    days, active = int(row["days"] or 0), int(row["active_days"] or 0)
    profit = row["pnl"] if trades else None
    after = row[f"{MARGIN_COSTS}_profit_factor"] if trades else None
    oos_days = 0 if forward is None else forward.days
    won = None if forward is None else forward.net_return
    oos_p = None if forward is None else forward.p_value
    gates = [
        _least("data", "real_fraction", row["real_fraction"], settings.least_real, trades),
        _least("sample", "days", days, settings.least_days, days),
        _least("sample", "trades", trades, settings.least_trades, trades),
        _least("sample", "active_days", active, settings.least_active_days, days),
        _above("costs", "pnl", profit, 0.0, trades),
        _above("costs", "profit_factor_at_1_5x_costs", after, 1.0, trades),
        _most("search", "step_down_p", selection.step_down_p, settings.search_p, days),
        _above("deflation", "dsr", selection.dsr, settings.least_dsr, selection.trials),
        _above("out_of_sample", "net_return", won, 0.0, oos_days),
        _most("out_of_sample", "p_value", oos_p, settings.out_of_sample_p, oos_days),
        Gate("instruments", None, "p_by", None, settings.false_discovery, False, 0),
    ]
    return Promotion(tuple(gates))


def _least(name: str, measure: str, value: float | None, least: float, n: int) -> Gate:
    return Gate(name, value is not None and value >= least, measure, value, least, True, n)


def _above(name: str, measure: str, value: float | None, limit: float, n: int) -> Gate:
    return Gate(name, value is not None and value > limit, measure, value, limit, True, n)


def _most(name: str, measure: str, value: float | None, most: float, n: int) -> Gate:
    return Gate(name, value is not None and value <= most, measure, value, most, False, n)


def across_instruments(
    promotions: Mapping[str, Promotion], p_values: Mapping[str, float | None]
) -> dict[str, Promotion]:
    """The verdicts with the last gate asked: false discoveries among all instruments (BY 2001).

    ``p_values``: of the step-down test, by instrument; None counts as 1.
    """
    names = list(promotions)
    if not names:
        return {}
    given = (p_values[name] for name in names)
    adjusted = by(np.array([1.0 if p is None else p for p in given]))
    asked = {}
    for name, p in zip(names, adjusted.tolist(), strict=True):
        *before, last = promotions[name].gates
        done = replace(last, passed=p <= last.threshold, statistic=p, n=len(names))
        asked[name] = Promotion((*before, done))
    return asked
