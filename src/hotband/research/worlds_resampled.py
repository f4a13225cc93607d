"""Null worlds N3, N4 and N5: real history with its direction, its order or its gates undone.

What chance decides is drawn per block of currencies, not per pair: pairs that are flipped or
resampled together keep the correlation, and the triangles, that they had.
"""

from dataclasses import replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hotband.core.jit import kernel
from hotband.core.records import QUOTE, Records, empty, readable
from hotband.errors import BarsError, GatesError, WindowError
from hotband.gates.events import Gates
from hotband.market.bars import Bars, Int64Array, require_window
from hotband.market.calendar import DEFAULT_HOURS, format_time, zone_clock
from hotband.market.spreads import WEEK_NS, ZONE

Signs: TypeAlias = npt.NDArray[np.int8]
_WORD: Final = 64


def block_signs(numbers: Int64Array, entropy: tuple[int, ...]) -> Signs:
    """+1 or -1 with equal chance for each number; the same number has always the same sign.

    The sign is one bit of a PCG64 stream seeded by ``entropy``, at the place of its number:
    neither the window nor a missing bar changes the others.
    """
    if not len(numbers):
        return np.empty(0, np.int8)
    first, last = int(numbers.min()) // _WORD, int(numbers.max()) // _WORD
    stream = np.random.PCG64(np.random.SeedSequence(entropy)).advance(first)
    words = stream.random_raw(last - first + 1)
    at = numbers - first * _WORD
    bit = (words[at // _WORD] >> (at % _WORD).astype(np.uint64)) & np.uint64(1)
    return (2 * bit.astype(np.int8) - 1).astype(np.int8)


@kernel
def _flip(quotes: Records, signs: Signs, out: Records) -> None:
    before = np.sqrt(quotes[0].bid_o * quotes[0].ask_o)
    level = before
    for i in range(len(quotes)):
        seen, bar = quotes[i], out[i]
        if signs[i] > 0:
            k = level / before
            bar.bid_o, bar.ask_o = k * seen.bid_o, k * seen.ask_o
            bar.bid_h, bar.ask_h = k * seen.bid_h, k * seen.ask_h
            bar.bid_l, bar.ask_l = k * seen.bid_l, k * seen.ask_l
            bar.bid_c, bar.ask_c = k * seen.bid_c, k * seen.ask_c
        else:
            k = level * before
            bar.bid_o, bar.ask_o = k / seen.ask_o, k / seen.bid_o
            bar.bid_h, bar.ask_h = k / seen.ask_l, k / seen.bid_l
            bar.bid_l, bar.ask_l = k / seen.ask_h, k / seen.bid_h
            bar.bid_c, bar.ask_c = k / seen.ask_c, k / seen.bid_c
        before = np.sqrt(seen.bid_c * seen.ask_c)
        level = np.sqrt(bar.bid_c * bar.ask_c)


def flipped_quotes(quotes: Records, signs: Signs) -> Records:
    """World N3: each bar's log moves since the close before, times its sign.

    With the mid as the geometric mean of bid and ask, a bar of sign -1 is the reciprocal quote
    at the level reached: bid' = k / ask, ask' = k / bid, high' from low and low' from high. So
    the ratio ask / bid (the spread as a fraction), every |log move|, gaps, times and volumes
    stay, and flipping twice gives the bars back, all but for rounding in the last digits; bid
    <= ask and high >= open, close hold because reciprocals keep order. The first bar turns
    about its own open. The log price is the martingale; the price then rises by half its
    variance a year, 0.3 % at 8 % volatility.

    Args:
        quotes: QUOTE records, (n,), not changed.
        signs: (n,) of +1 and -1.
    """
    out = empty(QUOTE, len(quotes))
    out["t"], out["volume"] = quotes["t"], quotes["volume"]
    if len(quotes):
        _flip(readable(quotes), signs, out)
    return out.view(np.ndarray)


def bar_signs(bars: Bars, by: str, entropy: tuple[int, ...]) -> Signs:
    """The signs of N3 per bar: one for each open time, or one for each trading day."""
    t = bars.data["t"]
    if by == "day":
        return block_signs(DEFAULT_HOURS.trading_day(t).astype(np.int64), entropy)
    return block_signs(t // bars.granularity_ns, entropy)


def bootstrap_days(
    days: int, size: int, block_days: float, draws: np.random.Generator
) -> Int64Array:
    """Days 0..days-1 of a stationary bootstrap (Politis & Romano 1994), shape (size,).

    Blocks of consecutive days, from the last on to the first, with geometric lengths of mean
    ``block_days``; each day is as likely as any other.
    """
    fresh = draws.random(size) * block_days < 1.0
    starts = draws.integers(0, days, size)
    at = np.arange(size)
    begun = np.maximum.accumulate(np.where(fresh, at, 0))
    chosen: Int64Array = (starts[begun] + at - begun) % days
    return chosen


@kernel
def _chain(quotes: Records, rows: Int64Array, growth: float, out: Records) -> None:
    level = np.sqrt(quotes[0].bid_o * quotes[0].ask_o)
    for i in range(len(rows)):
        row = rows[i]
        seen, bar = quotes[row], out[i]
        if row > 0:
            before = np.sqrt(quotes[row - 1].bid_c * quotes[row - 1].ask_c)
        else:
            before = np.sqrt(seen.bid_o * seen.ask_o)
        k = level / (before * growth)
        bar.bid_o, bar.ask_o = k * seen.bid_o, k * seen.ask_o
        bar.bid_h, bar.ask_h = k * seen.bid_h, k * seen.ask_h
        bar.bid_l, bar.ask_l = k * seen.bid_l, k * seen.ask_l
        bar.bid_c, bar.ask_c = k * seen.bid_c, k * seen.ask_c
        bar.volume = seen.volume
        level = np.sqrt(bar.bid_c * bar.ask_c)


def mean_growth(quotes: Records) -> float:
    """Mean of mid close over the mid close before, over all bars: 1 + the mean simple move."""
    mid = np.sqrt(quotes["bid_c"] * quotes["ask_c"])
    first = np.sqrt(quotes["bid_o"][:1] * quotes["ask_o"][:1])
    return float(np.mean(mid / np.concatenate((first, mid[:-1]))))


def resampled_quotes(
    bars: Bars,
    window: tuple[int, int],
    block_days: float,
    draws: np.random.Generator,
) -> Records:
    """World N4: the trading days of the window, each filled with a drawn day of ``bars``.

    A day is the 24 hours to 17:00 New York and brings its own gap from the day before. Every
    bar is scaled as a whole, so that nothing within it changes, and each step from bar to bar
    is divided by the mean growth of all steps: the mean simple move of what is drawn from is 0.
    Bars outside the trading week are not drawn.

    Args:
        bars: history to draw from.
        window: (start, end) in ns; days that it cuts are cut.
        block_days: mean length of a block of consecutive days.
        draws: where chance comes from; two numbers per day of the window.

    Raises:
        BarsError: No bar inside the trading week.
        WindowError: A reversed window, or no drawn bar inside it.
    """
    start_ns, end_ns = window
    require_window(start_ns, end_ns)
    quotes = bars.data[DEFAULT_HOURS.in_week(bars.data["t"])]
    if not len(quotes):
        what = f"base bars of {bars.instrument} {bars.granularity}"
        raise BarsError(what, "none", "bars inside the trading week", "Use a longer history.")
    ends = DEFAULT_HOURS.next_roll(quotes["t"])
    first = np.flatnonzero(np.diff(ends, prepend=ends[0] - 1))
    size = np.diff(np.append(first, len(quotes)))
    rolls = DEFAULT_HOURS.rolls_between(start_ns, int(DEFAULT_HOURS.next_roll(end_ns - 1)))
    chosen = bootstrap_days(len(first), len(rolls), block_days, draws)
    many = size[chosen]
    begin = np.repeat(np.cumsum(many) - many, many)
    rows = np.repeat(first[chosen], many) + np.arange(int(many.sum())) - begin
    t = quotes["t"][rows] - ends[rows] + np.repeat(rolls, many)
    inside = (t >= start_ns) & (t + bars.granularity_ns <= end_ns)
    rows, t = rows[inside], t[inside]
    if not len(rows):
        got = f"{format_time(start_ns)} to {format_time(end_ns)}"
        raise WindowError("window of a null world", got, "a trading day", "Widen the window.")
    out = empty(QUOTE, len(rows))
    out["t"] = t
    _chain(readable(quotes), rows, mean_growth(quotes), out)
    return out.view(np.ndarray)


def span_weeks(span: tuple[int, int]) -> int:
    """Weeks on New York's wall clock in the span; a part of a week counts as one."""
    require_window(*span)
    start, end = zone_clock(ZONE).to_local(np.array(span, np.int64))
    return int(-(-(end - start) // WEEK_NS))


def shifted_gates(gates: Gates, weeks: int, span: tuple[int, int]) -> Gates:
    """World N5: the gates shifted by whole weeks, round and round within the span.

    Times move on New York's wall clock, so that weekday and time of day stay over a change of
    daylight time. Everything else of a gate stays with it. A shift by no week, or by all weeks
    of the span (``span_weeks``), changes nothing.

    Args:
        gates: all known inside the span, counted up to whole weeks.
        weeks: how many to shift by, of any sign; a null world takes 1 to weeks of the span - 1.
        span: (start, end) in ns; counted up to whole weeks from its start.

    Raises:
        GatesError: A gate outside the span, or two that would be known at once (times in the
            hour that a change of daylight time repeats).
        WindowError: A reversed span.
    """
    known = gates.data["known"]
    length = span_weeks(span) * WEEK_NS
    clock = zone_clock(ZONE)
    start = clock.to_local(np.array(span[:1], np.int64))
    end_ns = int(clock.to_utc(start + length)[0])
    outside = (known < span[0]) | (known >= end_ns)
    if outside.any():
        worst = format_time(int(known[np.argmax(outside)]))
        raise GatesError(
            f"gates of {gates.instrument} to shift",
            f"{int(outside.sum())} of {len(gates)} outside the span, first at {worst}",
            f"gates known from {format_time(span[0])} to before {format_time(end_ns)}",
            "Cut them with Gates.window first.",
        )
    moved = clock.to_utc(start + (clock.to_local(known) - start + weeks * WEEK_NS) % length)
    order = np.argsort(moved, kind="stable")
    data = gates.data[order]
    data["known"] = moved[order]
    if np.any(np.diff(data["known"]) <= 0):
        row = int(np.argmax(np.diff(data["known"]) <= 0))
        raise GatesError(
            f"gates of {gates.instrument} shifted by {weeks} weeks",
            f"two at {format_time(int(data['known'][row]))}",
            "one gate per known time",
            "Leave out gates from the hour that a change of daylight time repeats.",
        )
    details = None if gates.details is None else gates.details[order]
    return replace(gates, data=data, details=details)
