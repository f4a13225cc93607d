"""A gate server in any state: the run is real after waiting or wholly derived, and says which."""

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from hotband.errors import StoreUnavailableError
from hotband.feeds.demo import demo_bars
from hotband.gates.encoder import encode_gates
from hotband.gates.reader import WhenUnavailable
from hotband.profile.strategy import load_profile
from hotband.research.result import SimulationResult
from hotband.research.simulator import BacktestSimulator
from hotband.stores.urls import open_gate_store
from tests.parity.test_gate_stores import DEMO, DEMO_WINDOW, same
from tests.unit.stores.test_readiness import LOADING, asked
from tests.valkey_server import HOST, ValkeyServer, free_port

NewValkey = Callable[..., ValkeyServer]
BARS = demo_bars(("EUR_USD",), *DEMO)
GATES = encode_gates(BARS["EUR_USD"]).gates


def run(
    gates: str | dict[str, object],
    unavailable: WhenUnavailable = "fallback",
    wait_s: float = 0.0,
) -> SimulationResult:
    return BacktestSimulator(
        "EUR_USD",
        *DEMO_WINDOW,
        bars=BARS,
        gates=gates if isinstance(gates, str) else {},
        profile=load_profile(),
        unavailable=unavailable,
        wait_s=wait_s,
    ).run()


def filled(server: ValkeyServer) -> ValkeyServer:
    server.start()
    open_gate_store(server.url()).append(GATES)
    return server


@pytest.fixture(scope="module")
def derived() -> SimulationResult:
    return run({})


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> SimulationResult:
    url = f"parquet://{tmp_path_factory.mktemp('gates')}"
    open_gate_store(url).append(GATES)
    return run(url, "fail")


def is_fallback(result: SimulationResult, derived: SimulationResult, state: str) -> None:
    """The whole derived run, under a note that says why."""
    assert result.source == "synthetic"
    same(result, derived)
    assert result.trades.height > 20
    assert any(note.startswith(f"EUR_USD: the gate store was {state}: ") for note in result.notes)


def test_a_stopped_server_gives_the_derived_run_or_an_error_as_asked(
    derived: SimulationResult,
) -> None:
    url = f"valkey://{HOST}:{free_port()}/0"
    is_fallback(run(url), derived, "down")
    with pytest.raises(StoreUnavailableError) as caught:
        run(url, "fail", wait_s=0.3)
    assert caught.value.state == "down"


def test_a_server_that_refuses_the_password_is_not_taken_for_an_empty_one(
    new_valkey: NewValkey, derived: SimulationResult
) -> None:
    server = new_valkey(requirepass="right").start()
    is_fallback(run(server.url(0, ":wrong@")), derived, "refusing")


def test_a_loading_server_is_waited_for_or_replaced_as_asked(
    new_valkey: NewValkey, derived: SimulationResult, real: SimulationResult
) -> None:
    server = filled(new_valkey())
    with server.admin() as client:
        for number in range(200):
            client.set(f"ballast{number}", b"x" * 4096)
        client.config_set("rdbcompression", "no")
        client.execute_command("SAVE")
    server.kill()
    server.options |= LOADING
    server.start(wait=False)
    while asked(server.url()).state == "down":
        time.sleep(0.01)
    is_fallback(run(server.url(connect_s=5), wait_s=0.0), derived, "loading")
    same(run(server.url(), "fail", wait_s=60.0), real)


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.1, 0.3])
def test_a_server_killed_and_restarted_while_it_is_read_gives_the_real_run(
    new_valkey: NewValkey, real: SimulationResult, after_s: float
) -> None:
    server = filled(new_valkey(appendonly="yes", appendfsync="always"))

    def crash() -> None:
        time.sleep(after_s)
        server.kill()
        time.sleep(0.3)
        server.start()

    crashing = threading.Thread(target=crash)
    crashing.start()
    found = run(server.url(), "fail", wait_s=60.0)
    crashing.join()
    same(found, real)
    assert found.source == "valkey"


def test_a_server_that_stays_away_in_mid_read_ends_the_wait_within_its_bound(
    new_valkey: NewValkey, derived: SimulationResult
) -> None:
    server = filled(new_valkey())
    with server.admin() as client:
        client.execute_command("CLIENT", "PAUSE", "60000", "ALL")
    started = time.monotonic()
    found = run(server.url(read_s=0.5), wait_s=1.0)
    assert time.monotonic() - started < 30.0  # a bound, not a timing: without one it is a minute
    is_fallback(found, derived, "slow")


def test_each_run_is_wholly_real_or_wholly_derived_whatever_the_server_does(
    new_valkey: NewValkey, real: SimulationResult, derived: SimulationResult
) -> None:
    """Killed at random moments and started again, while run after run reads it."""
    server = filled(new_valkey(appendonly="yes", appendfsync="always"))
    chance = np.random.default_rng(9)
    stop = threading.Event()

    def torment() -> None:
        while not stop.wait(float(chance.uniform(0.05, 0.6))):
            server.kill()
            stop.wait(float(chance.uniform(0.2, 0.6)))
            server.start()

    tormentor = threading.Thread(target=torment)
    tormentor.start()
    seen, longest = set(), 0.0
    try:
        for _ in range(40):
            started = time.monotonic()
            found = run(server.url(), wait_s=0.1)
            longest = max(longest, time.monotonic() - started)
            same(found, real if found.source == "valkey" else derived)
            seen.add(found.source)
            if len(seen) == 2 and longest > 0.1:
                break
    finally:
        stop.set()
        tormentor.join()
    assert seen == {"valkey", "synthetic"}
    assert longest < 30.0  # the bound is some seconds; without one it would be minutes
