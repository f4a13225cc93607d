"""A real ``hotband serve`` or ``hotband up`` in processes of its own, over a scratch folder."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest

from hotband.feeds.demo import demo_bars
from hotband.market.calendar import parse_time
from hotband.stores.urls import open_bar_store

PAIRS: Final = ("EUR_USD", "USD_JPY")
START, END = "2026-03-01T22:00:00Z", "2026-03-27T21:00:00Z"
STARTS_WITHIN_S: Final = 60.0
ENDS_WITHIN_S: Final = 120.0
GRID: Final = """\
default:
  hazard: {{points: {points}}}
  min_reps_add: [0]
  hold_minutes: [30, 60]
  exposure_x: [1.0]
promotion: {{draws: 199}}
"""
KEPT: Final = ("HOTBAND_CACHE", "HOTBAND_TEST_DATA")


@dataclass(eq=False)
class Whole:
    """A service that answers, and how to reach and end it."""

    home: Path
    process: "subprocess.Popen[bytes]"
    port: int
    token: str | None
    output: Path

    @property
    def base_url(self) -> str:
        """Without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, *, signed_in: bool = True) -> httpx.Client:
        """A client, with the token where there is one."""
        return httpx.Client(
            base_url=self.base_url,
            headers=self.sign_in() if signed_in else {},
            timeout=90,
            trust_env=False,
        )

    def sign_in(self) -> dict[str, str]:
        """The header that signs in; none where no token is asked for."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    def said(self) -> str:
        """What its processes wrote."""
        return self.output.read_text("utf-8", "replace")

    def stop(self) -> None:
        """End it in good order, or at once where it takes too long."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def environment(home: Path, **more: str) -> dict[str, str]:
    """Of every process over a state folder: nothing of the machine's own settings."""
    foreign = ("HOTBAND_", "VALKEY_", "XDG_DATA_HOME")
    own = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT or not name.startswith(foreign)
    }
    set_here = {"HOTBAND_HOME": str(home), "HOTBAND_GRID": str(home / "grid.yaml")}
    return own | set_here | {"HOTBAND_WORKERS": "1"} | more


def make_state(home: Path, *, points: int = 2) -> Path:
    """A state folder with the bars of a simulated market and a grid of 2 x ``points`` cells."""
    home.mkdir(parents=True)
    (home / "grid.yaml").write_text(GRID.format(points=points))
    store = open_bar_store(f"parquet://{home}")
    for bars in demo_bars(PAIRS, parse_time(START), parse_time(END), seed=7).values():
        store.append(bars)
    return home


def finished_home(factory: pytest.TempPathFactory) -> Path:
    """A state folder of the caller's own, with a run that another program has finished."""
    template = factory.getbasetemp() / "whole-service-state"
    if not template.exists():
        command = [sys.executable, "-m", "hotband", "weekly", "--workers", "1", "--grid"]
        making = factory.mktemp("making") / "home"
        make_state(making)
        done = subprocess.run(
            [*command, making / "grid.yaml"],
            env=environment(making),
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        making.rename(template)
    home = factory.mktemp("whole") / "home"
    shutil.copytree(template, home)
    return home


def start(home: Path, *options: str, command: str = "serve", **more: str) -> Whole:
    """Start it on a free port, and wait until it says its address."""
    output = home.parent / f"{home.name}-{time.monotonic_ns()}.output"
    words = [sys.executable, "-m", "hotband", command, *options]
    if "--port" not in options:
        words += ["--port", "0"]
    with output.open("wb") as said:
        process = subprocess.Popen(
            words, env=environment(home, **more), stdout=said, stderr=said, stdin=subprocess.DEVNULL
        )
    address = address_in(output, process)
    port, token = urlsplit(address).port, urlsplit(address).fragment.removeprefix("token=")
    assert port is not None
    return Whole(home, process, port, token or None, output)


def address_in(output: Path, process: "subprocess.Popen[bytes]", nth: int = 0) -> str:
    """The address that a process has said; the ``nth`` where it says more."""
    end = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < end:
        lines = output.read_text("utf-8", "replace").splitlines(keepends=True)
        said = [line for line in lines if line.startswith("hotband: http") and line[-1] == "\n"]
        if len(said) > nth:
            return said[nth].removeprefix("hotband: ").strip()
        assert process.poll() is None, output.read_text("utf-8", "replace")
        time.sleep(0.02)
    raise AssertionError(f"no address within {STARTS_WITHIN_S} s: {output.read_text()}")


@contextmanager
def serving(home: Path, *options: str, **more: str) -> Iterator[Whole]:
    """A service for as long as the block takes."""
    whole = start(home, *options, **more)
    try:
        yield whole
    finally:
        whole.stop()


def run_to_the_end(client: httpx.Client, **request: Any) -> dict[str, Any]:
    """Start a run and wait until it is over; its facts."""
    reply = client.post("/api/backtests/run", json=request)
    assert reply.status_code in {200, 202}, reply.text
    return ended(client, reply.json()["job_id"])


def ended(client: httpx.Client, job_id: str) -> dict[str, Any]:
    """The facts of a run once it is over."""
    end = time.monotonic() + ENDS_WITHIN_S
    while time.monotonic() < end:
        facts: dict[str, Any] = client.get(f"/api/backtests/{job_id}").json()
        if facts["state"] not in {"running", "cancelling"}:
            return facts
        time.sleep(0.05)
    raise AssertionError(f"the run did not end within {ENDS_WITHIN_S} s")
