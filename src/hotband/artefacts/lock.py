"""One writer per folder: a lock that dies with its holder and names it to others."""

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from hotband.durable import unusable
from hotband.errors import StoreError

_PATIENCE_S: Final = 0.5
"""How long to try: longer than a look by ``is_free`` takes, shorter than anyone waits."""


class FolderLock:
    """An advisory lock (flock) on a file, which holds the number of the process that has it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object has the lock."""
        return self._handle is not None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            StoreError: Another process or object has it, or the folder cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as cause:
            raise unusable(self.path, cause) from cause
        try:
            if not _taken_within(handle, _PATIENCE_S):
                self._refuse()
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
        except OSError as cause:
            os.close(handle)
            raise unusable(self.path, cause) from cause
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle

    def release(self) -> None:
        """Give the lock back, also where a forked child still has the file open."""
        if self._handle is not None:
            handle, self._handle = self._handle, None
            fcntl.flock(handle, fcntl.LOCK_UN)
            os.close(handle)

    def is_free(self) -> bool:
        """Whether nobody has the lock now."""
        try:
            handle = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return True
        except OSError as cause:
            raise unusable(self.path, cause) from cause
        try:
            return _try(handle, fcntl.LOCK_SH)
        finally:
            os.close(handle)

    def _refuse(self) -> None:
        pid = self.path.read_text("utf-8") or "unknown"
        raise StoreError(
            f"folder {self.path.parent}",
            f"another run, process {pid}",
            "one run at a time in a folder",
            "Wait for it, cancel it, or name another folder.",
        )


def _try(handle: int, mode: int) -> bool:
    try:
        fcntl.flock(handle, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _taken_within(handle: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not _try(handle, fcntl.LOCK_EX):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
