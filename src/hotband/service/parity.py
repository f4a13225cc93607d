"""What the certificates prove of a run's cells as of now, worked out again only on a change."""

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from hotband.artefacts.parity import Parity
from hotband.artefacts.schemas import Latest
from hotband.artefacts.values import RunId
from hotband.service.certificates import CertificateShelf
from hotband.service.library import Library
from hotband.service.problems import redacted
from hotband.service.results.replies import Reply
from hotband.weekly.parity import parity_of_run

if TYPE_CHECKING:
    from hotband.service.held import Stamp

KEPT: Final = 8
FRESH_S: Final = 60.0
"""The code may change under a service that goes on: what is proven is asked again after this."""


class RunParity(Reply):
    """What is proven of a run's instruments now; those that failed in the run are left out."""

    run_id: RunId
    parity: dict[str, Parity]


class Parities:
    """What is proven of runs, for many readers at once."""

    def __init__(self, library: Library, shelf: CertificateShelf) -> None:
        self._library = library
        self._shelf = shelf
        self._held: OrderedDict[str, tuple[float, tuple[object, ...], dict[str, Parity]]]
        self._held = OrderedDict()
        self._turn = threading.Lock()

    def of_run(self, latest: Latest) -> dict[str, Parity]:
        """By instrument; reasons name no path."""
        stamps: tuple[tuple[str, Stamp], ...] = tuple(
            sorted((path.name, stamp) for path, stamp in self._shelf.stamps().items())
        )
        with self._turn:
            held = self._held.get(latest.run_id)
            if held and held[1] == stamps and time.monotonic() - held[0] < FRESH_S:
                self._held.move_to_end(latest.run_id)
                return held[2]
            found = {
                name: _told(each)
                for name, each in parity_of_run(self._library.folder.root, latest).items()
            }
            self._held[latest.run_id] = (time.monotonic(), stamps, found)
            while len(self._held) > KEPT:
                self._held.popitem(last=False)
        return found

    def of_week(self, week: str) -> dict[str, Parity]:
        """Of the newest archived result of a week; empty where none is kept any longer."""
        latest = self._library.of_week(week)
        return {} if latest is None else self.of_run(latest)


def _told(parity: Parity) -> Parity:
    if parity.reason is None:
        return parity
    return parity.model_copy(update={"reason": redacted(parity.reason)})
