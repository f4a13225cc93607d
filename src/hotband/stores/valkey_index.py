"""Sorted sets of JSON texts by time: the form in which the server keeps gates and candles.

A range is read in pages that are bounded by scores and not by ranks, so that members which
others add or trim meanwhile shift nothing. A change is one transaction that happens wholly or
not at all, or not yet because somebody else was faster.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, TypeAlias

from hotband.errors import IntegrityError, StoreError
from hotband.stores.readiness import Command, Readiness, Reply, pauses, unavailable
from hotband.stores.valkey_address import Retention
from hotband.stores.valkey_wire import Operation, ValkeyWire

Scored: TypeAlias = tuple[int, bytes]
"""Time in ms, and the JSON text."""
Bounds: TypeAlias = tuple[bytes, bytes]
"""Lowest and highest score, both included."""

PAGE: Final = 5_000
"""Members per page."""
PAGES_AT_ONCE: Final = 4
EDGE: Final = 64
"""Members per look from an end of the set."""
ADDED_AT_ONCE: Final = 500
MOST_TRIES: Final = 32
LONGEST_RACE_S: Final = 0.2
"""The longest pause between two tries of a change that others were faster with."""
DAY_MS: Final = 86_400_000


class RetentionError(Exception):
    """Members that retention would drop in the moment of adding them: how many, of how many."""

    def __init__(self, dropped: int, of: int, first_ms: int) -> None:
        super().__init__(dropped, of, first_ms)
        self.dropped, self.of, self.first_ms = dropped, of, first_ms


class _ShrunkError(Exception):
    """The server came back with less than it had; what was read of it does not fit together."""


@dataclass(slots=True)
class Change:
    """What a transaction does to one sorted set.

    Attributes:
        remove: Members to take out.
        add: Members to put in, by time.
        beside: Further commands of the same transaction.
        changed: How many rows are new or changed, for the caller.
    """

    remove: list[bytes] = field(default_factory=list)
    add: list[Scored] = field(default_factory=list)
    beside: list[Command] = field(default_factory=list)
    changed: int = 0


def numbered(reply: Reply) -> int:
    """A reply that is a whole number."""
    if not isinstance(reply, int):
        raise IntegrityError("reply", repr(reply), "a whole number", "Check the server.")
    return reply


def texts(reply: Reply) -> list[bytes]:
    """A reply that is a list of texts."""
    if not isinstance(reply, list):
        raise IntegrityError("reply", repr(reply), "a list", "Check the server.")
    return reply


def keys_like(wire: ValkeyWire, operation: Operation, pattern: str, kind: str) -> set[str]:
    """Names of the keys of a type that fit a pattern, found without blocking the server."""
    found: set[str] = set()
    cursor: object = b"0"
    while True:
        command = ("SCAN", _text(cursor), "MATCH", pattern, "COUNT", 1000, "TYPE", kind)
        reply = operation.ask([command])[0]
        if not isinstance(reply, list):
            allowed = f"a page of keys of {wire.name}"
            raise IntegrityError("reply", repr(reply), allowed, "Check the server.")
        cursor, page = reply
        found.update(name.decode("utf-8", "replace") for name in page)
        if _text(cursor) == "0":
            return found


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _bounds(first_ms: int | None, last_ms: int | None) -> Bounds:
    return (
        b"-inf" if first_ms is None else b"%d" % first_ms,
        b"+inf" if last_ms is None else b"%d" % last_ms,
    )


class TimeIndex:
    """One sorted set; its scores are times in ms."""

    def __init__(self, wire: ValkeyWire, key: str) -> None:
        self._wire = wire
        self.key = key

    def size(self, operation: Operation) -> int:
        """How many members it has."""
        return numbered(operation.ask([("ZCARD", self.key)])[0])

    def between(
        self, operation: Operation, first_ms: int | None = None, last_ms: int | None = None
    ) -> list[bytes]:
        """The members from the first to the last time, both included; by time, then by text.

        ``None`` = no bound. What a broken connection left out is asked for again, and
        everything where the server came back with fewer members than it had.
        """
        return self.ranges(operation, [(first_ms, last_ms)])[0]

    def ranges(
        self, operation: Operation, spans: Sequence[tuple[int | None, int | None]]
    ) -> list[list[bytes]]:
        """The members of several ranges, each as ``between`` gives it, all of one server's life."""
        bounds = [_bounds(*span) for span in spans]
        for _ in range(MOST_TRIES):
            try:
                return self._read(operation, bounds)
            except _ShrunkError:
                continue
        raise StoreError(
            f"{self.key} in {self._wire.name}",
            f"a server that lost members {MOST_TRIES} times while they were read",
            "one that keeps what it holds",
            "Look into the server's log.",
        )

    def _read(self, operation: Operation, spans: Sequence[Bounds]) -> list[list[bytes]]:
        seen = operation.failures
        counts: dict[Bounds, int] = {}
        found: list[list[bytes]] = []
        for low, high in spans:
            counts[low, high], bounds = self._plan(operation, low, high)
            pages: list[Command] = [
                ("ZRANGEBYSCORE", self.key, first, high if end is None else b"(" + end)
                for first, end in pairwise([low, *bounds, None])
                if first is not None
            ]
            members: list[bytes] = []
            for start in range(0, len(pages), PAGES_AT_ONCE):
                replies = operation.ask(pages[start : start + PAGES_AT_ONCE])
                seen = self._whole(operation, counts, seen)
                for reply in replies:
                    members += texts(reply)
            found.append(members)
        return found

    def _whole(self, operation: Operation, counts: Mapping[Bounds, int], seen: int) -> int:
        """Failures so far; where there are more than ``seen``, no range may have lost members."""
        while operation.failures > seen:
            seen = operation.failures
            for bounds, count in counts.items():
                if self._count(operation, *bounds) < count:
                    raise _ShrunkError
        return seen

    def _count(self, operation: Operation, low: bytes, high: bytes) -> int:
        return numbered(operation.ask([("ZCOUNT", self.key, low, high)])[0])

    def _plan(self, operation: Operation, low: bytes, high: bytes) -> tuple[int, list[bytes]]:
        """How many members the range has, and scores inside it that part it into pages."""
        before, inside = operation.ask(
            [
                ("ZCOUNT", self.key, b"-inf", b"(" + low),
                ("ZCOUNT", self.key, low, high),
            ]
            if low != b"-inf"
            else [("ZCOUNT", self.key, b"+inf", b"-inf"), ("ZCOUNT", self.key, low, high)]
        )
        count = numbered(inside)
        ranks = range(numbered(before) + PAGE, numbered(before) + count, PAGE)
        if not ranks:
            return count, []
        looks: list[Command] = [("ZRANGE", self.key, r, r, "WITHSCORES") for r in ranks]
        bounds: list[bytes] = []
        last = float(low)
        for reply in operation.ask(looks):
            for score in texts(reply)[1::2]:
                if last < float(score) <= float(high):
                    last = float(score)
                    bounds.append(score)
        return count, bounds

    def from_edge(self, operation: Operation, *, newest: bool) -> Iterator[list[bytes]]:
        """Batches of members from one end of the set, the outermost first."""
        command = "ZREVRANGE" if newest else "ZRANGE"
        start = 0
        while True:
            batch = texts(operation.ask([(command, self.key, start, start + EDGE - 1)])[0])
            if not batch:
                return
            yield batch
            start += EDGE

    def change(
        self,
        plan: Callable[[Operation], Change],
        retention: Retention,
        watched: Sequence[str] = (),
    ) -> int:
        """Carry out a change, planned anew whenever somebody else was faster.

        Args:
            plan: Reads what is held and says what to do; what it raises ends the change.
            retention: What the set keeps, applied in the same transaction.
            watched: Further keys that the plan reads.

        Raises:
            RetentionError: A member to add would be dropped at once.
            StoreError: Others change the set all the time, or the server is not ready.
        """
        wire, waits = self._wire, pauses()
        refusal: Readiness | None = None
        end = float("inf")
        for _ in range(MOST_TRIES):
            with wire.operation() as operation:
                operation.ask([("WATCH", self.key, *watched)], writing=True)
                failures = operation.failures
                change = plan(operation)
                if not (change.add or change.remove or change.beside):
                    operation.ask([("UNWATCH",)])
                    return change.changed
                commands = self._commands(operation, change, retention)
                # A new connection watches nothing.
                begin = wire.clock()
                if operation.failures == failures and operation.commit(commands, end):
                    return change.changed
                refusal = operation.refusal
            if refusal is None:
                wire.sleep(min(next(waits), LONGEST_RACE_S))
                continue
            # The server takes small writes again, but maybe not this one.
            end = min(end, begin + wire.patience.wait_s)
            if (left := end - wire.clock()) <= 0 or wire.stopped:
                break
            wire.sleep(min(next(waits), left))
        if refusal is not None:
            wire.spent = True
            raise unavailable(wire.name, refusal)
        raise StoreError(
            f"{self.key} in {self._wire.name}",
            f"a change by somebody else before each of {MOST_TRIES} tries",
            "a moment without one",
            "Try again; let fewer writers write to one instrument.",
        )

    def _commands(
        self, operation: Operation, change: Change, retention: Retention
    ) -> list[Command]:
        commands: list[Command] = [
            ("ZREM", self.key, *change.remove[start : start + ADDED_AT_ONCE])
            for start in range(0, len(change.remove), ADDED_AT_ONCE)
        ]
        for start in range(0, len(change.add), ADDED_AT_ONCE):
            pairs = change.add[start : start + ADDED_AT_ONCE]
            commands.append(("ZADD", self.key, *(part for pair in pairs for part in pair)))
        return commands + self._trims(operation, change, retention) + change.beside

    def _trims(self, operation: Operation, change: Change, retention: Retention) -> list[Command]:
        """The commands that keep what retention keeps; none of the added may be among the rest."""
        trims: list[Command] = []
        dropped: list[Scored] = []
        added = sorted(change.add)
        if retention.days is not None and added:
            newest = max(added[-1][0], self._newest_ms(operation))
            cut = newest - round(retention.days * DAY_MS)
            dropped = [each for each in added if each[0] < cut]
            trims.append(("ZREMRANGEBYSCORE", self.key, b"-inf", b"(%d" % cut))
        if retention.newest is not None and added:
            removed = set(change.remove)
            over = self.size(operation) - len(removed) + len(added) - retention.newest
            if over > 0:
                lowest = self._lowest(operation, over + len(removed))
                held = [each for each in lowest if each[1] not in removed]
                fall = {*dropped, *sorted([*held, *added])[:over]}
                dropped = [each for each in added if each in fall]
            trims.append(("ZREMRANGEBYRANK", self.key, 0, -retention.newest - 1))
        if dropped:
            raise RetentionError(len(dropped), len(added), min(dropped)[0])
        return trims

    def _newest_ms(self, operation: Operation) -> int:
        reply = texts(operation.ask([("ZREVRANGE", self.key, 0, 0, "WITHSCORES")])[0])
        return int(float(reply[1])) if reply else 0

    def _lowest(self, operation: Operation, count: int) -> list[Scored]:
        command = ("ZRANGE", self.key, 0, count - 1, "WITHSCORES")
        reply = texts(operation.ask([command])[0])
        return [(int(float(s)), text) for text, s in zip(reply[::2], reply[1::2], strict=True)]
