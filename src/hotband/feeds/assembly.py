"""From the table of a file to bars with both sides, and the report of what was done to it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Final, Literal, TypeAlias

import numpy as np
import polars as pl

from hotband.errors import BarsError
from hotband.market.bars import COLUMNS, PRICES, Bars, SideOrigin, bar_faults, quotes_from
from hotband.market.calendar import FIRST_NS, LAST_NS, format_time, parse_granularity
from hotband.market.instruments import Instrument, get_instrument
from hotband.market.spreads import ONE_SIDE_COLUMNS, OneSide, SpreadProfile, complete_sides

OnCrossed: TypeAlias = Literal["refuse", "drop"]
KnownSpreads: TypeAlias = Callable[[Instrument, int], SpreadProfile | None]
"""The spreads of an instrument as known at a time in ns; None = no two-sided bars by then."""
LEAST_PIPS: Final = 200
MOST_PIPS: Final = 700_000
"""Prices in pips: EUR_USD is near 11,000, USD_JPY 15,000, USD_TRY 400,000, TRY_JPY 350."""
_ENOUGH_ROWS: Final = 50
"""So many rows without two that are adjacent are bars of a longer granularity."""


@dataclass(frozen=True, slots=True)
class SpreadSource:
    """Where the spread of one-sided bars is from: ``known``, else the instrument's table."""

    table: Mapping[str, Instrument]
    known: KnownSpreads | None = None

    def profile(self, pair: Instrument, before_ns: int) -> SpreadProfile:
        """The spreads of ``pair`` for bars from ``before_ns`` on."""
        found = None if self.known is None else self.known(pair, before_ns)
        return SpreadProfile.from_table(pair) if found is None else found


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import read, kept, left out and derived.

    Attributes:
        path: Name of the file, without its folder.
        instrument: Name such as ``EUR_USD``.
        granularity: Name such as ``M1``.
        side_origin: ``ba``, or the one side that the file has.
        source: Where the prices come from, by format, file name or metadata.
        rows_read: Rows in the file.
        rows_kept: Bars that were made of them.
        dropped: Rows left out, by kind: those of ``market.bars.FAULTS``, and ``duplicate`` and
            ``unquoted`` ticks, ``filler`` (a flat bar without volume) and ``unpaired`` bars.
        zero_spreads: Bars kept with ask = bid at open or close.
        first: Open time of the first bar, RFC 3339; None = no rows.
        last: Open time of the last bar, RFC 3339; None = no rows.
        gaps: Steps between bars longer than the granularity, weekends included.
        longest_gap_ns: The longest of them, open to open.
        notes: Sentences on everything that was assumed or derived.
        format: Name of the format, of ``feeds.formats``.
    """

    path: str
    instrument: str
    granularity: str
    side_origin: SideOrigin
    source: str
    rows_read: int
    rows_kept: int
    dropped: dict[str, int]
    zero_spreads: int
    first: str | None
    last: str | None
    gaps: int
    longest_gap_ns: int
    notes: tuple[str, ...]
    format: str = "hotband-bars"

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return asdict(self) | {"notes": list(self.notes)}


@dataclass(slots=True)
class Reading:
    """What is known of a file while it is read; ``rows``, ``dropped`` and ``notes`` grow.

    Attributes:
        name: Of the file, for errors.
        instrument: Name such as ``EUR_USD``.
        granularity: Of the bars to be made.
        source: Where the prices come from.
        rows: Rows read so far.
        dropped: Rows left out, by kind.
        notes: What was assumed or derived.
    """

    name: str
    instrument: str
    granularity: str
    source: str
    rows: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def drop(self, kind: str, count: int) -> None:
        """Count rows that are left out."""
        if count:
            self.dropped[kind] = self.dropped.get(kind, 0) + count

    def note(self, text: str) -> None:
        """Say something once."""
        if text not in self.notes:
            self.notes.append(text)


def two_sided(frame: pl.DataFrame, reading: Reading, on_crossed: OnCrossed) -> Bars:
    """Bars of a table that has both sides.

    Raises:
        BarsError: Crossed rows that are to be refused, or a row that breaks a rule.
    """
    data = quotes_from(frame.select(_known(frame, COLUMNS)).to_dict(), reading.name)
    faults = bar_faults(data, parse_granularity(reading.granularity))
    # A price of 0 or less is no quote: Bars refuses it by its own name.
    crossed = faults["crossed"] & ~faults["not_positive"]
    if crossed.any():
        count = int(crossed.sum())
        allow_crossed(count, len(data), on_crossed, reading.name)
        reading.drop("crossed", count)
        reading.note(f"dropped {count} rows whose ask is below the bid")
        data = data[~crossed]
    return Bars.from_records(reading.instrument, reading.granularity, data, source=reading.source)


def one_sided(frame: pl.DataFrame, reading: Reading, side: OneSide, spreads: SpreadSource) -> Bars:
    """Bars of a table that has one side; the notes say where the spreads are from.

    Raises:
        BarsError, InstrumentError: A row that breaks a rule, or an unknown instrument.
    """
    pair = get_instrument(reading.instrument, spreads.table)
    first = frame["time"].to_physical().min()
    profile = spreads.profile(pair, first if isinstance(first, int) else 0)
    origin = "the instrument's table"
    if profile.origin == "bars":
        hours = int(np.isfinite(profile.spread).sum())
        origin = f"two-sided bars before it for {hours} of 168 hours of the week, else {origin}"
    reading.note(f"the file has the {side} only; spreads come from {origin}")
    return complete_sides(
        frame.select(_known(frame, ONE_SIDE_COLUMNS)).to_dict(),
        side,
        profile,
        pair,
        granularity=reading.granularity,
        source=reading.source,
    )


def check_length(bars: Bars, name: str) -> None:
    """Refuse bars that are all farther apart than the granularity they are said to have.

    Raises:
        BarsError: Many bars, and no two of them adjacent.
    """
    steps = np.diff(bars.data["t"])
    if len(bars) >= _ENOUGH_ROWS and steps.min() > bars.granularity_ns:
        seconds = int(steps.min()) / 1e9
        raise BarsError(
            f"granularity of {name}",
            f"{bars.granularity} for bars at least {seconds:g} s apart",
            "the granularity of the file",
            "Correct --granularity.",
        )


def require_years(bars: Bars, name: str) -> None:
    """Refuse times that no market has: those of 1970 and before, or behind 2099.

    Raises:
        BarsError: With the first and the last time.
    """
    t_ns = bars.data["t"]
    if len(t_ns) and (t_ns[0] < FIRST_NS or t_ns[-1] >= LAST_NS):
        raise BarsError(
            f"times of {name}",
            f"{format_time(int(t_ns[0]))} to {format_time(int(t_ns[-1]))}",
            "1971 to 2099",
            "Check the format of the times, or remove the rows.",
        )


def require_scale(bars: Bars, pair: Instrument, name: str) -> None:
    """Refuse prices that cannot be the instrument's: another pair's, or damaged digits.

    Raises:
        BarsError: A price below ``LEAST_PIPS`` or above ``MOST_PIPS``, in pips of ``pair``.
    """
    pip = 10.0**pair.pip_location
    least, most = LEAST_PIPS * pip, MOST_PIPS * pip
    prices = np.stack([bars.data[column] for column in PRICES])
    odd = ((prices < least) | (prices > most)).any(axis=0)
    if odd.any():
        row = int(np.argmax(odd))
        column = prices[:, row]
        worst = float(column[np.argmax(np.abs(np.log(column / pip) - np.log(least / pip)))])
        raise BarsError(
            f"prices of {name}",
            f"{worst:g} at {format_time(int(bars.data['t'][row]))}, such in {int(odd.sum())} of "
            f"{len(bars)} bars",
            f"{least:g} to {most:g} for {pair.name}",
            "Name the right pair with --instrument, remove damaged rows, or give another "
            "pip_location in a --broker file.",
        )


def report_of(bars: Bars, reading: Reading, format_name: str = "hotband-bars") -> ImportReport:
    """The report on bars that were made of a file."""
    data = bars.data
    steps = np.diff(data["t"])
    zero = (data["ask_o"] == data["bid_o"]) | (data["ask_c"] == data["bid_c"])
    return ImportReport(
        path=reading.name,
        instrument=bars.instrument,
        granularity=bars.granularity,
        side_origin=bars.side_origin,
        source=bars.source,
        rows_read=reading.rows,
        rows_kept=len(bars),
        dropped=reading.dropped,
        zero_spreads=int(zero.sum()),
        first=format_time(int(data["t"][0])) if len(bars) else None,
        last=format_time(int(data["t"][-1])) if len(bars) else None,
        gaps=int((steps > bars.granularity_ns).sum()),
        longest_gap_ns=int(steps.max(initial=0)),
        notes=tuple(reading.notes),
        format=format_name,
    )


def allow_crossed(crossed: int, rows: int, on_crossed: str, name: str) -> None:
    """Refuse rows whose ask is below the bid, unless they are to be left out.

    Raises:
        BarsError: They are to be refused, or ``on_crossed`` is neither word.
    """
    if on_crossed not in {"refuse", "drop"}:
        raise BarsError("on_crossed", on_crossed, "refuse or drop", "Choose one of them.")
    if on_crossed == "refuse":
        raise BarsError(
            f"quotes of {name}",
            f"ask below bid in {crossed} of {rows} rows",
            "ask >= bid at open and close",
            "Use --on-crossed drop (on_crossed='drop') to leave these rows out and count them.",
        )


def _known(frame: pl.DataFrame, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if name in frame.columns]
