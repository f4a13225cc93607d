"""The published OpenAPI document, held against the running service: every reply is declared."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.core.result import Ok

from hotband.artefacts.writer import ArtefactFolder
from hotband.service.app import PUBLIC
from tests.service.paper_state import with_paper
from tests.service.whole_service import Whole, ended, finished_home, make_state, serving

PUBLISHED = Path(__file__).parents[2] / "docs" / "openapi.json"
DOCUMENT = json.loads(PUBLISHED.read_text("utf-8"))
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS: list[APIOperation[Any, Any, Any, Any]] = [
    found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)
]
UNSAFE = {"post", "patch", "delete", "put"}
CONFORM: Any = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
)
bounded = settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def each_operation(*without: str) -> pytest.MarkDecorator:
    """A test per operation, but for those of some paths."""
    chosen = [found for found in OPERATIONS if found.path not in without]
    return pytest.mark.parametrize("operation", chosen, ids=lambda found: found.label)


class Held:
    """A service over a finished run whose folder of artefacts another program has taken.

    So no generated start can begin a run; one that would is answered 409.
    """

    def __init__(self, whole: Whole) -> None:
        self.whole = whole
        self.calls = requests.Session()
        self.calls.trust_env = False
        self.calls.headers.update({"Content-Type": "application/json", **whole.sign_in()})
        latest = self._json("/api/backtests/latest")
        run, names = latest["run_id"], sorted(latest["instruments"])
        exports = self._json(f"/api/backtests/{run}/exports")["exports"]
        certified = self._json("/api/certificates")
        self.known: dict[str, list[str]] = {
            "run": [run],
            "symbol": names,
            "export_id": [each["id"] for each in exports],
            "session": [each["session"] for each in certified["items"]],
            "trade": ["0", "1"],
        }
        self.queries: dict[str, dict[str, list[str]]] = {
            "compareRuns": {"base": [run], "head": [run]},
            "getPlane": {"x": ["hazard_max"], "y": ["hold_minutes"], "metric": ["score"]},
        }

    def _json(self, path: str) -> Any:
        return self.calls.get(self.whole.base_url + path, timeout=60).json()

    def cases(self, operation: APIOperation[Any, Any, Any, Any]) -> st.SearchStrategy[Case[Any]]:
        """Requests as the document allows them, as it does not, and about what really is there."""
        made = [operation.as_strategy(GenerationMode.POSITIVE)]
        if len(operation.path_parameters.items) or len(operation.query.items):
            queries = self.queries.get(operation.definition.raw["operationId"], {})
            drawn = st.tuples(operation.as_strategy(GenerationMode.POSITIVE), st.integers(0, 99))
            made.append(drawn.map(lambda pair: self._real(pair[0], pair[1], queries)))
        if _takes_anything(operation):
            made.append(operation.as_strategy(GenerationMode.NEGATIVE))
        return st.one_of(made)

    def _real(self, case: Case[Any], turn: int, queries: dict[str, list[str]]) -> Case[Any]:
        for name in case.path_parameters or {}:
            known = self.known[name]
            case.path_parameters[name] = known[turn % len(known)]
        for name, known in queries.items():
            case.query[name] = known[turn % len(known)]
        return case

    def conforms(self, case: Case[Any]) -> int:
        """Send it and hold the reply against the document; its status."""
        reply = case.call(base_url=self.whole.base_url, session=self.calls, timeout=60)
        case.validate_response(reply, checks=CONFORM)
        if "json" in reply.headers.get("content-type", [""])[0]:
            json.loads(reply.content, parse_constant=_no_number)
        return int(reply.status_code)


def _no_number(text: str) -> float:
    raise AssertionError(f"{text} is no JSON")


def _takes_anything(operation: APIOperation[Any, Any, Any, Any]) -> bool:
    held = (operation.path_parameters, operation.query, operation.headers, operation.body)
    return any(len(each.items) for each in held)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Held]]:
    """A held service by its options, one of each kind."""
    made: dict[tuple[str, ...], Held] = {}
    with ExitStack() as stack:

        def hold(*options: str) -> Held:
            if options not in made:
                home = with_paper(finished_home(tmp_path_factory))
                whole = stack.enter_context(serving(home, *options))
                stack.enter_context(ArtefactFolder(home / "output" / "backtests").exclusive())
                made[options] = Held(whole)
                stack.callback(made[options].calls.close)
            return made[options]

        yield hold


@each_operation()
def test_every_reply_is_as_the_document_says(
    served: Callable[..., Held], operation: APIOperation[Any, Any, Any, Any]
) -> None:
    held = served()

    @bounded
    @given(held.cases(operation))
    def hold(case: Case[Any]) -> None:
        held.conforms(case)

    hold()


# Wrong tokens shut out the right one for a minute: sign-in has a test of its own.
@each_operation("/api/session")
def test_with_the_token_every_reply_is_as_the_document_says(
    served: Callable[..., Held], operation: APIOperation[Any, Any, Any, Any]
) -> None:
    held = served("--auth", "token")

    @settings(bounded, max_examples=4)
    @given(held.cases(operation))
    def hold(case: Case[Any]) -> None:
        assert held.conforms(case) not in {401, 429}

    hold()


@each_operation(*PUBLIC)
def test_without_the_token_every_reply_is_a_declared_401(
    served: Callable[..., Held], operation: APIOperation[Any, Any, Any, Any]
) -> None:
    held = served("--auth", "token")

    @settings(bounded, max_examples=3)
    @given(operation.as_strategy(GenerationMode.POSITIVE))
    def hold(case: Case[Any]) -> None:
        headers = {"Content-Type": "application/json"}
        reply = case.call(base_url=held.whole.base_url, headers=headers, timeout=60)
        case.validate_response(reply, checks=CONFORM)
        assert reply.status_code == 401, reply.text

    hold()


@each_operation()
def test_read_only_every_reply_is_as_the_document_says(
    served: Callable[..., Held], operation: APIOperation[Any, Any, Any, Any]
) -> None:
    held = served("--read-only")
    changes = operation.method in UNSAFE and operation.path != "/api/session"

    @settings(bounded, max_examples=4)
    @given(operation.as_strategy(GenerationMode.POSITIVE))
    def hold(case: Case[Any]) -> None:
        status = held.conforms(case)
        assert status == 403 if changes else status != 403

    hold()


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """A service whose runs may start."""
    with serving(finished_home(tmp_path_factory)) as whole:
        yield whole


@pytest.mark.parametrize(
    ("body", "status"), [({}, 200), ({"force": True}, 202), ({"instruments": []}, 422)]
)
def test_a_start_answers_as_the_document_says(
    free: Whole, body: dict[str, Any], status: int
) -> None:
    case = SCHEMA["/api/backtests/run"]["POST"].Case(body=body, media_type="application/json")
    reply = case.call(base_url=free.base_url, timeout=90)
    case.validate_response(reply, checks=CONFORM)
    assert reply.status_code == status, reply.text
    if status == 202:
        with free.client() as client:
            busy = case.call(base_url=free.base_url, timeout=90)
            case.validate_response(busy, checks=CONFORM)
            assert busy.status_code == 409
            assert ended(client, reply.json()["job_id"])["state"] == "completed"


def test_a_sign_in_answers_as_the_document_says_until_too_many_were_wrong(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    sign_in = SCHEMA["/api/session"]["POST"]
    statuses = []
    with serving(make_state(tmp_path_factory.mktemp("whole") / "home"), "--auth", "token") as whole:
        for token in (whole.token, *["wrong"] * 5, whole.token):
            case = sign_in.Case(body={"token": token}, media_type="application/json")
            reply = case.call(base_url=whole.base_url, timeout=60)
            case.validate_response(reply, checks=CONFORM)
            statuses.append(reply.status_code)
    assert statuses == [200, *[401] * 5, 429]


def test_the_document_is_valid_and_names_every_reply() -> None:
    SCHEMA.validate()
    for operation in OPERATIONS:
        for status, reply in operation.definition.raw["responses"].items():
            if status not in {"204", "304"}:
                assert reply.get("content"), f"{operation.label}: {status} says no type"
