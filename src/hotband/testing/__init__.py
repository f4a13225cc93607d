"""Tests to inherit, for gate stores and gate producers that hotband does not ship.

The one part of the package that needs pytest and hypothesis (the extra ``hotband[testing]``);
nothing else imports it.
"""

import pytest

# Before their import, so that a failed assert shows its values in other projects too.
pytest.register_assert_rewrite(
    "hotband.testing.gate_store", "hotband.testing.reading", "hotband.testing.producer"
)

from hotband.testing.gate_store import GateStoreContract  # noqa: E402 - after it
from hotband.testing.producer import GateProducerContract  # noqa: E402 - after it
from hotband.testing.reading import ReadingContract, ReadOnlyGateStoreContract  # noqa: E402 - after it

__all__ = [
    "GateProducerContract",
    "GateStoreContract",
    "ReadOnlyGateStoreContract",
    "ReadingContract",
]
