"""Weeks of archives, and versions that never overwrite one another."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.artefacts.artefact_samples import latest, run_id, tables

from hotband.artefacts.archive import archive_name, week_of
from hotband.artefacts.values import Window
from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import InputError
from hotband.market.calendar import FIRST_NS, LAST_NS, format_time, iso_week_window


@pytest.mark.parametrize(
    ("end", "week"),
    [
        ("2025-04-18T21:00:00Z", "2025-W16"),  # Friday 17:00 New York, summer
        ("2025-01-10T22:00:00Z", "2025-W02"),  # Friday 17:00 New York, winter
        ("2025-04-21T00:00:00Z", "2025-W16"),  # Monday 00:00 UTC: the last instant is Sunday's
        ("2025-04-21T00:00:00.000000001Z", "2025-W17"),
        ("2025-04-20T21:00:00Z", "2025-W16"),
        ("2021-01-01T22:00:00Z", "2020-W53"),
        ("2021-01-03T23:59:59Z", "2020-W53"),
        ("2021-01-04T00:00:00Z", "2020-W53"),
        ("2021-01-08T22:00:00Z", "2021-W01"),
        ("2024-12-30T00:00:00Z", "2024-W52"),
        ("2024-12-31T00:00:00Z", "2025-W01"),
        ("2024-12-31T12:00:00Z", "2025-W01"),
        ("2025-01-01T00:00:00Z", "2025-W01"),
        ("2027-01-01T22:00:00Z", "2026-W53"),
    ],
)
def test_a_window_belongs_to_the_week_of_its_last_instant(end: str, week: str) -> None:
    assert week_of(Window(start="1999-12-31T00:00:00Z", end=end)) == week


@given(st.integers(1975, 2095), st.integers(1, 52))
def test_the_trading_week_of_a_name_is_archived_under_that_name(year: int, week: int) -> None:
    name = f"{year}-W{week:02d}"
    assert week_of(Window.of(*iso_week_window(name))) == name


@given(st.integers(FIRST_NS + 1, LAST_NS - 1))
def test_every_window_has_a_week_with_a_file_name(end_ns: int) -> None:
    week = week_of(Window(start=format_time(FIRST_NS), end=format_time(end_ns)))
    assert archive_name(week, 1) == f"{week}.json"


@pytest.mark.parametrize(
    ("week", "version"),
    [("2025-W00", 1), ("2025-W54", 1), ("2025-16", 1), ("../2025-W16", 1), ("2025-W16", 0)],
)
def test_only_weeks_have_file_names(week: str, version: int) -> None:
    with pytest.raises(InputError, match=r"allowed: an ISO week such as 2025-W16"):
        archive_name(week, version)


def test_a_result_is_archived_under_its_week(tmp_path: Path) -> None:
    folder = ArtefactFolder(tmp_path)
    path = folder.archive(latest())
    assert path == tmp_path / "2025-W16.json"
    assert folder.read_archive("2025-W16") == latest()


def test_other_content_for_a_week_becomes_its_next_version(tmp_path: Path) -> None:
    folder = ArtefactFolder(tmp_path)
    paths = [folder.archive(latest(run_id(i))) for i in range(12)]
    names = ["2025-W16.json", *(f"2025-W16.{i}.json" for i in range(2, 13))]
    assert [path.name for path in paths] == names
    assert [folder.read_archive("2025-W16", i + 1).run_id for i in range(12)] == [
        run_id(i) for i in range(12)
    ]
    assert folder.read_archive("2025-W16").run_id == run_id(11)


def test_the_same_run_is_archived_once(tmp_path: Path) -> None:
    folder = ArtefactFolder(tmp_path)
    first = folder.archive(latest(run_id(1)))
    folder.archive(latest(run_id(2)))
    held = {path: path.read_bytes() for path in tmp_path.glob("*.json")}
    later = latest(run_id(1), generated_at="2025-04-20T00:00:00Z")
    assert folder.archive(later) == first
    assert {path: path.read_bytes() for path in tmp_path.glob("*.json")} == held


def test_the_list_is_in_order_and_holds_archives_only(tmp_path: Path) -> None:
    folder = ArtefactFolder(tmp_path)
    folder.write_latest(latest(), tables())
    for i in range(11):
        folder.archive(latest(run_id(i)))
    window = Window(start="2025-04-06T21:00:00Z", end="2025-04-11T21:00:00Z")
    folder.archive(latest(run_id(20), window=window))
    for name in ("2025-W16.01.json", "2025-W16.1.json", "2025-W16.json.bak", "notes.json"):
        (tmp_path / name).write_text("{}")
    found = [(entry.week, entry.version) for entry in folder.list_archive()]
    assert found == [("2025-W15", 1), *(("2025-W16", i) for i in range(1, 12))]


@pytest.mark.parametrize(("week", "version"), [("2025-W17", None), ("2025-W16", 2)])
def test_a_week_that_is_not_archived_is_refused_with_those_that_are(
    tmp_path: Path, week: str, version: int | None
) -> None:
    folder = ArtefactFolder(tmp_path)
    folder.archive(latest())
    with pytest.raises(InputError, match=f"got {week}.*allowed: 2025-W16"):
        folder.read_archive(week, version)


def test_without_archives_the_list_is_empty(tmp_path: Path) -> None:
    assert ArtefactFolder(tmp_path / "none").list_archive() == []
