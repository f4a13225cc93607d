"""Which bars need no step, and what the bars in between do to the state.

``step`` at a bar that only marks an open position, or at which a flat book has no gate that
could enter, changes few fields in a known way. The functions here find the next bar at which
something can happen and apply those changes with local numbers; tests hold them to the last
bit against repeated ``step``.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from hotband.core import codes
from hotband.core.gating import clock_mask, first_code, threshold_mask, trade_side
from hotband.core.jit import constant, kernel
from hotband.core.ledger import mark, total
from hotband.core.planning import entry_block, move_stop, position_block, raise_stage
from hotband.core.records import (
    NEVER,
    OPPOSITE_IGNORE,
    STAGE_ADMITTED,
    STAGE_SIZED,
    Record,
    Records,
)
from hotband.core.step import meet_gate, retire_gate

_OK = constant(codes.OK)
_MAX_STACK = constant(codes.MAX_STACK_LIMIT)
_OPPOSITE_BLOCKED = constant(codes.OPPOSITE_SIDE_BLOCKED)
_SUPERSEDED = constant(codes.GATE_SUPERSEDED)
_NO_BIT = constant(1 << 60)

SPAN: Final = np.dtype([("loss_max", "f8"), ("base_max", "f8"), ("spacing", "i8")])
"""Bounds over a whole bar array: its largest quote -> home and base -> home rates, and the
least time between two opens in ns."""


@kernel
def note_clock(bar: Record, book: Record, gate: Record, rules: Record, limits: Record) -> int:
    """Judge a gate that has just become current, as ``step`` would; the failing reasons."""
    mask = book.gate_mask | clock_mask(bar, gate, rules, limits)
    if mask != 0:
        if book.gate_stage == 0 and book.gate_code == _OK:
            book.gate_code = first_code(mask)
    else:
        raise_stage(book, STAGE_ADMITTED, _OK)
    return mask


@kernel
def skip_flat(
    book: Record,
    i: int,
    bars: Records,
    gate_of_bar: npt.NDArray[np.int64],
    gate_bar: npt.NDArray[np.int64],
    gates: Records,
    rules: Record,
    limits: Record,
) -> int:
    """First bar at or after ``i`` at which a flat book could act on its gate."""
    n = len(bars)
    while i < n:
        g = gate_of_bar[i]
        gate = gates[g]
        if g == 0:
            i = gate_bar[1] if len(gates) > 1 else n
            continue
        if gate.known != book.gate:
            meet_gate(book, bars[i], gate, rules)
        if book.gate_mask == 0 and book.gate_used == 0:
            mask = clock_mask(bars[i], gate, rules, limits)
            if mask == 0:
                return i
            if book.gate_stage == 0 and book.gate_code == _OK:
                book.gate_code = first_code(mask)
            if bars[i].t - gate.known <= rules.max_age:
                i += 1
                continue
        elif book.gate_code == _OK and book.gate_stage == 0:
            mask = book.gate_mask | clock_mask(bars[i], gate, rules, limits)
            book.gate_code = first_code(mask)
        i = gate_bar[g + 1] if g + 1 < len(gates) else n
    return n


@kernel
def _gate_needs_step(
    account: Record, book: Record, bar: Record, gate: Record, rules: Record, limits: Record
) -> bool:
    """Meet the live gate while a position is open; True = only ``step`` can say what follows.

    False means that until the next gate or a change of the position nothing but marking
    happens at any bar: the gate fails for good, is used, or is kept out by the position itself.
    """
    if gate.known == -NEVER:
        return False
    if gate.known != book.gate:
        meet_gate(book, bar, gate, rules)
    limit = rules.hazard_exit
    if not math.isnan(limit):
        passed = gate.hazard >= limit if rules.hazard_exit_above != 0 else gate.hazard <= limit
        if passed:
            return True
    if book.gate_mask != 0:
        note_clock(bar, book, gate, rules, limits)
        return False
    if book.gate_used != 0:
        return False
    if position_block(book, rules) == _OK:
        return True
    if book.side != book.gate_side:
        if rules.opposite != OPPOSITE_IGNORE:
            return True
    elif rules.rearm != 0:
        return True
    if book.gate_stage >= STAGE_SIZED:
        return False
    if note_clock(bar, book, gate, rules, limits) != 0:
        return True
    code = entry_block(account, book, gate, bar.t, rules, limits)
    if code == _OK:
        code = position_block(book, rules)
    raise_stage(book, STAGE_SIZED, code)
    return False


@kernel
def _first_at(bars: Records, i: int, end: int, t: int, spacing: int) -> int:
    """First index in [i, end] whose open time is at or after ``t``; ``end`` if none.

    Bars are at least ``spacing`` apart, so that the answer lies at or before the one that a
    history without gaps would give, and mostly on it.
    """
    ahead = t - bars[i].t
    if ahead <= 0:
        return i
    guess = min(end, i + (ahead + spacing - 1) // spacing)
    while guess > i and bars[guess - 1].t >= t:
        guess -= 1
    return guess


@kernel
def _danger(account: Record, book: Record, rules: Record, limits: Record, span: Record) -> float:
    """Closing-side price before which a margin closeout is impossible, with slack.

    Bounds the loss that still leaves NAV above the closeout share of the largest margin the
    position can need over the span (and above 0, where there is no closeout).
    """
    worst_margin = limits.closeout * book.units * span.base_max * rules.margin_rate
    spare = 0.999 * (account.balance - worst_margin)
    if spare <= 0.0:
        return math.inf if book.side > 0 else -math.inf
    return book.tk_entry[0] - book.side * spare / (book.units * span.loss_max)


@kernel
def _touches(book: Record, bar: Record, danger: float) -> bool:
    """Whether the bar reaches a level of the lone ticket, or the danger of a closeout."""
    stop, target = book.tk_stop[0], book.tk_target[0]
    if book.side > 0:
        return bar.bid_l <= stop or bar.bid_h >= target or bar.bid_l <= danger
    return bar.ask_h >= stop or bar.ask_l <= target or bar.ask_h >= danger


@kernel
def _hold_long(
    account: Record, book: Record, i: int, end: int, bars: Records, rules: Record, danger: float
) -> int:
    """Mark a lone long ticket from bar ``i`` until a level is touched or ``end``."""
    stop, target = book.tk_stop[0], book.tk_target[0]
    best, worst = book.tk_best[0], book.tk_worst[0]
    entry, units, balance = book.tk_entry[0], book.tk_units[0], account.balance
    peak, max_dd, max_frac = account.peak, account.max_dd, account.max_dd_frac
    moving = rules.trail_frac + rules.trail_abs + rules.breakeven_frac + rules.breakeven_abs > 0.0
    while i < end:
        bar = bars[i]
        low, high = bar.bid_l, bar.bid_h
        if low <= stop or high >= target or low <= danger:
            break
        worst = min(worst, low)
        if high > best:
            best = high
            if moving:
                book.tk_best[0] = best
                move_stop(book, 0, rules)
                stop = book.tk_stop[0]
        quote = (bar.bid_c - entry) * units
        nav = balance + quote * (bar.gain_c if quote > 0.0 else bar.loss_c)
        if nav > peak:
            peak = nav
        else:
            fall = peak - nav
            max_dd = max(max_dd, fall)
            if fall > max_frac * peak:
                max_frac = fall / peak
        i += 1
    book.tk_best[0], book.tk_worst[0] = best, worst
    account.peak, account.max_dd, account.max_dd_frac = peak, max_dd, max_frac
    return i


@kernel
def _hold_short(
    account: Record, book: Record, i: int, end: int, bars: Records, rules: Record, danger: float
) -> int:
    """Mark a lone short ticket from bar ``i`` until a level is touched or ``end``."""
    stop, target = book.tk_stop[0], book.tk_target[0]
    best, worst = book.tk_best[0], book.tk_worst[0]
    entry, units, balance = book.tk_entry[0], book.tk_units[0], account.balance
    peak, max_dd, max_frac = account.peak, account.max_dd, account.max_dd_frac
    moving = rules.trail_frac + rules.trail_abs + rules.breakeven_frac + rules.breakeven_abs > 0.0
    while i < end:
        bar = bars[i]
        low, high = bar.ask_l, bar.ask_h
        if high >= stop or low <= target or high >= danger:
            break
        worst = max(worst, high)
        if low < best:
            best = low
            if moving:
                book.tk_best[0] = best
                move_stop(book, 0, rules)
                stop = book.tk_stop[0]
        quote = -(bar.ask_c - entry) * units
        nav = balance + quote * (bar.gain_c if quote > 0.0 else bar.loss_c)
        if nav > peak:
            peak = nav
        else:
            fall = peak - nav
            max_dd = max(max_dd, fall)
            if fall > max_frac * peak:
                max_frac = fall / peak
        i += 1
    book.tk_best[0], book.tk_worst[0] = best, worst
    account.peak, account.max_dd, account.max_dd_frac = peak, max_dd, max_frac
    return i


@kernel
def _shut(book: Record, rules: Record) -> bool:
    """Whether no gate of either side can do anything while the open position lasts."""
    return (
        book.n >= rules.max_stack
        and rules.opposite == OPPOSITE_IGNORE
        and rules.rearm == 0
        and math.isnan(rules.hazard_exit)
    )


@kernel
def _turn_away(
    account: Record, book: Record, bar: Record, gate: Record, rules: Record, limits: Record
) -> int:
    """The reason that keeps an admitted gate out of a book that is shut."""
    code = entry_block(account, book, gate, bar.t, rules, limits)
    if code == _OK:
        code = _MAX_STACK if book.side == book.gate_side else _OPPOSITE_BLOCKED
    return code


@kernel
def _meet_shut(
    account: Record,
    book: Record,
    i: int,
    end: int,
    bars: Records,
    gate: Record,
    rules: Record,
    limits: Record,
) -> None:
    """What the bars in [i, end) do to the funnel for one live gate while the book is shut."""
    if gate.known == -NEVER:
        return
    if gate.known != book.gate:
        meet_gate(book, bars[i], gate, rules)
    if book.gate_mask != 0 or book.gate_used != 0:
        if book.gate_used == 0:
            note_clock(bars[i], book, gate, rules, limits)
        return
    while i < end and book.gate_stage < STAGE_SIZED:
        if note_clock(bars[i], book, gate, rules, limits) == 0:
            raise_stage(book, STAGE_SIZED, _turn_away(account, book, bars[i], gate, rules, limits))
        elif bars[i].t - gate.known > rules.max_age:
            return
        i += 1


@kernel
def _meet_all_shut(
    account: Record,
    book: Record,
    i: int,
    end: int,
    bars: Records,
    gate_of_bar: npt.NDArray[np.int64],
    gate_bar: npt.NDArray[np.int64],
    gates: Records,
    rules: Record,
    limits: Record,
) -> None:
    """Meet every gate that is live in [i, end) while the book is shut.

    The same as :func:`_meet_shut` for each of them, with the funnel in local numbers.
    """
    g = gate_of_bar[i]
    last = gate_of_bar[end - 1]
    if g == 0 or gates[g].known == book.gate:
        until = min(end, gate_bar[g + 1]) if g + 1 < len(gates) else end
        _meet_shut(account, book, i, until, bars, gates[g], rules, limits)
        g += 1
    busy = rules.cooldown > 0 or account.positions >= limits.max_positions
    seen, passed = 0, 0
    while g <= last:
        i = gate_bar[g]
        gate = gates[g]
        if gate_of_bar[i] != g:
            g = gate_of_bar[i]
            continue
        bar = bars[i]
        side = trade_side(bar, gate, rules)
        mask = threshold_mask(gate, side, rules)
        clock = clock_mask(bar, gate, rules, limits)
        admitted = mask == 0
        if busy or gate.key != 0 or (admitted and clock != 0):
            until = min(end, gate_bar[g + 1]) if g + 1 < len(gates) else end
            _meet_shut(account, book, i, until, bars, gate, rules, limits)
        else:
            retire_gate(book)
            kept_out = _OPPOSITE_BLOCKED + (side == book.side) * (_MAX_STACK - _OPPOSITE_BLOCKED)
            refused = first_code(mask | clock | _NO_BIT)
            seen += 1 + gate.skipped
            passed += admitted
            book.refusals[_SUPERSEDED] += gate.skipped
            book.gate = gate.known
            book.gate_side = side
            book.gate_mask = mask
            book.gate_stage = admitted * STAGE_SIZED
            book.gate_code = refused + admitted * (kept_out - refused)
            book.gate_used = 0
        g += 1
    book.gates += seen
    book.admitted += passed
    book.sized += passed


@kernel
def skip_held(
    account: Record,
    books: Records,
    i: int,
    end: int,
    bars: Records,
    gate_of_bar: npt.NDArray[np.int64],
    gate_bar: npt.NDArray[np.int64],
    gates: Records,
    rules: Record,
    limits: Record,
    span: Record,
) -> int:
    """First bar in [i, end] that needs ``step`` while one ticket is open; marks those before."""
    book = books[0]
    first = i
    if rules.hold > 0:
        end = _first_at(bars, i, end, book.tk_hold[0] + rules.hold, span.spacing)
    danger = _danger(account, book, rules, limits, span)
    if _shut(book, rules):
        if book.side > 0:
            i = _hold_long(account, book, i, end, bars, rules, danger)
        else:
            i = _hold_short(account, book, i, end, bars, rules, danger)
        if i > first:
            _meet_all_shut(
                account, book, first, i, bars, gate_of_bar, gate_bar, gates, rules, limits
            )
        end = i
    while i < end:
        if _touches(book, bars[i], danger):
            break
        g = gate_of_bar[i]
        if _gate_needs_step(account, book, bars[i], gates[g], rules, limits):
            break
        until = gate_bar[g + 1] if g + 1 < len(gates) else end
        until = min(until, end)
        if book.side > 0:
            i = _hold_long(account, book, i, until, bars, rules, danger)
        else:
            i = _hold_short(account, book, i, until, bars, rules, danger)
        if i < until:
            break
    if i > first:
        bar = bars[i - 1]
        mark(book, bar.bid_c, bar.ask_c, bar.gain_c, bar.loss_c, bar.base_c, rules.margin_rate)
        total(account, books)
    return i
