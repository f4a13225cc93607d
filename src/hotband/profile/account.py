"""What a profile says about the account: its limits, costs, conversion and market hours."""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, ValidationError

from hotband.errors import InputError, ProfileError
from hotband.market.calendar import DEFAULT_HOURS, MarketHours
from hotband.market.conversion import ConversionModel
from hotband.profile.document import as_mapping
from hotband.profile.refusals import profile_error
from hotband.profile.settings import Strict

Span: TypeAlias = Annotated[
    tuple[str, str], Field(strict=False, description="a pair of local wall times")
]
Multiple: TypeAlias = Annotated[
    float, Field(gt=0, le=1000, description="a multiple of NAV above 0, or null = off")
]
Bps: TypeAlias = Annotated[float, Field(ge=0, le=1000, description="basis points, 0..1000")]


class Conversion(Strict):
    """How money becomes home currency; see ``market.conversion.ConversionModel``."""

    mode: Literal["mid", "side"] = Field(default="mid", description="mid or side")
    fee: float = Field(
        default=0.0, ge=0, lt=1, description="a fraction from 0, below 1 (0.005 = 0.5 %)"
    )


class Hours(Strict):
    """The fields of ``market.calendar.MarketHours``, with its defaults."""

    zone: str = Field(default=DEFAULT_HOURS.zone, description="an IANA time zone")
    roll: str = Field(default=DEFAULT_HOURS.roll, description="HH:MM")
    week_open: str = Field(default=DEFAULT_HOURS.week_open, description="a weekday and a time")
    week_close: str = Field(default=DEFAULT_HOURS.week_close, description="a weekday and a time")
    closure_start: str = Field(default=DEFAULT_HOURS.closure_start, description="HH:MM")
    closure_end: str = Field(default=DEFAULT_HOURS.closure_end, description="HH:MM")
    holidays: tuple[Span, ...] = Field(
        default=DEFAULT_HOURS.holidays,
        strict=False,
        description="a list of [MM-DD HH:MM, MM-DD HH:MM]",
    )
    dated_holidays: tuple[Span, ...] = Field(
        default=DEFAULT_HOURS.dated_holidays,
        strict=False,
        description="a list of [YYYY-MM-DD HH:MM, YYYY-MM-DD HH:MM]",
    )


class Account(Strict):
    """Limits of the whole account, and what trading costs.

    ``margin_budget_pct`` is a PERCENTAGE of NAV (50 = half of it); the two caps are multiples
    of NAV and off where null. ``closeout`` closes everything where margin x closeout reaches
    NAV (0 = off). ``cost_bps`` is the round-trip commission, of entry notional; half is charged
    at each side. ``slippage_bps`` is of price, on market and stop fills.
    """

    home: str = Field(
        default="USD", pattern="^[A-Z]{3}$", description="three capital letters, as USD"
    )
    margin_budget_pct: float = Field(
        default=50.0, gt=0, le=100, description="a percentage above 0 and at most 100"
    )
    total_exposure: Multiple | None = None
    currency_cap: Multiple | None = None
    max_total_positions: int = Field(
        default=10, ge=1, le=100_000, description="a whole number of tickets from 1"
    )
    closeout: float = Field(default=0.5, ge=0, le=1, description="a number 0..1; 0 = off")
    conversion: Conversion = Field(default_factory=Conversion, description="a mapping")
    cost_bps: Bps = 1.5
    slippage_bps: Bps = 0.0
    hours: Hours = Field(default_factory=Hours, description="a mapping of market hours")

    def market_hours(self) -> MarketHours:
        """The hours as the calendar takes them; InputError where they are impossible."""
        return MarketHours(**self.hours.model_dump())

    def conversion_model(self) -> ConversionModel:
        """The conversion as the market layer takes it; InputError for a fee in mode side."""
        return ConversionModel(self.conversion.mode, self.conversion.fee)


def read_account(values: Mapping[str, object]) -> Account:
    """The ``account:`` section, nulls already filled; ProfileError names the path of a fault."""
    plain = as_mapping(values, "account")
    try:
        account = Account.model_validate(plain)
    except ValidationError as error:
        raise profile_error(error, Account, lambda key: f"account.{key}") from error
    for part, build in (("hours", account.market_hours), ("conversion", account.conversion_model)):
        try:
            build()
        except InputError as error:
            near = [error.suggestion] if error.suggestion else []
            what = f"account.{part}: {error.what}"
            raise ProfileError(what, error.got, error.allowed, error.do, near=near) from error
    return account
