"""The roster's settings: the weekly rule's thresholds, and what evidence and decay must show."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hotband.errors import ProfileError
from hotband.profile.document import read_document
from hotband.profile.refusals import profile_error
from hotband.roster.evidence import EProcess

SECTION: Final = "roster"
_Count = Annotated[int, Field(ge=1, description="a whole number of at least 1")]
_Positive = Annotated[float, Field(gt=0, description="a number above 0")]
_Share = Annotated[float, Field(gt=0, lt=1, description="a number above 0 and below 1")]
_Bar = Annotated[float, Field(gt=1, description="a number above 1")]


class RosterSettings(BaseModel):
    """The section ``roster:`` of a file."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    traffic_light: Literal["rule"] = "rule"
    """What lights the traffic light: always the weekly rule."""
    promotion: Literal["evidence", "rule"] = "evidence"
    """Which of the two state machines acts on the roster; the other is shown beside it."""

    min_trades: _Count = 20
    """A week passes from this many trades on."""
    min_sharpe: float = 0.5
    """A week's annualised Sharpe ratio must be above it."""
    min_profit_factor: _Positive = 1.2
    """A week's profit factor must be above it."""
    profit_factor_c: _Positive | None = None
    """Where set, the profit factor must be above 1 + c / sqrt(trades) instead."""
    failing_weeks: _Count = 2
    """Consecutive failing weeks that disable."""

    evidence: _Bar = 20.0
    """The e-value that promotes and, from 1 again, re-enables."""
    loss_limit: _Share = 0.02
    """The hard limit of a day's loss, a fraction of NAV; a day beyond it disables."""
    prior_days: _Positive = 20.0
    prior_square: _Positive = 0.1
    stake_cap: _Share = 0.5

    false_alarm_weeks: _Bar = 104.0
    """Mean weeks between alarms of the CUSUM while the promise holds."""
    false_alarm_days: _Bar = 260.0
    """Least mean days between alarms of the e-detector while half the promise holds."""
    tightened_size: _Share = 0.5
    """Size of a tightened instrument over its full size, where evidence acts."""

    @property
    def process(self) -> EProcess:
        """The e-process of a mean daily return above 0."""
        return EProcess(
            loss_limit=self.loss_limit,
            prior_days=self.prior_days,
            prior_square=self.prior_square,
            cap=self.stake_cap,
        )

    def profit_factor_above(self, trades: int) -> float:
        """What the profit factor of a week of ``trades`` must exceed."""
        if self.profit_factor_c is None or trades == 0:
            return self.min_profit_factor
        return 1.0 + self.profit_factor_c / math.sqrt(trades)


def load_roster(
    source: RosterSettings | Path | str | Mapping[str, Any] | None = None,
) -> RosterSettings:
    """The settings of a YAML file's section ``roster:``, of plain values of it, or the defaults.

    A file without the section has the defaults.

    Raises:
        ProfileError: A file that cannot be read, an unknown key or an impossible value.
    """
    if source is None or isinstance(source, RosterSettings):
        return source or RosterSettings()
    section: object = source if isinstance(source, Mapping) else None
    if not isinstance(source, Mapping):
        section = read_document(Path(source)).get(SECTION, {})
    if not isinstance(section, Mapping):
        raise ProfileError(SECTION, section, "a mapping of settings", "Write one key a line.")
    try:
        return RosterSettings.model_validate(dict(section))
    except ValidationError as error:
        raise profile_error(error, RosterSettings, lambda key: f"{SECTION}.{key}") from error
