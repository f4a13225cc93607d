"""Conversion against captured broker figures and hand-computed trades, and its refusals."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.naive import naive_market as naive

from hotband.core.records import QUOTE, Records
from hotband.errors import ConversionError, InputError, InstrumentError
from hotband.market.calendar import DAY_NS, HOUR_NS, MINUTE_NS, parse_time
from hotband.market.conversion import (
    MAX_AGE_NS,
    ConversionColumns,
    ConversionModel,
    Leg,
    as_of,
    conversion_columns,
    factors,
    route,
)
from hotband.market.instruments import load_instruments

TABLE = load_instruments()
MID, SIDE = ConversionModel(), ConversionModel("side")
FEE = ConversionModel("mid", 0.005)
START = parse_time("2026-03-02T14:30:00Z")
# Closing market of the reference, and its mid rates for margin.
CLOSING = {
    "EUR_USD": (1.08990, 1.09010),
    "USD_JPY": (149.490, 149.510),
    "EUR_GBP": (0.85310, 0.85330),
    "GBP_USD": (1.26890, 1.26910),
    "EUR_JPY": (162.930, 162.970),
}
RATES = {"EUR_USD": 1.08500, "USD_JPY": 150.000, "EUR_GBP": 0.85500, "GBP_USD": 1.26900}


def quotes(times: list[int], bids: list[float], asks: list[float]) -> Records:
    """Bars whose open and close are one price."""
    bars = np.zeros(len(times), QUOTE)
    bars["t"] = times
    for field in ("bid_o", "bid_c"):
        bars[field] = bids
    for field in ("ask_o", "ask_c"):
        bars[field] = asks
    return bars


def columns(
    name: str, home: str, market: Mapping[str, tuple[float, float]], model: ConversionModel
) -> ConversionColumns:
    """One bar of ``name`` in a market of one bar per pair."""
    source = {n: (quotes([START], [b], [a]), MINUTE_NS) for n, (b, a) in market.items()}
    times = np.array([START], np.int64)
    return conversion_columns(TABLE[name], times, MINUTE_NS, home, source, TABLE, model)


@pytest.mark.parametrize(
    ("bid", "ask", "gain", "loss", "digits"),
    [
        (1.12157, 1.12170, 0.89150397, 0.89160730, 8),
        (115.329, 115.346, 0.00866957, 0.00867085, 8),
        (1.07938, 1.07949, 0.926363375298, 0.926457781319, 12),
    ],
)
def test_the_side_mode_gives_the_factors_captured_before_2020(
    bid: float, ask: float, gain: float, loss: float, digits: int
) -> None:
    found = factors(bid, ask, True, SIDE)
    assert [round(float(f), digits) for f in found[:2]] == [gain, loss]
    direct = factors(bid, ask, False, SIDE)
    assert [float(f) for f in direct[:2]] == [bid, ask]


def test_the_mid_mode_gives_the_factors_captured_since_2020() -> None:
    gain, loss, mid = factors(1.14508, 1.14517, False, FEE, precision=5)
    assert (round(float(gain), 8), round(float(loss), 8)) == (1.13939440, 1.15084560)
    assert mid == 1.14512
    fill = factors(4.312, 4.312, False, ConversionModel("mid", 0.002))
    assert [round(float(f), 6) for f in fill] == [4.303376, 4.320624, 4.312]


def test_the_published_examples_come_out_to_the_cent() -> None:
    gain = float(factors(0.77000, 0.77005, False, FEE)[0])
    assert round(gain, 9) == 0.766174875
    assert int(100 * gain * 100) / 100 == 76.61
    gain = float(factors(1.29530, 1.29550, False, FEE)[0])
    assert round(100 * gain, 4) == 128.8923
    assert round(100 * (1.29530 - gain), 2) == 0.64


@pytest.mark.parametrize(
    ("bid", "ask", "inverse", "gain", "loss", "mid", "digits"),
    [
        (1.08490, 1.08510, False, 1.079575, 1.090425, 1.085, 6),
        (149.990, 150.010, True, 0.00663333, 0.00670000, 0.00666667, 8),
        (1.26890, 1.26910, False, 1.262655, 1.275345, 1.269, 6),
    ],
)
def test_the_fee_is_taken_from_gains_and_added_to_losses(
    bid: float, ask: float, inverse: bool, gain: float, loss: float, mid: float, digits: int
) -> None:
    found = factors(bid, ask, inverse, FEE)
    assert [round(float(f), digits) for f in found] == [gain, loss, mid]


@pytest.mark.parametrize(
    ("name", "pnl", "home", "plain", "side", "fee"),
    [
        ("EUR_USD", 48.00, "USD", 48.0000, 48.0000, 48.0000),
        ("EUR_USD", 48.00, "EUR", 44.0367, 44.0327, 43.8165),
        ("USD_JPY", 24_000, "USD", 160.5351, 160.5244, 159.7324),
        ("USD_JPY", 24_000, "EUR", 147.2844, 147.2664, 146.5480),
        ("EUR_GBP", -40.00, "USD", -50.7600, -50.7640, -51.0138),
        ("EUR_GBP", -40.00, "EUR", -46.8823, -46.8878, -47.1167),
    ],
)
def test_trades_convert_to_the_digits_of_the_reference(
    name: str, pnl: float, home: str, plain: float, side: float, fee: float
) -> None:
    for model, expected in ((MID, plain), (SIDE, side), (FEE, fee)):
        found = columns(name, home, CLOSING, model)
        for gain, loss in ((found.gain_o, found.loss_o), (found.gain_c, found.loss_c)):
            money = pnl * float((gain if pnl > 0 else loss)[0])
            assert round(money, 4) == expected


@pytest.mark.parametrize(
    ("name", "pip", "usd", "eur"),
    [
        ("EUR_USD", 10.0, 10.0, 9.2166),
        ("USD_JPY", 1000.0, 6.6667, 6.1444),
        ("EUR_GBP", 10.0, 12.69, 11.6959),
    ],
)
def test_a_pip_of_100k_units_is_worth_what_the_reference_says(
    name: str, pip: float, usd: float, eur: float
) -> None:
    market = {pair: (rate, rate) for pair, rate in {**RATES, "EUR_JPY": 162.75}.items()}
    assert 100_000 * TABLE[name].pip == pytest.approx(pip, rel=1e-12)
    for home, value in (("USD", usd), ("EUR", eur)):
        assert round(pip * float(columns(name, home, market, MID).gain_o[0]), 4) == value


@pytest.mark.parametrize(
    ("name", "usd", "usd_eu", "eur", "eur_eu"),
    [
        ("EUR_USD", 2170.00, 3613.05, 2000.00, 3330.00),
        ("USD_JPY", 5000.00, 3330.00, 4608.2949, 3069.1244),
        ("EUR_GBP", 5425.00, 3613.05, 5000.00, 3330.00),
    ],
)
def test_base_factors_give_the_margins_of_the_reference(
    name: str, usd: float, usd_eu: float, eur: float, eur_eu: float
) -> None:
    market = {pair: (rate, rate) for pair, rate in RATES.items()}
    for home, expected in (("USD", (usd, usd_eu)), ("EUR", (eur, eur_eu))):
        base = float(columns(name, home, market, FEE).base_c[0])
        rates = (TABLE[name].margin_rate, 0.0333)
        assert [round(100_000 * base * rate, 4) for rate in rates] == list(expected)


def test_home_money_converts_to_itself_without_a_fee() -> None:
    found = columns("EUR_USD", "USD", CLOSING, FEE)
    assert found.gain_o[0] == found.loss_o[0] == found.gain_c[0] == found.loss_c[0] == 1.0
    assert columns("USD_JPY", "USD", CLOSING, FEE).base_o[0] == 1.0


def test_a_chain_multiplies_its_legs_and_takes_the_fee_once() -> None:
    market = {pair: CLOSING[pair] for pair in ("GBP_USD", "USD_JPY")}
    found = columns("GBP_JPY", "GBP", market, FEE)
    mid = 1 / 149.500 * (1 / 1.26900)
    assert found.gain_c[0] == pytest.approx(mid * 0.995, rel=1e-15)
    assert found.loss_c[0] == pytest.approx(mid * 1.005, rel=1e-15)
    sides = columns("GBP_JPY", "GBP", market, SIDE)
    assert sides.gain_c[0] == pytest.approx(1 / 149.510 / 1.26910, rel=1e-15)
    assert sides.loss_c[0] == pytest.approx(1 / 149.490 / 1.26890, rel=1e-15)


@pytest.mark.parametrize(
    ("currency", "home", "available", "legs"),
    [
        ("USD", "USD", [], ()),
        ("GBP", "USD", ["EUR_USD", "GBP_USD"], (Leg("GBP_USD", False),)),
        ("JPY", "USD", ["USD_JPY"], (Leg("USD_JPY", True),)),
        ("JPY", "EUR", ["USD_JPY", "EUR_USD", "EUR_JPY"], (Leg("EUR_JPY", True),)),
        ("JPY", "EUR", ["USD_JPY", "EUR_USD"], (Leg("USD_JPY", True), Leg("EUR_USD", True))),
        (
            "GBP",
            "CHF",
            ["GBP_AUD", "AUD_CHF", "EUR_GBP", "EUR_CHF", "GBP_USD", "USD_CHF"],
            (Leg("GBP_USD", False), Leg("USD_CHF", False)),
        ),
        (
            "GBP",
            "CHF",
            ["EUR_CHF", "EUR_GBP", "GBP_AUD", "AUD_CHF"],
            (Leg("GBP_AUD", False), Leg("AUD_CHF", False)),
        ),
    ],
)
def test_a_route_is_direct_then_over_usd_then_over_the_first_currency(
    currency: str, home: str, available: list[str], legs: tuple[Leg, ...]
) -> None:
    assert route(currency, home, available, TABLE) == legs
    assert route(currency, home, reversed(available), TABLE) == legs


def test_a_missing_route_names_the_pairs_that_would_do() -> None:
    message = "conversion GBP to USD: got no pair for it; allowed: GBP_USD or USD_GBP. Load"
    with pytest.raises(ConversionError, match=message):
        route("GBP", "USD", ["EUR_USD"], TABLE)
    message = "allowed: GBP_EUR or EUR_GBP, or GBP and EUR each paired with USD or another"
    with pytest.raises(ConversionError, match=message):
        route("GBP", "EUR", ["EUR_USD"], TABLE)
    with pytest.raises(InstrumentError, match="home currency: got dollars"):
        route("GBP", "dollars", [], TABLE)
    with pytest.raises(InstrumentError, match="instrument: got EUR_XXX"):
        route("GBP", "USD", ["EUR_XXX"], TABLE)


def test_the_last_known_price_is_an_open_at_its_instant_else_the_last_close() -> None:
    bars = quotes([START, START + HOUR_NS, START + 3 * HOUR_NS], [1, 2, 3], [1, 2, 3])
    times = START + np.array([0, 30, 60, 90, 120, 180, 200, 240], np.int64) * MINUTE_NS
    known = np.delete(times, 1)
    index, at_open = as_of("EUR_USD", known, bars, HOUR_NS)
    assert index.tolist() == [0, 1, 0, 1, 2, 1, 2]
    assert at_open.tolist() == [True, True, False, False, True, False, False]
    index, at_open = as_of("EUR_USD", known[1:], bars, HOUR_NS, opens=False)
    assert index.tolist() == [0, 0, 1, 1, 1, 2]
    assert not at_open.any()
    with pytest.raises(ConversionError, match="price of EUR_USD: got none at 2026-03-02T15:00:00Z"):
        as_of("EUR_USD", times, bars, HOUR_NS)


def test_a_price_outlives_a_weekend_but_not_its_maximum_age() -> None:
    bars = quotes([START], [1.0], [1.0])
    end = START + HOUR_NS
    assert as_of("EUR_USD", np.array([end + MAX_AGE_NS]), bars, HOUR_NS)[0].tolist() == [0]
    message = "price of EUR_USD: got none at 2026-03-06T15:30:00.000000001Z; allowed: .* 4 days old"
    with pytest.raises(ConversionError, match=message):
        as_of("EUR_USD", np.array([end + MAX_AGE_NS + 1]), bars, HOUR_NS)
    with pytest.raises(ConversionError, match="at most 1 days old"):
        as_of("EUR_USD", np.array([end + 2 * DAY_NS]), bars, HOUR_NS, DAY_NS)
    with pytest.raises(ConversionError, match="Load bars of EUR_USD that begin earlier"):
        as_of("EUR_USD", np.array([START]), bars[:0], HOUR_NS)


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=12, unique=True),
    st.lists(st.integers(0, 60), min_size=1, max_size=12),
    st.integers(1, 5),
    st.booleans(),
)
def test_the_last_known_price_equals_its_definition(
    opened: list[int], asked: list[int], length: int, opens: bool
) -> None:
    bars = np.zeros(len(opened), QUOTE)
    bars["t"] = START + np.sort(opened) * MINUTE_NS * length
    bars["bid_o"] = np.arange(len(opened)) + 0.25
    bars["bid_c"] = np.arange(len(opened)) + 0.75
    plain = list(zip(bars["t"].tolist(), bars["bid_o"], bars["bid_c"], strict=True))
    for t in (START + minute * MINUTE_NS for minute in asked):
        expected = naive.last_price(t, plain, length * MINUTE_NS, opens)
        times = np.array([t], np.int64)
        if expected is None:
            with pytest.raises(ConversionError, match="price of EUR_USD: got none"):
                as_of("EUR_USD", times, bars, length * MINUTE_NS, opens=opens)
            continue
        index, at_open = as_of("EUR_USD", times, bars, length * MINUTE_NS, opens=opens)
        assert bars["bid_o" if at_open[0] else "bid_c"][index[0]] == expected


def test_an_instrument_converts_at_its_own_open_and_close() -> None:
    bars = quotes([START, START + MINUTE_NS], [1.1, 1.3], [1.1, 1.3])
    bars["bid_c"] = bars["ask_c"] = [1.2, 1.4]
    source = {"EUR_USD": (bars, MINUTE_NS)}
    found = conversion_columns(TABLE["EUR_USD"], bars["t"], MINUTE_NS, "EUR", source, TABLE, MID)
    assert found.gain_o.tolist() == [1 / 1.1, 1 / 1.3]
    assert found.gain_c.tolist() == [1 / 1.2, 1 / 1.4]
    assert found.base_o.tolist() == found.base_c.tolist() == [1.0, 1.0]


def test_a_mark_at_a_close_does_not_depend_on_bars_that_open_then() -> None:
    euro = quotes([START + i * MINUTE_NS for i in range(4)], [1.1] * 4, [1.1] * 4)
    cable = quotes([START + i * MINUTE_NS for i in range(4)], [1.2, 1.3, 1.4, 1.5], [1.6] * 4)

    def found(n: int) -> ConversionColumns:
        source = {"EUR_GBP": (euro[:n], MINUTE_NS), "GBP_USD": (cable[:n], MINUTE_NS)}
        times = euro["t"][:n]
        return conversion_columns(TABLE["EUR_GBP"], times, MINUTE_NS, "USD", source, TABLE, SIDE)

    whole, cut = found(4), found(2)
    for name in ("gain_o", "loss_o", "gain_c", "loss_c", "base_o", "base_c"):
        assert getattr(whole, name)[:2].tolist() == getattr(cut, name).tolist()


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_a_price_that_is_none_is_refused_with_its_time(bad: float) -> None:
    message = f"price of GBP_USD: got bid {bad}, ask 1.3 at 2026-03-02T14:30:00Z; allowed: bid and"
    with pytest.raises(ConversionError, match=message):
        columns("EUR_GBP", "USD", {"GBP_USD": (bad, 1.3), "EUR_USD": (1, 1)}, MID)


def test_impossible_models_are_refused() -> None:
    with pytest.raises(InputError, match="conversion fee: got 1; allowed: 0 or more, below 1"):
        ConversionModel("mid", 1)
    with pytest.raises(InputError, match=r"conversion fee: got 0.005; allowed: 0 in mode side"):
        ConversionModel("side", 0.005)
    with pytest.raises(InputError, match="conversion mode: got last; allowed: mid, side"):
        ConversionModel("last")  # type: ignore[arg-type]  # wrong on purpose


@given(st.floats(0.01, 200), st.floats(0, 0.01), st.floats(0, 0.5), st.booleans())
def test_a_gain_never_converts_better_than_a_loss(
    bid: float, spread: float, fee: float, inverse: bool
) -> None:
    for model in (ConversionModel("mid", fee), SIDE):
        gain, loss, mid = factors(bid, bid * (1 + spread), inverse, model)
        assert gain <= loss
        assert gain <= mid * (1 + 1e-12)
        assert loss >= mid * (1 - 1e-4)
