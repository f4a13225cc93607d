"""Daily returns and the days that count, worked out by hand."""

import numpy as np
import pytest
from tests.unit.research.result_logs import DAY_NS, START, day_rows, plain_window

from hotband.errors import InputError, IntegrityError
from hotband.market.calendar import DEFAULT_HOURS, MINUTE_NS, parse_time
from hotband.research.series import (
    IntArray,
    ReturnMode,
    TradingWindow,
    daily_returns,
    eligible_mask,
    trading_window,
)

# The week of 2026-03-02 in New York winter time: it opens and rolls at 22:00 UTC.
OPEN, CLOSE = parse_time("2026-03-01T22:00:00Z"), parse_time("2026-03-06T22:00:00Z")


def minutes(first: int, last: int) -> IntArray:
    return np.arange(first, last, MINUTE_NS, dtype=np.int64)


def test_compounding_divides_by_yesterday_and_fixed_by_the_start() -> None:
    rows = day_rows([110_000.0, 99_000.0])
    both = {mode: daily_returns(rows, START, plain_window(2), mode) for mode in ReturnMode}
    assert both[ReturnMode.COMPOUNDING].returns == pytest.approx([0.1, -0.1])
    assert both[ReturnMode.FIXED].returns == pytest.approx([0.1, -0.11])
    assert both[ReturnMode.FIXED].pnl == pytest.approx([10_000.0, -11_000.0])


def test_an_eligible_day_without_a_mark_is_a_flat_day() -> None:
    rows = day_rows([START, 101_000.0, 101_000.0], labels=[0, 2, 5])
    series = daily_returns(rows, START, plain_window(6))
    assert series.returns == pytest.approx([0.0, 0.0, 0.01, 0.0, 0.0, 0.0])
    assert series.excluded == 0


def test_an_excluded_day_is_counted_and_its_profit_is_kept_apart() -> None:
    rows = day_rows([101_000.0, 95_000.0, 96_900.0])
    series = daily_returns(rows, START, plain_window(3, [True, False, True]))
    assert series.day.tolist() == [0, 2]
    assert series.returns == pytest.approx([0.01, 0.02])
    assert (series.excluded, series.excluded_pnl) == (1, -6000.0)
    assert series.pnl.sum() + series.excluded_pnl == pytest.approx(-3100.0)
    assert series.peak.tolist() == [101_000.0, 101_000.0]


def test_a_mark_on_a_day_outside_the_calendar_counts_as_excluded() -> None:
    rows = day_rows([START, START + 7.0], labels=[0, 9])
    series = daily_returns(rows, START, plain_window(2))
    assert (series.excluded, series.excluded_pnl) == (1, 7.0)


def test_the_start_balance_belongs_to_the_peak() -> None:
    series = daily_returns(day_rows([90_000.0]), START, plain_window(1))
    assert series.peak[0] == START


def test_after_ruin_returns_stay_finite() -> None:
    rows = day_rows([START, -5.0, 0.0, 20.0])
    series = daily_returns(rows, START, plain_window(4))
    assert series.ruined
    assert series.returns == pytest.approx([0.0, -1.00005, 0.0, 0.0])


def test_day_rows_out_of_order_or_not_finite_are_refused() -> None:
    for rows in (day_rows([1.0, 1.0], labels=[3, 3]), day_rows([float("nan")])):
        with pytest.raises(IntegrityError, match="day rows: got a repeated day or equity"):
            daily_returns(rows, START, plain_window(2))
    with pytest.raises(InputError, match="start balance"):
        daily_returns(day_rows([1.0]), 0.0, plain_window(1))


def test_a_day_is_eligible_from_four_fifths_of_its_bars_on() -> None:
    bar_day = np.repeat([1, 2, 3, 9], [80, 79, 5, 500])
    mask = eligible_mask(bar_day, np.array([1, 2, 3, 4]), np.array([100, 100, 0, 100]))
    assert mask.tolist() == [True, False, False, False]


def test_a_full_week_has_five_eligible_days_of_1440_minutes() -> None:
    window = trading_window(DEFAULT_HOURS, OPEN, CLOSE, minutes(OPEN, CLOSE), MINUTE_NS)
    monday = int(np.datetime64("2026-03-02", "D").astype(np.int64))
    assert window.day.tolist() == list(range(monday, monday + 5))
    assert window.eligible.tolist() == [True] * 5
    assert window.roll_ns.tolist() == [OPEN + d * DAY_NS for d in range(1, 6)]
    assert window.market_ns == 7200 * MINUTE_NS


def test_a_day_with_too_few_bars_is_out_and_its_time_with_it() -> None:
    bars = minutes(OPEN, CLOSE)
    tuesday = (bars >= OPEN + DAY_NS) & (bars < OPEN + DAY_NS + 300 * MINUTE_NS)
    window = trading_window(DEFAULT_HOURS, OPEN, CLOSE, bars[~tuesday], MINUTE_NS)
    assert window.eligible.tolist() == [True, False, True, True, True]
    assert window.market_ns == 4 * DAY_NS


def test_days_cut_by_the_window_expect_a_part_of_their_bars() -> None:
    start, end = OPEN + DAY_NS // 2, OPEN + DAY_NS + 60 * MINUTE_NS
    window = trading_window(DEFAULT_HOURS, start, end, minutes(OPEN, CLOSE), MINUTE_NS)
    assert window.eligible.tolist() == [True, True]
    assert window.market_ns == end - start


def test_bars_of_several_instruments_and_weekends_do_not_count_twice() -> None:
    start = OPEN - DAY_NS
    half = minutes(OPEN, OPEN + DAY_NS // 2)
    bars = np.concatenate((half, half, minutes(start, OPEN)))
    window = trading_window(DEFAULT_HOURS, start, OPEN + DAY_NS, bars, MINUTE_NS)
    assert window.eligible.tolist() == [False]
    assert window.market_ns == 0


def test_a_market_span_is_only_counted_where_the_spans_lie_in_it() -> None:
    window = plain_window(3, [True, False, True])
    spans = np.array([-DAY_NS, DAY_NS // 4, 2 * DAY_NS]), np.array([0, DAY_NS, 9 * DAY_NS])
    assert window.market_time_in(*spans) == DAY_NS * 7 // 4
    assert plain_window(1, [False]).market_time_in(*spans) == 0


def test_trading_days_out_of_order_are_refused() -> None:
    days, flags = np.array([2, 1]), np.ones(2, np.bool_)
    none = np.empty(0, np.int64)
    with pytest.raises(IntegrityError, match="Build it with trading_window"):
        TradingWindow(days, days, flags, none, none)
