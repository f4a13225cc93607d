"""What all cells of an instrument's window share, made once: bars, gates and look-ups.

A sweep hands the same ``Shared`` to every cell; only the rules vary.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hotband.core.records import (
    CLOSED_BAR,
    FLATTEN,
    HOLIDAY_BAR,
    IN_SESSION,
    SESSION_EXIT,
    WEEK_END,
    Records,
)

BLOCK_SHIFT: Final = 3
BLOCK_BARS: Final = 1 << BLOCK_SHIFT
BLOCK: Final = np.dtype(
    [
        ("bid_h", "f8"),
        ("bid_l", "f8"),
        ("bid_c_max", "f8"),
        ("bid_c_min", "f8"),
        ("ask_h", "f8"),
        ("ask_l", "f8"),
        ("ask_c_max", "f8"),
        ("ask_c_min", "f8"),
        ("gain_max", "f8"),
        ("gain_min", "f8"),
        ("loss_max", "f8"),
        ("loss_min", "f8"),
        ("steady", "i8"),  # 1 = the rates are the same at every close of the block
    ]
)
"""Extremes of BLOCK_BARS bars, so that a quiet block is passed at once."""
SPAN: Final = np.dtype([("loss_max", "f8"), ("base_max", "f8"), ("per_ns", "f8")])
"""Bounds over a whole bar array: its largest quote -> home and base -> home rates, and the
most bars in a ns (one over the least time between two opens)."""


BRIEF: Final = np.dtype(
    [
        ("known", "i8"),
        ("age", "i8"),  # ns since it was known, at the first bar that judges it
        ("hazard", "f8"),
        ("reps", "i4"),
        ("side", "i4"),
        ("skipped", "i4"),
        ("plain", "i4"),  # 1 = nothing but hazard, repetitions, age and limits can refuse it
    ],
    align=True,
)
"""What most gates are judged by, in less than a cache line."""


class Shared(NamedTuple):
    """What all cells of an instrument's window have in common; make it with ``share``.

    ``bars`` (n,) BAR; ``blocks`` their extremes; ``events`` the bars that always need a step
    while a position is open; ``gates`` those that a bar judges, ``briefs`` the same in short;
    ``gate_of_bar`` (n,) the row live at each open, row 0 meaning none; ``gate_bar`` the first
    bar of each gate, and n behind them; ``span`` one SPAN row.
    """

    bars: Records
    blocks: Records
    events: npt.NDArray[np.int64]
    gate_of_bar: npt.NDArray[np.int64]
    gate_bar: npt.NDArray[np.int64]
    gates: Records
    briefs: Records
    span: Records


def share(bars: Records, gate_of_bar: npt.NDArray[np.integer], gates: Records) -> Shared:
    """The shared part for BAR records ``bars`` (n,).

    ``gate_of_bar`` (n,) is the row in ``gates`` of the gate live at each bar's open, never a
    lower one than before; row 0 of ``gates`` means none (``records.with_sentinel``). Gates that
    no bar judges are left out: ``skipped`` of the next one counts them. Arrays are read-only.
    """
    judged, live = np.unique(np.r_[0, gate_of_bar], return_inverse=True)
    live = np.ascontiguousarray(live[1:], np.int64)
    gates = gates[judged]
    rows = np.arange(len(gates) + 1, dtype=np.int64)
    gate_bar = np.searchsorted(live, rows, side="left").astype(np.int64)
    shared = Shared(
        bars=bars.view(np.recarray),
        blocks=_blocks(bars),
        events=_events(bars),
        gate_of_bar=live,
        gate_bar=gate_bar,
        gates=gates.view(np.recarray),
        briefs=_briefs(bars, gates, gate_bar[:-1]),
        span=_span(bars),
    )
    for array in shared:
        array.setflags(write=False)
    return shared


def _briefs(bars: Records, gates: Records, first: npt.NDArray[np.int64]) -> Records:
    briefs = np.zeros(len(gates), BRIEF).view(np.recarray)
    for name in ("known", "hazard", "reps", "side", "skipped"):
        briefs[name] = gates[name]
    if len(gates) > 1:
        bar = bars[first[1:]]
        own = gates[1:]
        briefs["age"][1:] = bar["t"] - own["known"]
        barring = SESSION_EXIT | WEEK_END | HOLIDAY_BAR | CLOSED_BAR
        briefs["plain"][1:] = (
            (bar["marks"] & (IN_SESSION | barring) == IN_SESSION)
            & (own["admit"] != 0)
            & (own["blocked"] == 0)
            & (own["key"] == 0)
            & (own["side"] != 0)
            & ~np.isnan(own["hazard"])
        )
    return briefs


def _blocks(bars: Records) -> Records:
    n = len(bars) // BLOCK_BARS
    blocks = np.zeros(n, BLOCK).view(np.recarray)

    def column(name: str) -> npt.NDArray[np.float64]:
        # A row per place in the block: extremes over rows are taken many blocks at a time.
        whole = np.asarray(bars[name][: n * BLOCK_BARS]).reshape(n, BLOCK_BARS)
        return np.ascontiguousarray(whole.T)

    for side in ("bid", "ask"):
        blocks[f"{side}_h"] = column(f"{side}_h").max(axis=0)
        blocks[f"{side}_l"] = column(f"{side}_l").min(axis=0)
        blocks[f"{side}_c_max"] = column(f"{side}_c").max(axis=0)
        blocks[f"{side}_c_min"] = column(f"{side}_c").min(axis=0)
    for rate in ("gain", "loss"):
        blocks[f"{rate}_max"] = column(f"{rate}_c").max(axis=0)
        blocks[f"{rate}_min"] = column(f"{rate}_c").min(axis=0)
    blocks["steady"] = (blocks["gain_max"] == blocks["gain_min"]) & (
        blocks["loss_max"] == blocks["loss_min"]
    )
    return blocks


def _events(bars: Records) -> npt.NDArray[np.int64]:
    new_day = np.ones(len(bars), np.bool_)
    new_day[1:] = bars["day"][1:] != bars["day"][:-1]
    due = (bars["fin_long"] != 0.0) | (bars["fin_short"] != 0.0)
    flatten = (bars["marks"] & FLATTEN) != 0
    return np.flatnonzero(new_day | due | flatten).astype(np.int64)


def _span(bars: Records) -> Records:
    span = np.zeros(1, SPAN).view(np.recarray)
    if len(bars):
        span["loss_max"] = max(bars["loss_o"].max(), bars["loss_c"].max())
        span["base_max"] = max(bars["base_o"].max(), bars["base_c"].max())
    span["per_ns"] = 1.0 / np.diff(bars["t"]).min() if len(bars) > 1 else 1.0
    return span
