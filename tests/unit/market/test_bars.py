"""Bars are refused for what is wrong with them, and never repaired."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.samples import START_NS, any_bars, bars_at, in_zone, quotes

from hotband.core.records import QUOTE, Records
from hotband.errors import BarsError, WindowError
from hotband.market.bars import COLUMNS, Bars, Column, times_ns
from hotband.market.calendar import MINUTE_NS


def refused(data: Records, granularity: str = "M1") -> str:
    with pytest.raises(BarsError) as caught:
        Bars.from_records("EUR_USD", granularity, data, source="oanda")
    return str(caught.value)


def with_value(field: str, row: int, value: float) -> Records:
    data = quotes([0, 1, 2])
    data[field][row] = value
    return data


def columns(**changes: Column) -> dict[str, Column]:
    frame = bars_at([0, 1, 2]).to_frame()
    return {name: frame[name] for name in frame.columns} | changes


def test_unsorted_times_name_the_first_row_out_of_order() -> None:
    assert refused(quotes([0, 2, 1, 3])) == (
        "bars of EUR_USD M1: got unsorted in 1 of 4 rows, first row 2 at 2025-04-30T23:51:00Z "
        "after 2025-04-30T23:52:00Z; allowed: open times in increasing order. "
        "Sort the rows by time."
    )


def test_duplicate_times_are_told_from_unsorted_ones() -> None:
    assert refused(quotes([0, 1, 1])) == (
        "bars of EUR_USD M1: got duplicate in 1 of 3 rows, first row 2 at 2025-04-30T23:51:00Z "
        "after 2025-04-30T23:51:00Z; allowed: one bar per open time. Remove the repeated rows."
    )


def test_times_off_the_grid_of_the_granularity_are_refused() -> None:
    text = refused(quotes([0, 1, 2]), "M5")
    assert "misaligned in 2 of 3 rows, first row 1 at 2025-04-30T23:51:00Z" in text
    assert text.endswith("Check the granularity, or whether the times are close times.")


def test_daily_bars_may_open_at_any_hour() -> None:
    data = quotes([0, 1440])
    assert len(Bars.from_records("EUR_USD", "D", data, source="oanda")) == 2


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("field", ["bid_o", "ask_l"])
def test_prices_that_are_no_numbers_are_refused(field: str, value: float) -> None:
    assert "not_finite in 1 of 3 rows, first row 1" in refused(with_value(field, 1, value))


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_prices_of_zero_or_less_are_refused(value: float) -> None:
    assert "not_positive in 1 of 3 rows, first row 2" in refused(with_value("bid_l", 2, value))


@pytest.mark.parametrize(
    ("field", "value"), [("bid_h", 1.0), ("ask_h", 1.0), ("bid_l", 1.2), ("ask_l", 1.2)]
)
def test_extremes_must_hold_open_and_close_on_each_side(field: str, value: float) -> None:
    text = refused(with_value(field, 1, value))
    assert "high_low in 1 of 3 rows, first row 1 at 2025-04-30T23:51:00Z (bid " in text


@pytest.mark.parametrize("letter", ["o", "c"])
def test_a_crossed_quote_at_open_or_close_is_refused_with_its_prices(letter: str) -> None:
    data = with_value(f"ask_{letter}", 0, 1.0998)
    assert refused(data).startswith("bars of EUR_USD M1: got crossed in 1 of 3 rows, first row 0")


def test_a_spread_of_zero_is_allowed() -> None:
    data = quotes([0, 1], spread=0.0)
    assert len(Bars.from_records("EUR_USD", "M1", data, source="oanda")) == 2


@pytest.mark.parametrize("value", [-1.0, np.inf])
def test_volume_is_a_count_or_unknown(value: float) -> None:
    assert f"(volume {value})" in refused(with_value("volume", 0, value))


def test_unknown_volume_is_nan() -> None:
    given = columns()
    del given["volume"]
    bars = Bars.from_columns("EUR_USD", "M1", given, source="oanda")
    assert np.isnan(bars.data["volume"]).all()


def test_a_misspelt_column_is_named_with_the_nearest() -> None:
    given = columns(bid_op=[1.0])
    with pytest.raises(BarsError, match=r"got bid_op; .* Did you mean 'bid_o'\?"):
        Bars.from_columns("EUR_USD", "M1", given, source="oanda")


def test_a_missing_side_is_pointed_to_the_completion_of_sides() -> None:
    given = {name: column for name, column in columns().items() if not name.startswith("ask")}
    with pytest.raises(BarsError, match=r"no ask_o, ask_h, ask_l, ask_c; .*hotband\.market\.spr"):
        Bars.from_columns("EUR_USD", "M1", given, source="oanda")


@pytest.mark.parametrize("wrong", [[1.1], ["a", "b", "c"]])
def test_columns_are_numbers_of_one_length(wrong: list[Any]) -> None:
    with pytest.raises(BarsError, match=r"column bid_c of EUR_USD M1: .*3 numbers, one per time"):
        Bars.from_columns("EUR_USD", "M1", columns(bid_c=wrong), source="oanda")


@pytest.mark.parametrize(
    ("times", "text"),
    [
        (in_zone(["2025-04-01T00:00:00"], None), "times without a zone"),
        (np.array(["2025-04-01"], dtype="M8[ns]"), "datetime64 without a zone"),
        ([datetime(2025, 4, 1)], "without a zone"),  # noqa: DTZ001 - the naive time under test
        (pl.Series([1, None], dtype=pl.Int64), "1 nulls"),
        (np.array([1.5]), "an array of float64"),
        (["2025-04-01"], "'2025-04-01'"),
        ([True], "True"),
        ([2**63], "got 9223372036854775808;"),
        (pl.Series([datetime(3000, 1, 1, tzinfo=UTC)]), "times beyond 64-bit ns"),
        (np.array([2**63], np.uint64), "got 9223372036854775808;"),
    ],
)
def test_times_that_could_mean_two_instants_are_refused(times: Column, text: str) -> None:
    with pytest.raises(BarsError) as caught:
        times_ns(times)
    assert text in str(caught.value)
    assert "int64 nanoseconds UTC, or times with a zone" in str(caught.value)


def test_times_with_a_zone_become_nanoseconds_utc() -> None:
    expected = 1_743_465_600_000_000_000  # 2025-04-01T00:00:00Z
    eastern = timezone(timedelta(hours=-4))
    for times in (
        in_zone(["2025-04-01T00:00:00"]),
        in_zone(["2025-03-31T20:00:00"], "America/New_York"),
        [datetime(2025, 4, 1, tzinfo=UTC)],
        [datetime(2025, 3, 31, 20, tzinfo=eastern)],
        [expected],
        np.array([expected]),
        pl.Series([expected]),
    ):
        assert times_ns(times).tolist() == [expected]


def test_an_unknown_side_origin_is_refused() -> None:
    with pytest.raises(BarsError, match="Did you mean 'bid'"):
        Bars("EUR_USD", "M1", MINUTE_NS, quotes([0]), "bids", "x")  # type: ignore[arg-type] # under test


def test_only_quote_records_are_taken() -> None:
    with pytest.raises(BarsError, match="a contiguous one-dimensional array of QUOTE"):
        Bars("EUR_USD", "M1", MINUTE_NS, np.zeros((2, 2), dtype=QUOTE), "ba", "x")


def test_data_cannot_be_written() -> None:
    bars = bars_at([0, 1])
    with pytest.raises(ValueError, match="read-only"):
        bars.data["t"][0] = 0


def test_a_bar_is_known_one_granularity_after_its_open() -> None:
    assert bars_at([3]).known_ns.tolist() == [START_NS + 4 * MINUTE_NS]


def test_a_window_holds_bars_that_open_in_it_and_are_known_by_its_end() -> None:
    bars = bars_at([0, 1, 2, 3])
    window = bars.window(START_NS + MINUTE_NS, START_NS + 3 * MINUTE_NS)
    assert ((window.data["t"] - START_NS) // MINUTE_NS).tolist() == [1, 2]
    assert np.shares_memory(window.data, bars.data)
    assert len(bars.window(START_NS, START_NS + MINUTE_NS - 1)) == 0


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(WindowError, match="an end after the start"):
        bars_at([0]).window(START_NS, START_NS)


@given(any_bars(), st.integers(0, 4000), st.integers(1, 4000))
def test_a_window_is_what_a_loop_over_all_bars_finds(bars: Bars, start: int, length: int) -> None:
    start_ns = START_NS + start * MINUTE_NS
    end_ns = start_ns + length * MINUTE_NS
    plain = [t for t in bars.data["t"] if start_ns <= t and t + MINUTE_NS <= end_ns]
    assert bars.window(start_ns, end_ns).data["t"].tolist() == plain


@given(any_bars())
def test_a_frame_gives_back_the_same_bars(bars: Bars) -> None:
    frame = bars.to_frame()
    assert frame.columns == list(COLUMNS)
    assert frame.schema["time"] == pl.Datetime("ns", "UTC")
    again = Bars.from_frame(frame, "EUR_USD", "M1", source="any")
    assert again.content_hash == bars.content_hash


@given(any_bars(least=1), st.data())
def test_the_hash_sees_every_value(bars: Bars, data: st.DataObject) -> None:
    changed = bars.data.copy()
    row = data.draw(st.integers(0, len(bars) - 1))
    changed["ask_h"][row] += 0.00001
    other = Bars.from_records("EUR_USD", "M1", changed, source="any")
    assert other.content_hash != bars.content_hash


def test_the_hash_sees_the_identity() -> None:
    hashes = {
        bars.content_hash
        for bars in (
            bars_at([0]),
            bars_at([0], instrument="GBP_USD"),
            bars_at([0], side_origin="mid"),
            bars_at([0], source="demo"),
        )
    }
    assert len(hashes) == 4
