"""Recorded gates where there are any, derived ones where there are none, never both."""

from collections.abc import Mapping

import numpy as np
import pytest
from tests.unit.research.demo_runs import DEFAULT, END, MINUTE, START, market, recorded

from hotband.core import records as r
from hotband.gates.events import Gates, align
from hotband.gates.lambda_map import MIN_RECORDED
from hotband.market.calendar import parse_time
from hotband.market.instruments import currencies, load_instruments
from hotband.profile.rules import compile_rules
from hotband.profile.strategy import effective
from hotband.research.feed import Feed
from hotband.research.gate_source import (
    ChosenGates,
    GateCoverage,
    choose_gates,
    coverage_of,
    deriver_settings,
    lambda_map,
)
from hotband.stores.ports import GateStore
from hotband.stores.urls import open_gate_store

EURO = load_instruments()["EUR_USD"]
WINDOW = (parse_time(START), parse_time(END))
SETTINGS = effective(DEFAULT, "EUR_USD")
T0 = parse_time("2025-04-07T12:00:00Z")


def chosen(source: GateStore | Mapping[str, Gates] | None) -> ChosenGates:
    rules = compile_rules(DEFAULT, EURO, currencies([EURO], "USD"))
    return choose_gates(source, market("EUR_USD")["EUR_USD"], SETTINGS, rules, WINDOW)


def feed(opens: list[int], known: list[int], *, synthetic: bool, minutes: int = 1) -> Feed:
    """A feed of bars and gates at the given minutes after noon."""
    bars = r.empty(r.BAR, len(opens))
    bars["t"] = T0 + MINUTE * np.array(opens, np.int64)
    gates = Gates.from_columns(
        "EUR_USD",
        T0 + MINUTE * np.array(known, np.int64),
        np.ones(len(known), np.int64),
        np.full(len(known), 0.05),
        np.ones(len(known), np.int64),
        {},
        synthetic=synthetic,
        regime=["chaotic" if i % 2 else None for i in range(len(known))],
    )
    live, judged, unjudged = align(np.ascontiguousarray(bars["t"]), gates.data["known"], gates.data)
    live_rows = (live + 1).astype(np.int64)
    return Feed(EURO, minutes * MINUTE, bars, r.with_sentinel(judged), live_rows, unjudged)


@pytest.mark.parametrize("source", [None, {}, {"GBP_USD": recorded("GBP_USD", END)}])
def test_no_recorded_gate_of_the_instrument_means_derived_gates(
    source: Mapping[str, Gates] | None,
) -> None:
    got = chosen(source)
    assert (got.source, got.calibration) == ("synthetic", "lambda_scale")
    assert set(got.gates.data["synthetic"]) == {1}
    assert got.candidates["candidates"] == sum(got.candidates.values()) / 2


def test_candidates_are_those_of_the_window_whatever_the_bars_reach_to() -> None:
    """Bars after the window are not known to it, so a result must not count them."""
    got = chosen(None)
    assert got.candidates["emitted"] == len(got.gates)


def test_derived_gates_reach_back_to_those_still_live_at_the_start() -> None:
    known = chosen(None).gates.data["known"]
    reach = WINDOW[0] - round(SETTINGS.gate_max_age_minutes * MINUTE)
    assert reach <= known.min() < reach + 60 * MINUTE
    assert known.max() < WINDOW[1]


def test_one_recorded_gate_in_the_window_rules_out_derived_ones() -> None:
    got = chosen({"EUR_USD": recorded("EUR_USD", "2025-04-07T12:00:00Z")})
    assert (got.source, got.calibration, got.candidates) == ("memory", None, {})
    assert got.gates.data["known"].tolist() == [T0]
    assert set(got.gates.data["synthetic"]) == {0}


def test_a_store_and_a_mapping_of_the_same_gates_are_the_same_source() -> None:
    gates = recorded("EUR_USD", "2025-04-07T12:00:00Z", "2025-04-07T15:00:00Z")
    store = open_gate_store("memory://gate-source")
    store.append(gates)
    from_store, from_mapping = chosen(store), chosen({"EUR_USD": gates})
    assert from_store.gates.data.tobytes() == from_mapping.gates.data.tobytes()
    assert from_store.source == from_mapping.source


def test_a_store_without_the_instrument_means_derived_gates() -> None:
    store = open_gate_store("memory://gate-source-other")
    store.append(recorded("GBP_USD", "2025-04-07T12:00:00Z"))
    assert chosen(store).source == "synthetic"


def test_a_store_whose_gates_end_before_the_window_means_derived_gates() -> None:
    """A store refuses a window outside its extent; the fallback exists for just that."""
    store = open_gate_store("memory://gate-source-before")
    store.append(recorded("EUR_USD", "2025-04-03T12:00:00Z", "2025-04-03T13:00:00Z"))
    assert chosen(store).source == "synthetic"


def spread_gates(n: int, day: str) -> Gates:
    known = parse_time(f"{day}T08:00:00Z") + MINUTE * np.arange(n, dtype=np.int64)
    hazards = np.linspace(0.3, 0.5, n)
    ones = np.ones(n, np.int64)
    return Gates.from_columns("EUR_USD", known, ones, hazards, ones, {}, synthetic=False)


def test_enough_gates_before_the_window_set_the_scale_of_derived_hazards() -> None:
    bars = market("EUR_USD")["EUR_USD"]
    few = {"EUR_USD": spread_gates(MIN_RECORDED - 1, "2025-04-03")}
    enough = {"EUR_USD": spread_gates(MIN_RECORDED, "2025-04-03")}
    inside = {"EUR_USD": spread_gates(MIN_RECORDED, "2025-04-07")}
    assert lambda_map(few, bars, SETTINGS, WINDOW[0])[1] == "lambda_scale"
    assert lambda_map(inside, bars, SETTINGS, WINDOW[0])[1] == "lambda_scale"
    mapping, calibration = lambda_map(enough, bars, SETTINGS, WINDOW[0])
    assert calibration == "recorded"
    assert 0.3 <= mapping.hazards.min() <= mapping.hazards.max() <= 0.5


def test_the_scale_reads_no_surprise_that_was_known_after_the_start() -> None:
    bars = market("EUR_USD")["EUR_USD"]
    enough = {"EUR_USD": spread_gates(MIN_RECORDED, "2025-04-03")}
    before = bars.window(int(bars.data["t"][0]), WINDOW[0])
    whole, _ = lambda_map(enough, bars, SETTINGS, WINDOW[0])
    cut, _ = lambda_map(enough, before, SETTINGS, WINDOW[0])
    assert whole.surprises.tobytes() == cut.surprises.tobytes()
    assert whole.hazards.tobytes() == cut.hazards.tobytes()


def test_the_deriver_is_set_as_the_profile_says() -> None:
    got = deriver_settings(SETTINGS)
    assert (got.streak_window, got.history_runs, got.lambda_scale) == (20, 2000, 0.1)


def test_coverage_by_hand() -> None:
    """Bars at 0..9, gates at 2 and 7 that live for 3 minutes, ends included: 2..5 and 7..9."""
    got = coverage_of([feed(list(range(10)), [2, 7], synthetic=False)], [3 * MINUTE])
    assert got == GateCoverage(10.0, 7.0, 0.0, 2.0, 0.7, {"missing": 1, "chaotic": 1})


def test_minutes_without_a_bar_are_neither_covered_nor_a_gap() -> None:
    """Bars at 0, 1 and 50..52; the gate of 1 is long dead at 50."""
    got = coverage_of([feed([0, 1, 50, 51, 52], [1], synthetic=True)], [3 * MINUTE])
    assert got == GateCoverage(5.0, 0.0, 1.0, 3.0, 0.0, {"missing": 1})


def test_coverage_of_a_portfolio_adds_up_and_keeps_the_longest_gap_of_one() -> None:
    real = feed(list(range(10)), [0], synthetic=False)
    derived = feed([0, 5, 10, 15], [10], synthetic=True, minutes=5)
    got = coverage_of([real, derived], [4 * MINUTE, 5 * MINUTE])
    assert got == GateCoverage(30.0, 5.0, 10.0, 10.0, 5 / 30, {"missing": 2})


def test_no_gates_are_one_gap_and_no_bars_have_no_share() -> None:
    assert coverage_of([feed([0, 1, 2], [], synthetic=True)], [MINUTE]) == GateCoverage(
        3.0, 0.0, 0.0, 3.0, 0.0, {}
    )
    assert coverage_of([feed([], [], synthetic=True)], [MINUTE]).real_fraction is None
