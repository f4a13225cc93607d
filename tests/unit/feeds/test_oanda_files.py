"""Saved candle replies of OANDA are a format like the others: told, read, and contradicted."""

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.feeds.vendor_files import TABLE, read

from hotband.errors import BarsError
from hotband.feeds.formats import detect
from hotband.market.calendar import DEFAULT_HOURS
from hotband.research.importing import FileWords, check_file


def candle(minute: int, bid: str, ask: str, *, complete: bool = True) -> dict[str, Any]:
    sides = {side: dict.fromkeys("ohlc", price) for side, price in (("bid", bid), ("ask", ask))}
    time = f"2026-03-02T14:{minute:02}:00.000000000Z"
    return {"complete": complete, "volume": 41, "time": time, **sides}


def reply(*candles: dict[str, Any]) -> dict[str, Any]:
    rows = candles or (candle(31, "1.0847", "1.0849"), candle(33, "1.0848", "1.0850"))
    return {"instrument": "EUR_USD", "granularity": "M1", "candles": list(rows)}


def saved(folder: Path, document: object) -> Path:
    path = folder / "candles.json"
    path.write_text(json.dumps(document), "utf-8")
    return path


@pytest.mark.parametrize("form", ["one", "list", "lines", "indented", "sorted", "bom", "gz"])
def test_a_reply_is_known_by_its_keys_however_it_was_saved(tmp_path: Path, form: str) -> None:
    whole = reply(candle(31, "1.0847", "1.0849"), candle(33, "1.0848", "1.0850"))
    later = reply(candle(34, "1.0848", "1.0850"), candle(35, "1", "2", complete=False))
    texts = {
        "one": json.dumps(whole),
        "list": json.dumps([whole, later]),
        "lines": f"{json.dumps(whole)}\n{json.dumps(later)}\n",
        "indented": json.dumps([whole, later], indent=2),
        "sorted": json.dumps(whole, sort_keys=True),
        "bom": f"\ufeff{json.dumps(whole)}",
        "gz": json.dumps(whole),
    }
    path = tmp_path / ("candles.json.gz" if form == "gz" else "candles.json")
    raw = texts[form].encode()
    path.write_bytes(gzip.compress(raw) if form == "gz" else raw)
    got = read(path)
    assert detect(path).name == got.report.format == "oanda-candles"
    assert len(got.bars) == (3 if form in {"list", "lines", "indented"} else 2)
    assert (got.report.first, got.evidence.zone) == ("2026-03-02T14:31:00Z", "UTC")
    assert got.bars.source == "oanda"


@pytest.mark.parametrize(
    ("option", "value", "held"),
    [
        ("instrument", "GBP_USD", "EUR_USD"),
        ("granularity", "H1", "M1"),
        ("side", "mid", "ba"),
        ("zone", "NY+7", "UTC"),
    ],
)
def test_a_word_that_the_replies_contradict_is_refused(
    tmp_path: Path, option: str, value: str, held: str
) -> None:
    path = saved(tmp_path, reply())
    expected = rf"{option} of candles.json: got {value.replace('+', '.')}; allowed: {held}, as its"
    with pytest.raises(BarsError, match=expected):
        read(path, **{option: value})
    assert len(read(path, instrument="EUR_USD", granularity="M1", zone="UTC").bars) == 2


def test_crossed_candles_are_refused_or_counted(tmp_path: Path) -> None:
    path = saved(tmp_path, reply(candle(31, "1.0849", "1.0847"), candle(32, "1.0847", "1.0849")))
    with pytest.raises(BarsError, match="ask below bid in 1 of 2 rows"):
        read(path)
    got = read(path, on_crossed="drop")
    assert (len(got.bars), got.report.dropped) == (1, {"crossed": 1})


def test_one_side_gets_the_spread_of_the_table(tmp_path: Path) -> None:
    document = copy.deepcopy(reply())
    for row in document["candles"]:
        del row["ask"]
    got = read(saved(tmp_path, document))
    assert (got.bars.side_origin, got.bars.data["ask_o"][0] > 1.0847) == ("bid", True)


def test_a_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, reply())
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(BarsError, match=r"file candles.json: .*allowed: JSON in UTF-8"):
        read(path)


def test_saved_replies_are_checked_without_a_word_on_them(tmp_path: Path) -> None:
    path = saved(tmp_path, reply())
    report = check_file(path, FileWords(), TABLE, DEFAULT_HOURS)
    assert (report.rows, report.gaps_total) == (2, 1)
