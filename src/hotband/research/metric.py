"""One number of a result with everything that says how far to trust it.

No value is ever NaN or infinite: it is a number, or null with the code of a reason. Codes and
flags have their words here, once, for reports, the API and the dashboard.
"""

import math
from collections.abc import Iterable
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, model_validator

from hotband.errors import IntegrityError

REASONS: Final[dict[str, str]] = {
    "no_trades": "no trade in the window",
    "lt_2_days": "fewer than two eligible days",
    "zero_variance": "every eligible day returned the same",
    "no_losses": "no losing trade",
    "no_wins": "no winning trade",
    "no_downside": "no eligible day lost money",
    "zero_drawdown": "the equity never fell below its peak",
    "ruin": "the equity reached zero",
    "window_too_short": "too few eligible days to annualise",
    "moments_unstable": "the variance of the estimate is not positive",
    "data_gap": "no day of the window has enough bars",
    "synthetic_only": "every signal was derived from bars",
    "too_few_active_days": "too few days with an entry",
}
"""Why a value is null: code -> text (reference/statistics.md, 1.3)."""

FLAGS: Final[dict[str, str]] = {
    "few_trades": "fewer than 20 trades, 5 wins or 5 losses: too few to judge by",
    "few_days": "fewer than 60 eligible days: too few to judge by",
    "days_excluded": "days with fewer bars than the data rule asks are left out",
    "lo_corrected": "lowered for autocorrelated days",
    "pf_loss_floored": "losses are below one round-trip cost, which stands in for them",
    "gross_floored": "profit before costs is below one round-trip cost, which stands in for it",
    "open_tickets": "positions were still open at the end",
    "ruin": "the equity reached zero",
}
"""What qualifies a value: code -> text."""


class Metric(BaseModel):
    """A value, or null with a reason, and its uncertainty.

    ``n`` counts the observations behind it (days or trades), ``se`` and ``ci90`` share the
    value's unit, ``period`` says what it is a number of (trade, day, year or window), and
    ``method`` how it was found. A non-finite number, a value together with a reason (or
    neither), an unknown code or a reversed interval raises IntegrityError.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float | None
    reason: str | None = None
    n: int | None = None
    se: float | None = None
    ci90: tuple[float, float] | None = None
    period: str | None = None
    method: str | None = None
    flags: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        do = "Report a defect: the measure must answer null with a reason."
        for name, number in (
            ("value", self.value),
            ("se", self.se),
            *(("ci90", end) for end in self.ci90 or ()),
        ):
            if number is not None and not math.isfinite(number):
                raise IntegrityError(f"metric {name}", number, "finite numbers", do)
        if (self.value is None) != (self.reason is not None):
            got = f"value {self.value} with reason {self.reason}"
            raise IntegrityError("metric", got, "a value or a reason, one of the two", do)
        if self.reason is not None:
            _require_known("metric reason", self.reason, REASONS)
        for flag in self.flags:
            _require_known("metric flag", flag, FLAGS)
        if self.se is not None and self.se < 0.0:
            raise IntegrityError("metric se", self.se, "0 or more", do)
        if self.ci90 is not None and self.ci90[0] > self.ci90[1]:
            raise IntegrityError("metric ci90", self.ci90, "low before high", do)
        return self

    @property
    def reason_text(self) -> str | None:
        """The words of the reason; None where there is a value."""
        return None if self.reason is None else REASONS[self.reason]


def _require_known(what: str, code: str, table: Iterable[str]) -> None:
    if code not in table:
        allowed = ", ".join(table)
        raise IntegrityError(what, code, allowed, "Add the code to its table.", near=table)


def undefined(reason: str, *, n: int | None = None, period: str | None = None) -> Metric:
    """A null metric with the code of its reason."""
    return Metric(value=None, reason=reason, n=n, period=period)
