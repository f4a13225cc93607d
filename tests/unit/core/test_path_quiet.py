"""What happens to gates and orders while a position is quiet, as a whole path tells it.

Every window here is run twice, once with ``step`` at each bar; 1,024 units cost nothing and a
tick of price is worth 2.
"""

import math
from typing import Any

import numpy as np
import pytest
from tests.parity.markets import Case
from tests.parity.test_path_equals_step import differences, run
from tests.unit.core.builders import MINUTE, at, bar, gate, limits, rules

from hotband.core import codes
from hotband.core import records as r
from hotband.core.records import Record, Records
from hotband.core.shared import share
from hotband.gates.events import align

TICK = 2.0**-9
BARRED = 0
"""Marks of a bar outside the session."""
AJAR: dict[str, Any] = {"hazard_exit": 2.0, "hazard_exit_above": 1}
"""A hazard exit that no hazard reaches: gates must be looked at while a position is open."""


def told(
    bars: list[Records], gates: list[Records], limit: Records | None = None,
    balance: float = 10_000.0, **fields: float,
) -> tuple[Record, Record, Records]:  # fmt: skip
    """(account, book, trades) of a path, which repeated ``step`` confirms to the last bit."""
    rows, events = r.readable(np.concatenate(bars)), r.readable(np.concatenate(gates))
    live, judged, _ = align(np.ascontiguousarray(rows["t"]), events["known"], events)
    own = rules(**{"max_units": 1024.0, "price_scale": 1 / TICK, **fields})
    shared = share(rows, live + 1, r.with_sentinel(judged))
    case = Case(shared, own, limits() if limit is None else limit)
    account, books, fills, days = run(case, skipping=True, balance=balance)
    stepped = run(case, skipping=False, balance=balance)
    assert not differences(stepped, (account, books, fills, days))
    written = fills[: int(account[0].fills)]
    return account[0], books[0], written[written["kind"] == -1]


def flat(n: int, **fields: Any) -> list[Records]:
    return [bar(at(m), 1.0, **fields) for m in range(n)]


@pytest.mark.parametrize(
    ("own", "limit", "of_gate", "code"),
    [
        ({"guards_on": 1, "guard_min": 0.5}, {}, {"metrics": 0.25}, codes.GUARD_FIRST),
        ({"regimes_on": 2}, {}, {"regime": 2}, codes.REGIME_FILTERED),
        ({"regime_confidence_min": 0.5}, {}, {"regime_confidence": 0.25},
         codes.REGIME_CONFIDENCE_LOW),
        ({"cooldown": 9 * MINUTE}, {}, {}, codes.COOLDOWN_ACTIVE),
        ({}, {"max_positions": 1}, {}, codes.MAX_TOTAL_POSITIONS),
        ({}, {}, {"key": 3}, codes.DUPLICATE_SIGNAL),
        ({"hazard_max": 0.5}, {}, {"hazard": 0.75}, codes.HAZARD_EXCEEDS_MAX),
        ({"hazard_min": 0.5}, {}, {"hazard": 0.25}, codes.HAZARD_BELOW_MIN),
        ({"min_reps": 4}, {}, {"reps": 3}, codes.REPETITIONS_SHORT),
        ({"hazard_max": 0.5, "hazard_min": 0.5, "min_reps": 5}, {}, {}, codes.MAX_STACK_LIMIT),
        ({}, {}, {"side": -1}, codes.OPPOSITE_SIDE_BLOCKED),
        ({"direction": -1}, {}, {"side": -1}, codes.OPPOSITE_SIDE_BLOCKED),
        ({}, {}, {"hazard": math.nan}, codes.HAZARD_INVALID),
        ({}, {}, {"side": 0}, codes.FLAT_DIRECTION),
        ({}, {}, {"admit": 0}, codes.ADMIT_FALSE),
        ({}, {}, {"blocked": 1}, codes.UPSTREAM_BLOCK),
    ],
)  # fmt: skip
def test_a_gate_that_finds_an_open_position_is_counted_under_its_own_reason(
    own: dict[str, Any], limit: dict[str, Any], of_gate: dict[str, Any], code: int
) -> None:
    first = gate(at(0), 1, key=3, regime=1, hazard=0.5)
    second = gate(at(3), **{"side": 1, "regime": 1, **of_gate})
    _, book, _ = told(flat(8), [first, second], limits(**limit), **own)
    assert (book.gates, book.filled, book.refusals[code]) == (2, 1, 1)


@pytest.mark.parametrize("door", [{}, AJAR])
@pytest.mark.parametrize("new_day", [3, 4, 20])
@pytest.mark.parametrize(
    ("barred", "code", "admitted"),
    [((3,), codes.MAX_STACK_LIMIT, 2), ((3, 4, 5), codes.SESSION_CLOSED, 1)],
)
def test_a_gate_barred_at_first_is_admitted_as_soon_as_the_clock_lets_it(
    door: dict[str, Any], new_day: int, barred: tuple[int, ...], code: int, admitted: int
) -> None:
    """It is judged until the next gate comes and by no bar behind that."""
    bars = flat(9)
    for m, row in enumerate(bars):
        row["marks"] = BARRED if m in barred else r.IN_SESSION
        row["day"] += m >= new_day
    gates = [gate(at(0)), gate(at(3)), gate(at(6), hazard=math.nan)]
    _, book, _ = told(bars, gates, **door)
    assert (book.refusals[code], book.refusals[codes.HAZARD_INVALID]) == (1, 1)
    assert (book.admitted, book.sized) == (admitted, admitted)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("cooldown", [0, MINUTE])
@pytest.mark.parametrize(
    ("own", "of_gate", "when", "reason", "filled"),
    [
        ({"opposite": r.OPPOSITE_CLOSE}, {"turn": -1}, 11, codes.OPPOSITE_GATE, 1),
        ({"opposite": r.OPPOSITE_REVERSE}, {"turn": -1}, 11, codes.OPPOSITE_GATE, 2),
        ({"hazard_exit": 0.75, "hazard_exit_above": 1}, {"hazard": 0.75}, 11,
         codes.HAZARD_EXIT, 1),
        ({"hazard_exit": 0.25}, {"hazard": 0.25}, 11, codes.HAZARD_EXIT, 1),
        ({"rearm": 1, "hold": 14 * MINUTE}, {}, 25, codes.HOLD_EXPIRY, 1),
        ({"max_stack": 2, "hold": 14 * MINUTE}, {}, 14, codes.HOLD_EXPIRY, 2),
    ],
)  # fmt: skip
def test_a_gate_that_may_act_on_an_open_position_is_not_passed_over(
    side: int, cooldown: int, own: dict[str, Any], of_gate: dict[str, Any],
    when: int, reason: int, filled: int,
) -> None:  # fmt: skip
    second = gate(at(11), side * of_gate.get("turn", 1), hazard=of_gate.get("hazard", 0.5))
    _, book, trades = told(
        flat(32), [gate(at(0), side), second], cooldown=cooldown, max_age=MINUTE, **own
    )
    assert (trades["t"][0], trades["reason"][0]) == (at(when), reason)
    assert book.filled == filled


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("door", [{}, AJAR])
@pytest.mark.parametrize("past", [0, 3])
@pytest.mark.parametrize(
    ("level", "reason"), [("stop_abs", codes.STOP_LOSS), ("target_abs", codes.TAKE_PROFIT)]
)
def test_the_bar_whose_open_ends_a_position_judges_its_gate_without_one(
    side: int, door: dict[str, Any], past: int, level: str, reason: int
) -> None:
    """The open is on the level, or past it: the gate then live is refused for the cooldown."""
    ticks = (8 + past) * side * (1 if level == "target_abs" else -1)
    bars = [*flat(5), bar(at(5), 1.0 + ticks * TICK), bar(at(6), 1.0)]
    _, book, trades = told(
        bars, [gate(at(0), side), gate(at(5), side)],
        cooldown=2 * MINUTE, **dict[str, Any]({level: 8 * TICK}), **door,
    )  # fmt: skip
    assert trades["reason"].tolist() == [reason]
    assert (book.refusals[codes.COOLDOWN_ACTIVE], book.refusals[codes.MAX_STACK_LIMIT]) == (1, 0)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("door", [{}, AJAR])
def test_a_closeout_at_an_open_refuses_the_gate_that_comes_with_it(
    side: int, door: dict[str, Any]
) -> None:
    # 1,024 x 0.5 of margin; 640 - 1,024 x 0.25 = 384 are 384 of margin at 0.75 for a long, and
    # less than the 640 of margin at 1.25 for a short.
    bars = [*flat(5), bar(at(5), 1.0 - side * 0.25), bar(at(6), 1.0)]
    _, book, trades = told(
        bars, [gate(at(0), side), gate(at(5), side)], limits(closeout=1.0), balance=640.0,
        margin_rate=0.5, max_age=0, **door,
    )  # fmt: skip
    assert trades["reason"].tolist() == [codes.MARGIN_CLOSEOUT]
    assert book.refusals[codes.MARGIN_CLOSEOUT] == 1


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("dip", range(10, 18))
def test_a_low_open_that_no_close_confirms_still_closes_the_account_out(
    side: int, dip: int
) -> None:
    # 640 less 1,024 x 0.25 are the margin of 384. A close at 124 ticks is the deepest fall, and
    # an open at 128 comes after it.
    prices = [[1.0] * 4 for _ in range(24)]
    deep, deeper = 1.0 - side * 124 * TICK, 1.0 - side * 128 * TICK
    prices[3] = [1.0, max(1.0, deep), min(1.0, deep), deep]
    prices[dip] = [deeper, max(1.0, deeper), min(1.0, deeper), 1.0]
    bars = [
        bar(at(m), (o, h, low, c), (o, h, low, c), rates=(1.0, 1.0, 1.0))
        for m, (o, h, low, c) in enumerate(prices)
    ]
    account, _, trades = told(
        bars, [gate(at(0), side)], limits(closeout=1.0), balance=640.0, margin_rate=0.375
    )
    assert (trades["t"].tolist(), trades["price"].tolist()) == ([at(dip)], [deeper])
    assert trades["reason"].tolist() == [codes.MARGIN_CLOSEOUT]
    assert account.max_dd == 256.0


def test_a_hold_of_a_moment_ends_at_the_next_open() -> None:
    _, _, trades = told(flat(20), [gate(at(0))], hold=1)
    assert (trades["t"].tolist(), trades["reason"].tolist()) == ([at(1)], [codes.HOLD_EXPIRY])


@pytest.mark.parametrize("hold", [4, 8, 11, 16])
def test_a_hold_that_ends_inside_a_block_ends_there(hold: int) -> None:
    _, _, trades = told(flat(24), [gate(at(0))], hold=hold * MINUTE)
    assert trades["t"].tolist() == [at(hold)]


def test_the_ticket_that_is_left_of_two_ends_by_its_own_hold() -> None:
    """The second, bought ten ticks lower, reaches its target first."""
    bars = [*flat(3), *(bar(at(m), 1.0 - 10 * TICK) for m in (3, 4))]
    bars += [bar(at(m), 1.0 - 2 * TICK) for m in range(5, 24)]
    _, _, trades = told(
        bars, [gate(at(0)), gate(at(3))], max_stack=2, hold=12 * MINUTE, target_abs=4 * TICK
    )
    assert trades["t"].tolist() == [at(5), at(12)]
    assert trades["reason"].tolist() == [codes.TAKE_PROFIT, codes.HOLD_EXPIRY]


@pytest.mark.parametrize("cooldown", [0, 1])
def test_a_gate_first_judged_after_its_greatest_age_is_stale_while_a_position_is_open(
    cooldown: int,
) -> None:
    bars = [*flat(3), *(bar(at(m), 1.0) for m in range(9, 20))]
    gates = [gate(at(0)), gate(at(4)), gate(at(10))]
    _, book, _ = told(bars, gates, max_age=5 * MINUTE - 1, cooldown=cooldown)
    assert (book.refusals[codes.GATE_STALE], book.refusals[codes.MAX_STACK_LIMIT]) == (1, 1)
    _, book, _ = told(bars, gates, max_age=5 * MINUTE, cooldown=cooldown)
    assert (book.refusals[codes.GATE_STALE], book.refusals[codes.MAX_STACK_LIMIT]) == (0, 2)


@pytest.mark.parametrize("cooldown", [0, 2 * MINUTE])
def test_a_gate_left_over_from_an_open_position_may_enter_after_it(cooldown: int) -> None:
    """The hold ends at its open; the gate has waited since two minutes before."""
    _, book, trades = told(flat(20), [gate(at(0)), gate(at(6))], hold=8 * MINUTE, cooldown=cooldown)
    assert trades["t"].tolist() == ([at(8), at(16)] if cooldown == 0 else [at(8), at(18)])
    assert book.filled == 2


@pytest.mark.parametrize("hazard", [0.75, 0.25])
def test_a_gate_refused_while_a_position_is_open_stays_refused_after_it(hazard: float) -> None:
    _, book, trades = told(
        flat(20), [gate(at(0)), gate(at(6), hazard=hazard)], hold=8 * MINUTE,
        hazard_max=0.5, hazard_min=0.5,
    )  # fmt: skip
    assert trades["t"].tolist() == [at(8)]
    assert book.filled == 1


def test_gates_replaced_between_bars_are_counted_while_a_position_is_open() -> None:
    gates = [gate(at(0)), gate(at(3.2)), gate(at(3.4)), gate(at(3.6)), gate(at(5))]
    _, book, _ = told(flat(9), gates)
    assert (book.gates, book.refusals[codes.GATE_SUPERSEDED]) == (5, 2)
    assert book.refusals[codes.MAX_STACK_LIMIT] == 2
