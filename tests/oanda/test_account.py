"""Instruments, account and prices as the API states them, and the files made of them."""

import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from hotband.errors import BarsError
from hotband.feeds.oanda_account import (
    broker_document,
    financing_document,
    parse_instruments,
    parse_summary,
)
from hotband.feeds.oanda_prices import Heartbeat, NoQuote, Quote, parse_message, parse_prices
from hotband.market.calendar import format_time
from hotband.market.financing import load_financing
from hotband.market.instruments import load_instruments
from tests.oanda import bodies

FOUND = {one.name: one for one in parse_instruments({"instruments": bodies.INSTRUMENTS})}


def test_every_field_of_an_instrument_is_read() -> None:
    pair = FOUND["USD_JPY"]
    assert (pair.pip_location, pair.display_precision, pair.unit_precision) == (-2, 3, 0)
    assert (pair.min_units, pair.max_order_units, pair.margin_rate) == (1.0, 1e8, 0.05)
    assert pair.financing is not None
    assert (pair.financing.long_rate, pair.financing.short_rate) == (0.031, -0.048)


def test_a_largest_position_of_zero_is_no_limit() -> None:
    assert FOUND["EUR_USD"].max_position_units == math.inf


def test_the_three_styles_of_a_financing_schedule_are_read() -> None:
    def days(name: str) -> dict[str, int]:
        financing = FOUND[name].financing
        assert financing is not None
        return dict(financing.days_charged)

    assert list(days("EUR_USD").values()) == [1, 1, 1, 1, 1, 0, 0]
    assert days("USD_JPY") == {"WEDNESDAY": 3}
    assert days("EUR_GBP") == {}


def test_optional_fields_that_lack_are_none() -> None:
    gold = FOUND["XAU_USD"]
    assert (gold.financing, gold.unit_precision, gold.max_position_units) == (None, None, None)


@pytest.mark.parametrize("field", ["name", "pipLocation", "displayPrecision", "marginRate"])
def test_an_instrument_without_a_needed_field_is_refused(field: str) -> None:
    row = {key: value for key, value in bodies.INSTRUMENTS[0].items() if key != field}
    with pytest.raises(BarsError, match=f"{field} of"):
        parse_instruments({"instruments": [row]})


@pytest.mark.parametrize(("account", "rate"), [(None, 0.02), (0.01, 0.02), (0.04, 0.04)])
def test_the_broker_file_has_the_higher_margin_rate(account: float | None, rate: float) -> None:
    fields, _ = broker_document(list(FOUND.values()), account, load_instruments())
    assert fields["EUR_USD"]["margin_rate"] == rate


def test_the_broker_file_corrects_the_built_in_table(tmp_path: Path) -> None:
    fields, left_out = broker_document(list(FOUND.values()), 0.1, load_instruments())
    file = tmp_path / "broker.yaml"
    file.write_text(yaml.safe_dump(fields))
    table = load_instruments(file)
    assert table["EUR_USD"].margin_rate == table["USD_JPY"].margin_rate == 0.1
    assert table["EUR_USD"].max_position_units == math.inf
    assert table["EUR_USD"].spread_pips == load_instruments()["EUR_USD"].spread_pips
    assert table["GBP_USD"] == load_instruments()["GBP_USD"]
    assert left_out == ["XAU_USD"]


def test_the_financing_file_counts_from_its_day_on(tmp_path: Path) -> None:
    file = tmp_path / "financing.yaml"
    file.write_text(yaml.safe_dump(financing_document(list(FOUND.values()), "2026-03-02")))
    table = load_financing(file)
    (rate,) = table.rates["EUR_USD"]
    assert (rate.long, rate.short, table.schedule) == (-0.0295, 0.0042, "calendar")
    assert "XAU_USD" not in table.rates


def test_the_summary_is_read_from_text() -> None:
    found = parse_summary({"account": bodies.SUMMARY})
    assert (found.nav, found.balance, found.unrealized_pl) == (9992.0, 10_000.0, -8.0)
    assert found.margin_available == found.nav - found.margin_used
    assert (found.currency, found.open_trades, found.hedging) == ("USD", 1, False)
    assert (found.margin_rate, found.last_transaction) == (None, "6410")
    assert parse_summary({"account": bodies.SUMMARY | {"marginRate": "0.05"}}).margin_rate == 0.05


@pytest.mark.parametrize("field", ["NAV", "currency", "marginUsed", "openTradeCount"])
def test_a_summary_without_a_needed_field_is_refused(field: str) -> None:
    account = {key: value for key, value in bodies.SUMMARY.items() if key != field}
    with pytest.raises(BarsError, match=f"{field} of account summary: got none"):
        parse_summary({"account": account})


def test_liquidity_may_be_a_number_or_text_and_the_best_level_counts() -> None:
    (eur, jpy) = parse_prices({"prices": [bodies.PRICE, bodies.JPY_PRICE]})
    assert isinstance(eur, Quote)
    assert isinstance(jpy, Quote)
    assert (eur.bid, eur.bid_units, eur.ask, eur.ask_units) == (1.0849, 1e6, 1.0851, 1e6)
    assert (jpy.bid_units, jpy.tradeable) == (250_000.0, True)
    assert format_time(eur.t_ns) == "2026-03-02T14:34:04.771202031Z"


def test_a_price_without_a_bid_is_no_quote_and_no_error() -> None:
    assert isinstance(parse_message(bodies.EMPTY_PRICE), NoQuote)


def test_liquidity_that_is_not_said_is_unknown() -> None:
    bare: dict[str, Any] = {**bodies.PRICE, "bids": [{"price": "1.0849"}], "tradeable": None}
    quote = parse_message(bare)
    assert isinstance(quote, Quote)
    assert math.isnan(quote.bid_units)
    assert quote.tradeable
    assert quote.to_dict()["bid_units"] is None


def test_a_message_of_a_kind_that_is_not_known_is_passed_over() -> None:
    assert isinstance(parse_message(bodies.HEARTBEAT), Heartbeat)
    assert parse_message({"type": "SOMETHING_NEW"}) is None


@pytest.mark.parametrize("bad", [None, [], {"type": "PRICE"}, {"type": "HEARTBEAT", "time": 3}])
def test_a_message_of_another_shape_is_refused(bad: object) -> None:
    with pytest.raises(BarsError, match="got"):
        parse_message(bad)
