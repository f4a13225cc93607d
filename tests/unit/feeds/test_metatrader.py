"""Blanks of MetaTrader ticks are filled across slices; its prices say how long a point is."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotband.errors import BarsError
from hotband.feeds.assembly import Reading
from hotband.feeds.metatrader import decimals_of, filled, layout_5

PRICE = st.one_of(st.none(), st.sampled_from([1.1, 1.2, 1.3]))
Rows = list[tuple[float | None, float | None]]


def frame_of(rows: Rows) -> pl.DataFrame:
    schema = {"bid": pl.Float64, "ask": pl.Float64}
    return pl.DataFrame(rows, schema, orient="row")


@given(st.lists(st.tuples(PRICE, PRICE), max_size=20), st.integers(0, 20))
def test_a_blank_is_the_last_price_of_its_side_however_the_file_is_cut(
    rows: Rows, cut: int
) -> None:
    expected: Rows = []
    bid = ask = None
    for row in rows:
        bid, ask = row[0] or bid, row[1] or ask
        if bid is not None and ask is not None:
            expected.append((bid, ask))
    reading = Reading("x", "EUR_USD", "M1", "mt5")
    slices = [part for part in (rows[:cut], rows[cut:]) if part]
    got = [row for part in filled(map(frame_of, slices), reading) for row in part.rows()]
    assert got == expected
    assert reading.dropped.get("unquoted", 0) == len(rows) - len(expected)


@pytest.mark.parametrize(
    ("prices", "decimals"),
    [([1.1, 1.23456], 5), ([109.512, 109.5], 3), ([1.0, 2.0], 0), ([1.1234, 1.1], 4)],
)
def test_decimals_are_the_most_that_a_price_has(prices: list[float], decimals: int) -> None:
    assert decimals_of(pl.DataFrame({"o": prices})) == decimals


def test_a_header_with_an_unknown_column_is_refused() -> None:
    with pytest.raises(BarsError, match="Did you mean '<CLOSE>'"):
        layout_5("<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSED>", "x.csv")
