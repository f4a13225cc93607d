"""The account of a chosen cell over time: equity above, underwater below, on one time axis."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import polars as pl
from pydantic import Field

from hotband.artefacts.schemas import Latest
from hotband.artefacts.values import Instant
from hotband.market.calendar import DAY_NS, MILLISECOND_NS, format_time
from hotband.service.results.reduction import (
    DEFAULT_POINTS,
    Floats,
    Indices,
    checked_points,
    deepest,
    falls,
    reduced,
)
from hotband.service.results.replies import (
    PHASES,
    ROW,
    Absent,
    Phase,
    Reply,
    TableSource,
    known_value,
    span_ns,
    table_of,
    within,
)

WORST: Final = 5
"""Drawdowns that are listed."""


class Drawdown(Reply):
    """One fall below a peak, until the peak is reached again."""

    peak_time: Instant
    trough_time: Instant
    recovered_time: Instant | None
    """Null = it was not by the end."""
    money: float = Field(le=0)
    fraction: float | None
    """Of the peak; null where the peak is not above 0."""


class Carried(Reply):
    """What held when the span began: the account's last row before it."""

    time: Instant
    equity: float
    balance: float


class EquityCurve(Reply):
    """Equity, balance and underwater at the close of bars; columns of equal length.

    The account has a row wherever it moved, so a value holds until the next one. Underwater is
    taken against the running peak of the whole phase, whatever span is shown.
    """

    run_id: str
    instrument: str
    phase: Phase
    time_ms: tuple[int, ...]
    """Milliseconds since 1970 UTC at which the bar opened."""
    equity: tuple[float, ...]
    balance: tuple[float, ...]
    underwater: tuple[float, ...]
    """Money below the running peak, 0 or less."""
    underwater_fraction: tuple[float | None, ...]
    points: int = Field(ge=0)
    stands_for: int = Field(ge=0)
    """Rows of the span that the points show."""
    carried: Carried | None = None
    drawdowns: tuple[Drawdown, ...] = ()
    """The deepest of the span in money, the deepest first."""
    summary: str
    absent: Absent | None = None


class DailyCurve(Reply):
    """The hold-outs of all folds as one series of days, from 1 before the first of them."""

    run_id: str
    instrument: str
    day: tuple[str, ...]
    fold: tuple[int, ...]
    daily_return: tuple[float | None, ...]
    equity: tuple[float, ...]
    """Growth of 1."""
    underwater_fraction: tuple[float | None, ...]
    points: int = Field(ge=0)
    stands_for: int = Field(ge=0)
    absent: Absent | None = None


@dataclass(frozen=True, slots=True)
class CurveRequest:
    """A phase, a half-open span in RFC 3339 (None = open) and the most points to return."""

    phase: str = "look_back"
    start: str | None = None
    end: str | None = None
    max_points: int = DEFAULT_POINTS


def equity_curve(
    source: TableSource, latest: Latest, instrument: str, request: CurveRequest
) -> EquityCurve:
    """The chosen cell's account over one phase, reduced as ``reduction`` says.

    Raises:
        InputError: An unknown instrument or phase, a span without time, points out of range.
    """
    known_value("phase", request.phase, PHASES)
    checked_points(request.max_points)
    span = span_ns(request.start, request.end)
    named: dict[str, Any] = {"run_id": latest.run_id, "instrument": instrument}
    named["phase"] = request.phase
    found = table_of(source, latest, "equity", instrument)
    if not isinstance(found, Absent):
        found = found.filter(pl.col("phase") == request.phase).sort("time", ROW)
        found = found.drop_nulls(["equity", "balance"])
        if found.is_empty():
            text = f"no account of {instrument} over the {request.phase.replace('_', '-')}"
            found = Absent(code="no_rows", text=text)
    if isinstance(found, Absent):
        columns = ("time_ms", "equity", "balance", "underwater", "underwater_fraction")
        none: dict[str, Any] = dict.fromkeys(columns, ())
        return EquityCurve(
            points=0, stands_for=0, summary=found.text, absent=found, **none, **named
        )
    return EquityCurve(**_account(found, span, request.max_points), **named)


def _account(
    found: pl.DataFrame, span: tuple[int | None, int | None], max_points: int
) -> dict[str, Any]:
    """The fields of an EquityCurve but its names; ``found`` is one phase by time."""
    under, fraction = falls(found["equity"].to_numpy())
    found = found.with_columns(under=under, fraction=pl.Series(fraction, nan_to_null=True))
    shown = found.filter(within("time", span))
    t = shown["time"].dt.timestamp("ns").to_numpy()
    equity, below = shown["equity"].to_numpy(), shown["under"].to_numpy()
    kept: Indices = np.empty(0, np.int64)
    if len(t):
        kept = reduced(equity, max_points, (int(below.argmin()),))
    some = shown[kept]
    drawdowns = _drawdowns(found, span)
    return {
        "time_ms": (t[kept] // MILLISECOND_NS).tolist(),
        "equity": some["equity"].to_list(),
        "balance": some["balance"].to_list(),
        "underwater": some["under"].to_list(),
        "underwater_fraction": some["fraction"].to_list(),
        "points": len(kept),
        "stands_for": len(t),
        "carried": _carried(found, span[0]),
        "drawdowns": drawdowns,
        "summary": _summary(t, equity, drawdowns),
    }


def _carried(found: pl.DataFrame, start_ns: int | None) -> Carried | None:
    before = found.filter(within("time", (None, start_ns))).tail(1)
    if start_ns is None or before.is_empty():
        return None
    return Carried(
        time=format_time(int(before["time"].dt.timestamp("ns")[0])),
        equity=before["equity"][0],
        balance=before["balance"][0],
    )


def _drawdowns(found: pl.DataFrame, span: tuple[int | None, int | None]) -> list[Drawdown]:
    """The deepest falls whose trough lies in the span; ``found`` is the whole phase."""
    t = found["time"].dt.timestamp("ns").to_numpy()
    equity, under = found["equity"].to_numpy(), found["under"].to_numpy()
    sunk = np.concatenate(([False], under < 0.0, [False])).astype(np.int8)
    firsts, ends = np.flatnonzero(np.diff(sunk) == 1), np.flatnonzero(np.diff(sunk) == -1)
    if not len(firsts):
        return []
    depth = np.minimum.reduceat(under, firsts)
    order = np.argsort(depth, kind="stable")
    listed: list[Drawdown] = []
    for k in order.tolist():
        first, end = int(firsts[k]), int(ends[k])
        trough = first + int(under[first:end].argmin())
        if not _inside(int(t[trough]), span):
            continue
        peak = float(equity[first - 1])
        listed.append(
            Drawdown(
                peak_time=format_time(int(t[first - 1])),
                trough_time=format_time(int(t[trough])),
                recovered_time=format_time(int(t[end])) if end < len(t) else None,
                money=float(under[trough]),
                fraction=float(under[trough]) / peak if peak > 0.0 else None,
            )
        )
        if len(listed) == WORST:
            break
    return listed


def _inside(t_ns: int, span: tuple[int | None, int | None]) -> bool:
    start_ns, end_ns = span
    return (start_ns is None or t_ns >= start_ns) and (end_ns is None or t_ns < end_ns)


def _summary(t: Indices, equity: Floats, drawdowns: list[Drawdown]) -> str:
    """The curve in one sentence, for those who cannot see it."""
    if not len(t):
        return "The account did not move in this span."
    days = (int(t[-1]) - int(t[0])) / DAY_NS
    first, last = float(equity[0]), float(equity[-1])
    way = "rose" if last > first else "fell" if last < first else "stayed the same"
    share = f" {abs(last / first - 1.0) * 100.0:.1f} %" if last != first and first > 0.0 else ""
    text = f"Equity {way}{share} over {days:.1f} days"
    if not drawdowns:
        return f"{text}; it never fell below its peak."
    worst = drawdowns[0]
    depth = f"{-worst.money:,.2f} of account currency"
    if worst.fraction is not None:
        depth = f"{-worst.fraction * 100.0:.1f} %"
    when = datetime.fromisoformat(worst.trough_time).astimezone(UTC)
    return f"{text}; deepest drawdown {depth} on {when:%d %b %Y %H:%M} UTC."


def daily_curve(
    source: TableSource, latest: Latest, instrument: str, max_points: int = DEFAULT_POINTS
) -> DailyCurve:
    """The stitched out-of-sample days of an instrument.

    Raises:
        InputError: An unknown instrument, or points out of range.
    """
    checked_points(max_points)
    named: dict[str, Any] = {"run_id": latest.run_id, "instrument": instrument}
    found = table_of(source, latest, "oos", instrument)
    if not isinstance(found, Absent):
        found = found.drop_nulls("equity").sort("day", ROW)
        if found.is_empty():
            text = f"no day of {instrument} was judged out of sample"
            found = Absent(code="no_rows", text=text)
    if isinstance(found, Absent):
        names = ("day", "fold", "daily_return", "equity", "underwater_fraction")
        none: dict[str, Any] = dict.fromkeys(names, ())
        return DailyCurve(points=0, stands_for=0, absent=found, **none, **named)
    # The account before the first day is the first peak: a loss on that day is a drawdown.
    equity = np.concatenate(([1.0], found["equity"].to_numpy()))
    under, fraction = falls(equity)
    ends = [i - 1 for i in deepest(under, equity) or () if i]
    kept = reduced(equity[1:], max_points, tuple(ends))
    some = found.with_columns(fraction=pl.Series(fraction[1:], nan_to_null=True))[kept]
    return DailyCurve(
        day=tuple(some["day"].dt.to_string("iso")),
        fold=tuple(some["fold"]),
        daily_return=tuple(some["return"]),
        equity=tuple(some["equity"]),
        underwater_fraction=tuple(some["fraction"]),
        points=len(kept),
        stands_for=found.height,
        **named,
    )
