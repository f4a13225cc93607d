"""What is going on, in under 4 kB: the state of the newest run and what can be done next."""

import json
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from hotband.artefacts.archive import week_of
from hotband.artefacts.schemas import Instrument, Latest
from hotband.artefacts.values import Window
from hotband.artefacts.writer import ArtefactFolder
from hotband.market.calendar import DAY_NS, DEFAULT_HOURS, SECOND_NS, format_time, parse_time
from hotband.service.index import RunIndex
from hotband.service.jobs import Job, State, instant
from hotband.service.library import Library
from hotband.service.problems import clipped, redacted
from hotband.service.results.replies import Reply

MOST_NAMES: Final = 60
"""Instruments that a status lists; beyond them it counts."""
MOST_TEXT: Final = 600
"""Bytes of an error's text, and of a request, that a status holds."""
STALLED_S: Final = 15.0
"""A runner that has not spoken for so long is stalled."""
SIMULATED: Final = "demo"


class Span(Reply):
    """A half-open span of time."""

    start: str
    end: str


class RunProgress(Reply):
    """Cells done of all, where that is known."""

    done: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=0)]
    ratio: Annotated[float, Field(ge=0, le=1)]
    cells_per_second: float | None
    eta_seconds: float | None
    instrument: str | None
    """Being swept."""


class RunFault(Reply):
    """Why a run did not finish."""

    kind: str
    message: str


class Freshness(Reply):
    """Whether the last good result is the one to look at."""

    stale: bool
    reason: str
    simulated: bool
    """All its bars are of the simulated market."""


class LastGood(Freshness):
    """The last run that finished."""

    run_id: str
    week: str
    generated_at: str
    window: Span


class Status(Reply):
    """The newest run, and the last good one beside it."""

    state: Literal["idle"] | State
    """``idle``: no run has been started yet."""
    message: str
    job_id: str | None = None
    run_id: str | None = None
    """Null until the run's inputs were read."""
    phase: Literal["preparing", "sweeping", "ended"] | None = None
    window: Span | None = None
    instruments: dict[str, Literal["pending", "running", "finished"]] = Field(default_factory=dict)
    instruments_total: int = 0
    progress: RunProgress | None = None
    error: RunFault | None = None
    started_at: str | None = None
    finished_at: str | None = None
    heartbeat_at: str | None = None
    stalled: bool = False
    """Active, and its process has said nothing for a while."""
    reused: bool = False
    resume: dict[str, Any] | None = None
    """The body of a start that goes on with what an unfinished run has left; null also where it
    is long, and then `request` of the run has it."""
    last_good: LastGood | None = None
    next_run_at: str | None = None
    """When the schedule starts the next one."""
    read_only: bool = False
    seq: int = 0


ELSEWHERE: Final = "Another program runs the grid in the same folder."
PATIENCE_NS: Final = 6 * DAY_NS
"""From the close of a week to when a result without it is stale: the weekly run is on Wednesday."""
_WORDS: Final[dict[str, str]] = {
    "idle": "No runs yet.",
    "running": "The grid is being swept.",
    "cancelling": "The run was asked to stop, and ends at the next cell.",
    "completed": "The run has finished.",
    "error": "The run failed.",
    "interrupted": "The run's process ended before the run did; what it finished is kept.",
    "cancelled": "The run was cancelled; what it finished is kept.",
}


@dataclass(frozen=True)
class StatusSource:
    """Where a status comes from."""

    index: RunIndex
    library: Library
    folder: ArtefactFolder
    read_only: bool = False

    def read(self, now_s: float, next_run_at: float | None) -> Status:
        """The status at a time in s since 1970; StoreError where the state cannot be read."""
        job = self.index.newest()
        latest = self.library.latest()
        common: dict[str, Any] = {
            "last_good": None if latest is None else last_good(latest, now_s),
            "next_run_at": instant(next_run_at),
            "read_only": self.read_only,
        }
        idle = {"state": "idle", "message": _WORDS["idle"]}
        facts = idle if job is None else _facts(job, now_s)
        elsewhere = None if job is not None and job.active else self._elsewhere()
        return Status(**common, **(facts if elsewhere is None else elsewhere))

    def _elsewhere(self) -> dict[str, Any] | None:
        """A run of another program in the folder, as its partial artefact tells it."""
        if not self.folder.is_taken():
            return None
        partial = self.folder.read_partial()
        if partial is None:
            return None
        names = dict.fromkeys(partial.instruments, "finished") | dict.fromkeys(
            partial.pending, "pending"
        )
        return {
            "state": "running",
            "message": ELSEWHERE,
            "run_id": partial.run_id,
            "phase": "sweeping",
            "window": Span(start=partial.window.start, end=partial.window.end),
            "instruments": names if len(names) <= MOST_NAMES else {},
            "instruments_total": len(names),
            "progress": RunProgress(
                done=partial.progress.completed,
                total=partial.progress.total,
                ratio=partial.progress.percent / 100,
                cells_per_second=partial.progress.cells_per_second,
                eta_seconds=partial.progress.eta_seconds,
                instrument=None,
            ),
        }


def _facts(job: Job, now_s: float) -> dict[str, Any]:
    silent = job.active and now_s - (job.heartbeat_at or job.created_at) > STALLED_S
    window = None if job.window is None else Span(start=job.window[0], end=job.window[1])
    unfinished = job.state in {"error", "interrupted", "cancelled"}
    fault, message = fault_of(job, MOST_TEXT), _WORDS[job.state]
    if fault is not None and job.state == "error":
        message = fault.message
    elif job.active and job.run_id is None:
        message = "The inputs of the run are being read."
    return {
        "state": job.state,
        "message": message,
        "job_id": job.job_id,
        "run_id": job.run_id,
        "phase": _phase(job),
        "window": window,
        "instruments": _instruments(job) if len(job.instruments) <= MOST_NAMES else {},
        "instruments_total": len(job.instruments),
        "progress": _progress(job),
        "error": fault,
        "started_at": instant(job.started_at or job.created_at),
        "finished_at": instant(job.finished_at),
        "heartbeat_at": instant(job.heartbeat_at),
        "stalled": silent,
        "reused": job.reused,
        "resume": resume_of(job) if unfinished else None,
        "seq": job.seq,
    }


def fault_of(job: Job, most: int | None = None) -> RunFault | None:
    """Why a job did not finish, without paths; ``most``: bytes of the text as JSON."""
    if job.error is None:
        return None
    text = redacted(job.error["message"])
    while most is not None and len(json.dumps(text)) > most:
        text = clipped(text, len(text) * 9 // 10)
    return RunFault(kind=job.error["kind"], message=text)


def _is_short(request: dict[str, Any]) -> bool:
    return len(json.dumps(request)) <= MOST_TEXT


def resume_of(job: Job) -> dict[str, Any] | None:
    """The body of a start that makes the same run; None where it would be too long.

    A start that named no window meant the last week then: the week is named, as another may
    have closed since.
    """
    body = dict(job.request)
    if "start" not in body and "week" not in body and job.window is not None:
        start, end = job.window
        body["week"] = week_of(Window(start=_plain(start), end=_plain(end)))
    named = body | ({"instruments": list(job.instruments)} if job.instruments else {})
    return next((each for each in (named, body) if _is_short(each)), None)


def _plain(text: str) -> str:
    return format_time(parse_time(text))


def _phase(job: Job) -> str:
    if not job.active:
        return "ended"
    return "preparing" if job.run_id is None else "sweeping"


def _progress(job: Job) -> RunProgress | None:
    found = job.progress
    if found is None:
        return None
    total = max(1, found["total"])
    return RunProgress(
        done=found["completed"],
        total=found["total"],
        ratio=min(1.0, found["completed"] / total),
        cells_per_second=found["cells_per_second"],
        eta_seconds=found["eta_seconds"],
        instrument=found["instrument"],
    )


def _instruments(job: Job) -> dict[str, str]:
    """Runs take their instruments by name; those before the one being swept are finished."""
    if job.state == "completed":
        return dict.fromkeys(job.instruments, "finished")
    now = None if job.progress is None else job.progress["instrument"]
    if now is None:
        return dict.fromkeys(job.instruments, "pending")
    told = {}
    for name in job.instruments:
        going = "running" if job.active else "pending"
        told[name] = "finished" if name < now else going if name == now else "pending"
    return told


def last_good(latest: Latest, now_s: float) -> LastGood:
    """The last good result and whether it still is the newest that there could be."""
    fresh = freshness(latest, now_s)
    return LastGood(
        stale=fresh.stale,
        reason=fresh.reason,
        simulated=fresh.simulated,
        run_id=latest.run_id,
        week=week_of(latest.window),
        generated_at=latest.generated_at,
        window=Span(start=latest.window.start, end=latest.window.end),
    )


def freshness(latest: Latest, now_s: float) -> Freshness:
    """Stale where a trading week closed six days ago or more that the result does not reach.

    A result of the simulated market is never stale: its weeks do not pass.
    """
    entries = [e for e in latest.instruments.values() if isinstance(e, Instrument)]
    if all(entry.bars_source == SIMULATED for entry in entries):
        reason = "the market is simulated: its weeks do not pass"
        return Freshness(stale=False, reason=reason, simulated=True)
    closed = DEFAULT_HOURS.week_before(round(now_s) * SECOND_NS - PATIENCE_NS)[1]
    stale = parse_time(latest.window.end) < closed
    reached = format_time(closed)
    reason = (
        f"a trading week closed at {reached}, after the result's window"
        if stale
        else f"it reaches the trading week that closed at {reached}"
    )
    return Freshness(stale=stale, reason=reason, simulated=False)
