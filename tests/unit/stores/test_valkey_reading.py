"""A range is read whole, however often the connection breaks or the server restarts."""

import itertools
import threading
from collections.abc import Callable, Sequence

import pytest
from tests.contract.samples import START_NS, gates_at
from tests.unit.stores.flawed_servers import forwarding, listening
from tests.valkey_server import HOST, ValkeyServer

from hotband.errors import StoreUnavailableError
from hotband.stores.readiness import Command, Reply
from hotband.stores.valkey import ValkeyGateStore, valkey_gates
from hotband.stores.valkey_address import Retention, parse_valkey_url
from hotband.stores.valkey_index import PAGE, PAGES_AT_ONCE, Change, TimeIndex
from hotband.stores.valkey_wire import Operation, ValkeyWire

NewValkey = Callable[..., ValkeyServer]
MINUTES = range(PAGE * PAGES_AT_ONCE * 2 + 17)
"""Gates for three groups of pages."""
WINDOW = (START_NS, START_NS + 10**9 * 60 * (len(MINUTES) + 1))


def filled(server: ValkeyServer, db: int = 0) -> ValkeyGateStore:
    store = valkey_gates(parse_valkey_url(server.url(db)))
    assert store.append(gates_at(MINUTES)) == len(MINUTES)
    return store


def index_of(wire: ValkeyWire, members: list[tuple[int, bytes]]) -> TimeIndex:
    index = TimeIndex(wire, "gate:index:EUR_USD")
    index.change(lambda _: Change(add=members), Retention())
    return index


def test_a_range_of_many_pages_is_whole_and_in_order(valkey_server: ValkeyServer) -> None:
    store = filled(valkey_server, valkey_server.fresh_db())
    assert store.read("EUR_USD", *WINDOW).content_hash == gates_at(MINUTES).content_hash
    part = store.read("EUR_USD", START_NS + 10**9 * 60 * 7000, START_NS + 10**9 * 60 * 13_000)
    assert (
        part.content_hash
        == gates_at(MINUTES)
        .window(START_NS + 10**9 * 60 * 7000, START_NS + 10**9 * 60 * 13_000)
        .content_hash
    )


@pytest.mark.parametrize("members", [1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE])
def test_pages_meet_without_a_gap_or_an_overlap(valkey_server: ValkeyServer, members: int) -> None:
    wire = ValkeyWire(parse_valkey_url(valkey_server.url(valkey_server.fresh_db())))
    texts = [(1_000_000 + i // 3, b"%09d" % i) for i in range(members)]
    index = index_of(wire, texts)
    with wire.operation() as operation:
        assert index.between(operation) == [text for _, text in texts]
        some = index.between(operation, 1_000_010, 1_000_000 + members)
        assert some == [text for ms, text in texts if ms >= 1_000_010]
    wire.close()


def test_one_time_with_more_members_than_a_page_is_read_whole(
    valkey_server: ValkeyServer,
) -> None:
    wire = ValkeyWire(parse_valkey_url(valkey_server.url(valkey_server.fresh_db())))
    texts = [(5, b"first"), *((7, b"%05d" % i) for i in range(2 * PAGE)), (9, b"last")]
    index = index_of(wire, texts)
    with wire.operation() as operation:
        assert index.between(operation) == [text for _, text in texts]
    wire.close()


def test_a_cut_page_is_asked_for_again(valkey_server: ValkeyServer) -> None:
    """Every other connection breaks after some MB of replies; the answer is the same."""
    db = valkey_server.fresh_db()
    filled(valkey_server, db)
    limits = itertools.chain([1_500_000, -1, 900_000], itertools.cycle([2_000_000, -1]))
    with listening(forwarding(valkey_server.port, limits)) as port:
        url = f"valkey://{HOST}:{port}/{db}?wait_s=30"
        store = valkey_gates(parse_valkey_url(url))
        again = store.read("EUR_USD", *WINDOW)
        store.close()
    assert again.content_hash == gates_at(MINUTES).content_hash


def test_without_patience_a_cut_page_raises(valkey_server: ValkeyServer) -> None:
    db = valkey_server.fresh_db()
    filled(valkey_server, db)
    with listening(forwarding(valkey_server.port, itertools.repeat(1_000_000))) as port:
        store = valkey_gates(parse_valkey_url(f"valkey://{HOST}:{port}/{db}"))
        with pytest.raises(StoreUnavailableError, match="broke in the middle") as caught:
            store.read("EUR_USD", *WINDOW)
        store.close()
    assert caught.value.state == "cut"


class Interrupted(Operation):
    """An operation before whose nth group of pages something happens to the server."""

    def __init__(self, wire: ValkeyWire, before: int, happening: Callable[[], None]) -> None:
        super().__init__(wire)
        self.countdown = before
        self.happening = happening

    def ask(self, commands: Sequence[Command], *, writing: bool = False) -> list[Reply]:
        if commands[0][0] == "ZRANGEBYSCORE":
            self.countdown -= 1
            if self.countdown == 0:
                self.happening()
        return super().ask(commands, writing=writing)


def read_through(server: ValkeyServer, happening: Callable[[], None]) -> list[bytes]:
    wire = ValkeyWire(parse_valkey_url(server.url(wait_s=60)))
    with Interrupted(wire, 2, happening) as operation:
        members = TimeIndex(wire, "gate:index:EUR_USD").between(operation)
    wire.close()
    return members


def all_members(server: ValkeyServer) -> list[bytes]:
    with server.admin() as client:
        return list(client.zrange("gate:index:EUR_USD", 0, -1))


def test_a_server_killed_and_restarted_in_mid_read_gives_the_whole_answer(
    new_valkey: NewValkey,
) -> None:
    server = new_valkey(appendonly="yes", appendfsync="always").start()
    filled(server)
    before = all_members(server)
    starter = threading.Timer(0.5, server.start)

    def crash() -> None:
        server.kill()
        starter.start()

    assert read_through(server, crash) == before
    starter.join()
    assert len(before) == len(MINUTES)


def test_a_server_that_comes_back_with_less_is_read_anew(new_valkey: NewValkey) -> None:
    """What was read of the lost members does not stand beside what is there now."""
    server = new_valkey().start()
    filled(server)

    def lose() -> None:
        server.kill()
        server.start()
        valkey_gates(parse_valkey_url(server.url())).append(gates_at([3, 5], 0.7))

    members = read_through(server, lose)
    assert members == all_members(server)
    assert len(members) == 2


class Counted(Operation):
    """An operation before whose nth question something happens to the server."""

    def __init__(self, wire: ValkeyWire, before: int, happening: Callable[[], None]) -> None:
        super().__init__(wire)
        self.asked = 0
        self.before = before
        self.happening = happening

    def ask(self, commands: Sequence[Command], *, writing: bool = False) -> list[Reply]:
        self.asked += 1
        if self.asked == self.before:
            self.happening()
        return super().ask(commands, writing=writing)


def test_a_server_that_loses_members_before_any_question_of_a_read_is_read_anew(
    new_valkey: NewValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two ranges are read, of several groups of pages each, and hold old members or new ones."""
    monkeypatch.setattr("hotband.stores.valkey_index.PAGE", 4)
    monkeypatch.setattr("hotband.stores.valkey_index.PAGES_AT_ONCE", 2)
    server = new_valkey().start()
    old = [(number, b"old%d" % number) for number in range(40)]
    new = [(number, b"new%d" % number) for number in range(0, 40, 5)]
    spans = [(0, 19), (20, 39)]

    def hold(members: list[tuple[int, bytes]]) -> None:
        with server.admin() as client:
            client.delete("gate:index:EUR_USD")
            client.zadd("gate:index:EUR_USD", {text: ms for ms, text in members})

    def lose() -> None:
        server.kill()
        server.start()
        hold(new)

    def among(members: list[tuple[int, bytes]]) -> list[list[bytes]]:
        return [[text for ms, text in members if low <= ms <= high] for low, high in spans]

    seen: list[bool] = []
    for before in itertools.count(1):
        hold(old)
        wire = ValkeyWire(parse_valkey_url(server.url(wait_s=60)))
        with Counted(wire, before, lose) as operation:
            found = TimeIndex(wire, "gate:index:EUR_USD").ranges(operation, spans)
        wire.close()
        if operation.asked < before:
            break
        assert found in (among(old), among(new)), before
        seen.append(found == among(new))
    assert len(seen) >= 10
    assert all(seen)


def test_members_added_and_trimmed_meanwhile_make_no_gap(new_valkey: NewValkey) -> None:
    server = new_valkey().start()
    filled(server)
    before = all_members(server)

    def trim() -> None:
        with server.admin() as client:
            client.zremrangebyrank("gate:index:EUR_USD", 0, 2 * PAGE)

    assert read_through(server, trim) == before


def test_a_lost_server_between_two_reads_is_not_noticed_by_the_second(
    new_valkey: NewValkey,
) -> None:
    """The idle connection is dead, and no reason to fail."""
    server = new_valkey(appendonly="yes", appendfsync="always").start()
    store = valkey_gates(parse_valkey_url(server.url()))
    store.append(gates_at([0, 1]))
    server.kill()
    server.start()
    assert len(store.read("EUR_USD", START_NS, START_NS + 10**12)) == 2


def test_many_threads_share_a_store(valkey_server: ValkeyServer) -> None:
    store = filled(valkey_server, valkey_server.fresh_db())
    hashes: list[str] = []
    threads = [
        threading.Thread(target=lambda: hashes.append(store.read("EUR_USD", *WINDOW).content_hash))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hashes == [gates_at(MINUTES).content_hash] * 4


def appended(store: ValkeyGateStore) -> StoreUnavailableError | None:
    """What an append of one gate raised; None = nothing."""
    try:
        store.append(gates_at([0]))
    except StoreUnavailableError as error:
        return error
    finally:
        store.close()
    return None


def test_a_transaction_whose_answer_is_lost_says_that_the_outcome_is_unknown(
    valkey_server: ValkeyServer,
) -> None:
    """The connection breaks one byte later each time, until the append succeeds."""
    outcomes: set[tuple[bool, bool]] = set()
    for limit in range(1, 1000):
        db = valkey_server.fresh_db()
        with listening(forwarding(valkey_server.port, itertools.repeat(limit))) as port:
            error = appended(valkey_gates(parse_valkey_url(f"valkey://{HOST}:{port}/{db}")))
        if error is None:
            break
        assert error.state == "cut"
        with valkey_server.admin(db) as client:
            written = client.zcard("gate:index:EUR_USD") == 1
        outcomes.add(("Whether it was written is not known" in str(error), written))
    else:
        pytest.fail("no append succeeded")
    assert {(False, False), (True, True)} <= outcomes
    assert (False, True) not in outcomes
