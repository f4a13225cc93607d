"""From files to a bar store: all files are read before one is stored."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from hotband.errors import HotbandError, WindowError
from hotband.feeds.assembly import ImportReport, SpreadSource
from hotband.feeds.files import read_frame
from hotband.feeds.formats import detect
from hotband.feeds.opened import FileWords
from hotband.feeds.quality import QualityReport, check_bars, check_frame
from hotband.feeds.reading import FileBars, read_file
from hotband.feeds.zone_evidence import ZoneEvidence
from hotband.market.bars import Bars
from hotband.market.calendar import DAY_NS, DEFAULT_HOURS, MarketHours
from hotband.market.instruments import Instrument
from hotband.market.spreads import SpreadProfile
from hotband.stores.ports import BarStore

__all__ = ["FileWords", "Imported", "check_file", "import_files", "spreads_in"]

NOTHING_SAID: Final = FileWords()
SPREAD_DAYS = 364
"""How far back the bars reach that the spread of one-sided bars is learnt from."""


def spreads_in(store: BarStore, pair: Instrument, before_ns: int) -> SpreadProfile | None:
    """Median spreads of the instrument's two-sided bars in the store known at ``before_ns``.

    The shortest granularity that has such bars in the ``SPREAD_DAYS`` before counts; a stretch
    in which any bar's other side was derived teaches nothing. None = no such bars.
    """
    for granularity in store.granularities(pair.name):
        try:
            bars = store.read(pair.name, granularity, before_ns - SPREAD_DAYS * DAY_NS, before_ns)
        except WindowError:
            continue  # it holds only later ones
        if len(bars) and bars.side_origin == "ba":
            return SpreadProfile.from_bars(bars, before_ns)
    return None


@dataclass(frozen=True, slots=True)
class Imported:
    """One import: ``added`` counts the bars that were new or changed in the store."""

    report: ImportReport
    quality: QualityReport
    evidence: ZoneEvidence
    added: int

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return self.report.to_dict() | {
            "bars_added": self.added,
            "quality": self.quality.to_dict(),
            "zone_evidence": self.evidence.to_dict(),
        }


def import_files(
    store: BarStore,
    files: Sequence[Path],
    table: Mapping[str, Instrument],
    words: FileWords = NOTHING_SAID,
    *,
    replace: bool = False,
    hours: MarketHours = DEFAULT_HOURS,
) -> list[Imported]:
    """Read files of any known format into the store, as bars; files again add nothing.

    One-sided bars take their spread from two-sided ones that the store held before, see
    ``spreads_in``, else from ``table``. A file that cannot be used leaves the store as it was.

    Args:
        store: Where the bars go.
        files: Files, or folders of bi5 files; all are read before one is stored.
        table: The instruments.
        words: What is said of all the files.
        replace: Overwrite bars that the store holds differently, in place of refusing them.
        hours: Of the market, for the reports on quality.

    Raises:
        BarsError, InstrumentError, StoreError: a file or the store cannot be used.
    """
    source = SpreadSource(table, lambda pair, before: spreads_in(store, pair, before))
    read = [read_file(path, words, source) for path in files]
    done: list[Imported] = []
    for one in read:
        try:
            done.append(_stored(store, one, table, replace, hours))
        except HotbandError as error:
            if done:
                names = ", ".join(earlier.report.path for earlier in done)
                error.add_note(f"Stored before it: {names}; importing them again adds nothing.")
            raise
    return done


def _stored(
    store: BarStore,
    one: FileBars,
    table: Mapping[str, Instrument],
    replace: bool,
    hours: MarketHours,
) -> Imported:
    bars, report = one.bars, one.report
    if not replace:
        point = 10.0 ** -table[bars.instrument].display_precision if bars.instrument in table else 0
        bars, known = _as_held(store, bars, point)
        if known:
            note = f"{known:,} bars that the store holds keep the spread they have there"
            report = dataclasses.replace(report, notes=(*report.notes, note))
    quality = check_bars(bars, hours)  # before the store: what cannot be judged is not kept
    return Imported(report, quality, one.evidence, store.append(bars, replace=replace))


def _as_held(store: BarStore, bars: Bars, point: float) -> tuple[Bars, int]:
    """One-sided bars with the derived side as the store holds it, and for how many that is so.

    The spread that fits best changes as the store learns; bars that came before keep theirs,
    so that the same file adds nothing. They are the same where the given side is equal, or,
    as both sides of a mid are rounded, where the mids differ by a point at most.
    """
    side = bars.side_origin
    if side == "ba" or not len(bars):
        return bars, 0
    if bars.granularity not in store.granularities(bars.instrument):
        return bars, 0
    first, last = int(bars.data["t"][0]), int(bars.data["t"][-1])
    try:
        held = store.read(bars.instrument, bars.granularity, first, last + bars.granularity_ns)
    except WindowError:
        return bars, 0
    if held.side_origin != side:
        return bars, 0  # the store compares them row by row
    _, ours, theirs = np.intersect1d(
        bars.data["t"], held.data["t"], assume_unique=True, return_indices=True
    )
    new, old = bars.data[ours], held.data[theirs]
    same = (new["volume"] == old["volume"]) | (np.isnan(new["volume"]) & np.isnan(old["volume"]))
    for letter in "ohlc":
        sides = ("bid", "ask") if side == "mid" else (side,)
        moved = sum(new[f"{one}_{letter}"] - old[f"{one}_{letter}"] for one in sides) / len(sides)
        same &= np.abs(moved) <= (1.001 * point if side == "mid" else 0.0)
    data = bars.data.copy()
    data[ours[same]] = old[same]
    kept = Bars.from_records(
        bars.instrument, bars.granularity, data, source=bars.source, side_origin=side
    )
    return kept, int((new[same] != old[same]).sum())


def check_file(
    path: Path, words: FileWords, table: Mapping[str, Instrument], hours: MarketHours
) -> QualityReport:
    """The quality of a file in any known format; nothing is stored.

    Prices of our own form are judged as they are, however broken; files of vendors are read
    first, crossed quotes left out.

    Raises:
        BarsError, InstrumentError: the file cannot be read.
    """
    if words.mapping is None and detect(path, words.format).name == "hotband-bars":
        frame, name, length = read_frame(
            path, instrument=words.instrument, granularity=words.granularity, zone=words.zone
        )
        return check_frame(frame, name, length, hours)
    taken = dataclasses.replace(words, on_crossed="drop", accept_zone=True)
    return check_bars(read_file(path, taken, SpreadSource(table)).bars, hours)
