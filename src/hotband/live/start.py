"""From plain arguments to a running paper session: the way in for the command line."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from hotband.artefacts.roster import RosterFolder
from hotband.artefacts.writer import ArtefactFolder
from hotband.errors import InputError
from hotband.live.arrivals import Arrival, history, paced, warm_up_of
from hotband.live.clock import Clock, SteadyClock, SystemClock
from hotband.live.driver import PaperDriver
from hotband.live.kill_switch import open_kill_switch
from hotband.live.paper import candidate_cells, roster_cells, run_paper
from hotband.live.spec import Breakers, SessionSpec, profile_text
from hotband.live.watch import StoreWatch, watched
from hotband.market.calendar import format_time, parse_granularity, parse_window
from hotband.stopping import stop_on_signals
from hotband.stores.location import Locations
from hotband.stores.ports import BarStore, GateStore
from hotband.stores.urls import open_bar_store, open_gates_of_run
from hotband.stores.valkey_address import without_password

Said = Callable[[dict[str, Any]], None]
POLL_S: Final = 2.0
"""Seconds between two looks at a broker's candles."""


@dataclass(frozen=True)
class Asked:
    """What was asked for; meanings are those of ``hotband paper``."""

    instruments: tuple[str, ...] = ()
    replay: bool = False
    start: str | None = None
    end: str | None = None
    speed: float | None = None
    granularity: str = "M1"
    balance: float = 100_000.0
    profile: Path | None = None
    bars: str | None = None
    gates: str | None = None
    breakers: tuple[float | None, float | None] = (None, None)
    stale_after_s: float = 120.0
    recording: Path | None = None
    resume: bool = False
    source: Literal["oanda"] | None = None
    candidates: bool = False

    def __post_init__(self) -> None:
        if self.replay and (self.start is None or self.end is None):
            do = "Give both."
            raise InputError("window of a replay", "one of start and end", "both", do)
        if not self.replay and (self.start or self.end or self.speed):
            got, allowed = "start, end or speed", "none of them without --replay"
            raise InputError("live session", got, allowed, "Leave them out, or add --replay.")
        if self.replay and self.source is not None:
            do = "Leave out --source; a replay reads what the stores hold."
            raise InputError("source of a replay", self.source, "none", do)
        if self.speed is not None and not self.speed > 0:
            raise InputError("speed", self.speed, "above 0", "Leave it out for the fastest.")
        if self.resume and self.recording is None:
            raise InputError("resume", "no recording", "--recording FOLDER", "Name it.")


def run_session(asked: Asked, say: Said, clock: Clock | None = None) -> None:
    """Run a session to its end, or until a signal.

    Raises:
        HotbandError: What was asked for cannot be run, or a recording cannot go on.
    """
    places, now = Locations.from_environment(), clock or SystemClock()
    bars = open_bar_store(asked.bars or places.bars)
    held = PaperDriver.resume(asked.recording) if asked.resume and asked.recording else None
    spec = _spec(asked, places, now) if held is None else held.session.spec
    gates = open_gates_of_run(asked.gates or places.gates, bars, spec.granularity)
    with _source(asked, spec, (bars, asked.bars or places.bars), now, say) as feed:
        if held is None:
            folder = asked.recording or _folder(places.home, spec)
            driver = PaperDriver.begin(folder, spec, warm_up_of(bars, spec))
        else:
            driver = held
        say(_opening(driver))
        with stop_on_signals() as stopped, feed(stopped):
            try:
                timings = asyncio.run(_run(asked, driver, (bars, gates), now, stopped, say))
            finally:
                driver.stop()
    say(_closing(driver) | {"timings": timings})


@contextmanager
def _source(
    asked: Asked, spec: SessionSpec, place: tuple[BarStore, str], clock: Clock, say: Said
) -> Iterator[Callable[[threading.Event], AbstractContextManager[None]]]:
    """The store filled up to now by whoever feeds it; a context in which that goes on.

    Without a source somebody else fills the store.
    """
    if asked.source is None:
        yield lambda _: nullcontext()
        return
    from hotband.live.following import following_oanda

    def told(line: str) -> None:
        say({"source": asked.source, "said": line})

    hours = spec.profile.account.market_hours()
    at = place[0], without_password(place[1])
    with following_oanda(spec.pairs, spec.granularity, at, hours, clock, told) as follower:
        for came in follower.catch_up():
            say({"source": asked.source} | came.to_dict())

        yield lambda stopped: follower.running(stopped, POLL_S, lambda _: None)


async def _run(
    asked: Asked,
    driver: PaperDriver,
    stores: tuple[BarStore, GateStore],
    clock: Clock,
    stopped: threading.Event,
    say: Said,
) -> dict[str, Any]:
    stop = asyncio.Event()
    listener = asyncio.create_task(_until(stopped, stop))
    try:
        arrivals = _arrivals(asked, driver, stores, clock, stop)
        timings = await run_paper(driver, arrivals, stop, say)
    finally:
        listener.cancel()
    return timings.to_dict()


def _arrivals(
    asked: Asked,
    driver: PaperDriver,
    stores: tuple[BarStore, GateStore],
    clock: Clock,
    stop: asyncio.Event,
) -> AsyncIterator[Arrival]:
    session = driver.session
    if asked.replay and asked.start is not None and asked.end is not None:
        end_ns = parse_window(asked.start, asked.end)[1]
        taken = {"bars": driver.last_bars, "gates": driver.last_gates}
        found = history(session.spec, *stores, end_ns, taken)
        return paced(found, asked.speed, clock, stop)
    watch = StoreWatch(session.spec, *stores, open_kill_switch(), SteadyClock(clock))
    watch.resume_after(driver.last_bars, driver.last_gates)
    return watched(watch, lambda: session.waiting, stop)


async def _until(stopped: threading.Event, stop: asyncio.Event) -> None:
    while not stopped.is_set():
        await asyncio.sleep(0.05)
    stop.set()


def _spec(asked: Asked, places: Locations, clock: Clock) -> SessionSpec:
    if asked.replay and asked.start is not None and asked.end is not None:
        start_ns = parse_window(asked.start, asked.end)[0]
    else:
        step = parse_granularity(asked.granularity)
        start_ns = -(-clock.now_ns() // step) * step
    cells = {} if asked.instruments and not asked.candidates else _cells(places, asked)
    return SessionSpec(
        instruments=tuple(sorted(cells)) or asked.instruments,
        granularity=asked.granularity,
        start_ns=start_ns,
        balance=asked.balance,
        profile_text=profile_text(asked.profile or places.profile),
        cells=cells,
        breakers=Breakers(*asked.breakers),
        stale_after_s=asked.stale_after_s,
    )


def _cells(places: Locations, asked: Asked) -> dict[str, Any]:
    """The roster's cells, or all of the last result; InputError where there are none."""
    latest = ArtefactFolder(places.output).read_latest()
    if asked.candidates:
        found = {} if latest is None else candidate_cells(latest)
        for name in asked.instruments:
            if name not in found:
                allowed = ", ".join(found) or "none: no run has finished"
                do = "Name instruments of the last result, or run 'hotband weekly'."
                raise InputError("candidates", name, allowed, do, near=found)
        cells = {n: cell for n, cell in found.items() if n in (asked.instruments or found)}
    else:
        cells = {} if latest is None else roster_cells(RosterFolder(places.output), latest)
    if not cells:
        raise InputError(
            "instruments",
            "none, and the last result has none" if asked.candidates
            else "none, and the roster trades none",
            "names, or a roster that trades",
            "Name some with --instrument, or run 'hotband weekly' and 'hotband roster show'; "
            "--candidates trades the cells of the last result whatever the roster says.",
        )  # fmt: skip
    return dict(cells)


def _folder(home: Path, spec: SessionSpec) -> Path:
    name = format_time(spec.start_ns).replace(":", "").replace("-", "")
    root = home / "recordings"
    taken = {path.name for path in root.glob(f"{name}*")}
    free = (n for n in (name, *(f"{name}.{k}" for k in range(2, 10_000))) if n not in taken)
    return root / next(free)


def _opening(driver: PaperDriver) -> dict[str, Any]:
    spec = driver.session.spec
    return {
        "session": str(driver.recording.folder.name),
        "recording": str(driver.recording.folder),
        "instruments": list(spec.instruments),
        "start": format_time(spec.start_ns),
        "nav": driver.session.manager.nav,
        "paper": True,
    }


def _closing(driver: PaperDriver) -> dict[str, Any]:
    session = driver.session
    return {
        "ended": driver.recording.folder.name,
        "nav": session.manager.nav,
        "fills": len(session.fills),
        "open_positions": {
            name: int(session.manager.books["n"][k])
            for k, name in enumerate(session.spec.instruments)
            if session.manager.books["n"][k]
        },
        "inputs": dict(sorted(driver.fates.items())),
    }
