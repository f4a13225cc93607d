"""Real services for tests: a process on a free port, or a thread of this one, and their state.

``make_home`` fills a state folder with bars of a simulated market and a grid of few cells;
``finished_home`` is a copy of one in which a run has finished.
"""

import io
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
import pytest
import uvicorn

from hotband.feeds.demo import demo_bars
from hotband.market.calendar import parse_time
from hotband.service.app import create_app
from hotband.service.container import Service, open_service
from hotband.service.keeper import Command, runner_command
from hotband.service.logs import configure_logs
from hotband.service.serving import bind
from hotband.service.settings import ServiceSettings
from hotband.service.wire import server_config
from hotband.stores.urls import open_bar_store
from tests.service import held

PAIRS: Final = ("EUR_USD", "USD_JPY")
SPAN: Final = ("2026-02-22T22:00:00Z", "2026-03-27T21:00:00Z")
WEEK: Final = "2026-W13"
GRID: Final = (
    "default: {min_reps: [1, 2], exposure: [0.5], hold_minutes: [15, 30]}\nmin_trades: 5\n"
)
SLOW_GRID: Final = (
    "default: {hazard: {points: 6}, min_reps: [1, 2, 3, 4], exposure: [0.5, 1.0],\n"
    "          hold_minutes: [5, 10, 15, 30], stop_loss_pips: [10]}\n"
)
"""Some seconds of work, to be caught in the middle."""
PATIENCE_S: Final = 90.0
_OURS: Final = ("HOTBAND_", "VALKEY_", "KILL_SWITCH")


@cache
def _bars_home(base: Path) -> Path:
    folder = base / "bars-home"
    store = open_bar_store(f"parquet://{folder}")
    start, end = (parse_time(text) for text in SPAN)
    for bars in demo_bars(PAIRS, start, end, seed=7, edge=0.05).values():
        store.append(bars)
    (folder / "grid.yaml").write_text(GRID)
    (folder / "grids").mkdir()
    (folder / "grids" / "slow.yaml").write_text(SLOW_GRID)
    return folder


@cache
def _run_home(base: Path) -> Path:
    folder = base / "run-home"
    shutil.copytree(_bars_home(base), folder)
    weekly(folder)
    return folder


def make_home(base: Path, to: Path) -> Path:
    """A state folder with bars and a small grid; ``base`` is where all of a session share them."""
    return Path(shutil.copytree(_bars_home(base), to))


def finished_home(base: Path, to: Path) -> Path:
    """The same in which ``hotband weekly`` has finished a run."""
    return Path(shutil.copytree(_run_home(base), to))


def environment_of(home: Path, **more: str) -> dict[str, str]:
    """The variables of a process over a state folder, without ours of the developer's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    grid = {"HOTBAND_GRID": str(home / "grid.yaml")} if (home / "grid.yaml").exists() else {}
    return kept | {"HOTBAND_HOME": str(home)} | grid | more


def enter(monkeypatch: pytest.MonkeyPatch, home: Path, **more: str) -> Path:
    """Give this process the variables of a state folder, for ``service_here``; the folder."""
    for name in [name for name in os.environ if name.startswith(_OURS)]:
        monkeypatch.delenv(name)
    for name, value in environment_of(home, **more).items():
        if name.startswith(_OURS):
            monkeypatch.setenv(name, value)
    return home


def weekly(home: Path, *options: str) -> None:
    """Run ``hotband weekly`` over a state folder."""
    subprocess.run(
        [*HOTBAND, "weekly", "--grid", str(home / "grid.yaml"), *options],
        env=environment_of(home),
        check=True,
        capture_output=True,
    )


HOTBAND: Final = (sys.executable, "-m", "hotband")


def until(holds: Callable[[], Any], what: str, within_s: float = PATIENCE_S) -> Any:
    """What ``holds`` answers as soon as it is true; AssertionError where it never is."""
    end = time.monotonic() + within_s
    while True:
        if found := holds():
            return found
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.02)


class Client(httpx.Client):
    """A client of one service, with what tests ask of it over and over."""

    def status(self) -> dict[str, Any]:
        """The status."""
        found: dict[str, Any] = self.get("/api/backtests/status").raise_for_status().json()
        return found

    def start(self, body: Any = None, **headers: str) -> httpx.Response:
        """Start a run; headers are named with _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.post("/api/backtests/run", json=body or {}, headers=named)

    def until(self, *states: str) -> dict[str, Any]:
        """The status once it has one of the states."""
        told: dict[str, Any] = {}

        def holds() -> bool:
            told.update(self.status())
            return told["state"] in states

        until(holds, f"{states}: {told}")
        return told


@dataclass
class Served:
    """A service in a process of its own."""

    process: "subprocess.Popen[bytes]"
    url: str
    client: Client

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it in good order; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


@contextmanager
def service_process(
    home: Path, *options: str, hold: bool = False, command: tuple[str, ...] = (), **more: str
) -> Iterator[Served]:
    """``hotband serve`` on a free port, ready; ended at last with every process it has left.

    ``hold``: runs are made by ``held.HeldRunner``. ``command``: another one than serve, with the
    port among ``options``. ``more``: further variables of its environment.
    """
    words = [sys.executable, held.__file__, "--serve"] if hold else [*HOTBAND, "serve"]
    words = list(command) or [*words, "--port", "0"]
    process = subprocess.Popen(
        [*words, *options], env=environment_of(home, **more), stdout=subprocess.PIPE
    )
    try:
        url = address_from(process)
        with Client(base_url=url.partition("#")[0], timeout=PATIENCE_S) as client:
            until(lambda: answers(client), "the service answers")
            yield Served(process, url, client)
    finally:
        end_all(process)


def answers(client: httpx.Client) -> bool:
    """Whether the service lives."""
    try:
        return client.get("/health/live").status_code == 200
    except httpx.TransportError:
        return False


def address_from(process: "subprocess.Popen[bytes]") -> str:
    """The address that a service prints once it listens."""
    assert process.stdout is not None
    end, said = time.monotonic() + PATIENCE_S, b""
    while time.monotonic() < end:
        if select.select([process.stdout], [], [], 0.1)[0]:
            line = process.stdout.readline()
            said += line
            if line.startswith(b"hotband: "):
                return line.decode().split()[1]
        if process.poll() is not None:
            break
    raise AssertionError(f"no address: {said.decode(errors='replace')}")


def end_all(process: "subprocess.Popen[bytes]") -> None:
    """End a process, and what it started and left."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for child in family:
        if child.is_running():
            child.kill()
    if process.stdout is not None:
        process.stdout.close()


@dataclass
class Here:
    """A service in a thread of this process."""

    service: Service
    client: Client
    steps: held.Steps


@contextmanager
def service_here(
    home: Path, *, command: Command = held.command, schedule: str | None = None, **fields: Any
) -> Iterator[Here]:
    """A service over a state folder, whose variables this process must have already.

    ``fields`` are further ones of the settings. ``command``: of runners, held ones by default.
    """
    configure_logs(io.StringIO())  # else tracebacks are drawn with all their values
    settings = ServiceSettings(home=home, port=0, **fields)
    listener = bind(settings)
    own = settings.with_port(listener.getsockname()[1])
    service = open_service(
        own, schedule=schedule, command=command, environment=environment_of(home)
    )
    server = uvicorn.Server(server_config(create_app(service)))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        until(lambda: server.started or not thread.is_alive(), "the service starts")
        assert server.started
        url = f"http://127.0.0.1:{own.port}"
        with Client(base_url=url, timeout=PATIENCE_S) as client:
            yield Here(service, client, held.Steps(home))
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        listener.close()
        assert not thread.is_alive(), "the service did not stop"
        for child in service.keeper._children.values():
            child.wait(PATIENCE_S)


REAL_RUNS: Final = runner_command
"""What ``service_here`` takes as ``command`` to run the grid itself."""
