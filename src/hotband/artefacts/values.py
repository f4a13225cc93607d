"""The small values that all artefacts are made of, each with the rule that makes it sound.

Models are strict and frozen, know all their keys and hold no NaN or infinity. What breaks a
rule raises pydantic's ValidationError; who reads or writes turns it into an error of hotband.
"""

import math
from typing import Annotated, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from hotband.errors import InputError
from hotband.market.calendar import format_time, parse_time
from hotband.research.metric import FLAGS, REASONS, Metric

ROUNDING = 1e-6
"""How far sums and shares may be off, in their own unit."""


class Artefact(BaseModel):
    """Base of all models here."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        validate_default=True,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )


def first_fault(cause: Exception) -> str:
    """What is wrong with a document and where: the first broken rule, for the errors of readers."""
    if not isinstance(cause, ValidationError):
        return str(cause)
    first = cause.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{first['msg']} ({place})" if place else first["msg"]


def _instant(text: str) -> str:
    try:
        plain = format_time(parse_time(text))
    except InputError as error:
        raise ValueError(str(error)) from error
    if plain != text:
        raise ValueError(f"write {text} as {plain}")
    return text


def _known(table: dict[str, str]) -> AfterValidator:
    def check(code: str) -> str:
        if code not in table:
            raise ValueError(f"{code!r} is not one of {', '.join(table)}")
        return code

    return AfterValidator(check)


Instant: TypeAlias = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$"),
    Field(json_schema_extra={"format": "date-time"}),
    AfterValidator(_instant),
]
"""RFC 3339 in UTC as ``market.calendar.format_time`` writes it."""
RunId: TypeAlias = Annotated[str, StringConstraints(pattern="^[0-9a-f]{16}$")]
Sha256: TypeAlias = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Pair: TypeAlias = Annotated[str, StringConstraints(pattern="^[A-Z]{3}_[A-Z]{3}$")]
Name: TypeAlias = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_]*$")]
Text: TypeAlias = Annotated[str, StringConstraints(min_length=1)]
Count: TypeAlias = Annotated[int, Field(ge=0)]
NotNegative: TypeAlias = Annotated[float, Field(ge=0)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


class Window(Artefact):
    """A half-open span of time."""

    start: Instant
    end: Instant

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if parse_time(self.end) <= parse_time(self.start):
            raise ValueError(f"the window from {self.start} to {self.end} holds no time")
        return self

    @classmethod
    def of(cls, start_ns: int, end_ns: int) -> Self:
        """The window of two times in ns UTC."""
        return cls(start=format_time(start_ns), end=format_time(end_ns))


class MetricValue(Artefact):
    """A number, or null with a reason, and its uncertainty: ``research.metric.Metric`` on disk."""

    value: float | None
    reason: Annotated[str, _known(REASONS)] | None = None
    """Why the value is null."""
    n: Count | None = None
    """The observations behind it: days or trades."""
    se: NotNegative | None = None
    ci90: tuple[float, float] | None = None
    period: str | None = None
    """What it is a number of: trade, day, year or window."""
    method: str | None = None
    flags: tuple[Annotated[str, _known(FLAGS)], ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.value is None) != (self.reason is not None):
            raise ValueError(f"value {self.value} with reason {self.reason}: one of the two")
        if self.ci90 is not None and self.ci90[0] > self.ci90[1]:
            raise ValueError(f"the interval {self.ci90} is reversed")
        return self

    @classmethod
    def of(cls, metric: Metric) -> Self:
        """The same metric."""
        return cls.model_validate(metric.model_dump())


class Coverage(Artefact):
    """How many minutes with a bar had a live gate, as ``research.gate_source`` counts them."""

    minutes: NotNegative
    real_minutes: NotNegative
    synthetic_minutes: NotNegative
    longest_gap_minutes: NotNegative
    real_fraction: Share | None
    """Null where there are no minutes."""
    regimes: dict[str, Count]
    """Judged gates by label."""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.real_minutes + self.synthetic_minutes > self.minutes + ROUNDING:
            raise ValueError("more minutes with a gate than minutes")
        if (self.real_fraction is None) != (self.minutes == 0):
            raise ValueError("real_fraction is null where, and only where, there are no minutes")
        if self.real_fraction is not None:
            off = self.real_fraction * self.minutes - self.real_minutes
            if abs(off) > ROUNDING * max(1.0, self.minutes):
                raise ValueError("real_fraction is not real_minutes / minutes")
        return self


class Funnel(Artefact):
    """How many gates reached each stage, and what stopped the others, by reason."""

    gates: Count
    admitted: Count
    sized: Count
    planned: Count
    filled: Count
    refusals: dict[Name, Count]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        stages = (self.gates, self.admitted, self.sized, self.planned, self.filled)
        if list(stages) != sorted(stages, reverse=True):
            raise ValueError(f"a stage of the funnel {stages} has more gates than the one before")
        if self.gates != self.filled + sum(self.refusals.values()):
            raise ValueError("gates are not the sum of filled and refusals")
        return self


class Progress(Artefact):
    """How far a run has come; rate and remaining time are null until they are known."""

    completed: Count
    total: Count
    percent: Annotated[float, Field(ge=0, le=100)]
    cells_per_second: NotNegative | None = None
    eta_seconds: NotNegative | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.completed > self.total:
            raise ValueError(f"{self.completed} of {self.total} cells")
        if abs(self.percent - _percent(self.completed, self.total)) > ROUNDING:
            raise ValueError(f"{self.percent} % is not {self.completed} of {self.total} cells")
        return self

    @classmethod
    def of(cls, completed: int, total: int, cells_per_second: float | None = None) -> Self:
        """Percent and remaining time from the counts and the rate; a run of 0 cells is done."""
        left = (total - completed) / cells_per_second if cells_per_second else math.inf
        return cls(
            completed=completed,
            total=total,
            percent=_percent(completed, total),
            cells_per_second=cells_per_second,
            eta_seconds=left if math.isfinite(left) else None,
        )


def _percent(completed: int, total: int) -> float:
    return 100.0 * completed / total if total else 100.0


class GateInput(Artefact):
    """Which gates an instrument's numbers rest on."""

    source: Text
    """The store's scheme, ``synthetic``, or ``mixed``."""
    sha256: Sha256 | None
    """Of the recorded gates; null where all were derived from the bars."""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if (self.sha256 is None) != (self.source == "synthetic"):
            raise ValueError("recorded gates have a hash, and synthetic ones have none")
        return self


class Provenance(Artefact):
    """What a run was made of, so that it can be made again."""

    bars: dict[Pair, Sha256]
    gates: dict[Pair, GateInput]
    profile: Sha256
    grid: Sha256
    code_version: Text
    seed: Count
