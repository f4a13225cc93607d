"""What the index keeps beside the jobs: notes on runs, keys of requests, what was last due."""

import time
from typing import Final

from hotband.service.database import Database

KEYS_FOR_S: Final = 24 * 3600.0
"""How long a key of a request is remembered."""


class Notes:
    """A person's words on a run, with a version that rises with every change."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def read(self, run_id: str) -> tuple[str, int]:
        """A run's note and its version; ("", 0) where there is none."""
        with self.db.reading() as db:
            row = db.execute("SELECT text, version FROM notes WHERE run_id = ?", (run_id,))
            found = row.fetchone()
            return ("", 0) if found is None else (found["text"], found["version"])

    def write(self, run_id: str, text: str, version: int) -> int | None:
        """Replace a note whose version is ``version``; the new one, None = it has another."""
        with self.db.writing() as db:
            found = db.execute("SELECT version FROM notes WHERE run_id = ?", (run_id,)).fetchone()
            if (0 if found is None else found["version"]) != version:
                return None
            db.execute("REPLACE INTO notes VALUES (?, ?, ?)", (run_id, text, version + 1))
            return version + 1


class Keys:
    """Keys that callers put on requests, so that a repeated one does nothing twice."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def find(self, key: str) -> tuple[str, str] | None:
        """(hash of the body, job) that a key was used for, within a day."""
        with self.db.writing() as db:
            db.execute("DELETE FROM keys WHERE created_at < ?", (time.time() - KEYS_FOR_S,))
            row = db.execute("SELECT body, job_id FROM keys WHERE key = ?", (key,)).fetchone()
            return None if row is None else (row["body"], row["job_id"])

    def keep(self, key: str, body: str, job_id: str) -> None:
        """Remember what a key was used for."""
        with self.db.writing() as db:
            db.execute("REPLACE INTO keys VALUES (?, ?, ?, ?)", (key, body, job_id, time.time()))


class Fired:
    """When each scheduled thing was last due and done."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def last(self, name: str) -> float | None:
        """When it last ran, s since 1970; None = never."""
        with self.db.reading() as db:
            row = db.execute("SELECT at FROM fired WHERE name = ?", (name,)).fetchone()
            return None if row is None else float(row["at"])

    def note(self, name: str, at: float) -> None:
        """It ran."""
        with self.db.writing() as db:
            db.execute("REPLACE INTO fired VALUES (?, ?)", (name, at))
