"""``hotband doctor`` and ``hotband state`` from the shell: output, JSON, exit status."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hotband.feeds.demo import demo_bars
from hotband.market.calendar import DAY_NS
from hotband.service.checkup.examination import CHECKS
from hotband.stores.urls import open_bar_store
from tests.service.state_samples import MONDAY_NS, contents, fill


def run(*arguments: str, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {name: text for name, text in os.environ.items()
            if not name.startswith(("HOTBAND_", "VALKEY_")) or name == "HOTBAND_CACHE"}  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "hotband", *arguments],
        env=kept | {"HOTBAND_HOME": str(home)} | more,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    fill(folder, folder / "output" / "backtests")
    return folder


def test_doctor_on_an_empty_machine_ends_with_1_and_names_the_next_command(tmp_path: Path) -> None:
    done = run("doctor", home=tmp_path / "none")
    assert done.returncode == 1, done.stderr
    text = " ".join(done.stdout.split())
    assert "hotband doctor: failed" in text
    assert "hotband data import" in text
    assert not (tmp_path / "none").exists()


def test_doctor_prints_one_json_document_with_every_check(tmp_path: Path) -> None:
    done = run("doctor", "--json", "--wait", "0", home=tmp_path / "none")
    said = json.loads(done.stdout)
    assert (done.returncode, said["status"]) == (1, "failed")
    assert [check["name"] for check in said["checks"]] == list(CHECKS)
    assert set(said["checks"][0]) == {"name", "status", "text", "do", "numbers"}


def test_doctor_ends_with_0_where_nothing_failed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    store = open_bar_store(f"parquet://{home}")
    for made in demo_bars(("EUR_USD",), MONDAY_NS, MONDAY_NS + DAY_NS).values():
        store.append(made)
    done = run("doctor", "--json", home=home)
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["status"] == "warning"


def test_a_password_in_a_store_url_is_never_shown(tmp_path: Path) -> None:
    url = "valkey://me:s3cret@127.0.0.1:1/0"
    done = run("doctor", home=tmp_path, VALKEY_URL=url)
    assert "s3cret" not in done.stdout + done.stderr
    assert done.returncode == 1


def test_state_backup_and_restore_bring_the_state_to_another_place(
    home: Path, tmp_path: Path
) -> None:
    saved, new = tmp_path / "saved.tar.gz", tmp_path / "new"
    made = run("state", "backup", str(saved), "--json", home=home)
    assert made.returncode == 0, made.stderr
    back = run("state", "restore", str(saved), "--json", home=new)
    assert json.loads(made.stdout) == json.loads(back.stdout)
    assert contents(new / "output") == contents(home / "output")
    again = run("state", "restore", str(saved), home=new)
    assert again.returncode == 1
    assert "--force" in again.stderr


def test_state_retention_lists_without_removing_and_then_removes(home: Path) -> None:
    arguments = ("state", "retention", "--keep-weeks", "1", "--json")
    before = contents(home)
    listed = json.loads(run(*arguments, "--dry-run", home=home).stdout)
    assert contents(home) == before
    done = json.loads(run(*arguments, home=home).stdout)
    assert listed["archives"] == done["archives"] == ["2024-W01.json", "2024-W02.json"]
    assert not (home / "output" / "backtests" / "2024-W01.json").exists()
    assert run("state", "retention", "--keep-weeks", "0", home=home).returncode == 1
