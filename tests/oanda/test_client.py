"""The client reads, paces itself, bears with what passes and stops at what does not."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import hotband
from hotband.errors import BarsError, InputError, InstrumentError, StoreUnavailableError
from hotband.feeds.oanda_client import OandaClient
from hotband.feeds.oanda_credentials import OandaAccess
from hotband.feeds.oanda_pace import Pace, connections_pace, requests_pace
from hotband.feeds.oanda_replies import retry_after_s
from hotband.market.calendar import parse_time
from tests.oanda import bodies
from tests.oanda.conftest import HASTY, QUICK
from tests.oanda.stub import Fault, Stub, most_within

SOURCES = Path(hotband.__file__).parent
PASSING: tuple[Fault, ...] = (
    "429", "429 page", "500", "503 empty", "truncated", "cut", "not json", "slow", "drip", "reset",
)  # fmt: skip


@pytest.mark.parametrize("fault", PASSING)
def test_a_failure_that_passes_is_asked_again(
    fault: Fault, stub: Stub, client_of: Callable[..., OandaClient]
) -> None:
    stub.faults = [fault]
    client = client_of(stub, patience=HASTY if fault in {"slow", "drip"} else QUICK)
    assert len(client.candles("EUR_USD", "M1", count=5).t_ns) == 4
    assert len(stub.seen) == 2


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ("429", "refusing"),
        ("500", "down"),
        ("truncated", "cut"),
        ("cut", "cut"),
        ("slow", "slow"),
        ("drip", "slow"),
    ],
)
def test_a_failure_that_stays_ends_after_a_stated_number_of_tries(
    fault: Fault, state: str, stub: Stub, client_of: Callable[..., OandaClient]
) -> None:
    hasty = fault in {"slow", "drip"}
    patience = replace(HASTY if hasty else QUICK, attempts=2)
    stub.faults = [fault] * 9
    with pytest.raises(StoreUnavailableError, match="a whole reply within 2 tries") as raised:
        client_of(stub, patience=patience).summary()
    assert raised.value.state == state
    assert len(stub.seen) == 2
    assert "/v3/accounts/{account}/summary" in str(raised.value)


def test_a_server_that_is_not_there_is_said_to_be_down() -> None:
    variables = {"OANDA_URL": "http://127.0.0.1:9", "OANDA_TOKEN": "t", "OANDA_ACCOUNT": "1"}
    with (
        OandaClient(OandaAccess.from_environment(variables), QUICK) as client,
        pytest.raises(StoreUnavailableError, match=r"no connection \(ConnectError\)") as raised,
    ):
        client.summary()
    assert raised.value.state == "down"


@pytest.mark.parametrize(("fault", "least"), [("429 in 1 s", 1.0), ("429 by date", 0.9)])
def test_the_wait_that_the_server_asks_for_is_kept(
    fault: Fault, least: float, stub: Stub, client: OandaClient
) -> None:
    stub.faults = [fault]
    client.summary()
    (first, _, _), (second, _, _) = stub.seen
    assert second - first >= least


def test_a_wait_of_hours_is_not_waited_for_but_said(stub: Stub, client: OandaClient) -> None:
    stub.faults = ["429 in 9999 s"]
    with pytest.raises(StoreUnavailableError, match=r"Come back later.*asks to wait 9999 s"):
        client.summary()
    assert len(stub.seen) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("Mon, 02 Mar 2026 14:00:30 GMT", 30.0),
        ("Mon, 02 Mar 2026 13:00:00 GMT", 0.0),
        ("soon", None),
        ("-3", None),
        ("", None),
    ],
)
def test_retry_after_is_a_number_or_a_date_by_the_clock_of_the_server(
    header: str, seconds: float | None
) -> None:
    headers = {"retry-after": header, "date": "Mon, 02 Mar 2026 14:00:00 GMT"}
    assert retry_after_s(headers) == seconds


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda c: c.candles("XXX_YYY", "M1"),
            "Invalid value specified for 'instrument'",
        ),
        (
            lambda c: c.instruments(["XXX_YYY"]),
            "Invalid value specified for 'instruments'",
        ),
        (
            lambda c: c.candles("EUR_USD", "M1", start_ns=parse_time("2027-01-01T00:00:00Z")),
            "HTTP 400 .*Time is in the future",
        ),
    ],
)
def test_what_the_api_refuses_is_shown_in_its_words_and_not_asked_again(
    call: Callable[[OandaClient], object], message: str, stub: Stub, client: OandaClient
) -> None:
    with pytest.raises(InputError, match=message):
        call(client)
    assert len(stub.seen) == 1


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("OANDA_TOKEN", "wrong", "HTTP 401 .Insufficient authorization.*environment practice"),
        (
            "OANDA_ACCOUNT",
            "101-001-7-001",
            "HTTP 403 .The provided request was forb.*OANDA_ACC",
        ),
        ("OANDA_URL", "/elsewhere", "HTTP 404 .The requested resource was not found"),
    ],
)
def test_wrong_credentials_are_not_tried_twice(
    variable: str, value: str, message: str, stub: Stub
) -> None:
    variables = dict(stub.environment)
    variables[variable] = f"{stub.url}{value}" if value.startswith("/") else value
    with (
        OandaClient(OandaAccess.from_environment(variables), QUICK) as client,
        pytest.raises(InputError, match=message),
    ):
        client.summary()
    assert len(stub.seen) == 1


def test_a_redirect_is_not_followed(stub: Stub, client: OandaClient) -> None:
    stub.faults = ["redirect"]
    with pytest.raises(InputError, match=r"HTTP 302.*Check OANDA_URL"):
        client.summary()


def test_pages_of_html_are_not_put_into_messages(
    stub: Stub, client_of: Callable[..., OandaClient]
) -> None:
    stub.faults = ["500"] * 9
    heard: list[str] = []
    with pytest.raises(StoreUnavailableError) as raised:
        client_of(stub, heard=heard.append).summary()
    assert "<" not in str(raised.value) + "".join(heard)
    assert heard == ["OANDA: HTTP 500; trying again"] * (QUICK.attempts - 1)


@pytest.mark.parametrize("name", ["EURUSD", "../accounts", "EUR_USD/orders", "", "eur_usd"])
def test_a_name_that_is_none_never_becomes_part_of_an_address(
    name: str, stub: Stub, client: OandaClient
) -> None:
    with pytest.raises(InstrumentError, match="names such as EUR_USD"):
        client.candles(name, "M1")
    with pytest.raises(InstrumentError, match="names such as EUR_USD"):
        client.prices([name])
    assert not stub.seen


def test_granularities_that_bars_do_not_have_are_refused_before_asking(
    stub: Stub, client: OandaClient
) -> None:
    for name in ("W", "M", "M3"):
        with pytest.raises(BarsError, match=r"granularity: got .*allowed: S5"):
            client.candles("EUR_USD", name)
    assert not stub.seen


def test_a_reply_about_something_else_is_refused(stub: Stub, client: OandaClient) -> None:
    stub.slow_s = 0.0
    stub.faults = ["slow"]  # answers for EUR_USD M1, whatever was asked
    with pytest.raises(InputError, match=r"EUR_USD M1.*allowed: GBP_USD M1"):
        client.candles("GBP_USD", "M1")


def test_one_connection_serves_many_requests(stub: Stub, client: OandaClient) -> None:
    for _ in range(60):
        client.summary()
    assert len(stub.connected) == 1
    assert stub.peak_rate() <= 60


def test_broken_connections_are_renewed_at_most_twice_a_second(
    stub: Stub, client: OandaClient
) -> None:
    stub.faults = ["reset", "truncated", "reset"]
    client.summary()
    assert len(stub.connected) == 4
    assert most_within(stub.connected, 1.0) <= 2
    assert stub.turned_away == 0


def test_a_pace_lets_no_more_through_than_it_says() -> None:
    pace = Pace(50.0, 5)
    times = []
    for _ in range(30):
        pace.wait()
        times.append(time.monotonic())
    assert most_within(times, 0.2) <= 5 + 0.2 * 50 + 1
    assert pace.taken == 30


def test_the_paces_are_within_what_the_broker_allows() -> None:
    for pace, per_second in ((requests_pace(), 100), (connections_pace(), 2)):
        begun = time.monotonic()
        times = [0.0]
        while times[-1] < 1.3:
            pace.wait()
            times.append(time.monotonic() - begun)
        assert most_within(times[1:], 1.0) <= per_second


@pytest.mark.parametrize("bad", [(0.0, 1), (-1.0, 1), (1.0, 0), (float("inf"), 1)])
def test_an_impossible_pace_is_refused(bad: tuple[float, int]) -> None:
    with pytest.raises(InputError, match="pace"):
        Pace(*bad)


def test_no_verb_but_get_reaches_the_server_in_any_call(stub: Stub, client: OandaClient) -> None:
    client.candles("EUR_USD", "M1", count=3)
    client.instruments()
    client.summary()
    client.prices(["EUR_USD"])
    assert stub.verbs == {"GET"}
    assert not [path for path in stub.paths if "order" in path]


def test_no_source_could_send_an_order() -> None:
    files = [*SOURCES.glob("feeds/oanda*.py"), *SOURCES.glob("research/fetch*.py")]
    files.append(SOURCES / "cli" / "fetch.py")
    forbidden = re.compile(
        r"/orders|/trades|/positions|/close\b|\.(post|put|patch|delete|request)\(|"
        r"[\"'](POST|PUT|PATCH|DELETE)[\"']"
    )
    assert len(files) >= 13
    for file in files:
        assert not forbidden.search(file.read_text("utf-8")), file.name


def test_account_calls_name_what_they_found(stub: Stub, client: OandaClient) -> None:
    assert client.summary().account == bodies.ACCOUNT
    assert [one.name for one in client.instruments(["USD_JPY"])] == ["USD_JPY"]
    assert len(client.prices(["EUR_USD", "USD_JPY"])) == 2
    assert {h["Accept-Datetime-Format"] for h in stub.headers} == {"RFC3339"}
