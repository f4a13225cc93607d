"""Answers what every page asks over and over, where the reply is at hand, without a route.

The routes of status and latest make the replies and describe them; most of what a poll costs is
the way to them. This stands behind access control, so that nothing is answered that would not be.
"""

from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from hotband.service.container import Body, Service

if TYPE_CHECKING:
    from collections.abc import Callable

STATUS: Final = "/api/backtests/status"
LATEST: Final = "/api/backtests/latest"


class Polls:
    """ASGI application that answers polls and hands all else to ``app``."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app = app
        self._held: dict[str, Callable[[], Body | None]] = {
            STATUS: service.held_status,
            LATEST: service.held_latest,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        held = None
        if scope["type"] == "http" and scope["method"] == "GET" and not scope["query_string"]:
            find = self._held.get(scope["path"])
            held = None if find is None else find()
        if held is None:
            await self.app(scope, receive, send)
            return
        # What logs and numbers call it.
        scope["route"] = SimpleNamespace(path_format=scope["path"])
        known = held.etag.encode() in _given(scope)
        headers = [(b"etag", held.etag.encode()), (b"cache-control", b"private, no-cache")]
        body = b"" if known else held.data
        if not known:
            headers += [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body)).encode()),
            ]
        status = 304 if known else 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _given(scope: Scope) -> list[bytes]:
    return [
        part.strip()
        for name, value in scope["headers"]
        if name == b"if-none-match"
        for part in value.split(b",")
    ]
