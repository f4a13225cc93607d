"""Prices around an instrument's trades: bars of a store as candles, with entries and exits.

The bars are those that the store holds now. Whether they are still those of the run says the
hash of its provenance.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import Field

from hotband.artefacts.schemas import Instrument, Latest
from hotband.artefacts.values import Instant
from hotband.core.records import Records
from hotband.errors import WindowError
from hotband.market.bars import Bars
from hotband.market.calendar import (
    DAY_NS,
    DEFAULT_HOURS,
    GRANULARITIES,
    MILLISECOND_NS,
    MINUTE_NS,
    MarketHours,
    clock_minute,
    format_time,
    parse_granularity,
    parse_time,
    zone_clock,
)
from hotband.research.history import history_of
from hotband.service.results.reduction import DEFAULT_POINTS, checked_points
from hotband.service.results.replies import (
    PHASES,
    ROW,
    Absent,
    Phase,
    Reply,
    TableSource,
    entry_of,
    known_value,
    span_ns,
)
from hotband.service.results.trades import trades_between
from hotband.stores.ports import BarStore

Times = npt.NDArray[np.int64]

SIDES: Final = ("mid", "bid", "ask")
MOST_MARKERS: Final = 5_000
_DAYS_OF_WEEK: Final = 7
_MONDAY: Final = 3
"""1970-01-01 was a Thursday: with so many days more, weeks of seven begin on Mondays."""


class Marker(Reply):
    """One entry or exit."""

    trade: int
    """The trade's ``id``."""
    kind: Literal["entry", "exit"]
    direction: Literal["LONG", "SHORT"]
    time_ms: int
    candle_ms: int | None
    """The candle that it lies in; null where the store has no bar so early."""
    price: float
    pnl: float | None
    """Of the trade, at its exit."""
    reason: str | None
    """Why it left."""


class Candles(Reply):
    """Candles of an instrument; columns of equal length, times when the candle begins.

    A candle of up to a day begins a whole number of its lengths after the trading day does and
    ends with it at the latest, so that none spans a closed weekend. Longer ones are whole
    trading weeks and begin with their first bar.
    """

    run_id: str
    instrument: str
    granularity: str
    """Of the bars that the candles are made of."""
    side: Literal["mid", "bid", "ask"]
    phase: Phase
    """Of the trades that are marked."""
    bucket_minutes: float | None
    """How long a candle is; null without candles."""
    weeks: int | None
    """How many trading weeks, where it is longer than a day."""
    start: Instant
    end: Instant
    time_ms: tuple[int, ...]
    open: tuple[float, ...]
    high: tuple[float, ...]
    low: tuple[float, ...]
    close: tuple[float, ...]
    volume: tuple[float | None, ...]
    """Null where it is unknown for a bar of the candle."""
    points: int = Field(ge=0)
    stands_for: int = Field(ge=0)
    """Bars that the candles are made of."""
    source: str | None
    """Where the prices come from, such as ``oanda``."""
    side_origin: str | None
    """Which sides the source had: ``ba`` = both."""
    bars_changed: bool | None
    """Whether the store's bars of the look-back differ from those of the run; null where the
    run says nothing of them."""
    markers: tuple[Marker, ...] = ()
    markers_found: int = Field(ge=0)
    """At most 5,000 of them are sent, the first by time."""
    absent: Absent | None = None


@dataclass(frozen=True, slots=True)
class CandleRequest:
    """Which bars, and whose trades; ``start`` and ``end`` None = those of the run's window."""

    granularity: str = "M1"
    side: str = "mid"
    start: str | None = None
    end: str | None = None
    max_points: int = DEFAULT_POINTS
    hours: MarketHours = DEFAULT_HOURS
    phase: str = "look_back"


def candles(
    store: BarStore, source: TableSource, latest: Latest, instrument: str, request: CandleRequest
) -> Candles:
    """Candles over a span, as short as ``max_points`` allows, and the trades that lie in it.

    Raises:
        InputError: An unknown instrument, side, phase or granularity, a span without time.
        StoreError: The store cannot be read.
    """
    entry_of(latest, instrument)
    known_value("side", request.side, SIDES)
    known_value("phase", request.phase, PHASES)
    parse_granularity(request.granularity)
    checked_points(request.max_points)
    start = request.start or latest.window.start
    end = request.end or latest.window.end
    span_ns(start, end)
    span = parse_time(start), parse_time(end)
    named: dict[str, Any] = {"run_id": latest.run_id, "instrument": instrument}
    named |= {"granularity": request.granularity, "side": request.side, "phase": request.phase}
    named |= {"start": format_time(span[0]), "end": format_time(span[1])}
    named["bars_changed"] = bars_changed(store, latest, instrument, request.granularity)
    bars = _bars(store, instrument, request.granularity, span)
    if isinstance(bars, Absent):
        absent, prices, t = bars, _NOTHING, np.empty(0, np.int64)
    else:
        absent, prices = None, _aggregated(bars, request)
        t = np.array(prices["time_ms"], np.int64)
    trades = trades_between(source, latest, instrument, request.phase, span)
    marks = _markers(trades, t, span)
    return Candles(
        markers=tuple(marks[:MOST_MARKERS]),
        markers_found=len(marks),
        absent=absent,
        **prices,
        **named,
    )


_NOTHING: Final[dict[str, Any]] = {
    **dict.fromkeys(("time_ms", "open", "high", "low", "close", "volume"), ()),
    **dict.fromkeys(("bucket_minutes", "weeks", "source", "side_origin"), None),
    "points": 0,
    "stands_for": 0,
}


def _bars(
    store: BarStore, instrument: str, granularity: str, span: tuple[int, int]
) -> Bars | Absent:
    extent = store.extent(instrument, granularity)
    if extent is None:
        text = f"the store has no {granularity} bars of {instrument}"
        return Absent(code="no_bars", text=text)
    try:
        bars = store.read(instrument, granularity, *span)
    except WindowError as error:
        return Absent(code="no_bars", text=str(error))
    if not len(bars):
        text = f"no {granularity} bar of {instrument} lies in the span"
        return Absent(code="no_bars", text=text)
    return bars


def bars_changed(store: BarStore, latest: Latest, instrument: str, granularity: str) -> bool | None:
    """Whether the store's bars differ from those that chose the instrument's cell.

    The hash of a run covers the bars of its look-back and the warm-up before it. A result does
    not say of which granularity they were: ``granularity`` is tried first, then what else the
    store has. None for an instrument that failed. Bars that are gone have changed.
    """
    entry = latest.instruments.get(instrument)
    made_of = latest.provenance.bars.get(instrument)
    if not isinstance(entry, Instrument) or made_of is None:
        return None
    window = entry.judgement.look_back
    span = parse_time(window.start), parse_time(window.end)
    held = store.granularities(instrument)
    tried = sorted(held, key=lambda name: (name != granularity, GRANULARITIES[name]))
    return not any(_hash(store, instrument, name, span) == made_of for name in tried)


def _hash(store: BarStore, instrument: str, granularity: str, span: tuple[int, int]) -> str | None:
    try:
        return history_of(store, instrument, granularity, span).content_hash
    except WindowError:
        return None  # bars that are gone have no hash, which is the answer


# Buckets ---------------------------------------------------------------------------------------


def _aggregated(bars: Bars, request: CandleRequest) -> dict[str, Any]:
    """The columns of Candles that come from bars; there is at least one bar."""
    begins, first, length_ns, weeks = buckets(bars, request.max_points, request.hours)
    last = np.append(first[1:], len(bars)) - 1
    o, high, low, c = (_prices(bars.data, request.side, letter) for letter in "ohlc")
    volume = pl.Series(np.add.reduceat(bars.data["volume"], first), nan_to_null=True)
    return {
        "time_ms": (begins // MILLISECOND_NS).tolist(),
        "open": o[first].tolist(),
        "high": np.maximum.reduceat(high, first).tolist(),
        "low": np.minimum.reduceat(low, first).tolist(),
        "close": c[last].tolist(),
        "volume": volume.to_list(),
        "bucket_minutes": length_ns / MINUTE_NS,
        "weeks": weeks,
        "points": len(first),
        "stands_for": len(bars),
        "source": bars.source,
        "side_origin": bars.side_origin,
    }


def _prices(data: Records, side: str, letter: str) -> npt.NDArray[np.float64]:
    if side != "mid":
        return np.ascontiguousarray(data[f"{side}_{letter}"])
    return np.asarray((data[f"bid_{letter}"] + data[f"ask_{letter}"]) / 2.0)


def buckets(bars: Bars, most: int, hours: MarketHours) -> tuple[Times, Times, int, int | None]:
    """(begins_ns, index of the first bar, length_ns, weeks) of the shortest candles that fit.

    Lengths are whole multiples of the granularity that divide a day, then the trading day,
    then 1, 2, 4 ... trading weeks.
    """
    t, step = bars.data["t"].astype(np.int64), bars.granularity_ns
    if len(t) <= most:
        return t, np.arange(len(t)), step, None
    local = zone_clock(hours.zone).to_local(t)
    since_roll = (local - clock_minute("roll", hours.roll) * MINUTE_NS) % DAY_NS
    day = hours.trading_day(t).astype(np.int64)
    least = -(-len(t) // most) * step
    for length in range(step, DAY_NS + 1, step):
        if DAY_NS % length or length < min(least, DAY_NS):
            continue
        place = day * DAY_NS + since_roll // length * length
        first = _firsts(place)
        if len(first) <= most:
            return (t - since_roll % length)[first], first, length, None
    week = (day + _MONDAY) // _DAYS_OF_WEEK
    weeks = 1
    while True:
        first = _firsts((week - week[0]) // weeks)
        if len(first) <= most:
            return t[first], first, weeks * _DAYS_OF_WEEK * DAY_NS, weeks
        weeks *= 2


def _firsts(place: Times) -> Times:
    return np.concatenate(([0], np.flatnonzero(np.diff(place)) + 1))


# Markers ---------------------------------------------------------------------------------------


def _markers(
    trades: pl.DataFrame | Absent, candle_ms: Times, span: tuple[int, int]
) -> list[Marker]:
    if isinstance(trades, Absent):
        return []
    found: list[Marker] = []
    times = pl.col("entry_time", "exit_time").dt.timestamp("ns")
    for row in trades.with_columns(times).iter_rows(named=True):
        for kind in ("entry", "exit"):
            t_ns = row[f"{kind}_time"]
            if not span[0] <= t_ns < span[1]:
                continue
            t_ms = t_ns // MILLISECOND_NS
            at = int(np.searchsorted(candle_ms, t_ms, side="right")) - 1
            leaves = kind == "exit"
            found.append(
                Marker(
                    trade=row[ROW],
                    kind="exit" if leaves else "entry",
                    direction=row["direction"],
                    time_ms=t_ms,
                    candle_ms=int(candle_ms[at]) if at >= 0 else None,
                    price=row[f"{kind}_price"],
                    pnl=row["pnl"] if leaves else None,
                    reason=row["exit_reason"] if leaves else None,
                )
            )
    return sorted(found, key=lambda mark: (mark.time_ms, mark.trade))
