"""A paper session: what arrives goes in, and decisions and fills come out, by the same pipeline.

State is a function of what was taken in, in that order, and of nothing else: no clock, no file.
Whoever takes the same inputs again has the same session, which is how one is restarted, and how
it is compared with the backtest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from hotband.core.records import Records
from hotband.errors import ConversionError
from hotband.live.halts import Halt, Halts, halt_bits
from hotband.live.live_feed import LiveFeed
from hotband.live.prices import Quotes, is_sound
from hotband.live.spec import SessionSpec
from hotband.market.bars import Bars
from hotband.market.calendar import SECOND_NS
from hotband.research.decisions import GateDecision
from hotband.research.portfolio import Funnel, PortfolioManager

Fate: TypeAlias = Literal["taken", "duplicate", "late", "conflict", "unsound", "superseded"]
"""What became of an input: ``taken``, or why it was left out; a late gate counts from now on."""


@dataclass(frozen=True, eq=False)
class Step:
    """What one open time brought."""

    t_ns: int
    instruments: tuple[str, ...]
    decisions: tuple[GateDecision, ...]
    fills: Records
    nav: float
    balance: float
    halts: tuple[Halt, ...]
    """Why no entry was allowed."""
    unpriced: tuple[str, ...] = ()
    """Instruments whose bar was left out, because a currency had no price."""


class PaperSession:
    """One account that trades on paper.

    Args:
        spec: What is traded.
        warm_up: Bars before the start by pair, of all in ``spec.pairs``; for volatility and
            conversion.
    """

    def __init__(self, spec: SessionSpec, warm_up: Mapping[str, Bars]) -> None:
        self.spec = spec
        self._quotes = {name: Quotes(_before(warm_up[name], spec)) for name in spec.pairs}
        around = spec.surroundings({})
        self._feeds = {
            name: LiveFeed(spec.table[name], spec.settings(name), around, self._quotes)
            for name in spec.instruments
        }
        rules = spec.rules()
        joined = np.concatenate([rules[name] for name in spec.instruments]).view(np.recarray)
        self.manager = PortfolioManager(spec.instruments, joined, spec.limits(), spec.balance)
        self._waiting: dict[int, dict[str, Records]] = {}
        self._closed = spec.start_ns - 1
        self._switch = False
        self._halts = Halts(spec.breakers, spec.balance)
        self._stale_ns = round(spec.stale_after_s * SECOND_NS)

    @property
    def closed_ns(self) -> int:
        """The last open time that is done."""
        return self._closed

    @property
    def waiting(self) -> dict[int, tuple[str, ...]]:
        """Open times with bars that are not done yet, and whose bars they have."""
        return {t: tuple(bars) for t, bars in sorted(self._waiting.items())}

    def take_bar(self, instrument: str, quote: Records) -> Fate:
        """A complete bar, (1,) QUOTE, of any pair of the session.

        ``unsound``: it breaks a rule of ``market.bars.FAULTS``, or overlaps another bar.
        """
        t = int(quote["t"][0])
        held = self._waiting.get(t, {}).get(instrument)
        if held is None and t <= self._closed:
            held = self._quotes[instrument].at(t)
        if held is not None:
            return "duplicate" if held.tobytes() == quote.tobytes() else "conflict"
        if not is_sound(quote, self.spec.granularity_ns) or self._overlaps(instrument, t):
            return "unsound"
        if t <= self._closed:
            return "late"
        self._waiting.setdefault(t, {})[instrument] = quote
        return "taken"

    def _overlaps(self, instrument: str, t: int) -> bool:
        step = self.spec.granularity_ns
        return self._quotes[instrument].overlaps(t) or any(
            abs(other - t) < step and instrument in bars for other, bars in self._waiting.items()
        )

    def take_gate(self, instrument: str, gate: Records) -> Fate:
        """A gate, (1,) GATE, of a traded instrument; one of later counts from when it is known.

        One that was known before an open time that is done is ``late``, and counts from now on
        unless a later one was in force already. Before the first one is done none is late.
        """
        late = self._closed >= self.spec.start_ns and int(gate["known"][0]) <= self._closed
        fate = self._feeds[instrument].take_gate(gate)
        return "late" if late and fate == "taken" else fate

    def set_kill_switch(self, *, engaged: bool) -> None:
        """Stop entries from the next open time on, or let them again; exits always work."""
        self._switch = engaged

    def close(self, t_ns: int, now_ns: int | None = None) -> list[Step]:
        """Do all open times up to ``t_ns``: no bar of them is waited for any longer.

        ``now_ns``: the time, where the bars are those of now: an open time that is done later
        than ``spec.stale_after_s`` after its end allows no entry.
        """
        steps = []
        for t in sorted(t for t in self._waiting if t <= t_ns):
            age = 0 if now_ns is None else now_ns - t - self.spec.granularity_ns
            steps.append(self._step(t, self._waiting.pop(t), age > self._stale_ns))
            self._closed = t
        self._closed = max(self._closed, t_ns)
        return steps

    def _step(self, t: int, bars: dict[str, Records], stale: bool) -> Step:
        for name, quote in bars.items():
            self._quotes[name].append(quote)
        events: dict[str, tuple[Records, Records | None]] = {}
        unpriced = []
        for name in self.spec.instruments:
            if name not in bars:
                continue
            try:
                events[name] = self._feeds[name].next(bars[name])
            except ConversionError:
                # Said in the step; the position stays until its currency has a price again.
                self._feeds[name].leave_out(bars[name])
                unpriced.append(name)
        account, manager = self.manager.account[0], self.manager
        missing = tuple(unpriced)
        if not events:
            return Step(
                t, (), (), manager.fills[:0].copy(), manager.nav, float(account.balance), (),
                missing,
            )  # fmt: skip
        day = int(next(iter(events.values()))[0]["day"][0])
        halts = self._halts.at(day, manager.nav, engaged=self._switch, stale=stale)
        manager.limits["halts"] = halt_bits(halts)
        decisions, fills = manager.on_bars(events)
        self._halts.mark(manager.nav)
        return Step(
            t, tuple(events), tuple(decisions), fills, manager.nav, float(account.balance), halts,
            missing,
        )  # fmt: skip

    def finish(self) -> None:
        """End the session's window: the last day is booked, gates and orders are retired."""
        self.manager.finish()

    def funnel(self, instrument: str) -> Funnel:
        """Gates by the stage they reached so far."""
        return self.manager.funnel(instrument)

    @property
    def fills(self) -> Records:
        """All fills so far."""
        return self.manager.fills


def _before(bars: Bars, spec: SessionSpec) -> Bars:
    """The bars that are known by the session's start."""
    return bars.window(0, spec.start_ns) if len(bars) else bars
