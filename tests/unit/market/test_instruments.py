"""The packaged table, its corrections from a file, and what is refused."""

import math
from pathlib import Path

import pytest

from hotband.core.records import N_CURRENCIES
from hotband.errors import InputError, InstrumentError
from hotband.market.instruments import Instrument, currencies, get_instrument, load_instruments

ORDER = ("EUR", "GBP", "AUD", "NZD", "USD", "CAD", "CHF", "JPY")
US_RATES = {"EUR": 2, "CAD": 2, "CHF": 3, "AUD": 3, "NZD": 3, "GBP": 5, "JPY": 5}


def written(folder: Path, text: str) -> Path:
    path = folder / "instruments.yaml"
    path.write_text(text, "utf-8")
    return path


def test_the_table_holds_each_pair_of_eight_currencies_once_in_market_order() -> None:
    table = load_instruments()
    pairs = {f"{base}_{quote}" for i, base in enumerate(ORDER) for quote in ORDER[i + 1 :]}
    assert set(table) == pairs
    assert len(table) == 28
    assert all(name == pair.name for name, pair in table.items())


def test_margin_is_the_higher_us_rate_of_the_two_currencies() -> None:
    for pair in load_instruments().values():
        rates = [US_RATES[c] for c in (pair.base, pair.quote) if c != "USD"]
        assert pair.margin_rate == max(rates) / 100, pair.name


def test_pips_and_digits_are_those_the_broker_publishes() -> None:
    for pair in load_instruments().values():
        digits = (-2, 3) if pair.quote == "JPY" else (-4, 5)
        assert (pair.pip_location, pair.display_precision) == digits, pair.name
        limits = (pair.min_units, pair.max_order_units, pair.max_position_units)
        assert limits == (1.0, 1e8, math.inf)


@pytest.mark.parametrize(
    ("name", "spread"),
    [
        ("EUR_USD", 0.6),
        ("USD_JPY", 0.6),
        ("GBP_USD", 0.9),
        ("EUR_GBP", 0.8),
        ("AUD_USD", 0.7),
        ("USD_CAD", 0.7),
        ("USD_CHF", 0.8),
        ("EUR_JPY", 0.9),
        ("GBP_JPY", 1.3),
    ],
)
def test_spreads_are_the_published_ones_where_there_are_any(name: str, spread: float) -> None:
    assert load_instruments()[name].spread_pips == spread


def test_steps_follow_from_the_precisions() -> None:
    euro, yen = load_instruments()["EUR_USD"], load_instruments()["USD_JPY"]
    assert (euro.pip, euro.price_scale, euro.unit_step) == (0.0001, 100_000.0, 1.0)
    assert (yen.pip, yen.price_scale, yen.unit_step) == (0.01, 1000.0, 1.0)


def test_a_file_changes_single_fields_and_adds_whole_instruments(tmp_path: Path) -> None:
    text = """
EUR_USD: {margin_rate: 0.0333, min_units: 1000}
USD_HUF: {base: USD, quote: HUF, pip_location: -2, display_precision: 3, unit_precision: 0,
          min_units: 1, max_order_units: 1000000, max_position_units: .inf, margin_rate: 0.05,
          spread_pips: 15}
"""
    table = load_instruments(written(tmp_path, text))
    assert len(table) == 29
    euro, before = table["EUR_USD"], load_instruments()["EUR_USD"]
    assert (euro.margin_rate, euro.min_units, euro.pip) == (0.0333, 1000.0, before.pip)
    assert type(euro.min_units) is float
    assert table["USD_HUF"].pip == 0.01
    assert before.margin_rate == 0.02


def test_a_field_may_replace_the_one_that_an_anchor_gives(tmp_path: Path) -> None:
    text = (
        "EUR_USD: &wide {margin_rate: 0.05, spread_pips: 2}\nGBP_USD: {<<: *wide, spread_pips: 3}"
    )
    table = load_instruments(written(tmp_path, text))
    assert (table["GBP_USD"].margin_rate, table["GBP_USD"].spread_pips) == (0.05, 3.0)


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert load_instruments(written(tmp_path, "# nothing\n")) == load_instruments()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("EUR_USD: {margin_rte: 0.05}", "EUR_USD: got margin_rte; .*Did you mean 'margin_rate'"),
        ("EUR_USD: {name: EUR_USD}", "EUR_USD: got name; allowed: base, quote"),
        (
            "EUR_US: {margin_rate: 0.05}",
            "instrument: got EUR_US; allowed: .* also base, .*mean 'EUR_USD'",
        ),
        ("EUR_USD: 0.05", "EUR_USD: got 0.05; allowed: a mapping of base, quote"),
        ("[EUR_USD]", "instruments.yaml: got list; allowed: names with their fields"),
        ("EUR_USD: {margin_rate: 1e-2}", "margin_rate: got '1e-2'; allowed: a number"),
        ("EUR_USD: {margin_rate: true}", "margin_rate: got True; allowed: a number"),
        ("EUR_USD: {pip_location: -4.0}", "pip_location: got -4.0; allowed: a whole number"),
        ("EUR_USD: {base: 1}", "base: got 1; allowed: text"),
        ("EUR_USD: {margin_rate: 2}", "EUR_USD margin_rate: got 2.0; allowed: above 0, at most 1"),
        ("EUR_USD: {margin_rate: 0}", "EUR_USD margin_rate: got 0.0"),
        ("EUR_USD: {margin_rate: .nan}", "EUR_USD margin_rate: got nan"),
        ("EUR_USD: {pip_location: 5}", "EUR_USD pip_location: got 5; allowed: -10 to 4"),
        ("EUR_USD: {display_precision: 3}", r"display_precision: got 3; allowed: 4 \(the decimals"),
        ("EUR_USD: {unit_precision: 9}", "EUR_USD unit_precision: got 9; allowed: 0 to 8"),
        ("EUR_USD: {min_units: .inf}", "EUR_USD min_units: got inf; allowed: above 0, finite"),
        ("EUR_USD: {max_order_units: 0.5}", "max_order_units: got 0.5; allowed: min_units or more"),
        ("EUR_USD: {max_position_units: 0}", "max_position_units: got 0.0; .*inf for no limit"),
        ("EUR_USD: {spread_pips: -1}", "EUR_USD spread_pips: got -1.0; allowed: 0 or more"),
        ("EUR_USD: {quote: usd}", "EUR_USD quote: got usd; allowed: three capital letters"),
        ("EUR_USD: {quote: GBP}", "EUR_USD name: got EUR_USD; allowed: the name is BASE_QUOTE"),
        ("EUR_USD: {", r"instruments file: got .*instruments.yaml.*a readable YAML file"),
        ("[" * 5000, r"instruments file: got .*instruments.yaml.*a readable YAML file"),
        (
            "EUR_USD: {margin_rate: 0.05}\nEUR_USD: {min_units: 1000}",
            r"instruments file: got .*'EUR_USD' stands twice.*line 2",
        ),
        (
            "EUR_USD: {margin_rate: 0.05, margin_rate: 0.02}",
            r"instruments file: got .*'margin_rate' stands twice",
        ),
    ],
)
def test_unknown_fields_and_impossible_values_are_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(InstrumentError, match=message):
        load_instruments(written(tmp_path, text))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InstrumentError, match=r"instruments file: got .*none.yaml"):
        load_instruments(tmp_path / "none.yaml")


def test_a_pair_needs_two_currencies() -> None:
    with pytest.raises(InstrumentError, match="EUR_EUR quote: got EUR; allowed: a currency other"):
        Instrument("EUR_EUR", "EUR", "EUR", -4, 5, 0, 1.0, 1e8, math.inf, 0.02, 0.6)


def test_an_unknown_name_suggests_the_nearest() -> None:
    table = load_instruments()
    assert get_instrument("EUR_USD", table) is table["EUR_USD"]
    message = "instrument: got EURUSD; allowed: 28 instruments.*Did you mean 'EUR_USD'"
    with pytest.raises(InstrumentError, match=message):
        get_instrument("EURUSD", table)


def test_currencies_are_sorted_once_each_and_include_home() -> None:
    table = load_instruments()
    some = [table["USD_JPY"], table["EUR_USD"]]
    assert currencies(some, "CHF") == ("CHF", "EUR", "JPY", "USD")
    assert currencies([], "USD") == ("USD",)
    with pytest.raises(InstrumentError, match="home currency: got usd; allowed: three capital"):
        currencies(some, "usd")


def test_more_currencies_than_slots_are_refused() -> None:
    many = [
        Instrument(f"USD_XX{chr(65 + i)}", "USD", f"XX{chr(65 + i)}", -4, 5, 0, 1, 1e8, 1e9, 1, 1)
        for i in range(N_CURRENCIES)
    ]
    assert len(currencies(many[:-1], "USD")) == N_CURRENCIES
    with pytest.raises(InputError, match=f"currencies: got 17; allowed: at most {N_CURRENCIES}"):
        currencies(many, "USD")
