"""Executors by name: the one place that knows which exist."""

from typing import Final

from hotband.errors import InputError
from hotband.executors.ports import Executor
from hotband.executors.serial import SerialExecutor
from hotband.executors.threads import ThreadsExecutor

EXECUTORS: Final = ("serial", "threads", "ray")


def open_executor(
    name: str, *, workers: int | None = None, ray_address: str | None = None
) -> Executor:
    """The executor of that name; close it, or use it in a ``with`` statement.

    Args:
        name: ``serial``, ``threads`` or ``ray``.
        workers: Tasks at the same time; by default one per processor of this machine, or of
            the cluster.
        ray_address: ``local`` (the default: a Ray of our own on this machine), ``auto`` (the
            Ray that runs on this machine) or HOST:PORT of a cluster.

    Raises:
        InputError: An unknown name, settings that the executor does not take, or Ray is not
            installed.
        ExecutorError: The cluster does not answer.
    """
    if name not in EXECUTORS:
        do = "Use one of these names."
        raise InputError("executor", repr(name), ", ".join(EXECUTORS), do, near=EXECUTORS)
    if workers is not None and workers < 1:
        raise InputError("workers", workers, "1 or more", "Leave it out for one per processor.")
    if ray_address is not None and name != "ray":
        do = "Leave the address out, or use the executor ray."
        raise InputError(f"Ray address of the executor {name}", ray_address, "none", do)
    if name == "serial":
        if workers not in {None, 1}:
            raise InputError("workers of the executor serial", workers, "1", "Use threads.")
        return SerialExecutor()
    if name == "threads":
        return ThreadsExecutor(workers)
    from hotband.executors.ray import RayExecutor  # late: Ray is slow to import, and optional

    return RayExecutor("local" if ray_address is None else ray_address, workers)
