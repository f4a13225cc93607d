"""Signals stop a run within a moment, once gently and then at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.canary.sizes import ROOT

from hotband.stopping import SIGNALS, stop_on_signals

SOURCES = {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
BUSY = """
import sys, time
from pathlib import Path
from hotband.stopping import stop_on_signals

with stop_on_signals() as stop:
    Path(sys.argv[1]).touch()
    stop.wait()
    Path(sys.argv[2]).touch()
    {then}
"""


def wait_for(path: Path) -> None:
    end = time.monotonic() + 60.0
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_sets_the_event(number: signal.Signals) -> None:
    before = {each: signal.getsignal(each) for each in SIGNALS}
    try:
        with stop_on_signals() as stop:
            assert not stop.is_set()
            signal.raise_signal(number)
            assert stop.is_set()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def test_without_a_signal_the_handlers_of_before_are_back() -> None:
    before = {each: signal.getsignal(each) for each in SIGNALS}
    with stop_on_signals():
        assert signal.getsignal(signal.SIGINT) is not before[signal.SIGINT]
    assert {each: signal.getsignal(each) for each in SIGNALS} == before


@pytest.mark.parametrize(("first", "second"), [SIGNALS, SIGNALS[::-1], SIGNALS[:1] * 2])
@pytest.mark.parametrize("then", ["time.sleep(120)", "pass\ntime.sleep(120)"])
def test_the_second_signal_ends_the_process_at_once(
    first: signal.Signals, second: signal.Signals, then: str, tmp_path: Path
) -> None:
    """Inside the block and behind it, whatever the process is doing."""
    started, asked = tmp_path / "started", tmp_path / "asked"
    command = [sys.executable, "-c", BUSY.format(then=then), str(started), str(asked)]
    with subprocess.Popen(command, env=os.environ | SOURCES, stderr=subprocess.PIPE) as busy:
        wait_for(started)
        busy.send_signal(first)
        wait_for(asked)
        assert busy.poll() is None
        busy.send_signal(second)
        _, told = busy.communicate(timeout=60)
    assert (busy.returncode, told) == (-second, b"")
