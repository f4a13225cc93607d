"""Small stores and recordings of the demo market for tests of paper sessions."""

from functools import cache
from pathlib import Path
from typing import Any, Final

from hotband.feeds.demo import demo_bars
from hotband.gates.encoder import encode_gates
from hotband.gates.encoder_state import EncoderSettings
from hotband.gates.events import Gates
from hotband.live.arrivals import Arrival, history, warm_up_of
from hotband.live.driver import PaperDriver
from hotband.live.spec import SessionSpec, profile_text
from hotband.market.bars import Bars
from hotband.market.calendar import parse_time
from hotband.profile.strategy import effective, load_profile
from hotband.stores.memory import memory_bars, memory_gates
from hotband.stores.ports import BarStore, GateStore

NAMES: Final = ("EUR_USD", "USD_JPY")
WARM: Final = "2026-03-01T22:00:00Z"
START: Final = "2026-03-08T22:00:00Z"
END: Final = "2026-03-09T21:00:00Z"


@cache
def market() -> tuple[dict[str, Bars], dict[str, Gates]]:
    """M5 bars and encoded gates of the pairs."""
    bars = demo_bars(NAMES, parse_time(WARM), parse_time(END), "M5")
    profile = load_profile()
    gates = {}
    for name, held in bars.items():
        own = effective(profile, name)
        values = own.encoder.model_dump() | {"stride_bars": 2}
        settings = EncoderSettings(**values, lambda_scale=own.lambda_scale)
        gates[name] = encode_gates(held, settings).gates
    return bars, gates


@cache
def stores() -> tuple[BarStore, GateStore]:
    """Stores that hold the market."""
    held_bars, held_gates = memory_bars("paper-weeks"), memory_gates("paper-weeks")
    bars, gates = market()
    for name in NAMES:
        held_bars.append(bars[name])
        held_gates.append(gates[name])
    return held_bars, held_gates


def spec_of(**changes: Any) -> SessionSpec:
    """The session of the days."""
    given: dict[str, Any] = {
        "instruments": NAMES,
        "granularity": "M5",
        "start_ns": parse_time(START),
        "balance": 100_000.0,
        "profile_text": profile_text(None),
    }
    return SessionSpec(**given | changes)


def arrivals() -> list[Arrival]:
    """Everything, as it becomes known."""
    return list(history(spec_of(), *stores(), parse_time(END)))


def begun(folder: Path, **changes: Any) -> PaperDriver:
    """A new session."""
    spec = spec_of(**changes)
    return PaperDriver.begin(folder, spec, warm_up_of(stores()[0], spec))


def hand_over(driver: PaperDriver, some: list[Arrival]) -> None:
    """Take in what arrived."""
    for arrival in some:
        if arrival.kind == "close":
            driver.close(arrival.t_ns)
        elif arrival.row is not None:
            take = driver.take_bar if arrival.kind == "bar" else driver.take_gate
            take(arrival.instrument, arrival.row)
