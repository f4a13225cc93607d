"""A whole history in one compiled call, equal to repeated ``step`` to the last bit.

``walk`` steps through every bar of a portfolio and keeps everything. ``path`` runs one
instrument for one cell and skips the bars at which ``step`` provably only marks the position:
it never decides anything itself, it only finds the next bar at which something can happen.
"""

import numpy as np
import numpy.typing as npt

from hotband.core.jit import ZERO, kernel
from hotband.core.logbook import note_equity
from hotband.core.records import Record, Records
from hotband.core.shared import Shared
from hotband.core.skip import skip_flat, skip_held
from hotband.core.step import begin, finish, step, step_together


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
    for m in range(len(event_bar)):
        step_together(
            account,
            books,
            event_bar[m],
            bars,
            gate_of_bar,
            gates,
            rules,
            limits,
            logs,
            memo,
        )
        note_equity(account, books, m, logs[2])


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
    shared: Shared,
    rules: Record,
    limits: Record,
    fills: Records,
    days: Records,
) -> None:
    """Run one instrument for one cell over a whole window; same results as repeated ``step``.

    ``account`` and ``books`` (1,) are new ones; rows past the end of ``fills`` or ``days`` are
    counted and not written.
    """
    bars, events = shared.bars, shared.events
    n = len(bars)
    book = books[0]
    i = ZERO
    e = ZERO
    while i < n:
        if book.order_side == 0 and book.exits_due == 0:
            while e < len(events) and events[e] < i:
                e += 1
            if book.n == 0:
                i = skip_flat(book, i, shared, rules, limits)
                while e < len(events) and events[e] < i:
                    begin(account, bars[events[e]].t, bars[events[e]].day, days)
                    e += 1
            elif book.n == 1:
                end = events[e] if e < len(events) else n
                i = skip_held(account, books, i, end, shared, rules, limits)
            if i >= n:
                break
        gate = shared.gates[shared.gate_of_bar[i]]
        step(account, books, 0, bars[i], gate, rules, limits, fills, days)
        i += 1
    if n > 0:
        account.t = bars[n - 1].t
    finish(account, books, days)


@kernel
def path_every_bar(
    account: Record,
    books: Records,
    shared: Shared,
    rules: Record,
    limits: Record,
    fills: Records,
    days: Records,
) -> None:
    """The same as :func:`path` without skipping anything: ``step`` at every bar."""
    for i in range(len(shared.bars)):
        gate = shared.gates[shared.gate_of_bar[i]]
        step(account, books, 0, shared.bars[i], gate, rules, limits, fills, days)
    finish(account, books, days)
