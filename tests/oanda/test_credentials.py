"""The token comes from the environment or a private file, and shows up nowhere."""

import logging
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from hotband.errors import HotbandError, InputError
from hotband.feeds.oanda_client import OandaClient
from hotband.feeds.oanda_credentials import HOSTS, OandaAccess
from hotband.feeds.oanda_stream import OandaStream
from tests.oanda.conftest import HASTY
from tests.oanda.stub import TOKEN, Fault, Stub

GIVEN = {"OANDA_TOKEN": "t"}


def access(**variables: str) -> OandaAccess:
    return OandaAccess.from_environment(variables)


def test_practice_is_the_default_and_live_must_be_asked_for() -> None:
    found = access(**GIVEN)
    assert (found.url, found.stream_url) == HOSTS["practice"]
    live = access(**GIVEN, OANDA_ENVIRONMENT="live")
    assert (live.url, live.stream_url) == HOSTS["live"]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "nothing in OANDA_TOKEN or OANDA_TOKEN_FILE"),
        ({"OANDA_TOKEN": "t", "OANDA_TOKEN_FILE": "f"}, "one of the two"),
        ({"OANDA_TOKEN": "a b"}, "token in OANDA_TOKEN: got text with other characters"),
        ({"OANDA_TOKEN": "t\r\nX: y"}, "other characters"),
        ({"OANDA_TOKEN": "t", "OANDA_ENVIRONMENT": "practise"}, "Did you mean 'practice'"),
        ({"OANDA_TOKEN": "t", "OANDA_ACCOUNT": "../x"}, "OANDA_ACCOUNT: got something else"),
        ({"OANDA_TOKEN": "t", "OANDA_URL": "http://example.com"}, "Use https"),
        ({"OANDA_TOKEN": "t", "OANDA_URL": "http://127.0.0.1.example.com"}, "Use https"),
        ({"OANDA_TOKEN": "t", "OANDA_URL": "ftp://127.0.0.1"}, "OANDA_URL: got ftp"),
        ({"OANDA_TOKEN": "t", "OANDA_URL": "https://u:p@example.com"}, "with a user, password"),
        ({"OANDA_TOKEN": "t", "OANDA_STREAM_URL": "http://example.com"}, "OANDA_STREAM_URL"),
        ({"OANDA_TOKEN": "t", "OANDA_URL": "https://x:99999"}, "OANDA_URL: got no address"),
    ],
)
def test_unsafe_settings_are_refused(variables: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        OandaAccess.from_environment(variables)


@pytest.mark.parametrize(
    "url",
    ["https://proxy.example/oanda", "http://localhost:1/", "http://[::1]:1", "http://127.0.0.1"],
)
def test_https_and_this_machine_are_taken_for_both_addresses(url: str) -> None:
    found = access(**GIVEN, OANDA_URL=url)
    assert found.url == found.stream_url == url.rstrip("/")


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_private_file_is_read(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(mode)
    assert access(OANDA_TOKEN_FILE=str(file)).token.reveal() == TOKEN


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o700, 0o660])
def test_a_file_that_others_can_use_is_refused_with_the_command_that_mends_it(
    tmp_path: Path, mode: int
) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(mode)
    with pytest.raises(InputError, match=f"mode {mode:04o}.*Run: chmod 600 ") as raised:
        access(OANDA_TOKEN_FILE=str(file))
    assert TOKEN not in str(raised.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for place in (tmp_path / "none", tmp_path):
        with pytest.raises(InputError, match="OANDA_TOKEN_FILE"):
            access(OANDA_TOKEN_FILE=str(place))


def test_the_account_is_asked_for_only_where_it_is_needed() -> None:
    with pytest.raises(InputError, match="OANDA_ACCOUNT: got nothing"):
        access(**GIVEN).require_account()


def test_access_shows_no_token_and_does_not_pickle() -> None:
    found = access(OANDA_TOKEN=TOKEN)
    assert TOKEN not in f"{found} {found!r} {found.token} {found.token!r}"
    with pytest.raises(TypeError, match="not written down"):
        pickle.dumps(found.token)


def all_of(error: BaseException | None) -> str:
    """Every text of an error and of what it was raised from, with the locals of all frames."""
    text = ""
    while error is not None:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        text += "".join(shown.format()) + repr(error) + repr(vars(error))
        error = error.__cause__ or error.__context__
    return text


@pytest.mark.parametrize(
    "fault", ["429", "500", "truncated", "cut", "slow", "reset", "redirect", "echo", "not json"]
)
def test_the_token_is_in_no_error_no_log_and_no_line_that_is_heard(
    fault: Fault,
    stub: Stub,
    client_of: Callable[..., OandaClient],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    stub.faults = [fault] * 20
    heard: list[str] = []
    client = client_of(stub, heard=heard.append, patience=HASTY)
    with pytest.raises(HotbandError) as raised:
        client.candles("EUR_USD", "M1", count=5)
    logs = "".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    printed = "".join(capfd.readouterr())
    for place in (all_of(raised.value), logs, printed, "".join(heard), repr(client)):
        assert TOKEN not in place
    assert any(record.name.startswith("httpcore") for record in caplog.records)


def test_the_token_is_in_no_error_of_a_stream(stub: Stub) -> None:
    stub.faults = ["echo"]
    stream = OandaStream(OandaAccess.from_environment(stub.environment), ["EUR_USD"])
    with pytest.raises(InputError) as raised:
        list(stream)
    assert TOKEN not in all_of(raised.value)


def test_the_search_for_the_token_sees_one_in_a_local() -> None:
    def spill() -> None:
        held = f"Bearer {TOKEN}"
        raise ValueError(len(held))

    with pytest.raises(ValueError, match=r"^42$") as raised:
        spill()
    assert TOKEN in all_of(raised.value)
