"""Gates on a Valkey server, under the keys and in the form of the existing stack.

    gate:index:EUR_USD   sorted set; score = ts_ms, member = the payload's JSON text
    gate:last:EUR_USD    the latest payload

Both stacks can share a server. A score is taken for the time that its payload tells; what
counts of a gate is when it was known. A payload that cannot be read is left out and counted in
the report. ``gate:last`` is read by ``latest`` alone: it is no history.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt
import orjson

from hotband.core.records import Records
from hotband.errors import GatesError, StoreError
from hotband.gates.events import Gates, GateSource
from hotband.gates.payload import CodecSettings, decode, encode
from hotband.gates.payload_report import PayloadReport
from hotband.market.bars import require_window
from hotband.market.calendar import (
    DAY_NS,
    GRANULARITIES,
    MILLISECOND_NS,
    format_time,
    parse_granularity,
)
from hotband.stores.tabular import (
    NAME,
    ConflictError,
    conflict_error,
    refuse_outside,
    refuse_unknown,
    require_name,
)
from hotband.stores.valkey_address import Retention, ValkeyAddress
from hotband.stores.valkey_index import Change, RetentionError, TimeIndex, keys_like
from hotband.stores.valkey_wire import Operation, ValkeyWire

INDEX: Final = "gate:index:"
LAST: Final = "gate:last:"
LONGEST_NS: Final = max(GRANULARITIES.values())
_GIVEN: Final = b'"granularity"'


class GatePayloads:
    """The payloads of one instrument on a server, read and written as gates."""

    def __init__(self, wire: ValkeyWire, instrument: str, settings: CodecSettings) -> None:
        self.index = TimeIndex(wire, INDEX + instrument)
        self.last_key = LAST + instrument
        self._instrument = instrument
        self._settings = settings

    def decoded(self, members: Iterable[bytes]) -> tuple[Gates, PayloadReport]:
        """The gates of payloads, and what became of each."""
        decoded = decode(members, self._instrument, self._settings)
        return decoded.gates, decoded.report

    def reaching(self, operation: Operation, start_ns: int, end_ns: int | None) -> list[bytes]:
        """The payloads that may be known in the window, by time; ``end_ns`` None = no end."""
        granularity = self._settings.granularity
        first_ms = (start_ns - parse_granularity(granularity)) // MILLISECOND_NS
        earliest_ms = (start_ns - LONGEST_NS) // MILLISECOND_NS
        last_ms = None if end_ns is None else end_ns // MILLISECOND_NS
        if earliest_ms >= first_ms:
            return self.index.between(operation, first_ms, last_ms)
        own = b'"granularity":"%s"' % granularity.encode()
        spans = [(earliest_ms, first_ms - 1), (first_ms, last_ms)]
        early, within = self.index.ranges(operation, spans)
        return [member for member in early if _may_be_longer(member, own)] + within

    def outermost(self, operation: Operation, *, newest: bool) -> Gates | None:
        """The readable gate of the index that was known first, or last, alone."""
        row = -1 if newest else 0
        for batch in self.index.from_edge(operation, newest=newest):
            gates, _ = self.decoded(batch)
            if not len(gates):
                continue
            # One further in may be known further out, by a granularity of its own.
            known = int(gates.data["known"][row])
            near = (
                self.reaching(operation, known, None)
                if newest
                else self.index.between(operation, None, known // MILLISECOND_NS)
            )
            gates, report = self.decoded(near)
            known = int(gates.data["known"][row])
            return self.noted(gates.window(known, known + 1), report)
        return None

    def noted(self, gates: Gates, report: PayloadReport) -> Gates:
        """The gates with what a reader must know of how they were read."""
        return replace(gates, notes=report.notes(self._settings.granularity))

    def refuse_unreadable(self, operation: Operation, store: str) -> None:
        """Raise StoreError where the index holds payloads, none of which can be read."""
        if not (size := self.index.size(operation)):
            return
        _, report = self.decoded(self.index.between(operation))
        raise StoreError(
            f"gates of {self._instrument} in {store}",
            f"{size} payloads and none readable: {' '.join(report.lines()[1:])}",
            "at least one that can be read",
            "Look at what writes them.",
        )

    def last(self, operation: Operation) -> tuple[Gates | None, PayloadReport]:
        """The gate of ``gate:last``; none where its time cannot be read."""
        raw = operation.ask([("GET", self.last_key)])[0]
        gates, report = self.decoded([raw] if isinstance(raw, bytes) else [])
        return (gates if len(gates) else None), report

    def planned(self, operation: Operation, gates: Gates, *, replace: bool) -> Change:
        """What to write so that the gates are held; raises ConflictError."""
        known = gates.data["known"]
        members = self.reaching(operation, int(known[0]), int(known[-1]) + 1)
        held, _ = self.decoded(members)
        at, equal = _matches(held.data, gates.data)
        other = at & ~equal
        if other.any() and not replace:
            count = int(other.sum())
            raise ConflictError(count, len(gates), int(known[int(np.argmax(other))]))
        wanted = ~equal
        if not wanted.any():
            return Change()
        replaced = set(known[other].tolist())
        every = zip(encode(gates, self._settings), wanted, strict=True)
        texts = [text for text, is_wanted in every if is_wanted]
        change = Change(
            remove=self._known_at(members, replaced) if replaced else [],
            add=[(int(orjson.loads(text)["ts_ms"]), text) for text in texts],
            changed=len(texts),
        )
        last, _ = self.last(operation)
        if last is None or int(known[wanted][-1]) >= _known(last):
            change.beside.append(("SET", self.last_key, texts[-1]))
        return change

    def _known_at(self, members: list[bytes], known: set[int]) -> list[bytes]:
        """The payloads whose gates are known at one of the times, found by halving."""
        gates, _ = self.decoded(members)
        if known.isdisjoint(gates.data["known"].tolist()):
            return []
        if len(members) == 1:
            return members
        half = len(members) // 2
        parts = (members[:half], members[half:])
        return list(chain.from_iterable(self._known_at(part, known) for part in parts))


class ValkeyGateStore:
    """A ``GateStore`` on a Valkey server.

    Appends may drop old gates, as the address's retention says (all are kept by default).
    """

    source: GateSource = "valkey"

    def __init__(self, wire: ValkeyWire) -> None:
        self._wire = wire
        self.name = wire.name
        address = wire.address
        self.settings = CodecSettings(address.granularity, address.lambda_scale, self.source)

    def __repr__(self) -> str:
        return f"GateStore({self.name})"

    def kept_from(self, known_ns: npt.NDArray[np.int64]) -> int:
        """See ``GateStore.kept_from``."""
        retention, first = self._wire.address.retention, 0
        if retention.newest is not None:
            first = max(0, len(known_ns) - retention.newest)
        if retention.days is not None and len(known_ns):
            oldest = int(known_ns[-1]) - round(retention.days * DAY_NS)
            first = max(first, int(np.searchsorted(known_ns, oldest)))
        return first

    def instruments(self) -> tuple[str, ...]:
        """Names that have an index or a ``gate:last``, sorted.

        One with a ``gate:last`` alone has a latest gate, but no extent and nothing to read.
        """
        with self._wire.operation() as operation:
            keys = keys_like(self._wire, operation, f"{INDEX}*", "zset")
            lasts = keys_like(self._wire, operation, f"{LAST}*", "string")
        names = {key.removeprefix(INDEX) for key in keys}
        names |= {key.removeprefix(LAST) for key in lasts}
        return tuple(sorted(name for name in names if NAME.fullmatch(name)))

    def read(self, instrument: str, start_ns: int, end_ns: int) -> Gates:
        """See ``GateStore.read``; the notes say what was left out, mended or assumed."""
        return self.read_with_report(instrument, start_ns, end_ns)[0]

    def read_with_report(
        self, instrument: str, start_ns: int, end_ns: int
    ) -> tuple[Gates, PayloadReport]:
        """The gates, and what became of every payload that was looked at for them.

        Some of those are known outside the window: when a payload was known hangs on its
        granularity, which only its text tells.
        """
        require_window(start_ns, end_ns)
        payloads = self._payloads(instrument)
        with self._wire.operation() as operation:
            members = payloads.reaching(operation, start_ns, end_ns)
        gates, report = payloads.decoded(members)
        inside = payloads.noted(gates.window(start_ns, end_ns), report)
        if not len(inside):
            extent = self.extent(instrument)
            if extent is None:
                self._refuse_last_alone(instrument)
                raise refuse_unknown(self.name, "instrument", instrument, self.instruments())
            what = f"gates of {instrument}"
            refuse_outside(self.name, what, (start_ns, end_ns), extent, extent[1])
        return inside, report

    def extent(self, instrument: str) -> tuple[int, int] | None:
        """Known times of the first and last readable gate, ns; None = no index.

        A ``gate:last`` alone is no history and has no extent.

        Raises:
            StoreError: The index holds payloads, but none that can be read.
        """
        payloads = self._payloads(instrument)
        with self._wire.operation() as operation:
            first = payloads.outermost(operation, newest=False)
            last = payloads.outermost(operation, newest=True)
            if first is not None and last is not None:
                return _known(first), _known(last)
            payloads.refuse_unreadable(operation, self.name)
        return None

    def latest(self, instrument: str) -> Gates | None:
        """The gate known last, of the index and ``gate:last``; None = neither has one.

        Raises:
            StoreError: The index holds payloads, none of which can be read, nor can
                ``gate:last``.
        """
        return self.latest_with_report(instrument)[0]

    def latest_with_report(self, instrument: str) -> tuple[Gates | None, PayloadReport]:
        """The gate known last, and what became of ``gate:last``: refused without a time."""
        payloads = self._payloads(instrument)
        with self._wire.operation() as operation:
            newest = payloads.outermost(operation, newest=True)
            last, report = payloads.last(operation)
            if newest is None and last is None:
                payloads.refuse_unreadable(operation, self.name)
        notes = report.notes(self.settings.granularity)
        if last is not None and (newest is None or _known(newest) < _known(last)):
            return replace(last, notes=notes), report
        if newest is not None and last is None:
            of_last = (f"{payloads.last_key}: {note}" for note in notes)
            newest = replace(newest, notes=(*newest.notes, *of_last))
        return newest, report

    def append(self, gates: Gates, *, replace: bool = False) -> int:
        """See ``GateStore.append``; one transaction with the update of ``gate:last``.

        ``gate:last`` is set only where no later gate is in it. The server is busy with the
        transaction for about a second per 100,000 gates: allow for it in ``read_s``.

        Raises:
            GatesError: Also for gates that retention would drop at once.
            StoreUnavailableError: Where the connection broke in the middle of the transaction
                it is not known whether it was carried out; the same append may follow.
        """
        require_name(gates.instrument)
        if not len(gates):
            return 0
        payloads = self._payloads(gates.instrument)
        what = f"gates of {gates.instrument}"
        retention = self._wire.address.retention

        def plan(operation: Operation) -> Change:
            return payloads.planned(operation, gates, replace=replace)

        try:
            return payloads.index.change(plan, retention, (payloads.last_key,))
        except ConflictError as found:
            raise conflict_error(GatesError, self.name, what, found) from found
        except RetentionError as found:
            raise GatesError(*retention_words(self.name, what, found, retention)) from found

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._wire.close()

    def _refuse_last_alone(self, instrument: str) -> None:
        with self._wire.operation() as operation:
            if not operation.ask([("EXISTS", LAST + instrument)])[0]:
                return
        raise StoreError(
            f"gates of {instrument} in {self.name}",
            f"the latest gate alone ({LAST}{instrument}), which is no history",
            f"an index of gates ({INDEX}{instrument})",
            "Let what writes the gates keep an index, or append gates to the store.",
        )

    def _payloads(self, instrument: str) -> GatePayloads:
        return GatePayloads(self._wire, instrument, self.settings)


def _known(gates: Gates) -> int:
    return int(gates.data["known"][-1])


def _may_be_longer(member: bytes, own: bytes) -> bool:
    """Whether a payload may name a granularity other than the settings', judged by its text."""
    if b"\\" in member:
        return True
    given = member.count(_GIVEN)
    return given > 1 or (given == 1 and own not in member)


def _matches(held: Records, new: Records) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which new gates have a held one of their known time, and which of those are equal."""
    if not len(held):
        none = np.zeros(len(new), dtype=np.bool_)
        return none, none.copy()
    row = np.minimum(np.searchsorted(held["known"], new["known"]), len(held) - 1)
    at: npt.NDArray[np.bool_] = held["known"][row] == new["known"]
    same = (_bytes(held[row]) == _bytes(new)).all(axis=1)
    return at, at & same


def _bytes(data: Records) -> npt.NDArray[np.uint8]:
    rows = np.ascontiguousarray(data).copy()
    rows["skipped"] = 0  # belongs to bars, not to the gate
    return rows.view(np.uint8).reshape(len(rows), rows.dtype.itemsize)


def retention_words(
    store: str, what: str, found: RetentionError, retention: Retention
) -> tuple[str, str, str, str]:
    """The four parts of the error for rows that retention would drop at once."""
    kept = []
    if retention.newest is not None:
        kept.append(f"the newest {retention.newest}")
    if retention.days is not None:
        kept.append(f"those of {retention.days:g} days before the newest")
    return (
        f"{what} to append to {store}",
        f"{found.dropped} of {found.of} that retention would drop at once, first stamped "
        f"{format_time(found.first_ms * MILLISECOND_NS)}",
        f"what retention keeps: {' and '.join(kept)}",
        "Leave them out, or raise the retention in the store's URL.",
    )


def valkey_gates(
    address: ValkeyAddress,
    on_wait: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
) -> ValkeyGateStore:
    """The gate store at an address; the server is first asked when it is used.

    ``on_wait`` and ``stop`` are those of ``ValkeyWire``.
    """
    return ValkeyGateStore(ValkeyWire(address, on_wait=on_wait, stop=stop))
