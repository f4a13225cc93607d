"""Who gets through to a route, and who does not, in the order of the checks."""

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from starlette.types import Message

from hotband.service import access
from hotband.service.headers import CONTENT_SECURITY_POLICY, SECURITY_HEADERS
from hotband.service.tokens import TokenFile
from tests.service.toy import HOST, JSON, Reply, Stack, call, make_stack, raw, served

Header = tuple[bytes, bytes]
Make = Callable[..., Stack]
OWN = (b"origin", b"http://localhost:8000")
GUEST = "https://desk.example"
NOTE = (b'{"text": "x"}',)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    numbers = itertools.count()

    def made(**fields: Any) -> Stack:
        return make_stack(tmp_path / str(next(numbers)), **fields)

    return made


def read(stack: Stack, *headers: Header, target: str = "/api/notes/1") -> Reply:
    return call(stack.whole, target, headers=(HOST, *headers))


def write(stack: Stack, *headers: Header, method: str = "POST") -> Reply:
    return call(stack.whole, "/api/notes", method, (HOST, JSON, *headers), NOTE)


def bearer(token: str) -> Header:
    return (b"authorization", f"Bearer {token}".encode())


def cookie(made: str) -> Header:
    return (b"cookie", f"hotband_session={made}".encode())


@pytest.mark.parametrize(
    "host", [b"localhost", b"localhost:1", b"127.0.0.1:8000", b"[::1]:8000", b"LocalHost:8000"]
)
def test_own_names_are_answered_with_any_port(make: Make, host: bytes) -> None:
    assert call(make().whole, "/api/notes/1", headers=((b"host", host),)).status == 200


def test_a_listed_host_is_answered_and_one_below_it_is_not(make: Make) -> None:
    stack = make(allowed_hosts=("desk.example",))
    assert call(stack.whole, "/api/notes/1", headers=((b"host", b"desk.example:9"),)).status == 200
    for host in (b"a.desk.example", b"desk.example.x", b"xdesk.example"):
        reply = call(stack.whole, "/api/notes/1", headers=((b"host", host),))
        assert (reply.status, reply.slug) == (421, "unknown-host")


@pytest.mark.parametrize("hosts", [(), (HOST, HOST), (HOST, (b"host", b"evil.example"))])
def test_there_must_be_one_host(make: Make, hosts: tuple[Header, ...]) -> None:
    assert call(make().whole, "/api/notes/1", headers=hosts).status == 421


def test_the_host_is_judged_before_anything_is_said_of_the_route(make: Make) -> None:
    stack = make(auth="token", read_only=True)
    evil = ((b"host", b"evil.example"), (b"origin", b"null"))
    replies = [call(stack.whole, path, "POST", evil) for path in ("/nothing", "/api/notes")]
    assert [reply.status for reply in replies] == [421, 421]


def test_the_own_page_may_write(make: Make) -> None:
    assert write(make(), OWN, (b"sec-fetch-site", b"same-origin")).status == 200


def test_a_script_that_says_nothing_of_its_site_may_write(make: Make) -> None:
    assert write(make()).status == 200
    assert write(make(), (b"sec-fetch-site", b"none")).status == 200


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE", "BREW", "post"])
def test_a_foreign_origin_writes_with_no_method(make: Make, method: str) -> None:
    reply = write(make(), (b"origin", b"http://evil.example"), method=method)
    assert (reply.status, reply.slug) == (403, "foreign-origin")


def test_a_valid_sign_in_does_not_excuse_a_foreign_origin(make: Make) -> None:
    stack = make(auth="token")
    made = stack.sign_ins.exchange(stack.token)
    assert write(stack, cookie(made), bearer(stack.token), (b"origin", b"null")).status == 403


def test_the_origin_has_the_port_that_was_bound(make: Make) -> None:
    stack = make(port=4711)
    assert write(stack, OWN).status == 403
    assert write(stack, (b"origin", b"http://localhost:4711")).status == 200


def test_a_link_on_another_site_may_lead_to_a_page_but_not_to_the_api(make: Make) -> None:
    visit = (
        (b"sec-fetch-site", b"cross-site"),
        (b"sec-fetch-mode", b"navigate"),
        (b"sec-fetch-dest", b"document"),
    )
    assert read(make(), *visit, target="/").status == 200
    for target in ("/api/notes/1", "/health/live"):
        assert read(make(), *visit, target=target).status == 403


@pytest.mark.parametrize("dest", [b"iframe", b"script", b"image", b"empty"])
def test_another_site_embeds_nothing(make: Make, dest: bytes) -> None:
    site = (b"sec-fetch-site", b"cross-site")
    assert read(make(), site, (b"sec-fetch-dest", dest), target="/").status == 403


def test_no_reply_allows_another_origin_where_none_is_listed(make: Make) -> None:
    for reply in (read(make()), read(make(), OWN), write(make(), (b"origin", b"null"))):
        assert not [name for name, _ in reply.headers if name.lower().startswith("access-control")]


def test_a_listed_origin_is_echoed_exactly_and_without_credentials(make: Make) -> None:
    stack = make(allowed_origins=(GUEST,))
    reply = read(stack, (b"origin", GUEST.encode()), (b"sec-fetch-site", b"cross-site"))
    assert reply.status == 200
    assert reply.header("access-control-allow-origin") == GUEST
    assert reply.header("vary") == "Origin"
    assert reply.header("access-control-allow-credentials") is None
    other = read(stack, (b"origin", b"https://desk.example.evil"))
    assert other.status == 403
    assert other.header("access-control-allow-origin") is None
    assert other.header("vary") == "Origin"


def test_only_a_listed_origin_gets_a_preflight_answered(make: Make) -> None:
    asks = (b"access-control-request-method", b"POST")
    stack = make(allowed_origins=(GUEST,), auth="token")
    reply = call(stack.whole, "/api/notes", "OPTIONS", (HOST, asks, (b"origin", GUEST.encode())))
    assert (reply.status, reply.body) == (204, b"")
    assert reply.header("access-control-allow-origin") == GUEST
    assert call(stack.whole, "/api/notes", "OPTIONS", (HOST, asks, OWN)).status == 401
    assert call(make().whole, "/api/notes", "OPTIONS", (HOST, asks, OWN)).status == 405


@pytest.mark.parametrize(
    "kind", [b"application/json", b"Application/JSON; charset=UTF-8",
     b'application/json;charset="utf-8"']
)  # fmt: skip
def test_json_is_taken_however_it_is_spelt(make: Make, kind: bytes) -> None:
    headers = (HOST, (b"content-type", kind))
    assert call(make().whole, "/api/notes", "POST", headers, NOTE).status == 200


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "PUT"])
def test_a_write_without_a_body_needs_json_too(make: Make, method: str) -> None:
    reply = call(make().whole, "/api/notes", method)
    assert (reply.status, reply.slug) == (415, "json-only")


def test_a_path_can_be_freed_from_json(make: Make) -> None:
    stack = make()
    stack.access.json_free = frozenset({"/api/notes"})
    assert call(stack.whole, "/api/notes", "POST", body=NOTE).status == 422
    assert call(stack.whole, "/api/notes/", "POST", body=NOTE).status == 415


def test_a_body_is_counted_while_it_comes_whatever_its_length_says(make: Make) -> None:
    pieces = [b"x" * 8_192] * 9
    for length in ((), ((b"content-length", b"10"),)):
        reply = call(make().whole, "/api/notes", "POST", (HOST, JSON, *length), pieces)
        assert (reply.status, reply.slug) == (413, "body-too-large")


def test_a_body_of_the_greatest_size_arrives_whole(make: Make) -> None:
    text = b'{"text": "' + b"x" * (access.BODY_BYTES - 12) + b'"}'
    pieces = [text[:9], text[9:40_000], text[40_000:]]
    reply = call(make().whole, "/api/notes", "POST", (HOST, JSON), pieces)
    assert len(text) == access.BODY_BYTES
    assert len(reply.json()["text"]) == access.BODY_BYTES - 12
    pieces.append(b" ")
    assert call(make().whole, "/api/notes", "POST", (HOST, JSON), pieces).status == 413


def test_reading_has_a_limit_of_its_body_too(make: Make) -> None:
    reply = call(make().whole, "/api/notes/1", headers=(HOST,), body=[b"x" * 70_000])
    assert reply.status == 413


def test_a_body_that_does_not_come_is_not_waited_for(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "BODY_SECONDS", 0.2)
    with served(make()) as port:
        head = b"POST /api/notes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        reply = raw(port, head + b"Content-Length: 9\r\n\r\n{")
    assert (reply.status, reply.slug) == (408, "body-too-slow")
    assert reply.header("connection") == "close"


def test_a_query_has_a_limit(make: Make) -> None:
    assert read(make(), target=f"/api/notes/1?{'q' * access.QUERY_BYTES}").status == 200
    assert read(make(), target=f"/api/notes/1?{'q' * (access.QUERY_BYTES + 1)}").status == 414


def test_headers_have_a_limit(make: Make) -> None:
    reply = read(make(), (b"x-big", b"h" * access.HEADER_BYTES))
    assert (reply.status, reply.slug) == (431, "headers-too-large")


def test_every_path_but_the_public_ones_needs_a_sign_in(make: Make) -> None:
    stack = make(auth="token")
    paths = set(stack.app.openapi()["paths"]) | {"/api/openapi.json", "/nothing", "/"}
    for path, method in itertools.product(paths, ("GET", "POST", "HEAD", "OPTIONS")):
        reply = call(stack.whole, path.replace("{number}", "1"), method, (HOST, JSON))
        public = path in stack.access.public
        assert (reply.status == 401) is not public, (method, path)
        if not public:
            assert reply.header("www-authenticate") == "Bearer"


@pytest.mark.parametrize(
    "target", ["/health/live/", "/health/Live", "/health/live;x", "/health",
     "/Health/live", "/api/session/x"]
)  # fmt: skip
def test_a_path_like_a_public_one_is_not_public(make: Make, target: str) -> None:
    assert read(make(auth="token"), target=target).status == 401


def test_the_token_or_a_sign_in_is_enough(make: Make) -> None:
    stack = make(auth="token")
    made = stack.sign_ins.exchange(stack.token)
    for header in (bearer(stack.token), cookie(made)):
        assert read(stack, header).status == 200
    assert read(stack, (b"authorization", f"bearer  {stack.token}".encode())).status == 200
    assert read(stack, cookie(made), bearer("wrong")).status == 200


@pytest.mark.parametrize(
    "header",
    [bearer(""), bearer("wrong"), bearer("a b"), (b"authorization", b"Basic eDp5"), cookie("wrong"),
     cookie(""), (b"authorization", b"\xff"), (b"cookie", b"\xff=;;=")],
)  # fmt: skip
def test_what_is_neither_is_not(make: Make, header: Header) -> None:
    assert read(make(auth="token"), header).status == 401


def test_two_tokens_are_none(make: Make) -> None:
    stack = make(auth="token")
    assert read(stack, bearer(stack.token), bearer(stack.token)).status == 401


def test_the_token_in_the_address_is_not_looked_at(make: Make) -> None:
    stack = make(auth="token")
    assert read(stack, target=f"/api/notes/1?token={stack.token}").status == 401


def test_wrong_tokens_are_limited_and_requests_without_one_are_not(make: Make) -> None:
    stack = make(auth="token")
    assert {read(stack).status for _ in range(20)} == {401}
    assert {read(stack, cookie("stale")).status for _ in range(20)} == {401}
    found = [read(stack, bearer("wrong")).status for _ in range(7)]
    assert found == [401] * 5 + [429] * 2
    reply = read(stack, bearer(stack.token))
    assert (reply.status, reply.slug) == (429, "too-many-failures")
    assert 1 <= int(reply.header("retry-after") or 0) <= 60


def test_a_rotated_token_shuts_out_the_old_one(make: Make) -> None:
    stack = make(auth="token")
    made = stack.sign_ins.exchange(stack.token)
    new = TokenFile(stack.access.settings.home).rotate()
    assert read(stack, bearer(stack.token)).status == 401
    assert read(stack, cookie(made)).status == 401
    assert read(stack, bearer(new)).status == 200


def test_a_token_file_that_cannot_be_used_lets_nobody_in_and_names_no_path(make: Make) -> None:
    stack = make(auth="token")
    stack.sign_ins.tokens.path.chmod(0o644)
    reply = read(stack, bearer(stack.token))
    assert (reply.status, reply.slug) == (503, "store-failed")
    assert str(stack.access.settings.home) not in reply.body.decode()


def test_read_only_changes_nothing_but_sign_ins(make: Make) -> None:
    stack = make(read_only=True)
    for method in ("POST", "PATCH", "PUT", "DELETE", "BREW"):
        reply = write(stack, method=method)
        assert (reply.status, reply.slug) == (403, "read-only")
    for method, status in (("POST", 404), ("DELETE", 404), ("PATCH", 403)):
        assert call(stack.whole, "/api/session", method, (HOST, JSON)).status == status
    assert read(stack).status == 200


@pytest.mark.parametrize(
    "reply",
    [
        read,
        lambda stack: read(stack, target="/nothing"),
        lambda stack: read(stack, target="/api/fail/crash"),
        lambda stack: write(stack, (b"origin", b"null")),
        lambda stack: call(stack.whole, "/", headers=()),
        lambda stack: call(stack.whole, "/api/notes/1", "PATCH", (HOST, JSON)),
    ],
    ids=["good", "not found", "crash", "foreign", "no host", "method"],
)
def test_every_reply_has_the_security_headers(make: Make, reply: Callable[[Stack], Reply]) -> None:
    found = reply(make())
    for name, value in SECURITY_HEADERS.items():
        assert found.header(name) == value


def test_the_policy_allows_no_inline_script_and_no_other_origin() -> None:
    rules = dict(rule.split(" ", 1) for rule in CONTENT_SECURITY_POLICY.split("; "))
    assert rules.pop("require-trusted-types-for") == "'script'"
    assert set(rules.values()) == {"'none'", "'self'"}
    assert {rules[name] for name in ("default-src", "base-uri", "form-action")} == {"'none'"}
    assert rules["frame-ancestors"] == "'none'"


def test_a_route_keeps_the_headers_that_it_sets_itself(make: Make) -> None:
    reply = read(make(), target="/api/export")
    assert reply.header("content-security-policy") == "sandbox"
    assert reply.header("cache-control") == "private"
    assert reply.header("x-content-type-options") == "nosniff"


@pytest.mark.parametrize("auth", ["auto", "token"])
def test_a_websocket_is_refused(make: Make, auth: str) -> None:
    sent: list[Message] = []
    scope = {"type": "websocket", "path": "/api/live", "headers": [HOST]}

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        await make(auth=auth).whole(scope, receive, send)

    asyncio.run(run())
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_a_caller_that_leaves_gets_no_reply_and_reaches_no_route(make: Make) -> None:
    seen: list[tuple[Any, ...]] = []
    stack = make(observe=lambda *facts: seen.append(facts))

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        pytest.fail(f"sent {message}")

    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": "/api/notes",
             "query_string": b"", "headers": [HOST, JSON]}  # fmt: skip

    async def run() -> None:
        await stack.whole(scope, receive, send)

    asyncio.run(run())
    assert seen == [("POST", "unmatched", 499, ANY)]


@pytest.mark.parametrize(
    "target", ["/api/a%2fb", "/api/a%2Fb", "/api/x%23y", "/api/x%3fy", "/api/%2e%2e",
     "//api", "/a%5cb"]
)  # fmt: skip
def test_a_path_with_two_readings_is_refused(make: Make, target: str) -> None:
    reply = read(make(), target=target)
    assert (reply.status, reply.slug) == (400, "bad-path")


def test_a_path_that_the_server_read_otherwise_is_refused(make: Make) -> None:
    stack = make(auth="token")
    reply = call(stack.whole, "/api/notes/1", headers=(HOST,), decoded="/health/live")
    assert (reply.status, reply.slug) == (400, "bad-path")


@pytest.mark.parametrize("mode", ["closed", "open"])
def test_a_good_path_passes(make: Make, mode: str) -> None:
    stack = make() if mode == "open" else make(auth="token")
    good = "/api/2025-W16/EUR_USD/a.b/%C3%A9t%C3%A9/x~y/"
    assert read(stack, target=good).status == (404 if mode == "open" else 401)
