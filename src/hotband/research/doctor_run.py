"""What is odd about the run of one cell: its gates, its days, its hours and its sizes.

Each check takes what it needs and gives at most one finding; its threshold is a constant here.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import numpy as np

from hotband.core import codes
from hotband.core.records import (
    CLOSED_BAR,
    HOLIDAY_BAR,
    IN_SESSION,
    SESSION_EXIT,
    WEEK_END,
    Records,
)
from hotband.market.calendar import MarketHours, Times
from hotband.market.sessions import SESSIONS, Session, session_flags
from hotband.research.findings import Finding, count, of_all
from hotband.research.gate_source import GateCoverage
from hotband.research.portfolio import Funnel
from hotband.research.score_tags import LEAST_REAL
from hotband.research.series import BoolArray, FloatArray, IntArray
from hotband.research.stress import DOMINATES

MANY_STALE: Final = 0.2
"""Share of the gates that were too old at the first bar that could use them."""
LONG_GAP_MINUTES: Final = 1440.0
LONG_GAP_SHARE: Final = 0.1
"""A stretch without a live gate is told of where it is longer than both: a day of bars, and
this share of all bars."""
LEAST_ENTRIES: Final = 20
"""Entries below which their hours and sizes are alike by chance."""
ONE_LIMIT: Final = 0.9
"""Share of the entries that one limit sized."""
TRADED_HOURS: Final[Mapping[str, tuple[Session, ...]]] = {
    "Asia": (SESSIONS["sydney"], SESSIONS["tokyo"]),
    "London": (SESSIONS["london"],),
    "New York": (SESSIONS["new_york"],),
}
"""Sessions by local hours; that of Asia is Sydney's and Tokyo's."""
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
STEPS: Final = ("gating", "sizing", "planning", "filling")
"""What takes a gate from one stage of the funnel to the next."""
_TEXTS: Final = {reason.name: reason.text for reason in codes.REASONS.values()}


def no_trades(instrument: str, funnel: Funnel) -> Finding | None:
    """Nothing was filled: the step of the funnel that stopped most gates, and the top reason."""
    if funnel.filled:
        return None
    if not funnel.gates:
        text = f"{instrument} was not traded: no gate was judged in the window."
        return Finding("no_trades", "warning", text, {"gates": 0.0})
    stages = (funnel.gates, funnel.admitted, funnel.sized, funnel.planned, funnel.filled)
    stopped = [a - b for a, b in pairwise(stages)]
    most = max(stopped)
    reason = max(funnel.refusals, key=lambda name: funnel.refusals[name])
    times = funnel.refusals[reason]
    return Finding(
        "no_trades",
        "warning",
        f"{instrument} was not traded: {STEPS[stopped.index(most)]} stopped "
        f"{of_all(most, funnel.gates, 'gates')}, and the most frequent reason, {times:,} times, "
        f"was {reason}: {_TEXTS[reason]}.",
        {"gates": float(funnel.gates), "stopped": float(most), reason: float(times)},
    )


def one_day(share: float | None, day: IntArray, returns: FloatArray) -> Finding | None:
    """One day made most of the profit.

    ``share``: of the best day in the sum of all daily returns, None where that is not
    positive; ``day`` (T,) labels in days since 1970-01-01, ``returns`` (T,) of those days.
    """
    if share is None or not share > DOMINATES:
        return None
    best = int(np.argmax(returns))
    made, total = float(returns[best]), float(returns.sum())
    return Finding(
        "one_day_makes_the_profit",
        "warning",
        f"One day, {np.datetime64(int(day[best]), 'D')}, made {share:.1%} of the profit: "
        f"{made:+.2%} of {total:+.2%} in daily returns; the other {count(len(day) - 1, 'day')} "
        f"made {total - made:+.2%}.",
        {"share": share, "day_return": made, "returns": total, "days": float(len(day))},
    )


def stale_gates(funnel: Funnel) -> Finding | None:
    """Many gates were already too old when the first bar could use them."""
    stale = funnel.refusals.get("gate_stale", 0)
    if not funnel.gates or stale / funnel.gates <= MANY_STALE:
        return None
    return Finding(
        "stale_gates",
        "warning",
        f"{of_all(stale, funnel.gates, 'gates')} were older than gate_max_age at the first bar "
        "that could use them: they come late, or gate_max_age is too short.",
        {"stale": float(stale), "gates": float(funnel.gates), "share": stale / funnel.gates},
    )


def coverage_gap(coverage: GateCoverage) -> Finding | None:
    """A long stretch of bars without any live gate."""
    gap, minutes = coverage.longest_gap_minutes, coverage.minutes
    if gap <= LONG_GAP_MINUTES or gap <= LONG_GAP_SHARE * minutes:
        return None
    return Finding(
        "coverage_gap",
        "warning",
        f"No gate was live for {gap:,.0f} minutes of bars in a row, {gap / minutes:.1%} of the "
        f"window's {minutes:,.0f}: nothing could be entered then.",
        {"gap_minutes": gap, "minutes": minutes, "share": gap / minutes},
    )


def few_real_gates(coverage: GateCoverage) -> Finding | None:
    """Most of the time that a gate was live, it was derived from bars."""
    live = coverage.real_minutes + coverage.synthetic_minutes
    if live <= 0.0 or coverage.real_minutes / live >= LEAST_REAL:
        return None
    share = coverage.real_minutes / live
    said = (
        f"A recorded gate was live in {share:.1%} of the {live:,.0f} minutes that had any gate"
        if share > 0.0
        else f"No recorded gate was live in the {live:,.0f} minutes that had a gate"
    )
    return Finding(
        "few_real_gates",
        "warning",
        f"{said}: the rest are derived from bars, and the result says little of recorded ones.",
        {
            "real_minutes": coverage.real_minutes,
            "synthetic_minutes": coverage.synthetic_minutes,
            "share": share,
        },
    )


def open_for_entries(bars: Records) -> BoolArray:
    """Which BAR records (n,) session, week and holidays leave open for entries."""
    barring = SESSION_EXIT | WEEK_END | HOLIDAY_BAR | CLOSED_BAR
    found: BoolArray = np.asarray(bars["marks"] & (IN_SESSION | barring)) == IN_SESSION
    return found


def _inside(t_ns: Times, sessions: tuple[Session, ...]) -> BoolArray:
    found: BoolArray = session_flags(t_ns, sessions, 0.0) & IN_SESSION != 0
    return found


def one_session(entries_ns: Times, open_ns: Times) -> Finding | None:
    """All entries lie in one session, though entries were allowed outside it.

    ``entries_ns`` (n,): when entries were filled; ``open_ns`` (m,): opens of the bars that
    were open for entries.
    """
    if len(entries_ns) < LEAST_ENTRIES:
        return None
    held, room = [], np.ones(len(open_ns), np.bool_)
    for name, sessions in TRADED_HOURS.items():
        allowed = _inside(open_ns, sessions)
        if not allowed.all() and _inside(entries_ns, sessions).all():
            held.append(name)
            room &= allowed
    if not held:
        return None
    where = f"{held[0]} session" if len(held) == 1 else f"sessions of {' and '.join(held)} at once"
    share = float(room.mean())
    return Finding(
        "one_session",
        "note",
        f"All {len(entries_ns):,} entries were made in the {where}, which "
        f"{'has' if len(held) == 1 else 'have'} {share:.1%} of the bars open for entries.",
        {"entries": float(len(entries_ns)), "share_of_bars": share},
    )


def one_weekday(entries_ns: Times, open_ns: Times, hours: MarketHours) -> Finding | None:
    """All entries lie on one weekday of the trading calendar, though others were open.

    Arguments as of ``one_session``; a trading day is named after the day on which it ends.
    """
    if len(entries_ns) < LEAST_ENTRIES:
        return None
    # 1970-01-01 was a Thursday.
    traded = np.unique((hours.trading_day(entries_ns) + 3) % 7)
    days = np.unique((hours.trading_day(open_ns) + 3) % 7)
    if len(traded) > 1 or len(days) < 2:
        return None
    return Finding(
        "one_weekday",
        "note",
        f"All {len(entries_ns):,} entries fell on a {WEEKDAYS[int(traded[0])]}, while "
        f"{len(days)} weekdays were open for entries.",
        {"entries": float(len(entries_ns)), "weekdays_open": float(len(days))},
    )


def one_limit(fills: Records) -> Finding | None:
    """One limit of the sizer set nearly all sizes; ``fills`` FILL records."""
    entries = fills[fills["kind"] == 1]
    n = len(entries)
    if n < LEAST_ENTRIES:
        return None
    bound, counts = np.unique(entries["reason"], return_counts=True)
    most = int(counts.max())
    if most / n <= ONE_LIMIT:
        return None
    name = codes.name_of(int(bound[np.argmax(counts)]))
    return Finding(
        "one_limit_sizes_all",
        "note",
        f"{of_all(most, n, 'entries')} were sized by {name} ({_TEXTS[name]}); the other "
        f"limits bound in {n - most:,} of them.",
        {"bound": float(most), "entries": float(n), "share": most / n},
    )
