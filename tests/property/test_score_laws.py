"""Laws that the score keeps for every row, and the choice of a cell for every grid."""

import itertools
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.naive import naive_score as naive

from hotband.research.plateau import choose, neighbour_counts, plateau_scores
from hotband.research.score import INPUTS, TAGS, ScoreInputs, score, scores, tag_masks
from hotband.research.series import FloatArray

RISES = ("sharpe", "return_pct", "pnl_nav_pct", "pf", "real_frac", "psr", "dsr", "trades", "pnl")
FALLS = ("maxdd_pct", "maxdd", "churn")
NULLABLE = ("sharpe", "return_pct", "pnl_nav_pct", "pf", "maxdd_pct", "churn", "psr", "dsr")
CAPS = {tag.name: tag.cap for tag in TAGS}

SHARE = st.floats(0.0, 1.0)
NUMBERS: dict[str, st.SearchStrategy[float]] = {
    "sharpe": st.floats(-30.0, 30.0) | st.floats(-1e300, 1e300),
    "days": st.integers(0, 600).map(float),
    "trades": st.integers(1, 2_000).map(float) | st.integers(1, 40).map(float),
    "return_pct": st.floats(-100.0, 300.0) | st.floats(-1e300, 1e300),
    "pnl_nav_pct": st.floats(-100.0, 300.0),
    "pnl": st.floats(-20_000.0, 20_000.0) | st.floats(-1e300, 1e300),
    "pf": st.floats(0.0, 4.0) | st.floats(0.0, 1e300),
    "maxdd_pct": st.floats(0.0, 100.0) | st.floats(0.0, 1e300),
    "maxdd": st.floats(0.0, 20_000.0),
    "real_frac": SHARE,
    "churn": st.floats(-1.0, 3.0),
    "psr": SHARE | st.floats(0.9, 1.0),
    "dsr": SHARE | st.floats(0.9, 1.0),
}
ROWS = st.builds(
    ScoreInputs,
    **{k: v | st.none() if k in NULLABLE else v for k, v in NUMBERS.items()},
)
NAMES = st.sampled_from([*RISES, *FALLS])


def value_of(inputs: ScoreInputs) -> float:
    value = score(inputs).value
    assert value is not None
    return value


@given(ROWS)
def test_a_score_is_finite_and_from_0_to_100(inputs: ScoreInputs) -> None:
    assert 0.0 <= value_of(inputs) <= 100.0


@given(ROWS, NAMES, st.data())
def test_the_score_is_monotone_in_every_input_but_days(
    inputs: ScoreInputs, name: str, data: st.DataObject
) -> None:
    low, high = sorted(data.draw(st.tuples(NUMBERS[name], NUMBERS[name])))
    worse, better = (low, high) if name in RISES else (high, low)
    given_worse, given_better = replace(inputs, **{name: worse}), replace(inputs, **{name: better})
    assert value_of(given_worse) <= value_of(given_better) + 1e-9


@given(ROWS, st.sampled_from(NULLABLE), st.data())
def test_a_null_never_raises_the_score(inputs: ScoreInputs, name: str, data: st.DataObject) -> None:
    known = replace(inputs, **{name: data.draw(NUMBERS[name])})
    assert value_of(replace(inputs, **{name: None})) <= value_of(known) + 1e-9


@given(ROWS)
def test_a_raised_tag_holds_the_score_to_its_cap(inputs: ScoreInputs) -> None:
    found = score(inputs)
    assert all(found.value is not None and found.value <= p.cap for p in found.penalties)
    assert [p.tag for p in found.penalties] == [t for t in CAPS if t in naive.caps(asdict(inputs))]


@given(ROWS)
def test_the_binding_tag_is_the_one_whose_cap_is_the_score(inputs: ScoreInputs) -> None:
    found = score(inputs)
    lost = [p.tag for p in found.penalties if p.points_lost > 0.0]
    assert lost == ([] if found.binding is None else [found.binding])
    assert found.value == (found.raw if found.binding is None else CAPS[found.binding])


REMEDIES = {
    "negative_pnl": ("pnl", 0.0),
    "profit_factor_below_one": ("pf", 1.0),
    "negative_sharpe": ("sharpe", 0.0),
    "sharpe_undefined": ("sharpe", -0.1),
    "insufficient_trades": ("trades", 20.0),
    "synthetic_heavy": ("real_frac", 0.5),
    "insufficient_days": ("days", 60.0),
    "drawdown_exceeds_pnl": ("maxdd", 0.0),
    "churn_heavy": ("churn", 0.5),
    "not_significant": ("psr", 0.95),
    "selection_unproven": ("dsr", 0.95),
}


@given(ROWS, st.sampled_from(sorted(REMEDIES)))
def test_removing_the_cause_of_a_tag_never_lowers_the_score(inputs: ScoreInputs, tag: str) -> None:
    """But for days under a negative Sharpe ratio, where the law does not hold."""
    name, cured = REMEDIES[tag]
    assume(tag in naive.caps(asdict(inputs)))
    assume(tag != "insufficient_days" or inputs.sharpe is None or inputs.sharpe >= 0.0)
    after = replace(inputs, **{name: cured})
    assert tag not in [p.tag for p in score(after).penalties]
    assert value_of(after) >= value_of(inputs) - 1e-9


@given(ROWS, st.integers(-30, 30))
def test_the_unit_of_money_does_not_matter(inputs: ScoreInputs, power: int) -> None:
    pnl, maxdd = inputs.pnl, inputs.maxdd
    assert pnl is not None
    assert maxdd is not None
    assume(abs(pnl) < 1e280)
    assume(all(x == 0.0 or abs(x) > 1e-280 for x in (pnl, maxdd)))
    scaled = replace(inputs, pnl=pnl * 2.0**power, maxdd=maxdd * 2.0**power)
    assert value_of(scaled) == value_of(inputs)
    assert [p.tag for p in score(scaled).penalties] == [p.tag for p in score(inputs).penalties]


@given(ROWS)
def test_the_points_of_the_explanation_add_up(inputs: ScoreInputs) -> None:
    found = score(inputs)
    assert found.reliability is not None
    points = math.fsum(part.points for part in found.components)
    lost = found.reliability.points_lost + math.fsum(p.points_lost for p in found.penalties)
    assert points - lost == pytest.approx(found.value, abs=1e-9)


@given(ROWS)
def test_the_same_row_has_the_same_score(inputs: ScoreInputs) -> None:
    assert score(inputs) == score(replace(inputs))


@given(st.lists(ROWS, max_size=8), st.lists(st.booleans(), min_size=8, max_size=8))
def test_many_rows_score_as_one_by_one(rows: list[ScoreInputs], idle: list[bool]) -> None:
    rows = [
        replace(row, trades=0.0) if none else row for row, none in zip(rows, idle, strict=False)
    ]
    columns = {
        name: np.array([np.nan if (x := getattr(r, name)) is None else x for r in rows], np.float64)
        for name in INPUTS
    }
    together = scores(columns)
    masks = tag_masks(columns)
    assert list(masks) == [tag.name for tag in TAGS]
    for row, inputs in enumerate(rows):
        alone = score(inputs)
        raised = [tag for tag, mask in masks.items() if mask[row]]
        assert raised == [p.tag for p in alone.penalties]
        assert math.isnan(together[row]) == (alone.value is None)
        if alone.value is not None:
            assert together[row] == pytest.approx(alone.value, abs=1e-12)


@given(ROWS, st.floats(-1e6, 1e6), st.floats(0.0, 1e6))
def test_the_score_is_that_of_its_definition(inputs: ScoreInputs, ratio: float, pf: float) -> None:
    row = replace(inputs, sharpe=ratio, return_pct=ratio, pf=pf)
    assert value_of(row) == pytest.approx(naive.score(asdict(row)), abs=1e-9)


# The choice of a cell -----------------------------------------------------------------------

SCORES = st.integers(0, 10).map(lambda tens: 10.0 * tens) | st.floats(0.0, 100.0) | st.just(np.nan)


@st.composite
def grids(draw: st.DrawFn) -> FloatArray:
    shape = draw(st.lists(st.integers(1, 4), max_size=3))
    n = math.prod(shape)
    return np.array(draw(st.lists(SCORES, min_size=n, max_size=n)), np.float64).reshape(shape)


@st.composite
def scored_grids(draw: st.DrawFn) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(scores, 0 or 1 for qualified, pnl) where no two cells earn the same."""
    own = draw(grids())
    mask = draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=own.size, max_size=own.size))
    pnl = draw(st.permutations(range(own.size)))
    return own, np.array(mask).reshape(own.shape), np.array(pnl, np.float64).reshape(own.shape)


def axes_of(shape: tuple[int, ...]) -> dict[str, list[float | None]]:
    return {f"axis{k}": [float(x) for x in range(n)] for k, n in enumerate(shape)}


@given(grids())
def test_the_plateau_score_is_that_of_its_definition(own: FloatArray) -> None:
    cells = {cell: float(own[cell]) for cell in np.ndindex(own.shape)}
    found, counts = plateau_scores(own), neighbour_counts(own.shape)
    for cell in cells:
        assert counts[cell] == len(naive.neighbours(cell, own.shape))
        if not math.isnan(own[cell]):
            wanted = naive.plateau(cells, cell, own.shape)
            assert found[cell] == pytest.approx(wanted, abs=2e-9)


@given(grids())
def test_a_plateau_score_exceeds_neither_the_cell_nor_what_is_around_it(own: FloatArray) -> None:
    found, filled = plateau_scores(own), np.nan_to_num(own)
    for cell in np.ndindex(own.shape):
        if math.isnan(own[cell]):
            assert math.isnan(found[cell])
            continue
        around = [filled[other] for other in naive.neighbours(cell, own.shape)]
        members = [own[cell], *around]
        assert 0.0 <= found[cell] <= own[cell]
        assert found[cell] <= math.fsum(members) / len(members) + 1e-9
        assert found[cell] <= max(around, default=own[cell]) + 1e-9
        if min(members) == own[cell]:
            assert found[cell] == pytest.approx(own[cell], abs=1e-9)


@given(grids(), st.data())
def test_no_plateau_score_falls_when_a_score_rises(own: FloatArray, data: st.DataObject) -> None:
    assume(own.size)
    cell = np.unravel_index(data.draw(st.integers(0, own.size - 1)), own.shape)
    least = 0.0 if math.isnan(own[cell]) else float(own[cell])
    risen = own.copy()
    risen[cell] = data.draw(st.floats(least, 100.0))
    before, after = plateau_scores(own), plateau_scores(risen)
    known = ~np.isnan(before)
    assert np.all(after[known] >= before[known])


@given(st.integers(3, 6), st.integers(3, 6), st.floats(1.0, 99.0), st.data())
def test_a_lucky_peak_has_less_than_a_slightly_lower_cell_amid_good_ones(
    rows: int, columns: int, good: float, data: st.DataObject
) -> None:
    noise = data.draw(st.floats(0.0, good - 0.5))
    own = np.full((rows + 3, columns), noise)
    own[0, 0] = data.draw(st.floats(good, 100.0))
    own[3:] = good
    found = plateau_scores(own)
    assert found[0, 0] < found[4, 1]


@given(scored_grids(), st.data())
def test_the_order_of_the_axes_does_not_matter(
    grid: tuple[FloatArray, FloatArray, FloatArray], data: st.DataObject
) -> None:
    own, mask, pnl = grid
    order = data.draw(st.permutations(range(own.ndim)))
    axes = axes_of(own.shape)
    turned = {f"axis{k}": axes[f"axis{k}"] for k in order}
    before = choose(axes, own, mask > 0.0, pnl, pnl)
    parts = [np.transpose(x, order) for x in grid]
    after = choose(turned, parts[0], parts[1] > 0.0, parts[2], parts[2])
    assert (after.plateau_score, after.own_score) == (before.plateau_score, before.own_score)
    assert (after.neighbourhood_mean, after.reason) == (before.neighbourhood_mean, before.reason)
    assert set(after.border) == set(before.border)
    for there, here in ((after.index, before.index), (after.best_of_all, before.best_of_all)):
        assert there == (None if here is None else tuple(here[k] for k in order))


@given(scored_grids(), st.data())
def test_the_direction_of_an_axis_does_not_matter(
    grid: tuple[FloatArray, FloatArray, FloatArray], data: st.DataObject
) -> None:
    own, mask, pnl = grid
    assume(own.ndim)
    axis = data.draw(st.integers(0, own.ndim - 1))
    axes = axes_of(own.shape)
    before = choose(axes, own, mask > 0.0, pnl, pnl)
    parts = [np.flip(x, axis) for x in grid]
    after = choose(axes, parts[0], parts[1] > 0.0, parts[2], parts[2])
    last = own.shape[axis] - 1
    assert (after.plateau_score, after.border) == (before.plateau_score, before.border)
    for there, here in ((after.index, before.index), (after.best_of_all, before.best_of_all)):
        mirrored = here and tuple(last - k if n == axis else k for n, k in enumerate(here))
        assert there == mirrored


@given(scored_grids())
def test_no_qualified_cell_ranks_above_the_choice(
    grid: tuple[FloatArray, FloatArray, FloatArray],
) -> None:
    own, mask, pnl = grid
    found = choose(axes_of(own.shape), own, mask > 0.0, pnl, pnl)
    plateau = plateau_scores(own)
    cells = itertools.filterfalse(lambda c: math.isnan(own[c]), np.ndindex(own.shape))
    ranked = [(plateau[c], own[c], pnl[c], c) for c in cells if mask[c]]
    assert found.index == (max(ranked)[3] if ranked else None)
    assert (found.reason is None) == bool(ranked)
