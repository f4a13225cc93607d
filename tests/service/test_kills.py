"""Whatever is killed while runs go, nothing is lost or lies, and runs end as they would have.

``hotband up`` runs over a real Valkey server. At drawn moments of a run the runner, the service,
both, or the server are ended with SIGKILL; what ``hotband up`` keeps up, it brings back.
"""

import hashlib
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
import pytest

from hotband.artefacts.archive import archived
from hotband.artefacts.schemas import TABLES
from hotband.artefacts.writer import ArtefactFolder
from hotband.service.index import RunIndex
from tests.service.whole_service import Whole, ended, environment, make_state, start
from tests.valkey_server import ValkeyServer, free_port

TRUE_WITHIN_S: Final = 15.0
BACK_WITHIN_S: Final = 90.0
TARGETS: Final = ("runner", "service", "both", "valkey")
KILLS_A_ROUND: Final = 2


class Disturbed:
    """``hotband up`` over a server, and what is killed of them."""

    def __init__(self, whole: Whole, server: ValkeyServer, seed: int) -> None:
        self.whole = whole
        self.server = server
        self.index = RunIndex(whole.home)
        self.folder = ArtefactFolder(whole.home / "output" / "backtests")
        self.draw = random.Random(seed)  # noqa: S311 # the same moments every time
        self.killed: Counter[str] = Counter()

    def service_process(self) -> psutil.Process:
        """The service that the supervisor keeps up; waited for where it is not back yet."""
        above = psutil.Process(self.whole.process.pid)
        end = time.monotonic() + BACK_WITHIN_S
        while time.monotonic() < end:
            for child in above.children():
                try:
                    if "serve" in child.cmdline():
                        return child
                except psutil.NoSuchProcess:
                    continue
            time.sleep(0.05)
        raise AssertionError(f"no service within {BACK_WITHIN_S} s: {self.whole.said()[-3000:]}")

    def kill(self, target: str) -> None:
        """End one of them at once; a server comes back as its own supervisor would bring it."""
        job = self.index.active()
        if target in {"service", "both"}:
            self.service_process().kill()
        if target in {"runner", "both"} and job is not None and job.process is not None:
            job.process.signal_group(signal.SIGKILL)
        if target == "valkey":
            self.server.kill()
            time.sleep(self.draw.uniform(0.0, 1.0))
            self.server.start()
        self.killed[target] += 1

    def status_comes_true(self) -> None:
        """The service answers again, and no later than allowed says what the processes bear out."""
        killed = time.monotonic()
        last = "no reply"
        while time.monotonic() < killed + BACK_WITHIN_S:
            asked = time.monotonic()
            try:
                with self.whole.client() as client:
                    status = client.get("/api/backtests/status").json()
            except httpx.TransportError as cause:
                last = repr(cause)
            else:
                job = self.index.job(status["job_id"]) if status["job_id"] else None
                going = status["state"] in {"running", "cancelling"}
                if not going or (job and job.process and job.process.alive()):
                    return
                last = str(status)
                assert asked < killed + TRUE_WITHIN_S, last
            time.sleep(0.1)
        raise AssertionError(f"no true status after {BACK_WITHIN_S} s: {last}")

    def no_zombies(self) -> None:
        """All dead children of the supervisor are waited for, but for the last moment's."""
        above = psutil.Process(self.whole.process.pid)

        def dead() -> list[int]:
            below = above.children(recursive=True)
            return [each.pid for each in below if _status(each) == psutil.STATUS_ZOMBIE]

        first = set(dead())
        end = time.monotonic() + 5
        while first & set(dead()):
            assert time.monotonic() < end, "zombies"
            time.sleep(0.05)

    def run_to_its_end(self, body: dict[str, Any]) -> str:
        """Ask for a run until it has finished; its id."""
        end = time.monotonic() + 2 * BACK_WITHIN_S
        last = "nothing"
        while time.monotonic() < end:
            try:
                with self.whole.client() as client:
                    reply = client.post("/api/backtests/run", json=body)
                    last = reply.text
                    if reply.status_code in {200, 202}:
                        facts = ended(client, reply.json()["job_id"])
                        if facts["state"] == "completed":
                            return str(facts["run_id"])
                        last = str(facts)
            except httpx.TransportError as cause:
                last = repr(cause)
            time.sleep(0.2)
        raise AssertionError(f"the run never finished: {last}")

    def archives(self) -> dict[str, str]:
        """SHA-256 of every archived result."""
        return {
            entry.path.name: hashlib.sha256(entry.path.read_bytes()).hexdigest()
            for entry in archived(self.folder.root)
        }


def _status(process: psutil.Process) -> str:
    try:
        return str(process.status())
    except psutil.NoSuchProcess:
        return "gone"


def body_of(number: int) -> dict[str, Any]:
    """A run that no other round asks for."""
    default = {"hazard": {"points": 3}, "min_reps_add": [0], "hold_minutes": [30, 60]}
    return {"grid": {"default": default, "promotion": {"draws": 199 + number}}}


def command(home: Path, server: ValkeyServer, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "hotband", *words],
        env=environment(home, VALKEY_URL=server.url()),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def undisturbed(home: Path, server: ValkeyServer, number: int) -> dict[str, Any]:
    """What the round's run comes to where nobody interferes."""
    grid = home / "round.yaml"
    grid.write_text(json.dumps(body_of(number)["grid"]))
    command(home, server, "weekly", "--workers", "1", "--grid", str(grid))
    return outcome(ArtefactFolder(home / "output" / "backtests"))


def outcome(folder: ArtefactFolder) -> dict[str, Any]:
    """The last result without when it was made, and the bytes of its tables."""
    latest = folder.read_latest()
    assert latest is not None
    document = latest.model_dump(mode="json")
    del document["generated_at"]
    tables = {
        name: hashlib.sha256((folder.root / latest.files[name]).read_bytes()).hexdigest()
        for name in TABLES
    }
    return {"document": document, "tables": tables}


@contextmanager
def upheld(folder: Path, server: ValkeyServer, seed: int) -> Iterator[Disturbed]:
    """``hotband up`` over a server that holds gates already, and keeps them through a kill."""
    home = make_state(folder / "home")
    command(home, server, "gates", "run", "--once")
    words = ("--port", str(free_port()), "--schedule", "off")
    whole = start(home, *words, command="up", VALKEY_URL=server.url())
    try:
        yield Disturbed(whole, server, seed)
    finally:
        whole.stop()


def disturbed_rounds(folder: Path, server: ValkeyServer, seed: int, kills: int) -> Counter[str]:
    """Run after run with two kills each, every one held against an undisturbed twin."""
    with upheld(folder, server, seed) as it:
        twin = make_state(folder / "twin")
        for number in range(-(-kills // KILLS_A_ROUND)):
            before = it.archives()
            body = body_of(number)
            asking = threading.Thread(target=_ask, args=(it.whole, body))
            asking.start()
            for _ in range(min(KILLS_A_ROUND, kills - it.killed.total())):
                time.sleep(it.draw.uniform(0.0, 2.5))
                it.kill(it.draw.choice(TARGETS))
                it.status_comes_true()
                it.no_zombies()
            asking.join()
            run_id = it.run_to_its_end(body)
            after = it.archives()
            assert {name: after.get(name) for name in before} == before, "an archive was lost"
            expected = undisturbed(twin, server, number)
            assert run_id == expected["document"]["run_id"]
            assert outcome(it.folder) == expected
            assert it.index.active() is None
        return it.killed


def _ask(whole: Whole, body: dict[str, Any]) -> None:
    """Start the round's run; a kill may take the answer with it."""
    with whole.client() as client:
        try:
            client.post("/api/backtests/run", json=body)
        except httpx.TransportError:
            return


@pytest.fixture
def keeping(new_valkey: Callable[..., ValkeyServer]) -> ValkeyServer:
    """A server that has on disk what it has answered."""
    return new_valkey(appendonly="yes", appendfsync="always", databases="16").start()


def test_a_few_kills_lose_nothing_and_change_nothing(tmp_path: Path, keeping: ValkeyServer) -> None:
    killed = disturbed_rounds(tmp_path, keeping, seed=7, kills=6)
    assert killed.total() == 6
    assert len(killed) > 1


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_hundred_kills_lose_nothing_and_change_nothing(
    tmp_path: Path, keeping: ValkeyServer
) -> None:
    killed = disturbed_rounds(tmp_path, keeping, seed=2026, kills=100)
    assert killed.total() == 100
    assert set(killed) == set(TARGETS)
