"""What a session does counts once its line is safe; a disk that is full loses and doubles none."""

import asyncio
import resource
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.live.paper_weeks import arrivals, begun, hand_over

from hotband.errors import IntegrityError, StoreError
from hotband.live.arrivals import Arrival
from hotband.live.driver import PaperDriver
from hotband.live.paper import Timings, run_paper
from hotband.live.reconcile import certify_session
from hotband.live.recording import FILE, Recording
from hotband.market.calendar import MINUTE_NS


@contextmanager
def full_disk(most: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def live(some: list[Arrival]) -> list[Arrival]:
    return [
        replace(each, now_ns=each.t_ns + 5 * MINUTE_NS) if each.kind == "close" else each
        for each in some
    ]


def followed(driver: PaperDriver, some: list[Arrival]) -> tuple[list[dict[str, Any]], Timings]:
    said: list[dict[str, Any]] = []

    async def source() -> AsyncIterator[Arrival]:
        for each in live(some):
            yield each

    return said, asyncio.run(run_paper(driver, source(), asyncio.Event(), said.append))


def test_with_a_full_disk_nothing_is_done_and_all_of_it_once_there_is_room(tmp_path: Path) -> None:
    driver = begun(tmp_path / "it")
    third = len(arrivals()) // 3
    said: list[dict[str, Any]] = []
    closed: list[int] = []

    async def source() -> AsyncIterator[Arrival]:
        for each in live(arrivals()[:third]):
            yield each
        driver.recording.flush()
        closed.append(driver.session.closed_ns)
        with full_disk((tmp_path / "it" / FILE).stat().st_size):
            for each in live(arrivals()[third : 2 * third]):
                yield each
        closed.append(driver.session.closed_ns)
        for each in live(arrivals()[2 * third :]):
            yield each

    asyncio.run(run_paper(driver, source(), asyncio.Event(), said.append))
    driver.stop()
    assert closed[0] == closed[1] < driver.session.closed_ns
    troubles = [line["trouble"] for line in said if "trouble" in line]
    assert len(troubles) == 2
    assert troubles[1] == "the recording can be written again"
    steps = [e.values["t"] for e in Recording(tmp_path / "it").entries() if e.kind == "step"]
    assert steps == sorted(set(steps))
    assert len(steps) == len({e.t_ns for e in arrivals() if e.kind == "close"})
    resumed = PaperDriver.resume(tmp_path / "it")
    resumed.stop()
    assert resumed.session.fills.tobytes() == driver.session.fills.tobytes()
    assert certify_session(tmp_path / "it").reproduced


def test_a_closing_is_safe_in_the_file_before_anything_of_it_is_done(tmp_path: Path) -> None:
    driver = begun(tmp_path / "it")
    some = arrivals()
    first = next(k for k, each in enumerate(some) if each.kind == "close")
    hand_over(driver, some[:first])
    with full_disk((tmp_path / "it" / FILE).stat().st_size), pytest.raises(StoreError, match=FILE):
        driver.close(some[first].t_ns)
    assert driver.session.waiting
    driver.close(some[first].t_ns)
    assert not driver.session.waiting
    driver.stop()
    kinds = [entry.kind for entry in Recording(tmp_path / "it").entries()]
    assert kinds.count("close") == kinds.count("step") == 1


def test_one_recording_is_not_gone_on_with_twice_at_a_time(tmp_path: Path) -> None:
    driver = begun(tmp_path / "it")
    hand_over(driver, arrivals()[:20])
    with pytest.raises(StoreError, match="another run, process"):
        PaperDriver.resume(tmp_path / "it")
    driver.stop()
    PaperDriver.resume(tmp_path / "it").stop()


def test_a_recording_that_is_still_written_is_not_read_before_it_is_refused(tmp_path: Path) -> None:
    """Lines that its session writes while another one takes it in would be missing there."""
    driver = begun(tmp_path / "it")
    hand_over(driver, arrivals()[:40])
    driver.recording.sync()
    journal = tmp_path / "it" / FILE
    text = journal.read_bytes()
    assert b'"balance":100000.0' in text
    journal.write_bytes(text.replace(b'"balance":100000.0', b'"balance":100000.5'))
    with pytest.raises(StoreError, match="another run, process"):
        PaperDriver.resume(tmp_path / "it")
    driver.stop()
    with pytest.raises(IntegrityError, match="another outcome"):
        PaperDriver.resume(tmp_path / "it")
    journal.write_bytes(text)
    PaperDriver.resume(tmp_path / "it").stop()


def test_times_of_decisions_are_told_with_and_without_the_disk(tmp_path: Path) -> None:
    driver = begun(tmp_path / "it")
    _, timings = followed(driver, arrivals()[:200])
    driver.stop()
    told = timings.to_dict()
    for kind in ("cpu", "in_process", "with_sync"):
        assert told[kind]["p50_ms"] <= told[kind]["p99_ms"] <= told[kind]["max_ms"]
        assert sum(told[kind]["histogram"].values()) == told["events"] > 20
    assert told["in_process"]["p50_ms"] < told["with_sync"]["p50_ms"]


def test_without_a_decision_there_are_no_times() -> None:
    assert Timings().to_dict() == {
        "events": 0, "cpu": None, "in_process": None, "with_sync": None,
    }  # fmt: skip
