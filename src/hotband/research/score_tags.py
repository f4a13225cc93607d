"""What speaks against a grid row: each tag with its threshold, its cap and the way out of it.

A tag caps the score instead of multiplying it: the least of monotone steps stays monotone, and
one cap can be named as the one that binds. Source: reference/statistics.md, section 7.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from hotband.research.score_inputs import Columns, ScoreInputs
from hotband.research.series import BoolArray

LEAST_TRADES: Final = 20.0
LEAST_DAYS: Final = 60.0
LEAST_REAL: Final = 0.5
MOST_CHURN: Final = 0.5
LEAST_PROBABILITY: Final = 0.95


@dataclass(frozen=True, slots=True)
class Tag:
    """What raises a cap: ``value`` and ``threshold`` name the numbers to show beside it."""

    name: str
    cap: float
    value: str
    threshold: float | str | None
    raised: Callable[[Columns], BoolArray]
    step: Callable[[ScoreInputs], str]


def _shown(value: float | None, form: str = ".2f") -> str:
    return "undefined" if value is None else format(value, form)


def _missing(value: float | None, least: float, what: str) -> str:
    return f"{max(1, math.ceil(least - (value or 0.0)))} more {what}"


TAGS: Final = (
    Tag(
        "negative_pnl", 25.0, "pnl", 0.0,
        lambda c: c["pnl"] < 0.0,
        lambda i: f"{_shown(-(i.pnl or 0.0))} more profit, to break even",
    ),
    Tag(
        "profit_factor_below_one", 30.0, "pf", 1.0,
        lambda c: ~(c["pf"] >= 1.0),
        lambda i: f"a profit factor of at least 1, now {_shown(i.pf, '.4f')}",
    ),
    Tag(
        "negative_sharpe", 30.0, "sharpe", 0.0,
        lambda c: c["sharpe"] < 0.0,
        lambda i: f"a Sharpe ratio of at least 0, now {_shown(i.sharpe, '.4f')}",
    ),
    Tag(
        "sharpe_undefined", 30.0, "sharpe", None,
        lambda c: np.isnan(c["sharpe"]),
        lambda _: "a Sharpe ratio: more eligible days, with returns that differ",
    ),
    Tag(
        "insufficient_trades", 40.0, "trades", LEAST_TRADES,
        lambda c: c["trades"] < LEAST_TRADES,
        lambda i: _missing(i.trades, LEAST_TRADES, "trades"),
    ),
    Tag(
        "synthetic_heavy", 40.0, "real_frac", LEAST_REAL,
        lambda c: c["real_frac"] < LEAST_REAL,
        lambda i: f"{LEAST_REAL:.0%} of the trades on real data, now {_shown(i.real_frac, '.1%')}",
    ),
    Tag(
        "insufficient_days", 45.0, "days", LEAST_DAYS,
        lambda c: c["days"] < LEAST_DAYS,
        lambda i: _missing(i.days, LEAST_DAYS, "eligible days"),
    ),
    Tag(
        "drawdown_exceeds_pnl", 50.0, "maxdd", "pnl",
        lambda c: (c["pnl"] >= 0.0) & (c["maxdd"] > c["pnl"]),
        lambda i: f"a drawdown of at most the profit of {_shown(i.pnl)}, now {_shown(i.maxdd)}",
    ),
    Tag(
        "churn_heavy", 50.0, "churn", MOST_CHURN,
        lambda c: ~(c["churn"] <= MOST_CHURN),
        lambda i: f"costs of at most {MOST_CHURN:.0%} of the profit before costs, now "
        f"{_shown(i.churn, '.1%')}",
    ),
    Tag(
        "not_significant", 60.0, "psr", LEAST_PROBABILITY,
        lambda c: ~(c["psr"] >= LEAST_PROBABILITY),
        lambda i: f"a PSR of at least {LEAST_PROBABILITY}, now {_shown(i.psr, '.4f')}",
    ),
    Tag(
        "selection_unproven", 70.0, "dsr", LEAST_PROBABILITY,
        lambda c: ~(c["dsr"] >= LEAST_PROBABILITY),
        lambda i: f"a deflated Sharpe probability of at least {LEAST_PROBABILITY}, now "
        f"{_shown(i.dsr, '.4f')}",
    ),
)  # fmt: skip
"""Every tag with a cap, in the order in which caps are applied: lowest cap first."""
