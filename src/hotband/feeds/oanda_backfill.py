"""A stretch of OANDA's history, page by page, without a clock and without an early end.

A page may be short or empty where the market was closed or nobody quoted: that is no end. What
ends it is the newest candle that the server has, which it is asked for once, before the first
page; so no time of this machine is ever compared with a time of the server.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from hotband.errors import BarsError
from hotband.feeds.oanda_candles import Candles
from hotband.feeds.oanda_client import MOST_CANDLES, OandaClient
from hotband.market.calendar import parse_granularity


@dataclass(frozen=True, eq=False, slots=True)
class Page:
    """Candles of [start, through): all complete ones that the server has there.

    ``incomplete``, ``repeated``: candles of the reply that were left out.
    """

    candles: Candles
    start_ns: int
    through_ns: int
    incomplete: int
    repeated: int


def newest_ns(client: OandaClient, instrument: str, granularity: str, side: str = "ba") -> int:
    """Open time of the newest candle, complete or not; BarsError where there is none."""
    found = client.candles(instrument, granularity, count=2, side=side)
    if found.last_seen_ns is None:
        raise BarsError(
            f"candles of {instrument} {granularity}",
            "none, not even a newest one",
            "an instrument that is quoted",
            "Check the name and the environment.",
        )
    return found.last_seen_ns


def pages(
    client: OandaClient,
    instrument: str,
    granularity: str,
    start_ns: int,
    end_ns: int,
    *,
    newest: int,
    side: str = "ba",
) -> Iterator[Page]:
    """The pages of [start, end) in turn, each from where the one before ended.

    The server counts ``count`` in candles or in periods, as it likes: a page with none moves
    on by ``count`` periods, any other to behind its last complete candle. So a hole of weeks
    costs a few requests, and no page is asked for twice.

    Args:
        client: To ask.
        instrument: Name such as ``EUR_USD``.
        granularity: S5 to D.
        start_ns: Candles open at or after it.
        end_ns: Candles are known by it; may be later than the newest.
        newest: Of ``newest_ns``, from before the first page.
        side: ``ba``, or only ``mid``, ``bid`` or ``ask``.

    Raises:
        InputError, StoreUnavailableError: As the client does.
    """
    step = parse_granularity(granularity)
    last = min(end_ns, newest + step)
    at = start_ns
    while at < last:
        # One more than fit, as a start inside a candle gets that candle, too.
        count = min(MOST_CANDLES, -(-(last - at) // step) + 1)
        reply = client.candles(instrument, granularity, start_ns=at, count=count, side=side)
        fresh = reply.between(at, last)
        seen = reply.t_ns[reply.t_ns >= at]
        if seen.size:
            through = min(int(seen[-1]) + step, last)
        elif reply.incomplete:
            return  # the newest is not complete yet, and nothing before it is
        else:
            through = min(at + count * step, last)
        yield Page(fresh, at, through, reply.incomplete, reply.repeated)
        if reply.incomplete:
            return
        at = through
