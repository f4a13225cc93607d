"""Bars on a Valkey server, as the candles of the existing stack.

    md:candles:EUR_USD:M1   sorted set; score = open time in ms, member = the candle's JSON text

Candles with a mid alone, as the existing stack writes them, get bid and ask from the
instrument's table of spreads, or from a spread of their own, and the bars say so. Candles that
cannot be used are left out and counted in the report.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl

from hotband.core.records import QUOTE, Records
from hotband.errors import BarsError, StoreError
from hotband.market.bars import PRICES, SIDES, TIME_TYPE, Bars, BoolArray, bar_faults
from hotband.market.calendar import GRANULARITIES, MILLISECOND_NS, parse_granularity
from hotband.market.instruments import get_instrument, load_instruments
from hotband.market.spreads import ONE_SIDES, Floats, OneSide, SpreadProfile, complete_sides
from hotband.stores.tabular import (
    BAR_COLUMNS,
    NAME,
    SHELVES,
    Key,
    TabularBarStore,
    between,
    merge_rows,
)
from hotband.stores.valkey import retention_words
from hotband.stores.valkey_address import ValkeyAddress
from hotband.stores.valkey_candles import (
    LETTERS,
    SOURCE,
    Candle,
    CandleReport,
    CandleTally,
    read_candles,
    time_of,
    write_candles,
)
from hotband.stores.valkey_index import Change, RetentionError, TimeIndex, keys_like
from hotband.stores.valkey_wire import Operation, ValkeyWire

CANDLES: Final = "md:candles:"
LIKELY_SPREADS: Final = 20.0
"""A candle's own spread up to so many times the instrument's is used."""


def rows_of(
    members: list[bytes], instrument: str, granularity: str
) -> tuple[pl.DataFrame, CandleReport]:
    """Rows with the columns of ``tabular.BAR_COLUMNS``, by time, and what became of the rest.

    Of usable candles of one time the last counts.

    Raises:
        InstrumentError: One-sided candles of an instrument without a table of spreads.
    """
    tally = CandleTally()
    candles = read_candles(members, tally)
    data = np.empty(len(candles), dtype=QUOTE)
    for row, candle in enumerate(candles):
        bid, ask = candle.prices[0], candle.prices[-1]
        data[row] = (candle.t_ns, *bid, *ask, candle.volume)
    usable = np.ones(len(candles), dtype=np.bool_)
    for kind, mask in bar_faults(data, parse_granularity(granularity)).items():
        if kind in {"unsorted", "duplicate"}:
            continue
        for faulty in np.flatnonzero(mask & usable):
            tally.refuse(kind, candles[faulty].member)
        usable &= ~mask
    rows = np.flatnonzero(usable)
    _, last = np.unique(data["t"][rows][::-1], return_index=True)
    kept = rows[len(rows) - 1 - last]
    chosen = [candles[row] for row in kept]
    frame = _frame(data[kept], chosen, instrument, granularity, tally)
    sides = [candle.side for candle in chosen]
    report = CandleReport(
        candles=len(members),
        bars=len(kept),
        superseded=len(rows) - len(kept),
        refused=dict(sorted(tally.refused.items())),
        repaired=dict(sorted(tally.repaired.items())),
        sides={side: sides.count(side) for side in sorted(set(sides))},
        examples=dict(sorted(tally.examples.items())),
    )
    return frame, report


def _frame(
    data: Records, candles: list[Candle], instrument: str, granularity: str, tally: CandleTally
) -> pl.DataFrame:
    whole = np.array([len(candle.prices) == 2 for candle in candles], dtype=np.bool_)
    sides = np.array([candle.side for candle in candles], dtype="U3")
    for side in ONE_SIDES:
        mask = ~whole & (sides == side)
        if mask.any():
            some = [candle for candle, one in zip(candles, mask, strict=True) if one]
            data[mask] = _completed(data[mask], some, side, instrument, granularity, tally)
    columns = [pl.Series("time", data["t"].copy()).cast(TIME_TYPE)]
    columns += [pl.Series(name, data[name].copy()) for name in (*PRICES, "volume")]
    columns += [
        pl.Series("side_origin", sides.tolist(), pl.String),
        pl.Series("source", [candle.source for candle in candles], pl.String),
    ]
    frame = pl.DataFrame(columns).with_columns(pl.col("volume").fill_nan(None))
    return frame.select(BAR_COLUMNS)


def _completed(
    data: Records,
    candles: list[Candle],
    side: OneSide,
    instrument: str,
    granularity: str,
    tally: CandleTally,
) -> Records:
    """Quotes with both sides of quotes that have one on both."""
    pair = get_instrument(instrument, load_instruments())
    profile = SpreadProfile.from_table(pair)
    names = {"time": "t", "volume": "volume"} | {letter: f"bid_{letter}" for letter in LETTERS}
    columns = {name: np.ascontiguousarray(data[column]) for name, column in names.items()}
    done = complete_sides(
        columns, side, profile, pair, granularity=granularity, source=SOURCE
    ).data.copy()
    if side != "mid":
        return done
    own = np.array([candle.spread for candle in candles])
    used = _likely(own, profile.at(data["t"]))
    for candle, is_used in zip(candles, used, strict=True):
        if is_used:
            tally.repair("own_spread", candle.member)
        elif candle.spread == candle.spread and candle.spread != 0:
            tally.repair("spread_unlikely", candle.member)
    for letter in LETTERS:
        mid = columns[letter]
        for name, shift, nearest in zip(SIDES, (-0.5, 0.5), (np.minimum, np.maximum), strict=True):
            price = nearest(np.round(mid + shift * own, pair.display_precision), mid)
            done[f"{name}_{letter}"][used] = price[used]
    return done


def _likely(own: Floats, usual: Floats) -> BoolArray:
    with np.errstate(invalid="ignore"):
        mask: BoolArray = (own > 0) & (own <= LIKELY_SPREADS * usual)
    return mask


class CandleShelf:
    """Candles by instrument and granularity, as rows; a ``Shelf`` for ``TabularBarStore``."""

    def __init__(
        self, wire: ValkeyWire, heard: Callable[[CandleReport], None] | None = None
    ) -> None:
        self._wire = wire
        self._heard = heard

    def held(self) -> list[Key]:
        """The keys that hold candles, sorted."""
        with self._wire.operation() as operation:
            keys = keys_like(self._wire, operation, f"{CANDLES}*", "zset")
        parts = [tuple(key.removeprefix(CANDLES).split(":")) for key in keys]
        return sorted(
            each
            for each in parts
            if len(each) == 2 and NAME.fullmatch(each[0]) and each[1] in GRANULARITIES
        )

    def read(self, key: Key, start_ns: int, end_ns: int) -> pl.DataFrame:
        """The rows with start <= time < end; the report goes to whoever listens."""
        with self._wire.operation() as operation:
            members = self._index(key).between(
                operation, start_ns // MILLISECOND_NS, (end_ns - 1) // MILLISECOND_NS
            )
        rows, report = rows_of(members, *key)
        if self._heard is not None:
            self._heard(report)
        return between(rows, "time", start_ns, end_ns)

    def extent(self, key: Key) -> tuple[int, int] | None:
        """First and last time of usable candles, ns; None = no such key.

        Raises:
            StoreError: There are candles, but none that can be used.
        """
        index = self._index(key)
        with self._wire.operation() as operation:
            first = self._outermost(operation, index, key, newest=False)
            last = self._outermost(operation, index, key, newest=True)
            if first is not None and last is not None:
                return first, last
            if not (size := index.size(operation)):
                return None
            _, report = rows_of(index.between(operation), *key)
        raise StoreError(
            f"candles of {' '.join(key)} in {self._wire.name}",
            f"{size} candles and none usable: {' '.join(report.lines()[1:])}",
            "at least one that can be used",
            "Look at what writes them.",
        )

    def append(self, key: Key, rows: pl.DataFrame, *, replace: bool) -> int:
        """Merge rows, all or none; how many are new or changed.

        Raises:
            ConflictError: Equal times with other values.
            RetentionError: Rows that retention would drop at once.
        """
        candles = dict(zip(rows["time"], write_candles(rows, " ".join(key)), strict=True))
        index = self._index(key)
        values = SHELVES["bars"][1]

        def plan(operation: Operation) -> Change:
            first_ns, last_ns = (int(rows["time"].to_physical()[at]) for at in (0, -1))
            members = index.between(
                operation, first_ns // MILLISECOND_NS, last_ns // MILLISECOND_NS
            )
            held, _ = rows_of(members, *key)
            merged, added = merge_rows(held, rows, values, replace=replace)
            if not added:
                return Change()
            changed = merged.join(held, on=list(BAR_COLUMNS), how="anti", nulls_equal=True)
            remove: list[bytes] = []
            if replace:
                times = set(changed["time"].to_physical().to_list())
                remove = [member for member in members if time_of(member) in times]
            return Change(remove, [candles[time] for time in changed["time"]], changed=added)

        return index.change(plan, self._wire.address.retention)

    def _index(self, key: Key) -> TimeIndex:
        return TimeIndex(self._wire, CANDLES + ":".join(key))

    def _outermost(
        self, operation: Operation, index: TimeIndex, key: Key, *, newest: bool
    ) -> int | None:
        for batch in index.from_edge(operation, newest=newest):
            rows, _ = rows_of(batch, *key)
            if not rows.is_empty():
                return int(rows["time"].to_physical()[-1 if newest else 0])
        return None


class ValkeyBarStore(TabularBarStore):
    """A ``BarStore`` on a Valkey server.

    Appends may drop old bars, as the address's retention says (all are kept by default).
    """

    def __init__(self, wire: ValkeyWire) -> None:
        super().__init__(CandleShelf(wire), wire.name)
        self._wire = wire

    def read(self, instrument: str, granularity: str, start_ns: int, end_ns: int) -> Bars:
        """See ``BarStore.read``; the notes say what was left out or guessed."""
        return self.read_with_report(instrument, granularity, start_ns, end_ns)[0]

    def read_with_report(
        self, instrument: str, granularity: str, start_ns: int, end_ns: int
    ) -> tuple[Bars, CandleReport]:
        """The bars of ``read``, and what became of every candle in the window."""
        heard: list[CandleReport] = []
        store = TabularBarStore(CandleShelf(self._wire, heard.append), self.name)
        bars = store.read(instrument, granularity, start_ns, end_ns)
        report = heard[0]
        return replace(bars, notes=report.notes()), report

    def append(self, bars: Bars, *, replace: bool = False) -> int:
        """See ``BarStore.append``; all in one transaction.

        Raises:
            BarsError: Also for bars that retention would drop at once, and for open times
                that are no whole milliseconds.
            StoreUnavailableError: Where the connection broke in the middle of the transaction
                it is not known whether it was carried out; the same append may follow.
        """
        try:
            return super().append(bars, replace=replace)
        except RetentionError as found:
            what = f"bars of {bars.instrument} {bars.granularity}"
            words = retention_words(self.name, what, found, self._wire.address.retention)
            raise BarsError(*words) from found

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._wire.close()


def valkey_bars(
    address: ValkeyAddress,
    on_wait: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
) -> ValkeyBarStore:
    """The bar store at an address; the server is first asked when it is used.

    ``on_wait`` and ``stop`` are those of ``ValkeyWire``.
    """
    return ValkeyBarStore(ValkeyWire(address, on_wait=on_wait, stop=stop))
