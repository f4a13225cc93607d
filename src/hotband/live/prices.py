"""Quotes of one pair that grow at their end, and what is known of them at an open time.

Numbers are plain floats in the order of operations of ``market.conversion``: one open time at a
time there is nothing to spread over an array, and both give the same bits.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from hotband.core.records import QUOTE, Records
from hotband.market.bars import PRICES, Bars
from hotband.market.calendar import HOUR_NS
from hotband.market.conversion import MAX_AGE_NS, ConversionModel, Leg, as_of, route
from hotband.market.instruments import Instrument

_REMEMBERED: Final = 4
"""The last bars whose prices are held as numbers: an open time needs two of them."""
_FINITE: Final = float("inf")


def is_sound(quote: Records, granularity_ns: int) -> bool:
    """Whether one bar, (1,), breaks no rule of ``market.bars.FAULTS`` by itself."""
    t, bo, bh, bl, bc, ao, ah, al, ac, volume = quote[0].item()
    if HOUR_NS % granularity_ns == 0 and t % granularity_ns != 0:
        return False
    if not all(0.0 < price < _FINITE for price in (bo, bh, bl, bc, ao, ah, al, ac)):
        return False
    if bh < max(bo, bc) or bl > min(bo, bc) or ah < max(ao, ac) or al > min(ao, ac):
        return False
    return not (ao < bo or ac < bc or volume < 0.0 or abs(volume) == _FINITE)


class Quotes:
    """QUOTE records of one pair; ``data`` is a view of those there are."""

    def __init__(self, bars: Bars) -> None:
        self.instrument = bars.instrument
        self.granularity_ns = bars.granularity_ns
        self._held = np.empty(max(1024, 2 * len(bars)), QUOTE)
        self._held[: len(bars)] = bars.data
        self._count = len(bars)
        self._last = [_numbers(row) for row in bars.data[-_REMEMBERED:]]

    @property
    def data(self) -> Records:
        """(n,) records by time."""
        return self._held[: self._count]

    def overlaps(self, t_ns: int) -> bool:
        """Whether a bar that opens then would overlap one that is held, other than itself."""
        if self._last and t_ns >= self._last[-1][0] + self.granularity_ns:
            return False
        opens = self.data["t"]
        at = int(np.searchsorted(opens, t_ns))
        before = at > 0 and opens[at - 1] > t_ns - self.granularity_ns
        at += int(at < len(opens) and opens[at] == t_ns)
        return bool(before or (at < len(opens) and opens[at] < t_ns + self.granularity_ns))

    def at(self, t_ns: int) -> Records | None:
        """The bar, (1,), that opened then; None = there is none."""
        opens = self.data["t"]
        at = int(np.searchsorted(opens, t_ns))
        return self.data[at : at + 1] if at < len(opens) and opens[at] == t_ns else None

    def append(self, quote: Records) -> None:
        """Take in a sound bar, (1,), that opens after the last one is over."""
        if self._count == len(self._held):
            grown = np.empty(2 * len(self._held), QUOTE)
            grown[: self._count] = self._held
            self._held = grown
        self._held[self._count] = quote[0]
        self._count += 1
        self._last = [*self._last[1 - _REMEMBERED :], _numbers(quote[0])]

    def price(self, t_ns: int, *, opens: bool) -> tuple[float, float]:
        """(bid, ask) as ``market.conversion.as_of`` finds them; no bar held opens after it.

        Raises:
            ConversionError: There is none, or only one that is too old.
        """
        for t, bid_o, ask_o, bid_c, ask_c in reversed(self._last):
            if opens and t == t_ns:
                return bid_o, ask_o
            over = t + self.granularity_ns
            if over <= t_ns and t_ns - over <= MAX_AGE_NS:
                return bid_c, ask_c
            if over <= t_ns:
                break
        when = np.array([t_ns], np.int64)
        at, at_open = as_of(self.instrument, when, self.data, self.granularity_ns, opens=opens)
        row = self.data[at[0]]
        letter = "o" if at_open[0] else "c"
        return float(row[f"bid_{letter}"]), float(row[f"ask_{letter}"])


def _numbers(row: Records) -> tuple[int, float, float, float, float]:
    values = dict(zip(("t", *PRICES), row.item(), strict=False))
    return values["t"], values["bid_o"], values["ask_o"], values["bid_c"], values["ask_c"]


class Rates:
    """What the two currencies of an instrument are worth at home, at one moment.

    Args:
        instrument: What is traded.
        home: The account's currency.
        quotes: Of every pair at hand.
        table: The known instruments.
        model: How the broker converts.
    """

    def __init__(
        self,
        instrument: Instrument,
        home: str,
        quotes: Mapping[str, Quotes],
        table: Mapping[str, Instrument],
        model: ConversionModel,
    ) -> None:
        self._quotes = quotes
        self._model = model
        self._quote_legs = route(instrument.quote, home, quotes, table)
        self._base_legs = route(instrument.base, home, quotes, table)

    def at(self, t_ns: int, *, opens: bool) -> tuple[float, float, float]:
        """(gain, loss, base): factors to the home currency; ConversionError without a price."""
        gain, loss, _ = self._through(self._quote_legs, t_ns, opens)
        return gain, loss, self._through(self._base_legs, t_ns, opens)[2]

    def _through(self, legs: tuple[Leg, ...], t_ns: int, opens: bool) -> tuple[float, float, float]:
        gain = loss = mid = 1.0
        by_side = self._model.mode == "side"
        for leg in legs:
            bid, ask = self._quotes[leg.instrument].price(t_ns, opens=opens)
            quoted = (bid + ask) / 2
            centre = 1 / quoted if leg.inverse else quoted
            more, less = centre, centre
            if by_side:
                more, less = (1 / ask, 1 / bid) if leg.inverse else (bid, ask)
            gain, loss, mid = gain * more, loss * less, mid * centre
        fee = self._model.fee if legs else 0.0
        return gain * (1 - fee), loss * (1 + fee), mid
