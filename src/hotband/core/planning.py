"""Which orders follow from a decision, the open tickets and the clock.

Only this module decides to open or close; stops, targets and the margin closeout follow from
prices alone (``fills``, ``ledger``). One entry per admitted gate; exits are ordered here and
filled by ``step`` when they are due.
"""

import math

from hotband.core import codes
from hotband.core.gating import at_exit, barring_mask, first_code
from hotband.core.jit import ZERO, constant, kernel
from hotband.core.ledger import order_exit, order_exits, remember_key, round_level
from hotband.core.records import (
    FLATTEN,
    MAX_KEYS,
    OPPOSITE_CLOSE,
    OPPOSITE_REVERSE,
    STAGE_ADMITTED,
    STAGE_PLANNED,
    STAGE_SIZED,
    Record,
)

_OK = constant(codes.OK)
_ORDER_PENDING = constant(codes.ORDER_PENDING)
_GATE_USED = constant(codes.GATE_USED)
_DUPLICATE = constant(codes.DUPLICATE_SIGNAL)
_COOLDOWN = constant(codes.COOLDOWN_ACTIVE)
_MAX_STACK = constant(codes.MAX_STACK_LIMIT)
_OPPOSITE_BLOCKED = constant(codes.OPPOSITE_SIDE_BLOCKED)
_OPPOSITE_CLOSED = constant(codes.OPPOSITE_SIDE_CLOSED)
_REARMED = constant(codes.HOLD_REARMED)
_MAX_POSITIONS = constant(codes.MAX_TOTAL_POSITIONS)
_HOLD_EXPIRY = constant(codes.HOLD_EXPIRY)
_HAZARD_EXIT = constant(codes.HAZARD_EXIT)
_OPPOSITE_GATE = constant(codes.OPPOSITE_GATE)
_MARGIN_CLOSEOUT = constant(codes.MARGIN_CLOSEOUT)
_NAV_NOT_POSITIVE = constant(codes.NAV_NOT_POSITIVE)
_MARGIN_BUDGET = constant(codes.MARGIN_BUDGET)
_WEEKEND_FLAT = constant(codes.WEEKEND_FLAT)
_BREAKEVEN = constant(codes.BREAKEVEN_STOP)
_TRAILING = constant(codes.TRAILING_STOP)


@kernel
def raise_stage(book: Record, stage: int, code: int) -> None:
    """Note how far the current gate has come; the first reason at its furthest stage stays."""
    if stage > book.gate_stage:
        if book.gate_stage < STAGE_ADMITTED <= stage:
            book.admitted += 1
        if book.gate_stage < STAGE_SIZED <= stage:
            book.sized += 1
        if book.gate_stage < STAGE_PLANNED <= stage:
            book.planned += 1
        book.gate_stage = stage
        book.gate_code = code


@kernel
def key_is_used(book: Record, key: int) -> bool:
    """Whether a signal key is among the last ones used; key 0 never is."""
    if key != 0:
        for i in range(MAX_KEYS):
            if book.keys[i] == key:
                return True
    return False


@kernel
def entry_block(
    account: Record,
    book: Record,
    gate: Record,
    t: int,
    leaving: int,
    rules: Record,
    limits: Record,
) -> int:
    """Why no entry can follow whatever its size, but for an open position; OK = nothing.

    ``leaving`` tickets will be closed before the entry (a reversal).
    """
    if book.gate_used != 0:
        return _GATE_USED
    if book.order_side != 0:
        return _ORDER_PENDING
    if key_is_used(book, gate.key):
        return _DUPLICATE
    if t - book.last_fill < rules.cooldown:
        return _COOLDOWN
    if account.closeout_t == t:
        return _MARGIN_CLOSEOUT
    if account.positions + account.orders - leaving >= limits.max_positions:
        return _MAX_POSITIONS
    return _OK


@kernel
def position_block(book: Record, rules: Record) -> int:
    """Why the open position of the instrument forbids an entry; OK = it does not."""
    if book.n == 0:
        return _OK
    if book.side != book.gate_side:
        return _OPPOSITE_BLOCKED
    if book.n >= rules.max_stack:
        return _MAX_STACK
    return _OK


@kernel
def standing_block(
    account: Record, book: Record, gate: Record, t: int, rules: Record, limits: Record
) -> int:
    """Why the planner refuses an entry whatever its size; OK = it does not."""
    code = entry_block(account, book, gate, t, ZERO, rules, limits)
    return position_block(book, rules) if code == _OK else code


@kernel
def meet_position(
    account: Record,
    book: Record,
    gate: Record,
    bar: Record,
    admitted: bool,
    rules: Record,
    limits: Record,
) -> bool:
    """What a gate that clears its thresholds does to an open position; True = reverses it.

    The other side: closed or reversed where the rules say so; where the clock or the kill
    switch forbids the entry of a reversal, it closes only. The same side with no room for
    another ticket: the hold starts again where ``rearm`` is set and the gate is admitted.
    """
    if book.n == 0 or book.gate_used != 0:
        return False
    due = bar.t + rules.latency
    if book.side != book.gate_side:
        if rules.opposite == OPPOSITE_CLOSE or (
            rules.opposite == OPPOSITE_REVERSE and not admitted
        ):
            order_exits(book, _OPPOSITE_GATE, due)
            book.gate_used = 1
            if admitted:
                raise_stage(book, STAGE_SIZED, _OPPOSITE_CLOSED)
        elif rules.opposite == OPPOSITE_REVERSE:
            block = entry_block(account, book, gate, bar.t, book.n, rules, limits)
            if block == _OK:
                order_exits(book, _OPPOSITE_GATE, due)
                return True
        return False
    if admitted and book.n >= rules.max_stack and rules.rearm != 0:
        for i in range(book.n):
            book.tk_hold[i] = bar.t
        book.gate_used = 1
        raise_stage(book, STAGE_SIZED, _REARMED)
    return False


@kernel
def plan_exits(book: Record, gate: Record, bar: Record, rules: Record) -> None:
    """Order the exits that the clock or the gate ask for: weekend, hazard, hold."""
    due = bar.t + rules.latency
    if rules.flat_weekend != 0 and bar.marks & FLATTEN:
        order_exits(book, _WEEKEND_FLAT, due)
    live = book.gate == gate.known and bar.t - gate.known <= rules.max_age
    if live and at_exit(gate.hazard, rules):
        order_exits(book, _HAZARD_EXIT, due)
    if rules.hold > 0:
        for i in range(book.n):
            if bar.t - book.tk_hold[i] >= rules.hold:
                order_exit(book, i, _HOLD_EXPIRY, due)


@kernel
def plan_entry(book: Record, gate: Record, t: int, units: float, limit: int, rules: Record) -> None:
    """Turn sized units into the entry order of the instrument; the gate is used up."""
    book.order_side = book.gate_side
    book.order_units = units
    book.order_due = t + rules.latency
    book.order_gate = gate.known
    book.order_key = gate.key
    book.order_synthetic = gate.synthetic
    book.order_limit = limit
    book.gate_used = 1
    remember_key(book, gate.key)
    raise_stage(book, STAGE_PLANNED, _OK)


@kernel
def fill_block(account: Record, book: Record, bar: Record, rules: Record, limits: Record) -> int:
    """Why an order that is due may no longer be filled; OK = nothing.

    Hard blocks stop entries at the fill, too, and a broker refuses an order that the margin
    left does not cover.
    """
    mask = barring_mask(bar, limits)
    if mask != 0:
        return first_code(mask)
    if not account.nav > 0.0:
        return _NAV_NOT_POSITIVE
    if account.closeout_t == bar.t:
        return _MARGIN_CLOSEOUT
    if book.order_units * bar.base_o * rules.margin_rate > account.nav - account.margin:
        return _MARGIN_BUDGET
    return _OK


@kernel
def move_stop(book: Record, i: int, rules: Record) -> None:
    """Raise the stop of ticket ``i`` to breakeven or the trail, for the bars to come."""
    side = book.side
    entry = book.tk_entry[i]
    best = book.tk_best[i]
    stop = book.tk_stop[i]
    trigger = rules.breakeven_frac * entry + rules.breakeven_abs
    if trigger > 0.0 and side * (best - entry) >= trigger:
        level = round_level(entry, side, rules.price_scale)
        if math.isnan(stop) or side * (level - stop) > 0.0:
            stop = level
            book.tk_stop_code[i] = _BREAKEVEN
    trail = rules.trail_frac * best + rules.trail_abs
    if trail > 0.0 and side * (best - entry) > 0.0:
        level = round_level(best - side * trail, side, rules.price_scale)
        if math.isnan(stop) or side * (level - stop) > 0.0:
            stop = level
            book.tk_stop_code[i] = _TRAILING
    book.tk_stop[i] = stop
