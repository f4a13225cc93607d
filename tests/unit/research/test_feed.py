"""A feed puts beside each bar what was known at its open and at its close, and no more."""

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.research.demo_runs import DEFAULT, MINUTE, market, recorded

from hotband.core import records as r
from hotband.errors import ConversionError
from hotband.gates.events import Gates
from hotband.market.calendar import parse_time
from hotband.market.financing import FinancingTable, load_financing
from hotband.market.instruments import load_instruments
from hotband.profile.inherit import Effective
from hotband.profile.strategy import effective, load_profile
from hotband.research.feed import Feed, Surroundings, bar_records, make_feed, merge

TABLE = load_instruments()
NAMES = ("EUR_GBP", "EUR_USD", "GBP_USD")
FROM, TO = "2025-04-07T06:00:00Z", "2025-04-07T22:00:00Z"
WINDOW = (parse_time(FROM), parse_time(TO))


def around(financing: FinancingTable | None = None, pairs: tuple[str, ...] = NAMES) -> Surroundings:
    held = market(*NAMES)
    account = DEFAULT.account
    return Surroundings(
        home="USD",
        hours=account.market_hours(),
        table=TABLE,
        conversion=account.conversion_model(),
        financing=load_financing() if financing is None else financing,
        quotes={name: (held[name].data, MINUTE) for name in pairs},
    )


def settings_of(name: str, **changes: object) -> Effective:
    profile = load_profile({"global": changes, "account": {"home": "USD"}})
    return effective(profile, name)


def feed_of(name: str, gates: Gates | None = None) -> Feed:
    chosen = recorded(name) if gates is None else gates
    return make_feed(market(*NAMES)[name], chosen, settings_of(name), around(), WINDOW)


def test_prices_are_those_of_the_bars_inside_the_window() -> None:
    bars = market(*NAMES)["EUR_USD"]
    got = bar_records(bars, settings_of("EUR_USD"), around(), *WINDOW)
    inside = bars.window(*WINDOW).data
    assert len(got) == len(inside) > 900
    for field in ("t", "bid_o", "bid_h", "bid_l", "bid_c", "ask_o", "ask_h", "ask_l", "ask_c"):
        assert np.array_equal(got[field], inside[field])
    assert not got.flags.writeable


def test_a_bar_that_ends_after_the_window_is_left_out() -> None:
    bars = market(*NAMES)["EUR_USD"]
    got = bar_records(bars, settings_of("EUR_USD"), around(), WINDOW[0] + 1, WINDOW[1] - 1)
    assert got["t"][0] == WINDOW[0] + MINUTE
    assert got["t"][-1] == WINDOW[1] - 2 * MINUTE


def test_money_of_a_dollar_pair_converts_at_one_and_its_base_at_its_own_mid() -> None:
    bars = market(*NAMES)["EUR_USD"].window(*WINDOW).data
    got = feed_of("EUR_USD").bars
    for field in ("gain_o", "loss_o", "gain_c", "loss_c"):
        assert set(got[field].tolist()) == {1.0}
    assert np.allclose(got["base_o"], (bars["bid_o"] + bars["ask_o"]) / 2, rtol=1e-15)
    assert np.allclose(got["base_c"], (bars["bid_c"] + bars["ask_c"]) / 2, rtol=1e-15)


def test_money_of_a_cross_converts_at_the_open_and_close_of_its_pair() -> None:
    pound = market(*NAMES)["GBP_USD"].window(*WINDOW).data
    got = feed_of("EUR_GBP").bars
    assert np.array_equal(got["t"], pound["t"])
    assert np.allclose(got["gain_o"], (pound["bid_o"] + pound["ask_o"]) / 2, rtol=1e-15)
    assert np.allclose(got["gain_c"], (pound["bid_c"] + pound["ask_c"]) / 2, rtol=1e-15)


def test_a_cross_without_its_pair_is_refused_by_name() -> None:
    bars, alone = market(*NAMES), around(pairs=("EUR_USD",))
    with pytest.raises(ConversionError, match="conversion GBP to USD: got no pair"):
        bar_records(bars["EUR_GBP"], settings_of("EUR_GBP"), alone, *WINDOW)


def test_volatility_is_warm_at_the_start_and_undefined_without_thirty_bars_before() -> None:
    bars = market(*NAMES)["EUR_USD"]
    settings = settings_of("EUR_USD")
    assert np.isfinite(bar_records(bars, settings, around(), *WINDOW)["vol"]).all()
    cold = bars.window(WINDOW[0] - 10 * MINUTE, WINDOW[1])
    vol = bar_records(cold, settings, around(), *WINDOW)["vol"]
    assert np.isnan(vol[:20]).all()
    assert np.isfinite(vol[20:]).all()
    assert (vol[20:] > 0).all()


def test_the_last_move_is_the_one_before_the_bar_opens() -> None:
    bars = market(*NAMES)["EUR_USD"]
    mid = (bars.data["bid_c"] + bars.data["ask_c"]) / 2
    got = feed_of("EUR_USD").bars
    first = int(np.searchsorted(bars.data["t"], WINDOW[0]))
    for k in range(50):
        move = mid[first + k - 1] - mid[first + k - 2]
        mark = r.UP_MOVE if move > 0 else r.DOWN_MOVE if move < 0 else 0
        assert got["marks"][k] & (r.UP_MOVE | r.DOWN_MOVE) == mark


def test_sessions_mark_the_bars_that_open_inside_them() -> None:
    session = {"start": "07:00", "end": "16:00", "zone": "UTC"}
    settings = settings_of("EUR_USD", session=session, session_exit_minutes=5.0)
    bars = bar_records(market(*NAMES)["EUR_USD"], settings, around(), *WINDOW)
    t, marks = bars["t"], bars["marks"]
    seven, four = parse_time("2025-04-07T07:00:00Z"), parse_time("2025-04-07T16:00:00Z")
    assert np.array_equal((marks & r.IN_SESSION) > 0, (t >= seven) & (t < four))
    assert np.array_equal((marks & r.SESSION_EXIT) > 0, (t >= four - 5 * MINUTE) & (t < four))


def test_the_day_rolls_at_seventeen_in_new_york() -> None:
    bars = feed_of("EUR_USD").bars
    after = bars["t"] >= parse_time("2025-04-07T21:00:00Z")
    assert len(set(bars["day"][after].tolist())) == len(set(bars["day"][~after].tolist())) == 1
    assert bars["day"][after][0] == bars["day"][~after][0] + 1


def test_financing_falls_on_the_first_bar_after_the_roll_only() -> None:
    rates = {"EUR_USD": [{"from": "2025-01-01", "long": -0.0365, "short": 0.0073}]}
    world = around(load_financing({"rates": rates}))
    bars = bar_records(market(*NAMES)["EUR_USD"], settings_of("EUR_USD"), world, *WINDOW)
    charged = np.flatnonzero(bars["fin_long"])
    assert len(charged) == 1
    assert bars["t"][charged[0]] >= parse_time("2025-04-07T21:00:00Z") > bars["t"][charged[0] - 1]
    assert bars["fin_long"][charged[0]] == pytest.approx(-0.0001)
    assert bars["fin_short"][charged[0]] == pytest.approx(0.00002)


def test_a_gate_is_live_from_the_first_bar_that_opens_when_it_is_known() -> None:
    at = ("2025-04-07T07:00:00Z", "2025-04-07T07:00:30Z", "2025-04-07T07:00:59.999999999Z")
    feed = feed_of("EUR_USD", recorded("EUR_USD", *at))
    opens = feed.bars["t"]
    first = int(np.searchsorted(opens, parse_time(at[0])))
    assert feed.gate_of_bar[:first].tolist() == [0] * first
    assert feed.gate_of_bar[first] == 1
    assert set(feed.gate_of_bar[first + 1 :].tolist()) == {3}
    assert feed.gates["known"][0] == -r.NEVER
    assert feed.gates["skipped"].tolist() == [0, 0, 0, 1]
    assert feed.unjudged == 0


def test_gates_after_the_last_open_are_counted_as_unjudged() -> None:
    feed = feed_of("EUR_USD", recorded("EUR_USD", "2025-04-07T21:58:00Z", "2025-04-07T21:59:30Z"))
    assert feed.unjudged == 1
    assert set(feed.gate_of_bar.tolist()) == {0, 1}


def test_merging_keeps_each_instruments_bars_and_gates() -> None:
    euro = feed_of("EUR_USD", recorded("EUR_USD", "2025-04-07T07:00:00Z"))
    pound = feed_of("GBP_USD", recorded("GBP_USD", "2025-04-07T06:30:00Z", "2025-04-07T09:00:00Z"))
    gone = np.delete(np.arange(len(pound.bars)), [0, 5, 6, 400])
    pound = replace(pound, bars=pound.bars[gone], gate_of_bar=pound.gate_of_bar[gone])
    line = merge([euro, pound])
    assert line.event_bar.shape == (len(euro.bars), 2)
    assert (line.event_bar[:, 1] == -1).sum() == 4
    for k, feed in enumerate((euro, pound)):
        rows = line.event_bar[:, k][line.event_bar[:, k] >= 0]
        assert line.bars[rows].tobytes() == feed.bars.tobytes()
        mine = line.gates["known"][line.gate_of_bar[rows]]
        assert np.array_equal(mine, feed.gates["known"][feed.gate_of_bar])


def test_merging_one_feed_changes_nothing() -> None:
    euro = feed_of("EUR_USD", recorded("EUR_USD", "2025-04-07T07:00:00Z"))
    line = merge([euro])
    assert line.event_bar[:, 0].tolist() == list(range(len(euro.bars)))
    assert line.gates.tobytes() == euro.gates.tobytes()
    assert np.array_equal(line.gate_of_bar, euro.gate_of_bar)
