"""What every gate store that keeps gates promises; each implementation inherits the suite."""

import dataclasses

import polars as pl
import pytest
from hypothesis import given, settings

from hotband.errors import GatesError, StoreError, WindowError
from hotband.gates.events import Gates, GateSource
from hotband.market.calendar import MINUTE_NS
from hotband.stores.ports import GateStore
from hotband.testing.samples import END_NS, FRESH, INHERITED, START_NS, any_gates, gates_at


def minutes(gates: Gates) -> list[int]:
    """When the gates were known, in minutes from START_NS."""
    return [int(known - START_NS) // MINUTE_NS for known in gates.data["known"]]


class GateStoreContract:
    """Subclasses give ``new_store`` and the source that its gates name."""

    source: GateSource

    def new_store(self, name: str) -> GateStore:
        """An empty store; another ``name`` (unique within a run) is another one."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, request: pytest.FixtureRequest) -> GateStore:
        """An empty store of the test's own."""
        return self.new_store(request.node.name)

    def test_what_was_appended_is_read_back_with_its_source(self, store: GateStore) -> None:
        gates = gates_at([0, 1, 15])
        assert store.append(gates) == 3
        again = store.read("EUR_USD", START_NS, END_NS)
        assert again.content_hash == gates.content_hash
        assert again.source == self.source

    @settings(max_examples=25, deadline=None, suppress_health_check=INHERITED)
    @given(gates=any_gates(least=1))
    def test_any_gates_survive(self, gates: Gates) -> None:
        store = self.new_store(f"any{next(FRESH)}")
        assert store.append(gates) == len(gates)
        assert store.append(gates) == 0
        again = store.read("EUR_USD", START_NS, int(gates.data["known"][-1]) + 1)
        assert again.data.tobytes() == gates.data.tobytes()

    def test_a_window_holds_gates_known_before_its_end(self, store: GateStore) -> None:
        store.append(gates_at([0, 1, 2]))
        window = store.read("EUR_USD", START_NS + MINUTE_NS, START_NS + 2 * MINUTE_NS)
        assert minutes(window) == [1]

    def test_other_values_for_a_held_time_are_refused_and_nothing_is_added(
        self, store: GateStore
    ) -> None:
        store.append(gates_at([12]))
        with pytest.raises(
            GatesError,
            match=r"gates of EUR_USD to append to .*: got other values in 1 of 2 rows, first at "
            r"2025-05-01T00:02:00Z",
        ):
            store.append(gates_at([0, 12], 0.6))
        assert minutes(store.read("EUR_USD", START_NS, END_NS)) == [12]

    def test_replace_lets_the_new_values_win(self, store: GateStore) -> None:
        store.append(gates_at([0, 12]))
        assert store.append(gates_at([12, 13], 0.6), replace=True) == 2
        again = store.read("EUR_USD", START_NS, END_NS)
        assert again.data["hazard"].tolist() == [0.5, 0.6, 0.6]

    def test_the_store_lists_what_it_holds(self, store: GateStore) -> None:
        assert store.instruments() == ()
        store.append(gates_at([], instrument="USD_JPY"))
        store.append(gates_at([0, 20]))
        assert store.instruments() == ("EUR_USD",)
        assert store.extent("EUR_USD") == (START_NS, START_NS + 20 * MINUTE_NS)
        assert store.extent("USD_JPY") is None

    def test_an_unknown_instrument_names_the_nearest_held(self, store: GateStore) -> None:
        store.append(gates_at([0]))
        with pytest.raises(StoreError, match=r"got EURUSD; .*Did you mean 'EUR_USD'\?"):
            store.read("EURUSD", START_NS, END_NS)

    def test_a_window_outside_the_data_names_its_extent(self, store: GateStore) -> None:
        store.append(gates_at([0, 20]))
        with pytest.raises(
            WindowError, match="allowed: within 2025-04-30T23:50:00Z to 2025-05-01T00:10:00Z"
        ):
            store.read("EUR_USD", END_NS, END_NS + MINUTE_NS)

    def test_a_hole_inside_the_data_is_an_empty_success(self, store: GateStore) -> None:
        store.append(gates_at([0, 20]))
        assert len(store.read("EUR_USD", START_NS + 1, START_NS + 2)) == 0

    def test_the_latest_gate_comes_alone(self, store: GateStore) -> None:
        assert store.latest("EUR_USD") is None
        store.append(gates_at([0, 20, 5000]))
        latest = store.latest("EUR_USD")
        assert latest is not None
        assert minutes(latest) == [5000]

    def test_details_are_kept_and_do_not_make_a_gate_another_one(self, store: GateStore) -> None:
        plain = gates_at([0, 1])
        details = pl.DataFrame(
            {
                "granularity": ["M1", None],
                "signal_key": ["gate:EUR_USD:1", None],
                "signature": ["c0.01_s0.50_e0.99", None],
                "reasons": [["hazard_exceeds_adaptive_threshold"], None],
                "hazard_threshold": [0.05, None],
                "producer": ["regime_manifold", None],
            }
        )
        store.append(dataclasses.replace(plain, details=details))
        again = store.read("EUR_USD", START_NS, END_NS)
        assert again.content_hash == plain.content_hash
        assert again.details is not None
        assert again.details.equals(details)
        assert store.append(plain) == 0

    def test_names_that_are_no_names_are_refused(self, store: GateStore) -> None:
        with pytest.raises(StoreError, match="letters, digits, _ and -"):
            store.append(gates_at([0], instrument="../EUR"))
