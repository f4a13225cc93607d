"""The grid file: which values each axis of the sweep takes, and what bounds the whole."""

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hotband.core.codes import GUARDS
from hotband.errors import ProfileError
from hotband.market.instruments import load_instruments
from hotband.profile.compact import INSTRUMENT
from hotband.profile.document import parse_document, read_document
from hotband.profile.refusals import profile_error
from hotband.profile.settings import Hold, Pips, Scale
from hotband.profile.strategy import Profile, effective
from hotband.research.promotion_settings import PromotionSettings
from hotband.research.walkforward import WalkForwardSettings

_MOST_REPS: Final = 1_000_000
_Reps = Annotated[int, Field(ge=0, le=_MOST_REPS)]
_MoreReps = Annotated[int, Field(ge=-_MOST_REPS, le=_MOST_REPS)]
_Directions = tuple[Literal["momentum", "mean_reversion"], ...]
Share = Annotated[float, Field(ge=0, le=1)]
Quantiles = Annotated[tuple[Share, ...], Field(min_length=1, description="a list of numbers 0..1")]
Levels = Annotated[
    tuple[Pips | None, ...],
    Field(min_length=1, description="a list of pips above 0, with null for off"),
]
Limits = Annotated[tuple[float, ...], Field(min_length=1, description="a list of numbers")]
Holds = Annotated[tuple[Hold, ...], Field(min_length=1, description="a list of minutes above 0")]
Scales = Annotated[
    tuple[Scale, ...], Field(min_length=1, description="a list of numbers above 0, to 100")
]
RepsList = Annotated[
    tuple[_Reps, ...], Field(min_length=1, description="a list of whole numbers from 0")
]
MoreReps = Annotated[
    tuple[_MoreReps, ...], Field(min_length=1, description="a list of whole numbers")
]
Directions = Annotated[
    _Directions, Field(min_length=1, description="a list of momentum and mean_reversion")
]
GUARD_NAMES: Final = tuple(name for name, _ in GUARDS)
LEVEL_NAMES: Final = ("stop_loss_pips", "take_profit_pips", "trailing_pips", "breakeven_pips")
NARROWEST: Final = 1e-4
"""Of a hazard band: values are rounded to 1e-6, and a narrower one could be a single point."""
_PAIRS: Final = (("min_reps", "min_reps_add"), ("exposure", "exposure_x"))


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class HazardBand(_Strict):
    """The values of ``hazard_max``: ``points`` over cap - band .. cap + band, inside bounds."""

    band: Annotated[float, Field(ge=NARROWEST, le=1)] = 0.02
    points: Annotated[int, Field(ge=2, le=1000)] = 5
    floor: Share = 0.06
    ceiling: Share = 0.14
    widen_from: Share = 0.70
    quantiles: Quantiles = (0.1, 0.3, 0.5, 0.7, 0.9)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.ceiling - self.floor < NARROWEST:
            raise ValueError(f"floor must lie at least {NARROWEST:g} below ceiling")
        return self


class GuardAxes(_Strict):
    """The values of each guard that is swept; named as in a profile."""

    min_coherence: Limits | None = None
    min_stability: Limits | None = None
    max_entropy: Limits | None = None
    max_coherence_tau_slope: Limits | None = None
    max_domain_wall_slope: Limits | None = None
    min_low_freq_share: Limits | None = None
    max_reynolds_ratio: Limits | None = None
    min_temporal_half_life: Limits | None = None
    min_spatial_corr_length: Limits | None = None
    min_pinned_alignment: Limits | None = None


class Axes(_Strict):
    """One instrument's axes; a key that is not set leaves the profile's value alone."""

    hazard: HazardBand = HazardBand()
    min_reps: RepsList | None = None
    min_reps_add: MoreReps | None = None
    hold_minutes: Holds | None = None
    exposure: Scales | None = None
    exposure_x: Scales | None = None
    stop_loss_pips: Levels | None = None
    take_profit_pips: Levels | None = None
    trailing_pips: Levels | None = None
    breakeven_pips: Levels | None = None
    guards: GuardAxes = GuardAxes()
    direction: Directions | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for one, other in _PAIRS:
            if getattr(self, one) is not None and getattr(self, other) is not None:
                raise ValueError(f"one of {one} and {other}, which exclude each other")
        return self


class GridSettings(_Strict):
    """The whole grid file."""

    default: dict[str, Any] = Field(default_factory=dict)
    instruments: dict[str, dict[str, Any]] = Field(default_factory=dict)
    min_trades: Annotated[int, Field(ge=1)] = 10
    max_cells: Annotated[int, Field(ge=1)] = 200_000
    walk_forward: WalkForwardSettings = WalkForwardSettings()
    promotion: PromotionSettings = PromotionSettings()

    def axes(self, instrument: str) -> Axes:
        """The axes of an instrument: its own keys over the default's.

        Raises ProfileError for a key that is unknown or a value that is not possible.
        """
        own = self.instruments.get(instrument, {})
        values = _over(self.default, own)
        for one, other in _PAIRS:
            if own.get(one) is not None and own.get(other) is None:
                values[other] = None
            elif own.get(other) is not None and own.get(one) is None:
                values[one] = None
        where = f"instruments.{instrument}" if own else "default"
        axes: Axes = _checked(Axes, values, f"grid {where}")
        return axes


def _over(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Both, the upper's keys winning; mappings inside are joined key by key as well."""
    joined = {**lower, **upper}
    for key, value in upper.items():
        below = lower.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            joined[key] = {**below, **value}
    return joined


def _checked(model: type[Any], values: Mapping[str, Any], what: str) -> Any:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "value_error":  # of several keys together
            path, given = ".".join((what, *map(str, first["loc"]))), first["input"]
            got = ", ".join(f"{key} {value}" for key, value in given.items())
            allowed = str(first["ctx"]["error"])
            raise ProfileError(path, got, allowed, "Correct the grid file.") from error
        raise profile_error(error, model, lambda key: f"{what}.{key}") from error


def _document(source: Path) -> Mapping[str, Any]:
    try:
        found = read_document(source)
    except ProfileError as error:
        # It speaks of profiles, whose files have the same syntax.
        what = error.what.replace("profile file", "grid file").replace("profile", "grid")
        raise ProfileError(what, error.got, error.allowed, error.do) from error
    if not found:
        raise ProfileError(
            f"grid {source.name}", "nothing", "default, instruments, ...", "Write a mapping."
        )
    return found


def load_grid(source: Path | str | Mapping[str, Any] | None = None) -> GridSettings:
    """The grid of a YAML file, of plain values, or the one that comes with hotband.

    Raises ProfileError for unreadable files, unknown keys and impossible values.
    """
    if source is None:
        text = (resources.files("hotband.research") / "grid.yaml").read_text("utf-8")
        document: Mapping[str, Any] = parse_document(text, "grid.yaml")
        what = "grid.yaml"
    elif isinstance(source, Mapping):
        document, what = dict(source), "grid"
    else:
        document, what = _document(Path(source)), Path(source).name
    settings: GridSettings = _checked(GridSettings, document, what)
    for instrument in ("any instrument", *settings.instruments):
        settings.axes(instrument)
    for instrument in settings.instruments:
        if not INSTRUMENT.fullmatch(instrument):
            raise ProfileError(
                f"grid instruments.{instrument}", instrument, "BASE_QUOTE in capitals",
                "Rename it.", near=load_instruments(),
            )  # fmt: skip
    return settings


def longest_hold(profile: Profile, grid: GridSettings, instruments: Sequence[str]) -> int:
    """Minutes of the longest permitted hold among all cells of all instruments, rounded up."""
    longest = 0.0
    for name in instruments:
        settings, axes = effective(profile, name), grid.axes(name)
        holds = axes.hold_minutes or settings.exit.horizons or (settings.hold_minutes,)
        longest = max(longest, *holds)
    return -int(-longest // 1)
