"""Laws that the measures of a result keep whatever the result is."""

import json
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.naive import naive_measures as naive
from tests.unit.research.result_logs import (
    START,
    account_of,
    day_rows,
    plain_window,
    round_trips,
)

from hotband.research import sharpe as ratios
from hotband.research.measures import MetricInputs, compute_metrics, daily_t, sharpe, sortino
from hotband.research.metric import FLAGS, REASONS, Metric
from hotband.research.series import FloatArray, IntArray, ReturnMode, TradingWindow, daily_returns
from hotband.research.trades import (
    open_spans,
    profit_factor,
    profit_factor_shrunk,
    win_loss_ratio,
    win_rate,
)

DAILY = st.integers(-500, 500).map(lambda tenth_bp: tenth_bp * 1e-5)
CENTS = st.integers(-100_000, 100_000).map(lambda cents: cents / 100.0)


def series(least: int, most: int) -> st.SearchStrategy[FloatArray]:
    return st.lists(DAILY, min_size=least, max_size=most).map(np.array)


RETURNS = series(20, 160)
NET = st.lists(CENTS, max_size=40).map(lambda cents: np.array(cents, np.float64))


@st.composite
def results(draw: st.DrawFn) -> MetricInputs:
    """Any account: idle, ruined, gapped, wild or still open at the end."""
    n = draw(st.integers(0, 70))
    wild = st.floats(-1e12, 1e12, allow_subnormal=True)
    tame = st.integers(-20_000_000, 20_000_000).map(lambda cents: START + cents / 100.0)
    equity = draw(st.lists(draw(st.sampled_from([wild, tame])), min_size=n, max_size=n))
    days = day_rows(equity)
    kept = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    k = draw(st.integers(0, 25))
    some = st.lists(st.integers(0, 10**6), min_size=k, max_size=k)
    entries, held = draw(some), draw(some)
    gross = draw(st.lists(st.floats(-1e9, 1e9), min_size=k, max_size=k))
    ends = [a + b for a, b in zip(entries, held, strict=True)]
    fills = round_trips(gross, entries, ends)[: draw(st.integers(0, 2 * k))]
    money = st.floats(0.0, 1e9)
    names = ("commission", "slippage", "spread", "conversion", "financing", "turnover")
    account = account_of(fills, days, **{name: draw(money) for name in names})
    mode = draw(st.sampled_from(ReturnMode))
    window = plain_window(n, kept)
    return MetricInputs(fills, days, account, START, window, 10**9, np.array([1e-4]), mode)


@given(results())
def test_no_result_makes_a_number_that_is_not_finite(inputs: MetricInputs) -> None:
    for metric in compute_metrics(inputs).values():
        numbers = [metric.value, metric.se, *(metric.ci90 or ())]
        assert all(x is None or math.isfinite(x) for x in numbers)
        assert (metric.value is None) == (metric.reason in REASONS)
        assert set(metric.flags) <= set(FLAGS)
        text = json.dumps(metric.model_dump(mode="json"), allow_nan=False)
        assert Metric.model_validate_json(text) == metric


@given(results())
def test_drawdown_seen_daily_is_that_of_the_definition(inputs: MetricInputs) -> None:
    n = len(inputs.days)
    whole = plain_window(n)
    found = daily_returns(inputs.days, START, whole)
    assume(n > 0)
    fall = found.peak - found.equity
    deepest = naive.drawdowns(START, inputs.days["equity"].tolist())
    assert (fall.max(), (fall / found.peak).max()) == pytest.approx(deepest)


@given(results())
def test_profit_of_kept_and_left_out_days_is_the_change_of_equity(inputs: MetricInputs) -> None:
    found = daily_returns(inputs.days, START, inputs.window, inputs.mode)
    change = (inputs.days["equity"][-1] if len(inputs.days) else START) - START
    largest = float(np.abs(inputs.days["equity"]).max(initial=START))
    assert found.pnl.sum() + found.excluded_pnl == pytest.approx(change, abs=1e-9 * largest)
    assert len(found.day) + found.excluded == len(inputs.window.day)


@given(
    st.dictionaries(st.integers(0, 12), st.floats(1.0, 1e6), max_size=10),
    st.lists(st.booleans(), min_size=10, max_size=10),
)
def test_daily_returns_are_those_of_the_definition(
    marks: dict[int, float], eligible: list[bool]
) -> None:
    labels = sorted(marks)
    rows = day_rows([marks[day] for day in labels], labels)
    found = daily_returns(rows, START, plain_window(10, eligible))
    returns, excluded = naive.daily(marks, START, range(10), eligible)
    assert found.returns == pytest.approx(returns)
    assert found.excluded == excluded


@given(RETURNS, st.floats(0.01, 100.0))
def test_ratios_do_not_depend_on_the_size_of_the_bets(returns: FloatArray, scale: float) -> None:
    for measure in (sharpe, sortino, daily_t):
        one, other = measure(returns), measure(returns * scale)
        assert one.reason == other.reason
        assert other.value == (None if one.value is None else pytest.approx(one.value, rel=1e-6))
        assert other.se == (None if one.se is None else pytest.approx(one.se, rel=1e-6, abs=1e-6))


@given(RETURNS)
def test_turning_every_trade_around_turns_the_sharpe_ratio_around(returns: FloatArray) -> None:
    one, other = daily_t(returns), daily_t(-returns)
    assert one.reason == other.reason
    if one.value is not None and one.ci90 is not None:
        low, high = one.ci90
        assert other.value == pytest.approx(-one.value, abs=1e-9)
        assert other.ci90 == pytest.approx((-high, -low), rel=1e-6, abs=1e-6)


@given(RETURNS)
def test_sharpe_and_hac_are_those_of_the_definition(returns: FloatArray) -> None:
    assume(np.ptp(returns) > 0)
    assert ratios.sharpe_ratio(returns) == pytest.approx(naive.sharpe(returns.tolist()), abs=1e-9)
    psi, lag = ratios.influence(returns), ratios.hac_lag(len(returns))
    slow = naive.hac_variance(psi.tolist(), lag)
    assert ratios.long_run_variance(psi, lag) == pytest.approx(slow, abs=1e-9)


@given(RETURNS, st.integers(1, 60))
def test_flat_days_bring_every_ratio_of_days_nearer_to_zero(returns: FloatArray, flat: int) -> None:
    assume(np.ptp(returns) > 0 and abs(returns.mean()) > 1e-6)
    idle = np.concatenate((returns, np.zeros(flat)))
    assert abs(ratios.sharpe_ratio(idle)) < abs(ratios.sharpe_ratio(returns))


@given(RETURNS)
def test_the_correction_for_autocorrelation_never_raises_a_sharpe_ratio(
    returns: FloatArray,
) -> None:
    assume(np.ptp(returns) > 0)
    ratio = ratios.sharpe_ratio(returns)
    factor, corrected = ratios.annual_factor(returns, ratio)
    assert ratio * factor <= ratio * 260**0.5
    assert corrected == (factor != 260**0.5)


@given(RETURNS)
def test_the_interval_holds_the_ratio_and_the_error_is_the_larger(returns: FloatArray) -> None:
    found = ratios.estimate(returns) if np.ptp(returns) > 0 else None
    assume(found is not None)
    assert found is not None
    assert found.ci90[0] < found.ratio < found.ci90[1]
    assert found.se >= ratios.hac_se(returns)
    assert found.se >= (ratios.mertens_se(returns) or 0.0)


@given(st.floats(-50.0, 50.0), st.integers(3, 59))
def test_a_wider_level_has_a_wider_interval(ratio: float, n: int) -> None:
    narrow, wide = (ratios.exact_interval(ratio, n, level) for level in (0.9, 0.95))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


@given(NET)
def test_profit_factor_is_payoff_times_odds(net: FloatArray) -> None:
    rate, payoff = win_rate(net).value, win_loss_ratio(net).value
    assume(rate is not None and payoff is not None)
    assert rate is not None
    assert payoff is not None
    plain = profit_factor(net, 0.0).value
    assert plain == pytest.approx(payoff * rate / (1.0 - rate))


@given(NET, st.floats(1.0, 1e4))
def test_profit_factor_is_that_of_the_definition_and_shrinks_to_one(
    net: FloatArray, floor: float
) -> None:
    found, shrunk = profit_factor(net, floor), profit_factor_shrunk(net)
    assume(found.value is not None)
    assert found.value == pytest.approx(naive.profit_factor(net.tolist(), floor))
    lost = -net[net < 0].sum()
    assert ("pf_loss_floored" in found.flags) == (lost < floor)
    assert shrunk.value is not None
    if lost > 0:
        plain = net[net > 0].sum() / lost
        assert min(plain, 1.0) - 1e-12 <= shrunk.value <= max(plain, 1.0) + 1e-12


@given(NET)
def test_the_interval_of_a_win_rate_holds_it_and_stays_within_zero_and_one(
    net: FloatArray,
) -> None:
    metric = win_rate(net)
    assume(metric.ci90 is not None and metric.value is not None)
    assert metric.ci90 is not None
    assert metric.value is not None
    assert 0.0 <= metric.ci90[0] <= metric.value <= metric.ci90[1] <= 1.0


SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), max_size=6)


@given(SPANS, st.lists(st.integers(0, 12), min_size=2, max_size=8).map(np.cumsum))
def test_exposure_is_counted_minute_by_minute(
    tickets: list[tuple[int, int]], edges: IntArray
) -> None:
    usable = edges[: len(edges) // 2 * 2]
    market = TradingWindow(
        np.array([0]), np.array([99]), np.array([True]), usable[0::2], usable[1::2]
    )
    ends = [start + length for start, length in tickets]
    fills = round_trips([1.0] * len(tickets), [start for start, _ in tickets], ends)
    spans = list(zip([start for start, _ in tickets], ends, strict=True))
    slow = naive.market_minutes_open(
        spans, list(zip(usable[0::2].tolist(), usable[1::2].tolist(), strict=True))
    )
    assert market.market_time_in(*open_spans(fills, 99)) == slow
    assert slow <= market.market_ns
