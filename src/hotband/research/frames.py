"""The tables of a simulation by name, and in the form that a notebook works with.

Tables are Polars frames; pandas and Arrow are asked for when wanted and need not be installed.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from hotband.errors import InputError
from hotband.market.bars import TIME_TYPE

if TYPE_CHECKING:
    from hotband.research.result import SimulationResult

METRIC_TYPES: Final = {
    "metric": pl.String(),
    "value": pl.Float64(),
    "reason": pl.String(),
    "n": pl.Int64(),
    "se": pl.Float64(),
    "ci90_low": pl.Float64(),
    "ci90_high": pl.Float64(),
    "period": pl.String(),
    "method": pl.String(),
    "flags": pl.List(pl.String()),
}
DECISION_TYPES: Final = {
    "time": TIME_TYPE,
    "instrument": pl.String(),
    "admit": pl.Boolean(),
    "hard_blocked": pl.Boolean(),
    "reasons": pl.List(pl.String()),
    "source": pl.String(),
    "side": pl.Int64(),
    "units": pl.Float64(),
    "gate_known": TIME_TYPE,
    "hazard": pl.Float64(),
    "repetitions": pl.Int64(),
}


def _metrics(result: "SimulationResult") -> pl.DataFrame:
    rows = []
    for name, metric in result.metrics.items():
        low, high = metric.ci90 or (None, None)
        own = metric.model_dump(exclude={"ci90"})
        rows.append({"metric": name, "ci90_low": low, "ci90_high": high, **own})
    return pl.DataFrame(rows, schema=METRIC_TYPES)


def _decisions(result: "SimulationResult") -> pl.DataFrame:
    rows = [
        {
            "time": each.time_ns,
            "gate_known": each.gate_known_ns,
            "reasons": list(each.reasons),
            "hazard": each.metrics["hazard"],
            "repetitions": each.metrics["repetitions"],
            **{name: getattr(each, name) for name in _PLAIN},
        }
        for each in result.decisions()
    ]
    raw = {**DECISION_TYPES, "time": pl.Int64(), "gate_known": pl.Int64()}
    return pl.DataFrame(rows, schema=raw).cast({"time": TIME_TYPE, "gate_known": TIME_TYPE})


_PLAIN: Final = ("instrument", "admit", "hard_blocked", "source", "side", "units")
TABLES: Final[Mapping[str, Callable[["SimulationResult"], pl.DataFrame]]] = {
    "trades": lambda result: result.trades,
    "open_positions": lambda result: result.open_positions,
    "equity_curve": lambda result: result.equity_curve,
    "daily_equity": lambda result: result.daily_equity,
    "decisions": _decisions,
    "metrics": _metrics,
}
"""What ``SimulationResult.to_polars`` and its kin can be asked for."""


def table_of(result: "SimulationResult", name: str) -> pl.DataFrame:
    """The table of that name; InputError for a name that is none of ``TABLES``."""
    if name not in TABLES:
        allowed = ", ".join(TABLES)
        raise InputError("table of a result", name, allowed, "Name one of them.", near=TABLES)
    return TABLES[name](result)


def as_pandas(frame: pl.DataFrame) -> Any:
    """The same as a ``pandas.DataFrame``; times keep their zone, nulls are NaN, NaT or None.

    Raises InputError where pandas is not installed.
    """
    pandas = _package("pandas")
    columns = {}
    for name, kind in frame.schema.items():
        column = frame[name]
        if isinstance(kind, pl.Datetime):
            columns[name] = pandas.to_datetime(column.dt.epoch("ns").to_list(), unit="ns", utc=True)
        elif kind == pl.Date:
            columns[name] = pandas.to_datetime(column.to_list())
        elif kind.is_numeric() and not column.null_count():
            columns[name] = column.to_numpy().copy()
        elif kind.is_numeric():
            columns[name] = pandas.Series(column.to_list(), dtype="float64")
        else:
            columns[name] = pandas.Series(column.to_list(), dtype=_KEPT.get(kind, "object"))
    return pandas.DataFrame(columns)


_KEPT: Final[Mapping[Any, str]] = {pl.Boolean(): "bool"}


def as_arrow(frame: pl.DataFrame) -> Any:
    """The same as a ``pyarrow.Table``; InputError where pyarrow is not installed."""
    _package("pyarrow")
    return frame.to_arrow()


def _package(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as cause:
        do = f"Install {name}, or take the table with to_polars()."
        what = f"table for {name}"
        raise InputError(what, f"no package {name}", f"{name} installed", do) from cause
