"""What the rest of hotband may ask of a store, whatever keeps the rows.

Every implementation passes the contract suites in ``tests/contract``.
"""

from typing import Protocol

from hotband.gates.events import Gates
from hotband.market.bars import Bars


class BarStore(Protocol):
    """Bars at rest, by instrument and granularity."""

    def instruments(self, granularity: str | None = None) -> tuple[str, ...]:
        """Names held (at that granularity), sorted."""
        ...

    def granularities(self, instrument: str) -> tuple[str, ...]:
        """Granularities held of the instrument, shortest first; empty if none."""
        ...

    def read(self, instrument: str, granularity: str, start_ns: int, end_ns: int) -> Bars:
        """The bars that open at or after the start and are known by the end.

        Where rows of several origins meet, ``side_origin`` is the weakest of them (mid, ask,
        bid, ba) and ``source`` joins their names with ``+``. Empty only for a window inside
        the extent.

        Raises:
            StoreError: The store does not hold the instrument or the granularity.
            WindowError: An empty window, or one without bars that leaves the extent.
        """
        ...

    def append(self, bars: Bars, *, replace: bool = False) -> int:
        """Add bars, all or none; returns how many rows are new or were changed.

        Raises:
            BarsError: A held bar of the same time differs, unless ``replace``.
        """
        ...

    def extent(self, instrument: str, granularity: str) -> tuple[int, int] | None:
        """Open times of the first and last bar, ns; None = nothing held."""
        ...


class GateStore(Protocol):
    """Gate events at rest, by instrument."""

    def instruments(self) -> tuple[str, ...]:
        """Names held, sorted."""
        ...

    def read(self, instrument: str, start_ns: int, end_ns: int) -> Gates:
        """The gates known at or after the start and before the end.

        Empty only for a window inside the extent.

        Raises:
            StoreError: The store does not hold the instrument.
            WindowError: An empty window, or one without gates that leaves the extent.
        """
        ...

    def append(self, gates: Gates, *, replace: bool = False) -> int:
        """Add gates, all or none; returns how many rows are new or were changed.

        Raises:
            GatesError: A held gate of the same known time differs, unless ``replace``.
        """
        ...

    def extent(self, instrument: str) -> tuple[int, int] | None:
        """Known times of the first and last gate, ns; None = nothing held."""
        ...
