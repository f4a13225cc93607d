"""The memory stores keep the contracts, and share rows by name."""

from itertools import count

from tests.contract.bar_store_contract import BarStoreContract
from tests.contract.samples import bars_at, gates_at

from hotband.gates.events import GateSource
from hotband.stores.ports import BarStore, GateStore
from hotband.stores.urls import open_bar_store, open_gate_store
from hotband.testing import GateStoreContract, ReadingContract

_FRESH = count()


class TestMemoryBars(BarStoreContract):
    def new_store(self, name: str) -> BarStore:
        return open_bar_store(f"memory://{name.replace('/', '-')}{next(_FRESH)}")


class TestMemoryGates(GateStoreContract):
    source: GateSource = "memory"

    def new_store(self, name: str) -> GateStore:
        return open_gate_store(f"memory://{name.replace('/', '-')}{next(_FRESH)}")


def test_a_name_is_one_store_and_bars_are_apart_from_gates() -> None:
    name = f"memory://shared{next(_FRESH)}"
    open_bar_store(name).append(bars_at([0]))
    assert open_bar_store(name).instruments() == ("EUR_USD",)
    assert open_gate_store(name).instruments() == ()


class TestMemoryReading(ReadingContract):
    source: GateSource = "memory"

    def filled_store(self) -> GateStore:
        store = open_gate_store(f"memory://reading{next(_FRESH)}")
        store.append(gates_at([0, 3, 4, 20, 21, 700]))
        store.append(gates_at([5], instrument="USD_JPY"))
        return store
