"""Each vendor's format is read as its description says: times, sides, order of columns."""

import gzip
import json
import zipfile
from pathlib import Path

import pytest
from tests.unit.feeds.vendor_files import ORACLE, bi5, bi5_candle, bi5_tick, read, text

from hotband.core.records import Records
from hotband.errors import BarsError
from hotband.feeds.formats import FORMATS
from hotband.market.calendar import format_time

HOUR = "EURUSD/2019/01/04/13h_ticks.bi5"
"""4 February 2019, 13:00 UTC: months count from 0."""
MT5 = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"


def bid(row: Records) -> tuple[float, ...]:
    return tuple(float(row[f"bid_{letter}"]) for letter in "ohlc")


def ask(row: Records) -> tuple[float, ...]:
    return tuple(float(row[f"ask_{letter}"]) for letter in "ohlc")


def refused(path: Path, **words: object) -> str:
    with pytest.raises(BarsError) as caught:
        read(path, **words)
    return str(caught.value)


def test_histdata_minutes_are_bid_bars_five_hours_behind_utc_in_summer_too(tmp_path: Path) -> None:
    path = text(
        tmp_path,
        "DAT_ASCII_EURUSD_M1_201207.csv",
        "20120702 000000;1.306600;1.306900;1.306500;1.306800;0",
        "20120702 000100;1.306800;1.306810;1.306700;1.306720;0",
    )
    got = read(path)
    row = got.bars.data[0]
    assert (got.report.format, got.bars.side_origin, len(got.bars)) == ("histdata-m1", "bid", 2)
    assert format_time(int(row["t"])) == "2012-07-02T05:00:00Z"
    assert bid(row) == (1.3066, 1.3069, 1.3065, 1.3068)


def test_histdata_ticks_have_milliseconds_without_a_point(tmp_path: Path) -> None:
    path = text(
        tmp_path,
        "DAT_ASCII_EURUSD_T_201202.csv",
        "20120201 000003660,1.306600,1.306770,0",
        "20120201 000003661,1.306500,1.306670,0",
        "20120201 000100000,1.306400,1.306570,0",
    )
    got = read(path, granularity="M1")
    first, last = got.bars.data
    assert format_time(int(first["t"])) == "2012-02-01T05:00:00Z"
    assert (bid(first), ask(first)) == (
        (1.3066, 1.3066, 1.3065, 1.3065),
        (1.30677, 1.30677, 1.30667, 1.30667),
    )
    assert (first["volume"], last["volume"]) == (2, 1)
    assert got.report.source == "histdata"


def test_the_metatrader_flavour_of_histdata_is_told_by_its_name(tmp_path: Path) -> None:
    line = "2012.02.01,00:00,1.306600,1.306900,1.306500,1.306800,0"
    got = read(text(tmp_path, "DAT_MT_EURUSD_M1_201202.csv", line))
    assert got.report.format == "histdata-mt"
    assert format_time(int(got.bars.data["t"][0])) == "2012-02-01T05:00:00Z"


def test_truefx_ticks_name_their_pair_and_lose_float_noise(tmp_path: Path) -> None:
    path = text(
        tmp_path,
        "ticks.csv",
        "USD/JPY,20160502 00:00:00.959,107.089996,107.095001",
        "USD/JPY,20160502 00:00:01.100,107.09,107.095",
    )
    got = read(path, granularity="M1")
    assert (got.bars.instrument, got.report.source) == ("USD_JPY", "truefx")
    assert bid(got.bars.data[0]) == (107.09,) * 4
    assert ask(got.bars.data[0]) == (107.095,) * 4
    assert "1 rows were rounded to 3 decimals" in got.report.notes


def test_two_pairs_in_one_truefx_file_are_refused(tmp_path: Path) -> None:
    lines = ("EUR/USD,20160502 00:00:00.959,1.1,1.2", "USD/JPY,20160502 00:00:01.959,107.1,107.2")
    assert "got USD/JPY among EUR_USD; allowed: one instrument per file" in refused(
        text(tmp_path, "ticks.csv", *lines), granularity="M1"
    )


def test_metatrader_4_needs_the_zone_of_its_server(tmp_path: Path) -> None:
    path = text(tmp_path, "EURUSD_M1.csv", "2016.06.27,00:01,1.1,1.2,1.0,1.15,42")
    assert "zone of EURUSD_M1.csv: got no word" in refused(path)
    got = read(path, zone="NY+7")
    assert format_time(int(got.bars.data["t"][0])) == "2016-06-26T21:01:00Z"
    assert (got.report.format, got.bars.side_origin) == ("mt4", "bid")
    assert bid(got.bars.data[0]) == (1.1, 1.2, 1.0, 1.15)


@pytest.mark.parametrize(("points", "raised"), [(10, 0.0001), (7, 0.00007)])
def test_the_spread_of_metatrader_5_is_in_points(
    tmp_path: Path, points: int, raised: float
) -> None:
    row = f"2016.06.27\t00:01:00\t1.10000\t1.10012\t1.09995\t1.10005\t42\t0\t{points}"
    got = read(text(tmp_path, "EURUSD_M1.csv", MT5, row), zone="NY+7")
    first = got.bars.data[0]
    assert bid(first) == (1.1, 1.10012, 1.09995, 1.10005)
    assert ask(first) == pytest.approx([price + raised for price in bid(first)], abs=1e-9)
    assert got.bars.side_origin == "bid"
    assert any("bid plus the bar's SPREAD, in points of 1e-05" in note for note in got.report.notes)


def test_a_spread_column_of_zeros_is_no_spread(tmp_path: Path) -> None:
    row = "2016.06.27\t00:01:00\t1.10000\t1.10012\t1.09995\t1.10005\t42\t0\t0"
    got = read(text(tmp_path, "EURUSD_M1.csv", MT5, row), zone="NY+7")
    assert ask(got.bars.data[0])[0] > 1.1
    assert any("the file has the bid only" in note for note in got.report.notes)


def test_daily_bars_of_metatrader_5_have_no_clock(tmp_path: Path) -> None:
    path = text(
        tmp_path,
        "EURUSD_Daily.csv",
        "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>",
        "2016.06.27\t1.10000\t1.10012\t1.09995\t1.10005\t42\t0\t0",
    )
    got = read(path, zone="NY+7")
    assert got.bars.granularity == "D"
    assert format_time(int(got.bars.data["t"][0])) == "2016-06-26T21:00:00Z"


def test_blank_prices_of_metatrader_5_ticks_have_not_changed(tmp_path: Path) -> None:
    path = text(
        tmp_path,
        "EURUSD_ticks.csv",
        "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>",
        "2016.06.27\t00:01:00.100\t1.1\t\t\t\t2",
        "2016.06.27\t00:01:00.200\t\t1.1003\t\t\t4",
        "2016.06.27\t00:01:00.300\t1.1001\t\t\t\t2",
    )
    got = read(path, zone="UTC+3", granularity="M1")
    row = got.bars.data[0]
    assert format_time(int(row["t"])) == "2016-06-26T21:01:00Z"
    assert (bid(row), ask(row)) == ((1.1, 1.1001, 1.1, 1.1001), (1.1003,) * 4)
    assert (got.report.dropped, row["volume"]) == ({"unquoted": 1}, 2)


def test_the_ask_comes_first_in_bi5_ticks(tmp_path: Path) -> None:
    got = read(bi5(tmp_path, HOUR, ORACLE), granularity="M1")
    row = got.bars.data[0]
    assert format_time(int(row["t"])) == "2019-02-04T13:00:00Z"
    assert (bid(row), ask(row)) == ((1.11812,) * 4, (1.11815,) * 4)
    assert (got.bars.instrument, got.bars.source) == ("EUR_USD", "dukascopy")


def test_yen_points_are_thousandths(tmp_path: Path) -> None:
    path = bi5(tmp_path, "USDJPY/2019/01/04/13h_ticks.bi5", bi5_tick(0, 109_512, 109_510))
    row = read(path, granularity="M1").bars.data[0]
    assert (bid(row)[0], ask(row)[0]) == (109.51, 109.512)


def test_a_folder_of_hours_is_one_import_and_an_empty_file_an_hour_without_ticks(
    tmp_path: Path,
) -> None:
    bi5(tmp_path, HOUR, bi5_tick(59_999, 111_815, 111_812))
    bi5(tmp_path, "EURUSD/2019/01/04/14h_ticks.bi5", b"")
    bi5(tmp_path, "EURUSD/2019/01/04/15h_ticks.bi5", bi5_tick(0, 111_825, 111_822))
    got = read(tmp_path / "EURUSD", granularity="M1")
    assert [format_time(int(t)) for t in got.bars.data["t"]] == [
        "2019-02-04T13:00:00Z",
        "2019-02-04T15:00:00Z",
    ]


def test_a_bi5_file_without_its_folders_is_refused_with_their_form(tmp_path: Path) -> None:
    path = bi5(tmp_path, "13h_ticks.bi5", ORACLE)
    assert "Put the file into such folders" in refused(
        path, granularity="M1", format="dukascopy-ticks"
    )
    assert "Put the file into such folders" in refused(path, granularity="M1")


def test_bi5_candles_are_open_close_low_high_and_filler_goes(tmp_path: Path) -> None:
    day = "EURUSD/2019/01/04"
    rows = bi5_candle(0, 110_000, 110_020, 109_990, 110_010)
    filler = bi5_candle(60, 110_010, 110_010, 110_010, 110_010, 0.0)
    bi5(tmp_path, f"{day}/BID_candles_min_1.bi5", rows + filler)
    asks = bi5_candle(0, 110_003, 110_025, 109_992, 110_012)
    alone = bi5_candle(120, 110_003, 110_025, 109_992, 110_012)
    bi5(tmp_path, f"{day}/ASK_candles_min_1.bi5", asks + alone)
    got = read(tmp_path / "EURUSD")
    assert (got.bars.granularity, got.bars.side_origin, len(got.bars)) == ("M1", "ba", 1)
    assert bid(got.bars.data[0]) == (1.1, 1.1002, 1.0999, 1.1001)
    assert ask(got.bars.data[0]) == (1.10003, 1.10025, 1.09992, 1.10012)
    assert got.report.dropped == {"filler": 1, "unpaired": 1}


@pytest.mark.parametrize(
    ("inner", "granularity", "first"),
    [
        ("EURUSD/2019/01/BID_candles_hour_1.bi5", "H1", "2019-02-01T01:00:00Z"),
        ("EURUSD/2019/BID_candles_day_1.bi5", "D", "2019-01-01T01:00:00Z"),
    ],
)
def test_hour_candles_lie_under_the_month_and_day_candles_under_the_year(
    tmp_path: Path, inner: str, granularity: str, first: str
) -> None:
    path = bi5(tmp_path, inner, bi5_candle(3600, 110_000, 110_020, 109_990, 110_010))
    got = read(path)
    assert (got.bars.granularity, got.bars.side_origin) == (granularity, "bid")
    assert format_time(int(got.bars.data["t"][0])) == first


def test_json_ticks_are_sums_of_deltas_in_points(tmp_path: Path) -> None:
    path = tmp_path / "EUR-USD.json"
    path.write_text(
        json.dumps(
            {
                "timestamp": 1_783_700_000_000, "multiplier": 1e-5, "ask": 1.14322, "bid": 1.1432,
                "times": [0, 51, 1000], "asks": [0, 1, -3], "bids": [0, 1, -2],
                "askVolumes": [1, 1, 1], "bidVolumes": [1, 1, 1],
            }
        )
    )  # fmt: skip
    got = read(path, granularity="S5")
    assert (bid(got.bars.data[0]), ask(got.bars.data[0])) == (
        (1.1432, 1.14321, 1.14319, 1.14319),
        (1.14322, 1.14323, 1.1432, 1.1432),
    )


def test_a_gap_in_json_candles_stays_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "EUR-USD_BID.json"
    path.write_text(
        json.dumps(
            {
                "timestamp": 1_783_699_980_000, "multiplier": 1e-5, "shift": 60_000,
                "open": 1.1432, "high": 1.1433, "low": 1.1431, "close": 1.14325,
                "times": [0, 1, 3], "opens": [0, 5, 1], "highs": [0, 2, 1], "lows": [0, 3, 1],
                "closes": [0, 1, 1], "volumes": [1.5, 2, 3],
            }
        )
    )  # fmt: skip
    got = read(path)
    assert (got.bars.granularity, got.bars.side_origin) == ("M1", "bid")
    assert [int(step) // 10**9 for step in got.bars.data["t"] - got.bars.data["t"][0]] == [
        0,
        60,
        240,
    ]
    assert bid(got.bars.data[2]) == (1.14326, 1.14333, 1.14314, 1.14327)


def test_packed_text_is_read_as_it_is(tmp_path: Path) -> None:
    line = b"20120702 000000;1.306600;1.306900;1.306500;1.306800;0\n"
    name = "DAT_ASCII_EURUSD_M1_201207.csv"
    with zipfile.ZipFile(tmp_path / "HISTDATA_EURUSD_2012.zip", "w") as archive:
        archive.writestr(name, line)
        archive.writestr("DAT_ASCII_EURUSD_M1_201207.txt", b"no gaps\n")
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(line))
    (tmp_path / name).write_bytes(line)
    hashes = {
        read(path).bars.content_hash
        for path in (
            tmp_path / "HISTDATA_EURUSD_2012.zip",
            tmp_path / f"{name}.gz",
            tmp_path / name,
        )
    }
    assert len(hashes) == 1


def test_windows_lines_a_byte_order_mark_and_a_header_change_nothing(tmp_path: Path) -> None:
    lines = ("20120702 000000;1.1;1.2;1.0;1.1;0", "20120702 000100;1.1;1.2;1.0;1.1;0")
    name = "DAT_ASCII_EURUSD_M1_201207.csv"
    plain = read(text(tmp_path / "a", name, *lines))
    head = "\ufeffdate;open;high;low;close;volume"
    windows = read(text(tmp_path / "b", name, head, *lines, "", "", end="\r\n"))
    assert windows.bars.content_hash == plain.bars.content_hash


def test_no_two_formats_fit_one_file(tmp_path: Path) -> None:
    assert len(FORMATS) == 14
    text_of_unknown = refused(text(tmp_path, "a.csv", "1,2,3"))
    assert "got a first line '1,2,3'; allowed: hotband-bars" in text_of_unknown
    assert "--mapping" in text_of_unknown
    assert "Did you mean 'truefx'?" in refused(text(tmp_path, "a.csv", "1,2"), format="truefxx")


def test_a_folder_with_ticks_and_candles_asks_which(tmp_path: Path) -> None:
    bi5(tmp_path, HOUR, ORACLE)
    bi5(tmp_path, "EURUSD/2019/01/BID_candles_hour_1.bi5", bi5_candle(0, 1, 1, 1, 1))
    assert "what fits dukascopy-ticks and dukascopy-candles" in refused(tmp_path / "EURUSD")
