"""Serial and threads keep the contract of executors; executors are opened by name."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from tests.contract import executor_tasks as work
from tests.contract.executor_contract import ExecutorContract, GivesUpContract

from hotband.errors import InputError
from hotband.executors.names import open_executor
from hotband.executors.ports import Executor
from hotband.executors.threads import processors


class TestSerial(ExecutorContract):
    name = "serial"

    @pytest.fixture
    def executor(self) -> Iterator[Executor]:
        with open_executor("serial") as opened:
            yield opened


class TestThreads(GivesUpContract):
    name = "threads"

    @pytest.fixture(params=[1, 2, 8])
    def executor(self, request: pytest.FixtureRequest) -> Iterator[Executor]:
        with open_executor("threads", workers=request.param) as opened:
            yield opened


@pytest.mark.parametrize("name", ["serial", "threads"])
def test_every_task_gets_the_shared_object_itself(name: str) -> None:
    shared = object()
    with open_executor(name) as executor:
        got = executor.run(shared, range(20), lambda one, _: one)
    assert all(one is shared for one in got)


def test_an_exception_from_a_thread_is_the_very_object() -> None:
    error = ValueError("mine")

    def fail(shared: ValueError, _: int) -> int:
        raise shared

    with open_executor("threads") as executor, pytest.raises(ValueError, match="mine") as caught:
        executor.run(error, [0], fail)
    assert caught.value is error


def test_threads_hold_a_bounded_number_of_tasks() -> None:
    taken: list[int] = []

    class Watched(Sequence[int]):
        def __len__(self) -> int:
            return 60

        def __getitem__(self, index: Any) -> Any:
            taken.append(index)
            return index

    seen: list[int] = []
    with open_executor("threads", workers=2) as executor:
        executor.run(
            0.001,
            Watched(),
            work.nap,
            done=lambda *_: seen.append(max(taken) - len(seen)),
        )
    assert max(seen) <= 4


def test_threads_take_every_processor_unless_told_otherwise() -> None:
    assert open_executor("threads").workers == processors() >= 1


@pytest.mark.parametrize(
    ("name", "settings", "text"),
    [
        ("thread", {}, r"executor: got 'thread'; allowed: serial, threads, ray. Did you mean 'th"),
        ("dask", {}, r"executor: got 'dask'; allowed: serial, threads, ray. Use one"),
        ("threads", {"workers": 0}, "workers: got 0; allowed: 1 or more"),
        ("serial", {"workers": 2}, "workers of the executor serial: got 2; allowed: 1. Use thr"),
        ("threads", {"ray_address": "auto"}, "Ray address of the executor threads: got auto; "),
    ],
)
def test_settings_that_no_executor_takes_are_refused(
    name: str, settings: dict[str, int | str], text: str
) -> None:
    with pytest.raises(InputError, match=text):
        open_executor(name, **settings)  # type: ignore[arg-type] # wrong on purpose


def test_the_shared_data_of_a_thread_is_the_callers() -> None:
    shared = np.zeros(10, work.ROW)
    with open_executor("threads") as executor:
        places = executor.run(shared, range(8), work.where_it_lies)
    assert {address for _, address, _ in places} == {shared.ctypes.data}
