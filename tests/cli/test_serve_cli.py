"""``hotband serve`` and ``hotband up`` from the shell: three commands from nothing to a result."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hotband.cli.up import parts_of
from tests.service.running import HOTBAND, environment_of, make_home, service_process

GRID = "default: {min_reps: [1], exposure: [0.5], hold_minutes: [15, 30]}\nmin_trades: 5\n"


def curl(url: str, *words: str) -> Any:
    """The JSON that curl gets, and the status it came with."""
    done = subprocess.run(
        ["curl", "-s", "-w", "\n%{http_code}", *words, url],
        capture_output=True, text=True, check=True, timeout=90,
    )  # fmt: skip
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


def refused(home: Path, *words: str, **more: str) -> str:
    """What a command says that is refused before it serves."""
    done = subprocess.run(
        [*HOTBAND, *words], env=environment_of(home, **more), capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode not in {0, None}
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


def test_three_commands_lead_from_nothing_to_a_result(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(GRID)
    demo = (*HOTBAND, "up", "--demo", "--port", "0")
    with service_process(tmp_path, "--schedule", "off", command=demo) as served:
        url = served.url.rstrip("/")
        (tmp_path / "demo" / "grids").mkdir()
        (tmp_path / "demo" / "grids" / "small.yaml").write_text(GRID)
        words = ("-X", "POST", "-H", "Content-Type: application/json", "-d")
        status, started = curl(f"{url}/api/backtests/run", *words, '{"grid": "small"}')
        assert (status, started["state"]) == (202, "running")
        assert started["run_id"]
        assert started["window"]["end"] == "2026-03-27T21:00:00Z"
        assert started["instruments"] == ["EUR_USD", "GBP_USD", "USD_JPY"]
        served.client.until("completed")
        status, told = curl(f"{url}/api/backtests/status")
        assert (told["state"], told["run_id"]) == ("completed", started["run_id"])
        assert told["last_good"]["simulated"] is True
        status, latest = curl(f"{url}/api/backtests/latest")
        assert latest["instruments"]["USD_JPY"]["state"] == "completed"
        assert latest["run_id"] == started["run_id"]
        # The same with nothing said, which takes longer than a test may.
        status, started = curl(f"{url}/api/backtests/run", *words, "{}")
        assert (status, started["state"]) == (202, "running")
        assert started["run_id"] != latest["run_id"]


@pytest.fixture
def home(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.getbasetemp(), tmp_path / "home")


@pytest.mark.parametrize("command", ["serve", "up"])
def test_an_address_for_others_needs_a_token(home: Path, command: str) -> None:
    assert "HOTBAND_AUTH=token" in refused(home, command, "--host", "192.0.2.1", "--port", "0")


@pytest.mark.parametrize("command", ["serve", "up"])
def test_a_schedule_that_cannot_be_read_is_refused(home: Path, command: str) -> None:
    told = refused(home, command, "--port", "0", "--schedule", "0 17 * * 3")
    assert "days of the week by name" in told


def test_a_setting_that_is_no_number_is_refused_at_the_start(home: Path) -> None:
    assert "HOTBAND_BALANCE" in refused(home, "serve", "--port", "0", HOTBAND_BALANCE="much")


def test_a_state_folder_that_is_a_file_is_refused(home: Path) -> None:
    (home / "service").write_text("in the way")
    assert "run index" in refused(home, "serve", "--port", "0")


def test_a_token_is_asked_for_where_that_is_set(home: Path) -> None:
    with service_process(home, "--auth", "token") as served:
        token = served.url.partition("#token=")[2]
        assert len(token) >= 32
        assert served.client.get("/api/backtests/status").status_code == 401
        headers = {"Authorization": f"Bearer {token}"}
        assert served.client.get("/api/backtests/status", headers=headers).status_code == 200


def test_a_service_that_is_told_to_only_reads(home: Path) -> None:
    with service_process(home, "--read-only") as served:
        assert served.client.start().status_code == 403
        assert served.client.status()["read_only"] is True


def test_nothing_of_the_state_is_for_others_to_read(home: Path) -> None:
    with service_process(home, "--auth", "token"):
        kept = [path for path in (home / "service").rglob("*") if "token" in path.name]
        assert kept
        assert all(path.stat().st_mode & 0o077 == 0 for path in kept)


def test_up_puts_no_password_of_a_server_into_commands_that_others_can_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VALKEY_URL", "valkey://:hunter22@127.0.0.1:6379/0")
    parts = parts_of([])
    assert [part.name for part in parts] == ["service", "retention", "encoder", "bootstrap"]
    assert not any("hunter22" in word for part in parts for word in part.command)
