"""What a profile can set for an instrument: every key, its unit, range and default.

One model serves ``global``, each instrument and the merged result: which keys a layer really
set is kept in ``model_fields_set``. A field that may be ``None`` is off with ``None``. The
descriptions are what an error shows as allowed.
"""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from hotband.core.records import MAX_TICKETS

MAX_PRICE_FRACTION: Final = 0.2
"""The widest distance that the ``_pct`` levels take; larger numbers were meant as percent."""
DEFAULT_HOLD_MINUTES: Final = 30.0
_MINUTES_PER_WEEK: Final = 7 * 1440

Share: TypeAlias = Annotated[float, Field(ge=0, le=1, description="a number 0..1, or null = off")]
Limit: TypeAlias = Annotated[float, Field(description="a finite number, or null = off")]
Minutes: TypeAlias = Annotated[
    float, Field(ge=0, le=_MINUTES_PER_WEEK, description="minutes, 0..10080")
]
Hold: TypeAlias = Annotated[
    float, Field(gt=0, le=52 * _MINUTES_PER_WEEK, description="minutes above 0")
]
PriceFraction: TypeAlias = Annotated[
    float,
    Field(
        gt=0,
        le=MAX_PRICE_FRACTION,
        description="a fraction of the entry price above 0 and at most 0.2 (0.005 = 0.5 %), "
        "or null = off",
    ),
]
Pips: TypeAlias = Annotated[
    float, Field(gt=0, le=100_000, description="pips above 0, or null = off")
]
Fraction: TypeAlias = Annotated[
    float,
    Field(ge=0, le=0.2, description="a fraction 0..0.2 (0.01 = 1 %), or null = off"),
]
Scale: TypeAlias = Annotated[float, Field(gt=0, le=100, description="a number above 0, to 100")]
Bars: TypeAlias = Annotated[int, Field(ge=1, le=1_000_000, description="a whole number from 1")]
Regime: TypeAlias = Literal[
    "trend_bull",
    "trend_bear",
    "mean_revert",
    "chaotic",
    "neutral",
    "insufficient",
    "long_ok",
    "short_ok",
]


class Strict(BaseModel):
    """Base of all profile models: frozen, no unknown keys, no coercion, no NaN or infinity."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, validate_default=True
    )


class Guards(Strict):
    """Limits on gate metrics, inclusive; an undefined metric fails a guard that is set."""

    min_coherence: Limit | None = None
    min_stability: Limit | None = None
    max_entropy: Limit | None = None
    max_coherence_tau_slope: Limit | None = None
    max_domain_wall_slope: Limit | None = None
    min_low_freq_share: Limit | None = None
    max_reynolds_ratio: Limit | None = None
    min_temporal_half_life: Limit | None = None
    min_spatial_corr_length: Limit | None = None
    min_pinned_alignment: Limit | None = None


class Exit(Strict):
    """The time exit: hold_minutes, else max_hold_minutes, else exit_horizon, else 30."""

    hold_minutes: Hold | None = None
    max_hold_minutes: Hold | None = None
    exit_horizon: Hold | None = None
    hold_rearm: bool = Field(default=False, description="true or false")
    """Whether a new admitted gate on the same side restarts the hold."""
    horizons: tuple[Hold, ...] = Field(
        default=(), strict=False, description="a list of minutes above 0; empty = any hold"
    )
    """The hold minutes that are allowed, by the profile and by a grid."""


class HazardExit(Strict):
    """Closes a position when a gate's hazard passes the threshold; off without one."""

    threshold: Share | None = None
    when: Literal["above", "below"] = Field(default="above", description="above or below")


class Deriver(Strict):
    """How gates are derived from bars where no real gate exists; named as the deriver does."""

    return_window: Bars = 1
    """Bars over which one return is taken."""
    streak_window: Bars = 20
    """Steps that coherence and entropy look back on."""
    min_history_runs: Bars = 50
    """Completed runs before there is a hazard."""
    history_runs: Bars = 2000
    """Completed runs remembered."""
    max_gap_bars: Bars = 5
    """Bars opening further apart than this cut a run."""


class Encoder(Strict):
    """How gates are encoded from bars; named as the encoder does."""

    window_bars: int = Field(default=64, ge=4, le=256, description="an even whole number, 4..256")
    stride_bars: Bars = 1
    """Bars between two gates."""
    atr_bars: Bars = 14
    max_gap_minutes: Hold = 60.0
    """Bars opening further apart than this start the window anew."""
    signature_decimals: int = Field(default=2, ge=0, le=6, description="a whole number, 0..6")
    repetition_minutes: Hold = 60.0
    """How far back equal signatures count as repetitions."""
    hazard_percentile: float | None = Field(
        default=0.8, ge=0.05, le=0.99, description="a number 0.05..0.99, or null = off"
    )
    """A gate whose hazard is above this quantile of those before it is not admitted."""
    hazard_memory: int = Field(default=2048, ge=64, le=1_000_000, description="64..1000000 gates")


class SessionPart(Strict):
    """One window of local hours, or the name of a built-in session."""

    name: str | None = Field(default=None, description="the name of a session")
    start: str | None = Field(default=None, description="HH:MM in quotes")
    end: str | None = Field(default=None, description="HH:MM in quotes")
    zone: str | None = Field(default=None, description="an IANA time zone; UTC without one")


class Settings(Strict):
    """All settings of one layer.

    The four ``_pct`` levels are FRACTIONS OF THE ENTRY PRICE, as in existing profiles
    (0.005 = 0.5 %), and their ``_pips`` twins are in pips; a level has one of the two.
    ``nav_risk_pct`` is a fraction of NAV lost at the stop (0.01 = 1 %), ``vol_target_pct`` a
    fraction per day. ``exposure`` is the notional of one entry over NAV (1.0 = as much as NAV);
    the ``exposure_scale`` of the existing stack was a margin-like divisor and is not this.
    Hazards are lambda on the scale of the gates, unless ``hazard_scale`` says otherwise.
    """

    hazard_min: Share | None = None
    hazard_max: Share | None = None
    hazard_scale: Literal["lambda", "hazard"] | None = Field(
        default=None, description="lambda or hazard, or null = by hazard_min"
    )
    """What the hazard limits are written in: lambda, or the raw hazard that ``lambda_scale``
    turns into it. Null: raw hazard where hazard_min is above lambda_scale, else lambda."""
    min_repetitions: int = Field(default=1, ge=0, le=1_000_000, description="a whole number from 0")
    guards: Guards = Field(default_factory=Guards, description="a mapping of the ten guards")
    direction: Literal["momentum", "mean_reversion"] = Field(
        default="momentum", description="momentum or mean_reversion"
    )
    missing_direction: Literal["refuse", "last_move"] = Field(
        default="refuse", description="refuse or last_move"
    )
    regime_filter: tuple[Regime, ...] = Field(
        default=(), strict=False, description="a list of regime labels; empty = all"
    )
    min_regime_confidence: Share = Field(default=0.0, description="a number 0..1; 0 = off")
    gate_max_age_minutes: Hold = 15.0
    session: tuple[SessionPart, ...] = Field(
        default=(), strict=False, description="a name, a mapping, or a list of these"
    )
    """Empty = all hours of the trading week."""
    session_exit_minutes: Minutes = 5.0
    """No entries this close to the session's end."""
    weekend_exit_minutes: Minutes = 15.0
    """No entries this close to the weekly close."""
    flat_before_weekend: bool = Field(default=True, description="true or false")
    exit: Exit = Field(default_factory=Exit, description="a mapping of exit settings")
    cooldown_minutes: Minutes = 0.0
    latency_seconds: float = Field(default=0.0, ge=0, le=86_400, description="seconds, 0..86400")
    max_stack: int = Field(default=1, ge=1, le=MAX_TICKETS, description=f"1..{MAX_TICKETS} tickets")
    opposite: Literal["ignore", "close", "reverse"] = Field(
        default="ignore", description="ignore, close or reverse"
    )
    stop_loss_pct: PriceFraction | None = None
    stop_loss_pips: Pips | None = None
    take_profit_pct: PriceFraction | None = None
    take_profit_pips: Pips | None = None
    breakeven_trigger_pct: PriceFraction | None = None
    breakeven_pips: Pips | None = None
    trailing_stop_pct: PriceFraction | None = None
    trailing_pips: Pips | None = None
    hazard_exit: HazardExit = Field(
        default_factory=HazardExit, description="a mapping of threshold and when"
    )
    nav_risk_pct: Fraction | None = 0.01
    exposure: Scale = 1.0
    vol_target_pct: Fraction | None = None
    vol_scale_min: Scale = 0.25
    vol_scale_max: Scale = 2.0
    vol_half_life_bars: Bars = 1440
    lambda_scale: float = Field(default=0.1, gt=0, le=1, description="a number above 0, to 1")
    """Factor from the structural hazard 0..1 to lambda, in gates derived from bars."""
    deriver: Deriver = Field(default_factory=Deriver, description="a mapping")
    encoder: Encoder = Field(default_factory=Encoder, description="a mapping")


LEVELS: Final = (
    ("stop_loss_pct", "stop_loss_pips"),
    ("take_profit_pct", "take_profit_pips"),
    ("breakeven_trigger_pct", "breakeven_pips"),
    ("trailing_stop_pct", "trailing_pips"),
)
"""The two ways of writing each level; a layer that sets one replaces what it inherits."""
