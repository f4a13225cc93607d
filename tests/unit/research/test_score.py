"""The score of a row: the vectors of the specification, each threshold, and the explanation."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.unit.research.score_rows import IDLE, LOSER, ONE_WEEK, SOLID, SYNTHETIC

from hotband.errors import IntegrityError
from hotband.research.score import (
    INFORMATIONAL,
    INPUTS,
    TAGS,
    WEIGHTS,
    ScoreInputs,
    score,
    scores,
    tag_masks,
)
from hotband.research.sharpe import psr

DIGITS = 5e-5


def tags_of(inputs: ScoreInputs) -> list[str]:
    return [penalty.tag for penalty in score(inputs).penalties]


def test_vector_a_has_the_terms_of_the_specification() -> None:
    wanted = [0.867141, 0.906867, 0.906867, 0.645704, 0.558644]
    found = score(SOLID)
    assert [part.u for part in found.components] == pytest.approx(wanted, abs=5e-7)
    assert [part.name for part in found.components] == list(WEIGHTS)
    quality = sum(part.points for part in found.components) / 100.0
    assert quality == pytest.approx(0.755661, abs=5e-7)


def test_vector_a_has_the_score_of_the_specification_and_no_tag() -> None:
    found = score(SOLID)
    assert found.value == pytest.approx(73.7379, abs=DIGITS)
    assert found.raw == found.value
    assert found.penalties == ()
    assert found.binding is None
    assert found.reliability is not None
    assert found.reliability.trade_depth == pytest.approx(0.975806, abs=5e-7)
    assert found.reliability.real_coverage == 1.0


def test_vector_b_is_capped_by_its_few_days() -> None:
    found = score(ONE_WEEK)
    assert found.raw == pytest.approx(64.2834, abs=DIGITS)
    assert found.value == 45.0
    assert found.binding == "insufficient_days"
    assert tags_of(ONE_WEEK) == ["insufficient_days", "selection_unproven"]
    assert [p.points_lost for p in found.penalties] == pytest.approx([19.2834, 0.0], abs=DIGITS)


def test_vector_b_shows_the_terms_that_the_specification_prints() -> None:
    found = score(ONE_WEEK)
    first = found.components[0]
    assert (first.name, first.input, first.weight) == ("sharpe", 19.99, 0.30)
    assert first.shrunk == pytest.approx(5.544, abs=5e-4)
    assert first.u == pytest.approx(0.9826, abs=DIGITS)
    assert first.points == pytest.approx(29.48, abs=5e-3)
    assert found.reliability is not None
    assert found.reliability.trade_depth == pytest.approx(0.7554, abs=DIGITS)
    assert found.reliability.points_lost == pytest.approx(20.81, abs=5e-3)
    assert found.next_step == "55 more eligible days"


def test_vector_c_raises_six_tags_and_its_loss_binds() -> None:
    found = score(LOSER)
    assert found.raw == pytest.approx(30.7756, abs=DIGITS)
    assert found.value == 25.0
    assert found.binding == "negative_pnl"
    assert tags_of(LOSER) == [
        "negative_pnl", "profit_factor_below_one", "negative_sharpe", "churn_heavy",
        "not_significant", "selection_unproven",
    ]  # fmt: skip


def test_vector_d_raises_a_tag_that_does_not_bind() -> None:
    found = score(SYNTHETIC)
    assert found.value == found.raw == pytest.approx(38.3437, abs=DIGITS)
    assert tags_of(SYNTHETIC) == ["synthetic_heavy"]
    assert found.binding is None
    assert found.next_step == "50% of the trades on real data, now 20.0%"


def test_one_more_losing_trade_can_raise_the_score_through_depth() -> None:
    fewer = replace(SOLID, trades=25)
    more = replace(SOLID, trades=26, return_pct=13.99, pnl_nav_pct=13.99, pf=1.3497)
    assert score(fewer).value == pytest.approx(44.6527, abs=DIGITS)
    assert score(more).value == pytest.approx(45.2020, abs=DIGITS)


CLEAN_AND_RAISED: list[tuple[str, dict[str, float | None], dict[str, float | None]]] = [
    ("negative_pnl", {"pnl": 0.0, "maxdd": 0.0}, {"pnl": -1e-9}),
    ("profit_factor_below_one", {"pf": 1.0}, {"pf": 1.0 - 1e-9}),
    ("profit_factor_below_one", {"pf": 1.0}, {"pf": None}),
    ("negative_sharpe", {"sharpe": 0.0}, {"sharpe": -1e-9}),
    ("sharpe_undefined", {"sharpe": -5.0}, {"sharpe": None}),
    ("insufficient_trades", {"trades": 20}, {"trades": 19}),
    ("synthetic_heavy", {"real_frac": 0.5}, {"real_frac": 0.5 - 1e-9}),
    ("insufficient_days", {"days": 60}, {"days": 59}),
    ("drawdown_exceeds_pnl", {"maxdd": 14_000.0}, {"maxdd": 14_000.01}),
    ("drawdown_exceeds_pnl", {"pnl": -1.0}, {"pnl": 0.0}),
    ("churn_heavy", {"churn": 0.5}, {"churn": 0.5 + 1e-9}),
    ("churn_heavy", {"churn": -0.1}, {"churn": None}),
    ("not_significant", {"psr": 0.95}, {"psr": 0.95 - 1e-9}),
    ("not_significant", {"psr": 1.0}, {"psr": None}),
    ("selection_unproven", {"dsr": 0.95}, {"dsr": 0.95 - 1e-9}),
    ("selection_unproven", {"dsr": 1.0}, {"dsr": None}),
]


@pytest.mark.parametrize(("tag", "clean", "raised"), CLEAN_AND_RAISED)
def test_a_tag_is_raised_on_one_side_of_its_threshold_only(
    tag: str, clean: dict[str, float | None], raised: dict[str, float | None]
) -> None:
    assert tag not in tags_of(replace(SOLID, **clean))
    assert tag in tags_of(replace(SOLID, **raised))


def test_every_tag_with_a_cap_is_tried_on_both_sides() -> None:
    assert {tag for tag, _, _ in CLEAN_AND_RAISED} == {tag.name for tag in TAGS}


def test_the_caps_are_those_of_the_specification_lowest_first() -> None:
    assert [(tag.name, tag.cap) for tag in TAGS] == [
        ("negative_pnl", 25), ("profit_factor_below_one", 30), ("negative_sharpe", 30),
        ("sharpe_undefined", 30), ("insufficient_trades", 40), ("synthetic_heavy", 40),
        ("insufficient_days", 45), ("drawdown_exceeds_pnl", 50), ("churn_heavy", 50),
        ("not_significant", 60), ("selection_unproven", 70),
    ]  # fmt: skip


def test_a_penalty_shows_the_numbers_that_caused_it() -> None:
    (penalty,) = score(replace(SOLID, maxdd=15_000.0)).penalties
    assert (penalty.tag, penalty.value, penalty.threshold, penalty.cap) == (
        "drawdown_exceeds_pnl", 15_000.0, 14_000.0, 50.0,
    )  # fmt: skip
    assert penalty.points_lost == pytest.approx(23.7379, abs=DIGITS)


@pytest.mark.parametrize("inputs", [SOLID, ONE_WEEK, LOSER, SYNTHETIC])
def test_the_explanation_adds_up_to_the_score(inputs: ScoreInputs) -> None:
    found = score(inputs)
    assert found.reliability is not None
    points = sum(part.points for part in found.components)
    lost = found.reliability.points_lost + sum(p.points_lost for p in found.penalties)
    assert points - lost == pytest.approx(found.value, abs=1e-9)


def test_a_row_without_trades_has_no_score_and_says_why() -> None:
    found = score(IDLE)
    assert (found.value, found.reason, found.raw, found.binding) == (None, "no_trades", None, None)
    assert (found.components, found.reliability, found.penalties) == ((), None, ())
    assert found.next_step == "no trade in the window: a longer window or looser thresholds"


def test_without_trades_the_vector_score_is_nan_and_no_tag_is_raised() -> None:
    columns = IDLE.columns()
    assert np.isnan(scores(columns)).tolist() == [True]
    assert not any(mask.any() for mask in tag_masks(columns).values())


def test_no_rows_have_no_scores() -> None:
    columns = {name: np.zeros(0) for name in INPUTS}
    assert scores(columns).shape == (0,)


def test_columns_keep_the_shape_of_their_grid() -> None:
    columns = {name: np.tile(column, (2, 3)) for name, column in SOLID.columns().items()}
    assert scores(columns).shape == (2, 3)
    assert all(mask.shape == (2, 3) for mask in tag_masks(columns).values())


def test_where_nothing_is_raised_the_next_step_names_the_largest_loss() -> None:
    wanted = "nothing caps the score; most is lost to maxdd_pct: 11.03 points"
    assert score(SOLID).next_step == wanted


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"pnl": -5_000.0}, "5000.00 more profit, to break even"),
        ({"pf": None}, "a profit factor of at least 1, now undefined"),
        ({"sharpe": -0.6}, "a Sharpe ratio of at least 0, now -0.6000"),
        ({"sharpe": None}, "a Sharpe ratio: more eligible days, with returns that differ"),
        ({"trades": 12}, "8 more trades"),
        ({"maxdd": 15_000.0}, "a drawdown of at most the profit of 14000.00, now 15000.00"),
        ({"churn": 0.6}, "costs of at most 50% of the profit before costs, now 60.0%"),
        ({"psr": 0.949}, "a PSR of at least 0.95, now 0.9490"),
        ({"dsr": None}, "a deflated Sharpe probability of at least 0.95, now undefined"),
    ],
)
def test_the_next_step_says_in_words_what_would_lift_the_cap(
    changes: dict[str, float | None], step: str
) -> None:
    assert score(replace(SOLID, **changes)).next_step == step


def test_flags_are_handed_on_and_cost_nothing() -> None:
    found = score(SOLID, ["high_pbo", "pf_loss_floored", "high_pbo"])
    assert found.flags == ("pf_loss_floored", "high_pbo")
    assert found.value == score(SOLID).value
    assert not set(INFORMATIONAL) & {tag.name for tag in TAGS}


def test_an_unknown_flag_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(IntegrityError, match=r"got hi_pbo; allowed: .* Did you mean 'high_pbo'"):
        score(SOLID, ["hi_pbo"])


def test_the_explanation_is_plain_json() -> None:
    found = json.loads(json.dumps(score(ONE_WEEK).to_dict(), allow_nan=False))
    assert list(found) == [
        "score", "reason", "raw", "binding", "components", "reliability", "penalties", "flags",
        "next_step",
    ]  # fmt: skip
    assert found["score"] == 45.0
    assert found["penalties"][1] == {
        "tag": "selection_unproven", "value": 0.51, "threshold": 0.95, "cap": 70.0,
        "points_lost": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("sharpe", float("nan"), "a finite number from -inf to inf or null"),
        ("return_pct", float("inf"), "a finite number from -inf to inf or null"),
        ("pf", -0.1, "a finite number from 0 to inf or null"),
        ("real_frac", 1.1, "a finite number from 0 to 1$"),
        ("psr", -0.1, "a finite number from 0 to 1 or null"),
        ("maxdd", None, "a finite number from 0 to inf$"),
        ("days", None, "a finite number from 0 to inf$"),
        ("trades", None, "a finite number from 0 to inf$"),
    ],
)
def test_an_input_out_of_its_bounds_is_refused(
    name: str, value: float | None, allowed: str
) -> None:
    shown = allowed.replace("$", r"\. Report")
    with pytest.raises(IntegrityError, match=f"score input {name}: got .*; allowed: {shown}"):
        replace(SOLID, **{name: value})


def test_a_bad_number_among_many_rows_is_named_with_its_row() -> None:
    columns = {name: np.repeat(column, 3) for name, column in SOLID.columns().items()}
    columns["real_frac"][1] = np.nan
    with pytest.raises(IntegrityError, match="score input real_frac: got nan in row 1"):
        scores(columns)


def test_a_missing_column_is_named() -> None:
    columns = SOLID.columns()
    del columns["dsr"]
    with pytest.raises(IntegrityError, match="Add the column dsr, NaN where it is null"):
        scores(columns)


def test_columns_of_different_lengths_are_refused() -> None:
    columns = SOLID.columns() | {"pf": np.ones(2)}
    with pytest.raises(IntegrityError, match="allowed: columns of one shape"):
        tag_masks(columns)


@pytest.mark.parametrize(
    ("ratio", "skew", "kurtosis", "wanted"),
    [
        (0.458, 0.0, 3.0, 0.981675),
        (0.458, -2.448, 10.164, 0.913361),
        (0.036 / 0.079, 0.0, 3.0, 0.981243),
        (0.036 / 0.079, -2.448, 10.164, 0.912709),
    ],
)
def test_psr_has_the_digits_of_its_paper(
    ratio: float, skew: float, kurtosis: float, wanted: float
) -> None:
    assert psr(ratio, 24, skew, kurtosis) == pytest.approx(wanted, abs=5e-7)


def test_psr_against_a_benchmark_has_the_digits_of_the_deflated_ratio() -> None:
    found = psr(2.5 / 250**0.5, 1250, -3.0, 10.0, benchmark=0.113172)
    assert found == pytest.approx(0.900397, abs=2e-6)


@pytest.mark.parametrize(("ratio", "n", "skew", "kurtosis"), [(1.0, 1, 0.0, 3.0), (1.0, 9, 2, 5)])
def test_psr_is_undefined_for_one_period_and_for_unstable_moments(
    ratio: float, n: int, skew: float, kurtosis: float
) -> None:
    assert psr(ratio, n, skew, kurtosis) is None
