"""Files that are there wholly or not at all, whatever happens while they are written."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

from hotband.errors import StoreError


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Replace ``path`` by what ``write`` puts into a file: the old bytes or the new, never half.

    Written beside it, synced, moved over it, and the folder synced. On any failure the new
    bytes are removed and the old ones stay.

    Raises:
        StoreError: The folder cannot be made or written, or the disk is full.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        made = _make_folder(path.parent)
        with new.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        for folder in (path.parent, *made):
            sync_folder(folder)
    except OSError as cause:
        _discard(new)
        raise unusable(path, cause) from cause
    except BaseException:
        _discard(new)
        raise


def remove(path: Path) -> None:
    """Remove a file that may be there, for good; StoreError where that is refused."""
    try:
        path.unlink()
        sync_folder(path.parent)
    except FileNotFoundError:
        return
    except OSError as cause:
        raise unusable(path, cause) from cause


def remove_drafts(folder: Path) -> None:
    """Remove what killed writers left; only for one who has the folder alone."""
    for draft in folder.glob(".*.new"):
        remove(draft)


def unusable(path: Path, cause: OSError) -> StoreError:
    """The error for a file that cannot be read or written."""
    return StoreError(
        f"file {path}",
        os.strerror(cause.errno) if cause.errno else str(cause),
        "a file in a folder that can be read and written, with room on its disk",
        "Check the folder, its rights and the free space; what was there before is untouched.",
    )


def _make_folder(folder: Path) -> list[Path]:
    """Make it with its parents; which folders hold a new one."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return [path.parent for path in missing]


def _discard(path: Path) -> None:
    """Remove a draft, on the way out with an error that must not be hidden by another."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def sync_folder(folder: Path) -> None:
    """Make what was put into a folder, or taken out of it, survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
