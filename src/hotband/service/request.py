"""What a start of the weekly run may ask for, and what the machine's settings add to it."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from hotband.artefacts.values import Pair
from hotband.errors import InputError
from hotband.stores.location import Locations
from hotband.weekly.api import Planned, plan_grid
from hotband.weekly.sources import Sources

GRIDS: Final = "grids"
"""Folder of grid files in the state folder, for requests that name one."""
_Instant = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$"),
    Field(json_schema_extra={"format": "date-time"}),
]
_GridName = Annotated[str, StringConstraints(pattern="^[a-z0-9][a-z0-9_-]{0,63}$")]


class RunRequest(BaseModel):
    """A start of the weekly run; ``{}`` means the settings of the service, and the last week."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    start: _Instant | None = None
    """Of the history that choices are made on; with ``end``."""
    end: _Instant | None = None
    week: Annotated[str, StringConstraints(pattern=r"^\d{4}-W\d{2}$")] | None = None
    """An ISO week instead of start and end: all history until its close."""
    instruments: Annotated[list[Pair], Field(min_length=1, max_length=100)] | None = None
    grid: _GridName | dict[str, Any] | None = None
    """A grid file's values, or the name of one in ``grids`` of the state folder."""
    force: bool = False
    """Run again even if these inputs were run before."""

    @model_validator(mode="after")
    def _one_window(self) -> Self:
        if (self.start is None) != (self.end is None):
            raise ValueError("start and end come together")
        if self.week is not None and self.start is not None:
            raise ValueError("a week, or start and end")
        return self


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What every run of a service has, from the environment.

    ``HOTBAND_GRID`` (a grid file), ``HOTBAND_GRANULARITY`` (M1), ``HOTBAND_BALANCE`` (100,000),
    ``HOTBAND_COST_BPS`` (the profile's), ``HOTBAND_WORKERS`` (all cores).
    """

    grid: str | None = None
    granularity: str = "M1"
    balance: float = 100_000.0
    cost_bps: float | None = None
    workers: int | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "RunSettings":
        """Read the variables; an empty one counts as not set.

        Raises:
            InputError: One is no number where it has to be.
        """
        env = os.environ if environment is None else environment
        cost, workers = _number(env, "HOTBAND_COST_BPS"), _number(env, "HOTBAND_WORKERS")
        if workers is not None and (workers < 1 or workers != int(workers)):
            allowed = "a whole number from 1"
            raise InputError("HOTBAND_WORKERS", workers, allowed, "Leave it out for all cores.")
        return cls(
            grid=env.get("HOTBAND_GRID") or None,
            granularity=env.get("HOTBAND_GRANULARITY") or "M1",
            balance=_number(env, "HOTBAND_BALANCE") or 100_000.0,
            cost_bps=cost,
            workers=None if workers is None else int(workers),
        )

    def arguments(self, request: RunRequest, home: Path) -> dict[str, Any]:
        """The arguments of ``run_grid`` and ``plan_grid`` that name what is run.

        Raises:
            InputError: The request names a grid file that is not there.
        """
        return {
            "instruments": request.instruments,
            "start": request.start,
            "end": request.end,
            "week": request.week,
            "grid": self._grid(request, home),
        }

    @property
    def sources(self) -> Sources:
        """What runs read: the environment's stores and profile."""
        return Sources(granularity=self.granularity, balance=self.balance, cost_bps=self.cost_bps)

    def _grid(self, request: RunRequest, home: Path) -> str | Path | dict[str, Any] | None:
        if not isinstance(request.grid, str):
            return request.grid or self.grid
        held = {path.stem: path for path in (home / GRIDS).glob("*.yaml")}
        if request.grid not in held:
            allowed = ", ".join(sorted(held)) or f"none: {GRIDS} of the state folder holds no file"
            raise InputError("grid", request.grid, allowed, "Name one of them.", near=held)
        return held[request.grid]


def planned(request: RunRequest, settings: RunSettings) -> Planned:
    """What a request comes to, before any bar is read; HotbandError where it cannot be run."""
    home = Locations.from_environment().home
    return plan_grid(**settings.arguments(request, home), sources=settings.sources)


def _number(env: Mapping[str, str], name: str) -> float | None:
    text = env.get(name) or None
    if text is None:
        return None
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise InputError(name, repr(text), "a number", "Correct it, or leave it out.")
    return float(text)
