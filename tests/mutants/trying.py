"""One forked interpreter per mutant: it alone has the mistake, and runs the tests uncompiled.

What all of them need is imported once, before the forks, but nothing of hotband.
"""

import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cosmic_ray.mutating
import hypothesis.extra.numpy
import numba.core.config
import polars as pl
import pydantic
import pytest
import scipy.stats
from hypothesis import Phase, settings

from tests.mutants.planting import SOURCES, Change, Finder, Mutant, Parts, planted

NEEDED = (cosmic_ray, hypothesis, numba, pl, pydantic, scipy)
LIMIT_S = 240.0
OPTIONS = (
    "-x", "-q", "--tb=no", "--no-header", "-p", "pytest_timeout", "-p", "no:cacheprovider",
    "-o", "timeout=20", "-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: killed, timeout, survived, or same (it changes nothing)."""

    mutant: Mutant
    change: Change | None
    verdict: str
    seconds: float


@dataclass
class _Child:
    mutant: Mutant
    pid: int
    pipe: int
    started: float
    received: bytes = b""


def prepare() -> None:
    """Make this interpreter ready to fork: kernels uncompiled, no plugins, no shrinking."""
    vars(numba.core.config)["DISABLE_JIT"] = 1
    os.environ["NUMBA_DISABLE_JIT"] = "1"
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.path.insert(0, str(SOURCES.parent))
    settings.register_profile(
        "mutants", database=None, derandomize=True, phases=(Phase.explicit, Phase.generate)
    )
    settings.load_profile("mutants")
    early = [name for name in sys.modules if name.split(".")[0] == "hotband"]
    if early:
        message = f"imported before a mistake could be planted: {early}"
        raise RuntimeError(message)


def _tested(parts: Parts) -> bool:
    """Whether the tests pass here; raises where pytest could not run them."""
    for tests in parts:
        status = pytest.main([*OPTIONS, *tests])
        if status in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}:
            return False
        if status != pytest.ExitCode.OK:
            message = f"pytest ended with {status!r}"
            raise RuntimeError(message)
    return True


def _tried(mutant: Mutant, *, clean: bool) -> dict[str, Any]:
    change, text = None, (SOURCES / mutant.file).read_text("utf-8")
    if not clean:
        made = planted(mutant)
        if made is None:
            return {"verdict": "same", "change": None}
        change, text = made
    sys.meta_path.insert(0, Finder(mutant.file, text))
    verdict = "survived" if _tested(mutant.tests) else "killed"
    return {"verdict": verdict, "change": vars(change) if change else None}


def _start(mutant: Mutant, *, clean: bool = False) -> tuple[int, int]:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    os.close(reader)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    try:
        found = _tried(mutant, clean=clean)
    except BaseException as error:  # the parent raises it
        found = {"error": repr(error)}
    os.write(writer, json.dumps(found).encode())
    os._exit(0)


def _end(child: _Child, *, late: bool) -> Outcome:
    if late:
        os.kill(child.pid, signal.SIGKILL)
    os.waitpid(child.pid, 0)
    os.close(child.pipe)
    seconds = time.monotonic() - child.started
    if late:
        made = planted(child.mutant)
        return Outcome(child.mutant, made and made[0], "timeout", seconds)
    found = json.loads(child.received)
    if "error" in found:
        message = f"{child.mutant}: {found['error']}"
        raise RuntimeError(message)
    change = found["change"] and Change(**found["change"])
    return Outcome(child.mutant, change, found["verdict"], seconds)


def outcomes(queue: Sequence[Mutant], workers: int) -> Iterator[Outcome]:
    """The outcome of each mutant as they come, ``workers`` at a time."""
    waiting, running = list(reversed(queue)), dict[int, _Child]()
    while waiting or running:
        while waiting and len(running) < workers:
            mutant = waiting.pop()
            pid, pipe = _start(mutant)
            running[pipe] = _Child(mutant, pid, pipe, time.monotonic())
        ready, _, _ = select.select(list(running), [], [], 1.0)
        for pipe, child in list(running.items()):
            part = os.read(pipe, 65_536) if pipe in ready else b""
            child.received += part
            late = time.monotonic() - child.started > LIMIT_S
            if (pipe in ready and not part) or late:
                del running[pipe]
                yield _end(child, late=late)


def passes_clean(mutant: Mutant) -> bool:
    """Whether its tests pass with its file as it is, put in as a mistake would be.

    No verdict means a thing where they do not.
    """
    pid, pipe = _start(mutant, clean=True)
    with os.fdopen(pipe, "rb") as answer:
        found = json.loads(answer.read())
    os.waitpid(pid, 0)
    return bool(found.get("verdict") == "survived")
