"""Gates of the existing stack are read from its keys, and it can read those that we write."""

import dataclasses
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping

import polars as pl
import pytest
from tests.contract.samples import START_NS, gates_at
from tests.valkey_server import Database, ValkeyServer

from hotband.errors import GatesError, StoreError
from hotband.gates.events import Gates
from hotband.market.calendar import DAY_NS, HOUR_NS, MINUTE_NS
from hotband.stores.valkey import ValkeyGateStore, valkey_gates
from hotband.stores.valkey_address import parse_valkey_url

START_MS = START_NS // 1_000_000
DAY = (START_NS, START_NS + DAY_NS)
INDEX, LAST = "gate:index:EUR_USD", "gate:last:EUR_USD"


class Place:
    """Stores in a database, and payloads of others in it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.client = database.client
        self.stores: list[ValkeyGateStore] = []

    def store(self, **settings: float | str) -> ValkeyGateStore:
        self.stores.append(valkey_gates(parse_valkey_url(self.database.url(**settings))))
        return self.stores[-1]

    def put(self, *payloads: Mapping[str, object]) -> None:
        for payload in payloads:
            self.client.zadd(INDEX, {json.dumps(payload): int(str(payload["ts_ms"]))})

    def held(self) -> list[dict[str, object]]:
        return [json.loads(member) for member in self.client.zrange(INDEX, 0, -1)]


@pytest.fixture
def place(database: Database) -> Iterator[Place]:
    made = Place(database)
    yield made
    for store in made.stores:
        store.close()


def live(minute: int, **fields: object) -> dict[str, object]:
    """A payload of the existing stack's service, stamped with its last candle's open."""
    return {
        "instrument": "EUR_USD",
        "ts_ms": START_MS + minute * 60_000,
        "admit": True,
        "direction": "BUY",
        "lambda": 0.05,
        "hazard": 0.5,
        "repetitions": 1,
        "structure": {"coherence": 0.2, "hazard": 0.5},
        "source": "regime_manifold",
        **fields,
    }


def minutes(gates: Gates) -> list[float]:
    return [int(known - START_NS) / MINUTE_NS for known in gates.data["known"]]


def test_a_gate_of_the_existing_stack_is_known_a_bar_after_its_stamp(place: Place) -> None:
    place.put(live(0), live(1))
    gates, report = place.store().read_with_report("EUR_USD", *DAY)
    assert minutes(gates) == [1, 2]
    assert (report.payloads, report.gates) == (2, 2)
    assert gates.data["hazard"].tolist() == [0.05, 0.05]


def test_the_bar_is_as_long_as_the_url_says(place: Place) -> None:
    place.put(live(0))
    assert minutes(place.store(granularity="S30").read("EUR_USD", *DAY)) == [0.5]


@pytest.mark.parametrize("name", ["H1", "D", "S5"])
def test_a_payload_with_a_bar_length_of_its_own_is_found_where_it_was_known(
    place: Place, name: str
) -> None:
    length = {"H1": HOUR_NS, "D": DAY_NS, "S5": MINUTE_NS // 12}[name]
    place.put(live(-3000), live(0, granularity=name), live(3000))
    known = START_NS + length
    assert minutes(place.store().read("EUR_USD", known, known + 1)) == [length / MINUTE_NS]
    assert len(place.store().read("EUR_USD", known + 1, known + 2)) == 0
    assert len(place.store().read("EUR_USD", known - 1, known)) == 0


@pytest.mark.parametrize(
    "text", ['"granul\\u0061rity": "H1"', '"x": {"granularity":"M1"}, "granularity" : "H1"']
)
def test_a_bar_length_in_an_unusual_spelling_is_found_too(place: Place, text: str) -> None:
    place.put(live(-3000), live(3000))
    member = json.dumps(live(0))[:-1] + f", {text}}}"
    place.client.zadd(INDEX, {member: START_MS})
    known = START_NS + HOUR_NS
    assert minutes(place.store().read("EUR_USD", known, known + 1)) == [60]


def test_the_ends_are_those_of_what_was_known_not_of_what_was_stamped(place: Place) -> None:
    """The first stamp is a day bar's, known last of all."""
    place.put(live(0, granularity="D"), live(5), live(9), live(10, granularity="S5"))
    assert place.store().extent("EUR_USD") == (START_NS + 6 * MINUTE_NS, START_NS + DAY_NS)
    latest = place.store().latest("EUR_USD")
    assert latest is not None
    assert minutes(latest) == [1440]


def test_what_cannot_be_read_is_left_out_and_counted(place: Place) -> None:
    place.put(live(0), live(1))
    place.client.zadd(INDEX, {b"\xff{": START_MS + 1, b"[]": START_MS + 2, b"{}": START_MS + 3})
    gates, report = place.store().read_with_report("EUR_USD", *DAY)
    assert minutes(gates) == [1, 2]
    assert report.payloads == 5
    assert sum(report.refused.values()) == 3
    assert place.store().extent("EUR_USD") == (START_NS + MINUTE_NS, START_NS + 2 * MINUTE_NS)


def test_an_index_of_nothing_readable_is_an_error_that_says_why(place: Place) -> None:
    place.client.zadd(INDEX, {b"[]": START_MS, b"{}": START_MS})
    with pytest.raises(StoreError, match=r"2 payloads and none readable: Refused 1: .*time"):
        place.store().read("EUR_USD", *DAY)


def test_a_key_of_another_type_is_an_error_and_no_instrument(place: Place) -> None:
    place.client.set(INDEX, "text")
    assert place.store().instruments() == ()
    with pytest.raises(StoreError, match="a sorted set of JSON texts"):
        place.store().read("EUR_USD", *DAY)


def test_instruments_are_those_with_an_index_or_a_last_gate_and_a_name(place: Place) -> None:
    for key in ("gate:index:USD_JPY", "gate:index:EUR_USD", "gate:index:a b", "gate:index:x:y"):
        place.client.zadd(key, {"{}": 1})
    place.client.set("gate:last:GBP_USD", "{}")
    place.client.set("gate:last:EUR_USD", "{}")
    place.client.set("gate:last:a b", "{}")
    place.client.hset("gate:last:AUD_USD", "x", "{}")
    assert place.store().instruments() == ("EUR_USD", "GBP_USD", "USD_JPY")


def test_no_command_that_stops_the_server_is_sent(
    new_valkey: Callable[..., ValkeyServer],
) -> None:
    server = new_valkey().start()
    store = valkey_gates(parse_valkey_url(server.url(1)))
    store.append(gates_at([0, 1]))
    store.read("EUR_USD", *DAY)
    assert store.instruments() == ("EUR_USD",)
    store.latest("EUR_USD")
    with server.admin() as client:
        sent = {name.removeprefix("cmdstat_") for name in client.info("commandstats")}
    assert {"scan", "zrangebyscore", "exec"} <= sent
    assert not sent & {"keys", "flushall", "flushdb", "blpop", "bzpopmin", "wait", "eval"}


# The latest gate ----------------------------------------------------------------------------


def test_the_latest_gate_is_the_newer_of_the_index_and_the_last(place: Place) -> None:
    place.put(live(0), live(1))
    place.client.set(LAST, json.dumps(live(7)))
    assert minutes(some(place.store().latest("EUR_USD"))) == [8]
    place.put(live(9))
    assert minutes(some(place.store().latest("EUR_USD"))) == [10]


def some(gates: Gates | None) -> Gates:
    assert gates is not None
    return gates


def test_a_last_gate_without_a_time_is_refused_and_never_stamped(place: Place) -> None:
    payload = live(0)
    del payload["ts_ms"]
    place.client.set(LAST, json.dumps(payload))
    latest, report = place.store().latest_with_report("EUR_USD")
    assert latest is None
    assert report.refused == {"time_missing": 1}
    place.put(live(3))
    assert minutes(some(place.store().latest("EUR_USD"))) == [4]


def test_a_last_gate_is_no_history(place: Place) -> None:
    place.client.set(LAST, json.dumps(live(7)))
    assert place.store().extent("EUR_USD") is None
    assert minutes(some(place.store().latest("EUR_USD"))) == [8]
    with pytest.raises(StoreError, match=r"the latest gate alone \(gate:last:EUR_USD\), which is"):
        place.store().read("EUR_USD", *DAY)


def test_an_append_sets_the_last_gate_only_where_it_is_newer(place: Place) -> None:
    store = place.store()
    store.append(gates_at([5]))
    assert json.loads(place.client.get(LAST))["ts_ms"] == START_MS + 4 * 60_000
    store.append(gates_at([2]))
    assert json.loads(place.client.get(LAST))["ts_ms"] == START_MS + 4 * 60_000
    store.append(gates_at([8, 9]))
    assert json.loads(place.client.get(LAST))["ts_ms"] == START_MS + 8 * 60_000
    place.client.set(LAST, json.dumps(live(60)))
    store.append(gates_at([30]))
    assert json.loads(place.client.get(LAST))["ts_ms"] == START_MS + 60 * 60_000


def test_a_latest_gate_is_never_none_where_nothing_of_the_index_can_be_read(place: Place) -> None:
    place.client.zadd(INDEX, {b"[%d]" % number: START_MS + number for number in range(200)})
    with pytest.raises(
        StoreError, match=r"200 payloads and none readable: Refused 200: .*\(\[0\]\)"
    ):
        place.store().latest("EUR_USD")
    place.client.set(LAST, json.dumps(live(7)))
    assert minutes(some(place.store().latest("EUR_USD"))) == [8]


# Notes --------------------------------------------------------------------------------------


def test_gates_that_were_read_as_they_were_meant_have_no_notes(place: Place) -> None:
    place.store(granularity="M5").append(gates_at(range(20)))
    assert place.store(granularity="M5").read("EUR_USD", *DAY).notes == ASSUMED_M5
    place.client.delete(INDEX, LAST)
    known = pl.DataFrame({"granularity": ["M1"] * 3})
    place.store().append(dataclasses.replace(gates_at([0, 1, 2]), details=known))
    store = place.store()
    assert store.read("EUR_USD", *DAY).notes == ()
    assert store.read("EUR_USD", *DAY).window(*DAY).notes == ()
    assert some(store.latest("EUR_USD")).notes == ()


ASSUMED_M5 = (
    "20 of 20 gates name no granularity and are taken to be of M5 bars; add ?granularity=... "
    "to the URL where they are not",
)


def test_gates_say_what_was_left_out_mended_and_assumed(place: Place) -> None:
    place.put(live(0, granularity="M1"), live(1), live(1, source="x"), live(2, repetitions="many"))
    place.client.zadd(INDEX, {b"[]": START_MS + 2, b"[1]": START_MS + 2, b"{}": START_MS + 3})
    place.put(live(3, **{"lambda": 0.5}))
    assert place.store().read("EUR_USD", *DAY).notes == (
        "2 of 8 gate payloads left out: each is JSON, but not an object (such as [1])",
        "1 of 8 gate payloads left out: each has no time (such as ts_ms: None, ts: None)",
        "1 of 8 gate payloads left out: a later one has the same time",
        "1 field of 8 gate payloads read with a guess: repetitions that are no count below "
        "2147483648, taken as 0 (such as repetitions: many)",
        "the hazard of 1 of 5 gates: lambda that equals the hazard, multiplied by lambda_scale",
        "4 of 5 gates name no granularity and are taken to be of M1 bars; add ?granularity=... "
        "to the URL where they are not",
    )


def test_the_latest_gate_says_what_was_left_out_beside_it(place: Place) -> None:
    place.put(live(0, granularity="M1"))
    place.client.zadd(INDEX, {b"[]": START_MS + 3})
    place.client.set(LAST, b"{" + b"x" * 100)
    assert some(place.store().latest("EUR_USD")).notes == (
        "1 of 2 gate payloads left out: each is JSON, but not an object (such as [])",
        "gate:last:EUR_USD: 1 of 1 gate payloads left out: each is not valid JSON, or holds a "
        "number beyond 64-bit floats (such as unexpected character, expected a string key: line 1 "
        "column 2…)",
    )


# Appending ----------------------------------------------------------------------------------


def test_scores_are_the_stamps_and_members_say_what_other_readers_ask(place: Place) -> None:
    place.store().append(gates_at([1, 2]))
    scores = [score for _, score in place.client.zrange(INDEX, 0, -1, withscores=True)]
    assert scores == [START_MS, START_MS + 60_000]
    first = place.held()[0]
    assert (first["instrument"], first["ts_ms"]) == ("EUR_USD", START_MS)
    assert (first["admit"], first["direction"], first["lambda"]) == (1, "BUY", 0.5)
    assert first["repetitions"] == 3


def test_a_gate_that_another_wrote_in_other_words_is_held_already(place: Place) -> None:
    place.put(live(0), live(1))
    gates = place.store().read("EUR_USD", *DAY)
    assert place.store().append(gates) == 0
    assert len(place.held()) == 2


def test_replacing_takes_out_every_payload_of_that_time_and_no_other(place: Place) -> None:
    early = live(2 - 60, granularity="H1")
    place.put(live(0), live(1), live(1, source="other"), early, live(2))
    assert minutes(place.store().read("EUR_USD", *DAY)) == [1, 2, 3]
    with pytest.raises(GatesError, match="other values in 1 of 2 rows"):
        place.store().append(gates_at([2, 4]))
    assert place.store().append(gates_at([2, 4]), replace=True) == 2
    assert [payload["ts_ms"] for payload in place.held()] == [
        START_MS + 60_000 * minute for minute in (0, 1, 2, 3)
    ]
    gates = place.store().read("EUR_USD", *DAY)
    assert gates.data["hazard"].tolist() == [0.05, 0.5, 0.05, 0.5]


def test_concurrent_appenders_lose_nothing(place: Place) -> None:
    added: list[int] = []

    def append(start: int) -> None:
        store = place.store()
        for minute in range(start, 60, 3):
            added.append(store.append(gates_at([minute])))  # noqa: PERF401 - one at a time

    in_threads(append, range(3))
    assert added == [1] * 60
    again = place.store().read("EUR_USD", *DAY)
    assert again.content_hash == gates_at(range(60)).content_hash
    assert json.loads(place.client.get(LAST))["ts_ms"] == START_MS + 58 * 60_000


def in_threads(work: Callable[[int], None], numbers: Iterable[int]) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_of_two_that_write_other_values_at_once_one_is_refused(place: Place) -> None:
    outcomes: list[str] = []

    def append(number: int) -> None:
        try:
            place.store().append(gates_at(range(200), 0.1 + number / 10))
            outcomes.append("held")
        except GatesError:
            outcomes.append("refused")

    in_threads(append, range(4))
    assert sorted(outcomes) == ["held", "refused", "refused", "refused"]
    assert len(set(place.store().read("EUR_USD", *DAY).data["hazard"].tolist())) == 1
    assert len(place.held()) == 200


# Retention ----------------------------------------------------------------------------------


def test_all_is_kept_by_default(place: Place) -> None:
    place.store().append(gates_at(range(6000)))
    assert place.client.zcard(INDEX) == 6000


def test_the_newest_are_kept(place: Place) -> None:
    store = place.store(retention=5)
    store.append(gates_at([0, 1, 2]))
    store.append(gates_at([3, 4, 5, 6]))
    assert minutes(store.read("EUR_USD", *DAY)) == [2, 3, 4, 5, 6]


def test_days_count_back_from_the_newest_gate(place: Place) -> None:
    store = place.store(retention_days=1)
    store.append(gates_at([0, 10]))
    store.append(gates_at([10 + 1440]))
    assert store.extent("EUR_USD") == (START_NS + 10 * MINUTE_NS, START_NS + 1450 * MINUTE_NS)
    assert place.client.zcard(INDEX) == 2


@pytest.mark.parametrize("settings", [{"retention": 2}, {"retention_days": 0.001}])
def test_a_gate_that_would_be_dropped_at_once_is_refused_and_nothing_is_written(
    place: Place, settings: dict[str, float]
) -> None:
    store = place.store(**settings)
    store.append(gates_at([10, 11]))
    with pytest.raises(GatesError) as caught:
        store.append(gates_at([0, 12]))
    assert "got 1 of 2 that retention would drop at once" in str(caught.value)
    assert "allowed: what retention keeps: " in str(caught.value)
    assert minutes(store.read("EUR_USD", *DAY)) == [10, 11]


def test_more_gates_than_are_kept_are_refused(place: Place) -> None:
    with pytest.raises(GatesError, match=r"1 of 3 that retention would drop.*the newest 2"):
        place.store(retention=2).append(gates_at([0, 1, 2]))


def test_replacing_within_a_full_index_drops_only_the_oldest(place: Place) -> None:
    store = place.store(retention=5)
    store.append(gates_at([0, 1, 2, 3, 4]))
    assert store.append(gates_at([1, 2, 3, 4, 5], 0.6), replace=True) == 5
    gates = store.read("EUR_USD", *DAY)
    assert minutes(gates) == [1, 2, 3, 4, 5]
    assert set(gates.data["hazard"]) == {0.6}
