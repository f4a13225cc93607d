"""A backfill ends with every complete candle in the store, whatever happens on the way."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hotband.errors import BarsError, InputError, StoreError, StoreUnavailableError, WindowError
from hotband.feeds.oanda_client import OandaClient
from hotband.feeds.oanda_credentials import OandaAccess
from hotband.market.bars import Bars
from hotband.market.calendar import DEFAULT_HOURS, parse_granularity, parse_time
from hotband.market.instruments import load_instruments
from hotband.research.fetch_progress import FetchProgress, Span, missing, progress_path
from hotband.research.fetching import Backfill, FetchPlan, FetchReport
from hotband.stores.urls import open_bar_store
from tests.oanda.market import Market
from tests.oanda.stub import Stub

START, END = "2026-02-08T22:00:00Z", "2026-02-20T22:00:00Z"


def expected(market: Market, granularity: str, start: str, end: str | None = None) -> list[int]:
    """Open times of the complete candles of a window."""
    t = market.opens(granularity, parse_time(start), market.now_ns + 1)
    t = t[t != market.newest(granularity)]
    if end is not None:
        t = t[t + parse_granularity(granularity) <= parse_time(end)]
    return [int(one) for one in t]


class Place:
    """A store in a folder, and fetches into it from a stub."""

    def __init__(self, folder: Path, client: OandaClient) -> None:
        self.folder, self.client = folder, client
        self.store = open_bar_store(f"parquet://{folder}")

    def fetch(self, start: str, end: str | None = None, **options: Any) -> FetchReport:
        options.setdefault("instrument", "EUR_USD")
        options.setdefault("granularity", "M1")
        plan = FetchPlan(
            start_ns=parse_time(start), end_ns=None if end is None else parse_time(end), **options
        )
        backfill = Backfill(
            self.client, self.store, self.folder, "a store", load_instruments(), DEFAULT_HOURS
        )
        return backfill.fetch(plan)

    def held(self, granularity: str = "M1") -> Bars:
        return self.store.read("EUR_USD", granularity, 10**18, 2**62)

    def times(self, granularity: str = "M1") -> list[int]:
        return [int(t) for t in self.held(granularity).data["t"]]

    def files(self) -> dict[str, bytes]:
        """Bytes of every file of bars."""
        root = self.folder / "bars"
        return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*.parquet"))}


@pytest.fixture
def place(tmp_path: Path, client: OandaClient) -> Place:
    return Place(tmp_path / "home", client)


@pytest.mark.parametrize("counts", ["candles", "periods"])
def test_weeks_of_minutes_come_whole_and_once(counts: Any, stub: Stub, place: Place) -> None:
    stub.market.counts = counts
    report = place.fetch(START, END)
    assert place.times() == expected(stub.market, "M1", START, END)
    assert report.bars_added == report.candles == len(place.times())
    assert report.quality is not None
    assert report.quality.gaps_total
    assert not [path for path in stub.paths if "to=" in path]


@pytest.mark.parametrize("counts", ["candles", "periods"])
def test_a_hole_of_weeks_neither_ends_nor_stalls_a_backfill(
    counts: Any, stub: Stub, place: Place
) -> None:
    stub.market.counts = counts
    stub.market.holes = [("2026-01-15T00:00:00Z", "2026-02-12T00:00:00Z")]
    place.fetch("2026-01-12T00:00:00Z", END)
    assert place.times() == expected(stub.market, "M1", "2026-01-12T00:00:00Z", END)
    assert len(stub.seen) < 40


@pytest.mark.parametrize("counts", ["candles", "periods"])
def test_a_start_inside_a_candle_leaves_that_candle_out(
    counts: Any, stub: Stub, place: Place
) -> None:
    stub.market.counts = counts
    place.fetch("2026-03-02T10:00:30Z", "2026-03-02T10:03:10Z")
    assert place.times() == expected(
        stub.market, "M1", "2026-03-02T10:00:30Z", "2026-03-02T10:03:10Z"
    )
    assert len(place.times()) == 2


def test_candles_that_a_page_repeats_are_stored_once(stub: Stub, place: Place) -> None:
    stub.market.overlap = 3
    place.fetch(START, END)
    assert place.times() == expected(stub.market, "M1", START, END)


def test_without_an_end_all_that_is_complete_comes(stub: Stub, place: Place) -> None:
    report = place.fetch("2026-03-02T00:00:00Z")
    assert place.times() == expected(stub.market, "M1", "2026-03-02T00:00:00Z")
    assert report.incomplete == 1
    assert stub.market.newest("M1") not in place.times()


def test_an_end_in_the_future_is_never_sent(stub: Stub, place: Place) -> None:
    place.fetch("2026-03-06T00:00:00Z", "2030-01-01T00:00:00Z")
    assert place.times() == expected(stub.market, "M1", "2026-03-06T00:00:00Z")


def test_at_the_weekend_the_last_candle_waits_for_its_next_tick(stub: Stub, place: Place) -> None:
    stub.market.now = "2026-03-07T12:00:00Z"
    place.fetch("2026-03-05T00:00:00Z")
    before = place.times()
    assert before == expected(stub.market, "M1", "2026-03-05T00:00:00Z")
    stub.market.now = "2026-03-09T12:00:00Z"
    report = place.fetch("2026-03-05T00:00:00Z")
    assert place.times() == expected(stub.market, "M1", "2026-03-05T00:00:00Z")
    assert report.bars_added == len(place.times()) - len(before)
    assert len(report.skipped) == 1


@pytest.mark.long
def test_a_year_of_minutes_comes_within_the_limits_of_the_broker(
    stub: Stub, tmp_path: Path
) -> None:
    window = ("2025-01-05T22:00:00Z", "2026-01-04T22:00:00Z")
    with OandaClient(OandaAccess.from_environment(stub.environment)) as client:
        place = Place(tmp_path, client)
        place.fetch(*window)
    assert place.times() == expected(stub.market, "M1", *window)
    assert stub.peak_rate() <= 100
    assert (len(stub.connected), stub.turned_away) == (1, 0)
    assert len(stub.seen) <= 80


def test_a_start_before_history_is_borne_with(stub: Stub, place: Place) -> None:
    stub.market.first = "2026-02-10T00:00:00Z"
    stub.market.counts = "periods"
    place.fetch("2026-01-01T00:00:00Z", END)
    assert place.times() == expected(stub.market, "M1", "2026-02-10T00:00:00Z", END)


@pytest.mark.parametrize("granularity", ["S30", "M5", "H1", "H4", "H12", "D"])
def test_every_length_comes_at_the_times_of_the_broker(
    granularity: str, stub: Stub, place: Place
) -> None:
    start = "2026-03-04T00:00:00Z" if granularity == "S30" else "2025-09-28T00:00:00Z"
    place.fetch(start, granularity=granularity)
    assert place.times(granularity) == expected(stub.market, granularity, start)
    assert all("dailyAlignment=17" in path for path in stub.paths)


def test_days_begin_at_17_new_york_on_both_sides_of_daylight_time(place: Place) -> None:
    place.fetch("2025-10-20T00:00:00Z", "2025-11-15T00:00:00Z", granularity="D")
    hours = {int(t) // 3_600_000_000_000 % 24 for t in place.times("D")}
    assert hours == {21, 22}


def test_a_fetch_again_asks_only_for_the_newest_candle(stub: Stub, place: Place) -> None:
    place.fetch(START, END)
    files, asked = place.files(), len(stub.seen)
    report = place.fetch(START, END)
    assert len(stub.seen) == asked + 1
    assert (report.pages, report.bars_added, len(report.skipped)) == (0, 0, 1)
    assert place.files() == files


def test_a_wider_window_fetches_only_what_is_new(stub: Stub, place: Place) -> None:
    place.fetch("2026-02-10T00:00:00Z", "2026-02-12T00:00:00Z")
    report = place.fetch(START, END)
    assert place.times() == expected(stub.market, "M1", START, END)
    inner = expected(stub.market, "M1", "2026-02-10T00:00:00Z", "2026-02-12T00:00:00Z")
    assert report.bars_added == report.candles == len(place.times()) - len(inner)


def test_a_backfill_that_failed_goes_on_and_leaves_no_hole(
    tmp_path: Path, client_of: Callable[..., OandaClient]
) -> None:
    whole = {}
    for name, faults in (("undisturbed", 0), ("failing", 4)):
        with Stub() as stub:
            place = Place(tmp_path / name, client_of(stub))
            if faults:
                # The newest, two pages, then no answer for as long as patience lasts.
                stub.faults = [None, None, None, "503 empty", "503 empty", "503 empty", "503 empty"]
                with pytest.raises(StoreUnavailableError, match="HTTP 503"):
                    place.fetch("2026-01-25T00:00:00Z", END)
                assert 0 < len(place.times()) <= 10_000
            place.fetch("2026-01-25T00:00:00Z", END)
            whole[name] = place.files()
    assert whole["failing"] == whole["undisturbed"]


def test_what_the_store_lost_is_fetched_again(stub: Stub, place: Place) -> None:
    place.fetch("2026-01-27T00:00:00Z", END)
    month = next((place.folder / "bars").rglob("month=2026-01"))
    (month / "part.parquet").unlink()
    report = place.fetch("2026-01-27T00:00:00Z", END)
    assert place.times() == expected(stub.market, "M1", "2026-01-27T00:00:00Z", END)
    assert not report.skipped
    assert report.bars_added == len(
        expected(stub.market, "M1", "2026-01-27T00:00:00Z", "2026-02-01T00:00:00Z")
    )


def test_bars_that_the_store_holds_differently_are_refused_unless_replaced(
    place: Place,
) -> None:
    place.fetch("2026-02-10T00:00:00Z", "2026-02-11T00:00:00Z")
    data = place.held().data.copy()
    honest = data.copy()
    data["bid_l"] -= 1e-5
    changed = Bars.from_records("EUR_USD", "M1", data, source="other")
    place.store.append(changed, replace=True)
    shutil.rmtree(place.folder / "fetched")
    with pytest.raises(BarsError, match="Pass replace=True"):
        place.fetch("2026-02-09T00:00:00Z", "2026-02-12T00:00:00Z")
    place.fetch("2026-02-10T00:00:00Z", "2026-02-11T00:00:00Z", replace=True)
    assert np.array_equal(place.held().data, honest)


def test_a_stretch_that_is_replaced_leaves_what_was_fetched_around_it_fetched(
    place: Place,
) -> None:
    place.fetch(START, END)
    again = place.fetch("2026-02-10T00:00:00Z", "2026-02-11T00:00:00Z", replace=True)
    assert (again.pages > 0, again.skipped) == (True, ())
    report = place.fetch(START, END)
    assert (report.pages, report.skipped) == (0, ((START, END, len(place.times())),))


def test_mids_get_spreads_and_resume_to_the_same_bytes(
    tmp_path: Path, client_of: Callable[..., OandaClient]
) -> None:
    found = []
    for name, cut in (("whole", None), ("cut", "2026-02-10T00:00:00Z")):
        with Stub() as stub:
            place = Place(tmp_path / name, client_of(stub))
            if cut is not None:
                place.fetch(START, cut, side="mid")
            place.fetch(START, END, side="mid")
            assert "price=M&" in stub.paths[-1]
            found.append(place.held())
    assert np.array_equal(found[0].data, found[1].data)
    assert {bars.side_origin for bars in found} == {"mid"}


def test_an_unknown_instrument_and_a_start_behind_the_newest_are_refused(place: Place) -> None:
    with pytest.raises(InputError, match="Invalid value specified for 'instrument'"):
        place.fetch(START, END, instrument="AUD_NZD")
    with pytest.raises(WindowError, match="at or before the newest candle"):
        place.fetch("2026-05-01T00:00:00Z")
    with pytest.raises(WindowError, match="an end after the start"):
        place.fetch(END, START)


# Progress --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spans", "left"),
    [
        ([], [(0, 100)]),
        ([(0, 100)], []),
        ([(-5, 10), (90, 200)], [(10, 90)]),
        ([(20, 30), (50, 60)], [(0, 20), (30, 50), (60, 100)]),
        ([(200, 300)], [(0, 100)]),
        ([(-9, -3)], [(0, 100)]),
    ],
)
def test_only_what_no_span_covers_is_missing(
    spans: list[tuple[int, int]], left: list[tuple[int, int]]
) -> None:
    assert missing((0, 100), [Span(a, b, 1) for a, b in spans]) == left


def test_spans_that_touch_become_one_and_others_do_not(tmp_path: Path) -> None:
    progress = FetchProgress(tmp_path / "p.json", ("EUR_USD", "M1"))
    at = parse_time(START)
    spans = progress.add(Span(at, at + 10, 3), [])
    spans = progress.add(Span(at + 20, at + 30, 1), spans)
    spans = progress.add(Span(at + 10, at + 15, 2), spans)
    assert spans == [Span(at, at + 15, 5), Span(at + 20, at + 30, 1)]


@pytest.mark.parametrize("text", ["{", "{}", '{"schema": "hotband-fetched-9", "spans": []}', "[]"])
def test_a_file_of_progress_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.json").write_text(text)
    progress = FetchProgress(tmp_path / "p.json", ("EUR_USD", "M1"))
    with pytest.raises(StoreError, match="Remove the file"):
        progress.spans(open_bar_store("memory://progress"))


def test_stores_addresses_and_sides_have_files_of_their_own(tmp_path: Path) -> None:
    series = ("EUR_USD", "M1", "ba")
    paths = {
        progress_path(tmp_path, "a", "live", series),
        progress_path(tmp_path, "b", "live", series),
        progress_path(tmp_path, "a", "practice", series),
        progress_path(tmp_path, "a", "live", ("EUR_USD", "M1", "mid")),
    }
    assert len(paths) == 4
