"""Any file of a known format to bars: the one way in, whatever the vendor.

Ticks become bars slice by slice: memory holds one slice (about 16 MiB of text and 100 MiB of
columns) and the bars made so far (80 bytes each). Files of bars are read as a whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np
import polars as pl

from hotband.errors import BarsError
from hotband.feeds import dukascopy, dukascopy_json, histdata, metatrader, truefx
from hotband.feeds.assembly import (
    ImportReport,
    Reading,
    SpreadSource,
    check_length,
    one_sided,
    report_of,
    require_scale,
    require_years,
    two_sided,
)
from hotband.feeds.blocks import ends_in_line, open_bytes
from hotband.feeds.delimited import Layout, read_frames
from hotband.feeds.file_times import read_times
from hotband.feeds.files import read_bars
from hotband.feeds.mapped import layout_of
from hotband.feeds.oanda_candles import read_candle_file
from hotband.feeds.opened import (
    FileWords,
    Opened,
    granularity_of,
    instrument_of,
    open_file,
    require_name,
    require_words,
    side_of,
    zone_of,
)
from hotband.feeds.ticks import BarBuilder, tick_records
from hotband.feeds.zone_evidence import ZoneEvidence, require_zone, zone_evidence
from hotband.feeds.zones import to_utc
from hotband.market.bars import TIME_TYPE, Bars, SideOrigin
from hotband.market.instruments import Instrument, get_instrument

if TYPE_CHECKING:
    from hotband.market.spreads import OneSide

_LAYOUTS: Final = {
    "histdata-m1": histdata.MINUTES,
    "histdata-ticks": histdata.TICKS,
    "histdata-mt": metatrader.HISTORY,
    "mt4": metatrader.HISTORY,
    "truefx": truefx.TICKS,
}
_CUT_OFF: Final = "the last line has no line end: was the file cut off?"


@dataclass(frozen=True, slots=True)
class FileBars:
    """The bars of a file, the report on reading it, and what speaks for its zone."""

    bars: Bars
    report: ImportReport
    evidence: ZoneEvidence


def read_file(path: Path, words: FileWords, spreads: SpreadSource) -> FileBars:
    """Bars of a file, or of a folder of bi5 files, in any known format.

    Raises:
        BarsError: What the file is or holds cannot be told, or breaks a rule; or the weeks
            of the market contradict the zone and ``accept_zone`` is not set.
        InstrumentError: The table of ``spreads`` lacks the instrument.
    """
    file = open_file(path, words)
    if file.form.name == "oanda-candles":
        bars, report, zone = _from_replies(file, spreads)
    elif file.form.name == "hotband-bars":
        bars, report = read_bars(
            path,
            instrument=words.instrument,
            granularity=words.granularity,
            side=words.side,
            on_crossed=words.on_crossed,
            zone=words.zone,
            spreads=spreads,
        )
        check_length(bars, path.name)
        naive = any("without a zone" in note for note in report.notes)
        zone = words.zone if naive and words.zone else "UTC"
        if file.is_text and not ends_in_line(path):
            report = replace(report, notes=(*report.notes, _CUT_OFF))
        require_name(file, bars.instrument, spreads.table)
    else:
        require_words(file, spreads.table)
        zone = zone_of(file)
        pair = get_instrument(instrument_of(file, spreads.table), spreads.table)
        require_name(file, pair.name, spreads.table)
        reading = Reading(path.name, pair.name, granularity_of(file), file.form.source)
        _note_what_is_odd(file, zone, reading)
        if file.form.kind == "ticks":
            bars = _from_ticks(file, zone, pair, reading)
        else:
            bars = _from_bars(file, zone, reading, spreads)
        report = report_of(bars, reading, file.form.name)
    require_years(bars, path.name)
    if bars.instrument in spreads.table:
        require_scale(bars, spreads.table[bars.instrument], path.name)
    evidence = zone_evidence(bars.data["t"], bars.granularity_ns, zone)
    if not words.accept_zone:
        require_zone(evidence, path.name)
    return FileBars(bars, report, evidence)


def _from_replies(file: Opened, spreads: SpreadSource) -> tuple[Bars, ImportReport, str]:
    """Saved candle replies, which say all of themselves; words that differ are refused."""
    words, name = file.words, file.path.name
    bars, report = read_candle_file(file.path, spreads, words.on_crossed)
    said = {
        "instrument": (words.instrument, bars.instrument),
        "granularity": (words.granularity, bars.granularity),
        "side": (words.side, bars.side_origin),
        "zone": (words.zone, "UTC"),
    }
    for option, (given, held) in said.items():
        if given not in {None, held}:
            raise BarsError(
                f"{option} of {name}",
                given,
                f"{held}, as its replies say",
                f"Leave --{option} out.",
            )
    return bars, report, "UTC"


def _note_what_is_odd(file: Opened, zone: str, reading: Reading) -> None:
    if file.is_text and not ends_in_line(file.path):
        reading.note(_CUT_OFF)
    if file.form.zone not in {None, zone}:
        reading.note(f"times were read as {zone}, not {file.form.zone} as such files have")


def _from_bars(file: Opened, zone: str, reading: Reading, spreads: SpreadSource) -> Bars:
    frame, side = _table(file, reading)
    wall = frame["time"].to_numpy().astype(np.int64)
    t_ns = to_utc(wall, zone, f"time of {reading.name}")
    frame = frame.with_columns(pl.Series("time", t_ns).cast(TIME_TYPE))
    if "spread" in frame.columns:
        known = bool((frame["spread"] != 0).any())
        written = metatrader.written_decimals(file.head.header, file.head.line)
        frame = metatrader.with_asks(frame, reading, written) if known else frame.drop("spread")
    if "bid_o" in frame.columns:
        bars = replace(two_sided(frame, reading, file.words.on_crossed), side_origin=side)
    else:
        bars = one_sided(frame, reading, cast("OneSide", side), spreads)
    check_length(bars, reading.name)
    return bars


def _table(file: Opened, reading: Reading) -> tuple[pl.DataFrame, SideOrigin]:
    """The rows of bars with times on the wall, and their side."""
    if file.form.name == "dukascopy-candles":
        return dukascopy.read_candles(file.bi5, reading)
    if file.form.name == "dukascopy-json-candles":
        return dukascopy_json.candles_of(file.document, reading), side_of(file)
    frames = list(read_frames(file.path, _layout(file), reading))
    if not frames:
        raise BarsError(f"file {reading.name}", "no rows", "bars", "Check the file.")
    both = file.mapping is not None and file.mapping.kind == "two sides"
    return pl.concat(frames), "ba" if both else side_of(file)


def _from_ticks(file: Opened, zone: str, pair: Instrument, reading: Reading) -> Bars:
    builder = BarBuilder(reading.granularity, reading.name, file.words.on_crossed)
    rounded = before = 0
    for frame in _tick_frames(file, reading):
        _require_pair(frame, pair, reading)
        t_ns, bid, ask = (frame[name].to_numpy() for name in ("time", "bid", "ask"))
        if file.form.name != "hotband-ticks":
            t_ns = to_utc(t_ns, zone, f"time of {reading.name}", before)
            before += len(t_ns)
        if file.form.name == "truefx":
            exact = bid, ask
            bid, ask = (np.round(side, pair.display_precision) for side in exact)
            rounded += int(((bid != exact[0]) | (ask != exact[1])).sum())
        builder.add(tick_records(t_ns, bid, ask))
    if rounded:
        reading.note(f"{rounded:,} rows were rounded to {pair.display_precision} decimals")
    reading.drop("duplicate", builder.duplicates)
    reading.drop("crossed", builder.crossed)
    reading.note("the volume of a bar is its number of ticks")
    return Bars.from_records(
        pair.name, reading.granularity, builder.finish(), source=reading.source
    )


def _tick_frames(file: Opened, reading: Reading) -> Iterator[pl.DataFrame]:
    """Slices of ``time`` (ns on the wall), ``bid``, ``ask``, in the order of the file."""
    name = file.form.name
    if name == "hotband-ticks":
        return _own_ticks(file, reading)
    if name == "dukascopy-ticks":
        return dukascopy.read_ticks(file.bi5, reading)
    if name == "dukascopy-json-ticks":
        return iter([dukascopy_json.ticks_of(file.document, reading)])
    frames = read_frames(file.path, _layout(file), reading)
    return metatrader.filled(frames, reading) if name == "mt5-ticks" else frames


def _own_ticks(file: Opened, reading: Reading) -> Iterator[pl.DataFrame]:
    """Slices of a Parquet or CSV file with the columns time, bid and ask, in UTC."""
    try:
        for frame in _own_rows(file.path).select("time", "bid", "ask").collect_batches():
            notes: list[str] = []
            zone, name = file.words.zone, reading.name
            times = read_times(frame["time"], zone, name, notes, reading.rows)
            for note in notes:
                reading.note(note)
            reading.rows += frame.height
            prices = frame.select(pl.col("bid", "ask").cast(pl.Float64).fill_null(np.nan))
            yield prices.with_columns(time=times.to_physical())
    except (pl.exceptions.PolarsError, OSError) as cause:
        got = str(cause).splitlines()[0]
        raise BarsError(
            f"file {reading.name}", got, "time, bid, ask in every row", "Check the file."
        ) from cause


def _own_rows(path: Path) -> pl.LazyFrame:
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return pl.scan_parquet(path, glob=False)
    if suffix == ".zip":  # which Polars does not unpack
        with open_bytes(path) as stream:
            return pl.scan_csv(stream.read())
    return pl.scan_csv(path, glob=False)


def _layout(file: Opened) -> Layout:
    if file.mapping:
        return layout_of(file.mapping, file.path)
    if file.form.name in {"mt5-bars", "mt5-ticks"}:
        return metatrader.layout_5(file.head.header, file.path.name)
    layout = _LAYOUTS[file.form.name]
    return replace(layout, skip=1) if file.head.header else layout


def _require_pair(frame: pl.DataFrame, pair: Instrument, reading: Reading) -> None:
    if "pair" not in frame.columns:
        return
    other = frame.filter(pl.col("pair") != pair.name.replace("_", "/"))
    if other.height:
        raise BarsError(
            f"instrument of {reading.name}",
            f"{other['pair'][0]} among {pair.name}",
            "one instrument per file",
            "Split the file.",
        )
