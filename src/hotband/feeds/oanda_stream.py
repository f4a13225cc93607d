"""OANDA's price stream as an iterator that outlives its connections.

The broker sends a heartbeat every 5 s. Silence for ``DEAD_S`` means that the link is dead,
whatever the socket says: it is given up and made anew.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeGuard

import httpx

from hotband.feeds.oanda_client import (
    connect,
    require_names,
    silent,
    tracer,
    transport_failure,
)
from hotband.feeds.oanda_credentials import OandaAccess
from hotband.feeds.oanda_pace import Pace, connections_pace
from hotband.feeds.oanda_prices import Heartbeat, Message, NoQuote, Quote, parse_message
from hotband.feeds.oanda_replies import (
    DEFAULT_PATIENCE,
    NotNowError,
    Patience,
    attempts,
    check_status,
    decoded,
    unavailable,
)

DEAD_S: Final = 10.0
SETTLED_S: Final = 30.0
"""A connection that lived as long renews the patience for the next."""
_LONGEST_LINE: Final = 1_000_000
_SHOWN: Final = "GET /v3/accounts/{account}/pricing/stream"


@dataclass(slots=True)
class StreamCounts:
    """What came through a stream so far, all connections together.

    ``without_quote``: prices without a bid or an ask. ``crossed``: quotes whose ask is below
    the bid; they are not given on. ``unknown``: lines of another kind.
    """

    quotes: int = 0
    heartbeats: int = 0
    without_quote: int = 0
    crossed: int = 0
    unknown: int = 0
    connections: int = 0


class OandaStream:
    """Quotes of some instruments as they come; iterate once, for one thread.

    At most one quote per instrument and 250 ms comes, the last of that time, so highs and lows
    of bars made of them differ from the broker's candles.

    Args:
        access: Who asks, and where; with an account.
        instruments: Names such as ``EUR_USD``.
        patience: How often a lost connection is made anew, and after what waits.
        heard: Called with a plain line before each of these.
        ends: Asked at each message, heartbeats too; true ends the iteration.
        dead_s: Silence that counts as a dead link.
        connections: Pace of new connections; share it with a client of the same address.

    Raises:
        InputError: The API refuses the token, the account or an instrument.
        StoreUnavailableError: No connection holds; ``patience`` has ended.
    """

    def __init__(
        self,
        access: OandaAccess,
        instruments: Sequence[str],
        patience: Patience = DEFAULT_PATIENCE,
        heard: Callable[[str], None] = silent,
        *,
        ends: Callable[[], bool] = lambda: False,
        dead_s: float = DEAD_S,
        connections: Pace | None = None,
    ) -> None:
        require_names(instruments)
        self.access, self.instruments, self.patience = access, tuple(instruments), patience
        self.counts = StreamCounts()
        self._heard, self._ends, self._dead_s = heard, ends, dead_s
        self._trace = tracer(connections or connections_pace())
        self._path = f"/v3/accounts/{access.require_account()}/pricing/stream"

    def __iter__(self) -> Iterator[Quote]:
        """Quotes, over as many connections as it takes."""
        try:
            while not self._ends():
                # Ends once a connection did what it should: lived long, or saw the end.
                for attempt in attempts(self.patience, self._heard):
                    with attempt:
                        yield from self._until_lost()
        except NotNowError as error:
            raise unavailable(error, _SHOWN, self.patience) from error

    def _until_lost(self) -> Iterator[Quote]:
        """One connection; NotNowError where it did not last."""
        began = time.monotonic()
        try:
            yield from self._connection()
        except NotNowError as error:
            if time.monotonic() - began < SETTLED_S:
                raise
            self._heard(f"OANDA: {error.got}; connecting again")

    def _connection(self) -> Iterator[Quote]:
        self.counts.connections += 1
        query = {"instruments": ",".join(self.instruments)}
        url = self.access.stream_url + self._path
        lost = None
        with connect(self.access, url, self.patience, self._dead_s) as http:
            try:
                with http.stream(
                    "GET", url, params=query, extensions={"trace": self._trace}
                ) as reply:
                    body = b"" if reply.status_code == 200 else reply.read()
                    body = self.access.token.hidden_in_bytes(body)
                    check_status(reply.status_code, reply.headers, body, _SHOWN, self.access)
                    yield from self._quotes(reply)
            except httpx.RequestError as error:
                lost = transport_failure(error)
        if lost is not None:
            raise lost  # outside the handler: the cause would carry the request and its token
        if not self._ends():
            raise NotNowError("cut", "the stream ended")

    def _quotes(self, reply: httpx.Response) -> Iterator[Quote]:
        last, rest = time.monotonic(), b""
        for part in reply.iter_bytes():
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                if not line.strip():
                    continue
                message = parse_message(decoded(line))
                if message is None:
                    self.counts.unknown += 1
                    continue
                last = time.monotonic()
                if self._counted(message):
                    yield message
                if self._ends():
                    return
            if time.monotonic() - last > self._dead_s or len(rest) > _LONGEST_LINE:
                raise NotNowError("slow", f"no price and no heartbeat for {self._dead_s:g} s")

    def _counted(self, message: Message) -> TypeGuard[Quote]:
        """Count a message; whether it is a quote to give on."""
        counts = self.counts
        match message:
            case Heartbeat():
                counts.heartbeats += 1
            case NoQuote():
                counts.without_quote += 1
            case Quote() if message.ask < message.bid:
                counts.crossed += 1
            case Quote():
                counts.quotes += 1
                return True
        return False
