"""A server on this machine that answers as OANDA's v20 API does, and fails as it does.

It refuses what the real one refuses, counts what it was asked, and takes a list of faults: one
for each request to come, None for a good answer.
"""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from hotband.errors import HotbandError
from hotband.market.calendar import parse_granularity, parse_time
from tests.oanda import bodies
from tests.oanda.market import Market

TOKEN: Final = "0123456789abcdef-secret-of-the-stub"  # noqa: S105 # of nobody
Fault: TypeAlias = Literal[
    "429", "429 in 1 s", "429 by date", "429 in 9999 s", "429 page", "500", "503 empty",
    "truncated", "cut", "not json", "slow", "drip", "reset", "redirect", "echo",
]  # fmt: skip
PAGE: Final = b"<html><body>" + b"<p>Bad gateway</p>" * 500 + b"</body></html>"
SIDES: Final = {"B": "bid", "M": "mid", "A": "ask"}
REQUESTS_A_SECOND: Final = 120
CONNECTIONS_A_SECOND: Final = 2


class RefusalError(Exception):
    """A status and what the API says with it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass
class Stub:
    """The server; a context in which it answers at ``url``.

    ``streams``: for each stream connection a list of lines (as objects), of raw text and of
    seconds to be silent; the last one serves all further ones. ``seen``: every request.
    """

    market: Market = field(default_factory=Market)
    faults: list[Fault | None] = field(default_factory=list)
    streams: list[list[Any]] = field(default_factory=list)
    margin_rate: str | None = None
    slow_s: float = 1.5
    seen: list[tuple[float, str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list, repr=False)  # hold the token
    connected: list[float] = field(default_factory=list)
    turned_away: int = 0

    def __enter__(self) -> "Stub":
        self.lock = threading.Lock()
        stub = self

        class Handler(_Handler):
            owner = stub

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which a client finds it."""
        return {"OANDA_URL": self.url, "OANDA_TOKEN": TOKEN, "OANDA_ACCOUNT": bodies.ACCOUNT}

    @property
    def paths(self) -> list[str]:
        return [path for _, _, path in self.seen]

    @property
    def verbs(self) -> set[str]:
        return {verb for _, verb, _ in self.seen}

    def wait_for_room(self) -> None:
        """Until one more connection is taken: one client keeps to the limit, several may not."""
        while not self._room():
            time.sleep(0.02)

    def connect(self) -> bool:
        """Note a connection; whether it is taken."""
        with self.lock:
            taken = self._room()
            self.connected.append(time.monotonic())
            self.turned_away += not taken
        return taken

    def _room(self) -> bool:
        now = time.monotonic()
        return sum(now - at < 1.0 for at in self.connected[:]) < CONNECTIONS_A_SECOND

    def peak_rate(self) -> int:
        """Most requests that came within one second."""
        return most_within([at for at, _, _ in self.seen], 1.0)

    def reply(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        """The body of a good answer; RefusalError for what the API refuses."""
        parts = path.strip("/").split("/")
        match parts:
            case ["v3", "instruments", instrument, "candles"]:
                return self._candles(instrument, query)
            case ["v3", "accounts", account, *rest]:
                if account != bodies.ACCOUNT:
                    raise RefusalError(403, "The provided request was forbidden.")
                return self._account(rest, query)
        raise RefusalError(404, "The requested resource was not found.")

    def _account(self, rest: list[str], query: dict[str, str]) -> dict[str, Any]:
        match rest:
            case ["summary"]:
                more = {} if self.margin_rate is None else {"marginRate": self.margin_rate}
                return {"account": bodies.SUMMARY | more, "lastTransactionID": "6410"}
            case ["instruments"]:
                names = query.get("instruments")
                asked = names.split(",") if names else [i["name"] for i in bodies.INSTRUMENTS]
                found = [i for i in bodies.INSTRUMENTS if i["name"] in asked]
                if len(found) < len(asked):
                    raise RefusalError(400, "Invalid value specified for 'instruments'")
                return {"instruments": found, "lastTransactionID": "6410"}
            case ["pricing"]:
                if not query.get("instruments"):
                    raise RefusalError(400, "The request was missing required data")
                asked = query["instruments"].split(",")
                found = [p for p in (bodies.PRICE, bodies.JPY_PRICE) if p["instrument"] in asked]
                reply = {"time": "2026-03-02T14:34:05.120000000Z", "prices": found}
                if query.get("includeHomeConversions", "false").lower() == "true":
                    reply["homeConversions"] = bodies.CONVERSIONS
                return reply
        raise RefusalError(404, "The requested resource was not found.")

    def _candles(self, instrument: str, query: dict[str, str]) -> dict[str, Any]:
        market = self.market.at_once()
        if instrument not in market.known:
            raise RefusalError(400, "Invalid value specified for 'instrument'")
        granularity = query.get("granularity", "S5")
        try:
            step = parse_granularity(granularity)
            count = int(query.get("count", "500"))
            start, end = (parse_time(query[k]) if k in query else None for k in ("from", "to"))
            sides = [SIDES[letter] for letter in query.get("price", "M")]
        except (HotbandError, ValueError, KeyError) as error:
            raise RefusalError(400, "Invalid value specified") from error
        for name, at in (("to", end), ("from", start)):
            if at is not None and at > market.now_ns:
                raise RefusalError(
                    400, f"Invalid value specified for '{name}'. Time is in the future"
                )
        if start is not None and end is not None:
            if "count" in query:
                raise RefusalError(400, "'count' cannot be specified when 'to' and 'from' are")
            count = -(-(end - start) // step)
        if not 1 <= count <= 5000:
            raise RefusalError(400, "Maximum value for 'count' exceeded")
        t = market.page(granularity, start, count)
        return market.reply(instrument, granularity, t if end is None else t[t < end], sides)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        """Connections that clients break are what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    owner: Stub
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, *_: Any) -> None:
        """Silent."""

    def setup(self) -> None:
        super().setup()
        self.refused = not self.owner.connect()

    def handle(self) -> None:
        if not self.refused:
            super().handle()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        fault = self._note()
        if fault is not None:
            self._fail(fault)
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._say(401, {"errorMessage": "Insufficient authorization to perform request."})
        elif self._too_many():
            self._say(429, {"errorMessage": "Rate limit exceeded"})
        elif parts.path == f"/v3/accounts/{bodies.ACCOUNT}/pricing/stream":
            self._stream()
        else:
            try:
                self._say(200, self.owner.reply(parts.path, dict(parse_qsl(parts.query))))
            except RefusalError as refusal:
                self._say(refusal.status, {"errorMessage": refusal.message})

    def _other_verb(self) -> None:
        self._note()
        self._say(405, {"errorMessage": "Method not allowed"})

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._other_verb
        raise AttributeError(name)

    def _note(self) -> Fault | None:
        with self.owner.lock:
            self.owner.seen.append((time.monotonic(), self.command, self.path))
            self.owner.headers.append(dict(self.headers))
            return self.owner.faults.pop(0) if self.owner.faults else None

    def _too_many(self) -> bool:
        now = time.monotonic()
        with self.owner.lock:
            last = [at for at, _, _ in self.owner.seen[-REQUESTS_A_SECOND - 1 :]]
        return len(last) > REQUESTS_A_SECOND and now - last[0] < 1.0

    def _say(self, status: int, document: object, **headers: str) -> None:
        self._send(status, json.dumps(document).encode(), "application/json", headers)

    def _send(
        self, status: int, body: bytes, kind: str, headers: dict[str, str], sent: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("RequestID", "42")
        self.end_headers()
        self.wfile.write(body[:sent])
        self.wfile.flush()

    def _fail(self, fault: Fault) -> None:
        good = json.dumps({"instrument": "EUR_USD", "granularity": "M1", "candles": []}).encode()
        match fault:
            case "429":
                self._send(429, b"", "text/plain", {})
            case "429 in 1 s":
                self._say(429, {"errorMessage": "Slow down"}, Retry_After="1")
            case "429 in 9999 s":
                self._say(429, {"errorMessage": "Come back later"}, Retry_After="9999")
            case "429 by date":
                until = formatdate(time.time() + 2, usegmt=True)
                self._send(429, b"", "text/plain", {"Retry-After": until})
            case "429 page" | "500":
                self._send(int(fault[:3]), PAGE, "text/html", {})
            case "503 empty":
                self._send(503, b"", "text/plain", {})
            case "truncated":
                self._send(200, good, "application/json", {}, sent=20)
                self.close_connection = True
            case "cut":
                self._send(200, good[:20], "application/json", {})
            case "not json":
                self._send(200, PAGE, "text/html", {})
            case "slow":
                time.sleep(self.owner.slow_s)
                self._send(200, good, "application/json", {})
            case "drip":
                self._send(200, good, "application/json", {}, sent=0)
                for byte in good:
                    time.sleep(0.05)
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
            case "reset":
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
                self.connection.close()
            case "redirect":
                self._send(302, b"", "text/plain", {"Location": "http://127.0.0.1:1/elsewhere"})
            case "echo":
                self._say(400, {"errorMessage": f"bad header {self.headers['Authorization']}"})

    def _stream(self) -> None:
        with self.owner.lock:
            scripts = self.owner.streams
            script = scripts.pop(0) if len(scripts) > 1 else scripts[0] if scripts else []
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.close_connection = True
        for step in script:
            if isinstance(step, int | float):
                time.sleep(step)
                continue
            text = step if isinstance(step, str) else f"{json.dumps(step)}\n"
            self.wfile.write(f"{len(text):x}\r\n{text}\r\n".encode())
            self.wfile.flush()


def most_within(times: list[float], seconds: float) -> int:
    """The most of ascending times that lie within so many seconds."""
    first, most = 0, 0
    for i, at in enumerate(times):
        while times[first] <= at - seconds:
            first += 1
        most = max(most, i - first + 1)
    return most
