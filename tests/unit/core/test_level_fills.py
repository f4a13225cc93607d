"""Stops and targets: which price they get in gaps, inside bars, and when they move.

The long of these cases buys 10,000 EUR_USD at 1.1002 (bid 1.1000), the short sells at 1.1000
(ask 1.1002), in a USD account: a pip is 1.00.
"""

import pytest
from tests.unit.core.builders import T0, Desk, at, bar, gate, rules

from hotband.core import codes
from hotband.market.calendar import parse_time

PIP = 0.0001
SPREAD = 0.0002
FRIDAY = parse_time("2026-03-06T21:59:00Z")
SUNDAY = parse_time("2026-03-08T21:00:00Z")


def _desk(side: int = 1, *, t: int = T0, **fields: float) -> Desk:
    desk = Desk(rules(**fields))
    desk.enter(1.1000, side, spread=SPREAD, t=t)
    assert float(desk.opened[0].price) == (1.1002 if side > 0 else 1.1000)
    return desk


def _money(desk: Desk) -> float:
    return round(float(desk.trade.gross), 6)


@pytest.mark.parametrize(
    ("side", "bid", "ask", "price", "gross"),
    [
        # stop 1.0982; Sunday's bid 1.0950 is through it: -52 pips, not -20
        (1, 1.0950, 1.0955, 1.0950, -52.0),
        # stop 1.1020; Sunday's ask 1.1055 is through it although the bid 1.1015 is not: -55
        (-1, 1.1015, 1.1055, 1.1055, -55.0),
    ],
)
def test_a_weekend_gap_through_a_stop_fills_at_sundays_open(
    side: int, bid: float, ask: float, price: float, gross: float
) -> None:
    desk = _desk(side, t=FRIDAY, stop_abs=20 * PIP)
    assert float(desk.book.tk_stop[0]) == (1.0982 if side > 0 else 1.1020)
    desk.step(bar(SUNDAY, bid, ask))
    done = desk.trade
    assert (done.t, done.price, done.intrabar) == (SUNDAY, price, 0)
    assert (done.reason, _money(desk)) == (codes.STOP_LOSS, gross)


@pytest.mark.parametrize(
    ("side", "bid", "ask", "price"),
    [
        (1, 1.1050, 1.1052, 1.1032),  # target 1.1032, opens 18 pips beyond: the limit
        (-1, 1.0948, 1.0950, 1.0970),  # target 1.0970, ask opens at 1.0950: the limit
    ],
)
def test_a_gap_beyond_a_target_fills_at_the_limit_never_better(
    side: int, bid: float, ask: float, price: float
) -> None:
    desk = _desk(side, t=FRIDAY, target_abs=30 * PIP)
    desk.step(bar(SUNDAY, bid, ask))
    assert (desk.trade.reason, desk.trade.price) == (codes.TAKE_PROFIT, price)
    assert _money(desk) == 30.0


@pytest.mark.parametrize(
    ("side", "bid", "price"),
    [
        (1, (1.1000, 1.1040, 1.0970, 1.1010), 1.0982),
        (-1, (1.1000, 1.1025, 1.0960, 1.1010), 1.1020),
    ],
)
def test_a_bar_that_touches_both_levels_counts_as_the_stop_and_as_ambiguous(
    side: int, bid: tuple[float, float, float, float], price: float
) -> None:
    desk = _desk(side, stop_abs=20 * PIP, target_abs=30 * PIP)
    desk.step(bar(at(1), bid, spread=SPREAD))
    assert (desk.trade.reason, desk.trade.price) == (codes.STOP_LOSS, price)
    assert (_money(desk), desk.book.ambiguous) == (-20.0, 1)


@pytest.mark.parametrize(
    ("open_", "reason", "gross"),
    [
        (1.0980, codes.STOP_LOSS, -22.0),  # opens through the stop, then reaches the target
        (1.1035, codes.TAKE_PROFIT, 30.0),  # opens beyond the target, then falls to the stop
    ],
)
def test_a_level_crossed_at_the_open_comes_before_the_bars_extremes(
    open_: float, reason: int, gross: float
) -> None:
    desk = _desk(stop_abs=20 * PIP, target_abs=30 * PIP)
    desk.step(bar(at(1), (open_, 1.1050, 1.0970, 1.1000), spread=SPREAD))
    assert (desk.trade.reason, _money(desk), desk.book.ambiguous) == (reason, gross, 0)


def test_a_stop_touched_to_the_point_is_hit_and_one_point_above_is_not() -> None:
    desk = _desk(stop_abs=20 * PIP)
    desk.step(bar(at(1), (1.1000, 1.1000, 1.09821, 1.0990), spread=SPREAD))
    assert len(desk.trades) == 0
    desk.step(bar(at(2), (1.0990, 1.0990, 1.0982, 1.0990), spread=SPREAD))
    assert (desk.trade.price, desk.trade.intrabar, _money(desk)) == (1.0982, 1, -20.0)


def test_a_stop_pays_slippage_and_a_target_does_not() -> None:
    # 1 bp: in at 1.1002 x 1.0001 = 1.10031002; stop 20 pips below, up to the point: 1.09832, out
    # at 1.09832 x 0.9999 = 1.098210168: -20.99852. Target 30 above, up: 1.10332 -> +30.0998.
    for low, high, price, gross in (
        (1.0980, 1.1000, 1.098210168, -20.99852),
        (1.0990, 1.1040, 1.10332, 30.0998),
    ):
        desk = Desk(rules(slippage=1e-4, stop_abs=20 * PIP, target_abs=30 * PIP))
        desk.enter(1.1000, spread=SPREAD)
        desk.step(bar(at(1), (1.1000, high, low, 1.1000), spread=SPREAD))
        assert float(desk.trade.price) == pytest.approx(price, abs=1e-12)
        assert float(desk.trade.gross) == pytest.approx(gross, abs=1e-6)


def test_a_shorts_stop_is_hit_by_the_ask_alone() -> None:
    # Bid stays at 1.1000; the ask spikes to 1.1020, as spreads do at the roll.
    desk = _desk(-1, stop_abs=20 * PIP)
    desk.step(bar(at(1), 1.1000, (1.1002, 1.1019, 1.1002, 1.1002)))
    assert len(desk.trades) == 0
    desk.step(bar(at(2), 1.1000, (1.1002, 1.1020, 1.1002, 1.1002)))
    assert (desk.trade.price, _money(desk)) == (1.1020, -20.0)


def test_a_longs_levels_are_blind_to_the_ask() -> None:
    desk = _desk(stop_abs=20 * PIP, target_abs=30 * PIP)
    desk.step(bar(at(1), 1.1000, (1.1002, 1.1060, 1.0900, 1.1002)))
    assert len(desk.trades) == 0


def test_a_shorts_target_needs_the_ask() -> None:
    # Target 1.0970: a bid of 1.0969 with an ask of 1.0971 does not fill it.
    desk = _desk(-1, target_abs=30 * PIP)
    desk.step(bar(at(1), (1.1000, 1.1000, 1.0969, 1.0980), spread=SPREAD))
    assert len(desk.trades) == 0
    desk.step(bar(at(2), (1.0980, 1.0980, 1.0968, 1.0980), spread=SPREAD))
    assert (desk.trade.price, _money(desk)) == (1.0970, 30.0)


def test_the_bar_of_entry_can_hit_the_stop() -> None:
    # Entered at its open 1.1002, the same bar falls to 1.0975: stop 1.0982.
    desk = Desk(rules(stop_abs=20 * PIP))
    desk.step(bar(T0, (1.1000, 1.1001, 1.0975, 1.0990), spread=SPREAD), gate(T0))
    assert (desk.trade.t, desk.trade.price, _money(desk)) == (T0, 1.0982, -20.0)


@pytest.mark.parametrize(("side", "price", "gross"), [(1, 1.1000, -20.0), (-1, 1.1020, -20.0)])
def test_a_stop_inside_the_spread_never_fills_better_than_the_market(
    side: int, price: float, gross: float
) -> None:
    # Bid 1.1000, ask 1.1020 and nothing moves. A long at 1.1020 with a stop of 5 pips (1.1015) is
    # stopped out at once, and can only be sold at the bid 1.1000: -20 pips, not -5.
    desk = Desk(rules(stop_abs=5 * PIP))
    desk.step(bar(T0, 1.1000, spread=0.0020), gate(T0, side))
    assert desk.trade.reason == codes.STOP_LOSS
    assert (float(desk.trade.price), _money(desk)) == (price, gross)


def test_levels_lie_on_the_price_grid_on_the_careful_side() -> None:
    # 0.15 % of 1.1002 is 0.0016503: stop 1.0985497 up to 1.09855, target 1.1018503 up to 1.10186.
    # The short: 1.1000 + 0.00165 = 1.10165 exactly, target 1.09835.
    long = _desk(stop_frac=0.0015, target_frac=0.0015)
    assert (long.book.tk_stop[0], long.book.tk_target[0]) == (1.09855, 1.10186)
    short = _desk(-1, stop_frac=0.0015, target_frac=0.0015)
    assert (short.book.tk_stop[0], short.book.tk_target[0]) == (1.10165, 1.09835)


def test_breakeven_waits_for_the_bar_after_its_trigger() -> None:
    # Bar 1 rises 11 pips above 1.1002 and also falls below the entry: it must not be stopped by a
    # stop that its own high made. Bar 2 falls to 1.1000: out at the entry, profit 0.
    desk = _desk(stop_abs=20 * PIP, breakeven_abs=10 * PIP)
    desk.step(bar(at(1), (1.1005, 1.1013, 1.0995, 1.1008), spread=SPREAD))
    assert (desk.book.tk_stop[0], desk.book.tk_stop_code[0]) == (1.1002, codes.BREAKEVEN_STOP)
    assert len(desk.trades) == 0
    desk.step(bar(at(2), (1.1008, 1.1008, 1.1000, 1.1001), spread=SPREAD))
    done = desk.trade
    assert (done.reason, done.price, done.stop) == (codes.BREAKEVEN_STOP, 1.1002, 1.0982)
    assert _money(desk) == 0.0


def test_breakeven_below_its_trigger_does_nothing() -> None:
    desk = _desk(stop_abs=20 * PIP, breakeven_abs=10 * PIP)
    desk.step(bar(at(1), (1.1005, 1.1011, 1.1000, 1.1008), spread=SPREAD))
    assert desk.book.tk_stop[0] == 1.0982


@pytest.mark.parametrize(
    ("side", "first", "second", "stop", "gross"),
    [
        # High 1.1030 puts the stop at 1.1020 from bar 2 on, not on bar 1's own low 1.1005.
        (1, (1.1003, 1.1030, 1.1005, 1.1025), (1.1025, 1.1026, 1.1018, 1.1019), 1.1020, 18.0),
        # Ask low 1.0970 + 2 = 1.0972: stop 1.0982, hit by bar 2's ask high 1.0984: 1.1000 -> 18.
        (-1, (1.1000, 1.1002, 1.0970, 1.0975), (1.0975, 1.0982, 1.0974, 1.0980), 1.0982, 18.0),
    ],
)
def test_a_trailing_stop_uses_extremes_of_earlier_bars_only(
    side: int, first: tuple[float, float, float, float],
    second: tuple[float, float, float, float], stop: float, gross: float,
) -> None:  # fmt: skip
    desk = _desk(side, trail_abs=10 * PIP)
    desk.step(bar(at(1), first, spread=SPREAD))
    assert len(desk.trades) == 0
    assert desk.book.tk_stop[0] == stop
    desk.step(bar(at(2), second, spread=SPREAD))
    done = desk.trade
    assert (done.reason, done.price, _money(desk)) == (codes.TRAILING_STOP, stop, gross)


def test_a_trailing_stop_never_goes_back() -> None:
    desk = _desk(trail_abs=10 * PIP)
    for i, high in enumerate((1.1030, 1.1024, 1.1028)):
        desk.step(bar(at(i + 1), (1.1022, high, 1.1021, 1.1022), spread=SPREAD))
        assert desk.book.tk_stop[0] == 1.1020


def test_a_trailing_stop_gapped_through_fills_at_the_open() -> None:
    desk = _desk(trail_abs=10 * PIP)
    desk.step(bar(at(1), (1.1003, 1.1030, 1.1003, 1.1029), spread=SPREAD))
    desk.step(bar(at(2), 1.1011, spread=SPREAD))
    assert (desk.trade.reason, desk.trade.price) == (codes.TRAILING_STOP, 1.1011)
    assert _money(desk) == 9.0


def test_a_trade_that_never_gained_does_not_trail() -> None:
    desk = _desk(trail_abs=10 * PIP)
    desk.step(bar(at(1), (1.1000, 1.1002, 1.0960, 1.0960), spread=SPREAD))
    assert desk.book.tk_stop[0] != desk.book.tk_stop[0]


def test_extremes_of_a_trade_are_those_of_its_closing_side() -> None:
    desk = _desk(target_abs=30 * PIP)
    desk.step(bar(at(1), (1.1000, 1.1020, 1.0990, 1.1010), spread=SPREAD))
    desk.step(bar(at(2), (1.1010, 1.1040, 1.1005, 1.1035), spread=SPREAD))
    assert (desk.trade.best, desk.trade.worst) == (1.1032, 1.0990)
