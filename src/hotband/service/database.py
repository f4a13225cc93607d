"""The SQLite file of the service: one transaction at a time writes, any number read."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hotband.errors import StoreError

FILE: Final = "service/index.sqlite"
VERSION: Final = 2
PATIENCE_S: Final = 10.0
"""How long to wait for another process that writes."""
_SCHEMA: Final = """
CREATE TABLE jobs (
  job_id TEXT PRIMARY KEY, run_id TEXT, state TEXT NOT NULL, origin TEXT NOT NULL,
  slot INTEGER UNIQUE CHECK (slot IS NULL OR slot = 1),
  request TEXT NOT NULL, window_start TEXT, window_end TEXT, instruments TEXT NOT NULL,
  created_at REAL NOT NULL, started_at REAL, finished_at REAL, heartbeat_at REAL,
  pid INTEGER, pid_started REAL, cancel_at REAL, progress TEXT, error TEXT, summary TEXT,
  archive TEXT, reused INTEGER NOT NULL DEFAULT 0, seq INTEGER NOT NULL DEFAULT 1,
  keeper_pid INTEGER, keeper_started REAL,
  CHECK ((slot IS 1) = (state IN ('running', 'cancelling')))
);
CREATE INDEX jobs_run ON jobs (run_id);
CREATE INDEX jobs_archive ON jobs (archive);
CREATE TABLE notes (run_id TEXT PRIMARY KEY, text TEXT NOT NULL, version INTEGER NOT NULL);
CREATE TABLE keys (
  key TEXT PRIMARY KEY, body TEXT NOT NULL, job_id TEXT NOT NULL, created_at REAL NOT NULL
);
CREATE TABLE fired (name TEXT PRIMARY KEY, at REAL NOT NULL);
"""
_SINCE_1: Final = """
ALTER TABLE jobs ADD COLUMN keeper_pid INTEGER;
ALTER TABLE jobs ADD COLUMN keeper_started REAL;
"""
"""What a file of version 1 lacks."""


class Database:
    """The file in a state folder, made where there is none; for threads and processes.

    Everything raises StoreError where the file cannot be used.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / FILE
        self._local = threading.local()
        self._opened: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._turn = threading.Lock()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self.writing() as db:
                self._prepare(db)
        except OSError as cause:
            raise self._unusable(cause) from cause

    def _prepare(self, db: sqlite3.Connection) -> None:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version in {0, 1}:
            for statement in (_SINCE_1 if version else _SCHEMA).split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {VERSION}")
        elif version != VERSION:
            raise StoreError(
                f"run index {self.path}",
                f"version {version}",
                f"version {VERSION}",
                "Use the hotband that wrote it, or move the file away: archives stay.",
            )

    def _open(self) -> sqlite3.Connection:
        held: sqlite3.Connection | None = getattr(self._local, "db", None)
        if held is None:
            # Each thread has its own; another one only closes it, when its thread is over.
            self._close_left()
            held = sqlite3.connect(
                self.path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False
            )
            with self._turn:
                self._opened.append((threading.current_thread(), held))
            held.row_factory = sqlite3.Row
            _use_wal(held)
            held.execute("PRAGMA synchronous = NORMAL")
            self._local.db = held
        return held

    def _close_left(self) -> None:
        """Close what threads that are over have left open; servers end threads all the time."""
        with self._turn:
            left = [pair for pair in self._opened if not pair[0].is_alive()]
            self._opened = [pair for pair in self._opened if pair[0].is_alive()]
        for _, held in left:
            held.close()

    def close(self) -> None:
        """Close the connections of all threads; the next use opens one again."""
        with self._turn:
            opened, self._opened = self._opened, []
        for _, held in opened:
            held.close()
        self._local = threading.local()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection."""
        try:
            yield self._open()
        except sqlite3.Error as cause:
            raise self._unusable(cause) from cause

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that has the file from its beginning."""
        with self.reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def _unusable(self, cause: Exception) -> StoreError:
        return StoreError(
            f"run index {self.path}",
            cause,
            "an SQLite file in a folder that can be written, with room on its disk",
            "Check the folder and the disk; 'hotband state restore' brings back a copy.",
        )


def _use_wal(db: sqlite3.Connection) -> None:
    """Readers beside a writer. SQLite does not wait where two do this to a new file at once."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as cause:
            if cause.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return
