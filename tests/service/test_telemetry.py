"""Numbers for Prometheus: readable by its parser, of a bounded number of series."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.service.running import PAIRS, Client, Here, enter, finished_home, service_here

ALWAYS = {
    "hotband_build_info",
    "hotband_data_synthetic_ratio",
    "hotband_gate_failures",
    "hotband_http_request_duration_seconds",
    "hotband_http_requests",
    "hotband_run_combinations_total",
    "hotband_run_state",
    "hotband_runs_total",
}
ON_A_RUN = {"hotband_run_heartbeat_age_seconds", "hotband_run_progress_ratio"}


@pytest.fixture
def here(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Here]:
    home = finished_home(tmp_path_factory.getbasetemp(), tmp_path / "home")
    with service_here(enter(monkeypatch, home)) as made:
        yield made


def families(client: Client) -> dict[str, Metric]:
    reply = client.get("/metrics").raise_for_status()
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {family.name: family for family in text_string_to_metric_families(reply.text)}


def values(family: Metric, label: str) -> dict[str, float]:
    return {sample.labels[label]: sample.value for sample in family.samples}


def test_the_families_are_there(here: Here) -> None:
    here.client.status()
    assert families(here.client).keys() >= ALWAYS


def test_a_run_has_its_progress_and_its_signs_of_life(here: Here) -> None:
    here.steps.say(run_id="0" * 16)
    progress = {"instrument": "EUR_USD", "completed": 1, "total": 4}
    here.client.start()
    here.service.index.beat(
        here.client.status()["job_id"], progress | {"cells_per_second": 2.0, "eta_seconds": 1.0}
    )
    here.steps.say(progress=progress | {"cells_per_second": 2.0, "eta_seconds": 1.0})
    found = families(here.client)
    assert found.keys() >= ON_A_RUN
    assert found["hotband_run_progress_ratio"].samples[0].value == 0.25
    assert found["hotband_run_heartbeat_age_seconds"].samples[0].value >= 0.0
    assert values(found["hotband_run_state"], "state")["running"] == 1.0


def test_exactly_one_state_holds(here: Here) -> None:
    states = values(families(here.client)["hotband_run_state"], "state")
    assert sorted(states.values()) == [0.0] * (len(states) - 1) + [1.0]
    assert states["completed"] == 1.0


def test_an_ended_run_is_counted_and_timed(here: Here) -> None:
    here.steps.say(run_id="0" * 16)
    here.steps.say(end="error", error={"kind": "StoreError", "message": "no room"})
    here.client.start()
    here.client.until("error")
    found = families(here.client)
    assert values(found["hotband_runs_total"], "outcome")["error"] == 1.0
    assert found["hotband_run_duration_seconds"].samples[0].value >= 0.0


def test_requests_are_counted_by_route_and_never_by_path(here: Here) -> None:
    for number in range(30):
        here.client.get(f"/api/backtests/{number:016x}")
        here.client.get(f"/nowhere/{number}")
    routes = {s.labels["route"] for s in families(here.client)["hotband_http_requests"].samples}
    assert "/api/backtests/{run}" in routes
    assert len(routes) < 10


def test_shares_are_those_of_the_result(here: Here) -> None:
    latest = here.service.library.latest()
    assert latest is not None
    shares = values(families(here.client)["hotband_data_synthetic_ratio"], "symbol")
    assert sorted(shares) == list(PAIRS)
    assert all(0.0 <= share <= 1.0 for share in shares.values())


def test_a_state_that_cannot_be_read_is_a_number_too(here: Here) -> None:
    (here.service.folder.root / "latest.json").write_text("{")
    found = families(here.client)
    assert found["hotband_state_readable"].samples[0].value == 0.0
    assert "hotband_build_info" in found
