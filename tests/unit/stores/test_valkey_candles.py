"""Candles in every form of the existing stack become bars that say where they are from."""

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from tests.contract.samples import START_NS, bars_at, quotes
from tests.valkey_server import Database

from hotband.errors import BarsError, InstrumentError, StoreError
from hotband.market.bars import Bars
from hotband.market.calendar import DAY_NS, MINUTE_NS
from hotband.market.instruments import get_instrument, load_instruments
from hotband.market.spreads import SpreadProfile
from hotband.stores.valkey_address import parse_valkey_url
from hotband.stores.valkey_bars import ValkeyBarStore, rows_of, valkey_bars
from hotband.stores.valkey_candles import CandleReport

T = START_NS // 1_000_000
DAY = (START_NS, START_NS + DAY_NS)
KEY = "md:candles:EUR_USD:M1"
PRICES: dict[str, Any] = {"o": 1.1, "h": 1.102, "l": 1.099, "c": 1.101}
LONG = {"open": 1.1, "high": 1.102, "low": 1.099, "close": 1.101}
ASK = {"o": 1.1002, "h": 1.1022, "l": 1.0992, "c": 1.1012}


def rows(*candles: Mapping[str, object] | bytes) -> tuple[list[dict[str, Any]], CandleReport]:
    members = [c if isinstance(c, bytes) else json.dumps(c).encode() for c in candles]
    frame, report = rows_of(members, "EUR_USD", "M1")
    assert report.candles == report.bars + report.superseded + sum(report.refused.values())
    assert set(report.examples) == set(report.refused) | set(report.repaired)
    return frame.to_dicts(), report


def one(candle: Mapping[str, object]) -> dict[str, Any]:
    (row,), _ = rows(candle)
    return row


def mids(row: Mapping[str, Any]) -> list[float]:
    return [(row[f"bid_{letter}"] + row[f"ask_{letter}"]) / 2 for letter in "ohlc"]


@pytest.mark.parametrize(
    "time",
    [
        {"t": T},
        {"t": str(T)},
        {"t": float(T)},
        {"t": "2025-04-30T23:50:00.000000000Z"},
        {"timestamp": T},
        {"timestamp": "2025-05-01T01:50:00+02:00"},
        {"time": T},
        {"time": str(T)},
        {"time": "2025-04-30T23:50:00Z"},
        {"t": None, "time": "2025-04-30T23:50:00Z"},
        {"t": T, "time": "never mind"},
    ],
)
def test_every_form_of_time_is_read(time: dict[str, object]) -> None:
    row = one(PRICES | time)
    assert row["time"].timestamp() * 1000 == T


@pytest.mark.parametrize(
    ("time", "kind"),
    [
        ({}, "time_missing"),
        ({"t": None}, "time_missing"),
        ({"t": T // 1000}, "time_unreadable"),
        ({"t": True}, "time_unreadable"),
        ({"t": T + 0.5}, "time_unreadable"),
        ({"t": -T}, "time_unreadable"),
        ({"t": [T]}, "time_unreadable"),
        ({"time": "2025-04-30T23:50:00"}, "time_unreadable"),
        ({"time": "yesterday"}, "time_unreadable"),
        ({"t": 10**15}, "time_unreadable"),
        ({"t": T + 1000}, "misaligned"),
    ],
)
def test_other_times_are_refused_by_kind(time: dict[str, object], kind: str) -> None:
    _, report = rows(PRICES | time)
    assert report.refused == {kind: 1}


@pytest.mark.parametrize(
    "prices",
    [
        PRICES,
        LONG,
        {"mid": PRICES},
        {"mid": LONG},
        PRICES | {"mid": {"o": 2.0, "h": 2.0, "l": 2.0, "c": 2.0}},
        {name: str(value) for name, value in PRICES.items()},
        {"o": 1.1, "high": "1.102", "l": 0, "mid": {"l": 1.099, "c": 1.101}},
        {"mid": PRICES, "bid": {"o": 1.0}},
    ],
)
def test_every_form_of_mid_is_read_and_completed_from_the_table(
    prices: dict[str, object],
) -> None:
    row = one({"t": T} | prices)
    assert mids(row) == pytest.approx([1.1, 1.102, 1.099, 1.101], abs=1e-5)
    assert (row["side_origin"], row["source"]) == ("mid", "valkey")
    pair = get_instrument("EUR_USD", load_instruments())
    spread = float(SpreadProfile.from_table(pair).at(np.array([START_NS]))[0])
    assert row["ask_c"] - row["bid_c"] == pytest.approx(spread, abs=1e-5)


def test_both_sides_are_taken_as_they_are() -> None:
    row = one({"t": T, "mid": PRICES, "bid": PRICES, "ask": ASK, "v": 7})
    assert [row[f"bid_{x}"] for x in "ohlc"] == list(PRICES.values())
    assert [row[f"ask_{x}"] for x in "ohlc"] == list(ASK.values())
    assert (row["side_origin"], row["volume"]) == ("ba", 7.0)


@pytest.mark.parametrize("side", ["bid", "ask"])
def test_one_side_alone_is_kept_and_said(side: str) -> None:
    row = one({"t": T, side: PRICES})
    assert [row[f"{side}_{x}"] for x in "ohlc"] == list(PRICES.values())
    assert row["side_origin"] == side


def test_a_side_without_all_prices_is_not_used_and_counted() -> None:
    (row,), report = rows({"t": T, "bid": PRICES, "ask": {"c": 1.1}})
    assert row["side_origin"] == "bid"
    assert report.repaired == {"side_incomplete": 1}


@pytest.mark.parametrize(
    ("prices", "kind"),
    [
        ({}, "price_missing"),
        ({"o": 1.1, "h": 1.1, "l": 1.1}, "price_missing"),
        (PRICES | {"c": 0}, "price_missing"),
        (PRICES | {"c": "0.0"}, "price_missing"),
        (PRICES | {"c": None}, "price_missing"),
        (PRICES | {"c": "n/a"}, "price_unreadable"),
        (PRICES | {"c": True}, "price_unreadable"),
        (PRICES | {"c": "1e999"}, "price_unreadable"),
        (PRICES | {"c": -1.1, "l": -2.0}, "not_positive"),
        (PRICES | {"h": 1.0}, "high_low"),
        ({"bid": ASK, "ask": PRICES}, "crossed"),
        (PRICES | {"complete": False}, "not_complete"),
    ],
)
def test_unusable_prices_are_refused_by_kind(prices: dict[str, object], kind: str) -> None:
    _, report = rows({"t": T} | prices)
    assert report.refused == {kind: 1}


@pytest.mark.parametrize(
    ("volume", "read", "repaired"),
    [
        ({"v": 7}, 7.0, {}),
        ({"volume": "12"}, 12.0, {}),
        ({"v": 0}, 0.0, {}),
        ({}, None, {}),
        ({"v": None}, None, {}),
        ({"v": -1}, None, {"volume_unreadable": 1}),
        ({"v": "many"}, None, {"volume_unreadable": 1}),
    ],
)
def test_volumes_are_read_or_unknown(
    volume: dict[str, object], read: float | None, repaired: dict[str, int]
) -> None:
    (row,), report = rows({"t": T} | PRICES | volume)
    assert row["volume"] == read
    assert report.repaired == repaired


def test_a_spread_of_its_own_is_used_where_it_is_likely() -> None:
    (row,), report = rows({"t": T, "spread": 0.0004, **PRICES})
    assert (row["bid_c"], row["ask_c"]) == (1.1008, 1.1012)
    assert row["side_origin"] == "mid"
    assert report.repaired == {"own_spread": 1}


@pytest.mark.parametrize("spread", [1.4, -0.0002])
def test_a_spread_in_pips_or_below_zero_is_not_used_and_counted(spread: float) -> None:
    (row,), report = rows({"t": T, "spread": spread, **PRICES})
    assert row == one({"t": T} | PRICES)
    assert report.repaired == {"spread_unlikely": 1}


def test_what_is_no_candle_is_counted_with_an_example() -> None:
    found, report = rows(b"\xff", b"{", b"[1]", b"7", b"", {"t": T} | PRICES)
    assert len(found) == 1
    assert report.refused == {"not_an_object": 2, "not_json": 3}
    assert report.examples["not_an_object"] == "[1]"
    assert "Refused 2: is JSON, but not an object ([1])." in report.lines()


def test_of_two_candles_of_one_time_the_later_that_can_be_used_wins() -> None:
    good = {"t": T} | PRICES
    later = {"t": str(T)} | {name: value + 0.5 for name, value in PRICES.items()}
    (row,), report = rows(good, later, {"t": T} | PRICES | {"h": 0.5})
    assert mids(row)[0] == pytest.approx(1.6, abs=1e-5)
    assert (report.superseded, report.refused) == (1, {"high_low": 1})


# On a server --------------------------------------------------------------------------------


class Place:
    """Stores in a database, and candles of others in it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.client = database.client
        self.stores: list[ValkeyBarStore] = []

    def store(self, **settings: float | str) -> ValkeyBarStore:
        self.stores.append(valkey_bars(parse_valkey_url(self.database.url(**settings))))
        return self.stores[-1]

    def put(self, *candles: Mapping[str, object], key: str = KEY) -> None:
        for candle in candles:
            self.client.zadd(key, {json.dumps(candle): int(str(candle["t"]))})


@pytest.fixture
def place(database: Database) -> Iterator[Place]:
    made = Place(database)
    yield made
    for store in made.stores:
        store.close()


def streamed(minute: int) -> dict[str, object]:
    """A candle as the streamer of the existing stack writes it."""
    return {"time": "", "t": T + 60_000 * minute, **PRICES, "v": 7, "mid": PRICES}


def test_bars_of_the_streamer_are_read_and_their_report_is_given(place: Place) -> None:
    place.put(streamed(0), streamed(1), {"t": T + 120_000})
    bars, report = place.store().read_with_report("EUR_USD", "M1", *DAY)
    assert len(bars) == 2
    assert (bars.side_origin, bars.source) == ("mid", "valkey")
    assert report.refused == {"price_missing": 1}
    assert report.sides == {"mid": 2}
    assert place.store().extent("EUR_USD", "M1") == (START_NS, START_NS + MINUTE_NS)


def test_bars_say_what_was_left_out_and_guessed(place: Place) -> None:
    place.put(streamed(0), streamed(1), {"t": T + 120_000}, {"t": T + 180_000})
    place.put({"t": T + 240_000, **PRICES, "spread": 1.4})
    place.put({"t": T + 240_000, **PRICES, "spread": 1.5})
    store = place.store()
    notes = store.read("EUR_USD", "M1", *DAY).notes
    spread = str({"t": T + 240_000, **PRICES, "spread": 1.5}).replace("'", '"')
    assert notes == (
        "2 of 6 candles left out: each lacks a price on every side (a price of zero is a missing "
        f'one) (such as {{"t": {T + 120_000}}})',
        "1 of 6 candles left out: a later one has the same time",
        f"1 of 6 candles: a spread far from the instrument's, not used (such as {spread[:60]}…)",
    )
    assert store.read("EUR_USD", "M1", START_NS, START_NS + 2 * MINUTE_NS).notes == ()


def test_candles_that_we_write_are_those_that_the_existing_readers_know(place: Place) -> None:
    place.store().append(bars_at([0]))
    ((member, score),) = place.client.zrange(KEY, 0, -1, withscores=True)
    candle = json.loads(member)
    assert score == candle["t"] == T
    assert candle["time"] == "2025-04-30T23:50:00Z"
    assert candle["mid"] == {name: candle[name] for name in "ohlc"}
    assert candle["mid"] == {"o": 1.1, "h": 1.1003, "l": 1.0997, "c": 1.1001}
    assert candle["v"] == 7.0
    assert candle["bid"]["o"] == quotes([0])["bid_o"][0]


def test_an_unknown_pair_with_one_side_is_an_error_that_names_it(place: Place) -> None:
    place.put(streamed(0), key="md:candles:EUR_XXX:M1")
    with pytest.raises(InstrumentError, match="EUR_XXX"):
        place.store().read("EUR_XXX", "M1", *DAY)


def test_nothing_usable_is_an_error_that_says_why(place: Place) -> None:
    place.put({"t": T}, {"t": T + 60_000})
    with pytest.raises(StoreError, match="2 candles and none usable: Refused 2: lacks a price"):
        place.store().read("EUR_USD", "M1", *DAY)


def test_keys_that_name_no_pair_and_granularity_are_no_instruments(place: Place) -> None:
    for key in ("EUR_USD:M7", "EUR_USD", "EUR/USD:M1", "EUR_USD:M1:x", "USD_JPY:M1"):
        place.client.zadd(f"md:candles:{key}", {"{}": 1})
    assert place.store().instruments() == ("USD_JPY",)


def test_replacing_takes_out_every_candle_of_that_time(place: Place) -> None:
    place.put(streamed(0), streamed(1), {"t": T, "o": 0})
    with pytest.raises(BarsError, match="other values in 1 of 1 rows"):
        place.store().append(bars_at([0]))
    assert place.store().append(bars_at([0]), replace=True) == 1
    assert place.client.zcard(KEY) == 2
    bars = place.store().read("EUR_USD", "M1", START_NS, START_NS + MINUTE_NS)
    assert bars.content_hash == bars_at([0]).content_hash


def test_retention_keeps_the_newest_and_refuses_what_it_would_drop(place: Place) -> None:
    store = place.store(retention=3)
    store.append(bars_at([1, 2, 3]))
    store.append(Bars.from_records("EUR_USD", "M1", quotes([4]), source="oanda"))
    assert store.extent("EUR_USD", "M1") == (START_NS + 2 * MINUTE_NS, START_NS + 4 * MINUTE_NS)
    with pytest.raises(BarsError, match="1 of 1 that retention would drop at once"):
        store.append(bars_at([0]))


def test_times_that_are_no_whole_milliseconds_are_refused(place: Place) -> None:
    data = quotes([0])
    data["t"] += 1
    # H4 is not aligned to the hour's multiples, so that bars of such times exist.
    bars = Bars.from_records("EUR_USD", "H4", data, source="x")
    with pytest.raises(BarsError, match="allowed: whole milliseconds"):
        place.store().append(bars)


def test_a_long_history_is_read_in_pages(place: Place) -> None:
    minutes = range(12_345)
    bars = bars_at(minutes)
    assert place.store().append(bars) == len(minutes)
    end = START_NS + len(minutes) * MINUTE_NS
    assert place.store().read("EUR_USD", "M1", START_NS, end).content_hash == bars.content_hash
    some = list(itertools.islice(minutes, 5000, 10_001))
    part = place.store().read(
        "EUR_USD", "M1", START_NS + some[0] * MINUTE_NS, START_NS + (some[-1] + 1) * MINUTE_NS
    )
    assert len(part) == len(some)
