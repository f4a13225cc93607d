"""What every executor promises; each implementation inherits the suite."""

import threading
from pathlib import Path

import numpy as np
import pytest
from tests.contract import executor_tasks as work

from hotband.errors import CancelledRunError, WindowError
from hotband.executors.gather import GRACE_S, POLL_S
from hotband.executors.ports import Executor


def started(folder: Path) -> int:
    return len(list(folder.glob("started*")))


def release(folder: Path) -> None:
    (folder / "released").touch()


class ExecutorContract:
    """Subclasses give the fixture ``executor``."""

    name: str

    def test_it_knows_its_name_and_has_workers(self, executor: Executor) -> None:
        assert executor.name == self.name
        assert executor.workers >= 1

    def test_results_come_in_task_order_whatever_finishes_first(self, executor: Executor) -> None:
        assert executor.run(6, range(12), work.slow_first) == [10 * i for i in range(12)]

    def test_done_hears_of_every_task_once_in_the_calling_thread(self, executor: Executor) -> None:
        heard: list[tuple[int, int, int]] = []

        def done(index: int, result: int) -> None:
            heard.append((index, result, threading.get_ident()))

        executor.run(2, range(30), work.power, done=done)
        assert sorted(heard) == [(i, i**2, threading.get_ident()) for i in range(30)]

    def test_no_tasks_are_no_work(self, executor: Executor) -> None:
        heard: list[int] = []
        assert executor.run(2, [], work.power, done=lambda i, _: heard.append(i)) == []
        assert heard == []

    def test_one_executor_runs_again_and_again(self, executor: Executor) -> None:
        assert [executor.run(n, [3], work.power) for n in (1, 2, 3)] == [[3], [9], [27]]

    def test_of_several_exceptions_that_of_the_first_task_is_raised(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        heard: list[int] = []
        with pytest.raises(work.TroubleError, match="trouble with 2") as caught:
            executor.run(
                str(tmp_path),
                range(200),
                work.fail_at_two_and_three,
                done=lambda i, _: heard.append(i),
            )
        assert type(caught.value) is work.TroubleError
        assert caught.value.index == 2
        assert {0, 1} <= set(heard)
        assert len(heard) == len(set(heard))
        assert started(tmp_path) < 200

    def test_an_error_of_ours_keeps_its_parts(self, executor: Executor) -> None:
        with pytest.raises(
            WindowError,
            match=r"^window of EUR_USD: got 1; allowed: a later end. Did you mean '11'\?",
        ) as caught:
            executor.run("EUR_USD", [1], work.refuse)
        assert (caught.value.what, caught.value.suggestion) == ("window of EUR_USD", "11")

    def test_what_done_raises_ends_the_run(self, executor: Executor, tmp_path: Path) -> None:
        def full(index: int, result: int) -> None:
            raise OSError(f"no space for {index}: {result}")

        with pytest.raises(OSError, match="no space for"):
            executor.run((str(tmp_path), 0.02), range(200), work.mark_and_nap, done=full)
        assert started(tmp_path) < 200

    def test_a_request_to_stop_ends_the_run_and_tells_what_is_done(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        heard: set[int] = set()
        with pytest.raises(CancelledRunError, match=r"run of 200 tasks: got a request") as caught:
            executor.run(
                (str(tmp_path), 0.02),
                range(200),
                work.mark_and_nap,
                cancelled=lambda: len(heard) >= 3,
                done=lambda i, _: heard.add(i),
            )
        assert caught.value.done == tuple(sorted(heard))
        assert 3 <= len(heard) <= started(tmp_path) < 200

    def test_a_run_cancelled_before_it_begins_starts_nothing(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        with pytest.raises(CancelledRunError, match="after 0 of them") as caught:
            executor.run((str(tmp_path), 0.0), range(9), work.mark_and_nap, cancelled=lambda: True)
        assert caught.value.done == ()
        assert started(tmp_path) == 0

    def test_structured_arrays_pass_unchanged_both_ways(self, executor: Executor) -> None:
        shared = np.zeros(40_000, work.ROW)
        shared["cell"] = np.arange(len(shared))
        shared["pnl"] = np.linspace(-1.0, 1.0, len(shared))
        shared["fills"] = (1, 2, 3, 0, 0, 0, 0, 255)
        before = shared.tobytes()
        tasks = [slice(i, i + 10_000) for i in range(0, 40_000, 10_000)]
        parts = executor.run(shared, tasks, work.rows)
        assert shared.tobytes() == before
        expected = shared.copy()
        expected["pnl"] *= 2
        assert [part.dtype for part in parts] == [work.ROW] * 4
        assert all(part.dtype.isalignedstruct for part in parts)
        assert b"".join(part.tobytes() for part in parts) == expected.tobytes()
        assert all(part.flags.writeable for part in parts)


class GivesUpContract(ExecutorContract):
    """Of executors that work outside the calling thread."""

    def test_a_request_to_stop_does_not_wait_for_tasks_that_run_on(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        def stop() -> bool:
            return started(tmp_path) > 0

        try:
            with pytest.raises(CancelledRunError, match="after 0 of them"):
                executor.run(str(tmp_path), range(50), work.block, cancelled=stop)
            assert started(tmp_path) < 50
        finally:
            release(tmp_path)

    def test_stopping_takes_less_than_a_second_beside_the_work_of_the_caller(self) -> None:
        assert POLL_S <= 0.2
        assert POLL_S + GRACE_S < 0.8
