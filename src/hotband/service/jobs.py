"""What the service knows of one start of the weekly run."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from hotband.market.calendar import SECOND_NS, format_time
from hotband.service.processes import ProcessMark

State: TypeAlias = Literal[
    "running", "cancelling", "completed", "error", "interrupted", "cancelled"
]
Origin: TypeAlias = Literal["api", "schedule", "archive"]
ACTIVE: Final = frozenset({"running", "cancelling"})


@dataclass(frozen=True, slots=True)
class Job:
    """One start of a run, or a result that was found in the archive; times in s since 1970.

    Attributes:
        job_id: Of this start.
        run_id: Of its inputs; None until they were read.
        state: ``running`` and ``cancelling`` are active; one job at most is.
        origin: Who started it; ``archive``: found there, another program ran it.
        request: What was asked for.
        window: (start, end) of what is published, RFC 3339; None where it is not known.
        instruments: That it runs.
        created_at, started_at, finished_at, heartbeat_at: When; None = not yet.
        process: The runner's.
        keeper: The service's that began it; None = not known.
        cancel_at: When it was asked to stop.
        progress: How far it is: instrument, completed, total, cells_per_second, eta_seconds.
        error: Its class and text; None = none.
        summary: What came of it, in short.
        archive: Name of the archived result.
        reused: Its inputs had been run before.
        seq: Rises with every change.
    """

    job_id: str
    run_id: str | None
    state: State
    origin: Origin
    request: dict[str, Any]
    window: tuple[str, str] | None
    instruments: tuple[str, ...]
    created_at: float
    started_at: float | None
    finished_at: float | None
    heartbeat_at: float | None
    process: ProcessMark | None
    cancel_at: float | None
    progress: dict[str, Any] | None
    error: dict[str, str] | None
    summary: dict[str, Any] | None
    archive: str | None
    reused: bool
    seq: int
    keeper: ProcessMark | None = None

    @property
    def active(self) -> bool:
        """Whether it is on its way."""
        return self.state in ACTIVE

    @classmethod
    def of(cls, row: sqlite3.Row) -> "Job":
        """From a row of the table ``jobs``."""
        window = (row["window_start"], row["window_end"])
        return cls(
            job_id=row["job_id"],
            run_id=row["run_id"],
            state=row["state"],
            origin=row["origin"],
            request=json.loads(row["request"]),
            window=None if None in window else window,
            instruments=tuple(json.loads(row["instruments"])),
            created_at=row["created_at"],
            started_at=row["started_at"],
            finished_at=row["finished_at"],
            heartbeat_at=row["heartbeat_at"],
            process=_marked(row["pid"], row["pid_started"]),
            keeper=_marked(row["keeper_pid"], row["keeper_started"]),
            cancel_at=row["cancel_at"],
            progress=_loaded(row["progress"]),
            error=_loaded(row["error"]),
            summary=_loaded(row["summary"]),
            archive=row["archive"],
            reused=bool(row["reused"]),
            seq=row["seq"],
        )


def _marked(pid: int | None, started: float) -> ProcessMark | None:
    return None if pid is None else ProcessMark(pid, started)


def _loaded(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def instant(unix_s: float | None) -> str | None:
    """A time in s since 1970 as RFC 3339 in UTC, to the millisecond; None stays None."""
    return None if unix_s is None else format_time(round(unix_s * 1000) * (SECOND_NS // 1000))
