"""The weeks after each choice, stitched: by hand, and against a fresh simulation of the cell."""

from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tests.unit.research.test_canned_grid import (
    BALANCE,
    END,
    GRID,
    START,
    STREAMS,
    TRADES,
    canned,
    job_of,
    noons,
    scored,
)  # fmt: skip

from hotband.market.calendar import parse_time
from hotband.research.forward import FoldResult, fold_result, stitched
from hotband.research.grid import GridJob, chosen_of, judge_of, prepare_job
from hotband.research.grid_settings import load_grid
from hotband.research.plateau import Choice
from hotband.research.simulator import BacktestSimulator

SPLIT: Final = "2025-05-02T21:00:00Z"
"""A Friday's close: 40 noons before it, 25 after."""


def fold(returns: list[float], ratio: float | None = 0.2, *, first: int = 20_000) -> FoldResult:
    """A fold whose hold-out returned this; ``ratio`` is the in-sample daily one."""
    day = np.arange(first, first + len(returns), dtype=np.int64)
    row = {"sharpe_period": ratio}
    return FoldResult((0, 1), (1, 2), True, {}, row, {}, day, np.array(returns, np.float64))


def flat(days: int) -> FoldResult:
    """A fold in which nothing qualified."""
    day = np.arange(days, dtype=np.int64)
    return FoldResult((0, 1), (1, 2), False, None, None, {}, day, np.zeros(days))


# By hand -----------------------------------------------------------------------------------------

FIRST: Final = [0.01, -0.02, 0.03, 0.0]
SECOND: Final = [0.02, -0.01, 0.01]


def test_the_stitched_return_compounds_over_all_hold_outs() -> None:
    found = stitched([fold(FIRST), fold(SECOND)])
    assert found is not None
    due = 1.01 * 0.98 * 1.03 * 1.0 * 1.02 * 0.99 * 1.01 - 1.0
    assert found.net_return == pytest.approx(due, rel=1e-12)
    assert found.days == 7


def test_the_days_say_their_fold_and_what_one_unit_has_become() -> None:
    found = stitched([fold(FIRST, first=20_000), fold(SECOND, first=20_010)])
    assert found is not None
    assert found.frame["fold"].to_list() == [0, 0, 0, 0, 1, 1, 1]
    assert found.frame["return"].to_list() == FIRST + SECOND
    days = [*range(20_000, 20_004), *range(20_010, 20_013)]
    assert found.frame["day"].cast(pl.Int32).to_list() == days
    assert found.frame["day"].dtype == pl.Date
    assert found.frame["equity"][1] == pytest.approx(1.01 * 0.98)
    assert found.frame["equity"][-1] == pytest.approx(1.0 + found.net_return)


def test_the_efficiency_is_the_ratio_after_over_the_mean_ratio_before() -> None:
    returns = np.array(FIRST + SECOND)
    found = stitched([fold(FIRST, 0.2), fold(SECOND, 0.4)])
    assert found is not None
    after = returns.mean() / returns.std(ddof=1)
    assert found.efficiency == pytest.approx(after / 0.3, rel=1e-12)


@pytest.mark.parametrize("inside", [None, 0.0, -0.1])
def test_without_a_ratio_above_nothing_before_there_is_no_efficiency(inside: float | None) -> None:
    found = stitched([fold(FIRST, inside)])
    assert found is not None
    assert found.efficiency is None


def test_folds_without_a_choice_have_no_say_in_the_efficiency_but_their_days_count() -> None:
    found = stitched([fold(FIRST, 0.2), flat(3)])
    assert found is not None
    returns = np.array([*FIRST, 0.0, 0.0, 0.0])
    assert found.days == 7
    assert found.frame["return"].to_list() == returns.tolist()
    assert found.efficiency == pytest.approx(returns.mean() / returns.std(ddof=1) / 0.2)


def test_where_nothing_ever_qualified_the_series_is_flat_and_proves_nothing() -> None:
    found = stitched([flat(20), flat(20)])
    assert found is not None
    assert (found.days, found.net_return, found.p_value, found.efficiency) == (40, 0.0, None, None)
    assert found.sharpe.value is None


@pytest.mark.parametrize("folds", [[], [flat(0)]])
def test_without_a_day_there_is_no_series(folds: list[FoldResult]) -> None:
    assert stitched(folds) is None


# The p-value -------------------------------------------------------------------------------------


def student_p(returns: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    return float(stats.ttest_1samp(returns, 0.0, alternative="greater").pvalue)


def skewed_p(returns: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """1 - PSR, as the paper writes it."""
    ratio = returns.mean() / returns.std(ddof=1)
    skew, tails = stats.skew(returns), stats.kurtosis(returns, fisher=False)
    error = (1.0 - skew * ratio + 0.25 * (tails - 1.0) * ratio**2) ** 0.5
    return float(stats.norm.sf(ratio * (len(returns) - 1) ** 0.5 / error))


def p_of(returns: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    found = stitched([fold(returns.tolist())])
    assert found is not None
    return found.p_value


LOSSES: Final = np.array([0.004] * 38 + [-0.05, -0.04])
"""Many small gains and a few large losses: Student's t alone would be too sure."""


def test_negative_skew_takes_the_p_value_that_knows_of_it() -> None:
    returns = LOSSES + 0.003
    assert skewed_p(returns) > student_p(returns)
    assert p_of(returns) == pytest.approx(skewed_p(returns), rel=1e-9)


def test_positive_skew_takes_students_t() -> None:
    returns = 0.004 - LOSSES
    assert returns.mean() > 0.0
    assert student_p(returns) > skewed_p(returns)
    assert p_of(returns) == pytest.approx(student_p(returns), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(5, 120), st.floats(-0.3, 0.6), st.floats(1.0, 3.0))
def test_the_p_value_is_the_larger_of_the_two(
    seed: int, days: int, edge: float, power: float
) -> None:
    drawn = np.random.default_rng(seed).standard_normal(days)
    returns = 0.01 * (np.sign(drawn) * np.abs(drawn) ** power + edge)
    due = max(student_p(returns), skewed_p(returns))
    assert p_of(returns) == pytest.approx(due, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("days", [1, 2, 4])
def test_below_five_days_no_p_value_is_given(days: int) -> None:
    assert p_of(np.array([0.01, -0.02, 0.03, 0.01])[:days]) is None


def test_from_five_days_on_there_is_one() -> None:
    assert p_of(np.array([0.01, -0.02, 0.03, 0.01, 0.02])) is not None


def test_days_that_all_return_the_same_have_no_p_value() -> None:
    assert p_of(np.full(30, 0.001)) is None


# A fold ------------------------------------------------------------------------------------------


def over(start: str, end: str) -> BacktestSimulator:
    """The canned market of a solid edge over a part of its weeks."""
    some = job_of(STREAMS["solid"]).simulator
    return BacktestSimulator(
        "EUR_USD", start, end, profile=some.profile, balance=BALANCE, cost_bps=0.0,
        granularity="H1", bars={"EUR_USD": canned(STREAMS["solid"])}, gates=some.reader.source,
        fallback=False, instrument_table=some.table,
    )  # fmt: skip


@lru_cache
def job() -> GridJob:
    settings_ = load_grid({"default": GRID | {"hold_minutes": [60, 120]}})
    return prepare_job(over(START, SPLIT), settings_, over(SPLIT, END))


@lru_cache
def rows() -> pl.DataFrame:
    return scored(job().work)


def judged(choice: Choice | None = None) -> FoldResult:
    judge = judge_of(job(), over(SPLIT, END))
    return fold_result(job(), judge, rows(), choice or chosen_of(job(), rows()))


def test_a_fold_is_what_a_fresh_simulation_of_its_cell_makes_of_the_hold_out() -> None:
    found = judged()
    choice = chosen_of(job(), rows())
    assert choice.index is not None
    cell = int(np.ravel_multi_index(choice.index, job().work.cells.shape))
    alone = over(SPLIT, END)
    around = alone.surroundings()
    rules = job().work.cells.rules(cell, cell + 1)
    prepared = replace(alone.prepare("EUR_USD", around), rules=rules)
    fresh = alone.simulate({"EUR_USD": prepared}, around)
    assert found.metrics == fresh.metrics
    assert found.metrics["trades"].value == TRADES - 40
    made = float(fresh.daily_rows["equity"][-1]) / BALANCE
    assert float(np.prod(1.0 + found.returns)) == pytest.approx(made)


def test_a_folds_days_return_the_pips_of_its_own_weeks_by_hand() -> None:
    found = judged()
    pips = np.array(STREAMS["solid"][40:], np.float64)
    equity = BALANCE + np.cumsum(np.concatenate(([0.0], pips)))
    due = np.diff(equity) / equity[:-1]
    assert noons()[39] < parse_time(SPLIT) < noons()[40]
    assert found.returns == pytest.approx(due, abs=1e-12)


def test_a_fold_keeps_the_row_and_the_parameters_of_its_choice() -> None:
    found = judged()
    assert found.row is not None
    assert found.row["trades"] == 40
    assert found.params is not None
    assert {name: found.row[name] for name in found.params} == dict(found.params)
    assert found.look_back == (parse_time(START), parse_time(SPLIT))
    assert found.hold_out == (parse_time(SPLIT), parse_time(END))


def test_where_nothing_qualified_nothing_is_traded_on_the_same_days() -> None:
    traded = judged()
    none = Choice(None, None, None, 0, None, None, (), (0, 0, 0, 0), "nothing_qualified")
    found = judged(none)
    assert (found.chosen, found.params, found.row, found.metrics) == (False, None, None, {})
    assert found.day.tolist() == traded.day.tolist()
    assert not found.returns.any()
    assert len(found.returns) == TRADES - 40


def test_a_trade_open_at_the_end_of_the_look_back_is_marked_there_and_not_in_the_hold_out() -> None:
    during = "2025-05-05T13:00:00Z"  # an hour after Monday's entry, as it is closed
    grid = load_grid({"default": GRID})
    split = prepare_job(over(START, during), grid, over(during, END))
    assert split.hold_out is not None
    before, after = scored(split.work), scored(split.hold_out.work)
    assert before["open"].to_list() == [1] * len(before)
    closed_and_marked = float(sum(STREAMS["solid"][:41]))
    assert before["pnl"].to_list() == pytest.approx([closed_and_marked] * len(before))
    assert after["trades"].to_list() == [TRADES - 41] * len(after)
    assert after["pnl"].to_list() == pytest.approx([sum(STREAMS["solid"][41:])] * len(after))
