"""Candles of OANDA's v20 API, from a reply or a saved file, as bars.

A candle that is not complete is left out and counted, as its prices still move. A period
without a tick has no candle, and none is made up.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hotband.core.records import QUOTE, Records
from hotband.errors import BarsError
from hotband.feeds.assembly import (
    ImportReport,
    OnCrossed,
    Reading,
    SpreadSource,
    allow_crossed,
    report_of,
)
from hotband.feeds.blocks import open_bytes
from hotband.feeds.oanda_json import (
    Document,
    is_plain,
    listed,
    mapping,
    number,
    text,
    time_ns,
)
from hotband.market.bars import Bars, Int64Array, SideOrigin, bar_faults
from hotband.market.calendar import format_time, parse_granularity
from hotband.market.instruments import Instrument, get_instrument, load_instruments
from hotband.market.spreads import SpreadProfile, complete_sides

SOURCE: Final = "oanda"
_SIDES: Final[tuple[SideOrigin, ...]] = ("mid", "bid", "ask")


@dataclass(frozen=True, eq=False, slots=True)
class Candles:
    """Complete candles of one instrument, by open time, each time once.

    Attributes:
        instrument: Name such as ``EUR_USD``.
        granularity: Name such as ``M1``.
        side: ``ba`` = both sides; else the only one that the candles have.
        t_ns: Open times, ns UTC, ascending.
        prices: (n, 8) bid o h l c, ask o h l c; with one side (n, 4).
        volume: Number of prices in each, NaN = not said.
        incomplete: Candles left out as not complete.
        repeated: Candles left out as equal to one before.
        last_seen_ns: Open time of the last candle, complete or not; None = there is none.
    """

    instrument: str
    granularity: str
    side: SideOrigin
    t_ns: Int64Array
    prices: npt.NDArray[np.float64]
    volume: npt.NDArray[np.float64]
    incomplete: int
    repeated: int
    last_seen_ns: int | None

    @property
    def step_ns(self) -> int:
        """Length of a candle."""
        return parse_granularity(self.granularity)

    def between(self, start_ns: int, end_ns: int) -> "Candles":
        """Those that open at or after the start and are known by the end."""
        kept = (self.t_ns >= start_ns) & (self.t_ns + self.step_ns <= end_ns)
        return replace(
            self, t_ns=self.t_ns[kept], prices=self.prices[kept], volume=self.volume[kept]
        )

    def bars(
        self, pair: Instrument | None = None, spreads: SpreadProfile | None = None
    ) -> tuple[Bars, int]:
        """Bars, and how many candles were left out as their ask is below their bid.

        Args:
            pair: The instrument of one-sided candles, which need it.
            spreads: The same.

        Raises:
            BarsError: One side without the two, or a candle that breaks another rule of bars.
        """
        if self.side != "ba":
            return self._completed(pair, spreads), 0
        data = self._records()
        crossed = bar_faults(data, self.step_ns)["crossed"]
        data = data[~crossed]
        bars = Bars.from_records(self.instrument, self.granularity, data, source=SOURCE)
        return bars, int(crossed.sum())

    def _records(self) -> Records:
        data = np.empty(len(self.t_ns), dtype=QUOTE)
        data["t"], data["volume"] = self.t_ns, self.volume
        names = (f"{side}_{letter}" for side in ("bid", "ask") for letter in "ohlc")
        for column, name in enumerate(names):
            data[name] = self.prices[:, column]
        return data

    def _completed(self, pair: Instrument | None, spreads: SpreadProfile | None) -> Bars:
        if self.side == "ba" or pair is None or spreads is None:
            raise BarsError(
                f"candles of {self.instrument}",
                f"the {self.side} only",
                "bid and ask, or a spread profile",
                "Ask for price=BA.",
            )
        columns = {"time": self.t_ns, "volume": self.volume}
        columns |= {letter: self.prices[:, i] for i, letter in enumerate("ohlc")}
        return complete_sides(
            columns, self.side, spreads, pair, granularity=self.granularity, source=SOURCE
        )


def parse_candles(document: object, what: str = "candles") -> Candles:
    """Candles of one reply of the candles endpoint.

    The sides are those that every candle has: both where it has bid and ask, else one.

    Args:
        document: The decoded JSON.
        what: The name to use in an error.

    Raises:
        BarsError: Another shape, candles out of order, two of one time that differ, no side
            that all have, or a granularity that bars do not have, such as W.
    """
    reply = mapping(document, what)
    instrument, granularity = (text(reply, key, what) for key in ("instrument", "granularity"))
    parse_granularity(granularity)
    what = f"{what} of {instrument} {granularity}"
    rows = [mapping(row, f"candle of {what}") for row in listed(reply, "candles", what)]
    side = _side_of(rows, what)
    blocks = ("bid", "ask") if side == "ba" else (side,)
    times, prices, volumes, incomplete, last = [], [], [], 0, None
    for row in rows:
        at = time_ns(row.get("time"), f"time of {what}")
        last = at if last is None else max(last, at)
        if not _is_complete(row, what):
            incomplete += 1
            continue
        times.append(at)
        prices.append(_prices(row, blocks, what, at))
        given = row.get("volume")
        volumes.append(np.nan if given is None else number(given, f"volume of {what}"))
    whole = Candles(
        instrument,
        granularity,
        side,
        np.array(times, dtype=np.int64),
        np.array(prices, dtype=np.float64).reshape(len(times), 4 * len(blocks)),
        np.array(volumes, dtype=np.float64),
        incomplete,
        0,
        last,
    )
    return _once(whole, what)


def _is_complete(row: Document, what: str) -> bool:
    complete = row.get("complete")
    if not isinstance(complete, bool):
        raise BarsError(
            f"complete of {what}",
            "none" if complete is None else complete,
            "true or false",
            "Save the reply as the API sent it.",
        )
    return complete


def _side_of(rows: list[Document], what: str) -> SideOrigin:
    held = {side for side in _SIDES if all(side in row for row in rows)}
    if {"bid", "ask"} <= held:
        return "ba"
    for side in _SIDES:
        if side in held:
            return side
    raise BarsError(
        f"prices of {what}",
        "no side that all candles have",
        "bid and ask, or mid, in every candle",
        "Ask for one price= throughout.",
    )


def _prices(row: Document, blocks: tuple[str, ...], what: str, at_ns: int) -> list[float]:
    found = []
    for block in blocks:
        prices = mapping(row[block], what)
        for letter in "ohlc":
            value = prices.get(letter)
            if type(value) is str and is_plain(value):
                found.append(float(value))
            else:  # names are made only where they may be needed: a page has 40,000 numbers
                where = f"{block} {letter} of {what} at {format_time(at_ns)}"
                found.append(number(value, where))
    return found


def _once(candles: Candles, what: str) -> Candles:
    """Equal candles of one time once; different ones, or times that go back, are refused."""
    steps = np.diff(candles.t_ns)
    if (steps < 0).any():
        row = int(np.argmax(steps < 0)) + 1
        got = f"{format_time(int(candles.t_ns[row]))} after a later time"
        do = "Save the reply as the API sent it."
        raise BarsError(f"times of {what}", got, "times in increasing order", do)
    again = np.zeros(len(candles.t_ns), dtype=np.bool_)
    again[1:] = steps == 0
    for row in np.flatnonzero(again).tolist():
        if not np.array_equal(candles.prices[row], candles.prices[row - 1]):
            at = format_time(int(candles.t_ns[row]))
            do = "Fetch the candles again."
            raise BarsError(what, f"two different candles at {at}", "one candle per time", do)
    kept = ~again
    return replace(
        candles,
        t_ns=candles.t_ns[kept],
        prices=candles.prices[kept],
        volume=candles.volume[kept],
        repeated=int(again.sum()),
    )


# Files -----------------------------------------------------------------------------------------


def read_candle_file(
    path: Path, spreads: SpreadSource | None = None, on_crossed: OnCrossed = "drop"
) -> tuple[Bars, ImportReport]:
    """Bars of saved replies of the candles endpoint, and a report on the import.

    The file holds one reply, a JSON list of replies, or one reply a line; all of one
    instrument, granularity and side, in any order, overlapping or not.

    Args:
        path: The file.
        spreads: For one-sided candles, as ``files.read_bars`` takes it; by default the
            built-in table's.
        on_crossed: Whether candles with the ask below the bid are refused or left out.

    Raises:
        BarsError: The file cannot be read, its replies do not fit together, or crossed candles
            are to be refused.
        InstrumentError: One-sided candles of an instrument that the table lacks.
    """
    replies = [parse_candles(reply, path.name) for reply in _replies(path)]
    first = replies[0]
    kinds = sorted(
        {(one.instrument, one.granularity, one.side) for one in replies if one.t_ns.size}
    )
    if len(kinds) > 1:
        raise BarsError(
            f"replies of {path.name}",
            " and ".join(" ".join(kind) for kind in kinds),
            "one instrument, granularity and side",
            "Put each into a file of its own.",
        )
    if kinds:
        first = next(one for one in replies if one.t_ns.size)
    candles = _once(_joined(first, replies), path.name)
    notes = []
    pair = profile = None
    if candles.side != "ba":
        source = spreads or SpreadSource(load_instruments())
        pair = get_instrument(candles.instrument, source.table)
        profile = source.profile(pair, int(candles.t_ns[0]) if candles.t_ns.size else 0)
        notes.append(f"the file has the {candles.side} only; spreads come from {profile.origin}")
    bars, crossed = candles.bars(pair, profile)
    incomplete, repeated = (sum(getattr(r, n) for r in replies) for n in ("incomplete", "repeated"))
    repeated += candles.repeated
    if incomplete:
        notes.append(f"left out {incomplete} candles that were not complete when saved")
    if crossed:
        allow_crossed(crossed, len(candles.t_ns), on_crossed, path.name)
        notes.append(f"dropped {crossed} candles whose ask is below the bid")
    reading = Reading(path.name, bars.instrument, bars.granularity, bars.source, notes=notes)
    for kind, count in (("crossed", crossed), ("incomplete", incomplete), ("duplicate", repeated)):
        reading.drop(kind, count)
    reading.rows = len(bars) + sum(reading.dropped.values())
    return bars, report_of(bars, reading, "oanda-candles")


def _joined(first: Candles, replies: list[Candles]) -> Candles:
    """All candles by time; of ``first``'s kind, as the replies that have any are."""
    held = [one for one in replies if one.t_ns.size] or [first]
    t_ns = np.concatenate([one.t_ns for one in held])
    order = np.argsort(t_ns, kind="stable")
    return replace(
        first,
        t_ns=t_ns[order],
        prices=np.concatenate([one.prices for one in held])[order],
        volume=np.concatenate([one.volume for one in held])[order],
    )


def _replies(path: Path) -> list[Any]:
    do = "Save replies of the candles endpoint: one, a list of them, or one a line."
    try:
        with open_bytes(path) as stream:
            content = stream.read().decode("utf-8-sig")
        try:
            document = json.loads(content)
        except json.JSONDecodeError:
            document = list(_lines(content))
    except ValueError as cause:
        got = " ".join(str(cause).split())
        raise BarsError(f"file {path.name}", got, "JSON in UTF-8", do) from cause
    replies = document if isinstance(document, list) else [document]
    if not replies:
        raise BarsError(f"file {path.name}", "no reply", "at least one", do)
    return replies


def _lines(content: str) -> Iterator[Any]:
    for line in content.splitlines():
        if line.strip():
            yield json.loads(line)
