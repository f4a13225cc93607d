"""Bar and gate stores over any shelf of tables.

What a store promises (no duplicates, no silent change, no empty success) is written once
here; a shelf only keeps rows, in memory or in Parquet files.
"""

import re
from collections.abc import Mapping
from typing import Final, Protocol, TypeAlias

import polars as pl

from hotband.errors import BarsError, GatesError, InputError, StoreError, WindowError
from hotband.gates.events import FRAME_COLUMNS, Gates, GateSource
from hotband.market.bars import COLUMNS, SIDE_ORIGINS, Bars, Int64Array, SideOrigin, require_window
from hotband.market.calendar import format_time, parse_granularity

Key: TypeAlias = tuple[str, ...]
BAR_COLUMNS: Final = (*COLUMNS, "side_origin", "source")
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class ConflictError(Exception):
    """Rows that a shelf holds with other values: how many, of how many, and the first time."""

    def __init__(self, rows: int, of: int, first_ns: int) -> None:
        super().__init__(rows, of, first_ns)
        self.rows, self.of, self.first_ns = rows, of, first_ns


class Shelf(Protocol):
    """Rows by key, each key sorted by a unique time column."""

    def held(self) -> list[Key]:
        """The keys that hold rows, sorted."""
        ...

    def read(self, key: Key, start_ns: int, end_ns: int) -> pl.DataFrame:
        """The rows with start <= time < end."""
        ...

    def extent(self, key: Key) -> tuple[int, int] | None:
        """First and last time, ns; None = no such key."""
        ...

    def append(self, key: Key, rows: pl.DataFrame, *, replace: bool) -> int:
        """Merge rows, all or none; how many are new or changed. Raises ConflictError."""
        ...


def between(rows: pl.DataFrame, time: str, start_ns: int, end_ns: int) -> pl.DataFrame:
    """The rows with start <= time < end."""
    at = pl.col(time).to_physical()
    return rows.filter((at >= start_ns) & (at < end_ns))


def merge_rows(
    held: pl.DataFrame, new: pl.DataFrame, values: tuple[str, ...], *, replace: bool
) -> tuple[pl.DataFrame, int]:
    """Held and new rows by time, and how many of them are new or changed.

    Args:
        held: Rows of one key, unique by the first of ``values``.
        new: Rows to add, with the same columns.
        values: The time column, then the columns that must agree where times are equal; a
            row that agrees stays as it is held, whatever its other columns say.
        replace: Let new values win instead of raising.

    Raises:
        ConflictError: Equal times with other values.
    """
    time = values[0]
    both = new.join(held, on=time, how="inner", suffix="_held")
    same = [pl.col(name).eq_missing(pl.col(f"{name}_held")) for name in values[1:]]
    changed = both.filter(~pl.all_horizontal(same)).select(new.columns)
    if changed.height and not replace:
        first = changed[time].to_physical().min()
        raise ConflictError(changed.height, new.height, int(str(first)))
    added = pl.concat([new.join(held, on=time, how="anti"), changed])
    if added.is_empty():
        return held, 0
    kept = held.join(added.select(time), on=time, how="anti")
    return pl.concat([kept, added]).sort(time), added.height


def require_name(instrument: str) -> None:
    """Refuse a name that is no name, such as a path; StoreError."""
    if not NAME.fullmatch(instrument):
        raise StoreError(
            "instrument",
            repr(instrument),
            "letters, digits, _ and -",
            "Use the broker's name, such as EUR_USD.",
        )


def refuse_unknown(store: str, what: str, name: str, held: tuple[str, ...]) -> StoreError:
    """The error for a name that the store does not hold, with the nearest one that it does."""
    return StoreError(
        f"{what} in {store}",
        name,
        ", ".join(held) or "nothing, the store is empty",
        "Import the data first, or name what the store holds.",
        near=held,
    )


def refuse_outside(
    store: str, what: str, window: tuple[int, int], extent: tuple[int, int], end_ns: int
) -> None:
    """Refuse an empty answer for a window that leaves what the store covers."""
    start_ns, asked_end_ns = window
    if extent[0] <= start_ns and asked_end_ns <= end_ns:
        return
    raise WindowError(
        f"window of {what} in {store}",
        f"{format_time(start_ns)} to {format_time(asked_end_ns)}",
        f"within {format_time(extent[0])} to {format_time(end_ns)}",
        "Choose a window that the data covers, or import more.",
    )


def conflict_error(
    error: type[InputError], store: str, what: str, conflict: ConflictError
) -> InputError:
    """The error, of the class ``error``, for rows that are held with other values."""
    return error(
        f"{what} to append to {store}",
        f"other values in {conflict.rows} of {conflict.of} rows, "
        f"first at {format_time(conflict.first_ns)}",
        "new times, or the values that the store holds",
        "Pass replace=True or --replace to let the new values win.",
    )


class TabularBarStore:
    """A ``BarStore`` over a shelf with keys (instrument, granularity)."""

    def __init__(self, shelf: Shelf, name: str) -> None:
        self._shelf = shelf
        self.name = name

    def __repr__(self) -> str:
        return f"BarStore({self.name})"

    def instruments(self, granularity: str | None = None) -> tuple[str, ...]:
        """See ``BarStore.instruments``."""
        held = self._shelf.held()
        return tuple(sorted({key[0] for key in held if granularity in {None, key[1]}}))

    def granularities(self, instrument: str) -> tuple[str, ...]:
        """See ``BarStore.granularities``."""
        held = [key[1] for key in self._shelf.held() if key[0] == instrument]
        return tuple(sorted(held, key=parse_granularity))

    def extent(self, instrument: str, granularity: str) -> tuple[int, int] | None:
        """See ``BarStore.extent``."""
        return self._shelf.extent((instrument, granularity))

    def append(self, bars: Bars, *, replace: bool = False) -> int:
        """See ``BarStore.append``."""
        require_name(bars.instrument)
        if not len(bars):
            return 0
        rows = bars.to_frame().with_columns(
            pl.lit(bars.side_origin).alias("side_origin"), pl.lit(bars.source).alias("source")
        )
        key = (bars.instrument, bars.granularity)
        try:
            return self._shelf.append(key, rows, replace=replace)
        except ConflictError as found:
            what = f"bars of {bars.instrument} {bars.granularity}"
            raise conflict_error(BarsError, self.name, what, found) from found

    def read(self, instrument: str, granularity: str, start_ns: int, end_ns: int) -> Bars:
        """See ``BarStore.read``."""
        require_window(start_ns, end_ns)
        step = parse_granularity(granularity)
        key = (instrument, granularity)
        extent = self._shelf.extent(key)
        if extent is None:
            held = self.granularities(instrument)
            if held:
                raise refuse_unknown(self.name, f"granularity of {instrument}", granularity, held)
            raise refuse_unknown(self.name, "instrument", instrument, self.instruments())
        rows = self._shelf.read(key, start_ns, end_ns - step + 1)
        origins = rows
        if rows.is_empty():
            what = f"{instrument} {granularity}"
            refuse_outside(self.name, what, (start_ns, end_ns), extent, extent[1] + step)
            origins = self._shelf.read(key, extent[0], extent[0] + 1)
        return Bars.from_frame(
            rows.select(COLUMNS),
            instrument,
            granularity,
            source="+".join(sorted(origins["source"].unique())),
            side_origin=_weakest(origins["side_origin"]),
        )


def _weakest(origins: pl.Series) -> SideOrigin:
    held = set(origins.unique())
    return max((origin for origin in SIDE_ORIGINS if origin in held), key=SIDE_ORIGINS.index)


class TabularGateStore:
    """A ``GateStore`` over a shelf with keys (instrument,)."""

    def __init__(self, shelf: Shelf, name: str, source: GateSource) -> None:
        self._shelf = shelf
        self.name = name
        self.source = source

    def __repr__(self) -> str:
        return f"GateStore({self.name})"

    def instruments(self) -> tuple[str, ...]:
        """See ``GateStore.instruments``."""
        return tuple(key[0] for key in self._shelf.held())

    def extent(self, instrument: str) -> tuple[int, int] | None:
        """See ``GateStore.extent``."""
        return self._shelf.extent((instrument,))

    def append(self, gates: Gates, *, replace: bool = False) -> int:
        """See ``GateStore.append``."""
        require_name(gates.instrument)
        if not len(gates):
            return 0
        try:
            return self._shelf.append((gates.instrument,), gates.to_frame(), replace=replace)
        except ConflictError as found:
            what = f"gates of {gates.instrument}"
            raise conflict_error(GatesError, self.name, what, found) from found

    def read(self, instrument: str, start_ns: int, end_ns: int) -> Gates:
        """See ``GateStore.read``."""
        require_window(start_ns, end_ns)
        extent = self._shelf.extent((instrument,))
        if extent is None:
            raise refuse_unknown(self.name, "instrument", instrument, self.instruments())
        rows = self._shelf.read((instrument,), start_ns, end_ns)
        if rows.is_empty():
            what = f"gates of {instrument}"
            refuse_outside(self.name, what, (start_ns, end_ns), extent, extent[1])
        return Gates.from_frame(rows, instrument, source=self.source)

    def kept_from(self, known_ns: Int64Array) -> int:  # noqa: ARG002 - it keeps all
        """See ``GateStore.kept_from``."""
        return 0

    def latest(self, instrument: str) -> Gates | None:
        """See ``GateStore.latest``."""
        extent = self.extent(instrument)
        return None if extent is None else self.read(instrument, extent[1], extent[1] + 1)


SHELVES: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "bars": (("instrument", "granularity"), BAR_COLUMNS[: len(COLUMNS)]),
    "gates": (("instrument",), FRAME_COLUMNS),
}
"""Per kind of shelf: the levels of its keys, and its time column with the values that count."""
