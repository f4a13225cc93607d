"""Where the tests find real FX history and a Valkey server, and what they do without."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.valkey_server import Database, ValkeyServer

# No test asserts a time: on a loaded machine a law would fail by its first example.
settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")

_UNIT = Path(__file__).parent / "unit"
_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests last: small as they are, they keep all workers busy to the end."""
    items.sort(key=lambda item: _UNIT in item.path.parents)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real FX history: ``HOTBAND_TEST_DATA``, else beside the checkout.

    Its absence skips a test with a reason; in CI a folder that is beside the checkout must
    work, so the skip says where it looked.
    """
    folder = Path(os.environ.get("HOTBAND_TEST_DATA", str(_BESIDE)))
    if not folder.is_dir():
        message = f"no FX history at {folder.name}: set HOTBAND_TEST_DATA to a folder that has it"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """A server that all tests share; each takes databases of its own with ``fresh_db``."""
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def database(valkey_server: ValkeyServer) -> Iterator[Database]:
    """A database of its own on the shared server."""
    made = Database(valkey_server)
    yield made
    made.client.close()


@pytest.fixture
def new_valkey(tmp_path: Path) -> Iterator[Callable[..., ValkeyServer]]:
    """Makes servers that are the test's own, not started yet; stopped behind it."""
    servers: list[ValkeyServer] = []

    def make(**options: str) -> ValkeyServer:
        servers.append(ValkeyServer(tmp_path / f"valkey{len(servers)}", **options))
        return servers[-1]

    try:
        yield make
    finally:
        for server in servers:
            server.stop()
