"""The part of a grid that a heat map can show: two axes through the chosen cell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import polars as pl

from hotband.artefacts.schemas import Params
from hotband.errors import StoreError
from hotband.report.numbers import count, missing, money, number, plain, words
from hotband.report.svg import HeatCell

Value: TypeAlias = float | str | None

AXES: Final = ("hazard_max", "min_reps", "hold_minutes", "exposure")
MOST_COLUMNS: Final = 30
MOST_ROWS: Final = 20
UNITS: Final = {"hold_minutes": " min"}
METRICS: Final = {"hold_out_return_pct": "return in the hold-out, percent,"}
NAMES: Final = {"hazard_max": "hazard cap λ", "min_reps": "repetitions", "hold_minutes": "hold"}


@dataclass(frozen=True, slots=True)
class Plane:
    """Cells over two axes; ``fixed`` are the other axes, at the chosen cell's values.

    ``held`` counts the values of both axes in the grid, of which ``columns`` and ``rows`` may
    be fewer: evenly spaced ones, the ends and the chosen value among them.
    """

    axes: tuple[str, str]
    columns: tuple[Value, ...]
    rows: tuple[Value, ...]
    held: tuple[int, int]
    fixed: dict[str, Value]
    cells: tuple[HeatCell, ...]

    @property
    def thinned(self) -> bool:
        """Whether values were left out."""
        return self.held != (len(self.columns), len(self.rows))


def axis_name(name: str) -> str:
    """An axis in words."""
    return NAMES.get(name, words(name))


def at(params: Params) -> dict[str, Value]:
    """A cell's place on every axis."""
    return {name: getattr(params, name) for name in AXES} | dict(sorted(params.settings.items()))


def chosen_row(rows: pl.DataFrame, params: Params, name: str) -> dict[str, Any]:
    """The row of ``rows``, all of instrument ``name``, that ``params`` are of.

    Raises:
        StoreError: There is none, or there are several: the files are not of one run.
    """
    place = at(params)
    if lacking := [axis for axis in place if axis not in rows.columns]:
        raise _apart(name, f"no column {', '.join(lacking)}")
    found = rows.filter(_holds(place))
    if found.height != 1:
        raise _apart(name, f"{found.height} of {rows.height:,} rows with its parameters")
    return found.row(0, named=True)


def plane(rows: pl.DataFrame, params: Params, metric: str) -> Plane:
    """The two axes with the most values, through the chosen cell; ``metric`` names a column.

    Raises:
        StoreError: There is no such column: the files are not of one run.
    """
    place = at(params)
    if metric not in rows.columns:
        raise _apart(rows["instrument"][0], f"no column {metric}")
    size = {axis: rows[axis].n_unique() for axis in place}
    across, up, *_ = sorted(size, key=lambda axis: -size[axis])
    fixed = {axis: value for axis, value in place.items() if axis not in {across, up}}
    shown = rows.filter(_holds(fixed))
    every = [_ascending(shown[axis].unique().to_list()) for axis in (across, up)]
    columns = _thinned(every[0], place[across], MOST_COLUMNS)
    lines = _thinned(every[1], place[up], MOST_ROWS)
    column_of = {value: i for i, value in enumerate(columns)}
    row_of = {value: i for i, value in enumerate(lines)}
    cells = [
        _cell(row, (across, up), (column_of[row[across]], row_of[row[up]]), metric, place)
        for row in shown.iter_rows(named=True)
        if row[across] in column_of and row[up] in row_of
    ]
    held = (len(every[0]), len(every[1]))
    return Plane((across, up), tuple(columns), tuple(lines), held, fixed, tuple(cells))


def value_text(axis: str, value: Value) -> str:
    """A value on an axis."""
    return plain(value) + (UNITS.get(axis, "") if value is not None else "")


def _cell(
    row: dict[str, Any], axes: tuple[str, str], index: tuple[int, int], metric: str,
    place: dict[str, Value],
) -> HeatCell:  # fmt: skip
    value = row[metric]
    chosen = all(row[axis] == place[axis] for axis in axes)
    shown = missing(why(row, metric)) if value is None else number(value, 1)
    where = ", ".join(f"{axis_name(axis)} {value_text(axis, row[axis])}" for axis in axes)
    title = (
        f"{where}: {METRICS.get(metric, words(metric))} {shown}; {count(row['trades'], 'trade')}"
    )
    title += f", PnL {money(row['pnl'])}; {'qualified' if row['qualified'] else 'not qualified'}"
    return HeatCell(*index, value, shown, title + ("; the cell shown" if chosen else ""), chosen)


def why(row: dict[str, Any], metric: str) -> str | None:
    """The code of the reason why a row has no ``metric``; a score lacks trades only."""
    if metric == "score":
        return "no_trades" if row["trades"] == 0 else None
    reason: str | None = row.get(f"{metric}_null")
    return reason


def _holds(place: dict[str, Value]) -> pl.Expr:
    return pl.all_horizontal(
        pl.lit(value=True),
        *(pl.col(axis).eq_missing(pl.lit(value)) for axis, value in place.items()),
    )


def _ascending(values: list[Value]) -> list[Value]:
    """None first, then by size; words as they are spelt."""
    return sorted(
        values, key=lambda v: (v is not None, isinstance(v, str), v if v is not None else 0)
    )


def _thinned(values: Sequence[Value], chosen: Value, most: int) -> list[Value]:
    if len(values) <= most:
        return list(values)
    last = len(values) - 1
    kept = {round(i * last / (most - 2)) for i in range(most - 1)} | {values.index(chosen)}
    return [values[i] for i in sorted(kept)]


def _apart(name: str, got: str) -> StoreError:
    return StoreError(
        f"rows of {name}",
        got,
        "one row for the cell that the result names",
        "Restore the run's files together, or run it again with --force.",
    )
