"""A delimited file of no known format is refused with a mapping that fits its head."""

from pathlib import Path

import pytest

from hotband.errors import BarsError
from hotband.feeds.assembly import SpreadSource
from hotband.feeds.formats import detect
from hotband.feeds.opened import FileWords
from hotband.feeds.reading import read_file
from hotband.market.instruments import load_instruments

HEADS = {
    "tradingview": (
        "time,open,high,low,close,Volume\n"
        "1773046800,1.10010,1.10022,1.10008,1.10020,41\n"
        "1773046860,1.10020,1.10031,1.10019,1.10030,38\n"
    ),
    "yfinance": (
        "Datetime,Open,High,Low,Close,Adj Close,Volume\n"
        "2026-03-09 09:00:00+00:00,1.1001,1.10022,1.10008,1.1002,1.1002,0\n"
        "2026-03-09 09:01:00+00:00,1.1002,1.10031,1.10019,1.1003,1.1003,0\n"
    ),
    "pandas": (
        ",open,high,low,close\n"
        "2026-03-09 09:00:00+00:00,1.1001,1.10022,1.10008,1.1002\n"
        "2026-03-09 09:01:00+00:00,1.1002,1.10031,1.10019,1.1003\n"
    ),
    "german": (
        "Datum;Uhrzeit;Eröffnung;Hoch;Tief;Schluss;Volumen\n"
        "09.03.2026;10:00;1,10010;1,10022;1,10008;1,10020;4\n"
        "09.03.2026;10:01;1,10020;1,10031;1,10019;1,10030;5\n"
    ),
    "two sides": (
        "Date,BidOpen,BidHigh,BidLow,BidClose,AskOpen,AskHigh,AskLow,AskClose,Ticks\n"
        "2026-03-09 09:00:00,1.10010,1.10022,1.10008,1.10020,1.10018,1.10030,1.10016,1.10028,4\n"
        "2026-03-09 09:01:00,1.10020,1.10031,1.10019,1.10030,1.10028,1.10039,1.10027,1.10038,4\n"
    ),
    "jforex": (
        "Gmt time,Open,High,Low,Close,Volume\n"
        "09.03.2026 09:00:00.000,1.10010,1.10022,1.10008,1.10020,41.5\n"
        "09.03.2026 09:01:00.000,1.10020,1.10031,1.10019,1.10030,38.5\n"
    ),
    "no header": (
        "2026-03-09 09:00,1.10010,1.10022,1.10008,1.10020,41\n"
        "2026-03-09 09:01,1.10020,1.10031,1.10019,1.10030,38\n"
    ),
    "ticks": (
        "Timestamp,Bid,Ask,BidVolume,AskVolume\n"
        "2026-03-09 09:00:00.013,1.10010,1.10018,1.5,0.75\n"
        "2026-03-09 09:01:07.400,1.10020,1.10028,1.5,0.75\n"
    ),
}


def refusal(path: Path) -> BarsError:
    with pytest.raises(BarsError, match="--mapping") as caught:
        detect(path)
    return caught.value


def draft_in(error: BarsError) -> str:
    (note,) = error.__notes__
    return note.split(":\n", 1)[1] + "\n"


@pytest.mark.parametrize("kind", HEADS)
def test_the_mapping_in_the_refusal_imports_the_file(kind: str, tmp_path: Path) -> None:
    path, mapping = tmp_path / "EURUSD.csv", tmp_path / "mapping.yaml"
    path.write_text(HEADS[kind], "utf-8")
    mapping.write_text(draft_in(refusal(path)), "utf-8")
    zone = "Europe/Berlin" if kind == "german" else "UTC"
    two = kind in {"two sides", "ticks"}
    words = FileWords(granularity="M1", side=None if two else "mid", zone=zone, mapping=mapping)
    bars = read_file(path, words, SpreadSource(load_instruments())).bars
    assert [t // 10**9 for t in bars.data["t"].tolist()] == [1773046800, 1773046860]
    if two:
        assert bars.data["bid_o"].tolist() == [1.1001, 1.1002]
        assert bars.data["ask_c"][0] > bars.data["bid_c"][0]
    else:
        mid = (bars.data["bid_o"] + bars.data["ask_o"]) / 2
        assert mid.round(5).tolist() == [1.1001, 1.1002]


@pytest.mark.parametrize(
    "text",
    [
        "name,age\nbob,3\n",
        "time,price\n2026-03-09 09:00,1.1\n",
        "Datetime,Open,High,Low,Close\n03/04/2026 09:00,1.1,1.1,1.1,1.1\n",
        "Datetime,Open,High,Low,Close\n",
        "2026-03-09 09:00,1,2\n",
    ],
)
def test_what_cannot_be_told_is_refused_without_a_mapping(text: str, tmp_path: Path) -> None:
    path = tmp_path / "EURUSD.csv"
    path.write_text(text)
    assert not hasattr(refusal(path), "__notes__")


def test_a_day_above_twelve_tells_which_part_of_a_date_is_the_day(tmp_path: Path) -> None:
    path = tmp_path / "EURUSD.csv"
    path.write_text("Datetime,Open,High,Low,Close\n03/14/2026 09:00,1.1,1.1,1.1,1.1\n")
    assert 'time_format: "%m/%d/%Y %H:%M"' in draft_in(refusal(path))


def test_a_header_in_another_encoding_is_named_by_number(tmp_path: Path) -> None:
    path = tmp_path / "EURUSD.csv"
    path.write_bytes(HEADS["german"].encode("cp1252"))
    assert "clock: Uhrzeit, o: 3, h: Hoch" in draft_in(refusal(path))


def test_two_lines_of_names_are_left_out_and_the_columns_numbered(tmp_path: Path) -> None:
    path = tmp_path / "EURUSD.csv"
    path.write_text(
        "Price,Close,High,Low,Open\nTicker,EURUSD=X,EURUSD=X,EURUSD=X,EURUSD=X\nDatetime,,,,\n"
        "2026-03-09 09:00:00+00:00,1.1002,1.10022,1.10008,1.1001\n"
    )
    draft = draft_in(refusal(path))
    assert "columns: {time: 1, o: 5, h: 3, l: 4, c: 2}" in draft
    assert "skip_rows: 3\nheader: false" in draft
