"""What arrives at a paper session, in order, and history as it became known.

A source of arrivals is an asynchronous iterator of ``Arrival``. It yields complete bars and gates
that are known, in any order and as often as it likes, and a closing for open times whose bars
have all come or are waited for no longer. Whatever else it meets it says as trouble.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from hotband.core.records import Records
from hotband.errors import StoreError
from hotband.gates.ports import GateStore
from hotband.live.clock import Clock
from hotband.live.spec import SessionSpec
from hotband.market.bars import Bars
from hotband.market.calendar import SECOND_NS
from hotband.research.history import WARM_UP_BARS
from hotband.stores.ports import BarStore

Kind: TypeAlias = Literal["bar", "gate", "switch", "close", "clock", "trouble", "feed"]


@dataclass(frozen=True, eq=False, slots=True)
class Arrival:
    """One thing that arrived.

    Attributes:
        kind: ``close``: open times up to ``t_ns`` are over; ``clock``: the machine's clock was
            set; ``trouble``: words of a source; ``feed``: prices became stale, or fresh again.
        t_ns: When it is known; of a close the open time.
        instrument: Of a bar, gate or feed.
        row: (1,) QUOTE or GATE.
        engaged: Of a switch.
        words: Of trouble; of a feed ``stale`` or ``fresh``.
        again: Of a row that a source may hand over again: left out where it is known.
        now_ns: Of a close: the time, where the bars are those of now.
        by_ns: Of a clock: by how much it was set.
    """

    kind: Kind
    t_ns: int
    instrument: str = ""
    row: Records | None = None
    engaged: bool = False
    words: str = ""
    again: bool = False
    now_ns: int | None = None
    by_ns: int = 0


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


async def paced(
    arrivals: Iterator[Arrival], speed: float | None, clock: Clock, stop: asyncio.Event
) -> AsyncIterator[Arrival]:
    """History at ``speed`` times its own pace until ``stop`` is set; None = as fast as it goes."""
    began, first = clock.now_ns(), None
    stopping = asyncio.ensure_future(stop.wait())
    try:
        for arrival in arrivals:
            first = arrival.t_ns if first is None else first
            due = 0.0
            if speed is not None:
                due = (began + (arrival.t_ns - first) / speed - clock.now_ns()) / SECOND_NS
            await asyncio.wait({stopping}, timeout=max(0.0, due))
            if stop.is_set():
                return
            yield arrival
    finally:
        stopping.cancel()
