"""The process that runs one job: exactly what ``hotband weekly`` runs, told to the index.

``python -m hotband.service.runner JOB`` in the environment of the service. It lives on when the
service dies, and the next service finds it by its number and start time.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

from hotband.artefacts.schemas import Latest
from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import CancelledRunError, HotbandError, StoreError
from hotband.service.index import RunIndex
from hotband.service.jobs import Job
from hotband.service.processes import ProcessMark
from hotband.service.request import RunRequest, RunSettings
from hotband.service.summaries import archive_of, summary_of
from hotband.stores.location import Locations
from hotband.weekly.api import run_grid
from hotband.weekly.progress import GridProgress

BEAT_S: Final = 1.0
"""Seconds between two signs of life, and between two looks for a request to stop."""
STOPPED: Final = 130


class Runner:
    """One job, from its request in the index to its end there."""

    def __init__(self, index: RunIndex, job: Job, places: Locations) -> None:
        self.index = index
        self.job = job
        self.places = places
        self.stop = threading.Event()
        self._over = threading.Event()
        self._progress: dict[str, Any] | None = None

    def run(self) -> int:
        """Run the job; the exit status of its process."""
        self.index.note_process(self.job.job_id, ProcessMark.of(os.getpid()))
        beats = threading.Thread(target=self._beat, name="beats", daemon=True)
        beats.start()
        try:
            latest = self._work()
        except CancelledRunError as error:
            asked = self._asked_to_stop()
            self._end("cancelled" if asked else "interrupted", error)
            return STOPPED
        except HotbandError as error:
            self._end("error", error)
            return 1
        except Exception as error:
            traceback.print_exc()
            self._end("error", error)
            return 1
        finally:
            self._over.set()
            beats.join()
            self.index.beat(self.job.job_id, self._progress)
        self._end_well(latest)
        return 0

    def _work(self) -> Latest:
        request = RunRequest.model_validate(self.job.request)
        settings = RunSettings.from_environment()
        return run_grid(
            **settings.arguments(request, self.places.home),
            granularity=settings.granularity,
            balance=settings.balance,
            cost_bps=settings.cost_bps,
            workers=settings.workers,
            force=request.force,
            cancelled=self.stop.is_set,
            listener=self._hear,
            identified=self._identify,
        )

    def _identify(self, run_id: str, reused: bool) -> None:
        self.index.note_run(self.job.job_id, run_id, reused=reused)

    def _hear(self, progress: GridProgress) -> None:
        self._progress = {
            "instrument": progress.instrument or None,
            "completed": progress.completed,
            "total": progress.total,
            "cells_per_second": progress.cells_per_second,
            "eta_seconds": progress.eta_seconds,
        }

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            try:
                job = self.index.beat(self.job.job_id, self._progress)
            except StoreError:
                # The run goes on: its result does not hang on the index, nor do later beats.
                traceback.print_exc()
                continue
            if job.state == "cancelling":
                self.stop.set()

    def _asked_to_stop(self) -> bool:
        job = self.index.job(self.job.job_id)
        return job is not None and job.state == "cancelling"

    def _end(self, state: Any, error: Exception) -> None:
        told = {"kind": type(error).__name__, "message": str(error) or type(error).__name__}
        self.index.end(self.job.job_id, state, error=told)

    def _end_well(self, latest: Latest) -> None:
        folder = ArtefactFolder(self.places.output)
        self.index.end(
            self.job.job_id,
            "completed",
            summary=summary_of(latest),
            archive=archive_of(folder, latest),
        )


def main(job_id: str) -> int:
    """Run a job of the index of ``HOTBAND_HOME``."""
    places = Locations.from_environment()
    index = RunIndex(Path(places.home))
    job = index.job(job_id)
    if job is None or not job.active:
        print(f"job {job_id} is not to be run", file=sys.stderr)  # noqa: T201 # a process's word
        return 2
    runner = Runner(index, job, places)
    restore = _stopping(runner.stop.set)
    try:
        return runner.run()
    finally:
        restore()
        index.db.close()


def _stopping(stop: Callable[[], None]) -> Callable[[], None]:
    """Let SIGTERM and SIGINT stop the run; what undoes it."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop()

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, handle) for number in numbers}

    def undo() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    return undo


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
