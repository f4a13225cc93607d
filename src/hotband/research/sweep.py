"""Many cells of one instrument's window in one compiled call: a numbers row and daily equity each.

A cell runs through ``core.path`` and nothing else; what is kept of it is measured from its
fill log while that is still at hand. Ratios are made of these rows for a whole chunk at once
(``research.rows``).
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hotband.core import codes
from hotband.core.jit import ZERO, kernel
from hotband.core.path import path
from hotband.core.records import DAY, FILL, Record, Records, empty, new_account, new_books
from hotband.core.shared import Shared
from hotband.research.series import TradingWindow
from hotband.research.trades import SCRATCH

EXITS: Final = (
    ("exits_stop", codes.STOP_LOSS),
    ("exits_target", codes.TAKE_PROFIT),
    ("exits_breakeven", codes.BREAKEVEN_STOP),
    ("exits_trailing", codes.TRAILING_STOP),
    ("exits_hold", codes.HOLD_EXPIRY),
    ("exits_hazard", codes.HAZARD_EXIT),
    ("exits_opposite", codes.OPPOSITE_GATE),
    ("exits_weekend", codes.WEEKEND_FLAT),
    ("exits_closeout", codes.MARGIN_CLOSEOUT),
)
"""Trades by what closed them: name of the field in a row, and code."""
_FIRST_EXIT: Final = codes.STOP_LOSS
MINUTE: Final = 60e9

ROW: Final = np.dtype(
    [
        ("gates", "i8"),
        ("admitted", "i8"),
        ("sized", "i8"),
        ("planned", "i8"),
        ("filled", "i8"),
        ("stopped_code", "i8"),  # what stopped most gates; -1 = none was
        ("stopped_count", "i8"),
        ("fills", "i8"),
        ("trades", "i8"),  # tickets closed
        ("open", "i8"),  # tickets open at the end
        ("wins", "i8"),
        ("losses", "i8"),
        ("synthetic_trades", "i8"),
        ("active_days", "i8"),  # with an entry
        ("exposure", "i8"),  # ns of eligible market time with a ticket open
        ("ruined", "i8"),
        ("exits", "i8", (len(EXITS),)),
        ("nav", "f8"),  # money in home currency
        ("max_dd", "f8"),
        ("max_dd_frac", "f8"),
        ("commission", "f8"),
        ("slippage", "f8"),
        ("spread", "f8"),
        ("conversion", "f8"),
        ("financing", "f8"),
        ("turnover", "f8"),
        ("won", "f8"),  # sum of wins
        ("lost", "f8"),  # sum of losses, positive
        ("net", "f8"),  # sum over trades, after commission and financing
        ("absolute", "f8"),  # sum of its magnitudes
        ("best", "f8"),
        ("worst", "f8"),
        ("median_net", "f8"),
        ("median_notional", "f8"),
        ("median_minutes", "f8"),
        ("minutes", "f8"),  # sums over trades
        ("mae", "f8"),
        ("mfe", "f8"),
        ("mae_price", "f8"),  # in price; over the pip size they are pips
        ("mfe_price", "f8"),
    ],
    align=True,
)
"""What is kept of one cell."""

MARKET: Final = np.dtype([("open", "i8"), ("close", "i8"), ("before", "i8")])
"""One span of eligible market time, ns, and the market time before it."""


class Frame(NamedTuple):
    """What measuring needs of a window, beside ``Shared``; make it with ``frame_of``.

    ``market`` (K,) MARKET; ``rolls`` (T,) when each trading day ends; ``days`` (D,) the labels
    of the days with bars; ``end`` (1,) the window's end, ns.
    """

    market: Records
    rolls: npt.NDArray[np.int64]
    days: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]


def frame_of(window: TradingWindow, bars: Records, end_ns: int) -> Frame:
    """The frame of a window's BAR records; arrays are read-only."""
    market = empty(MARKET, len(window.open_ns))
    market["open"], market["close"] = window.open_ns, window.close_ns
    spans = window.close_ns - window.open_ns
    market["before"] = np.cumsum(spans) - spans
    arrays = (
        market,
        np.ascontiguousarray(window.roll_ns, np.int64),
        np.unique(bars["day"]).astype(np.int64),
        np.array([end_ns], np.int64),
    )
    for array in arrays:
        array.setflags(write=False)
    return Frame(*arrays)


@kernel
def _market_before(t: int, market: Records, at: int) -> tuple[int, int]:
    """Market time before ``t``, and the span to go on from for a later time."""
    n = len(market)
    while at + 1 < n and market[at + 1].open <= t:
        at += 1
    if n == 0 or market[at].open > t:
        return ZERO, at
    span = market[at]
    return span.before + min(t, span.close) - span.open, at


@kernel
def _kth(values: npt.NDArray[np.float64], n: int, k: int) -> float:
    """The k-th smallest of the first n values, which it reorders (Hoare 1961)."""
    low, high = ZERO, n - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    return values[k]


@kernel
def _median(values: npt.NDArray[np.float64], n: int) -> float:
    """The median of the first n values, which it reorders; 0 of none."""
    if n == 0:
        return 0.0
    upper = _kth(values, n, n // 2)
    if n % 2 == 1:
        return upper
    return 0.5 * (_kth(values, n, n // 2 - 1) + upper)


@kernel
def _of_account(account: Record, book: Record, row: Record) -> None:
    row.nav = account.nav
    row.max_dd = account.max_dd
    row.max_dd_frac = account.max_dd_frac
    row.commission = account.commission
    row.slippage = account.slippage
    row.spread = account.spread
    row.conversion = account.conversion
    row.financing = account.financing
    row.turnover = account.turnover
    row.ruined = account.ruined
    row.fills = account.fills
    row.open = account.positions
    row.gates = book.gates
    row.admitted = book.admitted
    row.sized = book.sized
    row.planned = book.planned
    row.filled = book.filled
    row.stopped_code = -1
    row.stopped_count = 0
    for code in range(len(book.refusals)):
        if book.refusals[code] > row.stopped_count:
            row.stopped_count = book.refusals[code]
            row.stopped_code = code


@kernel
def _of_trades(fills: Records, n: int, values: npt.NDArray[np.float64], row: Record) -> float:
    """Sums over the closing rows; their nets, notionals and minutes go into ``values``."""
    k = ZERO
    largest = 0.0
    for f in range(n):
        fill = fills[f]
        if fill.kind != -1:
            continue
        net = fill.gross - fill.commission + fill.financing
        home = fill.units * fill.rate
        against = max(fill.side * (fill.entry_price - fill.worst), 0.0)
        towards = max(fill.side * (fill.best - fill.entry_price), 0.0)
        values[0, k] = net
        values[1, k] = home * fill.entry_price
        values[2, k] = (fill.t - fill.entry_t) / MINUTE
        row.net += net
        row.absolute += abs(net)
        row.minutes += values[2, k]
        row.mae += against * home
        row.mfe += towards * home
        row.mae_price += against
        row.mfe_price += towards
        row.best = net if k == 0 else max(row.best, net)
        row.worst = net if k == 0 else min(row.worst, net)
        row.synthetic_trades += fill.synthetic
        row.exits[fill.reason - _FIRST_EXIT] += 1
        largest = max(largest, abs(net))
        k += 1
    row.trades = k
    return largest


@kernel
def _of_time(fills: Records, n: int, frame: Frame, row: Record) -> None:
    """Days with an entry, and market time with a ticket open; fills come in order of time."""
    held, began = ZERO, ZERO
    span, day, last_day = ZERO, ZERO, -1
    for f in range(n):
        t = fills[f].t
        if fills[f].kind == 1:
            while day < len(frame.rolls) and frame.rolls[day] <= t:
                day += 1
            if day != last_day:
                row.active_days += 1
                last_day = day
            if held == 0:
                began, span = _market_before(t, frame.market, span)
            held += 1
        else:
            held -= 1
            if held == 0:
                now, span = _market_before(t, frame.market, span)
                row.exposure += now - began
    if held > 0:
        now, span = _market_before(frame.end[0], frame.market, span)
        row.exposure += now - began


@kernel
def measure(
    account: Record,
    book: Record,
    fills: Records,
    values: npt.NDArray[np.float64],
    frame: Frame,
    row: Record,
) -> None:
    """Fill a zeroed row from a finished run; ``values`` (3, fills) is scratch."""
    _of_account(account, book, row)
    n = account.fills
    largest = _of_trades(fills, n, values, row)
    k = row.trades
    for i in range(k):
        net = values[0, i]
        if net > SCRATCH * largest:
            row.wins += 1
            row.won += net
        elif -net > SCRATCH * largest:
            row.losses += 1
            row.lost -= net
    row.median_net = _median(values[0], k)
    row.median_notional = _median(values[1], k)
    row.median_minutes = _median(values[2], k)
    _of_time(fills, n, frame, row)


@kernel
def note_days(
    account: Record,
    days: Records,
    frame: Frame,
    balance: float,
    equity: npt.NDArray[np.float64],
) -> None:
    """Equity at the end of each day of the frame; a day without a mark has that before it."""
    at = ZERO
    last = balance
    for d in range(len(frame.days)):
        while at < account.days and days[at].day <= frame.days[d]:
            last = days[at].equity
            at += 1
        equity[d] = last


class Scratch(NamedTuple):
    """The working memory of one thread: account, book, logs, values; grown where needed."""

    fresh_account: Records
    fresh_books: Records
    account: Records
    books: Records
    fills: Records
    days: Records
    values: npt.NDArray[np.float64]


def scratch_of(balance: float, currencies: tuple[int, int], days: int, fills: int) -> Scratch:
    """Working memory for cells of so many days and at most so many fills."""
    account, books = new_account(balance), new_books([currencies[0]], [currencies[1]])
    return Scratch(
        account, books, account.copy(), books.copy(),
        empty(FILL, fills), empty(DAY, days + 2), np.zeros((3, fills)),
    )  # fmt: skip


@kernel
def sweep_cells(
    first: int,
    shared: Shared,
    frame: Frame,
    rules: Records,
    limits: Record,
    scratch: Scratch,
    rows: Records,
    equity: npt.NDArray[np.float64],
) -> int:
    """Run cells from ``first`` on into ``rows`` (n,), zeroed, and ``equity`` (n, D).

    Returns the first cell that was not run because its fills did not fit; n = all were.
    """
    for j in range(first, len(rules)):
        scratch.account[0] = scratch.fresh_account[0]
        scratch.books[0] = scratch.fresh_books[0]
        account, book = scratch.account[0], scratch.books[0]
        path(account, scratch.books, shared, rules[j], limits, scratch.fills, scratch.days)
        if account.fills > len(scratch.fills):
            return j
        measure(account, book, scratch.fills, scratch.values, frame, rows[j])
        note_days(account, scratch.days, frame, scratch.fresh_account[0].nav, equity[j])
    return len(rules)
