"""One-sided bars take their spread from the store's own two-sided ones, known before them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hotband.errors import BarsError
from hotband.feeds.demo import demo_bars
from hotband.market.bars import Bars
from hotband.market.calendar import DAY_NS, parse_time
from hotband.market.instruments import load_instruments
from hotband.market.spreads import SpreadProfile
from hotband.research.importing import FileWords, import_files, spreads_in
from hotband.stores.ports import BarStore
from hotband.stores.urls import open_bar_store

TABLE = load_instruments()
EURO = TABLE["EUR_USD"]
MONDAY = parse_time("2025-03-31T00:00:00Z")
WEEK_LATER = MONDAY + 7 * DAY_NS


def two_sided() -> Bars:
    return demo_bars(["EUR_USD"], MONDAY, WEEK_LATER - 2 * DAY_NS, "M1", 3)["EUR_USD"]


def store_with(tmp_path: Path, *bars: Bars) -> BarStore:
    store = open_bar_store(f"parquet://{tmp_path / 'store'}")
    for held in bars:
        store.append(held)
    return store


def mid_file(tmp_path: Path, first: str) -> Path:
    path = tmp_path / "EUR_USD.M1.other.csv"
    row = {"time": [first], "o": [1.1], "h": [1.1], "l": [1.1], "c": [1.1]}
    pl.DataFrame(row).write_csv(path)
    return path


def test_the_spread_is_the_median_of_that_hour_of_the_week(tmp_path: Path) -> None:
    bars = two_sided()
    store = store_with(tmp_path, bars)
    done, *_ = import_files(
        store, [mid_file(tmp_path, "2025-04-08T14:30:00Z")], TABLE, FileWords(side="mid")
    )
    got = store.read("EUR_USD", "M1", WEEK_LATER, WEEK_LATER + 3 * DAY_NS).data
    hour = bars.data[
        (bars.data["t"] >= parse_time("2025-04-01T14:00:00Z"))
        & (bars.data["t"] < parse_time("2025-04-01T15:00:00Z"))
    ]
    spreads = (hour["ask_o"] - hour["bid_o"] + hour["ask_c"] - hour["bid_c"]) / 2
    half = np.median(spreads) / 2
    assert done.added == 1
    assert got["bid_o"][0] == pytest.approx(1.1 - half, abs=0.6e-5)
    assert got["ask_o"][0] == pytest.approx(1.1 + half, abs=0.6e-5)
    assert done.report.notes == (
        "the file has the mid only; spreads come from two-sided bars before it for 117 of 168 "
        "hours of the week, else the instrument's table",
    )


def test_later_bars_and_bars_with_a_derived_side_teach_nothing(tmp_path: Path) -> None:
    store = store_with(tmp_path, two_sided())
    assert spreads_in(store, EURO, MONDAY) is None
    derived = open_bar_store("memory://derived-side")
    bars = two_sided()
    derived.append(replace(bars, side_origin="mid"))
    assert spreads_in(derived, EURO, WEEK_LATER) is None
    assert spreads_in(open_bar_store("memory://nothing-held"), EURO, WEEK_LATER) is None


def test_a_coarser_granularity_teaches_where_the_finer_one_is_derived(tmp_path: Path) -> None:
    fine = two_sided()
    store = store_with(tmp_path, replace(fine, side_origin="bid"))
    coarse = demo_bars(["EUR_USD"], MONDAY, WEEK_LATER - 2 * DAY_NS, "M5", 3)["EUR_USD"]
    store.append(coarse)
    found = spreads_in(store, EURO, WEEK_LATER)
    assert found is not None
    expected = SpreadProfile.from_bars(coarse, WEEK_LATER).spread
    assert np.array_equal(found.spread, expected, equal_nan=True)


def test_an_instrument_file_gives_the_table_its_spread(tmp_path: Path) -> None:
    path = tmp_path / "broker.yaml"
    path.write_text("EUR_USD: {spread_pips: 4.0}\n", "utf-8")
    store = open_bar_store(f"parquet://{tmp_path / 'store'}")
    file = mid_file(tmp_path, "2025-04-08T14:30:00Z")
    import_files(store, [file], load_instruments(path), FileWords(side="mid"))
    got = store.read("EUR_USD", "M1", WEEK_LATER, WEEK_LATER + 3 * DAY_NS).data
    assert got["ask_c"][0] - got["bid_c"][0] == pytest.approx(0.0004)


def test_one_bad_file_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    store = open_bar_store(f"parquet://{tmp_path / 'store'}")
    good = mid_file(tmp_path, "2025-04-08T14:30:00Z")
    bad = tmp_path / "EUR_USD.M1.bad.csv"
    bad.write_text("time,o,h,l,c\n2025-04-08T14:31:00Z,1.1,1.0,1.2,1.1\n", "utf-8")
    with pytest.raises(BarsError):
        import_files(store, [good, bad], TABLE, FileWords(side="mid"))
    assert store.instruments() == ()
