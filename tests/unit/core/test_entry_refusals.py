"""Why a gate makes no entry: each refusal by its code, and the boundary beside it."""

import math

import pytest
from tests.unit.core.builders import MINUTE, T0, Desk, at, bar, gate, limits, rules

from hotband.core import codes
from hotband.core import records as r

PRICE = 1.1000
UNSURE = codes.REGIME_CONFIDENCE_LOW


@pytest.mark.parametrize(
    ("marks", "code"),
    [
        (0, codes.SESSION_CLOSED),
        (r.IN_SESSION | r.SESSION_EXIT, codes.SESSION_EXIT_WINDOW),
        (r.IN_SESSION | r.WEEK_END, codes.WEEKEND_CLOSE),
        (r.IN_SESSION | r.HOLIDAY_BAR, codes.HOLIDAY),
        (r.IN_SESSION | r.CLOSED_BAR, codes.MARKET_CLOSED),
    ],
)
def test_the_calendar_refuses_a_gate_and_lets_it_in_later(marks: int, code: int) -> None:
    desk = Desk()
    mask, _, units = desk.step(bar(T0, PRICE, marks=marks), gate(T0))
    assert (mask, units) == (1 << code, 0.0)
    # While it lives the gate is judged at every bar: the next one is free.
    mask, _, units = desk.step(bar(at(1), PRICE), gate(T0))
    assert (mask, units) == (0, 10_000.0)


def test_a_gate_is_stale_a_moment_after_its_greatest_age() -> None:
    for age, mask in ((10 * MINUTE, 0), (10 * MINUTE + 1, 1 << codes.GATE_STALE)):
        desk = Desk(rules(max_age=10 * MINUTE))
        found, _, units = desk.step(bar(T0, PRICE), gate(T0 - age))
        assert (found, units > 0) == (mask, mask == 0)


def test_the_kill_switch_refuses_every_entry() -> None:
    desk = Desk(limit=limits(halts=1))
    mask, _, _ = desk.step(bar(T0, PRICE), gate(T0))
    assert (mask, len(desk.fills)) == (1 << codes.KILL_SWITCH, 0)
    desk.end()
    assert desk.book.refusals[codes.KILL_SWITCH] == 1


@pytest.mark.parametrize(
    ("rule", "field", "code"),
    [
        ({"hazard_max": 0.4}, {}, codes.HAZARD_EXCEEDS_MAX),
        ({"hazard_min": 0.6}, {}, codes.HAZARD_BELOW_MIN),
        ({}, {"hazard": math.nan}, codes.HAZARD_INVALID),
        ({"min_reps": 6}, {}, codes.REPETITIONS_SHORT),
        ({}, {"side": 0}, codes.FLAT_DIRECTION),
        ({}, {"admit": 0}, codes.ADMIT_FALSE),
        ({}, {"blocked": 1}, codes.UPSTREAM_BLOCK),
        ({"regimes_on": 0b10}, {}, codes.REGIME_MISSING),
        ({"regimes_on": 0b10}, {"regime": 2}, codes.REGIME_FILTERED),
        ({"regime_confidence_min": 0.6}, {}, UNSURE),
        ({"regime_confidence_min": 0.6}, {"regime_confidence": math.nan}, UNSURE),
    ],
)  # fmt: skip
def test_each_threshold_refuses_by_its_own_bit(
    rule: dict[str, float], field: dict[str, float], code: int
) -> None:
    desk = Desk(rules(**rule))
    side = int(field.get("side", 1))
    mask, _, units = desk.step(
        bar(T0, PRICE), gate(T0, side, **{k: v for k, v in field.items() if k != "side"})
    )
    assert (mask, units) == (1 << code, 0.0)


@pytest.mark.parametrize("slot", range(codes.N_GUARDS))
def test_a_guard_fails_below_its_limit_and_where_its_metric_is_undefined(slot: int) -> None:
    for value, bit in ((0.5, None), (0.4999, 0), (math.nan, 1)):
        own = rules(guards_on=1 << slot)
        own["guard_min"][0, slot] = 0.5
        seen = gate(T0)
        seen["metrics"][0, slot] = value
        mask, _, _ = Desk(own).step(bar(T0, PRICE), seen)
        assert mask == (0 if bit is None else 1 << (codes.GUARD_FIRST + 2 * slot + bit))


@pytest.mark.parametrize(("marks", "side"), [(r.UP_MOVE, 1), (r.DOWN_MOVE, -1)])
def test_a_gate_without_side_takes_the_last_move_where_asked(marks: int, side: int) -> None:
    for direction in (r.MOMENTUM, r.MEAN_REVERSION):
        desk = Desk(rules(missing_direction=1, direction=direction))
        desk.step(bar(T0, PRICE, marks=r.IN_SESSION | marks), gate(T0, 0))
        assert desk.book.side == side * direction


def test_mean_reversion_trades_the_other_side() -> None:
    desk = Desk(rules(direction=r.MEAN_REVERSION))
    desk.enter(PRICE, 1)
    assert desk.book.side == -1


def test_a_gate_makes_one_entry() -> None:
    desk = Desk(rules(hold=MINUTE))
    for i in range(4):
        _, code, _ = desk.step(bar(at(i), PRICE), gate(T0))
        assert code == (codes.GATE_USED if i else codes.OK)
    desk.end()
    assert (len(desk.opened), desk.book.gates, desk.book.filled) == (1, 1, 1)


def test_a_signal_key_is_used_once_and_forgotten_after_eight_others() -> None:
    desk = Desk(rules(hold=MINUTE))
    found = []
    for i, key in enumerate([7, 7, *range(20, 28), 7, 0, 0]):
        _, code, _ = desk.step(bar(at(i), PRICE), gate(at(i), key=key))
        found.append(code)
    # The second 7 is refused; eight other keys push the 7 out; key 0 is none.
    assert found == [codes.OK, codes.DUPLICATE_SIGNAL] + [codes.OK] * 11


def test_cooldown_counts_from_the_last_fill_of_either_kind() -> None:
    # In at 0, out at 2 (hold): with a cooldown of 3 minutes the next entry is at 5.
    desk = Desk(rules(hold=2 * MINUTE, cooldown=3 * MINUTE))
    found = {}
    for i in range(6):
        _, code, units = desk.step(bar(at(i), PRICE), gate(at(i)))
        found[i] = codes.OK if units else code
    wait = codes.COOLDOWN_ACTIVE
    assert found == {0: codes.OK, 1: wait, 2: wait, 3: wait, 4: wait, 5: codes.OK}


def test_the_stack_takes_as_many_tickets_as_allowed() -> None:
    desk = Desk(rules(max_stack=3))
    found = [desk.step(bar(at(i), PRICE), gate(at(i)))[1] for i in range(5)]
    assert found == [codes.OK] * 3 + [codes.MAX_STACK_LIMIT] * 2
    assert (desk.book.n, desk.book.units) == (3, 30_000)


def test_an_entry_with_a_latency_of_one_bar_fills_at_the_next_open() -> None:
    desk = Desk(rules(latency=MINUTE, max_stack=2))
    desk.step(bar(T0, 1.1000), gate(T0))
    assert (len(desk.fills), desk.book.planned) == (0, 1)
    _, code, _ = desk.step(bar(at(1), 1.1013), gate(at(1)))
    assert (desk.opened[0].t, desk.opened[0].price, desk.opened[0].gate) == (at(1), 1.1013, T0)
    assert code == codes.OK  # the order before it has just been filled


def test_a_second_gate_waits_while_an_order_is_on_its_way() -> None:
    desk = Desk(rules(latency=2 * MINUTE, max_stack=2))
    desk.step(bar(T0, PRICE), gate(T0))
    _, code, _ = desk.step(bar(at(1), PRICE), gate(at(1)))
    assert code == codes.ORDER_PENDING


def test_an_order_that_the_window_cuts_off_is_counted_as_such() -> None:
    desk = Desk(rules(latency=MINUTE))
    desk.step(bar(T0, PRICE), gate(T0))
    desk.end()
    assert (desk.book.planned, desk.book.filled) == (1, 0)
    assert desk.book.refusals[codes.WINDOW_ENDED] == 1


def test_the_accounts_number_of_tickets_is_capped_over_instruments() -> None:
    desk = Desk(rules(), rules(base_ccy=2), limit=limits(max_positions=1))
    desk.step(bar(T0, PRICE), gate(T0), k=0)
    _, code, _ = desk.step(bar(T0, PRICE), gate(T0), k=1)
    assert (code, desk.account.positions) == (codes.MAX_TOTAL_POSITIONS, 1)


def test_orders_on_their_way_count_against_the_accounts_caps() -> None:
    # One ticket allowed: with a latency both instruments decide before either is filled.
    own = [rules(latency=MINUTE), rules(latency=MINUTE, base_ccy=2)]
    desk = Desk(*own, limit=limits(max_positions=1))
    for i in range(2):
        for k in range(2):
            desk.step(bar(at(i), PRICE), gate(T0), k=k)
    assert desk.account.positions == 1


@pytest.mark.parametrize(
    "limit", [{"margin_budget": 0.05}, {"total_exposure": 2.5}, {"currency_cap": 2.0}, {}]
)
def test_a_latency_changes_no_size_where_prices_stand_still(limit: dict[str, float]) -> None:
    # Each entry wants 1.5 x NAV; EUR_USD and GBP_USD share the dollar and the account.
    found = []
    for latency in (0, MINUTE):
        shared = {"exposure": 1.5, "max_units": 1e9, "latency": latency}
        desk = Desk(rules(**shared), rules(**shared, base_ccy=2), limit=limits(**limit))
        for i in range(2):
            for k in range(2):
                desk.step(bar(at(i), PRICE), gate(T0), k=k)
        found.append([(float(row.units), int(row.reason)) for row in desk.opened])
        assert (desk.account.orders, desk.account.positions) == (0, 2)
    assert found[0] == found[1]
    assert found[0][1][1] == (codes.EXPOSURE_CAP if not limit else found[0][1][1])
    assert (found[0][1][0] < found[0][0][0]) is bool(limit)


def test_volatility_scales_the_exposure_between_its_bounds() -> None:
    # Exposure 1 x 11,000 / 1.1 = 10,000 units at the target 1 %; 2 % halves it, 0.1 % would give
    # ten times but at most twice, 10 % a tenth but at least a quarter.
    for vol, units in ((0.01, 10_000), (0.02, 5_000), (0.001, 20_000), (0.1, 2_500)):
        desk = Desk(rules(exposure=1.0, vol_target=0.01, max_units=1e9), balance=11_000.0)
        desk.step(bar(T0, PRICE, vol=vol), gate(T0))
        assert desk.book.units == units


@pytest.mark.parametrize("vol", [math.nan, 0.0])
def test_unknown_volatility_refuses_where_exposure_is_scaled_by_it(vol: float) -> None:
    desk = Desk(rules(vol_target=0.01))
    _, code, _ = desk.step(bar(T0, PRICE, vol=vol), gate(T0))
    assert (code, len(desk.fills)) == (codes.VOLATILITY_UNKNOWN, 0)


def test_an_account_without_value_opens_nothing() -> None:
    # 10,000 at 0.9 % hold 99 of 100; 110 pips down the NAV is -10.
    desk = Desk(rules(margin_rate=0.009, max_stack=2), balance=100.0)
    desk.enter(PRICE)
    _, code, _ = desk.step(bar(at(1), 1.0890), gate(at(1)))
    assert (code, desk.account.ruined) == (codes.NAV_NOT_POSITIVE, 1)
    assert round(float(desk.account.nav), 6) == -10.0


@pytest.mark.parametrize(
    ("rule", "limit", "units", "code"),
    [
        ({"max_units": 7_000}, {}, 7_000, codes.BROKER_MAX_UNITS),
        ({"max_units": 1e9, "max_position": 12_000}, {}, 12_000, codes.BROKER_MAX_UNITS),
        ({"max_units": 1e9}, {"total_exposure": 2.0}, 18_181, codes.TOTAL_EXPOSURE),
        ({"max_units": 1e9}, {"currency_cap": 1.5}, 13_636, codes.CURRENCY_CAP),
        ({"max_units": 1e9, "exposure": 1.0}, {}, 9_090, codes.EXPOSURE_CAP),
        ({"max_units": 1e9, "exposure": 1.0, "unit_step": 1_000}, {}, 9_000, codes.EXPOSURE_CAP),
    ],
)
def test_the_limit_that_binds_gives_the_units_and_its_name(
    rule: dict[str, float], limit: dict[str, float], units: float, code: int
) -> None:
    # NAV 10,000 at 1.1: twice NAV is 18,181.8 units, 1.5 times 13,636.4, once 9,090.9.
    desk = Desk(rules(**rule), limit=limits(**limit))
    desk.enter(PRICE)
    assert (desk.book.units, desk.opened[0].reason) == (units, code)


def test_fewer_units_than_the_smallest_order_are_none() -> None:
    desk = Desk(rules(max_units=1e9, exposure=1.0, min_units=9_091))
    _, code, units = desk.step(bar(T0, PRICE), gate(T0))
    assert (code, units) == (codes.EXPOSURE_CAP, 0.0)
    desk.end()
    assert (desk.book.admitted, desk.book.sized) == (1, 0)
    assert desk.book.refusals[codes.EXPOSURE_CAP] == 1


def test_an_order_due_outside_the_market_is_cancelled_and_counted() -> None:
    desk = Desk(rules(latency=MINUTE))
    desk.step(bar(T0, PRICE), gate(T0))
    desk.step(bar(at(2), PRICE, marks=r.IN_SESSION | r.CLOSED_BAR), gate(T0))
    assert (desk.book.planned, desk.book.filled) == (1, 0)
    assert desk.book.refusals[codes.MARKET_CLOSED] == 1


def test_an_order_that_the_margin_no_longer_covers_is_cancelled() -> None:
    # 10,000 at 2 % of 1.1 needs 220 of 225; at 1.13 it needs 226.
    desk = Desk(rules(latency=MINUTE), balance=225.0)
    desk.step(bar(T0, PRICE), gate(T0))
    desk.step(bar(at(1), 1.13), gate(T0))
    assert (desk.book.filled, desk.book.refusals[codes.MARGIN_BUDGET]) == (0, 1)


def test_a_gate_that_would_close_the_position_at_once_does_not_open_it() -> None:
    desk = Desk(rules(hazard_exit=0.4, hazard_exit_above=1))
    mask, _, _ = desk.step(bar(T0, PRICE), gate(T0, hazard=0.5))
    assert mask == 1 << codes.HAZARD_AT_EXIT
    assert len(desk.fills) == 0
