"""Gates that are made from bars when asked: what a producer may do, and what catches a cheat."""

from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.contract.samples import END_NS, START_NS, bars_at, gates_at

from hotband.errors import GatesError, StoreError
from hotband.gates.events import Gates
from hotband.gates.producer import GateProducer, gates_on, produced
from hotband.gates.reader import GateReader
from hotband.market.bars import Bars
from hotband.market.calendar import DEFAULT_HOURS, MINUTE_NS
from hotband.stores.memory import memory_bars
from hotband.stores.produced import ProducedGates
from hotband.testing import GateProducerContract

FRESH = count()


@dataclass
class Turns:
    """A gate on every bar that closes above (+1) or below (-1) the mean of some around it."""

    back: int = 2
    ahead: int = 0
    memory_bars: int | None = 3
    name: str = "turns"

    def gates(self, bars: Bars) -> Gates:
        close = bars.data["bid_c"]
        around = [np.roll(close, shift) for shift in range(-self.ahead, self.back + 1)]
        side = np.sign(close - np.mean(around, axis=0)).astype(np.int64)
        side[: self.back] = 0
        rows = side != 0
        ones = np.ones(int(rows.sum()), np.int64)
        return gates_on(bars, rows, side[rows], ones * 0.25, ones)


class TestWithMemory(GateProducerContract):
    source = "producer:turns"

    def new_producer(self) -> GateProducer:
        return Turns()


class TestOnAllHistory(GateProducerContract):
    source = "producer:turns"

    def new_producer(self) -> GateProducer:
        return Turns(memory_bars=None)


class Cheating(GateProducerContract):
    __test__ = False
    source = "producer:turns"
    made = Turns()

    def new_producer(self) -> GateProducer:
        return self.made


@pytest.mark.parametrize(
    ("made", "test"),
    [
        (Turns(ahead=1), Cheating.test_history_cut_at_any_time_gives_the_same_gates_until_then),
        (Turns(ahead=1), Cheating.test_another_future_gives_the_same_gates_until_then),
        (Turns(memory_bars=1), Cheating.test_what_is_older_than_the_memory_counts_for_nothing),
        (Turns(memory_bars=1), Cheating.test_any_window_holds_the_gates_known_in_it),
    ],
)
def test_the_suite_catches_what_it_is_for(made: Turns, test: Any) -> None:
    suite = Cheating()
    suite.made = made

    @settings(deadline=None, phases=(Phase.generate,))  # the smallest example takes minutes
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        test.hypothesis.inner_test(suite, data=data)

    with pytest.raises(AssertionError):
        run()


def test_the_suite_catches_another_name() -> None:
    suite = Cheating()
    suite.made = Turns(name="other")
    with pytest.raises(AssertionError):
        suite.test_its_name_is_in_the_source()


def store_of(bars: Bars, producer: GateProducer | None = None) -> ProducedGates:
    held = memory_bars(f"produced{next(FRESH)}")
    held.append(bars)
    return ProducedGates(producer or Turns(), held)


def test_gates_come_from_the_bars_as_they_are_now() -> None:
    held = memory_bars(f"produced{next(FRESH)}")
    held.append(bars_at(range(10)))
    store = ProducedGates(Turns(), held)
    first = store.extent("EUR_USD")
    held.append(bars_at(range(30), 1.2), replace=True)
    assert first == (START_NS + 3 * MINUTE_NS, START_NS + 10 * MINUTE_NS)
    assert store.extent("EUR_USD") == (START_NS + 3 * MINUTE_NS, START_NS + 30 * MINUTE_NS)


def test_a_memory_is_filled_across_a_gap_in_the_bars() -> None:
    gap = [*range(10), *range(2000, 2010)]
    found = store_of(bars_at(gap)).read("EUR_USD", START_NS + 2000 * MINUTE_NS, END_NS * 2)
    assert (found.data["known"][0] - START_NS) // MINUTE_NS == 2001


def test_an_instrument_whose_bars_make_no_gate_is_not_listed() -> None:
    store = store_of(bars_at([0, 1]))
    assert store.instruments() == ()
    assert store.extent("EUR_USD") is None
    assert store.latest("EUR_USD") is None
    assert len(store.read("EUR_USD", START_NS + MINUTE_NS, START_NS + 2 * MINUTE_NS)) == 0


def test_nothing_is_derived_beside_a_producers_gates() -> None:
    store = store_of(bars_at(range(10)))
    reader = GateReader(store, DEFAULT_HOURS, unavailable="fallback")
    assert (reader.fallback, reader.unavailable) == (False, "fail")
    assert GateReader(store, DEFAULT_HOURS, recorded_first=False).fallback


@dataclass
class Wrong:
    """Gives the gates that it was told to give."""

    given: Gates
    name: str = "wrong"
    memory_bars: int | None = 1

    def gates(self, bars: Bars) -> Gates:  # noqa: ARG002 - it does not look
        return self.given


@pytest.mark.parametrize(
    ("producer", "text"),
    [
        (Wrong(gates_at([3], instrument="USD_JPY")), "got gates of USD_JPY; allowed: EUR_USD"),
        (Wrong(gates_at([11])), "got 1 of 1 known when no bar closes, first 2025-05-01T00:01"),
        (Wrong(gates_at([0])), "known at the close of one of the bars"),
        (Wrong(gates_at([3]), name="Wrong One"), "name of a gate producer: got Wrong One"),
    ],
)
def test_what_a_producer_may_not_give_is_refused(producer: GateProducer, text: str) -> None:
    with pytest.raises(GatesError) as caught:
        produced(producer, bars_at(range(10)))
    assert text in str(caught.value)


def test_an_exception_of_a_producer_is_told_with_its_name_and_bars() -> None:
    class Fails(Wrong):
        def gates(self, bars: Bars) -> Gates:
            raise ZeroDivisionError(len(bars))

    with pytest.raises(GatesError, match=r"producer:wrong on EUR_USD: got ZeroDivisionError\(10\)"):
        produced(Fails(gates_at([3])), bars_at(range(10)))


def test_gates_marked_as_derived_by_the_fallback_are_refused() -> None:
    given = gates_at([3])
    data = given.data.copy()
    data["synthetic"] = 1
    with pytest.raises(GatesError, match="got gates marked synthetic"):
        produced(Wrong(replace(given, data=data)), bars_at(range(10)))


def test_a_memory_without_the_bar_itself_is_refused() -> None:
    with pytest.raises(StoreError, match="memory_bars of turns: got 0; allowed: 1 or more"):
        store_of(bars_at([0]), Turns(memory_bars=0))
