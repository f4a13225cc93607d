"""Walk-forward folds: where they lie, and what is given up, and said, where history is short."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hotband.errors import InputError, ProfileError, WindowError
from hotband.market.calendar import (
    DAY_NS,
    DEFAULT_HOURS,
    MINUTE_NS,
    format_time,
    parse_time,
)
from hotband.research.grid_settings import load_grid
from hotband.research.walkforward import (
    Fold,
    Folds,
    WalkForwardSettings,
    folds_of,
)

END = parse_time("2025-10-03T21:00:00Z")
"""A weekly close, in the summer half of New York's clocks."""
WEEK_NS = 7 * DAY_NS


def history(weeks: int) -> int:
    """When so many whole trading weeks up to END begin, on New York's wall."""
    opening, _ = DEFAULT_HOURS.week_before(END)
    for _ in range(weeks - 1):
        opening, _ = DEFAULT_HOURS.week_before(opening)
    return opening


def folds(weeks: int, end: int = END, *, gap: int = 0, **values: Any) -> Folds:
    wanted = WalkForwardSettings(**values)
    return folds_of(history(weeks), end, DEFAULT_HOURS, wanted, gap_minutes=gap)


def span(times: tuple[int, int] | None) -> tuple[str, str]:
    assert times is not None
    return format_time(times[0]), format_time(times[1])


def weeks_of(times: tuple[int, int] | None) -> float:
    assert times is not None
    return DEFAULT_HOURS.market_minutes(*times) / 7200


def test_the_default_folds_lie_where_the_calendar_says() -> None:
    found = folds(50)
    assert len(found.folds) == 6
    assert found.notes == ()
    assert span(found.folds[-1].hold_out) == ("2025-09-07T21:00:00Z", "2025-10-03T21:00:00Z")
    # 26 weeks before the hold-out; a day of market time before it, over the weekend.
    assert span(found.folds[-1].look_back) == ("2025-03-09T21:00:00Z", "2025-09-04T21:00:00Z")
    assert span(found.folds[-2].hold_out) == ("2025-08-10T21:00:00Z", "2025-09-05T21:00:00Z")
    assert found.folds[0].look_back[0] == history(50)


def test_anchored_look_backs_all_begin_with_history() -> None:
    found = folds(60, anchored=True)
    assert {fold.look_back[0] for fold in found.folds} == {history(60)}
    rolling = folds(60)
    assert [f.hold_out for f in found.folds] == [f.hold_out for f in rolling.folds]
    assert [f.look_back[1] for f in found.folds] == [f.look_back[1] for f in rolling.folds]


def test_a_week_still_running_lengthens_the_last_hold_out() -> None:
    running = END + 4 * DAY_NS
    found = folds_of(history(50), running, DEFAULT_HOURS)
    whole = folds(50)
    assert found.folds[-1].hold_out == (*(whole.folds[-1].hold_out or (0, 0))[:1], running)
    assert found.folds[:-1] == whole.folds[:-1]
    assert found.notes == ()


def test_a_strategy_that_holds_longer_than_the_embargo_widens_the_gap() -> None:
    found = folds(50, gap=3000)
    assert found.gap_minutes == 3000
    for fold in found.folds:
        assert fold.hold_out is not None
        assert DEFAULT_HOURS.market_minutes(fold.look_back[1], fold.hold_out[0]) == 3000


def test_whole_weeks_of_gap_come_on_top_of_the_look_back() -> None:
    found = folds(80, gap=3 * 7200)
    assert {weeks_of(fold.look_back) for fold in found.folds} == {26.0}
    assert {weeks_of(fold.look_back) for fold in folds(80).folds} == {25.8}


def test_short_history_costs_folds_first() -> None:
    found = folds(49)
    assert len(found.folds) == 5
    assert weeks_of(found.folds[-1].hold_out) == 4
    assert found.notes == (
        "5 folds instead of 6: history has 49 whole trading weeks, and 6 folds with a gap of "
        "1440 market minutes need 50.",
    )


def test_then_it_costs_look_back() -> None:
    found = folds(20, max_folds=1)
    assert len(found.folds) == 1
    assert (found.folds[0].look_back[0], weeks_of(found.folds[0].hold_out)) == (history(20), 4)
    assert found.notes == (
        "A look-back of 16 weeks instead of 26: history has 20 whole trading weeks.",
    )


def test_then_it_costs_hold_out_which_is_never_longer_than_the_look_back() -> None:
    found = folds(7)
    assert weeks_of(found.folds[0].hold_out) == 3
    assert weeks_of(found.folds[0].look_back) == 3.8
    assert found.notes == (
        "1 fold instead of 6: history has 7 whole trading weeks, and 6 folds with a gap of 1440 "
        "market minutes need 50.",
        "A look-back of 4 weeks instead of 26: history has 7 whole trading weeks.",
        "A hold-out of 3 weeks instead of 4: history has 7 whole trading weeks.",
    )


def test_at_last_it_costs_the_hold_out_itself() -> None:
    found = folds(1)
    assert found.folds == (Fold((history(1), END), None),)
    assert found.notes == (
        "No hold-out: history has 1 whole trading week, too few for a look-back of 1 week and a "
        "hold-out of 1 week with a gap of 1440 market minutes; cells are chosen on all of it and "
        "judged on none.",
    )


def test_two_weeks_are_the_least_that_hold_something_out() -> None:
    assert [weeks_of(folds(2).folds[0].hold_out), weeks_of(folds(2).folds[0].look_back)] == [1, 0.8]
    assert folds(2, gap=7200).folds[0].hold_out is None
    assert weeks_of(folds(3, gap=7200).folds[0].look_back) == 1


def test_the_least_look_back_holds_before_the_hold_out_does() -> None:
    found = folds(9, min_look_back_weeks=8, max_folds=1)
    assert [weeks_of(found.folds[0].hold_out), weeks_of(found.folds[0].look_back)] == [1, 7.8]
    assert folds(8, min_look_back_weeks=8).folds[0].hold_out is None


def test_a_look_back_asked_shorter_than_the_hold_out_is_no_reduction() -> None:
    found = folds(5, look_back_weeks=1, max_folds=1)
    assert weeks_of(found.folds[0].hold_out) == 4
    assert found.notes == ()


def test_history_within_a_weekend_is_all_look_back() -> None:
    found = folds_of(END, END + DAY_NS, DEFAULT_HOURS)
    assert found.folds == (Fold((END, END + DAY_NS), None),)
    assert found.notes[0].startswith("No hold-out: history has 0 whole trading weeks,")


@pytest.mark.parametrize(
    ("first", "end", "gap", "text"),
    [
        (END, END, 0, "history: got .*; allowed: start before end"),
        (END - WEEK_NS, END, -1, "gap_minutes: got -1; allowed: 0 or more"),
    ],
)
def test_history_or_gaps_that_cannot_be_are_refused(
    first: int, end: int, gap: int, text: str
) -> None:
    with pytest.raises((WindowError, InputError), match=text):
        folds_of(first, end, DEFAULT_HOURS, gap_minutes=gap)


lengths = st.integers(1, 8)
wanted = st.builds(
    WalkForwardSettings,
    look_back_weeks=st.integers(4, 30),
    hold_out_weeks=lengths,
    step_weeks=lengths,
    max_folds=st.integers(1, 8),
    min_look_back_weeks=st.integers(1, 4),
    anchored=st.booleans(),
    embargo_minutes=st.integers(0, 16_000),
)
spans = st.tuples(
    st.integers(0, 90 * 7 * 1440).map(MINUTE_NS.__mul__), st.integers(0, 10 * 1440)
).map(lambda drawn: (END - drawn[0] + drawn[1] * MINUTE_NS - 1, END + drawn[1] * MINUTE_NS))


@settings(max_examples=80)
@given(spans, wanted, st.integers(0, 20_000))
def test_no_look_back_touches_its_hold_out_or_anything_later(
    within: tuple[int, int], asked: WalkForwardSettings, gap: int
) -> None:
    found = folds_of(*within, DEFAULT_HOURS, asked, gap_minutes=gap)
    for fold in found.folds:
        assert within[0] <= fold.look_back[0] < fold.look_back[1] <= within[1]
        if fold.hold_out is not None:
            assert fold.look_back[1] <= fold.hold_out[0] < fold.hold_out[1] <= within[1]
            apart = DEFAULT_HOURS.market_minutes(fold.look_back[1], fold.hold_out[0])
            assert apart == found.gap_minutes == max(gap, asked.embargo_minutes)
    last = found.folds[-1]
    assert (last.hold_out or last.look_back)[1] == within[1]


@settings(max_examples=80)
@given(spans, wanted)
def test_hold_outs_never_overlap_where_steps_are_as_long(
    within: tuple[int, int], asked: WalkForwardSettings
) -> None:
    found = folds_of(*within, DEFAULT_HOURS, asked)
    held = [fold.hold_out for fold in found.folds if fold.hold_out is not None]
    apart = all(one[1] <= two[0] for one, two in pairwise(held))
    assert apart == (asked.step_weeks >= asked.hold_out_weeks or len(held) < 2)


@settings(max_examples=80)
@given(spans, wanted)
def test_notes_are_there_exactly_where_something_was_given_up(
    within: tuple[int, int], asked: WalkForwardSettings
) -> None:
    found = folds_of(*within, DEFAULT_HOURS, asked)
    fold = found.folds[0]
    part_of_gap = found.gap_minutes % 7200 / 7200
    full = (
        len(found.folds) == asked.max_folds
        and fold.hold_out is not None
        and weeks_of(fold.hold_out) >= asked.hold_out_weeks
        and weeks_of(fold.look_back) >= asked.look_back_weeks - part_of_gap - 1e-9
    )
    assert full == (found.notes == ())
    assert all(note[0].isupper() or note[0].isdigit() for note in found.notes)
    assert found == folds_of(*within, DEFAULT_HOURS, asked)


@settings(max_examples=40)
@given(st.integers(2, 12), st.integers(0, 7 * 1440), st.integers(1, 16), st.booleans())
def test_history_moved_by_whole_weeks_moves_the_folds_with_it(
    weeks: int, late: int, moved: int, anchored: bool
) -> None:
    # From April to October New York's clocks do not change.
    asked = WalkForwardSettings(
        look_back_weeks=4, hold_out_weeks=2, step_weeks=2, max_folds=3, anchored=anchored
    )
    end = END - late * MINUTE_NS
    shift = min(moved, 24 - weeks) * WEEK_NS
    here = folds_of(end - weeks * WEEK_NS, end, DEFAULT_HOURS, asked)
    there = folds_of(end - weeks * WEEK_NS - shift, end - shift, DEFAULT_HOURS, asked)
    moved_back = tuple(
        Fold(
            (fold.look_back[0] - shift, fold.look_back[1] - shift),
            None if fold.hold_out is None else (fold.hold_out[0] - shift, fold.hold_out[1] - shift),
        )
        for fold in here.folds
    )
    assert (there.folds, there.notes) == (moved_back, here.notes)


def test_the_settings_have_the_documented_defaults_and_are_frozen() -> None:
    asked = WalkForwardSettings()
    assert asked.model_dump() == {
        "look_back_weeks": 26, "hold_out_weeks": 4, "step_weeks": 4, "max_folds": 6,
        "min_look_back_weeks": 1, "anchored": False, "embargo_minutes": 1440,
    }  # fmt: skip
    with pytest.raises(ValidationError, match="frozen"):
        asked.max_folds = 7


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"hold_out_wekks": 4}, "unknown key grid.walk_forward.hold_out_wekks: .*'hold_out_weeks'"),
        ({"max_folds": 0}, "walk_forward.max_folds: got 0; allowed: a whole number, 1..500"),
        ({"step_weeks": 1.5}, "walk_forward.step_weeks: got 1.5; allowed: a whole number of"),
        ({"anchored": 1}, "walk_forward.anchored: got 1; allowed: true or false"),
        (
            {"look_back_weeks": 2, "min_look_back_weeks": 3},
            "walk_forward: got look_back_weeks 2, min_look_back_weeks 3; allowed: min_look_back",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(values: dict[str, Any], text: str) -> None:
    with pytest.raises(ProfileError, match=text):
        load_grid({"walk_forward": values})


def test_good_settings_are_taken_as_they_are() -> None:
    taken = load_grid({"walk_forward": {"max_folds": 3}}).walk_forward
    assert taken == WalkForwardSettings(max_folds=3)
