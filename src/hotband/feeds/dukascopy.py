"""Dukascopy's bi5 files: LZMA around big-endian records, in UTC, placed by their path.

The layout is ``SYMBOL/YYYY/MM/DD/HHh_ticks.bi5`` with months from 00, and
``SIDE_candles_min_1.bi5`` per day, ``_hour_1`` per month, ``_day_1`` per year.
"""

import lzma
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from hotband.core.records import Records
from hotband.errors import BarsError
from hotband.feeds.assembly import Reading
from hotband.market.bars import SideOrigin
from hotband.market.calendar import MILLISECOND_NS, SECOND_NS
from hotband.market.spreads import OneSide

RAW_TICK: Final = np.dtype(
    [("ms", ">u4"), ("ask", ">u4"), ("bid", ">u4"), ("ask_volume", ">f4"), ("bid_volume", ">f4")]
)
"""Milliseconds since the hour, prices in points, volumes in millions; the ask comes first."""
RAW_CANDLE: Final = np.dtype(
    [("s", ">u4"), ("o", ">u4"), ("c", ">u4"), ("l", ">u4"), ("h", ">u4"), ("volume", ">f4")]
)
"""Seconds since the period's start; open, close, low, high in that order."""
SPANS_S: Final = {"min": 86_400, "hour": 31 * 86_400, "day": 366 * 86_400}
GRANULARITIES: Final = {"min": "M1", "hour": "H1", "day": "D"}
_HOUR_MS: Final = 3_600_000
_TICKS: Final = re.compile(r"([A-Z]{6})/(\d{4})/(\d\d)/(\d\d)/(\d\d)h_ticks\.bi5$")
_CANDLES: Final = re.compile(
    r"([A-Z]{6})/(\d{4})/(?:(\d\d)/(?:(\d\d)/)?)?(BID|ASK)_candles_(min|hour|day)_1\.bi5$"
)
_THOUSANDTHS: Final = frozenset({"JPY", "HUF", "XAU"})


def scale_of(instrument: str) -> float:
    """Points per unit of price: 1,000 for JPY and HUF pairs and XAU_USD, else 100,000."""
    base, _, quote = instrument.partition("_")
    return 1_000.0 if quote in _THOUSANDTHS or base == "XAU" else 100_000.0


def files_in(path: Path) -> tuple[list[Path], list[Path]]:
    """The tick and candle files of a folder in order, or the one file that ``path`` is."""
    found = sorted(path.rglob("*.bi5")) if path.is_dir() else [path]
    ticks = [one for one in found if _TICKS.search(one.as_posix())]
    return ticks, [one for one in found if _CANDLES.search(one.as_posix())]


def symbol_of(path: Path) -> str:
    """Instrument of one placed file, such as ``EUR_USD``.

    Raises:
        BarsError: The path is not in the vendor's layout.
    """
    found = _TICKS.search(path.as_posix()) or _CANDLES.search(path.as_posix())
    if found is None:
        raise misplaced(path)
    return f"{found[1][:3]}_{found[1][3:]}"


def granularity_of(path: Path) -> str:
    """Granularity of a candle file; BarsError where the path is not in the layout."""
    found = _CANDLES.search(path.as_posix())
    if found is None:
        raise misplaced(path)
    return GRANULARITIES[found[6]]


def read_ticks(files: Sequence[Path], reading: Reading) -> Iterator[pl.DataFrame]:
    """Ticks hour by hour; an empty file is an hour without ticks.

    Raises:
        BarsError: A path outside the layout, or a file that is damaged.
    """
    for path in files:
        found = _TICKS.search(path.as_posix())
        if found is None:
            raise misplaced(path)
        start_ns = _start_ns(path, *found.group(2, 3, 4, 5))
        raw = _records(path, RAW_TICK)
        _require(raw["ms"], _HOUR_MS, 1, path)
        reading.rows += len(raw)
        scale = scale_of(reading.instrument)
        yield pl.DataFrame(
            {
                "time": start_ns + raw["ms"].astype(np.int64) * MILLISECOND_NS,
                "bid": raw["bid"].astype(np.float64) / scale,
                "ask": raw["ask"].astype(np.float64) / scale,
            }
        )


def read_candles(files: Sequence[Path], reading: Reading) -> tuple[pl.DataFrame, SideOrigin]:
    """Candles of the files, and their side: ``ba`` where each time has both.

    Flat candles without volume fill times without a tick: left out as ``filler``. Where files
    of both sides are given, candles without a partner are left out as ``unpaired``. The volume
    is the bid's, in millions.

    Raises:
        BarsError: A path outside the layout, files of two granularities, or a damaged file.
    """
    parts: dict[OneSide, list[pl.DataFrame]] = {}
    for path in files:
        found = _CANDLES.search(path.as_posix())
        if found is None:
            raise misplaced(path)
        if GRANULARITIES[found[6]] != reading.granularity:
            raise BarsError(
                f"granularity of {path.name}",
                GRANULARITIES[found[6]],
                reading.granularity,
                "Import the files of one granularity at a time.",
            )
        start_ns = _start_ns(path, found[2], found[3] or "00", found[4] or "01", "00")
        raw = _records(path, RAW_CANDLE)
        _require(raw["s"], SPANS_S[found[6]], 0, path)
        reading.rows += len(raw)
        side: OneSide = "bid" if found[5] == "BID" else "ask"
        parts.setdefault(side, []).append(_candles(raw, start_ns, reading))
    sides = {side: _without_filler(pl.concat(held), reading) for side, held in parts.items()}
    return paired(sides, reading)


def paired(sides: dict[OneSide, pl.DataFrame], reading: Reading) -> tuple[pl.DataFrame, SideOrigin]:
    """One table of both sides at the times that both have, or the one side that there is."""
    if len(sides) == 1:
        ((side, frame),) = sides.items()
        return frame, side
    bid, ask = (
        frame.rename({letter: f"{side}_{letter}" for letter in "ohlc"})
        for side, frame in (("bid", sides["bid"]), ("ask", sides["ask"].drop("volume")))
    )
    joined = bid.join(ask, on="time", how="inner", maintain_order="left")
    reading.drop("unpaired", bid.height + ask.height - 2 * joined.height)
    return joined, "ba"


def _candles(raw: Records, start_ns: int, reading: Reading) -> pl.DataFrame:
    scale = scale_of(reading.instrument)
    prices = {letter: raw[letter].astype(np.float64) / scale for letter in "ohlc"}
    return pl.DataFrame(
        {
            "time": start_ns + raw["s"].astype(np.int64) * SECOND_NS,
            **prices,
            "volume": raw["volume"].astype(np.float64),
        }
    )


def _without_filler(frame: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    held = frame.filter((pl.col("volume") != 0) | (pl.col("h") != pl.col("l")))
    reading.drop("filler", frame.height - held.height)
    return held


def _records(path: Path, layout: np.dtype[np.void]) -> Records:
    packed = b""
    try:
        packed = path.read_bytes()
        raw = lzma.decompress(packed) if packed else b""
    except (lzma.LZMAError, OSError) as cause:
        page = packed[:64].lstrip()[:1] == b"<"
        raise BarsError(
            f"file {path.name}",
            "a web page in place of data" if page else " ".join(str(cause).split()),
            "LZMA data, or an empty file for no ticks",
            "Download it again.",
        ) from cause
    if len(raw) % layout.itemsize:
        raise BarsError(
            f"file {path.name}",
            f"{len(raw)} bytes",
            f"whole records of {layout.itemsize} bytes",
            "The file is cut off or of another kind: download it again.",
        )
    return np.frombuffer(raw, dtype=layout)


def _require(offsets: npt.NDArray[np.uint32], end: int, equal: int, path: Path) -> None:
    """Offsets ascend inside the period; ``equal`` = 1 lets neighbours be the same."""
    steps = np.diff(offsets.astype(np.int64))
    if len(offsets) and (offsets.max() >= end or (steps < 1 - equal).any()):
        raise BarsError(
            f"times of {path.name}",
            f"offsets up to {offsets.max()}, {int((steps < 1 - equal).sum())} of them out of order",
            f"ascending offsets below {end}",
            "The file is damaged or of another kind: download it again.",
        )


def _start_ns(path: Path, year: str, month: str, day: str, hour: str) -> int:
    try:
        start = datetime(int(year), int(month) + 1, int(day), int(hour), tzinfo=UTC)
    except ValueError as cause:
        raise misplaced(path) from cause
    return int(start.timestamp()) * SECOND_NS


def misplaced(path: Path) -> BarsError:
    """The error for a file whose path does not say its symbol and date."""
    return BarsError(
        f"path of {path.name}",
        "/".join(path.parts[-5:]),
        "EURUSD/2019/01/04/13h_ticks.bi5 (months from 00), or BID_candles_min_1.bi5 under the "
        "day, BID_candles_hour_1.bi5 under the month, BID_candles_day_1.bi5 under the year",
        "Put the file into such folders: it does not hold its date itself.",
    )
