"""Small bars and gates with chosen values, and hypothesis strategies for arbitrary valid ones."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from hypothesis import strategies as st

from hotband.core.records import QUOTE, REGIMES, Records
from hotband.gates.events import METRICS, Gates
from hotband.market.bars import TIME_TYPE, Bars, SideOrigin
from hotband.market.calendar import MINUTE_NS, parse_time

START_NS = parse_time("2025-04-30T23:50:00Z")
"""Ten minutes before a month ends, so that samples span two months."""
END_NS = START_NS + 24 * 60 * MINUTE_NS


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


def gates_at(minutes: Sequence[int], hazard: float = 0.5, *, instrument: str = "EUR_USD") -> Gates:
    """Real gates known at ``START_NS`` + minutes."""
    n = len(minutes)
    return Gates.from_columns(
        instrument,
        START_NS + np.array(minutes, dtype=np.int64) * MINUTE_NS,
        np.ones(n, dtype=np.int64),
        np.full(n, hazard),
        np.full(n, 3),
        {"coherence": np.full(n, 0.4)},
        synthetic=False,
    )


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


@st.composite
def any_gates(draw: st.DrawFn, least: int = 0) -> Gates:
    """Valid gates with every optional column, present or missing per row."""
    share = st.one_of(st.just(np.nan), st.floats(0, 1))
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(1, 10**15),
                st.sampled_from((-1, 0, 1)),
                share,
                st.integers(0, 2**31 - 1),
                st.integers(0, 2**63 - 1),
                st.booleans(),
                st.booleans(),
                st.sampled_from((None, *REGIMES)),
                share,
                st.lists(
                    st.one_of(st.just(np.nan), st.floats(allow_nan=False)),
                    min_size=10,
                    max_size=10,
                ),
            ),
            min_size=least,
            max_size=12,
        )
    )
    columns = list(zip(*rows, strict=True)) if rows else [()] * 10
    values = np.array(columns[9], dtype=np.float64).reshape(-1, 10)
    return Gates.from_columns(
        "EUR_USD",
        START_NS + np.cumsum(np.array(columns[0], dtype=np.int64)),
        np.array(columns[1], dtype=np.int64),
        np.array(columns[2], dtype=np.float64),
        np.array(columns[3], dtype=np.int64),
        {name: values[:, slot] for slot, name in enumerate(METRICS)},
        synthetic=draw(st.booleans()),
        key=np.array(columns[4], dtype=np.int64),
        admit=np.array(columns[5], dtype=np.bool_),
        blocked=np.array(columns[6], dtype=np.bool_),
        regime=list(columns[7]),
        regime_confidence=np.array(columns[8], dtype=np.float64),
        source="memory",
    )


def in_zone(times: Sequence[str], zone: str | None = "UTC") -> pl.Series:
    """A Polars time column."""
    naive = pl.Series("time", times).str.to_datetime(time_unit="us")
    return naive if zone is None else naive.dt.replace_time_zone(zone).cast(TIME_TYPE)
