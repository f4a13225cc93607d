"""The sweep's own arithmetic: medians, market time, days, and rows that do not know their span."""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.research.demo_runs import PLAIN, driver, recorded

from hotband.core import records as r
from hotband.core.records import Records
from hotband.market.calendar import parse_time
from hotband.research import cell_rows
from hotband.research.cell_rows import sweep_span, swept
from hotband.research.grid import GridJob, prepare_job
from hotband.research.grid_settings import load_grid
from hotband.research.series import TradingWindow
from hotband.research.sweep import ROW, Frame, _kth, _median, frame_of, measure

MINUTE: Final = 60_000_000_000
NUMBERS: Final = st.integers(-5, 5).map(float) | st.floats(-1e12, 1e12)
COMPILED: Final = settings(deadline=None)  # the first call may compile
LISTS: Final = st.lists(NUMBERS, min_size=1, max_size=60)


@COMPILED
@given(LISTS, st.data())
def test_the_kth_smallest_is_that_of_the_sorted_values(
    values: list[float], data: st.DataObject
) -> None:
    k = data.draw(st.integers(0, len(values) - 1))
    assert _kth(np.array(values), len(values), k) == sorted(values)[k]


@COMPILED
@given(LISTS)
def test_the_median_is_numpys(values: list[float]) -> None:
    assert _median(np.array(values), len(values)) == np.median(values)


@COMPILED
@given(LISTS, LISTS)
def test_the_median_reads_and_moves_the_first_values_only(
    values: list[float], rest: list[float]
) -> None:
    joined = np.array(values + rest)
    assert _median(joined, len(values)) == np.median(values)
    assert joined[len(values) :].tolist() == rest
    assert sorted(joined[: len(values)].tolist()) == sorted(values)


def test_the_median_of_nothing_is_0() -> None:
    assert _median(np.array([7.0]), 0) == 0.0


# Time, by hand -----------------------------------------------------------------------------------


def hand_frame() -> Frame:
    """Two trading days that roll at minutes 100 and 200, open in 10..40, 60..90 and 110..190."""
    window = TradingWindow(
        day=np.array([1, 2]),
        roll_ns=np.array([100, 200]) * MINUTE,
        eligible=np.array([True, True]),
        open_ns=np.array([10, 60, 110]) * MINUTE,
        close_ns=np.array([40, 90, 190]) * MINUTE,
    )
    bars = r.empty(r.BAR, 2)
    bars["day"] = [1, 2]
    return frame_of(window, bars, 200 * MINUTE)


def log_of(*rows: tuple[int, int, float]) -> Records:
    """Fills (minute, kind, net); a closing one belongs to an entry at minute 0."""
    fills = r.empty(r.FILL, len(rows))
    for fill, (minute, kind, net) in zip(fills, rows, strict=True):
        fill["t"], fill["kind"], fill["side"] = minute * MINUTE, kind, 1
        fill["gross"], fill["units"], fill["rate"], fill["reason"] = net, 1.0, 1.0, 84
    return fills


def measured(fills: Records) -> Records:
    account, books, rows = r.new_account(100.0), r.new_books([0], [1]), r.empty(ROW, 1)
    account["fills"] = len(fills)
    measure(account[0], books[0], fills, np.zeros((3, len(fills))), hand_frame(), rows[0])
    return rows


@pytest.mark.parametrize(
    ("minutes", "exposed"),
    [
        ([(20, 1), (30, -1)], 10),
        ([(20, 1), (70, -1)], 30),  # the closed market between does not count
        ([(45, 1), (55, -1)], 0),  # all of it while the market was closed
        ([(0, 1), (15, -1)], 5),  # entered before the first span
        ([(20, 1), (25, 1), (30, -1), (35, -1)], 15),  # two tickets at once count once
        ([(20, 1), (30, -1), (35, 1), (65, -1)], 20),
        ([(20, 1), (20, -1)], 0),
        ([(85, 1)], 5 + 80),  # still open at the end
        ([(10, 1), (190, -1)], 140),
    ],
)
def test_exposure_is_the_open_market_time_with_a_ticket(
    minutes: list[tuple[int, int]], exposed: int
) -> None:
    row = measured(log_of(*((minute, kind, 1.0) for minute, kind in minutes)))[0]
    assert row.exposure == exposed * MINUTE


@pytest.mark.parametrize(
    ("entries", "days"),
    [([20, 30, 99], 1), ([99, 100], 2), ([20, 30, 110, 120, 199], 2), ([], 0), ([100, 150], 1)],
)
def test_active_days_are_those_with_an_entry(entries: list[int], days: int) -> None:
    fills = log_of(*(pair for t in entries for pair in ((t, 1, 0.0), (t, -1, 0.0))))
    assert measured(fills)[0].active_days == days


def test_a_market_without_eligible_time_gives_no_exposure() -> None:
    frame = hand_frame()._replace(market=r.empty(frame_market(), 0))
    fills = log_of((20, 1, 0.0), (30, -1, 0.0))
    account, books, rows = r.new_account(100.0), r.new_books([0], [1]), r.empty(ROW, 1)
    account["fills"] = 2
    measure(account[0], books[0], fills, np.zeros((3, 2)), frame, rows[0])
    assert rows[0].exposure == 0


def frame_market() -> np.dtype[np.void]:
    return hand_frame().market.dtype


def test_best_and_worst_trade_are_trades_even_where_all_lose_or_all_win() -> None:
    lost = measured(log_of((20, 1, 0.0), (21, -1, -3.0), (22, 1, 0.0), (23, -1, -1.0)))[0]
    assert (lost.best, lost.worst) == (-1.0, -3.0)
    won = measured(log_of((20, 1, 0.0), (21, -1, 3.0), (22, 1, 0.0), (23, -1, 1.0)))[0]
    assert (won.best, won.worst) == (3.0, 1.0)


def test_what_is_left_of_equal_sums_is_neither_a_win_nor_a_loss() -> None:
    nets = (2.0, -1.0, 1e-13, -1e-13, 0.0)
    row = measured(log_of(*(pair for net in nets for pair in ((20, 1, 0.0), (21, -1, net)))))[0]
    assert (row.trades, row.wins, row.losses) == (5, 1, 1)
    assert (row.won, row.lost) == (2.0, 1.0)


# Spans and threads -------------------------------------------------------------------------------

AXES: Final = {
    "hazard": {"points": 5},
    "min_reps": [1, 2],
    "hold_minutes": [5, 60],
    "stop_loss_pips": [None, 10],
    "direction": ["momentum", "mean_reversion"],
}


@lru_cache
def job() -> GridJob:
    return prepare_job(driver("EUR_USD"), load_grid({"default": AXES}))


@lru_cache
def whole() -> pl.DataFrame:
    return sweep_span(job().work, (0, len(job().work.cells)))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_cells_row_does_not_depend_on_the_span_it_is_in(data: st.DataObject) -> None:
    n = len(job().work.cells)
    inner = data.draw(st.sets(st.integers(1, n - 1), max_size=6))
    edges = [0, *sorted(inner), n]
    parts = [sweep_span(job().work, span) for span in pairwise(edges)]
    assert pl.concat(parts).equals(whole())


@pytest.mark.parametrize("room", [1, 3, 64])
def test_cells_whose_fills_do_not_fit_are_run_again_with_more_room(
    monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    due = whole()
    assert max(due["trades"].to_list()) > 64
    monkeypatch.setattr(cell_rows, "FIRST_FILLS", room)
    assert sweep_span(job().work, (0, len(job().work.cells))).equals(due)


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_any_number_of_threads_gives_the_same_frame(threads: int) -> None:
    n = len(job().work.cells)
    spans = [(first, min(first + 3, n)) for first in range(0, n, 3)]
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda span: sweep_span(job().work, span), spans))
    assert pl.concat(parts).equals(whole())


def test_spans_of_a_job_cover_every_cell_once() -> None:
    axes = {"exposure_x": [x / 10 for x in range(1, 61)]}
    found = prepare_job(driver("EUR_USD"), load_grid({"default": {**AXES, **axes}}))
    cells = [cell for first, last in found.spans for cell in range(first, last)]
    assert len(found.spans) > 1
    assert cells == list(range(len(found.work.cells)))


def test_exposure_and_active_days_of_a_plain_run_are_as_counted_by_hand() -> None:
    gates = recorded("EUR_USD", "2025-04-07T12:00:00Z", "2025-04-08T12:00:00Z")
    held = load_grid({"default": {"hold_minutes": [30]}})
    found = prepare_job(driver("EUR_USD", gates={"EUR_USD": gates}, profile=PLAIN), held)
    rows, equity = swept(found.work, 0, 1)
    # Two entries of half an hour each, on two trading days; 2025-04-07 rolls at 21:00 UTC.
    assert rows[0].exposure == 60 * MINUTE
    assert (rows[0].trades, rows[0].active_days) == (2, 2)
    assert equity.shape[1] == len(found.work.frame.days)
    assert found.work.frame.end[0] == parse_time("2025-04-08T20:00:00Z")
