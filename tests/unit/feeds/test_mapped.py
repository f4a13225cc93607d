"""A mapping file describes any table; what it contradicts or leaves open is refused."""

from pathlib import Path

import pytest
from tests.unit.feeds.vendor_files import read, text

from hotband.errors import BarsError
from hotband.market.calendar import format_time

GERMAN = """\
columns: {date: Datum, clock: Zeit, o: Auf, h: Hoch, l: Tief, c: Schluss}
delimiter: ";"
decimal_comma: true
skip_rows: 1
time_format: "%d.%m.%Y %H:%M"
zone: Europe/Berlin
side: bid
instrument: EUR_USD
granularity: M1
source: bank
"""
TICKS = """\
columns: {time: 1, ask: 3, bid: 2}
header: false
timestamp_unit: ms
instrument: EUR_USD
"""


def mapping(folder: Path, document: str) -> Path:
    return text(folder, "mapping.yaml", document)


def refused(folder: Path, document: str, *lines: str) -> str:
    path = text(folder, "x.csv", *(lines or ("1743465600000,1.1,1.2",)))
    with pytest.raises(BarsError) as caught:
        read(path, mapping=mapping(folder, document), granularity="M1")
    return str(caught.value)


def test_names_decimal_commas_and_a_zone_are_taken_from_the_mapping(tmp_path: Path) -> None:
    path = text(
        tmp_path,
        "kurse.csv",
        "Kurse der Bank",
        "Datum;Zeit;Schluss;Auf;Hoch;Tief;Notiz",
        "01.07.2025;14:30;1,1005;1,1;1,1012;1,0995;ok",
    )
    got = read(path, mapping=mapping(tmp_path, GERMAN))
    row = got.bars.data[0]
    assert format_time(int(row["t"])) == "2025-07-01T12:30:00Z"
    assert [float(row[f"bid_{letter}"]) for letter in "ohlc"] == [1.1, 1.1012, 1.0995, 1.1005]
    assert (got.bars.source, got.bars.side_origin) == ("bank", "bid")


def test_columns_by_number_and_epoch_milliseconds_make_ticks(tmp_path: Path) -> None:
    path = text(tmp_path, "x.csv", "1743465600250,1.1,1.1002", "1743465600750,1.1001,1.1003")
    got = read(path, mapping=mapping(tmp_path, TICKS), granularity="M1")
    row = got.bars.data[0]
    assert format_time(int(row["t"])) == "2025-04-01T00:00:00Z"
    assert (row["bid_h"], row["ask_o"], row["volume"]) == (1.1001, 1.1002, 2)


def test_times_with_an_offset_are_utc(tmp_path: Path) -> None:
    said = 'columns: {time: t, bid: b, ask: a}\ntime_format: "%Y-%m-%dT%H:%M:%S%z"\n'
    path = text(tmp_path, "EUR_USD.csv", "t,b,a", "2025-04-01T02:00:00+0200,1.1,1.2")
    got = read(path, mapping=mapping(tmp_path, said), granularity="M1")
    assert format_time(int(got.bars.data["t"][0])) == "2025-04-01T00:00:00Z"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("zon: UTC", "got zon; allowed: columns, delimiter"),
        ("zone: UTC", "got UTC; allowed: none: the times are UTC"),
        ('time_format: "%Y"', "exactly one of them"),
        ("skip_rows: -1", "skip_rows of mapping mapping.yaml: got -1"),
        ("decimal_comma: true", "got a comma, with decimal commas"),
    ],
)
def test_keys_that_are_unknown_or_contradict_are_refused(
    tmp_path: Path, change: str, expected: str
) -> None:
    assert expected in refused(tmp_path, TICKS + change)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("{time: 1, bid: 2}", "got no ask"),
        ("{time: 1, bid: 2, ask: 2}", "got a column twice"),
        ("{time: 1, bid: 2, ask: 9}", "column ask of x.csv: got 9; allowed: 1 to 3"),
        ("{time: 1, bid: 2, aks: 3}", "Did you mean 'ask'?"),
        ("{time: 1, bid: 2, ask: x}", "column ask of x.csv: got x"),
    ],
)
def test_columns_that_are_missing_or_unknown_are_refused(
    tmp_path: Path, columns: str, expected: str
) -> None:
    said = TICKS.replace("{time: 1, ask: 3, bid: 2}", columns)
    assert expected in refused(tmp_path, said)


def test_naive_times_without_a_zone_are_refused(tmp_path: Path) -> None:
    said = 'columns: {time: t, bid: b, ask: a}\ntime_format: "%Y-%m-%d"\ninstrument: EUR_USD\n'
    assert "Pass --zone" in refused(tmp_path, said, "t,b,a", "2025-04-01,1.1,1.2")


def test_a_mapping_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    assert "a readable YAML file" in refused(tmp_path, "columns: {")


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    assert "the key 'skip_rows' stands twice" in refused(
        tmp_path, TICKS + "skip_rows: 1\nskip_rows: 0\n"
    )
