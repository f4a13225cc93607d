"""What the search takes away from a chosen cell: its reasons, its draws and its arithmetic."""

import math
from dataclasses import fields
from typing import Any, Final

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from tests.unit.research.test_canned_grid import STREAMS, job_of

from hotband.research.cell_rows import Search, score_rows, sweep_span, trial_ratios
from hotband.research.selection import (
    FIRST_DRAWS,
    Returns,
    Selection,
    search_of,
    selection_of,
)
from hotband.research.sharpe import moments, psr, sharpe_ratio
from hotband.research.significance.deflated import (
    deflated_sharpe,
    expected_max,
    min_track_record,
)

DRAWS: Final = 1_999
"""More than a first look, and fewer than a run takes."""


def noise(cells: int, days: int, seed: int = 1, edge: float = 0.0) -> Returns:
    """Daily returns of 1 % deviation; the first cell earns ``edge`` deviations a day more."""
    drawn = np.random.default_rng(seed).standard_normal((cells, days))
    drawn[0] += edge
    return (0.01 * drawn).astype(np.float32)


def row_of(returns: Returns, cell: int = 0) -> dict[str, Any]:
    """What a scored row says of a cell with these returns."""
    own = returns[cell].astype(np.float64)
    row: dict[str, Any] = dict.fromkeys(("sharpe_period", "skewness", "kurtosis", "psr", "dsr"))
    if len(own) and np.ptp(own) > 0.0:
        ratio, (skew, tails) = sharpe_ratio(own), moments(own)
        row |= {"sharpe_period": ratio, "skewness": skew, "kurtosis": tails}
        row["psr"] = psr(ratio, len(own), skew, tails)
    return row


def selected(returns: Returns, cell: int = 0, *, draws: int = DRAWS, seed: int = 3) -> Selection:
    search = Search(len(returns), 0.004)
    return selection_of(cell, row_of(returns, cell), returns, search, seed=seed, draws=draws)


# The search --------------------------------------------------------------------------------------


def test_the_spread_is_that_of_the_ratios_there_are() -> None:
    ratios = np.array([0.1, np.nan, 0.3, -0.2, np.nan])
    found = search_of(ratios, 130, 40)
    assert found.variance == pytest.approx(np.var([0.1, 0.3, -0.2], ddof=1))
    assert found.trials == 40


@pytest.mark.parametrize("ratios", [[0.2], [0.2, np.nan], [np.nan, np.nan], []])
def test_a_grid_with_fewer_than_two_ratios_takes_the_spread_without_an_edge(
    ratios: list[float],
) -> None:
    assert search_of(np.array(ratios), 131, 500) == Search(500, 1.0 / 130.0)


@pytest.mark.parametrize("days", [0, 1])
def test_a_window_of_a_day_has_no_spread_at_all(days: int) -> None:
    assert search_of(np.array([0.2]), days, 5).variance == 0.0


def test_cells_that_all_do_the_same_have_a_spread_of_their_own_and_it_is_none() -> None:
    assert search_of(np.full(4, 0.2), 130, 4).variance == pytest.approx(0.0, abs=1e-30)


def test_there_is_at_least_one_trial() -> None:
    assert search_of(np.array([0.1, 0.2]), 130, 0).trials == 1


def test_earlier_trials_deflate_a_grid_of_one_cell() -> None:
    rows = swept()[:1]
    few, many = (score_rows(rows, search_of(trial_ratios(rows), 65, n), 10) for n in (1, 1_000))
    assert many["dsr"][0] < few["dsr"][0] == few["psr"][0]


# Deflated rows -----------------------------------------------------------------------------------


def swept() -> pl.DataFrame:
    """Three rows with an edge of different sizes."""
    rows = sweep_span(job_of(STREAMS["solid"]).work, (0, 3)).drop("returns")
    # Another grid's neighbours: ratios and moments apart from each other.
    spread = pl.Series([1.0, 0.6, 0.3])
    return rows.with_columns(pl.col("sharpe_period") * spread, pl.col("kurtosis") * spread.sqrt())


def test_the_dsr_of_rows_is_the_deflated_sharpe_ratio_of_their_numbers() -> None:
    rows, search = swept(), Search(240, 0.006)
    scored = score_rows(rows, search, 10)
    due = deflated_sharpe(
        rows["sharpe_period"].to_numpy(), rows["days"].to_numpy(), rows["skewness"].to_numpy(),
        rows["kurtosis"].to_numpy(), variance=0.006, trials=240,
    )  # fmt: skip
    assert scored["dsr"].to_list() == due.tolist()
    assert scored["dsr_null"].to_list() == rows["psr_null"].to_list()


def test_the_dsr_is_the_psr_against_the_luckiest_of_the_trials() -> None:
    rows, search = swept(), Search(240, 0.006)
    benchmark = math.sqrt(0.006) * expected_max(240)
    by_hand = [
        psr(row["sharpe_period"], row["days"], row["skewness"], row["kurtosis"], benchmark)
        for row in rows.iter_rows(named=True)
    ]
    assert score_rows(rows, search, 10)["dsr"].to_list() == pytest.approx(by_hand, rel=1e-12)


def test_without_a_search_rows_have_no_dsr() -> None:
    scored = score_rows(swept(), None, 10)
    assert scored["dsr"].null_count() == len(scored)
    assert scored["dsr_null"].null_count() == len(scored)


@given(
    trials=st.integers(1, 100_000),
    more=st.integers(1, 100_000),
    variance=st.floats(1e-6, 0.05),
)
@settings(max_examples=25, deadline=None)
def test_more_trials_lower_every_dsr_and_never_raise_a_score(
    trials: int, more: int, variance: float
) -> None:
    few = score_rows(ROWS, Search(trials, variance), 10)
    many = score_rows(ROWS, Search(trials + more, variance), 10)
    assert (many["dsr"] <= few["dsr"]).all()
    open_ones = few["dsr"].is_between(1e-6, 1.0 - 1e-6)
    apart = expected_max(trials + more) - expected_max(trials) > 1e-6
    if apart:
        assert (many["dsr"] < few["dsr"]).filter(open_ones).all()
    assert (many["score"] <= few["score"]).all()


ROWS: Final = swept()


# What is handed on -------------------------------------------------------------------------------


def test_the_numbers_of_the_cell_are_those_of_its_row_and_its_search() -> None:
    returns = noise(6, 130, edge=0.1)
    row = row_of(returns) | {"dsr": 0.25}
    found = selection_of(0, row, returns, Search(77, 0.009), seed=5, draws=199)
    ratio, skew, tails = row["sharpe_period"], row["skewness"], row["kurtosis"]
    assert (found.trials, found.cells, found.variance, found.seed) == (77, 6, 0.009, 5)
    assert (found.psr, found.dsr) == (row["psr"], 0.25)
    assert found.benchmark == pytest.approx(0.009**0.5 * expected_max(77))
    assert found.min_track_record_days == min_track_record(ratio, skew, tails)
    # The error at the benchmark of 0 is 1 / sqrt(T).
    assert found.psr_2025 == pytest.approx(special.ndtr(ratio * 130**0.5))
    assert found.definition == "BLP2012"


def test_the_haircut_ratio_is_what_bonferroni_leaves_of_the_annual_one() -> None:
    returns = noise(6, 260, edge=0.25)
    row = row_of(returns)
    found = selection_of(0, row, returns, Search(50, 0.01), seed=5, draws=199)
    t = row["sharpe_period"] * 260**0.5
    p = 50 * 2 * float(special.stdtr(259, -t))  # two-sided, of a year of days
    assert p < 1.0
    assert found.haircut_sharpe == pytest.approx(-special.stdtrit(259, p / 2), rel=1e-9)
    assert found.haircut_sharpe < t


def test_a_cell_without_a_ratio_has_nulls_and_no_errors() -> None:
    returns = noise(5, 130)
    returns[0] = 0.0
    found = selected(returns)
    nulls = {f.name for f in fields(found) if getattr(found, f.name) is None}
    assert nulls == {
        "psr", "psr_2025", "dsr", "min_track_record_days", "step_down_p", "haircut_sharpe",
        "pbo_reason",
    }  # fmt: skip
    assert found.step_down_reason == "too_few_active_days"
    assert found.dropped == 1


# The step-down test ------------------------------------------------------------------------------


def test_a_p_value_above_a_fifth_ends_after_the_first_look() -> None:
    returns = noise(40, 130)
    worst = int(returns.mean(axis=1).argmin())
    found = selected(returns, worst)
    assert found.step_down_p is not None
    assert found.step_down_p > 0.2
    assert found.draws == FIRST_DRAWS == 999


def test_a_p_value_up_to_a_fifth_takes_all_draws() -> None:
    found = selected(noise(40, 130, edge=0.5))
    assert found.step_down_p is not None
    assert found.step_down_p <= 0.2
    assert found.draws == DRAWS
    assert found.step_down_p >= 1.0 / (DRAWS + 1)


def test_fewer_draws_than_a_first_look_are_all_there_are() -> None:
    assert selected(noise(40, 130), draws=199).draws == 199
    assert selected(noise(40, 130, edge=0.5), draws=199).draws == 199


def test_the_same_seed_gives_the_same_p_value_and_another_one_another() -> None:
    returns = noise(40, 130, edge=0.2)
    first, again, other = (selected(returns, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert other.step_down_p != first.step_down_p


@pytest.mark.parametrize("days", [0, 1, 2, 19])
def test_below_twenty_days_no_p_value_is_given(days: int) -> None:
    found = selected(noise(5, days, edge=3.0))
    assert (found.step_down_p, found.step_down_reason) == (None, "window_too_short")
    assert (found.draws, found.mean_block, found.dropped) == (0, None, 5)


def test_twenty_days_are_enough() -> None:
    found = selected(noise(5, 20, edge=3.0))
    assert found.step_down_p is not None
    assert found.step_down_reason is None


def test_a_cell_active_on_fewer_than_twenty_days_has_no_p_value() -> None:
    returns = noise(5, 130, edge=3.0)
    returns[0, 19:] = 0.0
    found = selected(returns)
    assert (found.step_down_p, found.step_down_reason) == (None, "too_few_active_days")
    assert found.dropped == 1
    assert selected(returns, 1).step_down_p is not None


def test_where_no_cell_traded_there_is_no_p_value() -> None:
    found = selected(np.zeros((5, 130), np.float32))
    assert (found.step_down_p, found.dropped) == (None, 5)
    assert found.effective_trials == {}


def test_a_planted_cell_passes_and_the_cells_beside_it_do_not() -> None:
    returns = noise(200, 130, edge=0.45)  # an annual Sharpe ratio of 7
    assert (selected(returns).step_down_p or 1.0) <= 0.05
    assert (selected(returns, 1).step_down_p or 0.0) > 0.05


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_luckiest_cell_of_noise_does_not_pass(seed: int) -> None:
    returns = noise(200, 130, seed)
    best = int((returns.mean(axis=1) / returns.std(axis=1)).argmax())
    assert (row_of(returns, best)["psr"] or 0.0) > 0.95  # alone it would
    found = selected(returns, best)
    assert (found.step_down_p or 0.0) > 0.05


def test_the_cells_beside_it_make_a_p_value_larger() -> None:
    returns = noise(200, 130, edge=0.2)
    alone, among = selected(returns[:1]), selected(returns)
    assert (alone.step_down_p or 0.0) < (among.step_down_p or 0.0)


# Overfitting -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "blocks", "reason"),
    [
        (99, None, "window_too_short"),
        (100, 10, None),
        (159, 10, None),
        (160, 16, None),
        (260, 16, None),
    ],
)
def test_a_block_of_the_overfitting_test_has_ten_days_at_least(
    days: int, blocks: int | None, reason: str | None
) -> None:
    found = selected(noise(8, days), draws=199)
    assert (found.pbo_blocks, found.pbo_reason) == (blocks, reason)
    assert (found.pbo is None) == (reason is not None)


@pytest.mark.parametrize("days", [50, 130])
def test_one_cell_cannot_be_overfitted(days: int) -> None:
    found = selected(noise(1, days), draws=199)
    assert (found.pbo, found.pbo_blocks, found.pbo_reason) == (None, None, "one_cell")


def test_cells_that_never_change_have_no_probability_of_overfitting() -> None:
    found = selected(np.zeros((5, 130), np.float32), draws=199)
    assert (found.pbo, found.pbo_reason) == (None, "zero_variance")


def test_a_cell_that_is_always_best_is_not_overfitted() -> None:
    assert selected(noise(20, 160, edge=1.5), draws=199).pbo == 0.0


# Effective trials --------------------------------------------------------------------------------


def test_copies_of_a_cell_are_one_effective_trial() -> None:
    copies = np.repeat(noise(1, 130), 12, axis=0)
    found = selected(copies, draws=199).effective_trials
    assert found["participation"] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("cells", "days"), [(1, 130), (12, 2)])
def test_one_cell_or_two_days_have_no_correlation(cells: int, days: int) -> None:
    assert selected(noise(cells, days), draws=199).effective_trials == {}
