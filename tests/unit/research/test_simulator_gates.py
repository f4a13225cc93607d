"""Which gates a simulation runs on, and that the result says so."""

import json

import numpy as np
import pytest
from tests.unit.research.demo_runs import (
    DEFAULT,
    END,
    MINUTE,
    PLAIN,
    START,
    driver,
    market,
    recorded,
    simulate,
)

from hotband.core.gating import threshold_mask, trade_side
from hotband.errors import StoreError
from hotband.gates.events import Gates
from hotband.market.calendar import parse_time
from hotband.market.instruments import currencies, load_instruments
from hotband.profile.rules import compile_rules
from hotband.profile.strategy import Profile, load_profile
from hotband.research.result import SimulationResult
from hotband.research.simulator import BacktestSimulator
from hotband.stores.urls import open_bar_store, open_gate_store

NOON = "2025-04-07T12:00:00Z"
STRICT = load_profile(
    {
        "global": {
            "min_repetitions": 3,
            "hazard_max": 0.097,
            "hazard_min": 0.02,
            "guards": {"min_coherence": 0.06, "min_stability": 0.5, "max_entropy": 0.999},
        },
        "account": {"home": "USD"},
    }
)


def test_recorded_gates_are_used_and_nothing_is_derived() -> None:
    times = ("2025-04-06T21:05:00Z", NOON, "2025-04-07T14:00:00Z", "2025-04-08T09:00:00Z")
    gates = {"EUR_USD": recorded("EUR_USD", *times)}
    result = simulate("EUR_USD", gates=gates, profile=PLAIN, fallback=True)
    part = result.parts["EUR_USD"]
    assert result.source == part.chosen.source == "memory"
    assert part.chosen.calibration is None
    assert part.chosen.candidates == {}
    assert result.funnel.gates == 3
    assert result.coverage.synthetic_minutes == 0.0
    assert {decision.source for decision in result.decisions()} == {"real"}
    assert result.trades["source"].to_list() == ["real"] * 3
    assert not any("gates are derived" in note for note in result.notes)


def test_without_recorded_gates_they_are_derived_and_the_result_says_so() -> None:
    result = simulate("EUR_USD")
    part = result.parts["EUR_USD"]
    assert result.source == part.chosen.source == "synthetic"
    assert part.chosen.calibration == "lambda_scale"
    assert part.chosen.candidates["candidates"] >= part.chosen.candidates["emitted"] > 100
    assert result.coverage.real_minutes == 0.0 < result.coverage.synthetic_minutes
    assert result.coverage.real_fraction == 0.0
    assert {decision.source for decision in result.decisions()} == {"synthetic"}
    assert set(result.trades["source"]) == {"synthetic"}
    note = "EUR_USD: gates are derived from bars, their hazard scaled by the profile's lambda_scale"
    assert note in result.notes


@pytest.mark.parametrize("profile", [DEFAULT, STRICT], ids=["default", "strict"])
def test_derived_gates_clear_every_threshold_of_the_profile(profile: Profile) -> None:
    result = simulate("EUR_USD", profile=profile)
    data = result.parts["EUR_USD"].chosen.gates.data.view(np.recarray)
    instrument = load_instruments()["EUR_USD"]
    rules = compile_rules(profile, instrument, currencies([instrument], "USD"))[0]
    bar = result.parts["EUR_USD"].feed.bars[0]
    assert len(data) > 20
    assert {threshold_mask(gate, trade_side(bar, gate, rules), rules) for gate in data} == {0}
    if profile is STRICT:
        coherence, stability, entropy = data["metrics"][:, :3].T
        assert data["reps"].min() >= 3
        assert 0.02 <= data["hazard"].min() <= data["hazard"].max() <= 0.097
        assert coherence.min() >= 0.06
        assert stability.min() >= 0.5
        assert entropy.max() <= 0.999


def test_recorded_and_derived_are_chosen_instrument_by_instrument() -> None:
    gates = {"EUR_USD": recorded("EUR_USD", "2025-04-06T21:05:00Z", NOON)}
    result = simulate(["EUR_USD", "GBP_USD"], gates=gates, fallback=True)
    assert result.source == "mixed"
    assert result.parts["EUR_USD"].chosen.source == "memory"
    assert result.parts["GBP_USD"].chosen.source == "synthetic"
    by_name = {decision.instrument: decision.source for decision in result.decisions()}
    assert by_name == {"EUR_USD": "real", "GBP_USD": "synthetic"}
    assert 0.0 < (result.coverage.real_fraction or 0.0) < 0.5


@pytest.mark.parametrize(
    ("known", "source"),
    [
        ("2025-04-06T23:44:59Z", "memory"),
        ("2025-04-04T12:00:00Z", "synthetic"),
        ("2025-04-08T19:59:59Z", "mixed"),
        ("2025-04-08T20:00:00Z", "synthetic"),
    ],
    ids=["of the same trading day", "of the day before", "just inside", "at the end"],
)
def test_one_recorded_gate_makes_its_day_and_the_next_real(known: str, source: str) -> None:
    """The window is [Monday 00:00, Tuesday 20:00); a gate of Friday leaves Tuesday derived."""
    gates = {"EUR_USD": recorded("EUR_USD", known)}
    assert simulate("EUR_USD", gates=gates, profile=PLAIN, fallback=True).source == source


def test_a_mixed_result_says_where_its_gates_are_from() -> None:
    gates = {"EUR_USD": recorded("EUR_USD", NOON)}
    result = simulate("EUR_USD", gates=gates, profile=PLAIN, fallback=True)
    first = parse_time(NOON)
    before = {each.source for each in result.decisions() if each.gate_known_ns < first}
    after = {each.source for each in result.decisions() if each.gate_known_ns >= first}
    assert (before, after) == ({"synthetic"}, {"real"})
    assert (
        "EUR_USD: recorded gates in 1 stretch, live in 0.6% of the minutes; derived ones outside"
        in result.notes
    )


def every_minute(name: str, start: str, n: int) -> Gates:
    known = parse_time(start) + MINUTE * np.arange(n, dtype=np.int64)
    hazard = np.linspace(0.2, 0.6, n)
    return Gates.from_columns(
        name, known, np.ones(n, np.int64), hazard, np.full(n, 3), {}, synthetic=False
    )


def test_gates_recorded_before_the_window_only_scale_the_derived_ones() -> None:
    gates = {"EUR_USD": every_minute("EUR_USD", "2025-04-03T08:00:00Z", 200)}
    result = simulate("EUR_USD", gates=gates, profile=PLAIN, fallback=True)
    hazards = result.parts["EUR_USD"].chosen.gates.data["hazard"]
    assert result.source == "synthetic"
    assert result.parts["EUR_USD"].chosen.calibration == "recorded"
    assert 0.2 <= hazards.min() < hazards.max() <= 0.6
    assert any("recorded gates before the window" in note for note in result.notes)


def test_gates_recorded_after_the_window_change_nothing() -> None:
    later = {"EUR_USD": every_minute("EUR_USD", "2025-04-09T08:00:00Z", 200)}
    with_them = simulate("EUR_USD", gates=later, fallback=True)
    assert with_them.to_dict() == simulate("EUR_USD").to_dict()


def covered(result: SimulationResult) -> tuple[float, float, float, float]:
    coverage = result.coverage
    return (
        coverage.minutes,
        coverage.real_minutes,
        coverage.longest_gap_minutes,
        round(coverage.real_fraction or 0.0, 6),
    )


def test_coverage_counts_the_minutes_with_a_live_gate() -> None:
    """One hour; gates at 12:10 and 12:20 live for 15 minutes, ends included: 12:10 to 12:35."""
    gates = {"EUR_USD": recorded("EUR_USD", "2025-04-07T12:10:00Z", "2025-04-07T12:20:00Z")}
    hour = simulate("EUR_USD", gates=gates, profile=PLAIN, start=NOON, end="2025-04-07T13:00:00Z")
    assert covered(hour) == (60.0, 26.0, 24.0, round(26 / 60, 6))
    assert hour.coverage.synthetic_minutes == 0.0
    assert hour.coverage.regimes == {"missing": 2}
    pair = simulate(
        ["EUR_USD", "GBP_USD"],
        gates=gates | {"GBP_USD": recorded("GBP_USD", "2025-04-07T12:00:00Z")},
        profile=PLAIN,
        start=NOON,
        end="2025-04-07T13:00:00Z",
    )
    assert covered(pair) == (120.0, 26.0 + 16.0, 44.0, round(42 / 120, 6))


def test_coverage_of_longer_bars_is_in_minutes_too() -> None:
    bars = market("EUR_USD", granularity="M5")
    gates = {"EUR_USD": recorded("EUR_USD", "2025-04-07T12:10:00Z")}
    result = simulate(
        "EUR_USD", bars, gates, profile=PLAIN, start=NOON, end="2025-04-07T13:00:00Z",
        granularity="M5",
    )  # fmt: skip
    assert covered(result) == (60.0, 20.0, 30.0, round(20 / 60, 6))


def test_a_gate_of_any_reason_is_in_the_funnel_once() -> None:
    """Two of five are replaced unseen, one grows old during a position, one comes too late."""
    times = ("12:00:10", "12:00:20", "12:00:50", "12:05:00", "12:59:30")
    gates = {"EUR_USD": recorded("EUR_USD", *(f"2025-04-07T{time}Z" for time in times))}
    result = simulate("EUR_USD", gates=gates, profile=PLAIN, start=NOON, end="2025-04-07T13:00:00Z")
    assert result.funnel.gates == 4
    assert result.funnel.refusals == {"gate_superseded": 2, "max_stack_limit_reached": 1}
    assert result.funnel.filled == 1
    assert result.parts["EUR_USD"].feed.unjudged == 1
    part = result.to_dict()["by_instrument"]
    assert isinstance(part, dict)
    assert part["EUR_USD"]["gates_after_last_bar"] == 1


def test_the_environment_names_stores_as_arguments_do(monkeypatch: pytest.MonkeyPatch) -> None:
    stores = {"bars": "memory://simulator-bars", "gates": "memory://simulator-gates"}
    open_bar_store(stores["bars"]).append(market("EUR_USD")["EUR_USD"])
    open_gate_store(stores["gates"]).append(recorded("EUR_USD", NOON))
    for name in ("HOTBAND_BARS", "HOTBAND_GATES", "HOTBAND_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    asked = BacktestSimulator(
        "EUR_USD", START, END, bars=stores["bars"], gates=stores["gates"], profile=DEFAULT
    )
    expected = json.dumps(asked.run().to_dict())
    for kind, url in stores.items():
        monkeypatch.setenv(f"HOTBAND_{kind.upper()}", url)
    found = BacktestSimulator("EUR_USD", START, END).run()
    assert found.source == "mixed"
    assert json.dumps(found.to_dict()) == expected


def test_bars_from_a_store_give_what_the_same_bars_in_a_mapping_give() -> None:
    """Where bars come from is not an input: sizes and gates must not hang on it."""
    profile = load_profile({"global": {"vol_target_pct": 0.002}, "account": {"home": "USD"}})
    mapped = simulate("EUR_USD", profile=profile)
    store = open_bar_store("memory://simulator-same")
    store.append(market("EUR_USD")["EUR_USD"])
    stored = BacktestSimulator("EUR_USD", START, END, bars=store, gates={}, profile=profile).run()
    assert stored.trades["units"].to_list() == mapped.trades["units"].to_list()
    assert json.dumps(stored.to_dict()) == json.dumps(mapped.to_dict())


def test_an_empty_store_is_an_error_not_an_empty_result() -> None:
    with pytest.raises(StoreError, match="EUR_USD"):
        BacktestSimulator("EUR_USD", START, END, bars="memory://simulator-none", gates={}).run()
    assert driver("EUR_USD").names == ("EUR_USD",)
