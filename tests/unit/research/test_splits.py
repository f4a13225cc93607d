"""Purge and embargo: which trades may train, against worked examples, definitions and purgedcv."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import purgedcv
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hotband.errors import InputError, WindowError
from hotband.market.calendar import DAY_NS, DEFAULT_HOURS, MINUTE_NS, parse_time
from hotband.research.splits import Part, classify, classify_days, margin_days

MONDAY = parse_time("2025-04-14T00:00:00Z")
"""Minute 0 of the worked example in market time that no weekend breaks."""
FRIDAY_NOON = parse_time("2025-04-18T16:00:00Z")
"""Five hours before the week closes."""
HOUR = 60


def at(minute: float, base: int = MONDAY - 4000 * MINUTE_NS) -> int:
    return base + round(minute * MINUTE_NS)


def parts(
    trades: Sequence[tuple[float, float]], blocks: list[tuple[int, int]], **limits: Any
) -> list[str]:
    spans = [(at(start), at(end)) for start, end in blocks]
    entries, exits = ([at(trade[i]) for trade in trades] for i in (0, 1))
    return [Part(p).name for p in classify(entries, exits, spans, DEFAULT_HOURS, **limits)]


@pytest.mark.parametrize(
    ("entry", "leaves", "part"),
    [
        (5600, 5999, "TRAIN"),
        (5600, 6000, "TRAIN"),
        (5600, 6001, "PURGED"),
        (5999, 6010, "PURGED"),
        (6000, 6100, "TEST"),
        (7999, 8050, "TEST"),
        (8000, 8100, "EMBARGOED"),
        (8050, 8200, "EMBARGOED"),
        (8239, 8300, "EMBARGOED"),
        (8240, 8400, "TRAIN"),
    ],
)
def test_the_worked_example_w15_is_met(entry: int, leaves: int, part: str) -> None:
    assert parts([(entry, leaves)], [(6000, 8000)], embargo_minutes=240) == [part]


def test_the_first_example_of_purgedcv_w16_is_met() -> None:
    days = MONDAY + np.arange(10) * DAY_NS
    found = classify(
        days, days + 3 * DAY_NS, [(days[5], days[8])], DEFAULT_HOURS,
        hold_minutes=3 * 1440, embargo_minutes=0,
    )  # fmt: skip
    assert np.flatnonzero(found == Part.TRAIN).tolist() == [0, 1, 2]
    assert np.flatnonzero(found == Part.TEST).tolist() == [5, 6, 7]


def test_a_trade_exactly_where_the_embargo_ends_trains_with_us_and_not_with_purgedcv() -> None:
    days = MONDAY - 9 * DAY_NS + np.arange(20) * DAY_NS  # the block ends on a Tuesday
    ours = classify(days, days + DAY_NS, [(days[5], days[10])], DEFAULT_HOURS, embargo_minutes=1440)
    assert [row for row in (11, 12, 13, 14) if ours[row] == Part.TRAIN] == [11, 12, 13, 14]
    times = days.view("M8[ns]")
    theirs = purgedcv.apply_embargo(
        np.array([11, 12, 13, 14]), np.arange(5, 10), times, times + np.timedelta64(1, "D"),
        "1D",
    )  # fmt: skip
    assert theirs.tolist() == [12, 13, 14]


def test_an_embargo_that_begins_on_friday_goes_on_after_the_weekend() -> None:
    close = FRIDAY_NOON + 5 * HOUR * MINUTE_NS
    sunday = close + 2 * DAY_NS
    entries = [close - MINUTE_NS, sunday, sunday + 59 * MINUTE_NS, sunday + 60 * MINUTE_NS]
    exits = [entry + MINUTE_NS for entry in entries]
    block = [(FRIDAY_NOON - DAY_NS, FRIDAY_NOON)]
    found = classify(entries, exits, block, DEFAULT_HOURS, embargo_minutes=6 * HOUR)
    assert found.tolist() == [Part.EMBARGOED] * 3 + [Part.TRAIN]


def test_a_position_held_over_the_weekend_is_purged_by_the_wall_clock() -> None:
    sunday = FRIDAY_NOON + 53 * HOUR * MINUTE_NS
    held = classify([FRIDAY_NOON], [sunday + 1], [(sunday, sunday + DAY_NS)], DEFAULT_HOURS)
    closed = classify([FRIDAY_NOON], [sunday], [(sunday, sunday + DAY_NS)], DEFAULT_HOURS)
    assert (held[0], closed[0]) == (Part.PURGED, Part.TRAIN)


def test_a_trade_opened_while_one_of_the_block_is_still_held_is_purged() -> None:
    trades = [(7999, 8500), (8300, 8310), (8499, 8600), (8500, 8600)]
    found = parts(trades, [(6000, 8000)], embargo_minutes=240)
    assert found == ["TEST", "PURGED", "PURGED", "TRAIN"]


def test_a_trade_opened_while_one_of_the_block_could_still_be_held_is_purged() -> None:
    found = parts([(8299, 8310), (8300, 8310)], [(6000, 8000)], hold_minutes=300, embargo_minutes=0)
    assert found == ["PURGED", "TRAIN"]


def test_there_is_no_embargo_before_a_block() -> None:
    assert parts([(5000, 5999.99)], [(6000, 8000)], embargo_minutes=1440) == ["TRAIN"]


def test_a_trade_of_one_block_stays_test_though_held_into_the_next() -> None:
    found = parts([(6500, 9000), (7500, 8100)], [(6000, 7000), (8000, 9000)], embargo_minutes=0)
    assert found == ["TEST", "PURGED"]


def test_without_blocks_every_trade_trains() -> None:
    assert parts([(1, 2), (3, 4)], []) == ["TRAIN", "TRAIN"]


@pytest.mark.parametrize(
    ("trades", "blocks", "limits", "text"),
    [
        ([(2, 1)], [(5, 6)], {}, r"exit_ns: got .* trade 0; allowed: an exit at or after"),
        ([(1, 2)], [(6, 6)], {}, "test block: got .*; allowed: start before end"),
        ([(1, 2)], [(5, 7), (6, 9)], {}, "test blocks: got .*; allowed: disjoint blocks"),
        ([(1, 2)], [(5, 6)], {"hold_minutes": -1}, "hold_minutes: got -1; allowed: 0 or more"),
        ([(1, 2)], [(5, 6)], {"hold_minutes": np.nan}, "hold_minutes: got nan"),
        ([(1, 2)], [(5, 6)], {"embargo_minutes": -1}, "market minutes: got -1"),
    ],
)
def test_what_cannot_be_classified_is_refused(
    trades: list[tuple[float, float]],
    blocks: list[tuple[int, int]],
    limits: dict[str, Any],
    text: str,
) -> None:
    with pytest.raises((InputError, WindowError), match=text):
        parts(trades, blocks, **limits)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(InputError, match=r"got \(2,\) and \(1,\); allowed: two columns of one"):
        classify([MONDAY, MONDAY], [MONDAY], [], DEFAULT_HOURS)


worlds = st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 300)), min_size=1, max_size=40)
edges = st.lists(st.integers(0, 6000), min_size=2, max_size=6, unique=True).map(sorted)


def blocks_of(marks: list[int]) -> list[tuple[int, int]]:
    return list(zip(marks[::2], marks[1::2], strict=False))


@settings(max_examples=60)
@given(worlds, edges, st.integers(0, 500))
def test_no_trade_that_trains_is_held_while_one_under_test_is(
    trades: list[tuple[int, int]], marks: list[int], embargo: int
) -> None:
    spans = [(start, start + held) for start, held in trades]
    found = parts(spans, blocks_of(marks), embargo_minutes=embargo)
    for (start, end), part in zip(spans, found, strict=True):
        for (other, until), theirs in zip(spans, found, strict=True):
            if part == "TRAIN" and theirs == "TEST":
                assert end <= other or start >= until


@settings(max_examples=60)
@given(worlds, edges, st.integers(0, 500))
def test_the_rule_that_knows_no_exits_drops_at_least_as_many(
    trades: list[tuple[int, int]], marks: list[int], embargo: int
) -> None:
    longest = max(held for _, held in trades)
    blocks = blocks_of(marks)
    known = parts(
        [(start, start + held) for start, held in trades], blocks,
        hold_minutes=longest, embargo_minutes=embargo,
    )  # fmt: skip
    unknown = parts(
        [(start, start + longest) for start, _ in trades], blocks,
        hold_minutes=longest, embargo_minutes=embargo,
    )  # fmt: skip
    assert all(k == "TRAIN" for k, u in zip(known, unknown, strict=True) if u == "TRAIN")


@settings(max_examples=60)
@given(worlds, edges, st.integers(0, 500), st.integers(0, 500))
def test_a_longer_embargo_never_lets_more_train(
    trades: list[tuple[int, int]], marks: list[int], embargo: int, more: int
) -> None:
    spans = [(start, start + held) for start, held in trades]
    blocks = blocks_of(marks)
    short = parts(spans, blocks, embargo_minutes=embargo)
    long = parts(spans, blocks, embargo_minutes=embargo + more)
    assert all(s == "TRAIN" for s, x in zip(short, long, strict=True) if x == "TRAIN")


@settings(max_examples=60)
@given(st.integers(10, 60), st.integers(1, 8), st.integers(0, 200), st.integers(0, 59), st.data())
def test_purge_and_embargo_agree_with_purgedcv_on_regular_trades(
    rows: int, horizon: int, embargo: int, first: int, data: st.DataObject
) -> None:
    # Times are multiples of 10 and the embargo is none, for theirs is closed.
    assume(first < rows)
    last = data.draw(st.integers(first + 1, rows))
    entries = MONDAY + np.arange(rows) * 10 * MINUTE_NS
    exits = entries + horizon * 10 * MINUTE_NS
    block = (int(entries[first]), int(entries[last - 1]) + 10 * MINUTE_NS)
    minutes = embargo * 10 + 5
    # Theirs starts at the last exit of the block, ours at the block's end.
    ours = classify(
        entries, exits, [block], DEFAULT_HOURS, embargo_minutes=(horizon - 1) * 10 + minutes
    )
    test = np.arange(first, last)
    train = np.setdiff1d(np.arange(rows), test)
    times, ends = entries.view("M8[ns]"), exits.view("M8[ns]")
    purged = purgedcv.purge(train, test, times, ends)
    theirs = purgedcv.apply_embargo(purged, test, times, ends, f"{minutes}min")
    assert np.flatnonzero(ours == Part.TRAIN).tolist() == theirs.tolist()


@pytest.mark.parametrize(
    ("hold", "embargo", "days"), [(0, 0, 0), (1, 0, 1), (30, 1440, 1), (1441, 1440, 2)]
)
def test_the_margin_of_daily_returns_is_the_longer_time_in_whole_days(
    hold: float, embargo: float, days: int
) -> None:
    assert margin_days(hold, embargo) == days


def test_daily_returns_lose_the_margin_on_both_sides_of_every_block() -> None:
    found = [Part(p).name[0] for p in classify_days(12, [(2, 4), (7, 9)], 2)]
    assert "".join(found) == "PPTTEPPTTEET"


@pytest.mark.parametrize(
    ("blocks", "margin", "text"),
    [
        ([(2, 13)], 1, "test days: got .*; allowed: 0 to 12"),
        ([(-1, 3)], 1, "test days: got .*; allowed: 0 to 12"),
        ([(2, 4)], -1, "margin: got -1; allowed: 0 or more days"),
    ],
)
def test_days_outside_the_series_are_refused(
    blocks: list[tuple[int, int]], margin: int, text: str
) -> None:
    with pytest.raises((InputError, WindowError), match=text):
        classify_days(12, blocks, margin)


def test_a_margin_of_a_negative_time_is_refused() -> None:
    with pytest.raises(InputError, match="hold and embargo minutes: got -1 and 5"):
        margin_days(-1, 5)
