"""A session that follows stores lives through whatever becomes of them, and ends when told."""

import asyncio
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.live.paper_weeks import NAMES, START, begun, market
from tests.valkey_server import ValkeyServer

from hotband.core.records import Records
from hotband.gates.events import Gates
from hotband.gates.producer import gates_on
from hotband.live.arrivals import Arrival, paced
from hotband.live.clock import FixedClock, SteadyClock
from hotband.live.driver import PaperDriver
from hotband.live.kill_switch import FileSwitch
from hotband.live.paper import run_paper
from hotband.live.reconcile import certify_session
from hotband.live.spec import SessionSpec
from hotband.live.watch import LONGEST_PAUSE_S, StoreWatch, watched
from hotband.market.bars import Bars
from hotband.market.calendar import MINUTE_NS, SECOND_NS, parse_time
from hotband.stores.memory import memory_bars, memory_gates
from hotband.stores.ports import BarStore, GateStore
from hotband.stores.produced import ProducedGates
from hotband.stores.urls import open_bar_store, open_gate_store

STEP_NS = 5 * MINUTE_NS
FIRST = parse_time(START)


class World:
    """Stores that fill as time goes on, and a session that follows them."""

    def __init__(self, folder: Path, bars: BarStore, gates: GateStore, **changes: Any) -> None:
        self.bars, self.gates = bars, gates
        self.clock = FixedClock(FIRST)
        self.elapsed_ns = 0
        self.driver = begun(folder, **changes)
        switch = FileSwitch(folder)
        switch.write(engaged=False)
        steady = SteadyClock(self.clock, lambda: self.elapsed_ns)
        self.watch = StoreWatch(self.spec, bars, gates, switch, steady)
        self.said: list[Arrival] = []

    @property
    def spec(self) -> SessionSpec:
        return self.driver.session.spec

    def publish(self, since_ns: int, until_ns: int, *names: str) -> None:
        """What becomes known in [since, until) goes to the stores."""
        bars, gates = market()
        for name in names or NAMES:
            held = bars[name]
            known = held.data["t"] + STEP_NS
            some = held.data[(known >= since_ns) & (known < until_ns)]
            self.bars.append(bars_of(name, some), replace=True)
            if isinstance(self.gates, ProducedGates):
                continue
            rows = gates[name].data
            chosen = rows[(rows["known"] >= since_ns) & (rows["known"] < until_ns)]
            self.gates.append(Gates(name, chosen, "memory"), replace=True)

    def wait(self, seconds: float, *, wall: float | None = None) -> list[Arrival]:
        """Time passes, by the machine's clock ``wall`` seconds, and the session looks."""
        self.elapsed_ns += round(seconds * SECOND_NS)
        passed = seconds if wall is None else wall
        self.clock.set_ns(self.clock.now_ns() + round(passed * SECOND_NS))
        return self.look()

    def look(self) -> list[Arrival]:
        found = self.watch.look()
        for arrival in found:
            self._hand_over(arrival)
        closings = list(self.watch.closings(self.driver.session.waiting))
        for arrival in closings:
            self._hand_over(arrival)
        self.said += found + closings
        return found + closings

    def _hand_over(self, arrival: Arrival) -> None:
        if arrival.kind == "close":
            self.driver.close(arrival.t_ns, arrival.now_ns)
        elif arrival.kind == "clock":
            self.driver.note("clock", now=arrival.t_ns, by=arrival.by_ns)
        elif arrival.row is not None:
            take = self.driver.take_bar if arrival.kind == "bar" else self.driver.take_gate
            take(arrival.instrument, arrival.row)

    def live(self, until_ns: int, *, every_s: float = 300.0) -> None:
        """Bars and gates come when they are known, until then."""
        last = self.clock.now_ns()
        while last < until_ns:
            self.publish(last + 1, last + round(every_s * SECOND_NS) + 1)
            self.wait(every_s)
            last = self.clock.now_ns()

    def kinds(self) -> list[str]:
        return [arrival.kind for arrival in self.said]


def bars_of(name: str, rows: Records) -> Bars:
    return Bars.from_records(name, "M5", np.ascontiguousarray(rows), source="demo")


def filled(bars: BarStore, gates: GateStore) -> tuple[BarStore, GateStore]:
    """The stores with what was known before the start."""
    held_bars, held_gates = market()
    for name in NAMES:
        bars.append(held_bars[name].window(0, FIRST))
        rows = held_gates[name].data
        gates.append(Gates(name, rows[rows["known"] <= FIRST], "memory"))
    return bars, gates


@pytest.fixture
def world(tmp_path: Path) -> World:
    stores = filled(memory_bars(str(tmp_path)), memory_gates(str(tmp_path)))
    return World(tmp_path / "live", *stores)


def test_a_look_that_finds_nothing_new_is_no_error(world: World) -> None:
    world.look()
    for _ in range(5):
        assert [a.kind for a in world.wait(2.0)] == []


def test_a_followed_day_is_proven_and_every_open_time_is_closed_once(world: World) -> None:
    world.live(parse_time("2026-03-09T12:00:00Z"))
    found = [a for a in world.said if a.kind == "close"]
    assert len({a.t_ns for a in found}) == len(found) > 150
    assert len(world.driver.session.fills) > 0
    world.driver.stop()
    assert certify_session(world.driver.recording.folder).proven


class Rising:
    """A strategy of somebody's own: it buys after each bar that rose."""

    name, memory_bars = "rising", 1

    def gates(self, bars: Bars) -> Gates:
        rows = np.flatnonzero(bars.data["bid_c"] > bars.data["bid_o"])
        ones = np.ones(len(rows), np.int64)
        return gates_on(bars, rows, ones, ones * 0.5, ones)


def test_gates_made_from_the_bars_as_they_come_trade_as_their_backtest_says(tmp_path: Path) -> None:
    held = memory_bars(str(tmp_path))
    for name in NAMES:
        held.append(market()[0][name].window(0, FIRST))
    crossover = Path(__file__).parents[3] / "examples" / "crossover" / "profile.yaml"
    produced = ProducedGates(Rising(), held, "M5")
    world = World(tmp_path / "live", held, produced, profile_text=crossover.read_text("utf-8"))
    end = parse_time("2026-03-09T12:00:00Z")
    world.live(end)
    world.driver.stop()
    assert len(world.driver.session.fills) > 0
    assert set(world.driver.fates) == {"taken"}
    proof = certify_session(world.driver.recording.folder)
    assert proof.proven
    made = [produced.read(name, FIRST + 1, end + 1).data for name in NAMES]
    known = {(a.instrument, a.t_ns) for a in world.said if a.kind == "gate" and a.t_ns > FIRST}
    assert known == {
        (name, int(t)) for name, rows in zip(NAMES, made, strict=True) for t in rows["known"]
    }


def test_a_gate_that_is_in_force_at_the_start_is_not_late(world: World) -> None:
    rows = market()[1][NAMES[0]].data
    before = rows[rows["known"] < FIRST][-1:]
    assert world.driver.take_gate(NAMES[0], before) == "taken"
    world.live(FIRST + 3 * STEP_NS)
    earlier = rows[rows["known"] < before["known"][0]][-1:]
    assert world.driver.take_gate(NAMES[0], earlier) == "superseded"


def test_a_bar_that_comes_late_is_still_seen_and_named(world: World) -> None:
    world.look()
    world.publish(FIRST + 1, FIRST + STEP_NS + 1)
    world.wait(300)
    world.publish(FIRST + STEP_NS + 1, FIRST + 2 * STEP_NS + 1, "EUR_USD")
    assert "close" not in [a.kind for a in world.wait(300)]
    assert "close" in [a.kind for a in world.wait(25)]
    world.publish(FIRST + 2 * STEP_NS + 1, FIRST + 3 * STEP_NS + 1)
    world.wait(275)
    world.publish(FIRST + STEP_NS + 1, FIRST + 2 * STEP_NS + 1, "USD_JPY")
    late = [a for a in world.wait(2.0) if a.kind == "bar"]
    assert [(a.instrument, a.t_ns) for a in late] == [("USD_JPY", FIRST + 2 * STEP_NS)]
    assert world.driver.fates["late"] == 1


def test_a_bar_that_is_revised_in_the_store_is_taken_down_as_a_conflict(world: World) -> None:
    world.publish(FIRST + 1, FIRST + STEP_NS + 1)
    world.wait(300)
    other = market()[0]["EUR_USD"].window(FIRST, FIRST + STEP_NS).data.copy()
    other["volume"] += 1
    world.bars.append(bars_of("EUR_USD", other), replace=True)
    world.wait(2.0)
    world.wait(2.0)
    assert world.driver.fates["conflict"] == 1


def test_a_bar_that_is_not_over_is_left_alone(world: World) -> None:
    world.publish(FIRST + 1, FIRST + 2 * STEP_NS + 1)
    assert [a.t_ns for a in world.wait(301) if a.kind == "bar"] == [FIRST + STEP_NS] * 2


def test_with_the_clock_set_back_bars_are_done_as_they_come(world: World) -> None:
    world.live(FIRST + 6 * STEP_NS)
    now = world.clock.now_ns()
    world.publish(now + 1, now + STEP_NS + 1)
    found = world.wait(300, wall=300 - 600)
    assert [a.by_ns for a in found if a.kind == "clock"] == [-600 * SECOND_NS]
    assert [a.t_ns for a in found if a.kind == "close"] == [now]
    world.publish(now + STEP_NS + 1, now + 2 * STEP_NS + 1)
    assert [a.t_ns for a in world.wait(300) if a.kind == "close"] == [now + STEP_NS]


def test_a_clock_that_was_ahead_and_is_set_right_is_followed_at_once(world: World) -> None:
    world.live(FIRST + 4 * STEP_NS)
    now = world.clock.now_ns()
    world.wait(2.0, wall=602)
    world.wait(2.0, wall=2 - 600)
    world.publish(now + 1, now + STEP_NS + 1)
    closing = [a for a in world.wait(296) if a.kind == "close"]
    assert [(a.t_ns, a.now_ns) for a in closing] == [(now, now + STEP_NS)]


def test_prices_that_stand_still_are_said_once_and_when_they_move_again(world: World) -> None:
    world.live(FIRST + 4 * STEP_NS)
    now = world.clock.now_ns()
    for _ in range(120):
        world.wait(60)
    feeds = [(a.instrument, a.words) for a in world.said if a.kind == "feed"]
    assert feeds == [(name, "stale") for name in NAMES]
    world.publish(now + 1, world.clock.now_ns() + STEP_NS + 1)
    world.wait(300)
    feeds = [(a.instrument, a.words) for a in world.said if a.kind == "feed"]
    assert feeds[2:] == [(name, "fresh") for name in NAMES]


def test_the_weekend_makes_no_price_stale(world: World) -> None:
    world.clock.set_ns(parse_time("2026-03-13T20:59:00Z"))
    world.look()
    before = len([a for a in world.said if a.kind == "feed"])
    world.wait(47 * 3600)
    assert len([a for a in world.said if a.kind == "feed"]) == before


def away(folder: Path) -> Path:
    return folder.with_name(folder.name + "-away")


def test_a_parquet_store_that_goes_away_is_caught_up_in_order_when_it_is_back(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "stores"
    url = f"parquet://{folder}"
    world = World(tmp_path / "live", *filled(open_bar_store(url), open_gate_store(url)))
    world.live(FIRST + 6 * STEP_NS)
    now = world.clock.now_ns()
    world.publish(now + 1, now + 40 * STEP_NS + 1)
    shutil.move(folder, away(folder))
    for _ in range(40):
        world.wait(300)
    troubles = [a for a in world.said if a.kind == "trouble"]
    assert len(troubles) == 2 * len(NAMES)
    assert world.watch.pause_s > 10.0
    shutil.move(away(folder), folder)
    found = world.wait(2.0)
    assert "close" in [a.kind for a in found]
    assert world.watch.pause_s == 2.0
    times = [a.t_ns for a in found if a.kind == "bar" and a.instrument == "EUR_USD"]
    assert times == [now + k * STEP_NS for k in range(1, 41)]
    world.driver.stop()
    certificate = certify_session(world.driver.recording.folder)
    assert set(certificate.mismatch_counts) <= {"late_data"}
    assert certificate.reproduced


def test_a_server_that_is_killed_and_comes_again_empty_ends_no_session(
    tmp_path: Path, new_valkey: Callable[..., ValkeyServer]
) -> None:
    server = new_valkey().start()
    url = server.url(0, read_s=1)
    world = World(tmp_path / "live", *filled(open_bar_store(url), open_gate_store(url)))
    world.live(FIRST + 6 * STEP_NS)
    server.kill()
    for _ in range(5):
        world.wait(300)
    assert "trouble" in world.kinds()
    server.start()
    world.wait(300)
    until = world.clock.now_ns()
    held_bars, held_gates = market()
    for name in NAMES:
        world.bars.append(held_bars[name].window(0, until))
        rows = held_gates[name].data
        world.gates.append(Gates(name, rows[rows["known"] <= until], "memory"))
    world.wait(2.0)
    assert world.driver.session.closed_ns == until - STEP_NS
    with server.admin() as client:
        client.set("md:candles:EUR_USD:M5", b"no sorted set")
    world.wait(300)
    assert [a.kind for a in world.said[-2:]].count("trouble") >= 1
    server.stop()
    world.driver.stop()
    assert certify_session(world.driver.recording.folder).reproduced


def test_pauses_grow_to_a_bound_and_are_not_all_alike(world: World, tmp_path: Path) -> None:
    missing = open_bar_store(f"parquet://{tmp_path / 'none'}")
    gates = open_gate_store(f"parquet://{tmp_path / 'none'}")
    watch = StoreWatch(
        world.spec, missing, gates, FileSwitch(tmp_path), SteadyClock(world.clock, lambda: 0)
    )
    pauses = []
    for _ in range(10):
        watch.look()
        pauses.append(watch.pause_s)
    assert max(pauses) <= LONGEST_PAUSE_S
    assert min(pauses[5:]) > 10.0
    assert len(set(pauses)) > 5


class HangingStore:
    """A store whose server takes the question and never answers."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.let_go = threading.Event()

    def read(self, *_: Any) -> Any:
        self.asked.set()
        self.let_go.wait(60)
        raise AssertionError


def test_told_to_stop_a_session_ends_while_a_store_hangs(world: World, tmp_path: Path) -> None:
    store: Any = HangingStore()
    steady = SteadyClock(world.clock)
    watch = StoreWatch(world.spec, store, store, FileSwitch(tmp_path), steady)

    async def followed() -> float:
        stop = asyncio.Event()
        arrivals = watched(watch, lambda: world.driver.session.waiting, stop)
        running = asyncio.ensure_future(run_paper(world.driver, arrivals, stop, lambda _: None))
        await asyncio.to_thread(store.asked.wait, 30)
        stop.set()
        began = time.monotonic()
        await running
        return time.monotonic() - began

    try:
        assert asyncio.run(followed()) < 20.0
    finally:
        store.let_go.set()


def test_told_to_stop_a_replay_at_its_own_pace_does_not_wait_for_the_next_bar() -> None:
    arrivals = [Arrival("close", FIRST), Arrival("close", FIRST + 3600 * SECOND_NS)]

    async def replayed() -> int:
        stop = asyncio.Event()
        count = 0
        async for _ in paced(iter(arrivals), 1.0, FixedClock(0), stop):
            count += 1
            stop.set()
        return count

    assert asyncio.run(replayed()) == 1


def test_a_session_that_goes_on_asks_for_nothing_twice(world: World) -> None:
    world.live(FIRST + 10 * STEP_NS)
    world.driver.stop()
    driver = PaperDriver.resume(world.driver.recording.folder)
    steady = SteadyClock(world.clock, lambda: world.elapsed_ns)
    watch = StoreWatch(world.spec, world.bars, world.gates, FileSwitch(Path("/nowhere")), steady)
    watch.resume_after(driver.last_bars, driver.last_gates)
    rows = [a for a in watch.look() if a.row is not None]
    assert rows
    assert all(a.again for a in rows)
    known = [a.row is not None and driver.knows(a.kind, a.instrument, a.row) for a in rows]
    assert all(known)
    driver.stop()
