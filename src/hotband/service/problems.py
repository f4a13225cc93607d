"""Every error reply, by RFC 9457: its body, how errors become it, and what it must not show.

A reply never shows a path, an address with credentials, a traceback, or more than a little of
what a caller sent.
"""

import json
import re
import secrets
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any, Final, cast

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hotband import errors
from hotband.errors import HotbandError

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:hotband:problem:"
ECHO_LENGTH: Final = 200
DETAIL_LENGTH: Final = 2_000
_MOST_ERRORS: Final = 50
_BY_ACCESS: Final = (400, 401, 403, 408, 413, 414, 421, 429, 431, 500, 503)
"""Problems that any request can meet before it reaches its route, or when that fails."""
_BY_ACCESS_UNSAFE: Final = (*_BY_ACCESS, 415)
_SAFE: Final = frozenset({"get", "head", "options"})
_METHODS: Final = _SAFE | {"put", "post", "delete", "patch", "trace"}
_REFERENCE: Final = "#/components/schemas/{model}"
_OF_FASTAPI: Final = ("HTTPValidationError", "ValidationError")
_LOG: Final = structlog.stdlib.get_logger("hotband.service")

_STATUSES: Final[dict[type[HotbandError], tuple[int, str, str]]] = {
    errors.BarsError: (422, "invalid-bars", "Unusable bars"),
    errors.GatesError: (422, "invalid-gates", "Unusable gates"),
    errors.ProfileError: (422, "invalid-profile", "Unusable profile"),
    errors.InstrumentError: (422, "unknown-instrument", "Unknown instrument"),
    errors.WindowError: (422, "invalid-window", "Unusable window"),
    errors.InputError: (422, "invalid-input", "Unusable input"),
    errors.StoreUnavailableError: (503, "store-unavailable", "Store not available"),
    errors.StoreError: (503, "store-failed", "Store failed"),
}
"""Errors that a reply tells of, by class; one of another class is a failure of ours."""

_URL: Final = re.compile(r"\b([a-zA-Z][a-zA-Z0-9+.-]*)://[^\s'\"<>|,;]*")
_FILE_URL: Final = re.compile(r"\b([a-zA-Z][a-zA-Z0-9+.-]*):///[^'\"\n:;]*")
_PATH: Final = re.compile(
    r"(?<![\w./~])(?:~[\w.-]*(?=/)|[A-Za-z]:(?=[\\/])|\\\\(?=\S))?[\\/](?=[^\s'\"])[^'\"\n:;]*"
)


_BRACKETS: Final = {"(": ")", "[": "]", "{": "}"}
_OWN_LINK: Final = re.compile(r"/api/[A-Za-z0-9_/-]{1,100}")
"""Where to go on: not a path of the machine."""


class ProblemError(BaseModel):
    """One fault of a request: where (a JSON pointer from body, query, path or header) and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pointer: str
    code: str
    message: str


class ProblemBody(BaseModel):
    """An error reply; some problems add members of their own."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str = Field(description="urn:hotband:problem: and the name of the problem")
    title: str
    status: int
    detail: str
    instance: str = Field(description="the request's id, as in X-Request-ID and the log")
    errors: list[ProblemError] | None = None


class Problem(Exception):  # noqa: N818 - the term of RFC 9457
    """A refusal that a route or a check raises; ``members`` are added to the body.

    ``detail`` and ``members`` are redacted when the reply is made; title and slug are our own.
    """

    def __init__(
        self,
        slug: str,
        title: str,
        status: int,
        detail: str,
        *,
        errors: Sequence[ProblemError] = (),
        headers: Mapping[str, str] | None = None,
        **members: object,
    ) -> None:
        super().__init__(detail)
        self.slug = slug
        self.title = title
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.members = members


def redacted(text: str) -> str:
    """``text`` without paths and without what follows the scheme of an address.

    A path ends at a quote, a colon, a semicolon or the end: it may hold blanks, so that words
    after it go with it rather than a part of it staying. Brackets that were open before it are
    closed behind it.
    """
    kept = _FILE_URL.sub(lambda hit: f"{hit[1]}:[path]{_closing(hit)}", text)
    kept = _URL.sub(lambda hit: f"{hit[1]}:[address]{_closing(hit)}", kept)
    return _PATH.sub(lambda hit: f"[path]{_closing(hit)}", kept)


def _closing(hit: re.Match[str]) -> str:
    """The closing brackets that a path swallowed and whose opening ones stand before it."""
    opened: list[str] = []
    for sign in hit.string[: hit.start()]:
        if sign in _BRACKETS:
            opened.append(_BRACKETS[sign])
        elif opened and sign == opened[-1]:
            opened.pop()
    inside, closed = list[str](), ""
    for sign in hit[0]:
        if sign in _BRACKETS:
            inside.append(_BRACKETS[sign])
        elif inside and sign == inside[-1]:
            inside.pop()
        elif not inside and opened and sign == opened[-1]:
            closed += opened.pop()
    return closed


def clipped(text: str, length: int = ECHO_LENGTH) -> str:
    """At most ``length`` characters of ``text``, with a sign where some were left out."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def request_id(scope: MutableMapping[str, Any]) -> str:
    """The id of a request; made here where no log has given it one."""
    state = scope.setdefault("state", {})
    found: str = state.setdefault("request_id", secrets.token_hex(12))
    return found


def problem_response(scope: MutableMapping[str, Any], problem: Problem) -> Response:
    """The reply for a problem; the log line of the request names it too."""
    instance = request_id(scope)
    scope["state"]["problem"] = problem.slug
    body: dict[str, object] = {
        **{name: _shown(value) for name, value in problem.members.items()},
        "type": f"{TYPE_PREFIX}{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": clipped(redacted(problem.detail), DETAIL_LENGTH),
        "instance": instance,
    }
    if problem.errors:
        body["errors"] = [error.model_dump() for error in problem.errors[:_MOST_ERRORS]]
    # ASCII only: a lone surrogate or a control character from a caller cannot spoil the reply.
    content = json.dumps(body, ensure_ascii=True, allow_nan=False).encode("ascii")
    headers = {**problem.headers, "Cache-Control": "no-store"}
    return Response(content, problem.status, headers, media_type=MEDIA_TYPE)


def problem_of(error: HotbandError) -> Problem:
    """The problem that an error of ours becomes; 500 without its text for a failure of ours."""
    for kind, (status, slug, title) in _STATUSES.items():
        if isinstance(error, kind):
            hint = f" Did you mean {error.suggestion!r}?" if error.suggestion else ""
            what, got, allowed, do = (
                clipped(redacted(str(part)), limit)
                for part, limit in (
                    (error.what, ECHO_LENGTH),
                    (error.got, ECHO_LENGTH),
                    (error.allowed, 4 * ECHO_LENGTH),
                    (error.do, 2 * ECHO_LENGTH),
                )
            )
            detail = f"{what}: got {got}; allowed: {allowed}.{hint} {do}"
            headers = {"Retry-After": "10"} if status == 503 else None
            return Problem(slug, title, status, detail, headers=headers)
    return internal_problem()


def internal_problem() -> Problem:
    """What a caller learns of a failure of ours: where the log tells more."""
    detail = "The log of the service tells more under this instance."
    return Problem("internal-error", "Internal error", 500, detail)


def install_problems(app: FastAPI) -> None:
    """Answer every error of ``app`` as a problem: ours, the router's and the unexpected.

    ``app.openapi()`` then declares, for every operation, each problem that it can meet.
    """
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HotbandError, _on_hotband_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(ResponseValidationError, _on_failure)
    app.add_exception_handler(Exception, _on_failure)
    _declare_problems(app)


async def _on_problem(request: Request, error: Exception) -> Response:
    return problem_response(request.scope, cast("Problem", error))


async def _on_hotband_error(request: Request, error: Exception) -> Response:
    error = cast("HotbandError", error)
    problem = problem_of(error)
    if problem.status >= 500:
        _LOG.error("error", request_id=request_id(request.scope), exc_info=error)
    return problem_response(request.scope, problem)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    error = cast("HTTPException", error)
    title = _title(error.status_code)
    detail = title if error.status_code >= 500 else clipped(str(error.detail))
    slug = title.lower().replace(" ", "-").replace("'", "")
    problem = Problem(slug, title, error.status_code, detail, headers=error.headers)
    return problem_response(request.scope, problem)


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    error = cast("RequestValidationError", error)
    faults = [
        ProblemError(
            pointer=clipped(_pointer(fault["loc"])),
            code=clipped(str(fault["type"])),
            message=clipped(redacted(str(fault["msg"]))),
        )
        for fault in error.errors()[:_MOST_ERRORS]
    ]
    detail = "The request has faults: errors says where and why."
    problem = Problem("invalid-request", "Invalid request", 422, detail, errors=faults)
    return problem_response(request.scope, problem)


async def _on_failure(request: Request, error: Exception) -> Response:
    log_failure(request.scope, error)
    return problem_response(request.scope, internal_problem())


def log_failure(scope: MutableMapping[str, Any], error: BaseException) -> None:
    """Log an unexpected error with its traceback, once per request."""
    instance = request_id(scope)
    if not scope["state"].get("failure_logged"):
        scope["state"]["failure_logged"] = True
        _LOG.error("failure", request_id=instance, exc_info=error)


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _pointer(place: Sequence[object]) -> str:
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in place)
    return "".join(f"/{part}" for part in parts)


def _shown(value: object) -> object:
    match value:
        case str():
            own = _OWN_LINK.fullmatch(value)
            return value if own else clipped(redacted(value), DETAIL_LENGTH)
        case Mapping():
            return {str(key): _shown(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_shown(inner) for inner in value]
        case BaseModel():
            return _shown(value.model_dump(mode="json"))
    return value


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """``responses=`` of a route that answers problems with ``statuses``."""
    return {status: _reply(status) for status in statuses}


def _declare_problems(app: FastAPI) -> None:
    made: Callable[[], dict[str, Any]] = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if "ProblemBody" not in schemas:
            _declare(document, schemas)
        return document

    app.openapi = openapi  # type: ignore[method-assign] # as FastAPI documents it


def _declare(document: dict[str, Any], schemas: dict[str, Any]) -> None:
    schema = ProblemBody.model_json_schema(ref_template=_REFERENCE)
    schemas |= schema.pop("$defs", {})
    schemas["ProblemBody"] = schema
    for name in _OF_FASTAPI:
        schemas.pop(name, None)
    for path in document.get("paths", {}).values():
        for method in _METHODS & set(path):
            replies = path[method].setdefault("responses", {})
            if _is_of_fastapi(replies.get("422", {})):
                replies["422"] = _reply(422)
            for status in _BY_ACCESS if method in _SAFE else _BY_ACCESS_UNSAFE:
                replies.setdefault(str(status), _reply(status))


def _is_of_fastapi(reply: dict[str, Any]) -> bool:
    schema = reply.get("content", {}).get("application/json", {}).get("schema", {})
    return bool(schema.get("$ref") == _REFERENCE.format(model=_OF_FASTAPI[0]))


def _reply(status: int) -> dict[str, Any]:
    reference = {"$ref": _REFERENCE.format(model="ProblemBody")}
    return {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": reference}},
    }
