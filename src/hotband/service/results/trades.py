"""The trades of an instrument's chosen cell, by page, with the sums of what a filter leaves."""

from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl
from pydantic import Field

from hotband.artefacts.schemas import Instrument, Latest
from hotband.artefacts.values import Instant
from hotband.service.results.paging import Page, PageRequest, Scope, position, sliced
from hotband.service.results.replies import (
    PHASES,
    ROW,
    Absent,
    Phase,
    Reply,
    TableSource,
    entry_of,
    known_value,
    plain_rows,
    span_ns,
    table_of,
    within,
)

OUTCOMES: Final = ("win", "loss", "flat")
DIRECTIONS: Final = ("LONG", "SHORT")
SOURCES: Final = ("real", "synthetic")


class Trade(Reply):
    """One closed ticket of the chosen cell; money in account currency, prices as filled."""

    id: int
    """Its number among the instrument's trades of the phase, in order of closing, from 0."""
    cell: int
    direction: Literal["LONG", "SHORT"]
    units: float
    entry_time: Instant
    entry_price: float
    exit_time: Instant
    exit_price: float
    exit_reason: str
    hold_minutes: float
    gross: float
    commission: float
    financing: float
    pnl: float
    """Net of commission and financing."""
    mae_pips: float | None
    mfe_pips: float | None
    stop: float | None
    """Null = there was none."""
    source: Literal["real", "synthetic"]
    gate_known: Instant | None


class TradeSums(Reply):
    """Of all trades that the filter leaves, on every page."""

    count: int = Field(ge=0)
    wins: int = Field(ge=0)
    losses: int = Field(ge=0)
    pnl: float
    gross: float
    commission: float
    financing: float
    win_rate: float | None
    """Null without trades."""


class TradePage(Page[Trade]):
    """Trades of an instrument over one phase."""

    instrument: str
    phase: Phase
    sums: TradeSums
    unfiltered: int = Field(ge=0)
    """Trades before the filter."""
    exit_reasons: tuple[str, ...]
    """Those that the instrument's trades have, to filter by."""
    absent: Absent | None = None


class TradePlace(Reply):
    """One trade by its id, and where the list that a query asks for has it."""

    run_id: str
    instrument: str
    phase: Phase
    id: int
    trade: Trade | None
    """Null = the phase has no trade of this id."""
    position: int | None
    """From 0, in the order asked for; null where the filter leaves the trade out too."""
    total: int = Field(ge=0)
    """Trades that the filter leaves."""
    unfiltered: int = Field(ge=0)
    absent: Absent | None = None


@dataclass(frozen=True, slots=True)
class TradeFilter:
    """Which trades; None = any. A trade lies in the span where its entry does, half-open.

    ``phase``: those that chose the cell (``look_back``) or those after the choice (``hold_out``).
    """

    phase: str = "look_back"
    direction: str | None = None
    exit_reason: str | None = None
    source: str | None = None
    outcome: str | None = None
    start: str | None = None
    end: str | None = None

    def spelt(self) -> tuple[str, ...]:
        """The filter as text, one part each, for cursors."""
        values = (
            self.phase, self.direction, self.exit_reason, self.source, self.outcome, self.start,
            self.end,
        )  # fmt: skip
        return tuple("" if value is None else value for value in values)


def trade_page(
    source: TableSource, latest: Latest, instrument: str, page: PageRequest, chosen: TradeFilter
) -> TradePage:
    """One page of an instrument's trades; without a sort, in order of closing.

    Raises:
        InputError: An unknown instrument, phase or column, a filter or a cursor that does not fit.
    """
    named = _named(latest, instrument, chosen)
    found = phase_trades(source, latest, instrument, chosen.phase)
    if isinstance(found, Absent):
        sums = _sums(pl.DataFrame(schema=_MONEY))
        return TradePage(
            items=(), next=None, total=0, sums=sums, unfiltered=0, exit_reasons=(),
            absent=found, **named,
        )  # fmt: skip
    reasons = tuple(sorted(found["exit_reason"].unique().to_list()))
    kept = found.filter(_kept(chosen, reasons)).select(*Trade.model_fields)
    scope = Scope(latest.run_id, f"trades {instrument}", chosen.spelt())
    part = sliced(kept, page, scope)
    return TradePage(
        items=tuple(Trade.model_validate(row) for row in plain_rows(part.rows)),
        next=part.next,
        total=part.total,
        sums=_sums(kept),
        unfiltered=found.height,
        exit_reasons=reasons,
        **named,
    )


def trade_place(
    source: TableSource,
    latest: Latest,
    instrument: str,
    number: int,
    page: PageRequest,
    chosen: TradeFilter,
) -> TradePlace:
    """One trade, and its place in the list that ``page`` sorts and ``chosen`` filters.

    Raises:
        InputError: An unknown instrument, phase or column, a filter that does not fit.
    """
    named = _named(latest, instrument, chosen) | {"id": number}
    found = phase_trades(source, latest, instrument, chosen.phase)
    if isinstance(found, Absent):
        return TradePlace(
            trade=None, position=None, total=0, unfiltered=0, absent=found, **named
        )  # fmt: skip
    reasons = tuple(sorted(found["exit_reason"].unique().to_list()))
    kept = found.filter(_kept(chosen, reasons)).select(*Trade.model_fields)
    rows = plain_rows(found.filter(pl.col(ROW) == number).select(*Trade.model_fields))
    return TradePlace(
        trade=Trade.model_validate(rows[0]) if rows else None,
        position=position(kept, page, number),
        total=kept.height,
        unfiltered=found.height,
        **named,
    )


def phase_trades(
    source: TableSource, latest: Latest, instrument: str, phase: str
) -> pl.DataFrame | Absent:
    """An instrument's trades of one phase, numbered, or why there are none.

    Raises:
        InputError: An unknown instrument or phase.
        StoreError: The file of a table that the run names cannot be read.
    """
    known_value("phase", phase, PHASES)
    if phase == "look_back":
        return table_of(source, latest, "trades", instrument)
    entry = entry_of(latest, instrument)
    if isinstance(entry, Instrument) and entry.judgement.hold_out_reason is not None:
        text = f"nothing judged the choice of {instrument}: {entry.judgement.hold_out_reason}"
        return Absent(code="no_hold_out", text=text)
    return table_of(source, latest, "hold_out_trades", instrument)


def _named(latest: Latest, instrument: str, chosen: TradeFilter) -> dict[str, Any]:
    known_value("phase", chosen.phase, PHASES)
    span_ns(chosen.start, chosen.end)
    return {"run_id": latest.run_id, "instrument": instrument, "phase": chosen.phase}


_MONEY: Final = dict.fromkeys(("pnl", "gross", "commission", "financing"), pl.Float64())


def _kept(chosen: TradeFilter, reasons: tuple[str, ...]) -> pl.Expr:
    known_value("direction", chosen.direction, DIRECTIONS)
    known_value("exit_reason", chosen.exit_reason, reasons)
    known_value("source", chosen.source, SOURCES)
    known_value("outcome", chosen.outcome, OUTCOMES)
    kept = within("entry_time", span_ns(chosen.start, chosen.end))
    for column in ("direction", "exit_reason", "source"):
        if (value := getattr(chosen, column)) is not None:
            kept &= pl.col(column) == value
    if chosen.outcome is not None:
        sign = OUTCOMES.index(chosen.outcome)
        kept &= pl.col("pnl").sign() == (1.0, -1.0, 0.0)[sign]
    return kept


def _sums(kept: pl.DataFrame) -> TradeSums:
    wins = int((kept["pnl"] > 0.0).sum())
    return TradeSums(
        count=kept.height,
        wins=wins,
        losses=int((kept["pnl"] < 0.0).sum()),
        win_rate=wins / kept.height if kept.height else None,
        **{name: float(kept[name].sum()) for name in _MONEY},
    )


def trades_between(
    source: TableSource, latest: Latest, instrument: str, phase: str, span: tuple[int, int]
) -> pl.DataFrame | Absent:
    """A phase's trades that enter or leave in a half-open span of ns, as the file has them."""
    found = phase_trades(source, latest, instrument, phase)
    if isinstance(found, Absent):
        return found
    kept = found.filter(within("entry_time", span) | within("exit_time", span))
    return kept.sort("entry_time", ROW)
