"""What a whole trade earns and costs: conversion, commission, slippage, financing, crosses."""

from dataclasses import dataclass

import numpy as np
import pytest
from tests.unit.core.builders import HOUR, MINUTE, T0, Desk, at, bar, gate, limits, rules

from hotband.core import codes
from hotband.core import records as r
from hotband.core.records import Records
from hotband.market.calendar import DEFAULT_HOURS, parse_time
from hotband.market.conversion import ConversionModel, conversion_columns, factors
from hotband.market.financing import financing_columns, load_financing
from hotband.market.instruments import load_instruments

MODELS = {
    "plain": ConversionModel(),
    "side": ConversionModel("side"),
    "fee": ConversionModel("mid", 0.005),
}


@dataclass(frozen=True)
class Trade:
    side: int
    units: int
    entry: float
    exit: float
    quote: float
    """Profit in quote currency."""


EUR_USD = Trade(1, 10_000, 1.08510, 1.08990, 48.0)
USD_JPY = Trade(-1, 50_000, 149.990, 149.510, 24_000.0)
EUR_GBP = Trade(1, 20_000, 0.85510, 0.85310, -40.0)
# trade, conversion pair's bid and ask, whether inverse, and home profit by model
TABLE = [
    (EUR_USD, None, False, {"plain": 48.0000, "side": 48.0000, "fee": 48.0000}),
    (EUR_USD, (1.08990, 1.09010), True, {"plain": 44.0367, "side": 44.0327, "fee": 43.8165}),
    (USD_JPY, (149.490, 149.510), True, {"plain": 160.5351, "side": 160.5244, "fee": 159.7324}),
    (USD_JPY, (162.930, 162.970), True, {"plain": 147.2844, "side": 147.2664, "fee": 146.5480}),
    (EUR_GBP, (1.26890, 1.26910), False, {"plain": -50.7600, "side": -50.7640, "fee": -51.0138}),
    (EUR_GBP, (0.85310, 0.85330), True, {"plain": -46.8823, "side": -46.8878, "fee": -47.1167}),
]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("trade", "pair", "inverse", "home"), TABLE)
def test_a_round_trip_pays_what_the_reference_says(
    trade: Trade,
    pair: tuple[float, float] | None,
    inverse: bool,
    home: dict[str, float],
    model: str,
) -> None:
    gain = loss = mid = 1.0
    if pair is not None:
        gain, loss, mid = (float(one) for one in factors(*pair, inverse, MODELS[model]))
    money = (gain, loss, 1.0)
    desk = Desk(rules(max_units=trade.units, hold=MINUTE), balance=1e6)
    desk.step(bar(T0, trade.entry, rates=money), gate(T0, trade.side))
    # The other side is two pips away and must not count.
    spread = 0.0002 if trade.entry < 10 else 0.02
    bid = trade.exit if trade.side > 0 else round(trade.exit - spread, 9)
    desk.step(bar(at(1), bid, spread=spread, rates=money))
    done, account = desk.trade, desk.account
    assert (done.reason, done.price) == (codes.HOLD_EXPIRY, trade.exit)
    assert round(float(done.gross), 4) == home[model]
    assert float(account.balance) == pytest.approx(1e6 + float(done.gross), abs=1e-9)
    # What conversion took is the distance to the middle of the two factors, which for an inverse
    # pair is the mid's reciprocal up to the second order of the spread.
    taken = trade.quote * mid - float(done.gross)
    assert float(account.conversion) == pytest.approx(taken, abs=1e-5)
    assert float(account.conversion) >= -1e-9


def test_a_published_fee_example_is_met() -> None:
    gain = float(factors(0.77000, 0.77005, False, MODELS["fee"])[0])
    assert gain == pytest.approx(0.766174875, abs=1e-12)


def test_commission_takes_half_the_round_trip_of_entry_notional_at_each_side() -> None:
    # 1.5 bp of 100,000 x 1.0850 = 108,500 USD is 16.275: 8.1375 at each side, although the exit
    # notional is another.
    desk = Desk(rules(max_units=100_000, half_commission=0.75e-4, hold=MINUTE), balance=1e6)
    desk.enter(1.0850)
    assert float(desk.account.balance) == pytest.approx(1e6 - 8.1375, abs=1e-9)
    assert float(desk.opened[0].commission) == pytest.approx(8.1375, abs=1e-9)
    desk.step(bar(at(1), 1.0950))
    assert float(desk.trade.commission) == pytest.approx(16.275, abs=1e-9)
    assert float(desk.account.balance) == pytest.approx(1e6 + 1000 - 16.275, abs=1e-6)
    assert float(desk.account.commission) == pytest.approx(16.275, abs=1e-9)


@pytest.mark.parametrize("side", [1, -1])
def test_slippage_worsens_both_market_fills_by_its_share_of_the_price(side: int) -> None:
    # 2 bp of 1.1000: in at 1.1000 (1 + 0.0002 side), out at 1.2000 (1 - 0.0002 side).
    desk = Desk(rules(slippage=2e-4, hold=MINUTE), balance=1e6)
    desk.enter(1.1000, side)
    desk.step(bar(at(1), 1.2000))
    entry, leave = 1.1 * (1 + side * 2e-4), 1.2 * (1 - side * 2e-4)
    assert float(desk.trade.entry_price) == pytest.approx(entry, abs=1e-12)
    assert float(desk.trade.price) == pytest.approx(leave, abs=1e-12)
    assert float(desk.trade.gross) == pytest.approx(side * (leave - entry) * 10_000, abs=1e-6)
    # 10,000 x 0.0002 x (1.1 + 1.2) = 4.60, apart from the profit of the plain prices.
    assert float(desk.account.slippage) == pytest.approx(4.60, abs=1e-9)


def test_the_spread_paid_is_half_at_each_side() -> None:
    desk = Desk(rules(hold=MINUTE), balance=1e6)
    desk.enter(1.1000, spread=0.0002)
    desk.step(bar(at(1), 1.1000, spread=0.0004))
    assert float(desk.trade.gross) == pytest.approx(-2.0, abs=1e-9)  # bought 1.1002, sold 1.1000
    assert float(desk.account.spread) == pytest.approx(10_000 * 0.0003, abs=1e-9)


@pytest.mark.parametrize(
    ("pair", "home", "price", "money", "single", "triple"),
    [
        ("EUR_USD", "USD", 1.085, (1.0, 1.0, 1.085), -8.7692, -26.3075),
        ("EUR_USD", "EUR", 1.085, (1 / 1.085, 1 / 1.085, 1.0), -8.0822, -24.2466),
        ("USD_JPY", "USD", 150.0, (1 / 150, 1 / 150, 1.0), 8.4932, None),
        ("USD_JPY", "EUR", 150.0, (1 / 162.75, 1 / 162.75, 1 / 1.085), 7.8278, None),
        ("EUR_GBP", "USD", 0.855, (1.269, 1.269, 1.085), -7.7287, None),
        ("EUR_GBP", "EUR", 0.855, (1 / 0.855, 1 / 0.855, 1.0), -7.1233, None),
    ],
)
def test_a_position_held_monday_to_friday_pays_four_rolls_wednesday_threefold(
    pair: str, home: str, price: float, money: tuple[float, float, float],
    single: float, triple: float | None,
) -> None:  # fmt: skip
    rate = {"EUR_USD": -0.0295, "USD_JPY": 0.0310, "EUR_GBP": -0.0260}[pair]
    table = load_financing({"rates": {pair: [{"from": "2026-01-01", "long": rate, "short": 0.0}]}})
    first = parse_time("2026-03-02T12:00:00Z")
    times = np.arange(first, parse_time("2026-03-06T12:00:00Z") + 1, HOUR)
    longs, _ = financing_columns(pair, times, DEFAULT_HOURS, table)
    desk = Desk(rules(max_units=100_000), balance=1e6)
    charged = {}
    for t, due in zip(times, longs, strict=True):
        before = float(desk.account.financing)
        desk.step(bar(int(t), price, rates=money, fin_long=due), gate(first))
        if float(desk.account.financing) != before:
            charged[int(t)] = round(float(desk.account.financing) - before, 4)
        assert float(desk.account.nav) == pytest.approx(
            1e6 + float(desk.account.financing), abs=1e-6
        ), home
    rolls = [parse_time(f"2026-03-0{day}T22:00:00Z") for day in (2, 3, 4, 5)]
    assert list(charged) == rolls
    assert [charged[rolls[i]] for i in (0, 1, 3)] == [single] * 3
    assert charged[rolls[2]] == pytest.approx(3 * single if triple is None else triple, abs=2e-4)
    exact = 100_000 * price * rate / 365 * 6 * money[0]
    assert float(desk.account.financing) == pytest.approx(exact, abs=1e-9)


def test_a_short_earns_the_short_rate() -> None:
    desk = Desk(rules(max_units=100_000, hold=2 * MINUTE), balance=1e6)
    desk.enter(1.085, side=-1)
    desk.step(bar(at(1), 1.085, fin_long=-0.0295 / 365, fin_short=3 * 0.0042 / 365))
    desk.step(bar(at(2), 1.085))
    assert round(float(desk.trade.financing), 4) == 3.7455
    assert float(desk.account.balance) == pytest.approx(1e6 + float(desk.trade.financing), abs=1e-9)


def test_a_position_opened_at_the_roll_itself_is_not_charged_for_it() -> None:
    desk = Desk()
    desk.step(bar(T0, 1.085, fin_long=-0.0295 / 365), gate(T0))
    assert desk.account.financing == 0.0


# Crosses: bars of every pair, conversion by the product's own routes -----------------------------

MIDS = {
    "EUR_USD": 1.085, "USD_JPY": 150.0, "GBP_USD": 1.269,
    "EUR_GBP": 0.855, "EUR_JPY": 162.75, "GBP_JPY": 190.35,
}  # fmt: skip


def _quotes(traded: str, exit_price: float) -> dict[str, tuple[Records, int]]:
    out = {}
    for pair, mid in MIDS.items():
        rows = r.empty(r.QUOTE, 2)
        rows["t"] = [T0, at(1)]
        for name in r.QUOTE.names or ():
            if name.startswith(("bid", "ask")):
                rows[name] = [mid, exit_price if pair == traded else mid]
        out[pair] = (rows, MINUTE)
    return out


CROSSES = [
    # 20,000 GBP_JPY from 190.350 to 190.850 earn 10,000 JPY: /150 USD, /162.75 EUR.
    # Margin 5 %: 20,000 x 1.269, 20,000 / 0.855, 20,000 x 190.35.
    ("GBP_JPY", 190.850, "USD", 1269.00, 66.6667, 66.3333),
    ("GBP_JPY", 190.850, "EUR", 1169.5906, 61.4439, 61.1367),
    ("GBP_JPY", 190.850, "JPY", 190_350.0, 10_000.0, 10_000.0),
    # 20,000 EUR_GBP from 0.85500 to 0.85300 lose 40 GBP: x1.269 USD, /0.853 EUR (the pair itself,
    # at its price then), x190.35 JPY. Margin 5 %: 20,000 x 1.085, 20,000, 20,000 x 162.75.
    ("EUR_GBP", 0.85300, "USD", 1085.00, -50.7600, -51.0138),
    ("EUR_GBP", 0.85300, "EUR", 1000.00, -46.8933, -47.1278),
    ("EUR_GBP", 0.85300, "JPY", 162_750.0, -7614.0, -7652.07),
]


@pytest.mark.parametrize("fee", [0.0, 0.005])
@pytest.mark.parametrize(("pair", "leave", "home", "margin", "plain", "charged"), CROSSES)
def test_a_cross_earns_in_the_accounts_currency(
    pair: str, leave: float, home: str, margin: float, plain: float, charged: float, fee: float
) -> None:
    table = load_instruments()
    times = np.array([T0, at(1)])
    quotes = _quotes(pair, leave)
    columns = conversion_columns(
        table[pair], times, MINUTE, home, quotes, table, ConversionModel("mid", fee)
    )
    own = rules(
        max_units=20_000, margin_rate=0.05, hold=MINUTE, price_scale=table[pair].price_scale
    )
    desk = Desk(own, balance=1e7)
    rows = []
    for i, price in enumerate((MIDS[pair], leave)):
        row = bar(int(times[i]), price)
        for name in ("gain_o", "loss_o", "gain_c", "loss_c", "base_o", "base_c"):
            row[name] = getattr(columns, name)[i]
        rows.append(row)
    desk.step(rows[0], gate(T0))
    assert round(float(desk.account.margin), 4) == margin
    desk.step(rows[1])
    assert round(float(desk.trade.gross), 4) == (charged if fee else plain)
    assert float(desk.account.balance) == pytest.approx(1e7 + float(desk.trade.gross), abs=1e-8)


def test_a_fill_inside_a_bar_converts_at_the_bars_close() -> None:
    # 10,000 USD_JPY from 150 stopped at 149: -10,000 JPY, at the closing 1/148 and not 1/150.
    desk = Desk(rules(stop_abs=1.0, price_scale=1e3), balance=1e6, limit=limits())
    desk.step(bar(T0, 150.0, rates=(1 / 150, 1 / 150, 1.0)), gate(T0))
    falling = bar(at(1), (150.0, 150.0, 148.0, 148.0), rates=(1 / 150, 1 / 150, 1.0))
    falling["gain_c"] = falling["loss_c"] = 1 / 148
    desk.step(falling)
    assert (desk.trade.price, desk.trade.intrabar) == (149.0, 1)
    assert round(float(desk.trade.gross), 4) == -67.5676
