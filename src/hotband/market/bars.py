"""Bars: the one form in which price history travels through hotband.

Everything downstream trusts that times increase, that prices are real and that the ask is
never below the bid. The trust is earned here, once: bars that break a rule are refused with
the first row that breaks it, and are never repaired.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from hotband.core.records import QUOTE, Records
from hotband.errors import BarsError, InputError, WindowError
from hotband.market.calendar import HOUR_NS, format_time, parse_granularity

SideOrigin: TypeAlias = Literal["ba", "bid", "ask", "mid"]
"""Which sides the source had: both, or the one that the other was derived from."""
Column: TypeAlias = npt.NDArray[np.generic] | pl.Series | Sequence[object]
Int64Array: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

SIDE_ORIGINS: Final[tuple[SideOrigin, ...]] = ("ba", "bid", "ask", "mid")
SIDES: Final = ("bid", "ask")
PRICES: Final = tuple(f"{side}_{letter}" for side in SIDES for letter in "ohlc")
COLUMNS: Final = ("time", *PRICES, "volume")
TIME_TYPE: Final = pl.Datetime("ns", "UTC")

FAULTS: Final = {
    "unsorted": ("open times in increasing order", "Sort the rows by time."),
    "duplicate": ("one bar per open time", "Remove the repeated rows."),
    "misaligned": (
        "open times at whole multiples of the granularity",
        "Check the granularity, or whether the times are close times.",
    ),
    "not_finite": ("finite prices on both sides", "Leave out bars without a quote."),
    "not_positive": ("prices above 0", "Leave out bars without a quote."),
    "high_low": (
        "high >= open and close, low <= open and close, on each side",
        "Check the order of the columns (open, high, low, close).",
    ),
    "crossed": (
        "ask >= bid at open and close",
        "Check that bid and ask are not swapped; drop the rows if the feed is dirty.",
    ),
    "volume": ("volume of 0 or more, or NaN for unknown", "Set unknown volumes to NaN."),
}
"""What can be wrong with a row, in the order it is looked for: what is allowed, what to do."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def times_ns(
    values: Column, what: str = "time", *, error: type[InputError] = BarsError
) -> Int64Array:
    """Times as int64 nanoseconds UTC; a fresh array.

    Args:
        values: int64 nanoseconds, a Polars Datetime column with a zone, or aware datetimes.
        what: The name to use in an error.
        error: The class to raise.

    Raises:
        InputError: (the class ``error``) for naive times, nulls, other types and numbers that
            64 bits do not hold.
    """
    allowed = "int64 nanoseconds UTC, or times with a zone"
    if isinstance(values, pl.Series):
        if values.null_count():
            raise error(what, f"{values.null_count()} nulls", allowed, "Leave out rows without it.")
        if isinstance(values.dtype, pl.Datetime):
            if values.dtype.time_zone is None:
                raise error(what, "times without a zone", allowed, "Name the zone of the times.")
            try:
                values = values.dt.cast_time_unit("ns").to_physical()
            except pl.exceptions.PolarsError as cause:
                raise error(what, "times beyond 64-bit ns", allowed, "Check the times.") from cause
        return times_ns(values.to_numpy(), what, error=error)
    if isinstance(values, np.ndarray):
        if values.dtype.kind == "M":
            raise error(what, "datetime64 without a zone", allowed, "Pass nanoseconds UTC.")
        if values.dtype.kind not in "iu" or values.dtype.itemsize != 8:
            raise error(what, f"an array of {values.dtype}", allowed, "Pass nanoseconds UTC.")
        times = np.array(values, dtype=np.int64)
        wrapped = (times < 0) & (values.dtype.kind == "u")
        if wrapped.any():
            raise error(what, values[wrapped][0], allowed, "Pass nanoseconds UTC.")
        return times
    return np.array([_one_time_ns(value, what, allowed, error) for value in values], dtype=np.int64)


def _one_time_ns(value: object, what: str, allowed: str, error: type[InputError]) -> int:
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise error(what, f"{value!r} without a zone", allowed, "Name the zone of the times.")
        return (value - _EPOCH) // timedelta(microseconds=1) * 1000
    whole = int(value) if isinstance(value, int | np.integer) else None
    if whole is not None and not isinstance(value, bool) and -(2**63) <= whole < 2**63:
        return whole
    raise error(what, f"{value!r}", allowed, "Pass nanoseconds UTC.")


def bar_faults(data: Records, granularity_ns: int) -> dict[str, BoolArray]:
    """One mask of offending rows per kind in ``FAULTS``; nothing is raised.

    A NaN price is ``not_finite`` and nothing else, so each row is counted for its cause.
    """
    t = data["t"]
    step = np.diff(t)
    later = np.zeros(len(data), dtype=np.bool_)
    repeated = later.copy()
    later[1:] = step < 0
    repeated[1:] = step == 0
    aligned = HOUR_NS % granularity_ns == 0
    prices = np.stack([data[name] for name in PRICES])
    high_low = np.zeros(len(data), dtype=np.bool_)
    for side in SIDES:
        o, h, low, c = (data[f"{side}_{letter}"] for letter in "ohlc")
        high_low |= (h < np.maximum(o, c)) | (low > np.minimum(o, c))
    return {
        "unsorted": later,
        "duplicate": repeated,
        "misaligned": (t % granularity_ns != 0) if aligned else np.zeros_like(later),
        "not_finite": ~np.isfinite(prices).all(axis=0),
        "not_positive": (prices <= 0).any(axis=0),
        "high_low": high_low,
        "crossed": (data["ask_o"] < data["bid_o"]) | (data["ask_c"] < data["bid_c"]),
        "volume": (data["volume"] < 0) | np.isinf(data["volume"]),
    }


def _refuse_faults(instrument: str, granularity: str, data: Records, granularity_ns: int) -> None:
    for kind, mask in bar_faults(data, granularity_ns).items():
        if not mask.any():
            continue
        row = int(np.argmax(mask))
        allowed, do = FAULTS[kind]
        raise BarsError(
            f"bars of {instrument} {granularity}",
            f"{kind} in {int(mask.sum())} of {len(data)} rows, first row {row} at "
            f"{format_time(int(data['t'][row]))}{_row_text(data, row, kind)}",
            allowed,
            do,
        )


def _row_text(data: Records, row: int, kind: str) -> str:
    if kind in {"unsorted", "duplicate"}:
        return f" after {format_time(int(data['t'][row - 1]))}"
    if kind == "misaligned":
        return ""
    if kind == "volume":
        return f" (volume {data['volume'][row]})"
    quotes = [
        f"{side} {'/'.join(str(float(data[f'{side}_{letter}'][row])) for letter in 'ohlc')}"
        for side in SIDES
    ]
    return f" ({', '.join(quotes)})"


def quotes_from(columns: Mapping[str, Column], what: str) -> Records:
    """A fresh QUOTE array from named columns; only names, types and lengths are checked.

    Args:
        columns: ``time`` and the eight prices ``bid_o`` .. ``ask_c``; ``volume`` is optional
            and becomes NaN where missing.
        what: The name to use in an error.

    Raises:
        BarsError: A column is missing, unknown, no number or of another length.
    """
    for name in columns:
        if name not in COLUMNS:
            raise BarsError(
                f"columns of {what}", name, ", ".join(COLUMNS), "Rename it.", near=COLUMNS
            )
    missing = [name for name in COLUMNS[:-1] if name not in columns]
    if missing:
        raise BarsError(
            f"columns of {what}",
            f"no {', '.join(missing)}",
            ", ".join(COLUMNS),
            "Add them; bars with one side only go through hotband.market.spreads.",
        )
    t = times_ns(columns["time"], f"time of {what}")
    data = np.empty(len(t), dtype=QUOTE)
    data["t"] = t
    data["volume"] = np.nan
    for name in COLUMNS[1:]:
        if name in columns:
            data[name] = _floats(columns[name], name, len(t), what)
    # One bit pattern per value, so that equal bars hash equally.
    data["volume"] = np.where(np.isnan(data["volume"]), np.nan, data["volume"] + 0.0)
    return data


def _floats(values: Column, name: str, rows: int, what: str) -> npt.NDArray[np.float64]:
    if isinstance(values, pl.Series):
        values = values.to_numpy()
    array = np.asarray(values)
    if array.dtype.kind not in "iuf" or array.shape != (rows,):
        raise BarsError(
            f"column {name} of {what}",
            f"{array.dtype} of shape {array.shape}",
            f"{rows} numbers, one per time",
            "Convert text to numbers and give every column the same length.",
        )
    return array.astype(np.float64)


@dataclass(frozen=True, eq=False)
class Bars:
    """Bid and ask bars of one instrument at one granularity.

    Make them with ``from_columns``, ``from_frame`` or ``from_records``, which validate. Two
    sets of bars are the same where ``content_hash`` is the same.

    Attributes:
        instrument: Name such as ``EUR_USD``.
        granularity: Name such as ``M1``.
        granularity_ns: Its length.
        data: QUOTE records by open time; one-dimensional, contiguous, read-only.
        side_origin: ``ba`` = the source had both sides; else the side the other came from.
        source: Where the prices come from, such as ``oanda``; ``demo`` = simulated.
        notes: What a reader must know of how they were read: candles left out, guesses.
    """

    instrument: str
    granularity: str
    granularity_ns: int
    data: Records
    side_origin: SideOrigin
    source: str
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        data = self.data
        if data.dtype != QUOTE or data.ndim != 1 or not data.flags.c_contiguous:
            raise BarsError(
                "data",
                f"{data.dtype} of rank {data.ndim}",
                "a contiguous one-dimensional array of QUOTE",
                "Use Bars.from_columns.",
            )
        if self.side_origin not in SIDE_ORIGINS:
            raise BarsError(
                "side_origin",
                self.side_origin,
                ", ".join(SIDE_ORIGINS),
                "Name the side the source had.",
                near=SIDE_ORIGINS,
            )
        if data.flags.writeable:
            data = data.view()
            data.setflags(write=False)
            object.__setattr__(self, "data", data)

    @classmethod
    def from_records(
        cls,
        instrument: str,
        granularity: str,
        data: Records,
        *,
        source: str,
        side_origin: SideOrigin = "ba",
    ) -> Self:
        """Bars of QUOTE records, validated; the array is kept, not copied.

        Raises:
            BarsError: The first row that breaks a rule of ``FAULTS``, with its time.
        """
        granularity_ns = parse_granularity(granularity)
        _refuse_faults(instrument, granularity, data, granularity_ns)
        return cls(instrument, granularity, granularity_ns, data, side_origin, source)

    @classmethod
    def from_columns(
        cls,
        instrument: str,
        granularity: str,
        columns: Mapping[str, Column],
        *,
        source: str,
        side_origin: SideOrigin = "ba",
    ) -> Self:
        """Bars of named columns (``time``, ``bid_o`` .. ``ask_c``, ``volume``), validated.

        Raises:
            BarsError: A wrong column, or the first row that breaks a rule of ``FAULTS``.
        """
        data = quotes_from(columns, f"{instrument} {granularity}")
        return cls.from_records(
            instrument, granularity, data, source=source, side_origin=side_origin
        )

    @classmethod
    def from_frame(
        cls,
        frame: pl.DataFrame,
        instrument: str,
        granularity: str,
        *,
        source: str,
        side_origin: SideOrigin = "ba",
    ) -> Self:
        """Bars of a frame as ``to_frame`` gives it; null volume = unknown."""
        return cls.from_columns(
            instrument, granularity, frame.to_dict(), source=source, side_origin=side_origin
        )

    def to_frame(self) -> pl.DataFrame:
        """A frame with ``time`` (Datetime ns UTC), eight prices and ``volume`` or null."""
        columns = {name: np.ascontiguousarray(self.data[name]) for name in QUOTE.names or ()}
        time = pl.Series("time", columns.pop("t")).cast(TIME_TYPE)
        return pl.DataFrame([time, *(pl.Series(k, v) for k, v in columns.items())]).with_columns(
            pl.col("volume").fill_nan(None)
        )

    def window(self, start_ns: int, end_ns: int) -> Self:
        """The bars that open at or after the start and are known by the end; a view.

        Raises:
            WindowError: The end is not after the start.
        """
        require_window(start_ns, end_ns)
        t = self.data["t"]
        first = int(np.searchsorted(t, start_ns, side="left"))
        last = int(np.searchsorted(t, end_ns - self.granularity_ns, side="right"))
        return replace(self, data=self.data[first : max(first, last)])

    @property
    def known_ns(self) -> Int64Array:
        """When each bar is known: open + granularity."""
        known: Int64Array = self.data["t"] + self.granularity_ns
        return known

    @cached_property
    def content_hash(self) -> str:
        """SHA-256, hex, over identity and rows."""
        identity = (self.instrument, self.granularity, self.side_origin, self.source)
        digest = hashlib.sha256("\n".join(identity).encode() + b"\0")
        digest.update(self.data.tobytes())
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self.data)


def require_window(start_ns: int, end_ns: int) -> None:
    """Refuse a window that holds no time.

    Raises:
        WindowError: The end is not after the start.
    """
    if end_ns <= start_ns:
        raise WindowError(
            "window",
            f"{format_time(start_ns)} to {format_time(end_ns)}",
            "an end after the start",
            "Swap or widen the two times.",
        )
