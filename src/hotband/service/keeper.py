"""Starts runners, watches them, stops them: the one place that changes what is running.

A job is begun in the index first, which lets one be active at most, and then gets a process of
its own. Whoever dies, the index and the process say what is true: a job whose process is gone
is interrupted, by whichever service looks next.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import HotbandError, StoreError
from hotband.service.index import BusyError, RunIndex
from hotband.service.jobs import Job, Origin, State
from hotband.service.processes import ProcessMark
from hotband.service.request import RunRequest, RunSettings, planned
from hotband.service.summaries import unknown_archives

SPAWN_S: Final = 10.0
"""A job without a process for so long has none: whoever began it died between the two."""
TERM_AFTER_S, KILL_AFTER_S = 10.0, 30.0
"""After a request to stop: when the runner's group is told so, and when it is ended."""
LOGS: Final = "service/logs"
LAST_LINES: Final = 200
_log = logging.getLogger(__name__)

Command = Callable[[str], list[str]]


def runner_command(job_id: str) -> list[str]:
    """How the process of a job is started."""
    return [sys.executable, "-m", "hotband.service.runner", job_id]


class ElsewhereError(Exception):
    """A run that the service did not start has the folder of artefacts."""


class JobKeeper:
    """Runs jobs of an index in processes of their own.

    Args:
        index: Of the state folder.
        home: The state folder; logs of runners go to ``service/logs`` in it.
        folder: Of artefacts.
        settings: Of every run.
        command: How a job's process is started; the tests' way to hold one still.
        environment: Of runners.
    """

    def __init__(
        self,
        index: RunIndex,
        home: Path,
        folder: ArtefactFolder,
        settings: RunSettings,
        command: Command = runner_command,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.index = index
        self.folder = folder
        self.settings = settings
        self._logs = home / LOGS
        self._command = command
        self._environment = dict(os.environ if environment is None else environment)
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._turn = threading.Lock()
        self._unreadable: set[str] = set()

    def start(self, request: RunRequest, origin: Origin = "api") -> Job:
        """Begin a job and start its process.

        Raises:
            HotbandError: The request cannot be run.
            BusyError: Another job is active.
            ElsewhereError: Another program runs in the folder of artefacts.
        """
        self.settle()
        if (active := self.index.active()) is not None:
            raise BusyError(active)
        plan = planned(request, self.settings)
        if self.folder.is_taken():
            raise ElsewhereError
        window = (plan.window.start, plan.window.end)
        asked = request.model_dump(mode="json", exclude_defaults=True)
        own = ProcessMark.of(os.getpid())
        job = self.index.begin(asked, window, list(plan.plans), origin, own)
        self._spawn(job)
        return job

    def _spawn(self, job: Job) -> None:
        path = self.log_path(job.job_id)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as log:
                child = subprocess.Popen(  # noqa: S603 # our own interpreter and module
                    self._command(job.job_id),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self._environment,
                    start_new_session=True,
                )
        except OSError as cause:
            told = {"kind": "OSError", "message": f"its process could not be started: {cause}"}
            self.index.end(job.job_id, "error", error=told)
            raise StoreError(
                "process of the run", cause, "one that can be started", "Check the machine."
            ) from cause
        # Noted first: once others can wait for it, its number may be gone at any time.
        if child.poll() is None:
            self.index.note_process(job.job_id, ProcessMark.of(child.pid))
        with self._turn:
            self._children[job.job_id] = child

    def settle(self) -> None:
        """Bring the index in line with what runs: wait for children, end what died.

        Cheap where nothing changed. Whoever calls it, and how often, changes no result.
        """
        self._reap()
        job = self.index.active()
        if job is None:
            return
        now = time.time()
        if job.process is None:
            if now - job.created_at > SPAWN_S:
                self._interrupted(job, "its process was never started")
            return
        if not job.process.alive():
            self._reap()
            self._interrupted(job, f"its process {job.process.pid} ended without a word")
        elif job.cancel_at is not None:
            since = now - job.cancel_at
            if since > KILL_AFTER_S:
                job.process.signal_group(signal.SIGKILL)
            elif since > TERM_AFTER_S:
                job.process.signal_group(signal.SIGTERM)

    def _interrupted(self, job: Job, why: str) -> None:
        state: State = "cancelled" if job.state == "cancelling" else "interrupted"
        error: dict[str, Any] = {"kind": "Interrupted", "message": why}
        if self.index.end(job.job_id, state, error=error).state == state:
            _log.warning("job %s: %s", job.job_id, why)

    def _reap(self) -> None:
        with self._turn:
            for job_id, child in list(self._children.items()):
                if child.poll() is not None:
                    del self._children[job_id]

    def take_in_archives(self) -> int:
        """Take results into the history that other programs archived; how many were new.

        None while a job is active: its runner archives the result before it ends the job.
        """
        if self.index.active() is not None:
            return 0
        found = unknown_archives(self.folder, self.index.archives(), self._warn_once)
        if found:
            self.index.adopt(found)
        return len(found)

    def _warn_once(self, error: HotbandError) -> None:
        if str(error) not in self._unreadable:
            self._unreadable.add(str(error))
            _log.warning("an archive cannot be read: %s", error)

    def cancel(self, job: Job) -> Job:
        """Ask a job to stop; asking again, or one that has ended, changes nothing."""
        return self.index.ask_to_stop(job.job_id)

    def stop(self, within_s: float) -> None:
        """Stop the active job's process, so that a later service can offer to go on with it.

        One that another service began is left to it while that lives.
        """
        job = self.index.active()
        if job is None or job.process is None or self._of_another(job):
            return
        job.process.signal_group(signal.SIGTERM)
        end = time.monotonic() + within_s
        while job.process.alive() and time.monotonic() < end:
            time.sleep(0.02)
            self._reap()
        job.process.signal_group(signal.SIGKILL)
        while job.process.alive():
            time.sleep(0.01)
        self.settle()

    def _of_another(self, job: Job) -> bool:
        keeper = job.keeper
        return keeper is not None and keeper != ProcessMark.of(os.getpid()) and keeper.alive()

    def log_path(self, job_id: str) -> Path:
        """The file with what a job's process said."""
        return self._logs / f"{job_id}.log"

    def last_lines(self, job_id: str) -> list[str]:
        """The end of what a job's process said; nothing where it said nothing."""
        try:
            text = self.log_path(job_id).read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return []
        return text.splitlines()[-LAST_LINES:]
