"""Things on a loopback port that are no good server: they say nonsense, or break off."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.valkey_server import HOST


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port whose connections are each served by a thread; closed behind the block."""
    lines: list[socket.socket] = []
    threads: list[threading.Thread] = []
    with socket.create_server((HOST, 0)) as door:

        def accept() -> None:
            while True:
                try:
                    line, _ = door.accept()
                except OSError:
                    return
                lines.append(line)
                thread = threading.Thread(target=quietly, args=(line,))
                threads.append(thread)
                thread.start()

        def quietly(line: socket.socket) -> None:
            with contextlib.suppress(OSError), line:
                serve(line)

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield door.getsockname()[1]
        finally:
            door.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for line in lines:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()


def saying(answer: bytes) -> Callable[[socket.socket], None]:
    """Answers anything with the same bytes, and hangs up."""

    def serve(line: socket.socket) -> None:
        line.recv(65536)
        line.sendall(answer)

    return serve


def trickling(port: int, size: int, pause_s: float) -> Callable[[socket.socket], None]:
    """Forwards to a port; replies come in pieces of so many bytes, with a pause before each."""

    def serve(line: socket.socket) -> None:
        with socket.create_connection((HOST, port)) as server:
            while data := line.recv(65536):
                server.sendall(data)
                server.settimeout(0.2)
                with contextlib.suppress(TimeoutError):
                    while reply := server.recv(size):
                        time.sleep(pause_s)
                        line.sendall(reply)
                server.settimeout(None)

    return serve


def forwarding(port: int, limits: Iterator[int]) -> Callable[[socket.socket], None]:
    """Forwards to a port; each connection hangs up after so many bytes of replies.

    ``limits`` has one number per connection, in the order of their coming; below 0 = none.
    """
    lock = threading.Lock()

    def serve(line: socket.socket) -> None:
        with lock:
            left = next(limits)
        with socket.create_connection((HOST, port)) as server:
            asking = threading.Thread(target=pump, args=(line, server))
            asking.start()
            while left:
                data = server.recv(65536 if left < 0 else min(left, 65536))
                if not data:
                    break
                line.sendall(data)
                left -= len(data) if left > 0 else 0
            for each in (line, server):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            asking.join()

    def pump(line: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := line.recv(65536):
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    return serve
