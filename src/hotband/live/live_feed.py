"""One instrument as it arrives: a bar and a gate at a time become what the pipeline reads.

``research.feed`` does the same for a whole history at once, and both give the same bytes: the
volatility is the same recursion, and all else hangs on one open time.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import numpy as np

from hotband.core.records import BAR, DOWN_MOVE, UP_MOVE, Records
from hotband.live.prices import Quotes, Rates
from hotband.market.financing import financing_columns
from hotband.market.instruments import Instrument
from hotband.market.sessions import market_flags, session_flags
from hotband.market.volatility import START, day_scale, decay_of, update
from hotband.profile.inherit import Effective
from hotband.research.feed import VOLATILITY_MIN_BARS, Surroundings

GateFate: TypeAlias = Literal["taken", "duplicate", "conflict", "superseded"]
_AHEAD: Final = 1024
"""Open times whose day and flags are looked up at once."""
_NO_PAD: Final = (0.0,) * 5


@dataclass
class _Volatility:
    """The streaming form of ``market.volatility.daily_volatility``."""

    decay: float
    scale: float
    closes: list[float] = field(default_factory=list)
    """The last two mid closes."""
    seen: int = 0
    state: tuple[float, float] = START

    def at_next_open(self) -> float:
        """What is known at the open of a bar that follows those seen; NaN while too few."""
        if self.seen < VOLATILITY_MIN_BARS:
            return math.nan
        total, weight = self.state
        return math.sqrt(total / weight) * self.scale

    def last_move(self) -> int:
        """UP_MOVE, DOWN_MOVE or 0, as ``market.volatility.last_move`` has it at the next bar."""
        if len(self.closes) < 2:
            return 0
        change = self.closes[1] - self.closes[0]
        return UP_MOVE if change > 0 else DOWN_MOVE if change < 0 else 0

    def close(self, mid: float) -> None:
        """Take in a bar's mid close."""
        if self.closes:
            # The return becomes known with this close, and counts from the next open on.
            self.state = update(*self.state, self.closes[-1], mid, self.decay)
        self.closes = [*self.closes[-1:], mid]
        self.seen += 1


class _Calendar:
    """Trading day and flags of open times, looked up for many that follow one another."""

    def __init__(self, settings: Effective, around: Surroundings, granularity_ns: int) -> None:
        self._settings = settings
        self._around = around
        self._step = granularity_ns
        self._known: dict[int, tuple[int, int]] = {}

    def at(self, t_ns: int) -> tuple[int, int]:
        """(day, marks without the last move) of a bar that opens then."""
        if t_ns not in self._known:
            self._look_up(t_ns)
        return self._known[t_ns]

    def _look_up(self, first_ns: int) -> None:
        settings, hours = self._settings, self._around.hours
        times = first_ns + self._step * np.arange(_AHEAD, dtype=np.int64)
        marks = session_flags(times, settings.sessions, settings.session_exit_minutes)
        marks |= market_flags(times, self._step, hours, settings.weekend_exit_minutes)
        found = zip(hours.trading_day(times).tolist(), marks.tolist(), strict=True)
        self._known = dict(zip(times.tolist(), found, strict=True))


class LiveFeed:
    """Bars and gates of one traded instrument, one open time after another.

    Args:
        instrument: What is traded.
        settings: Of the profile for it.
        around: What all instruments share.
        quotes: Of all pairs, with the bars that came before; the session appends to them.
    """

    def __init__(
        self,
        instrument: Instrument,
        settings: Effective,
        around: Surroundings,
        quotes: Mapping[str, Quotes],
    ) -> None:
        self.instrument = instrument
        self._around = around
        own = quotes[instrument.name]
        self._step = own.granularity_ns
        self._calendar = _Calendar(settings, around, self._step)
        self._rates = Rates(instrument, around.home, quotes, around.table, around.conversion)
        self._financed = instrument.name in around.financing.rates
        self._volatility = _Volatility(decay_of(settings.vol_half_life_bars), day_scale(self._step))
        for mid in 0.5 * (own.data["bid_c"] + own.data["ask_c"]):
            self._volatility.close(float(mid))
        self._before: int | None = None
        self._known: list[int] = []
        self._gates: list[Records] = []
        self._in_force = 0
        self._judged = -1
        self._live: Records | None = None

    def take_gate(self, gate: Records) -> GateFate:
        """A gate, (1,), in its place by the time at which it is known.

        ``superseded``: one that was known before a gate that a bar has judged already, or that
        was in force when bars were done.
        """
        known = int(gate["known"][0])
        at = bisect_left(self._known, known)
        if at < len(self._known) and self._known[at] == known:
            same = self._gates[at].tobytes() == np.ascontiguousarray(gate).tobytes()
            return "duplicate" if same else "conflict"
        if at < self._in_force:
            return "superseded"
        self._known.insert(at, known)
        self._gates.insert(at, np.ascontiguousarray(gate))
        return "taken"

    def leave_out(self, quote: Records) -> None:
        """A bar that cannot be traded: it counts for the volatility alone."""
        self._volatility.close(float(0.5 * (quote["bid_c"][0] + quote["ask_c"][0])))

    def next(self, quote: Records) -> tuple[Records, Records | None]:
        """The BAR of the next bar, and the GATE that is live at its open or None; (1,) each.

        The quotes of all pairs have this open time's bars already.

        Raises:
            ConversionError: A currency has no price; nothing has changed then.
        """
        t, bid_o, bid_h, bid_l, bid_c, ask_o, ask_h, ask_l, ask_c, _ = quote[0].item()
        gain_o, loss_o, base_o = self._rates.at(t, opens=True)
        gain_c, loss_c, base_c = self._rates.at(t + self._step, opens=False)
        day, marks = self._calendar.at(t)
        volatility = self._volatility
        long, short = self._financing(t)
        bar = np.array(
            [(
                bid_h, bid_l, bid_c, gain_c, loss_c, ask_c, ask_l, ask_h, t, day,
                marks | volatility.last_move(), bid_o, ask_o, gain_o, loss_o, base_o, base_c,
                volatility.at_next_open(), long, short, _NO_PAD,
            )],
            BAR,
        )  # fmt: skip
        volatility.close(0.5 * (bid_c + ask_c))
        self._before = t
        return bar, self._live_at(t)

    def _financing(self, t_ns: int) -> tuple[float, float]:
        if not self._financed or self._before is None:
            return 0.0, 0.0
        times = np.array([self._before, t_ns], np.int64)
        long, short = financing_columns(
            self.instrument.name, times, self._around.hours, self._around.financing
        )
        return float(long[-1]), float(short[-1])

    def _live_at(self, t_ns: int) -> Records | None:
        """The last gate known by ``t_ns``, with how many before it no bar has judged."""
        at = self._in_force
        while at < len(self._known) and self._known[at] <= t_ns:
            at += 1
        self._in_force = at
        if at - 1 > self._judged:
            self._live = self._gates[at - 1].copy()
            self._live["skipped"] = at - 1 - self._judged - 1
            self._judged = at - 1
        return self._live
