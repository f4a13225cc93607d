"""Give up an exchange that is too slow as a whole, also where a little comes now and then.

A socket's own timeout counts from piece to piece: a server that sends a byte now and then would
be read from for ever. Here each exchange has one deadline, which every byte moves a little.
"""

import socket
import time
from functools import cache
from typing import Any, Final

LEAST_RATE: Final = 100_000
"""Bytes per second, sent and received together, that an exchange must come to."""


class PacedSocket:
    """A socket of the client library whose exchanges end in time.

    Args:
        line: Connected.
        read_s: For an exchange without any bytes, seconds; each ``LEAST_RATE`` adds one.
    """

    def __init__(self, line: socket.socket, read_s: float) -> None:
        self._line = line
        self._read_s = read_s
        self.begin()

    def begin(self) -> None:
        """From here on an exchange counts."""
        self._end = time.monotonic() + self._read_s

    def sendall(self, data: bytes) -> None:
        """Send all in time; TimeoutError."""
        self._passed(len(data))
        self._line.settimeout(self._left())
        self._line.sendall(data)

    def recv(self, size: int) -> bytes:
        """Some bytes, in time; TimeoutError."""
        self._be_timely()
        data = self._line.recv(size)
        self._passed(len(data))
        return data

    def recv_into(self, buffer: bytearray) -> int:
        """Some bytes into a buffer, in time; TimeoutError."""
        self._be_timely()
        count = self._line.recv_into(buffer)
        self._passed(count)
        return count

    def __getattr__(self, name: str) -> Any:
        return getattr(self._line, name)

    def _be_timely(self) -> None:
        if self._line.gettimeout() != 0:  # zero: a look at what is there, which never waits
            self._line.settimeout(min(self._read_s, self._left()))

    def _passed(self, count: int) -> None:
        self._end += count / LEAST_RATE

    def _left(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("too few bytes for the time")
        return left


class _Paced:
    """What makes the connections of the client library paced; put before them."""

    _sock: Any
    socket_timeout: Any

    def _connect(self) -> PacedSocket:
        library: Any = super()
        return PacedSocket(library._connect(), self.socket_timeout)

    def begin(self) -> None:
        """From here on an exchange counts."""
        if self._sock is not None:
            self._sock.begin()


@cache
def connection_kinds() -> tuple[type[Any], type[Any]]:
    """The client library's connections, plain and with TLS, over a ``PacedSocket``."""
    from valkey.connection import Connection, SSLConnection  # late: it takes a tenth of a second

    class PacedConnection(_Paced, Connection):
        pass

    class PacedSSLConnection(_Paced, SSLConnection):
        pass

    return PacedConnection, PacedSSLConnection
