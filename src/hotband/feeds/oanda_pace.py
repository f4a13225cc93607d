"""How fast OANDA is asked: far below what it refuses, whoever shares the address.

The API refuses more than 120 requests and 2 new connections a second from one address; other
programs of the same house count there too.
"""

import threading
import time
from typing import Final

from hotband.errors import InputError

REQUESTS_A_SECOND: Final = 40.0
REQUESTS_AT_ONCE: Final = 5
SECONDS_A_CONNECTION: Final = 1.0
"""Between two new connections; half of what is allowed, as delays on the way bunch them."""


class Pace:
    """A bucket of tokens, one per act, that fills at a steady rate; safe between threads.

    In any second at most ``per_second + at_once`` acts begin. ``taken`` counts them.

    Args:
        per_second: Acts a second in the long run, above 0.
        at_once: Acts that may follow each other without a wait after a rest, 1 or more.
    """

    def __init__(self, per_second: float, at_once: int) -> None:
        if not (0 < per_second < float("inf") and at_once >= 1):
            got = f"{per_second} a second, {at_once} at once"
            raise InputError("pace", got, "above 0, and 1 or more", "Correct the pace.")
        self._per_second, self._at_once = per_second, at_once
        self._lock = threading.Lock()
        self._held, self._at = float(at_once), time.monotonic()
        self.taken = 0

    def wait(self) -> float:
        """Wait for a token and take it; the seconds that it took."""
        with self._lock:
            now = time.monotonic()
            self._held = min(self._at_once, self._held + (now - self._at) * self._per_second)
            self._at = now
            # Tokens are promised ahead, so that waiting threads do not meet at the same one.
            self._held -= 1.0
            self.taken += 1
            pause = max(0.0, -self._held / self._per_second)
        if pause:
            time.sleep(pause)
        return pause


def requests_pace() -> Pace:
    """A pace for requests, of which any second sees 45 at most."""
    return Pace(REQUESTS_A_SECOND, REQUESTS_AT_ONCE)


def connections_pace() -> Pace:
    """A pace for new connections: one a second."""
    return Pace(1.0 / SECONDS_A_CONNECTION, 1)
