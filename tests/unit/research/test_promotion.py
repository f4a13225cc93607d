"""A cell is promoted by every gate or not at all, and the first that fails is the reason."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from hotband.errors import ProfileError
from hotband.research.forward import OutOfSample
from hotband.research.grid_settings import load_grid
from hotband.research.measures import sharpe
from hotband.research.promotion import GATES, Promotion, across_instruments, promotion_of
from hotband.research.promotion_settings import PromotionSettings
from hotband.research.selection import Selection

SETTINGS: Final = PromotionSettings()
GOOD: Final[dict[str, float | None]] = {
    "real_fraction": 0.9, "days": 130, "trades": 300, "active_days": 80, "pnl": 500.0,
    "costs_1_5x_profit_factor": 1.2,
}  # fmt: skip
SEARCH: Final = Selection(
    trials=400, cells=192, variance=0.004, benchmark=0.17, psr=0.999, psr_2025=0.999, dsr=0.97,
    min_track_record_days=40.0, step_down_p=0.01, step_down_reason=None, draws=4999,
    mean_block=1.5, seed=1, dropped=0, pbo=0.3, pbo_blocks=10, pbo_reason=None,
    effective_trials={}, haircut_sharpe=1.0,
)  # fmt: skip
FORWARD: Final = OutOfSample(
    folds=(), frame=pl.DataFrame(), days=60, net_return=0.02,
    sharpe=sharpe(np.array([0.01, -0.005, 0.02])), p_value=0.03, efficiency=0.5,
)  # fmt: skip


def verdict(
    row: dict[str, float | None] | None = None,
    search: dict[str, Any] | None = None,
    forward: dict[str, Any] | None = None,
) -> Promotion:
    """The verdict on a cell that is good but for what is given."""
    weeks = replace(FORWARD, **(forward or {}))
    return promotion_of(GOOD | (row or {}), replace(SEARCH, **(search or {})), weeks, SETTINGS)


def failed_measures(promotion: Promotion) -> list[str]:
    return [gate.measure for gate in promotion.gates if gate.passed is False]


ORDER: Final = (
    ("data", "real_fraction"),
    ("sample", "days"),
    ("sample", "trades"),
    ("sample", "active_days"),
    ("costs", "pnl"),
    ("costs", "profit_factor_at_1_5x_costs"),
    ("search", "step_down_p"),
    ("deflation", "dsr"),
    ("out_of_sample", "net_return"),
    ("out_of_sample", "p_value"),
    ("instruments", "p_by"),
)
GATE_OF: Final = {measure: gate for gate, measure in ORDER}
ALONE: Final[dict[str, tuple[str, str, float | None, float | None]]] = {
    "real_fraction": ("row", "real_fraction", 0.5, 0.4999),
    "days": ("row", "days", 60, 59),
    "trades": ("row", "trades", 100, 99),
    "active_days": ("row", "active_days", 20, 19),
    "pnl": ("row", "pnl", 1e-9, 0.0),
    "profit_factor_at_1_5x_costs": ("row", "costs_1_5x_profit_factor", 1.0000001, 1.0),
    "step_down_p": ("search", "step_down_p", 0.05, 0.0501),
    "dsr": ("search", "dsr", 0.9501, 0.95),
    "net_return": ("forward", "net_return", 1e-12, 0.0),
    "p_value": ("forward", "p_value", 0.05, 0.0501),
}
"""Measure -> where it is from, its name there, the least that passes, and what fails."""


def test_gates_are_asked_in_the_order_of_the_specification() -> None:
    assert tuple((gate.name, gate.measure) for gate in verdict().gates) == ORDER
    assert list(GATES) == list(dict.fromkeys(name for name, _ in ORDER))


@pytest.mark.parametrize("measure", ALONE)
def test_a_gate_passes_at_its_threshold_and_alone_fails_beyond_it(measure: str) -> None:
    where, name, passes, fails = ALONE[measure]
    assert failed_measures(verdict(**{where: {name: passes}})) == []
    failed = verdict(**{where: {name: fails}})
    assert failed_measures(failed) == [measure]
    assert failed.first_failed == GATE_OF[measure]
    assert not across_instruments({"EUR_USD": failed}, {"EUR_USD": 0.001})["EUR_USD"].promoted


@pytest.mark.parametrize("measure", ALONE)
def test_a_statistic_that_is_missing_fails(measure: str) -> None:
    where, name, _, _ = ALONE[measure]
    missing: dict[str, Any] = {where: {name: None}}
    failed = verdict(**missing)
    assert measure in failed_measures(failed)
    assert failed.first_failed == GATE_OF[measure]


def test_a_gate_keeps_the_statistic_that_it_was_asked_with_and_how_many_it_rests_on() -> None:
    kept = {gate.measure: (gate.statistic, gate.threshold, gate.n) for gate in verdict().gates}
    assert kept == {
        "real_fraction": (0.9, 0.5, 300),
        "days": (130, 60, 130),
        "trades": (300, 100, 300),
        "active_days": (80, 20, 130),
        "pnl": (500.0, 0.0, 300),
        "profit_factor_at_1_5x_costs": (1.2, 1.0, 300),
        "step_down_p": (0.01, 0.05, 130),
        "dsr": (0.97, 0.95, 400),
        "net_return": (0.02, 0.0, 60),
        "p_value": (0.03, 0.05, 60),
        "p_by": (None, 0.10, 0),
    }
    at_most = {gate.measure for gate in verdict().gates if not gate.at_least}
    assert at_most == {"step_down_p", "p_value", "p_by"}


@given(st.lists(st.sampled_from(sorted(ALONE)), min_size=1, unique=True))
@settings(max_examples=40, deadline=None)
def test_of_several_failures_the_first_asked_is_the_reason(measures: list[str]) -> None:
    given_: dict[str, dict[str, Any]] = {"row": {}, "search": {}, "forward": {}}
    for measure in measures:
        where, name, _, fails = ALONE[measure]
        given_[where][name] = fails
    found = verdict(given_["row"], given_["search"], given_["forward"])
    assert set(failed_measures(found)) == set(measures)
    first = next(gate for gate, measure in ORDER if measure in measures)
    assert found.first_failed == first


def test_a_cell_without_trades_fails_every_gate_on_its_trades() -> None:
    nothing = dict.fromkeys(GOOD) | {"real_fraction": 0.0, "trades": 0, "days": 130}
    found = verdict(nothing)
    assert failed_measures(found) == [
        "real_fraction", "trades", "active_days", "pnl", "profit_factor_at_1_5x_costs",
    ]  # fmt: skip
    assert found.first_failed == "data"


def test_a_profit_of_no_trades_is_no_profit() -> None:
    assert "pnl" in failed_measures(verdict({"trades": 0, "pnl": 5.0}))


def test_where_no_weeks_judged_the_choice_the_out_of_sample_gate_fails() -> None:
    found = promotion_of(GOOD, SEARCH, None, SETTINGS)
    assert failed_measures(found) == ["net_return", "p_value"]
    assert found.first_failed == "out_of_sample"
    assert [gate.n for gate in found.gates if gate.name == "out_of_sample"] == [0, 0]


def test_the_thresholds_are_those_of_the_settings() -> None:
    strict = PromotionSettings(
        least_real=0.95, least_days=200, least_trades=400, least_active_days=90, search_p=0.005,
        least_dsr=0.99, out_of_sample_p=0.01, false_discovery=0.02,
    )  # fmt: skip
    found = promotion_of(GOOD, SEARCH, FORWARD, strict)
    assert failed_measures(found) == [
        "real_fraction", "days", "trades", "active_days", "step_down_p", "dsr", "p_value",
    ]  # fmt: skip
    assert found.gates[-1].threshold == 0.02


# All instruments ---------------------------------------------------------------------------------


def test_a_cell_that_passes_alone_is_promoted_only_beside_the_others() -> None:
    alone = verdict()
    assert (alone.promoted, alone.first_failed) == (False, None)
    assert alone.gates[-1].passed is None
    asked = across_instruments({"EUR_USD": alone}, {"EUR_USD": 0.01})["EUR_USD"]
    assert (asked.promoted, asked.first_failed) == (True, None)
    assert asked.gates[:-1] == alone.gates[:-1]


def test_false_discoveries_are_bounded_as_by_hand() -> None:
    """BY: p times m over its rank times 1 + 1/2 + 1/3, the smallest of it and the later ones."""
    given_p = {"EUR_USD": 0.04, "AUD_USD": 0.01, "USD_JPY": 0.30}
    c = 1 + 1 / 2 + 1 / 3
    due = {"AUD_USD": 0.01 * 3 * c, "EUR_USD": 0.04 * 3 / 2 * c, "USD_JPY": 0.30 * c}
    found = across_instruments(dict.fromkeys(given_p, verdict()), given_p)
    assert list(found) == list(given_p)
    for name, p in due.items():
        last = found[name].gates[-1]
        assert last.statistic == pytest.approx(p, rel=1e-12)
        assert last.n == 3
    assert due["AUD_USD"] == pytest.approx(0.055)
    assert {name: verdict.promoted for name, verdict in found.items()} == {
        "EUR_USD": False, "AUD_USD": True, "USD_JPY": False,
    }  # fmt: skip
    assert found["EUR_USD"].first_failed == "instruments"


def test_a_smaller_p_value_has_no_larger_one_after_the_adjustment() -> None:
    # 0.02 alone would be 0.11; beside 0.021 it is that one's 0.02 x 3/2 x 11/6 x 1.05.
    given_p: dict[str, float | None] = {"A": 0.02, "B": 0.021, "C": 0.9}
    found = across_instruments(dict.fromkeys(given_p, verdict()), given_p)
    assert found["A"].gates[-1].statistic == pytest.approx(0.021 * 3 / 2 * 11 / 6)
    assert found["A"].gates[-1].statistic == found["B"].gates[-1].statistic


def test_an_instrument_without_a_p_value_counts_as_one_without_evidence() -> None:
    given_p: dict[str, float | None] = {"EUR_USD": 0.01, "USD_JPY": None}
    found = across_instruments(dict.fromkeys(given_p, verdict()), given_p)
    assert found["USD_JPY"].gates[-1].statistic == 1.0
    assert found["USD_JPY"].gates[-1].passed is False
    assert found["EUR_USD"].gates[-1].statistic == pytest.approx(0.01 * 2 * 1.5)
    assert found["EUR_USD"].promoted


def test_a_p_value_of_nothing_stays_the_smallest() -> None:
    found = across_instruments({"A": verdict(), "B": verdict()}, {"A": 0.0, "B": 0.5})
    assert found["A"].gates[-1].statistic == 0.0
    assert found["B"].gates[-1].statistic == pytest.approx(0.75)


def test_an_instrument_that_failed_before_stays_failed_for_its_first_reason() -> None:
    failed = verdict({"trades": 5})
    asked = across_instruments({"EUR_USD": failed}, {"EUR_USD": 0.001})["EUR_USD"]
    assert asked.gates[-1].passed
    assert (asked.promoted, asked.first_failed) == (False, "sample")


def test_no_instruments_have_no_verdicts() -> None:
    assert across_instruments({}, {}) == {}


@given(st.lists(st.none() | st.floats(0.0, 1.0), min_size=1, max_size=9))
@settings(max_examples=40, deadline=None)
def test_the_adjustment_is_that_of_statsmodels(given_p: list[float | None]) -> None:
    named = {str(k): p for k, p in enumerate(given_p)}
    found = across_instruments(dict.fromkeys(named, verdict()), named)
    due = multipletests([1.0 if p is None else p for p in given_p], method="fdr_by")[1]
    got = [found[name].gates[-1].statistic for name in named]
    assert np.allclose(np.array(got, np.float64), due, rtol=1e-12)


# Settings ----------------------------------------------------------------------------------------


def test_the_thresholds_that_come_with_hotband_are_those_of_the_specification() -> None:
    assert load_grid().promotion == PromotionSettings() == PromotionSettings(
        least_real=0.5, least_days=60, least_trades=100, least_active_days=20, search_p=0.05,
        least_dsr=0.95, out_of_sample_p=0.05, false_discovery=0.10, draws=4999,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value"),
    [("search_p", 0.0), ("search_p", 1.0), ("least_dsr", 1.5), ("draws", 100), ("least_days", 1)],
)
def test_an_impossible_threshold_is_refused_by_its_name(key: str, value: float) -> None:
    with pytest.raises(ProfileError, match=f"promotion.{key}"):
        load_grid({"promotion": {key: value}})
