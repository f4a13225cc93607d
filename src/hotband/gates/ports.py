"""What gates need of a store; every implementation passes a suite of ``hotband.testing``."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from hotband.gates.events import Gates


class GateStore(Protocol):
    """Gate events at rest, by instrument.

    A store may have an attribute ``complete`` that is true: where it has no gate there was none,
    so that nothing is derived from bars in its place. A strategy of somebody's own says so.
    """

    def instruments(self) -> tuple[str, ...]:
        """Names held, sorted."""
        ...

    def read(self, instrument: str, start_ns: int, end_ns: int) -> Gates:
        """The gates known from the start to before the end; none only inside the extent.

        Raises:
            StoreError: The store does not hold the instrument, or is not available.
            WindowError: An empty window, or one without gates that leaves the extent.
        """
        ...

    def append(self, gates: Gates, *, replace: bool = False) -> int:
        """Add gates, all or none; how many are new or changed.

        Raises GatesError where a held gate of that time differs, unless ``replace``.
        """
        ...

    def extent(self, instrument: str) -> tuple[int, int] | None:
        """Known times of the first and last gate, ns; None = nothing held."""
        ...

    def latest(self, instrument: str) -> Gates | None:
        """The gate known last, alone; None = nothing held."""
        ...

    def kept_from(self, known_ns: npt.NDArray[np.int64]) -> int:
        """Of gates known at these increasing times, the first that its retention would keep."""
        ...
