"""Runs over HTTP: started, watched, cancelled, refused, and never two at once."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from hotband.artefacts.writer import ArtefactFolder
from tests.service.running import (
    PAIRS,
    REAL_RUNS,
    SPAN,
    WEEK,
    Client,
    Here,
    enter,
    finished_home,
    make_home,
    service_here,
    service_process,
    until,
    weekly,
)

RUN = "/api/backtests/run"
RUN_ID = "0123456789abcdef"
SAME_RUN = {"week": WEEK, "instruments": list(PAIRS)}
"""A start that goes on with a run of the last week, whatever week is the last by then."""


def slug(reply: httpx.Response) -> str:
    """The problem of a reply."""
    assert reply.headers["content-type"] == "application/problem+json"
    return str(reply.json()["type"]).removeprefix("urn:hotband:problem:")


@pytest.fixture
def home(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    return enter(monkeypatch, make_home(tmp_path_factory.getbasetemp(), tmp_path / "home"))


@pytest.fixture
def here(home: Path) -> Iterator[Here]:
    """A service with held runners."""
    with service_here(home) as made:
        yield made


Real = Callable[..., Client]


@pytest.fixture
def real(home: Path) -> Iterator[Real]:
    """Makes a service that really runs the grid."""
    with ExitStack() as stack:

        def make(**options: Any) -> Client:
            made: AbstractContextManager[Here] = service_here(home, command=REAL_RUNS, **options)
            return stack.enter_context(made).client

        yield make


def begun(here: Here, **step: Any) -> dict[str, Any]:
    """A run that has its id, and its reply."""
    here.steps.say(run_id=RUN_ID, **step)
    reply = here.client.start()
    assert reply.status_code == 202, reply.text
    found: dict[str, Any] = reply.json()
    return found


def test_before_the_first_run_everything_says_that_there_is_none(here: Here) -> None:
    latest = here.client.get("/api/backtests/latest")
    assert latest.status_code == 200
    assert latest.json() == {
        "state": "empty",
        "message": "No runs yet.",
        "run_id": None,
        "run": None,
        "window": None,
        "instruments": {},
    }
    status = here.client.status()
    assert (status["state"], status["last_good"]) == ("idle", None)
    partial = here.client.get("/api/backtests/partial")
    assert (partial.status_code, partial.content) == (204, b"")
    assert here.client.get("/api/backtests").json() == {"items": [], "next": None}


def test_a_start_answers_with_id_window_and_instruments(here: Here) -> None:
    reply = begun(here)
    assert (reply["state"], reply["run_id"], reply["reused"]) == ("running", RUN_ID, False)
    assert reply["instruments"] == list(PAIRS)
    assert reply["window"]["end"] == "2026-03-27T21:00:00Z"
    assert here.client.get(reply["links"]["self"]).json()["state"] == "running"


def test_a_start_says_where_the_run_is(here: Here) -> None:
    here.steps.say(run_id=RUN_ID)
    reply = here.client.start()
    assert reply.headers["location"] == f"/api/backtests/{reply.json()['job_id']}"


def test_a_running_run_tells_how_far_it_is(here: Here) -> None:
    begun(here)
    done = {"instrument": "USD_JPY", "completed": 3, "total": 4}
    here.steps.say(progress=done | {"cells_per_second": 2.0, "eta_seconds": 0.5})
    until(lambda: here.client.status()["progress"], "progress")
    status = here.client.status()
    assert status["progress"]["ratio"] == 0.75
    assert status["instruments"] == {"EUR_USD": "finished", "USD_JPY": "running"}
    assert (status["phase"], status["seq"] > 1) == ("sweeping", True)


def test_a_cancelled_run_is_cancelling_until_its_runner_has_ended(here: Here) -> None:
    run = begun(here)
    here.steps.say(deaf=True, line="deaf")
    log = f"/api/backtests/{run['job_id']}/log"
    until(lambda: here.client.get(log).json()["lines"], "the runner is deaf")
    first = here.client.post(f"/api/backtests/{RUN_ID}/cancel", json={})
    again = here.client.post(f"/api/backtests/{run['job_id']}/cancel", json={})
    assert [first.status_code, again.status_code] == [202, 202]
    assert first.json()["state"] == again.json()["state"] == "cancelling"
    assert here.client.status()["state"] == "cancelling"
    here.steps.say(deaf=False)
    assert here.client.until("cancelled")["resume"] == SAME_RUN


def test_a_run_that_is_over_cannot_be_cancelled(here: Here) -> None:
    begun(here, end="error", error={"kind": "StoreError", "message": "no room"})
    here.client.until("error")
    reply = here.client.post(f"/api/backtests/{RUN_ID}/cancel", json={})
    assert (reply.status_code, slug(reply)) == (409, "run-already-finished")


def test_a_run_that_failed_says_why(here: Here) -> None:
    begun(here, end="error", error={"kind": "StoreError", "message": "no room"})
    status = here.client.until("error")
    assert status["error"] == {"kind": "StoreError", "message": "no room"}
    assert status["message"] == "no room"


def test_paths_of_the_machine_are_in_no_reply_about_a_failed_run(here: Here) -> None:
    told = f"file {here.service.settings.home}/bars: no room"
    run = begun(here, end="error", error={"kind": "StoreError", "message": told})
    here.client.until("error")
    pages = ("/api/backtests/status", "/api/backtests", run["links"]["self"])
    for page in pages:
        text = here.client.get(page).text
        assert str(here.service.settings.home) not in text
        assert "no room" in text


def test_a_run_whose_runner_dies_is_interrupted_and_can_be_gone_on_with(here: Here) -> None:
    begun(here)
    job = here.service.index.active()
    assert job is not None
    assert job.process is not None
    job.process.signal_group(signal.SIGKILL)
    status = here.client.until("interrupted")
    assert status["resume"] == SAME_RUN
    assert status["phase"] == "ended"


def test_a_start_while_a_run_is_on_names_it(here: Here) -> None:
    run = begun(here)
    reply = here.client.start({"force": True})
    assert (reply.status_code, slug(reply)) == (409, "run-already-active")
    told = reply.json()
    assert (told["job_id"], told["run_id"], told["state"]) == (run["job_id"], RUN_ID, "running")
    assert told["links"]["cancel"] == f"/api/backtests/{run['job_id']}/cancel"


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"start": "2026-03-20T00:00:00Z", "end": "2026-03-02T00:00:00Z"}, "window"),
        ({"start": "2026-03-02T00:00:00", "end": "2026-03-20T00:00:00"}, "pattern"),
        ({"start": "2026-13-02T00:00:00Z", "end": "2026-14-20T00:00:00Z"}, "2026-13-02"),
        ({"start": "2026-03-02T00:00:00Z"}, "start and end"),
        ({"end": "2026-03-02T00:00:00Z"}, "start and end"),
        ({"week": "2026-W99"}, "2026-W99"),
        ({"week": WEEK, "start": SPAN[0], "end": SPAN[1]}, "a week, or start and end"),
        ({"instruments": ["XXX_YYY"]}, "XXX_YYY"),
        ({"instruments": ["EURUSD"]}, "pattern"),
        ({"instruments": []}, "at least 1"),
        ({"grid": "nowhere"}, "nowhere"),
        ({"grid": {"default": {"min_reps": ["a"]}}}, "min_reps"),
        ({"grid": {"default": {"mn_reps": [1]}}}, "mn_reps"),
        ({"colour": "red"}, "colour"),
        ({"force": "perhaps"}, "force"),
        ([], "object"),
    ],
)  # fmt: skip
def test_a_start_that_cannot_be_run_is_refused_and_begins_nothing(
    real: Real, body: Any, word: str
) -> None:
    client = real()
    reply = client.post(RUN, json=body)
    assert reply.status_code == 422, reply.text
    assert slug(reply)
    assert word in reply.text
    assert client.status()["state"] == "idle"
    assert client.get("/api/backtests/partial").status_code == 204


def test_a_window_without_bars_ends_in_an_error_that_says_so(real: Real) -> None:
    client = real()
    client.start({"start": "1990-03-02T00:00:00Z", "end": "1990-03-20T00:00:00Z"})
    status = client.until("error")
    assert "a window that the data covers" in status["message"]
    assert status["last_good"] is None


def test_fifty_starts_at_once_make_one_run(here: Here) -> None:
    here.steps.say(run_id=RUN_ID)
    limits = httpx.Limits(max_connections=60)
    url = here.client.base_url
    with (
        httpx.Client(base_url=url, timeout=60, limits=limits) as client,
        ThreadPoolExecutor(50) as pool,
    ):
        replies = list(pool.map(lambda _: client.post(RUN, json={}), range(50)))
    assert sorted(reply.status_code for reply in replies) == [202] + [409] * 49
    (winner,) = [reply.json() for reply in replies if reply.status_code == 202]
    named = {reply.json()["job_id"] for reply in replies if reply.status_code == 409}
    assert named == {winner["job_id"]}
    assert len(here.client.get("/api/backtests").json()["items"]) == 1


def test_two_services_over_one_folder_make_one_run(here: Here, home: Path) -> None:
    here.steps.say(run_id=RUN_ID)
    with service_here(home) as other, ThreadPoolExecutor(20) as pool:
        clients = [here.client, other.client] * 10
        replies = list(pool.map(lambda client: client.post(RUN, json={}), clients))
        assert sorted(reply.status_code for reply in replies) == [202] + [409] * 19
        assert other.client.status()["run_id"] == here.client.status()["run_id"] == RUN_ID


def test_a_repeated_key_starts_nothing_again(here: Here) -> None:
    here.steps.say(run_id=RUN_ID)
    first = here.client.start({}, Idempotency_Key="once")
    again = here.client.start({}, Idempotency_Key="once")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["job_id"] == again.json()["job_id"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"


def test_a_key_with_another_body_is_refused(here: Here) -> None:
    here.steps.say(run_id=RUN_ID)
    here.client.start({}, Idempotency_Key="once")
    reply = here.client.start({"force": True}, Idempotency_Key="once")
    assert (reply.status_code, slug(reply)) == (422, "key-reused")


def test_a_key_of_a_refused_start_is_refused_again(here: Here) -> None:
    fault = {"kind": "InputError", "message": "grid: got 0"}
    here.steps.say(end="error", error=fault)
    first = here.client.start({}, Idempotency_Key="once")
    again = here.client.start({}, Idempotency_Key="once")
    assert [first.status_code, again.status_code] == [422, 422]
    assert slug(first) == slug(again) == "run-refused"


@pytest.mark.parametrize("key", ["", "two words", "é".encode().decode("latin-1"), "x" * 101])
def test_a_key_that_is_no_word_is_refused(here: Here, key: str) -> None:
    reply = here.client.post(RUN, json={}, headers=[(b"Idempotency-Key", key.encode("latin-1"))])
    assert reply.status_code == 422
    assert here.client.status()["state"] == "idle"


def test_a_run_that_is_not_known_is_404(here: Here) -> None:
    for page in ("", "/log", "/notes", "/artefact", "/overview"):
        reply = here.client.get(f"/api/backtests/{'f' * 16}{page}")
        assert (reply.status_code, slug(reply)) == (404, "unknown-run"), page
    assert here.client.post(f"/api/backtests/{'f' * 16}/cancel", json={}).status_code == 404


def test_the_same_inputs_are_run_once_and_again_where_that_is_asked_for(real: Real) -> None:
    client = real()
    first = client.start()
    assert first.status_code == 202
    run_id = first.json()["run_id"]
    assert client.until("completed")["run_id"] == run_id
    latest = client.get("/api/backtests/latest").json()
    assert (latest["run_id"], sorted(latest["instruments"])) == (run_id, list(PAIRS))
    again = client.start()
    assert (again.status_code, again.json()["reused"]) == (200, True)
    assert again.json()["run_id"] == run_id
    assert client.get("/api/backtests/latest").json()["generated_at"] == latest["generated_at"]
    forced = client.start({"force": True})
    assert (forced.status_code, forced.json()["run_id"]) == (202, run_id)
    client.until("completed")
    newest = client.get("/api/backtests/latest").json()
    assert newest["generated_at"] > latest["generated_at"]


def test_a_run_is_started_and_cancelled_with_what_it_has_done_kept(real: Real) -> None:
    client = real()
    started = client.start({"grid": "slow"})
    assert started.status_code == 202, started.text
    run_id = started.json()["run_id"]
    until(lambda: client.get("/api/backtests/partial").status_code == 200, "a partial result")
    assert client.get("/api/backtests/partial").json()["run_id"] == run_id
    client.post(f"/api/backtests/{run_id}/cancel", json={})
    assert client.until("cancelled")["resume"] == SAME_RUN | {"grid": "slow"}
    assert client.get("/api/backtests/latest").json()["state"] == "empty"


def test_a_service_that_stops_leaves_a_run_that_the_next_one_completes(home: Path) -> None:
    with service_process(home) as first:
        run_id = first.client.start({"grid": "slow"}).json()["run_id"]
        first.client.until("running")
        spans = home / "output" / "backtests" / "runs" / run_id / "spans"
        until(lambda: list(spans.glob("*")), "a part is done")
        first.stop()
        assert list(spans.glob("*"))
    with service_process(home) as second:
        status = second.client.status()
        assert (status["state"], status["run_id"]) == ("interrupted", run_id)
        again = second.client.start(status["resume"])
        assert again.json()["run_id"] == run_id
        done = second.client.until("completed")
        assert (done["run_id"], done["reused"]) == (run_id, False)


def test_a_service_that_is_killed_leaves_its_runner_to_the_next_one(home: Path) -> None:
    with service_process(home) as first:
        run = first.client.start({"grid": "slow"}).json()
        first.kill()
        with service_process(home) as second:
            status = second.client.status()
            assert (status["job_id"], status["run_id"]) == (run["job_id"], run["run_id"])
            assert status["state"] in {"running", "completed"}
            assert second.client.until("completed")["run_id"] == run["run_id"]


def test_no_run_starts_while_the_command_line_has_one(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = finished_home(tmp_path_factory.getbasetemp(), tmp_path / "other")
    enter(monkeypatch, home)
    with service_here(home) as here, ArtefactFolder(here.service.folder.root).exclusive():
        reply = here.client.start()
        assert (reply.status_code, slug(reply)) == (409, "run-already-active")
        assert [i["origin"] for i in here.client.get("/api/backtests").json()["items"]] == [
            "archive"
        ]


def test_a_run_of_the_command_line_is_in_the_history_a_moment_later(
    real: Real, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hotband.service.app.ARCHIVES_EVERY", 1)
    client = real()
    weekly(home)
    found = until(lambda: client.get("/api/backtests").json()["items"], "the run is known")
    assert [(item["origin"], item["state"]) for item in found] == [("archive", "completed")]
    opened = client.get(f"/api/backtests/{found[0]['run_id']}/artefact")
    assert sorted(opened.json()["instruments"]) == list(PAIRS)


def test_a_read_only_service_starts_and_cancels_nothing(home: Path) -> None:
    with service_here(home, read_only=True) as here:
        assert here.client.status()["read_only"] is True
        for page in ("run", f"{RUN_ID}/cancel"):
            reply = here.client.post(f"/api/backtests/{page}", json={})
            assert (reply.status_code, slug(reply)) == (403, "read-only")
        assert here.client.status()["state"] == "idle"


def test_nothing_starts_by_a_get(here: Here) -> None:
    assert here.client.get(RUN).status_code in {404, 405, 422}
    assert here.client.status()["state"] == "idle"
