"""The supervisor: what fails comes back, later and later, and nothing outlives it."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from hotband.service import supervisor as module
from hotband.service.supervisor import LEAST_PAUSE_S, MOST_PAUSE_S, STEADY_S, Part, Supervisor
from tests.service.running import (
    HOTBAND,
    Client,
    address_from,
    answers,
    end_all,
    environment_of,
    make_home,
    until,
)


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-S", "-c", code)


CRASHES = Part("crashes", python("raise SystemExit(3)"))
STAYS = Part("stays", python("import time; time.sleep(600)"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def supervise(clock: Clock, request: pytest.FixtureRequest) -> Callable[..., Supervisor]:
    """Makes supervisors, ended behind the test."""

    def make(*parts: Part) -> Supervisor:
        made = Supervisor(parts, clock=clock)
        request.addfinalizer(made.end)
        return made

    return make


def ended(supervisor: Supervisor, name: str) -> None:
    """Wait until a part's process is over, without telling the supervisor."""
    pid = supervisor.processes()[name]
    until(lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, "it is over")


def starts(supervisor: Supervisor) -> int:
    return supervisor._kept[0].starts


def test_a_part_that_crashes_is_started_again_later_and_later(
    supervise: Callable[..., Supervisor], clock: Clock
) -> None:
    supervisor, pauses = supervise(CRASHES), []
    supervisor.look()
    for count in range(1, 9):
        assert starts(supervisor) == count
        ended(supervisor, "crashes")
        supervisor.look()
        pause = supervisor._kept[0].next_at - clock.now
        pauses.append(pause)
        clock.now += pause * 0.99
        supervisor.look()
        assert starts(supervisor) == count
        clock.now = supervisor._kept[0].next_at
        supervisor.look()
    assert pauses == [min(MOST_PAUSE_S, LEAST_PAUSE_S * 2**k) for k in range(8)]
    assert len(set(pauses)) > 1


def test_a_part_that_was_steady_is_started_again_soon(
    supervise: Callable[..., Supervisor], clock: Clock
) -> None:
    supervisor = supervise(STAYS)
    supervisor.look()
    supervisor._kept[0].pause_s = MOST_PAUSE_S
    clock.now = STEADY_S
    os.kill(supervisor.processes()["stays"], signal.SIGKILL)
    ended(supervisor, "stays")
    supervisor.look()
    assert supervisor._kept[0].next_at == STEADY_S + LEAST_PAUSE_S


def test_a_periodic_part_is_begun_so_often(
    supervise: Callable[..., Supervisor], clock: Clock
) -> None:
    supervisor = supervise(Part("now and then", python("pass"), 100.0))
    supervisor.look()
    ended(supervisor, "now and then")
    clock.now = 99.0
    supervisor.look()
    assert (starts(supervisor), supervisor.processes()) == (1, {})
    clock.now = 100.0
    supervisor.look()
    assert starts(supervisor) == 2


def test_a_periodic_part_that_fails_is_tried_again_soon(
    supervise: Callable[..., Supervisor], clock: Clock
) -> None:
    supervisor = supervise(Part("now and then", python("raise SystemExit(1)"), 100.0))
    supervisor.look()
    ended(supervisor, "now and then")
    supervisor.look()
    clock.now = LEAST_PAUSE_S
    supervisor.look()
    assert starts(supervisor) == 2


def test_one_that_crashes_disturbs_no_other(supervise: Callable[..., Supervisor]) -> None:
    supervisor = supervise(CRASHES, STAYS)
    supervisor.look()
    pid = supervisor.processes()["stays"]
    ended(supervisor, "crashes")
    supervisor.look()
    assert supervisor.processes() == {"stays": pid}


def test_a_program_that_is_not_there_disturbs_no_other(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    supervisor = supervise(Part("lost", (str(tmp_path / "no-such-program"),)), STAYS)
    supervisor.look()
    assert list(supervisor.processes()) == ["stays"]


def test_stopping_ends_all_the_deaf_too(
    supervise: Callable[..., Supervisor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "STOP_WITHIN_S", 0.3)
    ready = tmp_path / "ready"
    deaf = Part("deaf", python(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"open({str(ready)!r}, 'w').close(); time.sleep(600)"
    ))  # fmt: skip
    supervisor = supervise(STAYS, deaf)
    stop = threading.Event()
    thread = threading.Thread(target=supervisor.run, args=(stop,))
    # Children must be those of a thread that stays: their end hangs on it.
    thread.start()
    until(ready.exists, "the deaf one runs")
    pids = list(supervisor.processes().values())
    stop.set()
    thread.join()
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux ends the children")
def test_nothing_outlives_a_supervisor_that_is_killed(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = make_home(tmp_path_factory.getbasetemp(), tmp_path / "home")
    process = subprocess.Popen(
        [*HOTBAND, "up", "--port", "0", "--schedule", "off"],
        env=environment_of(home, HOTBAND_GRID=str(home / "grids" / "slow.yaml")),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = address_from(process)
        with Client(base_url=url, timeout=60) as client:
            until(lambda: answers(client), "the service answers")
            assert client.start().status_code == 202
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) >= 2
        process.kill()
        process.wait()
        until(lambda: not any(alive(child) for child in family), "all have ended")
    finally:
        end_all(process)


def alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
