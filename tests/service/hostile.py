"""Requests that a hostile page, script or network may send, and what any app must answer.

``assault`` sends all of them to a running service: the toy app's tests use it, and so can those
of the real one.
"""

import socket
from contextlib import suppress
from typing import Any, NamedTuple

import orjson

from hotband.service.headers import SECURITY_HEADERS

GOOD_TYPE = "application/problem+json"
REFUSALS = frozenset({400, 401, 403, 404, 405, 408, 413, 414, 415, 421, 422, 429, 431})
MEMBERS = ("type", "title", "status", "detail", "instance")
TRACES = (b"Traceback", b'File "', b".py", b"site-packages", b"/" + b"home/", b"/" + b"root/")
SCRIPT = "<script>alert(1)</script>"


class Hostile(NamedTuple):
    """A request as bytes; ``{port}`` stands for the port. ``statuses`` are what may come back."""

    name: str
    request: bytes
    statuses: frozenset[int]


class Answer(NamedTuple):
    """What a service answered to one of them."""

    case: Hostile
    status: int
    headers: dict[str, str]
    body: bytes

    def faults(self) -> list[str]:
        """What is wrong with the answer; empty for a good one."""
        found = []
        if self.status not in self.case.statuses:
            found.append(f"status {self.status}, not {sorted(self.case.statuses)}")
        if self.headers.get("content-type") != GOOD_TYPE:
            found.append(f"type {self.headers.get('content-type')}")
        found += [f"no {name}" for name in SECURITY_HEADERS if name.lower() not in self.headers]
        if "x-request-id" not in self.headers:
            found.append("no request id")
        found += [f"shows {trace!r}" for trace in TRACES if trace in self.body]
        if SCRIPT.encode() in self.body:
            found.append("echoes a script")
        return found + self._body_faults()

    def _body_faults(self) -> list[str]:
        try:
            body: dict[str, Any] = orjson.loads(self.body)
        except ValueError:
            return ["not JSON"]
        found = [f"no member {name}" for name in MEMBERS if name not in body]
        if body.get("status") != self.status:
            found.append("another status inside")
        if body.get("instance") != self.headers.get("x-request-id"):
            found.append("another instance than the request's id")
        if not str(body.get("type")).startswith("urn:hotband:problem:"):
            found.append(f"type {body.get('type')}")
        return found


def _request(
    line: str, *headers: str, host: str | None = "localhost:{port}", body: bytes = b""
) -> bytes:
    lines = [f"{line} HTTP/1.1", *([] if host is None else [f"Host: {host}"]), *headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body


def _case(name: str, request: bytes, *statuses: int) -> Hostile:
    return Hostile(name, request, frozenset(statuses))


def _post(*headers: str, body: bytes = b"{}", length: bool = True) -> bytes:
    given = [*headers, *([f"Content-Length: {len(body)}"] if length else [])]
    return _request("POST /api/notes", *given, body=body)


TYPE = "Content-Type: application/json"
HOSTS = (
    "evil.example", "evil.example:{port}", "localhost.evil.example", "evil-localhost", "localhost.",
    "localhost:{port}@evil.example", "localhost/evil", "localhost/?x=", "127.0.0.1.nip.example",
    "127.1", "2130706433", "0.0.0.0:{port}", "[::]", "[::1", "::1", "[::1].evil", "LOCALHOST\t.x",
    "localhost, evil.example", "*", "", "localhost:99999999", "localhost:", "xn--lcalhost-9lb",
    "\xe9vil", "localhost#", "localhost\\evil",
)  # fmt: skip
ORIGINS = (
    "null", "http://evil.example", "http://localhost:{port}.evil.example",
    "https://localhost:{port}",
    "http://localhost", "http://localhost:1", "http://evil.example:{port}", "file://", "*",
    "http://localhost:{port}/", "http://localhost:{port}, http://evil.example", "",
    "http://user@localhost:{port}", "HTTP://LOCALHOST:{port}", "http://127.0.0.1:{port}#x",
    "chrome-extension://abcdefgh",
)  # fmt: skip
PATHS = (
    "/api/../etc/passwd", "/api/%2e%2e/etc/passwd", "/api/%2E%2e%2fetc", "/api/..%2f..%2fetc",
    "/api/%252e%252e%252f", "/api/..%5c..%5cwin.ini", "/api/..\\..\\win.ini", "/api/%00",
    "/api/a%0d%0aX: 1",
    "/api/%c0%ae%c0%ae/", "/api/%ff", "/api/%ed%a0%80", "//evil.example/api", "/api//notes/1",
    "/./api/notes/1", "/api/notes/%2e", "/api/%", "/api/%zz", "/api/%1b[31m", "/api/%c2%9b31m",
    "/api/file:%2f%2f%2fetc", "/api/x%23y", "/api/x%3fy", "/api/#", "/api/%7f",
    "http://evil.example/api/notes/1", "http://localhost/api/notes/1", "*", "api/notes/1",
    "/api/notes/1%2f..%2f2", "/%2fapi/notes/1", "/api/" + "a/" * 1_500, "/" + "%41" * 1_000,
)  # fmt: skip
TYPES = (
    "text/plain", "text/plain; application/json", "application/x-www-form-urlencoded",
    "multipart/form-data",
    "application/json, text/plain", "application/jsonp", "application/json; charset=utf-16",
    "application/x+json", "text/json", "*/*", "",
)  # fmt: skip
BODIES = (
    b"", b"{", b"[]", b"null", b"NaN", b'{"text": NaN}', b'{"text": 1e999}', b"\xff\xfe{\x00}\x00",
    b'{"text": "\\ud800"}', b'{"size": 1' + b"0" * 5_000 + b"}",
    b"[" * 30_000, b'{"a":' * 10_000, b'{"' + SCRIPT.encode() + b'": 1}',
    b'{"size": "' + SCRIPT.encode() + b'"}', b'{"text": {"$ne": 1}}',
)  # fmt: skip


def _hostile() -> list[Hostile]:
    get = "GET /api/notes/1"
    cases = [_case(f"host {host!r}", _request(get, host=host), 400, 421) for host in HOSTS]
    cases += [
        _case(f"origin {origin!r} of a write", _post(TYPE, f"Origin: {origin}"), 403)
        for origin in ORIGINS
    ]
    cases += [
        _case(f"site {site} of a write", _post(TYPE, f"Sec-Fetch-Site: {site}"), 403)
        for site in ("cross-site", "same-site", "same-origin, cross-site", "x")
    ]
    cases += [
        _case(f"path {path[:40]!r}", _request(f"GET {path}"), 400, 404, 414) for path in PATHS
    ]
    cases += [
        _case(f"type {kind!r} of a write", _post(f"Content-Type: {kind}"), 415) for kind in TYPES
    ]
    cases += [
        _case(f"body {body[:30]!r}", _post(TYPE, body=body), 400, 422, 404, 405) for body in BODIES
    ]
    return cases + _odd_requests()


def _odd_requests() -> list[Hostile]:
    get, big, chunked = "GET /api/notes/1", b"x" * 70_000, "Transfer-Encoding: chunked"
    local = "Host: localhost:{port}"
    piece = b"2000\r\n" + b"x" * 8_192 + b"\r\n"
    upgrade = ("Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: x")
    return [
        _case("no host", _request(get, host=None), 400),
        _case("no host in HTTP/1.0", b"GET /api/notes/1 HTTP/1.0\r\n\r\n", 421),
        _case("two hosts", _request(get, local), 400),
        _case("another site reads", _request(get, "Sec-Fetch-Site: cross-site"), 403),
        _case(
            "a link on another site leads to the API",
            _request(get, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate",
                     "Sec-Fetch-Dest: document"),
            403,
        ),
        _case("another site's origin reads", _request(get, "Origin: http://evil.example"), 403),
        _case("a sandboxed page reads", _request(get, "Origin: null"), 403),
        _case("two origins", _post(TYPE, "Origin: http://localhost:{port}", "Origin: null"), 403),
        _case("no type of a write", _post(), 415),
        _case("two types of a write", _post(TYPE, "Content-Type: text/plain"), 415),
        _case("a packed body", _post(TYPE, "Content-Encoding: gzip"), 415),
        _case("a large body", _post(TYPE, body=big), 413),
        _case("a large body announced", _post(TYPE, "Content-Length: 99999999", length=False), 413),
        _case("a huge length", _post(TYPE, f"Content-Length: {'9' * 40}", length=False), 400),
        _case("a negative length", _post(TYPE, "Content-Length: -1", length=False), 400),
        _case("two lengths", _post(TYPE, "Content-Length: 9"), 400),
        _case(
            "a large body in pieces",
            _post(TYPE, chunked, body=piece * 10 + b"0\r\n\r\n", length=False),
            413,
        ),
        _case("a broken piece", _post(TYPE, chunked, body=b"zz\r\n", length=False), 400),
        _case("length and pieces", _post(TYPE, chunked, body=b"0\r\n\r\n"), 400, 404, 405, 422),
        _case("a long query", _request(f"GET /api/notes/1?{'q' * 9_000}"), 414),
        _case("a script for a number", _request("GET /api/notes/<script>"), 404, 422),
        _case("large headers", _request(get, f"X-Big: {'h' * 70_000}"), 400, 431),
        _case("an escape code in a header", _request(get, "X-Odd: \x1b[31m\x00"), 400),
        _case("an unknown method", _request("BREW /api/notes/1", TYPE), 404, 405),
        _case("TRACE", _request("TRACE /api/notes/1", TYPE), 404, 405),
        _case("CONNECT", _request("CONNECT evil.example:443"), 400, 415),
        _case("a preflight", _request(
            "OPTIONS /api/notes", "Origin: http://evil.example",
            "Access-Control-Request-Method: POST"), 403),
        _case("a WebSocket", _request("GET /api/live", "Connection: Upgrade", *upgrade), 400, 404),
        _case("a method override", _request(
            "GET /api/nothing", "X-HTTP-Method-Override: DELETE"), 404),
        _case("another address forwarded", _request(
            "GET /api/nothing", "X-Forwarded-Host: evil.example", "X-Original-URL: /api/notes/1",
            "Forwarded: host=evil.example"), 404),
        _case("not HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        _case("another version", b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", 400),
        _case("a header without a colon", _request(get, "oops"), 400),
        _case("a folded host", _request(get, "\t.evil.example"), 400, 421),
    ]  # fmt: skip


HOSTILE = _hostile()


def assault(host: str, port: int) -> list[Answer]:
    """Send every hostile request to a service and gather what it answers, in their order."""
    return [send(case, host, port) for case in HOSTILE]


def send(case: Hostile, host: str, port: int) -> Answer:
    """Send one, each on a connection of its own."""
    answer = bytearray()
    with socket.create_connection((host, port), timeout=20) as wire:
        with suppress(OSError):  # the service may have answered already and closed
            wire.sendall(case.request.replace(b"{port}", str(port).encode()))
        try:
            while piece := wire.recv(65_536):
                answer += piece
        except ConnectionResetError:
            assert answer, f"{case.name}: cut off without an answer"
    head, _, body = bytes(answer).partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":")[::2] for line in lines)
    named = {name.lower(): value.strip() for name, value in pairs}
    return Answer(case, int(status.split(" ")[1]) if status else 0, named, body)
