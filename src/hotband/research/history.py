"""Bars of a window with what comes before it, from a store or from memory."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from hotband.errors import InputError, WindowError
from hotband.gates.reader import GateInput
from hotband.market.bars import Bars
from hotband.market.calendar import format_time, parse_granularity
from hotband.stores.ports import BarStore
from hotband.stores.urls import open_bar_store, open_gates_of_run

BarInput = BarStore | Mapping[str, Bars]

WARM_UP_BARS = 5000
"""Bars read before a window, for the deriver's run lengths and the volatility."""


def open_bars(source: BarInput | str, wait_s: float = 0.0) -> BarInput:
    """The store that a URL names, or what was given."""
    return open_bar_store(source, wait_s) if isinstance(source, str) else source


def open_gates(
    source: GateInput | str, bars: BarInput, granularity: str, wait_s: float = 0.0
) -> GateInput:
    """The store that a URL names, for a run over ``bars``, or what was given."""
    if not isinstance(source, str):
        return source
    return open_gates_of_run(source, bars, granularity, wait_s)


def held_instruments(source: BarInput, granularity: str) -> tuple[str, ...]:
    """The instruments that ``source`` has bars of, of that granularity."""
    if isinstance(source, Mapping):
        return tuple(source)
    return source.instruments(granularity)


def extent_of(
    source: BarInput, instruments: Iterable[str], granularity: str
) -> tuple[int, int] | None:
    """When the first and the last bar of any of the instruments open, ns; None = no bar."""
    found = []
    for name in instruments:
        if not isinstance(source, Mapping):
            held = source.extent(name, granularity)
        elif name in source and len(times := source[name].data["t"]):
            held = int(times[0]), int(times[-1])
        else:
            held = None
        found += [] if held is None else [held]
    return (min(first for first, _ in found), max(last for _, last in found)) if found else None


def history_of(
    source: BarInput | str,
    instrument: str,
    granularity: str,
    window: tuple[int, int],
    *,
    needs_window: bool = True,
) -> Bars:
    """Bars of ``window`` and the last WARM_UP_BARS before it (fewer where there are fewer).

    The same bars from a store and from a mapping give the same history. ``needs_window`` asks
    for a bar inside the window; a pair that only converts can do with older ones.

    Raises:
        InputError: A mapping without the instrument, or with bars of another.
        StoreError: A store without it.
        WindowError: No bar inside the window; the message says what there is.
    """
    source = open_bars(source)
    start_ns, end_ns = window
    step = parse_granularity(granularity)
    if isinstance(source, Mapping):
        bars = _from_mapping(source, instrument, granularity)
    else:
        bars = _from_store(source, instrument, granularity, window)
    t = bars.data["t"]
    first = max(0, int(np.searchsorted(t, start_ns)) - WARM_UP_BARS)
    last = int(np.searchsorted(t + step, end_ns, side="right"))
    if needs_window and not ((t >= start_ns) & (t + step <= end_ns)).any():
        there = f"from {format_time(int(t[0]))} to {format_time(int(t[-1]))}" if len(t) else "none"
        raise WindowError(
            "window",
            f"{format_time(start_ns)} to {format_time(end_ns)}, without a bar of {instrument}",
            f"a window with bars; there are {there}",
            "Choose another window, or import what is missing.",
        )
    return replace(bars, data=bars.data[first : max(first, last)])


def _from_mapping(source: Mapping[str, Bars], instrument: str, granularity: str) -> Bars:
    if instrument not in source:
        raise InputError(
            "bars",
            f"none of {instrument}",
            ", ".join(source) or "a mapping with bars",
            "Add them to the mapping.",
            near=source,
        )
    bars = source[instrument]
    if (bars.instrument, bars.granularity) != (instrument, granularity):
        raise InputError(
            f"bars of {instrument}",
            f"{bars.granularity} of {bars.instrument}",
            f"{granularity} of {instrument}, as asked",
            "Put bars under their own name, and ask for their granularity.",
        )
    return bars


def _from_store(
    store: BarStore, instrument: str, granularity: str, window: tuple[int, int]
) -> Bars:
    start_ns, end_ns = window
    back = WARM_UP_BARS * parse_granularity(granularity)
    extent = store.extent(instrument, granularity)
    while True:
        # Weekends and holes make a stretch hold fewer bars than its length says.
        reach = start_ns - back
        bars = store.read(instrument, granularity, reach, end_ns)
        held = int(np.searchsorted(bars.data["t"], start_ns))
        if held >= WARM_UP_BARS or extent is None or reach <= extent[0]:
            return bars
        back *= 2
