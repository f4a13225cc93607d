"""Health: it lives whatever is away, and is ready only when a run could be made."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hotband.service import health
from tests.service.running import Here, enter, make_home, service_here, until
from tests.valkey_server import ValkeyServer

LIVE, READY = "/health/live", "/health/ready"


@pytest.fixture
def home(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    return enter(monkeypatch, make_home(tmp_path_factory.getbasetemp(), tmp_path / "home"))


@pytest.fixture
def here(home: Path) -> Iterator[Here]:
    with service_here(home) as made:
        yield made


def failing(here: Here) -> list[str]:
    """Names of what fails; none = ready."""
    reply = here.client.get(READY)
    if reply.status_code == 200:
        return []
    assert reply.status_code == 503
    assert reply.headers["retry-after"] == "5"
    found: list[str] = reply.json()["failing"]
    return found


def test_a_fresh_service_lives_and_is_ready(here: Here) -> None:
    assert here.client.get(LIVE).json() == {"status": "ok"}
    assert here.client.get(READY).json() == {"status": "ready"}


def test_a_service_starts_without_its_server_and_is_ready_once_that_comes(
    home: Path, monkeypatch: pytest.MonkeyPatch, new_valkey: Callable[..., ValkeyServer]
) -> None:
    server = new_valkey()
    monkeypatch.setenv("HOTBAND_GATES", server.url(0))
    monkeypatch.setenv("VALKEY_URL", server.url(0))
    with service_here(home) as here:
        assert failing(here) == ["gates"]
        assert here.client.get(LIVE).status_code == 200
        server.start()
        until(lambda: not failing(here), "it is ready")
        server.kill()
        assert failing(here) == ["gates"]
        assert here.client.status()["state"] == "idle"


def test_a_full_disk_is_named(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LEAST_FREE", 1 << 62)
    assert failing(here) == ["disk"]


def test_a_folder_of_artefacts_that_is_a_file_is_named(here: Here) -> None:
    root = here.service.folder.root
    root.mkdir(parents=True, exist_ok=True)
    root.rmdir()
    root.write_text("in the way")
    assert failing(here)[0] == "artefacts"
    assert here.client.get(LIVE).status_code == 200


def test_a_runner_that_is_silent_is_named(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.steps.say(run_id="0" * 16)
    here.client.start()
    assert failing(here) == []
    here.steps.say(freeze=True)
    monkeypatch.setattr(health, "STALLED_S", 0.2)
    until(lambda: failing(here) == ["runner"], "it is named")


def test_an_index_that_is_away_is_named(here: Here) -> None:
    path = here.service.index.db.path
    here.service.index.db.close()
    path.with_name("kept").write_bytes(b"")
    for each in path.parent.glob("index.sqlite*"):
        each.unlink()
    path.write_bytes(b"no database" * 500)
    assert "database" in failing(here)
    assert here.client.get("/api/backtests/status").status_code == 503


def test_the_system_page_says_what_the_doctor_says(here: Here) -> None:
    found = here.client.get("/api/system").json()
    assert found["checks"]
    assert str(here.service.settings.home) not in str(found)
    assert "[path]" not in str(found)
    text = {check["name"]: check["text"] for check in found["checks"]}
    assert text["folders"].startswith("The state folder and the output folder")
    assert text["bars"].startswith("The bar store (parquet)")
    assert here.client.get("/api/system").json()["as_of"] == found["as_of"]


def test_meta_says_what_answers(here: Here) -> None:
    found = here.client.get("/api/meta").json()
    assert (found["app"], found["api_version"], found["read_only"]) == ("hotband", "1", False)
    assert (found["schedule"], found["next_run_at"]) == (None, None)
