"""The evidence machine and the combined decision: transitions, refusals, memory."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.roster.roster_weeks import codes_of, decided, week_of

from hotband.errors import InputError
from hotband.roster.decay import CusumState, threshold_for
from hotband.roster.decision import REASONS, RosterState, Stage
from hotband.roster.evidence import EvidenceState
from hotband.roster.policy import decide
from hotband.roster.settings import RosterSettings
from hotband.roster.week import CellAxes, Promise, WeekResult, monday_of

GOOD_DAYS = (0.01,) * 5
PROMISE = Promise(weekly_mean=0.006, weekly_sd=0.0144)
NAMED = "EUR_USD"


def at(stage: Stage, **changes: Any) -> RosterState:
    return RosterState(instrument=NAMED, stage=stage, **changes)


def stages(kinds: str, state: RosterState, **changes: Any) -> list[str]:
    return [d.stage.after for d in decided(kinds, state, **changes)[1]]


def test_a_candidate_comes_in_when_its_evidence_reaches_twenty() -> None:
    """The week is the one in which the process by itself is at 20."""
    process = RosterSettings().process
    peaks = [process.advance(process.start(), GOOD_DAYS * n).peak for n in range(1, 7)]
    due = next(n for n, peak in enumerate(peaks) if peak >= 20.0)
    found = stages("f" * 6, RosterState(instrument=NAMED), returns=GOOD_DAYS)
    assert found[: due + 1] == ["candidate"] * due + ["active"]
    assert 0 < due < 6


def test_a_candidate_comes_in_when_the_gates_pass() -> None:
    _, (decision,) = decided("b", gates_passed=True)
    assert (decision.action, decision.stage.after, decision.size_x) == ("keep", "active", 1.0)
    assert "gates_passed" in codes_of(decision)


def test_a_candidate_stays_out_with_neither() -> None:
    _, (decision,) = decided("p", gates_passed=False, first_failed_gate="G4 DSR")
    assert (decision.action, decision.size_x) == ("no_change", 0.0)
    assert "the promotion gates failed first at G4 DSR" in [w.text for w in decision.reasons]


def test_one_passing_week_is_no_promotion() -> None:
    assert stages("p", RosterState(instrument=NAMED)) == ["candidate"]


def test_gates_do_not_promote_in_a_week_that_broke_the_loss_limit() -> None:
    _, (decision,) = decided("p", gates_passed=True, returns=(0.01, -0.021))
    assert decision.stage.after == "candidate"
    assert "loss_limit_broken" in codes_of(decision)


def test_ruined_evidence_never_promotes_by_its_peak() -> None:
    state = at("candidate", evidence=EvidenceState(1, (0.0,), peak=50.0, ruined_on=1))
    _, (decision,) = decided("p", state)
    assert decision.stage.after == "candidate"
    assert "evidence_ruined" in codes_of(decision)


def test_evidence_counts_at_its_peak_within_the_week() -> None:
    state = at("candidate", evidence=EvidenceState(40, (15.0,), 20.0, 15.0, 15.0, peak=15.0))
    process = RosterSettings().process
    after = process.advance(state.evidence, (0.02, -0.02))
    assert after.wealth < 20.0 <= after.peak
    assert stages("b", state, returns=(0.02, -0.02)) == ["active"]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ("pbpb", "active active active active"),
        ("f", "active"),
        ("ff", "active tightened"),
        ("ffp", "active tightened active"),
        ("ffbffb", "active tightened tightened tightened tightened tightened"),
        ("f-f", "active active tightened"),
    ],
)
def test_the_rule_only_tightens_what_evidence_admitted(kinds: str, expected: str) -> None:
    assert stages(kinds, at("active")) == expected.split()


def test_a_passing_week_lifts_only_what_was_tightened() -> None:
    states: list[Stage] = ["candidate", "active", "tightened", "disabled"]
    found = [codes_of(decided("p", at(stage))[1][0]) for stage in states]
    assert ["passing_week_lifts" in codes for codes in found] == [False, False, True, False]


def test_a_tightened_instrument_trades_half_its_size() -> None:
    _, decisions = decided("ffp", at("active"))
    assert [d.size_x for d in decisions] == [1.0, 0.5, 1.0]
    assert [d.action for d in decisions] == ["keep", "tighten", "keep"]


@pytest.mark.parametrize("stage", ["active", "tightened"])
def test_a_cusum_alarm_disables(stage: Stage) -> None:
    threshold = threshold_for(104.0, PROMISE.allowance)
    state = at(stage, promise=PROMISE, cusum=CusumState(9, threshold - 0.01))
    _, (decision,) = decided("p", state, net=0.0)
    assert (decision.action, decision.stage.after) == ("disable", "disabled")
    assert decision.evidence.cusum_threshold == threshold
    assert decision.evidence.cusum is not None
    assert decision.evidence.cusum > threshold
    assert "cusum_alarm" in codes_of(decision)


def test_weeks_without_profit_disable_after_as_many_weeks_as_the_cusum_counts() -> None:
    """S grows by k = 0.2083 a week; h is 4.91, so that week 24 is the first above it."""
    found = stages("b" * 24, at("active"), promise=PROMISE, net=0.0)
    assert found == ["active"] * 23 + ["disabled"]


def test_a_detector_alarm_disables() -> None:
    _, decisions = decided("b" * 40, at("active"), promise=PROMISE, net=1.0,
                           returns=(-0.004,) * 5)  # fmt: skip
    alarmed = [d for d in decisions if d.action == "disable"]
    assert len(alarmed) == 1
    assert {"detector_alarm", "cusum_calm"} <= set(codes_of(alarmed[0]))


def test_a_day_beyond_the_loss_limit_disables() -> None:
    _, (decision,) = decided("p", at("active"), returns=(0.01, -0.0201))
    assert decision.action == "disable"
    assert "a day of -2.0100% broke the loss limit of 2.0000%" in [
        why.text for why in decision.reasons
    ]


def test_a_day_at_the_loss_limit_does_not_disable() -> None:
    assert stages("p", at("active"), returns=(0.01, -0.02)) == ["active"]


def test_a_disabled_instrument_starts_again_from_nothing() -> None:
    state = at("active", promise=PROMISE, evidence=EvidenceState(9, (30.0,), peak=30.0))
    after, _ = decided("p", state, returns=(-0.03,))
    assert after.evidence == EvidenceState()
    assert after.promise is None
    assert after.cusum == CusumState()


def test_neither_a_passing_week_nor_the_gates_re_enable_without_evidence() -> None:
    state, (_, decision) = decided("pp", at("disabled"), gates_passed=True)
    assert (state.stage, decision.action) == ("disabled", "no_change")
    assert "gates_not_enough" in codes_of(decision)


def test_fresh_evidence_re_enables() -> None:
    _, decisions = decided("p" * 6, at("disabled"), returns=GOOD_DAYS)
    actions = [d.action for d in decisions]
    assert actions.count("re-enable") == 1
    assert decisions[actions.index("re-enable")].evidence.wealth >= 20.0


def test_the_promise_of_the_promotion_stays_the_yardstick() -> None:
    state, _ = decided("p", gates_passed=True, promise=PROMISE)
    later, _ = decided("p", state, promise=Promise(0.001, 0.02))
    assert later.promise == PROMISE


def test_without_a_promise_decay_is_not_measured_and_that_is_said() -> None:
    _, (decision,) = decided("p", at("active"))
    assert "no_promise" in codes_of(decision)
    assert decision.evidence.cusum is None
    assert decision.evidence.detector is None


@pytest.mark.parametrize("mean", [-0.01, 0.0, 1.0])
def test_a_promise_that_cannot_be_tested_is_said(mean: float) -> None:
    _, (decision,) = decided("p", at("active"), promise=Promise(mean, 0.01))
    assert {"cusum_rests", "detector_rests"} <= set(codes_of(decision))
    assert decision.stage.after == "active"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"data": "no_data"}, "no_data"),
        ({"data": "data_gap"}, "data_gap"),
        ({"data": "synthetic_only"}, "synthetic_only"),
        ({"real_fraction": 0.0}, "synthetic_only"),
    ],
)
@pytest.mark.parametrize("stage", ["candidate", "active", "tightened", "disabled"])
def test_a_week_that_cannot_be_judged_changes_nothing(
    changes: dict[str, Any], code: str, stage: Stage
) -> None:
    before = at(stage, evidence=EvidenceState(9, (3.0,), peak=3.0))
    after, (decision,) = decided(
        "f", before, gates_passed=True, returns=(-0.5,), promise=PROMISE, **changes
    )
    assert after.model_copy(update={"last": None}) == before
    assert (decision.action, decision.light) == ("no_change", "grey")
    assert codes_of(decision) == [code]


@settings(max_examples=40, deadline=None)
@given(
    st.text("pbf-", min_size=1, max_size=10),
    st.lists(st.floats(-0.021, 0.03), max_size=5),
    st.booleans(),
)
def test_a_week_decided_twice_gives_the_same_state_and_decision(
    kinds: str, returns: list[float], gates: bool
) -> None:
    given_now: dict[str, Any] = {"returns": tuple(returns), "promise": PROMISE}
    state, _ = decided(kinds, at("active" if gates else "candidate"), **given_now)
    week = week_of("b", 100, gates_passed=gates, **given_now)
    once = decide(state, week)
    assert decide(once[0], week) == once


@settings(max_examples=40, deadline=None)
@given(
    st.text("pbf-", min_size=1, max_size=10),
    st.lists(st.floats(-0.021, 0.03), max_size=5),
    st.sampled_from(["candidate", "active", "tightened", "disabled"]),
    st.sampled_from(["evidence", "rule"]),
)
def test_a_roster_kept_as_json_each_week_decides_as_one_that_was_not(
    kinds: str, returns: list[float], stage: Stage, acting: Any
) -> None:
    chosen = RosterSettings(promotion=acting)
    state = at(stage)
    whole = decided(kinds, state, chosen, returns=tuple(returns), promise=PROMISE)
    found = []
    for number, kind in enumerate(kinds):
        state = RosterState.from_dict(json.loads(json.dumps(state.to_dict(), allow_nan=False)))
        week = week_of(kind, number, returns=tuple(returns), promise=PROMISE)
        state, decision = decide(state, week, chosen)
        found.append(decision)
    assert (state, found) == whole


def test_a_week_without_data_can_be_decided_once_its_data_is_there() -> None:
    state, _ = decided("f-", at("active"))
    late, decision = decide(state, week_of("f", 1))
    assert decision.stage.after == "tightened"
    assert late == decided("ff", at("active"))[0]


def test_a_decided_week_is_not_decided_on_other_numbers() -> None:
    state, _ = decided("pp")
    with pytest.raises(InputError, match=r"2025-W03 with other numbers than it was decided on"):
        decide(state, week_of("f", 1))


def test_weeks_do_not_go_backwards() -> None:
    state, _ = decided("pp")
    with pytest.raises(InputError, match=r"week: got 2025-W02; allowed: 2025-W03 or later"):
        decide(state, week_of("p", 0))


def test_weeks_follow_over_the_end_of_a_year() -> None:
    state, _ = decided("p" * 51)
    _, decision = decide(state, week_of("p", 51))
    assert (state.last and state.last.week, decision.week) == ("2025-W52", "2026-W01")
    assert "weeks_skipped" not in codes_of(decision)


def test_skipped_weeks_are_counted() -> None:
    state, _ = decided("p")
    _, decision = decide(state, week_of("p", 4))
    skipped = [why for why in decision.reasons if why.code == "weeks_skipped"]
    assert [why.value for why in skipped] == [3.0]


def test_another_instrument_is_refused() -> None:
    with pytest.raises(InputError, match="instrument: got USD_JPY; allowed: EUR_USD"):
        decide(RosterState(instrument=NAMED), week_of(instrument="USD_JPY"))


@pytest.mark.parametrize(
    ("acting", "action", "size"), [("rule", "disable", 0.0), ("evidence", "tighten", 0.5)]
)
def test_the_setting_says_which_machine_acts(acting: Any, action: str, size: float) -> None:
    _, decisions = decided("ff", at("active"), RosterSettings(promotion=acting))
    last = decisions[-1]
    assert (last.acting, last.action, last.size_x) == (acting, action, size)
    assert (last.rule.action, last.stage.action) == ("disable", "tighten")


def test_every_reason_is_a_sentence_of_its_numbers() -> None:
    for code, text in REASONS.items():
        assert code == code.lower()
        assert text.format(value=1.0, limit=2.0, detail="three")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"week": "2025-W54"}, "week: got 2025-W54; allowed: an ISO week such as 2025-W16"),
        ({"week": "16"}, "week: got 16"),
        ({"sharpe": math.nan}, "sharpe: got nan"),
        ({"net": math.inf}, "net: got inf"),
        ({"returns": (0.1, math.nan)}, "return 2: got nan"),
        ({"trades": -1}, "trades: got -1"),
        ({"real_fraction": 1.5}, "real_fraction: got 1.5; allowed: 0 to 1"),
        ({"data": "no-data"}, "data: got no-data; .*Did you mean 'no_data'"),
    ],
)
def test_an_impossible_week_is_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        week_of(**changes)


def test_impossible_parts_of_a_week_are_refused() -> None:
    with pytest.raises(InputError, match=r"weekly_sd: got 0\.0"):
        Promise(0.01, 0.0)
    with pytest.raises(InputError, match="hazard_x: got"):
        CellAxes(math.nan, 3)
    with pytest.raises(InputError, match="min_reps: got"):
        CellAxes(1.0, -1)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"stage": "retired"}, "roster state stage: got retired"),
        ({"more": 1}, "unknown key roster state more"),
        ({"cusum": {"weeks": 1}}, "CusumState: got weeks"),
        ({"promise": {"weekly_mean": 0.1, "weekly_sd": 0.0}}, "weekly_sd: got 0.0"),
    ],
)
def test_a_damaged_state_is_refused(change: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        RosterState.from_dict({**RosterState(instrument=NAMED).to_dict(), **change})


def test_equal_weeks_have_equal_digests_and_others_do_not() -> None:
    assert week_of().digest() == week_of().digest()
    assert week_of().digest() != week_of(net=1e-9).digest()
    assert isinstance(week_of(), WeekResult)


def test_a_week_is_the_days_from_its_monday() -> None:
    assert monday_of("2025-W16").isoformat() == "2025-04-14"
