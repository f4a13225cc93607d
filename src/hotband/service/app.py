"""The ASGI application: routes inside, access control around them, the log around all."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp

import hotband
from hotband.errors import HotbandError
from hotband.service.access import Access
from hotband.service.container import Service
from hotband.service.index import BusyError
from hotband.service.keeper import ElsewhereError
from hotband.service.logs import RequestLog
from hotband.service.pages import Pages, page_router
from hotband.service.polls import Polls
from hotband.service.problems import install_problems
from hotband.service.request import RunRequest
from hotband.service.routes import market, paper, results, runs, system

WATCH_S: Final = 0.5
ARCHIVES_EVERY: Final = 20
"""Looks at runners between two looks for archives of other programs, and at the schedule."""
STOP_WITHIN_S: Final = 3.0
PUBLIC: Final = frozenset({"/health/live", "/health/ready", "/api/session"})
_log = logging.getLogger(__name__)
DESCRIPTION: Final = """\
Runs the weekly grid, keeps its results and answers for them. It never sends a live order.
Errors are problems by RFC 9457; every reply about results names its `run_id`.
"""


def create_api() -> FastAPI:
    """The routes alone, without a service behind them: for the OpenAPI document."""
    api = FastAPI(
        title="hotband",
        version=hotband.__version__,
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    api.router.redirect_slashes = False
    api.include_router(results.static)
    for part in (runs, results, market, paper, system):
        api.include_router(part.router)
    install_problems(api)

    @api.get("/api/openapi.json", include_in_schema=False)
    def document(request: Request) -> JSONResponse:
        """The OpenAPI document."""
        return JSONResponse(request.app.openapi())

    return api


@dataclass(frozen=True)
class Public:
    """Paths that need no sign-in: some of the API, and those of the page."""

    own: frozenset[str]
    pages: Pages

    def __contains__(self, path: object) -> bool:
        return path in self.own or path in self.pages


def create_app(service: Service) -> ASGIApp:
    """The whole application around a service."""
    api = create_api()
    pages = Pages()
    api.include_router(page_router(pages))
    api.state.service = service
    service.telemetry.watch(service)
    guarded = Access(
        Polls(api, service), service.settings, service.sign_ins, public=Public(PUBLIC, pages)
    )
    return RequestLog(guarded, service.telemetry.observe)


@asynccontextmanager
async def _lifespan(api: FastAPI) -> AsyncIterator[None]:
    service: Service = api.state.service
    watch = asyncio.create_task(_watch(service), name="watch")
    try:
        yield
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
        await run_in_threadpool(service.keeper.stop, STOP_WITHIN_S)
        service.close()


async def _watch(service: Service) -> None:
    """Look after runners, archives and the schedule until the service ends."""
    turn = 0
    while True:
        try:
            await run_in_threadpool(_look, service, turn)
        except HotbandError:
            _log.exception("the state could not be looked after")
        turn += 1
        await asyncio.sleep(WATCH_S)


def _look(service: Service, turn: int) -> None:
    service.keeper.settle()
    if turn % ARCHIVES_EVERY == 0:
        service.keeper.take_in_archives()
        start_missed(service)


def start_missed(service: Service) -> bool:
    """Start the run that the schedule has missed, once for all that it has; whether it did.

    Where a run is active it is tried again later. A run that cannot be started is kept as one
    that failed, so that its reason is seen.
    """
    schedule = service.schedule
    due = None if schedule is None else schedule.missed()
    if schedule is None or due is None:
        return False
    try:
        job = service.keeper.start(RunRequest(), "schedule")
    except (BusyError, ElsewhereError):
        return False
    except HotbandError as error:
        told: dict[str, Any] = {"kind": type(error).__name__, "message": str(error)}
        try:
            job = service.index.begin({}, None, (), "schedule")
        except BusyError:
            return False
        service.index.end(job.job_id, "error", error=told)
        _log.exception("the scheduled run could not be started")
    schedule.done(due)
    _log.info("scheduled run: job %s", job.job_id)
    return True
