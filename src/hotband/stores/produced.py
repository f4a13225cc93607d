"""A gate store that holds nothing: it makes a strategy's gates from a bar store when asked.

The same window always has the same gates, however it is cut, because every question is answered
from bars as far back as the producer's memory goes. Nothing is kept between two questions, so
that bars which were corrected meanwhile count at once.
"""

from typing import Final, NamedTuple, Self

import numpy as np

from hotband.errors import StoreError
from hotband.gates.events import Gates
from hotband.gates.producer import GateProducer, produced
from hotband.market.bars import Bars, Int64Array, require_window
from hotband.market.calendar import parse_granularity
from hotband.stores.ports import BarStore
from hotband.stores.tabular import refuse_outside, refuse_unknown

CHUNK_BARS: Final = 5_000
"""Bars of the first look for an instrument's first or last gate; each next one is twice that."""


class OpenToRun(NamedTuple):
    """What a run may choose of the bars of a producer, because nobody has."""

    bars: bool
    granularity: bool


FIXED: Final = OpenToRun(bars=False, granularity=False)


class ProducedGates:
    """A read-only ``GateStore`` over bars; ``complete``: where it has no gate there is none.

    Args:
        producer: Makes gates of bars.
        bars: Where they are read.
        granularity: Of the bars that the producer is handed.
        open_to_run: What ``in_run`` may change.

    Raises:
        StoreError: A memory of the producer's below one bar.
    """

    complete = True

    def __init__(
        self,
        producer: GateProducer,
        bars: BarStore,
        granularity: str = "M1",
        open_to_run: OpenToRun = FIXED,
    ) -> None:
        memory = producer.memory_bars
        if memory is not None and memory < 1:
            do = "Count the bar that makes the gate."
            raise StoreError(f"memory_bars of {producer.name}", memory, "1 or more, or None", do)
        self.producer, self.granularity = producer, granularity
        self.name = f"{producer.name} on {granularity} of {bars!r}"
        self._bars, self._step = bars, parse_granularity(granularity)
        self._open = open_to_run

    def in_run(self, bars: BarStore, granularity: str) -> Self:
        """The gates of a run over these bars, as far as the run may choose."""
        return type(self)(
            self.producer,
            bars if self._open.bars else self._bars,
            granularity if self._open.granularity else self.granularity,
        )

    def __repr__(self) -> str:
        return f"GateStore({self.name})"

    def instruments(self) -> tuple[str, ...]:
        """Those with bars of the granularity and at least one gate, sorted."""
        held = self._bars.instruments(self.granularity)
        return tuple(name for name in held if self._first(name) is not None)

    def read(self, instrument: str, start_ns: int, end_ns: int) -> Gates:
        """See ``GateStore.read``; a window inside the bars without a gate is an empty success."""
        require_window(start_ns, end_ns)
        held = self._held(instrument)
        if held is None:
            known = self._bars.instruments(self.granularity)
            raise refuse_unknown(self.name, "instrument", instrument, known)
        # The first bar is known one step after it opens, and no gate before it.
        extent = (held[0] + self._step, held[1] + self._step)
        gates = self._window(instrument, start_ns, end_ns)
        if not len(gates):
            what = f"gates of {instrument}"
            refuse_outside(self.name, what, (start_ns, end_ns), extent, extent[1] + 1)
        return gates

    def append(self, gates: Gates, *, replace: bool = False) -> int:
        """Refused: there is nowhere to put them."""
        raise StoreError(
            f"gates of {gates.instrument} to {'replace' if replace else 'append'} in {self.name}",
            f"{len(gates)} gates",
            "none: its gates are made from bars",
            "Append bars instead, or name a store that keeps gates.",
        )

    def extent(self, instrument: str) -> tuple[int, int] | None:
        """See ``GateStore.extent``."""
        first, last = self._first(instrument), self.latest(instrument)
        return None if first is None or last is None else (first, int(last.data["known"][0]))

    def latest(self, instrument: str) -> Gates | None:
        """See ``GateStore.latest``."""
        held = self._held(instrument)
        if held is None:
            return None
        end, size = held[1] + self._step + 1, CHUNK_BARS
        while True:
            start = end - size * self._step
            found = self._window(instrument, start, end)
            if len(found):
                known = int(found.data["known"][-1])
                return found.window(known, known + 1)
            if start <= held[0]:
                return None
            size *= 2

    def kept_from(self, known_ns: Int64Array) -> int:
        """See ``GateStore.kept_from``: it keeps none."""
        return len(known_ns)

    def _held(self, instrument: str) -> tuple[int, int] | None:
        return self._bars.extent(instrument, self.granularity)

    def _first(self, instrument: str) -> int | None:
        """When the first gate was known, ns; None = there is none, or no bar."""
        held = self._held(instrument)
        if held is None:
            return None
        start, size = held[0], CHUNK_BARS
        while start <= held[1] + self._step:
            found = self._window(instrument, start, start + size * self._step)
            if len(found):
                return int(found.data["known"][0])
            start, size = start + size * self._step, size * 2
        return None

    def _window(self, instrument: str, start_ns: int, end_ns: int) -> Gates:
        """The gates known in [start, end) of an instrument that has bars."""
        history = self._history(instrument, start_ns, end_ns)
        return produced(self.producer, history).window(start_ns, end_ns)

    def _history(self, instrument: str, start_ns: int, end_ns: int) -> Bars:
        """The bars known before the end, and before the start as many as the producer remembers."""
        held = self._held(instrument) or (start_ns, start_ns)
        oldest, newest = held[0], held[1] + self._step
        memory, reach = self.producer.memory_bars, oldest
        end = min(max(end_ns - 1, oldest + self._step), newest)  # known before the window's end
        back = 0 if memory is None else memory
        while True:
            if memory is not None:
                reach = max(oldest, min(start_ns, end - self._step) - back * self._step)
            bars = self._bars.read(instrument, self.granularity, reach, end)
            before = int(np.searchsorted(bars.known_ns, start_ns))
            if reach <= oldest or (memory is not None and before >= memory - 1):
                return bars
            back *= 2
