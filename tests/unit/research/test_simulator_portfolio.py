"""Several instruments in one account: shared money, caps across them, one order of acting."""

import numpy as np
import pytest
from tests.unit.research.demo_runs import DEFAULT, END, PLAIN, START, market, recorded, simulate

from hotband.core import codes
from hotband.core import records as r
from hotband.core.path import path
from hotband.core.records import Records
from hotband.core.shared import share
from hotband.market.bars import Bars
from hotband.market.calendar import parse_time
from hotband.market.instruments import currencies, load_instruments
from hotband.profile.rules import compile_limits, compile_rules
from hotband.profile.strategy import Profile, load_profile
from hotband.research.feed import merge
from hotband.research.portfolio import Logs, PortfolioManager
from hotband.research.result import SimulationResult

TRIO = ("EUR_USD", "GBP_USD", "USD_JPY")
NOON = "2025-04-07T12:00:00Z"


def manager_of(names: tuple[str, ...], profile: Profile) -> PortfolioManager:
    table = load_instruments()
    money = currencies([table[name] for name in names], "USD")
    rules = [compile_rules(profile, table[name], money) for name in names]
    joined = np.concatenate(rules).view(np.recarray)
    return PortfolioManager(names, joined, compile_limits(profile), 100_000.0)


def profile_with(**account: object) -> Profile:
    levels = {"exit": {"hold_minutes": 30}, "nav_risk_pct": None, "gate_max_age_minutes": 15}
    return load_profile({"global": levels, "account": {"home": "USD", **account}})


def test_one_instrument_alone_is_the_path_of_the_grid() -> None:
    result = simulate("EUR_USD")
    feed = result.parts["EUR_USD"].feed
    manager = manager_of(("EUR_USD",), DEFAULT)
    account, books = r.new_account(100_000.0), manager.books
    fills, days = r.empty(r.FILL, len(result.fills)), r.empty(r.DAY, int(result.account[0].days))
    shared = share(feed.bars, feed.gate_of_bar, feed.gates)
    path(account[0], books, shared, manager.rules[0], manager.limits[0], fills, days)
    account["decisions"] = result.account["decisions"]
    assert len(fills) > 50
    assert fills.tobytes() == result.fills.tobytes()
    assert days.tobytes() == result.logs.days[: len(days)].tobytes()
    assert account.tobytes() == result.account.tobytes()
    assert books.tobytes() == result.books.tobytes()


def test_the_order_in_which_instruments_are_named_does_not_matter() -> None:
    there = simulate(list(TRIO)).to_dict()
    back = simulate(list(reversed(TRIO))).to_dict()
    turned = dict(reversed(list(market(*TRIO).items())))
    assert back == there
    assert simulate(list(TRIO), turned).to_dict() == there
    assert there["instruments"] == sorted(TRIO)


def test_instruments_act_in_alphabetical_order_at_one_open() -> None:
    gates = {name: recorded(name, NOON) for name in TRIO}
    result = simulate(list(reversed(TRIO)), gates=gates, profile=profile_with())
    opens = result.fills[result.fills["kind"] == 1]
    assert opens["t"].tolist() == [parse_time(NOON)] * 3
    assert [result.instruments[k] for k in opens["instrument"]] == sorted(TRIO)


def test_all_instruments_size_by_one_nav() -> None:
    """A loss of one instrument makes the next entry of another smaller."""
    gates = {
        "EUR_USD": recorded("EUR_USD", NOON),
        "GBP_USD": recorded("GBP_USD", "2025-04-07T13:00:00Z"),
    }
    both = simulate(["EUR_USD", "GBP_USD"], gates=gates, profile=profile_with())
    alone = simulate("GBP_USD", gates=gates, profile=profile_with())
    euro, pound = both.trades.to_dicts()
    (single,) = alone.trades.to_dicts()
    bars = market("GBP_USD")["GBP_USD"].data
    row = bars[bars["t"] == parse_time("2025-04-07T13:00:00Z")]
    mid = float(row["bid_o"][0] + row["ask_o"][0]) / 2
    assert single["units"] == np.floor(100_000 / mid)
    assert pound["units"] == np.floor((100_000 + euro["pnl"]) / mid)
    assert pound["units"] != single["units"]


def test_a_currency_cap_binds_across_instruments() -> None:
    """Long EUR_USD and long GBP_USD are both short USD: together at most 1.5 NAV of it."""
    gates = {name: recorded(name, NOON) for name in ("EUR_USD", "GBP_USD")}
    profile = profile_with(currency_cap=1.5)
    both = simulate(["EUR_USD", "GBP_USD"], gates=gates, profile=profile)
    euro, pound = both.fills[both.fills["kind"] == 1]
    assert euro["reason"] == codes.EXPOSURE_CAP
    assert pound["reason"] == codes.CURRENCY_CAP
    notional = pound["units"] * pound["price"]
    assert notional == pytest.approx(50_000, rel=1e-3)
    alone = simulate("GBP_USD", gates=gates, profile=profile)
    assert alone.fills[0]["reason"] == codes.EXPOSURE_CAP


def test_opposite_sides_of_a_currency_leave_room_under_its_cap() -> None:
    gates = {"EUR_USD": recorded("EUR_USD", NOON), "GBP_USD": recorded("GBP_USD", NOON, side=-1)}
    result = simulate(["EUR_USD", "GBP_USD"], gates=gates, profile=profile_with(currency_cap=1.5))
    opens = result.fills[result.fills["kind"] == 1]
    assert opens["reason"].tolist() == [codes.EXPOSURE_CAP, codes.EXPOSURE_CAP]


def test_total_exposure_and_margin_bind_across_instruments() -> None:
    gates = {name: recorded(name, NOON) for name in TRIO}
    capped = simulate(list(TRIO), gates=gates, profile=profile_with(total_exposure=2.25))
    opens = capped.fills[capped.fills["kind"] == 1]
    bound = [codes.EXPOSURE_CAP, codes.EXPOSURE_CAP, codes.TOTAL_EXPOSURE]
    assert opens["reason"].tolist() == bound
    # Costs of the two entries before it lower NAV, and with it the cap, by a little.
    assert opens["units"][2] == pytest.approx(25_000, rel=5e-3)
    # 2 % of one NAV for EUR_USD leaves 1 % of NAV, at 5 % for GBP_USD: a fifth of NAV.
    pair = ["EUR_USD", "GBP_USD"]
    tight = simulate(pair, gates=gates, profile=profile_with(margin_budget_pct=3.0))
    opens = tight.fills[tight.fills["kind"] == 1]
    assert opens["reason"].tolist() == [codes.EXPOSURE_CAP, codes.MARGIN_BUDGET]
    assert opens["units"][1] * opens["price"][1] == pytest.approx(20_000, rel=5e-3)


def test_the_count_of_positions_binds_across_instruments() -> None:
    gates = {name: recorded(name, NOON) for name in TRIO}
    result = simulate(list(TRIO), gates=gates, profile=profile_with(max_total_positions=2))
    assert result.trades["instrument"].to_list() == ["EUR_USD", "GBP_USD"]
    assert result.parts["USD_JPY"].funnel.refusals == {"max_total_positions_reached": 1}
    assert result.funnel.gates == 3 == result.funnel.filled + 1


def test_the_funnel_of_the_account_is_the_sum_of_its_instruments() -> None:
    result = simulate(list(TRIO))
    parts = [part.funnel for part in result.parts.values()]
    for stage in ("gates", "admitted", "sized", "planned", "filled"):
        assert getattr(result.funnel, stage) == sum(getattr(part, stage) for part in parts)
    assert result.funnel.gates == result.funnel.filled + sum(result.funnel.refusals.values())
    assert result.funnel.filled > 30


def thinned(bars: Bars, keep: float) -> Bars:
    kept = np.random.default_rng(3).random(len(bars)) < keep
    data = bars.data[kept].copy()
    return Bars.from_records(bars.instrument, "M1", data, source=bars.source)


def test_instruments_with_bars_at_different_times_share_an_account() -> None:
    bars = dict(market(*TRIO))
    bars["GBP_USD"] = thinned(bars["GBP_USD"], 0.6)
    bars["USD_JPY"] = thinned(bars["USD_JPY"], 0.3)
    result = simulate(list(TRIO), bars)
    times = [part.feed.bars["t"] for part in result.parts.values()]
    union = np.unique(np.concatenate(times))
    assert result.equity_curve["time"].to_physical().to_list() == union.tolist()
    for k, own in enumerate(times):
        assert np.isin(result.fills["t"][result.fills["instrument"] == k], own).all()


def live(manager: PortfolioManager, result: SimulationResult) -> tuple[list[object], Records]:
    """What a live session does: one open time after the other, with what is live at it."""
    feeds = [part.feed for part in result.parts.values()]
    timeline = merge(feeds)
    decisions: list[object] = []
    fills = []
    for row in timeline.event_bar:
        events = {}
        for k in np.flatnonzero(row >= 0):
            at, gate = row[k], timeline.gate_of_bar[row[k]]
            live_gate = timeline.gates[gate : gate + 1] if gate else None
            events[manager.names[k]] = (timeline.bars[at : at + 1], live_gate)
        said, filled = manager.on_bars(events)
        decisions += said
        fills.append(filled)
    return decisions, np.concatenate(fills)


def test_a_live_session_repeats_the_backtest_bar_by_bar() -> None:
    """The same events through ``on_bars`` and ``replay`` give the same fills and account."""
    result = simulate(list(TRIO), start="2025-04-07T11:00:00Z", end="2025-04-07T17:00:00Z")
    manager = manager_of(TRIO, DEFAULT)
    decisions, fills = live(manager, result)
    assert len(fills) > 20
    assert fills.tobytes() == result.fills.tobytes()
    for field in ("balance", "unrealised", "nav", "margin", "peak", "max_dd", "fills"):
        assert manager.account[field] == result.account[field]
    assert decisions == result.decisions()


def test_gates_known_at_one_time_keep_their_own_metrics_in_live_decisions() -> None:
    """Gates of all instruments become known together at the close of a bar."""
    gates = {
        "EUR_USD": recorded("EUR_USD", NOON, hazard=0.01),
        "GBP_USD": recorded("GBP_USD", NOON, hazard=0.02),
    }
    pair = ("EUR_USD", "GBP_USD")
    result = simulate(list(pair), gates=gates, profile=profile_with(), start=NOON, end=END)
    decisions, _ = live(manager_of(pair, profile_with()), result)
    assert decisions == result.decisions()
    assert [row.metrics["hazard"] for row in result.decisions()[:2]] == [0.01, 0.02]


def test_a_replay_leaves_room_for_every_row() -> None:
    """Rows past the end of a log would be counted but lost."""
    result = simulate(list(TRIO), profile=PLAIN, start=START, end=END)
    account, logs = result.account[0], result.logs
    assert account.fills <= len(logs.fills)
    assert account.days == len(logs.days)
    assert account.decisions <= len(logs.decisions)
    assert isinstance(logs, Logs)
