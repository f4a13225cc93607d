"""The run index: every start of a run in one SQLite file that service and runners share.

Results are in the folder of artefacts; the index says which there are, which run is on, and how
the others ended. One column holds 1 for the active job and null for all others, and is unique:
no two processes can start a run at once, whatever they checked before.
"""

import json
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from hotband.errors import StoreError
from hotband.service.database import Database
from hotband.service.ids import new_id
from hotband.service.jobs import Job, Origin, State
from hotband.service.processes import ProcessMark
from hotband.service.side_tables import Fired, Keys, Notes

_OPEN: Final = "state IN ('running', 'cancelling')"


class BusyError(Exception):
    """Another job is active; ``job`` is it."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"job {job.job_id} is active")
        self.job = job


class RunIndex:
    """The index in a state folder; made where there is none.

    Safe for threads and processes. Everything raises StoreError where the file cannot be used.
    """

    def __init__(self, home: Path) -> None:
        self.db = Database(home)
        self.notes = Notes(self.db)
        self.keys = Keys(self.db)
        self.fired = Fired(self.db)

    def begin(
        self,
        request: dict[str, Any],
        window: tuple[str, str] | None,
        instruments: Sequence[str],
        origin: Origin = "api",
        keeper: ProcessMark | None = None,
    ) -> Job:
        """A new active job, of the service whose process is ``keeper``.

        Raises:
            BusyError: One is active already.
        """
        now = time.time()
        start, end = window or (None, None)
        with self.db.writing() as db:
            active = self._one(db, f"WHERE {_OPEN}")
            if active is not None:
                raise BusyError(active)
            last = self._one(db, "ORDER BY job_id DESC LIMIT 1")
            job_id = new_id(now, None if last is None else last.job_id)
            db.execute(
                "INSERT INTO jobs (job_id, state, origin, slot, request, window_start,"
                " window_end, instruments, created_at, heartbeat_at, keeper_pid, keeper_started)"
                " VALUES (?, 'running', ?, 1, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    job_id, origin, _text(request), start, end, _text(list(instruments)), now, now,
                    keeper and keeper.pid, keeper and keeper.started,
                ),
            )  # fmt: skip
            return self._required(db, job_id)

    def adopt(self, jobs: Sequence[Job]) -> None:
        """Take in results that others archived; those that are known by their archive stay."""
        with self.db.writing() as db:
            for job in jobs:
                if self._one(db, "WHERE archive = ?", job.archive) is not None:
                    continue
                start, end = job.window or (None, None)
                db.execute(
                    "INSERT OR IGNORE INTO jobs (job_id, run_id, state, origin, request,"
                    " window_start, window_end, instruments, created_at, finished_at, summary,"
                    " archive) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        job.job_id, job.run_id, job.state, job.origin, _text(job.request), start,
                        end, _text(list(job.instruments)), job.created_at, job.finished_at,
                        _text(job.summary), job.archive,
                    ),
                )  # fmt: skip

    def note_process(self, job_id: str, process: ProcessMark) -> None:
        """The runner of a job that was begun; told by whoever started it, and by itself."""
        with self.db.writing() as db:
            db.execute(
                "UPDATE jobs SET pid = ?, pid_started = ?, seq = seq + 1,"
                " started_at = COALESCE(started_at, ?) WHERE job_id = ?",
                (process.pid, process.started, time.time(), job_id),
            )

    def note_run(self, job_id: str, run_id: str, *, reused: bool) -> None:
        """The id that follows from its inputs, and whether they had been run before."""
        self._change(job_id, run_id=run_id, reused=int(reused))

    def beat(self, job_id: str, progress: dict[str, Any] | None) -> Job:
        """The runner lives, and is so far; the job as it stands."""
        changes: dict[str, Any] = {"heartbeat_at": time.time()}
        if progress is not None:
            changes["progress"] = _text(progress)
        return self._change(job_id, **changes)

    def ask_to_stop(self, job_id: str) -> Job:
        """Mark an active job as cancelling; one that has ended, or is so marked, stays."""
        with self.db.writing() as db:
            job = self._required(db, job_id)
            if job.state != "running":
                return job
            changes = {"state": "cancelling", "cancel_at": time.time()}
            return self._update(db, job_id, changes)

    def end(
        self,
        job_id: str,
        state: State,
        *,
        error: dict[str, str] | None = None,
        summary: dict[str, Any] | None = None,
        archive: str | None = None,
    ) -> Job:
        """The job's end; one that has ended stays as it is."""
        with self.db.writing() as db:
            job = self._required(db, job_id)
            if not job.active:
                return job
            changes = {
                "state": state,
                "slot": None,
                "finished_at": time.time(),
                "error": None if error is None else _text(error),
                "summary": None if summary is None else _text(summary),
                "archive": archive,
            }
            return self._update(db, job_id, changes)

    def active(self) -> Job | None:
        """The job that is on its way."""
        with self.db.reading() as db:
            return self._one(db, f"WHERE {_OPEN}")

    def newest(self, *, ended: bool = False) -> Job | None:
        """The last job begun; with ``ended`` the last one that is over."""
        where = f"WHERE NOT {_OPEN}" if ended else ""
        with self.db.reading() as db:
            return self._one(db, f"{where} ORDER BY job_id DESC LIMIT 1")

    def job(self, job_id: str) -> Job | None:
        """A job by its own id."""
        with self.db.reading() as db:
            return self._one(db, "WHERE job_id = ?", job_id)

    def of_run(self, run_id: str) -> Job | None:
        """The newest job of a run; a finished one before others."""
        with self.db.reading() as db:
            return self._one(
                db,
                "WHERE run_id = ? ORDER BY state = 'completed' DESC, job_id DESC LIMIT 1",
                run_id,
            )

    def history(self, limit: int, before: str | None = None) -> list[Job]:
        """Jobs from the newest on; ``before``: only those begun before that id."""
        with self.db.reading() as db:
            rows = db.execute(
                "SELECT * FROM jobs WHERE job_id < ? ORDER BY job_id DESC LIMIT ?",
                (before or "Z", limit),
            )
            return [Job.of(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """Jobs by state."""
        with self.db.reading() as db:
            rows = db.execute("SELECT state, COUNT(*) FROM jobs GROUP BY state")
            return {row[0]: row[1] for row in rows}

    def archives(self) -> set[str]:
        """Names of the archived results that are known."""
        with self.db.reading() as db:
            rows = db.execute("SELECT archive FROM jobs WHERE archive IS NOT NULL")
            return {row[0] for row in rows}

    def _one(self, db: sqlite3.Connection, rest: str, *given: object) -> Job | None:
        row = db.execute(f"SELECT * FROM jobs {rest}", given).fetchone()  # noqa: S608 # own texts
        return None if row is None else Job.of(row)

    def _required(self, db: sqlite3.Connection, job_id: str) -> Job:
        job = self._one(db, "WHERE job_id = ?", job_id)
        if job is None:
            raise StoreError(f"run index {self.db.path}", f"no job {job_id}", "a job", "List them.")
        return job

    def _change(self, job_id: str, **changes: object) -> Job:
        with self.db.writing() as db:
            return self._update(db, job_id, changes)

    def _update(self, db: sqlite3.Connection, job_id: str, changes: dict[str, Any]) -> Job:
        names = ", ".join(f"{name} = ?" for name in changes)
        text = f"UPDATE jobs SET {names}, seq = seq + 1 WHERE job_id = ?"  # noqa: S608 # own names
        db.execute(text, (*changes.values(), job_id))
        return self._required(db, job_id)


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False)
