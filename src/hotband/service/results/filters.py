"""Filters as text, such as ``sharpe:ge:0.5``, over the columns that a table has."""

import math
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

import polars as pl

from hotband.errors import InputError
from hotband.market.calendar import parse_time

OPERATORS: Final = ("eq", "ne", "lt", "le", "gt", "ge", "in")
MOST_FILTERS: Final = 20
MOST_VALUES: Final = 100
NULL: Final = "null"
_MOST_TEXT: Final = 2000
_COMPARED: Final[dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]]] = {
    "lt": pl.Expr.lt,
    "le": pl.Expr.le,
    "gt": pl.Expr.gt,
    "ge": pl.Expr.ge,
}


def filter_of(texts: Sequence[str], schema: pl.Schema) -> pl.Expr:
    """The rows that every one of ``texts`` keeps; each is ``COLUMN:OPERATOR:VALUE``.

    Values are read as the column's type: numbers, true or false, RFC 3339 times, days, words;
    ``in`` takes several with commas between them. ``null`` is a value for eq, ne and in. A null
    cell passes eq:null, ne of anything else, and nothing besides. On a column of lists, eq and
    in ask whether the list holds the word, or one of them, and ne that it does not.

    Raises:
        InputError: Another form, an unknown column or operator, or a value of another type.
    """
    if len(texts) > MOST_FILTERS:
        raise InputError("filter", f"{len(texts)} of them", f"at most {MOST_FILTERS}", "Drop some.")
    return pl.all_horizontal(pl.lit(value=True), *(_one(text, schema) for text in texts))


def _one(text: str, schema: pl.Schema) -> pl.Expr:
    parts = text.split(":", 2)
    if len(parts) != 3 or len(text) > _MOST_TEXT:
        got, allowed = text[:100], f"COLUMN:OPERATOR:VALUE, up to {_MOST_TEXT} characters"
        raise InputError("filter", got, allowed, "Write sharpe:ge:0.5, for one.")
    column, operator, value = parts
    if column not in schema:
        names = schema.names()
        do = "Filter by one of them."
        raise InputError("filter column", column, ", ".join(names), do, near=names)
    if operator not in OPERATORS:
        do = "Use one of them."
        raise InputError("filter operator", operator, ", ".join(OPERATORS), do, near=OPERATORS)
    given = value.split(",") if operator == "in" else [value]
    if len(given) > MOST_VALUES:
        got, allowed = f"{len(given)} values", f"at most {MOST_VALUES}"
        raise InputError(f"filter {column}:in", got, allowed, "Name fewer.")
    kind = schema[column]
    if isinstance(kind, pl.List):
        return _of_list(column, operator, given)
    return _of_scalar(column, operator, [_value(column, item, kind) for item in given], kind)


def _of_list(column: str, operator: str, given: list[str]) -> pl.Expr:
    if operator not in {"eq", "ne", "in"}:
        got, allowed = f"{column}:{operator}", "eq, ne and in for a column of lists"
        raise InputError("filter operator", got, allowed, "Ask whether the list holds a word.")
    holds = pl.any_horizontal(pl.col(column).list.contains(word) for word in given)
    holds = holds.fill_null(value=False)
    return ~holds if operator == "ne" else holds


def _of_scalar(
    column: str, operator: str, values: list[Any], kind: pl.DataType
) -> pl.Expr:  # fmt: skip
    cell = pl.col(column)
    if isinstance(kind, pl.Datetime):
        cell = cell.dt.timestamp("ns")
    if operator in _COMPARED:
        if values == [None]:
            got, allowed = f"{column}:{operator}:{NULL}", "null with eq, ne and in"
            raise InputError("filter", got, allowed, "Compare with a value.")
        return _COMPARED[operator](cell, pl.lit(values[0]))
    same = pl.any_horizontal(cell.eq_missing(pl.lit(value)) for value in values)
    return ~same if operator == "ne" else same


def _value(column: str, text: str, kind: pl.DataType) -> Any:
    """``text`` as a value of the column; times as ns."""
    if text == NULL:
        return None
    try:
        return _typed(text, kind)
    except (ValueError, InputError) as cause:
        allowed = f"a value of type {_word(kind)}, or {NULL}"
        do = "Correct the value."
        raise InputError(f"filter on {column}", text[:100], allowed, do) from cause


def _typed(text: str, kind: pl.DataType) -> Any:
    if isinstance(kind, pl.Boolean):
        return {"true": True, "false": False}[text] if text in {"true", "false"} else _refuse(text)
    if kind.is_numeric():
        number = float(text)
        return number if math.isfinite(number) else _refuse(text)
    if isinstance(kind, pl.Datetime):
        return parse_time(text)
    if isinstance(kind, pl.Date):
        return date.fromisoformat(text)
    return text if isinstance(kind, pl.String) else _refuse(text)


def _refuse(text: str) -> Any:
    raise ValueError(text)


def _word(kind: pl.DataType) -> str:
    if kind.is_numeric():
        return "number"
    words = {
        "Boolean": "true or false",
        "Datetime": "RFC 3339 time",
        "Date": "day",
        "String": "word",
    }
    return words.get(type(kind).__name__, "word")
