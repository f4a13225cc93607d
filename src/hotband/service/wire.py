"""How uvicorn is set up: what it must not do by itself, and its own error replies as problems."""

import json
import socket
from http import HTTPStatus
from typing import Final

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from hotband.service.headers import SECURITY_HEADERS
from hotband.service.problems import MEDIA_TYPE, TYPE_PREFIX

_HEADER_BYTES: Final = 32 * 1024
CONNECTIONS_END_S: Final = 1
"""How long open connections may take after a request to stop."""
MOST_AT_ONCE: Final = 1000
BACKLOG: Final = 2048
_DETAIL: Final = "This is not a request that HTTP/1.1 allows, or its headers are too large."


class ProblemH11(H11Protocol):
    """HTTP/1.1 of uvicorn with one change: what it cannot parse is answered as a problem."""

    def send_400_response(self, msg: str) -> None:
        """Answer a request that never reached an application, and close; ``msg`` stays out."""
        del msg
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.close()
            return
        status = HTTPStatus.BAD_REQUEST
        body = {
            "type": f"{TYPE_PREFIX}bad-request",
            "title": status.phrase,
            "status": int(status),
            "detail": _DETAIL,
            "instance": "unparsed",
        }
        content = json.dumps(body).encode("ascii")
        headers = {
            **SECURITY_HEADERS,
            "Content-Type": MEDIA_TYPE,
            "Content-Length": str(len(content)),
            "X-Request-ID": "unparsed",
            "Connection": "close",
        }
        start = h11.Response(
            status_code=int(status), headers=list(headers.items()), reason=status.phrase.encode()
        )
        for event in (start, h11.Data(data=content), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def server_config(app: ASGIApp) -> uvicorn.Config:
    """Settings of uvicorn for ``app``; the address is that of the socket handed to the server.

    No WebSockets, no forwarded headers (a caller could claim any address with them), no Server
    header, no logging of its own.
    """
    return uvicorn.Config(
        app,
        http=ProblemH11,
        ws="none",
        loop="asyncio",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        h11_max_incomplete_event_size=_HEADER_BYTES,
        limit_concurrency=MOST_AT_ONCE,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=CONNECTIONS_END_S,
    )


def bound_socket(host: str, port: int) -> socket.socket:
    """A socket that listens on one address; port 0 takes a free one. OSError where it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # TCP by its number: only then does asyncio turn off Nagle's delay (40 ms a reply).
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host.removeprefix("[").removesuffix("]"), port))
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    return made
