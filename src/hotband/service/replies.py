"""The replies about runs, and how they are made from jobs and results."""

import base64
import binascii
import json
import time
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from hotband.artefacts.schemas import Latest
from hotband.errors import InputError
from hotband.market.calendar import format_time, parse_time
from hotband.service.index import RunIndex
from hotband.service.jobs import Job, Origin, State, instant
from hotband.service.problems import Problem, redacted
from hotband.service.results.replies import Reply
from hotband.service.status import Freshness, RunFault, Span, fault_of, freshness

Words = Annotated[str, StringConstraints(max_length=2000)]


class FinishedRun(Latest):
    """A result with whether it is still the newest that there could be."""

    freshness: Freshness


class NoRun(Reply):
    """What stands for the last result before there is one."""

    state: Literal["empty"] = "empty"
    message: str = "No runs yet."
    run_id: None = None
    run: None = None
    window: None = None
    instruments: dict[str, Any] = Field(default_factory=dict, max_length=0)


def latest_text(latest: Latest | None) -> str:
    """The last good result as the reply says it, or that there is none."""
    if latest is None:
        return NoRun().model_dump_json()
    told = latest.model_dump(mode="json")
    told["freshness"] = freshness(latest, time.time()).model_dump(mode="json")
    return json.dumps(told, allow_nan=False)


class Started(Reply):
    """A run that was started, or was there already."""

    state: State
    job_id: str
    run_id: str | None
    """Of its inputs; null where it ended before they were read."""
    reused: bool
    """The same inputs had been run before: nothing was run again."""
    window: Span | None
    instruments: tuple[str, ...]
    error: RunFault | None
    links: dict[str, str]


def started_of(job: Job) -> Started:
    """What a start answers."""
    return Started(
        state=job.state,
        job_id=job.job_id,
        run_id=job.run_id,
        reused=job.reused,
        window=_span(job),
        instruments=job.instruments,
        error=fault_of(job),
        links=_links(job),
    )


class RunFacts(Reply):
    """One start of a run."""

    job_id: str
    run_id: str | None
    state: State
    origin: Origin
    """``archive``: another program ran it; it was found there."""
    reused: bool
    window: Span | None
    instruments: tuple[str, ...]
    request: dict[str, Any]
    created_at: str
    started_at: str | None
    finished_at: str | None
    duration_seconds: float | None
    error: RunFault | None
    summary: dict[str, Any] | None
    """Counts over instruments, of a finished run."""
    archive: str | None
    has_note: bool
    links: dict[str, str]


def facts_of(index: RunIndex, job: Job) -> RunFacts:
    """A job as lists and pages show it."""
    began = job.started_at
    took = None if began is None or job.finished_at is None else job.finished_at - began
    return RunFacts(
        job_id=job.job_id,
        run_id=job.run_id,
        state=job.state,
        origin=job.origin,
        reused=job.reused,
        window=_span(job),
        instruments=job.instruments,
        request=job.request,
        created_at=instant(job.created_at) or "",
        started_at=instant(job.started_at),
        finished_at=instant(job.finished_at),
        duration_seconds=took,
        error=fault_of(job),
        summary=job.summary,
        archive=job.archive,
        has_note=bool(index.notes.read(_noted(job))[0]),
        links=_links(job),
    )


def _span(job: Job) -> Span | None:
    if job.window is None:
        return None
    start, end = (format_time(parse_time(text)) for text in job.window)
    return Span(start=start, end=end)


def _links(job: Job) -> dict[str, str]:
    own = f"/api/backtests/{job.job_id}"
    links = {"self": own, "status": "/api/backtests/status"}
    if job.active:
        links["cancel"] = f"{own}/cancel"
    if job.state == "completed":
        links["artefact"] = f"{own}/artefact"
    return links


class History(Reply):
    """Runs from the newest on."""

    items: tuple[RunFacts, ...]
    next: str | None
    """Cursor of the page after; null = there is none."""

    @classmethod
    def read(cls, index: RunIndex, limit: int, cursor: str | None) -> "History":
        """One page; InputError for a cursor that no page gave."""
        jobs = index.history(limit + 1, None if cursor is None else _place(cursor))
        more = len(jobs) > limit
        items = tuple(facts_of(index, job) for job in jobs[:limit])
        return cls(items=items, next=_cursor(jobs[limit - 1].job_id) if more else None)


def _cursor(job_id: str) -> str:
    return base64.urlsafe_b64encode(f"h1:{job_id}".encode()).decode().rstrip("=")


def _place(cursor: str) -> str:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    kind, _, place = text.partition(":")
    if kind != "h1" or len(place) != 26 or not place.isalnum():
        allowed = "the next of a page of this list"
        raise InputError("cursor", repr(cursor[:60]), allowed, "Begin with the first page.")
    return place


class Log(Reply):
    """The end of what a run's process said."""

    job_id: str
    run_id: str | None
    lines: tuple[str, ...]

    @classmethod
    def of(cls, job: Job, lines: list[str]) -> "Log":
        """The lines without paths."""
        return cls(
            job_id=job.job_id, run_id=job.run_id, lines=tuple(redacted(x)[:500] for x in lines)
        )


class NotePatch(Reply):
    """A new note."""

    text: Words


class Note(Reply):
    """A person's words on a run, plain text."""

    run_id: str
    text: Words
    version: int

    @classmethod
    def read(cls, index: RunIndex, job: Job) -> "Note":
        """The note on a run; empty with version 0 where there is none."""
        text, version = index.notes.read(_noted(job))
        return cls(run_id=_noted(job), text=text, version=version)

    @classmethod
    def write(cls, index: RunIndex, job: Job, text: str, match: str | None) -> "Note":
        """Replace the note.

        Raises:
            Problem: 428 without a version, 412 with one that is not the note's.
        """
        if match is None:
            detail = "Send If-Match with the ETag of the note that was read."
            raise Problem("version-required", "Version required", 428, detail)
        made = index.notes.write(_noted(job), text, int(match.strip('"')))
        if made is None:
            detail = "The note was changed by someone else: read it again."
            raise Problem("version-changed", "Version changed", 412, detail)
        return cls(run_id=_noted(job), text=text, version=made)


def _noted(job: Job) -> str:
    return job.run_id or job.job_id
