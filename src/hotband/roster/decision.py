"""What the roster decides and what it remembers, as values that go through JSON unchanged."""

from collections.abc import Mapping
from typing import Any, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from hotband.errors import InputError
from hotband.profile.refusals import profile_error
from hotband.roster.decay import CusumState, DetectorState
from hotband.roster.evidence import EvidenceState
from hotband.roster.states import read_state
from hotband.roster.week import Promise

Action: TypeAlias = Literal["keep", "tighten", "disable", "re-enable", "no_change"]
Light: TypeAlias = Literal["green", "amber", "red", "grey"]
RuleWord: TypeAlias = Literal["keep", "tighten", "disable"]
Stage: TypeAlias = Literal["candidate", "active", "tightened", "disabled"]

REASONS: Final = {
    "trades_enough": "{value:g} trades, at least {limit:g}",
    "trades_few": "{value:g} trades, fewer than {limit:g}",
    "sharpe_above": "Sharpe ratio {value:.4g}, above {limit:g}",
    "sharpe_not_above": "Sharpe ratio {value:.4g}, not above {limit:g}",
    "sharpe_undefined": "Sharpe ratio undefined: counts as not above {limit:g}",
    "profit_factor_above": "profit factor {value:.4g}, above {limit:.4g}",
    "profit_factor_not_above": "profit factor {value:.4g}, not above {limit:.4g}",
    "profit_factor_undefined": "profit factor undefined: counts as not above {limit:.4g}",
    "failing_weeks": "failing weeks in a row: {value:g}; {limit:g} disable",
    "passing_week_needed": "disabled by the rule: only a passing week re-enables",
    "next_cell": "next cell: {detail}",
    "next_cell_unknown": "no next cell: the week came without its cell and axes",
    "gates_passed": "the promotion gates passed",
    "gates_failed": "the promotion gates failed first at {detail}",
    "gates_not_enough": "the promotion gates passed, but only fresh evidence re-enables",
    "evidence_reached": "evidence reached {value:.4g}, at least {limit:g}",
    "evidence_short": "evidence reached {value:.4g}, below {limit:g}",
    "evidence_ruined": "no evidence can grow: a day, number {value:g}, broke the loss limit",
    "loss_limit_broken": "a day of {value:.4%} broke the loss limit of {limit:.4%}",
    "rule_tightens": "{value:g} failing weeks of the rule; {limit:g} tighten",
    "passing_week_lifts": "a passing week lifts the tightening",
    "cusum_alarm": "CUSUM {value:.4g}, above {limit:.4g}",
    "cusum_calm": "CUSUM {value:.4g}, not above {limit:.4g}",
    "detector_alarm": "e-detector {value:.4g}, at least {limit:g}",
    "detector_calm": "e-detector {value:.4g}, below {limit:g}",
    "no_promise": "no promise to hold the weeks against: CUSUM and e-detector rest",
    "cusum_rests": "the CUSUM rests: {detail}",
    "detector_rests": "the e-detector rests: half the promised mean of a day, {value:.4g}, is not "
    "above 0 and below the loss limit {limit:g}",
    "no_data": "no data for the week: nothing changes",
    "data_gap": "the week's data has a gap: nothing changes",
    "synthetic_only": "only synthetic gates in the week: nothing changes",
    "weeks_skipped": "{value:g} weeks since the decision before were not decided",
}
"""Every reason by code; value, limit and detail are a decision's own."""


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Reason(_Kept):
    """Why: a code of REASONS, its numbers, and both as a sentence."""

    code: str
    value: float | None = None
    limit: float | None = None
    detail: str | None = None
    text: str


def reason(
    code: str, value: float | None = None, limit: float | None = None, detail: str | None = None
) -> Reason:
    """The reason with its text."""
    text = REASONS[code].format(value=value, limit=limit, detail=detail)
    return Reason(code=code, value=value, limit=limit, detail=detail, text=text)


class NextCell(_Kept):
    """A tighter cell: one axis changed by one step. ``on_axis``: whether the grid holds it."""

    axis: Literal["hazard_x", "min_reps"]
    before: float
    after: float
    on_axis: bool


class RuleState(_Kept):
    """The weekly rule's word and the failing weeks in a row."""

    word: RuleWord = "keep"
    failing_weeks: int = 0


class RuleStep(_Kept):
    """What the weekly rule did in a week."""

    action: Action
    before: RuleState
    after: RuleState
    next_cell: NextCell | None = None


class StageStep(_Kept):
    """What the evidence machine did in a week."""

    action: Action
    before: Stage
    after: Stage


class EvidenceNumbers(_Kept):
    """Evidence and decay as the decision found them, before any restart.

    ``cusum`` and ``detector`` are None where they rest: without a promise, and for instruments
    that do not trade.
    """

    days: int
    wealth: float
    peak: float
    p_value: float
    threshold: float
    ruined_on: int | None
    cusum: float | None = None
    cusum_threshold: float | None = None
    detector: float | None = None
    detector_threshold: float | None = None


class Decision(_Kept):
    """What to do with an instrument after a week, and why.

    ``action`` and ``size_x`` (size over full size; 0 = it does not trade) are those of the
    machine that acts. ``next_cell`` of the rule is to be traded where the rule acts, and to be
    re-tested only where evidence acts: there a tightened instrument keeps its cell at part of its
    size. ``digest`` is that of the week it was decided on.
    """

    instrument: str
    week: str
    action: Action
    acting: Literal["evidence", "rule"]
    size_x: float
    light: Light
    rule: RuleStep
    stage: StageStep
    reasons: tuple[Reason, ...]
    evidence: EvidenceNumbers
    digest: str


_RUNNING: Final[dict[str, type[EvidenceState | CusumState | DetectorState]]] = {
    "evidence": EvidenceState,
    "cusum": CusumState,
    "detector": DetectorState,
}


class RosterState(_Kept):
    """All that the roster remembers of one instrument.

    Attributes:
        instrument: Such as ``EUR_USD``.
        rule: Of the weekly rule.
        stage: Of the evidence machine.
        evidence: The e-process since the start, or since the instrument was disabled.
        promise: What decay is measured against: of the promotion, or the first one after it.
        cusum: Since the promotion.
        detector: Since the promotion.
        last: The last decision; None = none yet.
    """

    instrument: str
    rule: RuleState = RuleState()
    stage: Stage = "candidate"
    evidence: EvidenceState = EvidenceState()
    promise: Promise | None = None
    cusum: CusumState = CusumState()
    detector: DetectorState = DetectorState()
    last: Decision | None = None

    @field_validator("evidence", "cusum", "detector", mode="before")
    @classmethod
    def _whole(cls, value: object, info: ValidationInfo) -> object:
        kind = _RUNNING[info.field_name or ""]
        return read_state(kind, value) if isinstance(value, Mapping) else value

    def to_dict(self) -> dict[str, Any]:
        """The state as JSON values."""
        return self.model_dump(mode="json")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The state of :meth:`to_dict`; raises InputError for anything else."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            found = profile_error(error, cls, lambda key: f"roster state {key}")
            raise InputError(
                found.what, found.got, found.allowed,
                "Hand in a state that was kept whole, or start anew.",
            ) from error  # fmt: skip
