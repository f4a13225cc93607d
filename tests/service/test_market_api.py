"""Gates, account and roster over HTTP: what there is, and why there is nothing."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.service.running import WEEK, Here, enter, finished_home, service_here
from tests.valkey_server import Database, ValkeyServer


@pytest.fixture
def home(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    made = finished_home(tmp_path_factory.getbasetemp(), tmp_path / "home")
    return enter(monkeypatch, made)


@pytest.fixture
def here(home: Path) -> Iterator[Here]:
    with service_here(home) as made:
        yield made


@pytest.fixture
def shared(home: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    """A service beside a server."""
    monkeypatch.setenv("VALKEY_URL", database.url())
    with service_here(home) as made:
        yield made


def test_a_store_without_gates_says_so(here: Here) -> None:
    found = here.client.get("/api/metrics/gates").json()
    assert found["gates"] == []
    assert found["reason"]


def test_a_store_that_is_away_is_told_and_no_failure(
    home: Path, monkeypatch: pytest.MonkeyPatch, new_valkey: Callable[..., ValkeyServer]
) -> None:
    url = new_valkey().url(0)
    monkeypatch.setenv("HOTBAND_GATES", url)
    monkeypatch.setenv("VALKEY_URL", url)
    with service_here(home) as here:
        gates = here.client.get("/api/metrics/gates")
        nav = here.client.get("/api/metrics/nav")
    assert (gates.status_code, gates.json()["available"]) == (200, False)
    assert nav.status_code == 200
    assert nav.json()["nav"]["nav_snapshot"] is None
    for reply in (gates, nav):
        assert "127.0.0.1" not in reply.text


def test_without_a_server_nothing_trades(here: Here) -> None:
    nav = here.client.get("/api/metrics/nav").json()["nav"]
    assert (nav["nav_snapshot"], nav["trading_active"]) == (None, False)
    assert "VALKEY_URL" in nav["reason"]


def test_the_account_is_what_the_trader_last_said(shared: Here, database: Database) -> None:
    told = {"nav_snapshot": "1000.5", "total_units": 7, "exposure_usd": 3.5, "last_updated": "now"}
    database.client.set("ops:risk_summary", json.dumps(told))
    database.client.set("ops:position_count", "2")
    database.client.set("ops:kill_switch", "0")
    nav = shared.client.get("/api/metrics/nav").json()["nav"]
    assert (nav["nav_snapshot"], nav["total_units"], nav["exposure_usd"]) == (1000.5, 7.0, 3.5)
    assert (nav["positions"], nav["kill_switch"], nav["trading_active"]) == (2, False, True)
    assert (nav["last_updated"], nav["reason"]) == ("now", None)


def test_an_engaged_switch_stops_trading(shared: Here, database: Database) -> None:
    database.client.set("ops:risk_summary", json.dumps({"nav_snapshot": 1}))
    database.client.set("ops:kill_switch", "1")
    nav = shared.client.get("/api/metrics/nav").json()["nav"]
    assert (nav["kill_switch"], nav["trading_active"]) == (True, False)


@pytest.mark.parametrize(
    "text",
    [b"[]", b"7", b"{", b"\xff", b"null", b'{"nav_snapshot": NaN}', b'{"nav_snapshot": "x"}',
     b'{"nav_snapshot": 1e999}', b'{"nav_snapshot": true}', b'{"nav_snapshot": {"a": 1}}'],
)  # fmt: skip
def test_what_a_trader_said_and_nobody_can_read_is_no_number(
    shared: Here, database: Database, text: bytes
) -> None:
    database.client.set("ops:risk_summary", text)
    reply = shared.client.get("/api/metrics/nav")
    assert reply.status_code == 200
    assert reply.json()["nav"]["nav_snapshot"] is None


def test_a_summary_of_another_type_is_told(shared: Here, database: Database) -> None:
    database.client.rpush("ops:risk_summary", "a")
    nav = shared.client.get("/api/metrics/nav").json()["nav"]
    assert (nav["nav_snapshot"], bool(nav["reason"])) == (None, True)


def test_the_roster_is_that_of_the_newest_week(here: Here) -> None:
    found = here.client.get("/api/roster").json()
    run_id = here.client.get("/api/backtests/latest").json()["run_id"]
    assert (found["state"], found["week"], found["weeks"]) == ("decided", WEEK, [WEEK])
    assert set(found["run_ids"].values()) == {run_id}
    assert here.client.get("/api/roster", params={"week": WEEK}).json() == found


@pytest.mark.parametrize("week", ["2020-W01", "2026-13", "..%2flatest", ""])
def test_a_week_that_was_not_decided_is_refused(here: Here, week: str) -> None:
    assert here.client.get(f"/api/roster?week={week}").status_code == 422
