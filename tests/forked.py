"""Processes to kill, forked from one that has imported: imports take most of a process's time.

A module of such processes ends in ``serve(work)``; a test begins and kills them with ``Forked``.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Final

from tests.canary.sizes import ROOT

SOURCES: Final = {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
_OVER: Final = "over"


def say(word: object) -> None:
    """A whole line on stdout, or none of it."""
    os.write(1, f"{word}\n".encode())


def serve(work: Callable[[str], None]) -> None:
    """A new process for every line of stdin, which works on it until it is killed."""
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            try:
                say(os.getpid())
                work(line.strip())
            finally:
                os._exit(1)
        os.waitpid(child, 0)
        say(_OVER)


class Forked:
    """The process that forks: a context, one process of it at a time."""

    def __init__(self, module: str, *words: str) -> None:
        self._command = [sys.executable, "-m", module, *words]
        self._pid = 0

    def __enter__(self) -> "Forked":
        self._process = subprocess.Popen(
            self._command, env=os.environ | SOURCES, cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        if self._pid:  # a test that failed has left it
            os.kill(self._pid, signal.SIGKILL)
        self._process.communicate(timeout=60)

    def begin(self, word: object) -> None:
        """Fork a process that works on a word."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        self._pid = int(self.line())

    def line(self) -> str:
        """What it says next."""
        assert self._process.stdout is not None
        found = self._process.stdout.readline()
        assert found, "the process that forks is gone"
        return found.strip()

    def kill(self) -> list[str]:
        """End it at once; what it had said that was not read."""
        os.kill(self._pid, signal.SIGKILL)
        said = list(iter(self.line, _OVER))
        self._pid = 0
        return said
