"""Runs that publish again and again in one folder, each in a process to be killed.

For every number on stdin a process is forked that starts from it; it says its own id on stdout,
then the number of each run whose result is written. ``over`` is said when it is gone. Forking
one process that has imported everything makes a kill cost milliseconds.
"""

import os
import sys
from pathlib import Path

from tests.unit.artefacts.artefact_samples import error, latest, partial, run_id, tables

from hotband.artefacts.schemas import ErrorArtefact, Latest, Partial
from hotband.artefacts.writer import ArtefactFolder

SIZE = 3_000
"""Rows of the first table at least, so that a kill can fall into their writing."""


def fails(number: int) -> bool:
    """Every third run ends in an error."""
    return number % 3 == 2


def artefacts(number: int) -> tuple[Partial, Latest, ErrorArtefact]:
    """What the run of that number writes; a later one has a later time."""
    at = f"2025-05-01T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"
    run = run_id(number)
    return (
        partial(run, generated_at=at),
        latest(run, generated_at=at),
        error(run, generated_at=at),
    )


def say(word: object) -> None:
    os.write(1, f"{word}\n".encode())


def write(folder: ArtefactFolder, number: int) -> None:
    say(os.getpid())
    with folder.exclusive():
        while True:
            running, result, fault = artefacts(number)
            folder.write_partial(running)
            if fails(number):
                folder.write_error(fault)
            else:
                folder.write_latest(result, tables(SIZE + number))
                say(number)
                if number % 5 == 0:
                    folder.archive(result)
            number += 1


def serve(root: Path) -> None:
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            try:
                write(ArtefactFolder(root), int(line))
            finally:
                os._exit(1)
        os.waitpid(child, 0)
        say("over")


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
