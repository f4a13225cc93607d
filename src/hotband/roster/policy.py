"""The weekly decision on an instrument: the rule for people, evidence and decay for the roster.

Two state machines run side by side on the same weeks; ``promotion`` of the settings says which
of them acts. The weekly rule is in rule.py. The evidence machine (reference/statistics.md, 5.5):

    candidate  promotion gates passed, or evidence >= 20              active
    active     two failing weeks of the rule                          tightened
    tightened  a passing week                                         active
    active,    CUSUM alarm, e-detector alarm, or a day beyond the
    tightened  loss limit                                             disabled
    disabled   evidence from 1 again, on the days since, reaches 20   active

The page draws alarms at ``tightened`` only; a faster decay than two weeks must disable as well.
Evidence counts at its peak (Ville's bound holds for it), never after the loss limit broke: an
instrument whose evidence is ruined while disabled comes back by hand only, with a new state.
Decay is measured against the promise of the promotion: a newer one would follow the decay.
Both detectors alarm on their own, so that together they alarm falsely up to twice as often.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

from hotband.errors import InputError
from hotband.roster.decay import Cusum, CusumState, DetectorState, EDetector, threshold_for
from hotband.roster.decision import (
    Action,
    Decision,
    EvidenceNumbers,
    Reason,
    RosterState,
    RuleStep,
    Stage,
    StageStep,
    reason,
)
from hotband.roster.evidence import EvidenceState
from hotband.roster.rule import LIGHTS, Grade, apply_rule
from hotband.roster.settings import RosterSettings
from hotband.roster.week import Promise, WeekResult, monday_of

DEFAULTS: Final = RosterSettings()
_ACTIONS: Final[dict[tuple[Stage, Stage], Action]] = {
    ("candidate", "candidate"): "no_change",
    ("candidate", "active"): "keep",
    ("active", "active"): "keep",
    ("active", "tightened"): "tighten",
    ("tightened", "tightened"): "no_change",
    ("tightened", "active"): "keep",
    ("active", "disabled"): "disable",
    ("tightened", "disabled"): "disable",
    ("disabled", "disabled"): "no_change",
    ("disabled", "active"): "re-enable",
}


@dataclass(frozen=True, slots=True)
class _Machine:
    """The evidence machine's part of a RosterState, and what it found in the week."""

    stage: Stage
    evidence: EvidenceState
    promise: Promise | None
    cusum: CusumState
    detector: DetectorState
    reasons: tuple[Reason, ...] = ()
    cusum_threshold: float | None = None
    watched: bool = False

    def noting(self, *more: Reason) -> "_Machine":
        return replace(self, reasons=self.reasons + more)


def _gates(week: WeekResult) -> tuple[Reason, ...]:
    if week.gates_passed is None:
        return ()
    if week.gates_passed:
        return (reason("gates_passed"),)
    return (reason("gates_failed", detail=week.first_failed_gate or "a gate without a name"),)


def _broken(week: WeekResult, settings: RosterSettings) -> tuple[Reason, ...]:
    """The worst day where it lies beyond the loss limit."""
    worst = min(week.returns, default=0.0)
    if worst / settings.loss_limit >= -1.0:
        return ()
    return (reason("loss_limit_broken", worst, settings.loss_limit),)


def _promoted(machine: _Machine, week: WeekResult) -> _Machine:
    return replace(
        machine,
        stage="active",
        promise=week.promise,
        cusum=CusumState(),
        detector=DetectorState(),
    )


def _waiting(machine: _Machine, week: WeekResult, settings: RosterSettings) -> _Machine:
    """A candidate or disabled instrument: does it come in?"""
    found, broken = machine.evidence, _broken(week, settings)
    machine = machine.noting(*broken)
    candidate = machine.stage == "candidate"
    if candidate:
        machine = machine.noting(*_gates(week))
    elif week.gates_passed:
        machine = machine.noting(reason("gates_not_enough"))
    if found.ruined_on is not None:
        machine = machine.noting(reason("evidence_ruined", float(found.ruined_on)))
        reached = False
    else:
        reached = found.peak >= settings.evidence
        code = "evidence_reached" if reached else "evidence_short"
        machine = machine.noting(reason(code, found.peak, settings.evidence))
    by_gates = candidate and week.gates_passed is True and not broken
    return _promoted(machine, week) if reached or by_gates else machine


def _cusum(machine: _Machine, week: WeekResult, promise: Promise, limit: float) -> _Machine:
    try:
        threshold = threshold_for(limit, promise.allowance)
    except InputError as error:
        return machine.noting(reason("cusum_rests", detail=str(error)))
    state = Cusum(promise.allowance, threshold).step(machine.cusum, week.net / promise.weekly_sd)
    code = "cusum_calm" if state.alarmed_on is None else "cusum_alarm"
    return replace(machine, cusum=state, cusum_threshold=threshold).noting(
        reason(code, state.value, threshold)
    )


def _detector(
    machine: _Machine, week: WeekResult, promise: Promise, settings: RosterSettings
) -> _Machine:
    floor, ceiling = promise.half_daily_mean, settings.loss_limit
    if not 0.0 < floor < ceiling:
        return machine.noting(reason("detector_rests", floor, ceiling))
    limit = settings.false_alarm_days
    state = EDetector(floor, ceiling, limit).advance(machine.detector, week.returns)
    code = "detector_calm" if state.alarmed_on is None else "detector_alarm"
    return replace(machine, detector=state, watched=True).noting(reason(code, state.value, limit))


def _trading(
    machine: _Machine, week: WeekResult, rule: RuleStep, grade: Grade, settings: RosterSettings
) -> _Machine:
    """An active or tightened instrument: does it stay in, and at which size?"""
    broken = _broken(week, settings)
    machine = machine.noting(*broken)
    promise = machine.promise or week.promise
    if promise is None:
        machine = machine.noting(reason("no_promise"))
    else:
        machine = replace(machine, promise=promise)
        machine = _cusum(machine, week, promise, settings.false_alarm_weeks)
        machine = _detector(machine, week, promise, settings)
    alarmed = machine.cusum.alarmed_on is not None or machine.detector.alarmed_on is not None
    if broken or alarmed:
        return replace(machine, stage="disabled")
    fails = rule.after.failing_weeks
    if machine.stage == "active" and fails >= settings.failing_weeks:
        why = reason("rule_tightens", float(fails), float(settings.failing_weeks))
        return replace(machine, stage="tightened").noting(why)
    if machine.stage == "tightened" and grade == "passing":
        return replace(machine, stage="active").noting(reason("passing_week_lifts"))
    return machine


def _numbers(machine: _Machine, settings: RosterSettings) -> EvidenceNumbers:
    found, threshold = machine.evidence, machine.cusum_threshold
    return EvidenceNumbers(
        days=found.days,
        wealth=found.wealth,
        peak=found.peak,
        p_value=found.p_value,
        threshold=settings.evidence,
        ruined_on=found.ruined_on,
        cusum=None if threshold is None else machine.cusum.value,
        cusum_threshold=threshold,
        detector=machine.detector.value if machine.watched else None,
        detector_threshold=settings.false_alarm_days if machine.watched else None,
    )


def _size(rule: RuleStep, stage: Stage, settings: RosterSettings) -> float:
    if settings.promotion == "rule":
        return 0.0 if rule.after.word == "disable" else 1.0
    return {"active": 1.0, "tightened": settings.tightened_size}.get(stage, 0.0)


def _decision(
    week: WeekResult,
    rule: RuleStep,
    grade: Grade | None,
    step: StageStep,
    settings: RosterSettings,
    why: tuple[tuple[Reason, ...], EvidenceNumbers],
) -> Decision:
    acting: Literal["evidence", "rule"] = settings.promotion
    return Decision(
        instrument=week.instrument,
        week=week.week,
        action=rule.action if acting == "rule" else step.action,
        acting=acting,
        size_x=_size(rule, step.after, settings),
        light="grey" if grade is None else LIGHTS[grade],
        rule=rule,
        stage=step,
        reasons=why[0],
        evidence=why[1],
        digest=week.digest(),
    )


def _unjudged(
    state: RosterState, week: WeekResult, settings: RosterSettings, why: tuple[Reason, ...]
) -> tuple[RosterState, Decision]:
    rule = RuleStep(action="no_change", before=state.rule, after=state.rule)
    step = StageStep(action="no_change", before=state.stage, after=state.stage)
    numbers = _numbers(_machine(state), settings)
    decision = _decision(week, rule, None, step, settings, (why, numbers))
    return state.model_copy(update={"last": decision}), decision


def _machine(state: RosterState) -> _Machine:
    return _Machine(state.stage, state.evidence, state.promise, state.cusum, state.detector)


def _remembered(state: RosterState, week: WeekResult) -> Decision | None:
    """The decision on this very week, if there was one; refuses weeks that do not follow."""
    if week.instrument != state.instrument:
        raise InputError("instrument", week.instrument, state.instrument,
                         "Hand in the instrument's own state.")  # fmt: skip
    last = state.last
    if last is None or monday_of(week.week) > monday_of(last.week):
        return None
    if week.week != last.week:
        raise InputError("week", week.week, f"{last.week} or later",
                         "Decide weeks in their order.")  # fmt: skip
    if last.digest == week.digest():
        return last
    if last.light == "grey":
        return None
    raise InputError(
        "week", f"{week.week} with other numbers than it was decided on", "the same numbers",
        "Begin from the state before that week to decide it anew.",
    )  # fmt: skip


def _skipped(state: RosterState, week: WeekResult) -> tuple[Reason, ...]:
    if state.last is None:
        return ()
    weeks = (monday_of(week.week) - monday_of(state.last.week)).days // 7 - 1
    return (reason("weeks_skipped", float(weeks)),) if weeks > 0 else ()


def decide(
    state: RosterState, week: WeekResult, settings: RosterSettings = DEFAULTS
) -> tuple[RosterState, Decision]:
    """The decision on an instrument after a week, and what to remember.

    A week without data, with a gap or with synthetic gates only changes neither machine; its
    daily returns do not count. It may be decided again once its data is there. Any other week is
    decided once: the same week again gives the same state and decision.

    Args:
        state: Of the instrument; ``RosterState(instrument=...)`` for a new one.
        week: Later than the last one decided, or equal to it.
        settings: Thresholds, and which machine acts.

    Raises:
        InputError: Another instrument's week, one before the last decided, or the last one with
            other numbers.
    """
    before = _remembered(state, week)
    if before is not None:
        return state, before
    skipped = _skipped(state, week)
    if week.unjudged is not None:
        return _unjudged(state, week, settings, (reason(week.unjudged), *skipped))
    rule, grade, rule_why = apply_rule(state.rule, week, settings)
    evidence = settings.process.advance(state.evidence, week.returns)
    machine = replace(_machine(state), evidence=evidence)
    if state.stage in {"candidate", "disabled"}:
        machine = _waiting(machine, week, settings)
    else:
        machine = _trading(machine, week, rule, grade, settings)
    action = _ACTIONS[state.stage, machine.stage]
    step = StageStep(action=action, before=state.stage, after=machine.stage)
    why = (*rule_why, *machine.reasons, *skipped), _numbers(machine, settings)
    decision = _decision(week, rule, grade, step, settings, why)
    if step.after == "disabled" != step.before:
        machine = replace(
            machine,
            evidence=settings.process.start(),
            promise=None,
            cusum=CusumState(),
            detector=DetectorState(),
        )
    new = RosterState(
        instrument=state.instrument,
        rule=rule.after,
        stage=machine.stage,
        evidence=machine.evidence,
        promise=machine.promise,
        cusum=machine.cusum,
        detector=machine.detector,
        last=decision,
    )
    return new, decision
