"""Trades out of the fill log, and the measures over them, worked out by hand."""

import numpy as np
import pytest
from tests.naive.naive_measures import hac_variance
from tests.unit.research.result_logs import DAY_NS, MINUTE, plain_window, round_trips

from hotband.core.records import ACCOUNT, FILL
from hotband.errors import IntegrityError
from hotband.research.trades import (
    closed_trades,
    expectancy,
    exposure_time,
    open_spans,
    outcomes,
    per_trade,
    profit_factor,
    profit_factor_shrunk,
    round_trip_cost,
    win_loss_ratio,
    win_rate,
)

PIPS = np.array([0.0001, 0.01])


def test_a_short_trade_is_read_with_its_own_signs_and_pip() -> None:
    row = np.zeros(1, FILL)
    for name, value in {
        "kind": -1, "instrument": 1, "side": -1, "t": 90 * MINUTE, "entry_t": 60 * MINUTE,
        "units": 2000.0, "entry_price": 150.00, "price": 149.50, "best": 149.20, "worst": 150.30,
        "rate": 0.0067, "gross": 6.70, "commission": 0.30, "financing": -0.10,
    }.items():  # fmt: skip
        row[name] = value
    trades = closed_trades(row, PIPS)
    assert trades.net[0] == pytest.approx(6.30)
    assert trades.hold_minutes[0] == 30.0
    assert trades.mae_pips[0] == pytest.approx(30.0)
    assert trades.mfe_pips[0] == pytest.approx(80.0)
    assert trades.mae[0] == pytest.approx(0.30 * 2000 * 0.0067)
    assert trades.mfe[0] == pytest.approx(0.80 * 2000 * 0.0067)
    assert trades.notional[0] == pytest.approx(2000 * 150.0 * 0.0067)


def test_a_long_trade_that_only_fell_has_no_favourable_excursion() -> None:
    rows = round_trips([-1.0], [0], [MINUTE])
    rows["best"], rows["worst"] = 1.2490, 1.2450
    trades = closed_trades(rows, PIPS)
    assert trades.mfe_pips[0] == 0.0
    assert trades.mae_pips[0] == pytest.approx(50.0)


def test_an_instrument_without_a_pip_is_refused() -> None:
    rows = round_trips([1.0], [0], [MINUTE])
    rows["instrument"] = 2
    with pytest.raises(IntegrityError, match=r"pip sizes: .* instruments \[2\]"):
        closed_trades(rows, PIPS)
    with pytest.raises(IntegrityError, match="one positive pip per instrument"):
        closed_trades(rows[:0], np.array([0.0]))


def test_a_profit_factor_without_losses_divides_by_the_floor_and_says_so() -> None:
    metric = profit_factor(np.array([10.0, 20.0]), 5.0)
    assert metric.value == 6.0
    assert metric.flags == ("few_trades", "pf_loss_floored")
    assert profit_factor(np.array([10.0]), 0.0).reason == "no_losses"


def test_a_loss_above_the_floor_is_not_floored() -> None:
    metric = profit_factor(np.array([10.0, -8.0]), 5.0)
    assert (metric.value, metric.flags) == (1.25, ("few_trades",))


def test_the_shrunk_profit_factor_of_three_trades_is_near_one() -> None:
    net = np.array([9.0, 9.0, -2.0])
    a = 20.0 / 3.0
    assert profit_factor(net, 1.0).value == 9.0
    assert profit_factor_shrunk(net).value == pytest.approx((18 + 5 * a) / (2 + 5 * a))


def test_scratch_trades_count_as_trades_but_as_neither_win_nor_loss() -> None:
    net = np.array([1.0, 0.0, -1.0, 0.1 + 0.2 - 0.3])
    wins, losses = outcomes(net)
    assert (wins.tolist(), losses.tolist()) == ([1.0], [1.0])
    assert (win_rate(net).value, win_rate(net).n) == (0.5, 2)
    assert profit_factor(net, 0.1).n == 4


def test_undefined_outcomes_carry_their_reason() -> None:
    none, scratch = np.empty(0), np.zeros(3)
    for measure in (win_rate, win_loss_ratio, profit_factor_shrunk):
        assert measure(none).reason == "no_trades"
        assert measure(scratch).reason == "no_wins"
    assert profit_factor(none, 1.0).reason == "no_trades"
    assert profit_factor(scratch, 1.0).reason == "no_wins"
    assert win_loss_ratio(np.array([1.0])).reason == "no_losses"
    assert win_loss_ratio(np.array([-1.0])).reason == "no_wins"
    assert per_trade(none).reason == "no_trades"


def test_few_trades_are_flagged_until_twenty_with_five_of_each_outcome() -> None:
    enough = np.array([1.0] * 15 + [-1.0] * 5)
    assert win_rate(enough).flags == ()
    assert win_rate(enough[1:]).flags == ("few_trades",)
    assert win_rate(np.array([1.0] * 96 + [-1.0] * 4)).flags == ("few_trades",)


def test_the_win_rate_has_wilsons_interval() -> None:
    # 8 of 10, z^2 = 2.705543: (0.935277 -+ 1.6448536 x 0.150877) / 1.2705543.
    metric = win_rate(np.array([1.0] * 8 + [-1.0] * 2))
    assert metric.ci90 == pytest.approx((0.540793, 0.931442), abs=5e-6)
    assert metric.se == pytest.approx(0.12649, abs=5e-6)
    assert win_rate(np.ones(4)).ci90 == pytest.approx((4 / (4 + 2.705543), 1.0), abs=1e-6)


def test_expectancy_of_separate_trades_has_the_plain_error() -> None:
    rows = round_trips([1.0, -1.0, 4.0], [0, 10, 20], [5, 15, 25])
    metric = expectancy(closed_trades(rows, PIPS))
    assert metric.value == pytest.approx(4 / 3)
    assert metric.se == pytest.approx(np.std([1, -1, 4], ddof=1) / 3**0.5)
    assert metric.method == "newey-west, 0 lags"


def test_overlapping_trades_widen_the_error_of_expectancy() -> None:
    net = [5.0, 4.0, 3.0, -3.0, -4.0, -5.0]
    rows = round_trips(net, [0, 1, 2, 10, 11, 12], [9, 9, 9, 20, 20, 20])
    metric = expectancy(closed_trades(rows, PIPS))
    assert metric.method == "newey-west, 2 lags"
    assert metric.se == pytest.approx((hac_variance(net, 2) / 6) ** 0.5)
    assert metric.se is not None
    assert metric.se > np.std(net, ddof=1) / 6**0.5


def test_one_trade_has_an_expectancy_but_no_error() -> None:
    metric = expectancy(closed_trades(round_trips([7.0], [0], [5]), PIPS))
    assert (metric.value, metric.se, metric.ci90) == (7.0, None, None)
    assert expectancy(closed_trades(round_trips([], [], []), PIPS)).reason == "no_trades"


def test_mean_and_median_differ_by_the_outlier() -> None:
    values = np.array([1.0, 2.0, 30.0])
    assert (per_trade(values).value, per_trade(values, median=True).value) == (11.0, 2.0)


def test_exposure_counts_overlapping_tickets_once_and_only_market_time() -> None:
    # Day 1 of three is not eligible: 1.5 of the 2 market days are open.
    fills = round_trips([1.0, 1.0], [0, DAY_NS // 2], [DAY_NS, 5 * DAY_NS // 2])
    window = plain_window(3, [True, False, True])
    assert exposure_time(fills, 3 * DAY_NS, window).value == pytest.approx(0.75)


def test_a_close_that_never_opened_is_refused() -> None:
    fills = round_trips([1.0], [7], [MINUTE])[1:]
    with pytest.raises(IntegrityError, match="a close of instrument 0 opened at 7 ns"):
        open_spans(fills, DAY_NS)


def test_of_two_tickets_opened_at_once_the_one_still_open_lasts_to_the_end() -> None:
    fills = round_trips([1.0, 1.0], [0, 0], [10, 20])[:3]
    starts, ends = open_spans(fills, 500)
    assert sorted(zip(starts.tolist(), ends.tolist(), strict=True)) == [(0, 10), (0, 500)]


def test_a_round_trip_costs_the_runs_rate_on_twice_the_median_notional() -> None:
    trades = closed_trades(round_trips([1.0], [0], [MINUTE]), PIPS)
    account = np.zeros(1, ACCOUNT)
    assert round_trip_cost(trades, account[0]) == 0.0
    account["turnover"], account["spread"], account["commission"] = 2500.0, 0.3, 0.2
    assert round_trip_cost(trades, account[0]) == pytest.approx(0.5)
