"""A stub of its own for each test, and a client that does not wait long."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from hotband.feeds.oanda_client import OandaClient
from hotband.feeds.oanda_credentials import OandaAccess
from hotband.feeds.oanda_replies import Patience
from tests.oanda.stub import Stub

QUICK = Patience(attempts=4, first_wait_s=0.02, longest_wait_s=0.05)
HASTY = replace(QUICK, read_s=0.8, whole_s=1.6)


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub() as running:
        yield running


@pytest.fixture
def client_of() -> Iterator[Callable[..., OandaClient]]:
    """Makes clients of a stub, closed behind the test."""
    with ExitStack() as opened:

        def make(stub: Stub, **options: Any) -> OandaClient:
            access = OandaAccess.from_environment(stub.environment)
            made = OandaClient(access, options.pop("patience", QUICK), **options)
            return opened.enter_context(made)

        yield make


@pytest.fixture
def client(stub: Stub, client_of: Callable[..., OandaClient]) -> OandaClient:
    return client_of(stub)
