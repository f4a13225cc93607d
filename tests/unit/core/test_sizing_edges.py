"""Sizing where limits meet, where nothing is left, and what counts as used already.

Prices are binary fractions, so that ties are exact; units of one pair at 1.0 are dollars.
"""

from typing import Any

import pytest
from tests.unit.core.builders import MINUTE, T0, Desk, at, bar, gate, limits, rules
from tests.unit.core.test_portfolio import walked

from hotband.core import codes
from hotband.core import records as r

MARGIN, EXPOSURE = codes.MARGIN_BUDGET, codes.EXPOSURE_CAP
CURRENCY, TOTAL = codes.CURRENCY_CAP, codes.TOTAL_EXPOSURE
RISK, BROKER = codes.RISK_BUDGET, codes.BROKER_MAX_UNITS
FREE: dict[str, Any] = {"max_units": 1e9, "margin_rate": 0.5}


@pytest.mark.parametrize(
    ("rule", "limit", "code"),
    [
        # NAV 10,000 at 1.0: each limit alone gives 20,000 units. Risk: 1,250 / 0.0625.
        ({"exposure": 2.0}, {}, EXPOSURE),
        ({"exposure": 9.0}, {"currency_cap": 2.0}, MARGIN),
        ({"exposure": 9.0}, {"total_exposure": 2.0}, MARGIN),
        ({"exposure": 2.0, "margin_rate": 0.25}, {"currency_cap": 2.0}, EXPOSURE),
        ({"margin_rate": 0.25}, {"currency_cap": 2.0, "total_exposure": 2.0}, CURRENCY),
        ({"exposure": 2.0, "max_units": 20_000.0}, {}, EXPOSURE),
        ({"exposure": 2.0, "risk_frac": 0.125, "stop_abs": 0.0625}, {}, RISK),
        ({"risk_frac": 0.125, "stop_abs": 0.0625, "max_units": 20_000.0}, {}, RISK),
    ],
)
def test_of_limits_that_bind_alike_the_earlier_is_named_and_risk_before_all(
    rule: dict[str, float], limit: dict[str, float], code: int
) -> None:
    desk = Desk(rules(**{**FREE, **rule}), limit=limits(**limit))
    desk.enter(1.0)
    assert (desk.book.units, desk.opened[0].reason) == (20_000, code)


def test_risk_counts_slippage_at_the_stop_and_commission_at_both_sides() -> None:
    # In at 1.001, stop 0.009 below: 0.992, out at 0.992 x 0.999 = 0.991008. Sized by a loss of
    # 0.009 + 0.001 x 1.001 = 0.010001 and 2 x 0.0005 x 2.0 = 0.002 of commission, a base being
    # worth 2.0: 100 / 0.012001 = 8,332.6 units. They lose 8,332 x 0.011992 = 99.92.
    desk = Desk(
        rules(risk_frac=0.01, stop_abs=0.009, slippage=0.001, half_commission=0.0005, max_units=1e9)
    )
    money = (1.0, 1.0, 2.0)
    desk.step(bar(T0, 1.0, rates=money), gate(T0))
    assert (desk.book.units, desk.opened[0].reason) == (8_332, RISK)
    desk.step(bar(at(1), (1.0, 1.0, 0.99, 0.99), rates=money))
    assert float(desk.account.balance) == pytest.approx(10_000 - 8_332 * 0.011992, abs=1e-6)


def test_without_a_stop_the_risk_binds_nothing() -> None:
    # One per cent over a spread of 20 pips would be 50,000 units.
    desk = Desk(rules(risk_frac=0.01, max_units=60_000.0))
    desk.enter(1.0, spread=0.002)
    assert (desk.book.units, desk.opened[0].reason) == (60_000, BROKER)


def test_a_margin_budget_above_the_nav_lends_nothing() -> None:
    desk = Desk(rules(**FREE), limit=limits(margin_budget=3.0))
    desk.enter(1.0)
    assert (desk.book.units, desk.opened[0].reason) == (20_000, MARGIN)


@pytest.mark.parametrize("units", [1.0, 5_000.0])
def test_the_smallest_order_is_still_an_order(units: float) -> None:
    desk = Desk(rules(min_units=units, max_units=units))
    desk.step(bar(T0, 1.0), gate(T0))
    assert desk.book.units == units


@pytest.mark.parametrize(
    ("balance", "opened", "code", "ruined"),
    [
        (1_250.0, 1, codes.NAV_NOT_POSITIVE, 1),  # nothing left
        (1_250.5, 2, codes.OK, 0),  # half a dollar left, and the ticket needs a hundredth of it
    ],
)
def test_any_value_left_can_be_traded_on_and_none_cannot(
    balance: float, opened: int, code: int, ruined: int
) -> None:
    # 10,000 at 1.125 lose 1,250 at 1.0.
    desk = Desk(rules(margin_rate=2**-20, max_stack=2), balance=balance)
    desk.enter(1.125)
    _, found, _ = desk.step(bar(at(1), 1.0), gate(at(1)))
    assert (found, len(desk.opened), desk.account.ruined) == (code, opened, ruined)


@pytest.mark.parametrize(
    ("rule", "limit", "second", "code"),
    [
        ({"max_position": 12_000.0}, {}, 2_000, BROKER),
        ({}, {"total_exposure": 1.5}, 5_000, TOTAL),
        ({}, {"currency_cap": 1.25}, 2_500, CURRENCY),
        ({"margin_rate": 0.5}, {"margin_budget": 0.625}, 2_500, MARGIN),
    ],
)
def test_a_second_ticket_gets_what_the_first_has_left(
    rule: dict[str, float], limit: dict[str, float], second: float, code: int
) -> None:
    # 10,000 dollars, 10,000 units at 1.0 by the first ticket.
    desk = Desk(rules(max_stack=2, **rule), limit=limits(**limit))
    for i in range(2):
        desk.step(bar(at(i), 1.0), gate(at(i)))
    assert [float(one) for one in desk.opened["units"]] == [10_000, second]
    assert desk.opened[1].reason == code


@pytest.mark.parametrize(
    ("rule", "limit"),
    [
        ({"max_position": 10_000.0}, {}),
        ({}, {"total_exposure": 1.0}),
        ({}, {"currency_cap": 1.0}),
        ({"margin_rate": 0.5}, {"margin_budget": 0.5}),
    ],
)
@pytest.mark.parametrize("latency", [0, MINUTE])
def test_a_reversal_gets_the_whole_of_each_limit_again(
    rule: dict[str, float], limit: dict[str, float], latency: int
) -> None:
    own = rules(opposite=r.OPPOSITE_REVERSE, latency=latency, **rule)
    desk = Desk(own, limit=limits(**limit))
    for i, live in enumerate((gate(at(0)), gate(at(0)), gate(at(2), -1), gate(at(2), -1))):
        desk.step(bar(at(i), 1.0), live)
    assert (desk.book.side, desk.book.units) == (-1, 10_000)


@pytest.mark.parametrize(("first", "other"), [(0, 1), (1, 0)])
def test_a_position_counts_against_the_cap_of_any_other_instrument(first: int, other: int) -> None:
    # 10,000 of at most 15,000 dollars of gross exposure are taken.
    desk = Desk(rules(), rules(base_ccy=2), limit=limits(total_exposure=1.5))
    desk.step(bar(T0, 1.0), gate(T0), k=first)
    desk.step(bar(T0, 1.0), gate(T0), k=other)
    assert (desk.books[first].units, desk.books[other].units) == (10_000, 5_000)
    assert desk.opened[1].reason == TOTAL


def test_an_entry_takes_its_margin_from_the_next_instrument_of_the_same_open() -> None:
    # 10,000 dollars of NAV; EUR takes 10,000 x 1.0 x 0.75 = 7,500, GBP may have 2,500 / 0.5.
    events: list[tuple[r.Records, r.Records | None] | None] = [
        (bar(at(0), 1.0), gate(at(0), 1)) for _ in range(2)
    ]
    found = walked([events], rules(margin_rate=0.75), rules(base_ccy=2, margin_rate=0.5))
    assert found.books["units"].tolist() == [10_000.0, 5_000.0]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [({"hold": MINUTE}, codes.HOLD_EXPIRY), ({"stop_abs": 0.0625}, codes.STOP_LOSS)],
)
def test_an_exit_frees_its_margin_for_an_entry_at_the_same_open(
    rule: dict[str, float], reason: int
) -> None:
    # 10,000 units at 1.0 hold 7,500 of 10,000 dollars. Closed at 0.875 they leave 8,750, all of
    # it free: 8,750 / (0.875 x 0.75) = 13,333 units are possible, 10,000 wanted.
    desk = Desk(rules(margin_rate=0.75, **rule))
    desk.enter(1.0)
    desk.step(bar(at(1), 0.875), gate(at(1)))
    assert desk.trades[0].reason == reason
    assert (len(desk.opened), desk.opened[1].units) == (2, 10_000)
