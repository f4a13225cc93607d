"""Real weeks through the real feed: clock changes, the weekend, the roll, missing days.

Bars come from ``research.feed.bar_records``; times are asserted in UTC, worked out by hand from
local hours. 2026: New York sets its clocks forward on 8 March, London on 29 March.
"""

import numpy as np
import pytest
from tests.unit.core.builders import HOUR, MINUTE, Desk, gate, rules

from hotband.core import codes
from hotband.core import records as r
from hotband.core.records import Records
from hotband.market.bars import Bars, Column
from hotband.market.calendar import DEFAULT_HOURS, MarketHours, parse_time
from hotband.market.conversion import ConversionModel
from hotband.market.financing import FinancingTable, load_financing
from hotband.market.instruments import load_instruments
from hotband.market.sessions import get_session
from hotband.profile.inherit import Effective
from hotband.research.feed import Surroundings, bar_records

TABLE = load_instruments()
NO_CLOSURE = MarketHours(closure_start="17:00", closure_end="17:00")
at = parse_time


def _hourly(start: str, end: str, *, step: int = HOUR, price: float = 1.1) -> Bars:
    """Flat EUR_USD bars with 2 pips of spread at every open hour of the trading week."""
    times = np.arange(at(start), at(end), step)
    times = times[DEFAULT_HOURS.in_week(times)]
    columns: dict[str, Column] = {"time": times}
    for name in "ohlc":
        columns[f"bid_{name}"] = np.full(len(times), price)
        columns[f"ask_{name}"] = np.full(len(times), price + 0.0002)
    granularity = {HOUR: "H1", MINUTE: "M1"}[step]
    return Bars.from_columns("EUR_USD", granularity, columns, source="test")


def _feed(
    bars: Bars,
    *,
    sessions: tuple[str, ...] = (),
    exit_minutes: float = 0.0,
    weekend_minutes: float = 0.0,
    hours: MarketHours = NO_CLOSURE,
    financing: FinancingTable | None = None,
) -> Records:
    settings = Effective(
        instrument="EUR_USD",
        sessions=tuple(get_session(name) for name in sessions),
        session_exit_minutes=exit_minutes,
        weekend_exit_minutes=weekend_minutes,
    )
    around = Surroundings(
        home="USD",
        hours=hours,
        table=TABLE,
        conversion=ConversionModel(),
        financing=financing or FinancingTable(),
        quotes={"EUR_USD": (bars.data, bars.granularity_ns)},
    )
    first, last = int(bars.data["t"][0]), int(bars.data["t"][-1])
    return bar_records(bars, settings, around, first, last + bars.granularity_ns)


def _rows(feed: Records) -> list[Records]:
    return [feed[i : i + 1].copy().view(np.recarray) for i in range(len(feed))]


def _entry_hours(feed: Records, day: str) -> list[int]:
    """UTC hours of ``day`` at which a fresh gate may enter."""
    found = []
    for row in _rows(feed):
        t = int(row["t"][0])
        desk = Desk()
        _, _, units = desk.step(row, gate(t))
        if units > 0 and at(f"{day}T00:00:00Z") <= t < at(f"{day}T00:00:00Z") + 24 * HOUR:
            found.append((t // HOUR) % 24)
    return found


@pytest.mark.parametrize(
    ("day", "session", "exit_minutes", "hours"),
    [
        # New York 08:00-17:00 is 13-22 UTC before 8 March, 12-21 after; the last hour is barred.
        ("2026-03-06", "new_york", 0, list(range(13, 22))),
        ("2026-03-09", "new_york", 0, list(range(12, 21))),
        ("2026-03-09", "new_york", 60, list(range(12, 20))),
        # London 08:00-17:00 is 8-17 UTC until 27 March, 7-16 from 30 March.
        ("2026-03-09", "london", 0, list(range(8, 17))),
        ("2026-03-27", "london", 60, list(range(8, 16))),
        ("2026-03-30", "london", 0, list(range(7, 16))),
        ("2026-03-30", "london", 60, list(range(7, 15))),
        # New York changes nothing at the end of March.
        ("2026-03-30", "new_york", 0, list(range(12, 21))),
    ],
)
def test_sessions_follow_local_clocks_over_both_changes(
    day: str, session: str, exit_minutes: float, hours: list[int]
) -> None:
    feed = _feed(
        _hourly(f"{day}T00:00:00Z", f"{day}T23:00:00Z"),
        sessions=(session,),
        exit_minutes=exit_minutes,
    )
    assert _entry_hours(feed, day) == hours


def test_the_overlap_of_london_and_new_york_is_five_hours_between_the_changes() -> None:
    for day, first, last in (
        ("2026-03-06", 13, 17),
        ("2026-03-18", 12, 17),
        ("2026-03-30", 12, 16),
    ):
        bars = _hourly(f"{day}T00:00:00Z", f"{day}T23:00:00Z")
        both = [set(_entry_hours(_feed(bars, sessions=(s,)), day)) for s in ("london", "new_york")]
        assert sorted(both[0] & both[1]) == list(range(first, last))


@pytest.mark.parametrize(
    ("start", "end", "flat"),
    [
        # Friday 17:00 New York is 22:00 UTC on 6 March and 21:00 UTC on 13 March; an hour before
        # it the hourly bar that opens at 21:00 (20:00) is the one that would end too late.
        ("2026-03-06T10:00:00Z", "2026-03-06T22:00:00Z", "2026-03-06T21:00:00Z"),
        ("2026-03-13T10:00:00Z", "2026-03-13T21:00:00Z", "2026-03-13T20:00:00Z"),
        ("2026-03-27T10:00:00Z", "2026-03-27T21:00:00Z", "2026-03-27T20:00:00Z"),
    ],
)
def test_weekend_flat_follows_new_yorks_clock(start: str, end: str, flat: str) -> None:
    rows = _rows(_feed(_hourly(start, end), weekend_minutes=60.0))
    desk = Desk(rules(flat_weekend=1))
    for row in rows:
        desk.step(row, gate(at(start)))
    assert (desk.trade.t, desk.trade.reason) == (at(flat), codes.WEEKEND_FLAT)
    # And nothing is entered any more.
    mask, _, _ = desk.step(rows[-1], gate(int(rows[-1]["t"][0])))
    assert mask >> codes.WEEKEND_CLOSE & 1


def test_the_roll_moves_from_22_to_21_utc_with_new_yorks_clock() -> None:
    table = load_financing(
        {"rates": {"EUR_USD": [{"from": "2026-01-01", "long": -0.0365, "short": 0.0}]}}
    )
    bars = _hourly("2026-03-05T12:00:00Z", "2026-03-10T12:00:00Z")
    desk = Desk(rules(max_units=10_000), balance=100_000.0)
    charged = []
    for row in _rows(_feed(bars, financing=table)):
        before = float(desk.account.financing)
        desk.step(row, gate(at("2026-03-05T12:00:00Z")))
        if float(desk.account.financing) != before:
            charged.append((int(row["t"][0]), round(float(desk.account.financing) - before, 6)))
    # 10,000 x 1.1001 x 3.65 % / 365 = 1.1001 a roll: Thursday 22:00 UTC; Friday's, at the weekly
    # close, is found by Sunday's first bar at 21:00 UTC; Monday's at 21:00 UTC.
    assert charged == [
        (at("2026-03-05T22:00:00Z"), -1.1001),
        (at("2026-03-08T21:00:00Z"), -1.1001),
        (at("2026-03-09T21:00:00Z"), -1.1001),
    ]
    desk.end()
    first = at("2026-03-05T00:00:00Z") // (24 * HOUR)
    days = desk.day_log[: int(desk.account.days)]["day"].tolist()
    assert days == [first, first + 1, first + 4, first + 5]


LAST = "2026-03-06T21:59:00Z"


def test_an_entry_on_the_last_bar_of_the_week_is_held_into_sundays_gap() -> None:
    # Bought at 1.1002 on the minute before Friday 17:00 New York, stop 20 pips: 1.0982. Sunday
    # 17:00 New York is 21:00 UTC after the change of clocks; its first bid is 1.0940: -62.
    friday = _hourly("2026-03-06T21:50:00Z", "2026-03-06T22:00:00Z", step=MINUTE)
    sunday = _hourly("2026-03-08T20:00:00Z", "2026-03-08T21:05:00Z", step=MINUTE, price=1.0940)
    data = np.concatenate([friday.data, sunday.data])
    assert [int(data["t"][9]), int(data["t"][10])] == [at(LAST), at("2026-03-08T21:00:00Z")]
    bars = Bars.from_records("EUR_USD", "M1", data, source="test")
    desk = Desk(rules(stop_abs=0.0020, hold=30 * MINUTE))
    for row in _rows(_feed(bars)):
        live = gate(at(LAST)) if row["t"][0] >= at(LAST) else None
        desk.step(row, live)
    assert desk.opened[0].t == at(LAST)
    assert (desk.trade.t, desk.trade.price) == (at("2026-03-08T21:00:00Z"), 1.0940)
    assert (desk.trade.reason, round(float(desk.trade.gross), 6)) == (codes.STOP_LOSS, -62.0)


def test_the_last_bar_of_the_week_takes_no_entry_by_default() -> None:
    bars = _hourly("2026-03-06T21:40:00Z", "2026-03-06T22:00:00Z", step=MINUTE)
    closure = _rows(_feed(bars, hours=DEFAULT_HOURS))
    weekend = _rows(_feed(bars, weekend_minutes=15.0))
    closed, late = 1 << codes.MARKET_CLOSED, 1 << codes.WEEKEND_CLOSE
    # 16:58 and 16:59 are inside the daily closure; 16:45 is the first bar that ends too late.
    masks = [Desk().step(row, gate(int(row["t"][0])))[0] for row in closure]
    assert masks == [0] * 18 + [closed] * 2
    masks = [Desk().step(row, gate(int(row["t"][0])))[0] for row in weekend]
    assert masks == [0] * 5 + [late] * 15


def test_a_day_without_bars_is_crossed_at_the_next_bar_that_comes() -> None:
    # Monday 20:00 UTC in at 1.1002 (2 March, roll 22:00 UTC); no bar until Wednesday 06:00. Hold
    # 2 hours ended long ago: out at Wednesday's open. Two rolls at 3.65 % cost 2 x 1.1001.
    monday = _hourly("2026-03-02T20:00:00Z", "2026-03-02T21:00:00Z")
    wednesday = _hourly("2026-03-04T06:00:00Z", "2026-03-04T08:00:00Z")
    data = np.concatenate([monday.data, wednesday.data])
    bars = Bars.from_records("EUR_USD", "H1", data, source="test")
    table = load_financing(
        {"rates": {"EUR_USD": [{"from": "2026-01-01", "long": -0.0365, "short": 0.0}]}}
    )
    desk = Desk(rules(hold=2 * HOUR))
    for row in _rows(_feed(bars, financing=table)):
        desk.step(row, gate(at("2026-03-02T20:00:00Z")))
    assert (desk.trade.t, desk.trade.reason) == (at("2026-03-04T06:00:00Z"), codes.HOLD_EXPIRY)
    assert round(float(desk.trade.financing), 6) == -2.2002
    assert round(float(desk.account.balance), 6) == round(10_000 - 2.0 - 2.2002, 6)
    # Days without bars have no row: Monday and Wednesday only.
    desk.end()
    assert desk.account.days == 2


def test_a_silent_instrument_keeps_its_last_mark_while_another_trades() -> None:
    # EUR_USD loses 12 pips on Monday's last bar and is silent on Tuesday; the account's NAV
    # carries those -12.00 through every bar of the other instrument.
    desk = Desk(rules(), rules(base_ccy=2))
    rows = _rows(_feed(_hourly("2026-03-02T20:00:00Z", "2026-03-04T20:00:00Z")))
    desk.step(rows[0], gate(int(rows[0]["t"][0])), k=0)
    low = rows[1].copy().view(np.recarray)
    for name in ("bid_o", "bid_h", "bid_l", "bid_c"):
        low[name] = 1.0990
    desk.step(low, k=0)
    for row in rows[2:26]:
        desk.step(row, k=1)
        assert round(float(desk.account.nav), 6) == 9_988.0
    assert desk.book.units == 10_000
    assert rows[0].dtype == r.BAR


def _wandering(pair: str, seed: int, price: float) -> Bars:
    rng = np.random.default_rng(seed)
    bars = _hourly("2026-03-04T00:00:00Z", "2026-03-11T00:00:00Z")
    path = price * np.exp(0.001 * rng.standard_normal((2, len(bars))).cumsum(axis=1))
    keep = rng.random(len(bars)) < 0.9
    data = bars.data[keep].copy()
    for name, values in (("o", path[0]), ("c", path[1])):
        data[f"bid_{name}"], data[f"ask_{name}"] = values[keep], values[keep] * 1.0001
    for side in ("bid", "ask"):
        data[f"{side}_h"] = np.maximum(data[f"{side}_o"], data[f"{side}_c"])
        data[f"{side}_l"] = np.minimum(data[f"{side}_o"], data[f"{side}_c"])
    return Bars.from_records(pair, "H1", data, source="test")


@pytest.mark.parametrize("seed", range(5))
def test_what_a_bar_knows_of_market_and_rates_does_not_depend_on_later_bars(seed: int) -> None:
    prices = {"EUR_GBP": 0.855, "GBP_USD": 1.269, "EUR_USD": 1.085}
    all_bars = {pair: _wandering(pair, seed + i, p) for i, (pair, p) in enumerate(prices.items())}
    table = load_financing(
        {"rates": {"EUR_GBP": [{"from": "2026-01-01", "long": -0.02, "short": 0.01}]}}
    )
    settings = Effective(
        instrument="EUR_GBP", sessions=(get_session("london"),), vol_half_life_bars=20
    )

    def known_by(end_ns: int) -> Records:
        cut = {}
        for pair, bars in all_bars.items():
            seen = bars.data[bars.known_ns <= end_ns]
            cut[pair] = Bars.from_records(pair, "H1", seen, source="test")
        around = Surroundings(
            home="USD",
            hours=NO_CLOSURE,
            table=TABLE,
            conversion=ConversionModel("mid", 0.005),
            financing=table,
            quotes={pair: (bars.data, bars.granularity_ns) for pair, bars in cut.items()},
        )
        return bar_records(cut["EUR_GBP"], settings, around, at("2026-03-05T00:00:00Z"), end_ns)

    whole = known_by(at("2026-03-11T00:00:00Z"))
    for hours in (30, 70, 100, 130):
        part = known_by(at("2026-03-05T00:00:00Z") + hours * HOUR)
        # A rate at a bar's open may be another pair's open at that very time; of the last bar
        # that bar is not complete yet, and its open is all that it lends.
        assert part[:-1].tobytes() == whole[: len(part) - 1].tobytes()
        closes = ["gain_c", "loss_c", "base_c", "marks", "vol", "fin_long"]
        assert part[closes][-1:].tobytes() == whole[closes][len(part) - 1 : len(part)].tobytes()
