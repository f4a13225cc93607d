"""MetaTrader exports. Times are the server's, which only the user knows; bars are bid bars."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from hotband.errors import BarsError
from hotband.feeds.assembly import Reading
from hotband.feeds.delimited import Layout

_DAY: Final = "%Y.%m.%d"
_CLOCKS: Final = (f"{_DAY} %H:%M:%S%.3f", f"{_DAY} %H:%M:%S", f"{_DAY} %H:%M")
_PRICES: Final = ("o", "h", "l", "c")
HISTORY: Final = Layout(("date", "clock", *_PRICES, "volume"), ",", _CLOCKS)
"""MetaTrader 4 History Center, and HistData's MetaTrader flavour: no header."""
_HEADER: Final = {
    "<DATE>": "date",
    "<TIME>": "clock",
    "<OPEN>": "o",
    "<HIGH>": "h",
    "<LOW>": "l",
    "<CLOSE>": "c",
    "<TICKVOL>": "volume",
    "<VOL>": "_vol",
    "<SPREAD>": "spread",
    "<BID>": "bid",
    "<ASK>": "ask",
    "<LAST>": "_last",
    "<VOLUME>": "_volume",
    "<FLAGS>": "_flags",
}


def layout_5(first_line: str, name: str) -> Layout:
    """The layout that the header of a MetaTrader 5 export names.

    Raises:
        BarsError: A column that such exports do not have.
    """
    given = first_line.strip().split("\t")
    unknown = [column for column in given if column not in _HEADER]
    if unknown:
        raise BarsError(
            f"columns of {name}", unknown[0], ", ".join(_HEADER), "Export again.", near=_HEADER
        )
    columns = tuple(_HEADER[column] for column in given)
    optional = frozenset({"bid", "ask"}) if "bid" in columns else frozenset()
    return Layout(columns, "\t", (*_CLOCKS, _DAY), skip=1, optional=optional)


def filled(frames: Iterator[pl.DataFrame], reading: Reading) -> Iterator[pl.DataFrame]:
    """Ticks with blank prices filled: a blank says that the side has not changed.

    Rows before both sides are known are left out as ``unquoted``.
    """
    last: tuple[float | None, float | None] = (None, None)
    for frame in frames:
        bid, ask = (
            pl.concat([pl.Series([before], dtype=pl.Float64), frame[side]]).forward_fill()[1:]
            for side, before in zip(("bid", "ask"), last, strict=True)
        )
        last = bid[-1], ask[-1]
        whole = frame.with_columns(bid=bid, ask=ask).drop_nulls(["bid", "ask"])
        reading.drop("unquoted", frame.height - whole.height)
        yield whole


def decimals_of(prices: pl.DataFrame) -> int:
    """The most decimals that the prices have, at most 8."""
    values = prices.to_numpy().ravel()
    for decimals in range(8):
        scaled = values * 10.0**decimals
        if np.all(np.abs(scaled - np.rint(scaled)) < 1e-6 * np.maximum(1.0, np.abs(scaled) / 1e6)):
            return decimals
    return 8


def written_decimals(header: str, line: str) -> int:
    """Decimals of the prices as the first row writes them, zeros at the end included."""
    row = dict(zip(header.strip().split("\t"), line.split("\t"), strict=False))
    prices = (row.get(name, "") for name in ("<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>"))
    return max(len(price.partition(".")[2].strip()) for price in prices)


def with_asks(frame: pl.DataFrame, reading: Reading, written: int) -> pl.DataFrame:
    """Both sides of bid bars with a ``spread`` column in points that is not all 0.

    A point is the last of the ``written`` decimals, as 1.10100 has five, or the last one that
    any price needs.
    """
    decimals = max(written, decimals_of(frame.select(_PRICES)))
    reading.note(
        f"the ask is the bid plus the bar's SPREAD, in points of {10.0**-decimals:g}; "
        "MetaTrader keeps one spread per bar"
    )
    asks = {
        f"ask_{one}": (pl.col(one) + pl.col("spread") * 10.0**-decimals).round(decimals)
        for one in _PRICES
    }
    return frame.with_columns(**asks).rename({one: f"bid_{one}" for one in _PRICES}).drop("spread")
