"""Ticks become bars by one definition, however they are cut into slices."""

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.naive.naive_ticks import Tick, bars_of

from hotband.core.records import QUOTE, Records
from hotband.errors import BarsError
from hotband.feeds.files import read_bars
from hotband.feeds.ticks import TICK, BarBuilder, aggregate, tick_records
from hotband.market.bars import PRICES
from hotband.market.calendar import MINUTE_NS

START = 1_743_465_600_000_000_000


def records(ticks: list[Tick]) -> Records:
    return np.array(ticks, dtype=TICK)


@st.composite
def tick_lists(draw: st.DrawFn) -> list[Tick]:
    """Ticks in order, with equal times, repetitions and crossed quotes among them."""
    steps = draw(st.lists(st.sampled_from([0, 0, 1, 20_000, 70_000, 400_000]), max_size=30))
    times = START + 1_000_000 * np.cumsum(steps, dtype=np.int64)
    price = st.sampled_from([1.1, 1.1001, 1.1002])
    return [(int(t), draw(price), draw(price)) for t in times]


@given(tick_lists())
def test_bars_are_those_of_the_definition(ticks: list[Tick]) -> None:
    expected = bars_of(ticks, MINUTE_NS, drop_crossed=True)
    got = aggregate(records(ticks), "EUR_USD", "M1", source="x", on_crossed="drop").data
    assert [{name: bar[name] for name in QUOTE.names or ()} for bar in got] == expected


@given(tick_lists(), st.data())
def test_how_ticks_are_cut_into_slices_changes_nothing(
    ticks: list[Tick], data: st.DataObject
) -> None:
    whole, cut = (BarBuilder("M1", "x", "drop") for _ in range(2))
    whole.add(records(ticks))
    edges = sorted(data.draw(st.lists(st.integers(0, len(ticks)), max_size=5)))
    for first, last in zip([0, *edges], [*edges, len(ticks)], strict=True):
        cut.add(records(ticks[first:last]))
    assert cut.finish().tobytes() == whole.finish().tobytes()
    assert (cut.rows, cut.duplicates, cut.crossed) == (whole.rows, whole.duplicates, whole.crossed)


@given(tick_lists())
def test_ticks_in_are_ticks_in_bars_and_ticks_left_out(ticks: list[Tick]) -> None:
    builder = BarBuilder("M1", "x", "drop")
    builder.add(records(ticks))
    counted = builder.finish()["volume"].sum() + builder.duplicates + builder.crossed
    assert counted == builder.rows == len(ticks)


@given(tick_lists(), st.integers(1, 10_000))
def test_whole_minutes_later_is_the_same_later(ticks: list[Tick], minutes: int) -> None:
    later = [(t + minutes * MINUTE_NS, bid, ask) for t, bid, ask in ticks]
    first, second = (
        aggregate(records(some), "EUR_USD", "M1", source="x", on_crossed="drop").data.copy()
        for some in (ticks, later)
    )
    first["t"] += minutes * MINUTE_NS
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize(
    ("ticks", "text"),
    [
        ([(START, 1.1, 1.2), (START - 1, 1.1, 1.2)], "after 2025-04-01T00:00:00Z in row 1"),
        ([(START, 1.1, 1.2), (START, math.nan, 1.2)], "bid of EUR_USD: got nan in row 1"),
        ([(START, 1.1, 0.0)], "ask of EUR_USD: got 0.0 in row 0"),
        ([(START, 1.2, 1.1)], "ask below bid in 1 of 1 rows"),
    ],
)
def test_bad_ticks_are_refused_by_their_row(ticks: list[Tick], text: str) -> None:
    with pytest.raises(BarsError) as caught:
        aggregate(records(ticks), "EUR_USD", "M1", source="x")
    assert text in str(caught.value)


def test_a_time_that_goes_back_between_slices_is_refused() -> None:
    builder = BarBuilder("M1", "x")
    builder.add(records([(START, 1.1, 1.2), (START + 5, 1.1, 1.2)]))
    with pytest.raises(BarsError, match="in row 2"):
        builder.add(records([(START + 4, 1.1, 1.2)]))


def test_bars_longer_than_an_hour_are_not_made_of_ticks() -> None:
    with pytest.raises(BarsError, match="got H4; allowed: S5 to H1"):
        BarBuilder("H4", "EUR_USD")


def test_records_of_another_layout_are_refused() -> None:
    with pytest.raises(BarsError, match="Use tick_records"):
        aggregate(np.empty(0, dtype=QUOTE), "EUR_USD", "M1", source="x")


@pytest.mark.real_data
def test_the_real_ticks_of_may_2014_make_exactly_the_real_minutes(real_data: Path) -> None:
    name = "EUR_USD.{}.oanda.20140501_20140509.parquet"
    minutes, _ = read_bars(real_data / name.format("M1"))
    ticks = pl.read_parquet(real_data / name.format("TICK"))
    made = aggregate(
        tick_records(
            ticks["time"].dt.cast_time_unit("ns").to_physical().to_numpy(),
            ticks["bid"].to_numpy(),
            ticks["ask"].to_numpy(),
        ),
        "EUR_USD",
        "M1",
        source="oanda",
    )
    for field in ("t", *PRICES):
        assert np.array_equal(made.data[field], minutes.data[field])
    assert made.data["volume"].sum() == ticks.height
