"""Nothing that is sent brings out anything but a declared refusal, told as a problem."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.hostile import HOSTILE, Answer, Hostile, assault, send
from tests.service.toy import make_stack, raw, served


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with served(make_stack(tmp_path_factory.mktemp("home"))) as found:
        yield found


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.name)
def test_a_hostile_request_is_refused_as_a_problem(port: int, case: Hostile) -> None:
    answer = send(case, "127.0.0.1", port)
    assert answer.faults() == [], answer


def test_the_service_still_serves_after_all_of_them(tmp_path: Path) -> None:
    with served(make_stack(tmp_path)) as port:
        answers = assault("127.0.0.1", port)
        good = raw(
            port, b"GET /api/notes/2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
    assert len(answers) == len(HOSTILE)
    assert good.status == 200


def test_the_cases_have_names_of_their_own() -> None:
    assert len({case.name for case in HOSTILE}) == len(HOSTILE)


def test_a_bad_answer_would_be_seen() -> None:
    body = b'{"detail": "Traceback <script>alert(1)</script>"}'
    faults = Answer(HOSTILE[0], 200, {"content-type": "application/json"}, body).faults()
    assert {"status 200, not [400, 421]", "type application/json", "no request id"} <= set(faults)
    assert {"shows b'Traceback'", "echoes a script", "no member type"} <= set(faults)
    assert "no Content-Security-Policy" in faults
