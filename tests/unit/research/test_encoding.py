"""Encoding goes on where it was, changes nothing when repeated, and hangs on no earlier call."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.research.demo_runs import market

from hotband.errors import GatesError, StoreError
from hotband.gates.encoder import encode_gates
from hotband.gates.encoder_state import EncoderSettings
from hotband.gates.events import Gates
from hotband.gates.ports import GateStore
from hotband.market.bars import Bars
from hotband.market.calendar import DAY_NS, MINUTE_NS, parse_time
from hotband.profile.settings import Encoder
from hotband.research.encoding import (
    bootstrap_days,
    encode_missing,
    encode_range,
    encoder_settings,
)
from hotband.stores.memory import MemoryShelf
from hotband.stores.ports import BarStore
from hotband.stores.tabular import SHELVES, TabularBarStore, TabularGateStore

BARS = market("EUR_USD")["EUR_USD"]
WHOLE = encode_gates(BARS).gates


def bar_store(bars: Bars = BARS) -> BarStore:
    store = TabularBarStore(MemoryShelf(SHELVES["bars"][1]), "memory://bars")
    store.append(bars)
    return store


def gate_store() -> GateStore:
    return TabularGateStore(MemoryShelf(SHELVES["gates"][1]), "memory://gates", "memory")


def held(store: GateStore) -> Gates:
    extent = store.extent("EUR_USD")
    assert extent is not None
    return store.read("EUR_USD", extent[0], extent[1] + 1)


def test_all_bars_give_the_gates_of_one_run() -> None:
    gates = gate_store()
    found = encode_missing(bar_store(), gates, "EUR_USD", "M1")
    assert held(gates).data.tobytes() == WHOLE.data.tobytes()
    assert (found.bars, found.gates, found.added) == (len(BARS), len(WHOLE), len(WHOLE))
    assert found.to_dict()["first"] == "2025-04-02T01:18:00Z"


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(1, len(BARS) - 1), max_size=5))
def test_bars_that_come_in_pieces_give_the_same_gates(cuts: list[int]) -> None:
    edges = [0, *sorted(set(cuts)), len(BARS)]
    bars, gates = (
        bar_store(BARS.window(0, int(BARS.data["t"][edges[1] - 1]) + MINUTE_NS)),
        gate_store(),
    )
    added = encode_missing(bars, gates, "EUR_USD", "M1").added
    for first, last in pairwise(edges[1:]):
        opens = BARS.data["t"]
        bars.append(BARS.window(int(opens[first]), int(opens[last - 1]) + MINUTE_NS))
        added += encode_missing(bars, gates, "EUR_USD", "M1").added
    assert held(gates).data.tobytes() == WHOLE.data.tobytes()
    assert added == len(WHOLE)


def test_encoding_again_changes_nothing() -> None:
    bars, gates = bar_store(), gate_store()
    encode_missing(bars, gates, "EUR_USD", "M1")
    before = held(gates).to_frame()
    again = encode_missing(bars, gates, "EUR_USD", "M1")
    assert (again.bars, again.gates, again.added) == (0, 0, 0)
    whole = encode_range(bars, gates, "EUR_USD", "M1", (0, 2**62))
    assert (whole.gates, whole.added) == (len(WHOLE), 0)
    assert held(gates).to_frame().equals(before)


@pytest.mark.parametrize("start", ["2025-04-04T13:00:00Z", "2025-04-07T09:31:00Z"])
def test_a_later_start_gives_the_gates_of_a_run_from_the_beginning(start: str) -> None:
    gates = gate_store()
    encode_range(bar_store(), gates, "EUR_USD", "M1", (parse_time(start), 2**62))
    expected = WHOLE.data[WHOLE.data["known"] >= parse_time(start)]
    assert held(gates).data.tobytes() == expected.tobytes()


def test_a_hole_in_the_gate_store_is_filled_by_bootstrap() -> None:
    bars, gates = bar_store(), gate_store()
    known = WHOLE.data["known"]
    gates.append(WHOLE.window(int(known[0]), int(known[-900])))
    gates.append(WHOLE.window(int(known[-300]), int(known[-1]) + 1))
    found = bootstrap_days(bars, gates, "EUR_USD", "M1", 2.0)
    assert found.added == 600
    assert held(gates).data.tobytes() == WHOLE.data.tobytes()
    assert bootstrap_days(bars, gates, "EUR_USD", "M1", 2.0).added == 0


def test_bootstrap_reaches_back_by_days_from_the_last_bar() -> None:
    gates = gate_store()
    bootstrap_days(bar_store(), gates, "EUR_USD", "M1", 1.0)
    last = int(BARS.known_ns[-1])
    known = held(gates).data["known"]
    assert known[0] > last - DAY_NS
    assert known[0] <= last - DAY_NS + 2 * MINUTE_NS


def test_gates_of_another_producer_at_the_same_times_are_refused() -> None:
    gates = gate_store()
    other = WHOLE.data.copy()
    other["hazard"] = 0.01
    gates.append(Gates("EUR_USD", other, "memory"))
    with pytest.raises(GatesError, match=r"other values in \d+ of \d+ rows"):
        bootstrap_days(bar_store(), gates, "EUR_USD", "M1", 0.5)


def test_an_instrument_without_bars_is_named() -> None:
    with pytest.raises(StoreError, match="got EUR_GBP; allowed: EUR_USD"):
        encode_missing(bar_store(), gate_store(), "EUR_GBP", "M1")


def test_the_profile_sets_the_encoder_and_its_defaults_are_the_encoders() -> None:
    chosen = encoder_settings()("EUR_USD")
    assert chosen == EncoderSettings()
    fields = set(Encoder.model_fields) | {"lambda_scale", "spread_bit", "volume_bit"}
    assert fields == set(EncoderSettings.__dataclass_fields__)


def test_gates_keep_what_the_encoder_said_of_them() -> None:
    gates = gate_store()
    encode_missing(bar_store(), gates, "EUR_USD", "M1")
    details = held(gates).details
    assert details is not None
    refused = held(gates).data["admit"] == 0
    said = details["reasons"].list.contains("hazard_exceeds_adaptive_threshold").to_numpy()
    assert np.array_equal(said, refused)
    assert 0.05 < refused.mean() < 0.35
    assert set(details["granularity"]) == {"M1"}
