"""What a careful user gets wrong all the same: units, names, archives and digits are noticed."""

import gzip
import zipfile
from pathlib import Path

import polars as pl
import pytest
from tests.unit.feeds.vendor_files import read, text

from hotband.errors import BarsError
from hotband.market.calendar import format_time, parse_time

MINUTES = tuple(f"2025-04-01T00:{minute:02}:00Z" for minute in range(5))
OWN = ("time,o,h,l,c", *(f"{at},1.1,1.101,1.099,1.1" for at in MINUTES))
HISTDATA = [f"20250401 0000{s:02}000,1.10000,1.10010,0" for s in range(3)]
MT5 = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"


def mapping(folder: Path, times: str) -> Path:
    return text(folder, "mapping.yaml", "columns: {time: t, bid: b, ask: a}", times)


def epoch_ticks(folder: Path, scale: int) -> Path:
    start = parse_time("2025-01-02T00:00:00Z") // 1_000_000_000
    rows = (f"{(start + n) * scale},1.1,1.2" for n in range(3))
    return text(folder, "EURUSD.csv", "t,b,a", *rows)


@pytest.mark.parametrize(
    ("scale", "said", "right"),
    [(1000, "s", "ms"), (1, "ms", "s"), (10**9, "ms", "ns"), (10**6, "s", "us"), (1, "ns", "s")],
)
def test_a_timestamp_in_another_unit_is_refused_with_the_unit_that_fits(
    tmp_path: Path, scale: int, said: str, right: str
) -> None:
    told = mapping(tmp_path, f"timestamp_unit: {said}")
    with pytest.raises(BarsError, match=rf"line 2 of EURUSD.csv.*Say timestamp_unit: {right} in"):
        read(epoch_ticks(tmp_path, scale), granularity="M1", mapping=told)
    told = mapping(tmp_path, f"timestamp_unit: {right}")
    bars = read(epoch_ticks(tmp_path, scale), granularity="M1", mapping=told).bars
    assert format_time(int(bars.data["t"][0])) == "2025-01-02T00:00:00Z"


def test_a_fraction_where_a_whole_number_must_be_is_named_by_its_line(tmp_path: Path) -> None:
    path = text(tmp_path, "EURUSD.csv", "t,b,a", "1735776000,1.1,1.2", "1735776001.5,1.1,1.2")
    with pytest.raises(BarsError, match=r"line 3 of EURUSD.csv: got '1735776001\.5,"):
        read(path, granularity="M1", mapping=mapping(tmp_path, "timestamp_unit: s"))


@pytest.mark.parametrize("offset", ["Z", "+00:00", "+0000"])
def test_z_is_the_offset_that_it_stands_for(tmp_path: Path, offset: str) -> None:
    path = text(tmp_path, "EURUSD.csv", "t,b,a", f"2025-01-02T00:00:00{offset},1.1,1.2")
    told = mapping(tmp_path, 'time_format: "%Y-%m-%dT%H:%M:%S%z"')
    bars = read(path, granularity="M1", mapping=told).bars
    assert bars.data["t"][0] == parse_time("2025-01-02T00:00:00Z")


def test_all_that_a_file_leaves_unsaid_is_asked_for_at_once(tmp_path: Path) -> None:
    path = text(tmp_path, "prices.csv", "2025.04.01,00:00,1.1,1.2,1.0,1.1,0")
    with pytest.raises(BarsError, match=r"zone of prices\.csv") as caught:
        read(path)
    others = "\n".join(caught.value.__notes__)
    assert all(f"{word} of prices.csv" in others for word in ("instrument", "granularity"))
    told = {"zone": "UTC", "instrument": "EUR_USD", "granularity": "M1"}
    assert len(read(path, **told).bars) == 1


def test_times_of_1970_are_refused(tmp_path: Path) -> None:
    path = text(tmp_path, "EURUSD_M1.csv", "1970.01.01,00:00,1.1,1.2,1.0,1.1,0")
    with pytest.raises(BarsError, match=r"got 1970-01-01T00:00:00Z .*allowed: 1971 to 2099"):
        read(path, zone="UTC")


@pytest.mark.parametrize(
    ("name", "price"), [("EURUSD", "110.30"), ("USDJPY", "1.1030"), ("EURUSD", "1e300")]
)
def test_prices_that_cannot_be_the_pairs_are_refused(tmp_path: Path, name: str, price: str) -> None:
    row = f"20250401 000000;{price};{price};{price};{price};0"
    path = text(tmp_path, f"DAT_ASCII_{name}_M1_202504.csv", row)
    with pytest.raises(BarsError, match=r"prices of DAT.*such in 1 of 1 bars"):
        read(path)


@pytest.mark.parametrize("name", ["DAT_ASCII_EURUSD_T_202504.csv", "EURUSD-2025-04.csv"])
def test_an_instrument_that_the_name_contradicts_is_refused(tmp_path: Path, name: str) -> None:
    path = text(tmp_path, name, *HISTDATA)
    with pytest.raises(BarsError, match="got GBP_USD; allowed: EUR_USD, which the name says"):
        read(path, granularity="M1", instrument="GBP_USD")


def test_an_instrument_that_the_name_of_our_own_file_contradicts_is_refused(
    tmp_path: Path,
) -> None:
    path = text(tmp_path, "EUR_USD.M1.x.csv", *OWN)
    with pytest.raises(BarsError, match="got GBP_USD; allowed: EUR_USD"):
        read(path, side="bid", instrument="GBP_USD")


def test_a_pair_that_the_table_lacks_is_named(tmp_path: Path) -> None:
    path = text(tmp_path, "DAT_ASCII_XAUUSD_T_202504.csv", *HISTDATA)
    with pytest.raises(BarsError, match="XAU_USD, which the table of instruments lacks"):
        read(path, granularity="M1")


@pytest.mark.parametrize(
    "outer", ["HISTDATA_COM_MT_EURUSD_M1_202504.zip", "download.zip", "DAT_MT_EURUSD_M1.csv.gz"]
)
def test_an_archive_is_told_by_the_name_of_its_member(tmp_path: Path, outer: str) -> None:
    row = b"2025.04.01,00:00,1.1,1.2,1.0,1.1,0\n"
    path = tmp_path / outer
    if outer.endswith(".gz"):
        path.write_bytes(gzip.compress(row))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("DAT_MT_EURUSD_M1_202504.csv", row)
            archive.writestr("DAT_MT_EURUSD_M1_202504.txt", "Gap Status Report\n")
    got = read(path)
    assert (got.report.format, got.report.instrument) == ("histdata-mt", "EUR_USD")
    assert got.report.first == "2025-04-01T05:00:00Z"


@pytest.mark.parametrize("name", ["x.csv.gz", "x.zip", "x.txt", "x.CSV"])
def test_our_own_columns_are_read_packed_and_under_other_endings(tmp_path: Path, name: str) -> None:
    plain = text(tmp_path, "EUR_USD.M1.plain.csv", *OWN)
    path = tmp_path / f"EUR_USD.M1.{name}"
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(plain, "bars.csv")
    else:
        raw = plain.read_bytes()
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    assert read(path, side="bid").bars.data.tobytes() == read(plain, side="bid").bars.data.tobytes()


def test_our_own_file_without_a_last_line_end_is_noted(tmp_path: Path) -> None:
    path = text(tmp_path, "EUR_USD.M1.x.csv", *OWN)
    path.write_bytes(path.read_bytes()[:-1])
    assert "was the file cut off?" in " ".join(read(path, side="bid").report.notes)


def test_our_own_file_with_a_header_only_has_no_rows(tmp_path: Path) -> None:
    path = text(tmp_path, "EUR_USD.M1.x.csv", OWN[0])
    with pytest.raises(BarsError, match="got no rows"):
        read(path, side="bid")


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_file_is_not_a_matter_of_its_format(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "EURUSD.csv"
    path.write_bytes(content)
    with pytest.raises(BarsError, match=r"got an empty file; allowed: rows\. Download or export"):
        read(path)


def test_a_folder_without_bi5_files_asks_for_the_files(tmp_path: Path) -> None:
    with pytest.raises(BarsError, match=r"Name the files themselves\."):
        read(tmp_path)


def test_a_bi5_file_outside_its_folders_is_told_where_to_go(tmp_path: Path) -> None:
    path = tmp_path / "13h_ticks.bi5"
    path.write_bytes(b"x")
    with pytest.raises(BarsError, match="Put the file into such folders"):
        read(path, granularity="M1")


@pytest.mark.parametrize(
    ("pair", "price", "spread"),
    [("EURUSD", "1.10000", 10e-5), ("USDJPY", "102.100", 10e-3), ("EURUSD", "1.1000", 10e-4)],
)
def test_a_point_of_metatrader_is_the_last_decimal_as_written(
    tmp_path: Path, pair: str, price: str, spread: float
) -> None:
    row = f"2025.04.01\t00:00:00\t{price}\t{price}\t{price}\t{price}\t5\t0\t10"
    bars = read(text(tmp_path, f"{pair}_M1.csv", MT5, row), zone="NY+7").bars
    assert bars.data["ask_o"][0] - bars.data["bid_o"][0] == pytest.approx(spread)


def test_a_time_that_does_not_exist_is_counted_from_the_start_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hotband.feeds.blocks.line_blocks.__defaults__", (64,))
    rows = [f"2025-03-30T01:59:{s:02},1.1,1.2" for s in range(20)]
    path = text(tmp_path, "EURUSD.csv", "t,b,a", *rows, "2025-03-30T02:30:00,1.1,1.2")
    told = mapping(tmp_path, 'time_format: "%Y-%m-%dT%H:%M:%S"')
    with pytest.raises(BarsError, match="2025-03-30T02:30:00 in row 20, which Europe/Berlin has"):
        read(path, granularity="M1", mapping=told, zone="Europe/Berlin")


def own_ticks(rows: int) -> list[str]:
    start = parse_time("2025-04-01T00:00:00Z")
    at = (format_time(start + n * 10**9) for n in range(rows))
    return ["time,bid,ask", *(f"{time},1.1,1.1001" for time in at)]


def test_our_own_ticks_are_read_packed_or_not_and_whatever_the_suffix_is_spelt(
    tmp_path: Path,
) -> None:
    plain = text(tmp_path, "EUR_USD.csv", *own_ticks(300))
    with gzip.open(tmp_path / "EUR_USD.csv.gz", "wb") as packed:
        packed.write(plain.read_bytes())
    with zipfile.ZipFile(tmp_path / "EUR_USD.zip", "w") as archive:
        archive.write(plain, "EUR_USD.csv")
    frame = pl.read_csv(plain).with_columns(pl.col("time").str.to_datetime(time_zone="UTC"))
    frame.write_parquet(tmp_path / "EUR_USD.PARQUET")
    wanted = read(plain, granularity="M1").bars.data
    for name in ("EUR_USD.csv.gz", "EUR_USD.zip", "EUR_USD.PARQUET"):
        found = read(tmp_path / name, granularity="M1")
        assert found.report.format == "hotband-ticks"
        assert found.bars.data.tobytes() == wanted.tobytes()


def test_a_bad_time_far_into_a_file_of_ticks_is_named_by_its_row_in_the_file(
    tmp_path: Path,
) -> None:
    lines = own_ticks(400_000)
    lines[390_001] = "soon,1.1,1.1001"
    with pytest.raises(BarsError, match="got 'soon' in row 390000 "):
        read(text(tmp_path, "EUR_USD.csv", *lines), granularity="M1")


def test_a_bi5_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "EURUSD" / "2019" / "00" / "04" / "13h_ticks.bi5"
    path.parent.mkdir(parents=True)
    path.symlink_to("/proc/self/mem")  # a file whose first byte nobody can read
    with pytest.raises(BarsError, match=r"file 13h_ticks\.bi5: got .*Input/output error"):
        read(path, granularity="M1")
