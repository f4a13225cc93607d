"""A paper session's inputs out of order: schedules, and what must hold whatever comes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from hotband.live.arrivals import Arrival
from hotband.live.driver import PaperDriver
from hotband.live.session import PaperSession
from hotband.market.calendar import MINUTE_NS, SECOND_NS
from tests.unit.live.paper_weeks import arrivals, begun

STEP_NS = 5 * MINUTE_NS


@dataclass(frozen=True)
class Disorder:
    """How likely each thing is, per input; ``seed`` draws."""

    seed: int
    late: float = 0.0
    twice: float = 0.0
    missing: float = 0.0
    revised: float = 0.0
    still: int = 0
    """Closings in a row that are made hours late, after a stretch without any."""
    restarts: int = 0
    clock: bool = False
    """The machine's clock is set forward, and back, by minutes."""


def disturbed(disorder: Disorder) -> list[Arrival | str]:
    """The inputs of the day in disorder; "restart" where the process ends and comes again."""
    drawn = np.random.default_rng(disorder.seed)
    plain = arrivals()
    placed: list[tuple[float, int, Arrival | str]] = []
    closings = [k for k, arrival in enumerate(plain) if arrival.kind == "close"]
    still_from = closings[int(drawn.integers(20, 150))] if disorder.still else len(plain)
    still_to = closings[min(len(closings) - 1, closings.index(still_from) + disorder.still)] \
        if disorder.still else len(plain)  # fmt: skip
    set_from, set_to = sorted(drawn.choice(closings[10:], 2, replace=False).tolist())
    for k, arrival in enumerate(plain):
        if arrival.kind == "close":
            lag = 5 * SECOND_NS
            if still_from <= k < still_to:
                lag = int(plain[still_to].t_ns - arrival.t_ns) + STEP_NS
            if disorder.clock and set_from <= k < set_to:
                lag += 7 * MINUTE_NS
            closing = Arrival("close", arrival.t_ns, now_ns=arrival.t_ns + STEP_NS + lag)
            placed.append((float(k), 0, closing))
            if disorder.clock and k in {set_from, set_to}:
                by = (1 if k == set_from else -1) * 7 * MINUTE_NS
                placed.append((k - 0.5, 0, Arrival("clock", arrival.t_ns, by_ns=by)))
            continue
        if drawn.random() < disorder.missing:
            continue
        at = float(k)
        if drawn.random() < disorder.late:
            at += float(drawn.integers(1, 60))
        placed.append((at, 1, arrival))
        if drawn.random() < disorder.twice:
            placed.append((at + float(drawn.integers(0, 40)), 2, arrival))
        if drawn.random() < disorder.revised:
            placed.append((at + float(drawn.integers(1, 40)), 3, revised(arrival)))
    ends = drawn.integers(0, len(plain), disorder.restarts).tolist()
    placed += [(at + 0.25, 4, "restart") for at in ends]
    return [each for _, _, each in sorted(placed, key=lambda one: one[:2])]


def revised(arrival: Arrival) -> Arrival:
    """The same bar or gate with other values, still sound."""
    assert arrival.row is not None
    row = arrival.row.copy()
    if arrival.kind == "bar":
        row["volume"] += 1.0
        row["ask_h"] *= 1.001
    else:
        row["hazard"] *= 0.5
    return Arrival(arrival.kind, arrival.t_ns, arrival.instrument, row)


def played(folder: Path, inputs: list[Arrival | str]) -> PaperDriver:
    """A session of the inputs, with the laws checked after every closing."""
    driver = begun(folder)
    for each in inputs:
        if isinstance(each, str):
            driver.recording.flush()
            before = state_of(driver.session)
            driver.stop()
            driver = PaperDriver.resume(folder)
            assert state_of(driver.session) == before
        elif each.kind == "close":
            driver.close(each.t_ns, each.now_ns)
            check(driver.session)
        elif each.kind == "clock":
            driver.note("clock", now=each.t_ns, by=each.by_ns)
        else:
            assert each.row is not None
            take = driver.take_bar if each.kind == "bar" else driver.take_gate
            take(each.instrument, each.row)
    driver.stop()
    return driver


def state_of(session: PaperSession) -> tuple[bytes, ...]:
    """All that decides what a session does next."""
    manager = session.manager
    parts = (manager.account, manager.books, manager.fills, manager.days)
    waiting = repr(session.waiting).encode()
    return (*(part.tobytes() for part in parts), waiting, str(session.closed_ns).encode())


def check(session: PaperSession) -> None:
    """The identities of the account, and one position where one is allowed."""
    account, books = session.manager.account[0], session.manager.books
    fills = session.fills
    assert account.nav == account.balance + account.unrealised
    assert account.unrealised == pytest.approx(float(books["unrealised"].sum()), abs=1e-6)
    assert (books["n"] <= session.manager.rules["max_stack"]).all()
    assert account.positions == books["n"].sum() == fills["kind"].sum()
    booked = float(fills["gross"].sum()) - account.commission + account.financing
    assert account.balance == pytest.approx(session.spec.balance + booked, abs=1e-6)
