"""What a start may ask for, and what the machine's settings add."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hotband.errors import InputError
from hotband.service.request import GRIDS, RunRequest, RunSettings


def test_an_empty_request_asks_for_what_is_configured(tmp_path: Path) -> None:
    settings = RunSettings(grid="own.yaml")
    found = settings.arguments(RunRequest(), tmp_path)
    assert found == {
        "instruments": None, "start": None, "end": None, "week": None, "grid": "own.yaml",
    }  # fmt: skip


def test_a_grid_is_named_among_those_of_the_state_folder(tmp_path: Path) -> None:
    (tmp_path / GRIDS).mkdir()
    (tmp_path / GRIDS / "small.yaml").write_text("default: {}")
    settings = RunSettings(grid="own.yaml")
    found = settings.arguments(RunRequest(grid="small"), tmp_path)
    assert found["grid"] == tmp_path / GRIDS / "small.yaml"


def test_a_grid_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    (tmp_path / GRIDS).mkdir()
    (tmp_path / GRIDS / "small.yaml").write_text("default: {}")
    with pytest.raises(InputError, match=r"grid: got smal; allowed: small.*Did you mean 'small'"):
        RunSettings().arguments(RunRequest(grid="smal"), tmp_path)


@pytest.mark.parametrize("name", ["../own", "a/b", "a.yaml", "", ".", "A", "x" * 65, "a\n"])
def test_a_grid_is_a_name_and_never_a_path(name: str) -> None:
    with pytest.raises(ValidationError):
        RunRequest(grid=name)


@pytest.mark.parametrize(
    "fields",
    [
        {"start": "2026-03-02T00:00:00Z"},
        {"end": "2026-03-02T00:00:00Z"},
        {"start": "2026-03-02T00:00:00", "end": "2026-03-09T00:00:00"},
        {"start": "2026-03-02", "end": "2026-03-09"},
        {"start": "2026-03-02T00:00:00Z\n", "end": "2026-03-09T00:00:00Z"},
        {"week": "2026-W1"},
        {"week": "2026-W13", "start": "2026-03-02T00:00:00Z", "end": "2026-03-09T00:00:00Z"},
        {"instruments": []},
        {"instruments": ["EUR_USD"] * 101},
        {"instruments": ["eur_usd"]},
        {"windows": 1},
    ],
)
def test_a_request_of_another_form_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RunRequest.model_validate(fields)


def test_times_of_any_zone_are_allowed() -> None:
    request = RunRequest(start="2026-03-02T00:00:00+02:00", end="2026-03-09T00:00:00.5Z")
    assert request.start == "2026-03-02T00:00:00+02:00"


def test_settings_come_from_the_environment() -> None:
    environment = {
        "HOTBAND_GRID": "own.yaml", "HOTBAND_GRANULARITY": "M5", "HOTBAND_BALANCE": "5000",
        "HOTBAND_COST_BPS": "0.5", "HOTBAND_WORKERS": "2",
    }  # fmt: skip
    assert RunSettings.from_environment(environment) == RunSettings("own.yaml", "M5", 5e3, 0.5, 2)


def test_empty_variables_count_as_not_set() -> None:
    names = ("GRID", "GRANULARITY", "BALANCE", "COST_BPS", "WORKERS")
    empty = {f"HOTBAND_{name}": "" for name in names}
    assert RunSettings.from_environment(empty) == RunSettings()


@pytest.mark.parametrize(
    ("name", "text"),
    [("BALANCE", "much"), ("BALANCE", "-1"), ("BALANCE", "nan"), ("COST_BPS", "1e3"),
     ("WORKERS", "0"), ("WORKERS", "1.5"), ("WORKERS", "inf"), ("WORKERS", "2\n")],
)  # fmt: skip
def test_a_setting_that_is_no_number_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(InputError, match=f"HOTBAND_{name}"):
        RunSettings.from_environment({f"HOTBAND_{name}": text})
