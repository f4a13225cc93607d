"""What retention removes, and above all what it never does."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import InputError, StoreError
from hotband.live.clock import FixedClock
from hotband.market.calendar import DAY_NS
from hotband.service.retention import RetentionPolicy, retain
from tests.service.state_samples import MONDAY_NS, add_result, age, contents
from tests.unit.artefacts.artefact_samples import run_id

NOW_NS = MONDAY_NS + 1000 * DAY_NS
CLOCK = FixedClock(NOW_NS)


@pytest.fixture
def folder(tmp_path: Path) -> ArtefactFolder:
    made = ArtefactFolder(tmp_path / "backtests")
    for number in range(6):
        add_result(made, number)
    return made


def runs_with_tables(folder: ArtefactFolder) -> set[str]:
    return {path.parent.name for path in folder.root.glob("runs/*/rows.parquet")}


def weeks(folder: ArtefactFolder) -> list[str]:
    return [entry.path.name for entry in folder.list_archive()]


def test_the_newest_runs_keep_their_tables_and_older_archives_stay_readable(
    folder: ArtefactFolder,
) -> None:
    done = retain(folder.root, RetentionPolicy(keep_run_tables=2), CLOCK)
    assert runs_with_tables(folder) == {run_id(4), run_id(5)}
    assert done.tables == tuple(run_id(number) for number in range(4))
    assert len(weeks(folder)) == 6
    assert folder.read_archive("2024-W01").run_id == run_id(0)
    assert folder.find(run_id(0), folder.read_archive("2024-W01").window) is None


def test_archives_of_the_newest_weeks_stay_with_all_their_versions(folder: ArtefactFolder) -> None:
    add_result(folder, 4, run=run_id(99))
    done = retain(folder.root, RetentionPolicy(keep_weeks=2), CLOCK)
    assert weeks(folder) == ["2024-W05.json", "2024-W05.2.json", "2024-W06.json"]
    assert done.archives == tuple(f"2024-W0{n}.json" for n in range(1, 5))
    assert runs_with_tables(folder) == {run_id(4), run_id(5), run_id(99)}


def test_the_latest_result_stays_wholly_however_old_its_week_is(folder: ArtefactFolder) -> None:
    own = add_result(folder, 0, run=run_id(77))
    policy = RetentionPolicy(keep_weeks=1, keep_run_tables=1)
    retain(folder.root, policy, FixedClock(NOW_NS + 5000 * DAY_NS))
    held = folder.read_latest()
    assert held is not None
    assert held.run_id == own
    assert len(folder.read_table(held, "rows")) == 4
    assert weeks(folder) == ["2024-W01.2.json", "2024-W06.json"]


def test_a_run_made_lately_of_an_old_week_keeps_its_tables(folder: ArtefactFolder) -> None:
    again = add_result(folder, 1, run=run_id(88))
    held = folder.read_archive("2024-W02", 2)
    late = held.model_copy(update={"generated_at": "2025-06-01T00:00:00Z"})
    (folder.root / "2024-W02.2.json").write_text(late.model_dump_json())
    add_result(folder, 6)
    retain(folder.root, RetentionPolicy(keep_run_tables=1), CLOCK)
    assert runs_with_tables(folder) == {again, run_id(6)}


def test_what_a_dead_run_left_goes_when_it_is_old_and_stays_until_then(
    folder: ArtefactFolder,
) -> None:
    for number, days in ((50, 13.9), (51, 14.1)):
        spans = folder.root / "runs" / run_id(number) / "spans" / "EUR_USD"
        spans.mkdir(parents=True)
        (spans / "000000000.span").write_bytes(b"half of it")
        age(spans.parents[1], NOW_NS, days)
    done = retain(folder.root, None, CLOCK)
    assert done.unfinished == (run_id(51),)
    assert (folder.root / "runs" / run_id(50)).is_dir()
    assert not (folder.root / "runs" / run_id(51)).exists()
    assert done.bytes == len(b"half of it")


def test_checkpoints_of_a_named_run_go_and_its_tables_stay(folder: ArtefactFolder) -> None:
    run = folder.root / "runs" / run_id(5)
    (run / "spans").mkdir()
    (run / "spans" / "a.span").write_bytes(b"x")
    age(run, NOW_NS, 20)
    retain(folder.root, None, CLOCK)
    assert not (run / "spans").exists()
    assert (run / "rows.parquet").is_file()


def test_the_roster_is_never_touched(folder: ArtefactFolder) -> None:
    (folder.root / "roster").mkdir()
    for name in ("roster.json", "roster/2019-W01.json"):
        (folder.root / name).write_text("{}")
    retain(folder.root, RetentionPolicy(1, 1, 1, 1), FixedClock(NOW_NS + 9999 * DAY_NS))
    assert (folder.root / "roster.json").is_file()
    assert (folder.root / "roster" / "2019-W01.json").is_file()


def test_links_and_foreign_folders_among_the_runs_stay(
    folder: ArtefactFolder, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "rows.parquet").write_bytes(b"mine")
    (folder.root / "runs" / run_id(60)).symlink_to(outside)
    (folder.root / "runs" / "notes").mkdir()
    retain(folder.root, RetentionPolicy(1, 1, 1, 1), FixedClock(NOW_NS + 9999 * DAY_NS))
    assert (outside / "rows.parquet").read_bytes() == b"mine"
    assert (folder.root / "runs" / "notes").is_dir()


def test_old_logs_go(folder: ArtefactFolder, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for name, days in (("old.log", 91.0), ("old.log.1", 200.0), ("new.log", 1.0), ("keys", 999.0)):
        (logs / name).write_text("x")
        age(logs / name, NOW_NS, days)
    assert retain(folder.root, None, CLOCK, logs=logs).logs == ("old.log", "old.log.1")
    assert sorted(path.name for path in logs.iterdir()) == ["keys", "new.log"]


def test_a_dry_run_lists_what_would_go_and_changes_nothing(folder: ArtefactFolder) -> None:
    policy = RetentionPolicy(keep_weeks=2, keep_run_tables=1)
    before = contents(folder.root)
    listed = retain(folder.root, policy, CLOCK, dry_run=True)
    assert contents(folder.root) == before
    done = retain(folder.root, policy, CLOCK)
    assert done == type(done)(**{**listed.to_dict(), "dry_run": False})
    assert len(before) > len(contents(folder.root))


def test_a_second_time_removes_nothing_more(folder: ArtefactFolder) -> None:
    policy = RetentionPolicy(keep_weeks=3, keep_run_tables=2)
    retain(folder.root, policy, CLOCK)
    before = contents(folder.root)
    again = retain(folder.root, policy, CLOCK)
    assert (again.archives, again.tables, again.unfinished, again.bytes) == ((), (), (), 0)
    assert contents(folder.root) == before


def test_nothing_is_removed_while_a_run_is_on(folder: ArtefactFolder) -> None:
    before = contents(folder.root)
    with folder.exclusive(), pytest.raises(StoreError, match="one run at a time"):
        retain(folder.root, RetentionPolicy(1, 1, 1, 1), CLOCK)
    assert contents(folder.root) == before


def test_nothing_is_removed_where_a_document_cannot_be_read(folder: ArtefactFolder) -> None:
    (folder.root / "2024-W01.json").write_text("{")
    before = contents(folder.root)
    with pytest.raises(StoreError, match=r"2024-W01\.json"):
        retain(folder.root, RetentionPolicy(1, 1, 1, 1), CLOCK)
    assert contents(folder.root) == before


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert retain(tmp_path / "none", None, CLOCK).bytes == 0
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("value", [0, -1, 1.5, True])
def test_a_policy_that_keeps_nothing_is_refused(value: object) -> None:
    with pytest.raises(InputError, match=f"keep_weeks: got {value}; allowed: a whole number"):
        RetentionPolicy(keep_weeks=value)  # type: ignore[arg-type] # what is tested


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    order=st.lists(st.integers(0, 9), min_size=1, max_size=7),
    keep_weeks=st.integers(1, 4),
    keep_tables=st.integers(1, 4),
)
def test_whatever_ran_the_latest_and_the_newest_weeks_keep_everything(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], keep_weeks: int, keep_tables: int
) -> None:
    folder = ArtefactFolder(tmp_path_factory.mktemp("law"))
    for k, number in enumerate(order):
        add_result(folder, number, run=run_id(1000 + k))
    retain(folder.root, RetentionPolicy(keep_weeks, keep_tables), CLOCK)
    latest = folder.read_latest()
    assert latest is not None
    assert len(folder.read_table(latest, "trades")) == 3
    left = {entry.week for entry in folder.list_archive()}
    assert {f"2024-W{n + 1:02d}" for n in sorted(set(order))[-keep_weeks:]} <= left
    newest = sorted(folder.list_archive())[-1]
    assert folder.read_archive(newest.week, newest.version).run_id in runs_with_tables(folder)
