"""What all cells of a window share: extremes of blocks, bars that need a step, gates in short."""

from typing import Any

import numpy as np
import pytest
from tests.unit.core.builders import MINUTE, at, bar, gate

from hotband.core import records as r
from hotband.core.records import Records
from hotband.core.shared import BLOCK_BARS, Shared, share


def flat_bars(n: int) -> Records:
    return r.readable(np.concatenate([bar(at(m), 1.1, day=20_000) for m in range(n)]))


def shared_of(bars: Records, *gates: Records, live: list[int] | None = None) -> Shared:
    """``live[i]`` is the row live at bar i; None: gate m is live at bar m - 1, the last on."""
    rows = np.concatenate(gates) if gates else r.empty(r.GATE, 0)
    if live is None:
        live = [min(m + 1, len(gates)) for m in range(len(bars))]
    return share(bars, np.array(live, np.int64), r.with_sentinel(r.readable(rows)))


@pytest.mark.parametrize("at_bar", [0, 3, BLOCK_BARS - 1])
@pytest.mark.parametrize("block", [0, 1])
def test_a_block_knows_the_extremes_of_its_bars_and_of_no_others(at_bar: int, block: int) -> None:
    bars = flat_bars(2 * BLOCK_BARS + 3)
    for name in ("gain_c", "loss_c", "bid_h", "bid_l", "bid_c", "ask_h", "ask_l", "ask_c"):
        bars[name] = 4.0
    bars["bid_h"][2 * BLOCK_BARS :] = 99.0  # of no whole block
    here = block * BLOCK_BARS + at_bar
    there = block * BLOCK_BARS + (at_bar + 1) % BLOCK_BARS
    extremes = {
        "bid_h": 9.0, "bid_l": 1.0, "ask_h": 10.0, "ask_l": 2.0,
    }  # fmt: skip
    for name, value in extremes.items():
        bars[name][here] = value
    for name, high, low in (("bid_c", 8.0, 3.0), ("ask_c", 7.0, 2.5), ("gain_c", 6.0, 1.5)):
        bars[name][here], bars[name][there] = high, low
    bars["loss_c"][here], bars["loss_c"][there] = 5.0, 3.5
    found = shared_of(bars).blocks
    assert len(found) == 2
    expected = {
        **extremes,
        "bid_c_max": 8.0, "bid_c_min": 3.0, "ask_c_max": 7.0, "ask_c_min": 2.5,
        "gain_max": 6.0, "gain_min": 1.5, "loss_max": 5.0, "loss_min": 3.5, "steady": 0,
    }  # fmt: skip
    assert {name: found[name][block] for name in found.dtype.names or ()} == expected
    quiet = found[1 - block]
    assert {float(quiet[name]) for name in expected if name != "steady"} == {4.0}
    assert quiet["steady"] == 1


@pytest.mark.parametrize("rate", ["gain_c", "loss_c"])
def test_a_block_is_steady_only_where_neither_rate_moves(rate: str) -> None:
    bars = flat_bars(2 * BLOCK_BARS)
    bars[rate][3] = 1.25
    assert shared_of(bars).blocks["steady"].tolist() == [0, 1]


def test_a_position_is_stepped_at_a_new_day_at_financing_and_before_the_weekend() -> None:
    bars = flat_bars(9)
    bars["day"][2:] += 1
    bars["day"][8:] += 1
    bars["fin_long"][4] = -1e-4
    bars["fin_short"][5] = 1e-4
    bars["marks"][6] |= r.FLATTEN
    assert shared_of(bars).events.tolist() == [0, 2, 4, 5, 6, 8]


def test_the_first_bar_of_each_gate_is_kept_and_the_end_of_the_window_behind_them() -> None:
    found = shared_of(flat_bars(6), gate(at(1)), gate(at(3)), live=[0, 1, 1, 2, 2, 2])
    assert found.gate_bar.tolist() == [0, 1, 3, 6]
    assert found.gate_of_bar.tolist() == [0, 1, 1, 2, 2, 2]
    assert found.gates["known"].tolist() == [-r.NEVER, at(1), at(3)]


def test_gates_that_no_bar_judges_are_left_out_and_no_gate_stays_row_0() -> None:
    found = shared_of(flat_bars(3), gate(at(0)), gate(at(1)), gate(at(2)), live=[1, 3, 3])
    assert found.gates["known"].tolist() == [-r.NEVER, at(0), at(2)]
    assert found.gate_of_bar.tolist() == [1, 2, 2]
    assert found.gate_bar.tolist() == [0, 0, 1, 3]
    assert found.briefs["known"].tolist() == [-r.NEVER, at(0), at(2)]


def test_a_gate_in_short_has_its_age_at_the_first_bar_that_judges_it() -> None:
    early = gate(at(0.5), -1, hazard=0.25, reps=3, skipped=2)
    found = shared_of(flat_bars(4), early, gate(at(3)), live=[0, 0, 1, 2]).briefs
    assert len(found) == 3
    row = found[1]
    assert (row.known, row.age, row.side, row.skipped) == (at(0.5), 3 * MINUTE // 2, -1, 2)
    assert (row.hazard, row.reps, row.plain) == (0.25, 3, 1)
    assert (found[2].age, found[2].plain) == (0, 1)
    assert (found[0].age, found[0].plain) == (0, 0)


@pytest.mark.parametrize("marks", [
    0,
    r.IN_SESSION | r.SESSION_EXIT,
    r.IN_SESSION | r.WEEK_END,
    r.IN_SESSION | r.HOLIDAY_BAR,
    r.IN_SESSION | r.CLOSED_BAR,
    r.CLOSED_BAR,
])  # fmt: skip
def test_a_gate_first_judged_where_no_entry_may_be_is_not_plain(marks: int) -> None:
    bars = flat_bars(2)
    bars["marks"][0] = marks
    assert shared_of(bars, gate(at(0)), gate(at(1))).briefs["plain"].tolist() == [0, 0, 1]


@pytest.mark.parametrize("marks", [r.UP_MOVE, r.DOWN_MOVE, r.FLATTEN])
def test_a_gate_is_plain_at_a_bar_whose_marks_bar_no_entry(marks: int) -> None:
    bars = flat_bars(1)
    bars["marks"][0] |= marks
    assert shared_of(bars, gate(at(0))).briefs["plain"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("field", "value"),
    [("admit", 0), ("blocked", 1), ("key", 1), ("key", 7), ("side", 0), ("hazard", np.nan)],
)
def test_a_gate_with_anything_to_look_up_is_not_plain(field: str, value: float) -> None:
    found = shared_of(flat_bars(2), gate(at(0), **dict[str, Any]({field: value})), gate(at(1)))
    assert found.briefs["plain"].tolist() == [0, 0, 1]


@pytest.mark.parametrize("side", [1, -1])
def test_a_gate_of_either_side_is_plain(side: int) -> None:
    assert shared_of(flat_bars(1), gate(at(0), side)).briefs["plain"].tolist() == [0, 1]


@pytest.mark.parametrize("at_bar", [0, 1, 2])
@pytest.mark.parametrize("when", ["o", "c"])
def test_the_span_knows_the_greatest_rate_wherever_it_is(when: str, at_bar: int) -> None:
    bars = flat_bars(3)
    for name in ("loss_o", "loss_c", "base_o", "base_c"):
        bars[name] = [0.75, 0.5, 0.25]
    bars[f"loss_{when}"][at_bar], bars[f"base_{when}"][at_bar] = 1.5, 2.5
    found = shared_of(bars).span
    assert len(found) == 1
    assert (found[0].loss_max, found[0].base_max) == (1.5, 2.5)


def test_the_pace_of_two_bars_is_one_over_the_time_between_them() -> None:
    assert shared_of(flat_bars(2)).span[0].per_ns == 1.0 / MINUTE


@pytest.mark.parametrize("n", [0, 1])
def test_a_window_of_no_bar_or_one_can_be_shared(n: int) -> None:
    found = shared_of(flat_bars(1)[:n])
    assert (len(found.bars), len(found.blocks), len(found.events)) == (n, 0, n)
    assert found.span[0].loss_max == n


def test_nothing_that_is_shared_can_be_written() -> None:
    found = shared_of(flat_bars(9), gate(at(0)))
    assert not any(array.flags.writeable for array in found)
