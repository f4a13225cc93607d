"""``hotband profile check`` shows what a profile means and fails where it means nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hotband.cli.profile import app

RUN = CliRunner()
PROFILE = """
global: {hazard_max: 0.1, hazard_exit_threshold: 0.6, exit: {horizons: [30]}}
instruments:
  EUR_USD: {hazard_max: 0.05}
  GBP_USD: {}
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = tmp_path / "mine.yaml"
    file.write_text(PROFILE)
    return str(file)


def test_a_table_shows_value_and_origin_and_the_notes_follow(path: str) -> None:
    result = RUN.invoke(app, ["check", path], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    words = result.stdout.replace("│", " ").split("\n")
    rows = [line.split() for line in words]
    assert ["hazard_max", "0.05", "instrument"] in rows
    assert ["hazard_max", "0.1", "global"] in rows
    assert ["hazard_min", "off", "default"] in rows
    assert "global.hazard_exit_threshold" in result.stdout
    assert "no effect: the existing live loop did not read it" in result.stdout


def test_json_holds_values_origins_notes_and_hash(path: str) -> None:
    result = RUN.invoke(app, ["check", path, "--json", "--instrument", "EUR_USD"])
    document = json.loads(result.stdout)
    assert list(document["instruments"]) == ["EUR_USD"]
    assert document["instruments"]["EUR_USD"]["hazard_max"] == {"value": 0.05, "from": "instrument"}
    assert document["account"]["cost_bps"] == 1.5
    assert len(document["content_hash"]) == 64
    assert "global.hazard_exit_threshold" in {note["path"] for note in document["notes"]}


def test_a_profile_that_lists_none_shows_its_globals(tmp_path: Path) -> None:
    file = tmp_path / "bare.yaml"
    file.write_text("account: {}\n")
    result = RUN.invoke(app, ["check", str(file)], env={"COLUMNS": "200"})
    assert "any instrument" in result.stdout
    assert "Nothing in it is without effect." in result.stdout


def test_an_unusable_profile_ends_with_1_and_the_four_parts(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("global: {hazrd_max: 0.1}\n")
    result = RUN.invoke(app, ["check", str(file)])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("unknown key global.hazrd_max: got hazrd_max; allowed: ")
    assert "Did you mean 'hazard_max'? Correct or remove it." in result.stderr


def test_help_loads_neither_pydantic_nor_numba() -> None:
    code = "import sys, hotband.cli.profile; print({'pydantic', 'numba'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
