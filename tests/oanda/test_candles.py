"""Candles of a reply or a saved file become the bars that they stand for, or are refused."""

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotband.errors import BarsError
from hotband.feeds.oanda_candles import parse_candles, read_candle_file
from hotband.feeds.oanda_json import number, time_ns
from hotband.market.calendar import format_time, parse_time
from hotband.market.instruments import load_instruments
from hotband.market.spreads import SpreadProfile
from tests.oanda.market import Market


def block(o: str, h: str, low: str, c: str) -> dict[str, str]:
    return {"o": o, "h": h, "l": low, "c": c}


def reply() -> dict[str, Any]:
    """The reply of the documents: 14:32 has no candle, 14:34 is not complete."""
    rows = [
        {
            "complete": True, "volume": 41, "time": "2026-03-02T14:31:00.000000000Z",
            "bid": block("1.08470", "1.08495", "1.08466", "1.08488"),
            "mid": block("1.08479", "1.08504", "1.08475", "1.08497"),
            "ask": block("1.08488", "1.08513", "1.08484", "1.08506"),
        },
        {
            "complete": True, "volume": 7, "time": "2026-03-02T14:33:00.000000000Z",
            "bid": block("1.08489", "1.08492", "1.08485", "1.08490"),
            "mid": block("1.08498", "1.08501", "1.08494", "1.08500"),
            "ask": block("1.08507", "1.08510", "1.08503", "1.08510"),
        },
        {
            "complete": False, "volume": 2, "time": "2026-03-02T14:34:00.000000000Z",
            "bid": block(*["1.08490"] * 4),
            "mid": block(*["1.08500"] * 4),
            "ask": block(*["1.08510"] * 4),
        },
    ]  # fmt: skip
    return {"instrument": "EUR_USD", "granularity": "M1", "candles": rows}


def only(side: str) -> dict[str, Any]:
    document = reply()
    for row in document["candles"]:
        for other in {"bid", "mid", "ask"} - {side}:
            del row[other]
    return document


def test_complete_candles_become_bars_and_no_minute_is_made_up() -> None:
    found = parse_candles(reply())
    bars, crossed = found.bars()
    assert [format_time(t) for t in bars.data["t"]] == [
        "2026-03-02T14:31:00Z",
        "2026-03-02T14:33:00Z",
    ]
    assert (found.incomplete, crossed, bars.source, bars.side_origin) == (1, 0, "oanda", "ba")
    first = bars.data[0]
    assert (first["bid_o"], first["bid_h"], first["bid_l"], first["bid_c"]) == (
        1.0847, 1.08495, 1.08466, 1.08488,
    )  # fmt: skip
    assert (first["ask_o"], first["ask_c"], first["volume"]) == (1.08488, 1.08506, 41.0)
    assert found.last_seen_ns == parse_time("2026-03-02T14:34:00Z")


@given(st.decimals(min_value=0, max_value=10**6, places=5))
def test_a_number_as_text_is_the_float_nearest_to_its_decimals(value: Decimal) -> None:
    assert number(f"{value}", "price") == float(value)


@pytest.mark.parametrize("bad", ["nan", "inf", "1_0", "", "1,5", " 1", "0x1", None, True, [], "٣"])
def test_what_is_no_number_is_refused_and_never_zero(bad: object) -> None:
    with pytest.raises(BarsError, match=r"price: got .*allowed: a number"):
        number(bad, "price")


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2026-03-02T14:34:04.771202031Z", 1_772_462_044_771_202_031),
        ("1772462044.771202031", 1_772_462_044_771_202_031),
        ("1772462044", 1_772_462_044_000_000_000),
    ],
)
def test_both_forms_of_time_keep_their_nanoseconds(text: str, ns: int) -> None:
    assert time_ns(text, "time") == ns


@pytest.mark.parametrize("bad", ["2026-03-02T14:34:04", "yesterday", 1772462044, None, "17"])
def test_a_time_without_a_zone_or_of_another_form_is_refused(bad: object) -> None:
    with pytest.raises(BarsError, match="time: got"):
        time_ns(bad, "time")


def test_equal_candles_of_one_time_count_once() -> None:
    document = reply()
    document["candles"].insert(0, copy.deepcopy(document["candles"][0]))
    found = parse_candles(document)
    assert (len(found.t_ns), found.repeated) == (2, 1)


def test_two_candles_of_one_time_that_differ_are_refused() -> None:
    document = reply()
    document["candles"].insert(0, copy.deepcopy(document["candles"][0]))
    document["candles"][0]["bid"]["o"] = "1.08467"
    with pytest.raises(BarsError, match="two different candles at 2026-03-02T14:31:00Z"):
        parse_candles(document)


def test_a_candle_whose_ask_is_below_its_bid_is_left_out_and_counted() -> None:
    document = reply()
    document["candles"][1]["ask"] = block("1.08400", "1.08510", "1.08390", "1.08410")
    bars, crossed = parse_candles(document).bars()
    assert (len(bars), crossed) == (1, 1)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ((), None, "allowed: a JSON object"),
        (("candles",), None, "candles of reply of EUR_USD M1: got none"),
        (("instrument",), "", "instrument of reply"),
        (("granularity",), "W", "granularity: got W; allowed: S5"),
        (("granularity",), "M3", "Did you mean"),
        (("candles", 0, "complete"), "true", "complete of"),
        (("candles", 0, "time"), None, "time of reply of EUR_USD M1: got none"),
        (("candles", 0, "bid", "h"), "abc", "bid h of reply of EUR_USD M1 at 2026-03-02T14:31"),
        (("candles", 0, "bid"), {"o": "1"}, "bid h of"),
        (("candles", 0), "row", "candle of"),
        (("candles", 1, "time"), "2026-03-02T14:30:00Z", "increasing order"),
    ],
)
def test_a_reply_of_another_shape_is_refused_by_name(
    path: tuple[Any, ...], value: object, message: str
) -> None:
    document: Any = reply()
    if not path:
        document = value
    else:
        place = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
    with pytest.raises(BarsError, match=message):
        parse_candles(document, "reply")


def test_mid_candles_get_the_spread_of_the_profile_and_say_so() -> None:
    pair = load_instruments()["EUR_USD"]
    bars, _ = parse_candles(only("mid")).bars(pair, SpreadProfile.from_table(pair))
    assert bars.side_origin == "mid"
    spread = bars.data["ask_o"] - bars.data["bid_o"]
    assert spread == pytest.approx([0.6e-4] * 2, abs=1.1e-5)


def test_one_sided_candles_without_a_spread_are_refused() -> None:
    with pytest.raises(BarsError, match=r"the mid only.*bid and ask, or a spread profile"):
        parse_candles(only("mid")).bars()


def test_no_candles_are_no_error() -> None:
    bars, _ = parse_candles({**reply(), "candles": []}).bars()
    assert len(bars) == 0


# Files -----------------------------------------------------------------------------------------


def pages() -> list[dict[str, Any]]:
    """Three replies that overlap by one candle each."""
    market = Market()
    t = market.opens("M1", parse_time("2026-03-02T10:00:00Z"), parse_time("2026-03-02T13:00:00Z"))
    parts = (t[:60], t[59:120], t[119:])
    return [market.reply("EUR_USD", "M1", part, ("bid", "ask")) for part in parts]


@pytest.mark.parametrize("form", ["list", "lines", "shuffled"])
def test_a_file_of_several_replies_is_the_same_in_every_form(tmp_path: Path, form: str) -> None:
    documents = pages()
    file = tmp_path / "saved.json"
    if form == "lines":
        file.write_text("\n".join(json.dumps(one) for one in documents) + "\n")
    else:
        order = documents[::-1] if form == "shuffled" else documents
        file.write_text(json.dumps(order, indent=1))
    bars, report = read_candle_file(file)
    expected = Market().opens(
        "M1", parse_time("2026-03-02T10:00:00Z"), parse_time("2026-03-02T13:00:00Z")
    )
    assert np.array_equal(bars.data["t"], expected)
    assert report.rows_kept == len(expected) == report.rows_read - 2
    assert (report.instrument, report.granularity, report.side_origin) == ("EUR_USD", "M1", "ba")


def test_a_file_of_one_reply_reports_what_was_left_out(tmp_path: Path) -> None:
    file = tmp_path / "eur.json"
    file.write_text(json.dumps(reply()))
    bars, report = read_candle_file(file)
    assert len(bars) == report.rows_kept == 2
    assert report.rows_read == 3
    assert report.notes == ("left out 1 candles that were not complete when saved",)
    assert report.gaps == 1


def test_a_file_of_mids_says_where_the_spread_is_from(tmp_path: Path) -> None:
    file = tmp_path / "eur.json"
    file.write_text(json.dumps(only("mid")))
    bars, report = read_candle_file(file)
    assert bars.side_origin == report.side_origin == "mid"
    assert "the file has the mid only; spreads come from table" in report.notes


def test_a_file_of_two_instruments_is_refused(tmp_path: Path) -> None:
    other = {**reply(), "instrument": "GBP_USD"}
    file = tmp_path / "both.json"
    file.write_text(json.dumps([reply(), other]))
    with pytest.raises(BarsError, match="EUR_USD M1 ba and GBP_USD M1 ba"):
        read_candle_file(file)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"candles": 3}'])
def test_a_file_that_is_no_reply_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(content)
    with pytest.raises(BarsError, match=r"bad.json"):
        read_candle_file(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BarsError, match=r"file none.json: got .*No such file"):
        read_candle_file(tmp_path / "none.json")
