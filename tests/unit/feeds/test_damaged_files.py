"""Damaged and mislabelled files end in an error that names the place, or in the report."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.feeds.vendor_files import bi5, bi5_tick, read, text

from hotband.errors import HotbandError
from hotband.feeds import blocks
from hotband.feeds.blocks import line_blocks

NAME = "DAT_ASCII_EURUSD_T_201202.csv"
ROWS = [
    f"20120201 0000{second:02}660,1.3066{second % 10},1.3068{second % 10},0" for second in range(40)
]
RAW = ("\n".join(ROWS) + "\n").encode()
BI5 = "EURUSD/2019/01/04/13h_ticks.bi5"
PACKED = b"".join(bi5_tick(ms, 111_815 + ms % 7, 111_812 + ms % 7) for ms in range(0, 4000, 50))
HERE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None
)


def refused(path: Path, **words: object) -> str:
    with pytest.raises(HotbandError) as caught:
        read(path, granularity="S5", **words)
    return str(caught.value)


def outcome(path: Path) -> tuple[bytes, int, str] | None:
    """The bars, the rows and the notes of an import; None = a clear error."""
    try:
        got = read(path, granularity="S5", on_crossed="drop")
    except HotbandError:
        return None
    return got.bars.data.tobytes(), got.report.rows_read, " ".join(got.report.notes)


@HERE
@given(st.integers(0, len(RAW) - 1))
def test_text_cut_anywhere_is_refused_or_noted_or_whole_lines(tmp_path: Path, at: int) -> None:
    path = tmp_path / NAME
    path.write_bytes(RAW[:at])
    found = outcome(path)
    if found is not None:
        whole_lines = RAW[:at].endswith(b"\n")
        assert whole_lines or "was the file cut off?" in found[2]
        assert found[1] == RAW[:at].count(b"\n") + (not whole_lines)


@HERE
@given(st.integers(0, 8 * len(RAW) - 1))
def test_a_flipped_bit_in_text_changes_at_most_the_bars_of_its_line(
    tmp_path: Path, bit: int
) -> None:
    damaged = bytearray(RAW)
    damaged[bit // 8] ^= 1 << bit % 8
    path = tmp_path / NAME
    path.write_bytes(RAW)
    whole = read(path, granularity="S5").bars.data
    path.write_bytes(bytes(damaged))
    try:
        got = read(path, granularity="S5", on_crossed="drop")
    except HotbandError:
        return
    line = RAW[: bit // 8].count(b"\n")
    kept = np.isin(got.bars.data, whole)
    assert got.report.rows_read == len(ROWS)
    assert (~kept).sum() <= 2, f"line {line} reaches the bars before and after it at most"


@HERE
@given(st.data())
def test_bi5_that_is_cut_or_flipped_is_refused_or_other_prices(
    tmp_path: Path, data: st.DataObject
) -> None:
    path = bi5(tmp_path, BI5, PACKED)
    raw = path.read_bytes()
    at = data.draw(st.integers(1, len(raw) - 1))
    path.write_bytes(raw[:at])
    assert outcome(path) is None
    damaged = bytearray(raw)
    damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(bytes(damaged))
    found = outcome(path)
    assert found is None or found[1] <= len(PACKED) // 20


def test_bi5_records_that_are_not_whole_are_refused(tmp_path: Path) -> None:
    assert "got 79 bytes" in refused(bi5(tmp_path, BI5, PACKED[:79]))


def test_bi5_times_outside_their_hour_are_refused(tmp_path: Path) -> None:
    raw = bi5_tick(5, 111_815, 111_812) + bi5_tick(3_600_000, 111_815, 111_812)
    assert "offsets up to 3600000" in refused(bi5(tmp_path, BI5, raw))
    back = bi5_tick(5, 111_815, 111_812) + bi5_tick(4, 111_815, 111_812)
    assert "1 of them out of order" in refused(bi5(tmp_path, BI5, back))


def test_a_workbook_named_csv_is_called_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "EURUSD.csv"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
    assert "got an Excel workbook or a zip archive in place of text" in refused(path)


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><html>503</html>", b"\n<html>429</html>"])
def test_a_web_page_in_place_of_data_is_named(tmp_path: Path, page: bytes) -> None:
    path = tmp_path / NAME
    path.write_bytes(page)
    assert "got a web page in place of data" in refused(path)
    packed = bi5(tmp_path, BI5, b"")
    packed.write_bytes(page)
    assert "got a web page in place of data" in refused(packed)


def test_swapped_sides_are_crossed_quotes(tmp_path: Path) -> None:
    swapped = [f"{a},{c},{b},{d}" for a, b, c, d in (row.split(",") for row in ROWS)]
    assert "ask below bid in 40 of 40 rows" in refused(text(tmp_path, NAME, *swapped))


def test_a_side_that_the_format_does_not_have_is_refused(tmp_path: Path) -> None:
    path = text(tmp_path, "DAT_ASCII_EURUSD_M1_201202.csv", "20120201 000000;1.1;1.2;1.0;1.1;0")
    with pytest.raises(HotbandError, match="got ask; allowed: bid"):
        read(path, side="ask")


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("20120201 000003660,1.3066,1.3067", 2),
        ("20120201 000003660,1.3066,x,0", 2),
        ("20120231 000003660,1.3066,1.3067,0", 2),
        ("20120201 000003660,1.3066,1.3067,0,7", 2),
        ("", 2),
    ],
)
def test_a_line_unlike_the_others_is_named_by_its_number(
    tmp_path: Path, line: str, number: int
) -> None:
    path = text(tmp_path, NAME, ROWS[0], line, ROWS[1])
    assert f"line {number} of {NAME}: got {line[:100]!r}" in refused(path)


def test_zero_bytes_and_utf_16_are_refused(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(RAW + b"\0" * 100)
    assert "a zero byte in line 41" in refused(path)
    path.write_bytes(RAW.decode().encode("utf-16"))
    assert "text in UTF-16" in refused(path)


def test_a_broken_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / f"{NAME}.gz"
    path.write_bytes(gzip.compress(RAW)[:-9])
    assert "allowed: a whole, readable file" in refused(path)
    archive = tmp_path / "EURUSD.zip"
    archive.write_bytes(RAW)
    assert "file EURUSD.zip" in refused(archive)


def test_an_empty_file_is_refused_as_such(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(b"")
    assert "got an empty file" in refused(path)


def test_bars_of_another_length_than_said_are_refused(tmp_path: Path) -> None:
    lines = [f"2012.02.01,{n // 12:02}:{n % 12 * 5:02},1.1,1.2,1.0,1.1,0" for n in range(60)]
    path = text(tmp_path, "EURUSD.csv", *lines)
    with pytest.raises(HotbandError, match="got M1 for bars at least 300 s apart"):
        read(path, granularity="M1", zone="NY+7")


@pytest.mark.parametrize("size", [1, 7, 40, 41, 1000])
def test_blocks_of_any_size_hold_the_same_lines(tmp_path: Path, size: int) -> None:
    path = tmp_path / NAME
    path.write_bytes(b"\xef\xbb\xbf" + RAW.replace(b"\n", b"\r\n") + b"\r\n\r\n")
    found = list(line_blocks(path, size))
    assert b"".join(block.text.rstrip(b"\n") + b"\n" for block in found) == RAW
    assert found[0].first_line == 1
    assert blocks.ends_in_line(path)
