"""Several instruments on one account: the order of phases, and what a walk writes down."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from tests.unit.core.builders import at, bar, gate, limits, rules

from hotband.core import codes
from hotband.core import records as r
from hotband.core.path import walk, walk_events
from hotband.core.records import Record, Records

NOTHING = gate(-r.NEVER)


@dataclass
class Walk:
    """Account and logs of a walk, and what it ran over."""

    account: Record
    books: Records
    fills: Records
    days: Records
    equity: Records
    decisions: Records


def walked(
    times: Sequence[Sequence[tuple[Records, Records | None] | None]],
    *books: Records,
    limit: Records | None = None,
    rows: int = 50,
    ending: bool = True,
) -> Walk:
    """Walk over ``times[m][k]``: instrument k's bar and live gate at the m-th open time.

    Instruments trade EUR and GBP, in this order, against USD; the account holds 10,000 USD.
    """
    own = books or (rules(), rules(base_ccy=2))
    bars, gates = list[Records](), [NOTHING]
    event_bar = np.full((len(times), len(own)), -1, np.int64)
    gate_of_bar = []
    known: dict[tuple[int, int], int] = {}
    for m, events in enumerate(times):
        for k, event in enumerate(events):
            if event is None:
                continue
            event_bar[m, k] = len(bars)
            bars.append(event[0])
            if event[1] is None:
                gate_of_bar.append(0)
                continue
            place = known.setdefault((k, int(event[1]["known"][0])), len(gates))
            if place == len(gates):
                gates.append(event[1])
            gate_of_bar.append(place)
    account = r.new_account(10_000.0)
    state = r.new_books([int(one["base_ccy"][0]) for one in own], [1] * len(own))
    logs = (
        r.empty(r.FILL, rows),
        r.empty(r.DAY, rows),
        r.empty(r.EQUITY, rows),
        r.empty(r.DECISION, rows),
    )
    memo = np.full((len(own), 3), -r.NEVER, np.int64)
    run = walk if ending else walk_events
    run(
        account[0], state, event_bar, r.readable(np.concatenate(bars)),
        np.asarray(gate_of_bar, np.int64), r.readable(np.concatenate(gates)),
        r.readable(np.concatenate(own)), (limits() if limit is None else limit)[0],
        logs, memo,
    )  # fmt: skip
    return Walk(account[0], state, *logs)


def test_equity_and_net_units_are_written_after_every_open_time() -> None:
    eur, gbp = gate(at(0), 1), gate(at(1), -1)
    found = walked(
        [
            [(bar(at(0), 1.1), eur), None],
            [(bar(at(1), (1.1, 1.1, 1.1, 1.102)), eur), (bar(at(1), 1.25), gbp)],
            [(bar(at(2), 1.101), None), (bar(at(2), 1.247), gbp)],
        ],
        rules(),
        rules(base_ccy=2, max_units=4_000.0),
    )
    rows = found.equity[:3]
    assert rows["t"].tolist() == [at(0), at(1), at(2)]
    # 10,000 EUR gain 0.002, then 0.001; 4,000 GBP sold at 1.25 gain 0.003.
    assert rows["equity"] == pytest.approx([10_000.0, 10_020.0, 10_022.0])
    assert rows["balance"].tolist() == [10_000.0] * 3
    assert rows["units"].tolist() == [10_000.0, 6_000.0, 6_000.0]
    assert found.equity[3]["t"] == 0


def test_a_verdict_is_written_with_all_that_it_was_about() -> None:
    calm = gate(at(0), -1, synthetic=1)
    found = walked(
        [[(bar(at(0), 1.1), None), (bar(at(0), 1.25), calm)]],
        rules(),
        rules(base_ccy=2, max_units=3_000.0),
    )
    assert found.account.decisions == 1
    row = found.decisions[0]
    assert (row.t, row.gate, row.mask, row.instrument) == (at(0), at(0), 0, 1)
    assert (row.side, row.stage, row.code, row.synthetic) == (-1, r.STAGE_PLANNED, codes.OK, 1)
    assert row.units == 3_000.0


def test_a_verdict_is_written_again_only_when_it_changes() -> None:
    hot = gate(at(0), 1, hazard=0.9)
    known = gate(at(3), 1, hazard=0.9)
    cold = rules(hazard_max=0.5)
    outside = bar(at(2), 1.1, marks=0)
    found = walked(
        [
            [(bar(at(0), 1.1), hot)],
            [(bar(at(1), 1.1), hot)],
            [(outside, hot)],
            [(bar(at(3), 1.1), known)],
        ],
        cold,
    )
    refused = 1 << codes.HAZARD_EXCEEDS_MAX
    rows = found.decisions[: int(found.account.decisions)]
    assert rows["t"].tolist() == [at(0), at(2), at(3)]
    assert rows["mask"].tolist() == [refused, refused | 1 << codes.SESSION_CLOSED, refused]
    assert rows["gate"].tolist() == [at(0), at(0), at(3)]


def test_another_code_under_the_same_mask_is_another_verdict() -> None:
    live = gate(at(0), 1)
    found = walked([[(bar(at(0), 1.1), live)], [(bar(at(1), 1.1), live)]])
    rows = found.decisions[: int(found.account.decisions)]
    assert rows["mask"].tolist() == [0, 0]
    assert rows["code"].tolist() == [codes.OK, codes.GATE_USED]
    assert rows["units"].tolist() == [10_000.0, 0.0]


def test_no_gate_is_no_verdict() -> None:
    found = walked([[(bar(at(0), 1.1), None)], [(bar(at(1), 1.1), None)]])
    assert found.account.decisions == 0


def test_rows_past_the_end_of_a_log_are_counted_and_not_written() -> None:
    events = [[(bar(at(m), 1.1), gate(at(m), 1, hazard=0.9))] for m in range(3)]
    found = walked(events, rules(hazard_max=0.5), rows=2)
    assert found.account.decisions == 3
    assert found.decisions["t"].tolist() == [at(0), at(1)]
    assert found.equity["t"].tolist() == [at(0), at(1)]


def test_no_instrument_sees_inside_the_bar_of_another() -> None:
    """EUR's target frees the only place inside the bar at whose open GBP asks for it."""
    eur, gbp = gate(at(0), 1), gate(at(1), 1)
    quiet = bar(at(2), 1.25)
    found = walked(
        [
            [(bar(at(0), 1.1), eur), (bar(at(0), 1.25), None)],
            [(bar(at(1), (1.1, 1.2, 1.1, 1.15)), None), (bar(at(1), 1.25), gbp)],
            [None, (quiet, gbp)],
        ],
        rules(target_abs=0.05),
        rules(base_ccy=2),
        limit=limits(max_positions=1),
    )
    fills = found.fills[: int(found.account.fills)]
    assert fills["t"].tolist() == [at(0), at(1), at(2)]
    assert fills["instrument"].tolist() == [0, 0, 1]
    assert fills["reason"].tolist()[1] == codes.TAKE_PROFIT


def test_all_marks_of_an_open_time_are_known_before_its_first_decision() -> None:
    """GBP's loss of 0.999 a unit at the open leaves EUR, who is asked first, no margin."""
    eur, gbp = gate(at(1), 1), gate(at(0), 1)
    found = walked(
        [
            [(bar(at(0), 1.1), None), (bar(at(0), 1.25), gbp)],
            [(bar(at(1), 1.1), eur), (bar(at(1), 0.251), None)],
        ],
        rules(),
        rules(base_ccy=2),
    )
    assert found.account.nav == pytest.approx(10.0)
    rows = found.decisions[: int(found.account.decisions)]
    assert rows["instrument"].tolist() == [1, 0]
    assert rows["units"].tolist() == [10_000.0, 0.0]
    assert rows["code"].tolist()[1] == codes.MARGIN_BUDGET


def test_a_walk_ends_its_window_and_its_events_do_not() -> None:
    events = [[(bar(at(0), 1.1), gate(at(0), 1))]]
    later = rules(latency=60_000_000_000)
    ended, open_ended = walked(events, later), walked(events, later, ending=False)
    assert ended.account.days == 1
    assert ended.books[0].refusals[codes.WINDOW_ENDED] == 1
    assert open_ended.account.days == 0
    assert open_ended.books[0].order_side == 1


@pytest.mark.parametrize(
    ("price", "code"),
    [
        # 10,000 GBP at 1.25 lose 10,200 of the 10,000: nothing is left.
        (0.23, codes.NAV_NOT_POSITIVE),
        # 1,000 are left, half of the margin of 10,000 x 0.35 x 0.6 is 1,050.
        (0.35, codes.MARGIN_CLOSEOUT),
    ],
)
def test_an_order_due_when_another_instrument_ruins_the_account_is_cancelled(
    price: float, code: int
) -> None:
    eur, gbp = gate(at(0), 1), gate(at(0), 1)
    found = walked(
        [
            [(bar(at(0), 1.25), gbp), (bar(at(0), 1.1), eur)],
            [(bar(at(1), price), None), (bar(at(1), 1.1), None)],
        ],
        rules(base_ccy=2, margin_rate=0.6),
        rules(latency=60_000_000_000, max_units=1_000.0),
        limit=limits(closeout=0.5),
    )
    assert (found.books[1].planned, found.books[1].filled) == (1, 0)
    assert found.books[1].refusals[code] == 1
    assert found.account.orders == 0
