"""The look-ahead proof for gate producers: a gate known at a time hangs on nothing after it."""

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from hotband.core.records import Records
from hotband.feeds.demo import demo_bars
from hotband.gates.events import Gates
from hotband.gates.producer import GateProducer, produced
from hotband.market.bars import PRICES, Bars
from hotband.market.calendar import parse_time
from hotband.stores.memory import memory_bars
from hotband.stores.ports import GateStore
from hotband.stores.produced import ProducedGates
from hotband.testing.reading import ReadOnlyGateStoreContract
from hotband.testing.samples import FRESH, INHERITED

START_NS = parse_time("2025-04-02T00:00:00Z")
END_NS = parse_time("2025-04-03T00:00:00Z")


class GateProducerContract(ReadOnlyGateStoreContract):
    """Subclasses give ``new_producer`` and ``source``, which is ``producer:NAME``.

    ``bars`` may be overridden, where a strategy asks for others: it must give gates on them.
    """

    def new_producer(self) -> GateProducer:
        """The producer, with the settings to test."""
        raise NotImplementedError

    def bars(self) -> Bars:
        """A day of one-minute bars of the demo market."""
        return demo_bars(("EUR_USD",), START_NS, END_NS, seed=11)["EUR_USD"]

    def filled_store(self) -> GateStore:
        """The store of the producer's gates on ``bars``."""
        bars = self.bars()
        store = memory_bars(f"producer{next(FRESH)}")
        store.append(bars)
        return ProducedGates(self.new_producer(), store, bars.granularity)

    def test_its_name_is_in_the_source(self) -> None:
        assert f"producer:{self.new_producer().name}" == self.source

    def test_no_bars_give_no_gates(self) -> None:
        assert len(self._gates(self.bars(), 0)) == 0

    @settings(max_examples=25, deadline=None, suppress_health_check=INHERITED)
    @given(data=st.data())
    def test_history_cut_at_any_time_gives_the_same_gates_until_then(
        self, data: st.DataObject
    ) -> None:
        bars = self.bars()
        end = data.draw(st.integers(1, len(bars)), label="bars that are left")
        assert self._gates(bars, end).data.tobytes() == self._until(bars, end).tobytes()

    @settings(max_examples=25, deadline=None, suppress_health_check=INHERITED)
    @given(data=st.data())
    def test_another_future_gives_the_same_gates_until_then(self, data: st.DataObject) -> None:
        bars = self.bars()
        end = data.draw(st.integers(1, len(bars)), label="bars that stay as they are")
        factor = data.draw(st.floats(0.5, 2.0), label="factor on later prices")
        other = bars.data.copy()
        for name in PRICES:
            other[name][end:] *= factor
        changed = dataclasses.replace(bars, data=other)
        assert self._until(changed, end).tobytes() == self._until(bars, end).tobytes()

    @settings(max_examples=25, deadline=None, suppress_health_check=INHERITED)
    @given(data=st.data())
    def test_what_is_older_than_the_memory_counts_for_nothing(self, data: st.DataObject) -> None:
        producer, bars = self.new_producer(), self.bars()
        if producer.memory_bars is None:
            return
        first = data.draw(st.integers(0, len(bars) - 1), label="bars that are missing")
        short = dataclasses.replace(bars, data=bars.data[first:])
        warm = min(first + producer.memory_bars - 1, len(bars) - 1)
        since = int(bars.known_ns[warm])
        part, whole = (produced(producer, each).data for each in (short, bars))
        assert part[part["known"] > since].tobytes() == whole[whole["known"] > since].tobytes()

    def _gates(self, bars: Bars, rows: int) -> Gates:
        return produced(self.new_producer(), dataclasses.replace(bars, data=bars.data[:rows]))

    def _until(self, bars: Bars, rows: int) -> Records:
        gates = produced(self.new_producer(), bars).data
        until: Records = gates[gates["known"] <= bars.known_ns[rows - 1]]
        return until
