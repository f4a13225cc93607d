"""What a paper session's decision costs, from the last bar's arrival to the journal."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from benchmarks.rows import Row
from hotband.feeds.demo import demo_bars
from hotband.gates.encoder import encode_gates
from hotband.live.arrivals import Arrival, history, warm_up_of
from hotband.live.driver import PaperDriver
from hotband.live.paper import run_paper
from hotband.live.spec import SessionSpec, profile_text
from hotband.market.calendar import parse_time
from hotband.stores.memory import memory_bars, memory_gates

_NAMES = ("EUR_USD", "GBP_USD", "USD_JPY")
_WARM, _START, _END = "2026-03-01T22:00:00Z", "2026-03-08T22:00:00Z", "2026-03-10T22:00:00Z"


def paper() -> list[Row]:
    """Percentiles over two days of M1 of three pairs, with and without the wait for the disk."""
    bars, gates = memory_bars("benchmark"), memory_gates("benchmark")
    for held in demo_bars(_NAMES, parse_time(_WARM), parse_time(_END), "M1").values():
        bars.append(held, replace=True)
        gates.append(encode_gates(held).gates, replace=True)
    spec = SessionSpec(_NAMES, "M1", parse_time(_START), 100_000.0, profile_text(None))

    async def arrivals() -> AsyncIterator[Arrival]:
        for each in history(spec, bars, gates, parse_time(_END)):
            yield each

    with tempfile.TemporaryDirectory() as folder:
        driver = PaperDriver.begin(Path(folder) / "it", spec, warm_up_of(bars, spec))
        timings = asyncio.run(run_paper(driver, arrivals(), asyncio.Event(), lambda _: None))
        driver.stop()
    told = timings.to_dict()
    on = f"demo, {len(_NAMES)} pairs, {told['events']:,} open times"
    rows = []
    for kind, words, aim in (
        ("cpu", "processor time", "1"),
        ("in_process", "in the process", "1"),
        ("with_sync", "with the journal's fsync", ""),
    ):
        for name in ("p50", "p99", "max"):
            case = f"paper decision, {words}, {name}"
            aimed = aim if name == "p99" else ""
            rows.append(Row(case, told[kind][f"{name}_ms"], "ms", aimed, on))
    return rows
