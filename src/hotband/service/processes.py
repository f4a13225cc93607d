"""Whether a process is still the one that was started: a number alone may be another's by now."""

import os
import signal
from dataclasses import dataclass

import psutil

APART_S = 0.1
"""Two start times of one process are nearer than this; a new process is never so near."""


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """A process by its number and the time at which it started (seconds since 1970)."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "ProcessMark":
        """The process that has the number now; psutil.NoSuchProcess where none has."""
        return cls(pid, psutil.Process(pid).create_time())

    def alive(self) -> bool:
        """Whether it runs; one that has ended and was not waited for does not."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < APART_S
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def signal_group(self, number: signal.Signals) -> bool:
        """Send a signal to the group that it leads; False where it is gone."""
        if not self.alive():
            return False
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return False
        return True
