"""What money in one currency is worth in the home currency, at a time.

A conversion uses the pair as it was known at that time; a pair that is missing or too old is an
error that names it, never a factor of 0 or 1. Gains and losses convert at different factors
because the broker takes its fee, or its spread, from both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from hotband.core.records import Records
from hotband.errors import ConversionError, InputError
from hotband.market.calendar import DAY_NS, Flags, Times, checked_times, format_time
from hotband.market.instruments import Instrument, check_currency, get_instrument

Floats: TypeAlias = npt.NDArray[np.float64]

MAX_AGE_NS: Final = 4 * DAY_NS
"""A price outlives a weekend and a holiday beside it, no more."""


@dataclass(frozen=True, slots=True)
class ConversionModel:
    """How a broker converts.

    ``mid``: mid x (1 - fee) for gains, x (1 + fee) for losses (OANDA since 2020; its fee is
    0.002 to 0.01). ``side``: the side one would trade (OANDA before), without a fee.
    """

    mode: Literal["mid", "side"] = "mid"
    fee: float = 0.0

    def __post_init__(self) -> None:
        if self.mode not in {"mid", "side"}:
            raise InputError("conversion mode", self.mode, "mid, side", "Use one of them.")
        if not 0 <= self.fee < 1:
            do = "Write 0.5 % as 0.005."
            raise InputError("conversion fee", self.fee, "0 or more, below 1", do)
        if self.mode == "side" and self.fee != 0:
            do = "Use mode mid with a fee, or side without."
            raise InputError("conversion fee", self.fee, "0 in mode side", do)


@dataclass(frozen=True, slots=True)
class Leg:
    """One pair on the way to the home currency; ``inverse`` divides by its price."""

    instrument: str
    inverse: bool


@dataclass(frozen=True, slots=True, eq=False)
class ConversionColumns:
    """Factors to the home currency, one float64 per bar, named as in ``records.BAR``."""

    gain_o: Floats
    loss_o: Floats
    gain_c: Floats
    loss_c: Floats
    base_o: Floats
    base_c: Floats


def factors(
    bid: npt.ArrayLike,
    ask: npt.ArrayLike,
    inverse: bool,
    model: ConversionModel,
    precision: int | None = None,
) -> tuple[Floats, Floats, Floats]:
    """(gain, loss, mid) factors of one pair, in the shape of ``bid`` (zero-rank for numbers).

    Money times a factor is money in the other currency; mid is for margin and notional. With
    ``precision`` the pair's mid is first rounded (half to even) to that many decimals, as OANDA
    did in a fill of 2022; its published example does not round, nor do we by default. A loss in
    an inverse pair is (1/mid) x (1 + fee); no source settles it against 1/(mid x (1 - fee)).
    NaN in gives NaN out.
    """
    low, high = np.asarray(bid, np.float64), np.asarray(ask, np.float64)
    quoted = (low + high) / 2
    if precision is not None:
        # In whole points, so that a mid on a half rounds to even and not by its binary tail.
        scale = 10.0**precision
        quoted = np.rint((np.rint(low * scale) + np.rint(high * scale)) / 2) / scale
    mid = np.asarray(1 / quoted if inverse else quoted)
    if model.mode == "mid":
        return np.asarray(mid * (1 - model.fee)), np.asarray(mid * (1 + model.fee)), mid
    if inverse:
        return np.asarray(1 / high), np.asarray(1 / low), mid
    return low, high, mid


def route(
    currency: str, home: str, available: Iterable[str], table: Mapping[str, Instrument]
) -> tuple[Leg, ...]:
    """The pairs that turn ``currency`` into ``home``: none, one, or two.

    A pair of the two either way comes first, then two pairs over USD, then over any other
    currency in alphabetical order. ConversionError names the pairs that would do.
    """
    check_currency("home currency", home)
    if currency == home:
        return ()
    pairs: dict[tuple[str, str], Leg] = {}
    for name in available:
        pair = get_instrument(name, table)
        pairs[pair.base, pair.quote] = Leg(name, inverse=False)
        pairs.setdefault((pair.quote, pair.base), Leg(name, inverse=True))
    between = sorted({base for base, _ in pairs} - {currency, home}, key=lambda c: (c != "USD", c))
    for way in ((currency, home), *((currency, via, home) for via in between)):
        steps = list(pairwise(way))
        if all(step in pairs for step in steps):
            return tuple(pairs[step] for step in steps)
    needed = f"{currency}_{home} or {home}_{currency}"
    if "USD" not in {currency, home}:
        needed += f", or {currency} and {home} each paired with USD or another currency"
    raise ConversionError(
        f"conversion {currency} to {home}", "no pair for it", needed, "Load bars of such a pair."
    )


def as_of(
    pair: str,
    times_ns: Times,
    quotes: Records,
    granularity_ns: int,
    max_age_ns: int = MAX_AGE_NS,
    *,
    opens: bool = True,
) -> tuple[Times, Flags]:
    """Which price of ``quotes`` (records.QUOTE, ascending) is the last known at each time.

    Returns (index, at_open): the open of the bar that opens exactly then, else the close of the
    last bar complete by then. ``opens=False`` leaves opens out: a mark at the end of a bar must
    not depend on whether the next bar is there yet. ConversionError names ``pair`` and the
    first time that has no price, or only one older than ``max_age_ns``.
    """
    opened = quotes["t"]
    last = np.searchsorted(opened, times_ns, side="right") - 1
    complete = np.searchsorted(opened + granularity_ns, times_ns, side="right") - 1
    at_open = np.zeros(times_ns.shape, np.bool_)
    if len(quotes):
        if opens:
            at_open = (last >= 0) & (opened[np.maximum(last, 0)] == times_ns)
        age = times_ns - (opened[np.maximum(complete, 0)] + granularity_ns)
        lost = ~at_open & ((complete < 0) | (age > max_age_ns))
    else:
        lost = np.ones(times_ns.shape, np.bool_)
    if lost.any():
        raise ConversionError(
            f"price of {pair}",
            f"none at {format_time(int(times_ns[lost][0]))}",
            f"a price at most {max_age_ns / DAY_NS:g} days old",
            f"Load bars of {pair} that begin earlier and have no such gap.",
        )
    return np.where(at_open, last, complete).astype(np.int64), at_open


def _prices(
    pair: str, times_ns: Times, source: tuple[Records, int], opens: bool
) -> tuple[Floats, Floats]:
    quotes, granularity_ns = source
    index, at_open = as_of(pair, times_ns, quotes, granularity_ns, opens=opens)
    bid = np.where(at_open, quotes["bid_o"][index], quotes["bid_c"][index])
    ask = np.where(at_open, quotes["ask_o"][index], quotes["ask_c"][index])
    bad = ~((bid > 0) & (ask > 0) & np.isfinite(bid) & np.isfinite(ask))
    if bad.any():
        raise ConversionError(
            f"price of {pair}",
            f"bid {bid[bad][0]}, ask {ask[bad][0]} at {format_time(int(times_ns[bad][0]))}",
            "bid and ask above 0",
            f"Repair the bars of {pair}.",
        )
    return bid, ask


def conversion_columns(
    instrument: Instrument,
    bars_t_ns: Times,
    granularity_ns: int,
    home: str,
    quotes: Mapping[str, tuple[Records, int]],
    table: Mapping[str, Instrument],
    model: ConversionModel,
) -> ConversionColumns:
    """Quote and base currency of ``instrument`` to ``home`` at each bar's open and close.

    ``quotes`` holds (records.QUOTE, granularity_ns) by pair, ``instrument`` itself included
    where it is one of the pairs needed: then its own open and close count. Chains multiply
    their legs and take the fee once. ConversionError where a price is missing.
    """
    plain = ConversionModel(model.mode)

    def both(currency: str, times_ns: Times, opens: bool) -> tuple[Floats, Floats, Floats]:
        legs = route(currency, home, quotes, table)
        gain, loss, mid = (np.ones(times_ns.shape, np.float64) for _ in range(3))
        for leg in legs:
            bid, ask = _prices(leg.instrument, times_ns, quotes[leg.instrument], opens)
            more, less, centre = factors(bid, ask, leg.inverse, plain)
            gain, loss, mid = gain * more, loss * less, mid * centre
        fee = model.fee if legs else 0.0
        return gain * (1 - fee), loss * (1 + fee), mid

    begin = checked_times(bars_t_ns)
    end = begin + granularity_ns
    gain_o, loss_o, _ = both(instrument.quote, begin, True)
    gain_c, loss_c, _ = both(instrument.quote, end, False)
    base_o, base_c = both(instrument.base, begin, True)[2], both(instrument.base, end, False)[2]
    return ConversionColumns(gain_o, loss_o, gain_c, loss_c, base_o, base_c)
