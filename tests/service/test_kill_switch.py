"""The kill switch: engaged whenever in doubt, and never disengaged by accident."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hotband.live.kill_switch import FILE, KEY, FileSwitch, ValkeySwitch, open_kill_switch
from tests.service.running import Here, enter, make_home, service_here
from tests.valkey_server import Database, ValkeyServer

PAGE = "/api/kill-switch"
WORDS = [
    (b"0", False), (b"false", False), (b" False \n", False), (b"1", True), (b"true", True),
    (b"", True), (b"off", True), (b"no", True), (b"00", True), (b"0.0", True), (b"null", True),
    (b"\xff\xfe", True), (b"0 1", True),
]  # fmt: skip


@pytest.fixture
def here(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Here]:
    home = make_home(tmp_path_factory.getbasetemp(), tmp_path / "home")
    with service_here(enter(monkeypatch, home)) as made:
        yield made


@pytest.mark.parametrize(("word", "engaged"), WORDS)
def test_only_0_and_false_in_a_file_are_off(tmp_path: Path, word: bytes, engaged: bool) -> None:
    (tmp_path / FILE).write_bytes(word)
    assert FileSwitch(tmp_path).read().engaged is engaged


def test_without_a_file_it_is_engaged_and_not_set(tmp_path: Path) -> None:
    state = FileSwitch(tmp_path).read()
    assert (state.engaged, state.set) == (True, False)


def test_a_file_that_cannot_be_read_is_engaged(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    assert FileSwitch(tmp_path).read().engaged is True


@pytest.mark.parametrize("engaged", [True, False])
def test_what_is_written_to_a_file_is_read_back(tmp_path: Path, engaged: bool) -> None:
    switch = FileSwitch(tmp_path)
    switch.write(engaged=engaged)
    state = switch.read()
    assert (state.engaged, state.set) == (engaged, True)


@pytest.mark.parametrize(("word", "engaged"), WORDS)
def test_only_0_and_false_on_a_server_are_off(
    database: Database, word: bytes, engaged: bool
) -> None:
    database.client.set(KEY, word)
    switch = open_kill_switch({"VALKEY_URL": database.url()})
    assert switch.read().engaged is engaged


def test_without_a_key_it_is_engaged_and_not_set(database: Database) -> None:
    state = open_kill_switch({"VALKEY_URL": database.url()}).read()
    assert (state.engaged, state.set) == (True, False)


def test_a_key_of_another_type_is_engaged(database: Database) -> None:
    database.client.rpush(KEY, "0")
    assert open_kill_switch({"VALKEY_URL": database.url()}).read().engaged is True


def test_the_key_can_be_named(database: Database) -> None:
    database.client.set("other", "0")
    environment = {"VALKEY_URL": database.url(), "KILL_SWITCH_KEY": "other"}
    assert open_kill_switch(environment).read().engaged is False


def test_what_is_written_to_a_server_others_can_read(database: Database) -> None:
    switch = open_kill_switch({"VALKEY_URL": database.url()})
    assert isinstance(switch, ValkeySwitch)
    switch.write(engaged=False)
    assert database.client.get(KEY) == b"0"
    switch.write(engaged=True)
    assert database.client.get(KEY) == b"1"


def test_a_server_that_dies_engages_the_switch_until_it_is_back(
    new_valkey: Callable[..., ValkeyServer],
) -> None:
    server = new_valkey().start()
    url = server.url(0)
    switch = open_kill_switch({"VALKEY_URL": url})
    switch.write(engaged=False)
    assert switch.read().engaged is False
    server.kill()
    assert switch.read().engaged is True
    server.start()
    with server.admin() as client:
        client.set(KEY, "0")
    assert switch.read().engaged is False


BODIES: list[Any] = [
    b"", b"null", b"{}", b"[]", b"0", b"false", b'"false"', b'{"kill_switch": 0}',
    b'{"kill_switch": "false"}', b'{"kill_switch": null}', b'{"kill_switch": []}',
    b'{"kill_switch": 0.0}', b'{"kill_switch": "0"}', b'{"Kill_switch": false}',
    b'{"kill_switch": false, "also": 1}', b'{"kill_switch": NaN}', b"{",
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("before", [True, False])
def test_a_body_that_does_not_say_so_in_full_changes_nothing(
    here: Here, body: bytes, before: bool
) -> None:
    here.service.switch.write(engaged=before)
    reply = here.client.post(PAGE, content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code in {400, 422}, reply.text
    assert here.client.get(PAGE).json()["kill_switch"] is before


def test_it_is_engaged_until_somebody_sets_it(here: Here) -> None:
    state = here.client.get(PAGE).json()
    assert (state["kill_switch"], state["set"]) == (True, False)
    assert here.client.post(PAGE, json={"kill_switch": False}).json()["kill_switch"] is False
    assert here.client.get(PAGE).json()["set"] is True
    assert here.client.post(PAGE, json={"kill_switch": True}).json()["kill_switch"] is True


def test_a_read_only_service_does_not_set_it(here: Here) -> None:
    with service_here(here.service.settings.home, read_only=True) as other:
        reply = other.client.post(PAGE, json={"kill_switch": False})
        assert reply.status_code == 403
        assert other.client.get(PAGE).json()["kill_switch"] is True


def test_setting_it_on_a_server_that_is_away_is_an_error(
    here: Here, monkeypatch: pytest.MonkeyPatch, new_valkey: Callable[..., ValkeyServer]
) -> None:
    monkeypatch.setenv("VALKEY_URL", new_valkey().url(0))
    with service_here(here.service.settings.home) as away:
        reply = away.client.post(PAGE, json={"kill_switch": False})
        assert reply.status_code == 503
        assert away.client.get(PAGE).json()["kill_switch"] is True
