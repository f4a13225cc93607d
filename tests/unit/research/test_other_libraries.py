"""Where other libraries agree with our measures, and the traps of theirs that ours do not have.

Source: reference/statistics.md, 1.7. Their years have 252 days, ours 260.
"""

import math
import warnings
from typing import Any

import empyrical
import numpy as np
import pandas as pd  # type: ignore[import-untyped] # beside quantstats only
import pytest
import quantstats
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.research.result_logs import START, V20, compounded, day_rows, plain_window

from hotband.research.measures import max_drawdown_daily, sharpe, sortino, ulcer
from hotband.research.series import FloatArray, daily_returns

AGREED = math.sqrt(260 / 252)
DAYS = st.lists(st.floats(-0.05, 0.05, allow_nan=False), min_size=80, max_size=120)


def dated(values: FloatArray) -> Any:
    return pd.Series(values, index=pd.date_range("2024-01-01", periods=len(values), freq="B"))


def spread(values: list[float]) -> FloatArray:
    """The drawn days with some of each sign, so that no ratio is undefined."""
    fixed = [0.01, -0.01, 0.02, -0.015]
    return np.array([*values, *fixed])


@given(DAYS)
def test_sharpe_is_that_of_empyrical_and_quantstats_over_a_longer_year(values: list[float]) -> None:
    days = spread(values)
    own = sharpe(days).value
    assert own is not None
    assert own == pytest.approx(AGREED * empyrical.sharpe_ratio(days), rel=1e-9)
    assert own == pytest.approx(AGREED * float(quantstats.stats.sharpe(dated(days))), rel=1e-9)


@given(DAYS)
def test_sortino_is_that_of_empyrical_and_quantstats_over_a_longer_year(
    values: list[float],
) -> None:
    days = spread(values)
    own = sortino(days).value
    assert own is not None
    assert own == pytest.approx(AGREED * empyrical.sortino_ratio(days), rel=1e-9)
    assert own == pytest.approx(AGREED * float(quantstats.stats.sortino(dated(days))), rel=1e-9)


@given(DAYS)
def test_maximum_drawdown_is_that_of_empyrical(values: list[float]) -> None:
    days = spread(values)
    series = daily_returns(day_rows(compounded(days)), START, plain_window(len(days)))
    deepest = max_drawdown_daily(series)[1].value
    assert deepest == pytest.approx(-100.0 * empyrical.max_drawdown(series.returns), rel=1e-9)


def test_the_same_vector_has_the_published_values_of_each() -> None:
    assert empyrical.sharpe_ratio(V20) == pytest.approx(2.7168, abs=5e-5)
    assert float(quantstats.stats.sharpe(dated(V20))) == pytest.approx(2.7168, abs=5e-5)
    assert empyrical.sortino_ratio(V20) == pytest.approx(4.3832, abs=5e-5)
    assert float(quantstats.stats.sortino(dated(V20))) == pytest.approx(4.3832, abs=5e-5)
    theirs: Any = quantstats.stats
    assert float(theirs.ulcer_index(dated(V20))) == pytest.approx(0.00834065, abs=5e-9)
    series = daily_returns(day_rows(compounded(V20)), START, plain_window(20))
    assert ulcer(series).value == pytest.approx(0.812946, abs=5e-7)


def test_days_that_are_all_alike_have_no_sharpe_ratio_where_theirs_is_without_bound() -> None:
    days = np.full(80, 0.01)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        theirs = empyrical.sharpe_ratio(days)
    assert not np.isfinite(theirs) or theirs > 1e6
    assert sharpe(days).value is None
    assert sharpe(days).reason is not None


def test_without_a_losing_day_there_is_no_sortino_ratio_where_theirs_is_without_bound() -> None:
    days = np.tile([0.01, 0.02], 40)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        theirs = empyrical.sortino_ratio(days)
    assert np.isinf(theirs)
    assert sortino(days).value is None
    assert sortino(days).reason is not None


def test_an_annual_risk_free_rate_is_taken_for_a_daily_one_by_empyrical() -> None:
    """Ours takes none: a position is financed, and its cost is in the profit already."""
    assert empyrical.sharpe_ratio(V20, risk_free=0.01) == pytest.approx(-11.58, abs=0.01)
