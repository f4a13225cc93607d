"""Pages of a frame: a stable order, and an opaque cursor that says where the next one begins."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import polars as pl
from pydantic import Field

from hotband.artefacts.provenance import canonical_json
from hotband.errors import InputError
from hotband.service.results.replies import ROW, Cell, Reply, plain_rows

T = TypeVar("T")

DEFAULT_LIMIT: Final = 100
MOST_ITEMS: Final = 500
_MOST_CURSOR: Final = 1024
_SCOPE_DIGITS: Final = 16


class Page(Reply, Generic[T]):
    """Some of what a query found, in its order."""

    run_id: str
    items: tuple[T, ...]
    next: str | None
    """The cursor of the page after this one; null = this is the last."""
    total: int = Field(ge=0)
    """All that the query found, on every page."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: ``sort`` None = the order of the file; ``limit`` 1..500.

    Equal keys keep the order of the file in both directions, and nulls come last in both.
    """

    sort: str | None = None
    descending: bool = False
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MOST_ITEMS:
            raise InputError("limit", self.limit, f"1 to {MOST_ITEMS}", "Ask for fewer, or one.")


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows of one page, the cursor of the next and how many rows there are in all."""

    rows: pl.DataFrame
    next: str | None
    total: int


@dataclass(frozen=True, slots=True)
class Scope:
    """What a cursor belongs to: it fits no other run, table or filter."""

    run_id: str
    table: str
    filters: tuple[str, ...] = field(default=())

    def fingerprint(self, request: PageRequest) -> str:
        """16 hex digits of the query; the limit may change from page to page."""
        content = [self.run_id, self.table, *self.filters, request.sort, request.descending]
        return hashlib.sha256(canonical_json(content)).hexdigest()[:_SCOPE_DIGITS]


def sliced(found: pl.DataFrame, request: PageRequest, scope: Scope) -> Slice:
    """One page of ``found``, whose rows the column ``ROW`` names.

    Raises:
        InputError: A column that is not there or has no order, or a cursor of another query.
    """
    ordered = _ordered(found, request)
    mark = scope.fingerprint(request)
    first = 0 if request.cursor is None else _after(ordered, request, mark)
    rows = ordered.slice(first, request.limit)
    more = first + rows.height < ordered.height
    next_ = _cursor(mark, *_place(rows, rows.height - 1, request.sort)) if more else None
    return Slice(rows, next_, ordered.height)


def position(found: pl.DataFrame, request: PageRequest, number: int) -> int | None:
    """Where a row stands in the order of a query, from 0, on whatever page; None = nowhere.

    Raises:
        InputError: A column that is not there or has no order.
    """
    return _ordered(found, request)[ROW].index_of(number)


def _ordered(found: pl.DataFrame, request: PageRequest) -> pl.DataFrame:
    sort = request.sort
    if sort is None:
        return found.sort(ROW, descending=request.descending)
    sortable = [name for name, kind in found.schema.items() if not kind.is_nested()]
    if sort not in sortable:
        do = "Sort by one of them."
        raise InputError("sort", sort, ", ".join(sortable), do, near=sortable)
    if sort == ROW:
        return found.sort(ROW, descending=request.descending)
    return found.sort([sort, ROW], descending=[request.descending, False], nulls_last=True)


def _place(rows: pl.DataFrame, at: int, sort: str | None) -> tuple[Cell, int]:
    """Sort key and number of one row."""
    (row,) = plain_rows(rows.slice(at, 1).select(list(dict.fromkeys([sort or ROW, ROW]))))
    return row[sort or ROW], int(rows[ROW][at])


def _cursor(mark: str, key: Cell, number: int) -> str:
    text = json.dumps([mark, key, number], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _after(ordered: pl.DataFrame, request: PageRequest, mark: str) -> int:
    """Index of the first row after the cursor's, which must be a row of this query."""
    cursor = request.cursor or ""
    number = _number(cursor, mark)
    at = ordered[ROW].index_of(number)
    if at is None or _cursor(mark, *_place(ordered, at, request.sort)) != cursor:
        raise _foreign(cursor)
    return at + 1


def _number(cursor: str, mark: str) -> int:
    if len(cursor) > _MOST_CURSOR:
        raise _foreign(f"{len(cursor)} characters")
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        content = json.loads(data)
    except (ValueError, RecursionError) as cause:
        raise _foreign(cursor) from cause
    match content:
        case [str(own), _, int(number)] if own == mark and not isinstance(number, bool):
            return number if -1 < number < 1 << 62 else -1
    raise _foreign(cursor)


def _foreign(got: str) -> InputError:
    return InputError(
        "cursor",
        got,
        "the 'next' of a page of the same query",
        "Ask for the first page again, without a cursor.",
    )
