"""The price stream outlives its connections, and says when it cannot."""

from typing import Any

import pytest

from hotband.errors import BarsError, InputError, InstrumentError, StoreUnavailableError
from hotband.feeds.oanda_credentials import OandaAccess
from hotband.feeds.oanda_replies import Patience
from hotband.feeds.oanda_stream import OandaStream
from tests.oanda.bodies import EMPTY_PRICE, HEARTBEAT, JPY_PRICE, PRICE
from tests.oanda.stub import Stub, most_within

QUICK = Patience(attempts=4, first_wait_s=0.02, longest_wait_s=0.05)


def stream(stub: Stub, until: int = 10**9, **options: Any) -> OandaStream:
    """A stream that ends once so many quotes came."""
    access = OandaAccess.from_environment(stub.environment)
    made = OandaStream(
        access,
        ["EUR_USD", "USD_JPY"],
        options.pop("patience", QUICK),
        ends=lambda: made.counts.quotes >= until,
        **options,
    )
    return made


def test_quotes_come_in_order_and_heartbeats_and_empty_prices_are_counted(stub: Stub) -> None:
    crossed = {**PRICE, "bids": [{"price": "1.0900"}]}
    stub.streams = [[PRICE, "\n", HEARTBEAT, EMPTY_PRICE, {"type": "NEW"}, crossed, JPY_PRICE]]
    prices = stream(stub, 2)
    quotes = list(prices)
    assert [(q.instrument, q.bid, q.ask) for q in quotes] == [
        ("EUR_USD", 1.0849, 1.0851),
        ("USD_JPY", 149.99, 150.01),
    ]
    counts = prices.counts
    assert (counts.heartbeats, counts.without_quote, counts.crossed, counts.unknown) == (1, 1, 1, 1)
    assert "instruments=EUR_USD%2CUSD_JPY" in stub.paths[0]


def test_a_price_cut_over_several_packets_is_one_price(stub: Stub) -> None:
    stub.streams = [['{"type":"HEART', 0.05, 'BEAT","time":"2026-03-02T14:34:10Z"}\n', PRICE]]
    prices = stream(stub, 1)
    assert len(list(prices)) == 1
    assert prices.counts.heartbeats == 1


def test_a_stream_that_ends_is_taken_up_again(stub: Stub) -> None:
    stub.streams = [[PRICE], [], [PRICE]]
    prices = stream(stub, 2)
    assert len(list(prices)) == 2
    assert prices.counts.connections == 3
    assert most_within(stub.connected, 1.0) <= 2


def test_silence_is_a_dead_link_and_heartbeats_keep_it_alive(stub: Stub) -> None:
    alive: list[Any] = [step for _ in range(8) for step in (HEARTBEAT, 0.2)]
    stub.streams = [[*alive, PRICE, 30.0], [PRICE]]
    heard: list[str] = []
    prices = stream(stub, 2, dead_s=1.0, heard=heard.append)
    assert len(list(prices)) == 2
    assert (prices.counts.heartbeats, prices.counts.connections) == (8, 2)
    assert heard == ["OANDA: no answer in time (ReadTimeout); trying again"]


def test_bytes_that_make_no_message_do_not_keep_a_link_alive(stub: Stub) -> None:
    dribble: list[Any] = [step for _ in range(40) for step in ("x", 0.1)]
    stub.streams = [dribble, [PRICE]]
    prices = stream(stub, 1, dead_s=0.4)
    assert len(list(prices)) == 1
    assert prices.counts.connections == 2


def test_a_line_that_is_cut_is_a_broken_link(stub: Stub) -> None:
    stub.streams = [['{"type": "PRI\n'], [PRICE]]
    assert len(list(stream(stub, 1))) == 1


def test_a_price_of_another_shape_is_an_error(stub: Stub) -> None:
    stub.streams = [[{**PRICE, "bids": [{"price": "much"}]}]]
    with pytest.raises(BarsError, match="bids of price of EUR_USD: got 'much'"):
        list(stream(stub, 1))


def test_a_stream_that_never_holds_ends_after_a_stated_number_of_tries(stub: Stub) -> None:
    stub.streams = [[]]
    heard: list[str] = []
    with pytest.raises(StoreUnavailableError, match=r"a reply that was cut.*within 4 tries"):
        list(stream(stub, 1, heard=heard.append))
    assert len(stub.connected) == 4
    assert len(heard) == 3


def test_failures_before_the_stream_are_borne_with(stub: Stub) -> None:
    stub.faults = ["429", "500", "reset"]
    stub.streams = [[PRICE]]
    assert len(list(stream(stub, 1))) == 1


def test_what_the_api_refuses_ends_the_stream_at_once(stub: Stub) -> None:
    access = OandaAccess.from_environment({**stub.environment, "OANDA_TOKEN": "wrong"})
    with pytest.raises(InputError, match=r"HTTP 401.*Check the token"):
        list(OandaStream(access, ["EUR_USD"]))
    assert len(stub.seen) == 1


def test_no_instrument_and_a_wrong_one_are_refused(stub: Stub) -> None:
    access = OandaAccess.from_environment(stub.environment)
    for names in ([], ["EURUSD"]):
        with pytest.raises(InstrumentError, match="names such as EUR_USD"):
            OandaStream(access, names)


def test_leaving_the_iteration_closes_the_connection(stub: Stub) -> None:
    stub.streams = [[PRICE, PRICE, PRICE, 0.3]]
    quotes = iter(stream(stub))
    next(quotes)
    quotes.close()  # type: ignore[attr-defined] # a generator
    with pytest.raises(StopIteration):
        next(quotes)
    assert len(stub.seen) == 1
