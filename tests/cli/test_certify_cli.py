"""``hotband certify`` from the shell: statements, JSON, exit status, messages."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hotband.research.significance.certificate import upper_bound

GRID = (
    "default: {hazard: {points: 2}, min_reps: [1], hold_minutes: [30], exposure: [1.0]}\n"
    "walk_forward: {look_back_weeks: 13, max_folds: 1}\n"
)
SMALL = ("--granularity", "M5", "--days", "90", "--campaigns", "2", "--world", "N1")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    (folder / "grid.yaml").write_text(GRID)
    return folder


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    unset = ("HOTBAND_PROFILE", "HOTBAND_BARS", "HOTBAND_GATES", "HOTBAND_OUTPUT")
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    return subprocess.run(
        [sys.executable, "-m", "hotband", "certify", "--grid", str(home / "grid.yaml"), *arguments],
        env=kept | {"HOTBAND_HOME": str(home)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_certificate_is_printed_as_json_and_kept(home: Path) -> None:
    done = run(home, *SMALL, "--json")
    found = json.loads(done.stdout)
    (world,) = found["worlds"]
    assert world["upper"] == upper_bound(world["promoted"], 2)
    assert (home / "certificates" / f"{found['id']}.json").is_file()


def test_a_world_that_does_not_pass_is_exit_status_2(home: Path) -> None:
    done = run(home, *SMALL)
    assert done.returncode == 2
    assert "In 2 independent campaigns on noise (N1) something was promoted in 0" in done.stdout


def test_what_a_history_can_prove_is_shown(home: Path) -> None:
    shown = run(home, *SMALL).stdout
    assert "Annual Sharpe ratio that a history finds with 80 % power" in shown
    assert "4.31" in shown


def test_power_names_the_guide(home: Path) -> None:
    done = run(
        home, "--power", "--granularity", "M5", "--days", "60", "--campaigns", "1", "--no-costs"
    )
    assert done.returncode == 0
    assert "the analytic guide says" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--world", "N7"), "InputError: world: got N7; allowed: N1, N2"),
        (("--campaigns", "0"), "InputError: campaigns: got 0"),
        (("--days", "60", "--days", "130"), "one length without --power"),
        (("--days", "7"), "InputError: days of a campaign: got 7"),
    ],
)
def test_wrong_input_is_refused(home: Path, arguments: tuple[str, ...], message: str) -> None:
    done = run(home, *arguments)
    assert done.returncode == 1
    assert message in done.stderr
