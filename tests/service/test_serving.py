"""The service on its address: it says where it is, and goes when it is told to."""

import signal
import socket
from pathlib import Path

import httpx
import pytest

from hotband.errors import InputError
from hotband.service.serving import address_of, bind
from hotband.service.settings import ServiceSettings
from tests.service.running import make_home, service_process


@pytest.fixture
def home(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.getbasetemp(), tmp_path / "home")


def test_an_address_that_is_taken_is_refused_by_its_port(tmp_path: Path) -> None:
    with bind(ServiceSettings(home=tmp_path, port=0)) as held:
        port = held.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port}.*Choose another|port {port}.*--port"):
            bind(ServiceSettings(home=tmp_path, port=port))


def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    with bind(ServiceSettings(home=tmp_path, port=0)) as held:
        assert held.getsockname()[0] == "127.0.0.1"


def test_the_token_is_in_the_fragment_and_only_where_one_is_asked_for(tmp_path: Path) -> None:
    plain = ServiceSettings(home=tmp_path, port=81)
    assert address_of(plain, lambda: "secret") == "http://127.0.0.1:81/"
    asked = ServiceSettings(home=tmp_path, port=81, auth="token")
    assert address_of(asked, lambda: "secret") == "http://127.0.0.1:81/#token=secret"


def test_an_address_of_all_is_shown_by_an_allowed_name(tmp_path: Path) -> None:
    settings = ServiceSettings(
        home=tmp_path, host="::", port=81, auth="token", allowed_hosts=("desk.example",)
    )
    assert address_of(settings, lambda: "t") == "http://desk.example:81/#token=t"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_frees_its_port(home: Path, number: signal.Signals) -> None:
    with service_process(home) as served:
        port = httpx.URL(served.url).port
        assert port is not None
        served.process.send_signal(number)
        served.process.wait(30)
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_held_run_is_interrupted_when_the_service_ends(home: Path) -> None:
    from tests.service.held import Steps

    steps = Steps(home)
    with service_process(home, hold=True) as served:
        steps.say(run_id="0" * 16)
        assert served.client.start().status_code == 202
        steps.say(deaf=True)
        served.stop()
    with service_process(home, hold=True) as served:
        assert served.client.status()["state"] == "interrupted"


def test_what_is_no_http_is_answered_as_a_problem(home: Path) -> None:
    with service_process(home) as served:
        url = httpx.URL(served.url)
        with socket.create_connection((url.host, url.port or 0), timeout=20) as wire:
            wire.sendall(b"NO HTTP AT ALL\r\n\r\n")
            answer = wire.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in answer
