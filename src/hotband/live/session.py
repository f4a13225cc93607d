"""A paper session: what arrives goes in, and decisions and fills come out, by the same pipeline.

State is a function of what was taken in, in that order, and of nothing else: no clock, no file.
Whoever takes the same inputs again has the same session, which is how one is restarted, and how
it is compared with the backtest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from hotband.core.records import QUOTE, Records
from hotband.errors import BarsError
from hotband.live.halts import Halt, Halts
from hotband.live.live_feed import LiveFeed, Quotes
from hotband.live.spec import SessionSpec
from hotband.market.bars import Bars
from hotband.research.decisions import GateDecision
from hotband.research.portfolio import Funnel, PortfolioManager

Fate: TypeAlias = Literal["taken", "duplicate", "late", "conflict", "unsound", "superseded"]
"""What became of an input: ``taken``, or why it was left out."""


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
        self._views: dict[str, tuple[Records, int]] = {}
        self._refresh(spec.pairs)
        around = spec.surroundings(self._views)
        self._feeds = {
            name: LiveFeed(spec.table[name], spec.settings(name), around, self._quotes[name])
            for name in spec.instruments
        }
        rules = spec.rules()
        joined = np.concatenate([rules[name] for name in spec.instruments]).view(np.recarray)
        self.manager = PortfolioManager(spec.instruments, joined, spec.limits(), spec.balance)
        self._waiting: dict[int, dict[str, Records]] = {}
        self._closed = spec.start_ns - 1
        self._switch = False
        self._halts = Halts(spec.breakers, spec.balance)

    @property
    def closed_ns(self) -> int:
        """The last open time that is done."""
        return self._closed

    @property
    def waiting(self) -> dict[int, tuple[str, ...]]:
        """Open times with bars that are not done yet, and whose bars they have."""
        return {t: tuple(bars) for t, bars in sorted(self._waiting.items())}

    def take_bar(self, instrument: str, quote: Records) -> Fate:
        """A complete bar, (1,) QUOTE, of any pair of the session."""
        t = int(quote["t"][0])
        held = self._waiting.get(t, {}).get(instrument)
        if held is not None:
            return "duplicate" if held.tobytes() == quote.tobytes() else "conflict"
        if t <= self._closed:
            return self._fate_of_past(instrument, quote)
        try:
            _only(instrument, self.spec, quote)
        except BarsError:
            return "unsound"
        self._waiting.setdefault(t, {})[instrument] = quote
        return "taken"

    def _fate_of_past(self, instrument: str, quote: Records) -> Fate:
        data = self._quotes[instrument].data
        at = int(np.searchsorted(data["t"], quote["t"][0]))
        if at == len(data) or data["t"][at] != quote["t"][0]:
            return "late"
        return "duplicate" if data[at].tobytes() == quote[0].tobytes() else "conflict"

    def take_gate(self, instrument: str, gate: Records) -> Fate:
        """A gate, (1,) GATE, of a traded instrument, that is known now.

        One that was known before an open time that is done is ``late``, and counts from now on.
        """
        late = int(gate["known"][0]) <= self._closed
        if not self._feeds[instrument].take_gate(gate):
            return "superseded"
        return "late" if late else "taken"

    def set_kill_switch(self, *, engaged: bool) -> None:
        """Stop entries from the next open time on, or let them again; exits always work."""
        self._switch = engaged

    def close(self, t_ns: int) -> list[Step]:
        """Do all open times up to ``t_ns``: no bar of them is waited for any longer."""
        steps = []
        for t in sorted(t for t in self._waiting if t <= t_ns):
            steps.append(self._step(t, self._waiting.pop(t)))
            self._closed = t
        self._closed = max(self._closed, t_ns)
        return steps

    def _step(self, t: int, bars: dict[str, Records]) -> Step:
        for name, quote in bars.items():
            self._quotes[name].append(quote)
        self._refresh(bars)
        traded = [name for name in self.spec.instruments if name in bars]
        events = {name: self._feeds[name].next(bars[name]) for name in traded}
        account = self.manager.account[0]
        if not events:
            return Step(t, (), (), self._no_fills(), self.manager.nav, float(account.balance), ())
        day = int(next(iter(events.values()))[0]["day"][0])
        halts = self._halts.at(day, self.manager.nav, engaged=self._switch)
        self.manager.limits["kill_switch"] = int(bool(halts))
        decisions, fills = self.manager.on_bars(events)
        self._halts.mark(self.manager.nav)
        return Step(
            t, tuple(traded), tuple(decisions), fills, self.manager.nav,
            float(account.balance), halts,
        )  # fmt: skip

    def _refresh(self, names: Iterable[str]) -> None:
        for name in names:
            held = self._quotes[name]
            self._views[name] = (held.data, held.granularity_ns)

    def _no_fills(self) -> Records:
        return self.manager.fills[:0].copy()

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


def _only(instrument: str, spec: SessionSpec, quote: Records) -> Bars:
    data = np.ascontiguousarray(quote, QUOTE)
    return Bars.from_records(instrument, spec.granularity, data, source="live")
