"""The inputs of the score at their bounds, and what a penalty and its way out say exactly."""

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.unit.research.score_rows import IDLE, SOLID

from hotband.errors import IntegrityError
from hotband.research.score import INPUTS, score, scores
from hotband.research.series import FloatArray

Edge = tuple[float, float]
LOWEST, ZERO, ONE, HIGHEST = (
    (-1e300, -math.inf), (0.0, -5e-324), (1.0, math.nextafter(1.0, 2.0)), (1e300, math.inf),
)  # fmt: skip
"""(taken, refused)."""
BOUNDS: dict[str, tuple[Edge, Edge, bool]] = {
    "sharpe": (LOWEST, HIGHEST, True),
    "days": (ZERO, HIGHEST, False),
    "trades": (ZERO, HIGHEST, False),
    "return_pct": (LOWEST, HIGHEST, True),
    "pnl_nav_pct": (LOWEST, HIGHEST, True),
    "pnl": (LOWEST, HIGHEST, False),
    "pf": (ZERO, HIGHEST, True),
    "maxdd_pct": (ZERO, HIGHEST, True),
    "maxdd": (ZERO, HIGHEST, False),
    "real_frac": (ZERO, ONE, False),
    "churn": (LOWEST, HIGHEST, True),
    "psr": (ZERO, ONE, True),
    "dsr": (ZERO, ONE, True),
}
"""Input -> its least and most, and whether it may be null in a row with trades."""


@pytest.mark.parametrize("name", INPUTS)
def test_an_input_is_taken_at_its_bounds_and_refused_just_outside(name: str) -> None:
    for taken, refused in BOUNDS[name][:2]:
        assert score(replace(SOLID, **{name: taken})).reason in {None, "no_trades"}
        with pytest.raises(IntegrityError, match=f"score input {name}: "):
            replace(SOLID, **{name: refused})


@pytest.mark.parametrize("name", INPUTS)
def test_only_what_a_sample_may_leave_undefined_may_be_null(name: str) -> None:
    if BOUNDS[name][2]:
        assert score(replace(SOLID, **{name: None})).value is not None
        return
    with pytest.raises(IntegrityError, match=f"score input {name}: got nan in row 0"):
        replace(SOLID, **{name: None})


@pytest.mark.parametrize("name", sorted(set(INPUTS) - {"trades"}))
def test_without_trades_every_other_input_may_be_null(name: str) -> None:
    assert score(replace(IDLE, **{name: None})).value is None


def test_an_input_that_is_no_number_is_refused_whether_or_not_there_were_trades() -> None:
    columns = IDLE.columns() | {"maxdd": np.array([np.inf])}
    with pytest.raises(IntegrityError, match="score input maxdd: got inf in row 0"):
        scores(columns)


@pytest.mark.parametrize(
    ("columns", "given"),
    [({}, "none"), ({"pf": np.ones(1), "psr": np.ones(1)}, "pf, psr")],
)
def test_the_refusal_of_a_missing_column_names_those_that_are_there(
    columns: dict[str, FloatArray], given: str
) -> None:
    with pytest.raises(IntegrityError, match=f"columns of a score: got {given}; allowed: sharpe, "):
        scores(columns)


@pytest.mark.parametrize(
    ("changes", "tag", "value", "threshold"),
    [
        ({"pnl": -5.0}, "negative_pnl", -5.0, 0.0),
        ({"pf": 0.5}, "profit_factor_below_one", 0.5, 1.0),
        ({"sharpe": -0.1}, "negative_sharpe", -0.1, 0.0),
        ({"sharpe": None}, "sharpe_undefined", None, None),
        ({"trades": 19.0}, "insufficient_trades", 19.0, 20.0),
        ({"real_frac": 0.4}, "synthetic_heavy", 0.4, 0.5),
        ({"days": 59.0}, "insufficient_days", 59.0, 60.0),
        ({"maxdd": 14_001.0}, "drawdown_exceeds_pnl", 14_001.0, 14_000.0),
        ({"churn": 0.6}, "churn_heavy", 0.6, 0.5),
        ({"psr": 0.9}, "not_significant", 0.9, 0.95),
        ({"dsr": 0.9}, "selection_unproven", 0.9, 0.95),
    ],
)
def test_a_penalty_shows_the_value_and_the_threshold_that_it_missed(
    changes: dict[str, float | None], tag: str, value: float | None, threshold: float | None
) -> None:
    (penalty,) = score(replace(SOLID, **changes)).penalties
    assert (penalty.tag, penalty.value, penalty.threshold) == (tag, value, threshold)


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"trades": 19.0}, "1 more trades"),
        ({"trades": 1.0}, "19 more trades"),
        ({"days": 59.0}, "1 more eligible days"),
        ({"days": 58.5}, "2 more eligible days"),
        ({"days": 0.0}, "60 more eligible days"),
    ],
)
def test_what_a_short_sample_lacks_is_counted_to_the_last_one(
    changes: dict[str, float], step: str
) -> None:
    assert score(replace(SOLID, **changes)).next_step == step


PERFECT = replace(
    SOLID, sharpe=1e9, days=1e9, trades=1e300, return_pct=1e12, pnl_nav_pct=1e12, pf=1e12,
    maxdd_pct=0.0, maxdd=0.0, psr=1.0, dsr=1.0,
)  # fmt: skip


def test_a_row_without_fault_has_all_100_points_and_loses_none() -> None:
    found = score(PERFECT)
    assert found.value == found.raw == 100.0
    assert [part.points for part in found.components] == pytest.approx([30, 15, 10, 20, 25])
    assert found.reliability is not None
    assert (found.reliability.trade_depth, found.reliability.real_coverage) == (1.0, 1.0)
    assert found.reliability.points_lost == 0.0


def test_where_few_trades_take_most_and_nothing_is_raised_the_next_step_says_so() -> None:
    """20 trades keep 0.25 + 0.75 x 20/50 = 0.55 of the 75.5661 points of vector A."""
    found = score(replace(SOLID, trades=20.0))
    assert found.penalties == ()
    wanted = "most is lost to few trades or synthetic data: 34.00 points"
    assert found.next_step == f"nothing caps the score; {wanted}"


@pytest.mark.parametrize("name", ["sharpe", "return_pct", "pnl_nav_pct", "pf", "maxdd_pct"])
def test_an_undefined_term_has_no_points(name: str) -> None:
    found = score(replace(SOLID, **{name: None}))
    assert [part.points for part in found.components if part.name == name] == [0.0]
    full = score(SOLID)
    lost = next(part.points for part in full.components if part.name == name)
    assert full.raw is not None
    assert full.reliability is not None
    factor = full.reliability.trade_depth * full.reliability.real_coverage
    assert found.raw == pytest.approx(full.raw - lost * factor)


def test_a_cap_binds_as_soon_as_it_takes_anything() -> None:
    depths = [score(replace(SOLID, dsr=0.5, trades=trades)) for trades in range(250, 301)]
    raws = [found.raw for found in depths if found.raw is not None]
    assert min(raws) < 70.0 < max(raws) < 71.0
    for found in depths:
        assert found.raw is not None
        assert found.binding == ("selection_unproven" if found.raw > 70.0 else None)
        assert found.value == min(found.raw, 70.0)
