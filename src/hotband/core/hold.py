"""Holding one ticket: marking it bar by bar, and block by block where nothing can happen.

What ``step`` does to a position at a quiet bar is: move the extremes, mark the equity, note
peak and drawdown. Under rounding all of these rise and fall with the closing price, so that
the extremes of a block bound them for each of its bars; a block that cannot touch a level or
set a new drawdown is passed at once.
"""

import math

from hotband.core.jit import constant, kernel
from hotband.core.planning import move_stop
from hotband.core.records import Record, Records
from hotband.core.shared import BLOCK_BARS, BLOCK_SHIFT

_WITHIN_BLOCK = constant(BLOCK_BARS - 1)


@kernel
def touches(book: Record, bar: Record, danger: float) -> bool:
    """Whether the bar reaches a level of the lone ticket, or the danger of a closeout."""
    stop, target = book.tk_stop[0], book.tk_target[0]
    if book.side > 0:
        return bar.bid_l <= stop or bar.bid_h >= target or bar.bid_l <= danger
    return bar.ask_h >= stop or bar.ask_l <= target or bar.ask_h >= danger


@kernel
def first_at(bars: Records, i: int, end: int, t: int, per_ns: float) -> int:
    """First index in [i, end] whose open time is at or after ``t``; ``end`` if none.

    There are at most ``per_ns`` bars per ns, so that the answer lies at or before the one that
    a history without gaps would give, and mostly on it.
    """
    ahead = t - bars[i].t
    if ahead <= 0:
        return i
    guess = min(end, i + int(ahead * per_ns) + 1)
    while guess > i and bars[guess - 1].t >= t:
        guess -= 1
    return guess


@kernel
def danger_price(
    account: Record, book: Record, rules: Record, limits: Record, span: Record
) -> float:
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
def hold_on(
    account: Record,
    book: Record,
    i: int,
    end: int,
    bars: Records,
    blocks: Records,
    rules: Record,
    danger: float,
) -> int:
    """Mark a lone ticket from bar ``i``; the first bar that touches a level, else ``end``.

    Prices are taken times the side, so that for a short, too, up is good; a sign changes no
    bit of a comparison.
    """
    long = book.side > 0
    sign = 1.0 if long else -1.0
    stop, target, danger = sign * book.tk_stop[0], sign * book.tk_target[0], sign * danger
    best, worst = sign * book.tk_best[0], sign * book.tk_worst[0]
    entry, units, balance = sign * book.tk_entry[0], book.tk_units[0], account.balance
    peak, max_dd, max_frac = account.peak, account.max_dd, account.max_dd_frac
    still = rules.trail_frac + rules.trail_abs + rules.breakeven_frac + rules.breakeven_abs == 0.0
    while i < end:
        if i & _WITHIN_BLOCK == 0 and i + BLOCK_BARS <= end:
            block = blocks[i >> BLOCK_SHIFT]
            bad = block.bid_l if long else -block.ask_h
            good = block.bid_h if long else -block.ask_l
            touched = bad <= stop or good >= target or bad <= danger
            if not touched and (still or good <= best):
                quote = ((block.bid_c_max if long else -block.ask_c_min) - entry) * units
                top = balance + quote * (block.gain_max if quote > 0.0 else block.loss_min)
                quote = ((block.bid_c_min if long else -block.ask_c_max) - entry) * units
                bottom = balance + quote * (block.gain_min if quote > 0.0 else block.loss_max)
                fall = max(peak, top) - bottom
                exact = top <= peak or block.steady != 0
                if exact and fall <= max_dd and fall <= max_frac * peak:
                    peak = max(peak, top)
                    best, worst = max(best, good), min(worst, bad)
                    i += BLOCK_BARS
                    continue
        bar = bars[i]
        bad = bar.bid_l if long else -bar.ask_h
        good = bar.bid_h if long else -bar.ask_l
        if bad <= stop or good >= target or bad <= danger:
            break
        worst = min(worst, bad)
        if good > best:
            best = good
            if not still:
                book.tk_best[0] = sign * best
                move_stop(book, 0, rules)
                stop = sign * book.tk_stop[0]
        quote = ((bar.bid_c if long else -bar.ask_c) - entry) * units
        nav = balance + quote * (bar.gain_c if quote > 0.0 else bar.loss_c)
        if nav > peak:
            peak = nav
        else:
            fall = peak - nav
            max_dd = max(max_dd, fall)
            if fall > max_frac * peak:
                max_frac = fall / peak
        i += 1
    book.tk_best[0], book.tk_worst[0] = sign * best, sign * worst
    account.peak, account.max_dd, account.max_dd_frac = peak, max_dd, max_frac
    return i
