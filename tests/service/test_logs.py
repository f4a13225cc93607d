"""Lines of the log: one per request, JSON, without secrets, and not to be forged."""

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from hotband.service.logs import configure_logs, redact, to_json_line
from tests.service.toy import HOST, JSON, Stack, call, make_stack, raw, served

GET = b"GET /api/notes/1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The stream of a fresh configuration, which is taken back behind the test."""
    root, level = logging.getLogger(), logging.getLogger().level
    handlers = list(root.handlers)
    stream = io.StringIO()
    configure_logs(stream)
    yield stream
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("uvicorn.access").disabled = False


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return make_stack(tmp_path)


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def request_line(log: io.StringIO) -> dict[str, Any]:
    (found,) = [line for line in lines(log) if line["event"] == "request"]
    return found


def test_a_request_is_one_line_with_its_template(log: io.StringIO, stack: Stack) -> None:
    reply = call(stack.whole, "/api/notes/42?limit=7")
    line = request_line(log)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("ts"))
    assert line.pop("ms") > 0
    assert line == {
        "level": "info",
        "event": "request",
        "request_id": reply.header("x-request-id"),
        "method": "GET",
        "route": "/api/notes/{number}",
        "status": 200,
    }


@pytest.mark.parametrize("target", ["/secret-path", "/api/%00secret-path", "/secret-path?secret-q"])
def test_a_path_that_no_route_has_is_not_written(
    log: io.StringIO, stack: Stack, target: str
) -> None:
    call(stack.whole, target)
    assert request_line(log)["route"] == "unmatched"
    assert "secret-" not in log.getvalue()


def test_a_refusal_is_named(log: io.StringIO, stack: Stack) -> None:
    call(stack.whole, "/api/notes", "POST", (HOST,))
    assert (request_line(log)["status"], request_line(log)["problem"]) == (415, "json-only")


@pytest.mark.parametrize("given", ["abcdefgh", "A-Z_09" * 10, "x" * 64])
def test_a_good_request_id_is_kept(log: io.StringIO, stack: Stack, given: str) -> None:
    reply = call(stack.whole, "/nothing", headers=(HOST, (b"x-request-id", given.encode())))
    assert reply.header("x-request-id") == given
    assert reply.json()["instance"] == given
    assert request_line(log)["request_id"] == given


@pytest.mark.parametrize(
    "given", [b"", b"short", b"x" * 65, b"has space", b"a\nb" * 4, b"\x1b[31m" * 3, b"\xff" * 9]
)
def test_another_request_id_is_replaced(log: io.StringIO, stack: Stack, given: bytes) -> None:
    reply = call(stack.whole, "/nothing", headers=(HOST, (b"x-request-id", given)))
    made = reply.header("x-request-id") or ""
    assert re.fullmatch("[0-9a-f]{24}", made)
    assert request_line(log)["request_id"] == made


def test_of_two_request_ids_none_is_kept(log: io.StringIO, stack: Stack) -> None:
    twice = ((b"x-request-id", b"abcdefgh"), (b"x-request-id", b"ijklmnop"))
    made = call(stack.whole, "/nothing", headers=(HOST, *twice)).header("x-request-id")
    assert made not in {"abcdefgh", "ijklmnop"}
    assert request_line(log)["request_id"] == made


def test_requests_have_ids_of_their_own(stack: Stack) -> None:
    made = {call(stack.whole, "/nothing").header("x-request-id") for _ in range(50)}
    assert len(made) == 50


def test_lines_within_a_request_have_its_id_and_lines_after_it_do_not(
    log: io.StringIO, stack: Stack
) -> None:
    @stack.app.get("/within")
    def within() -> None:
        structlog.stdlib.get_logger().info("inner", run_id="r1")

    made = call(stack.whole, "/within").header("x-request-id")
    structlog.stdlib.get_logger().info("after")
    inner, _, after = lines(log)
    assert (inner["event"], inner["request_id"], inner["run_id"]) == ("inner", made, "r1")
    assert "request_id" not in after


def test_a_crash_is_written_once_with_its_traceback(log: io.StringIO, stack: Stack) -> None:
    reply = call(stack.whole, "/api/fail/crash")
    failure, request = lines(log)
    assert (failure["event"], failure["level"]) == ("failure", "error")
    assert failure["request_id"] == request["request_id"] == reply.json()["instance"]
    assert "RuntimeError: secret-inner-text" in failure["exception"]
    assert "Traceback" in failure["exception"]
    assert request["status"] == 500


def test_a_reply_that_breaks_off_is_cut_and_written(log: io.StringIO, tmp_path: Path) -> None:
    with served(make_stack(tmp_path)) as port:
        reply = raw(port, GET.replace(b"notes/1", b"fail/late"))
    assert reply.status == 200
    assert not reply.body.endswith(b"0\r\n\r\n")
    assert [line["event"] for line in lines(log)].count("failure") == 1


def test_what_fails_outside_the_app_is_a_problem_too(log: io.StringIO, stack: Stack) -> None:
    stack.access.settings = None  # type: ignore[assignment] # so that it fails
    reply = call(stack.whole, "/api/notes/1")
    assert (reply.status, reply.slug) == (500, "internal-error")
    assert reply.header("x-content-type-options") == "nosniff"
    assert "AttributeError" in lines(log)[0]["exception"]


def test_the_observer_is_told_templates_and_known_methods_only(tmp_path: Path) -> None:
    seen: list[tuple[str, str, int, float]] = []
    stack = make_stack(tmp_path, observe=lambda *facts: seen.append(facts))
    call(stack.whole, "/api/notes/1")
    call(stack.whole, "/x", "BREW", (HOST, JSON))
    assert [facts[:3] for facts in seen] == [
        ("GET", "/api/notes/{number}", 200),
        ("OTHER", "unmatched", 404),
    ]
    assert all(facts[3] > 0 for facts in seen)


def test_no_secret_of_a_request_is_written(log: io.StringIO, tmp_path: Path) -> None:
    stack = make_stack(tmp_path, auth="token")
    secrets = (
        (b"authorization", f"Bearer {stack.token}".encode()),
        (b"cookie", b"hotband_session=secret-cookie"),
    )
    for target in (f"/api/notes/1?token={stack.token}", "/api/fail/crash?secret-query"):
        call(stack.whole, target, headers=(HOST, *secrets))
    with served(stack) as port:
        raw(port, GET.replace(b"/1 ", f"/1?token={stack.token} ".encode()))
    assert len(lines(log)) >= 4
    assert stack.token not in log.getvalue()
    assert "secret-cookie" not in log.getvalue()
    assert "secret-query" not in log.getvalue()


@pytest.mark.parametrize(
    "event",
    [
        {"authorization": "SECRET"},
        {"Set-Cookie": "SECRET"},
        {"headers": [(b"cookie", b"a=SECRET"), (b"host", b"localhost")]},
        {"headers": {"Authorization": ["SECRET"]}},
        {"scope": {"query_string": b"SECRET", "deep": [{"token": "SECRET"}]}},
        {"x_token": 7, "password": "SECRET", "client_secret": "SECRET"},
        {"event": "got Authorization: Bearer SECRET"},
        {"event": "bearer SECRET was wrong"},
        {"event": "Cookie: a=1; hotband_session=SECRET"},
        {"event": "hotband_session=SECRET; x"},
        {"event": "GET /api/notes?week=SECRET HTTP/1.1"},
        {"event": '{"token": "SECRET"}'},
        {"event": "valkey://ann:SECRET@desk:6379 is down"},
        {"exception": "Traceback\n  RuntimeError: token=SECRET"},
    ],
    ids=str,
)
def test_a_secret_is_redacted_wherever_it_stands(event: dict[str, Any]) -> None:
    found = to_json_line(redact(None, "info", event))
    assert "SECRET" not in found
    assert "[redacted]" in found


def test_secrets_of_any_line_are_redacted(log: io.StringIO) -> None:
    structlog.stdlib.get_logger().info("inner", token="SECRET-1")  # noqa: S106 - none
    logging.getLogger("elsewhere").warning("bearer %s", "SECRET-2")
    assert len(lines(log)) == 2
    assert "SECRET" not in log.getvalue()


def test_what_is_no_secret_stays() -> None:
    event = {"event": "request", "route": "/api/notes/{number}", "n": [1, 2.5, None, True]}
    assert redact(None, "info", dict(event)) == event


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_no_text_forges_a_line_or_reaches_the_terminal(text: str) -> None:
    line = to_json_line({"event": text, text: 1})
    assert re.fullmatch(r"[ -~]*", line)
    assert json.loads(line)[text if text != "event" else "event"] in (1, text)


def test_lines_of_uvicorn_are_json_and_its_access_log_is_off(
    log: io.StringIO, tmp_path: Path
) -> None:
    with served(make_stack(tmp_path)) as port:
        raw(port, GET)
        raw(port, b"\x1b[31m\r\n\r\n")
    logging.getLogger("uvicorn.access").info('127.0.0.1 - "GET /?secret"')
    found = lines(log)
    assert [line["event"] for line in found].count("request") == 1
    assert any("Started server process" in line["event"] for line in found)
    assert all({"ts", "level", "event"} <= set(line) for line in found)
    assert "secret" not in log.getvalue()
    assert "\x1b" not in log.getvalue()


def test_configuring_again_replaces_what_was_configured(log: io.StringIO) -> None:
    second = io.StringIO()
    configure_logs(second)
    structlog.stdlib.get_logger().info("once")
    logging.getLogger("elsewhere").warning("plain %s", "line")
    assert log.getvalue() == ""
    assert [line["event"] for line in lines(second)] == ["once", "plain line"]
