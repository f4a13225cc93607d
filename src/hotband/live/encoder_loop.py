"""The supervised encoder: follows a bar store and publishes gates until it is told to stop.

The loop remembers no bar. At each poll it asks the gate store which gate is the latest and
encodes the bars known since, so that a restart at any moment neither skips nor repeats one.
"""

import json
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from hotband.errors import StoreError
from hotband.gates.encoder_state import EncoderSettings
from hotband.gates.ports import GateStore
from hotband.research.encoding import Encoded, encode_missing
from hotband.stores.ports import BarStore

LONGEST_PAUSE_S = 30.0
"""The most seconds between two attempts while no store answers."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What could not be encoded at this poll, and why; ``instrument`` None = none could."""

    instrument: str | None
    words: str

    def to_dict(self) -> dict[str, object]:
        """The trouble as JSON-safe values."""
        return {"instrument": self.instrument, "trouble": self.words}


class EncoderLoop:
    """Publishes the gates of some instruments as their bars come in.

    Args:
        bars, gates: The stores.
        instruments: Gives what to encode, asked at each poll.
        granularity: Of the bars.
        back_days: Where the gate store holds none of an instrument, begin so many days before
            its last bar; None = with its first bar.
        settings: Of the encoder, by instrument.
    """

    def __init__(
        self,
        bars: BarStore,
        gates: GateStore,
        instruments: Callable[[], Sequence[str]],
        granularity: str,
        *,
        back_days: float | None = None,
        settings: Callable[[str], EncoderSettings] = lambda _: EncoderSettings(),
    ) -> None:
        self.bars = bars
        self.gates = gates
        self.instruments = instruments
        self.granularity = granularity
        self.back_days = back_days
        self.settings = settings
        self._said: dict[str | None, str] = {}

    def poll(self) -> list[Encoded | Trouble]:
        """One pass over all instruments; one that fails does not stop the others."""
        try:
            names = self.instruments()
        except StoreError as error:
            return [Trouble(None, str(error))]
        found: list[Encoded | Trouble] = []
        for name in names:
            try:
                found.append(
                    encode_missing(
                        self.bars,
                        self.gates,
                        name,
                        self.granularity,
                        back_days=self.back_days,
                        settings=self.settings(name),
                    )
                )
            except StoreError as error:
                found.append(Trouble(name, str(error)))
        return found

    def report(self, found: Sequence[Encoded | Trouble], say: Callable[[str], None]) -> bool:
        """Say what changed, as one JSON line each; whether there is any trouble.

        Trouble is said when it begins or changes, and once more when it is over.
        """
        for each in found:
            if isinstance(each, Trouble):
                if self._said.get(each.instrument) != each.words:
                    say(json.dumps(each.to_dict()))
                self._said[each.instrument] = each.words
                continue
            over = self._said.pop(each.instrument, None) or self._said.pop(None, None)
            if each.added or over:
                say(json.dumps(each.to_dict()))
        return any(isinstance(each, Trouble) for each in found)

    def run(self, stop: threading.Event, poll_s: float, say: Callable[[str], None]) -> None:
        """Poll every ``poll_s`` seconds until ``stop`` is set; slower while nothing works.

        Errors that no waiting can mend are raised.
        """
        pause = poll_s
        while not stop.is_set():
            found = self.poll()
            self.report(found, say)
            stuck = bool(found) and all(isinstance(each, Trouble) for each in found)
            pause = min(max(poll_s, LONGEST_PAUSE_S), 2.0 * pause) if stuck else poll_s
            stop.wait(pause)


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; what handled them before does so again afterwards."""
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
