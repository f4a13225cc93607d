"""From bars and a profile to the arrays that the pipeline reads: one instrument's feed.

What calendar, sessions, conversion, financing and volatility know about each bar is put beside
its prices here, once per run; the pipeline itself looks nothing up.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hotband.core.records import BAR, QUOTE, Records, empty, with_sentinel
from hotband.gates.events import Gates, align
from hotband.market.bars import Bars
from hotband.market.calendar import MarketHours
from hotband.market.conversion import ConversionModel, conversion_columns
from hotband.market.financing import FinancingTable, financing_columns
from hotband.market.instruments import Instrument
from hotband.market.sessions import market_flags, session_flags
from hotband.market.volatility import daily_volatility, last_move
from hotband.profile.inherit import Effective

VOLATILITY_MIN_BARS = 30


@dataclass(frozen=True, eq=False)
class Feed:
    """One instrument, ready for the pipeline.

    ``bars`` are BAR records of the window; ``gates`` GATE records behind a first row that means
    "none"; ``gate_of_bar[i]`` the row of the gate live at bar i's open. ``unjudged`` counts the
    gates that became known after the last bar had opened.
    """

    instrument: Instrument
    granularity_ns: int
    bars: Records
    gates: Records
    gate_of_bar: npt.NDArray[np.int64]
    unjudged: int


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What all instruments of an account share: home currency, hours, rates."""

    home: str
    hours: MarketHours
    table: Mapping[str, Instrument]
    conversion: ConversionModel
    financing: FinancingTable
    quotes: Mapping[str, tuple[Records, int]]
    """QUOTE records and their granularity in ns, of every pair at hand for conversion."""


def bar_records(
    bars: Bars, settings: Effective, around: Surroundings, start_ns: int, end_ns: int
) -> Records:
    """BAR records of the bars inside [start_ns, end_ns); bars before it warm the volatility.

    Raises:
        ConversionError: No price of a conversion pair at a bar inside the window.
    """
    instrument = around.table[bars.instrument]
    data = bars.data
    t = np.ascontiguousarray(data["t"])
    known = t + bars.granularity_ns
    inside = slice(
        int(np.searchsorted(t, start_ns)), int(np.searchsorted(known, end_ns, side="right"))
    )
    out = empty(BAR, len(data[inside]))
    window = t[inside]
    out["t"] = window
    for name in QUOTE.names or ():
        if name.startswith(("bid", "ask")):
            out[name] = data[name][inside]
    out["day"] = around.hours.trading_day(window)
    mid_close = 0.5 * (data["bid_c"] + data["ask_c"])
    out["marks"] = (
        session_flags(window, settings.sessions, settings.session_exit_minutes)
        | market_flags(window, bars.granularity_ns, around.hours, settings.weekend_exit_minutes)
        | last_move(mid_close)[inside]
    )
    out["vol"] = daily_volatility(
        mid_close, t, bars.granularity_ns, settings.vol_half_life_bars, VOLATILITY_MIN_BARS
    )[inside]
    rates = conversion_columns(
        instrument,
        window,
        bars.granularity_ns,
        around.home,
        around.quotes,
        around.table,
        around.conversion,
    )
    for name in ("gain_o", "loss_o", "gain_c", "loss_c", "base_o", "base_c"):
        out[name] = getattr(rates, name)
    out["fin_long"], out["fin_short"] = financing_columns(
        instrument.name, window, around.hours, around.financing
    )
    out.setflags(write=False)
    return out


def make_feed(
    bars: Bars,
    gates: Gates,
    settings: Effective,
    around: Surroundings,
    window: tuple[int, int],
) -> Feed:
    """The feed of one instrument over ``window`` (start_ns, end_ns)."""
    records = bar_records(bars, settings, around, *window)
    live, judged, unjudged = align(
        np.ascontiguousarray(records["t"]),
        np.ascontiguousarray(gates.data["known"]),
        gates.data,
    )
    rows = with_sentinel(judged)
    rows.setflags(write=False)
    return Feed(
        instrument=around.table[bars.instrument],
        granularity_ns=bars.granularity_ns,
        bars=records,
        gates=rows,
        gate_of_bar=(live + 1).astype(np.int64),
        unjudged=unjudged,
    )


@dataclass(frozen=True, eq=False)
class Timeline:
    """The feeds of a portfolio on one axis of open times.

    ``event_bar[m, k]`` is the row in ``bars`` of instrument k's bar at the m-th open time, -1
    where it has none; ``gates`` has one first row for "none".
    """

    event_bar: npt.NDArray[np.int64]
    bars: Records
    gates: Records
    gate_of_bar: npt.NDArray[np.int64]


def merge(feeds: list[Feed]) -> Timeline:
    """Put feeds on one time axis, in the order given."""
    times = np.unique(np.concatenate([feed.bars["t"] for feed in feeds]))
    event_bar = np.full((len(times), len(feeds)), -1, np.int64)
    live = []
    gate_rows = [feeds[0].gates[:1]]
    n_bars, n_gates = 0, 0
    for k, feed in enumerate(feeds):
        rows = np.searchsorted(times, feed.bars["t"])
        event_bar[rows, k] = np.arange(n_bars, n_bars + len(feed.bars), dtype=np.int64)
        live.append(np.where(feed.gate_of_bar > 0, feed.gate_of_bar + n_gates, 0))
        gate_rows.append(feed.gates[1:])
        n_bars += len(feed.bars)
        n_gates += len(feed.gates) - 1
    bars = np.concatenate([feed.bars for feed in feeds]).view(np.recarray)
    gates = np.concatenate(gate_rows).view(np.recarray)
    bars.setflags(write=False)
    gates.setflags(write=False)
    return Timeline(event_bar, bars, gates, np.concatenate(live).astype(np.int64))
