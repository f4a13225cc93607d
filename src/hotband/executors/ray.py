"""Ray: a cluster, or one on this machine, behind the contract of every executor.

The only module that imports Ray. Lost tasks are started again here rather than by Ray, which
would repeat a task that runs out of memory for ever.
"""

import os
import pickle
import platform
import socket
import time
import traceback
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import version
from types import ModuleType
from typing import Any, Final, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from hotband.core.jit import source_hash
from hotband.errors import ExecutorError, InputError
from hotband.executors.closing import Closing
from hotband.executors.gather import Done, Dropped, Failed, Gathering, Outcome
from hotband.executors.ports import never
from hotband.executors.threads import processors

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")

ATTEMPTS: Final = 4
"""How often a task may start; each but the last was lost with its worker or node."""
ANSWERS_WITHIN_S: Final = 5.0
FETCHED_WITHIN_S: Final = 60.0
"""A finished result that does not arrive by then counts as lost."""
BARE_S: Final = 60.0
"""How long a cluster may be without any processor before the run ends."""
ADDRESSES: Final = "local, auto or HOST:PORT of a cluster"


class RayExecutor(Closing):
    """See ``ports.Executor``; connects when made.

    Where the process is connected to Ray already, that connection is used and left open.

    Args:
        address: ``local`` starts a Ray of our own, with ``workers`` processors (by default all
            of this machine), without dashboard or usage statistics; ``close`` ends it.
            ``auto`` and HOST:PORT join a cluster, whose nodes need the same hotband.
        workers: On a cluster, tasks at the same time (by default one per processor of it).
    """

    name = "ray"

    def __init__(self, address: str = "local", workers: int | None = None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        self._ray = _imported()
        self._given = workers
        self._local = address == "local"
        self._owned = self._connect(address, workers)

    @property
    def workers(self) -> int:
        """How many tasks run at the same time at most, as known now; 0 without any node."""
        if self._given is not None:
            return self._given
        return _processors_of(self._ray)

    def run(
        self,
        shared: S,
        tasks: Sequence[T],
        work: Callable[[S, T], R],
        *,
        cancelled: Callable[[], bool] = never,
        done: Callable[[int, R], None] | None = None,
    ) -> list[R]:
        """See ``ports.Executor.run``; plain arrays in ``shared`` are read-only, results are not."""
        if not tasks:
            return []
        bound = self._given is not None and not self._local
        limit = max(1, self.workers) * (1 if bound else 2)
        flight: _Flight[S, T, R] = _Flight(self._ray, shared, tasks, work, limit)
        return Gathering(len(tasks), flight, done).run(cancelled)

    def close(self) -> None:
        """End the Ray that this executor started, or leave the cluster it joined."""
        if self._owned:
            self._owned = False
            self._ray.shutdown()

    def _connect(self, address: str, workers: int | None) -> bool:
        """Whether a connection was made, which is then ours to end."""
        if self._ray.is_initialized():
            held = self._ray.get_runtime_context().gcs_address
            if address not in {"auto", held}:
                raise InputError(
                    "Ray address",
                    f"{address}, in a process connected to {held}",
                    f"auto or {held}",
                    "Pass one of these, or end that connection first with ray.shutdown().",
                )
            return False
        settings: dict[str, Any] = {}
        if address == "local":
            settings = {"num_cpus": workers or processors(), "include_dashboard": False}
        elif address != "auto":
            _check_that_it_answers(address)
        try:
            self._ray.init(address=address, log_to_driver=False, logging_level="ERROR", **settings)
        except (ConnectionError, RuntimeError, ValueError, self._ray.exceptions.RayError) as error:
            raise _unreachable(address, error) from error
        return True


class _Flight(Generic[S, T, R]):
    """See ``gather.Flight``."""

    def __init__(
        self,
        ray: ModuleType,
        shared: S,
        tasks: Sequence[T],
        work: Callable[[S, T], R],
        limit: int,
    ) -> None:
        self.limit = limit
        self._ray = ray
        self._tasks = tasks
        self._work = work
        self._remote: Any = ray.remote(num_cpus=1, max_retries=0)(attempt_on_node)
        self._shared = [ray.put(shared)]  # in a list, so that Ray does not unpack it per task
        self._flying: dict[Any, int] = {}
        self._starts: dict[int, int] = {}
        self._stopped = False
        self._bare_since: float | None = None

    def start(self, index: int) -> None:
        self._starts[index] = self._starts.get(index, 0) + 1
        made = self._remote.remote(source(), self._shared, self._tasks[index], self._work)
        self._flying[made] = index

    def landed(self, timeout_s: float) -> list[tuple[int, Outcome[R]]]:
        ready, _ = self._ray.wait(list(self._flying), num_returns=1, timeout=timeout_s)
        if not ready:
            self._check_nodes()
        outcomes = [(self._flying.pop(ref), ref) for ref in ready]
        taken = [(index, self._take(index, ref)) for index, ref in outcomes]
        return [(index, outcome) for index, outcome in taken if outcome is not None]

    def stop(self) -> None:
        self._stopped = True
        for ref in self._flying:
            self._ray.cancel(ref)

    def _take(self, index: int, ref: object) -> Outcome[R] | None:
        """The outcome; None where the task was lost and has been started again."""
        errors = self._ray.exceptions
        try:
            value, trace = pickle.loads(self._ray.get(ref, timeout=FETCHED_WITHIN_S))  # noqa: S301 # our node's
        except errors.TaskCancelledError:
            return Dropped()
        except errors.RayError as error:
            cause = error.cause if isinstance(error, errors.RayTaskError) else error
            if not isinstance(cause, errors.RayError):
                return Failed(cause)
            if self._stopped:
                return Dropped()
            if self._starts[index] >= ATTEMPTS:
                return Failed(self._lost(index, cause))
            self.start(index)
            return None
        self._starts.pop(index)
        if trace is None:
            return Done(value)
        value.add_note(f"raised on a Ray worker:\n{trace}")
        return Failed(value)

    def _lost(self, index: int, error: Exception) -> ExecutorError:
        lost = ExecutorError(
            f"task {index} of {len(self._tasks)} on Ray",
            f"a lost worker or node {ATTEMPTS} times, last {type(error).__name__}",
            f"at most {ATTEMPTS - 1} losses of one task",
            "See the node's log and memory: a worker that runs out of memory is ended.",
        )
        lost.__cause__ = error
        return lost

    def _check_nodes(self) -> None:
        """Raise where no node has had a processor for a while: nothing would ever finish."""
        now = time.monotonic()
        if _processors_of(self._ray) > 0:
            self._bare_since = None
        elif self._bare_since is None:
            self._bare_since = now
        elif now - self._bare_since > BARE_S:
            raise ExecutorError(
                "processors of the Ray cluster",
                f"none for {BARE_S:g} s",
                "1 or more",
                "Add a node (ray start --address=...), then start the run again.",
            )


@cache
def source() -> tuple[str, ...]:
    """What must be the same on every node for the same bytes: our sources, Python, libraries."""
    libraries = (version(name) for name in ("hotband", "numpy", "numba"))
    return (source_hash(), platform.python_version(), *libraries)


_held: dict[str, Any] = {}
"""On a node: what tasks of the current run share, by the id of its reference."""


def attempt_on_node(
    caller: tuple[str, ...], shared: list[Any], task: T, work: Callable[[Any, T], object]
) -> npt.NDArray[np.uint8]:
    """``attempt`` with the shared data of the run, unpacked once per worker process.

    Plain arrays lie in the node's store and are read-only views of it. NumPy cannot do that
    for record arrays: each worker process has one copy of them.
    """
    (reference,) = shared
    name = reference.hex()
    if name not in _held:
        _held.clear()
        _held[name] = _imported().get(reference)
    # As an array the caller unpickles it where it lies; Ray would copy ``bytes`` first.
    return np.frombuffer(attempt(caller, _held[name], task, work), np.uint8)


def attempt(caller: tuple[str, ...], shared: S, task: T, work: Callable[[S, T], object]) -> bytes:
    """One task, on a node: a pickled (result, None) or (exception, its traceback as text).

    Pickled here, so that what arrives is memory of the caller's own, writable as it is from a
    thread, and not a view of Ray's store, which ends with it.
    """
    try:
        if caller != source():
            raise ExecutorError(
                "source hash, Python, hotband, NumPy and Numba of a Ray node",
                ", ".join(source()),
                ", ".join(caller),
                "Install the same versions on every node: results would differ.",
            )
        outcome: tuple[object, str | None] = work(shared, task), None
    except Exception as error:
        outcome = _that_travels(error), traceback.format_exc()
    return pickle.dumps(outcome, protocol=5)


def _that_travels(error: Exception) -> Exception:
    """``error``, or one that tells it where it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(error, protocol=5))  # noqa: S301 # made here
    except Exception as reason:
        return ExecutorError(
            f"exception of type {type(error).__name__} from a task on Ray",
            f"{error}; it cannot be pickled ({reason})",
            "exceptions that can be pickled",
            "Run the task with the serial executor to see it.",
        )
    return error


def _imported() -> ModuleType:
    try:
        import ray
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise InputError(
            "executor",
            "'ray', which is not installed here",
            "serial, threads, or ray with its extra",
            "Install it: pip install 'hotband[ray]'.",
        ) from error
    return ray


def _processors_of(ray: ModuleType) -> int:
    return int(ray.cluster_resources().get("CPU", 0))


def _check_that_it_answers(address: str) -> None:
    """Ray itself would try for minutes to reach an address where nobody listens."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or "/" in address or not port.isdecimal():
        do = "Use the address that `ray start --head` printed."
        raise InputError("Ray address", repr(address), ADDRESSES, do, near=("local", "auto"))
    try:
        with socket.create_connection((host.strip("[]"), int(port)), ANSWERS_WITHIN_S):
            pass
    except (OSError, OverflowError) as error:
        raise _unreachable(address, error) from error


def _unreachable(address: str, error: Exception) -> ExecutorError:
    return ExecutorError(
        f"Ray at {address}",
        f"no connection ({error})",
        ADDRESSES,
        "Start a cluster (ray start --head), or correct the address.",
    )
