"""Recorded paper sessions over HTTP: as the session is, however its journal is read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hotband.live.driver import PaperDriver
from hotband.market.calendar import format_time
from hotband.service import journals, paper
from hotband.service.paper import PaperShelf
from tests.service.paper_state import recorded
from tests.service.running import Here, enter, make_home, service_here

HALF = "20260308T220000Z"


@pytest.fixture
def home(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    return enter(monkeypatch, make_home(tmp_path_factory.getbasetemp(), tmp_path / "home"))


@pytest.fixture
def here(home: Path) -> Iterator[Here]:
    with service_here(home) as made:
        yield made


@pytest.fixture
def driver(home: Path) -> Iterator[PaperDriver]:
    made = recorded(home, HALF, 0.5)
    yield made
    made.stop()


def only(here: Here) -> dict[str, Any]:
    reply = here.client.get("/api/paper").json()
    assert (reply["total"], reply["unreadable"]) == (1, [])
    (found,) = reply["items"]
    return dict(found)


def open_units(driver: PaperDriver) -> dict[str, tuple[int, float]]:
    """By instrument: tickets and units, as the session itself has them."""
    held: dict[str, tuple[int, float]] = {}
    for fill in driver.session.fills:
        name = driver.session.spec.instruments[int(fill["instrument"])]
        count, units = held.get(name, (0, 0.0))
        kind = int(fill["kind"])
        held[name] = count + kind, units + kind * int(fill["side"]) * float(fill["units"])
    return {name: each for name, each in held.items() if each[0]}


def test_without_a_recording_the_list_is_empty(here: Here) -> None:
    reply = here.client.get("/api/paper")
    assert reply.json() == {"items": [], "total": 0, "unreadable": []}


def test_a_session_is_told_as_it_is(here: Here, driver: PaperDriver) -> None:
    found, session = only(here), driver.session
    assert (found["name"], found["session"]) == (HALF, driver.recording.session_id)
    assert found["instruments"] == ["EUR_USD", "USD_JPY"]
    assert (found["balance"], found["currency"]) == (100_000.0, "USD")
    assert found["closing"]["equity"] == session.manager.nav
    assert found["closing"]["time"] == format_time(session.closed_ns)
    assert found["fills"] == len(session.fills) > 0
    assert found["decision"]["instrument"] in found["instruments"]
    assert found["last_bars"] == {k: format_time(t) for k, t in driver.last_bars.items()}
    assert (found["stale"], found["trouble"], found["restarts"]) == (False, None, 0)


def test_open_positions_are_those_of_the_account_at_every_closing(
    home: Path, driver: PaperDriver
) -> None:
    from tests.unit.live.paper_weeks import arrivals, hand_over

    shelf, some, seen = PaperShelf(home), arrivals(), set[int]()
    books = driver.session.manager.books
    for at in range(len(some) // 2, len(some), 40):
        hand_over(driver, some[at : at + 40])
        driver.recording.sync()
        (found,) = shelf.read().items
        assert found.positions is not None
        told = {each.instrument: each for each in found.positions}
        for k, name in enumerate(found.instruments):
            tickets = int(books["n"][k])
            assert (told[name].tickets if name in told else 0) == tickets
            seen.add(tickets)
        units = {name: (e.tickets, e.units) for name, e in told.items()}
        assert units == {name: (n, abs(u)) for name, (n, u) in open_units(driver).items()}
    assert len(seen) > 1


def test_a_session_runs_while_its_recording_is_held(here: Here, driver: PaperDriver) -> None:
    assert only(here)["running"] is True
    driver.stop()
    assert only(here)["running"] is False


def test_a_restart_is_counted_and_the_positions_stay(
    home: Path, here: Here, driver: PaperDriver
) -> None:
    before = only(here)
    driver.stop()
    again = PaperDriver.resume(home / "recordings" / HALF)
    after = only(here)
    again.stop()
    assert (before["restarts"], after["restarts"], after["running"]) == (0, 1, True)
    assert after["positions"] == before["positions"]


def test_trouble_and_the_kill_switch_are_told_until_a_closing_ends_the_trouble(
    here: Here, driver: PaperDriver
) -> None:
    from tests.unit.live.paper_weeks import arrivals, hand_over

    some = arrivals()
    driver.set_kill_switch(engaged=True)
    driver.note("trouble", now=1, words="store at /srv/bars: does not answer")
    driver.recording.sync()
    found = only(here)
    assert found["kill_switch"] is True
    assert found["trouble"] == "store at [path]: does not answer"
    hand_over(driver, some[len(some) // 2 : len(some) // 2 + 40])
    driver.recording.sync()
    found = only(here)
    assert found["trouble"] is None
    assert "kill_switch" in found["closing"]["halts"]


def test_a_long_journal_is_read_on_reply_by_reply_and_its_end_is_known_at_once(
    home: Path, driver: PaperDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper, "BUDGET", 40_000)
    monkeypatch.setattr(paper, "LONGEST_LINE", 30_000)
    monkeypatch.setattr(journals, "LONGEST_LINE", 30_000)
    monkeypatch.setattr(journals, "TAIL", 30_000)
    shelf, looks = PaperShelf(home), 1
    (found,) = shelf.read().items
    assert (found.positions, found.fills) == (None, None)
    assert found.journal_read_bytes <= 40_000 < found.journal_bytes
    while found.positions is None:
        assert found.closing is not None
        assert found.closing.equity == driver.session.manager.nav
        (found,), looks = shelf.read().items, looks + 1
    assert looks == -(-found.journal_bytes // 40_000)
    assert found == PaperShelf(home).read().items[0] or looks > 1
    assert found.fills == len(driver.session.fills)


def test_a_line_that_was_taken_back_is_not_heard_twice(home: Path, driver: PaperDriver) -> None:
    shelf, path = PaperShelf(home), home / "recordings" / HALF / "session.jsonl"
    whole = path.read_bytes()
    driver.stop()
    cut = whole.rstrip(b"\n").rfind(b"\n") + 1
    shelf.read()
    with path.open("r+b") as file:
        file.truncate(cut)
        file.seek(cut)
        file.write(b'{"k":"clock","now":1,"by":2}\n' + whole[cut:])
    (found,), (anew,) = shelf.read().items, PaperShelf(home).read().items
    assert found == anew


def test_a_torn_last_line_is_not_there_yet(home: Path, driver: PaperDriver) -> None:
    driver.stop()
    path = home / "recordings" / HALF / "session.jsonl"
    (before,) = PaperShelf(home).read().items
    with path.open("ab") as file:
        file.write(b'{"k":"step","t":')
    (after,) = PaperShelf(home).read().items
    assert (after.closing, after.positions) == (before.closing, before.positions)


@pytest.mark.parametrize(
    "line", [b'{"k":"step"}\n', b'{"k":"step",\n', b"\xff\n", b'{"format": 9}\n', b"[]\n", b"\n"]
)
def test_a_damaged_recording_is_named_and_the_others_are_shown(
    home: Path, here: Here, driver: PaperDriver, line: bytes
) -> None:
    other = home / "recordings" / "damaged"
    other.mkdir()
    head = b"" if b"k" not in line else (driver.recording.path.read_bytes().partition(b"\n")[0])
    (other / "session.jsonl").write_bytes((head + b"\n" if head else b"") + line)
    reply = here.client.get("/api/paper")
    assert (reply.status_code, reply.json()["total"]) == (200, 2)
    assert [each["name"] for each in reply.json()["items"]] == [HALF]
    (bad,) = reply.json()["unreadable"]
    assert (bad["name"], bool(bad["reason"])) == ("damaged", True)
    assert str(home) not in reply.text


def test_at_most_twenty_sessions_are_listed_and_all_are_counted(
    home: Path, here: Here, driver: PaperDriver
) -> None:
    driver.stop()
    source = driver.recording.path.read_bytes()
    for at in range(21):
        folder = home / "recordings" / f"copy-{at:02}"
        folder.mkdir()
        (folder / "session.jsonl").write_bytes(source)
    reply = here.client.get("/api/paper").json()
    assert (len(reply["items"]), reply["total"]) == (20, 22)
