"""The brief's weekly rule: grades, words, golden histories, closed forms, the tighter cell."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.naive.naive_roster import rule_words
from tests.unit.roster.roster_weeks import CELL, codes_of, decided, week_of

from hotband.errors import ProfileError
from hotband.roster.decision import RuleState
from hotband.roster.rule import apply_rule, grade, next_cell
from hotband.roster.settings import RosterSettings, load_roster
from hotband.roster.week import CellAxes

RULE = RosterSettings(promotion="rule")
GRADES = {"p": "passing", "b": "borderline", "f": "failing"}


@pytest.mark.parametrize(
    ("trades", "sharpe", "factor", "expected"),
    [
        (20, 0.51, 1.21, "passing"),
        (19, 0.51, 1.21, "borderline"),
        (20, 0.5, 1.21, "borderline"),
        (20, 0.51, 1.2, "borderline"),
        (20, 0.5, 1.2, "failing"),
        (3, -1.0, 0.5, "failing"),
        (0, None, None, "failing"),
        (30, 4.0, None, "borderline"),
        (30, None, 3.0, "borderline"),
    ],
)
def test_a_week_is_graded_by_its_thresholds(
    trades: int, sharpe: float | None, factor: float | None, expected: str
) -> None:
    week = week_of(trades=trades, sharpe=sharpe, profit_factor=factor)
    assert grade(week, RULE)[0] == expected


@pytest.mark.parametrize(
    ("weeks", "actions"),
    [
        ("pppp", "keep keep keep keep"),
        ("pbp", "keep tighten keep"),
        ("bbb", "tighten tighten tighten"),
        ("pff", "keep tighten disable"),
        ("ff", "tighten disable"),
        ("fbf", "tighten tighten tighten"),
        ("fbff", "tighten tighten tighten disable"),
        ("fpf", "tighten keep tighten"),
        ("fff", "tighten disable no_change"),
        ("ffbbp", "tighten disable no_change no_change re-enable"),
        ("ffpf", "tighten disable re-enable tighten"),
        ("ffpff", "tighten disable re-enable tighten disable"),
        ("f-f", "tighten no_change disable"),
        ("ff-p", "tighten disable no_change re-enable"),
        ("-p", "no_change keep"),
    ],
)
def test_a_history_has_the_actions_written_by_hand(weeks: str, actions: str) -> None:
    _, decisions = decided(weeks, settings=RULE)
    assert [d.action for d in decisions] == actions.split()


@settings(max_examples=60, deadline=None)
@given(st.text("pbf", min_size=1, max_size=14))
def test_the_machine_agrees_with_its_definition_over_histories(weeks: str) -> None:
    assert [d.action for d in decided(weeks, settings=RULE)[1]] == rule_words(weeks)


@settings(max_examples=40, deadline=None)
@given(st.text("pbf-", min_size=2, max_size=14))
def test_each_week_begins_where_the_one_before_ended(weeks: str) -> None:
    _, decisions = decided(weeks, settings=RULE)
    assert all(a.rule.after == b.rule.before for a, b in pairwise(decisions))
    assert all(a.stage.after == b.stage.before for a, b in pairwise(decisions))


@pytest.mark.parametrize(("passes", "weeks"), [(0.5, 6.0), (0.454, 5.19), (0.7, 14.44)])
def test_the_first_disable_comes_as_late_as_the_closed_form_says(
    passes: float, weeks: float
) -> None:
    """(1 + q) / q^2 weeks; 4,000 histories, within five standard errors."""
    q = 1.0 - passes
    assert (1.0 + q) / q**2 == pytest.approx(weeks, abs=0.005)
    step = {kind: week_of(kind) for kind in "pf"}
    draws = np.random.default_rng(11)
    found = []
    for _ in range(4000):
        state, count = RuleState(), 0
        while state.word != "disable":
            kind = "p" if draws.random() < passes else "f"
            state, count = apply_rule(state, step[kind], RULE)[0].after, count + 1
        found.append(count)
    assert np.mean(found) == pytest.approx(weeks, abs=5.0 * np.std(found) / np.sqrt(4000) + 0.01)


def test_the_share_of_time_disabled_is_the_closed_form() -> None:
    """q^2 of 20,000 weeks, within five standard errors of dependent weeks."""
    step = {kind: week_of(kind) for kind in "pf"}
    state, off = RuleState(), 0
    for u in np.random.default_rng(12).random(20_000):
        state = apply_rule(state, step["p" if u < 0.454 else "f"], RULE)[0].after
        off += state.word == "disable"
    assert off / 20_000 == pytest.approx(0.546**2, abs=5.0 * np.sqrt(3 * 0.3 * 0.7 / 20_000))


@pytest.mark.parametrize(
    ("cell", "axis", "after", "on_axis"),
    [
        (CELL, "hazard_x", 0.9, True),
        (CellAxes(0.8, 3, (0.8, 0.9), (2, 3, 5)), "min_reps", 5.0, True),
        (CellAxes(0.8, 5, (0.8, 0.9), (2, 3, 5)), "min_reps", 6.0, False),
        (CellAxes(None, 3, (), (2, 3, 4)), "min_reps", 4.0, True),
        (CellAxes(0.85, 3, (1.0, 0.7, 0.8)), "hazard_x", 0.8, True),
    ],
)
def test_the_next_cell_is_one_step_tighter(
    cell: CellAxes, axis: str, after: float, on_axis: bool
) -> None:
    found = next_cell(cell)
    assert (found.axis, found.after, found.on_axis) == (axis, after, on_axis)


def test_a_tightening_names_its_cell_in_words_and_numbers() -> None:
    _, (decision,) = decided("b", settings=RULE)
    assert decision.rule.next_cell == next_cell(CELL)
    assert "next cell: hazard_x 1 to 0.9" in [why.text for why in decision.reasons]


def test_a_tightening_without_axes_says_so() -> None:
    _, (decision,) = decided("b", settings=RULE, cell=None)
    assert decision.rule.next_cell is None
    assert "next_cell_unknown" in codes_of(decision)


def test_every_comparison_gives_its_number_and_its_limit() -> None:
    _, (decision,) = decided("f", settings=RULE, sharpe=None)
    found = {why.code: (why.value, why.limit) for why in decision.reasons}
    assert found["trades_enough"] == (25.0, 20.0)
    assert found["sharpe_undefined"] == (None, 0.5)
    assert found["profit_factor_not_above"] == (0.8, 1.2)
    assert found["failing_weeks"] == (1.0, 2.0)


@pytest.mark.parametrize(("kind", "light"), [("p", "green"), ("b", "amber"), ("f", "red")])
def test_the_light_shows_the_grade(kind: str, light: str) -> None:
    assert decided(kind)[1][0].light == light


@pytest.mark.parametrize(("trades", "least"), [(20, 1.26833), (62, 1.15240), (500, 1.05367)])
def test_the_profit_factor_can_be_asked_by_the_number_of_trades(trades: int, least: float) -> None:
    scaled = RosterSettings(profit_factor_c=1.2)
    assert scaled.profit_factor_above(trades) == pytest.approx(least, abs=1e-5)


def test_thresholds_are_settings() -> None:
    strict = RosterSettings(min_trades=30)
    assert grade(week_of("p"), strict)[0] == "borderline"


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ({"min_sharp": 1.0}, "unknown key roster.min_sharp: .*Did you mean 'min_sharpe'"),
        ({"promotion": "luck"}, r"roster.promotion: got luck; .*'evidence' or 'rule'"),
        ({"loss_limit": 0.0}, "roster.loss_limit: got 0.0; allowed: a number above 0 and below 1"),
        ({"min_sharpe": float("nan")}, "roster.min_sharpe: got nan"),
    ],
)
def test_impossible_settings_are_refused_by_their_path(
    section: dict[str, object], text: str
) -> None:
    with pytest.raises(ProfileError, match=text):
        load_roster(section)


def test_a_file_gives_its_roster_section(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text("roster:\n  min_trades: 30\n  promotion: rule\n", encoding="utf-8")
    found = load_roster(path)
    assert (found.min_trades, found.promotion, found.min_sharpe) == (30, "rule", 0.5)
    path.write_text("min_trades: 10\n", encoding="utf-8")
    assert load_roster(path) == RosterSettings()
