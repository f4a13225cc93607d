"""A simulation that cannot be run says which input is wrong, and what to do."""

import re
from datetime import datetime

import numpy as np
import pytest
from tests.unit.research.demo_runs import DEFAULT, END, START, driver, market, recorded, simulate

from hotband.errors import (
    ConversionError,
    InputError,
    InstrumentError,
    ProfileError,
    WindowError,
)
from hotband.market.bars import Bars
from hotband.market.calendar import parse_time
from hotband.profile.strategy import load_profile
from hotband.research.simulator import BacktestSimulator


def words(text: str) -> str:
    return re.escape(text)


def test_an_unknown_instrument_is_named_with_the_nearest_name() -> None:
    with pytest.raises(InstrumentError, match=r"got EUR_UDS; .* Did you mean 'EUR_USD'"):
        driver("EUR_UDS", bars={})


@pytest.mark.parametrize("names", [[], ["EUR_USD", "EUR_USD"]])
def test_instruments_are_one_or_more_each_once(names: list[str]) -> None:
    allowed = words("allowed: one name or more, each once. List what to trade.")
    with pytest.raises(InputError, match=f"instruments: got .*{allowed}"):
        driver(names, bars={})


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(WindowError, match="got 2025-04-07T00:00:00; allowed: RFC 3339 with a zone"):
        driver("EUR_USD", start="2025-04-07T00:00:00")
    naive = datetime(2025, 4, 7)  # noqa: DTZ001 - a naive time is what is refused
    with pytest.raises(WindowError, match="got 2025-04-07 00:00:00; allowed: RFC 3339"):
        BacktestSimulator("EUR_USD", naive, END, bars={}, gates={})


@pytest.mark.parametrize("end", [START, "2025-04-06T00:00:00Z"], ids=["empty", "reversed"])
def test_a_window_that_holds_no_time_is_refused(end: str) -> None:
    text = words(f"window: got {START} to {end}; allowed: start before end. Swap or widen it.")
    with pytest.raises(WindowError, match=text):
        driver("EUR_USD", end=end)


def test_a_window_outside_the_data_says_what_there_is() -> None:
    found = words(
        "window: got 2024-04-07T00:00:00Z to 2024-04-08T00:00:00Z, without a bar of EUR_USD; "
        "allowed: a window with bars; there are from 2025-04-02T00:00:00Z to "
        "2025-04-09T11:59:00Z. Choose another window, or import what is missing."
    )
    with pytest.raises(WindowError, match=found):
        simulate("EUR_USD", start="2024-04-07T00:00:00Z", end="2024-04-08T00:00:00Z")


def test_a_window_inside_the_weekend_has_no_bar() -> None:
    with pytest.raises(WindowError, match="without a bar of EUR_USD"):
        simulate("EUR_USD", start="2025-04-05T00:00:00Z", end="2025-04-06T12:00:00Z")


def test_a_window_shorter_than_a_bar_has_no_bar() -> None:
    with pytest.raises(WindowError, match="without a bar of EUR_USD"):
        simulate("EUR_USD", start="2025-04-07T12:00:10Z", end="2025-04-07T12:01:50Z")


def test_bars_without_a_row_are_refused() -> None:
    none = market("EUR_USD")["EUR_USD"].data[:0].copy()
    empty = Bars.from_records("EUR_USD", "M1", none, source="broker")
    with pytest.raises(WindowError, match=r"without a bar of EUR_USD; .*there are none"):
        simulate("EUR_USD", {"EUR_USD": empty})


def test_a_mapping_without_the_instrument_names_what_it_holds() -> None:
    bars = dict(market("GBP_USD", "USD_JPY"))
    text = words("bars: got none of EUR_USD; allowed: GBP_USD, USD_JPY. Add them to the mapping.")
    with pytest.raises(InputError, match=text):
        simulate("EUR_USD", bars)


def test_a_missing_conversion_names_the_pairs_that_would_do() -> None:
    text = words("conversion EUR to USD: got no pair for it; allowed: EUR_USD or USD_EUR")
    with pytest.raises(ConversionError, match=text):
        simulate("EUR_GBP")
    text = words("conversion GBP to USD: got no pair for it; allowed: GBP_USD or USD_GBP")
    with pytest.raises(ConversionError, match=text):
        simulate("GBP_CHF", market("GBP_CHF", "EUR_USD"))


def test_a_conversion_pair_that_ends_too_early_is_named_with_the_time() -> None:
    """A price outlives a weekend, no more: never a factor that is out of date."""
    bars = dict(market("EUR_GBP", "GBP_USD", "EUR_USD"))
    bars["GBP_USD"] = bars["GBP_USD"].window(0, parse_time("2025-04-02T12:00:00Z"))
    text = words("price of GBP_USD: got none at 2025-04-06T21:") + ".*a price at most 4 days old"
    with pytest.raises(ConversionError, match=text):
        simulate("EUR_GBP", bars, start="2025-04-02T06:00:00Z")


@pytest.mark.parametrize("balance", [0.0, -1.0, float("nan"), float("inf")])
def test_a_balance_is_a_finite_amount_above_zero(balance: float) -> None:
    text = words(f"balance: got {balance}; allowed: a finite amount above 0. Give the start")
    with pytest.raises(InputError, match=text):
        simulate("EUR_USD", balance=balance)


@pytest.mark.parametrize("cost", [-0.1, float("nan"), 1001.0])
def test_costs_are_basis_points(cost: float) -> None:
    text = words(f"cost_bps: got {cost}; allowed: basis points, 0..1000")
    with pytest.raises(ProfileError, match=text):
        simulate("EUR_USD", cost_bps=cost)


def test_an_unknown_granularity_is_named_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match=r"granularity: got M01; .* Did you mean 'M1'"):
        driver("EUR_USD", granularity="M01")


def test_bars_of_another_granularity_than_asked_for_are_refused() -> None:
    """Metrics and gate times would be reckoned with a bar length that the bars do not have."""
    with pytest.raises(
        InputError,
        match=words("bars of EUR_USD: got M5 of EUR_USD; allowed: M1 of EUR_USD, as asked."),
    ):
        simulate("EUR_USD", market("EUR_USD", granularity="M5"), granularity="M1")


def test_bars_of_another_instrument_than_their_name_in_the_mapping_are_refused() -> None:
    pound = market("GBP_USD")["GBP_USD"]
    bars = {"EUR_USD": pound, "GBP_USD": pound}
    with pytest.raises(InputError, match=r"EUR_USD.*GBP_USD|GBP_USD.*EUR_USD"):
        simulate(["EUR_USD", "GBP_USD"], bars)


def test_gates_of_another_instrument_than_their_name_in_the_mapping_are_refused() -> None:
    gates = {"EUR_USD": recorded("GBP_USD", "2025-04-07T12:00:00Z")}
    with pytest.raises(InputError, match=r"EUR_USD.*GBP_USD|GBP_USD.*EUR_USD"):
        simulate("EUR_USD", gates=gates)


def test_a_run_leaves_what_it_was_given_as_it_was() -> None:
    bars = {"EUR_USD": market("EUR_USD")["EUR_USD"]}
    before = bars["EUR_USD"].data.tobytes()
    simulator = driver("EUR_USD", bars)
    first, second = simulator.run(), simulator.run()
    assert first.to_dict() == second.to_dict()
    assert bars["EUR_USD"].data.tobytes() == before
    assert DEFAULT.content_hash == load_profile().content_hash
    assert np.array_equal(first.fills, second.fills)
