"""A wait for a server is bounded as a whole, can be cut short, and says what it waits for."""

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
from tests.contract.samples import END_NS, START_NS, bars_at, gates_at
from tests.unit.stores.flawed_servers import listening, trickling
from tests.unit.stores.test_readiness import Clock, asked
from tests.valkey_server import HOST, ValkeyServer, free_port

from hotband.errors import StoreUnavailableError
from hotband.stores.readiness import Command, Readiness, Reply
from hotband.stores.urls import open_bar_store, open_gate_store
from hotband.stores.valkey import ValkeyGateStore
from hotband.stores.valkey_address import Retention, parse_valkey_url
from hotband.stores.valkey_index import Change, TimeIndex
from hotband.stores.valkey_wire import ValkeyWire

NewValkey = Callable[..., ValkeyServer]


def wire_to(port: int, clock: Clock, wait_s: float, heard: list[str]) -> ValkeyWire:
    address = parse_valkey_url(f"valkey://{HOST}:{port}?wait_s={wait_s}")
    return ValkeyWire(address, clock=clock, sleep=clock.sleep, on_wait=heard.append)


def refused(call: Callable[[], object]) -> StoreUnavailableError:
    with pytest.raises(StoreUnavailableError) as caught:
        call()
    return caught.value


# Memory -------------------------------------------------------------------------------------


@pytest.fixture
def full(new_valkey: NewValkey) -> ValkeyServer:
    """A server without memory for anything new."""
    server = new_valkey().start()
    with server.admin() as client:
        client.config_set("maxmemory", "1")
    return server


def test_a_server_without_memory_is_ready_for_readers_and_read_only_for_writers(
    full: ValkeyServer,
) -> None:
    assert asked(full.url()).ready
    answer = asked(full.url(), writing=True)
    assert answer.state == "read_only"
    assert "maxmemory" in answer.detail


def test_asking_whether_a_server_takes_writes_changes_nothing(new_valkey: NewValkey) -> None:
    server = new_valkey().start()
    assert asked(server.url(), writing=True) == Readiness.of("ready")
    with server.admin() as client:
        assert client.dbsize() == 0
        assert client.info("persistence")["rdb_changes_since_last_save"] == 0


@pytest.mark.parametrize("wait_s", [0, 3])
def test_an_append_without_memory_says_so_and_blames_no_other_writer(
    full: ValkeyServer, wait_s: float
) -> None:
    clock = Clock()
    store = ValkeyGateStore(wire_to(full.port, clock, wait_s, []))
    error = refused(lambda: store.append(gates_at([0])))
    store.close()
    assert error.state == "read_only"
    assert "maxmemory" in str(error)
    assert sum(clock.slept) == pytest.approx(wait_s)


class Tight(ValkeyWire):
    """Takes small writes, and refuses what has many members, as memory at its limit does."""

    def ask(self, commands: Sequence[Command]) -> list[Reply]:
        """What the probe asks, small as it is, succeeds."""
        return [b"OK" for _ in commands]


def test_a_server_that_takes_small_writes_only_is_given_up_in_its_own_words(
    full: ValkeyServer,
) -> None:
    clock = Clock()
    address = parse_valkey_url(full.url(wait_s=4))
    wire = Tight(address, clock=clock, sleep=clock.sleep)
    index = TimeIndex(wire, "gate:index:EUR_USD")
    error = refused(lambda: index.change(lambda _: Change(add=[(1, b"x")]), Retention()))
    wire.close()
    assert error.state == "read_only"
    assert "maxmemory" in str(error)
    assert 0 < sum(clock.slept) <= 4 + 1e-9


def test_memory_that_comes_back_is_waited_for(full: ValkeyServer) -> None:
    heard: list[str] = []

    def relieve(line: str) -> None:
        heard.append(line)
        with full.admin() as client:
            client.config_set("maxmemory", "0")

    assert open_gate_store(full.url(wait_s=60), on_wait=relieve).append(gates_at([0])) == 1
    assert heard[0].startswith(f"waiting up to 60 s for valkey://{HOST}:{full.port}/0: read_only, ")


def test_a_change_that_others_are_faster_with_pauses_between_its_tries(
    valkey_server: ValkeyServer,
) -> None:
    clock, db = Clock(), valkey_server.fresh_db()
    wire = ValkeyWire(parse_valkey_url(valkey_server.url(db)), clock=clock, sleep=clock.sleep)
    index = TimeIndex(wire, "key")
    tries = itertools.count()
    with valkey_server.admin(db) as client:

        def plan(_: object) -> Change:
            if (number := next(tries)) < 5:
                client.zadd("key", {b"%d" % number: number})
            return Change(add=[(9, b"mine")], changed=1)

        assert index.change(plan, Retention()) == 1
    wire.close()
    assert len(clock.slept) == 5


# Slow answers -------------------------------------------------------------------------------


def test_a_server_that_trickles_its_answer_is_given_up(valkey_server: ValkeyServer) -> None:
    """No pause is as long as read_s; the answer as a whole takes twice that."""
    with listening(trickling(valkey_server.port, 1, 0.15)) as port:
        assert asked(f"valkey://{HOST}:{port}?read_s=0.5").state == "slow"


def test_a_store_gives_up_a_server_that_trickles(valkey_server: ValkeyServer) -> None:
    db = valkey_server.fresh_db()
    open_gate_store(valkey_server.url(db)).append(gates_at(range(50)))
    with listening(trickling(valkey_server.port, 1, 0.05)) as port:
        store = open_gate_store(f"valkey://{HOST}:{port}/{db}?read_s=0.6&wait_s=1")
        error = refused(lambda: store.read("EUR_USD", START_NS, END_NS))
    assert error.state == "slow"


def test_a_long_answer_that_keeps_coming_takes_longer_than_read_s(
    valkey_server: ValkeyServer,
) -> None:
    db = valkey_server.fresh_db()
    bars = bars_at(range(2000))
    open_bar_store(valkey_server.url(db)).append(bars)
    with listening(trickling(valkey_server.port, 40_000, 0.1)) as port:
        store = open_bar_store(f"valkey://{HOST}:{port}/{db}?read_s=0.5")
        begin = time.monotonic()
        again = store.read("EUR_USD", "M1", START_NS, START_NS + 2000 * 60 * 10**9)
        took_s = time.monotonic() - begin
    assert again.content_hash == bars.content_hash
    assert took_s > 0.5


# One wait for all ---------------------------------------------------------------------------


def test_a_dead_server_costs_the_wait_once_for_all_operations_of_a_store() -> None:
    clock = Clock()
    store = ValkeyGateStore(wire_to(free_port(), clock, 2, []))
    for name in ("EUR_USD", "USD_JPY", "GBP_USD", "AUD_USD"):
        assert refused(partial(store.extent, name)).state == "down"
    assert sum(clock.slept) == pytest.approx(2)


def test_once_an_operation_succeeds_the_next_failure_is_waited_for_again(
    new_valkey: NewValkey,
) -> None:
    server = new_valkey()
    clock = Clock()
    store = ValkeyGateStore(wire_to(server.port, clock, 2, []))
    refused(store.instruments)
    server.start()
    assert store.instruments() == ()
    server.kill()
    refused(store.instruments)
    refused(store.instruments)
    assert sum(clock.slept) == pytest.approx(4)


# Being heard and being stopped --------------------------------------------------------------


def test_a_wait_in_vain_says_when_it_begins_and_when_it_is_given_up() -> None:
    clock, heard, port = Clock(), list[str](), free_port()
    store = ValkeyGateStore(wire_to(port, clock, 7, heard))
    refused(store.instruments)
    server = f"valkey://{HOST}:{port}/0"
    assert heard == [
        f"waiting up to 7 s for {server}: down, nothing answers at its address",
        f"the wait for {server} is given up after 7.0 s: down",
    ]
    refused(store.instruments)
    assert len(heard) == 2


def test_a_wait_says_when_the_state_changes_and_when_the_server_answers(
    new_valkey: NewValkey,
) -> None:
    server = new_valkey(requirepass="secret")
    clock, heard = Clock(), list[str]()
    naps = itertools.count(1)

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        number = next(naps)
        if number == 3:
            server.start()
        if number == 6:
            with server.admin(password="secret") as client:  # noqa: S106 - of the test's server
                client.config_set("requirepass", "")

    address = parse_valkey_url(f"valkey://{HOST}:{server.port}?wait_s=600")
    wire = ValkeyWire(address, clock=clock, sleep=sleep, on_wait=heard.append)
    assert ValkeyGateStore(wire).instruments() == ()
    wire.close()
    waiting, changed, over = heard
    assert waiting.startswith(f"waiting up to 600 s for {wire.name}: down, ")
    assert changed == f"{wire.name} is now refusing, the server turns this client away"
    assert over.startswith(f"{wire.name} answers again after ")


@pytest.mark.parametrize("opened", [open_gate_store, open_bar_store])
def test_a_wait_that_is_cut_short_raises_at_once(
    opened: Callable[..., ValkeyGateStore],
) -> None:
    """The wait would last an hour; the first line that is heard ends it."""
    stop, heard = threading.Event(), list[str]()

    def hear(line: str) -> None:
        heard.append(line)
        threading.Timer(0.2, stop.set).start()

    store = opened(f"valkey://{HOST}:{free_port()}", 3600, on_wait=hear, stop=stop)
    error = refused(store.instruments)
    assert error.state == "down"
    assert "The wait was cut short." in str(error)
    assert len(heard) == 2
    assert "was cut short after" in heard[1]


def test_after_a_stop_operations_try_once(new_valkey: NewValkey) -> None:
    stop = threading.Event()
    stop.set()
    server = new_valkey()
    store = open_gate_store(server.url(), 3600, stop=stop)
    refused(store.instruments)
    server.start()
    assert store.instruments() == ()


def test_stores_without_a_server_take_the_same_arguments(tmp_path: Path) -> None:
    heard: list[str] = []
    for url in (f"parquet://{tmp_path}", "memory://waiting"):
        for opened in (open_bar_store, open_gate_store):
            store = opened(url, 1, on_wait=heard.append, stop=threading.Event())
            assert store.instruments() == ()
    assert heard == []
