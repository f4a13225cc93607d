"""Keeps processes running: each is started again, later and later while it keeps failing."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

LEAST_PAUSE_S, MOST_PAUSE_S = 1.0, 4.0
"""So that the service answers again within a quarter of a minute, however often it ended."""
STEADY_S: Final = 10.0
"""A process that ran for so long has not failed at once: its pauses begin anew."""
STOP_WITHIN_S: Final = 6.0
_LOOK_S: Final = 0.1
_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True, slots=True)
class Part:
    """A command under supervision.

    Attributes:
        name: In the log.
        command: Its words.
        every_s: None = it runs always; else it is begun so often, and ends by itself.
    """

    name: str
    command: tuple[str, ...]
    every_s: float | None = None


@dataclass
class _Kept:
    part: Part
    child: "subprocess.Popen[bytes] | None" = None
    began: float = 0.0
    next_at: float = 0.0
    pause_s: float = LEAST_PAUSE_S
    starts: int = 0


@dataclass
class Supervisor:
    """Runs parts until it is told to stop.

    Args:
        parts: What to keep running.
        start: Makes a process of a command.
        clock: Seconds, increasing.
    """

    parts: Sequence[Part]
    start: Callable[[tuple[str, ...]], "subprocess.Popen[bytes]"] = field(
        default_factory=lambda: spawn
    )
    clock: Callable[[], float] = time.monotonic
    _kept: list[_Kept] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._kept = [_Kept(part) for part in self.parts]
        self._log = structlog.stdlib.get_logger("hotband.supervisor")

    def run(self, stop: threading.Event) -> None:
        """Keep all parts running until ``stop`` is set, then end them."""
        try:
            while not stop.is_set():
                self.look()
                stop.wait(_LOOK_S)
        finally:
            self.end()

    def look(self) -> None:
        """Start what is due, and note what has ended."""
        for kept in self._kept:
            if kept.child is not None and kept.child.poll() is not None:
                self._ended(kept, kept.child.returncode)
            if kept.child is None and self.clock() >= kept.next_at:
                self._begin(kept)

    def _begin(self, kept: _Kept) -> None:
        kept.began = self.clock()
        kept.starts += 1
        try:
            kept.child = self.start(kept.part.command)
        except OSError as cause:
            self._ended(kept, cause.strerror or str(cause))
            return
        self._log.info("started", part=kept.part.name, pid=kept.child.pid)

    def _ended(self, kept: _Kept, status: int | str) -> None:
        kept.child = None
        now = self.clock()
        part = kept.part
        if part.every_s is not None and status == 0:
            kept.next_at, kept.pause_s = kept.began + part.every_s, LEAST_PAUSE_S
            return
        if now - kept.began >= STEADY_S:
            kept.pause_s = LEAST_PAUSE_S
        kept.next_at = now + kept.pause_s
        self._log.warning("ended", part=part.name, status=status, again_in_s=kept.pause_s)
        kept.pause_s = min(MOST_PAUSE_S, 2 * kept.pause_s)

    def end(self) -> None:
        """Ask all to stop, wait a few seconds, and end those that have not."""
        running = [kept.child for kept in self._kept if kept.child is not None]
        for child in running:
            if child.poll() is None:
                child.terminate()
        until = time.monotonic() + STOP_WITHIN_S
        for child in running:
            try:
                child.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def processes(self) -> dict[str, int]:
        """Numbers of the processes that run, by part."""
        return {k.part.name: k.child.pid for k in self._kept if k.child is not None}


def spawn(command: tuple[str, ...]) -> "subprocess.Popen[bytes]":
    """A process of a command, which ends with its supervisor, however that ends (on Linux)."""
    parent = os.getpid()
    return subprocess.Popen(  # noqa: S603 # our own commands
        command,
        stdin=subprocess.DEVNULL,
        preexec_fn=lambda: _end_with(parent),  # noqa: PLW1509 # the supervisor has one thread
    )


def _end_with(parent: int) -> None:
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it was gone before this was asked for
            os._exit(1)
