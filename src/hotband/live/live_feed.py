"""One instrument as it arrives: a bar and a gate at a time become what the pipeline reads.

``research.feed`` does the same for a whole history at once, and both give the same bytes: the
volatility is the same recursion, and all else hangs on one open time.
"""

from dataclasses import dataclass, field

import numpy as np

from hotband.core.records import BAR, QUOTE, Records, empty
from hotband.errors import BarsError
from hotband.market.bars import Bars, bar_faults
from hotband.market.calendar import format_time
from hotband.market.conversion import conversion_columns
from hotband.market.financing import financing_columns
from hotband.market.instruments import Instrument
from hotband.market.sessions import market_flags, session_flags
from hotband.market.volatility import START, day_scale, decay_of, last_move, update
from hotband.profile.inherit import Effective
from hotband.research.feed import VOLATILITY_MIN_BARS, Surroundings


class Quotes:
    """QUOTE records of one pair that grow at their end; ``data`` is a view of those there are."""

    def __init__(self, bars: Bars) -> None:
        self.instrument = bars.instrument
        self.granularity = bars.granularity
        self.granularity_ns = bars.granularity_ns
        self._held = np.empty(max(1024, 2 * len(bars)), QUOTE)
        self._held[: len(bars)] = bars.data
        self._count = len(bars)

    @property
    def data(self) -> Records:
        """(n,) records by time."""
        return self._held[: self._count]

    @property
    def last_ns(self) -> int | None:
        """When the last one opened; None = there is none."""
        return int(self._held["t"][self._count - 1]) if self._count else None

    def append(self, quote: Records) -> None:
        """Take in a later bar, (1,).

        Raises:
            BarsError: It is no sound bar, or not after the last one.
        """
        last = self.last_ns
        t = int(quote["t"][0])
        if last is not None and t < last + self.granularity_ns:
            raise BarsError(
                f"bar of {self.instrument}",
                format_time(t),
                f"an open time at or after {format_time(last + self.granularity_ns)}",
                "Leave it out: what came before it is done.",
            )
        for kind, mask in bar_faults(quote, self.granularity_ns).items():
            if mask.any():
                at = format_time(t)
                do = "Leave it out, or repair it at its source."
                raise BarsError(f"bar of {self.instrument}", f"{kind} at {at}", "a sound bar", do)
        if self._count == len(self._held):
            grown = np.empty(2 * len(self._held), QUOTE)
            grown[: self._count] = self._held
            self._held = grown
        self._held[self._count] = quote[0]
        self._count += 1


@dataclass
class _Volatility:
    """The streaming form of ``market.volatility.daily_volatility``."""

    decay: float
    scale: float
    closes: list[float] = field(default_factory=list)
    """The last three mid closes."""
    seen: int = 0
    state: tuple[float, float] = START

    def at_next_open(self) -> float:
        """What is known at the open of a bar that follows those seen; NaN while too few."""
        if self.seen < VOLATILITY_MIN_BARS:
            return float("nan")
        total, weight = self.state
        return float(np.sqrt(total / weight) * self.scale)

    def close(self, mid: float) -> None:
        """Take in a bar's mid close."""
        if self.closes:
            # The return becomes known with this close, and counts from the next open on.
            self.state = update(*self.state, self.closes[-1], mid, self.decay)
        self.closes = [*self.closes[-2:], mid]
        self.seen += 1


class LiveFeed:
    """Bars and gates of one traded instrument, one open time after another.

    Args:
        instrument: What is traded.
        settings: Of the profile for it.
        around: What all instruments share; its ``quotes`` have to grow with the bars.
        quotes: Its own, with the bars that came before.
    """

    def __init__(
        self, instrument: Instrument, settings: Effective, around: Surroundings, quotes: Quotes
    ) -> None:
        self.instrument = instrument
        self.quotes = quotes
        self._settings = settings
        self._around = around
        self._volatility = _Volatility(
            decay_of(settings.vol_half_life_bars), day_scale(quotes.granularity_ns)
        )
        for mid in 0.5 * (quotes.data["bid_c"] + quotes.data["ask_c"]):
            self._volatility.close(float(mid))
        self._before: int | None = None
        self._gates: list[Records] = []
        self._judged = -1
        self._known = 0

    def take_gate(self, gate: Records) -> bool:
        """A gate, (1,), that is known now; False for one that is not after the last one."""
        if self._gates and int(gate["known"][0]) <= int(self._gates[-1]["known"][0]):
            return False
        self._gates.append(gate)
        return True

    def next(self, quote: Records) -> tuple[Records, Records | None]:
        """The BAR of the next bar, and the GATE that is live at its open or None; (1,) each.

        ``around.quotes`` have this open time's bars of all pairs already.
        """
        t = quote["t"].copy()
        around, settings = self._around, self._settings
        bar = empty(BAR, 1)
        bar["t"] = t
        for name in QUOTE.names or ():
            if name.startswith(("bid", "ask")):
                bar[name] = quote[name]
        bar["day"] = around.hours.trading_day(t)
        mid = float(0.5 * (quote["bid_c"][0] + quote["ask_c"][0]))
        closes = np.array([*self._volatility.closes, mid])[-3:]
        bar["marks"] = (
            session_flags(t, settings.sessions, settings.session_exit_minutes)
            | market_flags(
                t, self.quotes.granularity_ns, around.hours, settings.weekend_exit_minutes
            )
            | last_move(closes)[-1:]
        )
        bar["vol"] = self._volatility.at_next_open()
        rates = conversion_columns(
            self.instrument, t, self.quotes.granularity_ns, around.home, around.quotes,
            around.table, around.conversion,
        )  # fmt: skip
        for name in ("gain_o", "loss_o", "gain_c", "loss_c", "base_o", "base_c"):
            bar[name] = getattr(rates, name)
        opened = t if self._before is None else np.array([self._before, int(t[0])])
        long, short = financing_columns(
            self.instrument.name, opened, around.hours, around.financing
        )
        bar["fin_long"], bar["fin_short"] = long[-1], short[-1]
        self._volatility.close(mid)
        self._before = int(t[0])
        return bar, self._live_at(int(t[0]))

    def _live_at(self, t_ns: int) -> Records | None:
        """The last gate known by ``t_ns``, with how many before it no bar has judged."""
        at = self._known
        while at < len(self._gates) and int(self._gates[at]["known"][0]) <= t_ns:
            at += 1
        self._known = at
        if at == 0:
            return None
        gate = self._gates[at - 1]
        if at - 1 > self._judged:
            gate = gate.copy()
            gate["skipped"] = at - 1 - self._judged - 1
            self._gates[at - 1] = gate
            self._judged = at - 1
        return gate
