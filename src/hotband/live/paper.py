"""Runs a paper session: hands over what arrives, measures how long it takes, says what came of it.

No order is ever sent to a broker: fills are those that the backtest would give.
"""

import asyncio
import math
import time
from array import array
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from hotband.artefacts.roster import RosterFolder
from hotband.artefacts.schemas import Instrument, Latest
from hotband.errors import StoreError
from hotband.live.arrivals import Arrival
from hotband.live.driver import PaperDriver, told
from hotband.live.session import Step
from hotband.market.calendar import SECOND_NS, format_time

Said = Callable[[dict[str, Any]], None]


BOUNDS_MS: Final = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0, 250.0)


@dataclass
class Timings:
    """How long decisions took, seconds: taking in the last bar, and the closing.

    ``with_sync`` has all of it; ``in_process`` leaves out the wait for the journal's disk;
    ``cpu`` is what the processor worked on it, whatever else the machine had to do.
    """

    with_sync: "array[float]" = field(default_factory=lambda: array("d"))
    in_process: "array[float]" = field(default_factory=lambda: array("d"))
    cpu: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, seconds: float, synced_s: float, cpu_s: float) -> None:
        """One closing; ``synced_s`` of its seconds went to the disk."""
        self.with_sync.append(seconds)
        self.in_process.append(seconds - synced_s)
        self.cpu.append(cpu_s)

    def to_dict(self) -> dict[str, Any]:
        """Count, and of each kind p50, p99 and max in ms with a histogram; None without any."""
        return {
            "events": len(self.with_sync),
            "cpu": _spread(self.cpu),
            "in_process": _spread(self.in_process),
            "with_sync": _spread(self.with_sync),
        }


def _spread(seconds: "array[float]") -> dict[str, Any] | None:
    if not seconds:
        return None
    ms = np.asarray(seconds) * 1e3
    half, most = np.percentile(ms, [50, 99]).tolist()
    edges = (0.0, *BOUNDS_MS, math.inf)
    counts = np.histogram(ms, edges)[0].tolist()
    names = (*(f"to_{bound:g}_ms" for bound in BOUNDS_MS), "above")
    return {
        "p50_ms": half,
        "p99_ms": most,
        "max_ms": float(ms.max()),
        "histogram": dict(zip(names, counts, strict=True)),
    }


async def run_paper(
    driver: PaperDriver, arrivals: AsyncIterator[Arrival], stop: asyncio.Event, say: Said
) -> Timings:
    """Take in what arrives until there is no more, or ``stop`` is set; the recording stays open.

    ``say`` hears of fills, switches, halts that begin or end, inputs that were left out, stale
    prices, a clock that was set, and trouble. While the recording cannot be written nothing is
    done, and what waits is done once it can be.
    """
    timings = Timings()
    run = _Run(driver, say)
    async for arrival in arrivals:
        began, cpu, synced = time.perf_counter(), time.thread_time(), driver.recording.synced_s
        if arrival.kind == "close":
            if run.close(arrival):
                timings.add(
                    time.perf_counter() - began + run.last_bar_s[0],
                    driver.recording.synced_s - synced,
                    time.thread_time() - cpu + run.last_bar_s[1],
                )
        else:
            run.take(arrival)
            if arrival.kind == "bar":
                run.last_bar_s = time.perf_counter() - began, time.thread_time() - cpu
        if stop.is_set():
            break
    return timings


@dataclass
class _Run:
    driver: PaperDriver
    say: Said
    last_bar_s: tuple[float, float] = (0.0, 0.0)
    halts: tuple[str, ...] = ()
    unwritten: bool = False

    def take(self, arrival: Arrival) -> None:
        driver, at = self.driver, format_time(arrival.t_ns)
        match arrival.kind:
            case "bar" | "gate":
                self._take_row(arrival)
            case "switch":
                driver.set_kill_switch(engaged=arrival.engaged)
                self.say({"kill_switch": arrival.engaged})
            case "clock":
                driver.note("clock", now=arrival.t_ns, by=arrival.by_ns)
                self.say({"clock_set_by_s": arrival.by_ns / SECOND_NS, "at": at})
            case "feed":
                self.say({"feed": arrival.instrument, "prices": arrival.words, "last": at})
            case "trouble":
                driver.note("trouble", now=arrival.t_ns, words=arrival.words)
                self.say({"trouble": arrival.words})

    def _take_row(self, arrival: Arrival) -> None:
        kind, name, row = arrival.kind, arrival.instrument, arrival.row
        if row is None or (arrival.again and self.driver.knows(kind, name, row)):
            return
        take = self.driver.take_bar if kind == "bar" else self.driver.take_gate
        fate = take(name, row)
        if fate not in {"taken", "duplicate"}:
            at = format_time(arrival.t_ns)
            self.say({"left_out": kind, "instrument": name, "at": at, "fate": fate})

    def close(self, arrival: Arrival) -> bool:
        """Whether anything was done."""
        try:
            steps = self.driver.close(arrival.t_ns, arrival.now_ns)
        except StoreError as error:
            if arrival.now_ns is None:
                raise
            if not self.unwritten:
                self.say({"trouble": str(error)})
            self.unwritten = True
            return False
        if self.unwritten and steps:
            self.unwritten = False
            self.say({"trouble": "the recording can be written again"})
        for step in steps:
            self.halts = _say_step(step, self.halts, self.say)
        return bool(steps)


def _say_step(step: Step, halts: tuple[str, ...], say: Said) -> tuple[str, ...]:
    if step.unpriced:
        words = f"no price to convert: {', '.join(step.unpriced)} left out"
        say({"at": format_time(step.t_ns), "trouble": words})
    if step.instruments and step.halts != halts:
        say({"at": format_time(step.t_ns), "halts": list(step.halts), "nav": step.nav})
        halts = step.halts
    if len(step.fills):
        values = told(step)
        say(
            {
                "at": format_time(step.t_ns),
                "fills": len(step.fills),
                "decisions": values["decisions"],
                "nav": step.nav,
                "balance": step.balance,
            }
        )
    return halts


def roster_cells(folder: RosterFolder, latest: Latest) -> dict[str, Mapping[str, Any]]:
    """The cells that the roster trades: those of the last result, with the size it gives them.

    An instrument that the roster disables, or whose result failed, is left out. Without a
    decision on it an instrument trades its cell only where that qualified.
    """
    roster = folder.read()
    found: dict[str, Mapping[str, Any]] = {}
    for name, cell in candidate_cells(latest).items():
        entry = latest.instruments[name]
        held = None if roster is None else roster.instruments.get(name)
        last = None if held is None else held.state.last
        qualified = isinstance(entry, Instrument) and entry.qualified
        size = float(qualified) if last is None else last.size_x
        if size > 0.0:
            found[name] = {**cell, "exposure": cell["exposure"] * size}
    return found


def candidate_cells(latest: Latest) -> dict[str, Mapping[str, Any]]:
    """The cells of the last result in full size, whatever the roster says of them."""
    return {
        name: entry.params.cell
        for name, entry in latest.instruments.items()
        if isinstance(entry, Instrument)
    }
