"""What every bar store promises; each implementation inherits the suite."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.samples import END_NS, START_NS, any_bars, bars_at

from hotband.errors import BarsError, StoreError, WindowError
from hotband.market.bars import Bars
from hotband.market.calendar import HOUR_NS, MINUTE_NS
from hotband.stores.ports import BarStore
from hotband.testing.samples import FRESH, INHERITED


def minutes(bars: Bars) -> list[int]:
    return [int(t - START_NS) // MINUTE_NS for t in bars.data["t"]]


class BarStoreContract:
    """Subclasses give ``store``: an empty store, fresh for each test."""

    def new_store(self, name: str) -> BarStore:
        raise NotImplementedError

    @pytest.fixture
    def store(self, request: pytest.FixtureRequest) -> BarStore:
        return self.new_store(request.node.name)

    def test_what_was_appended_is_read_back(self, store: BarStore) -> None:
        bars = bars_at([0, 1, 5, 15])
        assert store.append(bars) == 4
        again = store.read("EUR_USD", "M1", START_NS, END_NS)
        assert again.content_hash == bars.content_hash

    @settings(max_examples=25, deadline=None, suppress_health_check=INHERITED)
    @given(bars=any_bars(least=1), cut=st.integers(0, 25))
    def test_any_bars_survive_in_any_pieces(self, bars: Bars, cut: int) -> None:
        store = self.new_store(f"pieces{next(FRESH)}")
        known = int(bars.known_ns[-1])
        pieces = [bars.data[:cut], bars.data[cut:], bars.data]
        added = [
            store.append(Bars.from_records("EUR_USD", "M1", piece, source="any"))
            for piece in pieces
        ]
        assert added == [min(cut, len(bars)), max(0, len(bars) - cut), 0]
        again = store.read("EUR_USD", "M1", START_NS, known)
        assert again.content_hash == bars.content_hash

    def test_a_window_holds_bars_that_are_known_by_its_end(self, store: BarStore) -> None:
        store.append(bars_at([0, 1, 2, 15]))
        window = store.read("EUR_USD", "M1", START_NS + MINUTE_NS, START_NS + 3 * MINUTE_NS)
        assert minutes(window) == [1, 2]

    def test_equal_bars_are_ignored(self, store: BarStore) -> None:
        store.append(bars_at([0, 1, 2]))
        assert store.append(bars_at([0, 1, 2, 3])) == 1
        assert minutes(store.read("EUR_USD", "M1", START_NS, END_NS)) == [0, 1, 2, 3]

    def test_other_values_for_a_held_time_are_refused_and_nothing_is_added(
        self, store: BarStore
    ) -> None:
        store.append(bars_at([12, 13]))
        with pytest.raises(
            BarsError,
            match=r"bars of EUR_USD M1 to append to .*: got other values in 2 of 3 rows, first at "
            r"2025-05-01T00:02:00Z; allowed: new times, or the values that the store holds\. "
            r"Pass replace=True",
        ):
            store.append(bars_at([0, 12, 13]))
        assert minutes(store.read("EUR_USD", "M1", START_NS, END_NS)) == [12, 13]

    def test_replace_lets_the_new_values_win(self, store: BarStore) -> None:
        store.append(bars_at([0, 1, 12]))
        new = bars_at([0, 1, 12], 1.2)
        assert store.append(new, replace=True) == 3
        assert store.append(new, replace=True) == 0
        again = store.read("EUR_USD", "M1", START_NS, END_NS)
        assert again.content_hash == new.content_hash

    def test_earlier_bars_can_follow_later_ones(self, store: BarStore) -> None:
        bars = bars_at([0, 1, 2, 11, 12])
        for piece in (bars.data[3:], bars.data[:3]):
            store.append(Bars.from_records("EUR_USD", "M1", piece, source="oanda"))
        again = store.read("EUR_USD", "M1", START_NS, END_NS)
        assert again.content_hash == bars.content_hash

    def test_appending_nothing_adds_nothing(self, store: BarStore) -> None:
        assert store.append(bars_at([])) == 0
        assert store.instruments() == ()

    def test_the_store_lists_what_it_holds(self, store: BarStore) -> None:
        store.append(bars_at([0, 20], instrument="USD_JPY"))
        store.append(bars_at([0]))
        hour = bars_at([10])
        for name in ("H1", "M5", "H4"):
            store.append(Bars.from_records("EUR_USD", name, hour.data, source="oanda"))
        assert store.instruments() == ("EUR_USD", "USD_JPY")
        assert store.instruments("M5") == ("EUR_USD",)
        assert store.granularities("EUR_USD") == ("M1", "M5", "H1", "H4")
        assert store.granularities("GBP_USD") == ()
        assert store.extent("USD_JPY", "M1") == (START_NS, START_NS + 20 * MINUTE_NS)
        assert store.extent("USD_JPY", "M5") is None

    def test_an_unknown_instrument_names_the_nearest_held(self, store: BarStore) -> None:
        store.append(bars_at([0]))
        with pytest.raises(StoreError, match=r"got EUR_USB; .*EUR_USD.* Did you mean 'EUR_USD'\?"):
            store.read("EUR_USB", "M1", START_NS, END_NS)

    def test_an_empty_store_says_that_it_is_empty(self, store: BarStore) -> None:
        with pytest.raises(StoreError, match="allowed: nothing, the store is empty"):
            store.read("EUR_USD", "M1", START_NS, END_NS)

    def test_an_unknown_granularity_names_those_held(self, store: BarStore) -> None:
        store.append(bars_at([0]))
        with pytest.raises(StoreError, match=r"granularity of EUR_USD in .* got M5; allowed: M1"):
            store.read("EUR_USD", "M5", START_NS, END_NS)

    @pytest.mark.parametrize("shift", [-48 * HOUR_NS, 48 * HOUR_NS])
    def test_a_window_outside_the_data_names_its_extent(self, store: BarStore, shift: int) -> None:
        store.append(bars_at([0, 20]))
        with pytest.raises(
            WindowError, match="allowed: within 2025-04-30T23:50:00Z to 2025-05-01T00:11:00Z"
        ):
            store.read("EUR_USD", "M1", START_NS + shift, END_NS + shift)

    def test_a_hole_inside_the_data_is_an_empty_success(self, store: BarStore) -> None:
        store.append(bars_at([0, 20], side_origin="mid"))
        hole = store.read("EUR_USD", "M1", START_NS + MINUTE_NS, START_NS + 9 * MINUTE_NS)
        assert len(hole) == 0
        assert (hole.side_origin, hole.source) == ("mid", "oanda")

    def test_an_empty_window_is_refused(self, store: BarStore) -> None:
        store.append(bars_at([0]))
        with pytest.raises(WindowError, match="an end after the start"):
            store.read("EUR_USD", "M1", END_NS, START_NS)

    def test_mixed_origins_read_as_the_weakest_and_all_sources(self, store: BarStore) -> None:
        store.append(bars_at([0, 1]))
        store.append(bars_at([2], side_origin="bid", source="mt5"))
        both = store.read("EUR_USD", "M1", START_NS, END_NS)
        assert (both.side_origin, both.source) == ("bid", "mt5+oanda")
        first = store.read("EUR_USD", "M1", START_NS, START_NS + 2 * MINUTE_NS)
        assert (first.side_origin, first.source) == ("ba", "oanda")

    @pytest.mark.parametrize("name", ["../EUR", "EUR/USD", "", ".EUR", "EUR=USD"])
    def test_names_that_are_no_names_are_refused(self, store: BarStore, name: str) -> None:
        with pytest.raises(StoreError, match="letters, digits, _ and -"):
            store.append(bars_at([0], instrument=name))

    def test_reading_a_path_as_a_name_finds_nothing(self, store: BarStore) -> None:
        store.append(bars_at([0]))
        for name in ("*", "../EUR_USD", "EUR_USD/granularity=M1"):
            with pytest.raises(StoreError, match="allowed: EUR_USD"):
                store.read(name, "M1", START_NS, END_NS)
