"""What is wrong with a server is told apart, on servers that are really wrong that way."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.samples import END_NS, START_NS, gates_at
from tests.unit.stores.flawed_servers import forwarding, listening, saying
from tests.valkey_server import HOST, ValkeyServer, free_port

from hotband.errors import ErrorSeverity, InputError, StoreUnavailableError
from hotband.stores.readiness import (
    LONGEST_PAUSE_S,
    STATES,
    Patience,
    Readiness,
    State,
    pauses,
    probe,
    state_of,
    wait_ready,
)
from hotband.stores.urls import open_gate_store
from hotband.stores.valkey_address import parse_valkey_url
from hotband.stores.valkey_wire import ValkeyWire

NewValkey = Callable[..., ValkeyServer]
LOADING = {"key-load-delay": "20000", "loading-process-events-interval-bytes": "1024"}
"""20 ms a key and a look at the clients after each KiB: a small file loads like a large one."""


def asked(url: str, *, writing: bool = False) -> Readiness:
    wire = ValkeyWire(parse_valkey_url(url))
    try:
        return probe(wire, writing=writing)
    finally:
        wire.close()


def loading(new_valkey: NewValkey, keys: int) -> ValkeyServer:
    """A server that was just started and takes 20 ms a key to load."""
    server: ValkeyServer = new_valkey().start()
    with server.admin() as client:
        client.config_set("rdbcompression", "no")
        for number in range(keys):
            client.set(f"key{number}", b"x" * 4096)
        client.execute_command("SAVE")
    server.kill()
    server.options |= LOADING
    return server.start(wait=False)


def test_a_running_server_is_ready_and_takes_writes(valkey_server: ValkeyServer) -> None:
    assert asked(valkey_server.url(), writing=True) == Readiness.of("ready")


def test_a_port_that_nobody_listens_on_is_down() -> None:
    answer = asked(f"valkey://{HOST}:{free_port()}")
    assert answer.state == "down"
    assert "refused" in answer.detail


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 80])
def test_a_name_that_does_not_resolve_is_down(host: str) -> None:
    assert asked(f"valkey://{host}:6379").state == "down"


@pytest.mark.parametrize("login", ["", ":wrong@", "nobody:secret@"])
def test_a_missing_or_wrong_password_is_refusing(new_valkey: NewValkey, login: str) -> None:
    server = new_valkey(requirepass="secret").start()
    answer = asked(server.url(0, login))
    assert answer.state == "refusing"
    assert asked(server.url(0, ":secret@")).ready


def test_a_user_without_rights_is_refusing(new_valkey: NewValkey) -> None:
    server = new_valkey().start()
    with server.admin() as client:
        client.execute_command("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+get")
    answer = asked(server.url(0, "reader:secret@"))
    assert answer.state == "refusing"
    assert "permissions" in answer.detail


def test_a_server_with_all_clients_it_allows_is_refusing(new_valkey: NewValkey) -> None:
    server = new_valkey().start()
    with server.admin() as client:
        client.config_set("maxclients", 1)
        answer = asked(server.url())
    assert answer.state == "refusing"
    assert "max number of clients" in answer.detail


def test_a_database_that_does_not_exist_is_refusing(valkey_server: ValkeyServer) -> None:
    assert asked(valkey_server.url(999_999)).state == "refusing"


def test_protected_mode_is_refusing() -> None:
    words = b"-DENIED Valkey is running in protected mode because ...\r\n"
    with listening(saying(words)) as port:
        answer = asked(f"valkey://{HOST}:{port}")
    assert answer.state == "refusing"
    assert "protected mode" in answer.detail


def test_a_server_of_another_protocol_is_refusing() -> None:
    with listening(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        answer = asked(f"valkey://{HOST}:{port}")
    assert answer.state == "refusing"
    assert "HTTP" in answer.detail or "Protocol" in answer.detail


def test_a_server_without_tls_refuses_those_who_ask_for_it() -> None:
    with listening(saying(b"-ERR Protocol error\r\n")) as port:
        assert asked(f"valkeys://{HOST}:{port}").state == "refusing"


def test_a_server_that_loads_its_data_is_loading_until_it_is_ready(new_valkey: NewValkey) -> None:
    server = loading(new_valkey, keys=40)
    wire = ValkeyWire(parse_valkey_url(server.url()))
    seen: list[State] = []

    def check() -> Readiness:
        answer = probe(wire)
        seen.append(answer.state)
        return answer

    assert wait_ready(check, 60).ready
    wire.close()
    assert [state for state, _ in itertools.groupby(seen)][-2:] == ["loading", "ready"]
    assert set(seen) <= {"down", "cut", "loading", "ready"}


def test_a_server_busy_with_a_script_is_loading(new_valkey: NewValkey) -> None:
    server = new_valkey(busy_reply_threshold="1").start()
    with server.admin() as client:
        endless = threading.Thread(target=quiet_eval, args=(server,))
        endless.start()
        wire = ValkeyWire(parse_valkey_url(server.url()))
        answer = wait_for(lambda: probe(wire), "loading")
        client.execute_command("SCRIPT", "KILL")
        endless.join()
    assert "busy running a script" in answer.detail
    assert wait_ready(lambda: probe(wire), 30).ready
    wire.close()


def quiet_eval(server: ValkeyServer) -> None:
    with server.admin() as client, pytest.raises(Exception, match="killed by user"):
        client.eval("while true do end", 0)


def wait_for(check: Callable[[], Readiness], state: State) -> Readiness:
    end = time.monotonic() + 30
    while (answer := check()).state != state and time.monotonic() < end:
        time.sleep(0.01)
    return answer


def test_a_replica_is_read_only_for_writers_and_ready_for_readers(new_valkey: NewValkey) -> None:
    primary = new_valkey(repl_diskless_sync_delay="0").start()
    replica = new_valkey(replicaof=f"{HOST} {primary.port}").start()
    assert wait_ready(lambda: asked(replica.url()), 30).ready
    answer = asked(replica.url(), writing=True)
    assert answer.state == "read_only"
    assert "replica" in answer.detail


def test_a_replica_that_lost_its_primary_and_serves_nothing_old_is_loading(
    new_valkey: NewValkey,
) -> None:
    replica = new_valkey(replicaof=f"{HOST} {free_port()}", replica_serve_stale_data="no").start()
    answer = asked(replica.url())
    assert answer.state == "loading"


def test_a_primary_without_the_replicas_it_needs_is_read_only(new_valkey: NewValkey) -> None:
    server = new_valkey().start()
    with server.admin() as client:
        client.config_set("min-replicas-to-write", 1)
    assert asked(server.url()).ready
    assert asked(server.url(), writing=True).state == "read_only"


def test_a_server_that_keeps_its_clients_waiting_is_slow(new_valkey: NewValkey) -> None:
    server = new_valkey().start()
    with server.admin() as client:
        client.execute_command("CLIENT", "PAUSE", 60_000, "ALL")
    answer = asked(server.url(read_s=0.1))
    assert answer.state == "slow"


def test_a_server_that_takes_the_question_and_says_nothing_is_slow() -> None:
    def keep_waiting(line: socket.socket) -> None:
        line.recv(1)
        time.sleep(0.3)

    with listening(keep_waiting) as port:
        assert asked(f"valkey://{HOST}:{port}?read_s=0.1").state == "slow"


def test_a_reply_that_ends_in_the_middle_is_cut(valkey_server: ValkeyServer) -> None:
    with listening(forwarding(valkey_server.port, itertools.repeat(3))) as port:
        assert asked(f"valkey://{HOST}:{port}").state == "cut"


def test_an_error_that_is_not_about_readiness_has_no_state() -> None:
    from valkey.exceptions import ResponseError

    assert state_of(ResponseError("WRONGTYPE Operation against a key")) is None
    assert state_of(KeyError("x")) is None


# Waiting ------------------------------------------------------------------------------------


class Clock:
    """A clock that only sleeping and checking move."""

    def __init__(self, check_s: float = 0.0) -> None:
        self.now = 1000.0
        self.check_s = check_s
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept.append(seconds)
        self.now += seconds

    def check(self, answers: Iterator[State]) -> Callable[[], Readiness]:
        def one() -> Readiness:
            self.now += self.check_s
            return Readiness.of(next(answers))

        return one


@given(
    deadline=st.floats(0, 100),
    seed=st.integers(0, 1000),
    check_s=st.floats(0, 3),
    state=st.sampled_from([state for state in STATES if state != "ready"]),
)
def test_no_wait_sleeps_past_its_deadline(
    deadline: float, seed: int, check_s: float, state: State
) -> None:
    clock = Clock(check_s)
    check = clock.check(itertools.repeat(state))
    answer = wait_ready(check, deadline, clock=clock, sleep=clock.sleep, seed=seed)
    assert answer.state == state
    assert sum(clock.slept) <= deadline + 1e-9
    assert clock.now <= 1000 + deadline + check_s + 1e-9
    assert len(clock.slept) < 2000


@pytest.mark.parametrize("state", [state for state in STATES if state != "ready"])
def test_every_state_is_waited_for_until_it_is_ready(state: State) -> None:
    clock = Clock()
    answers: Iterator[State] = iter([state] * 5 + ["ready"])
    answer = wait_ready(clock.check(answers), 100, clock=clock, sleep=clock.sleep, seed=1)
    assert answer.ready
    assert len(clock.slept) == 5


def test_no_time_means_one_look() -> None:
    clock = Clock()
    answers: Iterator[State] = iter(["down"])
    assert wait_ready(clock.check(answers), 0, clock=clock, sleep=clock.sleep).state == "down"
    assert clock.slept == []


def test_changes_of_state_are_told_once_each() -> None:
    clock, told = Clock(), list[State]()
    states: list[State] = ["down", "down", "loading", "loading", "down", "ready"]
    check = clock.check(iter(states))
    wait_ready(
        check, 100, clock=clock, sleep=clock.sleep, on_change=lambda now: told.append(now.state)
    )
    assert told == ["down", "loading", "down", "ready"]


def test_pauses_grow_to_a_bound_and_differ_between_callers() -> None:
    first = list(itertools.islice(pauses(1), 400))
    assert max(first) <= LONGEST_PAUSE_S
    assert max(first[:3]) <= 0.2
    assert max(first[10:]) > LONGEST_PAUSE_S / 2
    assert first == list(itertools.islice(pauses(1), 400))
    assert next(pauses()) != next(pauses())


# What a store makes of it -------------------------------------------------------------------


def test_a_store_says_what_is_wrong_and_what_to_do_and_never_the_password() -> None:
    port = free_port()
    store = open_gate_store(f"valkey://trader:hush@{HOST}:{port}/3")
    with pytest.raises(StoreUnavailableError) as caught:
        store.read("EUR_USD", START_NS, END_NS)
    text = str(caught.value)
    assert text.startswith(f"server valkey://{HOST}:{port}/3: got down: nothing answers at its")
    assert "allowed: a Valkey or Redis server that is ready" in text
    assert "Start the server, or correct host and port." in text
    assert caught.value.state == "down"
    assert caught.value.severity is ErrorSeverity.RETRY
    assert "hush" not in text + repr(store) + repr(caught.value)


@pytest.mark.parametrize("login", ["", ":wrong@"])
def test_every_operation_raises_the_state(new_valkey: NewValkey, login: str) -> None:
    server = new_valkey(requirepass="secret").start()
    store = open_gate_store(server.url(0, login))
    for operation in (
        store.instruments,
        lambda: store.read("EUR_USD", START_NS, END_NS),
        lambda: store.extent("EUR_USD"),
        lambda: store.latest("EUR_USD"),
        lambda: store.append(gates_at([0])),
    ):
        with pytest.raises(StoreUnavailableError) as caught:
            operation()
        assert caught.value.state == "refusing"


def test_an_append_to_a_replica_is_read_only_and_a_read_works(new_valkey: NewValkey) -> None:
    primary = new_valkey(repl_diskless_sync_delay="0").start()
    open_gate_store(primary.url()).append(gates_at([0]))
    replica = new_valkey(replicaof=f"{HOST} {primary.port}").start()
    store = open_gate_store(replica.url(wait_s=30))
    with replica.admin() as client:
        end = time.monotonic() + 30
        while not client.exists("gate:index:EUR_USD") and time.monotonic() < end:
            time.sleep(0.02)
    assert len(store.read("EUR_USD", START_NS, END_NS)) == 1
    impatient = open_gate_store(replica.url())
    with pytest.raises(StoreUnavailableError, match="Write to the primary") as caught:
        impatient.append(gates_at([1]))
    assert caught.value.state == "read_only"


def test_a_store_waits_for_a_server_that_loads(new_valkey: NewValkey) -> None:
    server = loading(new_valkey, keys=20)
    assert open_gate_store(server.url(wait_s=60)).instruments() == ()


def test_a_store_waits_no_longer_than_it_was_told() -> None:
    clock = Clock(check_s=0.0)
    address = parse_valkey_url(f"valkey://{HOST}:{free_port()}?wait_s=7")
    wire = ValkeyWire(address, clock=clock, sleep=clock.sleep)
    with wire.operation() as operation, pytest.raises(StoreUnavailableError) as caught:
        operation.ask([("PING",)])
    assert caught.value.state == "down"
    assert sum(clock.slept) == pytest.approx(7)


def test_a_server_that_answers_but_cuts_every_page_is_given_up(
    valkey_server: ValkeyServer,
) -> None:
    """A PING comes through each time; only asking again shows that nothing has changed."""
    clock = Clock()
    with listening(forwarding(valkey_server.port, itertools.repeat(7))) as port:
        wire = ValkeyWire(
            parse_valkey_url(f"valkey://{HOST}:{port}?wait_s=5"), clock=clock, sleep=clock.sleep
        )
        with wire.operation() as operation, pytest.raises(StoreUnavailableError) as caught:
            operation.ask([("ECHO", "x" * 100)])
        wire.close()
    assert caught.value.state == "cut"
    assert sum(clock.slept) <= 5 + 1e-9


@pytest.mark.parametrize(
    ("times", "text"),
    [
        ({"connect_s": 0}, "connect_s: got 0; allowed: seconds, above 0"),
        ({"read_s": -1}, "read_s: got -1; allowed: seconds, above 0"),
        ({"wait_s": float("nan")}, "wait_s: got nan; allowed: seconds, 0 or more"),
        ({"wait_s": 1e9}, "less than a day"),
    ],
)
def test_impossible_patience_is_refused(times: dict[str, float], text: str) -> None:
    with pytest.raises(InputError, match=text):
        Patience(**times)
