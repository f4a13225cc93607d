"""The supervised encoder: follows a bar store and publishes gates until it is told to stop.

The loop remembers no bar. At each poll it asks the gate store which gate is the latest and
encodes the bars known since, so that a restart at any moment neither skips nor repeats one.
"""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hotband.errors import HotbandError, IntegrityError, StoreError
from hotband.research.encoding import Encoded, HistoryEncoder

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
        encoder: Of the two stores.
        instruments: Gives what to encode, asked at each poll.
        back_days: Where the gate store holds none of an instrument, begin so many days before
            its last bar; None = with its first bar.
        audit_every: Polls from one comparison of the last day's gates with its bars to the next.
    """

    def __init__(
        self,
        encoder: HistoryEncoder,
        instruments: Callable[[], Sequence[str]],
        *,
        back_days: float | None = None,
        audit_every: int = 300,
    ) -> None:
        self.encoder = encoder
        self.instruments = instruments
        self.back_days = back_days
        self.audit_every = audit_every
        self._polls = 0
        self._said: dict[str | None, str] = {}

    def poll(self, stop: threading.Event | None = None) -> list[Encoded | Trouble]:
        """One pass over all instruments; one that fails does not stop the others.

        A defect of our own (IntegrityError) is raised.
        """
        try:
            names = self.instruments()
        except StoreError as error:
            return [Trouble(None, str(error))]
        audits = self._polls % self.audit_every == self.audit_every - 1
        self._polls += 1
        found: list[Encoded | Trouble] = []
        for name in names:
            if stop is not None and stop.is_set():
                break
            try:
                found.append(self.encoder.encode_missing(name, back_days=self.back_days))
                audit = self.encoder.audit(name) if audits else None
                if audit is not None and not audit.sound:
                    found[-1] = Trouble(name, audit.words)
            except IntegrityError:
                raise
            except HotbandError as error:
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
            over = [self._said.pop(name, None) for name in (each.instrument, None)]
            if each.added or any(over):
                say(json.dumps(each.to_dict()))
        return any(isinstance(each, Trouble) for each in found)

    def run(self, stop: threading.Event, poll_s: float, say: Callable[[str], None]) -> None:
        """Poll every ``poll_s`` seconds until ``stop`` is set; slower while nothing works.

        Errors that no waiting can mend are raised.
        """
        pause = poll_s
        while not stop.is_set():
            found = self.poll(stop)
            self.report(found, say)
            stuck = bool(found) and all(isinstance(each, Trouble) for each in found)
            pause = min(max(poll_s, LONGEST_PAUSE_S), 2.0 * pause) if stuck else poll_s
            stop.wait(pause)
