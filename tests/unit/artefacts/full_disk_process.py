"""Writes where there is no room, and says what came of it as JSON on stdout.

``files FOLDER`` limits the size of its own files. ``disk FOLDER`` wants name spaces of its own
(``unshare --user --map-root-user --mount``): it mounts a small disk that nobody else sees and
that is gone when it ends, fills it and makes it read-only. Status 3 = mounting is refused here.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import polars as pl
from tests.unit.artefacts.artefact_samples import error, latest, partial, run_id, tables

from hotband.artefacts.schemas import files_of
from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import StoreError

CANNOT_MOUNT = 3


def mount(*options: str) -> None:
    if subprocess.run(["mount", *options], check=False).returncode:
        sys.exit(CANNOT_MOUNT)


def files(root: Path) -> dict[str, bytes]:
    kept = (path for path in root.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in kept}


def attempt(root: Path, act: Callable[[], object]) -> dict[str, object]:
    before = files(root)
    try:
        act()
    except StoreError as fault:
        told = str(fault)
    else:
        told = "nothing was refused"
    after = files(root)
    changed = sorted(name for name in before | after if before.get(name) != after.get(name))
    return {"told": told, "changed": changed}


def noise() -> pl.DataFrame:
    """Rows that do not compress."""
    return pl.DataFrame({"noise": pl.int_range(60_000, eager=True).hash(seed=1)})


def small_disk(root: Path) -> dict[str, object]:
    mount("-t", "tmpfs", "-o", "size=160k", "none", str(root))
    folder = ArtefactFolder(root)
    folder.write_latest(latest(), tables())
    other = latest(run_id(1), files=files_of(run_id(1)))
    found = {"table": attempt(root, lambda: folder.write_latest(other, {"rows": noise()}))}
    with (root / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
        while ballast.write(b"x" * 512):
            pass
    found["latest"] = attempt(root, lambda: folder.write_latest(latest(), {}))
    found["partial"] = attempt(root, lambda: folder.write_partial(partial()))
    found["error"] = attempt(root, lambda: folder.write_error(error()))
    found["archive"] = attempt(root, lambda: folder.archive(latest()))
    (root / "ballast").unlink()
    mount("-o", "remount,ro", str(root))
    found["read-only"] = attempt(root, lambda: folder.write_latest(latest(), tables()))
    held = folder.read_latest()
    return {**found, "held": {"run": held.run_id if held else None}}


def small_files(root: Path) -> dict[str, object]:
    folder = ArtefactFolder(root)
    folder.write_latest(latest(), tables())
    other = latest(run_id(1), files=files_of(run_id(1)))
    limit_file_size(40_000)
    found = {"table": attempt(root, lambda: folder.write_latest(other, {"rows": noise()}))}
    limit_file_size(2_000)
    found["latest"] = attempt(root, lambda: folder.write_latest(latest(), {}))
    found["partial"] = attempt(root, lambda: folder.write_partial(partial()))
    held = folder.read_latest()
    return {**found, "held": {"run": held.run_id if held else None}}


def limit_file_size(size: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))


if __name__ == "__main__":
    act = {"disk": small_disk, "files": small_files}[sys.argv[1]]
    sys.stdout.write(json.dumps(act(Path(sys.argv[2]))))
