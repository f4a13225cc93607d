"""The shapes of ``latest.json``, ``latest.partial.json`` and ``latest.error.json``.

The first two keep the keys of the existing dashboard (``generated_at``, ``window``,
``instruments``); archives have the shape of ``latest.json``.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from hotband.artefacts.judgement import Judgement
from hotband.artefacts.parity import Parity
from hotband.artefacts.roster_part import NOT_ASKED, RosterPart
from hotband.artefacts.values import (
    ROUNDING,
    Artefact,
    Count,
    Coverage,
    Funnel,
    Instant,
    MetricValue,
    Name,
    NotNegative,
    Pair,
    Progress,
    Provenance,
    RunId,
    Share,
    Text,
    Window,
)

if TYPE_CHECKING:  # it needs Numba, which readers of artefacts do not
    from hotband.research.score import Score

SCHEMA_VERSION: Final = 1
HEADLINES: Final = ("trades", "sharpe", "pnl", "win_rate", "max_dd")
"""The metrics that every instrument has, as a number or null."""
TABLES: Final = ("rows", "trades", "oos")
"""The Parquet files that every run has."""
PLAYED: Final = ("decisions", "equity", "hold_out_trades")
"""Of the chosen cells, bar by bar."""
Points: TypeAlias = Annotated[float, Field(ge=0, le=100)]


class Params(Artefact):
    """One cell of the grid."""

    hazard_x: NotNegative | None
    """The hazard cap as a multiple of the profile's; null where the profile has no cap."""
    hazard_max: Share | None
    """The hazard cap itself, lambda; null = no cap."""
    min_reps: Count
    hold_minutes: Annotated[float, Field(gt=0)]
    exposure: Annotated[float, Field(gt=0)]
    """Notional of one entry over NAV."""
    settings: dict[Name, float | str | None] = Field(default_factory=dict)
    """Values on the grid's further axes, by name; null = off, absent = the profile's own."""

    @model_validator(mode="after")
    def _one_cap(self) -> Self:
        if self.hazard_x is not None and self.hazard_max is None:
            raise ValueError("hazard_x is a multiple of a cap, and hazard_max says there is none")
        return self

    @property
    def cell(self) -> dict[str, float | str | None]:
        """All of them in one mapping, as ``research.axes`` has them."""
        own = self.model_dump()
        settings = own.pop("settings")
        return {**own, **settings}

    @classmethod
    def of(cls, cell: Mapping[str, float | str | None]) -> Self:
        """The parameters of a cell as ``research.axes`` gives them: one mapping for all axes."""
        own = {name: cell[name] for name in cls.model_fields if name in cell}
        reps = own.get("min_reps")
        if isinstance(reps, float) and reps.is_integer():
            own["min_reps"] = int(reps)
        further = {name: value for name, value in cell.items() if name not in own}
        return cls.model_validate({**own, "settings": further})


class Penalty(Artefact):
    """A raised tag with the numbers that caused it."""

    tag: Name
    value: float | None
    """What was found; null = undefined."""
    threshold: float | None
    cap: Points | None
    """The most points a row with this tag can have; null = the tag only informs."""
    points_lost: NotNegative


class ScoreComponent(Artefact):
    """One term of the score: ``points`` = 100 x ``weight`` x ``u``."""

    name: Name
    input: float | None
    shrunk: float | None
    """The input after allowing for few observations; null where that is not done."""
    u: Share
    weight: Share
    points: NotNegative


class Reliability(Artefact):
    """What few trades and derived gates take off."""

    trade_depth: Share
    real_coverage: Share
    points_lost: NotNegative


class ScoreTerms(Artefact):
    """The score taken apart; with the penalties it adds up to the score."""

    raw: Points
    """Before caps."""
    binding: Name | None
    """The tag whose cap is the score; null = none is."""
    components: tuple[ScoreComponent, ...]
    reliability: Reliability
    flags: tuple[Name, ...] = ()
    """What else to know of the row; costs nothing."""
    next_step: str = ""


class Plateau(Artefact):
    """How the chosen cell's neighbourhood holds up."""

    score: Points
    own_score: Points
    neighbours: Count
    neighbourhood_min: Points
    neighbourhood_mean: Points
    border: tuple[Name, ...] = ()
    """Axes at whose end the cell lies."""


class BestOfAll(Artefact):
    """The single best cell, qualified or not: for research, not for trading."""

    params: Params
    metrics: dict[Name, float | None]
    score: Points | None
    qualified: bool


class Cells(Artefact):
    """How many cells the grid had for the instrument."""

    total: Count
    scored: Count
    qualified: Count

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.qualified <= self.scored <= self.total:
            raise ValueError("qualified cells are scored, and scored cells are cells")
        return self


class Instrument(Artefact):
    """An instrument's chosen cell, or its best one for research where none qualified."""

    state: Literal["completed"] = "completed"
    params: Params
    metrics: dict[Name, float | None]
    """Plain numbers; ``metric_details`` has the reasons for nulls and the uncertainty."""
    metric_details: dict[Name, MetricValue]
    qualified: bool
    insufficient_data: bool
    """Too few trades to qualify."""
    score: Points | None
    score_reason: Text | None = None
    """Why there is no score."""
    score_terms: ScoreTerms | None
    penalties: tuple[Penalty, ...] = ()
    gate_coverage: Coverage
    source: Text
    """Of the gates: the store's scheme, ``synthetic``, or ``mixed``."""
    bars_source: Text = "unknown"
    """Of the bars; ``demo``: simulated, nobody traded these prices."""
    currency: Text | None = None
    """Of all money here: the account's home currency."""
    funnel: Funnel
    plateau: Plateau | None
    best_of_all: BestOfAll | None
    cells: Cells
    judgement: Judgement
    """How far these numbers can be trusted; ``metrics`` are of its look-back."""
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _metrics_agree(self) -> Self:
        missing = [name for name in HEADLINES if name not in self.metrics]
        if missing:
            raise ValueError(f"metrics lack {', '.join(missing)}")
        if self.metrics != {name: item.value for name, item in self.metric_details.items()}:
            raise ValueError("metrics and metric_details differ")
        return self

    @model_validator(mode="after")
    def _verdict_agrees(self) -> Self:
        if self.qualified and self.insufficient_data:
            raise ValueError("an instrument with insufficient data cannot be qualified")
        if self.qualified and self.cells.qualified == 0:
            raise ValueError("a qualified instrument has at least one qualified cell")
        return self

    @model_validator(mode="after")
    def _score_adds_up(self) -> Self:
        if (self.score is None) != (self.score_reason is not None):
            raise ValueError(f"score {self.score} with reason {self.score_reason}: one of the two")
        if (self.score is None) != (self.score_terms is None):
            raise ValueError("a score has terms, and where there is none there are none")
        if self.score is None or self.score_terms is None:
            return self
        points = sum(part.points for part in self.score_terms.components)
        lost = self.score_terms.reliability.points_lost
        lost += sum(penalty.points_lost for penalty in self.penalties)
        if abs(points - lost - self.score) > ROUNDING:
            raise ValueError(f"{points} points less {lost} lost are not the score {self.score}")
        return self


def numbers_of(details: dict[str, MetricValue]) -> dict[str, float | None]:
    """The plain numbers of metrics: what ``Instrument.metrics`` holds."""
    return {name: item.value for name, item in details.items()}


def score_fields(score: "Score") -> dict[str, Any]:
    """A score as the four fields of ``Instrument`` that hold it."""
    terms = None
    if score.value is not None:
        given = score.to_dict()
        terms = ScoreTerms.model_validate_json(
            json.dumps({name: given[name] for name in ScoreTerms.model_fields})
        )
    return {
        "score": score.value,
        "score_reason": score.reason,
        "score_terms": terms,
        "penalties": tuple(Penalty.model_validate(asdict(item)) for item in score.penalties),
    }


class Failure(Artefact):
    """What went wrong."""

    kind: Text
    """The class of the error."""
    message: Text


class FailedInstrument(Artefact):
    """An instrument that failed inside a run that went on without it."""

    state: Literal["error"] = "error"
    error: Failure
    qualified: Literal[False] = False


Entry: TypeAlias = Annotated[Instrument | FailedInstrument, Field(discriminator="state")]


class _Document(Artefact):
    schema_version: Literal[1] = SCHEMA_VERSION
    generated_at: Instant
    """When it was written; the only part that equal inputs do not fix."""


class Latest(_Document):
    """A finished run: ``latest.json`` and the archives."""

    state: Literal["completed"] = "completed"
    run_id: RunId
    window: Window
    instruments: Annotated[dict[Pair, Entry], Field(min_length=1)]
    provenance: Provenance
    files: dict[Name, str]
    """The run's Parquet files, relative to the folder of this one."""
    roster: RosterPart = NOT_ASKED
    parity: dict[Pair, Parity] = Field(default_factory=dict)
    """By instrument: what the newest certificate proved of its cell when this was published."""

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        done = [name for name, entry in self.instruments.items() if entry.state == "completed"]
        if not done:
            raise ValueError("every instrument failed: that is an error, not a result")
        for name in done:
            if name not in self.provenance.bars or name not in self.provenance.gates:
                raise ValueError(f"provenance does not say what {name} was made of")
        return self

    @model_validator(mode="after")
    def _own_files(self) -> Self:
        if self.files != files_of(self.run_id, self.files):
            raise ValueError(f"files of run {self.run_id} are runs/{self.run_id}/NAME.parquet")
        if missing := [name for name in TABLES if name not in self.files]:
            raise ValueError(f"files lack {', '.join(missing)}")
        return self


class Partial(_Document):
    """A run that is on: ``latest.partial.json``."""

    state: Literal["running", "cancelling"]
    run_id: RunId
    window: Window
    instruments: dict[Pair, Entry]
    """Those that are finished."""
    pending: tuple[Pair, ...] = ()
    """Those that are not."""
    progress: Progress
    provenance: Provenance

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if both := sorted(set(self.pending) & set(self.instruments)):
            raise ValueError(f"{', '.join(both)}: finished and pending")
        return self


class Kept(Artefact):
    """What a run that did not finish left to go on from."""

    instruments: tuple[Pair, ...] = ()
    """Those that were finished."""
    cells: Count = 0
    """Cells whose results are checkpointed."""
    last_good: RunId | None = None
    """The run that ``latest.json`` still holds."""


class ErrorArtefact(_Document):
    """A run that did not finish: ``latest.error.json``."""

    state: Literal["error", "cancelled", "interrupted"]
    run_id: RunId | None
    """Null where it failed before its inputs were known."""
    window: Window | None
    message: Text
    kind: Text | None = None
    """The class of the error; null where none was raised."""
    kept: Kept = Kept()
    progress: Progress | None = None
    provenance: Provenance | None = None


Document: TypeAlias = Latest | Partial | ErrorArtefact
DOCUMENTS: Final[dict[str, type[Document]]] = {
    "latest": Latest,
    "latest.partial": Partial,
    "latest.error": ErrorArtefact,
}
"""By the name of the file that holds them."""


def files_of(run_id: str, tables: Iterable[str] = TABLES) -> dict[str, str]:
    """Where a run's tables lie, relative to the folder of the artefacts."""
    return {name: f"runs/{run_id}/{name}.parquet" for name in tables}
