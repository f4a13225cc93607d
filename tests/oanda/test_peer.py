"""The stub is like the real API: a client of that API that we did not write gets on with it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hotband.feeds.oanda_account import parse_instruments, parse_summary
from hotband.feeds.oanda_candles import parse_candles
from hotband.feeds.oanda_client import OandaClient
from hotband.feeds.oanda_credentials import OandaAccess
from hotband.feeds.oanda_prices import parse_prices
from hotband.market.calendar import parse_time
from tests.oanda.bodies import ACCOUNT, HEARTBEAT, PRICE, SUMMARY
from tests.oanda.stub import TOKEN, Stub

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def replies() -> dict[str, Any]:
    """What the other client got, and beside it what ours got from the same stub."""
    with Stub() as stub:
        stub.streams = [[PRICE, HEARTBEAT, PRICE]]
        done = subprocess.run(
            [sys.executable, "-m", "tests.oanda.peer_process", stub.url, TOKEN, ACCOUNT],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        found["verbs"], found["turned_away"] = set(stub.verbs), stub.turned_away
        with OandaClient(OandaAccess.from_environment(stub.environment)) as client:
            start = parse_time("2026-03-02T10:00:00Z")
            found["ours"] = {
                "candles": client.candles("EUR_USD", "M5", start_ns=start, count=40),
                "instruments": client.instruments(["EUR_USD"]),
                "summary": client.summary(),
                "prices": client.prices(["EUR_USD", "USD_JPY"]),
            }
    return found


def test_both_clients_get_the_same_candles(replies: dict[str, Any]) -> None:
    theirs, ours = parse_candles(replies["candles"]), replies["ours"]["candles"]
    assert np.array_equal(theirs.t_ns, ours.t_ns)
    assert np.array_equal(theirs.prices, ours.prices)
    assert len(ours.t_ns) == 40


def test_both_clients_get_the_same_account_instruments_and_prices(
    replies: dict[str, Any],
) -> None:
    ours = replies["ours"]
    assert parse_instruments(replies["instruments"]) == ours["instruments"]
    assert parse_summary(replies["summary"]) == ours["summary"]
    assert parse_prices(replies["prices"]) == ours["prices"]
    assert replies["summary"]["account"] == SUMMARY


def test_its_pages_by_from_and_to_join_without_a_gap(replies: dict[str, Any]) -> None:
    parts = [parse_candles(page) for page in replies["pages"]]
    assert len(parts) > 1
    joined = np.unique(np.concatenate([part.t_ns for part in parts]))
    span = [parse_time(f"2026-02-{day}T00:00:00Z") for day in ("02", "27")]
    with Stub() as stub:
        expected = stub.market.opens("M5", *span)
    assert np.array_equal(joined, expected)


def test_its_stream_reads_prices_and_heartbeats(replies: dict[str, Any]) -> None:
    assert replies["stream"] == [PRICE, HEARTBEAT, PRICE]


def test_a_refusal_reaches_it_in_the_words_of_the_api(replies: dict[str, Any]) -> None:
    message = {"errorMessage": "Maximum value for 'count' exceeded"}
    assert replies["refusal"] == [400, message]


def test_it_was_never_turned_away_and_only_read(replies: dict[str, Any]) -> None:
    assert (replies["verbs"], replies["turned_away"]) == ({"GET"}, 0)
