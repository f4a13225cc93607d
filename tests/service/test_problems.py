"""Every error is told as a problem, which shows nothing that a stranger should not see."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from hotband import errors
from hotband.errors import HotbandError, InputError, StoreUnavailableError
from hotband.service.problems import (
    DETAIL_LENGTH,
    ECHO_LENGTH,
    Problem,
    ProblemBody,
    ProblemError,
    clipped,
    problem_of,
    problem_response,
    problems,
    redacted,
)
from tests.service.toy import HOST, JSON, Reply, Stack, call, make_stack

DESK = "/" + "home/desk of ann"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return make_stack(tmp_path_factory.mktemp("home"))


def get(stack: Stack, target: str) -> Reply:
    return call(stack.whole, target)


def post(stack: Stack, body: bytes) -> Reply:
    return call(stack.whole, "/api/notes", "POST", (HOST, JSON), (body,))


def with_parts(kind: type[HotbandError]) -> HotbandError:
    if kind is StoreUnavailableError:
        return StoreUnavailableError("server", "x", "y", "Wait.", state="loading")
    if kind is errors.CancelledRunError:
        return errors.CancelledRunError("run", "x", "y", "Run again.", done=())
    return kind("part", "x", "y", "Do that.")


@pytest.mark.parametrize(
    ("target", "status", "slug"),
    [
        ("/nothing", 404, "not-found"),
        ("/api/notes/x", 422, "invalid-request"),
        ("/api/notes/1?limit=0", 422, "invalid-request"),
        ("/api/fail/profile", 422, "invalid-profile"),
        ("/api/fail/store", 503, "store-failed"),
        ("/api/fail/defect", 500, "internal-error"),
        ("/api/fail/crash", 500, "internal-error"),
        ("/api/fail/refused", 409, "busy"),
    ],
)
def test_every_kind_of_error_is_a_whole_problem(
    stack: Stack, target: str, status: int, slug: str
) -> None:
    reply = get(stack, target)
    assert (reply.status, reply.slug) == (status, slug)
    assert reply.header("content-type") == "application/problem+json"
    body = ProblemBody.model_validate_json(reply.body)
    assert (body.status, body.instance) == (status, reply.header("x-request-id"))
    assert body.title
    assert body.detail


def test_a_method_that_a_path_has_not_is_a_problem_that_names_those_it_has(stack: Stack) -> None:
    reply = call(stack.whole, "/api/notes/1", "DELETE", (HOST, JSON))
    assert (reply.status, reply.slug) == (405, "method-not-allowed")
    assert reply.header("allow") == "GET"


@pytest.mark.parametrize(
    ("kind", "status", "slug"),
    [
        (errors.InputError, 422, "invalid-input"),
        (errors.BarsError, 422, "invalid-bars"),
        (errors.GatesError, 422, "invalid-gates"),
        (errors.ProfileError, 422, "invalid-profile"),
        (errors.InstrumentError, 422, "unknown-instrument"),
        (errors.WindowError, 422, "invalid-window"),
        (errors.StoreError, 503, "store-failed"),
        (errors.StoreUnavailableError, 503, "store-unavailable"),
        (errors.ConversionError, 500, "internal-error"),
        (errors.ExecutorError, 500, "internal-error"),
        (errors.CancelledRunError, 500, "internal-error"),
        (errors.IntegrityError, 500, "internal-error"),
        (errors.HotbandError, 500, "internal-error"),
    ],
)
def test_each_class_of_error_has_its_problem(
    kind: type[HotbandError], status: int, slug: str
) -> None:
    problem = problem_of(with_parts(kind))
    assert (problem.status, problem.slug) == (status, slug)
    assert ("x" in problem.detail.split()) is False
    assert ("allowed: y" in problem.detail) is (status != 500)


def test_the_table_above_names_every_class_of_error() -> None:
    def below(kind: type[HotbandError]) -> set[type[HotbandError]]:
        return {kind}.union(*(below(sub) for sub in kind.__subclasses__() if is_ours(sub)))

    def is_ours(kind: type) -> bool:
        return kind.__module__ == "hotband.errors"

    (mark,) = [
        mark
        for mark in test_each_class_of_error_has_its_problem.pytestmark  # type: ignore[attr-defined] # pytest's own
        if mark.name == "parametrize"
    ]
    assert {case[0] for case in mark.args[1]} == below(HotbandError)


def test_an_error_of_ours_keeps_its_four_parts_and_its_hint(stack: Stack) -> None:
    assert get(stack, "/api/fail/profile").json()["detail"] == (
        "profile key: got hazard_mn; allowed: hazard_min. Did you mean 'hazard_min'? Correct it."
    )


def test_a_store_that_fails_says_when_to_ask_again_and_shows_no_path(stack: Stack) -> None:
    reply = get(stack, "/api/fail/store")
    assert reply.header("retry-after") == "10"
    assert reply.json()["detail"] == (
        "file [path]: got [Errno 13] '[path]'; allowed: a file. See [path]"
    )


@pytest.mark.parametrize("target", ["/api/fail/defect", "/api/fail/crash"])
def test_a_failure_of_ours_tells_nothing_of_itself(stack: Stack, target: str) -> None:
    reply = get(stack, target)
    for hidden in (b"secret-inner-text", b"Error", b"Traceback", b".py"):
        assert hidden not in reply.body


def test_a_problem_keeps_its_headers_and_members_without_their_paths(stack: Stack) -> None:
    reply = get(stack, "/api/fail/refused")
    assert reply.header("x-run") == "7"
    assert reply.json()["active"] == {"path": "[path]", "n": 3}


def test_members_cannot_replace_those_of_the_problem() -> None:
    problem = Problem("busy", "Busy", 409, "On.", type="about:blank", instance="x")
    body = json.loads(bytes(problem_response({"state": {"request_id": "r" * 8}}, problem).body))
    assert (body["type"], body["instance"]) == ("urn:hotband:problem:busy", "r" * 8)


def test_faults_of_a_request_say_where_and_why(stack: Stack) -> None:
    assert post(stack, b'{"size": "x"}').json()["errors"] == [
        {"pointer": "/body/text", "code": "missing", "message": "Field required"},
        {
            "pointer": "/body/size",
            "code": "int_parsing",
            "message": "Input should be a valid integer, unable to parse string as an integer",
        },
    ]
    (fault,) = get(stack, "/api/notes/1?limit=501").json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/query/limit", "less_than_equal")


@pytest.mark.parametrize(
    "body",
    [b"{", b"NaN", b'{"text": "x", "size": NaN}', b'{"text": "\\ud800"}', b'{"text": "\xff"}',
     b"[" * 9_000],
)  # fmt: skip
def test_a_body_that_is_no_strict_json_is_refused(stack: Stack, body: bytes) -> None:
    assert (post(stack, body).status, post(stack, body).slug) == (400, "bad-json")


@pytest.mark.parametrize(
    "body",
    [
        b'{"size": "%s"}',
        b'{"sizes": {"%s": "x"}}',
        b'{"text": {"%s": 1}}',
        b'{"%s": 1}',
        b'["%s"]',
        b'{"text": "%s}',
    ],
)
def test_no_more_than_a_little_of_what_was_sent_comes_back(stack: Stack, body: bytes) -> None:
    reply = post(stack, body.replace(b"%s", b"Z" * 10_000))
    assert reply.status in {400, 422}
    assert b"Z" * (ECHO_LENGTH + 1) not in reply.body


def test_a_detail_is_redacted_and_clipped() -> None:
    found = problem_response({}, Problem("odd", "Odd", 400, f"see '{DESK}/x' {'Z' * 9_000}"))
    detail = json.loads(bytes(found.body))["detail"]
    assert detail.startswith("see '[path]' ZZZ")
    assert len(detail) == DETAIL_LENGTH


def test_of_many_faults_fifty_are_told() -> None:
    faults = [ProblemError(pointer="/x", code="c", message="m")] * 80
    problem = Problem("invalid", "Invalid", 422, "Many.", errors=faults)
    assert len(json.loads(bytes(problem_response({}, problem).body))["errors"]) == 50


def test_what_an_error_got_is_clipped() -> None:
    problem = problem_of(InputError("week", "Z" * 5_000, "a week", "Name one."))
    assert "Z" * ECHO_LENGTH not in problem.detail
    assert problem.detail.endswith("; allowed: a week. Name one.")


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_no_text_spoils_the_reply(text: str) -> None:
    problem = Problem("odd", "Odd", 400, text, more=[text, {text: text}])
    body = bytes(problem_response({}, problem).body)
    assert body.isascii()
    assert not re.search(rb"[\x00-\x1f]", body)
    assert json.loads(body)["status"] == 400


SEGMENT = st.text(alphabet="abcXYZ019._- é", min_size=1, max_size=9).map(lambda s: f"Q{s}Q")


@given(st.lists(SEGMENT, min_size=2, max_size=5), st.sampled_from(["", "file ", "in '", "(", "="]))
def test_no_part_of_a_path_stays(segments: list[str], before: str) -> None:
    for path in (
        "/" + "/".join(segments),
        "~/" + "/".join(segments),
        "C:\\" + "\\".join(segments),
        "\\\\server\\" + "\\".join(segments),
    ):
        assert "Q" not in redacted(f"{before}{path}")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"file {DESK}/x.json", "file [path]"),
        (f"'{DESK}/x': gone", "'[path]': gone"),
        (f"a {DESK}/x; b {DESK}/y; c", "a [path]; b [path]; c"),
        ("parquet://" + DESK + "/x", "parquet:[path]"),
        ("valkey://ann:pw@desk:6379/0 is down", "valkey:[address] is down"),
        ("open C:\\Users\\ann\\x", "open [path]"),
        (f"BarStore(parquet:{DESK}) is", "BarStore(parquet:[path])"),
        (f"BarStore(parquet://{DESK}) is", "BarStore(parquet:[path])"),
        (f"[{DESK}/a (b) c]; next", "[[path]]; next"),
        ("(valkey://ann:pw@desk:6379/0) is", "(valkey:[address]) is"),
    ],
)
def test_a_path_is_replaced_where_it_stands(text: str, kept: str) -> None:
    assert redacted(text) == kept


@pytest.mark.parametrize(
    "text",
    ["EUR/USD", "M1/M5 bars", "a / b", "and/or", "2025-W16", "1/2", "ratio 3:1",
     "names such as EUR_USD"],
)  # fmt: skip
def test_what_is_no_path_stays(text: str) -> None:
    assert redacted(text) == text


def test_a_short_text_is_not_clipped() -> None:
    assert clipped("x" * ECHO_LENGTH) == "x" * ECHO_LENGTH
    assert clipped("x" * (ECHO_LENGTH + 1)) == "x" * (ECHO_LENGTH - 1) + "…"


def test_a_status_without_a_name_is_a_problem_too(tmp_path: Path) -> None:
    stack = make_stack(tmp_path)

    @stack.app.get("/odd/{status}")
    def odd(status: int) -> None:
        raise HTTPException(status, "what happened")

    assert get(stack, "/odd/418").slug == "im-a-teapot"
    assert (get(stack, "/odd/499").slug, get(stack, "/odd/499").status) == ("error", 499)
    assert get(stack, "/odd/403").json()["detail"] == "what happened"
    assert "what happened" not in get(stack, "/odd/502").body.decode()


def replies(stack: Stack) -> list[tuple[str, str, dict[str, Any]]]:
    document = stack.app.openapi()
    return [
        (path, method, operation["responses"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_declares_each_problem_that_it_can_meet(stack: Stack) -> None:
    for path, method, declared in replies(stack):
        wanted = {"400", "401", "403", "413", "421", "429", "500", "503"}
        assert wanted <= set(declared), (path, method)
        assert ("415" in declared) is (method == "post")
        for status, reply in declared.items():
            if int(status) >= 400:
                assert set(reply["content"]) == {"application/problem+json"}, (path, status)


def test_a_route_declares_problems_of_its_own(stack: Stack) -> None:
    declared = {(path, method): found for path, method, found in replies(stack)}
    assert {"409", "422"} <= set(declared["/api/notes", "post"])
    assert set(problems(404, 409)) == {404, 409}


def test_the_document_has_one_schema_of_problems_and_none_of_the_library(stack: Stack) -> None:
    text = json.dumps(stack.app.openapi())
    schemas = stack.app.openapi()["components"]["schemas"]
    assert {"ProblemBody", "ProblemError"} <= set(schemas)
    assert "HTTPValidationError" not in text
    for name in set(re.findall(r"#/components/schemas/(\w+)", text)):
        assert name in schemas
