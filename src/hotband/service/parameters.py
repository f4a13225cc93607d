"""What routes take from paths and queries, each with its form: names, never paths."""

from typing import Annotated

from fastapi import Depends, Path, Query

from hotband.artefacts.schemas import Latest
from hotband.service.container import Current
from hotband.service.ids import PATTERN
from hotband.service.results.decisions import DecisionFilter
from hotband.service.results.paging import DEFAULT_LIMIT, MOST_ITEMS, PageRequest
from hotband.service.results.trades import TradeFilter

RUN: str = f"^([0-9a-f]{{16}}|{PATTERN})$"
Run = Annotated[str, Path(pattern=RUN, description="A run_id, or the job_id of one start")]
Symbol = Annotated[str, Path(pattern="^[A-Z]{3}_[A-Z]{3}$", description="Such as EUR_USD")]
RunQuery = Annotated[str, Query(pattern=RUN, description="A run_id or job_id")]
Moment = Annotated[str | None, Query(max_length=40, description="RFC 3339 with a zone")]
Word = Annotated[str | None, Query(max_length=64)]
Cursor = Annotated[str | None, Query(max_length=500, description="From next of the page before")]
Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS)]
Phase = Annotated[str, Query(pattern="^(look_back|hold_out)$")]
Points = Annotated[int, Query(ge=16, le=20_000, description="The most points to return")]


def result_of(run: Run, service: Current) -> Latest:
    """The result that a path names."""
    return service.library.result(run)


def page_of(
    sort: Word = None,
    descending: bool = False,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> PageRequest:
    """The page that a query asks for."""
    return PageRequest(sort=sort, descending=descending, limit=limit, cursor=cursor)


def order_of(sort: Word = None, descending: bool = False) -> PageRequest:
    """The order that a query asks for."""
    return PageRequest(sort=sort, descending=descending)


def trade_filter(
    phase: Phase = "look_back",
    direction: Word = None,
    exit_reason: Word = None,
    source: Word = None,
    outcome: Word = None,
    start: Moment = None,
    end: Moment = None,
) -> TradeFilter:
    """The trades that a query asks for."""
    return TradeFilter(phase, direction, exit_reason, source, outcome, start, end)


def decision_filter(
    phase: Phase = "look_back",
    admit: bool | None = None,
    reason: Word = None,
    source: Word = None,
    start: Moment = None,
    end: Moment = None,
) -> DecisionFilter:
    """The verdicts that a query asks for."""
    return DecisionFilter(phase, admit, reason, source, start, end)


Result = Annotated[Latest, Depends(result_of)]
Ordered = Annotated[PageRequest, Depends(order_of)]
Paged = Annotated[PageRequest, Depends(page_of)]
