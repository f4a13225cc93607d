"""Whether the service can do its work, and what it is."""

import os
import platform
import shutil
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import hotband
from hotband.errors import HotbandError
from hotband.service.checkup.check import Surroundings
from hotband.service.checkup.examination import checkup, worst
from hotband.service.checkup.machine import LEAST_FREE
from hotband.service.jobs import instant
from hotband.service.problems import Problem
from hotband.service.results.replies import Reply
from hotband.service.roles import by_role, roles_of
from hotband.service.status import STALLED_S
from hotband.stores.urls import open_gate_store

if TYPE_CHECKING:
    from hotband.service.container import Service

API_VERSION: Final = "1"
CHECKED_S: Final = 15.0
_PARTS: Final = ("numpy", "numba", "polars", "pydantic", "fastapi", "starlette", "uvicorn")


class Meta(Reply):
    """Versions and modes."""

    app: str = "hotband"
    version: str
    api_version: str
    read_only: bool
    auth: str
    schedule: str | None
    """Cron line of the weekly run, UTC; null = nothing starts by itself."""
    next_run_at: str | None
    python: str
    parts: dict[str, str]
    licence: str = "Apache-2.0"


def meta_of(service: "Service") -> Meta:
    """What answers."""
    schedule = service.schedule
    return Meta(
        version=hotband.__version__,
        api_version=API_VERSION,
        read_only=service.settings.read_only,
        auth="token" if service.settings.token_required else "auto",
        schedule=None if schedule is None else schedule.line,
        next_run_at=None if schedule is None else instant(schedule.next_at()),
        python=platform.python_version(),
        parts={name: version(name) for name in _PARTS},
    )


class Finding(Reply):
    """One check: what was found, and what to do."""

    name: str
    status: str
    text: str
    do: str
    numbers: dict[str, Any]


class SystemReply(Reply):
    """What `hotband doctor` says, with places named by what they are for."""

    as_of: str
    status: str
    """The gravest of all checks."""
    checks: tuple[Finding, ...]


def system_of(service: "Service") -> SystemReply:
    """All checks, made again where the last ones are older than a quarter of a minute."""
    with service.checking:
        held = service.checked
        if held is None or time.monotonic() - held[0] > CHECKED_S:
            held = time.monotonic(), _examined(service)
            service.checked = held
    return held[1]


def _examined(service: "Service") -> SystemReply:
    run = service.keeper.settings
    found = checkup(Surroundings(clock=service.clock, granularity=run.granularity))
    roles = roles_of(service.places, run.grid)
    checks = tuple(
        Finding(
            name=each.name, status=each.status, text=by_role(each.text, roles),
            do=by_role(each.do, roles), numbers=each.numbers,
        )
        for each in found
    )  # fmt: skip
    return SystemReply(as_of=instant(time.time()) or "", status=worst(found), checks=checks)


def unready(service: "Service") -> list[str]:
    """Names of the parts that do not answer; none = ready."""
    failing = []
    for name, holds in (
        ("database", _database),
        ("artefacts", _artefacts),
        ("disk", _disk),
        ("runner", _runner),
        ("gates", _gates),
    ):
        try:
            good = holds(service)
        except (HotbandError, OSError):
            good = False
        if not good:
            failing.append(name)
    return failing


def require_ready(service: "Service") -> None:
    """Problem 503 with the names of what does not answer."""
    if failing := unready(service):
        detail = f"Not ready: {', '.join(failing)}."
        headers = {"Retry-After": "5"}
        raise Problem("not-ready", "Not ready", 503, detail, headers=headers, failing=failing)


def _database(service: "Service") -> bool:
    service.index.counts()
    return True


def _artefacts(service: "Service") -> bool:
    root = service.folder.root
    root.mkdir(parents=True, exist_ok=True)
    return root.is_dir() and os.access(root, os.W_OK)


def _disk(service: "Service") -> bool:
    return shutil.disk_usage(service.folder.root).free > LEAST_FREE


def _runner(service: "Service") -> bool:
    job = service.index.active()
    if job is None or job.heartbeat_at is None:
        return True
    return time.time() - job.heartbeat_at <= 2 * STALLED_S


def _gates(service: "Service") -> bool:
    open_gate_store(service.places.gates).instruments()
    return True
