"""A whole history in one compiled call, equal to repeated ``step`` to the last bit.

``walk`` steps through every bar of a portfolio and keeps everything. ``path`` runs one
instrument for one cell and skips the bars at which ``step`` provably only marks the position:
it never decides anything itself, it only finds the next bar at which something can happen.
"""

import numpy as np
import numpy.typing as npt

from hotband.core.jit import ZERO, kernel
from hotband.core.ledger import check_margin
from hotband.core.records import FLATTEN, NEVER, Record, Records
from hotband.core.skip import SPAN, skip_flat, skip_held
from hotband.core.step import at_open, begin, finish, inside, mark_open, settle, step


@kernel
def walk_events(
    account: Record,
    books: Records,
    event_bar: npt.NDArray[np.int64],
    bars: Records,
    gate_of_bar: npt.NDArray[np.int64],
    gates: Records,
    rules: Records,
    limits: Record,
    logs: tuple[Records, Records, Records, Records],
    memo: npt.NDArray[np.int64],
) -> None:
    """Step through every event of a portfolio, keeping fills, days, equity and decisions.

    ``event_bar[m, k]`` is the index in ``bars`` of instrument k's bar at the m-th open time, -1
    where it has none. ``gate_of_bar[i]`` is the index in ``gates`` of the gate live at bar i's
    open; row 0 of ``gates`` means none. ``logs`` are the fill, day, equity and decision logs;
    rows past the end of a log are counted in ``account`` and not written. ``memo``, shape
    (instruments, 3), holds each instrument's last decision and starts at -NEVER.
    """
    fills, days, equity, decisions = logs
    n_times, n_books = event_bar.shape
    for m in range(n_times):
        for k in range(n_books):
            i = event_bar[m, k]
            if i >= 0:
                begin(account, bars[i].t, bars[i].day, days)
                mark_open(account, books, k, bars[i], rules[k])
        check_margin(account, books, limits)
        for k in range(n_books):
            i = event_bar[m, k]
            if i >= 0:
                gate = gates[gate_of_bar[i]]
                mask, code, units = at_open(
                    account, books, k, bars[i], gate, rules[k], limits, fills
                )
                if gate.known != -NEVER and (
                    memo[k, 0] != gate.known or memo[k, 1] != mask or memo[k, 2] != code
                ):
                    memo[k, 0] = gate.known
                    memo[k, 1] = mask
                    memo[k, 2] = code
                    if account.decisions < len(decisions):
                        row = decisions[account.decisions]
                        row.t = bars[i].t
                        row.gate = gate.known
                        row.mask = mask
                        row.instrument = k
                        row.side = books[k].gate_side
                        row.stage = books[k].gate_stage
                        row.code = code
                        row.synthetic = gate.synthetic
                        row.units = units
                    account.decisions += 1
        for k in range(n_books):
            i = event_bar[m, k]
            if i >= 0:
                inside(account, books, k, bars[i], rules[k], fills)
        settle(account, books, limits)
        if m < len(equity):
            net = 0.0
            for k in range(n_books):
                net += books[k].side * books[k].units
            equity[m].t = account.t
            equity[m].equity = account.nav
            equity[m].balance = account.balance
            equity[m].units = net


@kernel
def walk(
    account: Record,
    books: Records,
    event_bar: npt.NDArray[np.int64],
    bars: Records,
    gate_of_bar: npt.NDArray[np.int64],
    gates: Records,
    rules: Records,
    limits: Record,
    logs: tuple[Records, Records, Records, Records],
    memo: npt.NDArray[np.int64],
) -> None:
    """:func:`walk_events` over a whole window, which then ends."""
    walk_events(account, books, event_bar, bars, gate_of_bar, gates, rules, limits, logs, memo)
    finish(account, books, logs[1])


@kernel
def path(
    account: Record,
    books: Records,
    bars: Records,
    events: npt.NDArray[np.int64],
    gate_of_bar: npt.NDArray[np.int64],
    gate_bar: npt.NDArray[np.int64],
    gates: Records,
    rules: Record,
    limits: Record,
    span: Record,
    fills: Records,
    days: Records,
) -> None:
    """Run one instrument for one cell over all of ``bars``; same results as repeated ``step``.

    ``events`` lists the bars that always need a step while a position is open: first of a day,
    financing due, before the weekend. ``gate_bar[g]`` is the first bar whose live gate is g
    (``len(bars)`` if there is none); the other arguments are those of :func:`walk`.
    """
    n = len(bars)
    book = books[0]
    i = ZERO
    e = ZERO
    while i < n:
        if book.order_side == 0 and book.exits_due == 0:
            while e < len(events) and events[e] < i:
                e += 1
            if book.n == 0:
                i = skip_flat(book, i, bars, gate_of_bar, gate_bar, gates, rules, limits)
                while e < len(events) and events[e] < i:
                    begin(account, bars[events[e]].t, bars[events[e]].day, days)
                    e += 1
            elif book.n == 1:
                end = events[e] if e < len(events) else n
                i = skip_held(
                    account,
                    books,
                    i,
                    end,
                    bars,
                    gate_of_bar,
                    gate_bar,
                    gates,
                    rules,
                    limits,
                    span,
                )
            if i >= n:
                break
        bar = bars[i]
        step(account, books, 0, bar, gates[gate_of_bar[i]], rules, limits, fills, days)
        i += 1
    account.t = bars[n - 1].t if n > 0 else account.t
    finish(account, books, days)


@kernel
def path_every_bar(
    account: Record,
    books: Records,
    bars: Records,
    gate_of_bar: npt.NDArray[np.int64],
    gates: Records,
    rules: Record,
    limits: Record,
    fills: Records,
    days: Records,
) -> None:
    """The same as :func:`path` without skipping anything: ``step`` at every bar."""
    for i in range(len(bars)):
        step(account, books, 0, bars[i], gates[gate_of_bar[i]], rules, limits, fills, days)
    finish(account, books, days)


def event_bars(bars: Records) -> npt.NDArray[np.int64]:
    """Indices of the bars that always need a step while a position is open."""
    new_day = np.empty(len(bars), np.bool_)
    new_day[:1] = True
    new_day[1:] = bars["day"][1:] != bars["day"][:-1]
    due = (bars["fin_long"] != 0.0) | (bars["fin_short"] != 0.0)
    flatten = (bars["marks"] & FLATTEN) != 0
    return np.flatnonzero(new_day | due | flatten).astype(np.int64)


def first_bars(gate_of_bar: npt.NDArray[np.int64], n_gates: int) -> npt.NDArray[np.int64]:
    """For each gate the first bar it is live at; for those never live, the next one's."""
    indices = np.arange(n_gates, dtype=np.int64)
    return np.searchsorted(gate_of_bar, indices, side="left").astype(np.int64)


def span_of(bars: Records) -> Records:
    """The bounds that let ``path`` rule out a margin closeout; one row of SPAN."""
    span = np.zeros(1, SPAN).view(np.recarray)
    if len(bars):
        span["loss_max"] = max(bars["loss_o"].max(), bars["loss_c"].max())
        span["base_max"] = max(bars["base_o"].max(), bars["base_c"].max())
    span["spacing"] = np.diff(bars["t"]).min() if len(bars) > 1 else 1
    return span
