"""``kill -9`` at any moment of ``hotband weekly``: what is on disk is whole, and goes on.

Real processes run the command, forked from one that has imported it (the imports are two thirds
of its time, and write nothing); each is killed at a random moment between its start and somewhat
after a whole run's end. After each kill every artefact validates and ``latest.json`` is the old
result or the new one; the run that is let be ends in the bytes of one that nobody killed.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from tests.unit.weekly.grid_runs import published

from hotband.artefacts.archive import archived
from hotband.artefacts.schemas import Latest
from hotband.artefacts.writer import ArtefactFolder
from hotband.feeds.demo import demo_bars
from hotband.market.calendar import parse_time
from hotband.stores.urls import open_bar_store

PAIRS: Final = ("EUR_USD", "USD_JPY")
DATA: Final = ("2026-03-04T22:00:00Z", "2026-03-13T21:00:00Z")
GRID: Final = """
default: {hazard: {points: 30}, min_reps: [1, 2, 3], exposure: [0.25, 0.5, 1.0],
          hold_minutes: [10, 20, 30], stop_loss_pips: [5, 10, 20]}
min_trades: 5
"""
WINDOWS: Final = tuple(
    ("--start", f"2026-03-1{day}T00:00:00Z", "--end", "2026-03-13T21:00:00Z") for day in (1, 2)
)
"""Two runs of one ISO week, so that each finds the other's result as the latest."""

CHAIN: Final = 5
"""Kills from one fresh start to its end."""


FORKING: Final = """
import os, signal, sys, time
from hotband.cli.main import app
import hotband.report.grid, hotband.weekly.api

for line in sys.stdin:
    seconds, *arguments = line.split()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        app(arguments)
    if seconds != "-":
        time.sleep(float(seconds))
        os.kill(child, signal.SIGKILL)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass
class Weekly:
    """The command on bars of the demo market, into one folder."""

    home: Path
    folder: Path
    known: dict[str, dict[str, object]] = field(default_factory=dict)
    """What undisturbed runs published, by run id."""

    def __enter__(self) -> "Weekly":
        self._forking = subprocess.Popen(
            [sys.executable, "-c", FORKING],
            env=os.environ | {"HOTBAND_HOME": str(self.home), "HOTBAND_OUTPUT": str(self.folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._forking.communicate(timeout=60)

    def _ask(self, seconds: str, window: tuple[str, ...], further: tuple[str, ...]) -> int:
        """Start the command, kill it after so many seconds if any; its exit status."""
        grid = ("--grid", str(self.home / "grid.yaml"), "--json")
        assert self._forking.stdin is not None
        assert self._forking.stdout is not None
        words = (seconds, "weekly", *window, *grid, *further)
        self._forking.stdin.write(f"{' '.join(words)}\n")
        self._forking.stdin.flush()
        return int(self._forking.stdout.readline())

    def finish(self, window: tuple[str, ...], *further: str) -> float:
        """Let a run be; how long it took, in s."""
        before = time.monotonic()
        assert self._ask("-", window, further) == 0
        return time.monotonic() - before

    def kill_after(self, seconds: float, window: tuple[str, ...], *further: str) -> None:
        assert self._ask(str(seconds), window, further) in {0, -signal.SIGKILL}

    def check(self) -> None:
        """Every artefact validates; the result is one of the known ones, to the last byte."""
        folder = ArtefactFolder(self.folder)
        partial, error = folder.read_partial(), folder.read_error()
        assert error is None
        if partial is not None:
            assert partial.run_id in self.known
        assert folder.read_interrupted() == partial
        latest = folder.read_latest()
        assert latest is not None
        assert published(self.folder) == self.known[latest.run_id]
        for entry in archived(self.folder):
            assert self._tables(folder.read_archive(entry.week, entry.version)) >= {"rows"}

    def _tables(self, latest: Latest) -> set[str]:
        return {
            name for name in latest.files if pl.read_parquet(self.folder / latest.files[name]).width
        }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    store = open_bar_store(f"parquet://{folder}")
    start, end = (parse_time(text) for text in DATA)
    for bars in demo_bars(PAIRS, start, end, seed=7, edge=0.05).values():
        store.append(bars)
    (folder / "grid.yaml").write_text(GRID)
    return folder


def soak(weekly: Weekly, kills: int, seed: int) -> Counter[str]:
    """Kill that many runs; how often what was seen afterwards."""
    draw = random.Random(seed)  # noqa: S311 - moments to kill at, not secrets
    folder = ArtefactFolder(weekly.folder)
    lasts = 0.0
    for window in WINDOWS:
        weekly.finish(window)
    for window in WINDOWS:  # now that the ledger has the trials of both
        lasts = weekly.finish(window, "--force")
        latest = folder.read_latest()
        assert latest is not None
        weekly.known[latest.run_id] = published(weekly.folder)
    seen: Counter[str] = Counter()
    for kill in range(kills):
        window = WINDOWS[kill // CHAIN % 2]
        before = folder.read_latest()
        # The first run of a chain begins anew; those after it go on from where it was killed.
        further = ("--force",) if kill % CHAIN == 0 else ()
        weekly.kill_after(draw.uniform(0.0, 1.1) * lasts, window, *further)
        weekly.check()
        seen["partial"] += folder.read_partial() is not None
        seen["spans"] += any(weekly.folder.glob("runs/*/spans/*/*.span"))
        seen["old" if folder.read_latest() == before else "new"] += 1
        if kill % CHAIN == CHAIN - 1:
            weekly.finish(window)
            weekly.check()
            latest = folder.read_latest()
            assert latest is not None
            assert latest.window.start == window[1]
            assert not folder.read_interrupted()
    return seen


def soaks(home: Path, folder: Path, kills: int) -> Counter[str]:
    """Two at a time, each in a folder of its own."""

    def lane(seed: int) -> Counter[str]:
        with Weekly(home, folder / str(seed)) as weekly:
            return soak(weekly, kills // 2, seed)

    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(lane, (20260313, 20260314)), Counter())


def test_a_killed_run_leaves_whole_artefacts_and_ends_in_the_same_bytes(
    home: Path, tmp_path: Path
) -> None:
    seen = soaks(home, tmp_path, 40)
    assert min(seen[what] for what in ("partial", "spans", "old", "new")) > 0, seen


@pytest.mark.long
def test_so_does_one_of_200(home: Path, tmp_path: Path) -> None:
    seen = soaks(home, tmp_path, 200)
    assert min(seen[what] for what in ("partial", "spans", "old", "new")) > 0, seen
