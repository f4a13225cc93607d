"""JSON of Dukascopy that is damaged is refused by the field that shows it."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.feeds.vendor_files import read

from hotband.errors import BarsError, HotbandError

TICKS: dict[str, object] = {
    "timestamp": 1_783_700_000_000,
    "multiplier": 1e-5,
    "ask": 1.14322,
    "bid": 1.1432,
    "times": [0, 51, 1000],
    "asks": [0, 1, -3],
    "bids": [0, 1, -2],
}
NAME = "EUR-USD.json"


def refused(folder: Path, document: object) -> str:
    path = folder / NAME
    path.write_text(json.dumps(document), "utf-8")
    with pytest.raises(BarsError) as caught:
        read(path, granularity="M1")
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"bids": [0, 1]}, "bids of EUR-USD.json: got 2 values; allowed: 3"),
        ({"times": [0, 1.5, 2]}, "times of EUR-USD.json: got list; allowed: a list of whole"),
        ({"multiplier": 3e-5}, "multiplier of EUR-USD.json: got 3e-05"),
        ({"timestamp": None}, "timestamp of EUR-USD.json: got None"),
        ({"ask": None}, "ask of EUR-USD.json: got None; allowed: a price"),
        ({"times": [0, -51, 10]}, "times that do not go back"),
        ({"asks": [-500, 0, 0]}, "ask below bid in 3 of 3 rows"),
    ],
)
def test_a_field_that_cannot_be_is_named(
    tmp_path: Path, change: dict[str, object], expected: str
) -> None:
    assert expected in refused(tmp_path, TICKS | change)


def test_an_hour_without_ticks_has_null_prices_and_makes_no_bars(tmp_path: Path) -> None:
    nothing: dict[str, object] = {"ask": None, "bid": None, "times": [], "asks": [], "bids": []}
    path = tmp_path / NAME
    path.write_text(json.dumps(TICKS | nothing), "utf-8")
    assert len(read(path, granularity="M1").bars) == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_json_that_is_cut_off_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    text = json.dumps(TICKS)
    path = tmp_path / NAME
    path.write_text(text[: data.draw(st.integers(0, len(text) - 1))], "utf-8")
    with pytest.raises(HotbandError):
        read(path, granularity="M1")
