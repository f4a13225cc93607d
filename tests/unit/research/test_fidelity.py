"""Derived gates against recorded ones: the measures, at their ends and by hand."""

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.research.demo_runs import DEFAULT, END, MINUTE, START, driver, market, simulate

from hotband.errors import WindowError
from hotband.gates.events import Gates
from hotband.market.calendar import parse_time
from hotband.market.instruments import currencies, load_instruments
from hotband.profile.rules import compile_rules
from hotband.profile.strategy import load_profile
from hotband.research.fidelity import admitted_sides, fidelity
from hotband.research.simulator import BacktestSimulator

FIRST = parse_time("2025-04-06T22:00:00Z")
EURO = load_instruments()["EUR_USD"]


def derived_as_recorded(side: int = 1) -> dict[str, Gates]:
    """The gates that the fallback makes of the window and before, as if they were real."""
    reach = simulate("EUR_USD", start="2025-04-06T22:00:00Z", end=END)
    data = reach.parts["EUR_USD"].chosen.gates.data.copy()
    data["synthetic"] = 0
    data["side"] *= side
    return {"EUR_USD": Gates("EUR_USD", data, "memory")}


def test_gates_agree_wholly_with_themselves() -> None:
    (found,) = fidelity(driver("EUR_USD", gates=derived_as_recorded(), fallback=True))
    assert found.real_admitted == found.synthetic_admitted == found.both_admitted > 100
    assert (found.jaccard, found.same_side, found.lag_minutes) == (1.0, 1.0, 0.0)
    assert found.real_trades == found.synthetic_trades > 10
    assert found.real_pnl == found.synthetic_pnl
    assert found.daily_correlation is None  # two days say nothing


def test_gates_of_the_other_side_agree_on_when_and_never_on_what() -> None:
    (found,) = fidelity(driver("EUR_USD", gates=derived_as_recorded(-1), fallback=True))
    assert (found.jaccard, found.same_side) == (1.0, 0.0)
    assert found.lag_minutes is not None
    assert found.lag_minutes > 0.0


def test_agreement_is_set_beside_what_chance_would_give() -> None:
    (found,) = fidelity(driver("EUR_USD", gates=derived_as_recorded(), fallback=True))
    share = found.real_admitted / found.minutes
    assert found.chance_jaccard == pytest.approx(share / (2 - share))


def test_only_real_stretches_count() -> None:
    """One gate of Tuesday 06:00 on: Monday has nothing to compare with."""
    gates = derived_as_recorded()["EUR_USD"]
    late = gates.window(parse_time("2025-04-08T06:00:00Z"), parse_time(END))
    (found,) = fidelity(driver("EUR_USD", gates={"EUR_USD": late}, fallback=True))
    first = int(late.data["known"][0])
    bars = market("EUR_USD")["EUR_USD"].data["t"]
    assert found.minutes == ((bars >= first) & (bars < parse_time(END))).sum()


def test_admitted_sides_by_hand() -> None:
    """A gate at 12:00 for buying, one at 12:10 below its repetitions; each lives 15 minutes."""
    known = parse_time("2025-04-07T12:00:00Z") + MINUTE * np.array([0, 10])
    gates = Gates.from_columns(
        "EUR_USD",
        known,
        np.array([1, 1]),
        np.array([0.05, 0.05]),
        np.array([4, 3]),
        {"coherence": [0.1, 0.1], "stability": [0.5, 0.5], "entropy": [0.9, 0.9]},
        synthetic=False,
    )
    result = simulate(
        "EUR_USD",
        gates={"EUR_USD": gates},
        start="2025-04-07T11:58:00Z",
        end="2025-04-07T12:30:00Z",
    )
    rules = compile_rules(DEFAULT, EURO, currencies([EURO], "USD"))
    sides = admitted_sides(result.parts["EUR_USD"].feed, rules)
    assert sides.tolist() == [0, 0] + [1] * 10 + [0] * 20
    alone = replace(result.parts["EUR_USD"].feed, gates=result.parts["EUR_USD"].feed.gates.copy())
    alone.gates["reps"] = 9
    assert admitted_sides(alone, rules).tolist() == [0, 0] + [1] * 26 + [0] * 4


def test_a_window_without_recorded_gates_is_refused() -> None:
    with pytest.raises(WindowError, match="without a recorded gate"):
        fidelity(driver("EUR_USD", start=START, end=END))


def test_derived_gates_are_scaled_as_the_fallback_would_scale_them() -> None:
    """Hazards recorded before the window set the scale: capped by the profile, few are left."""
    before = recorded_before()
    found = fidelity(driver("EUR_USD", gates=before, fallback=True, profile=CAPPED))
    scaled = BacktestSimulator(
        "EUR_USD", START, END, bars=market("EUR_USD"), gates=before, profile=CAPPED
    ).alone("EUR_USD", recorded=False)
    part = scaled.run().parts["EUR_USD"]
    assert part.chosen.calibration == "recorded"
    assert set(part.chosen.gates.data["synthetic"]) == {1}
    assert found[0].synthetic_trades <= part.funnel.filled


CAPPED = load_profile({"global": {"hazard_max": 0.3}, "account": {"home": "USD"}})


def recorded_before() -> dict[str, Gates]:
    """Forty gates of the Friday before with high hazards, and one in the window."""
    known = parse_time("2025-04-04T08:00:00Z") + MINUTE * np.arange(40)
    times = np.r_[known, parse_time("2025-04-07T00:30:00Z")]
    ones = np.ones(len(times), np.int64)
    hazards = np.linspace(0.2, 0.6, len(times))
    return {
        "EUR_USD": Gates.from_columns("EUR_USD", times, ones, hazards, ones, {}, synthetic=False)
    }
