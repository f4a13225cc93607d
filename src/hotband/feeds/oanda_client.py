"""OANDA's v20 API over HTTP, to read and nothing else: every request is a GET.

One connection is kept alive, requests are paced, and what may pass is asked again. The account
can not be changed from here: there is no function that could send anything else.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Self

import httpx

from hotband.errors import InputError, InstrumentError, IntegrityError
from hotband.feeds.oanda_account import (
    AccountSummary,
    OandaInstrument,
    parse_instruments,
    parse_summary,
)
from hotband.feeds.oanda_candles import Candles, parse_candles
from hotband.feeds.oanda_credentials import OandaAccess, is_loopback
from hotband.feeds.oanda_pace import Pace, connections_pace, requests_pace
from hotband.feeds.oanda_prices import NoQuote, Quote, parse_prices
from hotband.feeds.oanda_replies import (
    DEFAULT_PATIENCE,
    NotNowError,
    Patience,
    attempts,
    check_status,
    decoded,
    unavailable,
)
from hotband.market.calendar import format_time, parse_granularity
from hotband.market.instruments import load_instruments

MOST_CANDLES: Final = 5000
"""Of one reply, as the API sets it."""
PRICE_LETTERS: Final = {"ba": "BA", "bid": "B", "ask": "A", "mid": "M"}
_NAME: Final = re.compile(r"[A-Z0-9]{2,20}_[A-Z]{3}")
_MOST_BYTES: Final = 64_000_000


def silent(_line: str) -> None:
    """Hears nothing."""


def connect(access: OandaAccess, url: str, patience: Patience, read_s: float) -> httpx.Client:
    """One connection to an address, with the token on every request."""
    return httpx.Client(
        headers={
            "Authorization": f"Bearer {access.token.reveal()}",
            "Accept-Datetime-Format": "RFC3339",
            "Accept": "application/json",
        },
        timeout=httpx.Timeout(patience.connect_s, read=read_s),
        limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=60),
        follow_redirects=False,  # a redirect would carry the token elsewhere
        trust_env=not is_loopback(url),
    )


def tracer(connections: Pace) -> Callable[[str, Mapping[str, Any]], None]:
    """An httpx trace that holds each new connection until its turn."""

    def trace(event: str, _info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.started":
            connections.wait()

    return trace


def transport_failure(error: httpx.RequestError) -> NotNowError:
    """What broke on the way, without the request, which holds the token."""
    kind = type(error).__name__
    match error:
        case httpx.TimeoutException():
            return NotNowError("slow", f"no answer in time ({kind})")
        case httpx.ConnectError() | httpx.ProxyError():
            return NotNowError("down", f"no connection ({kind})")
        case httpx.TransportError() | httpx.DecodingError():
            return NotNowError("cut", f"a reply that was cut ({kind})")
    return NotNowError("down", kind)


def require_names(instruments: Sequence[str]) -> None:
    """Refuse what cannot be an instrument, before it becomes part of an address.

    Raises:
        InstrumentError: With the nearest known name.
    """
    for name in instruments or ("nothing",):
        if not _NAME.fullmatch(name):
            allowed = "names such as EUR_USD"
            do = "Write base, _ and quote in capitals."
            raise InstrumentError("instrument", name, allowed, do, near=load_instruments())


class OandaClient:
    """Reads candles, instruments, the account and prices; for one thread at a time.

    Every method raises InputError for what the API refuses (a wrong token, account or name),
    with its own words, BarsError for a reply of another shape, and StoreUnavailableError where
    it does not answer as it should within ``patience``.

    Args:
        access: Who asks, and where.
        patience: How long the servers are borne with.
        heard: Called with a plain line before each further try.
        requests: Pace of requests; by default ``requests_pace()``.
        connections: Pace of new connections; by default ``connections_pace()``.
    """

    def __init__(
        self,
        access: OandaAccess,
        patience: Patience = DEFAULT_PATIENCE,
        heard: Callable[[str], None] = silent,
        requests: Pace | None = None,
        connections: Pace | None = None,
    ) -> None:
        self.access, self.patience, self.heard = access, patience, heard
        self.requests = requests or requests_pace()
        self.connections = connections or connections_pace()
        self._http = connect(access, access.url, patience, patience.read_s)
        self._trace = tracer(self.connections)

    def __repr__(self) -> str:
        return f"OandaClient({self.access.environment}, {self.access.url})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def candles(
        self,
        instrument: str,
        granularity: str,
        *,
        start_ns: int | None = None,
        count: int = MOST_CANDLES,
        side: str = "ba",
    ) -> Candles:
        """Up to ``count`` candles from ``start_ns`` on, or the newest; fewer is no end.

        Days begin at 17:00 New York, as everywhere here, and so do H2 to H12. No end is ever
        sent: the API refuses one that its clock has not reached.

        Args:
            instrument: Name such as ``EUR_USD``.
            granularity: S5 to D.
            start_ns: Of the first candle, or inside it.
            count: 1 to 5000.
            side: ``ba``, or only ``mid``, ``bid`` or ``ask``.
        """
        require_names([instrument])
        parse_granularity(granularity)
        if not 1 <= count <= MOST_CANDLES:
            raise InputError("count", count, f"1 to {MOST_CANDLES}", "Ask for fewer.")
        if side not in PRICE_LETTERS:
            allowed = ", ".join(PRICE_LETTERS)
            raise InputError("side", side, allowed, "Choose one.", near=PRICE_LETTERS)
        query = {
            "price": PRICE_LETTERS[side],
            "granularity": granularity,
            "count": str(count),
            "dailyAlignment": "17",
            "alignmentTimezone": "America/New_York",
        }
        if start_ns is not None:
            query["from"] = format_time(start_ns)
        path = f"/v3/instruments/{instrument}/candles"
        found = parse_candles(self._get(path, query), "reply")
        asked, given = (instrument, granularity), (found.instrument, found.granularity)
        if given != asked or (found.last_seen_ns is not None and found.side != side):
            raise InputError(
                f"OANDA's reply to GET {path}",
                f"{' '.join(given)}, {found.side}",
                f"{' '.join(asked)}, {side}",
                "Check OANDA_URL: what stands between mixes replies up.",
            )
        return found

    def instruments(self, names: Sequence[str] = ()) -> tuple[OandaInstrument, ...]:
        """What the account may trade, with its margin rates; all, or just ``names``."""
        query = {}
        if names:
            require_names(names)
            query["instruments"] = ",".join(names)
        return parse_instruments(self._get("/v3/accounts/{account}/instruments", query))

    def summary(self) -> AccountSummary:
        """The account now."""
        return parse_summary(self._get("/v3/accounts/{account}/summary", {}))

    def prices(self, names: Sequence[str]) -> tuple[Quote | NoQuote, ...]:
        """The prices now; one without a bid or an ask is a ``NoQuote``."""
        require_names(names)
        query = {"instruments": ",".join(names), "includeHomeConversions": "false"}
        return parse_prices(self._get("/v3/accounts/{account}/pricing", query))

    def _get(self, path: str, query: Mapping[str, str]) -> Any:
        """The JSON at a path; ``{account}`` in it stands for the account."""
        shown = f"GET {path}"
        if "{account}" in path:
            path = path.replace("{account}", self.access.require_account())
        try:
            for attempt in attempts(self.patience, self.heard):
                with attempt:
                    return self._once(path, query, shown)
        except NotNowError as error:
            raise unavailable(error, shown, self.patience) from error
        raise IntegrityError("tries of a request", "none", "one or more", "Report this.")

    def _once(self, path: str, query: Mapping[str, str], shown: str) -> Any:
        self.requests.wait()
        status, headers, body = self._exchange(path, query)
        check_status(status, headers, body, shown, self.access)
        return decoded(body)

    def _exchange(self, path: str, query: Mapping[str, str]) -> tuple[int, httpx.Headers, bytes]:
        url, trace = self.access.url + path, {"trace": self._trace}
        try:
            with self._http.stream("GET", url, params=dict(query), extensions=trace) as reply:
                body = self.access.token.hidden_in_bytes(self._body(reply))
                return reply.status_code, reply.headers, body
        except httpx.RequestError as error:
            broken = transport_failure(error)
        raise broken  # outside the handler: the cause would carry the request and its token

    def _body(self, reply: httpx.Response) -> bytes:
        """The whole body, within the time for it; a reply that drips in may not last for ever."""
        until = time.monotonic() + self.patience.whole_s
        parts, size = [], 0
        for part in reply.iter_bytes():
            parts.append(part)
            size += len(part)
            if time.monotonic() > until:
                raise NotNowError("slow", f"a reply not whole after {self.patience.whole_s:g} s")
            if size > _MOST_BYTES:
                raise InputError(
                    "OANDA's reply", f"over {size:,} bytes", f"{_MOST_BYTES:,}", "Check OANDA_URL."
                )
        return b"".join(parts)
