"""Whether a process is still the one that was started: a number alone may be another's by now."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil

APART_S = 0.005
"""Two start times of one process are nearer than this; a new process is never so near."""


def started_at(pid: int) -> float:
    """When a process started, s; psutil.NoSuchProcess where there is none.

    On Linux since the machine did, by the kernel's own count, so that a clock that is set does
    not make another process of it; elsewhere since 1970.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except FileNotFoundError:
        return float(psutil.Process(pid).create_time())
    except ProcessLookupError as gone:
        raise psutil.NoSuchProcess(pid) from gone


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """A process by its number and the time at which it started, as ``started_at`` has it."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "ProcessMark":
        """The process that has the number now; psutil.NoSuchProcess where none has."""
        return cls(pid, started_at(pid))

    def alive(self) -> bool:
        """Whether it runs; one that has ended and was not waited for does not."""
        try:
            process = psutil.Process(self.pid)
            same = abs(started_at(self.pid) - self.started) < APART_S
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
