"""Settings that would let strangers in are refused before anything listens."""

from pathlib import Path

import pytest

from hotband.errors import InputError
from hotband.service.settings import ServiceSettings

HOME = Path("state")
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is refused here


def test_without_variables_the_service_is_on_loopback_without_a_token() -> None:
    made = ServiceSettings.from_environment({"HOTBAND_HOME": "state"})
    assert (made.host, made.port, made.auth, made.read_only) == ("127.0.0.1", 8000, "auto", False)
    assert made.home == Path("state").absolute()
    assert not made.token_required


def test_every_variable_is_read() -> None:
    made = ServiceSettings.from_environment(
        {
            "HOTBAND_HOST": EVERYWHERE,
            "HOTBAND_PORT": "9000",
            "HOTBAND_ALLOWED_HOSTS": "desk.example, 10.0.0.7",
            "HOTBAND_ALLOWED_ORIGINS": "https://desk.example",
            "HOTBAND_AUTH": "token",
            "HOTBAND_READ_ONLY": "yes",
        }
    )
    assert made.allowed_hosts == ("desk.example", "10.0.0.7")
    assert made.allowed_origins == ("https://desk.example",)
    assert (made.host, made.port, made.read_only) == (EVERYWHERE, 9000, True)
    assert made.token_required


def test_what_is_given_wins_over_the_environment_and_none_does_not() -> None:
    env = {"HOTBAND_PORT": "9000", "HOTBAND_READ_ONLY": "yes"}
    made = ServiceSettings.from_environment(env, port=0, host=None, read_only=False)
    assert (made.host, made.port, made.read_only) == ("127.0.0.1", 0, False)


@pytest.mark.parametrize(
    "host", [EVERYWHERE, "::", "192.168.1.4", "", "desk.example", "localhost.x"]
)
def test_an_address_that_others_reach_needs_a_token(host: str) -> None:
    with pytest.raises(InputError, match=r"HOTBAND_HOST: got .* Set HOTBAND_AUTH=token, or bind"):
        ServiceSettings(HOME, host=host, allowed_hosts=("desk.example",))


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.168.1.4"])
def test_an_address_that_others_reach_needs_allowed_hosts(host: str) -> None:
    with pytest.raises(InputError, match=r"HOTBAND_HOST: got .* Set HOTBAND_ALLOWED_HOSTS"):
        ServiceSettings(HOME, host=host, auth="token")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback_asks_for_a_token_only_when_told_to(host: str) -> None:
    assert not ServiceSettings(HOME, host=host).token_required
    assert ServiceSettings(HOME, host=host, auth="token").token_required


@pytest.mark.parametrize("port", ["-1", "65536", "http", "8000 ", "1e3", "999999"])
def test_an_impossible_port_is_refused(port: str) -> None:
    with pytest.raises(InputError, match=r"HOTBAND_PORT: got .*; allowed: 0 to 65535"):
        ServiceSettings.from_environment({"HOTBAND_PORT": port})


def test_an_unknown_auth_is_refused_with_the_near_one() -> None:
    with pytest.raises(InputError, match=r"allowed: auto or token\. Did you mean 'token'\?"):
        ServiceSettings.from_environment({"HOTBAND_AUTH": "tokn"})


def test_a_flag_that_is_neither_yes_nor_no_is_refused() -> None:
    with pytest.raises(InputError, match="HOTBAND_READ_ONLY: got 'maybe'; allowed: yes or no"):
        ServiceSettings.from_environment({"HOTBAND_READ_ONLY": "maybe"})


@pytest.mark.parametrize(
    "name",
    ["*", "*.example", "Desk.example", "desk.example:80", "http://x", "a b", "::1", "-x", "x."],
)
def test_a_host_that_is_no_plain_name_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="HOTBAND_ALLOWED_HOSTS: got"):
        ServiceSettings(HOME, allowed_hosts=(name,))


@pytest.mark.parametrize(
    "origin",
    ["*", "null", "https://*.example", "https://desk.example/", "https://Desk.example",
     "desk.example", "ftp://desk.example", "https://desk.example:443", "http://x:0",
     "http://x:70000", "http://u@x"],
)  # fmt: skip
def test_an_origin_that_no_browser_sends_is_refused(origin: str) -> None:
    with pytest.raises(InputError, match="HOTBAND_ALLOWED_ORIGINS: got"):
        ServiceSettings(HOME, allowed_origins=(origin,))


def test_own_origins_have_the_port_that_was_bound() -> None:
    made = ServiceSettings(HOME, port=0, allowed_origins=("https://desk.example",)).with_port(4711)
    assert made.origins == {
        "http://localhost:4711",
        "http://127.0.0.1:4711",
        "http://[::1]:4711",
        "https://desk.example",
    }


def test_an_own_origin_on_port_80_has_no_port() -> None:
    assert "http://localhost" in ServiceSettings(HOME, port=80).origins
    assert "http://localhost" not in ServiceSettings(HOME, port=81).origins


def test_a_setting_that_does_not_exist_is_refused_with_the_near_one() -> None:
    with pytest.raises(InputError, match=r"setting: got prt; .* Did you mean 'port'\?"):
        ServiceSettings.from_environment({}, prt=1)
