"""What a run says of its gates: how the deriver was set, and how much of it was real."""

import numpy as np
from tests.unit.research.demo_runs import DEFAULT, MINUTE

from hotband.core import records as r
from hotband.gates.events import Gates, align
from hotband.market.calendar import parse_time
from hotband.market.instruments import load_instruments
from hotband.profile.strategy import effective
from hotband.research.feed import Feed
from hotband.research.gate_source import GateCoverage, coverage_of, deriver_settings

EURO = load_instruments()["EUR_USD"]
SETTINGS = effective(DEFAULT, "EUR_USD")
T0 = parse_time("2025-04-07T12:00:00Z")


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
