"""A start from its request to the answer: once per key, and not before the run has its id."""

import time
from typing import TYPE_CHECKING, Final

from hotband import errors
from hotband.errors import ErrorSeverity, HotbandError
from hotband.service.index import BusyError
from hotband.service.jobs import Job, instant
from hotband.service.keeper import ElsewhereError
from hotband.service.problems import Problem
from hotband.service.request import RunRequest

if TYPE_CHECKING:
    from hotband.service.container import Service

WAIT_S: Final = 60.0
"""How long a start waits for the inputs to be read; after that it answers without the run's id."""
_LOOK_S: Final = 0.02


def start_run(
    service: "Service", request: RunRequest, key: str | None, body: str
) -> tuple[Job, bool]:
    """Begin a run and wait until its id is known; (job, whether a key had begun it before).

    Raises:
        HotbandError: The request cannot be run.
        Problem: 409 where a run is active, 422 where a key comes with another body, or where
            the inputs turn out to be unusable.
    """
    held = None if key is None else service.index.keys.find(key)
    if held is not None:
        return _begun(_replayed(service, held, body)), True
    try:
        job = service.keeper.start(request)
    except BusyError as busy:
        raise _busy(busy.job) from busy
    except ElsewhereError as cause:
        detail = "Another program runs the grid in the folder of artefacts: wait for it."
        raise Problem("run-already-active", "Run already active", 409, detail) from cause
    if key is not None:
        service.index.keys.keep(key, body, job.job_id)
    service.status_changed()
    job = _identified(service, job)
    service.status_changed()
    return _begun(job), False


def _begun(job: Job) -> Job:
    """The job; Problem 422 where it came to nothing because of its inputs."""
    if job.state == "error" and job.run_id is None and job.error is not None:
        _refuse_unusable(job.error)
    return job


def _identified(service: "Service", job: Job) -> Job:
    """The job once its inputs are known, or it is over; or as it is when time is up."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        found = service.index.job(job.job_id)
        job = job if found is None else found
        # A run that was there already is over in a moment.
        if not job.active or (job.run_id is not None and not job.reused):
            return job
        time.sleep(_LOOK_S)
        service.keeper.settle()
    return job


def _replayed(service: "Service", held: tuple[str, str], body: str) -> Job:
    if held[0] != body:
        detail = "The key was used for another request within a day: take another one."
        raise Problem("key-reused", "Key reused", 422, detail)
    return service.library.job(held[1])


def _busy(job: Job) -> Problem:
    detail = f"A run is {job.state} since {instant(job.started_at or job.created_at)}."
    links = {"status": "/api/backtests/status", "cancel": f"/api/backtests/{job.job_id}/cancel"}
    return Problem(
        "run-already-active",
        "Run already active",
        409,
        detail,
        job_id=job.job_id,
        run_id=job.run_id,
        state=job.state,
        started_at=instant(job.started_at or job.created_at),
        links=links,
    )


def _refuse_unusable(error: dict[str, str]) -> None:
    """Problem 422 where the inputs are the caller's to mend."""
    kind = getattr(errors, error["kind"], None)
    if not (isinstance(kind, type) and issubclass(kind, HotbandError)):
        return
    if kind.severity is ErrorSeverity.USER:
        raise Problem("run-refused", "Run refused", 422, error["message"], kind=error["kind"])
