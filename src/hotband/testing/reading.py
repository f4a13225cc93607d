"""What every gate store answers the same way, whether it keeps gates or makes them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotband.errors import StoreError, WindowError
from hotband.gates.events import Gates, GateSource
from hotband.market.calendar import DAY_NS
from hotband.stores.ports import GateStore
from hotband.testing.samples import INHERITED

FAR_NS = 4000 * DAY_NS


class ReadingContract:
    """Subclasses give ``filled_store`` and the source that its gates name.

    The store holds at least five gates of one instrument or more.
    """

    source: GateSource

    def filled_store(self) -> GateStore:
        """A store with gates; every call gives one with the same."""
        raise NotImplementedError

    @pytest.fixture
    def filled(self) -> GateStore:
        """The store that a test reads."""
        return self.filled_store()

    @staticmethod
    def all_of(store: GateStore) -> Gates:
        """Every gate of the first instrument."""
        name = store.instruments()[0]
        first, last = extent_of(store, name)
        return store.read(name, first, last + 1)

    def test_names_are_sorted_and_each_has_gates(self, filled: GateStore) -> None:
        names = filled.instruments()
        assert len(names) > 0
        assert list(names) == sorted(set(names))
        assert all(filled.extent(name) is not None for name in names)

    def test_the_extent_is_that_of_the_gates(self, filled: GateStore) -> None:
        found = self.all_of(filled)
        assert len(found) >= 5
        ends = (int(found.data["known"][0]), int(found.data["known"][-1]))
        assert extent_of(filled, found.instrument) == ends

    def test_gates_name_their_source_and_count_as_recorded(self, filled: GateStore) -> None:
        found = self.all_of(filled)
        assert found.source == self.source
        assert set(found.data["synthetic"]) == {0}

    def test_reading_twice_gives_the_same(self, filled: GateStore) -> None:
        assert self.all_of(filled).content_hash == self.all_of(filled).content_hash

    @settings(max_examples=25, deadline=None, suppress_health_check=INHERITED)
    @given(data=st.data())
    def test_any_window_holds_the_gates_known_in_it(self, data: st.DataObject) -> None:
        store = self.filled_store()
        found = self.all_of(store)
        known = found.data["known"]
        times = st.integers(int(known[0]), int(known[-1]))
        start, end = sorted((data.draw(times), data.draw(times)))
        window = store.read(found.instrument, start, end + 1)
        assert window.data.tobytes() == found.window(start, end + 1).data.tobytes()

    def test_a_gate_known_at_the_end_is_not_in_the_window(self, filled: GateStore) -> None:
        found = self.all_of(filled)
        first, second = (int(t) for t in found.data["known"][:2])
        assert len(filled.read(found.instrument, first, second)) == 1
        assert len(filled.read(found.instrument, first, second + 1)) == 2

    def test_between_two_gates_there_is_an_empty_success(self, filled: GateStore) -> None:
        found = self.all_of(filled)
        first, second = (int(t) for t in found.data["known"][:2])
        assert len(filled.read(found.instrument, first + 1, second)) == 0

    def test_a_window_far_outside_is_refused(self, filled: GateStore) -> None:
        name = filled.instruments()[0]
        first, last = extent_of(filled, name)
        for start in (first - FAR_NS, last + FAR_NS):
            with pytest.raises(WindowError, match="allowed: within"):
                filled.read(name, start, start + DAY_NS)

    def test_a_window_without_time_is_refused(self, filled: GateStore) -> None:
        name = filled.instruments()[0]
        first, _ = extent_of(filled, name)
        with pytest.raises(WindowError, match="an end after the start"):
            filled.read(name, first, first)

    def test_an_instrument_that_is_not_held_is_refused_and_has_nothing(
        self, filled: GateStore
    ) -> None:
        first, last = extent_of(filled, filled.instruments()[0])
        with pytest.raises(StoreError, match="got XXX_YYY"):
            filled.read("XXX_YYY", first, last)
        assert filled.extent("XXX_YYY") is None
        assert filled.latest("XXX_YYY") is None

    def test_the_latest_is_the_last_one_alone(self, filled: GateStore) -> None:
        found = self.all_of(filled)
        latest = filled.latest(found.instrument)
        assert latest is not None
        assert latest.data.tobytes() == found.data[-1:].tobytes()


class ReadOnlyGateStoreContract(ReadingContract):
    """Of stores that gates cannot be put into."""

    def test_nothing_can_be_put_in(self, filled: GateStore) -> None:
        before = self.all_of(filled)
        for replace in (False, True):
            with pytest.raises(StoreError, match=r"gates of .* in"):
                filled.append(before, replace=replace)
        assert self.all_of(filled).content_hash == before.content_hash


def extent_of(store: GateStore, instrument: str) -> tuple[int, int]:
    """The extent of an instrument that has gates."""
    extent = store.extent(instrument)
    assert extent is not None
    return extent
