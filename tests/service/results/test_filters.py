"""Filters as text keep the rows that they say, and refuse what they cannot read."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from hotband.errors import InputError
from hotband.service.results.filters import filter_of

ROWS = pl.DataFrame(
    {
        "id": [0, 1, 2, 3],
        "sharpe": [0.5, -1.0, None, 2.0],
        "reps": [1, 2, 3, 4],
        "ok": [True, False, None, True],
        "word": ["a", "b", None, "a:b"],
        "tags": [["x", "y"], [], ["y"], None],
        "time": [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3, 4)],
        "day": [date(2026, 3, day) for day in (1, 2, 3, 4)],
    },
    schema_overrides={"time": pl.Datetime("ns", "UTC")},
)


def kept(*texts: str) -> list[int]:
    return ROWS.filter(filter_of(texts, ROWS.schema))["id"].to_list()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("sharpe:eq:0.5", [0]),
        ("sharpe:ne:0.5", [1, 2, 3]),
        ("sharpe:lt:0.5", [1]),
        ("sharpe:le:0.5", [0, 1]),
        ("sharpe:gt:0.5", [3]),
        ("sharpe:ge:0.5", [0, 3]),
        ("sharpe:in:0.5,2", [0, 3]),
        ("sharpe:eq:null", [2]),
        ("sharpe:ne:null", [0, 1, 3]),
        ("sharpe:in:null,2", [2, 3]),
        ("reps:ge:2.5", [2, 3]),
        ("ok:eq:true", [0, 3]),
        ("ok:ne:true", [1, 2]),
        ("word:eq:a:b", [3]),
        ("word:in:a,b", [0, 1]),
        ("tags:eq:y", [0, 2]),
        ("tags:ne:y", [1, 3]),
        ("tags:in:x,z", [0]),
        ("time:ge:2026-03-03T00:00:00Z", [2, 3]),
        ("time:eq:2026-03-03T01:00:00+01:00", [2]),
        ("day:lt:2026-03-02", [0]),
    ],
)
def test_a_filter_keeps_the_rows_it_names(text: str, wanted: list[int]) -> None:
    assert kept(text) == wanted


def test_filters_hold_all_at_once_and_none_keeps_all() -> None:
    assert kept("sharpe:ge:0", "reps:lt:4") == [0]
    assert kept() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sharp:ge:1", r"filter column: got sharp; .* Did you mean 'sharpe'\?"),
        ("sharpe:gte:1", r"filter operator: got gte; .* Did you mean 'gt'\?"),
        ("sharpe:ge:high", "filter on sharpe: got high; allowed: a value of type number"),
        ("sharpe:ge:nan", "filter on sharpe: got nan"),
        ("sharpe:ge:null", "filter: got sharpe:ge:null; allowed: null with eq, ne and in"),
        ("ok:eq:yes", "filter on ok: got yes; allowed: a value of type true or false"),
        ("time:ge:2026-03-03", "filter on time: got 2026-03-03; .* RFC 3339 time"),
        ("day:ge:soon", "filter on day: got soon; allowed: a value of type day"),
        ("tags:ge:x", "filter operator: got tags:ge; allowed: eq, ne and in"),
        ("sharpe>1", "filter: got sharpe>1; allowed: COLUMN:OPERATOR:VALUE"),
        ("word:eq:" + "a" * 3000, "filter: got word:eq:a+; allowed: .* up to 2000 characters"),
        ("reps:in:" + ",".join(["1"] * 101), "got 101 values; allowed: at most 100"),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        kept(text)


def test_more_than_twenty_filters_are_refused() -> None:
    with pytest.raises(InputError, match="filter: got 21 of them; allowed: at most 20"):
        kept(*["reps:ge:0"] * 21)
