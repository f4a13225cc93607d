"""Which week is run where no window is given."""

from pathlib import Path

import pytest
from tests.unit.weekly.grid_runs import DATA, PAIRS, instrument_of, market, run

from hotband.errors import InputError
from hotband.feeds.demo import demo_bars
from hotband.feeds.files import read_bars
from hotband.market.calendar import DEFAULT_HOURS, format_time, parse_time
from hotband.stores.parquet import parquet_bars
from hotband.weekly.sources import last_week

GRID = {"default": {"min_reps": [1], "exposure": [0.5], "hold_minutes": [30]}}
WEEK = ("2026-03-08T21:00:00Z", "2026-03-13T21:00:00Z")
"""ISO week 11 of 2026; New York changed its clocks as it opened."""


def newest(end: str) -> tuple[str, str]:
    """The last week closed by bars that end at or before a time."""
    bars = demo_bars(PAIRS[:1], parse_time("2026-03-02T00:00:00Z"), parse_time(end))
    found = last_week(bars, PAIRS[:1], "M1", DEFAULT_HOURS)
    return format_time(found[0]), format_time(found[1])


def test_bars_up_to_the_last_quote_of_a_week_close_it() -> None:
    assert newest("2026-03-13T20:58:00Z") == WEEK


@pytest.mark.parametrize("end", ["2026-03-13T20:44:00Z", "2026-03-09T00:00:00Z"])
def test_a_week_that_is_still_on_does_not_count(end: str) -> None:
    assert newest(end) == ("2026-03-01T22:00:00Z", "2026-03-06T22:00:00Z")


def test_bars_of_the_next_week_leave_it_the_last_one() -> None:
    assert newest("2026-03-16T09:00:00Z") == WEEK


def test_the_newest_bar_of_any_instrument_decides() -> None:
    late, early = (
        market()["EUR_USD"],
        demo_bars(
            ("USD_JPY",), parse_time("2026-03-02T00:00:00Z"), parse_time("2026-03-06T22:00:00Z")
        )["USD_JPY"],
    )
    bars = {"EUR_USD": late, "USD_JPY": early}
    assert format_time(last_week(bars, PAIRS, "M1", DEFAULT_HOURS)[1]) == WEEK[1]


def test_a_store_and_a_mapping_have_the_same_last_week(tmp_path: Path) -> None:
    store = parquet_bars(tmp_path)
    for bars in market().values():
        store.append(bars)
    found = [last_week(bars, PAIRS, "M1", DEFAULT_HOURS) for bars in (store, market())]
    assert found[0] == found[1]


@pytest.mark.parametrize("granularity", ["M1", "M5"])
def test_without_bars_there_is_no_last_week(granularity: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"bars of {granularity}: got none"):
        last_week(parquet_bars(tmp_path), PAIRS, granularity, DEFAULT_HOURS)


def test_no_window_judges_in_the_last_week_and_an_iso_week_the_same(tmp_path: Path) -> None:
    last = run(tmp_path, start=None, end=None, grid=GRID)
    judged = instrument_of(last, "EUR_USD").judgement.hold_out
    assert judged is not None
    assert (judged.window.start, judged.window.end) == WEEK
    assert (last.window.start, last.window.end) == (DATA[0], WEEK[1])
    named = run(tmp_path, start=None, end=None, week="2026-W11", grid=GRID, listener=pytest.fail)
    assert named == last


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("file", "week"),
    [
        ("EUR_USD.M1.dukascopy.20250401_20250418", "2025-04-13T21:00:00Z"),
        ("USD_JPY.M5.oanda.20250504_20250829", "2025-08-24T21:00:00Z"),
    ],
)
def test_the_last_week_of_real_bars_is_the_one_they_end_with(
    file: str, week: str, real_data: Path
) -> None:
    bars = read_bars(real_data / f"{file}.parquet", on_crossed="drop")[0]
    found = last_week({bars.instrument: bars}, [bars.instrument], bars.granularity, DEFAULT_HOURS)
    assert format_time(found[0]) == week
