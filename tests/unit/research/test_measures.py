"""What a result answers: numbers, or null with the reason that a reader sees."""

import json

import numpy as np
import pytest
from tests.unit.research.result_logs import (
    DAY_NS,
    MINUTE,
    START,
    V20,
    compounded,
    plain_window,
    result,
    round_trips,
)

from hotband.errors import InputError, IntegrityError
from hotband.research.measures import (
    MetricInputs,
    compute_metrics,
    daily_t,
    sharpe,
    sharpe_period,
    sortino,
)
from hotband.research.metric import FLAGS, REASONS, Metric, undefined
from hotband.research.series import FloatArray, ReturnMode

ASKED = """trades pnl return_pct sharpe sharpe_period daily_t sortino max_dd max_dd_pct max_dd_daily
max_dd_pct_daily calmar mar_window ulcer profit_factor profit_factor_shrunk win_rate win_loss_ratio
expectancy avg_hold_minutes median_hold_minutes median_trade_pnl pnl_to_drawdown avg_mae avg_mfe
avg_mae_pips avg_mfe_pips exposure_time turnover cost_total cost_commission cost_slippage
cost_spread cost_conversion cost_financing cost_share trades_per_day active_days days
days_excluded"""


def value_of(metrics: dict[str, Metric], name: str) -> float:
    value = metrics[name].value
    assert value is not None, f"{name}: {metrics[name].reason}"
    return value


def v20(**fields: float) -> dict[str, Metric]:
    given = result(compounded(V20), None, window=None, mode=ReturnMode.COMPOUNDING, **fields)
    return compute_metrics(given)


# The value itself


def test_a_metric_is_a_value_or_a_reason_and_never_both() -> None:
    assert undefined("no_trades").reason_text == "no trade in the window"
    assert Metric(value=1.0).reason_text is None
    for value, reason in ((1.0, "ruin"), (None, None)):
        with pytest.raises(IntegrityError, match="a value or a reason, one of the two"):
            Metric(value=value, reason=reason)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_metric_refuses_numbers_that_are_not_finite(bad: float) -> None:
    with pytest.raises(IntegrityError, match=r"metric value: got (nan|-?inf); allowed: finite"):
        Metric(value=bad)
    with pytest.raises(IntegrityError, match="metric se"):
        Metric(value=1.0, se=bad)
    with pytest.raises(IntegrityError, match="metric ci90"):
        Metric(value=1.0, ci90=(0.0, bad))


def test_a_metric_refuses_unknown_codes_and_names_the_near_one() -> None:
    with pytest.raises(IntegrityError, match="Did you mean 'no_trades'"):
        undefined("no_trade")
    with pytest.raises(IntegrityError, match="Did you mean 'few_trades'"):
        Metric(value=1.0, flags=("few_trade",))


def test_a_metric_refuses_a_negative_error_and_a_reversed_interval() -> None:
    with pytest.raises(IntegrityError, match=r"metric se: got -1\.0; allowed: 0 or more"):
        Metric(value=1.0, se=-1.0)
    with pytest.raises(IntegrityError, match="low before high"):
        Metric(value=1.0, ci90=(2.0, 1.0))


def test_the_reasons_are_those_of_the_specification() -> None:
    wanted = """no_trades lt_2_days zero_variance no_losses no_wins no_downside zero_drawdown ruin
    window_too_short moments_unstable data_gap synthetic_only too_few_active_days"""
    assert set(REASONS) == set(wanted.split())
    assert all({**REASONS, **FLAGS}.values())


# Ratios of days


@pytest.mark.parametrize(
    ("returns", "reason"),
    [
        ([], "data_gap"),
        ([0.01], "lt_2_days"),
        ([0.01] * 30, "zero_variance"),
        ([0.0] * 30, "zero_variance"),
        ([0.01, -0.01] * 9, "window_too_short"),
    ],
)
def test_a_sharpe_ratio_says_why_it_is_undefined(returns: list[float], reason: str) -> None:
    metric = sharpe(np.array(returns))
    assert (metric.value, metric.reason, metric.n) == (None, reason, len(returns))


def test_days_that_differ_by_rounding_alone_have_no_variance() -> None:
    path = compounded(np.full(40, 0.01))
    metrics = compute_metrics(result(path))
    assert metrics["sharpe"].reason == "zero_variance"
    assert metrics["daily_t"].reason == "zero_variance"
    assert metrics["sortino"].reason == "no_downside"


@pytest.mark.parametrize(
    ("returns", "reason"),
    [([], "data_gap"), ([0.1], "lt_2_days"), ([0.1] * 5, "no_downside"), ([0.1, -0.1], None)],
)
def test_a_sortino_ratio_says_why_it_is_undefined(returns: list[float], reason: str | None) -> None:
    assert sortino(np.array(returns)).reason == (reason or "window_too_short")


def test_below_twenty_days_only_the_t_statistic_is_shown() -> None:
    short: FloatArray = V20[:19]
    t = daily_t(short)
    assert sharpe(short).reason == sortino(short).reason == "window_too_short"
    assert t.value == pytest.approx(short.mean() / short.std(ddof=1) * 19**0.5, rel=1e-12)
    assert t.ci90 is not None
    assert t.value is not None
    assert t.ci90[0] < t.value < t.ci90[1]
    assert sharpe_period(short).value == pytest.approx(t.value / 19**0.5)
    assert sharpe(V20).value is not None


def test_intervals_are_exact_below_sixty_days_and_of_errors_from_then_on() -> None:
    rng = np.random.default_rng(3)
    for n, exact in ((59, True), (60, False)):
        metric = sharpe(rng.normal(0.001, 0.01, n))
        assert metric.method is not None
        assert ("exact" in metric.method) is exact
        assert ("few_days" in metric.flags) is exact
        assert metric.ci90 is not None
        assert metric.se is not None
        assert metric.value is not None
        wanted = metric.value + 1.6448536 * metric.se
        assert (metric.ci90[1] == pytest.approx(wanted, rel=1e-7)) is not exact


def test_days_of_two_sizes_can_make_the_moments_unstable() -> None:
    # Skewness of these points is -1.5; at a population ratio of 2 / skewness the variance is 0.
    points = np.array([-2.0] * 200 + [0.5] * 800)
    shift = -2.0 / 1.5 * (1000 / 999) ** 0.5
    assert sharpe(points + shift).reason == "moments_unstable"


# The whole result


def test_every_metric_asked_for_is_there_and_survives_json() -> None:
    metrics = v20()
    assert set(metrics) == set(ASKED.split())
    text = json.dumps({k: m.model_dump(mode="json") for k, m in metrics.items()}, allow_nan=False)
    back = {k: Metric.model_validate(m) for k, m in json.loads(text).items()}
    assert back == metrics


def test_v20_as_a_result_has_the_reference_numbers() -> None:
    metrics = v20()
    assert value_of(metrics, "sharpe") == pytest.approx(2.75957482667, abs=5e-11)
    assert value_of(metrics, "return_pct") == pytest.approx(3.748162462, abs=5e-10)
    assert value_of(metrics, "max_dd") == pytest.approx(2020.0, abs=5e-3)
    assert value_of(metrics, "max_dd_daily") == pytest.approx(2020.0, abs=5e-3)
    assert value_of(metrics, "max_dd_pct_daily") == pytest.approx(2.0, abs=5e-5)
    assert value_of(metrics, "mar_window") == pytest.approx(1.87408123, abs=5e-8)
    assert value_of(metrics, "pnl_to_drawdown") == pytest.approx(3748.162462 / 2020, rel=1e-5)
    assert value_of(metrics, "days") == 20
    assert metrics["calmar"].reason == "window_too_short"


def test_bar_drawdown_comes_from_the_account_and_daily_drawdown_from_the_marks() -> None:
    metrics = v20(max_dd=5000.0, max_dd_frac=0.05)
    assert value_of(metrics, "max_dd") == 5000.0
    assert value_of(metrics, "max_dd_pct") == pytest.approx(5.0)
    assert value_of(metrics, "max_dd_daily") == pytest.approx(2020.0, abs=5e-3)
    assert value_of(metrics, "mar_window") == pytest.approx(0.03748162462 / 0.05, abs=5e-9)


def test_an_idle_account_is_null_for_ratios_and_zero_for_amounts() -> None:
    metrics = compute_metrics(result([START] * 30, round_trips([], [], [])))
    reasons = {name: m.reason for name, m in metrics.items() if m.reason != "no_trades"}
    named = {name for name, reason in reasons.items() if reason is not None}
    zero = {name for name, reason in reasons.items() if reason is None and name != "days"}
    assert named == set()
    assert all(metrics[name].value == 0.0 for name in zero)
    assert {"pnl", "return_pct", "max_dd", "exposure_time", "cost_total", "turnover"} <= zero


def test_after_ruin_every_ratio_is_null_and_everything_is_lost() -> None:
    metrics = compute_metrics(result([START / 2, -10.0, 5.0, *[5.0] * 30]))
    ratios = "sharpe daily_t sortino calmar mar_window ulcer profit_factor win_rate turnover"
    assert {metrics[name].reason for name in ratios.split()} == {"ruin"}
    assert metrics["return_pct"] == Metric(value=-100.0, period="window", flags=("ruin",))
    assert value_of(metrics, "pnl") == 5.0 - START


def test_ruin_between_two_daily_marks_counts() -> None:
    assert v20(ruined=1)["sharpe"].reason == "ruin"


def test_too_few_bars_take_days_out_and_flag_the_ratios() -> None:
    eligible = [True] * 20
    eligible[4] = False
    metrics = compute_metrics(result(compounded(V20), window=plain_window(20, eligible)))
    assert (value_of(metrics, "days"), value_of(metrics, "days_excluded")) == (19, 1)
    assert metrics["daily_t"].flags == ("few_days", "days_excluded")
    nothing = compute_metrics(result(compounded(V20), window=plain_window(20, [False] * 20)))
    names = ("sharpe", "daily_t", "ulcer", "turnover", "exposure_time", "trades_per_day")
    assert {nothing[name].reason for name in names} == {"data_gap"}


def test_costs_add_up_and_financing_received_lowers_them() -> None:
    metrics = v20(commission=30.0, slippage=20.0, spread=50.0, conversion=5.0, financing=4.0)
    assert value_of(metrics, "cost_total") == 101.0
    assert value_of(metrics, "cost_financing") == -4.0
    pnl = value_of(metrics, "pnl")
    assert value_of(metrics, "cost_share") == pytest.approx(101.0 / (pnl + 101.0))
    assert metrics["cost_share"].flags == ()


def test_a_loser_before_costs_has_its_cost_share_floored() -> None:
    metrics = compute_metrics(result([START - 500.0] * 3, spread=50.0))
    assert value_of(metrics, "cost_share") == pytest.approx(50.0 / 10.0)
    assert metrics["cost_share"].flags == ("gross_floored",)


def test_turnover_is_annual_and_needs_twenty_days() -> None:
    metrics = compute_metrics(result([START] * 20, turnover=50_000.0))
    assert value_of(metrics, "turnover") == pytest.approx(0.5 * 260 / 20)
    short = compute_metrics(result([START] * 19, turnover=50_000.0))
    assert short["turnover"].reason == "window_too_short"


def test_open_tickets_are_flagged_and_exposed_to_the_end() -> None:
    fills = round_trips([0.0], [DAY_NS], [2 * DAY_NS])[:1]
    metrics = compute_metrics(result([START, START + 50.0, START + 80.0], fills, positions=1))
    assert metrics["pnl"].flags == ("open_tickets",)
    assert value_of(metrics, "exposure_time") == pytest.approx(2 / 3)
    assert metrics["expectancy"].reason == "no_trades"
    assert value_of(metrics, "daily_t") > 0.0
    assert value_of(metrics, "trades") == 0


def test_active_days_count_days_with_an_entry_once() -> None:
    entries = [0, MINUTE, 3 * DAY_NS]
    fills = round_trips([1.0, 1.0, 1.0], entries, [t + 5 * MINUTE for t in entries])
    metrics = compute_metrics(result([START] * 4, fills))
    assert value_of(metrics, "active_days") == 2
    assert value_of(metrics, "trades_per_day") == pytest.approx(3 / 4)


def test_additive_returns_divide_by_the_start_balance() -> None:
    equity = START * (1.0 + np.cumsum(V20))
    metrics = compute_metrics(result(equity, mode=ReturnMode.FIXED))
    assert value_of(metrics, "sharpe") == pytest.approx(2.75957482667, abs=5e-11)


def test_logs_that_ran_out_of_room_are_refused() -> None:
    full = result(compounded(V20))
    account = full.account.copy()
    account["fills"] += 3
    with pytest.raises(IntegrityError, match=r"got \(1, 2, 20\); allowed: \(1, 5, 20\)"):
        MetricInputs(
            full.fills, full.days, account, START, full.window, full.end_ns, full.pip_sizes
        )


@pytest.mark.parametrize("balance", [0.0, -1.0, float("nan"), float("inf")])
def test_a_start_balance_must_be_money(balance: float) -> None:
    full = result(compounded(V20))
    with pytest.raises(InputError, match=r"start balance: .* allowed: finite numbers above 0"):
        MetricInputs(
            full.fills, full.days, full.account, balance, full.window, full.end_ns, full.pip_sizes
        )
