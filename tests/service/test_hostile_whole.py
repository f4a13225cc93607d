"""The real service under attack: nothing outside its folder is read, and no reply says too much."""

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

from hotband.service.headers import SECURITY_HEADERS
from tests.service.hostile import HOSTILE, TRACES, Answer, Hostile, send
from tests.service.paper_state import SESSION, with_paper
from tests.service.whole_service import Whole, finished_home, serving

DOCUMENT: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "docs" / "openapi.json").read_text("utf-8")
)
MARKER: Final = "canary-7f3a9c51"
ANY: Final = frozenset(range(200, 500))
MODES: Final = {"auto": (), "token": ("--auth", "token"), "read-only": ("--read-only",)}


@pytest.fixture(scope="module", params=MODES)
def whole(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Whole]:
    """A service in each mode, with a secret beside its state folder."""
    home = with_paper(finished_home(tmp_path_factory))
    (home.parent / "canary.txt").write_text(MARKER)
    (home.parent / "canary.yaml").write_text(f"default: {{{MARKER}: 1}}\n")
    (home.parent / "canary.json").write_text(json.dumps({"secret": MARKER}))
    with serving(home, *MODES[request.param]) as made:
        yield made


def beyond(whole: Whole) -> list[str]:
    """Ways to say the secret's place, or another file of the machine, as they go on the wire."""
    canary = str(whole.home.parent / "canary.txt")
    up = ["../" * depth + "canary.txt" for depth in (1, 2, 3, 6)]
    plain = [
        *up, canary, f"file://{canary}", "../canary", "../../canary.yaml", "..\\canary.txt",
        "....//....//canary.txt", "/etc/passwd", "../../../../../../etc/passwd", "~/.ssh/id_rsa",
        "rows-csv/../../../../canary.txt", "canary.txt\0.csv", "2026-W13/../../canary",
    ]  # fmt: skip
    encoded = [quote(text, safe="") for text in plain]
    return [*plain[:4], *encoded, *(quote(text, safe="") for text in encoded[:4]), "..;/canary.txt"]


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def attacks(whole: Whole, run: str) -> Iterator[bytes]:
    """A request per operation, parameter and way."""
    good = {
        "run": run,
        "symbol": "EUR_USD",
        "export_id": "rows-csv",
        "session": SESSION,
        "trade": "0",
    }
    for method, path, operation in operations():
        for parameter in operation.get("parameters", ()):
            name, place = parameter["name"], parameter["in"]
            if place == "header":
                continue
            for text in beyond(whole):
                values = good | ({name: text} if place == "path" else {})
                target = path.format(**values)
                if place == "query":
                    target += f"?{name}={text}"
                if " " not in target and "\0" not in target:
                    yield raw(whole, method, target, body=b"{}" if method == "POST" else b"")


def raw(whole: Whole, method: str, target: str, *, body: bytes = b"") -> bytes:
    lines = [
        f"{method} {target} HTTP/1.1",
        f"Host: localhost:{whole.port}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in whole.sign_in().items()),
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def tells_too_much(whole: Whole, answer: Answer) -> list[str]:
    """What a reply says that it must not, or lacks."""
    found = [f"no {name}" for name in SECURITY_HEADERS if name.lower() not in answer.headers]
    places = {str(whole.home.parent), str(Path(__file__).parents[2]), sys.prefix, "root:x:0"}
    found += [f"shows {place}" for place in places if place.encode() in answer.body]
    found += [f"shows {trace!r}" for trace in TRACES if trace in answer.body]
    if MARKER.encode() in answer.body:
        found.append("read the secret")
    if answer.status not in answer.case.statuses:
        found.append(f"status {answer.status}")
    return found


def answer_of(whole: Whole, request: bytes, statuses: frozenset[int] = ANY) -> Answer:
    return send(
        Hostile(request[:300].decode("latin-1"), request, statuses), "127.0.0.1", whole.port
    )


def run_of(whole: Whole) -> str:
    with whole.client() as client:
        return str(client.get("/api/backtests/latest").json()["run_id"])


def test_no_parameter_of_any_route_leads_out_of_the_state_folder(whole: Whole) -> None:
    run = run_of(whole)
    sent = [answer_of(whole, request) for request in attacks(whole, run)]
    faults = {a.case.name: found for a in sent if (found := tells_too_much(whole, a))}
    assert faults == {}
    assert len(sent) > 500


@pytest.mark.parametrize(
    "body",
    [
        {"grid": "../canary"},
        {"grid": "/etc/passwd"},
        {"grid": "..%2fcanary"},
        {"grid": {"include": "../canary.yaml"}},
        {"week": "../2026-W13"},
        {"instruments": ["../../canary"]},
        {"start": "../canary.txt", "end": "../canary.txt"},
    ],
    ids=str,
)
def test_no_request_for_a_run_leads_out_of_the_state_folder(
    whole: Whole, body: dict[str, Any]
) -> None:
    request = raw(whole, "POST", "/api/backtests/run", body=json.dumps(body).encode())
    refused = frozenset({403} if whole_is_read_only(whole) else {422})
    assert tells_too_much(whole, answer_of(whole, request, refused)) == []


def whole_is_read_only(whole: Whole) -> bool:
    with whole.client() as client:
        return bool(client.get("/api/meta").json()["read_only"])


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.name)
def test_the_real_service_refuses_a_hostile_request_as_a_problem(
    whole: Whole, case: Hostile
) -> None:
    # The table is of requests by nobody: where a token is asked for, that may be the refusal.
    more = {401} if whole.token else {403} if whole_is_read_only(whole) else set()
    answer = send(case._replace(statuses=case.statuses | more), "127.0.0.1", whole.port)
    assert answer.faults() == [], answer
    assert tells_too_much(whole, answer) == []


def test_what_is_found_is_complete_and_has_the_headers_too(whole: Whole) -> None:
    run = run_of(whole)
    good = {
        "run": run,
        "symbol": "EUR_USD",
        "export_id": "report-html",
        "session": SESSION,
        "trade": "0",
    }
    for method, path, _ in operations():
        if method == "GET":
            target = path.format(**good)
            answer = answer_of(whole, raw(whole, method, target))
            assert tells_too_much(whole, answer) == [], target


def test_a_slow_and_a_silent_caller_do_not_keep_others_from_an_answer(whole: Whole) -> None:
    idle = [socket.create_connection(("127.0.0.1", whole.port)) for _ in range(50)]
    try:
        for number, each in enumerate(idle):
            if number % 2:
                each.sendall(raw(whole, "POST", "/api/backtests/run", body=b"{}")[:-1])
        with whole.client() as client:
            assert client.get("/api/backtests/status").status_code == 200
    finally:
        for each in idle:
            each.close()


def test_after_all_of_it_the_service_still_serves(whole: Whole) -> None:
    for case in HOSTILE[:20]:
        send(case, "127.0.0.1", whole.port)
    with whole.client() as client:
        assert client.get("/health/live").json() == {"status": "ok"}
        assert client.get("/api/backtests/status").status_code == 200
    assert "Traceback" not in whole.said()
