"""Small bars with chosen values and arbitrary valid ones; the gates are those that ship."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from hypothesis import strategies as st

from hotband.core.records import QUOTE, Records
from hotband.market.bars import TIME_TYPE, Bars, SideOrigin
from hotband.market.calendar import MINUTE_NS
from hotband.testing.samples import END_NS, START_NS, any_gates, gates_at

__all__ = [
    "END_NS", "START_NS", "any_bars", "any_gates", "bars_at", "gates_at", "in_zone", "quotes",
]  # fmt: skip


def quotes(minutes: Sequence[int], mid: float = 1.1, spread: float = 0.0002) -> Records:
    """Bars at ``START_NS`` + minutes that drift up by a pip each."""
    data = np.empty(len(minutes), dtype=QUOTE)
    data["t"] = START_NS + np.array(minutes, dtype=np.int64) * MINUTE_NS
    for side, shift in (("bid", -spread / 2), ("ask", spread / 2)):
        o = mid + shift + 0.0001 * np.arange(len(minutes))
        data[f"{side}_o"], data[f"{side}_c"] = o, o + 0.0001
        data[f"{side}_h"], data[f"{side}_l"] = o + 0.0003, o - 0.0003
    data["volume"] = 7.0
    return data


def bars_at(
    minutes: Sequence[int],
    mid: float = 1.1,
    *,
    instrument: str = "EUR_USD",
    side_origin: SideOrigin = "ba",
    source: str = "oanda",
) -> Bars:
    """M1 bars of ``quotes``."""
    data = quotes(minutes, mid)
    return Bars.from_records(instrument, "M1", data, source=source, side_origin=side_origin)


@st.composite
def any_bars(draw: st.DrawFn, least: int = 0) -> Bars:
    """Valid bars with any gaps, shapes, spreads and unknown volumes."""
    points = st.integers(0, 500)
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(1, 3000),
                *[st.tuples(st.integers(50_000, 200_000), points, points, points)] * 2,
                st.one_of(st.none(), st.integers(0, 10**9)),
            ),
            min_size=least,
            max_size=25,
        )
    )
    data = np.empty(len(rows), dtype=QUOTE)
    t = START_NS
    for i, (step, bid, ask, volume) in enumerate(rows):
        t += step * MINUTE_NS
        data["t"][i] = t
        data["volume"][i] = np.nan if volume is None else volume
        for side, (o, up, down, body), base in (("bid", bid, 0), ("ask", ask, 200_000)):
            close = o + body
            data[f"{side}_o"][i] = (base + o) / 100_000
            data[f"{side}_c"][i] = (base + close) / 100_000
            data[f"{side}_h"][i] = (base + close + up) / 100_000
            data[f"{side}_l"][i] = (base + o - down) / 100_000
    return Bars.from_records("EUR_USD", "M1", data, source="any")


def in_zone(times: Sequence[str], zone: str | None = "UTC") -> pl.Series:
    """A Polars time column."""
    naive = pl.Series("time", times).str.to_datetime(time_unit="us")
    return naive if zone is None else naive.dt.replace_time_zone(zone).cast(TIME_TYPE)
