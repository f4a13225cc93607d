"""Follows a bar store, a gate store and the kill switch, whatever becomes of them."""

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, Final

from hotband.errors import ErrorSeverity, HotbandError, WindowError
from hotband.gates.ports import GateStore
from hotband.live.arrivals import Arrival, Kind, gates_from_ns
from hotband.live.clock import SteadyClock
from hotband.live.kill_switch import KillSwitch
from hotband.live.spec import SessionSpec
from hotband.market.calendar import MINUTE_NS, SECOND_NS
from hotband.stores.ports import BarStore

LOOK_BACK_BARS: Final = 240
"""So many open times back, a bar or gate that came late or was revised is still seen."""
LONGEST_PAUSE_S: Final = 30.0
"""The most seconds between two looks while nothing answers."""

Waiting = Callable[[], dict[int, tuple[str, ...]]]


class StoreWatch:
    """Looks at everything, again and again; what does not answer is trouble, and asked again.

    Args:
        spec: Of the session.
        bars, gates: The stores.
        switch: Asked at every look.
        clock: Says what time it is.
        poll_s: Seconds between looks.
        grace_s: How long after an open time's end its bars are waited for.
    """

    def __init__(
        self,
        spec: SessionSpec,
        bars: BarStore,
        gates: GateStore,
        switch: KillSwitch,
        clock: SteadyClock,
        *,
        poll_s: float = 2.0,
        grace_s: float = 20.0,
    ) -> None:
        self.spec = spec
        self._bars = bars
        self._gates = gates
        self._switch = switch
        self._clock = clock
        self._poll_s = poll_s
        self._pause_s = poll_s
        self._grace_ns = round(grace_s * SECOND_NS)
        self._seen: dict[tuple[str, str], dict[int, bytes]] = {
            **{("bar", name): {} for name in spec.pairs},
            **{("gate", name): {} for name in spec.instruments},
        }
        self._engaged: bool | None = None
        self._now = clock.read(0)[0]
        self._newest = spec.start_ns
        self._trouble: dict[str, str] = {}
        self._trouble_since: int | None = None
        self._stale: set[str] = set()
        self._hours = spec.profile.account.market_hours()

    def resume_after(self, bars: Mapping[str, int], gates: Mapping[str, int]) -> None:
        """Look no further back from the last bar and gate that a session has than ever."""
        for kind, last in (("bar", bars), ("gate", gates)):
            for name, at in last.items():
                self._seen[kind, name][at] = b""

    def look(self) -> list[Arrival]:
        """What is new or revised since the last look; a defect of our own is raised."""
        self._now, by = self._clock.read(self._newest)
        found = [Arrival("clock", self._now, by_ns=by)] if by else []
        engaged = self._switch.read().engaged
        if engaged != self._engaged:
            self._engaged = engaged
            found.append(Arrival("switch", self._now, engaged=engaged))
        failed: dict[str, str] = {}
        for kind, name in self._seen:
            try:
                found += self._rows(kind, name)
            except HotbandError as error:
                if error.severity is ErrorSeverity.DEFECT:
                    raise
                failed[f"{kind}s of {name}"] = str(error)
        found += self._told(failed)
        found += self._feeds()
        self._rest(all_failed=len(failed) == len(self._seen))
        return found

    def closings(self, waiting: dict[int, tuple[str, ...]]) -> Iterator[Arrival]:
        """The closing of the open times whose bars are there, or waited for no longer."""
        last = None
        for t, pairs in sorted(waiting.items()):
            complete = set(pairs) >= set(self.spec.pairs)
            passed = all(
                pair in pairs or max(self._seen["bar", pair], default=t) > t
                for pair in self.spec.pairs
            )
            if not (complete or passed or self._over(t)):
                break
            last = t
        if last is not None:
            yield Arrival("close", last, now_ns=self._now)

    @property
    def pause_s(self) -> float:
        """Seconds to the next look: more, at random, while nothing answers."""
        if self._pause_s == self._poll_s:
            return self._poll_s
        return self._pause_s * random.uniform(0.5, 1.0)  # noqa: S311 - spread, not secrecy

    def _over(self, t: int) -> bool:
        """Whether the bars of an open time had their time, and what fails had its own."""
        since = self._trouble_since
        held = since is not None and self._now < since + self._grace_ns
        return not held and self._now >= t + self.spec.granularity_ns + self._grace_ns

    def _rows(self, kind: str, name: str) -> list[Arrival]:
        seen = self._seen[kind, name]
        step = self.spec.granularity_ns
        back = LOOK_BACK_BARS * step
        first = self.spec.start_ns if kind == "bar" else gates_from_ns(self.spec, name)
        start = max(first, max(seen, default=first) - back)
        end = max(start, self._now) + 1
        try:
            data = (
                self._bars.read(name, self.spec.granularity, start, end).data
                if kind == "bar"
                else self._gates.read(name, start, end).data
            )
        except WindowError:
            # How a store says that it holds nothing from there on, yet.
            return []
        field, length = ("t", step) if kind == "bar" else ("known", 0)
        found = []
        for k, at in enumerate(data[field].tolist()):
            row = data[k : k + 1]
            if at + length > self._now or seen.get(at) == row.tobytes():
                continue
            seen[at] = row.tobytes()
            said: Kind = "bar" if kind == "bar" else "gate"
            found.append(Arrival(said, at + length, name, row, again=True))
        for old in [at for at in seen if at < start - back]:
            del seen[old]
        if kind == "bar" and seen:
            self._newest = max(self._newest, max(seen) + step)
        return found

    def _told(self, failed: dict[str, str]) -> Iterator[Arrival]:
        """Trouble that is new, another one, or over."""
        for what, words in failed.items():
            if self._trouble.get(what) != words:
                yield Arrival("trouble", self._now, words=words)
        for what in self._trouble.keys() - failed.keys():
            yield Arrival("trouble", self._now, words=f"{what}: answered again")
        self._trouble = failed
        if not failed:
            self._trouble_since = None
        elif self._trouble_since is None:
            self._trouble_since = self._now

    def _feeds(self) -> Iterator[Arrival]:
        """Instruments whose prices became stale, in time of the open market, or fresh again."""
        limit = self.spec.stale_after_s + self.spec.granularity_ns / SECOND_NS
        for name in self.spec.instruments:
            seen = self._seen["bar", name]
            last = max(seen) + self.spec.granularity_ns if seen else self.spec.start_ns
            age = self._hours.market_minutes(last, self._now) * MINUTE_NS / SECOND_NS
            if (age > limit) == (name in self._stale):
                continue
            self._stale ^= {name}
            words = "stale" if name in self._stale else "fresh"
            yield Arrival("feed", last, name, words=words, now_ns=self._now)

    def _rest(self, *, all_failed: bool) -> None:
        longest = max(self._poll_s, LONGEST_PAUSE_S)
        self._pause_s = min(longest, 2.0 * self._pause_s) if all_failed else self._poll_s


async def watched(
    watch: StoreWatch, waiting: Waiting, stop: asyncio.Event
) -> AsyncIterator[Arrival]:
    """What a watch finds until ``stop`` is set, which does not wait for a look to end."""
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not stop.is_set():
            looking = _in_thread(watch.look)
            both: set[asyncio.Future[Any]] = {looking, stopping}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                return
            for arrival in looking.result():
                yield arrival
            for arrival in watch.closings(waiting()):
                yield arrival
            await asyncio.wait({stopping}, timeout=watch.pause_s)
    finally:
        stopping.cancel()


def _in_thread(work: Callable[[], list[Arrival]]) -> "asyncio.Future[list[Arrival]]":
    """The result of work in a thread that nobody has to wait for at the end."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[Arrival]] = loop.create_future()

    def settle(found: list[Arrival] | BaseException) -> None:
        if future.done():
            return
        if isinstance(found, BaseException):
            future.set_exception(found)
        else:
            future.set_result(found)

    def run() -> None:
        found: list[Arrival] | BaseException
        try:
            found = work()
        except BaseException as error:
            found = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, found)

    threading.Thread(target=run, daemon=True, name="watch").start()
    return future
