"""The status: true, small, and cheap to ask for again."""

import itertools
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hotband.artefacts.schemas import Latest
from hotband.artefacts.writer import ArtefactFolder
from hotband.market.calendar import parse_time
from hotband.service import status as module
from hotband.service.index import RunIndex
from hotband.service.library import Library
from hotband.service.status import ELSEWHERE, Status, StatusSource, freshness
from tests.service.running import (
    HOTBAND,
    Here,
    enter,
    environment_of,
    finished_home,
    make_home,
    service_here,
    service_process,
    until,
)

MOST_BYTES = 4096
CURRENCIES = ("EUR", "USD", "JPY", "GBP", "CHF", "AUD", "NZD", "CAD", "SEK")
MANY = tuple(f"{a}_{b}" for a, b in itertools.permutations(CURRENCIES, 2))
LONG_GRID = (
    "default: {hazard: {points: 60}, min_reps: [1, 2, 3, 4], exposure: [0.1, 0.2, 0.5, 1.0],\n"
    "          hold_minutes: [5, 10, 15, 30], stop_loss_pips: [5, 10, 20, 40]}\n"
    "max_cells: 1000000\n"
)
"""Many seconds of work."""


@pytest.fixture
def index(tmp_path: Path) -> RunIndex:
    return RunIndex(tmp_path)


@pytest.fixture
def source(index: RunIndex, tmp_path: Path) -> StatusSource:
    folder = ArtefactFolder(tmp_path / "artefacts")
    return StatusSource(index, Library(folder, index), folder)


@pytest.fixture
def here(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Here]:
    home = make_home(tmp_path_factory.getbasetemp(), tmp_path / "home")
    with service_here(enter(monkeypatch, home)) as made:
        yield made


def now(source: StatusSource, after_s: float = 0.0) -> Status:
    return source.read(time.time() + after_s, None)


LONG: tuple[tuple[str, dict[str, Any]], ...] = (
    ("words", {}),
    ("é", {}),
    ("\N{GRINNING FACE}", {}),
    ('\x01\n"', {}),
    ("words", {"grid": {"default": {"min_reps": list(range(3000))}}}),
    ("words", {"instruments": list(MANY[:60])}),
)


@pytest.mark.parametrize(("letter", "request_"), LONG)
def test_a_status_is_under_4_kb_whatever_a_run_says(
    index: RunIndex, source: StatusSource, letter: str, request_: dict[str, Any]
) -> None:
    window = ("2026-02-22T22:00:00Z", "2026-03-27T21:00:00Z")
    job = index.begin(request_, window, MANY[:60])
    index.note_run(job.job_id, "0" * 16, reused=False)
    progress = {"instrument": MANY[30], "completed": 10**6, "total": 10**7}
    index.beat(job.job_id, progress | {"cells_per_second": 1e5 / 3, "eta_seconds": 1e5 / 3})
    index.end(job.job_id, "error", error={"kind": "StoreError", "message": letter * 5000})
    told = now(source)
    assert len(told.model_dump_json().encode()) < MOST_BYTES
    assert told.error is not None
    assert told.error.message.startswith(letter[0])
    assert told.error.message == told.message


def test_instruments_beyond_sixty_are_counted(index: RunIndex, source: StatusSource) -> None:
    index.begin({}, None, MANY)
    told = now(source)
    assert (told.instruments, told.instruments_total) == ({}, len(MANY))


def test_a_request_that_is_short_is_there_to_go_on_with(
    index: RunIndex, source: StatusSource
) -> None:
    job = index.begin({"week": "2026-W13"}, None, ())
    index.end(job.job_id, "interrupted")
    assert now(source).resume == {"week": "2026-W13"}


def test_a_runner_that_is_silent_is_stalled(index: RunIndex, source: StatusSource) -> None:
    job = index.begin({}, None, ())
    assert now(source).stalled is False
    late = now(source, module.STALLED_S + 1)
    assert (late.stalled, late.state) == (True, "running")
    index.end(job.job_id, "cancelled")
    assert now(source, module.STALLED_S + 1).stalled is False


def test_progress_never_exceeds_the_whole(index: RunIndex, source: StatusSource) -> None:
    job = index.begin({}, None, ("EUR_USD",))
    none = {"instrument": "EUR_USD", "completed": 5, "total": 0}
    index.beat(job.job_id, none | {"cells_per_second": None, "eta_seconds": None})
    progress = now(source).progress
    assert progress is not None
    assert progress.ratio == 1.0


def test_a_finished_run_has_finished_all_its_instruments(
    index: RunIndex, source: StatusSource
) -> None:
    job = index.begin({}, None, ("EUR_USD", "USD_JPY"))
    index.end(job.job_id, "completed")
    assert now(source).instruments == {"EUR_USD": "finished", "USD_JPY": "finished"}


def test_a_tag_says_whether_the_status_has_changed(here: Here) -> None:
    page = "/api/backtests/status"
    first = here.client.get(page)
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    assert first.headers["cache-control"] == "private, no-cache"
    same = here.client.get(page, headers={"If-None-Match": f'"other", {tag}'})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["etag"] == tag
    here.steps.say(run_id="0" * 16)
    here.client.start()
    changed = here.client.get(page, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["state"]) == (200, "running")


def test_a_frozen_runner_is_stalled_and_wakes_up(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALLED_S", 0.5)
    here.steps.say(run_id="0" * 16)
    here.client.start()
    here.steps.say(freeze=True)
    until(lambda: here.client.status()["stalled"], "it is stalled")
    assert here.client.status()["state"] == "running"
    here.steps.say(freeze=False)
    until(lambda: not here.client.status()["stalled"], "it has woken up")


def test_the_number_of_changes_rises(here: Here) -> None:
    here.steps.say(run_id="0" * 16)
    here.client.start()
    first = here.client.status()["seq"]
    until(lambda: here.client.status()["seq"] > first, "it has risen")


def test_a_failed_run_leaves_the_last_good_one(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = finished_home(tmp_path_factory.getbasetemp(), tmp_path / "home")
    with service_here(enter(monkeypatch, home)) as here:
        latest = here.client.get("/api/backtests/latest").json()
        here.steps.say(run_id="0" * 16)
        here.steps.say(end="error", error={"kind": "StoreError", "message": "no room"})
        here.client.start()
        status = here.client.until("error")
        assert status["last_good"]["run_id"] == latest["run_id"]
        assert here.client.get("/api/backtests/latest").json() == latest


def test_the_run_of_another_program_is_told_of(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = make_home(tmp_path_factory.getbasetemp(), tmp_path / "home")
    with service_process(home) as served:
        grid = home / "long.yaml"
        grid.write_text(LONG_GRID)
        shell = subprocess.Popen(
            [*HOTBAND, "weekly", "--grid", str(grid)],
            env=environment_of(home),
            stdout=subprocess.DEVNULL,
        )
        try:
            until(lambda: served.client.status()["message"] == ELSEWHERE, "it is told of")
            shell.send_signal(signal.SIGSTOP)  # it has the folder for as long as is needed
            status = served.client.status()
            assert (status["message"], status["state"]) == (ELSEWHERE, "running")
            assert status["job_id"] is None
            assert status["instruments_total"] == 2
            assert served.client.start().status_code == 409
        finally:
            shell.send_signal(signal.SIGCONT)
            shell.send_signal(signal.SIGTERM)
            shell.wait(60)


def _demo_latest(base: Path, to: Path) -> Latest:
    home = finished_home(base, to)
    latest = ArtefactFolder(home / "output" / "backtests").read_latest()
    assert latest is not None
    return latest


def test_a_result_of_the_simulated_market_is_never_stale(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    latest = _demo_latest(tmp_path_factory.getbasetemp(), tmp_path / "home")
    assert freshness(latest, time.time() + 1e8).stale is False


def test_a_real_result_is_stale_six_days_after_a_week_that_it_lacks(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    latest = _demo_latest(tmp_path_factory.getbasetemp(), tmp_path / "home")
    entries = {
        name: entry.model_copy(update={"bars_source": "oanda"})
        for name, entry in latest.instruments.items()
    }
    real = latest.model_copy(update={"instruments": entries})
    # Its window ends with the week that closed on 2026-03-27 21:00; the next on 2026-04-03.
    closed = parse_time("2026-04-03T21:00:00Z") / 1e9
    assert freshness(real, closed + 5.9 * 86_400).stale is False
    assert freshness(real, closed + 6.1 * 86_400).stale is True
