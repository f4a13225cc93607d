"""The run index: one active job for all processes, and nothing of it is ever lost."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import HotbandError, StoreError
from hotband.service.database import FILE
from hotband.service.index import BusyError, RunIndex
from hotband.service.processes import ProcessMark
from hotband.service.side_tables import KEYS_FOR_S
from hotband.service.summaries import unknown_archives

OPENERS = 8
RACE = """
import sys, time
from pathlib import Path
from hotband.service.index import BusyError, RunIndex
home, at = Path(sys.argv[1]), float(sys.argv[2])
time.sleep(max(0.0, at - time.time()))
index = RunIndex(home)
try:
    print(index.begin({}, None, ()).job_id)
except BusyError as busy:
    print("busy", busy.job.job_id)
index.db.close()
"""


@pytest.fixture
def index(tmp_path: Path) -> RunIndex:
    return RunIndex(tmp_path)


def test_eight_processes_that_open_a_fresh_index_at_once_begin_one_job(tmp_path: Path) -> None:
    at = str(time.time() + 3.0)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(tmp_path), at],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(OPENERS)
    ]
    said = [racer.communicate() for racer in racers]
    assert [err for _, err in said if err] == []
    words = [out.split() for out, _ in said]
    (winner,) = [word[0] for word in words if len(word) == 1]
    assert {word[1] for word in words if len(word) == 2} == {winner}


def test_the_file_itself_refuses_a_second_active_job(index: RunIndex) -> None:
    index.begin({}, None, ())
    with pytest.raises(StoreError, match="UNIQUE constraint failed"), index.db.writing() as db:
        db.execute(
            "INSERT INTO jobs (job_id, state, origin, slot, request, instruments, created_at)"
            " VALUES ('0', 'running', 'api', 1, '{}', '[]', 0)"
        )


def test_the_file_refuses_a_job_that_is_active_without_the_slot(index: RunIndex) -> None:
    job = index.begin({}, None, ())
    with pytest.raises(StoreError, match="CHECK constraint failed"), index.db.writing() as db:
        db.execute("UPDATE jobs SET slot = NULL WHERE job_id = ?", (job.job_id,))


def test_a_second_begin_names_the_active_job(index: RunIndex) -> None:
    first = index.begin({}, None, ("EUR_USD",))
    with pytest.raises(BusyError) as busy:
        index.begin({}, None, ())
    assert busy.value.job.job_id == first.job_id


def test_a_job_may_begin_after_the_active_one_has_ended(index: RunIndex) -> None:
    first = index.begin({}, None, ())
    index.end(first.job_id, "cancelled")
    assert index.begin({}, None, ()).job_id > first.job_id


def test_every_change_raises_the_number_of_a_job(index: RunIndex) -> None:
    job = index.begin({}, None, ())
    seen = [job.seq]
    index.note_process(job.job_id, ProcessMark.of(os.getpid()))
    for change in (
        lambda: index.note_run(job.job_id, "a" * 16, reused=False),
        lambda: index.beat(job.job_id, None),
        lambda: index.ask_to_stop(job.job_id),
        lambda: index.end(job.job_id, "cancelled"),
    ):
        change()
        found = index.job(job.job_id)
        assert found is not None
        seen.append(found.seq)
    assert seen == sorted(set(seen))


def test_a_job_that_has_ended_keeps_its_end(index: RunIndex) -> None:
    job = index.begin({}, None, ())
    ended = index.end(job.job_id, "error", error={"kind": "StoreError", "message": "disk"})
    assert index.end(job.job_id, "completed") == ended
    assert index.ask_to_stop(job.job_id) == ended


def test_asking_twice_to_stop_keeps_the_first_time(index: RunIndex) -> None:
    job = index.begin({}, None, ())
    first = index.ask_to_stop(job.job_id)
    assert index.ask_to_stop(job.job_id) == first
    assert (first.state, first.active) == ("cancelling", True)


def test_a_job_that_is_not_there_is_refused_by_name(index: RunIndex) -> None:
    with pytest.raises(StoreError, match="no job 0123"):
        index.beat("0123", None)


def test_a_clock_that_is_set_back_does_not_make_an_old_job_the_newest(
    index: RunIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = index.begin({}, None, ())
    index.end(first.job_id, "cancelled")
    back = time.time() - 3600.0
    monkeypatch.setattr("hotband.service.index.time.time", lambda: back)
    second = index.begin({}, None, ())
    assert index.newest() == second


def test_history_goes_from_the_newest_on_and_on_from_a_place(index: RunIndex) -> None:
    made = []
    for _ in range(5):
        made.append(index.begin({}, None, ()).job_id)
        index.end(made[-1], "cancelled")
    newest_first = made[::-1]
    assert [job.job_id for job in index.history(3)] == newest_first[:3]
    assert [job.job_id for job in index.history(3, newest_first[2])] == newest_first[3:]


def test_a_note_is_replaced_only_by_who_has_read_its_version(index: RunIndex) -> None:
    assert index.notes.read("a") == ("", 0)
    assert index.notes.write("a", "one", 0) == 1
    assert index.notes.write("a", "two", 0) is None
    assert index.notes.read("a") == ("one", 1)
    assert index.notes.write("a", "two", 1) == 2


def test_a_key_is_forgotten_after_a_day(index: RunIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    index.keys.keep("k", "hash", "job")
    assert index.keys.find("k") == ("hash", "job")
    now = time.time() + KEYS_FOR_S + 1
    monkeypatch.setattr("hotband.service.side_tables.time.time", lambda: now)
    assert index.keys.find("k") is None


def test_a_state_of_another_version_is_refused(tmp_path: Path) -> None:
    index = RunIndex(tmp_path)
    with index.db.writing() as db:
        db.execute("PRAGMA user_version = 99")
    index.db.close()
    with pytest.raises(StoreError, match=r"version 99.*allowed: version 2"):
        RunIndex(tmp_path)


def test_a_file_of_the_first_version_is_taken_on(tmp_path: Path) -> None:
    index = RunIndex(tmp_path)
    job = index.begin({}, None, ("EUR_USD",), keeper=ProcessMark(7, 1.5))
    assert job.keeper == ProcessMark(7, 1.5)
    with index.db.writing() as db:
        db.execute("ALTER TABLE jobs DROP COLUMN keeper_pid")
        db.execute("ALTER TABLE jobs DROP COLUMN keeper_started")
        db.execute("PRAGMA user_version = 1")
    index.db.close()
    found = RunIndex(tmp_path).active()
    assert found is not None
    assert (found.job_id, found.keeper) == (job.job_id, None)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(StoreError, match="not a database"):
        RunIndex(tmp_path)


def test_what_is_half_written_when_a_transaction_fails_is_undone(index: RunIndex) -> None:
    def write() -> None:
        with index.db.writing() as db:
            db.execute("INSERT INTO fired VALUES ('weekly', 1.0)")
            db.execute("no SQL")

    with pytest.raises(StoreError, match="syntax error"):
        write()
    assert index.fired.last("weekly") is None


def test_threads_that_end_leave_no_open_files_behind(index: RunIndex) -> None:
    def look() -> None:
        index.counts()

    def once() -> None:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    once()
    before = psutil.Process().num_fds()
    for _ in range(30):
        once()
    assert psutil.Process().num_fds() <= before + 3


def test_the_state_folder_of_the_service_is_its_owners_alone(index: RunIndex) -> None:
    assert index.db.path.parent.stat().st_mode & 0o077 == 0


def test_nothing_is_unknown_in_a_folder_without_archives(tmp_path: Path) -> None:
    def never(error: HotbandError) -> None:
        raise error

    assert unknown_archives(ArtefactFolder(tmp_path), (), never) == []
