"""What the service writes down: JSON lines that hold no secret and that no caller can forge."""

import json
import logging
import re
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from hotband.service.headers import secured
from hotband.service.problems import internal_problem, log_failure, problem_response

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor

Observe = Callable[[str, str, int, float], None]

REDACTED: Final = "[redacted]"
UNMATCHED: Final = "unmatched"
"""The route of a request that no route took: its path is a caller's text and stays out."""
CALLER_LEFT: Final = 499
"""The status noted where the caller left before a reply was sent."""

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
_SECRET_NAMES: Final = ("authorization", "cookie", "token", "password", "secret", "query")
_SECRETS: Final = (
    (re.compile(r"\b(bearer|basic)\s+[^\s\"',;]+", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"\b(set-cookie|cookie|authorization)\b(['\"]?\s*[:=,]\s*)[^\n]+", re.IGNORECASE),
     rf"\1\2{REDACTED}"),
    (re.compile(r"\b(hotband_session|\w*token|password|secret)(['\"]?\s*[:=]\s*)['\"]?[^\s\"',;&]+",
                re.IGNORECASE), rf"\1\2{REDACTED}"),
    (re.compile(r"(/[^\s?\"']*)\?[^\s\"']+"), rf"\1?{REDACTED}"),
    (re.compile(r"(\w://)[^\s/@\"']+@"), rf"\1{REDACTED}@"),
)  # fmt: skip
"""What a text may hold although its name says nothing: headers, pairs, queries, passwords."""
_LOG: Final = structlog.stdlib.get_logger("hotband.service")


def redact(_logger: object, _method: str, event: "EventDict") -> "EventDict":
    """Replace values of secret names, and secrets inside other texts, at any depth."""
    return cast("EventDict", _without_secrets(event))


def to_json_line(event: object, **_options: object) -> str:
    """One line of ASCII; control characters and escape codes of values come out escaped."""
    return json.dumps(event, ensure_ascii=True, default=str).replace("\x7f", "\\u007f")


def configure_logs(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Write every event, uvicorn's too, as a JSON line to ``stream`` (None = standard error).

    Lines hold ``ts`` (UTC, RFC 3339), ``level``, ``event`` and what is bound, such as
    ``request_id`` and ``run_id``. uvicorn's own access log is off: RequestLog writes it. Calling
    it again replaces what it set before.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                structlog.processors.JSONRenderer(serializer=to_json_line),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False
    access.disabled = True


POLLED: Final = frozenset(
    {
        "/api/backtests/status", "/api/backtests/latest", "/health/live", "/health/ready",
        "/metrics",
    }
)  # fmt: skip
"""Routes that pages and monitors ask every few seconds: only their refusals are worth a line."""


class RequestLog:
    """Outermost ASGI application: gives each request its id, and all but polls a line.

    The id is the caller's X-Request-ID if that is 8 to 64 letters, digits, ``_`` and ``-``, else
    a new one; it is in ``scope["state"]``, in every line written meanwhile, in the reply's
    X-Request-ID and in problems. ``observe`` is called with method, route template, status and
    seconds. An error that escapes ``app`` is logged with its traceback and answered 500, once;
    in the middle of a reply it goes on to the server, which cuts the connection.
    """

    def __init__(self, app: ASGIApp, observe: Observe | None = None) -> None:
        self.app = app
        self.observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand one request on and write its line."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        given = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = given
        reply = _Reply(send, given)
        began = time.perf_counter()
        with bound_contextvars(request_id=given):
            try:
                await self._answer(scope, receive, reply)
            finally:
                self._write(scope, reply.status, time.perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive, reply: "_Reply") -> None:
        try:
            await self.app(scope, receive, reply.send)
        except Exception as error:
            log_failure(scope, error)
            if scope["type"] != "http" or (reply.status is not None and not reply.complete):
                raise
            if reply.status is None:
                failed = problem_response(scope, internal_problem())
                await failed(scope, receive, secured(reply.send))

    def _write(self, scope: Scope, status: int | None, seconds: float) -> None:
        websocket = scope["type"] == "websocket"
        method = "WEBSOCKET" if websocket else scope["method"]
        if not websocket and method not in _METHODS:
            method = "OTHER"
        route = route_of(scope)
        noted = status if status is not None else (403 if websocket else CALLER_LEFT)
        problem = scope["state"].get("problem")
        if route not in POLLED or noted >= 400:
            _LOG.info(
                "request",
                method=method,
                route=route,
                status=noted,
                ms=round(1e3 * seconds, 3),
                **({"problem": problem} if problem else {}),
            )
        if self.observe is not None:
            self.observe(method, route, noted, seconds)


class _Reply:
    """What has been sent of a reply."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status: int | None = None
        self.complete = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": list(message.get("headers", ()))}
            MutableHeaders(raw=message["headers"])["X-Request-ID"] = self._request_id
        await self._send(message)
        if message["type"] == "http.response.body":
            self.complete = not message.get("more_body", False)


def route_of(scope: Mapping[str, Any]) -> str:
    """The template of the route that took a request, such as ``/api/backtests/{run_id}``.

    FastAPI keeps the one with the prefixes of included routers in a member of its own.
    """
    route = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    template = getattr(route, "path_format", None)
    return template if isinstance(template, str) else UNMATCHED


def _request_id(scope: Scope) -> str:
    given = [value for name, value in scope["headers"] if name.lower() == b"x-request-id"]
    text = given[0].decode("latin-1") if len(given) == 1 else ""
    return text if _REQUEST_ID.fullmatch(text) else secrets.token_hex(12)


def _without_secrets(value: object, name: str = "") -> object:
    lower = name.lower().replace("-", "_")
    if any(secret in lower for secret in _SECRET_NAMES):
        return REDACTED
    match value:
        case Mapping():
            return {key: _without_secrets(inner, str(key)) for key, inner in value.items()}
        case bytes():
            return _without_secrets(value.decode("utf-8", "backslashreplace"))
        case (str() | bytes() as key, inner) if isinstance(value, tuple):
            named = key if isinstance(key, str) else key.decode("latin-1")
            return [named, _without_secrets(inner, named)]
        case list() | tuple() | set() | frozenset():
            return [_without_secrets(inner) for inner in value]
        case str():
            return _hidden(value)
        case None | bool() | int() | float():
            return value
    return _hidden(str(value))


def _hidden(text: str) -> str:
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text
