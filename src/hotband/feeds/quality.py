"""What is wrong with bars, counted and placed, without repairing anything.

``check_bars`` looks at bars that are valid; ``check_frame`` at any table of quotes, so that a
dirty file can be judged before it is imported. Neither raises for bad data.
"""

import math
from dataclasses import asdict, dataclass, replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from hotband.core.records import QUOTE, Records
from hotband.errors import BarsError
from hotband.market.bars import (
    PRICES,
    Bars,
    Int64Array,
    bar_faults,
    times_ns,
)
from hotband.market.calendar import HOUR_NS, MarketHours, format_time, parse_granularity

Floats: TypeAlias = npt.NDArray[np.float64]

SPIKE_FACTOR: Final = 12.0
FLAT_RUN_BARS: Final = 10
LISTED: Final = 20
"""How many gaps and spikes are listed; all are counted."""
_SLOTS_AT_ONCE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Gap:
    """Open-market slots without a bar between two bars; ``start``: the first missing one."""

    start: str
    slots: int


@dataclass(frozen=True, slots=True)
class Spike:
    """A move that stands out; ``factor``: its size over the median move."""

    time: str
    move_pct: float
    factor: float


@dataclass(frozen=True, slots=True)
class QualityReport:
    """Findings on the bars of one instrument; times are RFC 3339.

    Attributes:
        instrument: Name such as ``EUR_USD``.
        granularity: Name such as ``M1``.
        rows: All rows looked at.
        first: Earliest open time; None = no rows.
        last: Latest open time; None = no rows.
        open_slots: Bars that the market's hours allow from first to last; None where the
            granularity does not divide the hour, as its slots then depend on the feed.
        share_present: Share of the open slots that have a bar, 0..1; None = no open slots.
        gaps: The ``LISTED`` longest, longest first.
        gaps_total: How many there are.
        outside_hours: Bars that neither begin nor end in market hours, nor, above H1, have their
            middle in them.
        faults: Rows per kind of ``market.bars.FAULTS``; all 0 for valid bars.
        zero_spreads: Rows with ask = bid at open or close.
        spikes: The ``LISTED`` largest moves of the mid close above ``SPIKE_FACTOR`` times the
            median non-zero move, each per square root of the bars it spans, largest first.
        spikes_total: How many there are.
        flat_runs: Runs of at least ``FLAT_RUN_BARS`` adjacent bars in which no price moves.
        longest_flat_run: Bars of the longest run, of any length.
    """

    instrument: str
    granularity: str
    rows: int
    first: str | None
    last: str | None
    open_slots: int | None
    share_present: float | None
    gaps: tuple[Gap, ...]
    gaps_total: int | None
    outside_hours: int
    faults: dict[str, int]
    zero_spreads: int
    spikes: tuple[Spike, ...]
    spikes_total: int
    flat_runs: int
    longest_flat_run: int

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON: no NaN, no infinity, lists for tuples."""
        document = asdict(self)
        return document | {name: list(document[name]) for name in ("gaps", "spikes")}


def check_bars(bars: Bars, hours: MarketHours) -> QualityReport:
    """The quality of valid bars against the hours of their market."""
    return _check(bars.instrument, bars.granularity, bars.data, hours)


def check_frame(
    frame: pl.DataFrame, instrument: str, granularity: str, hours: MarketHours
) -> QualityReport:
    """The quality of a table of quotes, however broken its values.

    Args:
        frame: ``time`` with a zone (or int64 ns UTC), and ``bid_o`` .. ``ask_c`` or, for one
            side, ``o`` .. ``c``; a missing column or null counts as ``not_finite``.
        instrument: Name for the report.
        granularity: The length of its bars.
        hours: Of the market.

    Raises:
        BarsError: Times that are naive, null, no times or absent: nothing could be said.
    """
    if "time" not in frame.columns:
        got = ", ".join(frame.columns)
        raise BarsError(f"columns of {instrument}", got, "time and prices", "Rename the times.")
    data = np.empty(frame.height, dtype=QUOTE)
    data["t"] = times_ns(frame["time"])
    one_sided = "o" in frame.columns
    for name in (*PRICES, "volume"):
        column = name.rpartition("_")[2] if one_sided else name
        data[name] = math.nan
        if column in frame.columns:
            numbers = frame[column].cast(pl.Float64, strict=False).fill_null(math.nan)
            data[name] = numbers.to_numpy()
    report = _check(instrument, granularity, data, hours)
    return replace(report, zero_spreads=0) if one_sided else report


def _check(instrument: str, granularity: str, data: Records, hours: MarketHours) -> QualityReport:
    step = parse_granularity(granularity)
    faults = bar_faults(data, step)
    usable = data[~(faults["not_finite"] | faults["not_positive"])]
    # Moves and gaps are between neighbours in time, whatever the order of the rows.
    ordered = usable[np.unique(usable["t"], return_index=True)[1]]
    t = np.unique(data["t"])
    counts = {kind: int(mask.sum()) for kind, mask in faults.items()}
    counts["duplicate"] = len(data) - len(t)
    slots, share, gaps = _coverage(t, step, hours)
    spikes = _spikes(ordered, step)
    flat, longest = _flat_runs(ordered, step)
    zero = (data["ask_o"] == data["bid_o"]) | (data["ask_c"] == data["bid_c"])
    return QualityReport(
        instrument=instrument,
        granularity=granularity,
        rows=len(data),
        first=format_time(int(t[0])) if len(t) else None,
        last=format_time(int(t[-1])) if len(t) else None,
        open_slots=slots,
        share_present=share,
        gaps=tuple(gaps[:LISTED]),
        gaps_total=None if slots is None else len(gaps),
        outside_hours=_outside(data["t"], step, hours),
        faults=counts,
        zero_spreads=int(zero.sum()),
        spikes=tuple(spikes[:LISTED]),
        spikes_total=len(spikes),
        flat_runs=flat,
        longest_flat_run=longest,
    )


def slot_open(t_ns: Int64Array, step_ns: int, hours: MarketHours) -> npt.NDArray[np.bool_]:
    """Whether a bar that opens then begins or ends in market hours, the closure left out."""
    edges = np.stack([t_ns, t_ns + step_ns - 1])
    first, last = hours.in_week(edges) & ~hours.in_closure(edges)
    return np.asarray(first | last)


def _outside(t_ns: Int64Array, step_ns: int, hours: MarketHours) -> int:
    """Bars outside market hours; a day begins and ends in the closure, so its middle counts."""
    is_open = slot_open(t_ns, step_ns, hours)
    if step_ns > HOUR_NS:
        is_open |= hours.in_week(t_ns + step_ns // 2)
    return int((~is_open).sum())


def _coverage(
    t: Int64Array, step: int, hours: MarketHours
) -> tuple[int | None, float | None, list[Gap]]:
    """Open slots, the share of them with a bar, and the gaps, longest first."""
    if HOUR_NS % step or not len(t):
        return None, None, []
    first, last = int(t[0]) // step * step, int(t[-1])
    held = t // step * step
    n_open, missing = 0, []
    for start in range(first, last + 1, step * _SLOTS_AT_ONCE):
        slots = np.arange(start, min(start + step * _SLOTS_AT_ONCE, last + 1), step, dtype=np.int64)
        is_open = slots[slot_open(slots, step, hours)]
        n_open += len(is_open)
        missing.append(np.setdiff1d(is_open, held, assume_unique=True))
    absent = np.concatenate(missing)
    _, starts, lengths = np.unique(
        np.searchsorted(held, absent), return_index=True, return_counts=True
    )
    order = np.argsort(-lengths, kind="stable")
    gaps = [Gap(format_time(int(absent[starts[i]])), int(lengths[i])) for i in order]
    return n_open, (1.0 - len(absent) / n_open if n_open else None), gaps


def _spikes(data: Records, step: int) -> list[Spike]:
    mid = (data["bid_c"] + data["ask_c"]) / 2
    moves = np.diff(np.log(mid))
    sizes = np.abs(moves) / np.sqrt(np.maximum(np.diff(data["t"]) / step, 1.0))
    moving = sizes[sizes > 0]
    if not len(moving):
        return []
    factors = sizes / np.median(moving)
    found = np.flatnonzero(factors > SPIKE_FACTOR)
    return [
        Spike(
            format_time(int(data["t"][i + 1])),
            round(100 * float(np.expm1(moves[i])), 6),
            round(float(factors[i]), 3),
        )
        for i in found[np.argsort(-factors[found], kind="stable")]
    ]


def _flat_runs(data: Records, step: int) -> tuple[int, int]:
    """How many runs of at least ``FLAT_RUN_BARS`` bars do not move, and the longest run."""
    if not len(data):
        return 0, 0
    prices = np.stack([data[name] for name in PRICES])
    bid, ask = prices[:4], prices[4:]
    still = (np.ptp(bid, axis=0) == 0) & (np.ptp(ask, axis=0) == 0)
    joined = np.zeros(len(data), dtype=np.bool_)
    joined[1:] = (np.diff(data["t"]) == step) & (np.diff(prices, axis=1) == 0).all(axis=0)
    joined &= still & np.concatenate((still[:1], still[:-1]))
    heads = np.flatnonzero(still & ~joined)
    if not len(heads):
        return 0, 0
    run_of = np.searchsorted(heads, np.flatnonzero(still), side="right")
    lengths = np.bincount(run_of)
    return int((lengths >= FLAT_RUN_BARS).sum()), int(lengths.max())
