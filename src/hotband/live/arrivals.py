"""What arrives at a paper session, in order: from stores that are followed, or from history."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np

from hotband.core.records import Records
from hotband.errors import StoreError
from hotband.gates.ports import GateStore
from hotband.live.clock import Clock
from hotband.live.kill_switch import KillSwitch
from hotband.live.spec import SessionSpec
from hotband.market.bars import Bars
from hotband.market.calendar import SECOND_NS
from hotband.research.history import WARM_UP_BARS
from hotband.stores.ports import BarStore

Kind: TypeAlias = Literal["bar", "gate", "switch", "close", "trouble"]


@dataclass(frozen=True, eq=False, slots=True)
class Arrival:
    """One thing that arrived.

    Attributes:
        kind: ``close``: open times up to ``t_ns`` are over; ``trouble``: words of a source.
        t_ns: When it is known; of a close the open time.
        instrument: Of a bar or gate.
        row: (1,) QUOTE or GATE.
        engaged: Of a switch.
        words: Of trouble.
    """

    kind: Kind
    t_ns: int
    instrument: str = ""
    row: Records | None = None
    engaged: bool = False
    words: str = ""


def warm_up_of(store: BarStore, spec: SessionSpec) -> dict[str, Bars]:
    """The bars before the session's start, of all its pairs; StoreError where one has none."""
    found = {}
    for pair in spec.pairs:
        extent = store.extent(pair, spec.granularity)
        if extent is None:
            raise StoreError(
                f"bars of {pair} {spec.granularity}", "none", "bars of every pair of the session",
                "Import them, or leave out the instruments that need the pair.",
            )  # fmt: skip
        first = extent[0]
        bars = store.read(pair, spec.granularity, first, max(first + 1, spec.start_ns))
        found[pair] = Bars.from_records(
            pair, spec.granularity, bars.data[-WARM_UP_BARS:], source=bars.source
        )
    return found


def gates_from_ns(spec: SessionSpec, instrument: str) -> int:
    """From when gates matter: those still live at the start are taken in."""
    return spec.start_ns - int(spec.rules()[instrument]["max_age"][0])


def history(
    spec: SessionSpec,
    bars: BarStore,
    gates: GateStore,
    end_ns: int,
    taken: Mapping[str, Mapping[str, int]] = MappingProxyType({}),
) -> Iterator[Arrival]:
    """All that became known from the start until ``end_ns``, gates before bars of one moment.

    ``taken``: for a session that is resumed, the open time of each pair's last ``bars`` and the
    known time of each instrument's last ``gates``; what is not after them is left out.
    """
    last_bar, last_gate = taken.get("bars", {}), taken.get("gates", {})
    rows: list[tuple[int, int, str, Records]] = []
    for pair in spec.pairs:
        held = bars.read(pair, spec.granularity, spec.start_ns, end_ns)
        known = held.data["t"] + spec.granularity_ns
        some = held.data[known <= end_ns]
        rows += [(int(t), 1, pair, some[k : k + 1]) for k, t in enumerate(known[: len(some)])]
    for name in spec.instruments:
        data = gates.read(name, gates_from_ns(spec, name), end_ns).data
        rows += [(int(t), 0, name, data[k : k + 1]) for k, t in enumerate(data["known"])]
    rows.sort(key=lambda row: row[:3])
    for at, (known_ns, is_bar, name, row) in enumerate(rows):
        last = last_bar if is_bar else last_gate
        own = int(row["t" if is_bar else "known"][0])
        if own > last.get(name, own - 1):
            yield Arrival("bar" if is_bar else "gate", known_ns, name, row)
        if at + 1 == len(rows) or rows[at + 1][0] > known_ns:
            yield Arrival("close", known_ns - spec.granularity_ns)


class StoreWatch:
    """Follows a bar store and a gate store, and the kill switch, by polling.

    Args:
        spec: Of the session.
        bars, gates: The stores.
        switch: Asked at every poll.
        clock: Says what time it is.
        poll_s: Seconds between polls.
        grace_s: How long after an open time's end its bars are waited for.
        seen: Per pair the open time of its last bar that was taken in, and per instrument the
            known time of its last gate.
    """

    def __init__(
        self,
        spec: SessionSpec,
        bars: BarStore,
        gates: GateStore,
        switch: KillSwitch,
        clock: Clock,
        *,
        poll_s: float = 2.0,
        grace_s: float = 20.0,
    ) -> None:
        self.spec = spec
        self.poll_s = poll_s
        self._bars = bars
        self._gates = gates
        self._switch = switch
        self._clock = clock
        self._grace_ns = round(grace_s * SECOND_NS)
        self._bar_t = dict.fromkeys(spec.pairs, spec.start_ns - 1)
        self._gate_t = {name: gates_from_ns(spec, name) - 1 for name in spec.instruments}
        self._engaged: bool | None = None

    def resume_after(self, bars: Mapping[str, int], gates: Mapping[str, int]) -> None:
        """Go on behind what a session has taken in already."""
        self._bar_t |= bars
        self._gate_t |= gates

    def poll(self, waiting: Callable[[], dict[int, tuple[str, ...]]]) -> Iterator[Arrival]:
        """One look at everything; a store that does not answer is trouble, and asked again."""
        now = self._clock.now_ns()
        engaged = self._switch.read().engaged
        if engaged != self._engaged:
            self._engaged = engaged
            yield Arrival("switch", now, engaged=engaged)
        try:
            yield from self._look(now)
        except StoreError as error:
            yield Arrival("trouble", now, words=str(error))
        for t, pairs in sorted(waiting().items()):
            complete = set(pairs) >= set(self.spec.pairs)
            over = now >= t + self.spec.granularity_ns + self._grace_ns
            passed = all(self._bar_t[pair] > t or pair in pairs for pair in self.spec.pairs)
            if not (complete or over or passed):
                break
            yield Arrival("close", t)

    def _look(self, now: int) -> Iterator[Arrival]:
        step = self.spec.granularity_ns
        for name, last in list(self._gate_t.items()):
            data = self._gates.read(name, last + 1, now + 1).data
            for k in range(len(data)):
                self._gate_t[name] = int(data["known"][k])
                yield Arrival("gate", self._gate_t[name], name, data[k : k + 1])
        for pair, last in list(self._bar_t.items()):
            held = self._bars.read(pair, self.spec.granularity, last + 1, max(last + 2, now + 1))
            for k in np.flatnonzero(held.data["t"] + step <= now).tolist():
                self._bar_t[pair] = int(held.data["t"][k])
                yield Arrival("bar", self._bar_t[pair] + step, pair, held.data[k : k + 1])


async def paced(
    arrivals: Iterator[Arrival], speed: float | None, clock: Clock
) -> AsyncIterator[Arrival]:
    """History at ``speed`` times its own pace; None = as fast as it goes."""
    began, first = clock.now_ns(), None
    for arrival in arrivals:
        first = arrival.t_ns if first is None else first
        if speed is not None:
            due = began + (arrival.t_ns - first) / speed
            await asyncio.sleep(max(0.0, (due - clock.now_ns()) / SECOND_NS))
        else:
            await asyncio.sleep(0)
        yield arrival


async def watched(
    watch: StoreWatch, waiting: Callable[[], dict[int, tuple[str, ...]]], stop: asyncio.Event
) -> AsyncIterator[Arrival]:
    """What a watch finds, poll after poll, until ``stop`` is set."""
    while not stop.is_set():
        for arrival in await asyncio.to_thread(lambda: list(watch.poll(waiting))):
            yield arrival
        try:
            await asyncio.wait_for(stop.wait(), watch.poll_s)
        except TimeoutError:
            continue
