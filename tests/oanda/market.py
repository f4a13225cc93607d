"""The candles that the stub sells: years of them, the same for the same question.

Whether a period has a candle, and at which prices, follows from its time alone, so that two
fetches of one stretch, however cut into pages, must end in the same bars.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from hotband.feeds.quality import slot_open
from hotband.market.calendar import (
    DAY_NS,
    DEFAULT_HOURS,
    HOUR_NS,
    MINUTE_NS,
    SECOND_NS,
    format_time,
    parse_granularity,
    parse_time,
    wall_instants,
)

Times = npt.NDArray[np.int64]
SUNDAY_TO_THURSDAY: Final = frozenset({6, 0, 1, 2, 3})
POINTS: Final = {"EUR_USD": (108_500, 5), "GBP_USD": (126_900, 5), "USD_JPY": (150_000, 3)}
"""Price around which each instrument moves, in points, and decimals of a price."""


@dataclass
class Market:
    """What there is to sell.

    ``missing``: share of periods without a tick; ``holes``: (start, end) without any;
    ``first``: where history begins. ``counts``: whether ``count`` counts candles or periods;
    ``overlap``: periods before its start that a page repeats.
    """

    now: str = "2026-03-06T20:00:30Z"
    first: str = "2010-01-03T22:00:00Z"
    missing: float = 0.02
    holes: Sequence[tuple[str, str]] = ()
    counts: Literal["candles", "periods"] = "candles"
    overlap: int = 0
    known: dict[str, tuple[int, int]] = field(default_factory=lambda: dict(POINTS))

    @property
    def now_ns(self) -> int:
        return parse_time(self.now)

    def at_once(self) -> "Market":
        """The same at this moment, however time goes on: a reply is of one moment."""
        held = {each.name: getattr(self, each.name) for each in fields(Market)}
        return Market(**held | {"now": format_time(self.now_ns)})

    def opens(self, granularity: str, start_ns: int, end_ns: int) -> Times:
        """Open times with a candle, in [start, end) and up to now."""
        step = parse_granularity(granularity)
        start_ns = max(start_ns, parse_time(self.first))
        end_ns = min(end_ns, self.now_ns + 1)
        if end_ns <= start_ns:
            return np.empty(0, dtype=np.int64)
        if step <= HOUR_NS:
            t = np.arange(-(-start_ns // step) * step, end_ns, step, dtype=np.int64)
            t = t[slot_open(t, step, DEFAULT_HOURS)]
        else:
            days = wall_instants("America/New_York", 17 * 60, SUNDAY_TO_THURSDAY)[1]
            days = days[(days > start_ns - DAY_NS) & (days < end_ns)]
            t = (days[:, None] + np.arange(0, DAY_NS, step, dtype=np.int64)).ravel()
            t = t[(t >= start_ns) & (t < end_ns)]
        draw = (t // SECOND_NS).astype(np.uint64) * np.uint64(2654435761) % np.uint64(10_000)
        keep = draw >= int(self.missing * 10_000)
        for begin, end in self.holes:
            keep &= (t < parse_time(begin)) | (t >= parse_time(end))
        return t[keep]

    def page(self, granularity: str, start_ns: int | None, count: int) -> Times:
        """What a request with ``from`` and ``count`` finds; without ``from`` the newest."""
        step = parse_granularity(granularity)
        if start_ns is None:
            return self._newest(granularity, count)
        # The candle that covers the start counts as the first.
        at = start_ns - (1 + self.overlap) * step + 1
        if self.counts == "periods":
            return self.opens(granularity, at, start_ns + count * step)
        found: list[Times] = []
        held = 0
        while held < count and at <= self.now_ns:
            until = at + 2 * count * step + 4 * DAY_NS
            found.append(self.opens(granularity, at, until))
            held += len(found[-1])
            at = until
        return np.concatenate([*found, np.empty(0, dtype=np.int64)])[:count]

    def _newest(self, granularity: str, count: int) -> Times:
        span = 2 * count * parse_granularity(granularity) + 10 * DAY_NS
        t = self.opens(granularity, self.now_ns - span, self.now_ns + 1)
        return t[-count:]

    def newest(self, granularity: str) -> int:
        """Open time of the newest candle, which is not complete."""
        return int(self._newest(granularity, 1)[-1])

    def points(self, instrument: str, t: Times) -> Times:
        """Mid price at times, in points."""
        base, _ = self.known[instrument]
        minutes = t / MINUTE_NS
        wave = 0.004 * np.sin(minutes / 977.0) + 0.0005 * np.sin(minutes / 13.0)
        return np.rint(base * (1.0 + wave)).astype(np.int64)

    def prices(self, instrument: str, granularity: str, t: Times, side: str) -> Times:
        """(n, 4) open, high, low, close in points."""
        step = parse_granularity(granularity)
        jitter = (t // step % 7).astype(np.int64)
        first, last = self.points(instrument, t), self.points(instrument, t + step)
        half = 4 + jitter % 3
        shift = {"bid": -half, "ask": half, "mid": 0 * half}[side]
        high = np.maximum(first, last) + 1 + jitter
        low = np.minimum(first, last) - 1 - jitter % 4
        return np.stack([one + shift for one in (first, high, low, last)], axis=1)

    def reply(
        self, instrument: str, granularity: str, t: Times, sides: Sequence[str]
    ) -> dict[str, Any]:
        """The body of a reply, in the API's form: numbers as text, nine decimals of a second."""
        _, decimals = self.known[instrument]
        scale = 10.0**decimals
        blocks = {}
        for side in sides:
            table = self.prices(instrument, granularity, t, side)
            blocks[side] = [[f"{p / scale:.{decimals}f}" for p in row] for row in table.tolist()]
        newest = self.newest(granularity) if len(t) else 0
        candles = []
        for i, at in enumerate(t.tolist()):
            row: dict[str, Any] = {
                "complete": at != newest,
                "volume": 1 + at // MINUTE_NS % 90,
                "time": f"{format_time(at)[:-1]}.000000000Z",
            }
            for side in sides:
                row[side] = dict(zip("ohlc", blocks[side][i], strict=True))
            candles.append(row)
        return {"instrument": instrument, "granularity": granularity, "candles": candles}
