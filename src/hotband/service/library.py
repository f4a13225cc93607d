"""Results by name, read once: the service never opens a file that a caller named."""

import json
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Final

import polars as pl

from hotband.artefacts.archive import archived
from hotband.artefacts.schemas import Latest
from hotband.artefacts.writer import LATEST, ArtefactFolder
from hotband.service.index import RunIndex
from hotband.service.jobs import Job
from hotband.service.problems import Problem

KEPT_RESULTS: Final = 8
KEPT_TABLES: Final = 6
Stamp = tuple[int, int, int]


class Library:
    """The finished results of a folder, for many readers at once.

    A file is read again when it was replaced. So many results and tables stay in memory.
    """

    def __init__(self, folder: ArtefactFolder, index: RunIndex) -> None:
        self.folder = folder
        self.index = index
        self._results: OrderedDict[Path, tuple[Stamp, Latest]] = OrderedDict()
        self._tables: OrderedDict[tuple[str, str], tuple[Stamp, pl.DataFrame]] = OrderedDict()
        self._turn = threading.Lock()

    def latest_stamp(self) -> Stamp | None:
        """What changes whenever the last good result is replaced; None = there is none."""
        return _stamp(self.folder.root / LATEST)

    def latest(self) -> Latest | None:
        """The last good result; None = no run has finished yet."""
        path = self.folder.root / LATEST
        stamp = _stamp(path)
        return None if stamp is None else self._read(path, stamp)

    def _read(self, path: Path, stamp: Stamp) -> Latest:
        with self._turn:
            held = self._results.get(path)
            if held is not None and held[0] == stamp:
                self._results.move_to_end(path)
                return held[1]
        found = self.folder.read_latest() if path.name == LATEST else self._archived(path)
        if found is None:
            raise unknown_run(path.stem)
        with self._turn:
            self._results[path] = (stamp, found)
            while len(self._results) > KEPT_RESULTS:
                self._results.popitem(last=False)
        return found

    def _archived(self, path: Path) -> Latest:
        entry = next(e for e in archived(self.folder.root) if e.path == path)
        return self.folder.read_archive(entry.week, entry.version)

    def of_week(self, week: str) -> Latest | None:
        """The newest archived result of a week; None where none is kept."""
        fits = [entry.path for entry in archived(self.folder.root) if entry.week == week]
        stamp = _stamp(fits[-1]) if fits else None
        return None if stamp is None else self._read(fits[-1], stamp)

    def job(self, run: str) -> Job:
        """The job of a run's id or of its own; Problem 404 where there is none."""
        job = self.index.job(run) or self.index.of_run(run)
        if job is None:
            raise unknown_run(run)
        return job

    def result(self, run: str) -> Latest:
        """The result of a run, by its id or a job's.

        Raises:
            Problem: 404 for an unknown run, 409 for one that has no result, 410 for one whose
                result is gone.
        """
        latest = self.latest()
        if latest is not None and latest.run_id == run:
            return latest
        job = self.job(run)
        if latest is not None and job.run_id == latest.run_id:
            return latest
        if job.state != "completed":
            raise Problem(
                "run-without-result",
                "Run without a result",
                409,
                f"The run is {job.state}: there is no result of it.",
                state=job.state,
                job_id=job.job_id,
            )
        path = None if job.archive is None else self.folder.root / job.archive
        stamp = None if path is None else _stamp(path)
        if path is None or stamp is None:
            raise _gone("The result of the run is no longer kept.")
        return self._read(path, stamp)

    def read_table(self, latest: Latest, name: str) -> pl.DataFrame:
        """One of the Parquet files of a result.

        Raises:
            Problem: 410 where it is gone.
            StoreError: It cannot be read.
        """
        stamp = _stamp(self.folder.root / latest.files[name])
        if stamp is None:
            raise _gone(f"The {name} of the run are no longer kept.")
        key = (latest.run_id, name)
        with self._turn:
            held = self._tables.get(key)
            if held is not None and held[0] == stamp:
                self._tables.move_to_end(key)
                return held[1]
        frame = self.folder.read_table(latest, name)
        with self._turn:
            self._tables[key] = (stamp, frame)
            while len(self._tables) > KEPT_TABLES:
                self._tables.popitem(last=False)
        return frame

    def require_kept(self, latest: Latest, export_id: str) -> None:
        """Problem 410 where a table that an export is made of is gone."""
        table = export_id.rpartition("-")[0]
        for name in ("rows", "trades", "oos") if table == "report" else (table,):
            if name in latest.files and _stamp(self.folder.root / latest.files[name]) is None:
                raise _gone(f"The {name} of the run are no longer kept.")

    def text(self, latest: Latest) -> str:
        """The result as JSON on one line."""
        return json.dumps(latest.model_dump(mode="json"), allow_nan=False)


def unknown_run(run: str) -> Problem:
    """The answer for a run that is not known."""
    detail = f"No run or job has the id {run}."
    return Problem("unknown-run", "Unknown run", 404, detail)


def _gone(detail: str) -> Problem:
    return Problem("result-gone", "Result gone", 410, detail)


def _stamp(path: Path) -> Stamp | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
