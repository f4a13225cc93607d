"""A runner that does what a test tells it, and a service whose runs it makes.

``python held.py JOB`` is the runner. It takes its steps from ``steps/1.json``, ``steps/2.json``
and so on in the state folder as they appear, and waits in between, so that a state of a run can
be held still. ``python held.py --serve [OPTIONS of hotband serve]`` is the service.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from hotband.service.jobs import State

STEPS: Final = "steps"
LOOK_S: Final = 0.02


def command(job_id: str) -> list[str]:
    """How the runner of a job is started; a JobKeeper takes it as ``command``."""
    return [sys.executable, str(Path(__file__).resolve()), job_id]


class Steps:
    """What the runners of a state folder are to do, one after the other."""

    def __init__(self, home: Path) -> None:
        self.folder = home / STEPS
        self._said = 0

    def say(self, **step: Any) -> None:
        """The next step: any of run_id, reused, progress, freeze, deaf, line, end and error.

        ``freeze`` stops the signs of life, ``deaf`` ignores requests and signals to stop,
        ``line`` is printed, ``end`` is the state that the job ends in.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._said += 1
        path = self.folder / f"{self._said}.json"
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(step), "utf-8")
        draft.replace(path)


class HeldRunner:
    """One job, done step by step."""

    def __init__(self, home: Path, job_id: str) -> None:
        from hotband.service.index import RunIndex
        from hotband.service.processes import ProcessMark

        self.index = RunIndex(home)
        self.job_id = job_id
        self.folder = home / STEPS
        self.progress: dict[str, Any] | None = None
        self.frozen = self.deaf = self.told = False
        self.index.note_process(job_id, ProcessMark.of(os.getpid()))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)

    def _hear(self, *_: object) -> None:
        self.told = True

    def run(self) -> int:
        """Do all steps until one ends the job, or somebody else does."""
        done = 0
        while True:
            path = self.folder / f"{done + 1}.json"
            if path.exists():
                done += 1
                if self._do(json.loads(path.read_text("utf-8"))):
                    return 0
            job = self.index.job(self.job_id)
            if job is None or not job.active:
                return 3
            if not self.deaf and (self.told or job.state == "cancelling"):
                state: State = "cancelled" if job.state == "cancelling" else "interrupted"
                error = {"kind": "CancelledRunError", "message": "the run was stopped"}
                self.index.end(self.job_id, state, error=error)
                return 130
            if not self.frozen:
                self.index.beat(self.job_id, self.progress)
            time.sleep(LOOK_S)

    def _do(self, step: dict[str, Any]) -> bool:
        """One step; whether the job is over with it."""
        self.frozen = step.get("freeze", self.frozen)
        self.deaf = step.get("deaf", self.deaf)
        self.progress = step.get("progress", self.progress)
        if "line" in step:
            print(step["line"], flush=True)  # noqa: T201 # what its log holds
        if "run_id" in step:
            self.index.note_run(self.job_id, step["run_id"], reused=step.get("reused", False))
        if "end" not in step:
            return False
        if self.progress is not None:
            self.index.beat(self.job_id, self.progress)
        self.index.end(self.job_id, step["end"], error=step.get("error"))
        return True


def serve(arguments: list[str]) -> None:
    """``hotband serve`` with runners that are held."""
    import typer

    from hotband.cli import serve as shell
    from hotband.service import serving

    def held(settings: Any, **options: Any) -> None:
        started(settings, command=command, **options)

    started = serving.serve
    serving.serve = held
    app = typer.Typer()
    app.command()(shell.serve)
    app(arguments)


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve(sys.argv[2:])
    else:
        sys.exit(HeldRunner(Path(os.environ["HOTBAND_HOME"]), sys.argv[1]).run())
