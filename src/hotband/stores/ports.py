"""What the rest of hotband may ask of a store, whatever keeps the rows.

Every implementation passes the contract suites in ``tests/contract``.
"""

from typing import Protocol

from hotband.gates.ports import GateStore
from hotband.market.bars import Bars

__all__ = ["BarStore", "GateStore"]


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
