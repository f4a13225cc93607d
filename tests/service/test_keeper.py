"""The keeper of runs: what it says of a job is true, whoever died and whenever."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import InputError, StoreError
from hotband.service import keeper as module
from hotband.service.index import BusyError, RunIndex
from hotband.service.jobs import Job
from hotband.service.keeper import ElsewhereError, JobKeeper
from hotband.service.processes import ProcessMark
from hotband.service.request import RunRequest, RunSettings
from tests.service import held
from tests.service.running import enter, environment_of, finished_home, make_home, until

EMPTY = RunRequest()


class Desk:
    """A state folder with a keeper over it, and the steps of its runners."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.steps = held.Steps(home)
        self.index = RunIndex(home)
        self.keepers: list[JobKeeper] = []
        self.keeper = self.another()

    def another(self, command: module.Command = held.command) -> JobKeeper:
        """Another keeper over the same folder, as another service has it."""
        folder = ArtefactFolder(self.home / "output" / "backtests")
        environment = environment_of(self.home)
        settings = RunSettings.from_environment(environment)
        made = JobKeeper(self.index, self.home, folder, settings, command, environment)
        self.keepers.append(made)
        return made

    def close(self) -> None:
        """End what runs, and wait for every process of the keepers."""
        for keeper in self.keepers:
            keeper.stop(0.0)
            for child in list(keeper._children.values()):
                child.wait()
            keeper.settle()
        self.index.db.close()

    def job(self, job: Job) -> Job:
        """The job as the index has it."""
        found = self.index.job(job.job_id)
        assert found is not None
        return found

    def started(self) -> Job:
        """A job whose runner is at work."""
        job = self.keeper.start(EMPTY)
        self.steps.say(run_id="0" * 16)
        until(lambda: self.job(job).run_id, "the runner has begun")
        return self.job(job)

    def settled(self, job: Job) -> Job:
        """The job once the keeper has found that it is over."""

        def over() -> bool:
            self.keeper.settle()
            return not self.job(job).active

        until(over, "the job is over")
        return self.job(job)


@pytest.fixture
def desk(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    home = make_home(tmp_path_factory.getbasetemp(), tmp_path / "home")
    made = Desk(enter(monkeypatch, home))
    yield made
    made.close()


def hurry(monkeypatch: pytest.MonkeyPatch, term_s: float, kill_s: float) -> None:
    monkeypatch.setattr(module, "TERM_AFTER_S", term_s)
    monkeypatch.setattr(module, "KILL_AFTER_S", kill_s)


def test_a_runner_that_is_killed_leaves_an_interrupted_job(desk: Desk) -> None:
    job = desk.started()
    assert job.process is not None
    job.process.signal_group(signal.SIGKILL)
    ended = desk.settled(job)
    assert ended.state == "interrupted"
    assert ended.error is not None
    assert "ended without a word" in ended.error["message"]


def test_a_runner_that_is_killed_is_no_zombie(desk: Desk) -> None:
    job = desk.started()
    assert job.process is not None
    job.process.signal_group(signal.SIGKILL)
    pid = job.process.pid
    desk.settled(job)

    def gone() -> bool:
        # A process whose threads are still ending cannot be waited for yet.
        desk.keeper.settle()
        return not psutil.pid_exists(pid)

    until(gone, "the runner was waited for", within_s=10.0)


def test_a_cancelled_runner_that_listens_ends_by_itself(desk: Desk) -> None:
    job = desk.started()
    assert desk.keeper.cancel(job).state == "cancelling"
    assert desk.settled(job).state == "cancelled"


def test_a_cancelled_runner_that_is_deaf_is_told_by_a_signal_and_then_ended(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = desk.started()
    desk.steps.say(deaf=True, line="deaf")
    until(lambda: desk.keeper.last_lines(job.job_id) == ["deaf"], "the runner is deaf")
    desk.keeper.cancel(job)
    sent: list[signal.Signals] = []
    real = ProcessMark.signal_group

    def noted(mark: ProcessMark, number: signal.Signals) -> bool:
        sent.append(number)
        return real(mark, number)

    monkeypatch.setattr(ProcessMark, "signal_group", noted)
    desk.keeper.settle()
    assert sent == []
    hurry(monkeypatch, 0.0, 3600.0)
    desk.keeper.settle()
    assert sent == [signal.SIGTERM]
    assert desk.job(job).state == "cancelling"
    hurry(monkeypatch, 0.0, 0.0)
    assert desk.settled(job).state == "cancelled"
    assert sent[-1] == signal.SIGKILL


def test_a_job_whose_process_was_never_started_is_interrupted_after_a_while(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = desk.index.begin({}, None, ("EUR_USD",))
    desk.keeper.settle()
    assert desk.job(job).state == "running"
    monkeypatch.setattr(module, "SPAWN_S", 0.0)
    desk.keeper.settle()
    ended = desk.job(job)
    assert ended.state == "interrupted"
    assert ended.error is not None
    assert "never started" in ended.error["message"]


def test_another_process_with_the_runners_number_is_not_the_runner(desk: Desk) -> None:
    job = desk.index.begin({}, None, ())
    own = ProcessMark.of(os.getpid())
    desk.index.note_process(job.job_id, ProcessMark(own.pid, own.started - 5.0))
    desk.keeper.settle()
    assert desk.job(job).state == "interrupted"


def test_a_later_keeper_takes_over_a_runner_that_lives(desk: Desk) -> None:
    job = desk.started()
    later = desk.another()
    later.settle()
    assert desk.job(job).state == "running"
    with pytest.raises(BusyError):
        later.start(EMPTY)
    later.cancel(job)
    until(lambda: desk.job(job).state == "cancelled", "it hears the later one")


def test_a_second_start_is_refused_with_the_first(desk: Desk) -> None:
    job = desk.started()
    with pytest.raises(BusyError) as busy:
        desk.keeper.start(EMPTY)
    assert busy.value.job.job_id == job.job_id


def test_stopping_leaves_an_interrupted_job_with_its_request(desk: Desk) -> None:
    job = desk.started()
    desk.keeper.stop(5.0)
    assert desk.job(job).state == "interrupted"
    assert job.process is not None
    assert not job.process.alive()


def test_stopping_leaves_the_run_of_another_service_to_it_while_that_lives(desk: Desk) -> None:
    job = desk.started()
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        mark = ProcessMark.of(other.pid)
        with desk.index.db.writing() as db:
            told = (mark.pid, mark.started)
            db.execute("UPDATE jobs SET keeper_pid = ?, keeper_started = ?", told)
        desk.another().stop(0.0)
        assert desk.job(job).state == "running"
        assert job.process is not None
        assert job.process.alive()
    finally:
        other.kill()
        other.wait()
    desk.another().stop(5.0)
    assert desk.job(job).state == "interrupted"


def test_stopping_ends_a_deaf_runner_too(desk: Desk) -> None:
    job = desk.started()
    desk.steps.say(deaf=True, line="deaf")
    until(lambda: desk.keeper.last_lines(job.job_id) == ["deaf"], "the runner is deaf")
    desk.keeper.stop(0.2)
    assert desk.job(job).state == "interrupted"


def test_a_process_that_cannot_be_started_is_an_error_and_frees_the_slot(desk: Desk) -> None:
    lost = desk.another(lambda _: [str(desk.home / "no-such-program")])
    with pytest.raises(StoreError, match="process of the run"):
        lost.start(EMPTY)
    newest = desk.index.newest()
    assert newest is not None
    assert newest.state == "error"
    assert desk.index.active() is None


def test_a_process_that_ends_at_once_does_not_hold_the_slot(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPAWN_S", 0.0)
    short = desk.another(lambda _: [sys.executable, "-S", "-c", "pass"])
    job = short.start(EMPTY)

    def over() -> bool:
        short.settle()
        return not desk.job(job).active

    until(over, "the job is over")
    assert desk.job(job).state == "interrupted"


def test_a_request_that_cannot_be_run_begins_nothing(desk: Desk) -> None:
    with pytest.raises(InputError, match="nowhere"):
        desk.keeper.start(RunRequest(grid="nowhere"))
    assert desk.index.newest() is None


def test_nothing_begins_while_another_program_has_the_folder(desk: Desk) -> None:
    with desk.keeper.folder.exclusive(), pytest.raises(ElsewhereError):
        desk.another().start(EMPTY)
    assert desk.index.newest() is None


def test_the_log_is_what_the_process_said_at_its_end(desk: Desk) -> None:
    job = desk.started()
    desk.steps.say(line="\n".join(str(number) for number in range(300)))
    until(lambda: len(desk.keeper.last_lines(job.job_id)) == 200, "the lines are there")
    assert desk.keeper.last_lines(job.job_id)[-1] == "299"


def test_archives_of_others_are_taken_in_once(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = finished_home(tmp_path_factory.getbasetemp(), tmp_path / "home")
    desk = Desk(enter(monkeypatch, home))
    assert desk.keeper.take_in_archives() == 1
    first = desk.index.history(10)
    assert [(job.state, job.origin) for job in first] == [("completed", "archive")]
    assert desk.keeper.take_in_archives() == 0
    desk.index.adopt(first)
    RunIndex(home).adopt(first)
    assert desk.index.history(10) == first


def test_the_result_of_a_job_that_is_not_over_is_not_taken_for_anothers(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A runner archives its result a moment before it says so."""
    home = finished_home(tmp_path_factory.getbasetemp(), tmp_path / "home")
    desk = Desk(enter(monkeypatch, home))
    job = desk.index.begin({}, None, ())
    assert desk.keeper.take_in_archives() == 0
    desk.index.end(job.job_id, "completed", archive="2026-W13.json")
    assert desk.keeper.take_in_archives() == 0
    assert [found.job_id for found in desk.index.history(10)] == [job.job_id]


def test_a_broken_archive_hides_no_other(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = finished_home(tmp_path_factory.getbasetemp(), tmp_path / "home")
    desk = Desk(enter(monkeypatch, home))
    (desk.keeper.folder.root / "2026-W01.json").write_text("{")
    desk.keeper.take_in_archives()
    assert [job.archive for job in desk.index.history(10)] == ["2026-W13.json"]


def test_a_mark_is_of_one_process_only() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    mark = ProcessMark.of(child.pid)
    assert mark.alive()
    child.kill()
    until(lambda: not mark.alive(), "a zombie does not count")
    child.wait()
    assert not mark.alive()
    assert child.stdin is not None
    child.stdin.close()


def test_settling_again_and_again_changes_nothing(desk: Desk) -> None:
    job = desk.started()
    desk.steps.say(freeze=True, line="still")
    until(lambda: desk.keeper.last_lines(job.job_id) == ["still"], "the runner is still")
    time.sleep(0.1)
    before = desk.job(job)
    for _ in range(20):
        desk.keeper.settle()
    assert desk.job(job) == before
