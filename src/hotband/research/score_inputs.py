"""What a grid row is scored by: the inputs, their bounds, and which of them may be null.

Bounds are checked here for one row and for many alike, so that the score itself only computes.
Source: reference/statistics.md, section 7.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final, TypeAlias

import numpy as np

from hotband.errors import IntegrityError
from hotband.research.series import BoolArray, FloatArray

Columns: TypeAlias = Mapping[str, FloatArray]
"""Name of an input -> one value per row, NaN = null."""

_ALLOWED: Final[Mapping[str, tuple[float, float, bool]]] = {
    "sharpe": (-math.inf, math.inf, True),
    "days": (0.0, math.inf, False),
    "trades": (0.0, math.inf, False),
    "return_pct": (-math.inf, math.inf, True),
    "pnl_nav_pct": (-math.inf, math.inf, True),
    "pnl": (-math.inf, math.inf, False),
    "pf": (0.0, math.inf, True),
    "maxdd_pct": (0.0, math.inf, True),
    "maxdd": (0.0, math.inf, False),
    "real_frac": (0.0, 1.0, False),
    "churn": (-math.inf, math.inf, True),
    "psr": (0.0, 1.0, True),
    "dsr": (0.0, 1.0, True),
}
# input -> (least, most, whether it may be null in a row with trades)


@dataclass(frozen=True, slots=True)
class ScoreInputs:
    """What a row is scored by; None = undefined.

    With trades, only ``sharpe``, ``return_pct``, ``pnl_nav_pct``, ``pf``, ``maxdd_pct``,
    ``churn``, ``psr`` and ``dsr`` may be None; each then counts as its worst. Numbers that are
    not finite or out of range raise IntegrityError.

    Attributes:
        sharpe: Annual, of daily mark-to-market returns.
        days: Eligible days.
        trades: Closed trades; 0 = no score.
        return_pct: Net profit in percent of the start balance.
        pnl_nav_pct: Net profit in percent of the time-weighted NAV.
        pnl: Net profit, home currency.
        pf: The shrunk profit factor.
        maxdd_pct: Deepest drawdown in percent of the peak, 0 or more.
        maxdd: The same in home currency.
        real_frac: Share of the trades on real data, 0..1.
        churn: Costs as a share of the profit before costs.
        psr: Probability of a Sharpe ratio above 0, 0..1.
        dsr: The same, deflated by the trials that were made.
    """

    sharpe: float | None
    days: float | None
    trades: float | None
    return_pct: float | None
    pnl_nav_pct: float | None
    pnl: float | None
    pf: float | None
    maxdd_pct: float | None
    maxdd: float | None
    real_frac: float | None
    churn: float | None
    psr: float | None
    dsr: float | None

    def __post_init__(self) -> None:
        for name in INPUTS:
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise _refusal(name, value)
        checked(self.columns())

    def columns(self) -> dict[str, FloatArray]:
        """The inputs as columns (1,), NaN for None."""
        values = ((name, getattr(self, name)) for name in INPUTS)
        return {name: np.array([np.nan if x is None else x], np.float64) for name, x in values}


INPUTS: Final = tuple(field.name for field in fields(ScoreInputs))
"""The names of the inputs, which are also the columns that ``scores`` reads."""


def _refusal(name: str, got: object, rows: str = "") -> IntegrityError:
    low, high, nullable = _ALLOWED[name]
    allowed = f"a finite number from {low:g} to {high:g}{' or null' if nullable else ''}"
    do = "Report a defect: the row's metrics must keep these bounds."
    return IntegrityError(f"score input {name}", f"{got}{rows}", allowed, do)


def checked(columns: Columns) -> tuple[dict[str, FloatArray], BoolArray]:
    """The inputs as float64 of one shape, and which rows have trades; or an IntegrityError."""
    missing = next((name for name in INPUTS if name not in columns), None)
    if missing is not None:
        given = ", ".join(columns) or "none"
        do = f"Add the column {missing}, NaN where it is null."
        raise IntegrityError("columns of a score", given, ", ".join(INPUTS), do)
    found = {name: np.asarray(columns[name], np.float64) for name in INPUTS}
    shapes = {name: column.shape for name, column in found.items()}
    if len(set(shapes.values())) > 1:
        do = "Pass one value per row in every column."
        raise IntegrityError("columns of a score", shapes, "columns of one shape", do)
    traded = np.asarray(found["trades"] > 0.0)
    for name, (low, high, nullable) in _ALLOWED.items():
        column, null = found[name], np.isnan(found[name])
        wrong = np.isinf(column) | (column < low) | (column > high)
        if name == "trades":
            wrong |= null
        elif not nullable:
            wrong |= null & traded
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            raise _refusal(name, column.ravel()[first], f" in row {first}")
    return found, traded
