"""Talk to a Valkey server: commands in, replies out, and one operation's patience.

A command is sent once; whether to send it again is decided here and not in the client library,
which would hide a lost connection from a reader that must know of it.
"""

import math
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Protocol, Self

from hotband.errors import StoreError, StoreUnavailableError
from hotband.stores.readiness import (
    Command,
    Patience,
    Readiness,
    Reply,
    state_of,
    unavailable,
)
from hotband.stores.valkey_address import ValkeyAddress
from hotband.stores.valkey_pace import connection_kinds
from hotband.stores.valkey_waiting import Waiting

IDLE_LINES: Final = 8
"""Connections kept for the next operation."""
READ_SIZE: Final = 1 << 18
UNKNOWN_OUTCOME: Final = (
    "Whether it was written is not known; appending the same again adds what is missing."
)


class Line(Protocol):
    """What we use of a connection of the client library, which gives no types for it."""

    def connect(self) -> None: ...  # noqa: D102 - the library's own
    def begin(self) -> None: ...  # noqa: D102 - see valkey_pace
    def disconnect(self) -> None: ...  # noqa: D102 - the library's own
    def can_read(self, timeout: float) -> bool: ...  # noqa: D102 - the library's own
    def pack_commands(self, commands: Sequence[Command]) -> list[bytes]: ...  # noqa: D102 - the library's own
    def send_packed_command(self, command: list[bytes]) -> None: ...  # noqa: D102 - the library's own
    def read_response(self) -> Reply: ...  # noqa: D102 - the library's own


class ValkeyWire:
    """Connections to one server, for any number of threads; opened when first used.

    Args:
        address: Of the server.
        clock: Seconds, increasing.
        sleep: Waits for seconds; by default ``time.sleep``, or ``stop.wait`` where given.
        on_wait: Called with a plain line when a wait begins, when the state changes while it
            lasts, and when it ends.
        stop: Once set, no operation waits any more: a wait under way raises at once.
    """

    def __init__(
        self,
        address: ValkeyAddress,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        on_wait: Callable[[str], None] | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self.address = address
        self.name = address.name
        self.patience: Patience = address.patience
        self.clock = clock
        self.sleep = sleep or (time.sleep if stop is None else stop.wait)
        self.spent = False
        """Whether an operation waited in vain, and none has succeeded since."""
        self._on_wait = on_wait
        self._stop = stop
        self._idle: list[Line] = []
        self._lock = threading.Lock()

    @property
    def stopped(self) -> bool:
        """Whether no operation is to wait any more."""
        return self._stop is not None and self._stop.is_set()

    def tell(self, line: str) -> None:
        """Pass a line to whoever listens to waits."""
        if self._on_wait is not None:
            self._on_wait(line)

    def ask(self, commands: Sequence[Command]) -> list[Reply]:
        """The replies, from one try; raises what the client library raises."""
        line = self.take()
        try:
            replies = exchange(line, commands)
        except BaseException:
            line.disconnect()
            raise
        self.give(line)
        return replies

    def take(self) -> Line:
        """A connection for one user: an idle one that is still open, else a new one."""
        while True:
            with self._lock:
                line = self._idle.pop() if self._idle else None
            if line is None:
                return self._open()
            if _still_open(line):
                return line
            line.disconnect()

    def give(self, line: Line) -> None:
        """Take a connection back that holds no unread reply."""
        with self._lock:
            if len(self._idle) < IDLE_LINES:
                self._idle.append(line)
                return
        line.disconnect()

    def close(self) -> None:
        """Close the idle connections; the next operation opens new ones."""
        with self._lock:
            lines, self._idle = self._idle, []
        for line in lines:
            line.disconnect()

    def operation(self) -> "Operation":
        """One operation's patience, to be used in a ``with``."""
        return Operation(self)

    def _open(self) -> Line:
        address, patience = self.address, self.patience
        options = {
            "host": address.host,
            "port": address.port,
            "db": address.db,
            "username": address.user,
            "password": address.password,
            "socket_connect_timeout": patience.connect_s,
            "socket_timeout": patience.read_s,
            "socket_keepalive": True,
            "socket_read_size": READ_SIZE,
            # Nothing is sent on opening but AUTH and SELECT, so that a refusal is its answer.
            "lib_name": None,
            "lib_version": None,
        }
        plain, encrypted = connection_kinds()
        kind: Any = encrypted if address.tls else plain
        if address.tls:
            options["ssl_check_hostname"] = True
        line: Line = kind(**options)
        line.connect()
        return line


def _still_open(line: Line) -> bool:
    """Whether an idle connection was neither closed nor spoken on by the server."""
    from valkey.exceptions import ValkeyError

    try:
        return not line.can_read(timeout=0)
    except (ValkeyError, OSError):
        return False


def exchange(line: Line, commands: Sequence[Command]) -> list[Reply]:
    """Send commands at once and read a reply for each; raises the first error among them."""
    from valkey.exceptions import ResponseError

    line.begin()
    line.send_packed_command(line.pack_commands(commands))
    replies: list[Reply] = []
    first: ResponseError | None = None
    for _ in commands:
        try:
            replies.append(line.read_response())
        except ResponseError as error:
            first = first or error
    if first is not None:
        raise first
    return replies


class Operation:
    """What one call of a store asks of the server, on one connection while that holds.

    A failure is waited for within ``Patience.wait_s``, counted from the last success; then
    what was asked is asked again, and ``failures`` has grown. ``refusal`` is what the server
    said to the last transaction where it refused that as a whole.
    """

    def __init__(self, wire: ValkeyWire) -> None:
        self._wire = wire
        self._line: Line | None = None
        self.failures = 0
        self.refusal: Readiness | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        line, self._line = self._line, None
        if not isinstance(error, StoreUnavailableError):
            self._wire.spent = False
        if line is not None:
            # An exception may leave a WATCH or an unread reply behind.
            (self._wire.give if error is None else type(line).disconnect)(line)

    def ask(self, commands: Sequence[Command], *, writing: bool = False) -> list[Reply]:
        """The replies to commands that may be sent again.

        Raises:
            StoreUnavailableError: The server was not ready for as long as we wait.
            StoreError: The server answers, and refuses a command.
        """
        waiting: Waiting | None = None
        while True:
            try:
                replies = self._once(commands)
            except _errors() as error:
                answer = self._readiness(error)
                self.failures += 1
            else:
                if waiting is not None:
                    waiting.over()
                return replies
            waiting = waiting or Waiting(self._wire, writing=writing)
            waiting.after(answer)

    def commit(self, commands: Sequence[Command], end: float = math.inf) -> bool:
        """Send a transaction once; False where a watched key had changed, or nothing was done.

        After a refusal it waits for a server that takes writes, at most until ``end``.

        Raises:
            StoreUnavailableError: The connection was lost, so that the outcome is not known,
                or the server was not ready for as long as we wait.
            StoreError: The server refuses a command.
        """
        try:
            reply = self._once([("MULTI",), *commands, ("EXEC",)])[-1]
        except _errors() as error:
            answer = self._readiness(error)
            if answer.state in {"cut", "slow"}:
                raise unavailable(self._wire.name, answer, UNKNOWN_OUTCOME) from None
            self.failures += 1
            self.refusal = answer
        else:
            self.refusal = None
            if reply is None:
                return False
            for each in reply if isinstance(reply, list) else []:
                if isinstance(each, Exception):
                    raise self._refused(each)
            return True
        # The transaction was refused as a whole; asking waits until the server takes writes.
        waiting = Waiting(self._wire, writing=True, end=end)
        if not (now := waiting.after(answer)).ready:
            waiting.give_up(now)
        waiting.over()
        return False

    def _once(self, commands: Sequence[Command]) -> list[Reply]:
        line = self._line or self._wire.take()
        self._line = None
        try:
            replies = exchange(line, commands)
        except BaseException:
            line.disconnect()
            raise
        self._line = line
        return replies

    def _readiness(self, error: BaseException) -> Readiness:
        """What an error tells of the server; raises StoreError where it tells nothing."""
        state = state_of(error)
        if state is None:
            raise self._refused(error) from error
        return Readiness.of(state, str(error))

    def _refused(self, error: BaseException) -> StoreError:
        return StoreError(
            f"server {self._wire.name}",
            str(error),
            "an answer to a reader or writer of gates and candles",
            "Check that the key holds what the store expects (a sorted set of JSON texts).",
        )


def _errors() -> tuple[type[Exception], ...]:
    from valkey.exceptions import ValkeyError

    return (ValkeyError, OSError, UnicodeError)
