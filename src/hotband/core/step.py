"""The pipeline, in the only place where its order is written.

One market event is one bar of one instrument with the gate that is live at its open. What is
known at the open is used at the open; what happens inside the bar is used after it:

    begin ─► mark_open ─► check_margin ─► at_open ─► inside ─► settle

``at_open`` is gating ─► sizing ─► planning ─► fills. A portfolio runs each phase for all of
its instruments before the next phase, so that no instrument sees inside the bar of another.
"""

import numpy as np
import numpy.typing as npt

from hotband.core import codes, gating
from hotband.core.fills import (
    NO_TOUCH,
    STOP_AMBIGUOUS,
    STOP_AT_OPEN,
    TARGET_INSIDE,
    market_price,
    touch_at_open,
    touch_inside,
)
from hotband.core.gating import at_exit, clock_mask, first_code, threshold_mask, trade_side
from hotband.core.jit import ZERO, constant, kernel
from hotband.core.ledger import (
    AT_OPEN,
    INSIDE,
    charge_financing,
    check_margin,
    close_ticket,
    drop_order,
    mark,
    open_ticket,
    total,
)
from hotband.core.logbook import note_decision
from hotband.core.planning import (
    fill_block,
    meet_position,
    move_stop,
    plan_entry,
    plan_exits,
    raise_stage,
    standing_block,
)
from hotband.core.records import (
    NEVER,
    STAGE_ADMITTED,
    STAGE_PLANNED,
    STAGE_SIZED,
    Record,
    Records,
)
from hotband.core.sizing import entry_units

_OK = constant(codes.OK)
_SUPERSEDED = constant(codes.GATE_SUPERSEDED)
_WINDOW_ENDED = constant(codes.WINDOW_ENDED)
_GATE_USED = constant(codes.GATE_USED)
_TAKE_PROFIT = constant(codes.TAKE_PROFIT)
_MARGIN_CLOSEOUT = constant(codes.MARGIN_CLOSEOUT)
_HAZARD_AT_EXIT = constant(1 << codes.HAZARD_AT_EXIT)
_STALE = constant(1 << codes.GATE_STALE)


@kernel
def _close_day(account: Record, days: Records) -> None:
    if account.day != -NEVER:
        if account.days < len(days):
            days[account.days].day = account.day
            days[account.days].equity = account.nav
        account.days += 1


@kernel
def begin(account: Record, t: int, day: int, days: Records) -> None:
    """Start the events of one open time; a new trading day first closes the last one's book."""
    if day != account.day:
        _close_day(account, days)
        account.day = day
    account.t = t


@kernel
def _mark_at_open(account: Record, books: Records, k: int, bar: Record, rules: Record) -> None:
    mark(books[k], bar.bid_o, bar.ask_o, bar.gain_o, bar.loss_o, bar.base_o, rules.margin_rate)
    total(account, books)


@kernel
def mark_open(account: Record, books: Records, k: int, bar: Record, rules: Record) -> None:
    """Charge financing due and value the position at this bar's open."""
    book = books[k]
    if book.n > 0:
        charge_financing(account, book, bar)
        _mark_at_open(account, books, k, bar, rules)


@kernel
def _fill_exits(
    account: Record, books: Records, k: int, bar: Record, rules: Record, fills: Records
) -> None:
    book = books[k]
    i = ZERO
    while i < book.n:
        if book.tk_due[i] <= bar.t:
            price = market_price(bar.bid_o, bar.ask_o, -book.side, rules.slippage)
            reason = book.tk_exit_code[i]
            if reason == _MARGIN_CLOSEOUT:
                account.closeout_t = bar.t
            close_ticket(account, book, k, i, bar, price, reason, AT_OPEN, rules, fills)
        else:
            i += 1
    _mark_at_open(account, books, k, bar, rules)


@kernel
def _fill_entry(
    account: Record, books: Records, k: int, bar: Record, rules: Record, fills: Records
) -> None:
    open_ticket(account, books[k], k, bar, rules, fills)
    _mark_at_open(account, books, k, bar, rules)


@kernel
def _fill_gaps(
    account: Record, books: Records, k: int, bar: Record, rules: Record, fills: Records
) -> None:
    book = books[k]
    closed = False
    i = ZERO
    while i < book.n:
        kind = touch_at_open(bar, book.side, book.tk_stop[i], book.tk_target[i])
        if kind == NO_TOUCH:
            i += 1
            continue
        if kind == STOP_AT_OPEN:
            price = market_price(bar.bid_o, bar.ask_o, -book.side, rules.slippage)
            reason = book.tk_stop_code[i]
        else:
            price = book.tk_target[i]
            reason = _TAKE_PROFIT
        close_ticket(account, book, k, i, bar, price, reason, AT_OPEN, rules, fills)
        closed = True
    if closed:
        _mark_at_open(account, books, k, bar, rules)


@kernel
def retire_gate(book: Record) -> None:
    """Book the outcome of the gate judged so far, before another takes its place."""
    if book.gate != -NEVER and book.gate_stage < STAGE_PLANNED:
        book.refusals[book.gate_code] += 1


@kernel
def meet_gate(book: Record, bar: Record, gate: Record, rules: Record) -> None:
    """Make ``gate`` the one now judged and judge its thresholds, once for its life."""
    retire_gate(book)
    book.gates += 1 + gate.skipped
    book.refusals[_SUPERSEDED] += gate.skipped
    book.gate = gate.known
    book.gate_side = trade_side(bar, gate, rules)
    # A gate that would close the position at once may not open it.
    contradiction = at_exit(gate.hazard, rules) * _HAZARD_AT_EXIT
    book.gate_mask = threshold_mask(gate, book.gate_side, rules) | contradiction
    book.gate_stage = 0
    book.gate_code = _OK
    book.gate_used = 0


@kernel
def note_clock(bar: Record, book: Record, gate: Record, rules: Record, limits: Record) -> int:
    """Judge a gate already met at this bar; every reason it fails for, 0 = admitted."""
    mask = book.gate_mask | clock_mask(bar, gate, rules, limits)
    if mask != 0:
        if book.gate_stage == 0 and book.gate_code == _OK:
            book.gate_code = first_code(mask)
    elif book.gate_used == 0:
        raise_stage(book, STAGE_ADMITTED, _OK)
    return mask


@kernel
def _enter(
    account: Record,
    books: Records,
    k: int,
    bar: Record,
    gate: Record,
    reversing: bool,
    rules: Record,
    limits: Record,
) -> tuple[int, float]:
    book = books[k]
    if not reversing:
        code = standing_block(account, book, gate, bar.t, rules, limits)
        if code == _GATE_USED:
            return code, 0.0
        if code != _OK:
            raise_stage(book, STAGE_SIZED, code)
            return code, 0.0
    units, limit = entry_units(account, books, k, bar, book.gate_side, reversing, rules, limits)
    if units <= 0.0:
        if book.gate_stage == STAGE_ADMITTED and book.gate_code == _OK:
            book.gate_code = limit
        return limit, 0.0
    plan_entry(book, gate, bar.t, units, limit, rules)
    book.order_notional = units * bar.base_o
    book.order_margin = book.order_notional * rules.margin_rate
    account.orders += 1
    return _OK, units


@kernel
def at_open(
    account: Record,
    books: Records,
    k: int,
    bar: Record,
    gate: Record,
    rules: Record,
    limits: Record,
    fills: Records,
) -> tuple[int, int, float]:
    """All that is decided and filled at this bar's open; the verdict on the live gate.

    Returns the mask of failing reasons (0 = admitted), the code of planning or sizing (OK = an
    order was planned or nothing was asked) and the units planned. ``gate.known`` = -NEVER
    means that no gate is live.
    """
    book = books[k]
    if book.n > 0:
        if book.exits_due > 0:
            _fill_exits(account, books, k, bar, rules, fills)
        _fill_gaps(account, books, k, bar, rules, fills)
    mask, code, units = ZERO, _OK, 0.0
    admitted, reversing = False, False
    if gate.known != -NEVER:
        if gate.known != book.gate:
            meet_gate(book, bar, gate, rules)
        mask = note_clock(bar, book, gate, rules, limits)
        admitted = mask == 0
        # Session, weekend and kill switch stop entries; the exits a gate asks for still work.
        if book.gate_mask == 0 and not mask & _STALE:
            reversing = meet_position(account, book, gate, bar, admitted, rules, limits)
    if book.n > 0:
        plan_exits(book, gate, bar, rules)
        if book.exits_due > 0:
            _fill_exits(account, books, k, bar, rules, fills)
    if book.order_side != 0:
        if limits.halts != 0:
            drop_order(account, book, first_code(gating.halt_mask(limits)))
        elif book.order_due <= bar.t:
            block = fill_block(account, book, bar, rules, limits)
            if block == _OK:
                _fill_entry(account, books, k, bar, rules, fills)
            else:
                drop_order(account, book, block)
    if admitted:
        code, units = _enter(account, books, k, bar, gate, reversing, rules, limits)
        if units > 0.0 and book.order_due <= bar.t:
            _fill_entry(account, books, k, bar, rules, fills)
    return mask, code, units


@kernel
def inside(
    account: Record, books: Records, k: int, bar: Record, rules: Record, fills: Records
) -> None:
    """Resting stops and targets inside the bar, then the mark at its close.

    Stops that move use extremes of bars before this one only; this bar's extremes count from
    the next bar on.
    """
    book = books[k]
    if book.n == 0:
        return
    i = ZERO
    while i < book.n:
        side = book.side
        kind = touch_inside(bar, side, book.tk_stop[i], book.tk_target[i])
        if kind == NO_TOUCH:
            if side > 0:
                book.tk_best[i] = max(book.tk_best[i], bar.bid_h)
                book.tk_worst[i] = min(book.tk_worst[i], bar.bid_l)
            else:
                book.tk_best[i] = min(book.tk_best[i], bar.ask_l)
                book.tk_worst[i] = max(book.tk_worst[i], bar.ask_h)
            move_stop(book, i, rules)
            i += 1
            continue
        if kind == TARGET_INSIDE:
            price = book.tk_target[i]
            reason = _TAKE_PROFIT
        else:
            # A stop inside the spread of its own entry is through at the open already.
            stop = book.tk_stop[i]
            bid, ask = min(stop, bar.bid_o), max(stop, bar.ask_o)
            price = market_price(bid, ask, -side, rules.slippage)
            reason = book.tk_stop_code[i]
            if kind == STOP_AMBIGUOUS:
                book.ambiguous += 1
        close_ticket(account, book, k, i, bar, price, reason, INSIDE, rules, fills)
    mark(book, bar.bid_c, bar.ask_c, bar.gain_c, bar.loss_c, bar.base_c, rules.margin_rate)


@kernel
def settle(account: Record, books: Records, limits: Record) -> None:
    """Close the events of one open time: NAV, drawdown, ruin, margin."""
    total(account, books)
    nav = account.nav
    if nav > account.peak:
        account.peak = nav
    else:
        fall = account.peak - nav
        account.max_dd = max(account.max_dd, fall)
        if fall > account.max_dd_frac * account.peak:
            account.max_dd_frac = fall / account.peak
    if nav <= 0.0:
        account.ruined = 1
    check_margin(account, books, limits)


@kernel
def step(
    account: Record,
    books: Records,
    k: int,
    bar: Record,
    gate: Record,
    rules: Record,
    limits: Record,
    fills: Records,
    days: Records,
) -> tuple[int, int, float]:
    """One event of one instrument through the whole pipeline; see :func:`at_open`."""
    begin(account, bar.t, bar.day, days)
    mark_open(account, books, k, bar, rules)
    check_margin(account, books, limits)
    verdict = at_open(account, books, k, bar, gate, rules, limits, fills)
    inside(account, books, k, bar, rules, fills)
    settle(account, books, limits)
    return verdict


@kernel
def step_together(
    account: Record,
    books: Records,
    bar_of: npt.NDArray[np.int64],
    bars: Records,
    gate_of_bar: npt.NDArray[np.int64],
    gates: Records,
    rules: Records,
    limits: Record,
    logs: tuple[Records, Records, Records, Records],
    memo: npt.NDArray[np.int64],
) -> None:
    """One open time of a portfolio: each phase of :func:`step` for all, then the next phase.

    ``bar_of[k]`` is the row in ``bars`` of instrument k's bar, -1 where it has none. The other
    arguments are those of ``path.walk``.
    """
    fills, days, _, decisions = logs
    n = len(bar_of)
    for k in range(n):
        i = bar_of[k]
        if i >= 0:
            begin(account, bars[i].t, bars[i].day, days)
            mark_open(account, books, k, bars[i], rules[k])
    check_margin(account, books, limits)
    for k in range(n):
        i = bar_of[k]
        if i >= 0:
            gate = gates[gate_of_bar[i]]
            verdict = at_open(account, books, k, bars[i], gate, rules[k], limits, fills)
            note_decision(account, books[k], k, gate, verdict, decisions, memo)
    for k in range(n):
        i = bar_of[k]
        if i >= 0:
            inside(account, books, k, bars[i], rules[k], fills)
    settle(account, books, limits)


@kernel
def finish(account: Record, books: Records, days: Records) -> None:
    """End a window: book the last day and the outcome of gates and orders still open."""
    _close_day(account, days)
    account.day = -NEVER
    for j in range(len(books)):
        book = books[j]
        retire_gate(book)
        book.gate = -NEVER
        if book.order_side != 0:
            drop_order(account, book, _WINDOW_ENDED)
