"""Files as vendors write them, made byte by byte from the descriptions of their formats."""

import lzma
import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hotband.feeds.assembly import SpreadSource
from hotband.feeds.opened import FileWords
from hotband.feeds.reading import FileBars, read_file
from hotband.market.instruments import load_instruments

TABLE = load_instruments()
ORACLE = bytes.fromhex("000000da 0001b4c7 0001b4c4 3f8f5c29 3f400000")
"""218 ms, ask 1.11815, bid 1.11812, 1.12 and 0.75 million."""


def read(path: Path, **words: object) -> FileBars:
    return read_file(path, FileWords(**words), SpreadSource(TABLE))  # type: ignore[arg-type] # by name


def text(folder: Path, name: str, *lines: str, end: str = "\n") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((end.join(lines) + end).encode())
    return path


def bi5(folder: Path, inner: str, records: bytes) -> Path:
    path = folder / inner
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress(records, format=lzma.FORMAT_ALONE) if records else b"")
    return path


def bi5_tick(ms: int, ask: int, bid: int) -> bytes:
    return struct.pack(">3I2f", ms, ask, bid, 1.5, 0.75)


def bi5_candle(second: int, o: int, h: int, low: int, c: int, volume: float = 1.0) -> bytes:
    return struct.pack(">5If", second, o, c, low, h, volume)


def week_walls(sunday: str, weeks: int, ahead_hours: int) -> Iterable[datetime]:
    """Hours of trading weeks from a Sunday 17:00 New York in winter (UTC-5) on some wall."""
    opening = datetime.fromisoformat(sunday).replace(tzinfo=UTC) + timedelta(hours=22 + ahead_hours)
    for week in range(weeks):
        for hour in range(120):
            yield opening + timedelta(days=7 * week, hours=hour)
