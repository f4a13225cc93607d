"""How a long command is asked to stop: by a signal, which it sees within a moment."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; a second one ends the process at once.

    The second is left to the system, which needs no Python for it: it works while compiled
    code runs, and while threads finish behind the block. Where no signal came, what handled
    them before does so again afterwards. For the main thread.
    """
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        stop.set()

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            if not stop.is_set():
                signal.signal(number, handler)
