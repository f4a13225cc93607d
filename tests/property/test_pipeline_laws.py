"""Laws that the pipeline keeps on any market: conservation, knowledge, one loop for all drivers."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.parity.markets import Case, random_case
from tests.parity.test_path_equals_step import differences, run
from tests.property.pipeline_worlds import (
    BALANCE,
    NAMES,
    cut,
    digest,
    disturbed,
    events_at,
    manager,
    outcome,
    portfolio,
    replayed,
    stressed,
    timeline_of,
)

from hotband.core import codes
from hotband.core import records as r
from hotband.core.path import walk_events
from hotband.core.records import Record, Records
from hotband.core.step import finish, step
from hotband.research.feed import Timeline
from hotband.research.portfolio import Logs

SEEDS = st.integers(0, 2**40)
NEAR = 1e-9


def realised(fills: Records, books: Records) -> float:
    """Profit of closed trades less all costs, from the log and the open tickets alone."""
    closed = fills[fills["kind"] == -1]
    total = float(np.sum(closed["gross"] - closed["commission"] + closed["financing"]))
    for book in books:
        n = int(book["n"])
        total += float(np.sum(book["tk_financing"][:n]) - np.sum(book["tk_commission"][:n]))
    return total


def at_the_close(book: Record, bar: Record) -> float:
    """What the open tickets would earn if closed at this bar's close."""
    price = bar["bid_c"] if book["side"] > 0 else bar["ask_c"]
    total = 0.0
    for i in range(int(book["n"])):
        quote = book["side"] * (price - book["tk_entry"][i]) * book["tk_units"][i]
        total += quote * (bar["gain_c"] if quote > 0 else bar["loss_c"])
    return float(total)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, indebted=st.booleans())
def test_money_adds_up_after_every_step(seed: int, indebted: bool) -> None:
    case = random_case(seed, n=400, every=3)
    case = stressed(case) if indebted else case
    shared = case.shared
    rows, books = r.new_account(BALANCE), r.new_books([0], [1])
    fills, days = r.empty(r.FILL, 2000), r.empty(r.DAY, 50)
    account, book = rows[0], books[0]
    peak = BALANCE
    for bar, g in zip(shared.bars, shared.gate_of_bar.tolist(), strict=True):
        step(account, books, 0, bar, shared.gates[g], case.rules[0], case.limits[0], fills, days)
        near = NEAR * max(BALANCE, float(account.turnover))
        done = fills[: int(account.fills)]
        assert account.nav == account.balance + account.unrealised
        assert account.unrealised == pytest.approx(at_the_close(book, bar), abs=near)
        assert account.balance - BALANCE == pytest.approx(realised(done, books), abs=near)
        assert account.positions == book.n == (done["kind"] == 1).sum() - (done["kind"] == -1).sum()
        assert book.units == pytest.approx(book.tk_units[: int(book.n)].sum(), abs=1e-6)
        assert book.exits_due == (book.tk_due[: int(book.n)] != r.NEVER).sum()
        peak = max(peak, float(account.nav))
        assert account.peak == peak
        assert account.max_dd >= peak - account.nav


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_a_portfolio_adds_up_at_every_open_time(seed: int) -> None:
    cases, timeline = portfolio(seed, n=120)
    desk = manager(cases)
    for m in range(len(timeline.event_bar)):
        desk.on_bars(events_at(timeline, m))
        account = desk.account[0]
        near = NEAR * max(BALANCE, float(account.turnover))
        assert desk.nav == account.balance + account.unrealised
        assert account.unrealised == pytest.approx(float(desk.books["unrealised"].sum()), abs=near)
        assert account.margin == pytest.approx(float(desk.books["margin"].sum()), abs=near)
        assert account.positions == desk.books["n"].sum()


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_every_gate_and_every_ticket_of_a_portfolio_is_accounted_for(seed: int) -> None:
    cases, timeline = portfolio(seed)
    desk, logs = replayed(cases, timeline)
    account = desk.account[0]
    fills = logs.fills[: int(account.fills)]
    for k, book in enumerate(desk.books):
        live = cases[k].shared.gate_of_bar
        seen = np.unique(live[live > 0])
        assert book.gates == len(seen) + cases[k].shared.gates["skipped"][seen].sum()
        assert book.gates == book.filled + book.refusals.sum()
        assert book.gates >= book.admitted >= book.sized >= book.planned >= book.filled
        own = fills[fills["instrument"] == k]
        opened, closed = own[own["kind"] == 1], own[own["kind"] == -1]
        assert len(opened) == book.filled == len(closed) + book.n
        left = set(book.tk_open[: int(book.n)].tolist())
        pending = sorted(opened["t"].tolist())
        for t in [*closed["entry_t"].tolist(), *left]:
            pending.remove(t)
        assert pending == []
    near = NEAR * max(BALANCE, float(account.turnover))
    assert account.balance - BALANCE == pytest.approx(realised(fills, desk.books), abs=near)


# Knowledge -------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(seed=SEEDS, at=st.integers(0, 598), every=st.sampled_from([2, 7, 40]))
def test_nothing_up_to_a_bar_depends_on_what_comes_after_it(seed: int, at: int, every: int) -> None:
    case = random_case(seed, n=600, every=every)
    now = int(case.shared.bars["t"][at])
    whole = outcome(case)[2]
    past = whole[whole["t"] <= now].tobytes()
    for world in (cut(case, at), disturbed(case, at, seed)):
        fills = outcome(world)[2]
        assert fills[fills["t"] <= now].tobytes() == past


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, share_of_history=st.floats(0.05, 0.95))
def test_state_and_decisions_at_a_time_are_blind_to_the_future(
    seed: int, share_of_history: float
) -> None:
    cases, timeline = portfolio(seed)
    times = np.unique(timeline.bars["t"])
    now = int(times[int(share_of_history * len(times))])
    ends = [int(np.searchsorted(case.shared.bars["t"], now, side="right")) - 1 for case in cases]
    if min(ends) < 0:
        return
    later = [disturbed(case, at, seed) for case, at in zip(cases, ends, strict=True)]
    found = [_until(cases, timeline, now), _until(later, timeline_of(later), now)]
    assert found[0] == found[1]


def _until(cases: list[Case], timeline: Timeline, now: int) -> list[bytes]:
    """Every byte of state and logs after the events up to ``now``."""
    desk, n = manager(cases), len(timeline.bars)
    events = timeline.event_bar
    first = np.where(events >= 0, timeline.bars["t"][events], -1).max(axis=1)
    logs = Logs.sized(20 * n, n, len(events), n)
    memo = np.full((len(cases), 3), -r.NEVER, np.int64)
    walk_events(
        desk.account[0], desk.books, events[first <= now], timeline.bars, timeline.gate_of_bar,
        timeline.gates, desk.rules, desk.limits[0], logs.bundle(), memo,
    )  # fmt: skip
    return [part.tobytes() for part in (desk.account, desk.books, *logs.bundle())]


# Entries ---------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_with_the_kill_switch_on_nothing_is_opened(seed: int) -> None:
    case = random_case(seed, n=400, every=3)
    case.limits["halts"] = 1
    account, books, fills, _ = outcome(case)
    assert (len(fills), books[0].planned, account[0].balance) == (0, 0, BALANCE)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_once_the_kill_switch_is_on_positions_only_get_fewer(seed: int) -> None:
    cases, timeline = portfolio(seed, n=120)
    for case in cases:
        case.rules["latency"] = 0
        case.limits["halts"] = 0
    desk = manager(cases)
    half = len(timeline.event_bar) // 2
    held = 0
    for m in range(len(timeline.event_bar)):
        if m == half:
            desk.limits["halts"] = 1
        _, fills = desk.on_bars(events_at(timeline, m))
        if m >= half:
            assert (fills["kind"] == -1).all()
            assert desk.account[0].positions <= held
        held = int(desk.account[0].positions)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_every_entry_is_decided_inside_the_session(seed: int) -> None:
    cases, timeline = portfolio(seed)
    desk, logs = replayed(cases, timeline)
    account = desk.account[0]
    closed = r.SESSION_EXIT | r.WEEK_END | r.HOLIDAY_BAR | r.CLOSED_BAR
    planned = logs.decisions[: int(account.decisions)]
    planned = planned[planned["units"] > 0]
    fills = logs.fills[: int(account.fills)]
    for k, case in enumerate(cases):
        marks = dict(
            zip(case.shared.bars["t"].tolist(), case.shared.bars["marks"].tolist(), strict=True)
        )
        times = planned["t"][planned["instrument"] == k].tolist()
        opened = fills["t"][(fills["instrument"] == k) & (fills["kind"] == 1)].tolist()
        assert desk.books[k].planned == len(times)
        for t in [*times, *(opened if case.rules["latency"][0] == 0 else [])]:
            assert marks[t] & r.IN_SESSION
            assert not marks[t] & closed


# One loop for all drivers ----------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, every=st.sampled_from([2, 7, 40]))
def test_a_path_equals_repeated_steps_where_accounts_are_closed_out(seed: int, every: int) -> None:
    case = stressed(random_case(seed, n=800, every=every))
    assert not differences(run(case, skipping=False), run(case, skipping=True))


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_the_same_history_twice_gives_the_same_bytes(seed: int) -> None:
    cases, timeline = portfolio(seed)
    (first, left), (second, right) = replayed(cases, timeline), replayed(cases, timeline)
    assert first.account.tobytes() == second.account.tobytes()
    assert first.books.tobytes() == second.books.tobytes()
    for one, other in zip(left.bundle(), right.bundle(), strict=True):
        assert one.tobytes() == other.tobytes()


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_bars_handed_over_one_by_one_equal_a_replay(seed: int) -> None:
    cases, timeline = portfolio(seed, n=150)
    whole, logs = replayed(cases, timeline)
    live = manager(cases)
    decisions, fills = [], []
    for m in range(len(timeline.event_bar)):
        events = events_at(timeline, m)
        # The order in which they arrive does not matter, only that of the account.
        told, done = live.on_bars(dict(reversed(events.items())) if m % 2 else events)
        decisions += told
        fills.append(done)
    finish(live.account[0], live.books, r.empty(r.DAY, 1))
    assert not differences((live.account, live.books), (whole.account, whole.books))
    assert np.concatenate(fills).tobytes() == logs.fills[: int(whole.account[0].fills)].tobytes()
    rows = logs.decisions[: int(whole.account[0].decisions)]
    assert [d.time_ns for d in decisions] == rows["t"].tolist()
    assert [d.gate_known_ns for d in decisions] == rows["gate"].tolist()
    assert [d.instrument for d in decisions] == [NAMES[k] for k in rows["instrument"]]
    assert [d.admit for d in decisions] == (rows["mask"] == 0).tolist()


def test_each_decision_carries_the_metrics_of_its_own_gate() -> None:
    # Two instruments whose gates become known at the same instant, as minute gates do.
    cases, timeline = portfolio(1, n=40, every=1)
    desk = manager(cases)
    bar = timeline.bars[:1]
    events = {}
    for name, hazard in (("EUR_USD", 0.25), ("GBP_USD", 0.75)):
        gate = timeline.gates[1:2].copy()
        gate["known"], gate["hazard"] = bar["t"], hazard
        events[name] = (bar, gate)
    decisions, _ = desk.on_bars(events)
    found = {decision.instrument: decision.metrics["hazard"] for decision in decisions}
    assert found == {"EUR_USD": 0.25, "GBP_USD": 0.75}


def test_uncompiled_kernels_give_the_same_bytes() -> None:
    seeds = [3, 4, 17, 101]
    code = f"from tests.property.pipeline_worlds import digest; print(digest({seeds}))"
    root = Path(__file__).resolve().parents[2]
    plain = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(root)},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert plain.returncode == 0, plain.stderr
    assert plain.stdout.strip() == digest(seeds)


def test_the_random_portfolios_trade_enough_to_mean_something() -> None:
    opened, exits = 0, set[int]()
    for seed in range(0, 200, 10):
        cases, timeline = portfolio(seed)
        desk, logs = replayed(cases, timeline)
        fills = logs.fills[: int(desk.account[0].fills)]
        opened += int((fills["kind"] == 1).sum())
        exits |= set(fills["reason"][fills["kind"] == -1].tolist())
    assert opened > 300
    assert {codes.STOP_LOSS, codes.TAKE_PROFIT, codes.HOLD_EXPIRY} <= exits
