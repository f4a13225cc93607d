"""Gates are placed by when they were known, and each of them is accounted for."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.samples import START_NS, any_gates, gates_at
from tests.naive import naive_align

from hotband.core.codes import GUARDS
from hotband.core.records import GATE, Records
from hotband.errors import GatesError, IntegrityError, WindowError
from hotband.gates.events import DETAILS, FRAME_COLUMNS, METRICS, Gates, align
from hotband.market.bars import Int64Array
from hotband.market.calendar import MINUTE_NS


def made(**changes: Any) -> Gates:
    arguments: dict[str, Any] = {
        "known_ns": START_NS + MINUTE_NS * np.arange(3, dtype=np.int64),
        "side": [1, -1, 0],
        "hazard": [0.1, np.nan, 1.0],
        "reps": [0, 1, 2],
        "metrics": {"coherence": [0.4, 0.5, np.nan]},
        "synthetic": False,
    }
    return Gates.from_columns("EUR_USD", **(arguments | changes))


def refused(**changes: Any) -> str:
    with pytest.raises(GatesError) as caught:
        made(**changes)
    return str(caught.value)


def known(*minutes: int) -> Int64Array:
    return START_NS + MINUTE_NS * np.array(minutes, dtype=np.int64)


def records(times: Int64Array) -> Records:
    data = np.zeros(len(times), dtype=GATE)
    data["known"] = times
    return data


def test_what_is_not_given_is_missing_and_not_zero() -> None:
    gates = made()
    assert np.isnan(gates.data["metrics"][:, 1:]).all()
    assert np.isnan(gates.data["regime_confidence"]).all()
    assert gates.data["regime"].tolist() == [0, 0, 0]
    assert gates.data["admit"].tolist() == [1, 1, 1]
    assert gates.data["blocked"].tolist() == [0, 0, 0]
    assert gates.data["key"].tolist() == [0, 0, 0]
    assert gates.source == "memory"


def test_metrics_stand_in_the_order_of_the_guards() -> None:
    assert tuple(metric for _, metric in GUARDS) == METRICS
    gates = made(metrics={name: [slot, slot, slot] for slot, name in enumerate(METRICS)})
    assert gates.data["metrics"][1].tolist() == list(range(10))


def test_derived_gates_say_so() -> None:
    gates = made(synthetic=True)
    assert gates.source == "synthetic"
    assert gates.data["synthetic"].tolist() == [1, 1, 1]


def test_unsorted_gates_name_the_first_row_out_of_order() -> None:
    assert refused(known_ns=known(0, 2, 1)) == (
        "known of gates of EUR_USD: got unsorted in row 2 at 2025-04-30T23:51:00Z, one of 1 of "
        "3 rows; allowed: increasing known times. Sort the gates by known time."
    )


def test_a_row_out_of_order_is_named_with_its_own_time_behind_a_duplicate() -> None:
    text = refused(known_ns=known(1, 1, 0))
    assert "got unsorted in row 2 at 2025-04-30T23:50:00Z" in text


def test_two_gates_of_one_moment_are_told_from_unsorted_ones() -> None:
    text = refused(known_ns=known(0, 1, 1))
    assert "duplicate in row 2 at 2025-04-30T23:51:00Z" in text
    assert "one gate per known time" in text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"side": [1, 2, 0]}, "side of gates of EUR_USD: got 2 in row 1"),
        ({"hazard": [0.1, 0.2, 1.01]}, "hazard of gates of EUR_USD: got 1.01 in row 2"),
        ({"hazard": [-0.1, 0.2, np.inf]}, "one of 2 of 3 rows; allowed: 0..1, or NaN"),
        ({"regime_confidence": [2.0, 0.0, 1.0]}, "regime_confidence of gates of EUR_USD: got 2.0"),
        ({"reps": [0, -1, 2]}, "reps of gates of EUR_USD: got -1 in row 1"),
        ({"reps": [0, 2**31, 2]}, "reps: got 2147483648; allowed: below 2147483648"),
        ({"reps": [0, 1 - 2**32, 2]}, "reps: got -4294967295; allowed: -2147483648 or more"),
        ({"side": [1 - 2**32, 0, 0]}, "side: got -4294967295; allowed: -2147483648 or more"),
        ({"side": np.array([2**64 - 1, 0, 0], np.uint64)}, "side: got 18446744073709551615;"),
        ({"key": [0, -1, 2]}, "key of gates of EUR_USD: got -1 in row 1"),
        ({"key": np.array([2**63, 0, 0], np.uint64)}, "key: got 9223372036854775808; allowed:"),
        ({"admit": [0, 1, 2]}, "admit of gates of EUR_USD: got 2 in row 2"),
        ({"side": [1, 0]}, "int64 of shape (2,); allowed: 3 whole numbers, one per gate"),
        ({"reps": [0.5, 1.0, 2.0]}, "float64 of shape (3,); allowed: 3 whole numbers"),
        ({"metrics": {"coherance": [1, 1, 1]}}, "Did you mean 'coherence'?"),
        ({"regime": ["trend_bul", None, None]}, "Did you mean 'trend_bull'?"),
        ({"regime": [None]}, "regime: got int32 of shape (1,)"),
        ({"regime": [1, 2, 3]}, "regime: got 1; allowed: trend_bull, trend_bear"),
        (
            {"details": pl.DataFrame({"hazard_threshold": ["a", "b", "c"]})},
            "details hazard_threshold: got a column of String; allowed: Float64",
        ),
        (
            {"details": pl.DataFrame({"reasons": [1, 2, 3]})},
            "details reasons: got a column of Int64; allowed: List(String)",
        ),
        ({"source": "redis"}, "source: got redis; allowed: synthetic, memory, parquet, valkey"),
        ({"known_ns": np.array(["2025-04-01"] * 3, dtype="M8[ns]")}, "without a zone"),
    ],
)
def test_a_wrong_column_is_refused_by_name(changes: dict[str, Any], text: str) -> None:
    assert text in refused(**changes)


def test_only_gate_records_are_taken() -> None:
    with pytest.raises(GatesError, match="a contiguous one-dimensional array of GATE"):
        Gates("EUR_USD", np.zeros((1, 1), dtype=GATE), "memory")


def test_data_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        made().data["known"][0] = 0


def test_a_window_holds_gates_known_in_it() -> None:
    window = gates_at([0, 1, 2]).window(START_NS, START_NS + 2 * MINUTE_NS)
    assert ((window.data["known"] - START_NS) // MINUTE_NS).tolist() == [0, 1]
    with pytest.raises(WindowError, match="an end after the start"):
        window.window(START_NS, START_NS)


@given(any_gates())
def test_a_frame_gives_back_the_same_gates(gates: Gates) -> None:
    frame = gates.to_frame()
    assert tuple(frame.columns) == (*FRAME_COLUMNS, *DETAILS)
    again = Gates.from_frame(frame, "EUR_USD", source="memory")
    assert again.data.tobytes() == gates.data.tobytes()
    assert again.content_hash == gates.content_hash


def test_the_hash_tells_gates_apart_but_not_where_they_lie() -> None:
    gates = gates_at([0, 1])
    moved = Gates.from_frame(gates.to_frame(), "EUR_USD", source="parquet")
    assert moved.content_hash == gates.content_hash
    assert gates_at([0, 1], 0.6).content_hash != gates.content_hash
    assert gates_at([0, 1], instrument="GBP_USD").content_hash != gates.content_hash


def test_a_frame_without_a_column_is_refused() -> None:
    frame = gates_at([0]).to_frame().drop("reps")
    with pytest.raises(GatesError, match="got no reps"):
        Gates.from_frame(frame, "EUR_USD", source="memory")


def test_a_frame_keeps_missing_values_as_nulls() -> None:
    frame = gates_at([0]).to_frame()
    assert frame["stability"].null_count() == 1
    assert frame.schema["known"] == pl.Datetime("ns", "UTC")


def test_each_bar_judges_the_latest_gate_known_at_its_open() -> None:
    """Bars at 1, 2, 3; gates at 0, 1 (replaces 0), 3 and one after the last open."""
    times = known(0, 1, 3, 4)
    gate_of_bar, data, after = align(known(1, 2, 3), times, records(times))
    assert gate_of_bar.tolist() == [1, 1, 2]
    assert gate_of_bar.dtype == np.int32
    assert data["skipped"].tolist() == [0, 1, 0, 0]
    assert after == 1


def test_without_bars_no_gate_is_judged() -> None:
    times = known(0, 1)
    gate_of_bar, data, after = align(known(), times, records(times))
    assert (gate_of_bar.tolist(), data["skipped"].tolist(), after) == ([], [0, 0], 2)


def test_each_gate_needs_its_time() -> None:
    with pytest.raises(IntegrityError, match="1 times; allowed: 2, one per gate"):
        align(known(0), known(0), records(known(0, 1)))


@given(
    st.lists(st.integers(0, 60), unique=True).map(sorted),
    st.lists(st.integers(0, 60), unique=True).map(sorted),
)
def test_alignment_equals_its_plain_twin_and_loses_no_gate(
    bars: list[int], gates: list[int]
) -> None:
    times = np.array(gates, dtype=np.int64)
    gate_of_bar, data, after = align(np.array(bars, dtype=np.int64), times, records(times))
    assert (gate_of_bar.tolist(), data["skipped"].tolist(), after) == naive_align.align(bars, gates)
    judged = len(set(gate_of_bar.tolist()) - {-1})
    assert judged + int(data["skipped"].sum()) + after == len(gates)
