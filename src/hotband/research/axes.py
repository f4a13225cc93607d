"""The cells of one instrument: the axes of its grid, and the rules of any stretch of it.

A cell is a number in row-major order over the axes, the last axis running fastest. Rules are
made a stretch at a time, so that a grid of a million cells needs the memory of a few.
"""

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hotband.core.codes import GUARDS
from hotband.core.records import MEAN_REVERSION, MOMENTUM, Records
from hotband.errors import ProfileError
from hotband.market.calendar import MINUTE_NS
from hotband.market.instruments import Instrument
from hotband.profile.inherit import Effective
from hotband.profile.rules import hazard_factor
from hotband.research.grid_settings import GUARD_NAMES, LEVEL_NAMES, Axes, HazardBand

Value: TypeAlias = float | str | None
_LEVELS: Final = dict(zip(LEVEL_NAMES, ("stop", "target", "trail", "breakeven"), strict=True))
_DIRECTIONS: Final = {"momentum": MOMENTUM, "mean_reversion": MEAN_REVERSION}
_SLOTS: Final = {name: slot for slot, (name, _) in enumerate(GUARDS)}


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter and the values it takes, ascending; ``None`` = off, first where it is."""

    name: str
    values: tuple[Value, ...]

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, eq=False)
class CellGrid:
    """All cells of one instrument.

    Attributes:
        instrument: Such as ``EUR_USD``.
        axes: In the order of the cells; ``hazard_max``, ``min_reps``, ``hold_minutes`` and
            ``exposure`` always, then those that the grid names.
        cap: The profile's own hazard_max as lambda; None = it has none. Without one, or with
            one of 0, no cap is a multiple of it, and ``hazard_x`` is None.
        widened: Whether quantiles of recorded hazard joined the band.
        notes: What a reader must know of the axes.
        base: (1,) RULES of the profile.
        pip: Price of one pip.
    """

    instrument: str
    axes: tuple[Axis, ...]
    cap: float | None
    widened: bool
    notes: tuple[str, ...]
    base: Records
    pip: float

    @property
    def shape(self) -> tuple[int, ...]:
        """Values per axis."""
        return tuple(len(axis) for axis in self.axes)

    def __len__(self) -> int:
        return math.prod(self.shape)

    def columns(self, first: int, last: int) -> dict[str, list[Value]]:
        """The parameters of cells [first, last) by axis, and ``hazard_x``, cap over cap."""
        at = np.unravel_index(np.arange(first, last), self.shape)
        found = {
            axis.name: [axis.values[i] for i in index.tolist()]
            for axis, index in zip(self.axes, at, strict=True)
        }
        found["hazard_x"] = [self.hazard_x(cap) for cap in found["hazard_max"]]
        return found

    def hazard_x(self, cap: Value) -> float | None:
        """A cap as a multiple of the profile's own; None where one is missing, or that is 0."""
        return round(cap / self.cap, 12) if self.cap and isinstance(cap, float) else None

    def numbers(self) -> dict[str, tuple[float | None, ...]]:
        """The axes as numbers, for neighbourhoods; values that are words by their place."""
        return {
            axis.name: tuple(
                float(i) if isinstance(v, str) else v for i, v in enumerate(axis.values)
            )
            for axis in self.axes
        }

    def params(self, cell: int) -> dict[str, Value]:
        """The parameters of one cell."""
        return {name: values[0] for name, values in self.columns(cell, cell + 1).items()}

    def rules(self, first: int, last: int) -> Records:
        """RULES (n,) of cells [first, last)."""
        return self.rules_at(np.arange(first, last))

    def rules_at(self, cells: npt.NDArray[np.int64]) -> Records:
        """RULES (n,) of cells (n,), in their order."""
        rules = np.repeat(self.base, len(cells)).view(np.recarray)
        at = np.unravel_index(cells, self.shape)
        for axis, index in zip(self.axes, at, strict=True):
            self._apply(rules, axis, index)
        return rules

    def _apply(self, rules: Records, axis: Axis, index: npt.NDArray[np.intp]) -> None:
        name = axis.name
        if name == "direction":
            rules["direction"] = np.array([_DIRECTIONS[str(v)] for v in axis.values])[index]
            return
        numbers = np.array([np.nan if v is None else float(v) for v in axis.values])[index]
        if name == "hazard_max":
            rules["hazard_max"] = np.where(np.isnan(numbers), np.inf, numbers)
        elif name == "min_reps":
            rules["min_reps"] = numbers.astype(np.int64)
        elif name == "hold_minutes":
            rules["hold"] = np.rint(numbers * MINUTE_NS).astype(np.int64)
        elif name == "exposure":
            rules["exposure"] = numbers
        elif name in _LEVELS:
            rules[f"{_LEVELS[name]}_frac"] = 0.0
            rules[f"{_LEVELS[name]}_abs"] = np.nan_to_num(numbers) * self.pip
        else:
            slot = _SLOTS[name]
            rules["guard_min" if name.startswith("min_") else "guard_max"][:, slot] = numbers
            rules["guards_on"] |= 1 << slot

    def loosest(self) -> Records:
        """(1,) RULES that refuse no gate that some cell admits: gates are derived under them."""
        rules = self.base.copy()
        for axis in self.axes:
            numbers = [float(v) for v in axis.values if isinstance(v, int | float)]
            if axis.name == "hazard_max":
                rules["hazard_max"] = max(numbers, default=np.inf)
            elif axis.name == "min_reps":
                rules["min_reps"] = int(min(numbers))
            elif axis.name in _SLOTS:
                low = axis.name.startswith("min_")
                side = rules["guard_min" if low else "guard_max"]
                side[:, _SLOTS[axis.name]] = min(numbers) if low else max(numbers)
                rules["guards_on"] |= 1 << _SLOTS[axis.name]
        return rules.view(np.recarray)


def hazard_values(
    cap: float | None, band: HazardBand, recorded: npt.NDArray[np.float64] | None = None
) -> tuple[tuple[float, ...], list[str]]:
    """The values of hazard_max, ascending and at least two, and what to say of them.

    ``cap`` is lambda; ``recorded`` are recorded hazards whose quantiles join the band, or None.
    """
    notes = []
    low, high = band.floor, band.ceiling
    if cap is None:
        notes.append(f"the profile has no hazard_max: caps from {low:g} to {high:g} are swept")
    else:
        low, high = max(cap - band.band, band.floor), min(cap + band.band, band.ceiling)
        if not (low < high and band.floor <= cap <= band.ceiling):
            # Clamped alone, such a band would be one point.
            low = min(max(cap - band.band, band.floor), band.ceiling - 2 * band.band)
            low = max(low, band.floor)
            high = min(low + 2 * band.band, band.ceiling)
            notes.append(
                f"the profile's hazard_max {cap:g} lies outside {band.floor:g}..{band.ceiling:g}: "
                f"the band was moved to {low:g}..{high:g}"
            )
    values = set(np.round(np.linspace(low, high, band.points), 6).tolist())
    if cap is not None and low <= cap <= high:
        values.add(round(cap, 6))
    if recorded is not None:
        joined = np.quantile(recorded, band.quantiles)
        values |= set(np.round(joined, 6).tolist())
        notes.append(
            f"quantiles of {len(recorded):,} recorded hazards, {joined.min():.4f} to "
            f"{joined.max():.4f}, joined the band"
        )
    return tuple(sorted(values)), notes


def cells_of(
    settings: Effective,
    instrument: Instrument,
    base: Records,
    axes: Axes,
    recorded: npt.NDArray[np.float64] | None = None,
) -> CellGrid:
    """The cells of one instrument under its profile.

    Args:
        settings: The profile's, effective for the instrument.
        instrument: For its pip.
        base: (1,) RULES compiled from the profile.
        axes: Of the grid file.
        recorded: Recorded hazards, where enough of the window is real; else None.

    Raises:
        ProfileError: min_reps_add below zero repetitions.
    """
    cap = None if settings.hazard_max is None else settings.hazard_max * hazard_factor(settings)
    hazards, notes = hazard_values(cap, axes.hazard, recorded)
    reps = axes.min_reps
    if reps is None:
        reps = tuple(settings.min_repetitions + add for add in axes.min_reps_add or (0,))
        if min(reps) < 0:
            raise ProfileError(
                "grid min_reps_add", min(axes.min_reps_add or (0,)),
                f"at least {-settings.min_repetitions}", "Raise it.",
            )  # fmt: skip
    horizons = settings.exit.horizons or (settings.hold_minutes,)
    holds = axes.hold_minutes or horizons
    if beside := sorted(set(holds) - set(horizons)):
        notes.append(
            "hold_minutes beside the profile's horizons: " + ", ".join(f"{h:g}" for h in beside)
        )
    exposures = axes.exposure or tuple(x * settings.exposure for x in axes.exposure_x or (1.0,))
    found = [
        Axis("hazard_max", hazards),
        Axis("min_reps", _sorted(reps)),
        Axis("hold_minutes", _sorted(holds)),
        Axis("exposure", _sorted(exposures)),
    ]
    for name in LEVEL_NAMES:
        levels = getattr(axes, name)
        if levels is not None:
            found.append(Axis(name, _sorted(levels)))
    for name in sorted(GUARD_NAMES):
        limits = getattr(axes.guards, name)
        if limits is not None:
            found.append(Axis(name, _sorted(limits)))
    if axes.direction is not None:
        found.append(Axis("direction", tuple(dict.fromkeys(axes.direction))))
    return CellGrid(
        instrument.name, tuple(found), cap, recorded is not None, tuple(notes), base, instrument.pip
    )


def _sorted(values: tuple[float | None, ...]) -> tuple[Value, ...]:
    """Each value once, ascending, ``None`` first."""
    numbers = sorted({float(v) for v in values if v is not None})
    return (*((None,) if None in values else ()), *numbers)
