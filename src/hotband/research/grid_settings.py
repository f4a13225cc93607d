"""The grid file: which values each axis of the sweep takes, and what bounds the whole."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hotband.core.codes import GUARDS
from hotband.errors import ProfileError

Share = Annotated[float, Field(ge=0, le=1)]
Levels = tuple[Annotated[float, Field(gt=0, le=100_000)] | None, ...]
GUARD_NAMES: Final = tuple(name for name, _ in GUARDS)
LEVEL_NAMES: Final = ("stop_loss_pips", "take_profit_pips", "trailing_pips", "breakeven_pips")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class HazardBand(_Strict):
    """The values of ``hazard_max``: ``points`` over cap - band .. cap + band, inside bounds."""

    band: Annotated[float, Field(gt=0, le=1)] = 0.02
    points: Annotated[int, Field(ge=2, le=1000)] = 5
    floor: Share = 0.06
    ceiling: Share = 0.14
    widen_from: Share = 0.70
    quantiles: tuple[Share, ...] = (0.1, 0.3, 0.5, 0.7, 0.9)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.floor >= self.ceiling:
            raise ValueError("floor must lie below ceiling: the band needs room")
        return self


class Axes(_Strict):
    """One instrument's axes; a key that is not set leaves the profile's value alone."""

    hazard: HazardBand = HazardBand()
    min_reps: tuple[Annotated[int, Field(ge=0)], ...] | None = None
    min_reps_add: tuple[int, ...] | None = None
    hold_minutes: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    exposure: tuple[Annotated[float, Field(gt=0, le=100)], ...] | None = None
    exposure_x: tuple[Annotated[float, Field(gt=0, le=100)], ...] | None = None
    stop_loss_pips: Levels | None = None
    take_profit_pips: Levels | None = None
    trailing_pips: Levels | None = None
    breakeven_pips: Levels | None = None
    guards: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    direction: tuple[Literal["momentum", "mean_reversion"], ...] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for one, other in (("min_reps", "min_reps_add"), ("exposure", "exposure_x")):
            if getattr(self, one) is not None and getattr(self, other) is not None:
                raise ValueError(f"{one} and {other} exclude each other: set one to null")
        for name in self.guards:
            if name not in GUARD_NAMES:
                raise ValueError(f"guards.{name}: not one of {', '.join(GUARD_NAMES)}")
        for name, values in self:
            if isinstance(values, tuple) and not values:
                raise ValueError(f"{name}: an empty list leaves nothing to sweep")
        return self


class GridSettings(_Strict):
    """The whole grid file."""

    default: dict[str, Any] = Field(default_factory=dict)
    instruments: dict[str, dict[str, Any]] = Field(default_factory=dict)
    min_trades: Annotated[int, Field(ge=1)] = 10
    max_cells: Annotated[int, Field(ge=1)] = 200_000

    def axes(self, instrument: str) -> Axes:
        """The axes of an instrument: its own keys over the default's.

        Raises ProfileError for a key that is unknown or a value that is not possible.
        """
        own = self.instruments.get(instrument, {})
        values = {**self.default, **own}
        for one, other in (("min_reps", "min_reps_add"), ("exposure", "exposure_x")):
            if own.get(one) is not None and own.get(other) is None:
                values[other] = None
            elif own.get(other) is not None and own.get(one) is None:
                values[one] = None
        where = f"instruments.{instrument}" if own else "default"
        axes: Axes = _checked(Axes, values, f"grid {where}")
        return axes


def _checked(model: type[Any], values: Mapping[str, Any], what: str) -> Any:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        near = model.model_fields if first["type"] == "extra_forbidden" else ()
        key = path.rpartition(".")[2]
        got = key if first["type"] == "extra_forbidden" else first.get("input")
        raise ProfileError(
            f"{what}{'.' if path else ''}{path}",
            got,
            first["msg"] if not near else ", ".join(near),
            "Correct the grid file.",
            near=near,
        ) from error


def load_grid(source: Path | str | Mapping[str, Any] | None = None) -> GridSettings:
    """The grid of a YAML file, of plain values, or the one that comes with hotband.

    Raises ProfileError for unreadable files, unknown keys and impossible values.
    """
    if source is None:
        text = (resources.files("hotband.research") / "grid.yaml").read_text("utf-8")
        document, what = yaml.safe_load(text), "grid.yaml"
    elif isinstance(source, Mapping):
        document, what = dict(source), "grid"
    else:
        what = Path(source).name
        try:
            document = yaml.safe_load(Path(source).read_text("utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            got = f"{source} ({' '.join(str(error).split())})"
            raise ProfileError("grid file", got, "a readable YAML file", "Correct it.") from error
    if not isinstance(document, Mapping):
        raise ProfileError(
            what, type(document).__name__, "default, instruments, ...", "Write a mapping."
        )
    settings: GridSettings = _checked(GridSettings, document, what)
    for instrument in ("any instrument", *settings.instruments):
        settings.axes(instrument)
    return settings
