"""Gates of somebody's own: what a strategy that is not ours gives, to be traded by our pipeline.

A producer is a function of bars. Everything it may know at a time is in the bars that are known
by then, so it is handed those alone, and what it gives back is checked against them.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, Unpack

import numpy as np
import numpy.typing as npt

from hotband.errors import GatesError, HotbandError
from hotband.gates.events import OWN, GateExtras, Gates
from hotband.market.bars import Bars
from hotband.market.calendar import format_time


class GateProducer(Protocol):
    """Turns the bars of one instrument into gates.

    Attributes:
        name: Of the strategy, as in a URL: lower-case letters, digits, ``_ + . -``.
        memory_bars: The gates known when bar *i* closes hang on the bars *i* + 1 - memory_bars
            to *i* alone; None = on all bars before it, which are then read at every question.
    """

    @property
    def name(self) -> str:
        """See above."""
        ...

    @property
    def memory_bars(self) -> int | None:
        """See above."""
        ...

    def gates(self, bars: Bars) -> Gates:
        """The gates of these bars, which may be few or none, each known when its bar closes."""
        ...


def gates_on(
    bars: Bars,
    rows: npt.NDArray[np.integer] | npt.NDArray[np.bool_],
    side: npt.NDArray[np.integer],
    hazard: npt.NDArray[np.floating],
    reps: npt.NDArray[np.integer],
    metrics: Mapping[str, npt.NDArray[np.floating]] | None = None,
    **extras: Unpack[GateExtras],
) -> Gates:
    """Gates at the close of some of the bars, as a producer gives them.

    Args:
        bars: What the producer was handed.
        rows: Which bars have a gate: their indices, ascending, or one truth value per bar.
        side: +1 buy, -1 sell, 0 = names no side; this and the others one value per gate.
        hazard: 0 (safe) to 1; NaN = unknown, which is refused at gating.
        reps: How often in a row the signal has been seen, 0 or more.
        metrics: By name of ``gates.events.METRICS``; what is left out is undefined, and fails
            every guard that the profile sets on it.
        **extras: See ``GateExtras``.

    Raises:
        GatesError: A wrong column, or the first gate that breaks a rule.
    """
    known = bars.known_ns[rows]
    return Gates.from_columns(
        bars.instrument, known, side, hazard, reps, metrics or {}, synthetic=False, **extras
    )


def produced(producer: GateProducer, bars: Bars) -> Gates:
    """The producer's gates of these bars, checked, with ``producer:NAME`` as their source.

    They count as recorded: they are the strategy's signals, not our fallback.

    Raises:
        GatesError: A name that is none; an exception of the producer; gates of another
            instrument, known when no bar closes, or marked as derived by our fallback
            (``synthetic``).
    """
    source = f"producer:{producer.name}"
    if not OWN.fullmatch(source):
        allowed = "lower-case letters, digits and _ + . -, a letter first"
        raise GatesError("name of a gate producer", producer.name, allowed, "Rename it.")
    what = f"gates of {source} on {bars.instrument}"
    try:
        gates = producer.gates(bars)
    except HotbandError:
        raise
    except Exception as cause:
        do = "Repair the producer, or ask its author."
        raise GatesError(what, repr(cause), "gates, or none", do) from cause
    if gates.instrument != bars.instrument:
        do = "Give gates of the bars' own instrument."
        raise GatesError(what, f"gates of {gates.instrument}", bars.instrument, do)
    strange = ~np.isin(gates.data["known"], bars.known_ns)
    if strange.any():
        first = format_time(int(gates.data["known"][strange][0]))
        got = f"{int(strange.sum())} of {len(gates)} known when no bar closes, first {first}"
        do = "Give each gate the close of the bar that made it: gates_on does."
        raise GatesError(what, got, "known at the close of one of the bars", do)
    if gates.data["synthetic"].any():
        do = "Pass synthetic=False: these are the strategy's own signals."
        raise GatesError(what, "gates marked synthetic", "none", do)
    return replace(gates, source=source)
