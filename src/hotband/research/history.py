"""Bars of a window with what comes before it, from a store or from memory."""

from collections.abc import Mapping

from hotband.errors import InputError, WindowError
from hotband.market.bars import Bars
from hotband.market.calendar import format_time, parse_granularity
from hotband.stores.ports import BarStore
from hotband.stores.urls import open_bar_store

BarInput = BarStore | Mapping[str, Bars]

WARM_UP_BARS = 5000
"""Bars read before a window, for the deriver's run lengths and the volatility."""
_WEEKENDS = 7 / 5


def open_bars(source: BarInput | str) -> BarInput:
    """The store that a URL names, or what was given."""
    return open_bar_store(source) if isinstance(source, str) else source


def held_instruments(source: BarInput, granularity: str) -> tuple[str, ...]:
    """The instruments that ``source`` has bars of, of that granularity."""
    if isinstance(source, Mapping):
        return tuple(source)
    return source.instruments(granularity)


def history_of(
    source: BarInput | str, instrument: str, granularity: str, window: tuple[int, int]
) -> Bars:
    """Bars of ``window`` and up to WARM_UP_BARS before it; at least one lies inside.

    Raises:
        InputError: A mapping without the instrument.
        StoreError: A store without it.
        WindowError: No bar inside the window; the message says what there is.
    """
    source = open_bars(source)
    start_ns, end_ns = window
    step = parse_granularity(granularity)
    if isinstance(source, Mapping):
        if instrument not in source:
            raise InputError(
                "bars",
                f"none of {instrument}",
                ", ".join(source) or "a mapping with bars",
                "Add them to the mapping.",
                near=source,
            )
        bars = source[instrument]
        if bars.granularity != granularity:
            raise InputError(
                f"bars of {instrument}",
                bars.granularity,
                f"{granularity}, as asked",
                "Ask for the granularity of the bars.",
            )
    else:
        reach = start_ns - int(WARM_UP_BARS * step * _WEEKENDS)
        bars = source.read(instrument, granularity, reach, end_ns)
    t = bars.data["t"]
    if not ((t >= start_ns) & (t + step <= end_ns)).any():
        there = f"from {format_time(int(t[0]))} to {format_time(int(t[-1]))}" if len(t) else "none"
        raise WindowError(
            "window",
            f"{format_time(start_ns)} to {format_time(end_ns)}, without a bar of {instrument}",
            f"a window with bars; there are {there}",
            "Choose another window, or import what is missing.",
        )
    return bars
