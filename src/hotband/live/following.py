"""Follows a broker's candles into a bar store, as a paper session or the encoder reads them there.

Everything downstream sees one store, whoever fills it: a session that trades a broker's candles
live, its backtest and its certificate read the same rows.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from hotband.errors import ErrorSeverity, HotbandError, WindowError
from hotband.feeds.oanda_client import OandaClient
from hotband.feeds.oanda_credentials import OandaAccess
from hotband.live.clock import Clock
from hotband.market.calendar import DAY_NS, MarketHours, format_time, parse_granularity
from hotband.market.instruments import load_instruments
from hotband.research.fetching import Backfill, FetchPlan
from hotband.research.history import WARM_UP_BARS
from hotband.stores.location import Locations
from hotband.stores.ports import BarStore

LONGEST_PAUSE_S: Final = 30.0
"""The most seconds between two looks while nothing answers."""


@dataclass(frozen=True, slots=True)
class Came:
    """Bars that are new to the store: how many of an instrument, and when the last one opens."""

    instrument: str
    bars: int
    last: str

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {"instrument": self.instrument, "bars_added": self.bars, "last": self.last}


class Follower:
    """Asks for candles behind the store's last ones, again and again.

    Args:
        backfill: From the broker into ``store``.
        store: The same that ``backfill`` fills.
        plans: One per instrument; their start counts where the store holds nothing after it.
        clock: Says when a candle may be complete; a wrong one asks too early or too late, and
            what is complete is the broker's word alone.
        say: Called with a line when an instrument is in trouble, and when it is not any more.
    """

    def __init__(
        self,
        backfill: Backfill,
        store: BarStore,
        plans: Sequence[FetchPlan],
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self._backfill, self._store = backfill, store
        self._plans, self._clock, self._say = plans, clock, say
        self._from = {plan.instrument: plan.start_ns for plan in plans}
        self._trouble: dict[str, str] = {}

    def catch_up(self) -> list[Came]:
        """Everything from the plans' start on; trouble is raised.

        Raises:
            HotbandError: The broker or the store cannot be used.
        """
        found = [self._fetch(plan) for plan in self._plans]
        return [came for came in found if came is not None]

    def look(self) -> list[Came]:
        """What came since the last look; trouble is said, and the look made again later."""
        found = []
        for plan in self._plans:
            step = parse_granularity(plan.granularity)
            if self._clock.now_ns() < self._from[plan.instrument] + step:
                continue
            try:
                came = self._fetch(plan)
            except HotbandError as error:
                if error.severity is ErrorSeverity.DEFECT:
                    raise
                self._tell(plan.instrument, str(error))
                continue
            self._tell(plan.instrument, None)
            if came is not None:
                found.append(came)
        return found

    def run(self, stop: threading.Event, every_s: float, came: Callable[[Came], None]) -> None:
        """Look every ``every_s`` seconds until ``stop`` is set; slower while nothing answers."""
        pause = every_s
        while not stop.is_set():
            for each in self.look():
                came(each)
            stuck = len(self._trouble) == len(self._plans)
            pause = min(max(every_s, LONGEST_PAUSE_S), 2.0 * pause) if stuck else every_s
            stop.wait(pause)

    @contextmanager
    def running(
        self, stop: threading.Event, every_s: float, came: Callable[[Came], None]
    ) -> Iterator[None]:
        """``run`` in a thread that nobody waits for at the end; a defect in it sets ``stop``.

        Raises:
            HotbandError: That defect, when the block is left.
        """
        failed: list[BaseException] = []

        def work() -> None:
            try:
                self.run(stop, every_s, came)
            except BaseException as error:
                failed.append(error)
                stop.set()

        threading.Thread(target=work, daemon=True, name="follower").start()
        yield
        if failed:
            raise failed[0]

    def _fetch(self, plan: FetchPlan) -> Came | None:
        name = plan.instrument
        try:
            report = self._backfill.fetch(replace(plan, start_ns=self._from[name], end_ns=None))
        except WindowError:
            # How a fetch says that there is no newer candle, complete or not.
            return None
        extent = self._store.extent(name, plan.granularity)
        if extent is None or not report.candles:
            return None
        self._from[name] = max(self._from[name], extent[1] + parse_granularity(plan.granularity))
        return Came(name, report.bars_added, format_time(extent[1])) if report.bars_added else None

    def _tell(self, name: str, words: str | None) -> None:
        if words is not None and self._trouble.get(name) != words:
            self._trouble[name] = words
            self._say(f"{name}: {words}")
        elif words is None and self._trouble.pop(name, None) is not None:
            self._say(f"{name}: answered again")


@contextmanager
def following_oanda(
    pairs: Sequence[str],
    granularity: str,
    place: tuple[BarStore, str],
    hours: MarketHours,
    clock: Clock,
    say: Callable[[str], None],
    start_ns: int | None = None,
) -> Iterator[Follower]:
    """A follower of OANDA's candles; ``feeds.oanda_credentials`` says where the token is from.

    Args:
        pairs: What to follow.
        granularity: S5 to D.
        place: The store and its URL without a password.
        hours: Of the market.
        clock: Of the follower.
        say: Called with lines on requests and trouble.
        start_ns: Of a pair that the store does not hold; by default so far back that a session
            can begin at once. A pair that is held goes on behind its last bar.

    Raises:
        InputError: No token, or no account of it.
    """
    store, url = place
    step = parse_granularity(granularity)
    # The market is open five days of seven; three days more, for holidays.
    first = clock.now_ns() - (WARM_UP_BARS * step * 7 // 5 + 3 * DAY_NS)
    plans = []
    for pair in pairs:
        held = store.extent(pair, granularity)
        begin = (first if start_ns is None else start_ns) if held is None else held[1] + step
        plans.append(FetchPlan(pair, granularity, begin))
    home = Locations.from_environment().home
    with OandaClient(OandaAccess.from_environment(), heard=say) as client:
        backfill = Backfill(client, store, home, url, load_instruments(), hours)
        yield Follower(backfill, store, plans, clock, say)
