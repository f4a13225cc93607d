"""A report counts and places what is wrong with quotes, and changes nothing."""

import json
import math

import numpy as np
import polars as pl
import pytest
from tests.contract.samples import bars_at, quotes

from hotband.core.records import Records
from hotband.errors import BarsError
from hotband.feeds.quality import Gap, QualityReport, check_bars, check_frame
from hotband.market.bars import Bars, Int64Array
from hotband.market.calendar import DEFAULT_HOURS, MINUTE_NS, MarketHours, parse_time

NO_CLOSURE = MarketHours(closure_start="17:00", closure_end="17:00")
FRIDAY_NS = parse_time("2025-04-04T20:50:00Z")
"""Ten minutes before the weekly close (New York is UTC-4)."""


def report_of(data: Records, granularity: str = "M1") -> QualityReport:
    bars = Bars.from_records("EUR_USD", granularity, data, source="oanda")
    return check_bars(bars, NO_CLOSURE)


def at(t_ns: Int64Array) -> Records:
    data = quotes(range(len(t_ns)))
    data["t"] = t_ns
    return data


def walk(moves: list[float]) -> Records:
    """Bars whose mid closes move by these fractions."""
    data = quotes(range(len(moves) + 1), spread=0.0)
    closes = 1.1 * np.cumprod([1.0, *(1 + move for move in moves)])
    for name in data.dtype.names or ():
        if name not in {"t", "volume"}:
            data[name] = closes
    return data


def test_whole_bars_have_nothing_to_report() -> None:
    report = check_bars(bars_at(range(30)), DEFAULT_HOURS)
    assert (report.rows, report.open_slots, report.share_present) == (30, 30, 1.0)
    assert (report.first, report.last) == ("2025-04-30T23:50:00Z", "2025-05-01T00:19:00Z")
    assert set(report.faults.values()) == {0}
    assert (report.gaps, report.gaps_total, report.outside_hours) == ((), 0, 0)
    assert (report.spikes_total, report.zero_spreads, report.flat_runs) == (0, 0, 0)


def test_gaps_are_listed_longest_first_by_their_first_missing_bar() -> None:
    report = report_of(quotes([0, 2, 3, 7, 9]))
    assert report.gaps == (
        Gap("2025-04-30T23:54:00Z", 3),
        Gap("2025-04-30T23:51:00Z", 1),
        Gap("2025-04-30T23:58:00Z", 1),
    )
    assert report.share_present == pytest.approx(0.5)


def test_the_weekend_is_no_gap() -> None:
    """From Friday 20:50 to Sunday 21:05: 10 + 5 + 1 open minutes, one of Sunday's missing."""
    friday = FRIDAY_NS + MINUTE_NS * np.arange(10)
    sunday = parse_time("2025-04-06T21:01:00Z") + MINUTE_NS * np.arange(5)
    report = report_of(at(np.concatenate((friday, sunday))))
    assert report.gaps == (Gap("2025-04-06T21:00:00Z", 1),)
    assert report.open_slots == 16
    assert report.outside_hours == 0


def test_the_daily_closure_is_no_gap() -> None:
    """16:58 to 17:03 in New York is 20:58 to 21:03 UTC in April."""
    times = parse_time("2025-04-02T20:57:00Z") + MINUTE_NS * np.array([0, 6])
    bars = Bars.from_records("EUR_USD", "M1", at(times), source="oanda")
    assert check_bars(bars, DEFAULT_HOURS).share_present == 1.0
    assert check_bars(bars, NO_CLOSURE).gaps == (Gap("2025-04-02T20:58:00Z", 5),)


def test_bars_in_the_weekend_are_counted() -> None:
    times = FRIDAY_NS + MINUTE_NS * np.array([0, 9, 10, 11])
    assert report_of(at(times)).outside_hours == 2


def test_daily_bars_have_no_slots_to_miss() -> None:
    report = report_of(quotes([0, 1440]), "D")
    assert (report.open_slots, report.share_present, report.gaps_total) == (None, None, None)


def test_a_move_of_more_than_twelve_medians_is_a_spike() -> None:
    """Moves of 1 basis point, one of 11.9 and one of 12.1."""
    moves = [0.0001] * 50 + [0.00119] + [-0.0001] * 50 + [-0.00121]
    report = report_of(walk(moves))
    assert report.spikes_total == 1
    assert report.spikes[0].time == "2025-05-01T01:32:00Z"
    assert report.spikes[0].move_pct == pytest.approx(-0.121, abs=1e-4)
    assert report.spikes[0].factor == pytest.approx(12.1, abs=0.01)


def test_a_move_over_a_gap_is_measured_against_the_time_it_had() -> None:
    """After 100 minutes ten times the usual move is ordinary; 15 times is a factor of 1.5."""
    data = walk([0.0001, -0.0001] * 20 + [0.0015])
    data["t"][-1] += 99 * MINUTE_NS
    assert report_of(data).spikes_total == 0


def test_bars_that_never_move_have_no_spikes_but_a_flat_run() -> None:
    report = report_of(walk([0.0] * 12))
    assert (report.spikes_total, report.flat_runs, report.longest_flat_run) == (0, 1, 13)


def test_a_flat_run_ends_at_a_gap() -> None:
    data = walk([0.0] * 12)
    data["t"][6:] += MINUTE_NS
    report = report_of(data)
    assert (report.flat_runs, report.longest_flat_run) == (0, 7)


def test_zero_spreads_are_counted_and_valid() -> None:
    data = quotes(range(4))
    data["ask_c"][1] = data["bid_c"][1]
    data["ask_l"][1] = data["bid_l"][1]
    report = report_of(data)
    assert (report.zero_spreads, report.faults["crossed"]) == (1, 0)


def test_a_broken_table_is_counted_kind_by_kind() -> None:
    data = quotes([0, 1, 2, 2, 4, 3, 6])
    frame = pl.DataFrame({name: data[name].copy() for name in data.dtype.names or ()})
    row = pl.int_range(pl.len())
    frame = frame.rename({"t": "time"}).with_columns(
        pl.when(row == 0).then(math.nan).otherwise("bid_o").alias("bid_o"),
        pl.when(row == 1).then(0.5).otherwise("ask_c").alias("ask_c"),
        pl.when(row == 6).then(-1.0).otherwise("ask_l").alias("ask_l"),
    )
    report = check_frame(frame, "EUR_USD", "M1", NO_CLOSURE)
    assert report.faults == {
        "unsorted": 1,
        "duplicate": 1,
        "misaligned": 0,
        "not_finite": 1,
        "not_positive": 1,
        "high_low": 1,
        "crossed": 1,
        "volume": 0,
    }
    assert report.rows == 7
    assert report.share_present == pytest.approx(6 / 7)
    json.dumps(report.to_dict(), allow_nan=False)


def test_a_table_without_prices_is_all_not_finite() -> None:
    frame = pl.DataFrame({"time": quotes([0, 1])["t"].copy(), "bid_o": ["x", None]})
    report = check_frame(frame, "EUR_USD", "M1", NO_CLOSURE)
    assert report.faults["not_finite"] == 2


def test_a_table_with_one_side_is_judged_on_it() -> None:
    times = quotes([0, 1])["t"].copy()
    frame = pl.DataFrame({"time": times, "o": [1.1, 1.1], "h": [1.2, 1.0], "l": 1.0, "c": 1.1})
    report = check_frame(frame, "EUR_USD", "M1", NO_CLOSURE)
    assert report.faults["high_low"] == 1
    assert report.faults["not_finite"] == report.faults["crossed"] == report.zero_spreads == 0


def test_a_table_with_naive_times_says_nothing() -> None:
    frame = pl.DataFrame({"time": ["2025-04-01T00:00:00"]}).with_columns(
        pl.col("time").str.to_datetime()
    )
    with pytest.raises(BarsError, match="times without a zone"):
        check_frame(frame, "EUR_USD", "M1", NO_CLOSURE)
    with pytest.raises(BarsError, match="got stamp; allowed: time and prices"):
        check_frame(frame.rename({"time": "stamp"}), "EUR_USD", "M1", NO_CLOSURE)


@pytest.mark.parametrize("granularity", ["M1", "D"])
def test_no_rows_give_a_report_without_numbers(granularity: str) -> None:
    report = report_of(quotes([]), granularity)
    assert (report.rows, report.first, report.share_present) == (0, None, None)
    json.dumps(report.to_dict(), allow_nan=False)
