"""Who may send what to the service: checks before any route, and headers on every reply.

The order is fixed: path, Host, origin, content type, sizes, sign-in, read-only mode. Each check
reads the raw request, never an address that a library put together from it.
"""

import asyncio
import re
from collections.abc import Container, Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hotband.errors import HotbandError
from hotband.service.headers import secured
from hotband.service.problems import Problem, log_failure, problem_of, problem_response
from hotband.service.settings import ServiceSettings
from hotband.service.tokens import SignIns, cookie_ids, wrong_token

BODY_BYTES: Final = 64 * 1024
QUERY_BYTES: Final = 8 * 1024
PATH_BYTES: Final = 2 * 1024
HEADER_BYTES: Final = 32 * 1024
BODY_SECONDS: Final = 10.0
SESSION_PATH: Final = "/api/session"
API_PATHS: Final = ("/api", "/metrics", "/health")
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS: Final = "GET, HEAD, POST, PATCH, DELETE"
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::[0-9]{1,5})?", re.IGNORECASE)
_JSON: Final = re.compile(r"application/json(?:\s*;\s*charset=\"?utf-8\"?)?", re.IGNORECASE)
_BEARER: Final = re.compile(r"bearer +([!-~]+)", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_VERSIONS: Final = frozenset({"1.0", "1.1", "2", "2.0", "3"})
_CLOSE: Final = {"Connection": "close"}

Headers = Mapping[str, list[str]]


class Access:
    """ASGI application that lets through to ``app`` what the settings allow.

    ``public`` holds the paths that need no sign-in; ``json_free`` exact paths whose unsafe
    methods need no JSON. WebSockets are refused: there are none. What an error of ours becomes
    in ``app`` is the app's to say; one raised here becomes its problem.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: ServiceSettings,
        sign_ins: SignIns,
        *,
        public: Container[str] = frozenset(),
        json_free: frozenset[str] = frozenset(),
    ) -> None:
        self.app = app
        self.settings = settings
        self.sign_ins = sign_ins
        self.public = public
        self.json_free = json_free

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request, then hand it on with its whole body read."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = _headers(scope)
        send = secured(self._shared(headers, send))
        try:
            self._check_request(scope, headers)
            body = await _whole_body(receive)
            if body is None:
                return
            if body and scope["path"] not in self.json_free:
                _check_text(body)
            self._check_sign_in(scope, headers)
            self._check_read_only(scope)
        except Problem as problem:
            await problem_response(scope, problem)(scope, receive, send)
            return
        except HotbandError as error:
            log_failure(scope, error)
            await problem_response(scope, problem_of(error))(scope, receive, send)
            return
        if self._is_preflight(scope, headers):
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})
            return
        await self.app(scope, _replayed(body, receive), send)

    def _check_request(self, scope: Scope, headers: Headers) -> None:
        """What can be judged before the body arrives."""
        _check_head(scope)
        check_path(scope)
        self._check_host(headers)
        self._check_origin(scope, headers)
        if scope["method"] not in _SAFE and scope["path"] not in self.json_free:
            _check_json(headers)
        _check_sizes(scope, headers)

    def _check_host(self, headers: Headers) -> None:
        given = headers.get("host", [])
        found = _HOST.fullmatch(given[0]) if len(given) == 1 else None
        if found is None or found[1].lower() not in self.settings.hosts:
            raise Problem(
                "unknown-host",
                "Unknown host",
                421,
                "The Host header names none of the hosts that this service answers for. "
                "HOTBAND_ALLOWED_HOSTS can name more.",
            )

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        origins = headers.get("origin", [])
        sites = [site.lower() for site in headers.get("sec-fetch-site", [])]
        unsafe = scope["method"] not in _SAFE
        if origins:
            foreign = len(origins) > 1 or origins[0] not in self.settings.origins
            if foreign:
                raise _foreign("The Origin header is none of the allowed origins.")
        elif unsafe and sites not in ([], ["none"], ["same-origin"]):
            raise _foreign("Another site may not send this.")
        elif not unsafe and "cross-site" in sites and not _is_page_visit(scope, headers):
            raise _foreign("Another site may not read this.")

    def _check_sign_in(self, scope: Scope, headers: Headers) -> None:
        settings = self.settings
        if not settings.token_required or scope["path"] in self.public:
            return
        if self._is_preflight(scope, headers):  # browsers send no credentials with one
            return
        if any(self.sign_ins.holds(given) for given in cookie_ids(headers.get("cookie", []))):
            return
        given = headers.get("authorization", [])
        bearer = _BEARER.fullmatch(given[0]) if len(given) == 1 else None
        if bearer is None or not self.sign_ins.accepts_token(bearer[1]):
            raise wrong_token()

    def _check_read_only(self, scope: Scope) -> None:
        if not self.settings.read_only or scope["method"] in _SAFE:
            return
        if scope["path"] == SESSION_PATH and scope["method"] in {"POST", "DELETE"}:
            return
        detail = "The service was started with --read-only: it shows, and changes nothing."
        raise Problem("read-only", "Read-only", 403, detail)

    def _listed_origin(self, headers: Headers) -> str | None:
        origins = headers.get("origin", [])
        if len(origins) == 1 and origins[0] in self.settings.allowed_origins:
            return origins[0]
        return None

    def _is_preflight(self, scope: Scope, headers: Headers) -> bool:
        asks = "access-control-request-method" in headers
        return scope["method"] == "OPTIONS" and asks and self._listed_origin(headers) is not None

    def _shared(self, headers: Headers, send: Send) -> Send:
        """``send`` that lets a listed origin read the reply; none is listed by default."""
        if not self.settings.allowed_origins:
            return send
        origin = self._listed_origin(headers)
        added = [(b"vary", b"Origin")]
        if origin is not None:
            added += [
                (b"access-control-allow-origin", origin.encode("latin-1")),
                (b"access-control-allow-methods", _METHODS.encode()),
                (
                    b"access-control-allow-headers",
                    b"authorization, content-type, idempotency-key, if-match, if-none-match",
                ),
                (b"access-control-expose-headers", b"etag, location, retry-after, x-request-id"),
            ]

        async def send_shared(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        return send_shared


def check_path(scope: Scope) -> None:
    """Refuse a path that two readers could read differently.

    Raises:
        Problem: 400 for control characters, backslashes, encoded slashes, dots, empty segments,
            what is not UTF-8 or still encoded after one decoding; 414 for one too long.
    """
    raw: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogatepass")
    if len(raw) > PATH_BYTES:
        raise Problem("path-too-long", "Path too long", 414, f"At most {PATH_BYTES} bytes.")
    try:
        path = unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError as cause:
        raise _bad_path() from cause
    segments = path.split("/")
    encoded = path.count("/") != raw.count(b"/")
    empty = segments[0] != "" or "" in segments[1:-1]
    if encoded or empty or {".", ".."} & set(segments) or set("\\%#?") & set(path):
        raise _bad_path()
    if _CONTROL.search(path) or path != scope["path"]:
        raise _bad_path()


def _check_head(scope: Scope) -> None:
    if scope.get("http_version") not in _VERSIONS:
        detail = "The service speaks HTTP/1.1."
        raise Problem("unknown-version", "Unknown version", 400, detail, headers=_CLOSE)
    if sum(len(name) + len(value) for name, value in scope["headers"]) > HEADER_BYTES:
        detail = f"Headers have at most {HEADER_BYTES} bytes."
        raise Problem("headers-too-large", "Headers too large", 431, detail, headers=_CLOSE)


def _bad_path() -> Problem:
    return Problem("bad-path", "Bad path", 400, "The path is not one that the service has.")


def _foreign(detail: str) -> Problem:
    return Problem("foreign-origin", "Foreign origin", 403, detail)


def _check_json(headers: Headers) -> None:
    given = headers.get("content-type", [])
    plain = [value for value in headers.get("content-encoding", []) if value != "identity"] == []
    if len(given) != 1 or not _JSON.fullmatch(given[0].strip()) or not plain:
        detail = "Requests that change something need Content-Type: application/json, unpacked."
        raise Problem("json-only", "JSON only", 415, detail)


def _check_text(body: bytes) -> None:
    """Strict JSON only: what looser readers let in (NaN, lone surrogates) breaks replies."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as cause:
        raise Problem("bad-json", "Bad JSON", 400, "The body is not JSON in UTF-8.") from cause


def _check_sizes(scope: Scope, headers: Headers) -> None:
    lengths = headers.get("content-length", [])
    if len(lengths) > 1 or not all(re.fullmatch("[0-9]{1,18}", text) for text in lengths):
        detail = "There may be one Content-Length, a whole number."
        raise Problem("bad-length", "Bad length", 400, detail, headers=_CLOSE)
    if lengths and int(lengths[0]) > BODY_BYTES:
        raise _too_large()
    if len(scope.get("query_string", b"")) > QUERY_BYTES:
        detail = f"At most {QUERY_BYTES} bytes may follow the question mark."
        raise Problem("query-too-long", "Query too long", 414, detail, headers=_CLOSE)


def _too_large() -> Problem:
    detail = f"A body has at most {BODY_BYTES} bytes."
    return Problem("body-too-large", "Body too large", 413, detail, headers=_CLOSE)


def _is_page_visit(scope: Scope, headers: Headers) -> bool:
    """Whether a link on another site was followed to a page; no reply of the API is a page."""
    path = scope["path"]
    if any(path == start or path.startswith(f"{start}/") for start in API_PATHS):
        return False
    visits = headers.get("sec-fetch-mode") == ["navigate"]
    return visits and headers.get("sec-fetch-dest") == ["document"]


async def _whole_body(receive: Receive) -> bytes | None:
    """The body, counted as it comes; None = the caller has gone."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > BODY_BYTES:
                    raise _too_large()
    except TimeoutError as cause:
        detail = f"The body did not arrive within {BODY_SECONDS:g} s."
        raise Problem("body-too-slow", "Body too slow", 408, detail, headers=_CLOSE) from cause
    return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return message

    return receive_again


def _headers(scope: Scope) -> Headers:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found
