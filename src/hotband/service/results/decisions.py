"""What the chosen cell said of each gate, and why: verdicts by page, counted by reason."""

from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from pydantic import Field

from hotband.artefacts.schemas import Instrument, Latest
from hotband.artefacts.values import Funnel, Instant
from hotband.core.codes import REASONS
from hotband.service.results.paging import Page, PageRequest, Scope, sliced
from hotband.service.results.replies import (
    PHASES,
    ROW,
    Absent,
    Cell,
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
from hotband.service.results.trades import SOURCES

_TEXTS: Final = {reason.name: reason.text for reason in REASONS.values()}
_FIXED: Final = (
    ROW, "phase", "time", "gate_known", "direction", "admit", "reasons", "hard_blocked", "source",
)  # fmt: skip


class Decision(Reply):
    """One verdict on a gate."""

    id: int
    """Its number among the instrument's verdicts, from 0."""
    phase: Phase
    time: Instant
    """When it was judged."""
    gate_known: Instant | None
    direction: str
    admit: bool
    reasons: tuple[str, ...]
    """Codes in the order of the pipeline."""
    hard_blocked: bool
    """Whether safety or the session forbade it."""
    source: str
    """``real`` or ``synthetic``."""
    numbers: dict[str, float | None]
    """What the gate carried and, where recorded, the units planned; null = undefined."""


class ReasonCount(Reply):
    """How many of the found verdicts name a reason; a verdict may name several."""

    reason: str
    text: str | None
    """In words; null for a code that has none."""
    decisions: int = Field(ge=1)


class DecisionPage(Page[Decision]):
    """Verdicts of an instrument."""

    instrument: str
    admitted: int = Field(ge=0)
    """Of those that the filter leaves."""
    reasons: tuple[ReasonCount, ...]
    """Of those that the filter leaves, the most frequent first."""
    unfiltered: int = Field(ge=0)
    """Verdicts of the phase before the filter."""
    funnel: Funnel | None
    """Of the phase, from the result; null where it has none."""
    absent: Absent | None = None


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """Which verdicts; None = any. ``start`` and ``end``: when judged, half-open."""

    phase: str = "look_back"
    admit: bool | None = None
    reason: str | None = None
    source: str | None = None
    start: str | None = None
    end: str | None = None

    def spelt(self) -> tuple[str, ...]:
        """The filter as text, one part each, for cursors."""
        values = (self.phase, self.admit, self.reason, self.source, self.start, self.end)
        return tuple("" if value is None else str(value) for value in values)


def decision_page(
    source: TableSource, latest: Latest, instrument: str, page: PageRequest, chosen: DecisionFilter
) -> DecisionPage:
    """One page of an instrument's verdicts of one phase; without a sort, in order of time.

    Raises:
        InputError: An unknown instrument or column, a filter or a cursor that does not fit.
    """
    known_value("phase", chosen.phase, PHASES)
    span_ns(chosen.start, chosen.end)
    named: dict[str, Any] = {"run_id": latest.run_id, "instrument": instrument}
    named["funnel"] = _funnel(latest, instrument, chosen.phase)
    found = table_of(source, latest, "decisions", instrument)
    if isinstance(found, Absent):
        return DecisionPage(
            items=(), next=None, total=0, admitted=0, reasons=(), unfiltered=0, absent=found,
            **named,
        )  # fmt: skip
    found = found.filter(pl.col("phase") == chosen.phase)
    kept = found.filter(_kept(chosen, found))
    scope = Scope(latest.run_id, f"decisions {instrument}", chosen.spelt())
    part = sliced(kept, page, scope)
    return DecisionPage(
        items=tuple(_decision(row) for row in plain_rows(part.rows)),
        next=part.next,
        total=part.total,
        admitted=int(kept["admit"].sum()),
        reasons=_counts(kept),
        unfiltered=found.height,
        **named,
    )


def _funnel(latest: Latest, instrument: str, phase: str) -> Funnel | None:
    entry = entry_of(latest, instrument)
    if not isinstance(entry, Instrument):
        return None
    if phase == "look_back":
        return entry.funnel
    return None if entry.judgement.hold_out is None else entry.judgement.hold_out.funnel


def _kept(chosen: DecisionFilter, found: pl.DataFrame) -> pl.Expr:
    named = tuple(sorted(found["reasons"].explode().drop_nulls().unique().to_list()))
    known_value("reason", chosen.reason, tuple(dict.fromkeys([*named, *_TEXTS])))
    known_value("source", chosen.source, SOURCES)
    kept = within("time", span_ns(chosen.start, chosen.end))
    if chosen.admit is not None:
        kept &= pl.col("admit") == chosen.admit
    if chosen.reason is not None:
        kept &= pl.col("reasons").list.contains(chosen.reason)
    if chosen.source is not None:
        kept &= pl.col("source") == chosen.source
    return kept


def _counts(kept: pl.DataFrame) -> tuple[ReasonCount, ...]:
    one_each = kept.select(reason=pl.col("reasons").list.unique()).explode("reason").drop_nulls()
    counts = one_each.group_by("reason").len().sort(["len", "reason"], descending=[True, False])
    return tuple(
        ReasonCount(reason=name, text=_TEXTS.get(name), decisions=count)
        for name, count in counts.iter_rows()
    )


def _decision(row: dict[str, Cell]) -> Decision:
    fixed = {name: row.pop(name) for name in _FIXED}
    row.pop("instrument", None)
    return Decision.model_validate({**fixed, "numbers": row})
