"""Runs a paper session: hands over what arrives, measures how long it takes, says what came of it.

No order is ever sent to a broker: fills are those that the backtest would give.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hotband.artefacts.roster import RosterFolder
from hotband.artefacts.schemas import Instrument, Latest
from hotband.live.arrivals import Arrival
from hotband.live.driver import PaperDriver, told
from hotband.live.session import Step
from hotband.market.calendar import format_time

Said = Callable[[dict[str, Any]], None]


@dataclass
class Timings:
    """How long closings took, seconds: from the journal to the last fill."""

    seconds: list[float] = field(default_factory=list)

    def to_dict(self) -> dict[str, float | int | None]:
        """Count, median and 99th percentile in ms; None without any."""
        if not self.seconds:
            return {"events": 0, "p50_ms": None, "p99_ms": None}
        half, most = np.percentile(self.seconds, [50, 99]) * 1e3
        return {"events": len(self.seconds), "p50_ms": float(half), "p99_ms": float(most)}


async def run_paper(
    driver: PaperDriver, arrivals: AsyncIterator[Arrival], stop: asyncio.Event, say: Said
) -> Timings:
    """Take in what arrives until there is no more, or ``stop`` is set; the recording stays open.

    ``say`` hears of fills, switches, halts that begin or end, inputs that were left out, and
    trouble.
    """
    timings = Timings()
    halts: tuple[str, ...] = ()
    async for arrival in arrivals:
        match arrival.kind:
            case "bar" | "gate":
                _take(driver, arrival, say)
            case "switch":
                driver.set_kill_switch(engaged=arrival.engaged)
                say({"kill_switch": arrival.engaged})
            case "trouble":
                say({"trouble": arrival.words})
            case "close":
                began = time.perf_counter()
                steps = driver.close(arrival.t_ns)
                timings.seconds.append(time.perf_counter() - began)
                for step in steps:
                    halts = _say_step(step, halts, say)
        if stop.is_set():
            break
    return timings


def _take(driver: PaperDriver, arrival: Arrival, say: Said) -> None:
    if arrival.row is None:
        return
    take = driver.take_bar if arrival.kind == "bar" else driver.take_gate
    fate = take(arrival.instrument, arrival.row)
    if fate not in {"taken", "duplicate"}:
        at = format_time(arrival.t_ns)
        say({"left_out": arrival.kind, "instrument": arrival.instrument, "at": at, "fate": fate})


def _say_step(step: Step, halts: tuple[str, ...], say: Said) -> tuple[str, ...]:
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
    for name, entry in latest.instruments.items():
        if not isinstance(entry, Instrument):
            continue
        held = None if roster is None else roster.instruments.get(name)
        last = None if held is None else held.state.last
        size = (1.0 if entry.qualified else 0.0) if last is None else last.size_x
        if size > 0.0:
            params = entry.params.model_dump()
            settings = params.pop("settings")
            params["exposure"] *= size
            found[name] = params | settings
    return found
