"""Tickets and money: what opening, holding, marking and closing do to the state.

Identities kept at every step: nav = balance + unrealised; the balance moves only by gross
profit, commission and financing; every ticket opened is closed or still open.
"""

import math

from hotband.core import codes
from hotband.core.fills import market_price
from hotband.core.jit import constant, kernel
from hotband.core.records import MAX_KEYS, NEVER, Record, Records
from hotband.core.sizing import stop_distance

_STOP_LOSS = constant(codes.STOP_LOSS)
_TAKE_PROFIT = constant(codes.TAKE_PROFIT)
_MARGIN_CLOSEOUT = constant(codes.MARGIN_CLOSEOUT)

AT_OPEN = constant(0)
INSIDE = constant(1)


@kernel
def round_level(price: float, side: int, scale: float) -> float:
    """A stop or target on the price grid, rounded up for longs and down for shorts.

    Stops so rounded lose less than asked, targets are harder to reach than asked.
    """
    if side > 0:
        return math.ceil(price * scale - 1e-6) / scale
    return math.floor(price * scale + 1e-6) / scale


@kernel
def mark(
    book: Record, bid: float, ask: float, gain: float, loss: float, base: float, rate: float
) -> None:
    """Value the position at the side that would close it; ``rate`` is the margin rate."""
    if book.n == 0:
        book.unrealised = 0.0
        book.notional = 0.0
        book.margin = 0.0
        book.mid_gap = 0.0
        return
    price = bid if book.side > 0 else ask
    total = 0.0
    for i in range(book.n):
        quote = book.side * (price - book.tk_entry[i]) * book.tk_units[i]
        total += quote * (gain if quote > 0.0 else loss)
    book.unrealised = total
    book.notional = book.units * base
    book.margin = book.notional * rate
    book.mid_gap = book.units * (0.5 * (ask - bid)) * (0.5 * (gain + loss))


@kernel
def total(account: Record, books: Records) -> None:
    """Sum the books into the account: unrealised profit, margin, NAV."""
    unrealised = 0.0
    margin = 0.0
    for j in range(len(books)):
        unrealised += books[j].unrealised
        margin += books[j].margin
    account.unrealised = unrealised
    account.margin = margin
    account.nav = account.balance + unrealised


@kernel
def charge_financing(account: Record, book: Record, bar: Record) -> None:
    """Book the financing of the rolls crossed since the bar before, at this bar's open."""
    rate = bar.fin_long if book.side > 0 else bar.fin_short
    if rate == 0.0:
        return
    per_unit = 0.5 * (bar.bid_o + bar.ask_o) * rate
    for i in range(book.n):
        quote = book.tk_units[i] * per_unit
        home = quote * (bar.gain_o if quote > 0.0 else bar.loss_o)
        book.tk_financing[i] += home
        account.financing += home
        account.balance += home


@kernel
def order_exit(book: Record, i: int, code: int, due: int) -> None:
    """Send a market exit for ticket ``i`` unless one is on its way."""
    if book.tk_due[i] == NEVER:
        book.tk_due[i] = due
        book.tk_exit_code[i] = code
        book.exits_due += 1


@kernel
def order_exits(book: Record, code: int, due: int) -> None:
    """Send a market exit for every ticket that has none on its way."""
    for i in range(book.n):
        order_exit(book, i, code, due)


@kernel
def check_margin(account: Record, books: Records, limits: Record) -> None:
    """Order everything closed where ``closeout`` x margin has reached the NAV at mid.

    Source: OANDA's margin closeout, marginCloseoutPercent = 0.5 x margin / NAV >= 1, recomputed
    at current prices.
    """
    required = limits.closeout * account.margin
    if required <= 0.0 or required < account.nav:
        return
    gap = 0.0
    for j in range(len(books)):
        gap += books[j].mid_gap
    if required >= account.nav + gap:
        for j in range(len(books)):
            book = books[j]
            for i in range(book.n):
                book.exits_due += 1 if book.tk_due[i] == NEVER else 0
                book.tk_due[i] = -NEVER
                book.tk_exit_code[i] = _MARGIN_CLOSEOUT


@kernel
def remember_key(book: Record, key: int) -> None:
    """Keep a used signal key; the oldest of the last MAX_KEYS is forgotten."""
    if key != 0:
        book.keys[book.key_at] = key
        book.key_at = (book.key_at + 1) % MAX_KEYS


@kernel
def _clear_order(account: Record, book: Record) -> None:
    book.order_side = 0
    book.order_due = NEVER
    book.order_notional = 0.0
    book.order_margin = 0.0
    account.orders -= 1


@kernel
def drop_order(account: Record, book: Record, code: int) -> None:
    """Cancel the entry order on its way and count its gate as lost for that reason."""
    book.refusals[code] += 1
    _clear_order(account, book)


@kernel
def open_ticket(
    account: Record, book: Record, k: int, bar: Record, rules: Record, fills: Records
) -> None:
    """Fill the entry order of ``book`` at this bar's open."""
    i = book.n
    side = book.order_side
    units = book.order_units
    price = market_price(bar.bid_o, bar.ask_o, side, rules.slippage)
    distance = stop_distance(price, rules)
    aim = rules.target_frac * price + rules.target_abs
    commission = units * bar.base_o * rules.half_commission
    scale = rules.price_scale
    book.side = side
    book.n = i + 1
    book.units += units
    book.last_fill = bar.t
    book.tk_open[i] = bar.t
    book.tk_hold[i] = bar.t
    book.tk_due[i] = NEVER
    book.tk_exit_code[i] = 0
    book.tk_key[i] = book.order_key
    book.tk_gate[i] = book.order_gate
    book.tk_synthetic[i] = book.order_synthetic
    book.tk_units[i] = units
    book.tk_entry[i] = price
    book.tk_stop[i] = (
        round_level(price - side * distance, side, scale) if distance > 0.0 else math.nan
    )
    book.tk_stop_first[i] = book.tk_stop[i]
    book.tk_stop_code[i] = _STOP_LOSS
    book.tk_target[i] = round_level(price + side * aim, side, scale) if aim > 0.0 else math.nan
    book.tk_best[i] = bar.bid_o if side > 0 else bar.ask_o
    book.tk_worst[i] = book.tk_best[i]
    book.tk_commission[i] = commission
    book.tk_financing[i] = 0.0
    book.filled += 1
    _clear_order(account, book)
    raw = bar.ask_o if side > 0 else bar.bid_o
    middle = 0.5 * (bar.gain_o + bar.loss_o)
    account.positions += 1
    account.balance -= commission
    account.commission += commission
    account.slippage += units * abs(price - raw) * middle
    account.spread += units * (0.5 * (bar.ask_o - bar.bid_o)) * middle
    account.turnover += units * bar.base_o
    if account.fills < len(fills):
        row = fills[account.fills]
        row.t = bar.t
        row.instrument = k
        row.kind = 1
        row.side = side
        row.reason = book.order_limit
        row.synthetic = book.order_synthetic
        row.intrabar = 0
        row.key = book.order_key
        row.gate = book.order_gate
        row.units = units
        row.price = price
        row.entry_t = bar.t
        row.entry_price = price
        row.gross = 0.0
        row.commission = commission
        row.financing = 0.0
        row.best = book.tk_best[i]
        row.worst = book.tk_worst[i]
        row.stop = book.tk_stop[i]
        row.rate = middle
    account.fills += 1


@kernel
def remove_ticket(book: Record, i: int) -> None:
    """Take ticket ``i`` out and keep the others in the order of their opening."""
    if book.tk_due[i] != NEVER:
        book.exits_due -= 1
    book.units -= book.tk_units[i]
    book.n -= 1
    for j in range(i, book.n):
        book.tk_open[j] = book.tk_open[j + 1]
        book.tk_hold[j] = book.tk_hold[j + 1]
        book.tk_due[j] = book.tk_due[j + 1]
        book.tk_exit_code[j] = book.tk_exit_code[j + 1]
        book.tk_key[j] = book.tk_key[j + 1]
        book.tk_gate[j] = book.tk_gate[j + 1]
        book.tk_synthetic[j] = book.tk_synthetic[j + 1]
        book.tk_units[j] = book.tk_units[j + 1]
        book.tk_entry[j] = book.tk_entry[j + 1]
        book.tk_stop[j] = book.tk_stop[j + 1]
        book.tk_stop_first[j] = book.tk_stop_first[j + 1]
        book.tk_stop_code[j] = book.tk_stop_code[j + 1]
        book.tk_target[j] = book.tk_target[j + 1]
        book.tk_best[j] = book.tk_best[j + 1]
        book.tk_worst[j] = book.tk_worst[j + 1]
        book.tk_commission[j] = book.tk_commission[j + 1]
        book.tk_financing[j] = book.tk_financing[j + 1]
    if book.n == 0:
        book.side = 0
        book.units = 0.0


@kernel
def close_ticket(
    account: Record,
    book: Record,
    k: int,
    i: int,
    bar: Record,
    price: float,
    reason: int,
    when: int,
    rules: Record,
    fills: Records,
) -> None:
    """Close ticket ``i`` at ``price``; ``when`` is AT_OPEN or INSIDE the bar.

    Fills inside a bar convert at the bar's closing rate, the first known at or after them.
    """
    side = book.side
    units = book.tk_units[i]
    if when == AT_OPEN:
        gain, loss, half = bar.gain_o, bar.loss_o, 0.5 * (bar.ask_o - bar.bid_o)
        base = bar.base_o
    else:
        gain, loss, half = bar.gain_c, bar.loss_c, 0.5 * (bar.ask_c - bar.bid_c)
        base = bar.base_c
    middle = 0.5 * (gain + loss)
    quote = side * (price - book.tk_entry[i]) * units
    rate = gain if quote > 0.0 else loss
    gross = quote * rate
    commission = book.tk_commission[i]
    account.positions -= 1
    account.balance += gross - commission
    account.commission += commission
    account.conversion += quote * middle - gross
    account.spread += units * half * middle
    account.turnover += units * base
    if rules.slippage > 0.0 and reason != _TAKE_PROFIT:
        raw = price / (1.0 - side * rules.slippage)
        account.slippage += units * raw * rules.slippage * middle
    if account.fills < len(fills):
        row = fills[account.fills]
        row.t = bar.t
        row.instrument = k
        row.kind = -1
        row.side = side
        row.reason = reason
        row.synthetic = book.tk_synthetic[i]
        row.intrabar = when
        row.key = book.tk_key[i]
        row.gate = book.tk_gate[i]
        row.units = units
        row.price = price
        row.entry_t = book.tk_open[i]
        row.entry_price = book.tk_entry[i]
        row.gross = gross
        row.commission = 2.0 * commission
        row.financing = book.tk_financing[i]
        best, worst = book.tk_best[i], book.tk_worst[i]
        row.best = max(best, price) if side > 0 else min(best, price)
        row.worst = min(worst, price) if side > 0 else max(worst, price)
        row.stop = book.tk_stop_first[i]
        row.rate = rate
    account.fills += 1
    book.last_fill = bar.t
    remove_ticket(book, i)
