"""What the service answers while a grid runs, and what being asked costs the grid."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import orjson
import psutil
import yaml

from benchmarks.rows import Row
from hotband.feeds.demo import demo_bars
from hotband.market.calendar import parse_time
from hotband.stores.urls import open_bar_store

CLIENTS: Final = 200
LOAD_S: Final = 30.0
PAIRS_OF_RUNS: Final = 3
AT_ONCE: Final = 16
UNBOUNDED_S: Final = 5.0
PATHS: Final = ("/api/backtests/status", "/api/backtests/latest")
CELLS: Final[dict[str, Any]] = {
    "hazard": {"band": 0.02, "points": 30},
    "min_reps": list(range(1, 9)),
    "hold_minutes": [15, 30, 45, 60, 90, 120, 180, 240],
    "exposure_x": [0.5, 0.75, 1.0, 1.25],
}


@dataclass
class Asked:
    """What clients saw: seconds per reply, and what was no good reply."""

    seconds: list[float] = field(default_factory=list)
    errors: int = 0
    replies_304: int = 0

    def quantile_ms(self, share: float) -> float:
        """A quantile of the times to answer, milliseconds."""
        ordered = sorted(self.seconds)
        return 1e3 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Client:
    """One connection that stays open, asking for one path with the tag it was given last."""

    def __init__(self, port: int, path: str, asked: Asked) -> None:
        self.port, self.path, self.asked = port, path, asked
        self.tag = ""
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self) -> None:
        """One request; a failure is counted, and the next one connects anew."""
        start = time.perf_counter()
        try:
            status = await asyncio.wait_for(self._exchange(), 10)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            self.asked.errors += 1
            self.close()
            return
        self.asked.seconds.append(time.perf_counter() - start)
        self.asked.errors += status not in {200, 304}
        self.asked.replies_304 += status == 304

    async def _exchange(self) -> int:
        if self.reader is None or self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        tag = f"If-None-Match: {self.tag}\r\n" if self.tag else ""
        request = f"GET {self.path} HTTP/1.1\r\nHost: localhost:{self.port}\r\n{tag}\r\n"
        self.writer.write(request.encode())
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(": ") for line in head[1:])
        headers = {name.lower(): value for name, _, value in pairs}
        self.tag = headers.get("etag", "")
        await self.reader.readexactly(int(headers.get("content-length", 0)))
        return int(head[0].split(" ")[1])

    def close(self) -> None:
        """Let the connection go."""
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


async def load(
    port: int, clients: int, every_s: float, paths: tuple[str, ...], over: Callable[[], bool]
) -> Asked:
    """So many clients, each asking every so many seconds until all is over; 0 = without a pause."""
    asked = Asked()

    async def live(number: int) -> None:
        client = Client(port, paths[number % len(paths)], asked)
        await asyncio.sleep(every_s * number / clients)
        while not over():
            start = time.perf_counter()
            await client.ask()
            await asyncio.sleep(max(0.0, start + every_s - time.perf_counter()) if every_s else 0)
        client.close()

    await asyncio.gather(*(live(number) for number in range(clients)))
    return asked


@contextmanager
def served(home: Path) -> Iterator[tuple[int, psutil.Process]]:
    """A service over a state folder of its own, on a free port; the port and its process."""
    own = {name: value for name, value in os.environ.items() if name != "VALKEY_URL"}
    environment = own | {
        "HOTBAND_HOME": str(home),
        "HOTBAND_GRID": str(home / "grid.yaml"),
        "HOTBAND_BARS": f"parquet://{home}",
        "HOTBAND_GATES": f"parquet://{home}",
        "HOTBAND_OUTPUT": str(home / "results"),
    }
    command = [sys.executable, "-m", "hotband", "serve", "--port", "0"]
    with (home / "service.txt").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
    said: Any = process.stdout
    try:
        port = urlsplit(said.readline().removeprefix("hotband: ").strip()).port
        if port is None:
            raise RuntimeError((home / "service.txt").read_text("utf-8"))
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()
        said.close()


def fill(home: Path) -> None:
    """Four weeks of two simulated pairs, and a grid of some thousand cells each."""
    start, end = "2026-03-01T22:00:00Z", "2026-03-27T21:00:00Z"
    store = open_bar_store(f"parquet://{home}")
    pairs = ("EUR_USD", "USD_JPY")
    for bars in demo_bars(pairs, parse_time(start), parse_time(end), seed=7).values():
        store.append(bars)
    (home / "grid.yaml").write_text(yaml.safe_dump({"default": CELLS}))


def run_grid_once(client: httpx.Client) -> tuple[float, int]:
    """A forced run over the API: seconds of its process, and cells."""
    started = client.post("/api/backtests/run", json={"force": True}).raise_for_status().json()
    while True:
        facts = client.get(started["links"]["self"]).raise_for_status().json()
        if facts["state"] == "completed":
            latest = client.get("/api/backtests/latest").raise_for_status().json()
            cells = sum(each["cells"]["total"] for each in latest["instruments"].values())
            return float(facts["duration_seconds"]), cells
        if facts["state"] != "running":
            raise RuntimeError(f"the run is {orjson.dumps(facts).decode()}")
        time.sleep(0.5)


async def _loaded_run(client: httpx.Client, port: int) -> tuple[float, Asked]:
    """A run with all clients asking from before it starts until after it has ended."""
    running = asyncio.create_task(asyncio.to_thread(run_grid_once, client))
    asked = await load(port, CLIENTS, 1.0, PATHS, running.done)
    return (await running)[0], asked


def service() -> list[Row]:
    """Clients beside a grid, the grid with and without them in turns, and replies at full speed."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        fill(home)
        with (
            served(home) as (port, process),
            httpx.Client(
                base_url=f"http://127.0.0.1:{port}", timeout=120, trust_env=False
            ) as client,
        ):
            _, cells = run_grid_once(client)
            return [*_beside_a_grid(client, port, process, cells), *_unbounded(port)]


def _used_s(process: psutil.Process) -> float:
    """Processor time of a process itself so far: its runners are not in it."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _beside_a_grid(
    client: httpx.Client, port: int, process: psutil.Process, cells: int
) -> list[Row]:
    alone: list[float] = []
    loaded: list[float] = []
    all_asked, used_s = Asked(), 0.0
    began = time.perf_counter()
    while len(alone) < PAIRS_OF_RUNS or time.perf_counter() - began < LOAD_S:
        alone.append(run_grid_once(client)[0])
        used_s -= _used_s(process)
        seconds, asked = asyncio.run(_loaded_run(client, port))
        used_s += _used_s(process)
        loaded.append(seconds)
        all_asked.seconds += asked.seconds
        all_asked.errors += asked.errors
        all_asked.replies_304 += asked.replies_304
    slower = median(mine / other - 1 for mine, other in zip(loaded, alone, strict=True))
    on = f"{CLIENTS} clients, one request a second each, {cells:,} cells, {len(alone)} pairs"
    asked_at = partial(Row, on=on)
    count = len(all_asked.seconds)
    return [
        asked_at("replies beside a grid", count, "replies", ""),
        asked_at("errors among them", all_asked.errors, "replies", "0"),
        asked_at("share of 304", 100 * all_asked.replies_304 / count, "%", ""),
        asked_at("time to answer, median", all_asked.quantile_ms(0.5), "ms", ""),
        asked_at("time to answer, p99", all_asked.quantile_ms(0.99), "ms", ""),
        asked_at("processor time of the service per reply", 1e3 * used_s / count, "ms", ""),
        asked_at("grid alone", median(alone), "s", ""),
        asked_at("grid with the clients", median(loaded), "s", ""),
        asked_at("slow-down of the grid", 100 * slower, "%", "10"),
    ]


def _past(end: float) -> bool:
    return time.perf_counter() > end


def _unbounded(port: int) -> list[Row]:
    rows = []
    for path in PATHS:
        end = time.perf_counter() + UNBOUNDED_S
        over = partial(_past, end)
        asked = asyncio.run(load(port, AT_ONCE, 0.0, (path,), over))
        on = f"{AT_ONCE} connections with an ETag, client on the same cores"
        name = path.rsplit("/", 1)[1]
        rows += [
            Row(f"{name} at full speed", len(asked.seconds) / UNBOUNDED_S, "1/s", "", on),
            Row(f"{name} at full speed, p99", asked.quantile_ms(0.99), "ms", "", on),
        ]
    return rows
