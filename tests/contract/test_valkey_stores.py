"""The Valkey stores keep the contracts on a real server, and the keys of the existing stack."""

import pytest
from tests.contract.bar_store_contract import BarStoreContract
from tests.valkey_server import ValkeyServer

from hotband.gates.events import GateSource
from hotband.stores.ports import BarStore, GateStore
from hotband.stores.urls import open_bar_store, open_gate_store
from hotband.testing import GateStoreContract


class TestValkeyBars(BarStoreContract):
    @pytest.fixture(autouse=True)
    def _server(self, valkey_server: ValkeyServer) -> None:
        self.server = valkey_server

    def new_store(self, name: str) -> BarStore:
        assert name
        return open_bar_store(self.server.url(self.server.fresh_db()))


class TestValkeyGates(GateStoreContract):
    """The contract as it is: what is appended has an index.

    Here ``instruments`` also names those of which another stack keeps the latest gate alone.
    """

    source: GateSource = "valkey"

    @pytest.fixture(autouse=True)
    def _server(self, valkey_server: ValkeyServer) -> None:
        self.server = valkey_server

    def new_store(self, name: str) -> GateStore:
        assert name
        return open_gate_store(self.server.url(self.server.fresh_db()))
