"""The choice of a cell: grids small enough to work out by hand."""

import numpy as np
import pytest

from hotband.errors import InputError, IntegrityError
from hotband.research.plateau import (
    REASONS,
    Axes,
    Choice,
    choose,
    neighbour_counts,
    plateau_scores,
)
from hotband.research.series import BoolArray, FloatArray

NAN = np.nan


def numbered(shape: tuple[int, ...]) -> dict[str, list[float | None]]:
    """Axes a, b, c ... with the values 0, 1, 2 ..."""
    return {"abcdef"[k]: [float(x) for x in range(n)] for k, n in enumerate(shape)}


def choice_of(
    scores: FloatArray | list[float], **columns: FloatArray | BoolArray | list[float]
) -> Choice:
    """The choice where all scored cells qualify and earn the same, unless told otherwise."""
    own = np.array(scores, np.float64)
    flat = np.zeros(own.shape)
    qualified = np.array(columns.get("qualified", ~np.isnan(own)), np.bool_)
    pnl, pf = (np.array(columns.get(name, flat), np.float64) for name in ("pnl", "pf"))
    return choose(numbered(own.shape), own, qualified, pnl, pf)


def test_on_one_axis_each_neighbour_counts_at_most_as_much_as_the_cell() -> None:
    found = plateau_scores(np.array([20.0, 90.0, 30.0, 70.0, 72.0, 70.0]))
    assert found.tolist() == [20.0, 25.0, 30.0, 50.0, 70.0, 70.0]


def test_a_lucky_peak_loses_against_a_lower_plateau() -> None:
    found = choice_of([20.0, 90.0, 30.0, 70.0, 72.0, 70.0])
    assert found.index == (4,)
    assert (found.plateau_score, found.own_score) == (70.0, 72.0)
    assert found.best_of_all == (1,)
    assert found.reason is None


def test_the_shoulder_of_a_lucky_peak_is_not_lifted_by_it() -> None:
    """With the plain mean the cell of 50 would have (0 + 50 + 90)/3 = 46.7 and be chosen."""
    own = [0.0, 50.0, 90.0, 20.0, 0.0, 36.0, 36.0, 36.0]
    assert plateau_scores(np.array(own)).tolist() == [0.0, 25.0, 35.0, 10.0, 0.0, 18.0, 36.0, 36.0]
    assert choice_of(own).index == (6,)


def test_a_peak_at_the_border_counts_no_more_than_one_inside() -> None:
    found = plateau_scores(np.array([90.0, 40.0, 40.0, 90.0, 40.0]))
    assert found[0] == found[3] == 40.0


def test_the_top_of_a_smooth_hill_is_chosen() -> None:
    found = choice_of([40.0, 60.0, 80.0, 60.0, 40.0])
    assert found.index == (2,)
    assert (found.plateau_score, found.neighbourhood_min) == (60.0, 60.0)
    assert found.neighbourhood_mean == pytest.approx(200.0 / 3.0)


def test_diagonal_cells_are_neighbours() -> None:
    grid = np.array([[9.0, 0.0, 0.0], [0.0, 8.0, 0.0], [0.0, 0.0, 16.0]])
    found = plateau_scores(grid)
    assert found[1, 1] == (8.0 + 8.0) / 8.0
    assert found[0, 0] == 8.0 / 3.0
    assert found[2, 2] == 8.0 / 3.0


def test_on_two_axes_the_block_beats_the_peak() -> None:
    grid = np.full((4, 4), 10.0)
    grid[:2, :2] = 50.0
    grid[3, 3] = 95.0
    found = choice_of(grid)
    assert found.index == (0, 0)
    assert (found.plateau_score, found.neighbours) == (50.0, 3)
    assert found.best_of_all == (3, 3)
    assert found.border == ("a", "b")


def test_on_three_axes_a_cell_inside_has_26_neighbours() -> None:
    cube = np.full((3, 3, 3), 26.0)
    cube[1, 1, 1] = 52.0
    cube[0, 0, 0] = 0.0
    found = choice_of(cube, qualified=cube == 52.0)
    assert found.index == (1, 1, 1)
    assert found.neighbours == 26
    assert found.plateau_score == 25.0
    assert (found.neighbourhood_min, found.neighbourhood_mean) == (0.0, 26.0)
    assert found.border == ()


def test_three_axes_have_7_11_17_and_26_neighbours() -> None:
    counts = neighbour_counts((3, 3, 3))
    assert [counts[0, 0, 0], counts[0, 0, 1], counts[0, 1, 1], counts[1, 1, 1]] == [7, 11, 17, 26]


def test_a_neighbour_without_a_score_counts_as_nought() -> None:
    assert plateau_scores(np.array([NAN, 60.0, 40.0]))[1:].tolist() == [20.0, 40.0]
    found = choice_of([NAN, 60.0, NAN])
    assert (found.neighbourhood_min, found.neighbourhood_mean) == (0.0, 20.0)


def test_a_cell_without_a_score_has_no_plateau_score() -> None:
    assert np.isnan(plateau_scores(np.array([NAN, 60.0]))).tolist() == [True, False]


def test_an_unqualified_neighbour_counts_with_its_score_but_is_not_chosen() -> None:
    found = choice_of([60.0, 80.0, 60.0], qualified=np.array([True, False, True]))
    assert found.index == (0,)
    assert (found.plateau_score, found.neighbours) == (60.0, 1)
    assert found.best_of_all == (1,)


def test_an_axis_of_one_value_has_no_neighbours_and_no_border() -> None:
    line = choice_of([40.0, 60.0, 80.0, 60.0, 40.0])
    sheet = choice_of(np.array([[[40.0], [60.0], [80.0], [60.0], [40.0]]]))
    assert sheet.index == (0, 2, 0)
    assert sheet.border == line.border == ()
    assert (sheet.plateau_score, sheet.neighbours) == (line.plateau_score, 2)


def test_a_cell_alone_keeps_its_own_score() -> None:
    found = choice_of(np.array([[33.3]]))
    assert (found.index, found.plateau_score, found.neighbours) == ((0, 0), 33.3, 0)
    assert (found.neighbourhood_min, found.neighbourhood_mean) == (33.3, 33.3)


def test_a_grid_without_axes_is_one_cell() -> None:
    found = choice_of(np.array(50.0))
    assert (found.index, found.plateau_score, found.best_of_all) == ((), 50.0, ())


def test_equal_plateaus_are_settled_by_the_own_score() -> None:
    assert choice_of([60.0, 60.0, 62.0, 60.0, 60.0]).index == (2,)


def test_equal_scores_are_settled_by_pnl_then_by_profit_factor() -> None:
    level = [50.0, 50.0, 50.0, 50.0]
    assert choice_of(level, pnl=[1.0, 3.0, 2.0, 3.0]).index == (1,)
    assert choice_of(level, pnl=[1.0, 3.0, 2.0, 3.0], pf=[9.0, 1.0, 9.0, 2.0]).index == (3,)


def test_an_undefined_profit_factor_is_below_every_number() -> None:
    assert choice_of([50.0, 50.0], pf=[NAN, 0.0]).index == (1,)


def test_cells_equal_in_everything_are_settled_by_the_order_of_the_grid() -> None:
    found = choice_of(np.full((2, 3), 25.0))
    assert found.index == found.best_of_all == (0, 0)


@pytest.mark.parametrize(
    ("grid", "border"),
    [
        ([[9, 5, 5], [5, 5, 5], [5, 5, 5]], ("a", "b")),
        ([[5, 9, 5], [5, 5, 5], [5, 5, 5]], ("a",)),
        ([[5, 5, 5], [5, 5, 9], [5, 5, 5]], ("b",)),
        ([[5, 5, 5], [5, 9, 5], [5, 5, 5]], ()),
    ],
)
def test_the_axes_at_whose_border_the_choice_lies_are_named(
    grid: list[list[float]], border: tuple[str, ...]
) -> None:
    assert choice_of(np.array(grid, np.float64)).border == border


def test_where_nothing_qualifies_the_best_of_all_is_still_named() -> None:
    found = choice_of([20.0, 90.0, 30.0], qualified=np.zeros(3, np.bool_))
    assert found == Choice(None, None, None, 0, None, None, (), (1,), "nothing_qualified")


def test_a_qualified_cell_without_a_score_is_not_chosen() -> None:
    found = choice_of([NAN, 90.0], qualified=np.array([True, False]))
    assert (found.index, found.best_of_all, found.reason) == (None, (1,), "nothing_qualified")


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 0)])
def test_an_empty_grid_has_no_choice(shape: tuple[int, ...]) -> None:
    found = choice_of(np.zeros(shape))
    assert found == Choice(None, None, None, 0, None, None, (), None, "no_scores")


def test_a_grid_without_any_score_has_no_choice() -> None:
    found = choice_of([NAN, NAN], qualified=np.array([True, True]))
    assert (found.index, found.best_of_all, found.reason) == (None, None, "no_scores")
    assert found.reason in REASONS


def test_off_is_the_first_value_of_an_axis_and_next_to_the_second() -> None:
    axes: Axes = {"stop_pips": [None, 10.0, 20.0]}
    own = np.array([80.0, 60.0, 0.0])
    found = choose(axes, own, own >= 0.0, own, own)
    assert (found.index, found.plateau_score, found.border) == ((0,), 60.0, ("stop_pips",))


@pytest.mark.parametrize(
    "values", [[1.0, 1.0], [2.0, 1.0], [1.0, None], [None, None], [0.0, NAN], [1.0, np.inf]]
)
def test_values_that_do_not_ascend_are_refused(values: list[float | None]) -> None:
    two = np.array([1.0, 2.0])
    with pytest.raises(InputError, match=r"values of the axis hold: got .*; allowed: finite asc"):
        choose({"hold": values}, two, two > 0.0, two, two)


@pytest.mark.parametrize("which", range(4))
def test_columns_of_another_shape_than_the_axes_are_refused(which: int) -> None:
    name = ("scores", "qualified", "pnl", "pf")[which]
    columns = [np.ones((2, 3)) for _ in range(4)]
    columns[which] = np.ones((3, 2))
    scores, qualified, pnl, pf = columns
    wanted = rf"shape of {name}: got \(3, 2\); allowed: \(2, 3\), that of the axes"
    with pytest.raises(IntegrityError, match=wanted):
        choose(numbered((2, 3)), scores, qualified > 0.0, pnl, pf)


@pytest.mark.parametrize("bad", [-1e-9, 100.1, np.inf])
def test_scores_out_of_their_bounds_are_refused(bad: float) -> None:
    with pytest.raises(IntegrityError, match="allowed: 0 to 100, NaN = none"):
        plateau_scores(np.array([1.0, bad]))
