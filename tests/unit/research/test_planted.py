"""A planted edge has the size asked for, lies inside the gates' hold, and nowhere else."""

import numpy as np
import pytest
from tests.naive import naive_worlds
from tests.unit.research.null_markets import START, YEAR, gates_at, history, log_mid, moves, year

from hotband.errors import GatesError, InputError
from hotband.gates.events import Gates
from hotband.market.bars import Bars
from hotband.market.calendar import MINUTE_NS
from hotband.research.nullworlds import null_bars
from hotband.research.planted import daily_moves, held_side, plant_drift

HOLD = 60.0


def gates_of(bars: Bars, count: int = 2000) -> Gates:
    draws = np.random.default_rng(1)
    known = np.sort(draws.choice(bars.data["t"][:-100], count, replace=False))
    return gates_at(known, draws.choice(np.array([-1, 1]), count))


def sharpe(bars: Bars, gates: Gates) -> float:
    """Annual Sharpe of who takes each gate, before costs."""
    days = daily_moves(bars, held_side(bars, gates, HOLD))
    return float(days.mean() / days.std(ddof=1) * 260**0.5)


@pytest.mark.parametrize("planted", [-2.0, 1.0, 3.0, 5.0])
def test_a_planted_edge_adds_the_sharpe_asked_for_within_a_twentieth(planted: float) -> None:
    bars = year("N1")
    gates = gates_of(bars)
    gained = sharpe(plant_drift(bars, gates, HOLD, planted), gates) - sharpe(bars, gates)
    assert gained == pytest.approx(planted, rel=0.05)


def test_the_drift_is_the_documented_one_in_the_gate_s_direction_and_nowhere_else() -> None:
    bars = history()
    gates = gates_of(bars, 60)
    side = held_side(bars, gates, HOLD)
    days = daily_moves(bars, side)
    delta = 3.0 * days.std(ddof=1) * len(days) / (260**0.5 * np.count_nonzero(side))
    added = moves(plant_drift(bars, gates, HOLD, 3.0)) - moves(bars)
    np.testing.assert_allclose(added, side * delta, atol=1e-14)
    assert np.count_nonzero(side) < len(side)


def test_planting_nothing_leaves_every_price() -> None:
    bars = history()
    planted = plant_drift(bars, gates_of(bars, 60), HOLD, 0.0)
    assert planted.data.tobytes() == bars.data.tobytes()


def test_planted_bars_pass_the_checks_of_bars_and_keep_their_spread() -> None:
    bars = history()
    planted = plant_drift(bars, gates_of(bars, 60), HOLD, 5.0)
    Bars.from_records("EUR_USD", "M5", planted.data.copy(), source="again")
    for letter in "ohlc":
        np.testing.assert_allclose(
            planted.data[f"ask_{letter}"] / planted.data[f"bid_{letter}"],
            bars.data[f"ask_{letter}"] / bars.data[f"bid_{letter}"],
            rtol=1e-14,
        )


def test_prices_before_the_first_gate_are_untouched() -> None:
    bars = history()
    gates = gates_of(bars, 60)
    before = bars.data["t"] < gates.data["known"][0]
    planted = plant_drift(bars, gates, HOLD, 5.0)
    assert before.any()
    np.testing.assert_array_equal(planted.data[before], bars.data[before])


def test_planted_bars_say_so() -> None:
    planted = plant_drift(history(), gates_of(history(), 60), HOLD, 2.5)
    assert planted.source == "demo-planted"
    assert planted.notes == ("planted: Sharpe 2.5 a year over 60 minutes after each gate",)


def test_the_held_side_is_that_of_the_last_gate_with_a_direction() -> None:
    bars = history()
    draws = np.random.default_rng(4)
    known = np.sort(draws.choice(bars.data["t"][:800], 60, replace=False)) - 7
    gates = gates_at(known, draws.choice(np.array([-1, 0, 1]), 60))
    pairs = [(int(g["known"]), int(g["side"])) for g in gates.data]
    opens = bars.data["t"][:900].tolist()
    expected = naive_worlds.held(opens, pairs, int(HOLD) * MINUTE_NS)
    assert held_side(bars, gates, HOLD)[:900].tolist() == expected


def test_a_null_world_has_no_edge_in_any_gates() -> None:
    """Sharpe of 40 sets of gates on one year: mean 0 within 4 standard errors."""
    bars = null_bars("N2", 1, instrument="EUR_USD", start_ns=START, end_ns=YEAR, granularity="M15")
    found = []
    for seed in range(40):
        draws = np.random.default_rng(seed)
        known = np.sort(draws.choice(bars.data["t"][:-100], 1000, replace=False))
        found.append(sharpe(bars, gates_at(known, draws.choice(np.array([-1, 1]), 1000))))
    assert abs(np.mean(found)) < 4 * np.std(found) / 40**0.5
    assert np.std(found) == pytest.approx(1.0, rel=0.4)


def test_the_drift_does_not_move_the_first_open() -> None:
    bars = history()
    planted = plant_drift(bars, gates_of(bars, 60), HOLD, 5.0)
    assert log_mid(planted, "o")[0] == log_mid(bars, "o")[0]


def test_gates_of_another_pair_are_refused() -> None:
    with pytest.raises(GatesError, match="gates to plant: got EUR_USD; allowed: GBP_USD"):
        plant_drift(history("GBP_USD"), gates_of(history()), HOLD, 1.0)


def test_gates_that_hold_no_bar_are_refused() -> None:
    late = gates_at(history().known_ns[-1:] + 1, np.array([1]))
    with pytest.raises(GatesError, match="0 held bars on 0 days"):
        plant_drift(history(), late, HOLD, 1.0)


def test_no_gates_are_refused() -> None:
    none = gates_at(np.empty(0, np.int64), np.empty(0, np.int64))
    with pytest.raises(GatesError, match="0 held bars on 0 days"):
        plant_drift(history(), none, HOLD, 1.0)


@pytest.mark.parametrize("hold", [0.0, -1.0, float("nan"), float("inf")])
def test_a_hold_that_is_no_time_is_refused(hold: float) -> None:
    with pytest.raises(InputError, match=r"hold_minutes: got .*; allowed: above 0, finite"):
        plant_drift(history(), gates_of(history(), 60), hold, 1.0)


def test_an_edge_that_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="annual_sharpe: got nan; allowed: a finite number"):
        plant_drift(history(), gates_of(history(), 60), HOLD, float("nan"))


def test_an_edge_too_large_for_a_bar_is_refused() -> None:
    with pytest.raises(InputError, match=r"allowed: a drift of 0\.01 or less"):
        plant_drift(history(), gates_of(history(), 60), HOLD, 1e6)
