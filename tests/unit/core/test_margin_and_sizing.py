"""Margin, closeout, sizing and exposure to the last digit of the reference, by real kernels."""

import math

import pytest
from tests.unit.core.builders import T0, Desk, at, bar, gate, limits, rules

from hotband.core import codes
from hotband.core.sizing import gross_exposure, net_exposure
from hotband.market.conversion import ConversionModel, factors

EXACT = 1e-6
"""Home currency: the reference gives two to four decimals."""


@pytest.mark.parametrize(
    ("base", "rate", "to_usd", "usd", "usd_333", "to_eur", "eur", "eur_333"),
    [
        ("EUR", 0.02, 1.085, 2170.00, 3613.05, 1.0, 2000.00, 3330.00),
        ("USD", 0.05, 1.0, 5000.00, 3330.00, None, 4608.2949, 3069.1244),
        ("EUR", 0.05, 1.085, 5425.00, 3613.05, 1.0, 5000.00, 3330.00),
    ],
)
def test_100k_units_hold_the_margin_of_their_own_rate(
    base: str, rate: float, to_usd: float, usd: float, usd_333: float,
    to_eur: float | None, eur: float, eur_333: float,
) -> None:  # fmt: skip
    if to_eur is None:
        to_eur = float(factors(1.085, 1.085, True, ConversionModel())[2])
    for base_rate, own, thirty in ((to_usd, usd, usd_333), (to_eur, eur, eur_333)):
        for margin_rate, expected in ((rate, own), (0.0333, thirty)):
            desk = Desk(rules(margin_rate=margin_rate, max_units=100_000))
            desk.step(bar(T0, 1.085, rates=(1, 1, base_rate)), gate(T0))
            assert desk.book.units == 100_000, base
            assert round(float(desk.account.margin), 4) == expected


CLOSEOUTS = [
    # side, entry, margin rate, home, tick, closeout price, percent at the start
    (1, 1.085, 0.02, "quote", 0.0001, 1.045455, 0.21700),
    (1, 1.085, 0.0333, "quote", 0.0001, 1.052525, 0.36131),
    (-1, 1.085, 0.02, "quote", 0.0001, 1.123762, 0.21700),
    (1, 1.085, 0.0333, "base", 0.0001, 1.049983, 0.33300),
    (-1, 150.0, 0.05, "base", 0.01, 153.846, 0.50000),
]


def _home_rates(home: str, price: float) -> tuple[float, float, float]:
    return (1.0, 1.0, price) if home == "quote" else (1 / price, 1 / price, 1.0)


def _closed_form(side: int, entry: float, rate: float, home: str) -> float:
    n, nav, half = 100_000, 5_000, rate / 2
    if home == "quote":
        return (n * entry - side * nav) / (n * (1 - side * half))
    return n * entry / (n + side * nav - side * n * half)


def _indebted(side: int, entry: float, rate: float, home: str) -> Desk:
    desk = Desk(
        rules(max_units=100_000, margin_rate=rate), balance=5_000.0, limit=limits(closeout=0.5)
    )
    desk.step(bar(T0, entry, rates=_home_rates(home, entry)), gate(T0, side))
    assert desk.book.units == 100_000
    return desk


@pytest.mark.parametrize(("side", "entry", "rate", "home", "tick", "price", "percent"), CLOSEOUTS)
def test_the_first_bar_at_or_past_the_closeout_price_closes_the_account_out(
    side: int, entry: float, rate: float, home: str, tick: float, price: float, percent: float
) -> None:  # fmt: skip
    desk = _indebted(side, entry, rate, home)
    assert round(desk.closeout_percent(), 5) == percent
    assert round(_closed_form(side, entry, rate, home), 6 if entry < 10 else 3) == price
    i, now = 0, entry
    while len(desk.trades) == 0:
        assert desk.closeout_percent() < 1.0
        i += 1
        now = round(entry - side * i * tick, 6)
        desk.step(bar(at(i), now, rates=_home_rates(home, now)))
    first = math.ceil(abs(entry - price) / tick - 1e-9)
    assert i == first
    assert (desk.trade.t, desk.trade.price, desk.trade.reason) == (
        at(i), now, codes.MARGIN_CLOSEOUT,
    )  # fmt: skip
    assert desk.account.margin == 0.0


@pytest.mark.parametrize(
    ("side", "entry", "rate", "home", "nav", "margin"),
    [
        (1, 1.085, 0.02, "quote", 1045.45, 2090.91),
        (1, 1.085, 0.0333, "quote", 1752.45, 3504.91),
        (1, 1.085, 0.0333, "base", 1665.00, 3330.00),
        (-1, 1.085, 0.02, "quote", 1123.76, 2247.52),
        (-1, 150.0, 0.05, "base", 2500.00, 5000.00),
    ],
)
def test_a_hair_before_the_closed_form_price_the_account_still_stands(
    side: int, entry: float, rate: float, home: str, nav: float, margin: float
) -> None:
    exact = _closed_form(side, entry, rate, home)
    near, past = exact * (1 + side * 1e-9), exact * (1 - side * 1e-9)
    desk = _indebted(side, entry, rate, home)
    desk.step(bar(at(1), near, rates=_home_rates(home, near)))
    assert len(desk.trades) == 0
    assert desk.closeout_percent() == pytest.approx(1.0, abs=1e-6)
    assert round(float(desk.account.nav), 2) == nav
    assert round(float(desk.account.margin), 2) == margin
    desk.step(bar(at(2), past, rates=_home_rates(home, past)))
    assert desk.trade.reason == codes.MARGIN_CLOSEOUT


def test_closeout_compares_nav_at_mid_and_sells_at_the_bid() -> None:
    # 100,000 at 1.0850. Bid 1.0453, ask 1.0463: NAV at bid 5000 - 3970 = 1030 is below half the
    # margin 0.01 x 104,580 = 1045.80, but NAV at mid 5000 - 3920 = 1080 is above: no closeout.
    desk = _indebted(1, 1.085, 0.02, "quote")
    desk.step(bar(at(1), 1.0453, spread=0.0010))
    assert float(desk.account.nav) == pytest.approx(1030.0, abs=EXACT)
    assert desk.closeout_percent() == pytest.approx(1045.80 / 1080, abs=EXACT)
    assert len(desk.trades) == 0
    # Bid 1.0449, ask 1.0459, mid 1.0454: 5000 - 3960 = 1040 < 1045.40. Sold at the bid.
    desk.step(bar(at(2), 1.0449, spread=0.0010))
    assert desk.trade.price == 1.0449
    assert float(desk.account.balance) == pytest.approx(5000 - 4010, abs=EXACT)


def test_a_closeout_found_at_a_bars_close_executes_at_the_next_open() -> None:
    desk = _indebted(1, 1.085, 0.02, "quote")
    desk.step(bar(at(1), (1.085, 1.085, 1.04, 1.0450)))
    assert len(desk.trades) == 0
    desk.step(bar(at(2), 1.0430))
    # Sold at the open 1.0430 although the trigger was 1.0450: 5000 - 4200 = 800.
    assert (desk.trade.t, desk.trade.price) == (at(2), 1.0430)
    assert float(desk.account.nav) == pytest.approx(800.0, abs=EXACT)


def test_a_closeout_closes_the_positions_of_all_instruments() -> None:
    first, second = rules(max_units=60_000), rules(max_units=40_000, base_ccy=2)
    desk = Desk(first, second, balance=5_000.0, limit=limits(closeout=0.5))
    desk.step(bar(T0, 1.085), gate(T0), k=0)
    desk.step(bar(T0, 1.085), gate(T0), k=1)
    desk.step(bar(at(1), 1.0300), k=0)  # 5000 - 3300 = 1700, half margin 1052
    assert len(desk.trades) == 0
    desk.step(bar(at(1), 1.0400), k=1)  # 1700 - 1800 < 0: the closing bar of k = 1 sells it ...
    assert [int(row.instrument) for row in desk.trades] == [1]
    desk.step(bar(at(2), 1.0310), k=0)  # ... and k = 0 is sold at its own next open
    assert [int(row.instrument) for row in desk.trades] == [1, 0]
    assert set(desk.trades["reason"].tolist()) == {codes.MARGIN_CLOSEOUT}


SIZES = [
    # price, stop, margin rate, quote -> USD, base -> USD, by risk, by margin, units, limit,
    # margin used and risk at the stop (with their decimals)
    (1.085, 0.0025, 0.02, 1.0, 1.085, 40_000.0, 230_414.7, 40_000, "risk", 868.00, 100.00, 2),
    (1.085, 0.0005, 0.02, 1.0, 1.085, 200_000.0, 230_414.7, 200_000, "risk", 4340.00, 100.00, 2),
    (1.085, 0.0005, 0.0333, 1.0, 1.085, 2e5, 138_387.2, 138_387, "margin", 4999.9915, 69.19, 2),
    (150.0, 0.25, 0.05, 1 / 150, 1.0, 60_000.0, 100_000.0, 60_000, "risk", 3000.00, 100.00, 2),
    (150.0, 0.10, 0.05, 1 / 150, 1.0, 150_000.0, 100_000.0, 100_000, "margin", 5000.00, 66.67, 2),
    (0.855, 0.0020, 0.05, 1.269, 1.085, 39_401.1, 92_165.9, 39_401, "risk", 2137.50, 99.9997, 4),
    (0.855, 0.0005, 0.05, 1.269, 1.085, 157_604.4, 92_165.9, 92_165, "margin", 4999.95, 58.48, 2),
]  # fmt: skip
LIMIT = {"risk": codes.RISK_BUDGET, "margin": codes.MARGIN_BUDGET}


@pytest.mark.parametrize("row", SIZES)
def test_risk_and_margin_size_as_the_reference_says(row: tuple[float, ...]) -> None:
    price, stop, rate, loss, base, by_risk, by_margin, units, limit, margin, risk, digits = row
    money = (loss, loss, base)
    shared = {"risk_frac": 0.01, "stop_abs": stop, "max_units": math.inf, "margin_rate": rate}
    half = limits(margin_budget=0.5)
    desk = Desk(rules(**shared), limit=half)
    desk.step(bar(T0, price, rates=money), gate(T0))
    assert desk.book.units == units
    assert desk.opened[0].reason == LIMIT[str(limit)]
    assert round(float(desk.account.margin), 4 if units == 138_387 else 2) == margin
    # The stop costs what was allowed, and no more.
    desk.step(bar(at(1), (price, price, price - stop, price - stop), rates=money))
    assert desk.trade.reason == codes.STOP_LOSS
    assert round(-float(desk.trade.gross), int(digits)) == risk
    # Each limit alone, to a tenth of a unit.
    for alone, expected in (({"risk_frac": 0.0}, by_margin), ({"margin_rate": 1e-9}, by_risk)):
        fine = Desk(rules(**{**shared, "unit_step": 1e-4, **alone}), limit=half)
        fine.step(bar(T0, price, rates=money), gate(T0))
        assert round(float(fine.book.units), 1) == expected


def test_200k_euros_break_half_the_nav_at_a_thirtieth_of_margin() -> None:
    wanted = rules(margin_rate=0.0333, max_units=200_000)
    whole, half = Desk(wanted), Desk(wanted, limit=limits(margin_budget=0.5))
    whole.enter(1.085)
    half.enter(1.085)
    assert (whole.book.units, round(float(whole.account.margin), 2)) == (200_000, 7226.10)
    assert whole.opened[0].reason == codes.BROKER_MAX_UNITS
    assert half.opened[0].reason == codes.MARGIN_BUDGET
    assert half.account.margin < 0.5 * 10_000


@pytest.mark.parametrize(
    ("rate", "multiple"),
    [(0.02, 25), (0.03, 16.667), (0.0333, 15.015), (0.05, 10), (0.07, 7.143), (0.2, 2.5)],
)
def test_an_exposure_cap_equals_the_margin_budget_at_one_margin_rate_only(
    rate: float, multiple: float
) -> None:
    assert round(0.5 / rate, 3) == multiple
    half = limits(margin_budget=0.5)
    above = Desk(
        rules(margin_rate=rate, max_units=math.inf, exposure=0.5 / rate + 0.01), limit=half
    )
    below = Desk(
        rules(margin_rate=rate, max_units=math.inf, exposure=0.5 / rate - 0.01), limit=half
    )
    for desk, limit in ((above, codes.MARGIN_BUDGET), (below, codes.EXPOSURE_CAP)):
        desk.enter(1.085)
        assert desk.opened[0].reason == limit


@pytest.mark.parametrize(
    ("rate", "multiple", "move"),
    [
        (0.02, 10, 9.0909),
        (0.0333, 10, 8.4761),
        (0.05, 10, 7.6923),
        (0.0333, 20, 3.3915),
        (0.02, 25, 3.0303),
    ],
)
def test_the_distance_to_closeout_depends_on_the_margin_rate(
    rate: float, multiple: float, move: float
) -> None:
    for extra, stands in ((-0.001, True), (0.001, False)):
        own = rules(margin_rate=rate, max_units=math.inf, exposure=multiple, unit_step=1e-4)
        desk = Desk(own, limit=limits(closeout=0.5))
        desk.enter(1.085)
        desk.step(bar(at(1), 1.085 * (1 - (move + extra) / 100)))
        assert (len(desk.trades) == 0) is stands


def _three_books(*sides: int) -> Desk:
    # Currencies: 0 EUR, 1 USD, 2 JPY, 3 GBP. EUR_USD 1.085, USD_JPY 150, EUR_GBP 0.855.
    books = [(0, 1, 1.085, 1.085), (1, 2, 150.0, 1.0), (0, 3, 0.855, 1.085)]
    own = [rules(base_ccy=b, quote_ccy=q, max_units=100_000) for b, q, _, _ in books]
    desk = Desk(*own, balance=100_000.0)
    for k, side in enumerate(sides):
        _, _, price, base = books[k]
        desk.step(bar(T0, price, rates=(1.0, 1.0, base)), gate(T0, side), k=k)
    return desk


def test_three_pairs_decompose_into_four_currencies() -> None:
    desk = _three_books(1, -1, 1)
    found = [round(net_exposure(desk.books, c, -1), 4) for c in range(4)]
    # The reference prices the GBP leg at GBP_USD 1.26900 (-108,499.50); both legs of one pair at
    # the base's value give -108,500.00, and the four sum to zero.
    assert found == [217_000.0, -208_500.0, 100_000.0, -108_500.0]
    assert abs(found[3] - -108_499.5) < 1e-4 * 317_000
    assert round(gross_exposure(desk.books, -1), 4) == 317_000.0


@pytest.mark.parametrize(("side", "usd"), [(1, -8_500.0), (-1, -208_500.0)])
def test_a_second_dollar_pair_cancels_or_doubles_the_dollar(side: int, usd: float) -> None:
    desk = _three_books(1, side)
    assert round(net_exposure(desk.books, 1, -1), 4) == usd


def test_a_currency_cap_takes_netting_into_account() -> None:
    # NAV 100,000, cap 1.5: long 100k EUR_USD leaves USD at -108,500 (EUR +108,500). Selling
    # USD_JPY adds to the short dollar: room 150,000 - 108,500 = 41,500 USD. Buying it takes from
    # it: room 258,500 USD for the dollar, but JPY alone may only reach 150,000.
    for side, units in ((-1, 41_500), (1, 150_000)):
        own = [rules(max_units=100_000), rules(base_ccy=1, quote_ccy=2, max_units=math.inf)]
        desk = Desk(*own, balance=100_000.0, limit=limits(currency_cap=1.5))
        desk.step(bar(T0, 1.085), gate(T0), k=0)
        desk.step(bar(T0, 150.0, rates=(1 / 150, 1 / 150, 1.0)), gate(T0, side), k=1)
        assert desk.books[1].units == units
        assert desk.opened[1].reason == codes.CURRENCY_CAP


@pytest.mark.parametrize("side", [1, -1])
def test_a_stop_inside_the_spread_is_sized_by_what_it_will_cost(side: int) -> None:
    # Spread 20 pips, stop 5 pips: the market is through the stop at once and 20 pips are lost.
    # 1 % of 10,000 is 100: at most 50,000 units, not the 200,000 that 5 pips would allow.
    desk = Desk(rules(risk_frac=0.01, stop_abs=0.0005, max_units=math.inf))
    desk.step(bar(T0, 1.1, spread=0.0020), gate(T0, side))
    assert desk.trade.reason == codes.STOP_LOSS
    assert -float(desk.trade.gross) <= 100.0 + EXACT
