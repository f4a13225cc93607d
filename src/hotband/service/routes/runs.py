"""Start, watch, cancel and list runs."""

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response, status
from fastapi.concurrency import run_in_threadpool

from hotband.artefacts.schemas import Partial
from hotband.service.container import Body, Current
from hotband.service.parameters import Cursor, Run
from hotband.service.problems import Problem, problems
from hotband.service.replies import (
    FinishedRun,
    History,
    Log,
    NoRun,
    Note,
    NotePatch,
    RunFacts,
    Started,
    facts_of,
    latest_text,
    started_of,
)
from hotband.service.request import RunRequest
from hotband.service.starting import start_run
from hotband.service.status import Status

router = APIRouter(prefix="/api/backtests", tags=["runs"])
KEY = Annotated[
    str | None, Header(alias="Idempotency-Key", pattern=r"^[!-~]{1,100}$", max_length=100)
]
TAG = Annotated[str | None, Header(alias="If-None-Match", max_length=200)]
MATCH = Annotated[str | None, Header(alias="If-Match", pattern=r'^"\d{1,9}"$')]
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "As the tag says"}}


def tagged(body: Body, given: str | None) -> Response:
    """The body, or 304 where the caller has it."""
    headers = {"ETag": body.etag, "Cache-Control": "private, no-cache"}
    if given is not None and body.etag in [part.strip() for part in given.split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(body.data, headers=headers, media_type="application/json")


@router.post(
    "/run",
    operation_id="startRun",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=Started,
    responses={200: {"model": Started}, **problems(403, 409, 422, 503)},
)
def start(
    service: Current, response: Response, request: RunRequest | None = None, key: KEY = None
) -> Started:
    """Start the weekly run; `{}` runs the configured week and instruments."""
    asked = request or RunRequest()
    body = hashlib.sha256(asked.model_dump_json().encode()).hexdigest()
    job, replayed = start_run(service, asked, key, body)
    response.status_code = 200 if job.reused else 202
    response.headers["Location"] = f"/api/backtests/{job.job_id}"
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return started_of(job)


@router.get("/status", operation_id="getStatus", response_model=Status, responses=NOT_MODIFIED)
async def get_status(service: Current, tag: TAG = None) -> Response:
    """What is going on: under 4 kB, with an ETag."""
    body = service.held_status()
    if body is None:
        body = await run_in_threadpool(service.status_body)
    return tagged(body, tag)


@router.get(
    "/latest",
    operation_id="getLatest",
    response_model=FinishedRun | NoRun,
    responses=NOT_MODIFIED,
)
async def latest(service: Current, tag: TAG = None) -> Response:
    """The artefact of the last good run; before the first one, an explicit empty form."""
    body = service.held_latest()
    if body is None:
        body = await run_in_threadpool(service.latest_body, latest_text)
    return tagged(body, tag)


@router.get(
    "/partial",
    operation_id="getPartial",
    response_model=Partial,
    responses={204: {"description": "No run is on"}},
)
def partial(service: Current) -> Any:
    """What the run that is on has finished so far; 204 while none is."""
    found = service.folder.read_partial() if service.folder.is_taken() else None
    return Response(status_code=204) if found is None else found


@router.get("", operation_id="listRuns", response_model=History, responses=problems(422))
def history(
    service: Current,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Cursor = None,
) -> History:
    """Runs from the newest on, those of other programs in the same folder included."""
    return History.read(service.index, limit, cursor)


@router.get("/{run}", operation_id="getRun", response_model=RunFacts, responses=problems(404, 422))
def one(run: Run, service: Current) -> RunFacts:
    """One run: state, window, summary, note."""
    return facts_of(service.index, service.library.job(run))


@router.get(
    "/{run}/artefact",
    operation_id="getArtefact",
    response_model=FinishedRun,
    responses=problems(404, 409, 410, 422),
)
def artefact(run: Run, service: Current) -> Response:
    """The whole artefact of one finished run."""
    text = latest_text(service.library.result(run))
    return Response(text, media_type="application/json")


@router.post(
    "/{run}/cancel",
    operation_id="cancelRun",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=RunFacts,
    responses=problems(403, 404, 409, 422),
)
def cancel(run: Run, service: Current) -> RunFacts:
    """Ask a run to stop; asking again is harmless."""
    job = service.library.job(run)
    active = service.index.active()
    if active is not None and run in {active.job_id, active.run_id}:
        job = service.keeper.cancel(active)
    if not job.active:
        detail = f"The run is {job.state}: there is nothing to cancel."
        raise Problem("run-already-finished", "Run already finished", 409, detail, state=job.state)
    service.status_changed()
    return facts_of(service.index, job)


@router.get("/{run}/log", operation_id="getLog", response_model=Log, responses=problems(404, 422))
def log(run: Run, service: Current) -> Log:
    """The end of what the run's process said."""
    job = service.library.job(run)
    return Log.of(job, service.keeper.last_lines(job.job_id))


@router.get("/{run}/notes", operation_id="getNote", response_model=Note, responses=problems(404))
def note(run: Run, service: Current, response: Response) -> Note:
    """The note on a run, with its version as ETag."""
    found = Note.read(service.index, service.library.job(run))
    response.headers["ETag"] = f'"{found.version}"'
    return found


@router.patch(
    "/{run}/notes",
    operation_id="writeNote",
    response_model=Note,
    responses=problems(403, 404, 412, 422, 428),
)
def write_note(
    run: Run, service: Current, patch: NotePatch, response: Response,
    match: MATCH = None,
) -> Note:  # fmt: skip
    """Replace the note; If-Match has to hold the version that was read."""
    found = Note.write(service.index, service.library.job(run), patch.text, match)
    response.headers["ETag"] = f'"{found.version}"'
    return found
