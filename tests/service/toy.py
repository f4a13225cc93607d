"""A small app behind the whole stack, and ways to call it: in this process, or over a socket."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import unquote

import orjson
import uvicorn
from fastapi import APIRouter, FastAPI, Query
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Message, Scope

from hotband.errors import IntegrityError, ProfileError, StoreError
from hotband.service.access import Access
from hotband.service.logs import Observe, RequestLog
from hotband.service.problems import Problem, install_problems, problems
from hotband.service.settings import ServiceSettings
from hotband.service.tokens import SignIns, TokenFile
from hotband.service.wire import bound_socket, server_config

HOST = (b"host", b"localhost:8000")
JSON = (b"content-type", b"application/json")
PUBLIC = frozenset({"/health/live", "/api/session"})


class Note(BaseModel):
    text: str
    size: int = 1
    sizes: dict[str, int] = {}


class Reply(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Its only value; None = it is not there."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) < 2, f"{name} twice"
        return found[0] if found else None

    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.body)
        return found

    @property
    def slug(self) -> str:
        """The name of its problem; empty where it is none."""
        if self.header("content-type") != "application/problem+json":
            return ""
        return str(self.json()["type"]).removeprefix("urn:hotband:problem:")


class Stack(NamedTuple):
    """A toy app, its parts, and the whole of it as one application."""

    whole: ASGIApp
    app: FastAPI
    access: Access
    sign_ins: SignIns
    token: str


def toy_app() -> FastAPI:
    """Routes that succeed, refuse and fail in each way that a real one may."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.router.redirect_slashes = False
    router = APIRouter(prefix="/api")

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/")
    async def page() -> Response:
        return Response("<!doctype html>", media_type="text/html")

    @router.get("/notes/{number}", responses=problems(404, 422))
    async def note(number: int, limit: Annotated[int, Query(ge=1, le=500)] = 1) -> Note:
        return Note(text="kept", size=number * limit)

    @router.post("/notes", responses=problems(409, 422))
    async def keep(note: Note) -> Note:
        return note

    @router.get("/export")
    async def export() -> Response:
        headers = {"Content-Security-Policy": "sandbox", "Cache-Control": "private"}
        return Response("a,b", headers=headers, media_type="text/csv")

    app.include_router(router)
    app.include_router(_failing(), prefix="/api/fail")
    install_problems(app)
    return app


def _failing() -> APIRouter:
    router = APIRouter()

    @router.get("/profile")
    def profile() -> None:
        near = ["hazard_min"]
        raise ProfileError("profile key", "hazard_mn", "hazard_min", "Correct it.", near=near)

    @router.get("/store")
    def store() -> None:
        place = "/" + "home/desk of ann/bars/EUR_USD.parquet"
        raise StoreError(f"file {place}", f"[Errno 13] '{place}'", "a file", f"See {place}.")

    @router.get("/defect")
    def defect() -> None:
        raise IntegrityError("sum", "secret-inner-text", "balance", "Report a defect.")

    @router.get("/crash")
    def crash() -> None:
        raise RuntimeError("secret-inner-text")

    @router.get("/late")
    def late() -> Response:
        def rows() -> Iterator[bytes]:
            yield b"one row"
            raise RuntimeError("secret-inner-text")

        return StreamingResponse(rows())

    @router.get("/refused")
    def refused() -> None:
        seen = {"path": "/" + "srv/data", "n": 3}
        raise Problem("busy", "Busy", 409, "Already on.", headers={"X-Run": "7"}, active=seen)

    return router


def make_stack(home: Path, observe: Observe | None = None, **fields: Any) -> Stack:
    settings = ServiceSettings(home=home, **fields)
    tokens = TokenFile(home)
    sign_ins = SignIns(tokens)
    app = toy_app()
    access = Access(app, settings, sign_ins, public=PUBLIC)
    return Stack(RequestLog(access, observe), app, access, sign_ins, tokens.read_or_create())


def call(
    app: ASGIApp,
    target: str,
    method: str = "GET",
    headers: Sequence[tuple[bytes, bytes]] = (HOST,),
    body: Sequence[bytes] = (b"",),
    decoded: str | None = None,
) -> Reply:
    """One request to ``app`` in this process; ``body`` in pieces, headers exactly as given.

    ``decoded`` is a path that the server claims to have read from ``target``.
    """
    path, _, query = target.partition("?")
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 1),
        "root_path": "",
        "method": method,
        "path": decoded or unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": list(headers),
    }
    sent: list[Message] = []
    pieces = list(body)

    async def receive() -> Message:
        if not pieces:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        await app(scope, receive, send)

    asyncio.run(run())
    start, *rest = sent
    pairs = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in start["headers"]]
    return Reply(start["status"], pairs, b"".join(message.get("body", b"") for message in rest))


@contextmanager
def served(stack: Stack) -> Iterator[int]:
    """A real uvicorn on a free loopback port: that port."""
    listener = bound_socket("127.0.0.1", 0)
    port = int(listener.getsockname()[1])
    stack.access.settings = stack.access.settings.with_port(port)
    server = uvicorn.Server(server_config(stack.whole))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        yield port
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listener.close()
        assert not thread.is_alive(), "the server did not stop"


def raw(port: int, request: bytes) -> Reply:
    """What comes back for exactly these bytes until the service closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:
        wire.sendall(request)
        answer = bytearray()
        while piece := wire.recv(65_536):
            answer += piece
    head, _, body = bytes(answer).partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(": ")[::2] for line in lines]
    return Reply(int(status.split(" ")[1]), [(k, v) for k, v in pairs], body)
