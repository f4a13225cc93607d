"""The grid of one instrument as rows: filtered, sorted, with the columns asked for, by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from pydantic import Field

from hotband.artefacts.schemas import Instrument, Latest, Params
from hotband.errors import InputError, StoreError
from hotband.report.plane import at
from hotband.service.results.filters import NULL, filter_of
from hotband.service.results.paging import Page, PageRequest, Scope, sliced
from hotband.service.results.replies import (
    ROW,
    Absent,
    Cell,
    Reply,
    Scalar,
    TableSource,
    entry_of,
    known_value,
    plain_rows,
    scalar,
    table_of,
)

ALWAYS: Final = (ROW, "cell")
MOST_PLANE: Final = 40_000
"""Places of a plane; a heat map of more can be neither sent nor read."""


class GridRows(Page[dict[str, Cell]]):
    """Cells of an instrument's grid; each item has ``id``, ``cell`` and the columns asked for."""

    instrument: str
    columns: tuple[str, ...]
    """All that the table has, to choose, sort and filter by."""
    chosen: int | None
    """The cell that the result names."""
    absent: Absent | None = None


class GridAxis(Reply):
    """One axis of the grid."""

    name: str
    values: tuple[Scalar, ...]
    """Ascending; null = off, first where it is."""
    chosen: Scalar
    """The value of the cell that the result names."""


class GridAxes(Reply):
    """The axes of an instrument's grid and what can be drawn over them."""

    run_id: str
    instrument: str
    axes: tuple[GridAxis, ...]
    metrics: tuple[str, ...]
    """Columns of numbers that are no axes."""
    cells: int = Field(ge=0)
    absent: Absent | None = None


class GridPlane(Reply):
    """One metric over two axes, all others fixed.

    Matrices have a line per value of ``y`` and in it an item per value of ``x``; null = no such
    cell, and in ``values`` also a metric that is undefined, for which ``reasons`` says why.
    """

    run_id: str
    instrument: str
    metric: str
    x: GridAxis | None
    y: GridAxis | None
    fixed: dict[str, Scalar]
    values: tuple[tuple[float | None, ...], ...]
    reasons: tuple[tuple[str | None, ...], ...]
    cells: tuple[tuple[int | None, ...], ...]
    trades: tuple[tuple[int | None, ...], ...]
    qualified: tuple[tuple[bool | None, ...], ...]
    tested: int = Field(ge=0)
    """Places that have a cell."""
    absent: Absent | None = None


@dataclass(frozen=True, slots=True)
class PlaneRequest:
    """Two axes, a metric, and values of other axes; those not named stay at the chosen cell.

    ``fixed``: one ``AXIS:VALUE`` per axis, such as ``hold_minutes:30``; ``null`` = off.
    """

    x: str
    y: str
    metric: str
    fixed: Sequence[str] = ()


def grid_rows(
    source: TableSource,
    latest: Latest,
    instrument: str,
    page: PageRequest,
    *,
    filters: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> GridRows:
    """One page of the grid's rows; ``filters`` as in ``filters.filter_of``, no columns = all.

    Raises:
        InputError: An unknown instrument or column, a filter or a cursor that does not fit.
    """
    named: dict[str, Any] = {"run_id": latest.run_id, "instrument": instrument}
    found = table_of(source, latest, "rows", instrument)
    if isinstance(found, Absent):
        return GridRows(
            items=(), next=None, total=0, columns=(), chosen=None, absent=found, **named
        )
    for name in columns:
        known_value("column", name, tuple(found.columns))
    kept = found.filter(filter_of(filters, found.schema))
    part = sliced(kept, page, Scope(latest.run_id, f"rows {instrument}", tuple(filters)))
    rows = part.rows.select(list(dict.fromkeys([*ALWAYS, *columns]))) if columns else part.rows
    entry = entry_of(latest, instrument)
    return GridRows(
        items=tuple(plain_rows(rows)),
        next=part.next,
        total=part.total,
        columns=tuple(found.columns),
        chosen=_chosen(found, entry.params) if isinstance(entry, Instrument) else None,
        **named,
    )


def grid_axes(source: TableSource, latest: Latest, instrument: str) -> GridAxes:
    """The axes of the grid: those of every run, then the grid's own by name."""
    found = table_of(source, latest, "rows", instrument)
    entry = entry_of(latest, instrument)
    named: dict[str, Any] = {"run_id": latest.run_id, "instrument": instrument}
    if isinstance(found, Absent) or not isinstance(entry, Instrument):
        gone = found if isinstance(found, Absent) else None
        return GridAxes(axes=(), metrics=(), cells=0, absent=gone, **named)
    axes = _axes(found, entry.params)
    return GridAxes(axes=axes, metrics=_metrics(found, axes), cells=found.height, **named)


def grid_plane(
    source: TableSource, latest: Latest, instrument: str, request: PlaneRequest
) -> GridPlane:
    """A metric over two axes of the grid.

    Raises:
        InputError: An unknown axis, metric or value of an axis, or a plane of too many places.
    """
    named: dict[str, Any] = {"run_id": latest.run_id, "instrument": instrument}
    named["metric"] = request.metric
    found, entry = table_of(source, latest, "rows", instrument), entry_of(latest, instrument)
    if isinstance(found, Absent) or not isinstance(entry, Instrument):
        none: dict[str, Any] = dict.fromkeys(
            ("values", "reasons", "cells", "trades", "qualified"), ()
        )
        gone = found if isinstance(found, Absent) else None
        return GridPlane(x=None, y=None, fixed={}, tested=0, absent=gone, **none, **named)
    axes = {axis.name: axis for axis in _axes(found, entry.params)}
    x, y = _two(axes, request)
    known_value("metric", request.metric, _metrics(found, tuple(axes.values())))
    fixed = _fixed(axes, request)
    held = pl.all_horizontal(
        pl.lit(value=True), *(pl.col(n).eq_missing(pl.lit(v)) for n, v in fixed.items())
    )
    shown = found.filter(held)
    return GridPlane(x=x, y=y, fixed=fixed, **_matrices(shown, x, y, request.metric), **named)


def _axes(rows: pl.DataFrame, params: Params) -> tuple[GridAxis, ...]:
    place = at(params)
    if lacking := [name for name in place if name not in rows.columns]:
        raise _apart(f"no column {', '.join(lacking)}")
    return tuple(
        GridAxis(name=name, values=_ascending(rows[name]), chosen=chosen)
        for name, chosen in place.items()
    )


def _ascending(column: pl.Series) -> tuple[Scalar, ...]:
    values = column.unique().sort(nulls_last=False).to_list()
    return tuple(scalar(value) for value in values)


def _metrics(rows: pl.DataFrame, axes: Sequence[GridAxis]) -> tuple[str, ...]:
    apart = {*ALWAYS, *(axis.name for axis in axes)}
    return tuple(n for n, kind in rows.schema.items() if kind.is_numeric() and n not in apart)


def _two(axes: dict[str, GridAxis], request: PlaneRequest) -> tuple[GridAxis, GridAxis]:
    for what, name in (("x", request.x), ("y", request.y)):
        known_value(what, name, tuple(axes))
    if request.x == request.y:
        raise InputError("x and y", request.x, "two different axes", "Name another for one.")
    x, y = axes[request.x], axes[request.y]
    if (places := len(x.values) * len(y.values)) > MOST_PLANE:
        got, do = f"{places:,} places", "Choose axes with fewer values, or page through the rows."
        raise InputError("plane", got, f"at most {MOST_PLANE:,}", do)
    return x, y


def _fixed(axes: dict[str, GridAxis], request: PlaneRequest) -> dict[str, Scalar]:
    rest = {name: axis for name, axis in axes.items() if name not in {request.x, request.y}}
    found = {name: axis.chosen for name, axis in rest.items()}
    for text in request.fixed:
        name, _, value = text.partition(":")
        known_value("fixed axis", name, tuple(rest))
        named = {_spelt(held): held for held in rest[name].values}
        known_value(f"fixed {name}", _spelt(_number(value)), tuple(named))
        found[name] = named[_spelt(_number(value))]
    return found


def _number(text: str) -> Scalar:
    try:
        return float(text)
    except ValueError:
        return text


def _spelt(value: Scalar) -> str:
    """One spelling per value, so that 30 and 30.0 are the same."""
    return NULL if value is None else f"{value:.15g}" if isinstance(value, float | int) else value


def _matrices(shown: pl.DataFrame, x: GridAxis, y: GridAxis, metric: str) -> dict[str, Any]:
    """What ``GridPlane`` has by place; StoreError where two cells have one place."""
    why = f"{metric}_null"
    reason = pl.col(why) if why in shown.columns else pl.lit(None, pl.String)
    rows = shown.select(
        x=pl.col(x.name), y=pl.col(y.name), values=pl.col(metric).cast(pl.Float64),
        reasons=reason, cells="cell", trades="trades", qualified="qualified",
    )  # fmt: skip
    by_place = {(row["x"], row["y"]): row for row in rows.iter_rows(named=True)}
    if len(by_place) != rows.height:
        raise _apart(f"{rows.height - len(by_place)} places with several cells")

    def matrix(name: str) -> list[list[Any]]:
        return [[by_place.get((i, j), {}).get(name) for i in x.values] for j in y.values]

    names = ("values", "reasons", "cells", "trades", "qualified")
    return {"tested": len(by_place), **{name: matrix(name) for name in names}}


def _chosen(rows: pl.DataFrame, params: Params) -> int | None:
    """The cell of the parameters; null where the table has none such."""
    place = {name: value for name, value in at(params).items() if name in rows.columns}
    held = (pl.col(name).eq_missing(pl.lit(value)) for name, value in place.items())
    found = rows.filter(pl.all_horizontal(pl.lit(value=True), *held))
    return int(found["cell"][0]) if found.height == 1 else None


def _apart(got: str) -> StoreError:
    allowed, do = "one row per cell of the result's grid", "Restore the run's files together."
    return StoreError("rows", got, allowed, do)
