"""The Ray executor keeps the contract on two nodes, and survives the loss of one."""

import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.canary.sizes import ROOT
from tests.contract import executor_tasks as work
from tests.contract.executor_contract import GivesUpContract

from hotband.errors import ExecutorError, InputError
from hotband.executors.names import open_executor
from hotband.executors.ports import Executor

LOOPBACK = {
    "RAY_AUTH_MODE": "disabled",  # the test cluster does not hand a password to its nodes
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Ray's switch to stay on 127.0.0.1, also on Linux
    "RAY_USAGE_STATS_ENABLED": "0",
    "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src"))),  # nodes import these tests
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes of one processor each on this machine."""
    before = {name: os.environ.get(name) for name in LOOPBACK}
    os.environ.update(LOOPBACK)
    from ray.cluster_utils import Cluster  # reads the environment when imported

    made: Any = Cluster()
    try:
        made.add_node(num_cpus=1, include_dashboard=False)
        made.add_node(num_cpus=1)
        made.wait_for_nodes()
        yield made
    finally:
        made.shutdown()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@pytest.fixture(scope="module")
def on_cluster(cluster: Any) -> Iterator[Executor]:
    with open_executor("ray", ray_address=cluster.address) as opened:
        yield opened


class TestRay(GivesUpContract):
    name = "ray"

    @pytest.fixture
    def executor(self, on_cluster: Executor) -> Executor:
        return on_cluster

    def test_a_cluster_has_as_many_workers_as_processors(self, executor: Executor) -> None:
        assert executor.workers == 2

    def test_plain_arrays_lie_once_in_the_store_of_a_node(self, executor: Executor) -> None:
        shared = np.zeros(1_000_000, work.ROW)
        places = executor.run(shared, range(24), work.where_it_lies)
        assert os.getpid() not in {process for process, _, _ in places}
        assert not any(copied for _, _, copied in places)

    @pytest.mark.parametrize("kind", [np.ndarray, np.recarray])
    def test_shared_data_is_unpacked_once_per_worker(
        self, executor: Executor, kind: type[np.ndarray[Any, Any]]
    ) -> None:
        shared = np.zeros(1_000_000, work.ROW).view(kind)
        places = executor.run(shared, range(24), work.where_it_lies)
        workers = {process for process, _, _ in places}
        assert len({(process, address) for process, address, _ in places}) == len(workers) < 24

    def test_all_results_are_there_when_one_of_two_nodes_is_killed_in_mid_run(
        self, executor: Executor, cluster: Any
    ) -> None:
        (victim,) = cluster.worker_nodes
        heard: list[int] = []

        def kill_at_the_tenth(index: int, _: int) -> None:
            heard.append(index)
            if len(heard) == 10:
                cluster.remove_node(victim)

        try:
            results = executor.run(0.1, range(40), work.nap, done=kill_at_the_tenth)
            assert executor.workers == 1
        finally:
            cluster.add_node(num_cpus=1)
            cluster.wait_for_nodes()
        assert results == list(range(40))
        assert sorted(heard) == list(range(40))

    def test_a_task_whose_worker_died_runs_again(self, executor: Executor, tmp_path: Path) -> None:
        assert executor.run(str(tmp_path), range(6), work.die_once) == list(range(6))
        assert (tmp_path / "died1").exists()

    def test_a_task_that_always_ends_its_worker_ends_the_run(self, executor: Executor) -> None:
        with pytest.raises(
            ExecutorError,
            match=r"task 1 of 3 on Ray: got a lost worker or node 4 times, last WorkerCrashedE",
        ):
            executor.run(1, range(3), work.die)

    def test_an_exception_says_where_it_was_raised(self, executor: Executor) -> None:
        with pytest.raises(work.TroubleError) as caught:
            executor.run("nowhere", [3], work.raise_trouble)
        assert "executor_tasks.py" in caught.value.__notes__[0]

    def test_an_exception_that_cannot_be_pickled_is_told(self, executor: Executor) -> None:
        with pytest.raises(ExecutorError, match=r"exception of type StuckError .* between 7 and 1"):
            executor.run(7, [1], work.raise_stuck)

    def test_a_connection_of_the_process_is_used_and_left_open(
        self, executor: Executor, cluster: Any
    ) -> None:
        with open_executor("ray", ray_address="auto") as second:
            assert second.run(2, [3], work.power) == [9]
        with open_executor("ray", ray_address=cluster.address, workers=1) as third:
            assert third.workers == 1
        assert executor.run(2, [4], work.power) == [16]

    @pytest.mark.parametrize("address", [None, "127.0.0.1:7777"])
    def test_a_second_ray_in_one_process_is_refused(
        self, executor: Executor, address: str | None
    ) -> None:
        assert executor.workers
        with pytest.raises(InputError, match=r"in a process connected to 127.*; allowed: auto or"):
            open_executor("ray", ray_address=address)


LOCAL = """
import psutil
from hotband.executors.names import open_executor
from tests.contract.executor_tasks import power

def ray_processes():
    children = psutil.Process().children(recursive=True)
    return [child for child in children if child.name() in {"raylet", "gcs_server"}]

with open_executor("ray", workers=2) as executor:
    print(executor.workers, executor.run(2, range(5), power), len(ray_processes()))
print(len(psutil.wait_procs(ray_processes(), timeout=20)[1]))
"""


def test_a_local_ray_starts_with_the_executor_and_ends_with_it() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:hotband", "-c", LOCAL],
        env=os.environ | LOOPBACK,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout.split("\n")[:2] == ["2 [0, 1, 4, 9, 16] 2", "0"], done.stderr


ALONE = """
from hotband.errors import HotbandError
from hotband.executors.names import open_executor
import sys
try:
    open_executor("ray", ray_address=sys.argv[1])
except HotbandError as error:
    print(type(error).__name__, error)
"""


def refusal(address: str) -> str:
    """What a process of its own, connected to nothing, is told of the address."""
    command = [sys.executable, "-c", ALONE, address]
    done = subprocess.run(
        command, env=os.environ | LOOPBACK, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


@pytest.mark.parametrize("address", ["locale", "ray://127.0.0.1:10001", "127.0.0.1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    text = refusal(address)
    assert f"InputError Ray address: got '{address}'; allowed: local, auto or HOST:PORT" in text
    assert ("Did you mean 'local'?" in text) == (address == "locale")


def test_an_address_where_nobody_listens_is_refused_at_once() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
        assert f"ExecutorError Ray at {address}: got no connection" in refusal(address)


def test_without_ray_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'hotband\[ray\]'"):
        open_executor("ray")


def test_a_node_with_other_sources_refuses_to_work() -> None:
    from hotband.executors.ray import attempt, source

    error, trace = pickle.loads(attempt(("other", *source()[1:]), 2, 3, work.power))  # noqa: S301 # made here
    assert "ExecutorError" in trace
    assert str(error).startswith("source hash, Python, hotband, NumPy and Numba of a Ray node: got")
    assert "Install the same versions on every node" in str(error)
    assert pickle.loads(attempt(source(), 2, 3, work.power)) == (9, None)  # noqa: S301 # the same
