"""Which bars need no step, and what the bars in between do to the state.

``step`` at a bar that only marks an open position, or at which a flat book has no gate that
could enter, changes few fields in a known way. The functions here find the next bar at which
something can happen and apply those changes with local numbers; tests hold them to the last
bit against repeated ``step``. A position has come from a gate, so that from then on there always
is a live one.
"""

import math

from hotband.core import codes
from hotband.core.gating import at_exit, clock_mask, first_code
from hotband.core.hold import danger_price, first_at, hold_on, touches
from hotband.core.jit import ZERO, constant, kernel
from hotband.core.ledger import mark, total
from hotband.core.planning import position_block, raise_stage, standing_block
from hotband.core.records import (
    OPPOSITE_IGNORE,
    STAGE_SIZED,
    Record,
    Records,
)
from hotband.core.shared import Shared
from hotband.core.step import meet_gate, note_clock, retire_gate

_OK = constant(codes.OK)
_MAX_STACK = constant(codes.MAX_STACK_LIMIT)
_OPPOSITE_BLOCKED = constant(codes.OPPOSITE_SIDE_BLOCKED)
_SUPERSEDED = constant(codes.GATE_SUPERSEDED)
_REPETITIONS_SHORT = constant(codes.REPETITIONS_SHORT)
_HIGH_BIT = constant(1 << codes.HAZARD_EXCEEDS_MAX)
_LOW_BIT = constant(1 << codes.HAZARD_BELOW_MIN)
_SHORT_BIT = constant(1 << codes.REPETITIONS_SHORT)


@kernel
def skip_flat(
    book: Record,
    i: int,
    shared: Shared,
    rules: Record,
    limits: Record,
) -> int:
    """First bar at or after ``i`` at which a flat book could act on its gate."""
    bars, gate_bar = shared.bars, shared.gate_bar
    n = len(bars)
    while i < n:
        g = shared.gate_of_bar[i]
        gate = shared.gates[g]
        if g == 0:
            i = gate_bar[1]
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
        i = gate_bar[g + 1]
    return n


@kernel
def _gate_needs_step(
    account: Record, book: Record, bar: Record, gate: Record, rules: Record, limits: Record
) -> bool:
    """Meet the live gate while a position is open; True = only ``step`` can say what follows.

    False means that until the next gate or a change of the position nothing but marking
    happens at any bar: the gate fails for good, is used, or is kept out by the position itself.
    """
    if gate.known != book.gate:
        meet_gate(book, bar, gate, rules)
    if at_exit(gate.hazard, rules):
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
    raise_stage(book, STAGE_SIZED, standing_block(account, book, gate, bar.t, rules, limits))
    return False


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
    if gate.known != book.gate:
        meet_gate(book, bars[i], gate, rules)
    if book.gate_mask != 0 or book.gate_used != 0:
        if book.gate_used == 0:
            note_clock(bars[i], book, gate, rules, limits)
        return
    while i < end and book.gate_stage < STAGE_SIZED:
        if note_clock(bars[i], book, gate, rules, limits) == 0:
            code = standing_block(account, book, gate, bars[i].t, rules, limits)
            raise_stage(book, STAGE_SIZED, code)
        elif bars[i].t - gate.known > rules.max_age:
            return
        i += 1


@kernel
def _meet_all_shut(
    account: Record,
    book: Record,
    i: int,
    end: int,
    shared: Shared,
    rules: Record,
    limits: Record,
) -> None:
    """Meet every gate that is live in [i, end) while the book is shut.

    The same as :func:`_meet_shut` for each of them, with the funnel in local numbers.
    """
    bars, gates = shared.bars, shared.gates
    gate_bar = shared.gate_bar
    g = shared.gate_of_bar[i]
    last = shared.gate_of_bar[end - 1]
    if gates[g].known == book.gate:
        until = min(end, gate_bar[g + 1])
        _meet_shut(account, book, i, until, bars, gates[g], rules, limits)
        g += 1
    odd = (
        rules.cooldown > 0
        or account.positions >= limits.max_positions
        or rules.guards_on != 0
        or rules.regimes_on != 0
        or rules.regime_confidence_min > 0.0
    )
    seen, passed = ZERO, ZERO
    while g <= last:
        brief = shared.briefs[g]
        if odd or brief.plain == 0 or brief.age > rules.max_age:
            i = gate_bar[g]
            until = min(end, gate_bar[g + 1])
            _meet_shut(account, book, i, until, bars, gates[g], rules, limits)
        else:
            retire_gate(book)
            side = brief.side * rules.direction
            high = brief.hazard > rules.hazard_max
            low = brief.hazard < rules.hazard_min
            short = brief.reps < rules.min_reps
            admitted = not (high | low | short)
            kept_out = _OPPOSITE_BLOCKED + (side == book.side) * (_MAX_STACK - _OPPOSITE_BLOCKED)
            # hazard_exceeds_max, hazard_below_min and repetitions_short follow each other.
            refused = _REPETITIONS_SHORT - low - 2 * high
            seen += 1 + brief.skipped
            passed += admitted
            book.refusals[_SUPERSEDED] += brief.skipped
            book.gate = brief.known
            book.gate_side = side
            book.gate_mask = (high * _HIGH_BIT) | (low * _LOW_BIT) | (short * _SHORT_BIT)
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
    shared: Shared,
    rules: Record,
    limits: Record,
) -> int:
    """First bar in [i, end] that needs ``step`` while one ticket is open; marks those before."""
    book, bars, blocks = books[0], shared.bars, shared.blocks
    first = i
    if rules.hold > 0:
        due = book.tk_hold[0] + rules.hold
        end = first_at(bars, i, end, due, shared.span[0].per_ns)
    danger = danger_price(account, book, rules, limits, shared.span[0])
    if _shut(book, rules):
        i = hold_on(account, book, i, end, bars, blocks, rules, danger)
        if i > first:
            _meet_all_shut(account, book, first, i, shared, rules, limits)
    while i < end:
        if touches(book, bars[i], danger):
            break
        g = shared.gate_of_bar[i]
        if _gate_needs_step(account, book, bars[i], shared.gates[g], rules, limits):
            break
        until = min(end, shared.gate_bar[g + 1])
        i = hold_on(account, book, i, until, bars, blocks, rules, danger)
        if i < until:
            break
    if i > first:
        bar = bars[i - 1]
        mark(book, bar.bid_c, bar.ask_c, bar.gain_c, bar.loss_c, bar.base_c, rules.margin_rate)
        total(account, books)
    return i
