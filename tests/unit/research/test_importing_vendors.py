"""Vendors' files reach the store as the bars that their prices are, once and in the right zone."""

import lzma
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.unit.feeds.vendor_files import bi5, read, text, week_walls

from hotband.errors import BarsError
from hotband.feeds.dukascopy import RAW_TICK
from hotband.feeds.ticks import aggregate, tick_records
from hotband.market.bars import Bars
from hotband.market.calendar import DEFAULT_HOURS, HOUR_NS, parse_time
from hotband.market.instruments import load_instruments
from hotband.research.importing import FileWords, check_file, import_files
from hotband.stores.urls import open_bar_store

TABLE = load_instruments()
MINUTES = FileWords(granularity="M1")


def real_ticks(path: Path) -> tuple[pl.DataFrame, Bars]:
    """Real ticks and the bars of them."""
    ticks = pl.read_parquet(path)
    t_ns = ticks["time"].dt.cast_time_unit("ns").to_physical().to_numpy()
    records = tick_records(t_ns, ticks["bid"].to_numpy(), ticks["ask"].to_numpy())
    return ticks, aggregate(records, path.name[:7], "M1", source="x")


def server_weeks(folder: Path, ahead_hours: int) -> Path:
    """Hourly MetaTrader bars of six winter weeks on a wall so far ahead of UTC."""
    walls = week_walls("2025-01-05", 6, ahead_hours)
    rows = [f"{wall:%Y.%m.%d,%H:%M},1.10000,1.10010,1.09990,1.10005,5" for wall in walls]
    return text(folder, "EURUSD_H1.csv", *rows)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("EUR_USD.TICK.oanda.20140501_20140509.parquet", "{pair},%Y%m%d %H:%M:%S%.3f"),
        ("USD_JPY.TICK.truefx.20130101_20130101.parquet", "{pair},%Y%m%d %H:%M:%S%.3f"),
    ],
)
def test_real_ticks_come_back_from_truefx_text(
    tmp_path: Path, real_data: Path, name: str, form: str
) -> None:
    ticks, bars = real_ticks(real_data / name)
    pair = name[:7].replace("_", "/")
    stamps = ticks["time"].dt.strftime(form.format(pair=pair))
    path = tmp_path / "ticks.csv"
    digits = 3 if pair.endswith("JPY") else 5
    rows = zip(stamps, ticks["bid"], ticks["ask"], strict=True)
    path.write_text("".join(f"{t},{bid:.{digits}f},{ask:.{digits}f}\n" for t, bid, ask in rows))
    got = read(path, granularity="M1")
    if digits == 5:
        assert got.bars.data.tobytes() == bars.data.tobytes()
    assert np.array_equal(got.bars.data["t"], bars.data["t"])
    assert np.allclose(got.bars.data["ask_h"], bars.data["ask_h"], atol=0.0005)


@pytest.mark.real_data
def test_real_ticks_come_back_from_histdata_text(tmp_path: Path, real_data: Path) -> None:
    ticks, bars = real_ticks(real_data / "EUR_USD.TICK.oanda.20140501_20140509.parquet")
    eastern = ticks["time"].dt.offset_by("-5h").dt.strftime("%Y%m%d %H%M%S%3f")
    path = tmp_path / "DAT_ASCII_EURUSD_T_201405.csv"
    rows = zip(eastern, ticks["bid"], ticks["ask"], strict=True)
    path.write_text("".join(f"{t},{bid:.6f},{ask:.6f},0\n" for t, bid, ask in rows))
    got = read(path, granularity="M1")
    assert got.bars.data.tobytes() == bars.data.tobytes()
    assert (got.evidence.verdict, got.evidence.weeks_seen) == ("fits", 1)
    with pytest.raises(BarsError, match="mostly by 5 h early"):
        read(path, granularity="M1", zone="UTC")


@pytest.mark.real_data
def test_real_ticks_come_back_from_bi5_hours(tmp_path: Path, real_data: Path) -> None:
    name = "EUR_USD.TICK.dukascopy.20190204_20190205.parquet"
    ticks, bars = real_ticks(real_data / name)
    for (hour,), part in ticks.group_by(pl.col("time").dt.truncate("1h"), maintain_order=True):
        assert isinstance(hour, datetime)
        raw = np.empty(part.height, RAW_TICK)
        raw["ms"] = (part["time"] - hour).dt.total_milliseconds().to_numpy()
        for side in ("bid", "ask"):
            raw[side] = np.rint(part[side].to_numpy() * 1e5)
            raw[f"{side}_volume"] = 1.0
        inner = f"EURUSD/{hour.year}/{hour.month - 1:02}/{hour.day:02}/{hour.hour:02}h_ticks.bi5"
        path = tmp_path / inner
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lzma.compress(raw.tobytes(), format=lzma.FORMAT_ALONE))
    got = read(tmp_path / "EURUSD", granularity="M1")
    assert got.bars.data.tobytes() == bars.data.tobytes()


@pytest.mark.real_data
def test_every_real_file_fits_its_zone_and_adds_nothing_twice(
    tmp_path: Path, real_data: Path
) -> None:
    files = sorted(path for path in real_data.glob("*.M1.*.parquet") if "fxcm" not in path.name)
    store = open_bar_store(f"parquet://{tmp_path / 'store'}")
    first = import_files(store, files, TABLE)
    assert {one.evidence.verdict for one in first} <= {"fits", "cannot say"}
    assert all(one.added == one.report.rows_kept for one in first)
    assert [one.added for one in import_files(store, files, TABLE)] == [0] * len(files)


@pytest.mark.real_data
def test_early_sunday_quotes_are_no_false_alarm(real_data: Path) -> None:
    name = "EUR_USD.M1.fxcm.20140501_20140509.parquet"
    got = read(real_data / name, on_crossed="drop")
    assert (got.evidence.verdict, got.evidence.median_open_minutes) == ("fits", -120.0)


def test_a_server_zone_that_the_weeks_contradict_is_refused_and_leaves_the_store(
    tmp_path: Path,
) -> None:
    store = open_bar_store(f"parquet://{tmp_path / 'store'}")
    path = server_weeks(tmp_path, 2)
    with pytest.raises(BarsError, match=r"mostly by 2 h late.*Try --zone NY\+7"):
        import_files(store, [path], TABLE, FileWords(zone="UTC"))
    assert store.instruments() == ()
    done, *_ = import_files(store, [path], TABLE, FileWords(zone="NY+7"))
    assert (done.evidence.verdict, done.added) == ("fits", 720)
    assert store.extent("EUR_USD", "H1") == (
        parse_time("2025-01-05T22:00:00Z"),
        parse_time("2025-02-14T21:00:00Z"),
    )


def test_accept_zone_takes_the_times_as_they_are(tmp_path: Path) -> None:
    store = open_bar_store(f"parquet://{tmp_path / 'store'}")
    words = FileWords(zone="UTC", accept_zone=True)
    done, *_ = import_files(store, [server_weeks(tmp_path, 2)], TABLE, words)
    assert (done.evidence.verdict, done.evidence.off_hours) == ("off", 2)
    assert done.to_dict()["bars_added"] == 720


def test_the_report_holds_the_quality_of_the_bars(tmp_path: Path) -> None:
    path = server_weeks(tmp_path, 2)
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join(lines[:10] + lines[13:]) + "\n", "utf-8")
    store = open_bar_store(f"parquet://{tmp_path / 'store'}")
    done, *_ = import_files(store, [path], TABLE, FileWords(zone="NY+7"))
    assert (done.quality.gaps_total, done.quality.gaps[0].slots) == (1, 3)
    assert check_file(path, FileWords(zone="NY+7"), TABLE, DEFAULT_HOURS).gaps_total == 1


def test_an_overlapping_file_that_differs_is_refused(tmp_path: Path) -> None:
    store = open_bar_store(f"parquet://{tmp_path / 'store'}")
    path = server_weeks(tmp_path, 2)
    import_files(store, [path], TABLE, FileWords(zone="NY+7"))
    path.write_text(path.read_text("utf-8").replace("1.10005", "1.10006", 1), "utf-8")
    with pytest.raises(BarsError):
        import_files(store, [path], TABLE, FileWords(zone="NY+7"))
    done, *_ = import_files(store, [path], TABLE, FileWords(zone="NY+7"), replace=True)
    assert done.added == 1


def test_a_file_of_ticks_in_our_own_columns_becomes_bars(tmp_path: Path) -> None:
    rows = ("2025-04-01T00:00:00.5Z,1.1,1.2", "2025-04-01T00:00:01.5Z,1.15,1.2")
    path = text(tmp_path, "EUR_USD.TICK.x.csv", "time,bid,ask", *rows)
    bars = read(path, granularity="M1").bars
    assert (len(bars), bars.data["bid_h"][0], bars.data["t"][0] % HOUR_NS) == (1, 1.15, 0)
    with pytest.raises(BarsError, match=r"Pass --granularity M1\."):
        read(path)


@pytest.mark.parametrize("side", ["bid", "mid"])
def test_one_sided_bars_keep_their_spread_when_the_store_has_learnt_another(
    tmp_path: Path, side: str
) -> None:
    store = open_bar_store(f"parquet://{tmp_path / 'store'}")
    weeks = week_walls("2025-01-05", 3, 0)
    late = [f"{wall:%Y-%m-%dT%H:%M:%SZ}" for wall in week_walls("2025-02-02", 1, 0)]
    one = ["time,o,h,l,c", *(f"{time},1.1,1.1,1.1,1.1" for time in late)]
    path = text(tmp_path, "EUR_USD.H1.other.csv", *one)
    words = FileWords(side=side)  # type: ignore[arg-type] # wrong on purpose
    first, *_ = import_files(store, [path], TABLE, words)
    header = "time,bid_o,bid_h,bid_l,bid_c,ask_o,ask_h,ask_l,ask_c"
    rows = [f"{wall:%Y-%m-%dT%H:%M:%SZ}{',1.1' * 4}{',1.101' * 4}" for wall in weeks]
    import_files(store, [text(tmp_path, "EUR_USD.H1.both.csv", header, *rows)], TABLE)
    again, *_ = import_files(store, [path], TABLE, words)
    assert (first.added, again.added) == (120, 0)
    path.write_text(path.read_text("utf-8").replace(",1.1,1.1,1.1,1.1", ",1.1,1.2,1.1,1.1", 1))
    with pytest.raises(BarsError, match="other values in 1 of 120 rows"):
        import_files(store, [path], TABLE, words)


def test_an_hour_without_ticks_is_imported_as_nothing(tmp_path: Path) -> None:
    store = open_bar_store(f"parquet://{tmp_path / 'store'}")
    path = bi5(tmp_path, "EURUSD/2019/01/05/13h_ticks.bi5", b"")
    done, *_ = import_files(store, [path], TABLE, MINUTES)
    assert (done.report.rows_read, done.added, done.evidence.verdict) == (0, 0, "cannot say")
