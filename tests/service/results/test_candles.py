"""Candles are the bars they stand for, and say whether those are still the run's."""

from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotband.core.records import QUOTE
from hotband.errors import BarsError, InputError
from hotband.feeds.demo import demo_bars
from hotband.market.bars import Bars
from hotband.market.calendar import DAY_NS, DEFAULT_HOURS, MINUTE_NS, parse_time
from hotband.service.results.candles import CandleRequest, Candles, bars_changed, buckets, candles
from hotband.stores.memory import memory_bars
from hotband.stores.ports import BarStore
from tests.service.results.conftest import HELD_OUT, MISSING, Held
from tests.unit.report.report_runs import DATA

PAIR = "EUR_USD"
# Three weeks with the change to summer time in New York on 8 March 2026.
WEEKS = demo_bars(
    [PAIR], parse_time("2026-03-01T00:00:00Z"), parse_time("2026-03-22T00:00:00Z"), seed=2
)


def found(held: Held, instrument: str = PAIR, **request: Any) -> Candles:
    return candles(held.store, held.folder, held.latest, instrument, CandleRequest(**request))


def store_of(name: str, bars: Bars) -> BarStore:
    store = memory_bars(name)
    store.append(bars, replace=True)
    return store


def whole(held: Held) -> Bars:
    window = held.latest.window
    return held.store.read(PAIR, "M1", parse_time(window.start), parse_time(window.end))


def test_few_bars_are_their_own_candles(held: Held) -> None:
    seen = found(held, max_points=20_000, side="bid")
    bars = whole(held).data
    assert seen.time_ms == tuple((bars["t"] // 1_000_000).tolist())
    assert seen.open == tuple(bars["bid_o"].tolist())
    assert seen.close == tuple(bars["bid_c"].tolist())
    assert (seen.bucket_minutes, seen.weeks) == (1.0, None)
    assert seen.points == seen.stands_for == len(bars)
    assert (seen.run_id, seen.source) == (held.latest.run_id, whole(held).source)


def test_the_middle_is_halfway_between_bid_and_ask(held: Held) -> None:
    mid, bid, ask = (found(held, max_points=20_000, side=side) for side in ("mid", "bid", "ask"))
    assert mid.high == tuple((b + a) / 2 for b, a in zip(bid.high, ask.high, strict=True))


@settings(deadline=None, max_examples=25)
@given(st.integers(16, 3000))
def test_candles_hold_every_bar_once_and_never_more_than_asked(most: int) -> None:
    bars = WEEKS[PAIR]
    begins, first, length, weeks = buckets(bars, most, DEFAULT_HOURS)
    assert len(first) == len(begins) <= most
    assert first[0] == 0
    assert (np.diff(first) > 0).all()
    assert (np.diff(begins) > 0).all()
    if weeks is None:
        last = np.append(first[1:], len(bars)) - 1
        t = bars.data["t"]
        assert length % bars.granularity_ns == 0
        assert DAY_NS % length == 0
        assert (begins <= t[first]).all()
        assert (t[last] < begins + length).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(16, 3000))
def test_no_candle_of_up_to_a_day_spans_a_roll(most: int) -> None:
    bars = WEEKS[PAIR]
    begins, first, length, weeks = buckets(bars, most, DEFAULT_HOURS)
    t = bars.data["t"]
    last = np.append(first[1:], len(bars)) - 1
    if weeks is None:
        days = DEFAULT_HOURS.trading_day(t)
        assert (days[first] == days[last]).all()
        local = (begins - DEFAULT_HOURS.prev_roll(t[first])) % length
        assert not local[(t[first] - DEFAULT_HOURS.prev_roll(t[first])) < DAY_NS].any()


def test_more_days_than_points_become_whole_trading_weeks() -> None:
    n = 40 * 5
    monday = parse_time("2025-01-06T00:00:00Z")
    t = [monday + (7 * (i // 5) + i % 5) * DAY_NS for i in range(n)]
    data = np.zeros(n, QUOTE)
    data["t"] = t
    for name in QUOTE.names or ():
        if name != "t":
            data[name] = 1.0
    bars = Bars.from_records(PAIR, "D", data, source="demo")
    _, first, _, weeks = buckets(bars, 20, DEFAULT_HOURS)
    assert weeks == 2
    assert set(np.diff(first).tolist()) == {10}


def test_a_candle_opens_first_closes_last_and_spans_the_extremes(held: Held) -> None:
    seen = found(held, max_points=100, side="ask")
    bars = whole(held).data
    edges = [*np.searchsorted(bars["t"], np.array(seen.time_ms) * 1_000_000).tolist(), len(bars)]
    for k, (a, b) in enumerate(pairwise(edges)):
        part = bars[a:b]
        assert seen.open[k] == part["ask_o"][0]
        assert seen.close[k] == part["ask_c"][-1]
        assert seen.high[k] == part["ask_h"].max()
        assert seen.low[k] == part["ask_l"].min()
    assert edges[0] == 0
    assert seen.points <= 100
    assert seen.stands_for == len(bars)
    assert seen.bucket_minutes is not None
    assert seen.bucket_minutes > 1.0


def test_every_trade_of_the_span_has_its_entry_and_exit(held: Held) -> None:
    seen = found(held)
    trades = held.folder.read_table(held.latest, "trades").filter(instrument=PAIR)
    assert seen.markers_found == len(seen.markers) == 2 * trades.height > 0
    entries = [mark for mark in seen.markers if mark.kind == "entry"]
    assert sorted(mark.price for mark in entries) == trades["entry_price"].sort().to_list()
    exits = {mark.trade: mark.pnl for mark in seen.markers if mark.kind == "exit"}
    assert exits == dict(enumerate(trades["pnl"].to_list()))
    for mark in seen.markers:
        assert mark.candle_ms in seen.time_ms
        assert mark.candle_ms is not None
        assert mark.candle_ms <= mark.time_ms


def test_markers_outside_the_span_are_left_out(held: Held) -> None:
    trades = held.folder.read_table(held.latest, "trades").filter(instrument=PAIR)
    first = int(trades["exit_time"].dt.timestamp("ns").to_numpy().min())
    end = pl.Series([first + MINUTE_NS]).cast(pl.Datetime("ns", "UTC"))
    text = end.dt.strftime("%Y-%m-%dT%H:%M:%SZ")[0]
    seen = found(held, end=text)
    assert [mark.kind for mark in seen.markers].count("exit") == 1


def test_bars_that_are_those_of_the_run_have_not_changed(held: Held) -> None:
    assert found(held).bars_changed is False


def test_one_changed_price_of_the_look_back_tells(held: Held) -> None:
    start, end = (parse_time(text) for text in DATA)
    bars = held.store.read(PAIR, "M1", start, end)
    data = bars.data.copy()
    data["ask_h"][-1] += 0.001
    changed = Bars.from_records(PAIR, "M1", data, source=bars.source)
    store = store_of("one price differs", changed)
    assert bars_changed(store, held.latest, PAIR, "M1") is True


def test_later_bars_change_nothing(held: Held) -> None:
    longer = demo_bars([PAIR, "USD_JPY"], parse_time(DATA[0]), parse_time(DATA[1]), seed=5)[PAIR]
    extra = longer.data[-1:].copy()
    extra["t"] += 10 * MINUTE_NS
    data = np.concatenate([longer.data, extra])
    store = store_of("later bars", Bars.from_records(PAIR, "M1", data, source=longer.source))
    assert bars_changed(store, held.latest, PAIR, "M1") is False


def test_the_bars_of_the_run_are_found_whatever_granularity_is_shown(held: Held) -> None:
    assert bars_changed(held.store, held.latest, PAIR, "H1") is False


def test_bars_that_are_gone_have_changed(held: Held) -> None:
    start = parse_time("2026-06-01T00:00:00Z")
    later = demo_bars([PAIR], start, start + 2 * DAY_NS, seed=1)
    assert bars_changed(store_of("gone", later[PAIR]), held.latest, PAIR, "M1") is True


def test_of_an_instrument_that_failed_nobody_can_say(held: Held) -> None:
    seen = found(held, MISSING)
    assert seen.bars_changed is None
    assert seen.absent is not None
    assert seen.absent.text == f"the store has no M1 bars of {MISSING}"


def test_a_span_without_bars_says_so(held: Held) -> None:
    seen = found(held, start="2026-03-07T10:00:00Z", end="2026-03-07T11:00:00Z")
    assert seen.absent is not None
    assert seen.absent.code == "no_bars"
    assert (seen.points, seen.bars_changed) == (0, False)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"side": "last"}, "side: got last; allowed: mid, bid, ask"),
        ({"granularity": "M3"}, "granularity: got M3"),
        ({"max_points": 5}, "max_points: got 5"),
        ({"start": "2026-03-12T00:00:00Z"}, "from and to: got"),
    ],
)
def test_candles_that_cannot_be_are_refused(
    held: Held, request_: dict[str, Any], message: str
) -> None:
    with pytest.raises((InputError, BarsError), match=message):
        found(held, **request_)


def test_marks_are_of_the_trades_of_the_phase_asked_for(held: Held) -> None:
    after, before = (
        candles(held.store, held.folder, held.judged, PAIR, CandleRequest(phase=phase))
        for phase in ("hold_out", "look_back")
    )
    assert (after.phase, after.markers_found) == ("hold_out", 2 * HELD_OUT)
    assert (before.phase, found(held).phase) == ("look_back", "look_back")
    assert before.markers_found > 2 * HELD_OUT
