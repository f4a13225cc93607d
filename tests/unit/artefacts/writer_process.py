"""Runs that publish again and again in one folder, each in a process to be killed.

Its word is the number of the first run; it says that of each run whose result is written.
"""

import sys
from pathlib import Path

from tests.forked import say, serve
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


def write(root: Path, number: int) -> None:
    folder = ArtefactFolder(root)
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


if __name__ == "__main__":
    serve(lambda number: write(Path(sys.argv[1]), int(number)))
