"""Small gates with chosen values, and arbitrary valid ones, for the suites of this package."""

from collections.abc import Sequence
from itertools import count
from typing import Final

import numpy as np
from hypothesis import HealthCheck
from hypothesis import strategies as st

from hotband.core.records import REGIMES
from hotband.gates.events import METRICS, Gates
from hotband.market.calendar import MINUTE_NS, parse_time

START_NS: Final = parse_time("2025-04-30T23:50:00Z")
"""Ten minutes before a month ends, so that samples span two months."""
END_NS: Final = START_NS + 24 * 60 * MINUTE_NS
FRESH: Final = count()
"""Numbers for stores that must be new for each example."""
INHERITED: Final = [HealthCheck.differing_executors]
"""A contract's properties run once per implementation, which hypothesis takes for a mistake."""


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
