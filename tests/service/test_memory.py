"""The memory of the service stays where it was, whatever is asked and however many runs start."""

import re
from pathlib import Path
from typing import Final

import httpx
import psutil
import pytest

from hotband.service.app import create_api
from tests.service.paper_state import SESSION, with_paper
from tests.service.whole_service import ended, finished_home, serving

WARM_UP: Final = 500


def paths(run: str) -> list[str]:
    """Every route that is read, over a finished run."""
    values = {
        "run": run,
        "symbol": "EUR_USD",
        "export_id": "trades-parquet",
        "session": SESSION,
        "trade": "0",
    }
    queries = {
        "/api/backtests/compare": f"?base={run}&head={run}",
        "/api/backtests/{run}/instruments/{symbol}/plane": "?x=hazard_max&y=hold_minutes",
    }
    return [
        re.sub(r"\{(\w+)\}", lambda found: values[found[1]], path) + queries.get(path, "")
        for path, methods in create_api().openapi()["paths"].items()
        if "get" in methods
    ]


def ask(client: httpx.Client, each: list[str], times: int) -> None:
    """So many requests over all paths in turn; one in eleven names what is not there."""
    for number in range(times):
        path = each[number % len(each)] if number % 11 else f"/api/backtests/{number:016x}"
        reply = client.get(path)
        assert reply.status_code == (200 if number % 11 else 404) or reply.status_code == 204, path


def grown(home: Path, requests: int, runs: int) -> tuple[float, int, int]:
    """Resident memory after all of it over that after a warm-up; both in KiB."""
    with serving(home) as whole, whole.client() as client:
        each = paths(client.get("/api/backtests/latest").json()["run_id"])
        ask(client, each, WARM_UP)
        before = resident_kib(whole.process.pid)
        for _ in range(runs):
            started = client.post("/api/backtests/run", json={"force": True})
            assert started.status_code == 202, started.text
            ask(client, each, requests // runs)
            assert ended(client, started.json()["job_id"])["state"] == "completed"
        after = resident_kib(whole.process.pid)
    return after / before, before, after


def resident_kib(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss) // 1024


def test_a_thousand_requests_and_two_runs_leave_memory_as_it_was(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    factor, before, after = grown(with_paper(finished_home(tmp_path_factory)), 1_000, 2)
    assert factor < 1.2, (before, after)


@pytest.mark.long
def test_ten_thousand_requests_and_twenty_runs_grow_memory_by_less_than_a_tenth(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    factor, before, after = grown(with_paper(finished_home(tmp_path_factory)), 10_000, 20)
    print(f"resident: {before} KiB after the warm-up, {after} KiB at the end")  # noqa: T201 # its figures
    assert factor < 1.1, (before, after)
