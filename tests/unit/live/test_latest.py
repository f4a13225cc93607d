"""How old the latest gates are, and what the profile says of them."""

import pytest
from tests.unit.research.demo_runs import recorded
from tests.unit.research.test_encoding import gate_store

from hotband.gates.ports import GateStore
from hotband.live.clock import FixedClock
from hotband.live.latest import freshness, gate_ages, latest_gates
from hotband.market.calendar import DEFAULT_HOURS, parse_time

KNOWN = "2025-04-07T12:00:00Z"


def at(text: str) -> FixedClock:
    return FixedClock(parse_time(text))


def held(*known: str) -> GateStore:
    store = gate_store()
    store.append(recorded("EUR_USD", *known))
    return store


@pytest.mark.parametrize(
    ("now", "state"),
    [("2025-04-07T12:03:00Z", "fresh"), ("2025-04-07T12:03:01Z", "stale")],
)
def test_a_gate_is_fresh_up_to_the_threshold(now: str, state: str) -> None:
    ages = gate_ages(held("2025-04-07T11:00:00Z", KNOWN), at(now))
    assert freshness(ages, 180.0) == state


def test_no_gate_at_all_or_of_an_asked_instrument_is_none() -> None:
    assert freshness(gate_ages(gate_store(), at(KNOWN)), 180.0) == "none"
    ages = gate_ages(held(KNOWN), at(KNOWN), ["EUR_USD", "USD_JPY"])
    assert [age.state(180.0) for age in ages] == ["fresh", "none"]
    assert freshness(ages, 180.0) == "none"
    assert ages[1].line(180.0) == "USD_JPY: no gates"


def test_one_stale_instrument_makes_the_whole_stale() -> None:
    store = held(KNOWN)
    store.append(recorded("USD_JPY", "2025-04-07T10:00:00Z"))
    ages = gate_ages(store, at("2025-04-07T12:01:00Z"))
    assert [age.state(180.0) for age in ages] == ["fresh", "stale"]
    assert freshness(ages, 180.0) == "stale"
    assert ages[1].line(180.0) == "USD_JPY: stale, 7,260 s, 2025-04-07T10:00:00Z"


def test_over_the_weekend_a_gate_ages_only_while_the_market_is_open() -> None:
    """Friday's close is 21:00 UTC, Sunday's open too: two minutes before and one after."""
    store = held("2025-04-04T20:58:00Z")
    sunday = at("2025-04-06T21:01:00Z")
    assert gate_ages(store, sunday, open_market=DEFAULT_HOURS)[0].age_seconds == 180.0
    assert gate_ages(store, sunday)[0].age_seconds == 48 * 3600 + 180


def test_the_profile_judges_the_latest_gate_by_thresholds_and_age() -> None:
    fresh, *_ = latest_gates(held(KNOWN), at("2025-04-07T12:15:00Z"))
    assert (fresh.reasons, fresh.admit) == (
        ["coherence_invalid", "stability_invalid", "entropy_invalid"],
        False,
    )
    stale, *_ = latest_gates(held(KNOWN), at("2025-04-07T12:15:01Z"))
    assert stale.reasons[0] == "gate_stale"
    assert stale.age_seconds == 901.0


def test_a_gate_shows_what_its_producer_said() -> None:
    gate, *_ = latest_gates(held(KNOWN), at(KNOWN))
    document = gate.to_dict()
    assert document["direction"] == "BUY"
    assert document["hazard"] == 0.05
    assert document["repetitions"] == 5
    assert document["producer_admit"] is True
    assert document["producer_reasons"] == []
    assert document["metrics"] == dict.fromkeys(gate.metrics)
    assert document["synthetic"] is False


def test_instruments_without_a_gate_are_left_out() -> None:
    assert [gate.instrument for gate in latest_gates(held(KNOWN), at(KNOWN), ["USD_JPY"])] == []


def test_a_gate_from_the_future_is_not_fresh() -> None:
    """Clocks may differ by seconds; a gate known in an hour is a fault of somebody's clock."""
    ages = gate_ages(held(KNOWN), at("2025-04-07T11:59:56Z"))
    assert freshness(ages, 180.0) == "fresh"
    ahead = gate_ages(held(KNOWN), at("2025-04-07T11:00:00Z"))
    assert ahead[0].state(180.0) == "future"
    assert freshness(ahead, 180.0) == "stale"
    assert ahead[0].line(180.0).startswith("EUR_USD: future, -3,600 s")


def test_an_instrument_that_the_table_does_not_know_is_shown_unjudged() -> None:
    store = held(KNOWN)
    store.append(recorded("XAU_USD", KNOWN))
    euro, gold = latest_gates(store, at(KNOWN))
    assert (gold.instrument, gold.admit, gold.reasons) == ("XAU_USD", False, ["unknown_instrument"])
    assert euro.reasons == ["coherence_invalid", "stability_invalid", "entropy_invalid"]
