"""From files to a bar store: all files are read before one is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hotband.errors import WindowError
from hotband.feeds.files import ImportReport, OnCrossed, SpreadSource, read_bars
from hotband.market.bars import Bars, SideOrigin
from hotband.market.calendar import DAY_NS
from hotband.market.instruments import Instrument
from hotband.market.spreads import SpreadProfile
from hotband.stores.ports import BarStore

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
class FileWords:
    """What is said of the files on import, as ``feeds.files.read_bars`` takes it."""

    instrument: str | None = None
    granularity: str | None = None
    side: SideOrigin | None = None
    on_crossed: OnCrossed = "refuse"
    zone: str | None = None


def import_files(
    store: BarStore,
    files: Sequence[Path],
    table: Mapping[str, Instrument],
    words: FileWords = FileWords(),
    *,
    replace: bool = False,
) -> list[tuple[ImportReport, int]]:
    """Read files of bars into the store: per file its report and how many bars are new.

    One-sided bars take their spread from two-sided ones that the store held before, see
    ``spreads_in``, else from ``table``. A file that cannot be used leaves the store as it was.

    Raises:
        BarsError, StoreError: a file or the store cannot be used.
    """
    source = SpreadSource(table, lambda pair, before: spreads_in(store, pair, before))
    read: list[tuple[Bars, ImportReport]] = [
        read_bars(
            path,
            instrument=words.instrument,
            granularity=words.granularity,
            side=words.side,
            on_crossed=words.on_crossed,
            zone=words.zone,
            spreads=source,
        )
        for path in files
    ]
    return [(report, store.append(bars, replace=replace)) for bars, report in read]
