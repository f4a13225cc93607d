"""Encoding goes on where it was, changes nothing when repeated, and hangs on no earlier call."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.research.demo_runs import market
from tests.valkey_server import ValkeyServer

from hotband.errors import GatesError, StoreError, WindowError
from hotband.gates.encoder import encode_gates
from hotband.gates.encoder_state import EncoderSettings
from hotband.gates.events import Gates
from hotband.gates.ports import GateStore
from hotband.market.bars import Bars
from hotband.market.calendar import DAY_NS, LAST_NS, MINUTE_NS, parse_time
from hotband.profile.settings import Encoder
from hotband.research.encoding import HistoryEncoder, encoder_settings
from hotband.stores.memory import MemoryShelf
from hotband.stores.ports import BarStore
from hotband.stores.tabular import SHELVES, TabularBarStore, TabularGateStore
from hotband.stores.urls import open_gate_store

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
    found = HistoryEncoder(bar_store(), gates, "M1").encode_missing("EUR_USD")
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
    added = HistoryEncoder(bars, gates, "M1").encode_missing("EUR_USD").added
    for first, last in pairwise(edges[1:]):
        opens = BARS.data["t"]
        bars.append(BARS.window(int(opens[first]), int(opens[last - 1]) + MINUTE_NS))
        added += HistoryEncoder(bars, gates, "M1").encode_missing("EUR_USD").added
    assert held(gates).data.tobytes() == WHOLE.data.tobytes()
    assert added == len(WHOLE)


def test_encoding_again_changes_nothing() -> None:
    bars, gates = bar_store(), gate_store()
    HistoryEncoder(bars, gates, "M1").encode_missing("EUR_USD")
    before = held(gates).to_frame()
    again = HistoryEncoder(bars, gates, "M1").encode_missing("EUR_USD")
    assert (again.bars, again.gates, again.added) == (0, 0, 0)
    whole = HistoryEncoder(bars, gates, "M1").encode_range("EUR_USD", (0, LAST_NS))
    assert (whole.gates, whole.added) == (len(WHOLE), 0)
    assert held(gates).to_frame().equals(before)


@pytest.mark.parametrize("start", ["2025-04-04T13:00:00Z", "2025-04-07T09:31:00Z"])
def test_a_later_start_gives_the_gates_of_a_run_from_the_beginning(start: str) -> None:
    gates = gate_store()
    HistoryEncoder(bar_store(), gates, "M1").encode_range("EUR_USD", (parse_time(start), LAST_NS))
    expected = WHOLE.data[WHOLE.data["known"] >= parse_time(start)]
    assert held(gates).data.tobytes() == expected.tobytes()


def test_a_hole_in_the_gate_store_is_filled_by_bootstrap() -> None:
    bars, gates = bar_store(), gate_store()
    known = WHOLE.data["known"]
    gates.append(WHOLE.window(int(known[0]), int(known[-900])))
    gates.append(WHOLE.window(int(known[-300]), int(known[-1]) + 1))
    found = HistoryEncoder(bars, gates, "M1").bootstrap("EUR_USD", 2.0)
    assert found.added == 600
    assert held(gates).data.tobytes() == WHOLE.data.tobytes()
    assert HistoryEncoder(bars, gates, "M1").bootstrap("EUR_USD", 2.0).added == 0


def test_bootstrap_reaches_back_by_days_from_the_last_bar() -> None:
    gates = gate_store()
    HistoryEncoder(bar_store(), gates, "M1").bootstrap("EUR_USD", 1.0)
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
        HistoryEncoder(bar_store(), gates, "M1").bootstrap("EUR_USD", 0.5)


def test_an_instrument_without_bars_is_named() -> None:
    with pytest.raises(StoreError, match="got EUR_GBP; allowed: EUR_USD"):
        HistoryEncoder(bar_store(), gate_store(), "M1").encode_missing("EUR_GBP")


def test_the_profile_sets_the_encoder_and_its_defaults_are_the_encoders() -> None:
    chosen = encoder_settings()("EUR_USD")
    assert chosen == EncoderSettings()
    fields = set(Encoder.model_fields) | {"lambda_scale", "spread_bit", "volume_bit"}
    assert fields == set(EncoderSettings.__dataclass_fields__)


def test_gates_keep_what_the_encoder_said_of_them() -> None:
    gates = gate_store()
    HistoryEncoder(bar_store(), gates, "M1").encode_missing("EUR_USD")
    details = held(gates).details
    assert details is not None
    refused = held(gates).data["admit"] == 0
    said = details["reasons"].list.contains("hazard_exceeds_adaptive_threshold").to_numpy()
    assert np.array_equal(said, refused)
    assert 0.05 < refused.mean() < 0.35
    assert set(details["granularity"]) == {"M1"}


def test_a_store_is_not_gone_on_with_other_settings() -> None:
    bars, gates = bar_store(part(0, 3000)), gate_store()
    HistoryEncoder(bars, gates, "M1").encode_missing("EUR_USD")
    bars.append(part(3000, 3010))
    other = HistoryEncoder(bars, gates, "M1", lambda _: EncoderSettings(window_bars=32))
    with pytest.raises(GatesError, match=r"got one made with other settings \(hotband_encoder/"):
        other.encode_missing("EUR_USD")
    assert HistoryEncoder(bars, gates, "M1").encode_missing("EUR_USD").added == 10


def test_a_store_of_another_producer_is_not_gone_on_with() -> None:
    gates = gate_store()
    said = pl.DataFrame({"producer": ["regime_manifold"]})
    gates.append(replace(WHOLE.window(0, int(WHOLE.data["known"][0]) + 1), details=said))
    with pytest.raises(GatesError, match=r"by another producer \(regime_manifold\)"):
        HistoryEncoder(bar_store(), gates, "M1").encode_missing("EUR_USD")


def test_bars_whose_other_side_was_derived_give_no_spread_bit_ever() -> None:
    """Old mid bars decide for all: batch, resume and bootstrap agree where origins meet."""
    old = replace(part(0, 4000), side_origin="mid")
    whole_bars, whole = bar_store(old), gate_store()
    whole_bars.append(part(4000, 7000))
    HistoryEncoder(whole_bars, whole, "M1").encode_missing("EUR_USD")
    bars, gates = bar_store(old), gate_store()
    HistoryEncoder(bars, gates, "M1").encode_missing("EUR_USD")
    bars.append(part(4000, 7000))
    HistoryEncoder(bars, gates, "M1").encode_missing("EUR_USD")
    assert held(gates).data.tobytes() == held(whole).data.tobytes()
    assert HistoryEncoder(bars, gates, "M1").bootstrap("EUR_USD", 1.0).added == 0


def test_a_latest_gate_after_the_last_bar_is_refused() -> None:
    gates = gate_store()
    late = WHOLE.data[-1:].copy()
    late["known"] += 10 * DAY_NS
    gates.append(Gates("EUR_USD", late, "memory"))
    with pytest.raises(GatesError, match="allowed: none after the last bar"):
        HistoryEncoder(bar_store(), gates, "M1").encode_missing("EUR_USD")


def test_an_audit_finds_bars_that_came_late() -> None:
    opens = BARS.data["t"]
    without = BARS.data[(opens < opens[6000]) | (opens >= opens[6003])]
    bars, gates = bar_store(replace(part(0, 6500), data=without[:6497])), gate_store()
    encoder = HistoryEncoder(bars, gates, "M1")
    encoder.encode_missing("EUR_USD")
    assert encoder.audit("EUR_USD").sound
    bars.append(part(6000, 6003))
    assert encoder.encode_missing("EUR_USD").added == 0
    found = encoder.audit("EUR_USD")
    assert found.missing == 3
    assert found.different > 0
    assert "--replace" in found.words
    encoder.encode_range("EUR_USD", (int(opens[6000]), LAST_NS), replace=True)
    assert encoder.audit("EUR_USD").sound


@pytest.mark.parametrize("window", [(0, 1), (LAST_NS - 1, LAST_NS), (10**18, 10**18)])
def test_a_window_without_bars_is_refused(window: tuple[int, int]) -> None:
    with pytest.raises(WindowError, match="window to encode of EUR_USD M1"):
        HistoryEncoder(bar_store(), gate_store(), "M1").encode_range("EUR_USD", window)


def test_what_retention_would_drop_is_left_out_and_counted(valkey_server: ValkeyServer) -> None:
    url = valkey_server.url(valkey_server.fresh_db(), retention=500)
    encoder = HistoryEncoder(bar_store(), open_gate_store(url), "M1")
    found = encoder.bootstrap("EUR_USD", 2.0)
    assert (found.added, found.dropped) == (500, found.gates - 500)
    assert encoder.bootstrap("EUR_USD", 2.0).added == 0


def part(first: int, last: int) -> Bars:
    """Bars by number, the last one not included."""
    opens = BARS.data["t"]
    return BARS.window(int(opens[first]), int(opens[last - 1]) + MINUTE_NS)
