"""How far a run of the grid is: counted in one place, for listeners and for artefacts."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from hotband.artefacts.values import Progress


@dataclass(frozen=True, slots=True)
class GridProgress:
    """How far a run is; ``instrument`` is the one being swept."""

    instrument: str
    completed: int
    total: int
    reused: int
    seconds: float

    @property
    def cells_per_second(self) -> float | None:
        """Over the cells swept by this call; None before the first."""
        swept = self.completed - self.reused
        return swept / self.seconds if swept > 0 and self.seconds > 0 else None

    @property
    def eta_seconds(self) -> float | None:
        """Seconds to go at that rate."""
        rate = self.cells_per_second
        return None if rate is None else (self.total - self.completed) / rate

    def to_artefact(self) -> Progress:
        """The same as artefacts say it."""
        return Progress.of(self.completed, self.total, self.cells_per_second)


Listener = Callable[[GridProgress], None]


class Meter:
    """Counts the cells of a run that are done, from the moment it is made."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.completed = 0
        self.reused = 0
        self._started = time.monotonic()

    def add(self, cells: int, *, reused: bool = False) -> None:
        """Cells that are done; ``reused`` where an earlier call did them."""
        self.completed += cells
        self.reused += cells if reused else 0

    def read(self, instrument: str = "") -> GridProgress:
        """Where the run is now."""
        seconds = time.monotonic() - self._started
        return GridProgress(instrument, self.completed, self.total, self.reused, seconds)
