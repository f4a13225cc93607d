"""Results by name, read once: the service never opens a file that a caller named."""

import json
from pathlib import Path
from typing import Final

import polars as pl

from hotband.artefacts.archive import archived
from hotband.artefacts.schemas import Latest
from hotband.artefacts.writer import LATEST, ArtefactFolder
from hotband.service.held import Held, Stamp, stamp_of
from hotband.service.index import RunIndex
from hotband.service.jobs import Job
from hotband.service.problems import Problem

KEPT_RESULTS: Final = 8
KEPT_TABLES: Final = 6


class Library:
    """The finished results of a folder, for many readers at once.

    A file is read again when it was replaced. So many results and tables stay in memory.
    """

    def __init__(self, folder: ArtefactFolder, index: RunIndex) -> None:
        self.folder = folder
        self.index = index
        self._results: Held[Path, Latest] = Held(KEPT_RESULTS)
        self._tables: Held[tuple[str, str], pl.DataFrame] = Held(KEPT_TABLES)

    def latest_stamp(self) -> Stamp | None:
        """What changes whenever the last good result is replaced; None = there is none."""
        return stamp_of(self.folder.root / LATEST)

    def latest(self) -> Latest | None:
        """The last good result; None = no run has finished yet."""
        path = self.folder.root / LATEST
        stamp = stamp_of(path)
        return None if stamp is None else self._read(path, stamp)

    def _read(self, path: Path, stamp: Stamp) -> Latest:
        return self._results.get(path, stamp, lambda: self._opened(path))

    def _opened(self, path: Path) -> Latest:
        found = self.folder.read_latest() if path.name == LATEST else self._archived(path)
        if found is None:
            raise unknown_run(path.stem)
        return found

    def _archived(self, path: Path) -> Latest:
        entry = next((one for one in archived(self.folder.root) if one.path == path), None)
        if entry is None:  # removed since it was listed
            raise unknown_run(path.stem)
        return self.folder.read_archive(entry.week, entry.version)

    def of_week(self, week: str) -> Latest | None:
        """The newest archived result of a week; None where none is kept."""
        fits = [entry.path for entry in archived(self.folder.root) if entry.week == week]
        stamp = stamp_of(fits[-1]) if fits else None
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
        stamp = None if path is None else stamp_of(path)
        if path is None or stamp is None:
            raise _gone("The result of the run is no longer kept.")
        return self._read(path, stamp)

    def read_table(self, latest: Latest, name: str) -> pl.DataFrame:
        """One of the Parquet files of a result.

        Raises:
            Problem: 410 where it is gone.
            StoreError: It cannot be read.
        """
        stamp = stamp_of(self.folder.root / latest.files[name])
        if stamp is None:
            raise _gone(f"The {name} of the run are no longer kept.")
        key = (latest.run_id, name)
        return self._tables.get(key, stamp, lambda: self.folder.read_table(latest, name))

    def require_kept(self, latest: Latest, export_id: str) -> None:
        """Problem 410 where a table that an export is made of is gone."""
        table = export_id.rpartition("-")[0]
        for name in ("rows", "trades", "oos") if table == "report" else (table,):
            if name in latest.files and stamp_of(self.folder.root / latest.files[name]) is None:
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
