"""The doctor's findings on a cell's own run: raised by what they name, silent on its opposite."""

import numpy as np
import pytest
from tests.unit.research.demo_runs import DEFAULT, driver
from tests.unit.research.doctor_cases import coverage, daily, entries, funnel, hourly

from hotband.core import codes
from hotband.core.gating import barring_mask
from hotband.core.records import LIMITS, empty
from hotband.market.calendar import DEFAULT_HOURS, Times, parse_time
from hotband.profile.strategy import Profile, load_profile
from hotband.research import doctor_run as run
from hotband.research.findings import Finding
from hotband.research.portfolio import Funnel

DAY_2025_03_10 = 20157


def told(finding: Finding | None) -> Finding:
    assert finding is not None
    return finding


# The funnel --------------------------------------------------------------------------------------


def test_an_instrument_without_trades_names_the_step_that_stopped_most_gates() -> None:
    refused = {"gate_stale": 300, "hazard_exceeds_max": 400, "cooldown_active": 500}
    finding = told(run.no_trades("EUR_USD", funnel(1200, 500, 500, **refused)))
    assert (finding.code, finding.severity) == ("no_trades", "warning")
    assert finding.text == (
        "EUR_USD was not traded: gating stopped 700 of 1,200 gates (58.3%), and the most frequent "
        "reason, 500 times, was cooldown_active: too soon after the last fill."
    )
    assert finding.numbers == {"gates": 1200.0, "stopped": 700.0, "cooldown_active": 500.0}


@pytest.mark.parametrize(
    ("stages", "step"),
    [((), "gating"), ((9,), "sizing"), ((9, 9), "planning"), ((9, 9, 9), "filling")],
)
def test_every_step_of_the_funnel_has_its_name(stages: tuple[int, ...], step: str) -> None:
    finding = told(run.no_trades("EUR_USD", funnel(10, *stages, holiday=10)))
    assert f": {step} stopped " in finding.text


def test_an_instrument_without_gates_says_so() -> None:
    finding = told(run.no_trades("EUR_USD", funnel(0)))
    assert finding.text == "EUR_USD was not traded: no gate was judged in the window."
    assert finding.numbers == {"gates": 0.0}


def test_one_fill_is_enough_to_have_been_traded() -> None:
    assert run.no_trades("EUR_USD", funnel(10, 1, 1, 1, 1, holiday=9)) is None


def test_many_gates_that_come_too_old_are_a_warning() -> None:
    finding = told(run.stale_gates(funnel(400, 250, gate_stale=120, holiday=30)))
    assert (finding.code, finding.severity) == ("stale_gates", "warning")
    assert finding.text == (
        "120 of 400 gates (30.0%) were older than gate_max_age at the first bar that could use "
        "them: they come late, or gate_max_age is too short."
    )
    assert finding.numbers == {"stale": 120.0, "gates": 400.0, "share": 0.3}


@pytest.mark.parametrize(
    "fine", [funnel(400, 320, gate_stale=80), funnel(400, 100, holiday=300), funnel(0)]
)
def test_a_fifth_of_the_gates_may_be_stale(fine: Funnel) -> None:
    assert run.stale_gates(fine) is None


# Coverage ----------------------------------------------------------------------------------------


def test_a_long_stretch_without_a_gate_is_a_warning() -> None:
    finding = told(run.coverage_gap(coverage(14_400.0, 11_520.0, 0.0, gap=2_880.0)))
    assert (finding.code, finding.severity) == ("coverage_gap", "warning")
    assert finding.text == (
        "No gate was live for 2,880 minutes of bars in a row, 20.0% of the window's 14,400: "
        "nothing could be entered then."
    )
    assert finding.numbers == {"gap_minutes": 2880.0, "minutes": 14400.0, "share": 0.2}


@pytest.mark.parametrize(("minutes", "gap"), [(2_000.0, 1_440.0), (28_800.0, 2_880.0), (9.0, 0.0)])
def test_a_gap_of_a_day_or_of_a_tenth_of_the_window_may_be(minutes: float, gap: float) -> None:
    assert run.coverage_gap(coverage(minutes, 0.0, 0.0, gap=gap)) is None


def test_a_run_mostly_on_derived_gates_is_a_warning() -> None:
    finding = told(run.few_real_gates(coverage(1_000.0, 80.0, 720.0)))
    assert (finding.code, finding.severity) == ("few_real_gates", "warning")
    assert finding.text == (
        "A recorded gate was live in 10.0% of the 800 minutes that had any gate: the rest are "
        "derived from bars, and the result says little of recorded ones."
    )
    assert finding.numbers == {"real_minutes": 80.0, "synthetic_minutes": 720.0, "share": 0.1}


def test_a_run_without_any_recorded_gate_says_so() -> None:
    finding = told(run.few_real_gates(coverage(1_000.0, 0.0, 720.0)))
    assert finding.text.startswith("No recorded gate was live in the 720 minutes that had a gate:")


@pytest.mark.parametrize(("real", "derived"), [(400.0, 400.0), (10.0, 0.0), (0.0, 0.0)])
def test_half_of_the_live_minutes_real_is_enough_however_few(real: float, derived: float) -> None:
    assert run.few_real_gates(coverage(1_000.0, real, derived)) is None


# Days --------------------------------------------------------------------------------------------


def test_a_day_that_makes_most_of_the_profit_is_a_warning() -> None:
    returns = np.array([0.002, 0.0126, 0.0054])
    day = DAY_2025_03_10 + np.array([-3, 0, 1])
    finding = told(run.one_day(0.63, day, returns))
    assert (finding.code, finding.severity) == ("one_day_makes_the_profit", "warning")
    assert finding.text == (
        "One day, 2025-03-10, made 63.0% of the profit: +1.26% of +2.00% in daily returns; the "
        "other 2 days made +0.74%."
    )
    assert finding.numbers == {
        "share": 0.63, "day_return": 0.0126, "returns": pytest.approx(0.02), "days": 3.0,
    }  # fmt: skip


@pytest.mark.parametrize("share", [None, 0.5, 0.01])
def test_a_day_may_make_half_of_the_profit(share: float | None) -> None:
    assert run.one_day(share, np.arange(2), np.array([0.01, 0.01])) is None


# Hours -------------------------------------------------------------------------------------------

WEEK = hourly("2025-07-06T21:00:00Z", 120)
"""From Sunday to Friday, 17:00 New York. In UTC London has 07:00 to 16:00, New York 12:00 to 21:00
and Asia 21:00 to 09:00."""


def test_entries_in_the_hours_of_one_session_are_noted() -> None:
    finding = told(run.one_session(daily("2025-07-07T10:30:00Z", 25), WEEK))
    assert (finding.code, finding.severity) == ("one_session", "note")
    assert finding.text == (
        "All 25 entries were made in the London session, which has 37.5% of the bars open for "
        "entries."
    )
    assert finding.numbers == {"entries": 25.0, "share_of_bars": 45 / 120}


def test_entries_in_the_hours_that_two_sessions_share_name_both() -> None:
    finding = told(run.one_session(daily("2025-07-07T13:00:00Z", 20), WEEK))
    assert "in the sessions of London and New York at once, which have 16.7% " in finding.text
    assert finding.numbers["share_of_bars"] == 20 / 120


@pytest.mark.parametrize(
    ("time", "where"), [("2025-07-07T00:30:00Z", "Asia"), ("2025-07-07T18:30:00Z", "New York")]
)
def test_each_session_has_its_hours(time: str, where: str) -> None:
    assert f"in the {where} session" in told(run.one_session(daily(time, 20), WEEK)).text


def test_sessions_are_local_hours_that_move_with_the_clocks() -> None:
    winter = hourly("2025-01-05T22:00:00Z", 120)
    assert run.one_session(daily("2025-01-06T16:30:00Z", 20), winter) is not None
    summer = told(run.one_session(daily("2025-07-07T16:30:00Z", 20), WEEK))
    assert "New York session" in summer.text


@pytest.mark.parametrize(
    "times",
    [
        np.r_[daily("2025-07-07T10:30:00Z", 24), daily("2025-07-07T18:30:00Z", 1)],
        daily("2025-07-07T10:30:00Z", 19),
    ],
    ids=["one outside", "too few"],
)
def test_entries_in_several_sessions_or_few_of_them_are_not_noted(times: Times) -> None:
    assert run.one_session(times, WEEK) is None


def test_a_session_that_the_profile_asks_for_is_not_noted() -> None:
    opens = np.concatenate([hourly(f"2025-07-{day:02}T09:00:00Z", 5) for day in range(7, 12)])
    assert run.one_session(daily("2025-07-07T10:30:00Z", 25), opens) is None


def test_entries_on_one_weekday_are_noted() -> None:
    finding = told(run.one_weekday(daily("2025-03-11T12:00:00Z", 20, 7), WEEK, DEFAULT_HOURS))
    assert (finding.code, finding.severity) == ("one_weekday", "note")
    assert finding.text == (
        "All 20 entries fell on a Tuesday, while 5 weekdays were open for entries."
    )
    assert finding.numbers == {"entries": 20.0, "weekdays_open": 5.0}


def test_a_sunday_evening_belongs_to_monday() -> None:
    finding = told(run.one_weekday(daily("2025-03-09T22:00:00Z", 20, 7), WEEK, DEFAULT_HOURS))
    assert "fell on a Monday" in finding.text


@pytest.mark.parametrize(
    ("times", "opens"),
    [
        (daily("2025-03-11T12:00:00Z", 19, 7), WEEK),
        (daily("2025-03-11T12:00:00Z", 20, 1), WEEK),
        (daily("2025-03-11T12:00:00Z", 20, 7), hourly("2025-03-11T00:00:00Z", 12)),
    ],
    ids=["too few", "several days", "only one day is open"],
)
def test_entries_on_several_weekdays_or_the_only_one_are_not_noted(
    times: Times, opens: Times
) -> None:
    assert run.one_weekday(times, opens, DEFAULT_HOURS) is None


@pytest.mark.parametrize("profile", [DEFAULT, load_profile({"global": {"session": "london"}})])
def test_a_bar_is_open_for_entries_where_nothing_bars_them(profile: Profile) -> None:
    simulator = driver("EUR_USD", profile=profile)
    bars = simulator.prepare("EUR_USD", simulator.surroundings()).feed.bars
    limits = empty(LIMITS, 1)[0]
    due = [barring_mask(bar, limits) == 0 for bar in bars]
    assert run.open_for_entries(bars).tolist() == due
    assert 0 < sum(due) < len(due)


# Sizes -------------------------------------------------------------------------------------------


def test_one_limit_behind_nearly_all_sizes_is_noted() -> None:
    fills = entries(*[codes.EXPOSURE_CAP] * 19, codes.MARGIN_BUDGET)
    finding = told(run.one_limit(fills))
    assert (finding.code, finding.severity) == ("one_limit_sizes_all", "note")
    assert finding.text == (
        "19 of 20 entries (95.0%) were sized by exposure_cap (notional within exposure x NAV); "
        "the other limits bound in 1 of them."
    )
    assert finding.numbers == {"bound": 19.0, "entries": 20.0, "share": 0.95}


@pytest.mark.parametrize(
    "reasons",
    [[codes.EXPOSURE_CAP] * 18 + [codes.RISK_BUDGET] * 2, [codes.EXPOSURE_CAP] * 19, []],
    ids=["nine of ten", "too few", "none"],
)
def test_sizes_of_several_limits_or_few_entries_are_not_noted(reasons: list[int]) -> None:
    assert run.one_limit(entries(*reasons)) is None


def test_the_day_of_these_tests_is_the_one_they_say() -> None:
    assert parse_time("2025-03-10T00:00:00Z") == DAY_2025_03_10 * 86_400_000_000_000
