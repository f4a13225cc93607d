"""A paper session that takes in a week as it becomes known trades as the backtest of that week."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from hotband.core.records import Records
from hotband.feeds.demo import demo_bars
from hotband.gates.encoder import encode_gates
from hotband.gates.encoder_state import EncoderSettings
from hotband.gates.events import Gates
from hotband.live.session import PaperSession, Step
from hotband.live.spec import Breakers, SessionSpec, profile_text
from hotband.market.bars import Bars
from hotband.market.calendar import parse_time
from hotband.profile.strategy import effective, load_profile
from hotband.research.result import SimulationResult
from hotband.research.simulator import BacktestSimulator

NAMES = ("EUR_JPY", "EUR_USD", "USD_JPY")
START, END = "2026-03-08T22:00:00Z", "2026-03-12T21:00:00Z"
Event = tuple[int, int, str, Records]


@dataclass(frozen=True)
class Week:
    bars: dict[str, Bars]
    gates: dict[str, Gates]
    backtest: SimulationResult


@pytest.fixture(scope="module")
def week() -> Week:
    first = parse_time("2026-03-01T22:00:00Z")
    bars = demo_bars(NAMES, first, parse_time(END), "M5")
    profile = load_profile()
    gates = {}
    for name, held in bars.items():
        own = effective(profile, name)
        values = own.encoder.model_dump() | {"stride_bars": 2}
        settings = EncoderSettings(**values, lambda_scale=own.lambda_scale)
        gates[name] = encode_gates(held, settings).gates
    simulator = BacktestSimulator(
        list(NAMES), START, END, bars=bars, gates=gates, fallback=False, granularity="M5"
    )
    return Week(bars, gates, simulator.run())


def spec_of(**changes: Any) -> SessionSpec:
    given: dict[str, Any] = {
        "instruments": NAMES,
        "granularity": "M5",
        "start_ns": parse_time(START),
        "balance": 100_000.0,
        "profile_text": profile_text(None),
    }
    return SessionSpec(**given | changes)


def events_of(week: Week, spec: SessionSpec) -> list[Event]:
    """(when it is known, gates before bars, instrument, row), as they become known."""
    start, end = parse_time(START), parse_time(END)
    found: list[Event] = []
    for name in NAMES:
        bars = week.bars[name].window(start, end)
        live = start - int(spec.rules()[name]["max_age"][0])
        gates = week.gates[name].window(live, end)
        found += [
            (int(row["t"][0]) + spec.granularity_ns, 1, name, row)
            for row in np.split(bars.data, len(bars))
        ]
        found += [(int(row["known"][0]), 0, name, row) for row in np.split(gates.data, len(gates))]
    return sorted(found, key=lambda event: event[:3])


def played(week: Week, spec: SessionSpec, events: list[Event]) -> tuple[PaperSession, list[Step]]:
    session = PaperSession(spec, week.bars)
    steps = []
    for at, (known, is_bar, name, row) in enumerate(events):
        fate = session.take_bar(name, row) if is_bar else session.take_gate(name, row)
        assert fate in {"taken", "late"}
        if at + 1 == len(events) or events[at + 1][0] > known:
            steps += session.close(known - spec.granularity_ns)
    session.finish()
    return session, steps


def test_trades_decisions_and_state_are_those_of_the_backtest_to_the_last_bit(week: Week) -> None:
    spec = spec_of()
    session, steps = played(week, spec, events_of(week, spec))
    backtest = week.backtest
    assert len(backtest.fills) > 20
    assert session.fills.tobytes() == backtest.fills.tobytes()
    told = [decision.to_dict() for step in steps for decision in step.decisions]
    assert told == [decision.to_dict() for decision in backtest.decisions()]
    assert session.manager.account.tobytes() == backtest.account.tobytes()
    assert session.manager.books.tobytes() == backtest.books.tobytes()
    assert session.manager.days.tobytes() == backtest.daily_rows.tobytes()
    for name in NAMES:
        assert session.funnel(name) == backtest.parts[name].funnel
    nav = [step.nav for step in steps if step.instruments]
    assert nav == backtest.equity_curve["equity"].to_list()


def test_the_same_inputs_give_the_same_session_again(week: Week) -> None:
    """As a restart takes in what was written down; the specification went through JSON."""
    spec = spec_of()
    events = events_of(week, spec)
    whole, _ = played(week, SessionSpec.from_dict(spec.to_dict()), events)
    assert whole.fills.tobytes() == week.backtest.fills.tobytes()


def test_bars_that_come_twice_or_too_late_change_nothing(week: Week) -> None:
    spec = spec_of()
    session = PaperSession(spec, week.bars)
    bars = week.bars["EUR_USD"].window(parse_time(START), parse_time(END)).data
    first, second = bars[:1], bars[1:2]
    assert session.take_bar("EUR_USD", first) == "taken"
    assert session.take_bar("EUR_USD", first) == "duplicate"
    other = first.copy()
    other["volume"] += 1
    assert session.take_bar("EUR_USD", other) == "conflict"
    session.close(int(first["t"][0]))
    assert session.take_bar("EUR_USD", first) == "duplicate"
    assert session.take_bar("EUR_USD", other) == "conflict"
    session.close(int(second["t"][0]))
    assert session.take_bar("EUR_USD", second) == "late"
    broken = bars[2:3].copy()
    broken["ask_o"] = np.nan
    assert session.take_bar("EUR_USD", broken) == "unsound"
    assert session.waiting == {}


def test_a_kill_switch_stops_entries_and_lets_every_position_go(week: Week) -> None:
    spec = spec_of()
    events = events_of(week, spec)
    session = PaperSession(spec, week.bars)
    engaged_at = None
    for at, (known, is_bar, name, row) in enumerate(events):
        (session.take_bar if is_bar else session.take_gate)(name, row)
        if at + 1 == len(events) or events[at + 1][0] > known:
            session.close(known - spec.granularity_ns)
            if engaged_at is None and (session.manager.books["n"] > 0).any():
                session.set_kill_switch(engaged=True)
                engaged_at = session.closed_ns
    assert engaged_at is not None
    opened = session.fills[session.fills["kind"] == 1]
    assert (opened["t"] <= engaged_at).all()
    assert (session.manager.books["n"] == 0).all()


def test_a_breaker_stops_entries_once_so_much_is_lost(week: Week) -> None:
    free, _ = played(week, spec_of(), events_of(week, spec_of()))
    spec = spec_of(breakers=Breakers(max_drawdown=0.0005))
    session, steps = played(week, spec, events_of(week, spec))
    halted = [step for step in steps if "max_drawdown" in step.halts]
    assert halted
    assert 0 < len(session.fills) < len(free.fills)
    assert all(d.hard_blocked for step in halted for d in step.decisions)
