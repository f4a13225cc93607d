"""What was fetched of a series, so that a backfill that was cut goes on where it was.

The rule: a span is written down only after its bars are in the store, and believed only while
the store holds exactly as many bars in it. So a run that was killed repeats one page at most,
a store that lost bars is filled again, and a hole that an earlier failure left was never
written down and is fetched.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from hotband.durable import write_whole
from hotband.errors import StoreError, WindowError
from hotband.market.calendar import format_time, parse_time
from hotband.stores.ports import BarStore

SCHEMA: Final = "hotband-fetched-1"
Window: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Span:
    """[start, end) of which every complete candle is in the store: so many bars."""

    start_ns: int
    end_ns: int
    bars: int


def progress_path(folder: Path, store: str, source: str, series: tuple[str, ...]) -> Path:
    """The file of one series: of one store, from one address, of one kind of price.

    Args:
        folder: The state folder.
        store: The store's URL without a password.
        source: Where the bars come from; practice and live accounts see other prices.
        series: Instrument, granularity, side.
    """
    digest = hashlib.sha256(f"{store}\n{source}".encode()).hexdigest()[:16]
    return folder / "fetched" / f"{'.'.join(series)}.{digest}.json"


class FetchProgress:
    """The spans of one series, in its file."""

    def __init__(self, path: Path, series: tuple[str, str]) -> None:
        self._path, (self._instrument, self._granularity) = path, series

    def spans(self, store: BarStore) -> list[Span]:
        """The spans that are believed, ascending and disjoint.

        Raises:
            StoreError: The file cannot be used, or the store cannot be read.
        """
        return [
            span
            for span in self._read()
            if self._held(store, span.start_ns, span.end_ns) == span.bars
        ]

    def spans_outside(self, store: BarStore, window: Window) -> list[Span]:
        """What is believed of before and after a window, which is to be fetched again."""
        start, end = window
        found = []
        for span in self.spans(store):
            before, after = min(span.end_ns, start), max(span.start_ns, end)
            for first, last in ((span.start_ns, before), (after, span.end_ns)):
                if first < last:
                    found.append(Span(first, last, self._held(store, first, last)))
        return found

    def add(self, span: Span, believed: Iterable[Span]) -> list[Span]:
        """Write down the believed spans and a new one; touching spans become one."""
        joined: list[Span] = []
        for one in sorted([*believed, span], key=lambda s: s.start_ns):
            if joined and joined[-1].end_ns == one.start_ns:
                before = joined.pop()
                joined.append(Span(before.start_ns, one.end_ns, before.bars + one.bars))
            else:
                joined.append(one)
        rows = [
            {"start": format_time(s.start_ns), "end": format_time(s.end_ns), "bars": s.bars}
            for s in joined
        ]
        text = json.dumps({"schema": SCHEMA, "spans": rows}, indent=1) + "\n"
        write_whole(self._path, lambda file: file.write(text.encode()))
        return joined

    def _held(self, store: BarStore, start_ns: int, end_ns: int) -> int:
        extent = store.extent(self._instrument, self._granularity)
        if extent is None or end_ns <= extent[0] or extent[1] < start_ns:
            return 0
        try:
            found = store.read(self._instrument, self._granularity, start_ns, end_ns)
        except WindowError:
            return 0  # a window without bars that leaves the store's extent
        return len(found)

    def _read(self) -> list[Span]:
        do = "Remove the file: the bars stay, and are compared with what is fetched again."
        try:
            document = json.loads(self._path.read_text("utf-8"))
            if document["schema"] != SCHEMA:
                raise ValueError(document["schema"])
            return [
                Span(parse_time(row["start"]), parse_time(row["end"]), int(row["bars"]))
                for row in document["spans"]
            ]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError, WindowError) as cause:
            got = " ".join(f"{type(cause).__name__} {cause}".split())
            raise StoreError(f"file {self._path}", got, f"spans of {SCHEMA}", do) from cause


def missing(window: Window, spans: Iterable[Span]) -> list[Window]:
    """What of a window no span covers, ascending."""
    at, end = window
    found = []
    for span in sorted(spans, key=lambda s: s.start_ns):
        if span.start_ns > at:
            found.append((at, min(span.start_ns, end)))
        at = max(at, span.end_ns)
        if at >= end:
            break
    if at < end:
        found.append((at, end))
    return [(start, stop) for start, stop in found if start < stop]
