"""What one week of an instrument brings to the roster: results, promise, data, and its cell."""

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass
from datetime import date
from typing import Final, Literal, TypeAlias, get_args

from hotband.errors import InputError

DataState: TypeAlias = Literal["ok", "no_data", "data_gap", "synthetic_only"]
DAYS_PER_WEEK: Final = 5
_WEEK: Final = re.compile(r"(\d{4})-W(\d{2})")


def monday_of(week: str) -> date:
    """The Monday of an ISO week such as ``2025-W16``; raises InputError for another text."""
    match = _WEEK.fullmatch(week)
    try:
        if match is None:
            raise ValueError(week)
        return date.fromisocalendar(int(match[1]), int(match[2]), 1)
    except ValueError as error:
        raise InputError("week", week, "an ISO week such as 2025-W16", "Name another.") from error


def _check_finite(**values: float | None) -> None:
    for name, value in values.items():
        if value is not None and not math.isfinite(value):
            raise InputError(name, value, "a finite number, or None where it may be undefined",
                             "Hand in None with its reason kept elsewhere.")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Promise:
    """What a strategy was promoted on: mean and deviation of a week's net, fractions of NAV.

    Raises:
        InputError: A mean that is not finite, or a deviation that is not above 0.
    """

    weekly_mean: float
    weekly_sd: float

    def __post_init__(self) -> None:
        _check_finite(weekly_mean=self.weekly_mean)
        if not 0.0 < self.weekly_sd < math.inf:
            raise InputError("weekly_sd", self.weekly_sd, "a number above 0", "Give no promise.")

    @property
    def allowance(self) -> float:
        """The CUSUM's k: half the promised weekly Sharpe ratio."""
        return self.weekly_mean / (2.0 * self.weekly_sd)

    @property
    def half_daily_mean(self) -> float:
        """Half of the promised mean of a day, five to the week."""
        return self.weekly_mean / (2.0 * DAYS_PER_WEEK)


@dataclass(frozen=True, slots=True)
class CellAxes:
    """The cell that was judged, on the two axes that can be tightened.

    Attributes:
        hazard_x: The cell's hazard cap over the profile's; None = the profile has no cap.
        min_reps: The cell's.
        hazard_x_values: All of the grid's axis.
        min_reps_values: All of the grid's axis.
    """

    hazard_x: float | None
    min_reps: int
    hazard_x_values: tuple[float, ...] = ()
    min_reps_values: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not all(math.isfinite(x) and x >= 0.0 for x in (self.hazard_x or 0.0,
                                                           *self.hazard_x_values)):  # fmt: skip
            raise InputError("hazard_x", (self.hazard_x, *self.hazard_x_values),
                             "finite numbers from 0", "Correct the axis.")  # fmt: skip
        if min(self.min_reps, *self.min_reps_values, self.min_reps) < 0:
            raise InputError("min_reps", (self.min_reps, *self.min_reps_values),
                             "whole numbers from 0", "Correct the axis.")  # fmt: skip


@dataclass(frozen=True, slots=True)
class WeekResult:
    """One instrument's week, out of sample: of the cell that the roster holds for it.

    Attributes:
        instrument: Such as ``EUR_USD``.
        week: ISO week such as ``2025-W16``.
        trades: Closed in the week.
        sharpe: Annualised, of daily marked returns; None = undefined.
        profit_factor: None = undefined (no trades, or no loss).
        net: Return of the week, a fraction of NAV at full size.
        returns: Daily returns, fractions of NAV at full size, of the days after the decision
            before; each day once.
        promise: Of the cell, from the look-back; None = none was made.
        real_fraction: Share of recorded gates, 0..1; None = not known.
        data: ``ok``, or why the week cannot be judged.
        gates_passed: Whether the promotion gates (2.11) passed; None = not run.
        first_failed_gate: Its name, where they did not.
        cell: For the next tighter cell; None = not known.

    Raises:
        InputError: A number that is not finite, or outside what is said above.
    """

    instrument: str
    week: str
    trades: int
    sharpe: float | None
    profit_factor: float | None
    net: float
    returns: tuple[float, ...] = ()
    promise: Promise | None = None
    real_fraction: float | None = None
    data: DataState = "ok"
    gates_passed: bool | None = None
    first_failed_gate: str | None = None
    cell: CellAxes | None = None

    def __post_init__(self) -> None:
        monday_of(self.week)
        _check_finite(sharpe=self.sharpe, profit_factor=self.profit_factor, net=self.net)
        for day, value in enumerate(self.returns, 1):
            _check_finite(**{f"return {day}": value})
        if self.trades < 0:
            raise InputError("trades", self.trades, "a whole number from 0", "Correct it.")
        if self.real_fraction is not None and not 0.0 <= self.real_fraction <= 1.0:
            raise InputError("real_fraction", self.real_fraction, "0 to 1", "Give a share.")
        if self.data not in get_args(DataState):
            raise InputError("data", self.data, ", ".join(get_args(DataState)),
                             "Name one of them.", near=get_args(DataState))  # fmt: skip

    @property
    def unjudged(self) -> DataState | None:
        """Why the week cannot be judged; None = it can. No recorded gate = synthetic only."""
        if self.data == "ok":
            return "synthetic_only" if self.real_fraction == 0.0 else None
        return self.data

    def digest(self) -> str:
        """SHA-256 over all values, hex: equal weeks have equal digests."""
        text = json.dumps(asdict(self), sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()
